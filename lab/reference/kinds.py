"""What each segment is: own or rented duct, overhead, façade, sewer or bridge, in fixed proportions by length.

Works are decided stretch by stretch, so that neighbouring segments are alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from math import fsum

from lab.reference.cables import Laying
from lab.reference.chance import chance
from lab.reference.works import Segment, Works

OVERHEAD, FACADE, SEWER, RENTED = 0.10, 0.026, 0.022, 0.25
RENTED_CABLE = "c-pop-est--pop-nord"
"""A core cable that lies in rented ducts all the way: one of the traps."""

Decide = Callable[[Segment], None]


def decide(works: Works, laying: Laying) -> None:
    """Give every segment in service its kind; poles instead of chambers where all lines are overhead."""
    stretches: dict[str, list[Segment]] = defaultdict(list)
    fixed = {segment.id for segment in laying.segments(laying.cables[RENTED_CABLE].places)}
    for segment in works.segments.values():
        if segment.id in fixed:
            segment.rented = True
        elif segment.kind == "trench" and segment.status == "in-service" and segment.id not in laying.outer:
            stretches[segment.stretch].append(segment)
    total = fsum(segment.metres for segment in works.segments.values() if segment.status == "in-service")
    order = sorted(stretches, key=lambda stretch: (chance("kind", stretch), stretch))
    _assign(stretches, order, ("road", "rib"), OVERHEAD * total, _overhead)
    _assign(stretches, order, ("lead-in",), FACADE * total, _facade)
    _assign(stretches, order, ("street",), SEWER * total, _sewer)
    rented = fsum(segment.metres for segment in works.segments.values() if segment.rented)
    _assign(stretches, order, ("road", "street", "rib", "lead-in"), RENTED * total - rented, _rented)
    _poles(works)


def _assign(
    stretches: dict[str, list[Segment]], order: list[str], works: tuple[str, ...], metres: float, decide: Decide
) -> None:
    """Decide stretches of these works, in order of chance, up to some metres."""
    for stretch in order:
        if metres <= 0:
            return
        if stretch.startswith(works) and stretch in stretches:
            for segment in stretches.pop(stretch):
                decide(segment)
                metres -= segment.metres


def _overhead(segment: Segment) -> None:
    segment.kind = "overhead"


def _facade(segment: Segment) -> None:
    segment.kind = "facade"


def _sewer(segment: Segment) -> None:
    segment.kind = "sewer"


def _rented(segment: Segment) -> None:
    segment.rented = True


def _poles(works: Works) -> None:
    meeting: dict[str, list[Segment]] = defaultdict(list)
    for segment in works.segments.values():
        for end in (segment.a, segment.b):
            meeting[end].append(segment)
    for key, chamber in works.chambers.items():
        if chamber.kind == "wall-box":
            continue
        lines = [segment for segment in meeting[key] if not segment.stretch.startswith("lead-in")]
        if lines and all(segment.kind == "overhead" for segment in lines):
            chamber.kind = "pole"
        elif lines and all(segment.stretch.startswith(("road", "rib")) for segment in lines):
            chamber.kind = "handhole" if chance("handhole", key) < 0.5 else "chamber"
