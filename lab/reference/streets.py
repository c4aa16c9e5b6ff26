"""The streets of Nîmes: a jittered grid on which cables find their way.

The grid is synthetic; only what a cable uses is dug. A way is the cheapest under these prices: an open trench is
cheaper than a new one, and what another cable of the same site uses already is dear, so that a site's ways part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise

from lab.reference.chance import between, chance
from lab.reference.ground import length, metres, moved, steps, wound
from lab.reference.model import Position
from lab.reference.works import Works

ORIGIN = (4.358, 43.832)
SPACING = 390.0
EAST, NORTH = (0.94, 0.34), (-0.34, 0.94)  # the grid's axes: streets do not run due north
REACH = 950.0  # how far from a site or gate there are streets
ENTRY = 32.0  # from a site to the chamber before it
CHAMBERS = 162.0  # between two chambers in a street: six to eight per kilometre
DUG = 0.55
CONFLICT, CORNER = (2.4, 9.0), (200.0, 1500.0)  # of sites with many ways, of cabinets with two


class Streets:
    """Streets round some places; `ways` remembers which sites' cables use what."""

    def __init__(self, works: Works, sites: Mapping[str, Position], gates: Mapping[str, Position]) -> None:
        self.works = works
        self.positions: dict[str, Position] = dict(sites)
        self.near: dict[str, dict[str, float]] = {}
        self.laid: dict[frozenset[str], list[str]] = {}
        self.users: dict[object, set[str]] = {}
        self.private: set[frozenset[str]] = set()  # streets for those only that ask for them
        self.chambers: dict[str, str] = {}
        self._grid([*sites.values(), *gates.values()])
        self.corners = [key for key in self.positions if key not in sites]
        self._corner_set = frozenset(self.corners)
        for site, position in sites.items():
            works.site(site, position)
            ways = 6 if site.startswith(("pop", "neti", "rich")) else 3
            for corner in self.closest(position, ways):
                self._connect(site, corner)

    def _grid(self, wanted: Sequence[Position]) -> None:
        cells: dict[tuple[int, int], str] = {}
        for i in range(-18, 19):
            for j in range(-14, 15):
                x = i * SPACING + between(-105, 105, "street", i, j, "x")
                y = j * SPACING + between(-105, 105, "street", i, j, "y")
                spot = moved(ORIGIN, x * EAST[0] + y * NORTH[0], x * EAST[1] + y * NORTH[1])
                if any(metres(spot, one) < REACH for one in wanted):
                    cells[i, j] = f"{i}.{j}"
                    self.positions[f"{i}.{j}"] = spot
        for (i, j), key in cells.items():
            for other in ((i + 1, j), (i, j + 1)):
                if other in cells and chance("no street", i, j, *other) > 0.10:
                    self._connect(key, cells[other])

    def _connect(self, a: str, b: str) -> None:
        far = round(metres(self.positions[a], self.positions[b]), 3)
        self.near.setdefault(a, {})[b] = far
        self.near.setdefault(b, {})[a] = far

    def closest(self, position: Position, count: int = 1) -> list[str]:
        """The corners closest to a position."""
        return sorted(self.corners, key=lambda key: (round(metres(self.positions[key], position), 2), key))[:count]

    def way(self, via: Sequence[str], owners: Iterable[str]) -> list[str]:
        """Places along the cheapest way through some corners or sites, dug where it is not yet.

        `owners` are the sites whose other cables it keeps away from.
        """
        mine = set(owners)
        corners = [via[0]]
        for a, b in pairwise(via):
            if frozenset((a, b)) in self.private:
                corners.append(b)
            else:
                corners += self._search(a, b, mine, set(corners[:-1]) | set(via) - {a, b})[1:]
        places = [self.place(corners[0])]
        for a, b in pairwise(corners):
            places += self.street(a, b)[1:]
            self.users.setdefault(frozenset((a, b)), set()).update(mine)
        for corner in corners[1:-1]:
            self.users.setdefault(corner, set()).update(mine)
        return places

    def _search(self, a: str, b: str, mine: set[str], closed: set[str]) -> list[str]:
        queue: list[tuple[float, str, str]] = [(0.0, a, "")]
        came: dict[str, str] = {}
        while queue:
            cost, here, before = heappop(queue)
            if here in came:
                continue
            came[here] = before
            if here == b:
                break
            for there in sorted(self.near[here]):
                if there in closed or there in came or (there != b and there not in self._corner_set):
                    continue
                if frozenset((here, there)) in self.private:
                    continue
                heappush(queue, (round(cost + self._price(here, there, b, mine), 3), there, here))
        way = [b]
        while way[-1] != a:
            way.append(came[way[-1]])
        return way[::-1]

    def _price(self, a: str, b: str, goal: str, mine: set[str]) -> float:
        street = frozenset((a, b))
        price = self.near[a][b] * (DUG if street in self.laid else 1.0)
        if clash := mine & self.users.get(street, set()):
            price *= CONFLICT[any(site.startswith("cab-") for site in clash)]
        if b != goal and (clash := mine & self.users.get(b, set())):
            price += CORNER[any(site.startswith("cab-") for site in clash)]
        return price

    def place(self, corner: str) -> str:
        """The chamber at a corner, dug if there is none; a site is its own place."""
        if corner in self.works.positions:
            return corner
        if corner not in self.chambers:
            self.chambers[corner] = self.works.chamber("nimes", self.positions[corner])
        return self.chambers[corner]

    def street(self, a: str, b: str) -> list[str]:
        """Places from a to b; a site has a chamber before its door."""
        key = frozenset((a, b))
        if key not in self.laid:
            first, last = sorted((a, b), key=lambda one: (one in self.corners, one))
            start, end = self.place(first), self.place(last)
            line = wound(self.works.positions[start], self.works.positions[end], 1.06, "street", first, last)
            whole = length(line)
            marks = steps(whole, CHAMBERS)
            if first not in self.corners:
                marks = [ENTRY, *(ENTRY + mark for mark in steps(whole - ENTRY, CHAMBERS))] if whole > 60 else []
            self.laid[key] = self.works.lay(start, end, line, marks, f"street {first} {last}", ("nimes", "nimes"))
        places = self.laid[key]
        return places if places[0] == self.place(a) else places[::-1]
