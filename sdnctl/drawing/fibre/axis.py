"""The straight-line diagram of a chain: one axis to scale, and everything on it in rows that never meet.

The axis runs down the left of a sheet, in the colours of the strand; from each thing on it a thin line leads to
its row. A chain with more rows than a sheet has room for goes on on the next one, where its axis goes on, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10
from typing import TypeAlias

from sdnctl.drawing.canvas import Drawing, Fill, Item, Marks, Stroke, Text
from sdnctl.drawing.fibre.paper import A4, FAINT, HEAD, INK, SOFT, Caption, Sheets
from sdnctl.drawing.fibre.swatch import fitted, line, named, rectangle
from sdnctl.drawing.metrics import width
from sdnctl.inventory.colours import Mark
from sdnctl.inventory.straight import Kind, Span, Station, StraightLine

Row: TypeAlias = Station | Span

ROW = 5.0
GAP, BESIDE = 6.0, 24.0
"""Between two chains, and what one needs besides its rows, mm."""
AXIS = 30.0
"""Where the axis stands, mm from the left margin."""
TUBE, STRAND = 3.6, 1.6
"""Widths of the axis in the colours of tube and strand."""
TEXT = 60.0
"""Where the text of rows begins."""
SIZE = 2.6

LOOKS = {
    Kind.PORT: ("square", INK),
    Kind.CONNECTOR: ("square", "#ffffff"),
    Kind.SPLICE: ("circle", "#ffffff"),
    Kind.PASSIVE: ("diamond", "#ffffff"),
    Kind.PLACE: ("circle", INK),
    Kind.END: ("cross", INK),
}


def draw(lines: Sequence[StraightLine], caption: Caption) -> tuple[Drawing, ...]:
    """Sheets of one or more chains: below each other where one fits whole, otherwise on a new sheet."""
    sheets = Sheets(caption, A4)
    for number, one in enumerate(lines):
        if number:
            sheets.y += GAP
        _chain(sheets, one)
    return sheets.done()


def _chain(sheets: Sheets, told: StraightLine) -> None:
    rows = list(_rows(told))
    head = f"{told.told.start} to {told.told.end}"
    sheets.heading(head, need=BESIDE + ROW * len(rows))
    sheets.line_of(_summary(told))
    for why in told.told.breaks:
        sheets.line_of(f"ends at {why.where}: {why.text}", colour="#b3260b")
    sheets.y += 2.0
    place = 0
    while place < len(rows):
        fits = max(int((sheets.bottom - sheets.y - 12.0) // ROW), 4)
        part = rows[place : place + fits]
        _part(sheets, told, part, first=place == 0, last=place + fits >= len(rows))
        place += fits
        if place < len(rows):
            sheets.turn()


def _rows(told: StraightLine) -> Iterator[Row]:
    """Stations, and behind the station where it begins each span."""
    begins: dict[int, list[Span]] = {}
    for span in told.spans:
        begins.setdefault(span.first, []).append(span)
    for number, station in enumerate(told.stations):
        yield station
        yield from begins.get(number, ())


def _summary(told: StraightLine) -> str:
    itinerary = told.told
    sheath = sum(span.sheath for span in told.spans)
    splices = sum(one.kind is Kind.SPLICE for one in told.stations)
    loops = sum(one.loop for one in told.stations)
    losses = "; ".join(
        f"{nm} nm: {span.min:.2f} to {span.max:.2f} dB" if span else f"{nm} nm: unknown"
        for nm, span in zip(itinerary.wavelengths, itinerary.losses, strict=True)
    )
    return (
        f"{itinerary.length:,.0f} m of fibre, {sheath:,.0f} m of sheath with {loops:,.0f} m in loops, "
        f"{splices} splice{'' if splices == 1 else 's'}; {losses}"
    )


# ── one sheet's part of a chain ──────────────────────────────────────────────────────────────────


def _part(sheets: Sheets, told: StraightLine, rows: Sequence[Row], *, first: bool, last: bool) -> None:
    columns = _Columns(sheets, told)
    columns.head()
    top = sheets.y + 2.0
    bottom = top + ROW * len(rows)
    stations = [row for row in rows if isinstance(row, Station)]
    low = stations[0].at if stations else 0.0
    high = stations[-1].at if stations else 0.0
    scale = (bottom - top - ROW) / (high - low) if high > low else 0.0

    def y_of(metres: float) -> float:
        return top + ROW / 2 + (metres - low) * scale

    sheets.add(*_axis(sheets, told, low, high, y_of))
    sheets.add(*_ticks(sheets, low, high, y_of))
    x = sheets.left + AXIS
    for index, row in enumerate(rows):
        y = top + ROW * (index + 0.5)
        if isinstance(row, Span):
            columns.span(row, y)
            continue
        here = y_of(row.at)
        lead = (
            (x + TUBE / 2, here),
            (x + 8.0, here),
            (sheets.left + TEXT - 8.0, y),
            (sheets.left + TEXT - 2.0, y),
        )
        sheets.add(Stroke((lead,), FAINT, 0.18, round=False))
        form, fill = LOOKS[row.kind]
        sheets.add(Marks(((x, here),), form, 0.7 if row.kind is Kind.PLACE else 1.5, fill, INK, 0.3))
        sheets.add(
            Marks(((sheets.left + TEXT, y),), form, 0.7 if row.kind is Kind.PLACE else 1.3, fill, INK, 0.25)
        )
        columns.station(row, y)
    sheets.y = bottom + 3.0
    if not (first and last):
        told_where = f"{low:,.0f} to {high:,.0f} m of {told.told.length:,.0f} m"
        sheets.add(Text((sheets.left, sheets.y + 1.0), told_where, 2.3, SOFT))


def _axis(sheets: Sheets, told: StraightLine, low: float, high: float, y_of: object) -> Iterator[Item]:
    """The line in the colours of tube and strand, as much of each span as lies on this sheet."""
    assert callable(y_of)
    x = sheets.left + AXIS
    yield line(x, y_of(low), x, y_of(high), INK, 0.5)
    for span in told.spans:
        start, end = told.stations[span.first].at, told.stations[min(span.last, len(told.stations) - 1)].at
        a, b = max(start, low), min(end, high)
        if a >= b:
            continue
        y1, y2 = y_of(a), y_of(b)
        yield Fill((rectangle(x - TUBE / 2 - 0.15, y1, TUBE + 0.3, y2 - y1),), "#ffffff")
        yield Fill((rectangle(x - TUBE / 2, y1, TUBE, y2 - y1),), span.mark.tube.colour.rgb, INK, 0.15)
        yield Fill((rectangle(x - STRAND / 2, y1, STRAND, y2 - y1),), span.mark.strand.colour.rgb, INK, 0.15)


def _ticks(sheets: Sheets, low: float, high: float, y_of: object) -> Iterator[Item]:
    """Round distances on the axis."""
    assert callable(y_of)
    x = sheets.left + AXIS - TUBE / 2
    step = _round_step((high - low) / 12)
    metre = ceil(low / step) * step
    while metre <= high:
        y = y_of(metre)
        yield line(x - 2.5, y, x, y, SOFT, 0.2)
        yield Text((x - 3.2, y + 0.9), f"{metre:,.0f} m", 2.4, SOFT, anchor="end")
        metre += step


def _round_step(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** floor(log10(max(step, 1.0)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)


class _Columns:
    """Where the figures of rows stand: fibre, sheath, and for each wavelength the loss here and so far."""

    def __init__(self, sheets: Sheets, told: StraightLine) -> None:
        self.sheets, self.waves = sheets, told.told.wavelengths
        self.losses = [sheets.right - 1.0 - 12.0 * index for index in range(len(self.waves) - 1, -1, -1)]
        self.loss = self.losses[0] - 13.0
        self.sheath = self.loss - 12.0
        self.fibre = self.sheath - 15.0
        self.words = sheets.left + TEXT + 3.0

    def head(self) -> None:
        sheets = self.sheets
        sheets.add(Fill((rectangle(sheets.left, sheets.y, sheets.wide, 8.0),), HEAD))
        sheets.add(Text((self.words, sheets.y + 3.4), "what", SIZE * 0.92, INK, "SemiBold"))
        names = [(self.fibre, "fibre", "m"), (self.sheath, "sheath", "m"), (self.loss, "here", "dB max")]
        names += [(x, f"{nm}", "dB max") for x, nm in zip(self.losses, self.waves, strict=True)]
        for x, above, below in names:
            sheets.add(Text((x, sheets.y + 3.4), above, SIZE * 0.92, INK, "SemiBold", "end"))
            sheets.add(Text((x, sheets.y + 6.8), below, SIZE * 0.85, SOFT, anchor="end"))
        sheets.y += 8.0

    def station(self, row: Station, y: float) -> None:
        where = f" at {row.place}" if row.place != row.what else ""
        loop = f", loop {row.loop:.0f} m" if row.loop else ""
        mark = f", mark {row.mark:,.0f}" if row.mark is not None else ""
        kind = "" if row.kind in (Kind.PLACE, Kind.END) else f"{row.kind} "
        text, size = fitted(f"{kind}{row.what}{where}{mark}{loop}", SIZE, self.fibre - 11.0 - self.words)
        face = "Regular" if row.kind is Kind.PLACE else "SemiBold"
        shown, size = fitted(text, size, self.fibre - 11.0 - self.words, face)
        colour = SOFT if row.kind is Kind.PLACE else INK
        self.sheets.add(Text((self.words, y + 0.9), shown, size, colour, face))
        self._figure(self.fibre, y, f"{row.at:,.0f}")
        self._figure(self.sheath, y, f"{row.sheath:,.0f}")
        here = row.losses[0] if row.losses else None
        if here is not None:
            self._figure(self.loss, y, f"{here.max:.2f}")
        for x, total in zip(self.losses, row.totals, strict=True):
            self._figure(x, y, "?" if total is None else f"{total.max:.2f}")

    def span(self, row: Span, y: float) -> None:
        """A cable: its name, its strand in its colours, how much of it."""
        sheets, x = self.sheets, self.words + 3.0
        sheets.add(
            Fill(
                (rectangle(self.words - 5.5, y - ROW / 2 + 0.3, sheets.right - self.words + 5.5, ROW - 0.6),), HEAD
            )
        )
        name, size = fitted(row.cable, SIZE, 34.0, "SemiBold")
        sheets.add(Text((self.words, y + 0.9), name, size, INK, "SemiBold"))
        x = self.words + max(width(name, size, "SemiBold"), 20.0) + 3.0
        text = f"strand {row.strand} of {row.kind.strands}"
        sheets.add(Text((x, y + 0.9), text, SIZE * 0.92, SOFT))
        x += width(text, SIZE * 0.92) + 3.0
        for mark in (row.mark.tube, row.mark.strand):
            sheets.add(*_mark(x, y, mark))
            x += 19.0
        self._figure(self.loss, y, f"{row.length:,.0f} m of fibre")

    def _figure(self, x: float, y: float, text: str) -> None:
        self.sheets.add(Text((x, y + 0.9), text, SIZE, INK, anchor="end"))


def _mark(x: float, y: float, mark: Mark) -> Iterator[Item]:
    return named(x, y - 1.5, mark, INK, 18.0)
