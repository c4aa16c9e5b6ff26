"""Protect: the bypasses that the placed trunks need, and only those.

All trunks over a guard share its bypass, so it satisfies all of them at once (see `detour.Need`). A bypass of the
baseline stays while it does; otherwise the least by delay is taken, or a slightly longer one that has
room for what it would carry. Bypasses and standbys reserve nothing, because failures come one at a time:
where one of them lacks room for the committed rates (CIR) it would take over, there is a warning.

Standbys (grade disjoint) and degraded trunks are protected where that is possible; a hop without a bypass
uses the next weaker group: node, link, bare.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sdnctl.compiler.detour import Guard, Need, guards
from sdnctl.compiler.groups import STANDBY
from sdnctl.compiler.ir import Baseline, Bypass, Network, Placement
from sdnctl.compiler.proof import listed
from sdnctl.compiler.route import Profile, Router
from sdnctl.errors import Diagnostic, Diagnostics
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Path, Topology
from sdnctl.topology.paths import Place
from sdnctl.units import format_bitrate

CHOICES = 4
"""Bypasses that are looked at, least delay first, for one that has room."""


def protect(
    network: Network, placement: Placement, baseline: Baseline
) -> tuple[tuple[Bypass, ...], tuple[Diagnostic, ...]]:
    """Bypasses (labels None) of all guards of all trunks, sorted by key, and warnings."""
    return _Protect(network, placement, baseline).run()


@dataclass(frozen=True, slots=True)
class _Use:
    """What one trunk asks of its guards: links that no bypass may use, and the repaired path's bound, ns."""

    trunk: str
    path: Path
    grade: Grade
    ban: frozenset[str]
    bound: int | None
    cir: int


@dataclass(frozen=True, slots=True)
class _Taker:
    """A path that takes over `cir` when one of the `triggers` (links) fails."""

    code: str
    name: str
    triggers: frozenset[str]
    path: Path
    cir: int


