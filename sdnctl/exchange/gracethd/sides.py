"""Strand ends at one place: which part of a strand a position means, and what is joined there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sdnctl.exchange.gracethd.cables import Cables
from sdnctl.exchange.gracethd.defects import Findings, Inferred
from sdnctl.exchange.gracethd.values import read_count


class Strand(NamedTuple):
    """A strand of a cable, and the end that its glass leads to where the cable passes; "" where it ends."""

    cable: str
    number: int
    side: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    holder: str
    code: str
    line: int
    number: int | None
    function: str
    ends: tuple[tuple[str, str, str, str], tuple[str, str, str, str]]
    """For each of ps_1 and ps_2: what stands there, and the cable, the number and the tube of the fibre it is."""


class Sides:
    """Which part of a strand a position means, where its cable passes: the first that towards a, the second b.

    Knows every strand that is joined at a place, in whatever box or drawer there: as bits, because there are many.
    """

    def __init__(self, cables: Cables, findings: Findings) -> None:
        self.cables, self.findings = cables, findings
        self.guesses: list[Inferred] = []
        self._joined: dict[tuple[str, str], list[int]] = {}
        self._cut: dict[tuple[str, str], int] = {}

    def strand(self, position: Position, number: int, place: str, whole: bool) -> Strand | None:
        """The strand end at one side of a position; None (and a defect) where it is none.

        `whole`: the strand passes or waits as a whole, so that no side is taken.
        """
        text, code, nincab, tube = position.ends[number]
        column, row = f"ps_{number + 1}", position.code
        name = self.cables.ids.get(code)
        if name is None:
            if code in self.cables.patches:
                return None
            what = f"{text}, a strand of {code}, which cannot be used" if code else f"{text}, which is no strand"
            text = f"position {row}: {what}"
            self.findings.error("orphan-strand", "t_position", row, text, position.line, column=column)
            return None
        make = self.cables.makes[name]
        strand = read_count(nincab) or in_tube(tube, make.modulo)
        if strand is None or not 1 <= strand <= make.strands:
            text = f"position {row}: strand {text} has no number in its cable"
            self.findings.error("strand-without-number", "t_position", row, text, position.line, column=column)
            return None
        passed = self.cables.places[name]
        if place not in passed:
            text = f"position {row}: cable {code} does not pass {place}"
            self.findings.error("cable-not-here", "t_position", row, text, position.line, column=column)
            return None
        if whole:
            return Strand(name, strand)
        taken = self._count(place, name, strand)
        inner = 0 < passed.index(place) < len(passed) - 1
        if taken >= 1 + inner:
            text = f"position {row}: strand {strand} of {code} is joined already"
            self.findings.error("strand-joined-twice", "t_position", row, text, position.line, column=column)
            return None
        side = ("a", "b")[taken] if inner else ""
        if inner:
            source = "the order of its positions: the first is taken to lead to the cable's first end"
            self.guesses.append(Inferred("t_position", row, column, f"{name}/{side}:{strand}", source))
        return Strand(name, strand, side)

    def _count(self, place: str, cable: str, strand: int) -> int:
        return sum(held >> strand & 1 for held in self._joined.get((place, cable), ()))

    def take(self, place: str, one: Strand) -> None:
        """Note that an end of a strand is joined at a place."""
        held = self._joined.setdefault((place, one.cable), [0, 0])
        held[held[0] >> one.number & 1] |= 1 << one.number

    def leave(self, place: str, one: Strand) -> None:
        """Forget the end that was noted last."""
        held = self._joined[place, one.cable]
        held[held[1] >> one.number & 1] &= ~(1 << one.number)

    def cut(self, place: str, one: Strand) -> None:
        """Note that a strand is cut at a place, and waits."""
        self._cut[place, one.cable] = self._cut.get((place, one.cable), 0) | 1 << one.number

    def passes(self, place: str, one: Strand) -> bool:
        """Whether nothing says that a strand is cut at a place."""
        cut = self._cut.get((place, one.cable), 0) >> one.number & 1
        return not cut and not self._count(place, one.cable, one.number)


def in_tube(text: str, modulo: int) -> int | None:
    """The number of a strand from its tube and its place in it."""
    tube, inside = (read_count(part) if part else None for part in text.split("/", 1))
    return (tube - 1) * modulo + inside if tube and inside else None
