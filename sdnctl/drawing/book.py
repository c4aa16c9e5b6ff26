"""Several sheets in one file: SVG with one below the other, HTML that prints a sheet a page, PDF."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sdnctl.drawing import svg
from sdnctl.drawing.canvas import Drawing

GAP = 6.0
"""Millimetres between the sheets of one SVG."""

SCREEN = """
body{margin:0;background:#d9d6cf}
svg{display:block;margin:6mm auto;box-shadow:0 1mm 4mm #0004;max-width:calc(100vw - 12mm);height:auto}
@media print{body{background:none}svg{margin:0;box-shadow:none;max-width:none;break-after:page}}
"""


def book_svg(sheets: Sequence[Drawing]) -> str:
    """All sheets as one SVG document, one below the other."""
    if len(sheets) == 1:
        return svg.svg(sheets[0])
    width = max(sheet.width for sheet in sheets)
    height = sum(sheet.height for sheet in sheets) + GAP * (len(sheets) - 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" role="img">',
        f"<title>{escape(sheets[0].title)}</title>",
        f"<desc>{escape(sheets[0].description)}</desc>",
        f"<style>{svg.style()}</style>",
    ]
    top = 0.0
    for number, sheet in enumerate(sheets, start=1):
        parts.append(f'<svg y="{top:g}" width="{sheet.width:g}" height="{sheet.height:g}">')
        parts += svg.elements(sheet, f"p{number}c")
        parts.append("</svg>")
        top += sheet.height + GAP
    return "\n".join((*parts, "</svg>", ""))


def book_html(sheets: Sequence[Drawing]) -> str:
    """A page to look at and to print, with everything in it; it asks nothing of any network."""
    first = sheets[0]
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f"<title>{escape(first.title)}</title>",
        f"<style>\n{svg.style()}\n@page{{size:{first.width:g}mm {first.height:g}mm;margin:0}}{SCREEN}</style>",
        "</head>\n<body>",
    ]
    for number, sheet in enumerate(sheets, start=1):
        size = (
            f'width="{sheet.width:g}mm" height="{sheet.height:g}mm" viewBox="0 0 {sheet.width:g} {sheet.height:g}"'
        )
        parts.append(f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">')
        parts.append(f"<title>{escape(sheet.title)}, {number}/{len(sheets)}</title>")
        parts += svg.elements(sheet, f"p{number}c")
        parts.append("</svg>")
    return "\n".join((*parts, "</body>\n</html>\n"))
