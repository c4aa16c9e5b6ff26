"""Drawings of the small example, as committed: SVG without the typeface; `--update-golden` writes them anew."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from inventory_support import EXAMPLES

from sdnctl.drawing.canvas import Drawing
from sdnctl.drawing.fibre import axis, box, synoptic
from sdnctl.drawing.fibre.paper import Caption
from sdnctl.drawing.svg import elements
from sdnctl.usecases.closures import box_plan
from sdnctl.usecases.context import Context
from sdnctl.usecases.lines import line
from sdnctl.usecases.synoptics import select

DAY = date(2026, 1, 15)
CAPTION = Caption("Drawing", "of the small example", (("date", DAY.isoformat()),))


def closure(context: Context) -> tuple[Drawing, ...]:
    return box.draw(box_plan(context, "k-moulin", DAY))


def straight(context: Context) -> tuple[Drawing, ...]:
    return axis.draw(line(context, ["core-a:3/tx"]).chains, CAPTION)


def graph(context: Context) -> tuple[Drawing, ...]:
    return synoptic.draw(select(context, ["mill", "exchange"]).graph, CAPTION)


@pytest.mark.parametrize("made", [closure, straight, graph], ids=lambda made: made.__name__)
def test_drawing_is_as_committed(made: object, pytestconfig: pytest.Config) -> None:
    assert callable(made)
    golden = Path(__file__).parent / f"fibre_{made.__name__}.svg"
    (sheet,) = made(Context(EXAMPLES / "small"))
    size = f'width="{sheet.width:g}mm" height="{sheet.height:g}mm" viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
    text = "\n".join((f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', *elements(sheet), "</svg>", ""))
    if pytestconfig.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == text, "run this test with --update-golden"
