"""Links that some single failure fills beyond their capacity, by what bypasses and standbys then take over.

The load is that without failure plus all that the failure diverts: at most a little too much, since what left the
dead hops is not taken off behind the next switch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sdnctl.compiler.proof import listed
from sdnctl.compiler.route import Router
from sdnctl.errors import Diagnostic, Severity
from sdnctl.topology.graph import Path, Topology
from sdnctl.topology.paths import Place
from sdnctl.units import format_bitrate


@dataclass(frozen=True, slots=True)
class Taker:
    """A path that takes over `cir` (bit/s) when one of the `triggers` (links) fails."""

    name: str
    triggers: frozenset[str]
    path: Path
    cir: int


Worst: TypeAlias = dict[Place, tuple[int, str, list[str]]]
"""Direction of a link → the load that it would have, in which failure, and who is diverted there."""


def worst(
    router: Router, takers: Sequence[Taker], load: Mapping[Place, int], places: Collection[Place] | None = None
) -> Worst:
    """Directions of links that some single failure fills beyond their capacity, each with the worst one.

    With `places` only those are looked at.
    """
    if places is not None:
        takers = [taker for taker in takers if any((hop.link, hop.tail) in places for hop in taker.path.hops)]
    by_link: dict[str, list[int]] = defaultdict(list)
    for index, taker in enumerate(takers):
        for link in taker.triggers:
            by_link[link].append(index)
    found: Worst = {}
    seen: set[frozenset[int]] = set()
    links = router.topology.links
    for index in sorted({index for link in by_link for index in router.failures_of.get(link, ())}):
        failure = router.failures[index]
        active = frozenset([index for link in failure.links if link in by_link for index in by_link[link]])
        if active in seen:
            continue
        seen.add(active)
        diverted: dict[Place, int] = defaultdict(int)
        for index in active:
            cir = takers[index].cir
            for hop in takers[index].path.hops:
                diverted[hop.link, hop.tail] += cir
        for place, rate in diverted.items():
            total = load.get(place, 0) + rate
            if total <= links[place[0]].capacity or place[0] in failure.links:
                continue
            if (places is None or place in places) and total > found.get(place, (0, "", []))[0]:
                users = [takers[index].name for index in sorted(active) if _crosses(takers[index].path, place)]
                found[place] = total, f"{failure.kind} {failure.name}", users
    return found


def _crosses(path: Path, place: Place) -> bool:
    return any((hop.link, hop.tail) == place for hop in path.hops)


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
