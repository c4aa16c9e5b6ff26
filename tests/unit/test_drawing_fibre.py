"""Drawings for crews: nothing overlaps or leaves its sheet, colours are seen, and the files are what they say."""

from __future__ import annotations

import re
import zlib
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from inventory_support import EXAMPLES

from sdnctl.drawing import metrics
from sdnctl.drawing.book import book_html, book_svg
from sdnctl.drawing.canvas import Clipped, Drawing, Fill, Stroke, Text
from sdnctl.drawing.fibre import axis, box, synoptic
from sdnctl.drawing.fibre.layout import crosses, place
from sdnctl.drawing.fibre.paper import Caption
from sdnctl.drawing.fibre.swatch import fitted, ink_on, swatch
from sdnctl.drawing.pdf import pdf
from sdnctl.inventory.colours import SCHEMES, Mark, tube_mark
from sdnctl.inventory.plant import CableType
from sdnctl.usecases.closures import box_plan
from sdnctl.usecases.context import Context
from sdnctl.usecases.lines import line
from sdnctl.usecases.synoptics import select

DAY = date(2026, 1, 15)
CAPTION = Caption("Drawing", "of something", (("date", "2026-01-15"),))


@cache
def drawn(what: str) -> tuple[Drawing, ...]:
    context = Context(EXAMPLES / "small")
    if what.startswith("k-"):
        return box.draw(box_plan(context, what, DAY))
    if what == "synoptic":
        return synoptic.draw(select(context, ()).graph, CAPTION)
    return axis.draw(line(context, what.split()).chains, CAPTION)


EVERY = ("k-moulin", "k-carrefour", "synoptic", "core-a--pop-north", "c-south-west:13")


def texts(sheet: Drawing) -> list[Text]:
    return [item for item in sheet.items if isinstance(item, Text)]


