"""An OTDR trace on paper: backscatter over metres of fibre, its events named, that of commissioning behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sdnctl.drawing import palette
from sdnctl.drawing.canvas import Clipped, Drawing, Fill, Item, Marks, Spot, Stroke, Text
from sdnctl.drawing.metrics import width as text_width
from sdnctl.inventory.otdr import Finding, Kind, Survey
from sdnctl.inventory.otdr_remarks import name_of
from sdnctl.inventory.reflectogram import Reflectogram

WIDTH, HEIGHT = 297.0, 150.0
LEFT, TOP, RIGHT, BOTTOM = 18.0, 44.0, 287.0, 132.0
LABEL = 2.7
ROWS = 6
"""Rows of names above the curve."""
COLUMNS = 1200
"""Points along the curve: for each, the highest and the lowest sample, so that no peak is lost."""
ABOVE, BELOW = 4.0, 6.0
"""dB shown above the backscatter at the start, and below that at the end."""

_LOOK = {
    Kind.BREAK: (palette.ALARM, "cross"),
    Kind.NEW: (palette.LOST, "diamond"),
    Kind.BEYOND: (palette.MUTED, "cross"),
    Kind.ECHO: (palette.MUTED, "diamond"),
}
_USUAL = (palette.PATH, "circle")


def draw(found: Survey, reference: Survey | None = None) -> Drawing:
    """The sheet of one examined trace."""
    trace = found.trace
    drawing = Drawing(WIDTH, HEIGHT, f"OTDR trace {trace.name}", _description(found))
    drawing.add(Fill((((0.0, 0.0), (WIDTH, 0.0), (WIDTH, HEIGHT), (0.0, HEIGHT)),), palette.PAPER))
    drawing.add(Text((LEFT, 10.0), trace.name, 5.0, palette.INK, "SemiBold"))
    drawing.add(Text((LEFT, 16.0), _description(found), 3.2, palette.SOFT_INK))
    frame = _Frame(found, reference)
    drawing.add(*frame.grid())
    if reference is not None:
        drawing.add(Clipped(frame.box, tuple(frame.curve(reference.trace, palette.FADED, 0.5))))
        key = f"grey: {reference.trace.name}"
        drawing.add(Text((RIGHT, 16.0), key, 3.0, palette.MUTED, anchor="end"))
    drawing.add(*frame.doubt(found))
    drawing.add(Clipped(frame.box, tuple(frame.curve(trace, palette.INK, 0.28))))
    drawing.add(*frame.events(found.findings))
    return drawing


def _description(found: Survey) -> str:
    trace = found.trace
    return (
        f"{found.course.start} to {found.course.end}, {found.course.length:,.0f} m of fibre in the records; "
        f"{trace.wavelength} nm, {trace.pulse:g} ns, group index {trace.index:.4f}"
    )


class _Frame:
    """Where metres and dB are on the sheet."""

    box = (LEFT, TOP, RIGHT, BOTTOM)

    def __init__(self, found: Survey, reference: Survey | None) -> None:
        self.found = found
        surveys = [found, *([reference] if reference is not None else ())]
        ends = [float(one.end.measured) for one in surveys]
        self.first = -float(found.trace.metres(found.trace.lead))
        self.last = max(*ends, found.course.length) * 1.04 + 10
        levels = [_levels(one) for one in surveys]
        self.top: float = max(high for high, _ in levels) + ABOVE
        self.bottom: float = min(low for _, low in levels) - BELOW

    def x(self, metres: float) -> float:
        return LEFT + (RIGHT - LEFT) * (metres - self.first) / (self.last - self.first)

    def y(self, level: float) -> float:
        return TOP + (BOTTOM - TOP) * (self.top - level) / (self.top - self.bottom)

    def grid(self) -> Iterator[Item]:
        yield Fill((_corners(self.box),), palette.AREA_FILL, palette.AREA_LINE, 0.2)
        step = _round_step((self.last - self.first) / 10)
        metre = float(np.ceil(self.first / step) * step) + 0.0  # not -0
        while metre <= self.last:
            x = self.x(metre)
            yield Stroke((((x, TOP), (x, BOTTOM)),), palette.AREA_LINE, 0.1)
            yield Text((x, BOTTOM + 4.2), f"{metre / 1000:g}", LABEL, palette.SOFT_INK, anchor="middle")
            metre += step
        yield Text((RIGHT, BOTTOM + 9), "km of fibre from the start", LABEL, palette.SOFT_INK, anchor="end")
        step = _round_step((self.top - self.bottom) / 6)
        level = float(np.ceil(self.bottom / step) * step)
        while level <= self.top:
            y = self.y(level)
            yield Stroke((((LEFT, y), (RIGHT, y)),), palette.AREA_LINE, 0.1)
            yield Text((LEFT - 1.5, y + 0.9), f"{level:g}", LABEL, palette.SOFT_INK, anchor="end")
            level += step
        yield Text((LEFT - 1.5, TOP - 2), "dB", LABEL, palette.SOFT_INK, anchor="end")

    def curve(self, trace: Reflectogram, colour: str, width: float) -> Iterator[Item]:
        """The backscatter, thinned to what can be seen."""
        points = [(self.x(metre), self.y(level)) for metre, level in _thinned(trace, self.last)]
        if len(points) > 1:
            yield Stroke((tuple(points),), colour, width)

    def doubt(self, found: Survey) -> Iterator[Item]:
        """The interval of the break."""
        end = found.end
        if end.kind is Kind.BREAK:
            a, b = (self.x(end.measured + side * end.where.half) for side in (-1, 1))
            yield Fill((((a, TOP), (b, TOP), (b, BOTTOM), (a, BOTTOM)),), palette.ALARM, opacity=0.15)

    def events(self, findings: Sequence[Finding]) -> Iterator[Item]:
        """A line, a mark and a name for each event; names climb where they would lie on each other."""
        rows: list[float] = []
        names: list[Item] = []
        for one in findings:
            x = self.x(one.measured)
            if x > RIGHT:
                continue
            colour, form = _LOOK.get(one.kind, _USUAL)
            text = label(one)
            size = text_width(text, LABEL, "Regular") + 2
            row = next((row for row, right in enumerate(rows) if right < x), len(rows))
            rows[row : row + 1] = [x + size]
            y = TOP - 4.5 - min(row, ROWS) * 3.8
            yield Stroke((((x, y + 0.6), (x, BOTTOM)),), colour, 0.15, (0.8, 0.8))
            yield Marks(((x, TOP),), form, 1.1, colour)
            if row >= ROWS:
                continue  # there is no room for more names; the table has them all
            flip = x + size > WIDTH - 4
            at: Spot = (x - 0.8, y) if flip else (x + 0.8, y)
            anchor = "end" if flip else "start"
            names.append(Text(at, text, LABEL, colour, anchor=anchor, halo=palette.PAPER))
        yield from names


def label(one: Finding) -> str:
    """An event in a few words."""
    loss = one.reading.loss
    told = "" if loss is None else f" {loss:.2f} dB"
    if one.kind is Kind.BREAK:
        return f"break, {one.where.spot.cable} ±{one.where.half:.0f} m"
    if one.kind in (Kind.NEW, Kind.ECHO):
        return ("echo" if one.kind is Kind.ECHO else "not recorded") + told
    if one.kind is Kind.BEYOND:
        return "behind the far end"
    if one.joints:
        return ", ".join(dict.fromkeys(joint.via for joint in one.joints)) + told
    return {Kind.START: "start", Kind.END: "end"}.get(one.kind, name_of(one)) + told


def _corners(box: tuple[float, float, float, float]) -> tuple[Spot, ...]:
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _round_step(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10 ** np.floor(np.log10(max(step, 1.0)))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step))


def _metres(trace: Reflectogram) -> NDArray[np.float64]:
    times = trace.first + np.arange(len(trace.samples)) * trace.spacing
    return np.asarray(times * trace.metres(1.0), np.float64)


def _levels(one: Survey) -> tuple[float, float]:
    """Typical backscatter at the start and at the end of the fibre."""
    metres, samples = _metres(one.trace), one.trace.samples
    inside = samples[(metres > 0) & (metres < one.end.measured)]
    if not len(inside):
        return 0.0, -20.0
    return float(np.percentile(inside, 98)), float(np.percentile(inside, 2))


def _thinned(trace: Reflectogram, last: float) -> list[tuple[float, float]]:
    """Per column of the sheet the highest and lowest sample, in their order."""
    metres = _metres(trace)
    count = int(np.searchsorted(metres, last))
    samples = trace.samples[:count]
    if count <= 2 * COLUMNS:
        return [(float(metre), float(level)) for metre, level in zip(metres[:count], samples, strict=True)]
    points: list[tuple[float, float]] = []
    for part in np.array_split(np.arange(count), COLUMNS):
        both = sorted({int(part[np.argmax(samples[part])]), int(part[np.argmin(samples[part])])})
        points += [(float(metres[at]), float(samples[at])) for at in both]
    return points
