"""Drawings as the pages of a PDF 1.7 file (ISO 32000-1), written here: nothing need be installed for it.

Only what `canvas` knows is written: paths, circles, and text in the typeface that travels with this package, which
is put into the file so that the text looks alike everywhere and can be searched and copied. The same drawings give
the same bytes; there is no date in them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from sdnctl.drawing import assets, metrics
from sdnctl.drawing.canvas import Clipped, Drawing, Fill, Item, Marks, Spot, Stroke, Text, corners

POINT = 72 / 25.4
"""Points in a millimetre."""
ROUND = 0.5522847498
"""How far the control points of a quarter of a circle lie from its ends, in radii."""
HALO = 0.22
"""Width of the line round letters, in heights of the text; the same in `svg` and `png`."""
MISSING = 0
"""The glyph of a character that the typeface does not have: an empty box."""


def pdf(drawings: Sequence[Drawing], title: str = "") -> bytes:
    """The drawings as one document, a page each."""
    return _Writer(title or (drawings[0].title if drawings else "")).write(drawings)


@cache
def _glyphs(face: str) -> dict[str, tuple[int, float]]:
    return metrics.read_glyphs(_font_file(face))


@cache
def _font_file(face: str) -> bytes:
    return assets.resource("vendor", "barlow", f"BarlowSemiCondensed-{face}.ttf").read_bytes()


@dataclass(slots=True)
class _Resources:
    """What pages refer to: faces with the characters used of them, and opacities."""

    used: dict[str, dict[int, tuple[str, float]]] = field(default_factory=dict)
    opacities: dict[float, str] = field(default_factory=dict)

    def encode(self, text: str, face: str) -> str:
        """The text as hexadecimal numbers of glyphs, two bytes each."""
        table, used = _glyphs(face), self.used.setdefault(face, {})
        numbers = []
        for character in text:
            glyph, advance = table.get(character, (MISSING, metrics.UNKNOWN))
            used.setdefault(glyph, (character, advance))
            numbers.append(f"{glyph:04X}")
        return "".join(numbers)

    def opacity(self, value: float) -> str:
        return self.opacities.setdefault(value, f"A{len(self.opacities)}")


# ── the contents of a page ───────────────────────────────────────────────────────────────────────


def _content(drawing: Drawing, resources: _Resources) -> bytes:
    """The operators that draw a page. Its coordinates are turned: millimetres from the top left corner."""
    parts = [f"{_n(POINT)} 0 0 {_n(-POINT)} 0 {_n(drawing.height * POINT)} cm", "1 j"]
    for item in drawing.items:
        if isinstance(item, Clipped):
            left, top, right, bottom = item.box
            parts.append(f"q {_n(left)} {_n(top)} {_n(right - left)} {_n(bottom - top)} re W n")
            for inner in item.items:
                parts.extend(_item(inner, resources))
            parts.append("Q")
        else:
            parts.extend(_item(item, resources))
    return "\n".join(parts).encode("ascii")


def _item(item: Item, resources: _Resources) -> Iterator[str]:
    if isinstance(item, Text):
        yield from _text(item, resources)
        return
    opacity = 1.0 if isinstance(item, Marks) else item.opacity
    if opacity < 1:
        yield f"q /{resources.opacity(opacity)} gs"
    if isinstance(item, Stroke):
        ends = 1 if item.round and not item.dash else 0
        yield f"{_rgb(item.colour)} RG {_n(item.width)} w {ends} J {_dash(item.dash)}"
        yield f"{_path(item.lines, close=False)} S"
    elif isinstance(item, Fill):
        yield f"{_look(item.fill, item.colour, item.width)} 0 J {_dash(item.dash)}"
        yield f"{_path(item.rings)} {'B*' if item.colour and item.width else 'f*'}"
    else:
        yield f"{_look(item.fill, item.colour, item.width)} {_dash(())}"
        if item.form == "circle":
            shape = " ".join(_circle(at, item.radius) for at in item.at)
        else:
            shape = _path(corners(item.form, at, item.radius) for at in item.at)
        yield f"{shape} {'B' if item.colour and item.width else 'f'}"
    if opacity < 1:
        yield "Q"


def _text(item: Text, resources: _Resources) -> Iterator[str]:
    if not item.text:
        return
    wide = metrics.width(item.text, item.size, item.face, item.spacing) - item.spacing
    x = item.at[0] - {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor] * wide
    shown = resources.encode(item.text, item.face)
    head = f"BT /{item.face} {_n(item.size)} Tf {_n(item.spacing)} Tc 1 0 0 -1 {_n(x)} {_n(item.at[1])} Tm"
    if item.halo:
        width = _n(item.size * HALO)
        yield f"{_rgb(item.halo)} RG {width} w {_dash(())} {head} 1 Tr <{shown}> Tj 0 Tr ET"
    yield f"{_rgb(item.colour)} rg {head} <{shown}> Tj ET"


def _path(lines: Iterable[Sequence[Spot]], *, close: bool = True) -> str:
    parts = []
    for line in lines:
        steps = [f"{_n(x)} {_n(y)} {'l' if index else 'm'}" for index, (x, y) in enumerate(line)]
        parts.append(" ".join((*steps, "h") if close else steps))
    return " ".join(parts)


def _circle(at: Spot, r: float) -> str:
    x, y = at
    k = r * ROUND
    quarters = (
        (x + r, y + k, x + k, y + r, x, y + r),
        (x - k, y + r, x - r, y + k, x - r, y),
        (x - r, y - k, x - k, y - r, x, y - r),
        (x + k, y - r, x + r, y - k, x + r, y),
    )
    curves = " ".join(" ".join(map(_n, quarter)) + " c" for quarter in quarters)
    return f"{_n(x + r)} {_n(y)} m {curves} h"


def _look(fill: str, colour: str, width: float) -> str:
    stroke = f" {_rgb(colour)} RG {_n(width)} w" if colour and width else ""
    return f"{_rgb(fill)} rg{stroke}"


def _rgb(colour: str) -> str:
    """``#1f2a33`` or ``#fff`` as three shares."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return " ".join(_n(int(digits[index : index + 2], 16) / 255) for index in (0, 2, 4))


