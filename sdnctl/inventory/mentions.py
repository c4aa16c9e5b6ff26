"""Where files name strands of a cable: in closures, on frames, at ends of jumpers, as terminals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdnctl.document import Document, KeyPath
from sdnctl.inventory import models
from sdnctl.inventory.fields import EndRef, StrandRange
from sdnctl.inventory.gear import LANES
from sdnctl.inventory.plant import Cable, Plant, StrandEnd

_CUSTOMERS = ("wall-box", "customer")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name of strands as written: at which place number of the cable, and which end their glass leads to.

    `what` is the key under which it stands. `place` is None where the cable does not come there (an error that is
    reported when the files are read), `side` where both ends are meant.
    """

    file: str
    path: KeyPath
    value: StrandRange | EndRef
    what: str
    place: int | None
    side: str | None


@dataclass(frozen=True, slots=True)
class _Finder:
    documents: Mapping[str, Document[Any]]
    plant: Plant
    cable: Cable

    def found(self, file: str, path: KeyPath, value: object, at: str | None) -> Iterator[Mention]:
        """The mention at a path, if the value there is one of this cable; `at` is where it is joined."""
        if isinstance(value, StrandRange) and value.cable == self.cable.id:
            side = value.side
        elif isinstance(value, EndRef) and value.name == self.cable.id:
            side = value.lane
        else:
            return
        place = self.cable.places.index(at) if at in self.cable.places else None
        last = len(self.cable.places) - 1
        implied = {0: "b", last: "a"}.get(place) if place is not None else None
        key = next(str(part) for part in reversed(path) if isinstance(part, str))
        yield Mention(file, path, value, key, place, side or implied)

    def entries(self, file: str, key: str) -> Iterator[tuple[KeyPath, Any]]:
        document = self.documents.get(file)
        for index, item in enumerate(getattr(document.value, key) if document is not None else ()):
            yield (key, index), item

    def rows(self, file: str) -> Iterator[tuple[KeyPath, Any]]:
        document = self.documents.get(file)
        for index, row in enumerate(document.value if document is not None else ()):
            yield (index,), row

    def site_of(self, end: EndRef) -> str | None:
        """The site of an end that is no strand."""
        tables: tuple[Mapping[str, Any], ...] = (self.plant.odfs, self.plant.passives, self.plant.switches)
        for things in tables:
            if end.name in things:
                site: str = things[end.name].site
                return site
        return None

    def terminal(self, row: models.EndpointRow) -> str | None:
        """The place where a terminal on this cable is: the end of it that is a customer's."""
        access = self.plant.access.get((row.device, row.port if isinstance(row.port, int) else 0))
        if (
            access is not None
            and isinstance(access.terminal, StrandEnd)
            and access.terminal.cable == self.cable.id
        ):
            return self.cable.places[access.terminal.place]
        ends = [end for end in (self.cable.a, self.cable.b) if self._kind(end) in _CUSTOMERS]
        return ends[0] if len(ends) == 1 else None

    def _kind(self, place: str) -> str:
        if place in self.plant.chambers:
            return self.plant.chambers[place].kind
        return self.plant.sites[place].kind if place in self.plant.sites else ""


def mentions(documents: Mapping[str, Document[Any]], plant: Plant, cable: str) -> Iterator[Mention]:
    """Every mention of strands of a cable, in the order of the files."""
    find = _Finder(documents, plant, plant.cables[cable])
    yield from _joints(find)
    yield from _plugs(find)


def _joints(find: _Finder) -> Iterator[Mention]:
    for path, item in find.entries("inventory/closures.yaml", "closures"):
        for number, splice in enumerate(item.splices):
            for key in ("a", "b"):
                where = (*path, "splices", number, key)
                yield from find.found("inventory/closures.yaml", where, getattr(splice, key), item.at)
        for key in ("cut", "opened", "opened_tubes"):
            for number, strands in enumerate(getattr(item, key)):
                yield from find.found("inventory/closures.yaml", (*path, key, number), strands, item.at)
    for path, row in find.rows("inventory/splices.csv"):
        closure = find.plant.closures.get(row.closure)
        for key in ("a", "b"):
            at = closure.at if closure is not None else None
            yield from find.found("inventory/splices.csv", (*path, key), getattr(row, key), at)
    for path, item in find.entries("inventory/odfs.yaml", "odfs"):
        for number, one in enumerate(item.terminations):
            where = (*path, "terminations", number, "strands")
            yield from find.found("inventory/odfs.yaml", where, one.strands, item.site)
    for path, row in find.rows("inventory/terminations.csv"):
        odf = find.plant.odfs.get(row.odf)
        at = odf.site if odf is not None else None
        yield from find.found("inventory/terminations.csv", (*path, "strands"), row.strands, at)


def _plugs(find: _Finder) -> Iterator[Mention]:
    equipment = "inventory/equipment.yaml"
    for path, switch in find.entries(equipment, "switches"):
        for number, port in enumerate(switch.ports):
            for lane in LANES:
                yield from find.found(equipment, (*path, "ports", number, lane), getattr(port, lane), switch.site)
    for path, row in find.rows("inventory/ports.csv"):
        gear = find.plant.switches.get(row.switch)
        for lane in LANES:
            at = gear.site if gear is not None else None
            yield from find.found("inventory/ports.csv", (*path, lane), getattr(row, lane), at)
    for file, entries in (
        (equipment, find.entries(equipment, "jumpers")),
        ("inventory/jumpers.csv", find.rows("inventory/jumpers.csv")),
    ):
        for path, jumper in entries:
            for key, other in (("a", jumper.b), ("b", jumper.a)):
                yield from find.found(file, (*path, key), getattr(jumper, key), find.site_of(other))
    for path, row in find.rows("inventory/endpoints.csv"):
        if row.terminal is not None and row.terminal.name == find.cable.id:
            yield from find.found("inventory/endpoints.csv", (*path, "terminal"), row.terminal, find.terminal(row))
