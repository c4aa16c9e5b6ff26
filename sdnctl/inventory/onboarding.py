"""Sites without glass where a road is open: what connects each, and what to lay before it is closed again.

From a site a new duct is dug straight to some chamber, and from there the cable follows the segments to a closure
in which free strands can be opened that lead to a switch. A metre to dig counts as ten through a duct with room:
of all chambers and closures the pair that is cheapest so is proposed. Every site is answered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from heapq import heappop, heappush

from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.filling import duct_fill
from sdnctl.inventory.free import Free, Route
from sdnctl.inventory.free_works import Work
from sdnctl.inventory.geometry import Outline, distance, line_length
from sdnctl.inventory.itinerary import USUAL
from sdnctl.inventory.lying import Spots
from sdnctl.inventory.models import Status
from sdnctl.inventory.optics import ATTENUATION, ODF_POSITION, SPLICE, LossSpan
from sdnctl.inventory.places import Whereabouts
from sdnctl.inventory.plant import Plant, Point, Segment
from sdnctl.units import Length, Loss

DIG = 10.0
"""What a metre of trench costs against a metre of cable pulled through a duct, in towns about."""
SHEATH, LOOP, HELIX = 1.03, Length(12.5), 0.01
"""A new cable: the middle of 1.01 to 1.06 times its route, a loop at either end, the helix of usual types."""
FULL = 0.9
"""Share of a duct's cross-section beyond which no cable is pulled in."""
LIMIT = Length(1000.0)
"""How far to dig at most, unless asked for."""
HANGING = frozenset({"overhead", "facade", "sewer", "gallery", "indoor"})
"""Kinds of segments through which a cable goes without a duct of its own."""


class Verdict(StrEnum):
    """What is to be done for a site: nothing, connect it now, or it cannot be told or done (and why)."""

    CONNECTED = "connected"
    CONNECT = "connect"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True)
class Lay:
    """A duct to lay from a place to the next; `now`: the metres of it inside the open road."""

    a: str
    b: str
    metres: Length
    now: Length
    line: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Connection:
    """How a site is connected.

    `spare`: free strands of the closure that run alike; `through`: segments that have a duct with room. `cable`:
    metres of new cable; `goal`: the site with a switch where the strands end; `metres`: of fibre up to there.
    `works` are those on the way; the splices of the new cable are in `splices` too.
    """

    closure: str
    place: str
    spare: int
    lay: tuple[Lay, ...]
    through: tuple[str, ...]
    cable: Length
    goal: str
    metres: Length
    splices: int
    works: tuple[Work, ...]
    losses: Mapping[Wavelength, LossSpan]
    closes: tuple[str, ...]
    line: tuple[Point, ...]

    @property
    def dig(self) -> Length:
        return Length(sum(one.metres for one in self.lay))

    @property
    def now(self) -> Length:
        return Length(sum(one.now for one in self.lay))


@dataclass(frozen=True, slots=True)
class Answer:
    """One site: where it is, how far outside of the works (0 inside), what to do, why, and how."""

    site: str
    position: Point
    away: Length
    verdict: Verdict
    why: str
    connection: Connection | None = None


@dataclass(frozen=True, slots=True)
class _Way:
    """From a site to a closure's place: the chamber that is dug to (none where a segment begins at the site)."""

    cost: float
    place: str
    dug_to: str
    segments: tuple[str, ...]