def _dash(dash: tuple[float, ...]) -> str:
    return f"[{' '.join(map(_n, dash))}] 0 d"


def _n(value: float) -> str:
    """At most four decimals, without zeros that say nothing; never an exponent, which PDF does not know."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if value else "0"


# ── the file round the pages ─────────────────────────────────────────────────────────────────────


class _Writer:
    """Numbers objects, writes them one after another, and the table of where each begins."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.objects: list[bytes] = []

    def add(self, body: bytes | str = b"") -> int:
        """A new object; its number."""
        self.objects.append(body.encode("latin-1") if isinstance(body, str) else body)
        return len(self.objects)

    def stream(self, data: bytes, entries: str = "") -> int:
        packed = zlib.compress(data, 9)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode{entries} >>\nstream\n"
        return self.add(head.encode("ascii") + packed + b"\nendstream")

    def write(self, drawings: Sequence[Drawing]) -> bytes:
        resources = _Resources()
        catalogue, tree, shared = self.add(), self.add(), self.add()
        contents = [self.stream(_content(drawing, resources)) for drawing in drawings]
        pages = [
            self.add(
                f"<< /Type /Page /Parent {tree} 0 R /Resources {shared} 0 R /Contents {content} 0 R "
                f"/MediaBox [0 0 {_n(drawing.width * POINT)} {_n(drawing.height * POINT)}] >>"
            )
            for drawing, content in zip(drawings, contents, strict=True)
        ]
        kids = " ".join(f"{page} 0 R" for page in pages)
        self.objects[tree - 1] = f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode("ascii")
        fonts = " ".join(f"/{face} {self.font(face, used)} 0 R" for face, used in sorted(resources.used.items()))
        states = " ".join(f"/{name} << /ca {_n(v)} /CA {_n(v)} >>" for v, name in resources.opacities.items())
        self.objects[shared - 1] = f"<< /Font << {fonts} >> /ExtGState << {states} >> >>".encode("ascii")
        self.objects[catalogue - 1] = f"<< /Type /Catalog /Pages {tree} 0 R >>".encode("ascii")
        information = self.add(f"<< /Title {_string(self.title)} /Producer (sdnctl) >>")
        return self.file(catalogue, information)

    def font(self, face: str, used: dict[int, tuple[str, float]]) -> int:
        """A cut of the typeface with its file, the widths of the glyphs used, and what characters they are."""
        content = _font_file(face)
        file = self.stream(content, f" /Length1 {len(content)}")
        name = f"BarlowSemiCondensed-{face}"
        described = self.add(
            f"<< /Type /FontDescriptor /FontName /{name} /Flags 32 /FontBBox [-500 -300 1300 1100] /ItalicAngle "
            f"{-12 if 'Italic' in face else 0} /Ascent 1000 /Descent -200 /CapHeight 700 /StemV 80 "
            f"/FontFile2 {file} 0 R >>"
        )
        widths = " ".join(f"{glyph} [{_n(advance * 1000)}]" for glyph, (_, advance) in sorted(used.items()))
        inner = self.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDToGIDMap /Identity "
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "
            f"/FontDescriptor {described} 0 R /DW 550 /W [{widths}] >>"
        )
        characters = self.stream(_to_unicode(used))
        return self.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H "
            f"/DescendantFonts [{inner} 0 R] /ToUnicode {characters} 0 R >>"
        )

    def file(self, catalogue: int, information: int) -> bytes:
        parts = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"]
        position, starts = len(parts[0]), []
        for number, body in enumerate(self.objects, start=1):
            part = b"%d 0 obj\n%s\nendobj\n" % (number, body)
            starts.append(position)
            position += len(part)
            parts.append(part)
        count = len(starts) + 1
        rows = b"".join(b"%010d 00000 n \n" % start for start in starts)
        parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, rows))
        trailer = f"<< /Size {count} /Root {catalogue} 0 R /Info {information} 0 R >>"
        parts.append(f"trailer\n{trailer}\nstartxref\n{position}\n%%EOF\n".encode("ascii"))
        return b"".join(parts)


def _to_unicode(used: dict[int, tuple[str, float]]) -> bytes:
    """A CMap from glyphs to characters, a hundred to a block as the format has it."""
    rows = [
        f"<{glyph:04X}> <{character.encode('utf-16-be').hex().upper()}>"
        for glyph, (character, _) in sorted(used.items())
        if glyph != MISSING
    ]
    blocks = [rows[start : start + 100] for start in range(0, len(rows), 100)]
    lines = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <FFFF> endcodespacerange",
    ]
    for block in blocks:
        lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines).encode("ascii")


def _string(text: str) -> str:
    """Text as a hexadecimal string with a byte order mark."""
    return f"<{(chr(0xFEFF) + text).encode('utf-16-be').hex().upper()}>"
