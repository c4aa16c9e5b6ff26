"""Where things stand: what is applied, what answers, which links are up, how fresh each proof is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sdnctl.compiler.protection import effective_grades, stranded
from sdnctl.intents.demand import Demand
from sdnctl.southbound.base import Counters
from sdnctl.southbound.ports import links_down
from sdnctl.store.store import Snapshot, Verdict
from sdnctl.usecases.context import Context

FRESH = timedelta(hours=24)
"""A proof older than this is stale; so is one of another snapshot than the applied one."""

LEVELS = ("V1", "V2", "V3")


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
class Status:
    """The whole picture; `pending` is an interrupted apply."""

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


def status(context: Context) -> Status:
    """Ask every switch for its ports, and the store for the rest."""
    applied = context.applied()
    lab = context.lab
    lab_text = f"{lab.kind} {lab.name}" if lab is not None else ""
    if applied is None:
        network = context.loaded.network
        nodes, links = network.topology.nodes, network.topology.links
        return Status(
            network.settings.name, None, _pending(context), (), len(nodes), len(links), (), (), (), lab_text
        )
    snapshot, state = applied
    topology = state.compiled.topology

    async def ask() -> Mapping[str, Counters | None]:
        async with context.fleet(topology) as fleet:
            return await fleet.counters()

    ports = asyncio.run(ask())
    return Status(
        state.compiled.settings.name,
        snapshot,
        context.store.pending(),
        tuple(sorted(node for node, one in ports.items() if one is None)),
        len(topology.nodes),
        len(topology.links),
        tuple(sorted(links_down(topology, ports, state.down))),
        tuple(sorted(state.down)),
        _applications(context, snapshot.id),
        lab_text,
    )


def _pending(context: Context) -> Snapshot | None:
    return context.store.pending() if context.has_store else None


def _applications(context: Context, snapshot: int) -> tuple[ApplicationStatus, ...]:
    _, state = context.need_applied()
    wanted = {demand.id: demand for demand in state.compiled.demands}
    grades = effective_grades(state.compiled)
    cut_off = stranded(state.compiled, state.down)
    weaker = cut_off | {
        demand for trunk in state.compiled.trunks if grades[trunk.key] != trunk.grade for demand in trunk.demands
    }
    kept = {(verdict.application, verdict.level): verdict for verdict in context.store.verdicts()}
    rows: dict[str, list[Demand]] = {}
    for demand in wanted.values():
        rows.setdefault(demand.application, []).append(demand)
    return tuple(
        ApplicationStatus(
            name,
            demands[0].tenant,
            demands[0].service_class,
            len(demands),
            sum(demand.id in weaker for demand in demands),
            sum(demand.id in cut_off for demand in demands),
            {level: judged(kept.get((name, level)), snapshot) for level in LEVELS},
        )
        for name, demands in sorted(rows.items())
    )


def judged(verdict: Verdict | None, snapshot: int) -> str:
    """A verdict as it counts now: what it said, ``stale``, or "" where there is none."""
    if verdict is None:
        return ""
    made = datetime.fromisoformat(verdict.created)
    if verdict.snapshot != snapshot or datetime.now(UTC) - made > FRESH:
        return "stale"
    return verdict.verdict
