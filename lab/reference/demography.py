"""Who is served at which drop point: schools by inhabitants, premises in business parks, cameras in streets.

Counts are facts or stated assumptions (`intents/README.md` says which); who stands where is chance that depends on
names, so that it is the same each time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from lab.reference.chance import apportion, chance
from lab.reference.communes import NIMES, communes
from lab.reference.model import Plant, Point


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


INHABITANTS_PER_SCHOOL = 1200
MUNICIPAL = 60
PREMISES = 360
RIVER_COMMUNES = words(
    "saint-gilles marguerittes manduel milhaud bouillargues garons caveirac clarensac redessan caissargues bernis "
    "saint-genies rodilhan la-calmette bezouce langlade saint-chaptes saint-gervasy sainte-anastasie fons "
    "saint-mamert gajan dions moulezan"
)
"""Communes on the Gardon, the Vistre, the Rhôny and their streams: one station each; the other 16 are in Nîmes."""
CADEREAUX = words(
    "castanet camplanier gazelles eaux-bouillies route-de-sauve vacquerolles valdegour haute-magaille caremeau "
    "saint-cesaire mas-des-abeilles kennedy route-d-arles jonquilles tour-de-l-eveque ville-active"
)
"""Quarters of Nîmes that the cadereaux, its dry streams, run through; they flooded the town in 1988."""
SPURS = ("mauressargues",)
"""Communes at the end of one cable: what is promised there is what one cable can give, no protection."""
PARKS = {"nimes": 0.7, "garons": 2.0, "caissargues": 1.6, "milhaud": 1.5, "bouillargues": 1.5, "marguerittes": 1.4}
"""Weight of premises per drop point, where it is not 1."""


class Place(StrEnum):
    """What a drop point stands in front of."""

    HALL = "hall"
    SCHOOL = "school"
    MUNICIPAL = "municipal"
    PREMISES = "premises"
    RIVER = "river"
    STREET = "street"


@dataclass(frozen=True)
class Town:
    """The drop points of the plant by commune and by what they stand in front of; all in an order of chance."""

    plant: Plant

    @cached_property
    def by_commune(self) -> Mapping[str, tuple[Point, ...]]:
        """Key of the commune → its points."""
        keys = {one.insee: key for key, one in communes().items()}
        found: dict[str, list[Point]] = {key: [] for key in communes()}
        for point in self.plant.points:
            found[keys[point.insee]].append(point)
        return {key: tuple(shuffled(points, "use")) for key, points in found.items()}

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Point → what it stands in front of."""
        schools = school_counts()
        municipal = apportion(MUNICIPAL, _populations(), least=1)
        taken: dict[str, Place] = {}
        for key, points in self.by_commune.items():
            wanted = {Place.HALL: 1, Place.SCHOOL: schools[key], Place.MUNICIPAL: municipal[key]}
            hall = next((point for point in points if point.site == f"com-{key}"), None) or next(
                point for point in points if point.site == "cab-ecusson"
            )
            taken[hall.id] = Place.HALL
            for point in self._stations(key, points, taken):
                taken[point.id] = Place.RIVER
            free = iter([point for point in points if point.id not in taken])
            for place in (Place.SCHOOL, Place.MUNICIPAL):
                for _ in range(wanted[place]):
                    taken[next(free).id] = place
        rest = {key: [one for one in points if one.id not in taken] for key, points in self.by_commune.items()}
        weights = {key: len(points) * PARKS.get(key, 1.0) for key, points in rest.items()}
        for key, share in apportion(PREMISES, weights).items():
            taken.update((point.id, Place.PREMISES) for point in rest[key][:share])
        return {point.id: taken.get(point.id, Place.STREET) for point in self.plant.points}

    def of(self, place: Place, *keys: str) -> list[Point]:
        """Points of one sort in some communes (all when none is named), commune by commune, the largest first."""
        return [
            point
            for key, points in self.by_commune.items()
            if not keys or key in keys
            for point in points
            if self.places[point.id] is place
        ]

    def quarter(self, name: str, *places: Place) -> list[Point]:
        """Points behind the cabinet of one quarter of Nîmes."""
        return [
            point
            for point in self.by_commune["nimes"]
            if point.site == f"cab-{name}" and (not places or self.places[point.id] in places)
        ]

    def _stations(self, key: str, points: Iterable[Point], taken: Mapping[str, Place]) -> list[Point]:
        """Where water is gauged: one point in each commune by a river, one in each quarter by a cadereau."""
        free = [point for point in points if point.id not in taken]
        if key == "nimes":
            return [next(point for point in free if point.site == f"cab-{name}") for name in CADEREAUX]
        return free[:1] if key in RIVER_COMMUNES else []


def shuffled(points: Iterable[Point], purpose: str) -> list[Point]:
    """The same points in another order, which depends on their ids and the purpose only."""
    return sorted(points, key=lambda point: (chance(purpose, point.id), point.id))


def school_counts() -> dict[str, int]:
    """Schools by commune: one per 1,200 inhabitants of the whole, at least one everywhere."""
    people = _populations()
    return apportion(round(sum(people.values()) / INHABITANTS_PER_SCHOOL), people, least=1)


def shares(total: int, town: int) -> dict[str, int]:
    """`town` of a total for Nîmes, the rest to the others by population, at least one each."""
    others = {key: count for key, count in _populations().items() if communes()[key].insee != NIMES}
    return {"nimes": town, **apportion(total - town, others, least=1)}


def key_of(point: Point) -> str:
    """The key of a point's commune."""
    return _keys()[point.insee]


def _populations() -> dict[str, int]:
    return {key: one.population for key, one in communes().items()}


def _keys() -> dict[str, str]:
    found: dict[str, str] = {}
    for key, one in communes().items():
        found[one.insee] = key
    return found


def spread(total: int, points: list[Point], purpose: str, most: int) -> dict[str, int]:
    """How many of `total` things stand at each point: one at least, `most` at most, the rest by chance."""
    counts = defaultdict(int, dict.fromkeys((point.id for point in points), 1))
    for turn in range(1, most):
        for point in shuffled(points, f"{purpose}-{turn}"):
            if sum(counts.values()) == total:
                return dict(counts)
            if chance(purpose, point.id, turn) < 0.55:
                counts[point.id] += 1
    raise ValueError(f"{total} do not fit {len(points)} points of {most}")
