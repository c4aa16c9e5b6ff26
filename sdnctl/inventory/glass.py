"""Ends of things that light passes, and what joins strands: runs as written, single strands on demand.

A row such as ``c-1:1-144 – c-2:1-144`` joins 144 pairs of strands. It stays one value (a *run*); tables answer for
one strand end at a time, because few of the strands of a network are ever asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

from sdnctl.errors import Source
from sdnctl.inventory.life import Life
from sdnctl.quick import quick
from sdnctl.units import Loss

FEW = 6
"""Up to how many runs with the same key are looked through."""

K = TypeVar("K")
R = TypeVar("R")
Side: TypeAlias = Literal["a", "b"]
Lane: TypeAlias = Literal["tx", "rx", "bidi"]


class PortEnd(NamedTuple):
    """The transmitter, the receiver, or both on one strand, of a switch port."""

    switch: str
    port: int
    lane: Lane

    def __str__(self) -> str:
        return f"{self.switch}:{self.port}/{self.lane}"


class OdfPosition(NamedTuple):
    odf: str
    number: int

    def __str__(self) -> str:
        return f"{self.odf}:{self.number}"


class PassivePort(NamedTuple):
    passive: str
    port: str

    def __str__(self) -> str:
        return f"{self.passive}/{self.port}"


class StrandEnd(NamedTuple):
    """An end of glass at place number `place` of its cable; the glass leads from here to cable end `side`."""

    cable: str
    strand: int
    place: int
    side: Side

    def __str__(self) -> str:
        return f"{self.cable}/{self.side}:{self.strand}"


Terminal: TypeAlias = PortEnd | OdfPosition | PassivePort | StrandEnd
"""No two kinds are ever equal: they differ in length or in the types of their parts."""


@lru_cache(maxsize=4096)
def bits(numbers: tuple[int, ...]) -> int:
    """Numbers as a set of bits; none is there twice."""
    low, count = min(numbers, default=0), len(numbers)
    if max(numbers, default=0) - low == count - 1:
        return ((1 << count) - 1) << low  # a range, as most are
    found = 0
    for number in numbers:
        found |= 1 << number
    return found


def numbers(mask: int) -> Iterator[int]:
    """The numbers in a set of bits, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


@quick
@dataclass(frozen=True, slots=True)
class StrandRun:
    """Ends of strands of one cable at place number `place`, in the order written; their glass leads to `side`."""

    cable: str
    strands: tuple[int, ...]
    place: int
    side: Side

    def end(self, index: int) -> StrandEnd:
        return StrandEnd(self.cable, self.strands[index], self.place, self.side)

    @property
    def key(self) -> tuple[str, int, Side]:
        """Cable, place and side: what all ends of the run have in common."""
        return self.cable, self.place, self.side


@dataclass(frozen=True, slots=True)
class Splice:
    """Two strand ends joined in a closure. `loss` is the mean of both directions, None if never measured so.

    `life` is None where it is that of the closure.
    """

    closure: str
    a: StrandEnd
    b: StrandEnd
    loss: Loss | None
    origin: Source
    life: Life | None = None


@quick
@dataclass(frozen=True, slots=True)
class SpliceRun:
    """Splices of the strands of `a` with those of `b`, one to one; `cassette` is None where nobody recorded it."""

    closure: str
    a: StrandRun
    b: StrandRun
    loss: Loss | None
    origin: Source
    life: Life | None = None
    cassette: int | None = None

    def splice(self, index: int) -> Splice:
        return Splice(self.closure, self.a.end(index), self.b.end(index), self.loss, self.origin, self.life)


@dataclass(frozen=True, slots=True)
class TerminationRun:
    """Strands on positions of an ODF, one to one. `life` is None where it is that of the ODF."""

    odf: str
    positions: tuple[int, ...]
    strands: StrandRun
    life: Life | None = None


