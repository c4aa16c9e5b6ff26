"""What place works with: units of demands, lanes that carry them, and the capacity they take.

A *unit* is what is admitted or refused as a whole: a demand, or both directions of a pair. A *lane* is both
directions of one trunk number: ``a>b/profile#n`` and ``b>a/profile#n`` on the same path.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sdnctl.compiler.ir import Network
from sdnctl.compiler.route import Profile, Route
from sdnctl.intents.demand import Demand, ServiceClass
from sdnctl.quick import quick
from sdnctl.topology.graph import Path, Topology
from sdnctl.topology.paths import Place
from sdnctl.units import Octets


@quick
@dataclass(frozen=True, slots=True)
class Unit:
    """Demands that stand or fall together; `up` and `down` are bit/s booked from a to b and from b to a."""

    id: str
    rank: int
    profile: Profile
    demands: tuple[Demand, ...]
    up: int
    down: int

    @property
    def order(self) -> tuple[int, str]:
        """Place in the admission ladder: lower is admitted first."""
        return self.rank, self.id

    @property
    def local(self) -> bool:
        """Whether both ends are on one switch."""
        return self.profile.a == self.profile.b


def trunk_key(profile: Profile, default_mtu: Octets, number: int, *, back: bool = False) -> str:
    """The key of one direction of a lane."""
    ends = (profile.b, profile.a) if back else (profile.a, profile.b)
    return f"{ends[0]}>{ends[1]}/{profile.text(default_mtu)}#{number}"


def booked(demand: Demand, shared: frozenset[int], classes: Mapping[str, ServiceClass]) -> int:
    """Bit/s that admission counts for a demand: CIR, and EIR too where its queue serves several classes."""
    if classes[demand.service_class].queue in shared:
        return demand.cir + demand.eir
    return demand.cir


def shared_queues(classes: Iterable[ServiceClass]) -> frozenset[int]:
    """Queues that more than one class uses: an excess rate there takes another class's committed rate."""
    users: dict[int, int] = defaultdict(int)
    for item in classes:
        users[item.queue] += 1
    return frozenset(queue for queue, count in users.items() if count > 1)


def units(network: Network, by_id: Mapping[str, Demand] | None = None, only: Iterable[Demand] = ()) -> list[Unit]:
    """All units in the order of the ladder: class rank, then id.

    With `by_id` (the network's demands) those that the demands in `only` make up: both directions of each.
    """
    if by_id is None:
        by_id, only = {demand.id: demand for demand in network.demands}, network.demands
    shared = shared_queues(network.classes.values())
    result = []
    for demand in only:
        other = by_id.get(demand.reverse)
        if other is None or not _are_pair(demand, other):
            result.append(_unit(network, shared, (demand,)))
        elif demand.id < other.id:
            result.append(_unit(network, shared, (demand, other)))
    return sorted(result, key=lambda unit: unit.order)


def _are_pair(one: Demand, two: Demand) -> bool:
    return (
        two.reverse == one.id
        and one.ingress.attachment.node == two.egress.attachment.node
        and one.egress.attachment.node == two.ingress.attachment.node
        and one.grade is two.grade
        and (one.exclusive, one.tenant) == (two.exclusive, two.tenant)
    )


def _unit(network: Network, shared: frozenset[int], demands: tuple[Demand, ...]) -> Unit:
    profile = Profile.of(demands)
    up = down = 0
    for demand in demands:
        rate = booked(demand, shared, network.classes)
        if demand.ingress.attachment.node == profile.a:
            up += rate
        else:
            down += rate
    rank = min(network.classes[demand.service_class].rank for demand in demands)
    return Unit(demands[0].id, rank, profile, demands, up, down)


_NOTHING: frozenset[Place] = frozenset()


@dataclass(slots=True)
class Lane:
    """Both directions of one trunk number, and the units it carries.

    `carried` is the profile that the route satisfies: weaker than `profile` while the network is degraded.
    """

    profile: Profile
    carried: Profile
    number: int
    route: Route
    units: dict[str, Unit] = field(default_factory=dict)


class Capacity:
    """Bit/s left on each direction of each link, and who took the rest."""

    def __init__(self, topology: Topology) -> None:
        self.left: dict[Place, int] = {
            (link.id, node): link.capacity for link in topology.links.values() for node in link.nodes
        }
        self.users: dict[Place, dict[str, tuple[Unit, int]]] = {place: {} for place in self.left}

    @staticmethod
    def loads(unit: Unit, path: Path) -> Iterator[tuple[Place, int]]:
        """What a unit books where, both ways, on a path from a to b."""
        for hop in path.hops:
            if unit.up:
                yield (hop.link, hop.tail), unit.up
            if unit.down:
                yield (hop.link, hop.head), unit.down

    def fits(self, unit: Unit, path: Path) -> bool:
        return all(self.left[place] >= rate for place, rate in self.loads(unit, path))

    def book(self, unit: Unit, path: Path) -> None:
        for place, rate in self.loads(unit, path):
            self.left[place] -= rate
            self.users[place][unit.id] = unit, rate

    def release(self, unit: Unit, path: Path) -> None:
        for place, rate in self.loads(unit, path):
            self.left[place] += rate
            del self.users[place][unit.id]

    def full(self, unit: Unit, topology: Topology, rank: int | None = None) -> frozenset[Place]:
        """Directions that the way from a to b may not take, because the unit has no room there or back.

        With `rank`, what units below that rank of the ladder hold counts as room.
        """
        most = max(unit.up, unit.down)
        if not self.left or most <= min(self.left.values()):
            return _NOTHING
        closed = set()
        for link, node in [place for place, left in self.left.items() if left < most]:
            here, other = (link, node), (link, topology.links[link].other(node))
            if self._short(here, unit.up, rank):
                closed.add(here)
            if self._short(here, unit.down, rank):
                closed.add(other)
        return frozenset(closed)

    def _short(self, place: Place, rate: int, rank: int | None) -> bool:
        """Whether there is less room than the rate."""
        left = self.left[place]
        if left < rate and rank is not None:
            left += sum(held for user, held in self.users[place].values() if user.rank > rank)
        return left < rate
