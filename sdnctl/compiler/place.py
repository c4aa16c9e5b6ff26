"""Place: who is admitted, and on which trunk. The admission ladder, and what the baseline decided, are kept.

Order of business, all of it deterministic:

1. What the baseline carries keeps its trunk and path while they are still good and have room, by rank.
2. Everything else is placed by class rank (0 first), then demand id: on a trunk of its profile that
   has room, else on the least route that has room (a further trunk ``#n`` between the same ends).
3. Where there is no room, demands of *lower* classes on the best route give way, from the bottom of
   the ladder; they are placed again when their rank comes, or refused saying who took the room.

Capacity is counted per direction of each link: CIR, plus EIR for classes whose queue also serves another class
(docs/pipeline.md, "Rates"). Bypasses and standbys reserve nothing; `protect` warns where they lack room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from heapq import heapify, heappop, heappush

from sdnctl.compiler.admission import Capacity, Lane, Unit, trunk_key, units
from sdnctl.compiler.ir import Baseline, Network, Placement
from sdnctl.compiler.proof import Refusal, explain, listed
from sdnctl.compiler.route import WEAKER, Profile, Route, Router
from sdnctl.errors import Diagnostics, Severity
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Path
from sdnctl.topology.paths import Place
from sdnctl.topology.turns import SearchLimit
from sdnctl.units import format_bitrate


def place(
    network: Network, baseline: Baseline, router: Router | None = None, *, degrade: bool = False
) -> Placement:
    """Give every demand a trunk, or refuse it with the reason.

    With `degrade` (after a failure, never for an edit) demands of the baseline that cannot have their grade
    any more are carried with what protection is left, with a warning, instead of being refused.
    """
    return Placer(network, baseline, router or Router(network.topology, network.settings), degrade=degrade).run()


class Placer:
    """One placement under way: lanes, what they need, and the capacity that they leave."""

    def __init__(self, network: Network, baseline: Baseline, router: Router, *, degrade: bool = False) -> None:
        self.network = network
        self.baseline = baseline
        self.degrade = degrade
        self.mtu = network.settings.mtu
        self.router = router
        self.capacity = Capacity(network.topology)
        self.lanes: dict[Profile, dict[int, Lane]] = defaultdict(dict)
        self.home: dict[str, Lane] = {}  # unit id → its lane
        self.failed: dict[tuple[Profile, frozenset[Place]], Refusal | None] = {}
        self.stems: dict[Profile, tuple[str, str]] = {}
        self.diagnostics = Diagnostics()
        self.local: list[Unit] = []
        self.refused: list[Unit] = []
        self.displaced: dict[str, Unit] = {}  # unit id → the unit that took its room

    def run(self) -> Placement:
        """Place every unit of the network."""
        waiting: list[tuple[tuple[int, str], Unit]] = []
        for unit in units(self.network):
            if self.acceptable(unit) and not unit.local and not self.keep(unit):
                waiting.append((unit.order, unit))
        heapify(waiting)
        while waiting:
            _, unit = heappop(waiting)
            for loser in self.admit(unit):
                self.displaced[loser.id] = unit
                heappush(waiting, (loser.order, loser))
        return self._result()

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────

    def acceptable(self, unit: Unit) -> bool:
        """Whether both ends are usable; ends on one switch are done with."""
        profile = unit.profile
        missing = sorted({profile.a, profile.b} - self.network.topology.nodes.keys())
        if missing:
            self._refuse(
                unit,
                Refusal(
                    "no-path",
                    f"switch {listed(missing)} is not in the topology",
                    "it is unknown, or not in service",
                    "attach the endpoint to a switch in service",
                    tuple(missing),
                ),
            )
            return False
        if unit.local:
            if profile.a in self.router.avoided(profile.avoid)[1]:
                self._refuse(unit, explain(self.router, profile))
                return False
            self.local.append(unit)
        return True

    # ── what is there already ────────────────────────────────────────────────────────────────────

    def keep(self, unit: Unit) -> bool:
        """Put a unit back on the trunk it has in the baseline, if that is still good."""
        number = self.old_number(unit)
        if number is None:
            return False
        profile = unit.profile
        lane = self.lanes[profile].get(number)
        if lane is None:
            route = self._old_route(profile, number)
            if route is None or not self.router.accepts(profile, route):
                return False
            if not self.capacity.fits(unit, route.path):
                return False
            lane = self._open(profile, profile, number, route)
        elif not self.capacity.fits(unit, lane.route.path):
            return False
        self._board(unit, lane)
        return True

    def old_number(self, unit: Unit) -> int | None:
        """The number of the lane that carries the unit in the baseline, if its profile is still the same."""
        for demand in unit.demands:
            key = self.baseline.members.get(demand.id)
            if key is not None:
                back = demand.ingress.attachment.node != unit.profile.a
                stem, _, number = key.rpartition("#")
                if number.isdigit() and stem == self._stem(unit.profile, back=back):
                    return int(number)
        return None

    def _stem(self, profile: Profile, *, back: bool) -> str:
        """A trunk key without its number."""
        stems = self.stems.get(profile)
        if stems is None:
            there, return_ = (
                trunk_key(profile, self.mtu, 0, back=way).removesuffix("#0") for way in (False, True)
            )
            stems = self.stems[profile] = there, return_
        return stems[back]

    def _old_route(self, profile: Profile, number: int) -> Route | None:
        """The route of a lane in the baseline, from either of its two trunks."""
        for back in (False, True):
            key = f"{self._stem(profile, back=back)}#{number}"
            path, standby = self.baseline.paths.get(key), self.baseline.standby.get(key)
            if path is not None:
                if back:
                    path, standby = path.reversed(), standby.reversed() if standby else None
                return Route(path, standby)
        return None

    # ── admission ────────────────────────────────────────────────────────────────────────────────

    def admit(self, unit: Unit) -> list[Unit]:
        """Place a unit or refuse it; returns the units that had to give way."""
        for _, lane in sorted(self.lanes[unit.profile].items()):
            if self.capacity.fits(unit, lane.route.path):
                self._board(unit, lane)
                return []
        try:
            return self._admit_anew(unit)
        except SearchLimit as limit:
            self._refuse(unit, Refusal("search-limit", str(limit), hint="relax a constraint of this demand"))
            return []

    def _admit_anew(self, unit: Unit) -> list[Unit]:
        """Place a unit on a route that no trunk has yet, of a weaker grade if need be and allowed."""
        topology = self.network.topology
        room = self.capacity.full(unit, topology)
        taken = self.capacity.full(unit, topology, unit.rank) if room else room
        for carried in self._profiles(unit):
            for full in dict.fromkeys((room, taken)):
                route = self._old_if_good(unit, carried, full) or self._find(carried, full)
                if route is None:
                    continue
                losers = [] if full == room else self._give_way(unit, route.path)
                if carried != unit.profile:
                    self._protection_lost(unit, carried)
                lanes = sorted(self.lanes[unit.profile].items())
                lane = next((lane for _, lane in lanes if lane.route == route), None)
                self._board(unit, lane or self._open(unit.profile, carried, self._number(unit), route))
                return losers
        self._refuse(unit, self._reason(unit))
        return []

    def _profiles(self, unit: Unit) -> Iterator[Profile]:
        """The unit's profile, and what it may be carried with after a failure, strongest first."""
        profile = unit.profile
        yield profile
        carried = any(demand.id in self.baseline.members for demand in unit.demands)
        while self.degrade and carried and profile.grade in WEAKER:
            profile = replace(profile, grade=WEAKER[profile.grade])
            yield profile
        if self.degrade and carried and profile.latency is not None:
            yield replace(profile, grade=Grade.NONE, latency=None)

    def _old_if_good(self, unit: Unit, carried: Profile, full: frozenset[Place]) -> Route | None:
        """The path that a degraded demand is on already, if it is good enough for the weaker grade."""
        number = self.old_number(unit)
        old = None if number is None else self._old_route(unit.profile, number)
        if carried == unit.profile or old is None:
            return None
        for path in (old.path, old.standby):
            if path is not None and full.isdisjoint((hop.link, hop.tail) for hop in path.hops):
                route = Route(path)
                if self.router.accepts(carried, route):
                    return route
        return None

    def _find(self, profile: Profile, full: frozenset[Place]) -> Route | None:
        """The router's answer; needs only grow, so what has no route will not get one."""
        if (profile, full) in self.failed:
            return None
        route = self.router.find(profile, full)
        if route is None:
            self.failed[profile, full] = None
        return route

    def _give_way(self, unit: Unit, path: Path) -> list[Unit]:
        """Take units of lower classes off the path, from the bottom of the ladder, until the unit fits."""
        losers = []
        for spot, rate in list(self.capacity.loads(unit, path)):
            while self.capacity.left[spot] < rate:
                loser = max((user for user, _ in self.capacity.users[spot].values()), key=lambda user: user.order)
                self._leave(loser)
                losers.append(loser)
        for profile, lanes in self.lanes.items():
            self.lanes[profile] = {number: lane for number, lane in lanes.items() if lane.units}
        self.router.needs.by_guard.clear()
        self.failed.clear()
        for lanes in self.lanes.values():
            for lane in lanes.values():
                self.router.take(lane.carried, lane.route)
        return losers

    def _protection_lost(self, unit: Unit, carried: Profile) -> None:
        reason = explain(self.router, unit.profile)
        late = " and without its latency" if carried.latency != unit.profile.latency else ""
        self._report(
            unit,
            Refusal(
                "protection-lost",
                f"carried with grade {carried.grade} instead of {unit.profile.grade}{late}: {reason.summary}",
                reason.detail,
                "repair what failed; the grade comes back with the next compilation",
            ),
            Severity.WARNING,
        )

    # ── lanes ────────────────────────────────────────────────────────────────────────────────────

    def _number(self, unit: Unit) -> int:
        """The unit's own old number if nobody has it, else the lowest that is new."""
        lanes = self.lanes[unit.profile]
        old = self.old_number(unit)
        if old is not None and old not in lanes:
            return old
        number = 1
        while number in lanes or self._old_route(unit.profile, number) is not None:
            number += 1
        return number

    def _open(self, profile: Profile, carried: Profile, number: int, route: Route) -> Lane:
        lane = self.lanes[profile][number] = Lane(profile, carried, number, route)
        self.router.take(carried, route)
        return lane

    def _board(self, unit: Unit, lane: Lane) -> None:
        lane.units[unit.id] = unit
        self.home[unit.id] = lane
        self.capacity.book(unit, lane.route.path)

    def _leave(self, unit: Unit) -> None:
        lane = self.home.pop(unit.id)
        del lane.units[unit.id]
        self.capacity.release(unit, lane.route.path)

    # ── refusals ─────────────────────────────────────────────────────────────────────────────────

    def _reason(self, unit: Unit) -> Refusal:
        """Why there is no route: by nature, or for lack of capacity."""
        nothing: frozenset[Place] = frozenset()
        if self._find(unit.profile, nothing) is None:
            refusal = self.failed[unit.profile, nothing]
            if refusal is None:
                refusal = self.failed[unit.profile, nothing] = explain(self.router, unit.profile)
            return refusal
        return self._no_capacity(unit)

    def _no_capacity(self, unit: Unit) -> Refusal:
        """The full links that stand between the two ends, and who holds them."""
        profile = unit.profile
        full = self.capacity.full(unit, self.network.topology)
        ban = self.router.ban(profile)
        reached = self.router.graph.distances(profile.b, ban, closed=full)
        if profile.a in reached:  # what has room is not protected, or late
            route = self.router.find(profile)
            spots = (
                [(hop.link, hop.tail) for hop in route.path.hops if (hop.link, hop.tail) in full] if route else []
            )
        else:
            spots = [
                spot
                for spot in sorted(full)
                if spot[0] not in ban and spot[1] not in reached and self._head(spot) in reached
            ]
        names = tuple(dict.fromkeys(link for link, _ in spots))
        taker = self.displaced.get(unit.id)
        gave = f"; it gave way to {taker.demands[0].service_class} ({taker.id})" if taker else ""
        return Refusal(
            "no-capacity",
            f"no room for {format_bitrate(max(unit.up, unit.down))} between {profile.a} and {profile.b}",
            listed([self._holders(link) for link in names], "; ") + gave,
            "raise the capacity of these links, lower the rates, or move the class up the ladder",
            names,
        )

    def _head(self, spot: Place) -> str:
        return self.network.topology.links[spot[0]].other(spot[1])

    def _holders(self, link: str) -> str:
        """How much of a link which classes hold, in its fuller direction."""
        nodes = self.network.topology.links[link].nodes
        spot = min(((link, node) for node in nodes), key=lambda spot: self.capacity.left[spot])
        held: dict[str, int] = defaultdict(int)
        for user, rate in self.capacity.users[spot].values():
            held[user.demands[0].service_class] += rate
        by_rank = sorted(held, key=lambda name: (self.network.classes[name].rank, name))
        classes = ", ".join(f"{name} {format_bitrate(held[name])}" for name in by_rank)
        return f"link {link} has {format_bitrate(self.capacity.left[spot])} left ({classes or 'nothing booked'})"

    def _refuse(self, unit: Unit, refusal: Refusal) -> None:
        self.refused.append(unit)
        self._report(unit, refusal, Severity.ERROR)

    def _report(self, unit: Unit, refusal: Refusal, severity: Severity) -> None:
        """One finding per demand, so that each demand's address leads to its reason."""
        say = self.diagnostics.error if severity is Severity.ERROR else self.diagnostics.warning
        for demand in unit.demands:
            say(
                refusal.code,
                refusal.summary,
                address=f"intent {demand.application} demand {demand.id}",
                source=demand.source,
                detail=refusal.detail,
                hint=refusal.hint,
            )

    # ── result ───────────────────────────────────────────────────────────────────────────────────

    def _result(self) -> Placement:
        paths: dict[str, tuple[Path, Path | None]] = {}
        grades: dict[str, Grade] = {}
        members: dict[str, tuple[str, ...]] = {}
        for lanes in self.lanes.values():
            for lane in lanes.values():
                for key, ways, ids in self.trunks(lane):
                    paths[key], grades[key], members[key] = ways, lane.profile.grade, ids
        return Placement(
            dict(sorted(paths.items())),
            dict(sorted(grades.items())),
            dict(sorted(members.items())),
            _ids(self.local),
            _ids(self.refused),
            self.diagnostics.sorted(),
        )

    def trunks(self, lane: Lane) -> Iterator[tuple[str, tuple[Path, Path | None], tuple[str, ...]]]:
        """Key, paths and demand ids of the trunks of a lane: one for each direction that has demands."""
        turn = self.router.graph.reversed
        ids: dict[bool, list[str]] = {}
        for unit in lane.units.values():
            for demand in unit.demands:
                ids.setdefault(demand.ingress.attachment.node != lane.profile.a, []).append(demand.id)
        for back, found in ids.items():
            path, standby = lane.route.path, lane.route.standby
            if back:
                path, standby = turn(path), turn(standby) if standby else None
            yield self.trunk_name(lane, back=back), (path, standby), tuple(sorted(found))

    def trunk_name(self, lane: Lane, *, back: bool) -> str:
        """The key of one of the two trunks of a lane."""
        return f"{self._stem(lane.profile, back=back)}#{lane.number}"


def _ids(group: list[Unit]) -> tuple[str, ...]:
    return tuple(sorted(demand.id for unit in group for demand in unit.demands))
