"""The plant of the reference network: from tables to files, one step after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from lab.reference.cables import Laying
from lab.reference.communes import communes
from lab.reference.control import control_file
from lab.reference.drops import Access, lay_distribution
from lab.reference.figures import figures
from lab.reference.files import cable_files, equipment_files, joint_files, other_files, works_files
from lab.reference.frames import fill
from lab.reference.kinds import decide
from lab.reference.links import Patching, patch_access, patch_core, patch_loops, patch_rings
from lab.reference.model import Plant, Point
from lab.reference.places import COMMUNE_CABINETS, HUBS, Place, centres, quarters, town_halls
from lab.reference.rings import BRIDGE_DUCT, GATES
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
    management = control_file(sites, patching)  # decoys carry nothing
    patch_decoys(patching, trunks)
    ports = patch_access(patching, access)
    files = {
        **other_files(),
        **equipment_files(sites, patching),
        **management,
        **works_files(works),
        **cable_files(laying),
        **joint_files(trunks.closures, gainers(trunks.closures.splices), frames),
    }
    return Plant(
        _points(works, access, ports), HUBS, files, figures(works, laying, trunks, frames, len(patching.lit), hops)
    )


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
