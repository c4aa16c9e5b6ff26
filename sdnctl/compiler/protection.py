"""What protection a compiled trunk really has, which while links are down may be less than was asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from sdnctl.compiler.groups import trunk_hops
from sdnctl.compiler.ir import Bypass, Compiled, Trunk
from sdnctl.intents.demand import Demand, Grade


def effective_grade(trunk: Trunk, bypasses: Mapping[str, Bypass]) -> Grade:
    """The best grade that the bypasses (by key) and the standby give, at most the one that was asked for."""
    if trunk.grade is Grade.NONE:
        return Grade.NONE
    groups = trunk_hops(trunk, trunk.path, bypasses)
    if any(group.bypass is None for group in groups):
        return Grade.NONE
    if trunk.grade is Grade.NODE:
        return (
            Grade.NODE
            if all(len(group.bypass.protects) == 3 for group in groups[:-1] if group.bypass)
            else Grade.LOCAL
        )
    return Grade.DISJOINT if trunk.grade is Grade.DISJOINT and trunk.standby is not None else Grade.LOCAL


def effective_grades(compiled: Compiled) -> Mapping[str, Grade]:
    """Trunk key → the grade it really has."""
    bypasses = {bypass.key: bypass for bypass in compiled.bypasses}
    return {trunk.key: effective_grade(trunk, bypasses) for trunk in compiled.trunks}


def stranded(compiled: Compiled, down: Collection[str]) -> frozenset[str]:
    """Demands whose only way runs over a link that is down, or is no longer in the plan (`uncarried`)."""
    gone = set(down)
    return uncarried(compiled).union(
        demand for trunk in compiled.trunks if gone.intersection(trunk.path.links) for demand in trunk.demands
    )


def uncarried(compiled: Compiled) -> frozenset[str]:
    """Demands between two switches without a trunk: cut off, and their old way is not in the plan any more."""
    carried = {demand for trunk in compiled.trunks for demand in trunk.demands}
    return frozenset(
        demand.id
        for demand in compiled.demands
        if demand.id not in carried and demand.ingress.attachment.node != demand.egress.attachment.node
    )


def promised(compiled: Compiled, down: Collection[str], drained: Collection[str] = ()) -> Iterator[Demand]:
    """What the rules promise while links are down or switches drained: demands at the grade they can have.

    With everything up that is exactly what was asked for, so that nothing is forgiven then. Demands that are
    cut off (`stranded`) are among them, without protection: their rules are there, only the link is not. To those
    without a way in the plan nothing is promised.
    """
    if not down and not drained:
        yield from compiled.demands
        return
    lost = stranded(compiled, down)
    grades = effective_grades(compiled)
    carrier = {demand: trunk for trunk in compiled.trunks for demand in trunk.demands}
    nowhere = uncarried(compiled)
    for demand in compiled.demands:
        if demand.id in nowhere:
            continue
        if demand.id in lost:
            yield replace(demand, grade=Grade.NONE, latency=None, avoid=frozenset())
            continue
        trunk = carrier.get(demand.id)
        weakened = trunk is not None and grades[trunk.key] != demand.grade
        late = weakened and trunk is not None and compiled.topology.delay(trunk.path) > (demand.latency or 0)
        yield replace(
            demand,
            grade=grades[trunk.key] if trunk is not None else demand.grade,
            latency=None if late else demand.latency,
        )
