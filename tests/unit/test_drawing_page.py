"""The page's text: complete in itself, safe whatever names are in it, the same for the same scene."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from any_network import subject
from sdnctl_in_process import sdnctl

from sdnctl.drawing import assets, palette
from sdnctl.drawing.encode import decode_line, document
from sdnctl.drawing.gather import gather
from sdnctl.drawing.page import page, script_safe
from sdnctl.drawing.scene import Scene
from sdnctl.usecases.consequences import Judge

ROOT = Path(__file__).parents[2]


@cache
def scene() -> Scene:
    one = subject("small")
    drawn = gather(one.loaded.plant, one.compiled, one.loaded.network.endpoints, one.loaded.access)
    return replace(drawn, consequences=Judge(one.compiled).everything())


def data(text: str) -> dict[str, object]:
    """What the page embeds."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    embedded: dict[str, object] = json.loads(found.group(1))
    return embedded


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def test_a_page_holds_everything_and_asks_for_nothing() -> None:
    leaflet = assets.text("vendor", "leaflet", "leaflet.js").partition("//# sourceMappingURL")[0]
    whole = page(scene())
    assert leaflet in whole
    text = whole.replace(
        leaflet, ""
    )  # it has addresses in it, such as that of its own home page; none is asked for
    assert "{{" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "").replace("http://leafletjs.com", "")
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:)""", text)
    assert not re.search(r"url\((?!data:|#)", text)
    assert "sourceMappingURL" not in text
    assert "default-src 'none'" in text
    assert "Volodymyr Agafonkin" in text  # the licence of Leaflet goes with it
    assert "SIL Open Font License" in text


def test_the_same_scene_gives_the_same_page() -> None:
    assert page(scene()) == page(replace(scene()))


def test_names_cannot_break_out() -> None:
    evil = "</script><script>alert(1)</script> \u2028 {{data}} <!-- & \"'"
    text = page(replace(scene(), name=evil, state="{{js}}"))
    assert "<script>alert" not in text
    assert text.count("<script") == 3
    assert data(text)["name"] == evil
    assert data(text)["state"] == "{{js}}"
    assert json.loads(script_safe(json.dumps(["<", "\u2028\u2029"], ensure_ascii=False))) == ["<", "\u2028\u2029"]


def test_what_is_embedded_is_the_scene() -> None:
    found = document(scene())
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(data(page(scene()))))
    for row, segment in zip(found["segments"], scene().segments, strict=True):
        assert row[0] == segment.id
        for found_at, at in zip(decode_line(row[2]), segment.line, strict=True):
            assert found_at == pytest.approx(at, abs=1e-6)
    assert set(found["things"]) == set(scene().consequences.by_thing)
    assert {name for name, *_ in found["endpoints"]} == {one.id for one in scene().endpoints}


def test_every_colour_of_the_style_is_one_of_the_palette() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)\)", assets.text("page", "map.css")))
    known = {name.lower().replace("_", "-") for name, value in vars(palette).items() if isinstance(value, str)}
    assert used <= known


# ── colours ──────────────────────────────────────────────────────────────────────────────────────


def test_kinds_differ_in_colour_and_shape_as_long_as_they_can() -> None:
    kinds = [f"kind-{number:02}" for number in range(24)]
    marks = palette.marks(kinds)
    assert len(set(marks.values())) == 24
    assert len({colour for colour, _ in list(marks.values())[:8]}) == 8
    frequent = palette.marks(["rare", "common", "common"])
    assert list(frequent) == ["common", "rare"]


def test_colours_are_told_apart_without_red_or_green() -> None:
    """The fates of demands, as seen with deuteranopia and protanopia (Viénot, Brettel and Mollon 1999)."""
    fates = [palette.SAVED, palette.STANDBY, palette.LOST, palette.ALARM]
    for matrix in (_DEUTERANOPIA, _PROTANOPIA):
        seen = [_seen(colour, matrix) for colour in fates]
        for index, one in enumerate(seen):
            for other in seen[index + 1 :]:
                assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.12


_DEUTERANOPIA = ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0))
_PROTANOPIA = ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0))


def _seen(colour: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    """Linear RGB of a colour as somebody sees it whose eyes lack one kind of cone."""
    linear = [(int(colour[index : index + 2], 16) / 255) ** 2.2 for index in (1, 3, 5)]
    return tuple(sum(weight * part for weight, part in zip(row, linear, strict=True)) for row in matrix)


@pytest.mark.parametrize("steps", [palette.LOAD_STEPS, palette.FILL_STEPS])
def test_scales_cover_everything(steps: tuple[tuple[float, str, str], ...]) -> None:
    assert palette.step(steps, 0.0) == steps[0][1]
    assert palette.step(steps, steps[1][0]) == steps[1][1]
    assert palette.step(steps, 123.0) == steps[-1][1]


# ── the command ──────────────────────────────────────────────────────────────────────────────────


def test_show_map_writes_a_page_and_says_what_the_cut_does(tmp_path: Path) -> None:
    out = tmp_path / "map.html"
    small = ROOT / "lab" / "examples" / "small"
    done = sdnctl("-n", small, "-f", "json", "show", "map", "-o", out, "--cut", "segment:s-pont-n-pont-s")
    assert done.code == 0, done.err
    found = done.document
    assert found["map"] == str(out)
    assert found["cut"]["links"] == ["core-a--pop-south", "core-b--pop-south"]
    assert found["demands"]["video-protection"]["repaired"] == 4
    embedded = data(out.read_text(encoding="utf-8"))
    assert isinstance(embedded["cut"], dict)
    assert embedded["cut"]["what"] == ["segment:s-pont-n-pont-s"]
    assert (
        "video-protection" in sdnctl("-n", small, "show", "map", "-o", out, "--cut", "segment:s-pont-n-pont-s").out
    )


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("map", "-o", "map.pdf"), 64, "neither a page nor a picture"),
        (("map", "-o", "map.html", "--cut", "segment:none"), 1, "segment:none"),
        (("map", "no-such-application", "-o", "map.html"), 1, "no application or demand"),
        (("links", "-o", "map.html"), 64, "belong to `show map`"),
        (("links", "--cut", "x"), 64, "belong to `show map`"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    arguments: tuple[str, ...], code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = sdnctl("-n", ROOT / "lab" / "examples" / "small", "show", *arguments)
    assert done.code == code
    assert text in done.plain
    assert not list(tmp_path.iterdir())


def test_the_wheel_brings_everything_along(tmp_path: Path) -> None:
    """Scripts, style, Leaflet and fonts are in the built package, not only in the checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        inside = {name for name in packed.namelist() if name.startswith("sdnctl/drawing/")}
    here = ROOT / "sdnctl" / "drawing"
    wanted = {f"sdnctl/drawing/{path.relative_to(here)}" for path in here.rglob("*") if path.is_file()}
    assert {name for name in wanted if "__pycache__" not in name} <= inside
    assert "sdnctl/drawing/vendor/leaflet/LICENSE" in inside
    assert "sdnctl/drawing/vendor/barlow/OFL.txt" in inside
