"""Links that some single failure fills beyond their capacity, by what bypasses and standbys then take over.

The load is that without failure plus all that the failure diverts: at most a little too much, since what left the
dead hops is not taken off behind the next switch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

from sdnctl.compiler.proof import listed
from sdnctl.compiler.route import Router
from sdnctl.errors import Diagnostic, Severity
from sdnctl.topology.graph import Topology
from sdnctl.topology.paths import Place
from sdnctl.units import format_bitrate


@dataclass(frozen=True, slots=True)
class Taker:
    """A path over these `places` that takes over `cir` (bit/s) when one of the `triggers` (links) fails."""

    name: str
    triggers: frozenset[str]
    places: tuple[Place, ...]
    cir: int


Worst: TypeAlias = dict[Place, tuple[int, str, list[str]]]
"""Direction of a link → the load that it would have, in which failure, and who is diverted there."""


def worst(
    router: Router, takers: Sequence[Taker], load: Mapping[Place, int], places: Set[Place] | None = None
) -> Worst:
    """Directions of links that some single failure fills beyond their capacity, each with the worst one.

    With `places` only those are looked at.
    """
    links = router.topology.links
    most: dict[Place, int] = defaultdict(int)
    for taker in takers:
        for place in taker.places:
            most[place] += taker.cir
    # Where there is room for all takers at once, no failure has to be looked at.
    tight = {place for place, rate in most.items() if load.get(place, 0) + rate > links[place[0]].capacity}
    if places is not None:
        tight &= places
    takers = [taker for taker in takers if not tight.isdisjoint(taker.places)]
    by_link: dict[str, list[int]] = defaultdict(list)
    for index, taker in enumerate(takers):
        for link in taker.triggers:
            by_link[link].append(index)
    found: Worst = {}
    seen: set[frozenset[int]] = set()
    for index in sorted({index for link in by_link for index in router.failures_of.get(link, ())}):
        failure = router.failures[index]
        active = frozenset([index for link in failure.links if link in by_link for index in by_link[link]])
        if active in seen:
            continue
        seen.add(active)
        diverted: dict[Place, int] = defaultdict(int)
        for index in active:
            cir = takers[index].cir
            for place in takers[index].places:
                diverted[place] += cir
        for place, rate in diverted.items():
            total = load.get(place, 0) + rate
            if place not in tight or total <= links[place[0]].capacity or place[0] in failure.links:
                continue
            if total > found.get(place, (0, "", []))[0]:
                users = [takers[index].name for index in sorted(active) if place in takers[index].places]
                found[place] = total, f"{failure.kind} {failure.name}", users
    return found


def report(code: str, places: Worst, topology: Topology) -> Iterator[Diagnostic]:
    """One warning for each of these directions."""
    for place, (load, name, users) in sorted(places.items()):
        link = topology.links[place[0]]
        yield Diagnostic(
            code,
            f"if {name} fails, {format_bitrate(load)} of committed rate meet {format_bitrate(link.capacity)}",
            address=f"link {link.id} from {place[1]}",
            source=link.source,
            detail=f"diverted there: {listed(users)}",
            hint="raise the capacity of the link, or lower the rates of what is protected",
            severity=Severity.WARNING,
        )
