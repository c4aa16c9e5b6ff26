"""The 39 communes of Nîmes Métropole: public facts, from `communes.csv` (its sources are in README.md)."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lab.reference.model import Position

NIMES = "30189"
POINTS = 1300
LEAST = 8

_SHORT = {
    "30255": "saint-genies",
    "30281": "saint-mamert",
    "30245": "saint-come",
}


class Commune(NamedTuple):
    """A member of the agglomeration; `key` is the short name that ids are made of."""

    insee: str
    key: str
    name: str
    population: int
    position: Position
    exact: bool  # a village centre, not the middle of the territory


def _key(insee: str, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _SHORT.get(insee) or re.sub(r"[^a-z]+", "-", plain)


@cache
def communes() -> dict[str, Commune]:
    """Communes by key, the largest first."""
    with (Path(__file__).parent / "communes.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            Commune(
                row["insee"],
                _key(row["insee"], row["name"]),
                row["name"],
                int(row["population"]),
                (float(row["lon"]), float(row["lat"])),
                row["position_source"] == "geonames",
            )
            for row in csv.DictReader(file)
        ]
    return {row.key: row for row in sorted(rows, key=lambda row: (-row.population, row.insee))}
