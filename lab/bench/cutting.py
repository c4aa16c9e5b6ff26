"""Cut queries on the reference network's plant, once and several times over, against removing and recomputing.

A query goes from the name of a thing to the strands, optical links and customers' lines that its cut takes. The
reference removes the same glass from the plant and follows all light again. Both answers are compared. What the
index costs to make is told beside it.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from lab.bench.measure import Report, cpu, growth
from lab.bench.tiling import tile
from sdnctl.cli.garbage import spare_collections
from sdnctl.errors import Diagnostics
from sdnctl.inventory.access import access_lines
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.cuts import Cutter, Damage, find_events
from sdnctl.inventory.glass import numbers
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.places import sheath_span
from sdnctl.inventory.plant import Plant, StrandFault
from sdnctl.inventory.uses import Uses
from sdnctl.units import Length
from sdnctl.workspace.read import read_folder

ROOT = Path(__file__).parent.parent.parent
COPIES = (1, 3, 10)
QUERIES = 200
COMPARED = 5
MILLISECONDS = 50.0
"""What a query at ten times the reference network may take."""
RATIO = 100.0
BOX = 0.005
"""Half the side of an outline, degrees: some hundred metres of works."""


def load(folder: Path) -> Plant:
    read = read_folder(folder, Diagnostics())
    plant, found = build_plant(read.documents)
    assert not found.errors, found.errors[:3]
    return plant


def users(plant: Plant) -> frozenset[str]:
    """Links and customers' lines that light gets through, by address."""
    lines = access_lines(plant)[0]
    return frozenset(
        (*(link.address for link in optical_links(plant)[0]), *(line.address for line in lines if line.usable))
    )


def without(plant: Plant, damage: Damage) -> Plant:
    """The plant with the glass broken where it is hit."""
    cables = dict(plant.cables)
    for name, wounds in damage.wounds.items():
        faults = list(cables[name].faults)
        for wound in wounds:
            low, high = sheath_span(cables[name], min(wound.at // 2, len(cables[name].places) - 2))
            at = cables[name].marks[wound.at // 2] if wound.at % 2 == 0 else (low + high) / 2
            faults.append(StrandFault(frozenset(numbers(wound.strands)), Length(at), "cut"))
        cables[name] = replace(cables[name], faults=tuple(faults))
    return replace(plant, cables=cables)


class Asked:
    """One plant and its index, and what is asked of it."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.cutter = Cutter(plant)
        self.uses = Uses(plant, optical_links(plant)[0], access_lines(plant)[0])

    def query(self, name: str) -> Damage:
        damage = self.cutter.cut(find_events(self.plant, (name,)))
        self.uses.met(damage.spots, damage.dead)
        return damage

    def outline(self, x: float, y: float) -> None:
        ring = [(x - BOX, y - BOX), (x + BOX, y - BOX), (x + BOX, y + BOX), (x - BOX, y + BOX)]
        damage = self.cutter.cut((), [ring])
        self.uses.met(damage.spots, damage.dead)

    def lost(self, name: str) -> frozenset[str]:
        damage = self.query(name)
        met = self.uses.met(damage.spots, damage.dead).users
        return frozenset(self.uses.users[number].address for number in met)


def names(plant: Plant, rng: random.Random) -> Iterator[str]:
    """Things of every kind, in turn."""
    tables = {
        "segment": list(plant.segments),
        "duct": list(plant.ducts),
        "cable": list(plant.cables),
        "chamber": list(plant.chambers),
        "closure": list(plant.closures),
        "site": list(plant.sites),
    }
    kinds = list(tables)
    for number in range(QUERIES):
        kind = kinds[number % len(kinds)]
        yield f"{kind}:{rng.choice(tables[kind])}"


def run(report: Report) -> None:
    """CPU time of queries over size, and of removing and recomputing on each size."""
    spare_collections()
    sizes, middles, worst, ratios = [], [], 0.0, []
    for copies in COPIES:
        with TemporaryDirectory() as folder:
            tile(ROOT, Path(folder) / "net", copies)
            plant = load(Path(folder) / "net")
        start = process_time()
        found = Asked(plant)
        made = process_time() - start
        rng = random.Random(copies)
        for kind in ("segment", "duct", "chamber", "closure"):  # the tables of places are made on first use
            found.query(next(name for name in names(plant, rng) if name.startswith(kind)))
        found.outline(*next(iter(plant.chambers.values())).position)
        times = {name: cpu(partial(found.query, name)) for name in names(plant, rng)}
        chambers = rng.sample(list(plant.chambers.values()), 20)
        outlines = [cpu(partial(found.outline, *chamber.position)) for chamber in chambers]
        wholes = compared(found, rng)
        middle, whole = statistics.median(times.values()), statistics.median(wholes)
        slowest = max(times, key=lambda name: times[name])
        sizes.append(len(plant.cables))
        middles.append(statistics.mean(times.values()))
        ratios.append(whole / middle)
        worst = max(*times.values(), *outlines)
        report.print(
            f"{copies:3} × plant: {len(plant.cables)} cables, {len(plant.segments)} segments, "
            f"{len(found.uses.users)} links and lines; index {made:.2f} s of CPU; "
            f"query median {middle * 1000:.3f} ms, slowest {times[slowest] * 1000:.2f} ms ({slowest}), "
            f"outline {statistics.median(outlines) * 1000:.2f} ms; "
            f"remove and recompute {whole:.2f} s: {whole / middle:.0f}×"
        )
    report.print(f"growth of the mean query over cables: cables^{growth(sizes, middles):.2f}")
    report.claim(
        f"slowest of {QUERIES} cut queries and 20 outlines, {COPIES[-1]} ×", worst * 1000, MILLISECONDS, unit=" ms"
    )
    report.claim("remove and recompute over query, 10 ×", ratios[-1], RATIO, at_least=True)


def compared(found: Asked, rng: random.Random) -> list[float]:
    """CPU seconds of removing and recomputing; its answer must be the query's."""
    before = users(found.plant)
    taken = []
    hitting = (
        name for name in names(found.plant, rng) if not name.startswith(("closure", "site")) and found.lost(name)
    )
    for _, name in zip(range(COMPARED), hitting, strict=False):
        plant = without(found.plant, found.query(name))
        start = process_time()
        after = users(plant)
        taken.append(process_time() - start)
        if before - after != before & found.lost(name):
            raise AssertionError(f"{name}: the index and recomputing differ")
    return taken
