"""Who uses which glass: every optical link and customers' line, by the stretches of strands that it runs on.

An index over traced chains, so that what an event takes away is looked up and nothing is traced again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from sdnctl.inventory.access import AccessLine
from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.plant import Plant, StrandEnd
from sdnctl.inventory.tracing import StepKind, Trace

User: TypeAlias = OpticalLink | AccessLine


class Run(NamedTuple):
    """A strand of a cable between two of its places, in half steps (see `places`), and the number of its user."""

    low: int
    high: int
    strand: int
    user: int


class Spot(NamedTuple):
    """Something that happens at a position of a cable to these strands (as bits).

    In a `closure` it hits what passes uncut there and what is spliced in it; glass that ends there otherwise (on a
    frame of the same site, say) is not in it.
    """

    at: int
    strands: int
    closure: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """What a set of spots takes: users by number, and strands in use, by cable."""

    users: frozenset[int]
    runs: Mapping[str, Sequence[Run]]


class Uses:
    """Users of the glass of one plant. `dead` of a question are sites whose gear is gone."""

    def __init__(self, plant: Plant, links: Iterable[OpticalLink], lines: Iterable[AccessLine] = ()) -> None:
        self.users: tuple[User, ...] = (*links, *lines)
        self.runs: dict[str, list[Run]] = defaultdict(list)
        self._gear: dict[str, set[int]] = defaultdict(set)
        self._spliced: dict[str, set[int]] = defaultdict(set)
        self._passed: dict[str, set[int]] = defaultdict(set)
        for number, user in enumerate(self.users):
            for chain in chains_of(user):
                self._add(plant, chain, number)

    def _add(self, plant: Plant, chain: Trace, number: int) -> None:
        self._gear[plant.place_of(chain.start)].add(number)
        for step in chain.steps:
            enter, leave = step.enter, step.leave
            if step.kind is StepKind.STRAND and isinstance(enter, StrandEnd) and isinstance(leave, StrandEnd):
                low, high = sorted((2 * enter.place, 2 * leave.place))
                self.runs[step.via].append(Run(low, high, enter.strand, number))
            elif step.kind is StepKind.SPLICE:
                self._spliced[step.via].add(number)
            else:
                self._gear[plant.place_of(leave)].add(number)
                if step.kind is StepKind.PASSIVE:
                    self._passed[step.via].add(number)

    def met(
        self, spots: Mapping[str, Iterable[Spot]], dead: Iterable[str] = (), broken: Iterable[str] = ()
    ) -> Met:
        """Users with a strand through one of these spots, anything at a dead site, or a broken passive node."""
        users = {number for site in dead for number in self._gear.get(site, ())}
        users.update(number for passive in broken for number in self._passed.get(passive, ()))
        hit: dict[str, tuple[Run, ...]] = {}
        for cable, where in spots.items():
            runs = self.runs.get(cable)
            if not runs:
                continue
            found = {run: None for spot in where for run in runs if self._hits(spot, run)}
            hit[cable] = tuple(found)
            users.update(run.user for run in found)
        return Met(frozenset(users), hit)

    def _hits(self, spot: Spot, run: Run) -> bool:
        if not (run.low <= spot.at <= run.high and spot.strands >> run.strand & 1):
            return False
        return not spot.closure or run.low < spot.at < run.high or run.user in self._spliced[spot.closure]


def chains_of(user: User) -> tuple[Trace, ...]:
    """The chains of a link (both ways) or of a customers' line."""
    if isinstance(user, AccessLine):
        return user.chains
    return (user.there,) if user.a.lane == "bidi" else (user.there, user.back)