class Onboarding:
    """Answers for one plant and a number of strands; make it once for many outlines."""

    def __init__(self, plant: Plant, count: int = 2, limit: Length = LIMIT) -> None:
        self.plant, self.count, self.limit = plant, count, limit
        self.where = Whereabouts(plant)
        self.free = Free(plant)

    # ── tables ───────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def sites(self) -> Spots:
        return Spots({key: site.position for key, site in self.plant.sites.items() if site.position is not None})

    @cached_property
    def places(self) -> Spots:
        """Chambers, and sites where segments end, that are in service."""
        ends = self.around.keys()
        spots = {
            key: one.position for key, one in self.plant.chambers.items() if one.life.in_service() and key in ends
        }
        for key, site in self.plant.sites.items():
            if site.position is not None and site.life.in_service() and key in ends:
                spots[key] = site.position
        return Spots(spots)

    @cached_property
    def around(self) -> Mapping[str, Sequence[tuple[str, str, float]]]:
        """Place → (next place, segment, cost) over segments in service."""
        table: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
        for segment in self.plant.segments.values():
            if segment.life.in_service():
                cost = segment.length * (1.0 if self.has_way(segment) else DIG)
                table[segment.a].append((segment.b, segment.id, cost))
                table[segment.b].append((segment.a, segment.id, cost))
        return table

    @cached_property
    def _full(self) -> frozenset[str]:
        fills = (fill for fill in duct_fill(self.plant) if fill.note == "mm²")
        return frozenset(fill.name for fill in fills if (fill.share or 0.0) >= FULL)

    def has_way(self, segment: Segment) -> bool:
        """Whether a cable goes through a segment without digging."""
        ducts = (self.plant.ducts[name] for name in self.where.ducts_in.get(segment.id, ()))
        return segment.kind in HANGING or any(
            duct.life.in_service() and duct.id not in self._full for duct in ducts
        )

    @cached_property
    def goals(self) -> tuple[str, ...]:
        """Sites where strands may end: those with a frame and a switch in service."""
        framed = {odf.site for odf in self.plant.odfs.values() if odf.life.in_service()}
        return tuple(sorted({one.site for one in self.plant.switches.values() if one.life.in_service()} & framed))

    @cached_property
    def doors(self) -> Mapping[str, tuple[str, str]]:
        """Place with a closure in which enough free strands can be opened → closure, and the site they lead to."""
        reached = self.free.towards(self.goals, self.count)
        found: dict[str, tuple[str, str]] = {}
        for closure in sorted(self.plant.closures.values(), key=lambda one: one.id, reverse=True):
            if closure.life.in_service() and closure.at in reached:
                found[closure.at] = closure.id, reached[closure.at][1]
        return found

    # ── the question ─────────────────────────────────────────────────────────────────────────────

    def ask(self, rings: Sequence[Sequence[Point]], reach: float = 0.0) -> tuple[Answer, ...]:
        """Every site in the outlines, or at most `reach` metres outside; those to connect first, by distance."""
        areas = tuple(Outline(ring) for ring in rings)
        found = [self._answer(site, Length(away), areas) for site, away in self.sites.within(rings, reach).items()]
        order = tuple(Verdict)
        return tuple(
            sorted(
                found,
                key=lambda one: (one.verdict is not Verdict.CONNECT, order.index(one.verdict), one.away, one.site),
            )
        )

    def _answer(self, name: str, away: Length, areas: Sequence[Outline]) -> Answer:
        site, spot = self.plant.sites[name], self.sites.points[name]
        if site.life.status is Status.ABANDONED:
            return Answer(name, spot, away, Verdict.CANNOT, "it is given up")
        cables = [self.plant.cables[cable] for cable, _ in self.where.at_place.get(name, ())]
        glass = sorted(cable.id for cable in cables if cable.life.in_service())
        if glass:
            more = f" and {len(glass) - 1} more" if len(glass) > 1 else ""
            return Answer(name, spot, away, Verdict.CONNECTED, f"by {glass[0]}{more}")
        way = self._way(name)
        if way is None:
            return Answer(name, spot, away, Verdict.CANNOT, self._why_not(name))
        connection = self._connection(name, way, areas)
        later = [cable.id for cable in cables if cable.life.status in (Status.PLANNED, Status.UNDER_WORKS)]
        why = f"{later[0]} is planned to it" if later else "no glass leads to it"
        return Answer(name, spot, away, Verdict.CONNECT, why, connection)

    def _why_not(self, name: str) -> str:
        if not self.doors:
            return f"no closure has {self.count} free strands that lead to a switch"
        position = self.plant.sites[name].position
        assert position is not None
        metres, near = min(
            ((distance(position, spot), key) for key, spot in self.places.points.items()), default=(0.0, "")
        )
        if not near:
            return "no segment in service is known"
        if metres > self.limit:
            far = f"{near}, the nearest place to dig to, is {metres:.0f} m away"
            return f"{far}; more than {self.limit:.0f} m are not dug"
        return f"from {near}, {metres:.0f} m away, no segments lead to a closure with {self.count} free strands"

    # ── the way ──────────────────────────────────────────────────────────────────────────────────

    def _way(self, site: str) -> _Way | None:
        """The cheapest way to a closure; chambers are looked at only as far as one could still be cheaper."""
        position = self.plant.sites[site].position
        assert position is not None
        radius = min(125.0, self.limit)
        while True:
            starts = [(DIG * metres, name) for metres, name in self.places.near(position, radius) if name != site]
            if site in self.around:
                starts.append((0.0, site))
            best = self._search(starts)
            if radius >= self.limit or (best is not None and best.cost <= DIG * radius):
                return best
            radius = min(2 * radius, self.limit)

    def _search(self, starts: Sequence[tuple[float, str]]) -> _Way | None:
        """The cheapest way from any of some places, each at its cost, to a place with a closure to open."""
        waiting = [(cost, name, name, "", "") for cost, name in starts]
        waiting.sort()
        before: dict[str, tuple[str, str, str]] = {}
        while waiting:
            cost, here, dug_to, come_from, segment = heappop(waiting)
            if here in before:
                continue
            before[here] = dug_to, come_from, segment
            if here in self.doors:
                return _Way(cost, here, dug_to, tuple(_back(before, here)))
            for other, over, step in self.around.get(here, ()):
                if other not in before:
                    heappush(waiting, (cost + step, other, dug_to, here, over))
        return None

    # ── what it comes to ─────────────────────────────────────────────────────────────────────────

    def _connection(self, site: str, way: _Way, areas: Sequence[Outline]) -> Connection:
        closure, goal = self.doors[way.place]
        lay, through = list[Lay](), list[str]()
        line, here, ground = list[Point](), site, 0.0
        if way.dug_to != site:
            straight = (self._spot(site), self._spot(way.dug_to))
            lay.append(self._lay(site, way.dug_to, straight, None, areas))
            ground += lay[0].metres
            line += straight
            here = way.dug_to
        for name in way.segments:
            segment = self.plant.segments[name]
            there = segment.b if segment.a == here else segment.a
            drawn = segment.line if segment.a == here else segment.line[::-1]
            if self.has_way(segment):
                through.append(name)
            else:
                lay.append(self._lay(here, there, drawn, segment.length, areas))
            ground += segment.length
            line += drawn[1:] if line else drawn
            here = there
        route = self._onwards(way.place, goal)
        cable = Length(ground * SHEATH + 2 * LOOP)
        losses = {nm: self._loss(cable, route, nm) for nm in USUAL}
        return Connection(
            closure,
            way.place,
            self.free.spare_at(way.place),
            tuple(lay),
            tuple(through),
            cable,
            goal,
            Length(cable * (1 + HELIX) + (route.metres if route else 0.0)),
            2 * self.count + (route.splices if route else 0),
            route.works if route else (),
            losses,
            tuple(self.free.closing(losses)),
            tuple(line) or (self._spot(site),),
        )

    def _onwards(self, place: str, goal: str) -> Route | None:
        """Free strands from the closure to a switch; None where the closure is at the switch."""
        routes = self.free.routes(place, goal, self.count, 1, spliced=True) if place != goal else ()
        return routes[0] if routes else None

    def _lay(
        self, a: str, b: str, line: Sequence[Point], surveyed: Length | None, areas: Sequence[Outline]
    ) -> Lay:
        drawn = line_length(line)
        metres = drawn if surveyed is None else surveyed
        share = min(sum(area.inside(line) or 0.0 for area in areas) / drawn, 1.0) if drawn else 0.0
        return Lay(a, b, metres, Length(metres * share), tuple(line))

    def _loss(self, cable: Length, route: Route | None, wavelength: Wavelength) -> LossSpan:
        """A frame position at the site, the new glass, the splice at the closure, and the way onwards."""
        km = cable * (1 + HELIX) / 1000
        frame = ODF_POSITION["B"]
        ends = (
            [onwards.losses[wavelength]]
            if (onwards := route) is not None
            else [LossSpan(Loss(0.0), Loss(frame[1]))]
        )
        low, high = ATTENUATION[wavelength]
        return LossSpan(
            Loss(low * km + frame[0] + SPLICE[0] + ends[0].min),
            Loss(high * km + frame[1] + SPLICE[1] + ends[0].max),
        )

    def _spot(self, place: str) -> Point:
        return self.places.points[place] if place in self.places.points else self.sites.points[place]


def _back(before: Mapping[str, tuple[str, str, str]], here: str) -> Iterator[str]:
    """The segments of a way, from its beginning."""
    found = []
    while before[here][2]:
        found.append(before[here][2])
        here = before[here][1]
    return reversed(found)
