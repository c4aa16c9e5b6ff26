"""Outside plant under a random city: routes, ducts, cables, splices, frames, optics; and what is true of them.

`Plant` is drawn link by link. Whatever it writes it also knows: `Drawn.risks` of a link are the segments, ducts,
chambers, cables and buildings that it passes, and `Drawn.lit` whether light gets through. The tests hold the
product's derivation against that.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import atan2, cos, hypot, pi, radians, sin, sqrt
from typing import Any, TypeAlias

XY: TypeAlias = tuple[float, float]
"""Metres east and north of the city's centre."""

OWNER = {"owner": "city-works", "manager": "city-works", "source": "random city of the test suite"}
BLOCK = 12
"""Strands of a link's cable that are spliced through and put on frames."""


class Names:
    """Words for things: two random letters a kind, and numbers in no order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._stem: dict[str, str] = {}
        self._used: set[str] = set()

    def __call__(self, kind: str) -> str:
        if kind not in self._stem:
            self._stem[kind] = self._fresh(lambda: "".join(self._rng.choices("bcdfghjklmnpqrstvwxz", k=2)))
        return self._fresh(lambda: f"{self._stem[kind]}-{self._rng.randrange(1000):03d}")

    def _fresh(self, make: Any) -> str:
        while True:
            word: str = make()
            if word not in self._used:
                self._used.add(word)
                return word


@dataclass
class Place:
    """A site or chamber on the map."""

    xy: XY
    kind: str


@dataclass
class Frame:
    """The ODF of a site: the next free position, and what is on it."""

    odf: str
    free: int = 1
    terminations: list[dict[str, str]] = field(default_factory=list)

    def terminate(self, cable: str, first: int) -> int:
        """Put a block of strands on positions; returns the first position."""
        start = self.free
        self.free += BLOCK
        strands = f"{cable}:{first}-{first + BLOCK - 1}"
        self.terminations.append({"positions": f"{start}-{start + BLOCK - 1}", "strands": strands})
        return start


@dataclass
class Drawn:
    """A link as drawn: its two switches, whether light gets through, and what one event takes it with."""

    name: str
    a: str
    b: str
    lit: bool = True
    risks: set[str] = field(default_factory=set)


@dataclass
class Glass:
    """A block of strands between the frames of two sites."""

    ends: dict[str, int]  # site → first position
    risks: set[str]
    metres: float
    splices: int


class Plant:
    """Draws works and cables between places, and collects the rows of the inventory files."""

    def __init__(self, rng: random.Random, names: Names, latitude: float, longitude: float) -> None:
        self.rng, self.name = rng, names
        self.centre = longitude, latitude
        self.places: dict[str, Place] = {}
        self.segments: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, list[XY]] = {}
        self.between: dict[frozenset[str], str] = {}
        self.shared: dict[str, str] = {}  # segment → the big duct in it that holds the inner ducts
        self.ducts: dict[str, dict[str, Any]] = {}
        self.cables: list[dict[str, Any]] = []
        self.closures: list[dict[str, Any]] = []
        self.passives: list[dict[str, Any]] = []
        self.jumpers: list[dict[str, str]] = []
        self.frames: dict[str, Frame] = {}
        self.status: dict[str, str] = {}

    # ── the map ──────────────────────────────────────────────────────────────────────────────────

    def position(self, xy: XY) -> list[float]:
        longitude, latitude = self.centre
        east = 111_320 * cos(radians(latitude))
        return [round(longitude + xy[0] / east, 6), round(latitude + xy[1] / 110_574, 6)]

    def place(self, kind: str, xy: XY) -> str:
        name = self.name("site" if kind == "site" else "place")
        self.places[name] = Place(xy, kind)
        return name

    def segment(self, a: str, b: str, kind: str = "trench", status: str = "") -> str:
        """The works between two places, dug once."""
        key = frozenset((a, b))
        if key in self.between:
            return self.between[key]
        name = self.between[key] = self.name("segment")
        line = self._wound(self.places[a].xy, self.places[b].xy)
        self.lines[name] = line
        self.segments[name] = {"id": name, "a": a, "b": b, "kind": kind, **OWNER}
        if status:
            self.segments[name]["status"] = status
        return name

    def _wound(self, a: XY, b: XY) -> list[XY]:
        """A line with a bend every two hundred metres or so, some percent longer than straight."""
        span = hypot(b[0] - a[0], b[1] - a[1])
        bends = int(span // 200)
        points = [a]
        for number in range(1, bends + 1):
            share, swing = number / (bends + 1), self.rng.uniform(-40, 40)
            x, y = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
            points.append((x - (b[1] - a[1]) / span * swing, y + (b[0] - a[0]) / span * swing))
        return [*points, b]

    def length(self, segment: str) -> float:
        return sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(self.lines[segment]))

    def chambers_between(self, a: str, b: str, spacing: float) -> list[str]:
        """New chambers on the way from a to b, beside the straight line."""
        (ax, ay), (bx, by) = self.places[a].xy, self.places[b].xy
        span = hypot(bx - ax, by - ay)
        found = []
        for number in range(1, max(1, int(span / spacing)) + 1):
            share = number / (max(1, int(span / spacing)) + 1)
            swing = self.rng.gauss(0, min(120.0, span * 0.05))
            xy = (
                ax + (bx - ax) * share - (by - ay) / span * swing,
                ay + (by - ay) * share + (bx - ax) / span * swing,
            )
            found.append(self.place("chamber", xy))
        return found

    # ── ducts and cables ─────────────────────────────────────────────────────────────────────────

    def lay(self, ends: Sequence[str], kind: str, status: str = "") -> dict[str, Any]:
        """A cable along places; shared works get an inner duct in the big one, own works one duct per run."""
        route: list[str] = []
        run: list[str] = []

        def close() -> None:
            if run:
                name = self.name("duct")
                self.ducts[name] = {"id": name, "segments": list(run)}
                if status:
                    self.ducts[name]["status"] = status
                route.append(name)
                run.clear()

        for a, b in pairwise(ends):
            segment = self.segment(a, b, status=status)
            if segment in self.shared:
                close()
                inner = self.name("duct")
                self.ducts[inner] = {"id": inner, "parent": self.shared[segment], "diameter": "32 mm"}
                route.append(inner)
            elif self.segments[segment]["kind"] == "overhead":
                close()
                route.append(segment)
            else:
                run.append(segment)
        close()
        metres = sum(self.length(self.between[frozenset(pair)]) for pair in pairwise(ends))
        loops = [{"at": place, "length": "20 m"} for place in ends[1:-1] if self.rng.random() < 0.15]
        cable: dict[str, Any] = {
            "id": self.name("cable"),
            "type": kind,
            "a": ends[0],
            "b": ends[-1],
            "route": route,
        }
        # To the centimetre, so that no two ways of a city are equally long and their names decide.
        cable["sheath"] = f"{metres * self.rng.uniform(1.01, 1.04) + 20 * len(loops):.2f} m"
        if loops:
            cable["slack"] = loops
        if status:
            cable["status"] = status
        self.cables.append(cable)
        return cable

    def share(self, a: str, b: str, kind: str = "trench") -> None:
        """Works that several links use: one big duct, an inner one for each cable."""
        segment = self.segment(a, b, kind)
        if segment not in self.shared:
            self.shared[segment] = self.name("duct")
            self.ducts[self.shared[segment]] = {
                "id": self.shared[segment],
                "segments": [segment],
                "diameter": "110 mm",
            }

    def risks_of(self, cable: dict[str, Any]) -> set[str]:
        """What one event takes this cable with: the cable, its places, segments and (enclosing) ducts."""
        found = {f"cable:{cable['id']}"}
        segments: list[str] = []
        for name in cable["route"]:
            if name in self.segments:
                segments.append(name)
                continue
            duct = self.ducts[name]
            segments += duct.get("segments") or self.ducts[duct["parent"]]["segments"]
            found.add(f"duct:{name}")
            if "parent" in duct:
                found.add(f"duct:{duct['parent']}")
        for name in segments:
            found.add(f"segment:{name}")
            found |= {self.risk_of_place(self.segments[name][end]) for end in ("a", "b")}
        return found

    def risk_of_place(self, place: str) -> str:
        return f"{'building' if self.places[place].kind == 'site' else 'chamber'}:{place}"

    def sheath(self, cable: dict[str, Any]) -> float:
        return float(cable["sheath"].split()[0])

    def closure(self, at: str, splices: Iterable[tuple[str, int, str, int]]) -> None:
        """Splice blocks of strands; losses as a crew writes them: not at all, the mean, both ways, or one way."""
        entries = []
        for one, first, two, second in splices:
            entry: dict[str, Any] = {
                "a": f"{one}:{first}-{first + BLOCK - 1}",
                "b": f"{two}:{second}-{second + BLOCK - 1}",
            }
            mood = self.rng.random()
            if mood < 0.4:
                entry["loss"] = f"{self.rng.uniform(0.02, 0.15):.2f} dB"
            elif mood < 0.6:
                entry |= {"loss_ab": f"{self.rng.uniform(-0.05, 0):.2f} dB", "loss_ba": "0.12 dB"}
            elif mood < 0.7:
                entry["loss_ab"] = f"{self.rng.uniform(-0.08, -0.01):.2f} dB"
            entries.append(entry)
        self.closures.append({"id": self.name("closure"), "at": at, "splices": entries})

    def frame(self, site: str) -> Frame:
        if site not in self.frames:
            self.frames[site] = Frame(self.name("frame"))
        return self.frames[site]

    # ── what stands in the files ─────────────────────────────────────────────────────────────────

    def chamber_rows(self) -> list[dict[str, Any]]:
        rows = []
        for name, place in self.places.items():
            if place.kind != "site":
                lon, lat = self.position(place.xy)
                rows.append({"id": name, "lon": lon, "lat": lat, "kind": place.kind, **OWNER})
        return rows

    def features(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "Feature",
                "properties": item,
                "geometry": {"type": "LineString", "coordinates": [self.position(xy) for xy in self.lines[name]]},
            }
            for name, item in self.segments.items()
        ]

    def odf_rows(self) -> list[dict[str, Any]]:
        return [
            {"id": one.odf, "site": site, "positions": max(one.free - 1, 12), "terminations": one.terminations}
            for site, one in self.frames.items()
        ]


# ── the map of a graph ───────────────────────────────────────────────────────────────────────────


def layout(
    positions: dict[str, XY], edges: Iterable[tuple[str, str]], longest: float, apart: float = 600.0
) -> dict[str, XY]:
    """Scale a graph (degrees) to a city: the longest link `longest` metres, no two places closer than `apart`."""
    lat = sum(y for _, y in positions.values()) / len(positions)
    flat = {key: (x * cos(radians(lat)), y) for key, (x, y) in positions.items()}
    pairs = list(edges)
    found = _scaled(flat, pairs, longest)
    for _ in range(200):
        moved = False
        for a in found:
            for b in found:
                dx, dy = found[b][0] - found[a][0], found[b][1] - found[a][1]
                span = hypot(dx, dy)
                if a < b and span < apart:
                    angle = atan2(dy, dx) if span > 1 else len(a) + 2.4 * int(b)
                    push = (apart - span) / 2 + 10
                    found[a] = found[a][0] - push * cos(angle), found[a][1] - push * sin(angle)
                    found[b] = found[b][0] + push * cos(angle), found[b][1] + push * sin(angle)
                    moved = True
        if not moved:
            break
    return found


def _scaled(flat: dict[str, XY], edges: Sequence[tuple[str, str]], longest: float) -> dict[str, XY]:
    """Long hauls count less: distances in a city vary less than in a country, so they go by their square root."""
    cx, cy = (sum(point[axis] for point in flat.values()) / len(flat) for axis in (0, 1))
    bent = {}
    for key, (x, y) in flat.items():
        radius = hypot(x - cx, y - cy)
        share = 1 / sqrt(radius) if radius else 0.0
        bent[key] = (x - cx) * share, (y - cy) * share
    spans = [hypot(bent[b][0] - bent[a][0], bent[b][1] - bent[a][1]) for a, b in edges]
    factor = longest / max(spans)
    return {key: (x * factor, y * factor) for key, (x, y) in bent.items()}


def bearing(a: XY, b: XY) -> float:
    return atan2(b[1] - a[1], b[0] - a[0]) % (2 * pi)


def towards(a: XY, angle: float, metres: float) -> XY:
    return a[0] + metres * cos(angle), a[1] + metres * sin(angle)
