"""How wide text is in the typeface: read from the font files themselves, so that labels can be kept apart.

Of a TrueType font (OpenType specification) only three tables matter here: `cmap` (character → glyph, format 4),
`hmtx` (advance of each glyph) and `head` (units per em). Kerning is left out: it is less than a label's margin.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache

from sdnctl.drawing import assets

UNKNOWN = 0.55
"""Advance, in em, assumed for a character that the typeface does not have."""


@cache
def advances(face: str) -> Mapping[str, float]:
    """Character → advance in em, of one cut of the typeface (a name of `assets.FACES`)."""
    return read_advances(assets.resource("vendor", "barlow", f"BarlowSemiCondensed-{face}.ttf").read_bytes())


def read_advances(font: bytes) -> dict[str, float]:
    """Character → advance in em; raises ValueError for a font without a table it needs."""
    return {character: advance for character, (_, advance) in read_glyphs(font).items()}


def read_glyphs(font: bytes) -> dict[str, tuple[int, float]]:
    """Character → number of its glyph and advance in em; raises ValueError for a font without a table it needs."""
    tables = {}
    for index in range(struct.unpack(">H", font[4:6])[0]):
        tag, _, start, length = struct.unpack(">4sLLL", font[12 + 16 * index : 28 + 16 * index])
        tables[tag] = font[start : start + length]
    try:
        units = struct.unpack(">H", tables[b"head"][18:20])[0]
        metrics = struct.unpack(">H", tables[b"hhea"][34:36])[0]
        widths = struct.unpack(f">{2 * metrics}H", tables[b"hmtx"][: 4 * metrics])[::2]
        glyphs = _glyphs(tables[b"cmap"])
    except KeyError as missing:
        raise ValueError(f"the font has no table {missing}") from missing
    # Glyphs behind the last metric share its advance.
    return {chr(code): (glyph, widths[min(glyph, metrics - 1)] / units) for code, glyph in glyphs.items()}


def _glyphs(cmap: bytes) -> dict[int, int]:
    """Code point → glyph, from the Unicode subtable of format 4."""
    for index in range(struct.unpack(">H", cmap[2:4])[0]):
        platform, _, start = struct.unpack(">HHL", cmap[4 + 8 * index : 12 + 8 * index])
        table = cmap[start:]
        if platform in (0, 3) and struct.unpack(">H", table[:2])[0] == 4:
            return _format_4(table)
    raise ValueError("the font has no Unicode table of format 4")


def _format_4(table: bytes) -> dict[int, int]:
    count = struct.unpack(">H", table[6:8])[0] // 2

    def row(number: int) -> tuple[int, ...]:
        start = 14 + number * 2 * count + (2 if number else 0)  # a word of padding stands behind the first row
        return struct.unpack(f">{count}H", table[start : start + 2 * count])

    ends, starts, deltas, offsets = row(0), row(1), row(2), row(3)
    found = {}
    for segment, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = code
            if offsets[segment]:
                place = 16 + 6 * count + 2 * segment + offsets[segment] + 2 * (code - start)
                glyph = struct.unpack(">H", table[place : place + 2])[0]
                if not glyph:
                    continue
            found[code] = (glyph + deltas[segment]) & 0xFFFF
    return found


def width(text: str, size: float, face: str = "Regular", spacing: float = 0.0) -> float:
    """How wide a text is, in the unit of `size`; `spacing` is added behind each character."""
    table = advances(face)
    return sum(table.get(character, UNKNOWN) * size + spacing for character in text)


def wrap(text: str, size: float, room: float, face: str = "Regular") -> list[str]:
    """The text in lines that fit into `room`; a word that does not fit stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, face) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
