"""Tables that lose nothing in a narrow terminal: words are folded, or rows become lists."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

READABLE = 10
"""Words are not folded to fewer characters than this: names would fall to pieces."""


class FoldingTable(Table):
    """A table as wide as the terminal allows.

    Rich cuts what stands in a column that must not wrap, and everything when no column has room. Here the first
    may wrap when it has to; and when columns would become narrower than `READABLE`, each row is a list of its
    cells, each behind its heading, below the first one as their title.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        natural = Measurement.get(console, options.update(max_width=10_000), self).maximum
        over = natural - options.max_width
        spare = [_spare(console, options, column) for column in self.columns] if over > 0 else []
        if over > sum(spare):
            yield from self._lists(console, options.max_width)
            return
        if over > sum(more for column, more in zip(self.columns, spare, strict=False) if not column.no_wrap):
            for column, more in zip(self.columns, spare, strict=True):
                column.no_wrap = column.no_wrap and not more
        yield from super().__rich_console__(console, options)

    def _lists(self, console: Console, width: int) -> Iterator[Text]:
        """Rows one below the other; what a row leaves out of its first cell is what the row before it says."""
        if self.title:
            yield _text(console, str(self.title))
        yield Text()
        title, *others = self.columns
        for number, name in enumerate(title.cells):
            if str(name).strip():
                yield _named(console, title, number)
            cells = [
                _named(console, column, number) for column in others if str(list(column.cells)[number]).strip()
            ]
            for line in Text("; ", "dim").join(cells).wrap(console, max(width - 2, READABLE), overflow="fold"):
                yield Text("  ") + line
        yield Text()


def _named(console: Console, column: Column, number: int) -> Text:
    """A cell with the heading of its column."""
    head = _text(console, column.header).plain.strip()
    value = _text(console, list(column.cells)[number])
    return Text.assemble((f"{head} " if head else "", "dim"), value)


def _text(console: Console, said: object) -> Text:
    made = said.copy() if isinstance(said, Text) else console.render_str(str(said))
    made.overflow = "fold"
    return made


def _spare(console: Console, options: ConsoleOptions, column: Column) -> int:
    """By how many characters a column may become narrower, down to its longest word or `READABLE`."""
    wide = options.update(max_width=10_000)
    found = [Measurement.get(console, wide, cell) for cell in (column.header, *column.cells)]
    return max(one.maximum for one in found) - min(READABLE, max(one.minimum for one in found))
