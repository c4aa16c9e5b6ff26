"""Outlines of the areas (communes, districts) that sites are counted to. No plant: maps draw them."""

from __future__ import annotations

from dataclasses import dataclass

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory.geometry import polygon_fault
from sdnctl.inventory.models import AreaFeature
from sdnctl.inventory.plant import Point


@dataclass(frozen=True, slots=True)
class Area:
    """An area, or a part of one; `rings` are its outlines, the outer one first."""

    name: str
    rings: tuple[tuple[Point, ...], ...]
    provenance: str
    origin: Source


def read_areas(document: Document[tuple[AreaFeature, ...]] | None, out: Diagnostics) -> tuple[Area, ...]:
    """Outlines in order of their names; what encloses nothing is an error."""
    areas: list[Area] = []
    for index, item in enumerate(document.value if document else ()):
        assert document is not None
        fault = next((text for ring in item.coordinates if (text := polygon_fault(ring))), "")
        if fault:
            out.error(
                "bad-polygon",
                f"the outline of {item.area} is not an area",
                address=f"area {item.area}",
                source=document.at(index),
                detail=fault,
                hint="List the corners of each ring in order, without crossings.",
            )
        else:
            areas.append(Area(item.area, item.coordinates, item.source or "", document.at(index)))
    return tuple(sorted(areas, key=lambda area: area.name))
