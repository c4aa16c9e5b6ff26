"""One move of the controller: from what was applied, and other links down, to devices that hold what follows.

    links, drained switches ─compile→ state ─V1→ proven ─observe→ plan, most urgent class first ─follow→ snapshot

What is shared by the one pass of the command line (`reconcile`), by the part that handles failures and by drains.
Every move is a snapshot of its own: it changes what is *applied*, and the next plan keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from sdnctl.compiler.groups import trunk_group_key
from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.protection import effective_grades, stranded
from sdnctl.dataplane.values import GROUP_BASE, Group, RuleSet
from sdnctl.intents.demand import Grade
from sdnctl.plan.model import Change, DeviceChange, Observed, Op, Plan, Stage, StageKind
from sdnctl.southbound.fleet import Fleet, Observation
from sdnctl.store.lease import Lease
from sdnctl.store.state import State
from sdnctl.usecases.computing import Compute, at_once
from sdnctl.usecases.context import Context
from sdnctl.usecases.following import Lost, follow
from sdnctl.usecases.planning import plan_between, proven
from sdnctl.usecases.progress import Progress, silent


@dataclass(frozen=True)
class Moved:
    """A trunk that was moved, or lost or regained protection: key, application names, both paths, its demands."""

    trunk: str
    applications: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    grade_before: str
    grade_after: str
    links_before: tuple[str, ...] = ()
    links_after: tuple[str, ...] = ()
    demands: int = 0

    @property
    def elsewhere(self) -> bool:
        """Whether it runs another way than before, if only over a parallel link."""
        return self.links_before != self.links_after

    @property
    def weaker(self) -> bool:
        """Whether it has less protection than before."""
        return _STRENGTH[self.grade_after] < _STRENGTH[self.grade_before]

    @property
    def stronger(self) -> bool:
        """Whether it has more protection than before."""
        return _STRENGTH[self.grade_after] > _STRENGTH[self.grade_before]


_STRENGTH: Mapping[str, int] = {Grade.NONE: 0, Grade.LOCAL: 1, Grade.NODE: 2, Grade.DISJOINT: 2}


@dataclass(frozen=True)
class Step:
    """One journalled move: what it was for, its snapshot, its plan and how long it took (seconds)."""

    action: str
    snapshot: int
    plan: Plan
    seconds: float


@dataclass(frozen=True)
class Reconciled:
    """What one pass found and did."""

    down: frozenset[str]
    healed: frozenset[str]
    unreachable: tuple[str, ...]
    steps: tuple[Step, ...]
    moved: tuple[Moved, ...]
    waiting: frozenset[str] = frozenset()


def network_of(compiled: Compiled, down: frozenset[str], drained: frozenset[str] = frozenset()) -> Network:
    """The network that was applied, with other links down or switches drained: what a move is compiled from."""
    endpoints = {end.id: end for demand in compiled.demands for end in (demand.ingress, demand.egress)}
    return Network(
        compiled.settings, compiled.topology, endpoints, compiled.classes, {}, compiled.demands, down, drained
    )


def solved(state: State, down: frozenset[str], drained: frozenset[str] | None = None) -> State:
    """The state that follows when these links are down (and switches drained, default as before), proven by V1.

    Raises CompileError where a drain leaves a demand no way, VerificationFailed where the rules are not right.
    """
    drained = state.drained if drained is None else drained
    after = State(
        compile_network(network_of(state.compiled, down, drained), state.baseline), down, drained=drained
    )
    proven(after)
    return after


def moves(before: Compiled, after: Compiled) -> tuple[Moved, ...]:
    """Trunks whose path or protection differs between two compiled states."""
    old = {trunk.key: trunk for trunk in before.trunks}
    had, have = effective_grades(before), effective_grades(after)
    owner = {demand.id: demand.application for demand in after.demands}
    return tuple(
        Moved(
            trunk.key,
            tuple(sorted({owner[demand] for demand in trunk.demands})),
            old[trunk.key].path.nodes,
            trunk.path.nodes,
            had[trunk.key],
            have[trunk.key],
            old[trunk.key].path.links,
            trunk.path.links,
            len(trunk.demands),
        )
        for trunk in after.trunks
        if trunk.key in old and (trunk.path != old[trunk.key].path or have[trunk.key] != had[trunk.key])
    )


def cut_off(before: State, after: State) -> tuple[str, ...]:
    """Demands that have no way left in `after`, and had one in `before`."""
    return tuple(sorted(stranded(after.compiled, after.down) - stranded(before.compiled, before.down)))


# ── what devices are taken to hold ───────────────────────────────────────────────────────────────


def believed(state: State, fresh: Observation, absent: Iterable[str]) -> Observation:
    """What all devices hold: as `fresh` says where they were asked, else what they confirmed last.

    Devices that are `absent`, or were silent when the state was applied, are unknown unless they were asked.
    """
    unknown = frozenset(absent) | state.silent.keys()
    rules: dict[str, Observed | None] = {
        device: None if device in unknown else Observed(held) for device, held in state.confirmed.items()
    }
    gear = {device: Observed(RuleSet(), attachments=held) for device, held in state.compiled.attachments.items()}
    assumed = frozenset(device for device, one in (rules | gear).items() if one is not None)
    return Observation(rules, assumed=assumed, attachments=gear or None).updated(fresh)


def touched(before: State, after: State) -> tuple[str, ...]:
    """Devices whose rules a move changes, and those that may hold something else than was applied."""
    empty = RuleSet()
    differ = {
        device
        for device, rules in after.rules.items()
        if (held := before.confirmed.get(device, empty)) is not rules and held != rules
    }
    return tuple(sorted(differ | before.silent.keys() | before.doubtful.keys()))


# ── the most urgent class first ──────────────────────────────────────────────────────────────────


def laddered(stages: tuple[Stage, ...], compiled: Compiled) -> tuple[Stage, ...]:
    """Stages with the flips of trunks in stages of their own, by the ladder of the classes they carry.

    What else is changed in place keeps its order on each device: groups that trunks lead to come before, rules
    that lead to trunks after.
    """
    ranks = trunk_ranks(compiled)
    found: list[Stage] = []
    for stage in stages:
        found += _by_rank(stage, ranks) if stage.kind is StageKind.SWITCH else (stage,)
    return tuple(found)


def trunk_ranks(compiled: Compiled) -> Mapping[int, int]:
    """Group id of a trunk → rank of the most urgent class it carries (lower is more urgent)."""
    rank = {demand.id: compiled.classes[demand.service_class].rank for demand in compiled.demands}
    numbers = compiled.baseline.ids.get("group", {})
    return {
        GROUP_BASE + numbers[key]: min(rank[demand] for demand in trunk.demands)
        for trunk in compiled.trunks
        if (key := trunk_group_key(trunk.key)) in numbers
    }


def _by_rank(stage: Stage, ranks: Mapping[int, int]) -> list[Stage]:
    first, last = -1, max(ranks.values(), default=0) + 1
    table: dict[int, dict[str, list[DeviceChange]]] = {}
    for device, changes in stage.changes.items():
        reached = first  # what comes behind a flip on a device stays behind all flips of it
        for change in changes:
            rank = _flip_of(change, ranks)
            if rank is None:
                rank = first if reached == first else last
            reached = max(reached, rank)
            table.setdefault(rank, {}).setdefault(device, []).append(change)
    return [
        Stage(stage.kind, {device: tuple(changes) for device, changes in table[rank].items()}, stage.wait_ms)
        for rank in sorted(table)
    ]


def _flip_of(change: DeviceChange, ranks: Mapping[int, int]) -> int | None:
    """The rank of the trunk that a change flips, None for any other change."""
    if isinstance(change, Change) and change.op is Op.MODIFY and isinstance(change.rule, Group):
        return ranks.get(change.rule.id)
    return None


# ── doing it ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Mover:
    """Who moves: with which store, devices and lease, what happens when a device is lost on the way."""

    context: Context
    fleet: Fleet
    lease: Lease
    lost: Lost = "stop"
    compute: Compute = at_once
    progress: Progress = silent
    author: str | None = None  # who asked for it, where that is not who runs this process

    async def move(
        self, before: State, after: State, action: str, seen: Observation, *, ladder: bool = True
    ) -> tuple[Step | None, Observation]:
        """Plan from what is `seen` to `after`, journal it and do it; nothing where nothing differs.

        Returns what was done, and what devices hold now. The state that is applied then is the context's.
        """
        start = time.monotonic()

        arrange = partial(laddered, compiled=after.compiled) if ladder else None
        plan = await self.compute(plan_between, after, seen, before, arrange=arrange)
        if plan.empty and await self.compute(lambda: after.fingerprint == before.fingerprint):
            return None, seen
        snapshot, held = await follow(
            self.context,
            self.fleet,
            self.lease,
            after,
            before,
            plan,
            seen,
            reason="reconcile",
            summary=action,
            author=self.author,
            progress=self.progress,
            lost=self.lost,
            compute=self.compute,
        )
        return Step(action, snapshot, plan, time.monotonic() - start), held

    async def pin(self, state: State, links: frozenset[str], absent: Iterable[str] = ()) -> Step | None:
        """Fix the groups that watch these links to their bypasses: only the switches at their ends are asked."""
        pinned = state.changed(down=state.down | links)
        topology = state.compiled.topology
        gone = set(absent)
        ends = sorted({end for link in links for end in topology.links[link].nodes} - gone)
        fresh = await self.fleet.observe(ends)
        step, _ = await self.move(state, pinned, f"pin {named(links)}", believed(state, fresh, gone), ladder=False)
        return step


def named(things: Iterable[str]) -> str:
    """A few names for a summary."""
    names = sorted(things)
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