def bounds(text: Text) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is inked: letters reach 0.72 em up and 0.2 em down."""
    wide = metrics.width(text.text, text.size, text.face)
    left = text.at[0] - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * wide
    return left, text.at[1] - 0.72 * text.size, left + wide, text.at[1] + 0.2 * text.size


@pytest.mark.parametrize("what", EVERY)
def test_no_text_leaves_its_sheet_or_meets_another(what: str) -> None:
    for sheet in drawn(what):
        boxes = [(one, bounds(one)) for one in texts(sheet)]
        for one, (left, top, right, bottom) in boxes:
            assert min(left, top, sheet.width - right, sheet.height - bottom) >= 5, one
        for (one, a), (two, b) in combinations(boxes, 2):
            meet = a[0] < b[2] - 0.05 and b[0] < a[2] - 0.05 and a[1] < b[3] - 0.05 and b[1] < a[3] - 0.05
            assert not meet, (one.text, two.text)


@pytest.mark.parametrize("what", EVERY)
def test_every_letter_is_in_the_typeface_and_large_enough(what: str) -> None:
    for sheet in drawn(what):
        for one in texts(sheet):
            assert set(one.text) <= set(metrics.advances(one.face)), one.text
            assert one.size >= 1.4, one  # mm: four points


def test_each_strand_of_open_tubes_is_there_and_each_splice_has_its_row() -> None:
    said = [one.text for sheet in drawn("k-carrefour") for one in texts(sheet)]
    assert said.count("S") == 288
    assert {f"Cassette {number}*" for number in range(1, 13)} <= set(said)
    assert said.count("dark") == 142
    assert len([text for text in said if text.startswith("core-a--pop-north")]) == 3  # two splices, one list
    said = [one.text for sheet in drawn("k-moulin") for one in texts(sheet)]
    assert (said.count("S"), said.count("U"), said.count("W")) == (4, 10, 22)
    assert "70 of 72 pass uncut" in said


def test_marks_are_seen_on_white_and_on_black_and_without_colour() -> None:
    for order in SCHEMES.values():
        for number, colour in enumerate(order, start=1):
            mark = Mark(number + 12, colour, 1, colour.french)
            edge, patch, bar, figure = swatch(10.0, 10.0, mark)
            assert isinstance(edge, Fill)
            assert edge.fill == "#ffffff"
            assert isinstance(patch, Fill)
            assert (patch.fill, patch.colour) == (colour.rgb, "#000000")
            assert isinstance(bar, Fill)
            assert bar.fill == ink_on(colour.rgb)
            assert isinstance(figure, Text)
            assert figure.text == str(number + 12)
            assert contrast(figure.colour, colour.rgb) >= 3.0  # WCAG 2 for graphics
            assert inside(bar, patch)


def contrast(one: str, two: str) -> float:
    def luminance(rgb: str) -> float:
        parts = [int(rgb[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def inside(inner: Fill, outer: Fill) -> bool:
    (ring,), (frame,) = inner.rings, outer.rings
    xs, ys = [x for x, _ in frame], [y for _, y in frame]
    return all(min(xs) <= x <= max(xs) and min(ys) <= y <= max(ys) for x, y in ring)


@pytest.mark.parametrize("rings", [0, 1, 2])
def test_ring_marks_are_counted_in_bars(rings: int) -> None:
    kind = CableType("t", 36, 36, "orange-fr", "G.652.D", 0.01, 1.468, {})
    mark = tube_mark(kind, 1 + 12 * rings)
    assert mark.rings == rings
    assert len(list(swatch(0.0, 0.0, mark))) == 3 + rings


def test_long_names_are_made_smaller_and_then_shorter() -> None:
    assert fitted("short", 3.0, 40.0) == ("short", 3.0)
    name = "a-name-that-is-rather-long"
    text, size = fitted(name, 3.0, 0.8 * metrics.width(name, 3.0))
    assert text == name
    assert size == pytest.approx(2.4)
    text, size = fitted("a-name-that-is-much-too-long-for-this", 3.0, 12.0)
    assert "…" in text
    assert metrics.width(text, size) <= 12.0


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_a_pdf_has_every_page_and_its_text_can_be_searched() -> None:
    sheets = drawn("k-carrefour")
    made = pdf(sheets)
    assert made == pdf(sheets)
    objects = pdf_objects(made)
    pages = [body for body in objects.values() if b"/Type /Page " in body]
    assert len(pages) == len(sheets) > 2
    assert b"/MediaBox [0 0 595.2756 841.8898]" in pages[0]
    letters = {
        int(glyph, 16): bytes.fromhex(code).decode("utf-16-be")
        for body in objects.values()
        for glyph, code in re.findall(r"<([0-9A-F]{4})> <([0-9A-F]{4})>", unpacked(body).decode("latin-1"))
    }
    for page, sheet in zip(pages, sheets, strict=True):
        (number,) = re.findall(rb"/Contents (\d+) 0 R", page)
        content = unpacked(objects[int(number)]).decode("ascii")
        shown = [
            "".join(letters[int(code[at : at + 4], 16)] for at in range(0, len(code), 4))
            for code in re.findall(r"<([0-9A-F]+)> Tj", content)
        ]
        assert shown == [one.text for one in texts(sheet) if one.text]


def pdf_objects(made: bytes) -> dict[int, bytes]:
    """Every object by number, read by way of the table at the end."""
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n\Z", made)[0])
    assert made[start:].startswith(b"xref\n0 ")
    rows = re.findall(rb"(\d{10}) 00000 n \n", made[start:])
    found = {}
    for number, row in enumerate(rows, start=1):
        begin = int(row)
        assert made[begin:].startswith(b"%d 0 obj\n" % number)
        found[number] = made[begin : made.index(b"\nendobj\n", begin)]
    return found


def unpacked(body: bytes) -> bytes:
    if b"/FlateDecode" not in body:
        return b""
    data = body[body.index(b"stream\n") + 7 : body.rindex(b"\nendstream")]
    return zlib.decompress(data)


def test_a_pdf_of_every_kind_of_item() -> None:
    sheet = Drawing(100, 50, "a (title)", "")
    sheet.add(
        Stroke((((1, 1), (9, 9)),), "#123456", 0.5, (1, 2), 0.5),
        Clipped((0, 0, 5, 5), (Text((1, 1), "ab", 3, "#000", halo="#fff", anchor="end"),)),
        Text((1, 9), "\u6f22", 3, "#000"),  # no letter of the typeface: an empty box, and no error
    )
    objects = pdf_objects(pdf([sheet]))
    content = next(text for body in objects.values() if b" BT " in (text := unpacked(body)) or b"\nBT " in text)
    assert b"[1 2] 0 d" in content
    assert b"re W n" in content
    assert b"1 Tr" in content
    assert any(b"/ca 0.5 /CA 0.5" in body for body in objects.values())


def test_svg_and_html_are_well_formed_and_ask_nothing_of_a_network() -> None:
    sheets = drawn("k-carrefour")
    tree = ElementTree.fromstring(book_svg(sheets))
    assert len(tree.findall("{http://www.w3.org/2000/svg}svg")) == len(sheets)
    page = book_html(sheets)
    assert page.count("<svg ") == len(sheets)
    for text in (page, book_svg(sheets)):
        addresses = set(re.findall(r"https?://[^\"'\s)]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"<(?:script|link|img|iframe|image)\b", text)


# ── layout ───────────────────────────────────────────────────────────────────────────────────────


def crossings(cells: dict[str, tuple[int, int]], edges: list[tuple[str, str]]) -> int:
    return sum(
        crosses(cells[a], cells[b], cells[c], cells[d])
        for (a, b), (c, d) in combinations(edges, 2)
        if not {a, b} & {c, d}
    )


def test_a_ring_and_a_grid_are_laid_without_crossings_whatever_the_order() -> None:
    ring = [(f"n{i}", f"n{(i + 1) % 8}") for i in range(8)]
    spots = {f"n{i}": (float(i * 3 % 8), float(i * 5 % 8)) for i in range(8)}  # a tangle in the world
    cells = place(spots, ring)
    assert len(set(cells.values())) == 8
    assert crossings(cells, ring) == 0
    again = place(dict(reversed(spots.items())), [(b, a) for a, b in reversed(ring)])
    assert again == cells


def test_the_small_example_crosses_once_at_most() -> None:
    graph = select(Context(EXAMPLES / "small"), ()).graph
    edges = sorted({(min(o.a, o.b), max(o.a, o.b)) for found in graph.sections.values() for o in found})
    cells = place({key: node.at or (0.0, 0.0) for key, node in graph.nodes.items()}, edges)
    assert len(set(cells.values())) == len(cells) == len(graph.nodes)
    assert crossings(cells, edges) <= 1


def test_sections_and_drops_of_the_synoptic() -> None:
    graph = select(Context(EXAMPLES / "small"), ()).graph
    assert [(one.a, one.b) for one in graph.sections["c-south-west"]] == [
        ("south", "fc-moulin"),
        ("fc-moulin", "west"),
    ]
    first, second = graph.sections["c-south-west"]
    assert first.length + second.length == pytest.approx(3857)
    assert (first.used, first.free, first.lit) == (2, 70, 2)
    assert not graph.sections["c-estel-south"][0].in_service
    assert "c-ford" not in graph.sections  # abandoned
    chosen = select(Context(EXAMPLES / "small"), ("c-dc-*", "k-vigne")).graph
    assert set(chosen.sections) == {
        "c-dc-carrefour",
        "c-dc-south",
        "c-dc-west",
        "c-calvas-vigne",
        "c-vigne-dourbie",
    }


def test_files_are_written_as_their_names_say(tmp_path: Path) -> None:
    from sdnctl.usecases.closures import write_sheets

    for name, begins in (("a.pdf", b"%PDF-1.7"), ("a.svg", b"<svg "), ("a.html", b"<!doctype html>")):
        write_sheets(drawn("k-moulin"), tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begins)
