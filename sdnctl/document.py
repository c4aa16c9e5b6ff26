"""A validated file that still knows on which line each value stands.

Loaders (`workspace`) make documents; pure stages (`inventory`, `intents`, `topology`) read them and
point their diagnostics at `document.at("cables", 3, "type")`. Long tables are kept column by column (`Table`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from sdnctl.errors import Source

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document(Generic[T]):
    """One file: its path relative to the network folder, its validated value, and lines by key path."""

    file: str
    value: T
    lines: Mapping[KeyPath, int] = field(default_factory=dict)

    def at(self, *path: str | int) -> Source:
        """Where the value at `path` stands; the nearest enclosing value whose line is known."""
        line = self.lines.get(path)
        while line is None and path:
            path = path[:-1]
            line = self.lines.get(path)
        return Source(self.file, line)


class Table(Document[tuple[M, ...]]):
    """A file of many rows of one model, as columns of validated values.

    `value` are the rows as models, made when somebody asks for them; stages that go through all rows of all tables
    take the columns instead. `numbers` are the lines on which the rows begin.
    """

    __slots__ = ("_made", "columns", "model", "numbers")
    columns: Mapping[str, Sequence[Any]]
    model: type[M]
    numbers: Sequence[int]
    _made: tuple[M, ...] | None

    def __init__(
        self, file: str, model: type[M], columns: Mapping[str, Sequence[Any]], numbers: Sequence[int]
    ) -> None:
        for name, one in (
            ("file", file),
            ("model", model),
            ("columns", columns),
            ("numbers", numbers),
            ("_made", None),
        ):
            object.__setattr__(self, name, one)

    @property
    def value(self) -> tuple[M, ...]:
        """The rows as models."""
        made = self._made
        if made is None:
            made = tuple(_models(self))
            object.__setattr__(self, "_made", made)
        return made

    @property
    def lines(self) -> Mapping[KeyPath, int]:
        """Lines by key path, as other documents have them."""
        return {(): 1, **{(index,): number for index, number in enumerate(self.numbers)}}

    def at(self, *path: str | int) -> Source:
        """Where a row stands; all that a row says stands on its line."""
        row = path[0] if path else None
        known = isinstance(row, int) and 0 <= row < len(self.numbers)
        return Source(self.file, self.numbers[row] if known and isinstance(row, int) else 1)

    def column(self, name: str) -> Iterable[Any]:
        """What all rows say in a column; the model's default where the file has no such column."""
        found = self.columns.get(name)
        if found is not None:
            return found
        return repeat(self.model.model_fields[name].get_default(call_default_factory=True), len(self.numbers))

    def sources(self) -> Iterator[Source]:
        """Where every row stands."""
        return map(Source, repeat(self.file), self.numbers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Document):
            return NotImplemented
        return (self.file, self.value, self.lines) == (other.file, other.value, other.lines)

    __hash__ = None  # type: ignore[assignment]  # lines are none of a hash, here as in other documents


def _models(table: Table[M]) -> Iterator[M]:
    """Rows that were validated as models, with what pydantic documents an instance to hold.

    `model_construct` does the same and looks at every field of every row, five times as long.
    """
    names, given = tuple(table.model.model_fields), set(table.columns)
    new, put = table.model.__new__, object.__setattr__
    for values in zip(*map(table.column, names), strict=True):
        made = new(table.model)
        put(made, "__dict__", dict(zip(names, values, strict=True)))
        put(made, "__pydantic_fields_set__", given)
        put(made, "__pydantic_extra__", None)
        put(made, "__pydantic_private__", None)
        yield made
