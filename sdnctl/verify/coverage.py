"""What a grade promises a demand under one failure. `topology.risk` defines it; here are the demand's ends."""

from __future__ import annotations

from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Failure, Path
from sdnctl.topology.risk import Coverage, NotCovered, Residual, Risks

ORDER = (Grade.NONE, Grade.LOCAL, Grade.NODE, Grade.DISJOINT)
"""Grades, from what promises least."""


def coverage_of(risks: Risks, grade: Grade, path: Path, failure: Failure, ends: tuple[str, str]) -> Coverage:
    """What the grade promises on a path between two end switches, whose death is never covered."""
    dead = sorted(failure.nodes.intersection(ends))
    if dead and grade is not Grade.NONE:
        for switch in dead:
            if failure.kind == "srlg" and risks.residual(switch).issuperset(failure.names):
                return Residual(failure.name, switch)
    if dead:
        return NotCovered(f"switch {dead[0]} is an end of the demand")
    return risks.covered(grade, path, failure)


def repairs(grade: Grade, path: Path, failure: Failure) -> int:
    """How many bypasses a path needs at once under a failure, as `Risks.covered` counts them."""
    count = index = 0
    while index < len(path.hops):
        if path.hops[index].link in failure.links:
            count += 1
            index += 2 if grade is Grade.NODE and index + 1 < len(path.hops) else 1
        else:
            index += 1
    return count
