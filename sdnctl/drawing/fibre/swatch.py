"""The colour of a tube or strand as it is seen in the closure: a patch with its number, ring marks as bars.

Every patch has a dark and a light outline, so that white is seen on white paper and black on a black screen; the
number in it, and the name beside it, tell what a monochrome printer does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from sdnctl.drawing.canvas import Fill, Item, Stroke, Text
from sdnctl.drawing.metrics import width
from sdnctl.inventory.colours import Mark

HEIGHT = 3.0
WIDTH = 6.2
OUTLINE = "#000000"
EDGE = "#ffffff"
BAR = 0.55
"""Width of a ring mark, and of the gap before it."""
NAME = 2.2


def swatch(x: float, y: float, mark: Mark, wide: float = WIDTH, high: float = HEIGHT) -> Iterator[Item]:
    """A patch with its top left corner at (x, y); the number stands left of the ring marks."""
    ink = ink_on(mark.colour.rgb)
    yield Fill((rectangle(x - 0.15, y - 0.15, wide + 0.3, high + 0.3),), EDGE)
    yield Fill((rectangle(x, y, wide, high),), mark.colour.rgb, OUTLINE, 0.15)
    right = x + wide
    for _ in range(mark.rings):
        right -= 2 * BAR
        yield Fill((rectangle(right, y + 0.08, BAR, high - 0.16),), ink)
    number = Text(
        ((x + right) / 2, y + high / 2 + high * 0.27), str(mark.number), high * 0.76, ink, "SemiBold", "middle"
    )
    yield number


def named(x: float, y: float, mark: Mark, colour: str, room: float) -> Iterator[Item]:
    """A patch with the colour's name on its right, in `room` millimetres."""
    yield from swatch(x, y, mark)
    text, size = fitted(mark.label, NAME, room - WIDTH - 1.0)
    yield Text((x + WIDTH + 0.8, y + HEIGHT / 2 + 0.75), text, size, colour)


def ink_on(rgb: str) -> str:
    """Black or white, whichever stands out more: by relative luminance (WCAG 2), but white on red."""
    channels = [int(rgb[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.25 else "#ffffff"


def rectangle(x: float, y: float, wide: float, high: float) -> tuple[tuple[float, float], ...]:
    return (x, y), (x + wide, y), (x + wide, y + high), (x, y + high)


def line(x1: float, y1: float, x2: float, y2: float, colour: str, wide: float = 0.2) -> Stroke:
    return Stroke((((x1, y1), (x2, y2)),), colour, wide, round=False)


SMALLEST = 0.62
"""How far text may be made smaller to fit, as a share of its size, before letters are left out."""


def fitted(text: str, size: float, room: float, face: str = "Regular") -> tuple[str, float]:
    """The text and its size so that it fits into `room`: smaller, then with letters left out in the middle."""
    wide = width(text, size, face)
    if wide <= room:
        return text, size
    smaller = max(size * room / wide, size * SMALLEST) if wide else size
    kept = len(text)
    shown = text
    while kept > 2 and width(shown, smaller, face) > room + 1e-6:
        kept -= 1
        shown = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return shown, smaller
