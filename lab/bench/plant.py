"""Plants of ten and a hundred times the reference network's size: loading, memory, cuts and questions of the map.

The reference of loading reads the same files into plain values and keeps them: CSV by `csv.DictReader`, GeoJSON
by `json`, YAML by libyaml. What is beyond it is checks, and the plant that is made of what passed. Memory is what
the plant and its checked values need beyond those plain values, by strand and section between two places
(tracemalloc). Cut queries are held against removing the same glass and following all light again. Answers are
compared or counted.
"""

from __future__ import annotations

import csv
import gc
import io
import json
import random
import statistics
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from lab.bench.cutting import MILLISECONDS, RATIO, Asked, compared, names
from lab.bench.growing import grow
from lab.bench.measure import Report, cpu, growth, interleaved, medians, ratio
from sdnctl.cli.garbage import spare_collections
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.errors import Diagnostics
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.geometry import Outline
from sdnctl.inventory.lying import Spots
from sdnctl.inventory.places import Whereabouts
from sdnctl.inventory.plant import Plant, Point
from sdnctl.workspace.read import read_folder

ROOT = Path(__file__).parent.parent.parent
COPIES = {1: 5, 10: 3, 100: 1}
"""How many times the reference network → rounds of measuring."""
LOADING, BYTES = 4.0, 150.0
"""What the issue allows: times the reference's CPU, octets a strand and section."""
LINEAR = 1.1
"""Exponent of loading over octets up to which it counts as linear."""
SIDE = 0.005
"""Half the side of an outline, degrees: some hundred metres of works."""
OUTLINES = 50
QUESTION = 10.0
"""Milliseconds that a question of the map may take at a hundred times."""


def files(folder: Path) -> list[Path]:
    suffixes = (".csv", ".geojson", ".yaml")
    return sorted(path for path in (folder / "inventory").iterdir() if path.suffix in suffixes)


def _table(text: str) -> Any:
    return list(csv.DictReader(io.StringIO(text, newline="")))


PARSERS: dict[str, Callable[[str], Any]] = {
    ".csv": _table,
    ".geojson": json.loads,
    ".yaml": lambda text: yaml.load(text, Loader=yaml.CSafeLoader),
}


def plain(paths: list[Path]) -> list[Any]:
    """The files as plain values, all kept."""
    return [PARSERS[path.suffix](path.read_text(encoding="utf-8")) for path in paths]


def read(folder: Path) -> Any:
    """The files as checked values, each with the lines that it stands on; long tables as columns."""
    out = Diagnostics()
    with in_bulk():
        found = read_folder(folder, out)
    assert not out.errors, out.errors[:3]
    return found.documents


def models(folder: Path) -> Any:
    """The files as checked models, those of every row made too, which the plant has no need of."""
    documents = read(folder)
    with in_bulk():
        return documents, [document.value for document in documents.values()]


def load(folder: Path) -> tuple[Plant, Any]:
    """The plant, and the documents that it was made from."""
    documents = read(folder)
    with in_bulk():
        plant, found = build_plant(documents)
    assert not found.errors, found.errors[:3]
    return plant, documents


def sections(plant: Plant) -> int:
    """Strands times sections between two places, of all cables."""
    return sum(plant.cable_types[cable.type].strands * (len(cable.places) - 1) for cable in plant.cables.values())


def run(report: Report) -> None:
    spare_collections()
    sizes: list[float] = []
    loads: list[float] = []
    times: list[float] = []
    reads: list[float] = []
    spatial: dict[str, list[float]] = {}
    counts: list[int] = []
    for copies, rounds in COPIES.items():
        with TemporaryDirectory() as place:
            folder = Path(place) / "net"
            grow(ROOT, folder, copies)
            paths = files(folder)
            octets = sum(path.stat().st_size for path in paths)
            found = interleaved(
                rounds,
                {
                    "load": partial(_cpu, partial(load, folder)),
                    "read": partial(_cpu, partial(read, folder)),
                    "models": partial(_cpu, partial(models, folder)),
                    "plain": partial(_cpu, partial(plain, paths)),
                    "tables": partial(_cpu, partial(plain, [one for one in paths if one.suffix != ".yaml"])),
                },
            )
            plant = load(folder)[0]
            middle = medians(found)
            sizes.append(octets)
            loads.append(middle["load"])
            times.append(ratio(found, "load", "plain"))
            reads.append(ratio(found, "models", "plain"))
            counts.append(len(plant.cables))
            report.print(
                f"{copies:3} × plant: {octets / 1e6:.1f} MB, {len(plant.cables)} cables, "
                f"{len(plant.segments)} segments, {sections(plant)} strand-sections: "
                f"load {middle['load']:.2f} s of CPU ({middle['read']:.2f} s of it files to checked values), "
                f"plain values {middle['plain']:.2f} s ({middle['tables']:.2f} s of it tables): "
                f"{times[-1]:.2f}×, models {reads[-1]:.2f}×"
            )
            if copies == 10:
                _memory(report, folder, paths)
                _cuts(report, plant)
            for name, seconds in _questions(report, plant).items():
                spatial.setdefault(name, []).append(seconds)
            del plant
            gc.collect()
    assert counts[1] - 9 == 10 * counts[0], counts
    assert counts[2] - 99 == 100 * counts[0], counts
    report.claim("files to checked models over plain values, worst of all sizes", max(reads), LOADING)
    report.claim("load, the plant made too, over plain values, worst of all sizes", max(times), LOADING)
    report.claim("growth of loading over octets, exponent", growth(sizes, loads), LINEAR, unit="")
    for name, curve in spatial.items():
        shown = ", ".join(f"{one * 1000:.3f}" for one in curve)
        report.print(f"{name}: {shown} ms; growth over the plant: size^{growth(sizes, curve):.2f}")
        report.claim(f"{name}, {max(COPIES)} ×", curve[-1] * 1000, QUESTION, unit=" ms")


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of making a value; getting rid of the last one is nobody's."""
    gc.collect()
    return cpu(work)


