"""Sheets of paper that fill from top to bottom: a title block on each, a new one where there is no room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sdnctl.drawing.canvas import Drawing, Fill, Item, Stroke, Text
from sdnctl.drawing.fibre.swatch import fitted, line, rectangle
from sdnctl.drawing.metrics import width, wrap

A4, A4_WIDE, A3_WIDE = (210.0, 297.0), (297.0, 210.0), (420.0, 297.0)
MARGIN = 10.0
INK, SOFT, FAINT, PAPER = "#000000", "#3d4a54", "#9aa1a6", "#ffffff"
HEAD = "#e9ecee"
TEXT = 2.5
BLOCK = 21.0
"""Height of the title block."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What a title block says: the kind of drawing, what it is of, and named fields, the first ones the widest."""

    kind: str
    name: str
    fields: tuple[tuple[str, str], ...]
    note: str = ""

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"


class Sheets:
    """Sheets under way. `y` is where the next thing goes; `bottom` where the sheet is full."""

    def __init__(self, caption: Caption, size: tuple[float, float] = A4) -> None:
        self.caption, self.size = caption, size
        self.left, self.right = MARGIN, size[0] - MARGIN
        self.bottom = size[1] - MARGIN - 5.0
        self.pages: list[Drawing] = []
        self.y = 0.0
        self.turn()

    @property
    def wide(self) -> float:
        return self.right - self.left

    def turn(self) -> None:
        """Begin a new sheet."""
        page = Drawing(*self.size, self.caption.title, self.caption.note or self.caption.title)
        page.add(Fill((rectangle(0, 0, *self.size),), PAPER))
        self.pages.append(page)
        self._block()
        self.y = MARGIN + BLOCK + 5.0

    def room(self, high: float) -> bool:
        """Begin a new sheet where this one has no room for `high` millimetres; whether it did."""
        if self.y + high <= self.bottom or self.y <= MARGIN + BLOCK + 5.0:
            return False
        self.turn()
        return True

    def add(self, *items: Item) -> None:
        self.pages[-1].add(*items)

    def heading(self, text: str, need: float = 20.0) -> None:
        """A heading, on a sheet that has room for `need` millimetres below it."""
        self.room(need + 7.0)
        self.add(Text((self.left, self.y + 3.6), text, 3.8, INK, "SemiBold"))
        self.add(line(self.left, self.y + 5.0, self.right, self.y + 5.0, INK, 0.3))
        self.y += 7.0

    def line_of(self, text: str, size: float = TEXT, colour: str = SOFT, *, indent: float = 0.0) -> None:
        """Lines of running text, as many as it needs."""
        for part in wrap(text, size, self.wide - indent):
            self.room(size * 1.45)
            self.add(Text((self.left + indent, self.y + size), part, size, colour))
            self.y += size * 1.45

    def done(self) -> tuple[Drawing, ...]:
        """The sheets, each with its number."""
        count = len(self.pages)
        for number, page in enumerate(self.pages, start=1):
            at = (self.right, self.size[1] - MARGIN)
            page.add(Text(at, f"sheet {number} of {count}", TEXT, SOFT, anchor="end"))
            page.add(Text((self.left, at[1]), self.caption.title, TEXT, SOFT))
        return tuple(self.pages)

    def _block(self) -> None:
        caption, top = self.caption, MARGIN
        frame = Stroke(((*rectangle(self.left, top, self.wide, BLOCK), (self.left, top)),), INK, 0.35, round=False)
        self.add(frame, line(self.left, top + 10.0, self.right, top + 10.0, INK, 0.2))
        self.add(Text((self.left + 3, top + 7.0), caption.kind, 3.4, SOFT))
        x = self.left + 5 + width(caption.kind, 3.4)
        name, size = fitted(caption.name, 5.6, self.right - x - 3, "SemiBold")
        self.add(Text((x, top + 7.2), name, size, INK, "SemiBold"))
        self._fields(top + 10.0)

    def _fields(self, top: float) -> None:
        """The fields side by side, each as wide as what it says needs; all made narrower if they are too many."""
        needs = [
            max(width(label, 2.0), width(value, 2.9, "SemiBold")) + 5.0 for label, value in self.caption.fields
        ]
        scale = self.wide / sum(needs) if needs else 1.0
        x = self.left
        for (label, value), need in zip(self.caption.fields, needs, strict=True):
            room = need * scale
            if x > self.left:
                self.add(line(x, top, x, top + BLOCK - 10.0, INK, 0.2))
            text, size = fitted(value or "not recorded", 2.9, room - 3.0, "SemiBold" if value else "Regular")
            self.add(Text((x + 1.5, top + 3.4), label, 2.0, SOFT))
            face = "SemiBold" if value else "Regular"
            self.add(Text((x + 1.5, top + 8.4), text, size, INK if value else SOFT, face))
            x += room


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, its width in mm, and how its text stands."""

    name: str
    wide: float
    anchor: str = "start"


ROW = 4.6


def table(sheets: Sheets, columns: Sequence[Column], rows: Iterable[Sequence[str]], size: float = TEXT) -> None:
    """A table of text; its heading is repeated where it goes on on the next sheet, long cells take more lines."""
    scale = sheets.wide / sum(column.wide for column in columns)
    columns = [replace(column, wide=column.wide * scale) for column in columns]
    _row(sheets, columns, [[column.name] for column in columns], size * 0.92, head=True)
    for row in rows:
        cells = [wrap(cell, size, column.wide - 2.0) or [""] for cell, column in zip(row, columns, strict=True)]
        high = _height(cells, size)
        if sheets.room(high):
            _row(sheets, columns, [[column.name] for column in columns], size * 0.92, head=True)
        _row(sheets, columns, cells, size)


def _height(cells: Sequence[Sequence[str]], size: float) -> float:
    return max(ROW, max(len(cell) for cell in cells) * size * 1.3 + 1.5)


def _row(
    sheets: Sheets, columns: Sequence[Column], cells: Sequence[Sequence[str]], size: float, *, head: bool = False
) -> None:
    high = _height(cells, size)
    if head:
        sheets.add(Fill((rectangle(sheets.left, sheets.y, sheets.wide, high),), HEAD))
    x = sheets.left
    for column, cell in zip(columns, cells, strict=True):
        at = {"start": x + 1.0, "middle": x + column.wide / 2, "end": x + column.wide - 1.0}[column.anchor]
        for number, text in enumerate(cell):
            shown, small = fitted(text, size, column.wide - 1.6)
            face = "SemiBold" if head else "Regular"
            y = sheets.y + 1.0 + size * (1 + 1.3 * number)
            sheets.add(Text((at, y), shown, small, INK, face, column.anchor))
        x += column.wide
    sheets.y += high
    sheets.add(line(sheets.left, sheets.y, sheets.right, sheets.y, FAINT, 0.12))
