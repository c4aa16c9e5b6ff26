"""The plant of the reference network, from tables to files."""

from __future__ import annotations

from functools import cache

from lab.reference.chance import apportion, between
from lab.reference.communes import LEAST, POINTS, communes
from lab.reference.model import Plant, Point
from lab.reference.places import COMMUNE_CABINETS, HUBS, quarters, town_halls


@cache
def build() -> Plant:
    """Everything but services; the same each time."""
    shares = apportion(POINTS, {key: one.population for key, one in communes().items()}, LEAST)
    points: list[Point] = []
    for key, commune in communes().items():
        if key == "nimes":
            sites = {one: place.position for one, place in quarters().items()}
        else:
            sites = {f"com-{key}": town_halls()[key].position}
            sites |= {f"cab-{key}-{name}": commune.position for name in COMMUNE_CABINETS.get(key, ())}
        for site, share in apportion(shares[key], dict.fromkeys(sites, 1.0)).items():
            for number in range(share):
                name = f"{len(points) + 1:04d}"
                lon, lat = sites[site]
                spot = (
                    round(lon + between(-0.004, 0.004, name, "x"), 6),
                    round(lat + between(-0.003, 0.003, name, "y"), 6),
                )
                points.append(
                    Point(
                        f"wb-{name}", commune.insee, commune.name, spot, site, site, 101 + number, f"dr-{name}:1"
                    )
                )
    return Plant(tuple(points), HUBS, {}, {})