class _Index(Generic[K, R]):
    """Members of runs by what the members of a run share and a number of their own.

    Where a key has few runs, which are mostly ranges, they are looked through; a table of all members is made only
    for keys with many.
    """

    def __init__(self) -> None:
        self._runs: dict[K, list[tuple[tuple[int, ...], R]]] = {}
        self._open: dict[K, dict[int, tuple[R, int]]] = {}

    def add(self, key: K, numbers: tuple[int, ...], run: R) -> None:
        self._runs.setdefault(key, []).append((numbers, run))

    def find(self, key: K, number: int) -> tuple[R, int] | None:
        """The run of a member and its place in the run."""
        runs = self._runs.get(key, ())
        if len(runs) > FEW:
            return self.at(key).get(number)
        for numbers, run in runs:
            index = number - numbers[0]
            if 0 <= index < len(numbers) and numbers[index] == number:
                return run, index
            if number in numbers:
                return run, numbers.index(number)
        return None

    def get(self, key: K, number: int) -> tuple[R, int]:
        """Like `find`; KeyError if there is no such member."""
        found = self.find(key, number)
        if found is None:
            raise KeyError((key, number))
        return found

    def at(self, key: K) -> Mapping[int, tuple[R, int]]:
        """Number → run and place in the run, of all members with this key."""
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = {
                number: (run, index)
                for numbers, run in self._runs.get(key, ())
                for index, number in enumerate(numbers)
            }
        return found

    def __iter__(self) -> Iterator[tuple[K, int]]:
        for key, runs in self._runs.items():
            for numbers, _ in runs:
                for number in numbers:
                    yield key, number

    def __len__(self) -> int:
        return sum(len(numbers) for runs in self._runs.values() for numbers, _ in runs)


class SpliceTable(Mapping[StrandEnd, Splice]):
    """The splice at a strand end."""

    def __init__(self, runs: Iterable[SpliceRun]) -> None:
        self._index: _Index[tuple[str, int, Side], tuple[SpliceRun, StrandRun]] = _Index()
        for run in runs:
            self._index.add(run.a.key, run.a.strands, (run, run.b))
            self._index.add(run.b.key, run.b.strands, (run, run.a))

    def __getitem__(self, end: StrandEnd) -> Splice:
        cable, strand, place, side = end
        (run, _), index = self._index.get((cable, place, side), strand)
        return run.splice(index)

    def loss(self, end: StrandEnd) -> Loss | None:
        """The measured loss of the splice at a strand end."""
        cable, strand, place, side = end
        return self._index.get((cable, place, side), strand)[0][0].loss

    def life(self, end: StrandEnd) -> Life | None:
        """The life of the splice at a strand end where it differs from the closure's."""
        cable, strand, place, side = end
        return self._index.get((cable, place, side), strand)[0][0].life

    def joined(self, end: StrandEnd) -> tuple[str, StrandEnd] | None:
        """Closure and other end of the splice at a strand end, None if there is none."""
        cable, strand, place, side = end
        found = self._index.find((cable, place, side), strand)
        if found is None:
            return None
        (run, other), index = found
        return run.closure, other.end(index)

    def __iter__(self) -> Iterator[StrandEnd]:
        return (StrandEnd(cable, strand, place, side) for (cable, place, side), strand in self._index)

    def __len__(self) -> int:
        return len(self._index)


class TerminationTable(Mapping[OdfPosition, StrandEnd]):
    """The strand end behind an ODF position."""

    def __init__(self, runs: Iterable[TerminationRun]) -> None:
        self._index: _Index[str, TerminationRun] = _Index()
        for run in runs:
            self._index.add(run.odf, run.positions, run)

    def __getitem__(self, position: OdfPosition) -> StrandEnd:
        run, index = self._index.get(position.odf, position.number)
        return run.strands.end(index)

    def life(self, position: OdfPosition) -> Life | None:
        """The life of what is behind a position where it differs from the ODF's."""
        return self._index.get(position.odf, position.number)[0].life

    def __iter__(self) -> Iterator[OdfPosition]:
        return (OdfPosition(odf, number) for odf, number in self._index)

    def __len__(self) -> int:
        return len(self._index)


class PositionTable(Mapping[StrandEnd, OdfPosition]):
    """The ODF position that a strand end is spliced to."""

    def __init__(self, runs: Iterable[TerminationRun]) -> None:
        self._index: _Index[tuple[str, int, Side], TerminationRun] = _Index()
        for run in runs:
            self._index.add(run.strands.key, run.strands.strands, run)

    def __getitem__(self, end: StrandEnd) -> OdfPosition:
        cable, strand, place, side = end
        run, index = self._index.get((cable, place, side), strand)
        return OdfPosition(run.odf, run.positions[index])

    def __iter__(self) -> Iterator[StrandEnd]:
        return (StrandEnd(cable, strand, place, side) for (cable, place, side), strand in self._index)

    def __len__(self) -> int:
        return len(self._index)
