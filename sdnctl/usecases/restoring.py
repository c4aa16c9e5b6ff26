"""In which order tubes are spliced after a cut: what is without service by the admission ladder comes first.

A demand comes back when every tube is spliced that its links and its own line run through, so tubes are chosen by
the job, not one by one: of all jobs that of the best class, then the one that takes the fewest tubes, then the one
that brings back most. Jobs that only give back a demand its own path follow, alike; then light that carries
nothing. Tubes without light come last and are only counted. What each tube brings back is found out by asking the
switches' own logic (`compiler.fate`) again with what is whole by then. What is served once is taken to stay so:
where a splice leads a bypass astray, the controller sees to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TypeAlias

from sdnctl.compiler.fate import Fates, path_now
from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Demand
from sdnctl.inventory.colours import strands_of, tube_mark, tube_of
from sdnctl.inventory.cuts import Damage
from sdnctl.inventory.plant import CableType, Plant
from sdnctl.inventory.uses import Met
from sdnctl.topology.graph import Path
from sdnctl.usecases.whatif_answer import OUT_OF_SERVICE, Tube

Key: TypeAlias = tuple[str, int]
"""A cable and the number of a tube in it."""
FEW = 12
"""Links near a trunk of which pairs are tried."""


@dataclass(frozen=True)
class Broken:
    """What is broken, for who mends it: links and endpoints that are down, with the tubes to be spliced for each.

    Gear that is gone is taken to be back by then: what is down for its sake only needs no tube. `fates`: demand →
    what becomes of it.
    """

    links: Mapping[str, frozenset[Key]]
    ends: Mapping[str, frozenset[Key]]
    fates: Mapping[str, str]


def tubes_in_order(
    plant: Plant,
    met: Met,
    order: Iterable[tuple[Key, str, int, int]],
    name: Mapping[int, str],
) -> tuple[Tube, ...]:
    """Tubes with light that are hit, in the order of splicing; `name`: user of glass → what it is called."""
    strands: dict[Key, set[int]] = defaultdict(set)
    users: dict[Key, set[int]] = defaultdict(set)
    for cable, runs in met.runs.items():
        for run in runs:
            key = cable, tube_of(_kind(plant, cable), run.strand)
            strands[key].add(run.strand)
            users[key].add(run.user)
    return tuple(
        Tube(
            key[0],
            tube_mark(_kind(plant, key[0]), key[1]),
            tuple(sorted(strands[key])),
            tuple(sorted(name[user] for user in users[key])),
            first_class,
            served,
            whole,
        )
        for key, first_class, served, whole in order
    )


def tubes_of_users(plant: Plant, met: Met) -> Mapping[int, frozenset[Key]]:
    """User of glass → the tubes in which its strands are hit."""
    found: dict[int, set[Key]] = defaultdict(set)
    for cable, runs in met.runs.items():
        for run in runs:
            found[run.user].add((cable, tube_of(_kind(plant, cable), run.strand)))
    return {user: frozenset(tubes) for user, tubes in found.items()}


class Jobs:
    """Tubes to splice → demands that wait for them; the most urgent job at any time.

    `ranks`: demand → its place on the ladder, and its class.
    """

    def __init__(self, need: Mapping[str, frozenset[Key]], ranks: Mapping[str, tuple[int, str]]) -> None:
        self.ranks, self._need = ranks, need
        self._demands: dict[frozenset[Key], set[str]] = defaultdict(set)
        self._with: dict[Key, set[frozenset[Key]]] = defaultdict(set)
        self._done: set[Key] = set()
        for demand, tubes in need.items():
            self._demands[tubes].add(demand)
            for key in tubes:
                self._with[key].add(tubes)
        self._urgency: dict[frozenset[Key], tuple[int, int, int, list[Key]]] = {}
        self._judge(tuple(self._demands))

    def _judge(self, changed: Iterable[frozenset[Key]]) -> None:
        for tubes in changed:
            ranks = [self.ranks[demand][0] for demand in self._demands[tubes]]
            left = sorted(tubes - self._done)
            if ranks and left:
                first = min(ranks)
                self._urgency[tubes] = first, len(left), -ranks.count(first), left
            else:
                self._urgency.pop(tubes, None)

    def done(self, key: Key, back: Iterable[str]) -> None:
        """Note that a tube is spliced, and demands that wait no more."""
        self._done.add(key)
        changed = set(self._with.get(key, ()))
        for demand in back:
            if demand in self._need:
                self._demands[self._need[demand]].discard(demand)
                changed.add(self._need[demand])
        self._judge(changed)

    def next(self) -> tuple[Key, str] | None:
        """A tube of the most urgent job, and the class for whose sake; None where nothing is left."""
        if not self._urgency:
            return None
        tubes = min(self._urgency, key=self._urgency.__getitem__)
        return self._urgency[tubes][3][0], min(self.ranks[demand] for demand in self._demands[tubes])[1]


class Restoration:
    """Splices tube after tube, on paper. `trunks`: demand → those that carry it; `ladder`: class → its place."""

    def __init__(
        self,
        broken: Broken,
        fates: Fates,
        demands: Mapping[str, Demand],
        trunks: Mapping[str, Sequence[Trunk]],
        ladder: Mapping[str, int],
    ) -> None:
        self.broken, self.fates, self.trunks = broken, fates, trunks
        self.demands = demands
        classes = {demand: demands[demand].service_class for demand in broken.fates}
        self.ranks = {demand: (ladder[name], name) for demand, name in classes.items()}
        self.done: set[Key] = set()
        self._way: dict[str, frozenset[Key]] = {}
        self.down, self.dark = self._left(broken.links), self._left(broken.ends)
        hit = broken.fates.items()
        out = {demand for demand, fate in hit if fate in OUT_OF_SERVICE}
        self.out = out - self._served(out)
        self.served = {demand for demand, _ in hit if demand not in self.out and not self._is_whole(demand)}

    def order(self, lit: Iterable[Key]) -> Iterator[tuple[Key, str, int, int]]:
        """Every tube with light once: the class for whose sake it is next, and how many demands are served again
        and back on their own paths with it, all before it being spliced."""
        for serving in (True, False):
            need_of, waiting = (self._to_serve, self.out) if serving else (self._to_make_whole, self.served)
            jobs = Jobs({demand: need_of(demand) for demand in waiting}, self.ranks)
            for key in self.done:
                jobs.done(key, ())
            while (job := jobs.next()) is not None:
                key, name = job
                back, whole = self._splice(key)
                jobs.done(key, back if serving else whole)
                yield key, name, len(back), len(whole)
        for key in sorted(set(lit) - self.done):
            back, whole = self._splice(key)
            yield key, "", len(back), len(whole)

    def _to_serve(self, demand: str) -> frozenset[Key]:
        """The fewest tubes with which a demand is carried again, by whichever way."""
        need = _tubes(self.broken.ends, self._ends(demand))
        for trunk in self.trunks.get(demand, ()):
            if trunk.key not in self._way:
                self._way[trunk.key] = min(self._ways(trunk), key=len)
            need |= self._way[trunk.key]
        return need

    def _to_make_whole(self, demand: str) -> frozenset[Key]:
        """The tubes that bring a demand back on its own path."""
        paths = (_tubes(self.broken.links, path_now(trunk).links) for trunk in self.trunks.get(demand, ()))
        return _tubes(self.broken.ends, self._ends(demand)).union(*paths)

    def _ways(self, trunk: Trunk) -> Iterator[frozenset[Key]]:
        """Tubes that bring a trunk back: those of its path, of its other path, or of one or two links that make
        its bypasses lead round the rest."""
        yield from (_tubes(self.broken.links, path.links) for path in _paths(trunk))
        near = sorted(self.fates.leans_on(trunk) & self.down)
        for some in (*combinations(near, 1), *combinations(near[:FEW], 2)):
            if self._carries(trunk, self.down.difference(some)):
                yield _tubes(self.broken.links, some)

    def _splice(self, key: Key) -> tuple[set[str], set[str]]:
        """Splice a tube: demands that are served again, and those that are back on their own paths beside them."""
        self.done.add(key)
        down, dark = self.down, self.dark
        self.down, self.dark = self._left(self.broken.links), self._left(self.broken.ends)
        if self.down == down and self.dark == dark:
            return set(), set()
        near, moved = self._beside(dark - self.dark), self.down != down
        back = self._served(self.out if moved else self.out & near)
        self.out -= back
        whole = {demand for demand in (self.served if moved else self.served & near) if self._is_whole(demand)}
        self.served -= whole
        self.served |= {demand for demand in back if not self._is_whole(demand)}
        return back, whole

    def _beside(self, ends: Iterable[str]) -> set[str]:
        return {demand for end in ends for demand in self._at.get(end, ())}

    @cached_property
    def _at(self) -> Mapping[str, Sequence[str]]:
        """Endpoint → demands that are hit there."""
        found: dict[str, list[str]] = defaultdict(list)
        for demand in self.broken.fates:
            for end in self._ends(demand):
                found[end].append(demand)
        return found

    def _left(self, table: Mapping[str, frozenset[Key]]) -> frozenset[str]:
        return frozenset(name for name, tubes in table.items() if not tubes <= self.done)

    def _served(self, demands: Iterable[str]) -> set[str]:
        """Those of these demands whose ends are lit and whose trunks are all carried."""
        carried: dict[str, bool] = {}
        found = set[str]()
        for demand in demands:
            if not self.dark.isdisjoint(self._ends(demand)):
                continue
            for trunk in self.trunks.get(demand, ()):
                if trunk.key not in carried:
                    carried[trunk.key] = self._carries(trunk, self.down)
                if not carried[trunk.key]:
                    break
            else:
                found.add(demand)
        return found

    def _carries(self, trunk: Trunk, down: frozenset[str]) -> bool:
        """Whether the switches carry a trunk, by its path, bypasses or a flip to its other path."""
        if self.fates.bypasses(trunk, down, frozenset()) is not None:
            return True
        return any(down.isdisjoint(path.links) for path in _paths(trunk)[1:])

    def _is_whole(self, demand: str) -> bool:
        paths = (path_now(trunk) for trunk in self.trunks.get(demand, ()))
        return self.dark.isdisjoint(self._ends(demand)) and all(self.down.isdisjoint(one.links) for one in paths)

    def _ends(self, demand: str) -> tuple[str, str]:
        return self.demands[demand].ingress.id, self.demands[demand].egress.id


def _tubes(table: Mapping[str, frozenset[Key]], names: Iterable[str]) -> frozenset[Key]:
    return frozenset[Key]().union(*(table.get(name, ()) for name in names))


def _paths(trunk: Trunk) -> tuple[Path, ...]:
    """The path that carries a trunk now, then the other one if it has two."""
    now = path_now(trunk)
    other = trunk.path if now is trunk.standby else trunk.standby
    return (now,) if other is None else (now, other)


def dark_tubes(plant: Plant, damage: Damage, met: Met) -> int:
    """How many tubes are hit that carry no light."""
    count = 0
    for cable in damage.wounds:
        kind, mask = _kind(plant, cable), damage.strands(cable)
        hit = {tube for tube in range(1, kind.tubes + 1) if any(mask >> one & 1 for one in strands_of(kind, tube))}
        count += len(hit - {tube_of(kind, run.strand) for run in met.runs.get(cable, ())})
    return count


def _kind(plant: Plant, cable: str) -> CableType:
    return plant.cable_types[plant.cables[cable].type]
