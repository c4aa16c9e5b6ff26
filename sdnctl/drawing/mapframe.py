"""The map itself on paper: a part of the world in a frame, drawn in layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians

from sdnctl.drawing import palette
from sdnctl.drawing.canvas import Box, Clipped, Fill, Item, Marks, Spot, Stroke, Text, thinned
from sdnctl.drawing.labels import Label, Labels
from sdnctl.drawing.places import DEGREE
from sdnctl.drawing.scene import FATES, Event, Line, Link, Point, Scene, Site

CROWDED = 400
"""More chambers or endpoints than this are crowded on a sheet."""

SITE_MARKS = {
    "datacentre": ("square", 1.9),
    "pop": ("square", 1.35),
    "office": ("diamond", 1.0),
    "cabinet": ("square", 0.7),
    "customer": ("circle", 0.7),
}
"""Form and radius, mm, of the symbol of each kind of site, the most important first."""

MAIN = ("datacentre", "pop")
"""Kinds of sites that are always named."""

FATE_COLOURS = {
    "repaired": palette.SAVED,
    "standby": palette.STANDBY,
    "lost": palette.LOST,
    "severed": palette.ALARM,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """A box on paper, and what part of the world is in it: equirectangular, true at the middle latitude."""

    box: Box
    middle: Point
    scale: float  # millimetres on paper per metre

    @classmethod
    def around(cls, box: Box, points: Iterable[Point], margin: float = 0.05) -> Frame:
        """The frame that shows all points, as large as they fit."""
        found = list(points) or [(0.0, 0.0)]
        west, east = min(x for x, _ in found), max(x for x, _ in found)
        south, north = min(y for _, y in found), max(y for _, y in found)
        middle = ((west + east) / 2, (south + north) / 2)
        wide = max((east - west) * DEGREE * cos(radians(middle[1])), 200.0)
        high = max((north - south) * DEGREE, 200.0)
        left, top, right, bottom = box
        scale = (1 - 2 * margin) * min((right - left) / wide, (bottom - top) / high)
        return cls(box, middle, scale)

    def at(self, point: Point) -> Spot:
        left, top, right, bottom = self.box
        across = self.scale * DEGREE
        return (
            (left + right) / 2 + (point[0] - self.middle[0]) * across * cos(radians(self.middle[1])),
            (top + bottom) / 2 - (point[1] - self.middle[1]) * across,
        )

    def line(self, line: Line) -> tuple[Spot, ...]:
        return thinned(self.at(point) for point in line)

    def holds(self, spot: Spot) -> bool:
        left, top, right, bottom = self.box
        return left <= spot[0] <= right and top <= spot[1] <= bottom


class MapFrame:
    """Draws one scene in one frame."""

    def __init__(self, scene: Scene, frame: Frame) -> None:
        self.scene = scene
        self.frame = frame
        self.lines = {one.id: frame.line(one.line) for one in scene.segments}
        self.event = scene.cut_event
        self.shown = self._chosen()
        self.quiet = self.event is not None or bool(self.shown)

    def draw(self, keep_free: Iterable[Box] = ()) -> Clipped:
        """The whole map, clipped to its frame; no name stands in the boxes that are to be kept free."""
        items: list[Item] = [_rectangle(self.frame.box, palette.PAPER_DEEP if self.scene.areas else palette.PAPER)]
        items += self.areas()
        items += self.zones()
        items += self.segments()
        items += self.links()
        items += self.places()
        if self.event is not None:
            items += self.cut(self.event)
        elif self.shown:
            items += self.paths()
        items += self.endpoints()
        items += self.sites()
        items += self.names(keep_free)
        return Clipped(self.frame.box, tuple(items))

    # ── the ground and the plant ─────────────────────────────────────────────────────────────────

    def areas(self) -> list[Item]:
        rings = tuple(self.frame.line(ring) for area in self.scene.areas for ring in area.rings)
        return [Fill(rings, palette.AREA_FILL, palette.AREA_LINE, 0.18)] if rings else []

    def zones(self) -> list[Item]:
        return [
            Fill(
                (self.frame.line(zone.ring),),
                palette.FLOOD if zone.kind == "flood" else palette.HAZARD,
                palette.FLOOD_LINE if zone.kind == "flood" else palette.HAZARD_LINE,
                0.18,
                0.55,
                (0.5, 0.6),
            )
            for zone in self.scene.zones
        ]

    def segments(self) -> list[Item]:
        styles: dict[tuple[str, bool], list[tuple[Spot, ...]]] = defaultdict(list)
        for one in self.scene.segments:
            styles[one.kind, one.status == "in-service"].append(self.lines[one.id])
        return [
            Stroke(
                tuple(lines),
                palette.PLANT if alive else palette.NOT_IN_SERVICE,
                0.7 if kind == "bridge" else 0.26,
                tuple(part / 8 for part in palette.DASHES.get(kind, ())) if alive else (0.2, 0.6),
                opacity=0.45 if self.quiet else 0.9,
            )
            for (kind, alive), lines in sorted(styles.items())
        ]

    def link_lines(self, link: Link) -> tuple[tuple[Spot, ...], ...]:
        if link.segments:
            return tuple(self.lines[name] for name in link.segments)
        return (self.frame.line(link.line),) if link.line else ()

    def links(self) -> list[Item]:
        """Links by load, those of great capacity below; one stroke for each look."""
        styles: dict[tuple[float, str, str], list[tuple[Spot, ...]]] = defaultdict(list)
        for link in self.scene.links:
            colour = palette.ALARM if link.state else palette.step(palette.LOAD_STEPS, link.load)
            styles[-self.width(link), colour, link.state].extend(self.link_lines(link))
        dashes = {"down": (1.4, 0.9), "pinned": (0.3, 0.9)}
        return [
            Stroke(
                tuple(lines),
                colour,
                -wide,
                dashes.get(state, ()),
                opacity=0.25 if self.quiet else 0.95,
            )
            for (wide, colour, state), lines in sorted(styles.items())
            if lines
        ]

    def width(self, link: Link) -> float:
        """Width on paper, mm, by capacity; less where there are many."""
        wide = 1.15 if link.capacity >= 40e9 else 0.75 if link.capacity >= 5e9 else 0.45
        return wide * (0.8 if len(self.scene.links) > 100 else 1.0)

    def places(self) -> list[Item]:
        """Chambers and poles, where there are few enough to be told apart."""
        if len(self.scene.places) > CROWDED:
            return []
        groups: dict[tuple[str, bool], list[Spot]] = defaultdict(list)
        for one in self.scene.places:
            spot = self.frame.at(one.position)
            if one.kind != "wall-box" and self.frame.holds(spot):
                groups[one.kind, one.status == "in-service"].append(spot)
        return [
            Marks(
                tuple(spots),
                "triangle" if kind == "pole" else "circle",
                0.5,
                palette.PAPER,
                palette.PLACE if alive else palette.NOT_IN_SERVICE,
                0.16,
            )
            for (kind, alive), spots in sorted(groups.items())
        ]

    # ── what stands out ──────────────────────────────────────────────────────────────────────────

    def _chosen(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Links and standby links of every trunk that carries what was chosen."""
        name = self.scene.chosen
        return [
            (trunk.links, trunk.standby)
            for trunk in self.scene.trunks
            if name and any(name in (flow.application, flow.id) for flow in trunk.flows)
        ]

    def paths(self) -> list[Item]:
        links = {link.id: link for link in self.scene.links}
        main = dict.fromkeys(name for path, _ in self.shown for name in path)
        spare = [name for _, standby in self.shown for name in standby if name not in main]
        dashed = tuple(line for name in dict.fromkeys(spare) for line in self.link_lines(links[name]))
        solid = tuple(line for name in main for line in self.link_lines(links[name]))
        items: list[Item] = [Stroke(dashed, palette.STANDBY, 0.8, (2, 1.2))] if dashed else []
        return [*items, Stroke(solid, "#ffffff", 1.9), Stroke(solid, palette.PATH, 1.2)] if solid else items

    def cut(self, event: Event) -> list[Item]:
        links = {link.id: link for link in self.scene.links}
        dead = tuple(line for name in event.links if name in links for line in self.link_lines(links[name]))
        items: list[Item] = []
        if dead:
            items += [Stroke(dead, "#ffffff", 1.8), Stroke(dead, palette.ALARM, 1.0, (2, 1.1))]
        for name in self.scene.cut:
            kind, _, thing = name.partition(":")
            for line in self._cut_lines(kind, thing):
                items += [Stroke((line,), "#ffffff", 2.6), Stroke((line,), palette.ALARM, 1.9)]
            items += [_crossed(spot) for spot in self._cut_spots(kind, thing)]
        return items

    def _cut_lines(self, kind: str, thing: str) -> list[tuple[Spot, ...]]:
        if kind == "segment" and thing in self.lines:
            return [self.lines[thing]]
        if kind == "duct":
            return [self.lines[one.id] for one in self.scene.segments if thing in one.ducts]
        cables = [one for one in self.scene.cables if kind == "cable" and one.id == thing]
        return [self.lines[name] for one in cables for name in one.segments]

    def _cut_spots(self, kind: str, thing: str) -> list[Spot]:
        points = [one.position for one in self.scene.places if kind == "chamber" and one.id == thing]
        points += [one.position for one in self.scene.sites if kind == "building" and one.id == thing]
        points += [one.position for one in self.scene.sites if kind == "node" and thing in one.switches]
        points += [one.position for one in self.scene.sites if kind == "feeder" and one.feeder == thing]
        lines = self._cut_lines(kind, thing) if kind == "segment" else []
        return [self.frame.at(point) for point in points] + [line[len(line) // 2] for line in lines]

    def endpoints(self) -> list[Item]:
        """Endpoints by kind; under a cut those that it hits, in the colour of their worst demand."""
        marks = palette.marks(one.kind for one in self.scene.endpoints)
        worst = self._worst() if self.event is not None else {}
        ends = self._ends()
        radius = 0.95 if len(self.scene.endpoints) <= CROWDED else 0.5
        groups: dict[tuple[int, str, str], list[Spot]] = defaultdict(list)
        for one in self.scene.endpoints:
            spot = self.frame.at(one.position)
            if not self.frame.holds(spot):
                continue
            colour, form = marks[one.kind]
            rank = 1
            if one.id in worst:
                colour, rank = FATE_COLOURS[worst[one.id]], 2 + FATES.index(worst[one.id])
            elif self.quiet and one.id not in ends:
                colour, rank = palette.FADED, 0
            groups[rank, colour, form].append(spot)
        return [
            Marks(tuple(spots), form, radius * (1.25 if rank > 1 else 1.0), colour, "#ffffff", 0.12)
            for (rank, colour, form), spots in sorted(groups.items())
        ]

    def _worst(self) -> dict[str, str]:
        """Endpoint → the worst fate of its demands."""
        assert self.event is not None
        found = dict.fromkeys(self.event.dark, "severed")
        for flow, fate in self.scene.flow_fates(self.event):
            for end in (flow.ingress, flow.egress):
                if end not in found or FATES.index(found[end]) < FATES.index(fate):
                    found[end] = fate
        return found

    def _ends(self) -> set[str]:
        """Endpoints of what was chosen."""
        name = self.scene.chosen
        flows = [flow for trunk in self.scene.trunks for flow in trunk.flows] + list(self.scene.local)
        return {
            end
            for flow in flows
            if name and name in (flow.application, flow.id)
            for end in (flow.ingress, flow.egress)
        }

    # ── sites and names ──────────────────────────────────────────────────────────────────────────

    def sites(self) -> list[Item]:
        groups: dict[str, list[Spot]] = defaultdict(list)
        for site in self.scene.sites:
            spot = self.frame.at(site.position)
            if self.frame.holds(spot):
                groups[site.kind].append(spot)
        return [
            Marks(tuple(groups[kind]), form, radius, palette.INK, "#ffffff", 0.35)
            for kind, (form, radius) in reversed(SITE_MARKS.items())
            if groups[kind]
        ]

    def names(self, keep_free: Iterable[Box]) -> Sequence[Text]:
        """Names of the main sites, which only each other's symbols keep away; then of other sites and of areas."""
        left, top, right, bottom = self.frame.box
        labels = Labels((left + 1, top + 1, right - 1, bottom - 1))
        for box in keep_free:
            labels.take(box)
        main = [site for site in self.scene.sites if site.kind in MAIN]
        minor = [site for site in self.scene.sites if site.kind not in MAIN]
        placed: list[Text] = []
        for sites in (main, minor):
            seen = [site for site in sites if self.frame.holds(self.frame.at(site.position))]
            for site in seen:
                half = SITE_MARKS[site.kind][1] * 1.1
                x, y = self.frame.at(site.position)
                labels.take((x - half, y - half, x + half, y + half))
            order = list(SITE_MARKS)
            ranked = sorted(seen, key=lambda one: (order.index(one.kind), one.id))
            placed += labels.place([self._label(site) for site in ranked if self._is_named(site)])
        areas = [
            Label(
                self.frame.at(area.spots[0]),
                area.name,
                2.9,
                palette.AREA_TEXT,
                "MediumItalic",
                spacing=0.28,
                halo=palette.AREA_FILL,
                others=tuple(self.frame.at(spot) for spot in area.spots[1:]),
            )
            for area in self.scene.areas
            if area.spots
        ]
        return placed + labels.place(areas)

    def _label(self, site: Site) -> Label:
        main = site.kind in MAIN
        return Label(
            self.frame.at(site.position),
            site.name or site.id,
            2.7 if main else 2.25,
            palette.INK if main else palette.SOFT_INK,
            "SemiBold" if main else "Regular",
            SITE_MARKS[site.kind][1] + 0.7,
            halo=palette.AREA_FILL,
        )

    def _is_named(self, site: Site) -> bool:
        """Where areas are named, the office of each would only say the name again."""
        if site.kind in MAIN:
            return True
        few = len(self.scene.sites) <= 40
        return few or (site.kind == "office" and not self.scene.areas)


def _rectangle(box: Box, colour: str) -> Fill:
    left, top, right, bottom = box
    return Fill((((left, top), (right, top), (right, bottom), (left, bottom)),), colour)


def _crossed(spot: Spot) -> Stroke:
    """A cross where something is cut."""
    x, y, r = *spot, 2.4
    return Stroke((((x - r, y - r), (x + r, y + r)), ((x - r, y + r), (x + r, y - r))), palette.INK, 0.7)
