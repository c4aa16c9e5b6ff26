"""Find the entries of a table that can overlap a cube, without looking at all of them.

A decision tree: each node splits on one (field, mask) that many entries fix, so that a cube that fixes it
too looks at one bucket and at the entries that leave it free. What is found is a superset of what
overlaps; callers intersect. The order of entries (priority) is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sdnctl.verify.space import Cube

T = TypeVar("T")

_LEAF = 6


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One cube of a table; a lower `rank` comes first."""

    rank: int
    cube: Cube
    item: T


@dataclass(slots=True)
class _Tree(Generic[T]):
    """One node of the tree over `entries`, which are in order of rank."""

    entries: list[Entry[T]]
    name: str = ""
    mask: int = 0
    buckets: dict[int, _Tree[T]] = field(default_factory=dict)
    free: _Tree[T] | None = None

    def grow(self) -> None:
        if len(self.entries) <= _LEAF:
            return
        self.name, self.mask = self._best()
        if not self.name:
            return
        groups: dict[int, list[Entry[T]]] = defaultdict(list)
        free: list[Entry[T]] = []
        for entry in self.entries:
            value, mask = entry.cube.get(self.name, (0, 0))
            if mask & self.mask == self.mask:
                groups[value & self.mask].append(entry)
            else:
                free.append(entry)
        for value, entries in groups.items():
            self.buckets[value] = _Tree(entries)
            self.buckets[value].grow()
        if free:
            self.free = _Tree(free)
            self.free.grow()

    def _best(self) -> tuple[str, int]:
        """The (field, mask) that separates most entries; ("", 0) where none separates any."""
        values: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for entry in self.entries:
            for name, (value, mask) in entry.cube.items():
                values[name, mask][value] += 1
        best, most = ("", 0), 0.0
        for key in sorted(values):
            counts = values[key]
            total = sum(counts.values())
            gain = total - sum(count * count for count in counts.values()) / total
            if gain > most:
                best, most = key, gain
        return best

    def find(self, cube: Cube, found: list[Entry[T]]) -> None:
        if self.name:
            value, mask = cube.get(self.name, (0, 0))
            if mask & self.mask == self.mask:
                bucket = self.buckets.get(value & self.mask)
                if bucket is not None:
                    bucket.find(cube, found)
                if self.free is not None:
                    self.free.find(cube, found)
                return
        found.extend(self.entries)


class Index(Generic[T]):
    """A searchable table of (cube, item) in the order given."""

    def __init__(self, items: Sequence[tuple[Cube, T]]) -> None:
        self.entries = [Entry(rank, cube, item) for rank, (cube, item) in enumerate(items)]
        self._tree = _Tree(self.entries)
        self._tree.grow()

    def candidates(self, cube: Cube) -> list[Entry[T]]:
        """Entries that may overlap `cube`, first ranks first."""
        found: list[Entry[T]] = []
        self._tree.find(cube, found)
        found.sort(key=_rank)
        return found


def _rank(entry: Entry[T]) -> int:
    return entry.rank
