"""The plant of the reference network: from tables to files, one step after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from lab.reference.cables import Laying
from lab.reference.communes import communes
from lab.reference.drops import Access, lay_distribution
from lab.reference.files import cable_files, equipment_files, joint_files, other_files, works_files
from lab.reference.frames import fill
from lab.reference.ground import metres
from lab.reference.kinds import decide
from lab.reference.links import Patching, patch_access, patch_core, patch_loops, patch_rings
from lab.reference.model import Plant, Point
from lab.reference.places import COMMUNE_CABINETS, HUBS, Place, centres, quarters, town_halls
from lab.reference.rings import BRIDGE_DUCT, GATES, RINGS, RUNS
from lab.reference.roads import lay_roads
from lab.reference.streets import Streets
from lab.reference.traps import gainers, lay_decoys, patch_decoys, terminate_decoys
from lab.reference.trunks import Closures, Trunks, lay_core, lay_loops, lay_rings
from lab.reference.villages import shares, spread
from lab.reference.works import Works


@cache
def build() -> Plant:
    """Everything but services; the same each time."""
    works, found = Works(), shares()
    spread(found)
    laying = Laying(works)
    trunks = Trunks(laying, Closures())
    city = {key: place.position for key, place in (centres() | quarters()).items()}
    streets = Streets(works, city, GATES)
    hops = lay_roads(works, streets, found)
    laying.enclose(BRIDGE_DUCT, ("ch-pont-du-gardon-s", "ch-pont-du-gardon-n"), 2012)
    lay_rings(trunks, works, hops)
    lay_core(trunks, works, streets)
    lay_loops(trunks, streets)
    access = lay_distribution(trunks, works, hops, found)
    lay_decoys(trunks, works)
    decide(works, laying)
    laying.settle()
    works.prune()

    sites = [*centres().values(), *quarters().values(), *town_halls().values(), *_cabinets(works)]
    frames = fill(trunks, access)
    terminate_decoys(frames)
    patching = Patching(frames)
    patch_core(patching, trunks)
    patch_rings(patching, trunks, hops)
    patch_loops(patching, trunks)
    patch_decoys(patching, trunks)
    ports = patch_access(patching, access)
    files = {
        **other_files(),
        **equipment_files(sites, patching),
        **works_files(works),
        **cable_files(laying),
        **joint_files(trunks.closures, gainers(trunks.closures.splices), frames),
    }
    return Plant(_points(works, access, ports), HUBS, files, _figures(works, laying, trunks, patching, hops))


def _cabinets(works: Works) -> Iterable[Place]:
    """Cabinets on the rings: where they stand follows from the road."""
    for key, names in COMMUNE_CABINETS.items():
        for name in names:
            one = f"cab-{key}-{name}"
            title = f"{communes()[key].name}, cabinet {name.replace('-', ' ')}"
            switches = ((one, "access"),)
            yield Place(one, title, "cabinet", works.positions[one], key, f"poste-{key}-{name}", 4, switches)


def _points(works: Works, access: Access, ports: Mapping[str, int]) -> tuple[Point, ...]:
    return tuple(
        Point(
            drop.box,
            communes()[drop.commune].insee,
            communes()[drop.commune].name,
            works.positions[drop.box],
            drop.site,
            drop.site,
            ports[drop.name],
            f"{drop.name}:1",
        )
        for drop in access.drops
    )


def _figures(
    works: Works,
    laying: Laying,
    trunks: Trunks,
    patching: Patching,
    hops: Mapping[str, list[str]],
) -> dict[str, float]:
    """What it adds up to: kilometres by use and by kind, and counts."""
    figures: dict[str, float] = {}
    for cable in laying.cables.values():
        key = f"sheath {cable.use}"
        figures[key] = figures.get(key, 0) + cable.sheath / 1000
    live = [segment for segment in works.segments.values() if segment.status == "in-service"]
    for segment in live:
        key = f"segments {'rented' if segment.rented else segment.kind}"
        figures[key] = figures.get(key, 0) + segment.metres / 1000
    figures["sheath"] = sum(figures[f"sheath {use}"] for use in ("ring", "core", "distribution", "drop"))
    figures["segments"] = sum(segment.metres for segment in live) / 1000
    figures["chambers"] = sum(one.kind != "wall-box" for one in works.chambers.values())
    figures["wall boxes"] = sum(one.kind == "wall-box" for one in works.chambers.values())
    figures["closures"] = len(trunks.closures.at)
    figures["links"] = len(patching.lit)
    figures["sinuosity"] = _sinuosity(works, hops)
    for run in RUNS:
        if run.id in RINGS:
            ways = [hops[f"{a} {b}"] for a, b in zip(run.nodes, run.nodes[1:], strict=False)]
            figures[f"ring {run.id}"] = sum(works.metres(way) for way in ways) / 1000
    return {key: round(value, 3) for key, value in sorted(figures.items())}


def _sinuosity(works: Works, hops: Mapping[str, list[str]]) -> float:
    """Metres of the ring roads ÷ metres as the crow flies between their ends."""
    crow = sum(metres(works.positions[way[0]], works.positions[way[-1]]) for way in hops.values())
    return sum(works.metres(way) for way in hops.values()) / crow
