"""Lengths and delays of links: as given, else from positions, else from the delay, else from the other links."""

from __future__ import annotations

from math import asin, cos, hypot, radians, sin, sqrt
from statistics import median

from sdnctl.exchange.topology.graph import Graph, Node, Report, Units
from sdnctl.exchange.topology.wires import Wire
from sdnctl.inventory.optics import JUMPER_INDEX, LIGHT

EARTH = 6_371_008.8
"""Mean radius of the earth in metres (IUGG)."""
SHORTEST = 20.0
"""Metres of a link between two nodes in one place: a patch cord within the building."""
UNKNOWN = 10_000.0
"""Metres of a link where nothing at all is known."""
LONGEST = 40_075_000.0
"""Metres round the earth: no link is longer."""
PLANE = 1000.0
"""Metres of one unit of positions that are no degrees, where nobody says otherwise."""


def great_circle(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Metres between two positions (longitude, latitude in degrees) on the sphere (haversine formula)."""
    (x1, y1), (x2, y2) = (map(radians, point) for point in (a, b))
    h = sin((y2 - y1) / 2) ** 2 + cos(y1) * cos(y2) * sin((x2 - x1) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(h)))


def is_plane(graph: Graph, units: Units) -> bool:
    """Whether positions are those of a drawing: somebody says so, or some are no degrees."""
    places = [node.position for node in graph.nodes if node.position is not None]
    return units.plane is not None or any(abs(x) > 180 or abs(y) > 90 for x, y in places)


def settle_lengths(graph: Graph, links: list[Wire], units: Units, report: Report) -> None:
    """Give every link a length, with how where the file does not say it."""
    plane = is_plane(graph, units)
    if plane:
        scale = units.plane or PLANE
        if units.plane is None:
            report.warning(
                "positions-in-plane",
                f"the positions are no degrees; a unit of theirs is taken for {PLANE / 1000:g} km",
                1,
                hint="Say with --plane how long a unit is; sites get no position on the map.",
            )
    for wire in links:
        if wire.length is not None and wire.length > LONGEST:
            report.warning("too-long", "no link is longer than the earth is round", wire.line, wire.address)
            wire.length = None
        if wire.length is None:
            _measure(graph, wire, scale if plane else None)
        if wire.length is not None and wire.length < SHORTEST:
            wire.length, wire.how["length"] = SHORTEST, "both ends are in one place"
    known = [wire.length for wire in links if wire.length is not None]
    for wire in links:
        if wire.length is None:
            wire.length = float(round(median(known))) if known else UNKNOWN
            wire.how["length"] = "the median of the other links" if known else "nothing is known"


def _measure(graph: Graph, wire: Wire, scale: float | None) -> None:
    a, b = graph.nodes[wire.a].position, graph.nodes[wire.b].position
    if a is not None and b is not None:
        metres = great_circle(a, b) if scale is None else hypot(a[0] - b[0], a[1] - b[1]) * scale
        if metres <= LONGEST:
            wire.length = round(metres, 1)
            wire.how["length"] = "great circle" if scale is None else f"{scale:g} m per unit of the drawing"
    elif wire.delay is not None:
        wire.length = min(round(wire.delay * LIGHT / JUMPER_INDEX, 1), LONGEST)
        wire.how["length"] = "from the delay, as light in glass"


def position(node: Node, plane: bool) -> tuple[float, float] | None:
    """Where a site is on the map, to a centimetre; None where the file does not say it in degrees."""
    if node.position is None or plane:
        return None
    return round(node.position[0], 7), round(node.position[1], 7)