class _Protect:
    def __init__(self, network: Network, placement: Placement, baseline: Baseline) -> None:
        self.network = network
        self.placement = placement
        self.baseline = baseline
        self.router = Router(network.topology, network.settings)
        self.demands = {demand.id: demand for demand in network.demands}
        self.needs: dict[Guard, Need] = {}
        self.users: dict[Guard, set[str]] = defaultdict(set)
        self.cir: dict[Guard, int] = defaultdict(int)  # what the bypass of a guard takes over
        self.load: dict[Place, int] = defaultdict(int)  # without any failure
        self.diagnostics = Diagnostics()

    def run(self) -> tuple[tuple[Bypass, ...], tuple[Diagnostic, ...]]:
        uses = [self._use(key, path, self.placement.grades[key]) for key, (path, _) in self._trunks()]
        for use in uses:
            for hop in use.path.hops:
                self.load[hop.link, hop.tail] += use.cir
        # What has all it asked for comes first, so that a degraded trunk cannot spoil a shared bypass.
        for use in sorted(uses, key=lambda use: (not self._is_whole(use), use.trunk)):
            self._report_bare(use, self._join(use))
        for key, (_, standby) in self._trunks():
            if standby is not None:
                self._join(self._use(key, standby, Grade.LOCAL), standby=True)
        chosen = {guard: self._choose(guard) for guard in sorted(self.needs)}
        self._report_overbooked(list(self._takers(chosen)))
        bypasses = [
            Bypass(guard.key, guard.protects, guard.link, path, None, tuple(sorted(self.users[guard])))
            for guard, path in chosen.items()
        ]
        return tuple(sorted(bypasses, key=lambda bypass: bypass.key)), self.diagnostics.sorted()

    def _trunks(self) -> list[tuple[str, tuple[Path, Path | None]]]:
        return sorted(self.placement.paths.items())

    # ── what is needed ───────────────────────────────────────────────────────────────────────────

    def _use(self, trunk: str, path: Path, grade: Grade) -> _Use:
        members = [self.demands[name] for name in self.placement.members[trunk]]
        profile = Profile.of(members)
        cir = sum(demand.cir for demand in members)
        return _Use(trunk, path, grade, self.router.ban(profile), profile.bound, cir)

    def _asks(self, use: _Use) -> Iterator[tuple[Guard, Need]]:
        """What a trunk asks of each of its guards."""
        delays = self.router.graph.delays
        total = self.router.graph.delay(use.path)
        for guard, replaced in guards(use.path, use.grade):
            bound = None if use.bound is None else use.bound - total + sum(delays[hop.link] for hop in replaced)
            yield guard, Need(use.ban, bound)

    def _is_whole(self, use: _Use) -> bool:
        satisfiable = self.router.detours.satisfiable
        return all(satisfiable(guard, need) for guard, need in self._asks(use))

    def _join(self, use: _Use, *, standby: bool = False) -> list[Guard]:
        """Add a trunk's needs to its guards; returns the guards of hops that stay bare.

        Where a guard cannot have it: without the bound, then round the hop only. Links that are banned
        stay banned: frames would not fit, or go where they must not.
        """
        bare = []
        for guard, need in self._asks(use):
            weaker = Need(need.ban)
            options = [(guard, need), (guard, weaker), (guard.plain, need), (guard.plain, weaker)]
            for option, asked in options[1:] if standby else options:
                old = self.needs.get(option)
                merged = asked if old is None else old.merge(asked)
                if self.router.detours.satisfiable(option, merged):
                    self.needs[option] = merged
                    self.users[option].add(use.trunk + STANDBY if standby else use.trunk)
                    if not standby:
                        self.cir[option] += use.cir
                    break
            else:
                bare.append(guard)
        return bare

    # ── which way round ──────────────────────────────────────────────────────────────────────────

    def _choose(self, guard: Guard) -> Path:
        need = self.needs[guard]
        detours = self.router.detours
        old = self.baseline.bypasses.get(guard.key)
        if old is not None and detours.valid(guard, old, need):
            return old
        least = detours.least(guard, need.ban)
        assert least is not None
        if self._has_room(guard, least):
            return least
        return next((path for path in detours.choices(guard, need, CHOICES) if self._has_room(guard, path)), least)

    def _has_room(self, guard: Guard, path: Path) -> bool:
        links = self.network.topology.links
        cir = self.cir.get(guard, 0)
        return all(self.load[hop.link, hop.tail] + cir <= links[hop.link].capacity for hop in path.hops)

    # ── warnings ─────────────────────────────────────────────────────────────────────────────────

    def _report_bare(self, use: _Use, bare: list[Guard]) -> None:
        if bare:
            self.diagnostics.warning(
                "bypass-missing",
                f"{len(bare)} of {len(use.path.hops)} hops have no bypass",
                address=f"trunk {use.trunk}",
                detail=listed([guard.key for guard in bare]),
                hint="a failure of these hops interrupts the trunk until it is re-routed",
            )

    def _takers(self, chosen: Mapping[Guard, Path]) -> Iterator[_Taker]:
        for guard, path in chosen.items():
            cir = self.cir.get(guard, 0)
            if cir:
                yield _Taker("bypass-overbooked", f"bypass {guard.key}", frozenset((guard.link,)), path, cir)
        for key, (primary, standby) in self._trunks():
            if standby is not None:
                cir = sum(self.demands[name].cir for name in self.placement.members[key])
                yield _Taker("standby-overbooked", f"standby of {key}", frozenset(primary.links), standby, cir)

    def _report_overbooked(self, takers: list[_Taker]) -> None:
        """Warn once per direction of a link and kind of taker, with the worst failure.

        The load is that without failure plus all that the failure diverts: at most a little too much,
        since what left the dead hops is not taken off behind the next switch.
        """
        for code in ("bypass-overbooked", "standby-overbooked"):
            group = [taker for taker in takers if taker.code == code]
            for place, (load, name, users) in sorted(self._worst(group).items()):
                link = self.network.topology.links[place[0]]
                rates = f"{format_bitrate(load)} of committed rate meet {format_bitrate(link.capacity)}"
                self.diagnostics.warning(
                    code,
                    f"if {name} fails, {rates}",
                    address=f"link {link.id} from {place[1]}",
                    source=link.source,
                    detail=f"diverted there: {listed(users)}",
                    hint="raise the capacity of the link, or lower the rates of what is protected",
                )

    def _worst(self, takers: list[_Taker]) -> dict[Place, tuple[int, str, list[str]]]:
        """Directions of links that some single failure fills beyond their capacity, each with the worst one."""
        topology: Topology = self.network.topology
        by_link: dict[str, list[int]] = defaultdict(list)
        for index, taker in enumerate(takers):
            for link in taker.triggers:
                by_link[link].append(index)
        worst: dict[Place, tuple[int, str, list[str]]] = {}
        seen: set[frozenset[int]] = set()
        for failure in topology.failures() if takers else ():
            active = frozenset(index for link in failure.links for index in by_link.get(link, ()))
            if active in seen:
                continue
            seen.add(active)
            diverted: dict[Place, int] = defaultdict(int)
            for index in active:
                for hop in takers[index].path.hops:
                    diverted[hop.link, hop.tail] += takers[index].cir
            for place, rate in diverted.items():
                load = self.load[place] + rate
                over = load > topology.links[place[0]].capacity and place[0] not in failure.links
                if over and load > worst.get(place, (0, "", []))[0]:
                    users = [takers[index].name for index in sorted(active) if _crosses(takers[index].path, place)]
                    worst[place] = load, f"{failure.kind} {failure.name}", users
        return worst


def _crosses(path: Path, place: Place) -> bool:
    return any((hop.link, hop.tail) == place for hop in path.hops)
