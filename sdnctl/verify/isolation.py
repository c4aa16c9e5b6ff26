"""What demands may not share with each other, and what they must not stray from: meters, labels, paths.

These claims are about several demands at once, or about a demand and the decision that was taken for it, so they
are judged from what the walks with everything up have met.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Demand
from sdnctl.topology.graph import Path
from sdnctl.verify.report import Violation
from sdnctl.verify.walk import Walk


@dataclass(frozen=True, slots=True)
class Met:
    """What the frames of one demand met: labels above the service label, service labels, (switch, meter)."""

    trunks: frozenset[int] = frozenset()
    services: frozenset[int] = frozenset()
    meters: frozenset[tuple[str, int]] = frozenset()


def met(walk: Walk) -> Met:
    """What one walk met."""
    return Met(
        frozenset(label for end in walk.delivered for label in end.trunks),
        frozenset(label for end in walk.delivered for label in end.services),
        frozenset(meter for end in walk.delivered for meter in end.meters),
    )


def isolation(demands: Iterable[Demand], found: Mapping[str, Met]) -> Iterator[tuple[Demand, Violation]]:
    """Meters of two demands, service labels of two ends, trunks of exclusive demands and another tenant."""
    ordered = tuple(demands)
    meters: dict[tuple[str, int], str] = {}
    services: dict[int, tuple[str, str]] = {}
    tenants: dict[int, set[str]] = defaultdict(set)
    for demand in ordered:
        for label in found[demand.id].trunks:
            tenants[label].add(demand.tenant)
    for demand in ordered:
        mine = found[demand.id]
        for meter in sorted(mine.meters):
            other = meters.setdefault(meter, demand.id)
            if other != demand.id:
                yield demand, Violation("isolation", f"shares meter {meter[1]} at {meter[0]} with {other}")
        own = demand.application, demand.egress.id
        for label in sorted(mine.services):
            if services.setdefault(label, own) != own:
                whose = " to ".join(services[label])
                yield demand, Violation("isolation", f"shares service label {label} with {whose}")
        for label in sorted(mine.trunks):
            if demand.exclusive and len(tenants[label]) > 1:
                others = ", ".join(sorted(tenants[label] - {demand.tenant}))
                yield demand, Violation("isolation", f"shares trunk {label} with {others}")


def astray(path: Path, labels: frozenset[int], trunk: Trunk) -> Iterator[Violation]:
    """The rules take another way, or another label, than what the trunk was admitted with."""
    flipped = trunk.flipped and trunk.standby is not None and trunk.standby_label is not None
    admitted, label = (trunk.standby, trunk.standby_label) if flipped else (trunk.path, trunk.label)
    if admitted is not None and path.hops != admitted.hops:
        taken, owed = (" → ".join(way.links) or "one switch" for way in (path, admitted))
        yield Violation("path", f"goes by {taken}, but trunk {trunk.key} was admitted on {owed}")
    elif labels != {label}:
        found = ", ".join(str(item) for item in sorted(labels)) or "none"
        yield Violation("path", f"carries label {found}, but trunk {trunk.key} has {label}")
