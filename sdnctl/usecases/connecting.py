"""`whatif --polygon … --onboard`: an open road, the sites at it without glass, and what to lay meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdnctl.inventory.onboarding import LIMIT, Answer, Onboarding, Verdict
from sdnctl.inventory.plant import Plant, Point
from sdnctl.units import Length
from sdnctl.usecases.glass import polygons_of

INSIDE = Length(0.0)


@dataclass(frozen=True)
class Works:
    """What was asked, and an answer for every site; `unplaced`: sites of which nobody wrote where they are."""

    rings: tuple[tuple[Point, ...], ...]
    reach: Length
    count: int
    answers: tuple[Answer, ...]
    unplaced: tuple[str, ...]

    def of(self, verdict: Verdict) -> tuple[Answer, ...]:
        return tuple(one for one in self.answers if one.verdict is verdict)


def onboard(
    plant: Plant, polygons: Sequence[Path], reach: Length = INSIDE, count: int = 2, limit: Length = LIMIT
) -> Works:
    """Every site in the outlines or within `reach` of them; raises InputError for an outline that is none."""
    rings = tuple(ring for path in polygons for ring in polygons_of(path))
    answers = Onboarding(plant, count, limit).ask(rings, reach)
    unplaced = tuple(sorted(site.id for site in plant.sites.values() if site.position is None))
    return Works(rings, reach, count, answers, unplaced)
