"""Sheets: everything that a map on a wall must have, on SVG and PNG alike."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from any_network import subject
from matplotlib import image
from sdnctl_in_process import sdnctl

from sdnctl.drawing import palette
from sdnctl.drawing.canvas import Clipped, Drawing, Fill, Marks, Stroke, Text
from sdnctl.drawing.gather import gather
from sdnctl.drawing.mapframe import Frame
from sdnctl.drawing.places import name_spots
from sdnctl.drawing.png import png
from sdnctl.drawing.scene import Area, Scene
from sdnctl.drawing.sheet import sheet
from sdnctl.drawing.svg import svg
from sdnctl.errors import InputError
from sdnctl.inventory.geometry import distance
from sdnctl.usecases.consequences import Judge

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def scene(*cut: str) -> Scene:
    one = subject("small")
    drawn = gather(one.loaded.plant, one.compiled, one.loaded.network.endpoints, one.loaded.access)
    return replace(drawn, cut=cut, cut_event=Judge(one.compiled).cut(cut)) if cut else drawn


def texts(drawing: Drawing) -> list[str]:
    found = [item.text for item in drawing.items if isinstance(item, Text)]
    return found + [
        item.text
        for part in drawing.items
        if isinstance(part, Clipped)
        for item in part.items
        if isinstance(item, Text)
    ]


# ── what is on it ────────────────────────────────────────────────────────────────────────────────


def test_a_sheet_has_title_names_legend_scale_north_and_sources() -> None:
    found = texts(sheet(scene()))
    assert scene().name in found
    assert "N" in found
    assert any(text.endswith(" km") and text[0].isdigit() for text in found)
    assert {"Datacentre", "Old exchange", "West point of presence"} <= set(found)
    assert {"Sites", "Links by load", "Routes and zones", "Endpoints", "Applications"} <= set(found)
    assert {one.name for one in scene().applications} <= set(found)
    assert "synthetic, drawn for the small example" in found


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    drawing = sheet(scene())
    frame = Frame.around((10, 10, 317, 287), [(4.2, 43.7), (4.5, 43.9)])
    for metres in (1_000.0, 8_000.0):
        a, b = (4.35, 43.8), (4.35 + metres / 80_300, 43.8)
        drawn = abs(frame.at(b)[0] - frame.at(a)[0])
        assert drawn == pytest.approx(float(distance(a, b)) * frame.scale, rel=0.004)
    marks = [
        item for item in drawing.items if isinstance(item, Text) and item.anchor == "middle" and item.text != "N"
    ]
    assert [item.text for item in marks] == ["0", "2", "4 km"]
    start, middle, end = sorted(item.at[0] for item in marks)
    assert end - middle == pytest.approx(middle - start)


def test_everything_of_the_column_stays_on_the_paper() -> None:
    for drawing in (sheet(scene()), sheet(scene("segment:s-pont-n-pont-s"))):
        for item in drawing.items:
            if isinstance(item, Text):
                assert 0 < item.at[0] < drawing.width
                assert 0 < item.at[1] <= drawing.height - 9
                assert item.size >= 2.2


def test_a_cut_is_told_and_shown() -> None:
    cut = "segment:s-pont-n-pont-s"
    drawing = sheet(scene(cut))
    found = texts(drawing)
    assert cut in found
    assert "2 links go dark; 8 demands ran there." in found
    clipped = next(part for part in drawing.items if isinstance(part, Clipped))
    red = [item for item in clipped.items if isinstance(item, Stroke) and item.colour == palette.ALARM]
    down = [link for link in scene().links if link.id in {"core-a--pop-south", "core-b--pop-south"}]
    dashed = next(item for item in red if item.dash)
    assert len(dashed.lines) == sum(len(link.segments) for link in down)
    assert any(not item.dash and len(item.lines) == 1 for item in red)


def test_what_is_chosen_stands_out() -> None:
    chosen = replace(scene(), chosen="flood-sensors")
    clipped = next(part for part in sheet(chosen).items if isinstance(part, Clipped))
    paths = [item for item in clipped.items if isinstance(item, Stroke) and item.colour == palette.PATH]
    assert paths
    bright = {item.fill for item in clipped.items if isinstance(item, Marks)}
    assert palette.FADED in bright


def test_without_positions_there_is_no_scale() -> None:
    found = texts(sheet(replace(scene(), placed=False)))
    assert "N" not in found
    assert any("no positions" in text for text in found)


def test_areas_are_named_inside_themselves() -> None:
    ring = ((4.30, 43.86), (4.40, 43.86), (4.40, 43.90), (4.30, 43.90), (4.30, 43.86))
    drawing = sheet(replace(scene(), areas=(Area("Combelle", (ring,), name_spots([ring])),)))
    clipped = next(part for part in drawing.items if isinstance(part, Clipped))
    [name] = [item for item in clipped.items if isinstance(item, Text) and item.text == "Combelle"]
    outline = next(item for item in clipped.items if isinstance(item, Fill) and item.fill == palette.AREA_FILL)
    xs, ys = zip(*outline.rings[0], strict=True)
    assert min(xs) < name.at[0] < max(xs)
    assert min(ys) < name.at[1] < max(ys)


# ── how it is written ────────────────────────────────────────────────────────────────────────────


def test_svg_is_well_formed_and_the_same_each_time() -> None:
    text = svg(sheet(scene("segment:s-pont-n-pont-s")))
    root = ElementTree.fromstring(text)
    assert root.get("width") == "420mm"
    shown = [element.text for element in root.iter(f"{SVG}text")]
    assert scene().name in shown
    assert sorted(shown) == sorted(texts(sheet(scene("segment:s-pont-n-pont-s"))))
    assert text == svg(sheet(scene("segment:s-pont-n-pont-s")))
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_names_stay_text_in_svg() -> None:
    evil = "<script>&\"'</text>"
    root = ElementTree.fromstring(svg(sheet(replace(scene(), name=evil))))
    assert evil in [element.text for element in root.iter(f"{SVG}text")]
    assert not list(root.iter(f"{SVG}script"))


def test_png_shows_what_the_sheet_says() -> None:
    """Pixels where things must be: paper, a site's square, the frame's line; and not much of it blank."""
    drawing = sheet(scene())
    pixels = image.imread(io.BytesIO(png(drawing, dpi=100)))
    high, wide = pixels.shape[:2]
    assert (wide, high) == (round(420 / 25.4 * 100), round(297 / 25.4 * 100)) or abs(wide - 1653) <= 1
    clipped = next(part for part in drawing.items if isinstance(part, Clipped))
    sites = next(i for i in clipped.items if isinstance(i, Marks) and i.form == "square" and i.radius > 1.5)
    for x, y in sites.at:
        red, green, blue = pixels[round(y / 297 * high), round(x / 420 * wide), :3]
        assert max(red, green, blue) < 0.35
    assert pixels[3, 3, :3].min() > 0.98
    inked = (pixels[:, :, :3].min(axis=2) < 0.75).mean()
    assert 0.005 < inked < 0.5


def test_without_matplotlib_a_png_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="pip install 'sdnctl\\[draw\\]'"):
        png(sheet(scene()))


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_command_writes_sheets(kind: str, tmp_path: Path) -> None:
    out = tmp_path / f"map.{kind}"
    done = sdnctl("-n", ROOT / "lab" / "examples" / "small-links", "show", "map", "flood-sensors", "-o", out)
    assert done.code == 0, done.err
    assert out.read_bytes().startswith(b"<svg" if kind == "svg" else b"\x89PNG")
