"""Where things stand: what is applied, what answers, which links are up, how fresh each proof is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sdnctl.compiler.fate import Fate, Fates
from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.protection import effective_grades, stranded
from sdnctl.errors import Diagnostic, UsageError
from sdnctl.intents.demand import Demand
from sdnctl.southbound.base import Counters
from sdnctl.southbound.ports import links_down
from sdnctl.store.state import State
from sdnctl.store.store import Snapshot, Verdict
from sdnctl.usecases.computing import waited
from sdnctl.usecases.context import Context

FRESH = timedelta(hours=24)
"""A proof older than this is stale; so is one of another snapshot than the applied one."""

LEVELS = ("V1", "V2", "V3")
WORST_FIRST = ("failed", "", "stale", "degraded", "ok")
"""Verdicts as they count for a group: what was never verified makes it no better than what is stale."""


@dataclass(frozen=True)
class ApplicationStatus:
    """One application: demands, how many have less protection than asked or no path at all, verdicts by level."""

    application: str
    tenant: str
    service_class: str
    demands: int
    unprotected: int
    cut_off: int
    levels: Mapping[str, str]


@dataclass(frozen=True)
class GroupStatus:
    """The demands of one tenant or area, of several applications; a level is as good as the worst of them."""

    name: str
    applications: tuple[str, ...]
    demands: int
    unprotected: int
    cut_off: int
    levels: Mapping[str, str]


@dataclass(frozen=True)
class Status:
    """The whole picture; `pending` is an interrupted apply.

    `pinned` links count as failed; those of them that are `damped` flap, and wait until they have calmed down.
    `drained` switches carry only what begins or ends there. `unseen` links have no end that answers: they count as
    they were, and are neither up nor down as far as anybody knows.

    `groups` are the same demands again, by tenant or area; a demand between two areas counts in both.
    """

    network: str
    snapshot: Snapshot | None
    pending: Snapshot | None
    unreachable: tuple[str, ...]
    switches: int
    links: int
    down: tuple[str, ...]
    pinned: tuple[str, ...]
    applications: tuple[ApplicationStatus, ...]
    lab: str
    by: str = "application"
    groups: tuple[GroupStatus, ...] = ()
    drained: tuple[str, ...] = ()
    damped: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


GROUPS: Mapping[str, Callable[[Demand], tuple[str, ...]]] = {
    "application": lambda demand: (demand.application,),
    "tenant": lambda demand: (demand.tenant,),
    "area": lambda demand: demand.areas,
}
"""What demands can be grouped by, and the groups of one."""


def status(context: Context, by: str = "application") -> Status:
    """Ask every switch for its ports, and the store for the rest."""
    _check_grouping(by)
    applied = context.applied()
    if applied is None:
        return standing(context, {}, by)
    topology = applied[1].compiled.topology

    async def ask() -> Mapping[str, Counters | None]:
        async with context.fleet(topology) as fleet:
            return await fleet.ports()

    ports = waited(ask())
    damped = context.controller.get("/v1/controller")["damped"] if context.controller is not None else ()
    return standing(context, ports, by, frozenset(damped))


def _check_grouping(by: str) -> None:
    if by not in GROUPS:
        raise UsageError(
            Diagnostic("no-such-grouping", f"--by {by} is not known", hint=f"one of {', '.join(GROUPS)}")
        )


def standing(
    context: Context,
    ports: Mapping[str, Counters | None],
    by: str = "application",
    damped: frozenset[str] = frozenset(),
) -> Status:
    """Where things stand, from what switches said of their ports; `damped` is what a running controller knows."""
    _check_grouping(by)
    applied = context.applied()
    lab = context.lab
    lab_text = f"{lab.kind} {lab.name}" if lab is not None else ""
    if applied is None:
        network = context.loaded.network
        nodes, links = network.topology.nodes, network.topology.links
        return Status(
            network.settings.name, None, _pending(context), (), len(nodes), len(links), (), (), (), lab_text, by
        )
    snapshot, state = applied
    topology = state.compiled.topology
    down = links_down(topology, ports, state.down)
    picture = _Picture.of(context, snapshot.id, state, frozenset(down))
    return Status(
        state.compiled.settings.name,
        snapshot,
        context.store.pending(),
        tuple(sorted(node for node in topology.nodes if ports.get(node) is None)),
        len(topology.nodes),
        len(topology.links),
        tuple(sorted(down)),
        tuple(sorted(state.down)),
        picture.applications(),
        lab_text,
        by,
        () if by == "application" else picture.groups(GROUPS[by]),
        tuple(sorted(state.drained)),
        tuple(sorted(damped)),
        tuple(
            sorted(
                link.id
                for link in topology.links.values()
                if ports.get(link.a.node) is None and ports.get(link.b.node) is None
            )
        ),
    )


def _pending(context: Context) -> Snapshot | None:
    return context.store.pending() if context.has_store else None


@dataclass(frozen=True)
class _Picture:
    """The applied demands; which of them have less protection than asked or no path, and what was verified."""

    demands: tuple[Demand, ...]
    weaker: frozenset[str]
    cut_off: frozenset[str]
    verdicts: Mapping[tuple[str, str], Verdict]
    snapshot: int

    @classmethod
    def of(cls, context: Context, snapshot: int, state: State, down: frozenset[str]) -> _Picture:
        """With these links down, whether or not anybody has dealt with that yet."""
        grades = effective_grades(state.compiled)
        cut_off = set(stranded(state.compiled, state.down))
        weaker = {
            demand
            for trunk in state.compiled.trunks
            if grades[trunk.key] != trunk.grade
            for demand in trunk.demands
        }
        if down - state.down:
            cut_off |= _lost(state.compiled, down)
            weaker |= stranded(state.compiled, down)  # those that switches repair run on what was to protect them
        kept = {(verdict.application, verdict.level): verdict for verdict in context.store.verdicts()}
        return cls(state.compiled.demands, frozenset(cut_off | weaker), frozenset(cut_off), kept, snapshot)

    def applications(self) -> tuple[ApplicationStatus, ...]:
        return tuple(
            ApplicationStatus(
                name,
                demands[0].tenant,
                demands[0].service_class,
                *self._counts(demands),
                {level: judged(self.verdicts.get((name, level)), self.snapshot) for level in LEVELS},
            )
            for name, demands in self._by(GROUPS["application"])
        )

    def groups(self, names: Callable[[Demand], tuple[str, ...]]) -> tuple[GroupStatus, ...]:
        return tuple(
            GroupStatus(
                name,
                tuple(sorted({demand.application for demand in demands})),
                *self._counts(demands),
                {level: self._level(level, demands) for level in LEVELS},
            )
            for name, demands in self._by(names)
        )

    def _by(self, names: Callable[[Demand], tuple[str, ...]]) -> list[tuple[str, list[Demand]]]:
        found: dict[str, list[Demand]] = {}
        for demand in self.demands:
            for name in names(demand):
                found.setdefault(name, []).append(demand)
        return sorted(found.items())

    def _counts(self, demands: list[Demand]) -> tuple[int, int, int]:
        """How many, with less protection than asked, cut off."""
        weaker, cut_off = ({demand.id for demand in demands} & some for some in (self.weaker, self.cut_off))
        return len(demands), len(weaker), len(cut_off)

    def _level(self, level: str, demands: list[Demand]) -> str:
        """The worst of what one level says about these demands of several applications."""
        mine: dict[str, set[str]] = {}
        for demand in demands:
            mine.setdefault(demand.application, set()).add(demand.id)
        said = set()
        for name, ids in mine.items():
            verdict = self.verdicts.get((name, level))
            word = judged(verdict, self.snapshot)
            if word == "failed" and verdict is not None and verdict.detail:
                word = "failed" if ids.intersection(verdict.detail.split(" ")) else "ok"
            said.add(word)
        return next(word for word in WORST_FIRST if word in said)


def _lost(compiled: Compiled, down: frozenset[str]) -> set[str]:
    """Demands that switches do not send round links that are down: lost until the controller acts, if it can."""
    fates = Fates(compiled).of(down, frozenset())
    return {
        demand
        for trunk in compiled.trunks
        if fates.get(trunk.key, Fate.REPAIRED) is not Fate.REPAIRED
        for demand in trunk.demands
    }


def judged(verdict: Verdict | None, snapshot: int) -> str:
    """A verdict as it counts now: what it said, ``stale``, or "" where there is none."""
    if verdict is None:
        return ""
    made = datetime.fromisoformat(verdict.created)
    if verdict.snapshot != snapshot or datetime.now(UTC) - made > FRESH:
        return "stale"
    return verdict.verdict
