"""Services of the reference network: endpoints at drop points and hubs, and an intent file for each service."""

from __future__ import annotations

from pathlib import Path

from lab.reference.demography import Town
from lab.reference.intents_city import city as city_intents
from lab.reference.intents_halls import halls as halls_intents
from lab.reference.intents_spurs import on_spurs
from lab.reference.intents_table import readme
from lab.reference.model import Plant
from lab.reference.services_city import city
from lab.reference.services_halls import backbone, equipment, halls, wholesale
from lab.reference.services_rows import Book, table

ENDPOINTS = "inventory/endpoints.csv"


def files(plant: Plant) -> dict[str, str]:
    """Path in the network folder → text of `inventory/endpoints.csv` and everything in `intents/`."""
    book, town = Book(plant), Town(plant)
    city(book, town)
    halls(book, town)
    circuits = wholesale(book, town)
    trunks = backbone(book)
    equipment(book, plant)
    texts = on_spurs(city_intents() | halls_intents(circuits, trunks), book.rows)
    made = {f"intents/{name}.yaml": text for name, text in texts.items()}
    made[ENDPOINTS] = table(book.rows)
    return {**made, "intents/README.md": readme(made, {point.site: point.area for point in plant.points})}


def write(plant: Plant, folder: Path) -> None:
    """Write the files to a network folder; intent files of earlier generations go."""
    found = files(plant)
    for old in (folder / "intents").glob("*.yaml"):
        if f"intents/{old.name}" not in found:
            old.unlink()
    for name, text in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
