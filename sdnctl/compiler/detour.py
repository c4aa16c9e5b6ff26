"""Ways round hops and switches: what a bypass must satisfy, and the least path that does.

A *guard* is a place that needs a bypass: a directed hop, or a hop and the switch behind it. All trunks over
it share one bypass, so their conditions add up: a `Need` is what no user of the guard may meet on
the way round (links too narrow for its frames, or that it avoids) and the delay that is left for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from sdnctl.intents.demand import Grade
from sdnctl.quick import quick
from sdnctl.topology.graph import Hop, Path
from sdnctl.topology.paths import Graph, exists, is_simple
from sdnctl.topology.risk import Risks


class Guard(NamedTuple):
    """The hop `tail`→`head` over `link`, and for a node bypass the switch behind `head`.

    A tuple, because guards are looked up more often than anything else: it is hashed in one step.
    """

    link: str
    tail: str
    head: str
    next: str = ""

    @property
    def key(self) -> str:
        """The key of `ir.Bypass`: ``link:tail>head`` or ``link:tail>head>next``."""
        return f"{self.link}:{'>'.join(self.protects)}"

    @property
    def protects(self) -> tuple[str, ...]:
        return (self.tail, self.head, self.next) if self.next else (self.tail, self.head)

    @property
    def merge(self) -> str:
        """Where the way round ends."""
        return self.next or self.head

    @property
    def plain(self) -> Guard:
        """The guard of the hop alone."""
        return Guard(self.link, self.tail, self.head)


@quick
@dataclass(frozen=True, slots=True)
class Need:
    """Links that the bypass may not use, and its greatest delay in ns (None: no bound)."""

    ban: frozenset[str] = frozenset()
    bound: int | None = None

    def merge(self, other: Need) -> Need:
        """Both needs at once."""
        ban = self.ban if other.ban is self.ban or other.ban <= self.ban else self.ban | other.ban
        bound = self.bound
        if other.bound is not None and (bound is None or other.bound < bound):
            bound = other.bound
        return self if ban is self.ban and bound == self.bound else Need(ban, bound)


def guards(path: Path, grade: Grade) -> Iterator[tuple[Guard, tuple[Hop, ...]]]:
    """The guards of a path in its own direction, each with the hops that its bypass replaces."""
    if grade is Grade.NONE:
        return
    for index, hop in enumerate(path.hops):
        if grade is Grade.NODE and index + 1 < len(path.hops):
            after = path.hops[index + 1]
            yield Guard(hop.link, hop.tail, hop.head, after.head), (hop, after)
        else:
            yield Guard(hop.link, hop.tail, hop.head), (hop,)


class Detours:
    """Finds bypasses in one topology; remembers what it found."""

    def __init__(self, graph: Graph, risks: Risks) -> None:
        self.graph = graph
        self.risks = risks
        self._found: dict[tuple[Guard, frozenset[str]], tuple[Path, int] | None] = {}

    def ban(self, guard: Guard) -> frozenset[str]:
        """Links that no bypass of this guard may use, because they may fail together with it."""
        if guard.next:
            return self.risks.node_ban(guard.link, guard.tail, guard.head, guard.next)
        return self.risks.link_ban(guard.link)

    def _look(self, guard: Guard, ban: frozenset[str]) -> tuple[Path, int] | None:
        """The bypass with the least delay that also keeps off the links in `ban`, and that delay, ns."""
        key = (guard, ban)
        try:
            return self._found[key]
        except KeyError:
            path = self.graph.shortest(guard.tail, guard.merge, self.ban(guard) | ban)
            found = self._found[key] = None if path is None else (path, self.graph.delay(path))
            return found

    def least(self, guard: Guard, ban: frozenset[str] = frozenset()) -> Path | None:
        """The bypass with the least delay that also keeps off the links in `ban`, or None."""
        found = self._look(guard, ban)
        return None if found is None else found[0]

    def least_delay(self, guard: Guard, ban: frozenset[str] = frozenset()) -> int | None:
        """The delay of that bypass, ns."""
        key = (guard, ban)
        found = self._found[key] if key in self._found else self._look(guard, ban)
        return None if found is None else found[1]

    def satisfiable(self, guard: Guard, need: Need) -> bool:
        """Whether there is a bypass of the guard that satisfies the need."""
        found = self._look(guard, need.ban)
        return found is not None and (need.bound is None or found[1] <= need.bound)

    def choices(self, guard: Guard, need: Need, limit: int) -> Iterator[Path]:
        """Of the first `limit` bypasses by delay those that satisfy the need, lazily."""
        paths = self.graph.k_shortest(guard.tail, guard.merge, self.ban(guard) | need.ban)
        for path in islice(paths, limit):
            if need.bound is None or self.graph.delay(path) <= need.bound:
                yield path

    def valid(self, guard: Guard, path: Path, need: Need) -> bool:
        """Whether this path is a bypass of the guard that satisfies the need."""
        return (
            is_simple(path)
            and exists(self.graph.topology, path)
            and (path.nodes[0], path.nodes[-1]) == (guard.tail, guard.merge)
            and (self.ban(guard) | need.ban).isdisjoint(path.links)
            and (need.bound is None or self.graph.delay(path) <= need.bound)
        )


class Needs:
    """The needs of all trunks so far, by guard; what a further trunk adds must leave every guard a bypass."""

    def __init__(self, detours: Detours) -> None:
        self.detours = detours
        self.by_guard: dict[Guard, Need] = {}

    def extra(self, guard: Guard, replaced: Iterable[Hop], ban: frozenset[str]) -> int | None:
        """What the least bypass adds to the delay of the hops it replaces, ns; None where there is no bypass."""
        delay = self.delay(guard, ban)
        if delay is None:
            return None
        delays = self.detours.graph.delays
        return delay - sum([delays[hop.link] for hop in replaced])

    def delay(self, guard: Guard, ban: frozenset[str]) -> int | None:
        """The delay of the least bypass, ns; None where there is none.

        A trunk that may not use the links in `ban` joins the present users of the guard.
        """
        need = self.by_guard.get(guard)
        if need is None:
            return self.detours.least_delay(guard, ban)
        if need.ban and need.ban is not ban:
            ban = need.ban if ban <= need.ban else ban | need.ban
        delay = self.detours.least_delay(guard, ban)
        return None if delay is not None and need.bound is not None and delay > need.bound else delay

    def add(self, path: Path, grade: Grade, ban: frozenset[str], bound: int | None) -> None:
        """Take up a trunk on `path` whose delay, repaired, may be at most `bound` ns."""
        delays = self.detours.graph.delays
        total = self.detours.graph.delay(path)
        for guard, replaced in guards(path, grade):
            left = None if bound is None else bound - total + sum(delays[hop.link] for hop in replaced)
            need = Need(ban, left)
            old = self.by_guard.get(guard)
            self.by_guard[guard] = need if old is None else old.merge(need)
