"""Civil works and places: sites, chambers, segments, areas, ducts, hazard zones."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sdnctl.inventory.fields import Id, Latitude, Longitude, MaskField, Position, Whole
from sdnctl.inventory.models.base import Life, PlantObject, Strict
from sdnctl.units import LengthField


class SiteModel(PlantObject):
    """A building or cabinet that holds equipment.

    `area` is the commune or district it is counted to, `feeder` the power feeder it hangs on. `ups_hours`: how
    long its batteries last, in hours; `watts`: what its equipment draws. `restricted`: nothing of it leaves the
    house in exports with ``--redact``.
    """

    name: str = ""
    area: str = ""
    kind: Literal["datacentre", "pop", "office", "cabinet", "customer"] = "pop"
    position: Position | None = None
    feeder: Id | None = None
    ups_hours: Annotated[float, Field(gt=0)] | None = None
    watts: Annotated[float, Field(gt=0)] | None = None
    restricted: bool = False


class SitesFile(Strict):
    defaults: Life = Life()
    sites: tuple[SiteModel, ...] = ()


class ChamberRow(PlantObject):
    """A manhole, handhole, pole or wall box: where ducts end and closures stand."""

    lon: Longitude
    lat: Latitude
    kind: Literal["chamber", "handhole", "pole", "wall-box"] = "chamber"


Ring = Annotated[tuple[Position, ...], Field(min_length=3)]
"""Corners of an outline, in order."""


SegmentKind = Literal[
    "trench", "micro-trench", "drilled", "overhead", "facade", "sewer", "gallery", "bridge", "indoor", "underwater"
]
"""Modes of installation."""


class SegmentFeature(PlantObject):
    """A stretch of civil works between two places (`a`, `b`: ids of chambers or sites), drawn from a to b.

    A GeoJSON feature (RFC 7946) with a LineString: its properties, and the line's `coordinates`. `kind` is the
    mode of installation (`sdnctl.inventory.modes` says what each means).

    `precision` is the class of its survey, as French works notices have it: A (within 0.4 m, flexible 0.5 m), B
    (1.5 m) or C (worse). Nothing is assumed where nobody wrote it.
    """

    a: Id
    b: Id
    kind: SegmentKind = "trench"
    length: LengthField | None = None  # surveyed; by default that of the line
    precision: Literal["A", "B", "C"] | None = None
    coordinates: Annotated[tuple[Position, ...], Field(min_length=2)]

    GEOMETRY: ClassVar[str] = "LineString"


class AreaFeature(Strict):
    """The outline of an area (commune, district) that sites are counted to; maps draw it.

    A GeoJSON feature with a Polygon: its properties, and the rings as `coordinates`, the outer one first. An area
    in several parts has as many features.
    """

    GEOMETRY: ClassVar[str] = "Polygon"

    area: Annotated[str, Field(min_length=1)]
    source: str | None = None
    coordinates: Annotated[tuple[Ring, ...], Field(min_length=1)]


class DuctModel(PlantObject):
    """A duct through consecutive segments, or nested in a `parent` (then its segments default to the parent's).

    `masks`: the chambers or sites at its ends with its position in the mask there; a nested duct without one comes
    through its parent's. `capacity`: how many cables and inner ducts it takes side by side. `openings`: chambers
    on its way where it was opened, so that cables may begin, end, enter or leave there.
    """

    segments: tuple[Id, ...] = ()
    parent: Id | None = None
    diameter: LengthField | None = None
    masks: dict[Id, MaskField] = {}
    openings: tuple[Id, ...] = ()
    capacity: Annotated[Whole, Field(ge=1)] | None = None


class DuctsFile(Strict):
    defaults: Life = Life()
    ducts: tuple[DuctModel, ...] = ()


class HazardModel(Strict):
    """A zone in which one event hits everything. `polygon` is its outer ring, closed or not."""

    id: Id
    kind: Literal["flood", "fire", "landslide", "works"] = "flood"
    name: str = ""
    polygon: Annotated[tuple[Position, ...], Field(min_length=3)]
    source: str | None = None


class HazardsFile(Strict):
    hazards: tuple[HazardModel, ...] = ()
