"""Protect: the bypasses that the placed trunks need, and only those.

All trunks over a guard share its bypass, so it satisfies all of them at once (see `detour.Need`). A bypass of the
baseline stays while it does; otherwise the least by delay is taken, or a slightly longer one that has
room for what it would carry. Bypasses and standbys reserve nothing, because failures come one at a time:
where one of them lacks room for the committed rates (CIR) it would take over, there is a warning.

Standbys (grade disjoint) and degraded trunks are protected where that is possible; a hop without a bypass
uses the next weaker group: node, link, bare.

What trunks ask of the guards of one hop (its own, and those of the hop and a switch behind it) is settled among
themselves, whatever happens elsewhere: that is a *family*, and an edit only touches the families that its trunks
cross.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sdnctl.compiler.detour import Guard, Need, guards
from sdnctl.compiler.groups import STANDBY
from sdnctl.compiler.ir import Baseline, Bypass, Network, Placement
from sdnctl.compiler.overbooked import Taker, Worst, report, worst
from sdnctl.compiler.proof import listed
from sdnctl.compiler.route import Profile, Router
from sdnctl.errors import Diagnostic, Diagnostics
from sdnctl.intents.demand import Demand, Grade
from sdnctl.quick import quick
from sdnctl.topology.graph import Path, Topology
from sdnctl.topology.paths import Place

CHOICES = 4
"""Bypasses that are looked at, least delay first, for one that has room."""


def protect(
    network: Network, placement: Placement, baseline: Baseline, router: Router | None = None
) -> tuple[tuple[Bypass, ...], tuple[Diagnostic, ...]]:
    """Bypasses (labels None) of all guards of all trunks, sorted by key, and warnings."""
    protection = Protection(router or Router(network.topology, network.settings), baseline)
    protection.settle(placement, placement.paths, {demand.id: demand for demand in network.demands})
    return protection.bypasses(), protection.diagnostics(network.topology)


@quick
@dataclass(frozen=True, slots=True)
class Use:
    """What one trunk (a standby: with ``!standby``) asks of its guards.

    `ban`: links that no bypass may use; `bound`: of the repaired path, ns; `whole`: whether each guard by itself
    can have what is asked.
    """

    trunk: str
    path: Path
    cir: int
    asks: tuple[tuple[Guard, Need], ...]
    whole: bool
    standby: bool

    def asks_like(self, other: Use) -> bool:
        """Whether the two differ in nothing but the CIR."""
        return (self.asks, self.path, self.whole) == (other.asks, other.path, other.whole)

    @property
    def order(self) -> tuple[int, str]:
        """Who asks first: what has all it asks for, so that a degraded trunk cannot spoil a shared bypass."""
        return (2 if self.standby else 0 if self.whole else 1), self.trunk


FamilyKey = Place
"""The directed hop that all guards of a family protect."""
Asked = tuple[Use, Guard, Need]
"""What a use asks of one family."""


@dataclass(slots=True)
class Family:
    """What the uses of one hop came to: needs, users and CIR of its guards, and which users got none.

    It is `calm` while every user has what it would like best: then the order in which they asked does not matter.
    """

    needs: dict[Guard, Need] = field(default_factory=dict)
    users: dict[Guard, dict[str, Use]] = field(default_factory=lambda: defaultdict(dict))
    cir: dict[Guard, int] = field(default_factory=lambda: defaultdict(int))
    bare: dict[str, Guard] = field(default_factory=dict)
    calm: bool = True

    def copy(self) -> Family:
        users = defaultdict(dict, {guard: dict(table) for guard, table in self.users.items()})
        return Family(dict(self.needs), users, defaultdict(int, self.cir), dict(self.bare), self.calm)

    def ask(self, use: Use, guard: Guard, need: Need, satisfiable: Callable[[Guard, Need], bool]) -> bool:
        """Give a use the best that it can have beside those before it; says whether that is what it asked for.

        Where a guard cannot have it: without the bound, then round the hop only. Links that are banned
        stay banned: frames would not fit, or go where they must not.
        """
        for position, (option, asked) in enumerate(_options(guard, need, standby=use.standby)):
            old = self.needs.get(option)
            merged = asked if old is None else old.merge(asked)
            if merged is old or satisfiable(option, merged):
                self.needs[option] = merged
                self.users[option][use.trunk] = use
                if not use.standby:
                    self.cir[option] += use.cir
                return position == 0
        self.bare[use.trunk] = guard
        return False

    def is_free(self, guard: Guard, need: Need, satisfiable: Callable[[Guard, Need], bool]) -> bool:
        """Whether one more user can have what it would like best without anybody noticing."""
        old = self.needs.get(guard)
        merged = need if old is None else old.merge(need)
        return self.calm and (merged is old or satisfiable(guard, merged))


class Protection:
    """All uses, and what they came to. To keep one as it is and go on from it, `copy` it first."""

    def __init__(self, router: Router, baseline: Baseline) -> None:
        self.router = router
        self.baseline = baseline
        self.uses: dict[str, tuple[Use, ...]] = {}  # trunk → its use, and that of its standby
        self.asked: dict[FamilyKey, dict[str, Asked]] = {}
        self.families: dict[FamilyKey, Family] = {}
        self.chosen: dict[Guard, Bypass] = {}
        self.load: dict[Place, int] = defaultdict(int)  # without any failure
        self.takers: dict[str, dict[str, Taker]] = {BYPASS: {}, STANDBYS: {}}
        self.worst: dict[str, Worst] = {BYPASS: {}, STANDBYS: {}}

    def copy(self, router: Router, baseline: Baseline) -> Protection:
        """The same state for another baseline, and for a topology that differs in nothing that matters."""
        other = Protection(router, baseline)
        other.uses, other.asked, other.families = dict(self.uses), dict(self.asked), dict(self.families)
        other.chosen, other.load = dict(self.chosen), defaultdict(int, self.load)
        other.takers = {code: dict(table) for code, table in self.takers.items()}
        other.worst = dict(self.worst)
        return other

    def settle(
        self, placement: Placement, touched: Collection[str], demands: Mapping[str, Demand]
    ) -> tuple[set[str], set[Guard]]:
        """Take up the `touched` trunks as they are in the placement now, or let go of them.

        Returns the trunks that may be repaired by other bypasses than before, and the guards whose bypass is new,
        another or gone.
        """
        places: set[Place] = set()  # where more may meet than before
        before: dict[FamilyKey, Family] = {}  # of the families that are touched
        for trunk in touched:
            old = self.uses.pop(trunk, ())
            new = tuple(self._uses(trunk, placement, demands)) if trunk in placement.paths else ()
            self.takers[STANDBYS].pop(trunk, None)
            if new:
                self.uses[trunk] = new
                places.update(_places(new[0].path), _places(new[-1].path))
                self._note_standby(trunk)
            self._load(old, -1)
            self._load(new, 1)
            if len(old) == len(new) and all(one.asks_like(two) for one, two in zip(old, new, strict=True)):
                for one, two in zip(old, new, strict=True):
                    self._exchange(one, two, before)
            else:
                for use in old:
                    self._leave(use, before)
                for use in new:
                    self._join(use, before)
        moved: set[str] = set()
        changed: set[Guard] = set()
        for key in sorted(before):
            was = before[key]
            if key not in self.families:
                self._replay(key)
            now = self.families.get(key) or _NOBODY
            for guard in sorted(was.needs.keys() | now.needs.keys()):
                mine, theirs = now.users.get(guard, _NO_USERS).keys(), was.users.get(guard, _NO_USERS).keys()
                if mine != theirs or now.needs.get(guard) != was.needs.get(guard):
                    moved.update(mine ^ theirs)
                    if self._choose(guard, now):
                        changed.add(guard)
                places.update(self._note_bypass(guard, now))
        self._judge(places)
        return {name.removesuffix(STANDBY) for name in moved}, changed

    # ── what is needed ───────────────────────────────────────────────────────────────────────────

    def _uses(self, trunk: str, placement: Placement, demands: Mapping[str, Demand]) -> Iterator[Use]:
        members = [demands[name] for name in placement.members[trunk]]
        profile = Profile.of(members)
        cir = sum(demand.cir for demand in members)
        path, standby = placement.paths[trunk]
        yield self._use(trunk, profile, path, placement.grades[trunk], cir, standby=False)
        if standby is not None:
            yield self._use(trunk + STANDBY, profile, standby, Grade.LOCAL, cir, standby=True)

    def _use(self, name: str, profile: Profile, path: Path, grade: Grade, cir: int, *, standby: bool) -> Use:
        delays = self.router.graph.delays
        ban, bound = self.router.ban(profile), profile.bound
        left = None if bound is None else bound - self.router.graph.delay(path)
        asks = tuple(
            (guard, Need(ban, None if left is None else left + sum([delays[hop.link] for hop in replaced])))
            for guard, replaced in guards(path, grade)
        )
        satisfiable = self.router.detours.satisfiable
        whole = standby or all(satisfiable(guard, need) for guard, need in asks)
        return Use(name, path, cir, asks, whole, standby)

    def _load(self, uses: tuple[Use, ...], sign: int) -> None:
        for use in uses[:1]:
            for hop in use.path.hops:
                self.load[hop.link, hop.tail] += sign * use.cir

    def _touch(self, key: FamilyKey, before: dict[FamilyKey, Family]) -> dict[str, Asked]:
        """Those who ask in a family, to be changed: what they came to so far is kept in `before`."""
        if key not in before:
            before[key] = self.families.get(key) or _NOBODY
            self.asked[key] = dict(self.asked.get(key, ()))
            if key in self.families:
                self.families[key] = self.families[key].copy()
        return self.asked[key]

    def _exchange(self, old: Use, new: Use, before: dict[FamilyKey, Family]) -> None:
        """The same use with another CIR: it stays where it is."""
        for guard, need in new.asks:
            key = (guard.link, guard.tail)
            self._touch(key, before)[new.trunk] = new, guard, need
            family = self.families.get(key)
            for option, users in family.users.items() if family is not None else ():
                if new.trunk in users and family is not None:
                    users[new.trunk] = new
                    if not new.standby:
                        family.cir[option] += new.cir - old.cir

    def _join(self, use: Use, before: dict[FamilyKey, Family]) -> None:
        satisfiable = self.router.detours.satisfiable
        for guard, need in use.asks:
            key = (guard.link, guard.tail)
            self._touch(key, before)[use.trunk] = use, guard, need
            family = self.families.get(key)
            if family is not None and family.is_free(guard, need, satisfiable):
                family.ask(use, guard, need, satisfiable)
            else:
                self.families.pop(key, None)  # to be settled anew

    def _leave(self, use: Use, before: dict[FamilyKey, Family]) -> None:
        for guard, _ in use.asks:
            key = (guard.link, guard.tail)
            del self._touch(key, before)[use.trunk]
            self.families.pop(key, None)

    def _replay(self, key: FamilyKey) -> None:
        """Settle a family anew: its users ask one after the other."""
        if not self.asked[key]:
            del self.asked[key]
            return
        family = self.families[key] = Family()
        satisfiable = self.router.detours.satisfiable
        for use, guard, need in sorted(self.asked[key].values(), key=_order):
            if not family.ask(use, guard, need, satisfiable):
                family.calm = False

    # ── which way round ──────────────────────────────────────────────────────────────────────────

    def _choose(self, guard: Guard, family: Family) -> bool:
        """Choose the bypass of a guard anew; says whether it became another, came or went."""
        was = self.chosen.get(guard)
        if guard not in family.needs:
            self.chosen.pop(guard, None)
            return was is not None
        path = self._path(guard, family.needs[guard], family.cir.get(guard, 0))
        users = tuple(sorted(family.users[guard]))
        if was is None or was.path != path or was.users != users:
            self.chosen[guard] = Bypass(guard.key, guard.protects, guard.link, path, None, users)
        return was is None or was.path != path

    def _path(self, guard: Guard, need: Need, cir: int) -> Path:
        detours = self.router.detours
        old = self.baseline.bypasses.get(guard.key)
        if old is not None and detours.valid(guard, old, need):
            return old
        least = detours.least(guard, need.ban)
        assert least is not None
        if self._has_room(least, cir):
            return least
        return next((path for path in detours.choices(guard, need, CHOICES) if self._has_room(path, cir)), least)

    def _has_room(self, path: Path, cir: int) -> bool:
        links = self.router.topology.links
        return all(self.load[hop.link, hop.tail] + cir <= links[hop.link].capacity for hop in path.hops)

    # ── results ──────────────────────────────────────────────────────────────────────────────────

    def bypasses(self) -> tuple[Bypass, ...]:
        """All bypasses, sorted by key."""
        return tuple(sorted(self.chosen.values(), key=_key))

    def diagnostics(self, topology: Topology) -> tuple[Diagnostic, ...]:
        """What is not protected, and what would not have room; `topology` says where links are written down."""
        found = Diagnostics()
        bare: dict[str, list[Guard]] = defaultdict(list)
        for family in self.families.values():
            for trunk, guard in family.bare.items():
                bare[trunk].append(guard)
        for trunk, uses in self.uses.items():
            if trunk in bare:
                use, mine = uses[0], set(bare[trunk])
                found.warning(
                    "bypass-missing",
                    f"{len(mine)} of {len(use.path.hops)} hops have no bypass",
                    address=f"trunk {trunk}",
                    detail=listed([guard.key for guard, _ in use.asks if guard in mine]),
                    hint="a failure of these hops interrupts the trunk until it is re-routed",
                )
        for code, places in self.worst.items():
            found.extend(report(code, places, topology))
        return found.sorted()

    # ── what would not have room ─────────────────────────────────────────────────────────────────

    def _note_standby(self, trunk: str) -> None:
        """What the standby of a trunk takes over."""
        for use in self.uses[trunk][1:]:
            links = frozenset(self.uses[trunk][0].path.links)
            self.takers[STANDBYS][trunk] = Taker(f"standby of {trunk}", links, _places(use.path), use.cir)

    def _note_bypass(self, guard: Guard, family: Family) -> tuple[Place, ...]:
        """What the bypass of a guard takes over; returns where that is more than before."""
        before = self.takers[BYPASS].pop(guard.key, None)
        cir = family.cir.get(guard, 0)
        if not cir:
            return ()
        places = _places(self.chosen[guard].path)
        taker = Taker(f"bypass {guard.key}", frozenset((guard.link,)), places, cir)
        self.takers[BYPASS][guard.key] = taker
        return () if before == taker else places

    def _judge(self, places: set[Place]) -> None:
        """Look for overbooked links; where there were none before, only at `places`."""
        for code, takers in self.takers.items():
            known = self.worst[code]
            group = [takers[key] for key in sorted(takers)]
            if known or worst(self.router, group, self.load, places):
                self.worst[code] = worst(self.router, group, self.load)


_NOBODY = Family()
_NO_USERS: dict[str, Use] = {}
BYPASS, STANDBYS = "bypass-overbooked", "standby-overbooked"


def _places(path: Path) -> tuple[Place, ...]:
    return tuple([(hop.link, hop.tail) for hop in path.hops])


def _order(asked: Asked) -> tuple[int, str]:
    return asked[0].order


def _key(bypass: Bypass) -> str:
    return bypass.key


def _options(guard: Guard, need: Need, *, standby: bool) -> Iterator[tuple[Guard, Need]]:
    """What a use takes, best first."""
    if not standby:
        yield guard, need
    weaker = Need(need.ban)
    yield guard, weaker
    yield guard.plain, need
    yield guard.plain, weaker
