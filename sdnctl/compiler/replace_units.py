"""Place for an edit of a few demands: what is not touched stays on its lane, and is not even looked at.

The whole pass (`compiler.place`) keeps every unit of the baseline on its lane as long as the lane is good and has
room, in the order of the ladder. If all of them can stay at once, the order in which they do does not matter; so
the result is that of the whole pass, or `Elsewhere` is raised: then only the whole pass knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sdnctl.compiler.admission import Capacity, Lane, Unit
from sdnctl.compiler.detour import Guard, Need, guards
from sdnctl.compiler.ir import Baseline, Network, Placement
from sdnctl.compiler.place import Placer
from sdnctl.compiler.route import Profile, Route
from sdnctl.topology.paths import Place


class Elsewhere(Exception):
    """An edit reaches further than can be followed step by step; the reason is for people."""


class _Room(Capacity):
    """What is left on each direction of each link; who took the rest is not known, nor asked."""

    def __init__(self, left: Mapping[Place, int]) -> None:
        self.left = dict(left)

    def book(self, unit: Unit, path: object) -> None:
        for place, rate in self.loads(unit, path):  # type: ignore[arg-type]
            self.left[place] -= rate

    def release(self, unit: Unit, path: object) -> None:
        for place, rate in self.loads(unit, path):  # type: ignore[arg-type]
            self.left[place] += rate


class LocalPlacer(Placer):
    """A placement that goes on from an earlier one; the earlier one stays as it is."""

    def __init__(self, network: Network, baseline: Baseline, before: Placer) -> None:
        super().__init__(network, baseline, before.router.fork())
        self.capacity = _Room(before.capacity.left)
        self.before = before
        self.lanes = defaultdict(dict, before.lanes)
        self.copied: set[Profile] = set()  # profiles whose table of lanes is not that of the earlier one
        self.home = dict(before.home)
        self.stems = before.stems  # a table of pure answers
        self.own: dict[tuple[str, int], Lane] = {}  # lanes that were copied or opened here, by name
        self.closed: list[Lane] = []

    def go_on(self, placement: Placement, gone: Iterable[Unit], new: Sequence[Unit]) -> tuple[Placement, set[str]]:
        """The placement without the `gone` units and with the `new` ones, and the keys of the trunks that changed.

        Raises Elsewhere where other units might feel it.
        """
        dropped = {unit.id for unit in gone}
        self.local = [unit for unit in self.before.local if unit.id not in dropped]
        for unit in gone:
            if not unit.local:
                self._take_off(unit)
        self._shrink_needs()
        waiting = [unit for unit in new if not self._settle(unit)]
        for unit in waiting:
            self._admit_one(unit)
        if self.refused:
            raise Elsewhere("a demand is refused")
        return self._changed(placement)

    # ── step by step ─────────────────────────────────────────────────────────────────────────────

    def _take_off(self, unit: Unit) -> None:
        lane = self._owned(self.home.pop(unit.id))
        del lane.units[unit.id]
        self.capacity.release(unit, lane.route.path)

    def _owned(self, lane: Lane) -> Lane:
        """The lane as one that may be changed here."""
        name = self.trunk_name(lane, back=False), lane.number
        if name not in self.own:
            copy = self.own[name] = replace(lane, units=dict(lane.units))
            self._table(lane.profile)[lane.number] = copy
            for unit in copy.units:
                self.home[unit] = copy
        return self.own[name]

    def _table(self, profile: Profile) -> dict[int, Lane]:
        """The lanes of a profile as a table that may be changed here."""
        if profile not in self.copied:
            self.copied.add(profile)
            self.lanes[profile] = dict(self.lanes[profile])
        return self.lanes[profile]

    def _open(self, profile: Profile, carried: Profile, number: int, route: Route) -> Lane:
        self._table(profile)
        return super()._open(profile, carried, number, route)

    def _shrink_needs(self) -> None:
        """Close lanes that carry nothing any more; what only they needed is not needed."""
        empty = [lane for lane in self.own.values() if not lane.units]
        stale: set[Guard] = set()
        for lane in empty:
            del self._table(lane.profile)[lane.number]
            del self.own[self.trunk_name(lane, back=False), lane.number]
            self.closed.append(lane)
            stale.update(guard for guard, _ in self._guards(lane))
        if not stale:
            return
        needs = self.router.needs.by_guard
        for guard in stale:
            needs.pop(guard, None)
        links = {guard.link for guard in stale}
        for lanes in self.lanes.values():
            for lane in lanes.values():
                if not links.isdisjoint(lane.route.path.links):
                    for guard, need in self._guards(lane):
                        if guard in stale:
                            needs[guard] = needs[guard].merge(need) if guard in needs else need

    def _guards(self, lane: Lane) -> list[tuple[Guard, Need]]:
        """What a lane needs, as `Needs.add` has it."""
        graph, profile = self.router.graph, lane.carried
        path, ban, bound = lane.route.path, self.router.ban(profile), profile.bound
        left = None if bound is None else bound - graph.delay(path)
        return [
            (guard, Need(ban, None if left is None else left + sum(graph.delays[hop.link] for hop in replaced)))
            for direction in (path, graph.reversed(path))
            for guard, replaced in guards(direction, profile.grade)
        ]

    def _settle(self, unit: Unit) -> bool:
        """Keep a unit where the baseline has it, or say that it has to be placed anew."""
        if not self.acceptable(unit):
            raise Elsewhere("a demand is refused")
        if unit.local:
            return True
        number = self.old_number(unit)
        if number is None:
            return False
        if number not in self.before.lanes.get(unit.profile, {}):
            raise Elsewhere("a trunk of the baseline is of another profile that is written alike")
        if not self.keep(unit):
            raise Elsewhere("a demand may have to leave its trunk")
        return True

    def _admit_one(self, unit: Unit) -> None:
        if self.capacity.full(unit, self.network.topology):
            raise Elsewhere("room is short")
        if self.admit(unit):
            raise Elsewhere("other demands give way")

    def _board(self, unit: Unit, lane: Lane) -> None:
        super()._board(unit, self._owned(lane))

    # ── result ───────────────────────────────────────────────────────────────────────────────────

    def _changed(self, placement: Placement) -> tuple[Placement, set[str]]:
        touched: set[str] = set()
        paths, grades, members = dict(placement.paths), dict(placement.grades), dict(placement.members)
        for lane in (*self.closed, *self.own.values()):
            for back in (False, True):
                key = self.trunk_name(lane, back=back)
                touched.add(key)
                for table in (paths, grades, members):
                    table.pop(key, None)
        for lane in self.own.values():
            for key, ways, ids in self.trunks(lane) if lane.units else ():
                paths[key], grades[key], members[key] = ways, lane.profile.grade, ids
        local = tuple(sorted(demand.id for unit in self.local for demand in unit.demands))
        ordered = sorted(paths)
        return replace(
            placement,
            paths={key: paths[key] for key in ordered},
            grades={key: grades[key] for key in ordered},
            members={key: members[key] for key in ordered},
            local=local,
        ), touched & (placement.paths.keys() | paths.keys())


def joint(placer: Placer) -> bool:
    """Whether all lanes are good at once, so that it does not matter in which order they are looked at."""
    satisfiable = placer.router.detours.satisfiable
    return all(satisfiable(guard, need) for guard, need in placer.router.needs.by_guard.items())
