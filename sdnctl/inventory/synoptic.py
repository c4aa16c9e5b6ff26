"""Cables as a graph of what they join: sites, splice boxes and loose ends, and what of them is used and free.

A box at a site is part of the site. Between two nodes that follow each other on a cable lies a *section* of it.
Cables that only hang on a node by one end, and whose other end is at no site and in no box, are *drops*: they are
counted at their node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import pairwise

from sdnctl.errors import InputError
from sdnctl.inventory.closures import Boxes
from sdnctl.inventory.finding import no_such
from sdnctl.inventory.glass import numbers
from sdnctl.inventory.plant import Cable, Plant, Point
from sdnctl.inventory.spare import bundles, free_in
from sdnctl.inventory.uses import Uses
from sdnctl.units import Length


class Kind(StrEnum):
    """What a node is; an `end` is a place where a cable just ends."""

    SITE = "site"
    CLOSURE = "closure"
    END = "end"


@dataclass(frozen=True, slots=True)
class Node:
    """Something that cables join. `boxes`: the splice boxes in it; `area`: its commune, "" if unknown."""

    id: str
    kind: Kind
    place: str
    at: Point | None
    area: str
    boxes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A cable from one node to the next. `used` strands are not free, `lit` ones of them carry light."""

    cable: str
    a: str
    b: str
    strands: int
    length: Length
    used: int
    lit: int
    in_service: bool

    @property
    def free(self) -> int:
        return self.strands - self.used


@dataclass(frozen=True, slots=True)
class Synoptic:
    """Nodes by id, sections by cable in their order, and drops by the node that they hang on."""

    nodes: Mapping[str, Node]
    sections: Mapping[str, tuple[Section, ...]]
    drops: Mapping[str, tuple[Section, ...]]

    @property
    def degree(self) -> Mapping[str, int]:
        found: dict[str, int] = defaultdict(int)
        for sections in self.sections.values():
            for one in sections:
                found[one.a] += 1
                found[one.b] += 1
        return found


def synoptic(plant: Plant, uses: Uses, areas: Mapping[str, str], cables: Iterable[str] | None = None) -> Synoptic:
    """The graph of some cables (all by default) that are not abandoned; `areas`: place → commune or district.

    Drops of a box are always those of all its cables.
    """
    made = _Maker(plant, uses, areas)
    wanted = set(plant.cables if cables is None else cables)
    sections: dict[str, tuple[Section, ...]] = {}
    drops: dict[str, list[Section]] = defaultdict(list)
    for name in sorted(plant.cables):
        cable = plant.cables[name]
        if cable.life.status == "abandoned":
            continue
        nodes = made.stations(cable)
        ends = [made.nodes[node].kind for _, node in nodes]
        if len(nodes) == 2 and Kind.END in ends and ends[0] is not ends[1]:
            (section,) = made.sections(cable, nodes)
            drops[section.b if ends[0] is Kind.END else section.a].append(section)
        elif name in wanted:
            sections[name] = made.sections(cable, nodes)
    shown = {node for found in sections.values() for one in found for node in (one.a, one.b)}
    shown |= {node for node, found in drops.items() if any(one.cable in wanted for one in found)}
    return Synoptic(
        {key: made.nodes[key] for key in sorted(shown)},
        sections,
        {key: tuple(found) for key, found in sorted(drops.items()) if key in shown},
    )


class _Maker:
    """What a synoptic is made from, with its tables."""

    def __init__(self, plant: Plant, uses: Uses, areas: Mapping[str, str]) -> None:
        self.plant, self.uses, self.areas = plant, uses, areas
        self.boxes = Boxes(plant)
        self.free = free_in(bundles(plant))
        self.nodes: dict[str, Node] = {}
        self.held: dict[tuple[str, str], str] = {}  # cable, place → box
        for key, closure in plant.closures.items():
            for cable in self.boxes.cables_in(key):
                self.held.setdefault((cable, closure.at), key)

    def stations(self, cable: Cable) -> list[tuple[int, str]]:
        """Places of a cable that are nodes: its ends, and the boxes that hold it; with their numbers."""
        last = len(cable.places) - 1
        return [
            (index, self._node(cable.id, place))
            for index, place in enumerate(cable.places)
            if index in (0, last) or (cable.id, place) in self.held
        ]

    def _node(self, cable: str, place: str) -> str:
        box = self.held.get((cable, place))
        key = place if place in self.plant.sites or box is None else box
        if key not in self.nodes:
            self.nodes[key] = self._made(key, place, box)
        return key

    def _made(self, key: str, place: str, box: str | None) -> Node:
        site = self.plant.sites.get(place)
        if site is not None:
            return Node(
                key, Kind.SITE, place, site.position, self.areas.get(place, ""), tuple(self.boxes.at.get(key, ()))
            )
        at = self.plant.chambers[place].position
        area = self.areas.get(place, "")
        return Node(key, Kind.END if box is None else Kind.CLOSURE, place, at, area, (box,) if box else ())

    def sections(self, cable: Cable, nodes: Sequence[tuple[int, str]]) -> tuple[Section, ...]:
        strands = self.plant.cable_types[cable.type].strands
        runs = self.uses.runs.get(cable.id, ())
        found = []
        for (low, a), (high, b) in pairwise(nodes):
            lit = 0
            for run in runs:
                if run.low < 2 * high and 2 * low < run.high:
                    lit |= 1 << run.strand
            free = min((self.free[cable.id][passage] for passage in range(low, high)), default=strands)
            length = Length(cable.marks[high] - cable.marks[low])
            used, light = strands - free, sum(1 for _ in numbers(lit))
            found.append(Section(cable.id, a, b, strands, length, used, light, cable.life.in_service()))
        return tuple(found)


def find_cables(
    plant: Plant, names: Sequence[str], areas: Mapping[str, str], links: Mapping[str, Iterable[str]]
) -> set[str]:
    """The cables that names mean: of sites, boxes, areas, links; cables, patterns of them (``c-ring-*``).

    `areas`: place → area; `links`: link → its cables. Raises InputError naming every name that means nothing.
    """
    found, boxes, unknown = set[str](), Boxes(plant), []
    known_areas = {name for name in areas.values() if name}
    for name in names:
        if name in plant.sites:
            met = {key for key, cable in plant.cables.items() if name in (cable.a, cable.b)}
        elif name in plant.closures:
            met = set(boxes.cables_in(name))
        elif name in links:
            met = set(links[name])
        elif name in known_areas:
            met = {
                key
                for key, cable in plant.cables.items()
                if name in {areas.get(end, "") for end in (cable.a, cable.b)}
            }
        else:
            met = {key for key in plant.cables if fnmatchcase(key, name)}
        if not met:
            known = (*plant.sites, *plant.closures, *links, *known_areas, *plant.cables)
            unknown.append(no_such("site, closure, link, commune or cable", name, known))
        found |= met
    if unknown:
        raise InputError(*unknown)
    return found
