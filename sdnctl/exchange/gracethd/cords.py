"""Patch cords of a delivery: cables of type J whose strands stand at two positions of drawers, as jumpers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.records import Item


@dataclass(frozen=True, slots=True)
class Plug:
    """A strand of a cord at a position of a drawer: the cord's code, and the position as the network writes it."""

    cord: str
    strand: str
    position: str
    line: int


def jumpers(cords: Mapping[str, Item], plugs: Sequence[Plug], findings: Findings) -> list[Item]:
    """A jumper for each strand of a cord that stands at two positions. Cords with one end at most lead to a port,
    or are in a box; they are kept, and counted.
    """
    by_strand: dict[tuple[str, str], list[Plug]] = {}
    for plug in plugs:
        by_strand.setdefault((plug.cord, plug.strand), []).append(plug)
    found = list(_joined(cords, by_strand, findings))
    used = Counter(cord for cord, _ in found)
    left = len(cords) - len(used)
    if left:
        text = f"{left:,} patch cords are kept, and do not lead from one frame to another"
        findings.note("patch-cords-kept", "t_cable", "", text)
    return sorted((item for _, item in found), key=lambda item: (item["a"], item["b"]))


def _joined(
    cords: Mapping[str, Item], by_strand: Mapping[tuple[str, str], list[Plug]], findings: Findings
) -> Iterator[tuple[str, Item]]:
    taken: set[str] = set()
    for (cord, strand), ends in by_strand.items():
        if len(ends) > 2:
            text = f"strand {strand} of cord {cord} stands at {len(ends)} positions"
            findings.warning("cord-with-many-ends", "t_position", cord, text, ends[2].line)
        elif len(ends) == 2 and ends[0].position != ends[1].position:
            twice = next((one for one in ends if one.position in taken), None)
            if twice is not None:
                text = f"cord {cord} is plugged into {twice.position}, where another one is"
                findings.warning("position-plugged-twice", "t_position", cord, text, twice.line)
                continue
            taken |= {one.position for one in ends}
            yield cord, {"a": ends[0].position, "b": ends[1].position, **cords[cord]}
