"""A scene as compact JSON for the page: rows instead of objects, places in tables instead of names.

`page/data.js` is the other half. Lines are whole numbers, millionths of a degree, each point as the step from the
one before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sdnctl.drawing import palette
from sdnctl.drawing.scene import Event, Flow, Line, Point, Scene

MICRO = 1_000_000


class Table:
    """Names in the order in which they were met, and the place of each."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.places: dict[str, int] = {name: index for index, name in enumerate(names)}

    def __call__(self, name: str) -> int:
        return self.places.setdefault(name, len(self.places))

    def all(self, names: Iterable[str]) -> list[int]:
        """Places of those that are known."""
        return [self.places[name] for name in names if name in self.places]


def encode_line(line: Iterable[Point]) -> list[int]:
    """Longitude and latitude of the first point, then steps; all in millionths of a degree."""
    numbers: list[int] = []
    x = y = 0
    for lon, lat in line:
        nx, ny = round(lon * MICRO), round(lat * MICRO)
        numbers += (nx - x, ny - y)
        x, y = nx, ny
    return numbers


def decode_line(numbers: Sequence[int]) -> Line:
    """What `encode_line` coded."""
    points = []
    x = y = 0
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x / MICRO, y / MICRO))
    return tuple(points)


def encode(scene: Scene) -> str:
    """The JSON text of a scene; the same scene gives the same text."""
    return json.dumps(document(scene), ensure_ascii=False, separators=(",", ":"))


def document(scene: Scene) -> dict[str, Any]:
    """A scene as JSON values; see `page/data.js` for the columns."""
    words = Table()
    segments = Table(one.id for one in scene.segments)
    cables = Table(one.id for one in scene.cables)
    links = Table(one.id for one in scene.links)
    sites = Table(one.id for one in scene.sites)
    endpoints = Table(one.id for one in scene.endpoints)
    applications = Table(one.name for one in scene.applications)
    classes = Table(scene.classes)
    trunks = Table(one.key for one in scene.trunks)
    switches = Table(scene.switches)

    def rates(load: Mapping[str, int]) -> list[int]:
        return [number for name, rate in sorted(load.items()) for number in (classes(name), rate)]

    def flows(found: Iterable[Flow]) -> list[int]:
        return [
            number
            for one in found
            for number in (applications(one.application), endpoints(one.ingress), endpoints(one.egress), one.cir)
        ]

    cores: dict[tuple[tuple[str, ...], ...], int] = {}

    def event(one: Event) -> list[Any]:
        """Which links, switches and trunks it takes is said once; what endpoints go dark, each time."""
        fates = (one.links, one.switches, one.repaired, one.standby, one.lost, one.severed)
        return [cores.setdefault(fates, len(cores)), endpoints.all(one.dark)]

    marks = palette.marks(one.kind for one in scene.endpoints)
    return {
        "name": scene.name,
        "state": scene.state,
        "placed": scene.placed,
        "sources": scene.sources,
        "areas": [
            [one.name, [encode_line(ring) for ring in one.rings], encode_line(one.spots)] for one in scene.areas
        ],
        "zones": [[one.id, one.kind, one.name, encode_line(one.ring)] for one in scene.zones],
        "switches": list(scene.switches.items()),
        "sites": [
            [
                one.id,
                one.name,
                one.kind,
                *_micro(one.position),
                one.area,
                one.feeder,
                switches.all(one.switches),
                int(one.guessed),
            ]
            for one in scene.sites
        ],
        "places": [
            [one.id, words(one.kind), *_micro(one.position), words(one.status), list(one.closures)]
            for one in scene.places
        ],
        "segments": [
            [
                one.id,
                words(one.kind),
                encode_line(one.line),
                round(one.length, 1),
                words(one.status),
                words(one.owner),
                list(one.ducts),
            ]
            for one in scene.segments
        ],
        "cables": [
            [
                one.id,
                words(one.type),
                one.a,
                one.b,
                one.strands,
                one.lit,
                round(one.sheath, 1),
                words(one.status),
                segments.all(one.segments),
                encode_line(one.line),
            ]
            for one in scene.cables
        ],
        "links": [
            [
                one.id,
                one.a,
                one.b,
                round(one.length, 1),
                round(one.delay, 2),
                one.capacity,
                _rounded(one.margin),
                _rounded(one.overload),
                rates(one.there),
                rates(one.back),
                segments.all(one.segments),
                cables.all(one.cables),
                encode_line(one.line),
                words(one.state),
            ]
            for one in scene.links
        ],
        "endpoints": [
            [
                one.id,
                words(one.kind),
                sites.places.get(one.site, -1),
                *_micro(one.position),
                one.port,
                one.vlan or 0,
                one.addresses,
                " ".join(one.tags),
                words(one.area),
            ]
            for one in scene.endpoints
        ],
        "applications": [
            [one.name, one.tenant, one.service_class, one.service, one.levels] for one in scene.applications
        ],
        "trunks": [
            [one.key, one.label, words(one.grade), links.all(one.links), links.all(one.standby), flows(one.flows)]
            for one in scene.trunks
        ],
        "local": flows(scene.local),
        "events": [event(one) for one in scene.consequences.events],
        "things": scene.consequences.by_thing,
        "chosen": scene.chosen,
        "cut": {"what": scene.cut, "event": event(scene.cut_event)} if scene.cut_event else None,
        "cores": [
            [links.all(one[0]), switches.all(one[1]), *(trunks.all(fate) for fate in one[2:])] for one in cores
        ],
        "classes": list(classes.places),
        "words": list(words.places),
        "style": style(marks),
    }


def style(marks: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Colours and shapes that the page draws with: the same as on paper."""
    return {
        "marks": marks,
        "load": [list(step) for step in palette.LOAD_STEPS],
        "fill": [list(step) for step in palette.FILL_STEPS],
        "dashes": palette.DASHES,
        "segments": palette.SEGMENT_NAMES,
        "colours": {
            name.lower(): value
            for name, value in vars(palette).items()
            if name.isupper() and isinstance(value, str)
        },
    }


def _micro(point: Point) -> tuple[int, int]:
    return round(point[0] * MICRO), round(point[1] * MICRO)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
