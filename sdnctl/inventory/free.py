"""Routes of free strands between two places: which strands, what is spliced where, how much loss and reserve.

The graph has a node for each place where a bundle of free strands can be entered or left: its ends, and inner
places with a closure or a site, where its tube would be opened and its strands cut. Costs are dB at 1310 nm. The
first route found has the least loss; each further one is the best that still pays for using the cables of those
before it, because routes that differ in nothing but a splice are no choice. Where a route is to be diverse from
another, sharing costs more than any detour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count as count_from
from itertools import pairwise
from typing import TypeAlias

from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.footprint import Footprint, Stretch, footprint
from sdnctl.inventory.free_works import Station, Work, is_joint, works_between
from sdnctl.inventory.itinerary import USUAL
from sdnctl.inventory.optics import ODF_POSITION, SPLICE, LossSpan, allowed_loss, attenuation
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.spare import Bundle, Piece, bundles, free_in, pick, pooled
from sdnctl.units import Length, Loss

Node: TypeAlias = tuple[str, str] | tuple[int, int]
"""``("frame", place)``, ``("open", place)``, or number of a bundle and of a station on it."""

AGAIN = 1.5
"""How many times the loss of a cable counts for each route before that used it."""
SHARED = 1000.0
"""dB that a shared kilometre costs where the route is to be diverse; a shared chamber costs a tenth."""
PIGTAIL = ODF_POSITION["B"][1] - SPLICE[1] / 2 + 1e-6
"""dB from a frame to an open end: its splice is inside the figure of the frame position. Of two ways that lose
alike, that with strands on frames already is taken."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Strands of a cable from place to place; `reserve`: free strands that are left there."""

    cable: str
    a: str
    b: str
    strands: tuple[int, ...]
    metres: Length
    reserve: int


@dataclass(frozen=True, slots=True)
class Route:
    """A route of free strands: what is taken, what is to be done, its loss by wavelength, optics that close it."""

    taken: tuple[Taken, ...]
    works: tuple[Work, ...]
    metres: Length
    losses: Mapping[Wavelength, LossSpan]
    closes: tuple[str, ...]
    ground: Footprint

    @property
    def splices(self) -> int:
        return sum(work.count for work in self.works if work.kind in ("splice", "pigtail"))


