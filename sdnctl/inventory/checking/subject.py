"""What rules look at: a plant, the documents that it was made from, its light, and tables of all that.

Tables are made on first use and shared by the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Source
from sdnctl.inventory.access import AccessLine
from sdnctl.inventory.footprint import Footprint
from sdnctl.inventory.glass import StrandRun, bits
from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.live.findings import Entry
from sdnctl.inventory.places import Whereabouts
from sdnctl.inventory.plant import Plant, Point, Side, StrandEnd
from sdnctl.inventory.uses import Uses
from sdnctl.units import Length


@dataclass(frozen=True)
class Ways:
    """Two ways of something protected: a link and its bypass, a path and its standby."""

    name: str
    grade: str
    one: Footprint
    two: Footprint


@dataclass(frozen=True)
class Subject:
    """`on`: the day for which dates are judged. `ways`: what is protected by what, where that is known.

    `lead_in`: how long two ways into a common end may be one.
    """

    plant: Plant
    documents: Mapping[str, Document[Any]]
    on: date
    links: tuple[OpticalLink, ...] = ()
    lines: tuple[AccessLine, ...] = ()
    ways: tuple[Ways, ...] = ()
    lead_in: Length = field(default=Length(200.0))

    @cached_property
    def where(self) -> Whereabouts:
        return Whereabouts(self.plant)

    @cached_property
    def lit(self) -> Mapping[str, int]:
        """Cable → strands (bits) that a link or a customer's line runs on."""
        found: dict[str, int] = defaultdict(int)
        for cable, runs in Uses(self.plant, self.links, self.lines).runs.items():
            for run in runs:
                found[cable] |= 1 << run.strand
        return found

    @cached_property
    def joined(self) -> Mapping[tuple[str, int, Side], int]:
        """Cable, place and side → strand ends (bits) there that something is joined to."""
        found: dict[tuple[str, int, Side], int] = defaultdict(int)
        runs: list[StrandRun] = [end for splice in self.plant.splice_runs for end in (splice.a, splice.b)]
        runs += [one.strands for one in self.plant.termination_runs]
        for run in runs:
            found[run.key] |= bits(run.strands)
        ends = [end for jumper in self.plant.jumpers for end in (jumper.a, jumper.b)]
        for end in (*ends, *(access.terminal for access in self.plant.access.values())):
            if isinstance(end, StrandEnd):
                found[end.cable, end.place, end.side] |= 1 << end.strand
        return found

    @cached_property
    def switched(self) -> Mapping[str, Sequence[str]]:
        """Site → its switches in service."""
        found: dict[str, list[str]] = defaultdict(list)
        for switch in self.plant.switches.values():
            if switch.life.in_service():
                found[switch.site].append(switch.id)
        return found

    def position(self, place: str) -> Point | None:
        chamber = self.plant.chambers.get(place)
        if chamber is not None:
            return chamber.position
        site = self.plant.sites.get(place)
        return site.position if site is not None else None

    # ── what is written ──────────────────────────────────────────────────────────────────────────

    @cached_property
    def _written(self) -> dict[str, dict[int, KeyPath]]:
        return {}

    def written(self, source: Source | None) -> tuple[KeyPath, Any] | None:
        """The outermost entry of a list that begins at a place in a file: its path and what it says."""
        document = self.documents.get(source.file) if source is not None else None
        if document is None or source is None or source.line is None:
            return None
        if source.file not in self._written:
            found: dict[int, KeyPath] = {}
            for path, line in document.lines.items():
                if path and isinstance(path[-1], int) and len(path) < len(found.get(line, path * 2)):
                    found[line] = path
            self._written[source.file] = found
        place = self._written[source.file].get(source.line)
        return None if place is None else (place, _within(document.value, place))


def _within(value: Any, path: KeyPath) -> Any:
    for part in path:
        value = value[part] if isinstance(part, int) else getattr(value, part)
    return value


def entry(origin: Source, name: str) -> Entry:
    """An object of the plant as an edit finds it; of a GeoJSON feature its `id` is among the properties."""
    return Entry(origin, f"{prefix(origin)}id", name)


def prefix(origin: Source) -> str:
    """What stands before the names of fields in a kind of file."""
    return "properties." if origin.file.endswith(".geojson") else ""
