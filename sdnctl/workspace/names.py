"""Names of things that exist, whether or not traffic runs over them now: what applications may avoid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.models import EquipmentFile
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.rows import PortRow
from sdnctl.topology.models import LinksFile, MaintenanceFile
from sdnctl.workspace.convention import LINKS, MAINTENANCE


def known_names(
    documents: Mapping[str, Document[Any]], plant: Plant | None, derived: Diagnostics
) -> frozenset[str]:
    """Ids of switches, sites, links (dark ones too) and shared risks (``kind:id``)."""
    return frozenset((*_declared(documents), *_of_plant(plant), *_dark(derived)))


def _declared(documents: Mapping[str, Document[Any]]) -> Iterator[str]:
    for document in (documents.get(LINKS), documents.get(MAINTENANCE)):
        value = document.value if document is not None else None
        if isinstance(value, LinksFile):
            for link in value.links:
                yield link.id
                yield from (f"declared:{name}" for name in link.srlgs)
            yield from (f"declared:{group.id}" for group in value.srlgs)
        elif isinstance(value, MaintenanceFile):
            yield from (name for entry in value.out_of_service for name in (entry.link, entry.node) if name)
    equipment = documents.get("inventory/equipment.yaml")
    if equipment is not None and isinstance(equipment.value, EquipmentFile):
        for switch in equipment.value.switches:
            yield switch.id
            yield from (port.link for port in switch.ports if port.link)
    ports: Document[tuple[PortRow, ...]] | None = documents.get("inventory/ports.csv")
    yield from (port.link for port in (ports.value if ports is not None else ()) if port.link)


def _of_plant(plant: Plant | None) -> Iterator[str]:
    if plant is None:
        return
    yield from plant.sites
    for site in plant.sites.values():
        yield f"building:{site.id}"
        if site.feeder:
            yield f"feeder:{site.feeder}"
    for kind, things in (
        ("segment", plant.segments),
        ("duct", plant.ducts),
        ("chamber", plant.chambers),
        ("cable", plant.cables),
        ("zone", plant.hazards),
    ):
        yield from (f"{kind}:{name}" for name in things)


def _dark(derived: Diagnostics) -> Iterator[str]:
    """Links that were left out of the topology are named in the warnings that say why."""
    for one in derived:
        kind, _, name = one.address.partition(" ")
        if kind == "link":
            yield name
