"""Why there is no route: the segment, duct, chamber, link or switch that every candidate shares.

Each refusal is a proof that a reader can check on the map: remove what it names (or give it a second way)
and the reason is gone. Conditions are tried from the simplest to the strictest, so that the first one that
fails is named: glass at all, what is avoided, frame size, delay, protection, capacity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sdnctl.compiler.detour import Guard
from sdnctl.compiler.route import OVERHEAD, Profile, Router
from sdnctl.intents.demand import Grade
from sdnctl.topology.disjoint import PairProblem
from sdnctl.topology.graph import Hop, Path
from sdnctl.topology.paths import Graph
from sdnctl.units import Delay, Octets, format_delay, format_length, format_octets

_KINDS = ("duct", "segment", "cable", "declared", "chamber", "zone", "building", "feeder")
_MOST = 4  # things listed before "and n more"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a profile has no route. `names` are the ids of what all candidates share, the decisive one first."""

    code: str
    summary: str
    detail: str = ""
    hint: str = ""
    names: tuple[str, ...] = ()


def explain(router: Router, profile: Profile) -> Refusal:
    """The proof that `router.find(profile)` is None even with unlimited capacity."""
    return _Proof(router, profile).refusal()


class _Proof:
    def __init__(self, router: Router, profile: Profile) -> None:
        self.router = router
        self.graph: Graph = router.graph
        self.topology = router.topology
        self.profile = profile
        self.ban = router.ban(profile)
        self.ends = f"{profile.a} and {profile.b}"

    def refusal(self) -> Refusal:
        return (
            self.no_glass()
            or self.avoided()
            or self.narrow()
            or self.drained()
            or self.late()
            or self.unprotected()
        )

    # ── conditions on one path ───────────────────────────────────────────────────────────────────

    def connected(self, banned: Iterable[str]) -> bool:
        return self.profile.b in self.graph.reachable(self.profile.a, frozenset(banned))

    def no_glass(self) -> Refusal | None:
        if self.connected(()):
            return None
        reach = [sorted(self.graph.reachable(end)) for end in (self.profile.a, self.profile.b)]
        sides = "; ".join(f"{nodes[0] if len(nodes) == 1 else listed(nodes)} on one side" for nodes in reach)
        return Refusal(
            "no-path",
            f"no usable links connect {self.ends}",
            f"the network is in parts: {sides}",
            "check maintenance, life cycle and optical budgets of the links between the parts",
        )

    def avoided(self) -> Refusal | None:
        links, nodes = self.router.avoided(self.profile.avoid)
        for end in (self.profile.a, self.profile.b):
            if end in nodes:
                names = [name for name in self.profile.avoid if end in self.router.avoided((name,))[1]]
                return Refusal(
                    "no-path",
                    f"{listed(names)} is to be avoided, but holds the end switch {end}",
                    hint=f"take {listed(names)} out of `avoid`, or attach the endpoint elsewhere",
                    names=tuple(names),
                )
        if self.connected(links):
            return None
        single = [name for name in self.profile.avoid if not self.connected(self.router.avoided((name,))[0])]
        names = single or list(self.profile.avoid)
        how = "each lies on every path" if single else "together they lie on every path"
        return Refusal(
            "no-path",
            f"every path between {self.ends} uses what is to be avoided: {self.things(names)}",
            how if len(names) > 1 else "",
            f"take {listed(names)} out of `avoid`, or build a way round",
            tuple(names),
        )

    def drained(self) -> Refusal | None:
        if self.connected(self.ban):
            return None
        shut = sorted(self.router.shut(self.profile))
        single = [name for name in shut if not self.connected(self.topology.down(nodes=(name,)))]
        names = single or shut
        how = "each lies on every path" if single else "together they lie on every path that is left"
        return Refusal(
            "no-path",
            f"every path between {self.ends} runs through switch {listed(names)}, which is drained",
            how if len(names) > 1 else "",
            f"undrain {listed(names)}, or build a way round",
            tuple(names),
        )

    def narrow(self) -> Refusal | None:
        avoid = self.router.avoided(self.profile.avoid)[0]
        if self.connected(avoid | self.router.narrow(self.profile.mtu)):
            return None
        need = self.profile.mtu + OVERHEAD
        links = self.topology.links
        widths = sorted({link.mtu for link in links.values()}, reverse=True)
        widest = next(
            width
            for width in widths
            if self.connected(avoid | {key for key, link in links.items() if link.mtu < width})
        )
        inside = self.graph.reachable(self.profile.a, avoid | self.router.narrow(self.profile.mtu))
        cut = [key for key in sorted(self._leaving(inside) - avoid) if links[key].mtu < need]
        return Refusal(
            "mtu-too-small",
            f"no path between {self.ends} carries frames of {format_octets(self.profile.mtu)}",
            f"links need {format_octets(need)} (service MTU + {OVERHEAD}); the widest path has "
            f"{format_octets(widest)}; in the way: "
            f"{listed([f'link {key} ({format_octets(links[key].mtu)})' for key in cut])}",
            f"raise the MTU of these links to {format_octets(need)}, or lower the intent's MTU",
            tuple(cut),
        )

    def late(self) -> Refusal | None:
        bound = self.profile.bound
        path = self.graph.shortest(self.profile.a, self.profile.b, self.ban)
        assert path is not None
        if bound is None or self.graph.delay(path) <= bound:
            return None
        return self._latency(f"the shortest path takes {self.delay(path)}", path)

    def _latency(self, detail: str, path: Path) -> Refusal:
        assert self.profile.latency is not None
        return Refusal(
            "latency",
            f"no path between {self.ends} keeps {format_delay(self.profile.latency)}",
            f"{detail} ({' → '.join(path.nodes)})",
            "relax the latency, or ask for a weaker protection grade",
            path.links,
        )

    # ── protection ───────────────────────────────────────────────────────────────────────────────

    def unprotected(self) -> Refusal:
        """The profile fails by its grade: a cut, a delay under repair, or no bypass at the frontier."""
        fresh = type(self.router)(self.topology, self.router.settings)
        refusal = self.cut() or self.uncut(fresh)
        return replace(refusal, detail="; ".join(part for part in (refusal.detail, self.left_out(fresh)) if part))

    def uncut(self, fresh: Router) -> Refusal:
        free = replace(self.profile, latency=None)
        route = fresh.find(free)
        if route is not None:
            if fresh.find(self.profile) is not None:
                return self.crowded()
            return self.late_under_repair(fresh, route.path, route.standby)
        if self.profile.grade is Grade.DISJOINT and fresh.find(replace(free, grade=Grade.LOCAL)) is not None:
            return self.no_pair(fresh.problem(free))
        return self.frontier(fresh)

    def left_out(self, fresh: Router) -> str:
        """Whether links that are avoided or too narrow would have made the difference."""
        if self.profile.avoid and fresh.find(replace(self.profile, avoid=())) is not None:
            return f"it would be possible without avoiding {listed(self.profile.avoid)}"
        narrow = sorted(fresh.narrow(self.profile.mtu))
        if narrow and fresh.find(replace(self.profile, mtu=Octets(0))) is not None:
            need = format_octets(self.profile.mtu + OVERHEAD)
            return f"it would be possible if these links carried {need}: {listed(narrow)}"
        return ""

    def crowded(self) -> Refusal:
        return Refusal(
            "no-protected-path",
            f"the bypasses that {self.profile.grade} protection between {self.ends} needs are bound otherwise",
            "all trunks over a hop share its bypass; no bypass suits those that are there and this one "
            "(what they avoid, their MTU, their latency)",
            "give these demands the same avoid list and MTU as the others, or relax a latency",
        )

    def late_under_repair(self, fresh: Router, path: Path, standby: Path | None) -> Refusal:
        detail = f"the least protected path takes {self.delay(path)}"
        if standby is not None:
            detail += f", its standby {self.delay(standby)}"
        extras = fresh.extras(replace(self.profile, latency=None), path) or [0]
        detail += f"; with a bypass in use {self._ns(self.graph.delay(path) + max(0, *extras))}"
        return self._latency(detail, path)

    def no_pair(self, problem: PairProblem) -> Refusal:
        """Grade disjoint without a single cut: what the two paths share at least, by integer program."""
        from sdnctl.topology.pairs_ilp import least_shared

        srlgs = self.topology.srlgs
        shared = least_shared(problem, {name: srlgs[name].metres for name in problem.groups})
        assert shared is not None
        names = (*shared.links, *shared.nodes, *shared.groups)
        return Refusal(
            "no-protected-path",
            f"no two disjoint paths between {self.ends}: every pair shares at least {self.things(names)}",
            "proven by an integer program over all pairs of paths",
            f"build a way that avoids {listed(names)}, or ask for grade local",
            names,
        )

    def cut(self) -> Refusal | None:
        """The single link, switch or group that every candidate shares, where there is one."""
        path = self.graph.shortest(self.profile.a, self.profile.b, self.ban)
        assert path is not None
        if self.profile.grade is Grade.NONE:
            return None
        names = []
        ways = [path.links]  # a cut hits every path: one that avoids a suspect clears it, and often the next ones
        for name, gone in self._suspects(path):
            if any(gone.isdisjoint(way) for way in ways):
                continue
            other = self.graph.shortest(self.profile.a, self.profile.b, self.ban | gone)
            if other is None:
                names.append(name)
            else:
                ways.append(other.links)
        if not names:
            return None
        more = f"; as are {self.things(names[1:])}" if len(names) > 1 else ""
        if names[0] in self.topology.links:
            advice = f"build a second way in that does not use link {names[0]}"
        else:
            advice = f"build or lease a way that does not pass {names[0]}"
        return Refusal(
            "no-protected-path",
            f"every path between {self.ends} shares {self.things(names[:1])}",
            f"without it they are cut off from each other{more}",
            f"{advice}, or ask for grade none",
            tuple(names),
        )

    def _suspects(self, path: Path) -> Iterator[tuple[str, frozenset[str]]]:
        """What on this path may be a cut that the grade has to survive, the most telling first."""
        risks, grade = self.router.risks, self.profile.grade
        for link in path.links:
            yield link, frozenset((link,))
        if grade in (Grade.NODE, Grade.DISJOINT):
            for node in path.transit:
                yield node, self.topology.down(nodes=(node,))
        groups = set().union(*(risks.hits[link] for link in path.links))
        excused = [(self.profile.a, self.profile.b)] if grade is Grade.DISJOINT else [tuple(self.topology.nodes)]
        groups -= set().union(*(risks.residual(node) for nodes in excused for node in nodes))
        for name in sorted(groups, key=self._telling):
            yield name, risks.down[name]

    def _telling(self, name: str) -> tuple[int, int, float, str]:
        srlg = self.topology.srlgs[name]
        kind = _KINDS.index(srlg.kind) if srlg.kind in _KINDS else len(_KINDS)
        return len(srlg.links) + len(srlg.nodes), kind, -srlg.metres, name

    def frontier(self, fresh: Router) -> Refusal:
        """Grades local and node without a single cut: where the protected part ends, and what blocks there."""
        blocked = self._blocked_turns(fresh) if self.profile.grade is Grade.NODE else self._blocked_hops(fresh)
        reasons = []
        names: dict[str, None] = {}
        for guard in blocked:
            block = self._block(fresh, guard)
            names.update(dict.fromkeys((guard.link, *block)))
            what = (
                f"link {guard.link}"
                if not guard.next
                else f"switch {guard.head} (from {guard.tail} to {guard.next})"
            )
            reasons.append(f"{what}: every way round shares {self.things(block)}")
        if not names:  # the turns exist, but only on walks that visit a switch twice
            return Refusal(
                "no-protected-path",
                f"no {self.profile.grade} protected path between {self.ends} visits each switch once",
                "proven by exhausting the protected turns",
                "build a second way, or ask for grade local",
            )
        shown = [name for name in names if name not in self.topology.links] or list(names)
        return Refusal(
            "no-protected-path",
            f"no {self.profile.grade} protected path between {self.ends}: "
            f"every path crosses a place without a bypass, because of {self.things(shown)}",
            listed(reasons, "; "),
            f"build a way round that does not share {listed(shown)}, or ask for a weaker grade",
            tuple(shown),
        )

    def _blocked_hops(self, fresh: Router) -> list[Guard]:
        """Hops without bypass that leave what `a` reaches over protected hops: one of them is on every path."""
        bare = {
            link.id
            for link in self.topology.links.values()
            if fresh.link_extra(Hop(link.id, *link.nodes), self.ban) is None
        }
        inside = self.graph.reachable(self.profile.a, self.ban | bare)
        guards = []
        for link in sorted(self._leaving(inside) - self.ban):
            a, b = self.topology.links[link].nodes
            guards.append(Guard(link, a, b) if a in inside else Guard(link, b, a))
        return guards

    def _blocked_turns(self, fresh: Router) -> list[Guard]:
        """Guards without bypass at the edge of what `a` reaches over protected turns."""
        adjacency = self.topology.adjacency
        blocked: dict[Guard, None] = {}
        reached: set[Hop] = set()
        stack: list[Hop] = []
        for hop in adjacency[self.profile.a]:
            back = Guard(hop.link, hop.head, hop.tail)
            if hop.link in self.ban:
                continue
            if fresh.detours.least(back, self.ban) is None:
                blocked[back] = None
            else:
                stack.append(hop)
        while stack:
            one = stack.pop()
            if one in reached:
                continue
            reached.add(one)
            if one.head == self.profile.b:
                blocked[Guard(one.link, one.tail, one.head)] = None
                continue
            for two in adjacency[one.head]:
                if two.link in self.ban or two.head == one.tail:
                    continue
                both = Guard(one.link, one.tail, one.head, two.head), Guard(two.link, two.head, two.tail, one.tail)
                bad = [guard for guard in both if fresh.detours.least(guard, self.ban) is None]
                blocked.update(dict.fromkeys(bad))
                if not bad:
                    stack.append(two)
        return [guard for guard in sorted(blocked) if fresh.detours.least(guard, self.ban) is None]

    def _block(self, fresh: Router, guard: Guard) -> list[str]:
        """The least set of groups (or the link or switch alone) that no way round the guard avoids."""
        risks = fresh.risks
        base = self.ban | {guard.link}
        if guard.next:
            base |= self.topology.down(nodes=(guard.head,))

        def blocks(groups: Iterable[str]) -> bool:
            gone = base.union(*(risks.down[name] for name in groups))
            return guard.merge not in self.graph.reachable(guard.tail, gone)

        kept = sorted(risks.bypass_risks(guard.link, guard.tail, guard.merge), key=self._telling)
        for name in reversed(kept.copy()):
            rest = [other for other in kept if other != name]
            if blocks(rest):
                kept = rest
        return kept or [guard.head if guard.next else guard.link]

    # ── words ────────────────────────────────────────────────────────────────────────────────────

    def _leaving(self, inside: frozenset[str]) -> frozenset[str]:
        links = self.topology.links.values()
        return frozenset(link.id for link in links if (link.a.node in inside) != (link.b.node in inside))

    def things(self, names: Iterable[str]) -> str:
        return listed([self.thing(name) for name in names])

    def thing(self, name: str) -> str:
        """A link, switch or group in words, with the metres that are shared."""
        if name in self.topology.links:
            return f"link {name} ({format_length(round(self.topology.links[name].length, 1))})"
        if name in self.topology.nodes:
            return f"switch {name}"
        srlg = self.topology.srlgs.get(name)
        if srlg is None:
            return name
        what = name.replace(":", " ", 1)
        return f"{what} ({format_length(round(srlg.metres, 1))} shared)" if srlg.metres else what

    def delay(self, path: Path) -> str:
        return self._ns(self.graph.delay(path))

    @staticmethod
    def _ns(value: int) -> str:
        return format_delay(Delay(value / 1000))


def listed(items: Iterable[str], separator: str = ", ") -> str:
    """A list for people: the first few, and how many more there are."""
    words = list(items)
    if len(words) <= _MOST:
        return separator.join(words)
    return f"{separator.join(words[:_MOST])}{separator}and {len(words) - _MOST} more"
