"""Route: the path that a group of demands takes, under everything it was promised.

Demands that may share a trunk have the same `Profile`. Both directions of a pair take the same path, so a
path is good only if it is good both ways. A path must

- keep off what the demand avoids (links, switches, sites, SRLGs), and so must its bypasses;
- keep off switches that are drained, unless it ends there, and so must its bypasses;
- carry the frames: demand MTU + 34 ≤ link MTU, on bypasses too;
- have a bypass for every hop (grades local, disjoint) or for every hop and the switch behind it, and for the last
  hop (node);
- keep the latency bound, also while any *one* bypass is in use. Two bypasses at once (a group that
  hits two hops) and the standby under repair may be later than that;
- for grade disjoint, have a standby within the bound that shares no link, transit switch or SRLG, except
  SRLGs that are residual for an end. The standby is protected where that is possible.

Of those paths the least by (delay, hops, link ids) is taken. Searches are exact: None is a proof, whose
reasons `compiler.proof` puts into words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from sdnctl.compiler.detour import Detours, Guard, Needs, guards
from sdnctl.compiler.ir import Settings
from sdnctl.intents.demand import Demand, Grade
from sdnctl.quick import quick
from sdnctl.topology.disjoint import PairProblem, risk_disjoint
from sdnctl.topology.graph import Failure, Hop, Path, Topology
from sdnctl.topology.paths import OPEN, Graph, Place, exists, is_simple
from sdnctl.topology.risk import Risks
from sdnctl.topology.turns import shortest_with_turns
from sdnctl.units import Delay, Octets, format_delay

OVERHEAD = 34
"""Octets above the service MTU that a link must carry: three labels, Ethernet, two customer tags."""

WEAKER = {Grade.DISJOINT: Grade.LOCAL, Grade.NODE: Grade.LOCAL, Grade.LOCAL: Grade.NONE}
"""What a grade falls back to while the network is degraded."""


@quick
@dataclass(frozen=True, slots=True, order=True)
class Profile:
    """What demands have in common that share a trunk: the two switches (a < b) and all that shapes the path.

    `tenant` is set for exclusive demands only.
    """

    a: str
    b: str
    grade: Grade
    latency: Delay | None
    avoid: tuple[str, ...]
    mtu: Octets
    tenant: str = ""

    @classmethod
    def of(cls, demands: Iterable[Demand]) -> Profile:
        """The profile of one demand, or of both directions of a pair: the tighter of each condition."""
        group = list(demands)
        first = group[0]
        a, b = sorted((first.ingress.attachment.node, first.egress.attachment.node))
        bounds = [demand.latency for demand in group if demand.latency is not None]
        return cls(
            a,
            b,
            first.grade,
            min(bounds, default=None),
            tuple(sorted(frozenset().union(*(demand.avoid for demand in group)))),
            max(demand.mtu for demand in group),
            first.tenant if first.exclusive else "",
        )

    def text(self, default_mtu: Octets) -> str:
        """The middle part of a trunk key: only what is not the default, such as ``local,latency=20ms``."""
        parts = [str(self.grade)]
        if self.latency is not None:
            parts.append(f"latency={format_delay(self.latency).replace(' ', '')}")
        if self.avoid:
            parts.append(f"avoid={'+'.join(self.avoid)}")
        if self.mtu != default_mtu:
            parts.append(f"mtu={self.mtu}")
        if self.tenant:
            parts.append(f"tenant={self.tenant}")
        return ",".join(parts)

    @property
    def bound(self) -> int | None:
        return None if self.latency is None else int(self.latency * 1000)


@quick
@dataclass(frozen=True, slots=True)
class Route:
    """A path from `a` to `b` of a profile, and the standby of grade disjoint."""

    path: Path
    standby: Path | None = None


_Turn: TypeAlias = tuple[int, tuple[tuple[Guard, int], ...]]
"""What the worse bypass round the switch between two hops adds to their delay; both guards and delays, ns."""


class Router:
    """Finds routes in one topology, remembering what the bypasses are already needed for."""

    def __init__(self, topology: Topology, settings: Settings, drained: Iterable[str] = ()) -> None:
        self.topology = topology
        self.settings = settings
        self.drained = frozenset(drained).intersection(topology.nodes)
        self.graph = Graph(topology)
        self.risks = Risks(topology, settings)
        self.detours = Detours(self.graph, self.risks)
        self.needs = Needs(self.detours)
        self._bans: dict[tuple[tuple[str, ...], Octets, frozenset[str]], frozenset[str]] = {}
        self._equal_bans: dict[frozenset[str], frozenset[str]] = {}
        self._turns: dict[frozenset[str], dict[tuple[str, str, str], _Turn | None]] = defaultdict(dict)
        self._both_ways: dict[str, tuple[Guard, Guard]] = {}
        self._sites: dict[str, list[str]] = {}
        for node in topology.nodes.values():
            self._sites.setdefault(node.site, []).append(node.id)

    def avoided(self, avoid: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Links and switches that these link, switch, site and SRLG ids take away."""
        links: set[str] = set()
        nodes: set[str] = set()
        for name in avoid:
            links.update({name} & self.topology.links.keys())
            nodes.update({name} & self.topology.nodes.keys(), self._sites.get(name, ()))
            srlg = self.topology.srlgs.get(name)
            if srlg is not None:
                links |= srlg.links
                nodes |= srlg.nodes
        return self.topology.down(links, nodes), frozenset(nodes)

    def narrow(self, mtu: Octets) -> frozenset[str]:
        """Links that cannot carry frames of this service MTU."""
        return frozenset(key for key, link in self.topology.links.items() if mtu + OVERHEAD > link.mtu)

    def ban(self, profile: Profile) -> frozenset[str]:
        """Links that neither the paths nor the bypasses of this profile may use."""
        shut = self.shut(profile)
        key = (profile.avoid, profile.mtu, shut)
        if key not in self._bans:
            ban = self.avoided(profile.avoid)[0] | self.narrow(profile.mtu) | self.topology.down(nodes=shut)
            # Equal bans are one object, so that most comparisons are of identities.
            self._bans[key] = self._equal_bans.setdefault(ban, ban)
        return self._bans[key]

    def shut(self, profile: Profile) -> frozenset[str]:
        """Drained switches that this profile may not run through, because neither end is there."""
        return self.drained.difference((profile.a, profile.b)) if self.drained else self.drained

    def find(self, profile: Profile, full: frozenset[Place] = OPEN) -> Route | None:
        """The least route that uses none of the `full` directions (no capacity), or None: there is none.

        Directions are those of the way from a to b. Bypasses may use full links. Raises
        `SearchLimit` where the search gave up.
        """
        if profile.grade is Grade.DISJOINT:
            return self._disjoint(profile, full)
        if profile.grade is Grade.NODE:
            path = self._node(profile, full)
        else:
            path = self._hopwise(profile, full)
        return None if path is None else Route(path)

    def accepts(self, profile: Profile, route: Route) -> bool:
        """Whether a route satisfies the profile in this topology, together with all trunks so far."""
        for path in (route.path, route.standby):
            if path is not None and not (
                is_simple(path)
                and exists(self.topology, path)
                and (path.nodes[0], path.nodes[-1]) == (profile.a, profile.b)
            ):
                return False
        if (route.standby is not None) != (profile.grade is Grade.DISJOINT):
            return False
        if not self.ban(profile).isdisjoint(route.path.links):
            return False
        total = self.graph.delay(route.path)
        extras = self.extras(profile, route.path)
        if extras is None or (profile.bound is not None and total + max([0, *extras]) > profile.bound):
            return False
        return route.standby is None or self.problem(profile).is_solution(route.path, route.standby)

    def take(self, profile: Profile, route: Route) -> None:
        """Take a route up: from now on its guards are needed for it, both ways."""
        for path in (route.path, self.graph.reversed(route.path)):
            self.needs.add(path, profile.grade, self.ban(profile), profile.bound)

    def link_extra(self, hop: Hop, ban: frozenset[str]) -> int | None:
        """What the worse of the two link bypasses of a hop (there and back) adds to its delay, ns."""
        link = hop.link
        guards = self._both_ways.get(link)
        if guards is None:
            guards = self._both_ways[link] = Guard(link, hop.tail, hop.head), Guard(link, hop.head, hop.tail)
        return self._worst(*guards, self.graph.delays[link], ban)

    def turn_extra(self, one: Hop, two: Hop, ban: frozenset[str]) -> int | None:
        """What the worse of the two node bypasses round the switch between two hops adds to their delay, ns."""
        there = Guard(one.link, one.tail, one.head, two.head)
        back = Guard(two.link, two.head, two.tail, one.tail)
        return self._worst(there, back, self.graph.delays[one.link] + self.graph.delays[two.link], ban)

    def end_extra(self, hop: Hop, ban: frozenset[str], *, back: bool = False) -> int | None:
        """What the link bypass towards the last switch (`back`: the first) adds to the delay of its hop, ns."""
        guard = Guard(hop.link, hop.head, hop.tail) if back else Guard(hop.link, hop.tail, hop.head)
        return self.needs.extra(guard, (hop,), ban)

    def _worst(self, there: Guard, back: Guard, replaced: int, ban: frozenset[str]) -> int | None:
        """What the worse of two bypasses adds to the delay of what both replace, ns; None if one is missing."""
        one = self.needs.delay(there, ban)
        if one is None:
            return None
        other = self.needs.delay(back, ban)
        return None if other is None else max(one, other) - replaced

    def extras(self, profile: Profile, path: Path) -> list[int] | None:
        """What each bypass of a path adds, both ways; None where one is missing."""
        ban = self.ban(profile)
        found = []
        for direction in (path, self.graph.reversed(path)):
            for guard, replaced in guards(direction, profile.grade):
                extra = self.needs.extra(guard, replaced, ban)
                if extra is None:
                    return None
                found.append(extra)
        return found

    def _hopwise(self, profile: Profile, full: frozenset[Place]) -> Path | None:
        """Grades none and local: hops are good or not by themselves.

        Repaired delay is the path's plus the worst extra of its hops. Any other path with a hop as bad
        as the worst one of the least path is later still; so such hops are struck out until it fits.
        """
        ban = self.ban(profile)
        struck = ban
        while True:
            path = self.graph.shortest_of_many(profile.a, profile.b, struck, full)
            if path is None or (profile.bound is not None and self.graph.delay(path) > profile.bound):
                return None
            if profile.grade is Grade.NONE:
                return path
            extras = {hop.link: self.link_extra(hop, ban) for hop in path.hops}
            bad = {link for link, extra in extras.items() if extra is None}
            if not bad:
                known = {link: extra for link, extra in extras.items() if extra is not None}
                worst = max(known.values())
                if profile.bound is None or self.graph.delay(path) + worst <= profile.bound:
                    return path
                bad = {link for link, extra in known.items() if extra >= worst}
            struck |= bad

    def _node(self, profile: Profile, full: frozenset[Place]) -> Path | None:
        """Grade node: each pair of hops must have ways round the switch between them, there and back."""
        ban = self.ban(profile)
        limit: int | None = None

        def fits(extra: int | None) -> bool:
            return extra is not None and (limit is None or extra < limit)

        while True:
            path = shortest_with_turns(
                self.graph,
                profile.a,
                profile.b,
                ban,
                self._turns_within(ban, limit),
                lambda hop: fits(self.end_extra(hop, ban, back=True)),
                lambda hop: fits(self.end_extra(hop, ban)),
                full,
            )
            if path is None or profile.bound is None:
                return path
            total = self.graph.delay(path)
            extras = self.extras(profile, path)
            if total > profile.bound or extras is None:
                return None
            if total + max(extras) <= profile.bound:
                return path
            limit = max(extras)

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """Every single failure; of those that take the same links the first."""
        distinct: dict[frozenset[str], Failure] = {}
        for failure in self.topology.failures():
            distinct.setdefault(failure.links, failure)
        return tuple(distinct.values())

    @cached_property
    def failures_of(self) -> dict[str, list[int]]:
        """Link → places in `failures` of those that take it."""
        table: dict[str, list[int]] = defaultdict(list)
        for index, failure in enumerate(self.failures):
            for link in failure.links:
                table[link].append(index)
        return dict(table)

    def fork(self) -> Router:
        """Another router of the same topology that shares what is known of it, with needs of its own."""
        other = copy(self)
        other.needs = Needs(self.detours)
        other.needs.by_guard = dict(self.needs.by_guard)
        return other

    @cached_property
    def _one_way(self) -> tuple[Hop, ...]:
        """Every link once, in one direction."""
        return tuple(Hop(link.id, *link.nodes) for link in self.topology.links.values())

    @cached_property
    def _shared(self) -> dict[str, frozenset[str]]:
        """SRLG id → links; a group of one link adds nothing to the rule that the paths share no link."""
        return {name: links for name, links in self.risks.down.items() if len(links) > 1}

    def _turns_within(self, ban: frozenset[str], limit: int | None) -> Callable[[Hop, Hop], bool]:
        """Whether `turn_extra` of two hops is there and below the limit, for a search that asks very often."""
        known, needs, detours, delays = self._turns[ban], self.needs.by_guard, self.detours, self.graph.delays

        def look(one: Hop, two: Hop) -> _Turn | None:
            there = Guard(one.link, one.tail, one.head, two.head)
            back = Guard(two.link, two.head, two.tail, one.tail)
            first, second = detours.least_delay(there, ban), detours.least_delay(back, ban)
            if first is None or second is None:
                return None
            extra = max(first, second) - delays[one.link] - delays[two.link]
            return extra, ((there, first), (back, second))

        def allowed(one: Hop, two: Hop) -> bool:
            key = (one.link, one.tail, two.link)
            if key not in known:
                known[key] = look(one, two)
            found = known[key]
            if found is None or (limit is not None and found[0] >= limit):
                return False  # other users of the guards can only make it worse
            for guard, delay in found[1]:
                need = needs.get(guard)
                if need is not None and need.ban is not ban:
                    extra = self.turn_extra(one, two, ban)
                    return extra is not None and (limit is None or extra < limit)
                if need is not None and need.bound is not None and delay > need.bound:
                    return False
            return True

        return allowed

    def problem(self, profile: Profile, full: frozenset[Place] = OPEN) -> PairProblem:
        """The pair problem of a disjoint profile."""
        ban = self.ban(profile)
        exempt = self.risks.residual(profile.a) | self.risks.residual(profile.b)
        extras = {hop.link: self.link_extra(hop, ban) for hop in self._one_way if hop.link not in ban}
        return PairProblem(
            self.graph,
            profile.a,
            profile.b,
            {name: links for name, links in self._shared.items() if name not in exempt},
            ban,
            frozenset(link for link, extra in extras.items() if extra is None),
            profile.bound,
            {link: extra for link, extra in extras.items() if extra is not None},
            full,
        )

    def _disjoint(self, profile: Profile, full: frozenset[Place]) -> Route | None:
        problem = self.problem(profile, full)
        pair = risk_disjoint(problem, problem.banned_primary)
        return None if pair is None else Route(*pair)
