"""Civil works and places: sites, chambers, segments, areas, ducts, hazard zones."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sdnctl.inventory.fields import Id, Latitude, Longitude, MaskField, Position, Whole
from sdnctl.inventory.models.base import Life, PlantObject, Strict
from sdnctl.units import LengthField


class SiteModel(PlantObject):
    """A building or cabinet that holds equipment."""

    name: str = ""
    """What people call it."""
    area: str = ""
    """The commune or district to which it is counted."""
    kind: Literal["datacentre", "pop", "office", "cabinet", "customer"] = "pop"
    """What it is."""
    position: Position | None = None
    """Longitude and latitude."""
    feeder: Id | None = None
    """The power feeder on which it hangs: a shared risk."""
    ups_hours: Annotated[float, Field(gt=0)] | None = None
    """How long its batteries last, in hours."""
    watts: Annotated[float, Field(gt=0)] | None = None
    """What its equipment draws, in watts."""
    restricted: bool = False
    """Nothing of it leaves the house in exports with `--redact`."""


class SitesFile(Strict):
    defaults: Life = Life()
    """What sites leave out of owner, life cycle and source."""
    sites: tuple[SiteModel, ...] = ()
    """Buildings and cabinets with equipment."""


class ChamberRow(PlantObject):
    """A manhole, handhole, pole or wall box: where ducts end and closures stand."""

    lon: Longitude
    """Longitude in degrees."""
    lat: Latitude
    """Latitude in degrees."""
    kind: Literal["chamber", "handhole", "pole", "wall-box"] = "chamber"
    """What it is."""


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
    """The chamber or site where it begins."""
    b: Id
    """The chamber or site where it ends."""
    kind: SegmentKind = "trench"
    """How it was built."""
    length: LengthField | None = None
    """As surveyed; by default that of the line."""
    precision: Literal["A", "B", "C"] | None = None
    """Class of its survey: A (0.4 m, flexible 0.5 m), B (1.5 m), C (worse)."""
    coordinates: Annotated[tuple[Position, ...], Field(min_length=2)]
    """The line from a to b."""

    GEOMETRY: ClassVar[str] = "LineString"


class AreaFeature(Strict):
    """The outline of an area (commune, district) that sites are counted to; maps draw it.

    A GeoJSON feature with a Polygon: its properties, and the rings as `coordinates`, the outer one first. An area
    in several parts has as many features.
    """

    GEOMETRY: ClassVar[str] = "Polygon"

    area: Annotated[str, Field(min_length=1)]
    """Its name, as sites have it in `area`."""
    source: str | None = None
    """Where the outline is from."""
    coordinates: Annotated[tuple[Ring, ...], Field(min_length=1)]
    """Rings, the outer one first."""


class DuctModel(PlantObject):
    """A duct through consecutive segments, or nested in a `parent` (then its segments default to the parent's).

    A nested duct without a mask comes through its parent's. Where it was opened on its way, cables may begin, end,
    enter or leave.
    """

    segments: tuple[Id, ...] = ()
    """The segments it runs through, in order; by default its parent's."""
    parent: Id | None = None
    """The duct in which it lies."""
    diameter: LengthField | None = None
    """Inner diameter."""
    masks: dict[Id, MaskField] = {}
    """Places at its ends, with the hole in the mask there: wall, row and column (`A:2.3`)."""
    openings: tuple[Id, ...] = ()
    """Chambers on its way where it was opened."""
    capacity: Annotated[Whole, Field(ge=1)] | None = None
    """How many cables and inner ducts it takes side by side."""


class DuctsFile(Strict):
    defaults: Life = Life()
    """What ducts leave out of owner, life cycle and source."""
    ducts: tuple[DuctModel, ...] = ()
    """Ducts; long lists fit `ducts.csv`."""


class HazardModel(Strict):
    """A zone in which one event hits everything."""

    id: Id
    """Its name."""
    kind: Literal["flood", "fire", "landslide", "works"] = "flood"
    """What may happen there."""
    name: str = ""
    """What people call it."""
    polygon: Annotated[tuple[Position, ...], Field(min_length=3)]
    """Its outline, closed or not."""
    source: str | None = None
    """Where the outline is from."""


class HazardsFile(Strict):
    hazards: tuple[HazardModel, ...] = ()
    """Zones in which one event hits everything."""