class Free:
    """Answers about free strands of one plant; make it once for many questions."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        alone = bundles(plant)
        self.bundles = (*alone, *pooled(alone))
        self._boxes: dict[str, str] = {}
        for closure in sorted(plant.closures.values(), key=lambda one: one.id, reverse=True):
            self._boxes[closure.at] = closure.id
        self.stations = tuple(tuple(self._stations(bundle)) for bundle in self.bundles)
        self.left = free_in(alone)
        self._framed = {odf.site for odf in plant.odfs.values()}
        self._at: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for number, stations in enumerate(self.stations):
            for index, station in enumerate(stations):
                self._at[station.side, station.place].append((number, index))

    def _stations(self, bundle: Bundle) -> Iterator[Station]:
        """The ends of a bundle, joints between its pieces, and inner places with a closure or a site."""
        last = len(bundle.pieces) - 1
        for index, piece in enumerate(bundle.pieces):
            places = self.plant.cables[piece.cable].places
            step = 1 if piece.last > piece.first else -1
            if index == 0:
                yield Station(places[piece.first], 0, piece.first, bundle.ends[0])
            for number in range(piece.first + step, piece.last, step):
                if places[number] in self.plant.sites or places[number] in self._boxes:
                    yield Station(places[number], index, number, "")
            yield Station(places[piece.last], index, piece.last, bundle.ends[1] if index == last else "")

    # ── search ───────────────────────────────────────────────────────────────────────────────────

    def routes(
        self, a: str, b: str, count: int, most: int = 3, away: Footprint | None = None, *, spliced: bool = False
    ) -> tuple[Route, ...]:
        """Up to `most` routes of `count` free strands from place a to place b, the best first.

        `spliced`: they begin in a closure at a, to be spliced there, even where a has a frame.
        """
        used: dict[str, int] = defaultdict(int)
        found: list[Route] = []
        signs = set[frozenset[str]]()
        for _ in range(6 * most):
            path = self._search(("open", a) if spliced else self._door(a), b, count, self._price(used, away))
            if path is None or len(found) == most:
                break
            route = self._route(path, count)
            for cable in {one.cable for one in route.taken}:
                used[cable] += 1
            sign = frozenset(one.cable for one in route.taken)
            if sign not in signs:
                signs.add(sign)
                found.append(route)
        return tuple(found)

    def _price(self, used: Mapping[str, int], away: Footprint | None) -> Callable[[Piece], float]:
        """What glass costs: its loss, more for cables that were used already, far more where it is shared."""

        def price(piece: Piece) -> float:
            cost = self._glass(piece, USUAL[0]).max * AGAIN ** used.get(piece.cable, 0)
            if away is not None:
                cable = self.plant.cables[piece.cable]
                low, high = sorted((piece.first, piece.last))
                for passage in cable.passages[low:high]:
                    cost += away.segments.get(passage.segment, 0.0) / 1000 * SHARED
                cost += SHARED / 10 * sum(place in away.chambers for place in cable.places[low + 1 : high])
            return cost

        return price

    def _search(self, start: Node, b: str, count: int, price: Callable[[Piece], float]) -> list[Node] | None:
        """The cheapest way from a door to place b over bundles that have enough strands."""
        goal = self._door(b)
        known: dict[Node, float] = {start: 0.0}
        before: dict[Node, Node] = {}
        waiting: list[tuple[float, int, Node]] = [(0.0, 0, start)]
        done = set[Node]()
        prices: dict[Piece, float] = {}
        turn = count_from(1)  # of equal costs the first found: nodes of different kinds cannot be compared

        def glass(piece: Piece) -> float:
            if piece not in prices:
                prices[piece] = price(piece)
            return prices[piece]

        while waiting:
            cost, _, node = heappop(waiting)
            if node == goal:
                return self._back(before, node)
            if node in done:
                continue
            done.add(node)
            for other, step in self._steps(node, count, glass):
                if cost + step < known.get(other, float("inf")):
                    known[other] = cost + step
                    before[other] = node
                    heappush(waiting, (cost + step, next(turn), other))
        return None

    def towards(self, goals: Iterable[str], count: int) -> Mapping[str, tuple[float, str]]:
        """Places where `count` free strands can be opened that lead to one of some places: loss, and to which.

        The loss is the greatest to the nearest goal, dB at 1310 nm.
        """
        prices: dict[Piece, float] = {}

        def glass(piece: Piece) -> float:
            if piece not in prices:
                prices[piece] = self._glass(piece, USUAL[0]).max
            return prices[piece]

        waiting = [(0.0, goal, number, self._door(goal)) for number, goal in enumerate(sorted(goals))]
        found: dict[Node, tuple[float, str]] = {}
        pushed = len(waiting)
        while waiting:
            cost, goal, _, node = heappop(waiting)
            if node in found:
                continue
            found[node] = cost, goal
            for other, step in self._steps(node, count, glass):
                if other not in found:
                    pushed += 1
                    heappush(waiting, (cost + step, goal, pushed, other))
        opened = {str(place): reached for (kind, place), reached in found.items() if kind == "open"}
        return {place: reached for place, reached in opened.items() if self.spare_at(place) >= count}

    def spare_at(self, place: str) -> int:
        """How many free strands that run the same way can be opened at a place, at most."""
        here = (self.bundles[bundle] for bundle, _ in self._at.get(("open", place), ()))
        return max((len(bundle) for bundle in here if not bundle.beyond), default=0)

    def most(self, a: str, b: str) -> int:
        """The most free strands that one route from place a to place b can have."""
        low, high = 0, max(map(len, self.bundles), default=0)
        while low < high:
            middle = (low + high + 1) // 2
            if self._search(self._door(a), b, middle, lambda _: 0.0) is None:
                high = middle - 1
            else:
                low = middle
        return low

    def _door(self, place: str) -> Node:
        return ("frame" if place in self._framed else "open"), place

    def _steps(self, node: Node, count: int, glass: Callable[[Piece], float]) -> Iterator[tuple[Node, float]]:
        first, second = node
        if isinstance(first, str) and isinstance(second, str):
            for inside in self._at.get((first, second), ()):
                if self.bundles[inside[0]].beyond < count <= len(self.bundles[inside[0]]):
                    joint = is_joint(self.bundles[inside[0]], self.stations[inside[0]][inside[1]])
                    yield inside, 0.0 if joint else self._joint(first)
            if second in self._framed:  # a pigtail, whose splice is inside the figure of the frame position
                yield ("open" if first == "frame" else "frame", second), PIGTAIL
            return
        assert isinstance(first, int)
        assert isinstance(second, int)
        stations = self.stations[first]
        for index in (second - 1, second + 1):
            if 0 <= index < len(stations):
                between = self._between(first, min(index, second), max(index, second))
                halves = sum(is_joint(self.bundles[first], stations[n]) for n in (index, second))
                yield (first, index), sum(glass(piece) for _, piece in between) + halves * SPLICE[1] / 2
        here = stations[second]
        yield (here.side, here.place), 0.0 if is_joint(self.bundles[first], here) else self._joint(here.side)

    def _joint(self, kind: str) -> float:
        """Half of a splice for an open end, a frame position for a frame's; both from the greatest loss."""
        return ODF_POSITION["B"][1] if kind == "frame" else SPLICE[1] / 2

    def _back(self, before: Mapping[Node, Node], node: Node) -> list[Node]:
        path = [node]
        while path[-1] in before:
            path.append(before[path[-1]])
        return path[::-1]

    def _between(self, bundle: int, low: int, high: int) -> list[tuple[int, Piece]]:
        """The glass of a bundle between two of its stations, with the number of the piece that it is part of."""
        first, last = self.stations[bundle][low], self.stations[bundle][high]
        pieces = self.bundles[bundle].pieces
        found = []
        for index in range(first.piece, last.piece + 1):
            piece = pieces[index]
            start = first.number if index == first.piece else piece.first
            end = last.number if index == last.piece else piece.last
            if start != end:
                found.append((index, Piece(piece.cable, start, end)))
        return found

    # ── what a route comes to ────────────────────────────────────────────────────────────────────

    def _route(self, path: Sequence[Node], count: int) -> Route:
        runs: list[tuple[int, int, int]] = []
        for node in path:
            first, second = node
            if not isinstance(first, int) or not isinstance(second, int):
                continue
            if runs and runs[-1][0] == first and abs(runs[-1][2] - second) == 1:
                runs[-1] = first, runs[-1][1], second
            else:
                runs.append((first, second, second))
        taken, pieces, existing = [], list[Piece](), 0
        for bundle, enter, leave in runs:
            low, high = sorted((enter, leave))
            parts = self._between(bundle, low, high)
            chains = pick(self.plant, self.bundles[bundle], count)
            if enter > leave:
                parts = [(index, Piece(one.cable, one.last, one.first)) for index, one in parts[::-1]]
            taken += [self._taken(part, tuple(chain[index] for chain in chains)) for index, part in parts]
            pieces += [part for _, part in parts]
            existing += len(parts) - 1
        ends = [(self.stations[bundle][n], self.bundles[bundle]) for bundle, *both in runs for n in both]
        works = tuple(
            works_between(self.plant, self._boxes, ends, count, begins_beside_frame=self._beside(path[0]))
        )
        joints = sum(1 for work in works if work.kind == "splice") + existing
        frames = self._frames(path, runs)
        losses = {nm: self._loss(pieces, joints, frames, nm) for nm in USUAL}
        places = [self._place(path[0]), self._place(path[-1])]
        stretches = [Stretch(one.cable, *sorted((one.first, one.last))) for one in pieces]
        name = " – ".join(places)
        return Route(
            tuple(taken),
            works,
            Length(sum(one.metres for one in taken)),
            losses,
            tuple(self.closing(losses)),
            footprint(self.plant, name, places, stretches),
        )

    def _beside(self, door: Node) -> bool:
        """Whether a route begins beside the frame of its place: only who splices there does."""
        return door[0] == "open" and door[1] in self._framed

    def _place(self, node: Node) -> str:
        first, second = node
        return (
            self.stations[first][second].place
            if isinstance(first, int) and isinstance(second, int)
            else str(second)
        )

    def _taken(self, part: Piece, strands: tuple[int, ...]) -> Taken:
        cable = self.plant.cables[part.cable]
        low, high = sorted((part.first, part.last))
        free = min(self.left[part.cable][passage] for passage in range(low, high))
        return Taken(
            cable.id,
            cable.places[part.first],
            cable.places[part.last],
            tuple(sorted(strands)),
            self._metres(part),
            free - len(strands),
        )

    def _metres(self, piece: Piece) -> Length:
        cable = self.plant.cables[piece.cable]
        helix = self.plant.cable_types[cable.type].helix
        return Length(abs(cable.marks[piece.last] - cable.marks[piece.first]) * (1 + helix))

    def _glass(self, piece: Piece, wavelength: Wavelength) -> LossSpan:
        low, high = attenuation(self.plant.cable_types[self.plant.cables[piece.cable].type], wavelength)
        km = self._metres(piece) / 1000
        return LossSpan(Loss(low * km), Loss(high * km))

    def _loss(self, pieces: Sequence[Piece], splices: int, frames: int, wavelength: Wavelength) -> LossSpan:
        spans = [self._glass(piece, wavelength) for piece in pieces]
        grade = ODF_POSITION["B"]
        low = sum(span.min for span in spans) + splices * SPLICE[0] + frames * grade[0]
        high = sum(span.max for span in spans) + splices * SPLICE[1] + frames * grade[1]
        return LossSpan(Loss(low), Loss(high))

    def closing(self, losses: Mapping[Wavelength, LossSpan]) -> Iterator[str]:
        """Kinds of optics that would close the route at both ends, without overload."""
        for kind in self.plant.transceivers.values():
            near = [nm for nm in losses if abs(nm - kind.wavelength) <= 20]
            if near and kind.wavelength == kind.rx_wavelength:
                span = losses[near[0]]
                if span.max <= allowed_loss(kind, kind) and span.min >= kind.tx_max - kind.rx_max:
                    yield kind.id

    def _frames(self, path: Sequence[Node], runs: Sequence[tuple[int, int, int]]) -> int:
        """Frame positions on the way: of framed ends, and of open ends that get a pigtail."""
        turned = sum(1 for one, two in pairwise(path) if {one[0], two[0]} == {"frame", "open"})
        ends = sum(
            self.stations[bundle][index].side == "frame"
            for bundle, enter, leave in runs
            for index in (enter, leave)
        )
        return ends + turned