def _memory(report: Report, folder: Path, paths: list[Path]) -> None:
    """Octets of the plant and its checked values beyond those of plain values."""
    used: dict[str, int] = {}
    amount = 0
    for name, work in (("plain", partial(plain, paths)), ("plant", partial(load, folder))):
        gc.collect()
        tracemalloc.start()
        kept: Any = work()
        gc.collect()
        used[name] = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        if name == "plant":
            amount = sections(kept[0])
        del kept
    plain_mb, plant_mb = used["plain"] / 1e6, used["plant"] / 1e6
    report.print(f"      memory: plain values {plain_mb:.0f} MB, plant with its checked values {plant_mb:.0f} MB")
    report.claim(
        "memory beyond the files' own objects, a strand-section", (used["plant"] - used["plain"]) / amount, BYTES,
        unit=" bytes",
    )  # fmt: skip


def _cuts(report: Report, plant: Plant) -> None:
    """The slowest of some hundred cut queries, and the median against removing and recomputing."""
    rng = random.Random(10)
    made = Asked(plant)
    wanted = list(names(plant, rng))
    for kind in ("segment", "duct", "chamber", "closure"):  # the tables of places are made on first use
        made.query(next(name for name in wanted if name.startswith(kind)))
    taken = {name: cpu(partial(made.query, name)) for name in wanted}
    wholes = compared(made, rng)
    slowest = max(taken, key=lambda name: taken[name])
    report.claim(
        f"cut query, slowest of {len(taken)} ({slowest}), 10 ×", taken[slowest] * 1000, MILLISECONDS, unit=" ms"
    )
    over = statistics.median(wholes) / statistics.median(taken.values())
    report.claim("remove and recompute over cut query, 10 ×", over, RATIO, at_least=True)


def _questions(report: Report, plant: Plant) -> dict[str, float]:
    """Median CPU seconds of questions of the map; the first answers are held against looking at everything."""
    rng = random.Random(7)
    where = Whereabouts(plant)
    spots = Spots({key: chamber.position for key, chamber in plant.chambers.items()})
    centres = [chamber.position for chamber in rng.sample(list(plant.chambers.values()), OUTLINES)]
    rings = [_ring(*centre) for centre in centres]
    start = cpu(partial(where.inside, rings[0]))  # the trees are made on first use
    report.print(f"      trees of segments and places: {start * 1000:.0f} ms of CPU")
    _same(plant, where, rings[0])
    return {
        "what lies in an outline": statistics.median(cpu(partial(where.inside, ring)) for ring in rings),
        "chambers within 300 m of a point": statistics.median(
            cpu(partial(_near, spots, centre)) for centre in centres
        ),
    }


def _near(spots: Spots, centre: Point) -> list[tuple[float, str]]:
    return list(spots.near(centre, 300.0))


def _ring(x: float, y: float) -> list[Point]:
    return [(x - SIDE, y - SIDE), (x + SIDE, y - SIDE), (x + SIDE, y + SIDE), (x - SIDE, y + SIDE)]


def _same(plant: Plant, where: Whereabouts, ring: list[Point]) -> None:
    area = Outline(ring)
    segments = {key for key, one in plant.segments.items() if area.inside(one.line) is not None}
    if set(where.inside(ring)[0]) != segments:
        raise AssertionError("the tree and looking at every segment differ")
