"""`whatif --polygon … --onboard`: an open road, the sites at it without glass, and what to lay meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
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

    @property
    def crowded(self) -> Mapping[str, tuple[int, int]]:
        """Closure → strands that all sites together want there, and those that are free, where these are fewer.

        Each site has an answer of its own, as if it were the only one.
        """
        wanted: dict[str, int] = defaultdict(int)
        spare: dict[str, int] = {}
        for one in self.answers:
            if one.connection is not None:
                wanted[one.connection.closure] += self.count
                spare[one.connection.closure] = one.connection.spare
        return {name: (count, spare[name]) for name, count in wanted.items() if count > spare[name]}


def onboard(
    plant: Plant, polygons: Sequence[Path], reach: Length = INSIDE, count: int = 2, limit: Length = LIMIT
) -> Works:
    """Every site in the outlines or within `reach` of them; raises InputError for an outline that is none."""
    rings = tuple(ring for path in polygons for ring in polygons_of(path))
    answers = Onboarding(plant, count, limit).ask(rings, reach)
    unplaced = tuple(sorted(site.id for site in plant.sites.values() if site.position is None))
    return Works(rings, reach, count, answers, unplaced)
