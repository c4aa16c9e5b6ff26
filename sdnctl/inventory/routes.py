"""Places, segments, ducts and hazard zones: from what people wrote to checked civil works.

A route is a chain: each part begins where the one before it ended. `chain` checks that for ducts through
segments here, and for cables through ducts in `cables`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import NOTHING, Collector, Entry
from sdnctl.inventory.geometry import distance, line_length, polygon_fault
from sdnctl.inventory.modes import MODES
from sdnctl.inventory.plant import (
    Chamber,
    Duct,
    Hazard,
    Point,
    Segment,
    Site,
)
from sdnctl.units import Length

_PLACES = ("chamber", "site")
_DUCTED = frozenset(kind for kind, mode in MODES.items() if mode.ducts)
SNAP = Length(25.0)
"""How far the end of a segment's line may lie from its place before it is reported."""


def read_sites(c: Collector) -> dict[str, Site]:
    document = c.document("inventory/sites.yaml", models.SitesFile)
    sites: dict[str, Site] = {}
    for index, item in enumerate(document.value.sites if document else ()):
        assert document is not None
        origin = document.at("sites", index)
        if c.declare("site", item.id, origin):
            life = c.life(document.value.defaults, item, f"site {item.id}", origin)
            sites[item.id] = Site(
                item.id, item.name or item.id, item.kind, item.position, item.feeder, life, origin, item.area
            )
    c.note_unknown_owners("site", sites.values())
    return sites


def read_chambers(c: Collector) -> dict[str, Chamber]:
    sites = c.declared.get("site", {})
    chambers: dict[str, Chamber] = {}
    for entry in c.rows("inventory/chambers.csv"):
        row: models.ChamberRow = entry.item
        key, origin = row.id, entry.origin
        if key in sites:
            c.error(
                "duplicate-id",
                f"{key} is a site and a chamber",
                f"chamber {key}",
                origin,
                detail=f"The site is declared at {c.declared['site'][key]}.",
                hint="Segments refer to both by id: give one of them another.",
            )
        elif c.declare("chamber", key, origin):
            life = c.life(NOTHING, row, f"chamber {key}", origin)
            chambers[key] = Chamber(key, row.kind, (row.lon, row.lat), life, origin)
    c.note_unknown_owners("chamber", chambers.values())
    return chambers


def read_segments(c: Collector, sites: Mapping[str, Site], chambers: Mapping[str, Chamber]) -> dict[str, Segment]:
    positions: dict[str, Point | None] = {key: site.position for key, site in sites.items()}
    positions.update({key: chamber.position for key, chamber in chambers.items()})
    segments: dict[str, Segment] = {}
    for entry in c.rows("inventory/segments.geojson"):
        item: models.SegmentFeature = entry.item
        key, a, b, line = item.id, item.a, item.b, item.coordinates
        origin, address = entry.origin, f"segment {key}"
        if not c.declare("segment", key, origin):
            continue
        if a not in positions or b not in positions:
            found = [c.known(_PLACES, end) or c.missing(_PLACES, end, address, origin) for end in (a, b)]
            if not all(found):
                continue
        if a == b:
            c.error(
                "segment-loop",
                f"segment {key} begins and ends at {a}",
                address,
                origin,
                hint="Correct a or b.",
            )
            continue
        start, stop = positions.get(a), positions.get(b)
        if start != line[0] or stop != line[-1]:
            _check_ends(c, item, start, stop, address, origin)
        length = item.length or line_length(line)
        life = c.life(NOTHING, item, address, origin)
        segments[key] = Segment(key, a, b, item.kind, line, length, life, origin, item.precision)
    c.note_unknown_owners("segment", segments.values())
    return segments


def _check_ends(
    c: Collector,
    item: models.SegmentFeature,
    a: Point | None,
    b: Point | None,
    address: str,
    origin: Source,
) -> None:
    """Warn when a line does not begin and end where the places are that it claims to join, if that is known."""
    if a is None or b is None:
        return
    line = item.coordinates
    off = max(distance(a, line[0]), distance(b, line[-1]))
    if off <= SNAP:
        return
    reversed_off = max(distance(a, line[-1]), distance(b, line[0]))
    c.warning(
        "segment-off-its-ends",
        f"the line of {item.id} ends {off:.0f} m away from {item.a} or {item.b}",
        address,
        origin,
        hint="It is drawn from b to a: exchange a and b." if reversed_off <= SNAP else "Correct the line's ends.",
    )


def read_ducts(c: Collector, segments: Mapping[str, Segment]) -> dict[str, Duct]:
    entries: dict[str, tuple[Entry[models.DuctModel], Source]] = {}
    for entry in (
        *c.listed("inventory/ducts.yaml", "ducts"),
        *c.rows("inventory/ducts.csv", "inventory/ducts.yaml"),
    ):
        origin = entry.origin
        if c.declare("duct", entry.item.id, origin):
            entries[entry.item.id] = entry, origin
    ducts: dict[str, Duct] = {}
    for key in _outermost_first(c, entries):
        entry, origin = entries[key]
        item = entry.item
        address = f"duct {key}"
        parent = ducts.get(item.parent) if item.parent else None
        if (item.parent and parent is None) or not all(map(segments.__contains__, item.segments)):
            for name in item.segments:
                c.exists("segment", name, address, origin)
            if item.parent is not None:
                c.exists("duct", item.parent, address, origin)
            continue  # reported here, or where the faulty thing is declared
        names = item.segments or (parent.segments if parent else ())
        if not names:
            c.error(
                "duct-without-segments",
                f"duct {key} runs through no segment",
                address,
                origin,
                hint="List its segments, or name the parent duct it lies in.",
            )
            continue
        if parent is not None and not _is_run(names, parent.segments):
            c.error(
                "duct-outside-parent",
                f"duct {key} leaves its parent {parent.id}",
                address,
                origin,
                detail=f"{', '.join(names)} is not a stretch of {', '.join(parent.segments)}.",
                hint="A nested duct lies in its parent all the way: split it where it leaves.",
            )
            continue
        places = chain([(name, (segments[name].a, segments[name].b)) for name in names], None)
        if isinstance(places, str):
            c.error(
                "duct-not-contiguous",
                f"the segments of duct {key} do not join",
                address,
                origin,
                places,
                hint="List its segments in order, without gaps.",
            )
            continue
        life = c.life(entry.defaults, item, address, origin)
        openings = _openings(c, item, places, origin) if item.openings else ()
        if not _DUCTED.issuperset(segments[name].kind for name in names):
            bare = next(name for name in names if segments[name].kind not in _DUCTED)
            c.warning(
                "duct-in-the-air",
                f"duct {key} runs through {bare}, an {MODES[segments[bare].kind].label}",
                address,
                origin,
                hint="Correct the segments of the duct, or the kind of the segment; cables hang by themselves.",
            )
        ducts[key] = Duct(
            key,
            tuple(names),
            (places[0], places[-1]),
            item.parent,
            life,
            origin,
            item.diameter,
            tuple(item.masks.items()),
            item.capacity,
            openings,
        )
    c.note_unknown_owners("duct", ducts.values())
    return ducts


def _openings(c: Collector, item: models.DuctModel, places: Sequence[str], origin: Source) -> tuple[str, ...]:
    """Places on the way of a duct where it is opened; others are reported."""
    for place in item.openings:
        if place not in places[1:-1]:
            c.error(
                "opening-not-on-the-way",
                f"duct {item.id} cannot be opened at {place}",
                f"duct {item.id}",
                origin,
                detail=f"Between its ends it passes {', '.join(places[1:-1]) or 'nothing'}.",
                hint="Name chambers that it passes; at its ends it is open anyway.",
            )
    return tuple(place for place in item.openings if place in places[1:-1])


def _outermost_first(c: Collector, items: Mapping[str, tuple[Entry[models.DuctModel], Source]]) -> list[str]:
    """Ducts so that each comes after its parent; those that enclose themselves are reported and left out."""
    order: list[str] = []
    state: dict[str, str] = {}
    for start, (entry, _) in items.items():
        if entry.item.parent is None and start not in state:
            state[start] = "done"
            order.append(start)
            continue
        stack: list[str] = []
        key: str | None = start
        while key is not None and key in items and key not in state:
            state[key] = "open"
            stack.append(key)
            key = items[key][0].item.parent
        cycle = stack[stack.index(key) :] if key in stack else []
        if cycle:
            c.error(
                "nested-duct-cycle",
                f"duct {cycle[0]} lies in itself",
                f"duct {cycle[0]}",
                items[cycle[0]][1],
                detail=" in ".join((*cycle, cycle[0])),
                hint="Remove one of the parents.",
            )
        state.update(dict.fromkeys(stack, "done"))
        order.extend(key for key in reversed(stack) if key not in cycle)
    return order


def _is_run(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether `part` stands in `whole` without gaps, in either order."""
    wanted = list(part)
    for names in (list(whole), list(reversed(whole))):
        if any(names[start : start + len(wanted)] == wanted for start in range(len(names) - len(wanted) + 1)):
            return True
    return False


def chain(parts: Sequence[tuple[str, tuple[str, str]]], start: str | None) -> list[str] | str:
    """The places along parts with two ends each, from `start` (or whichever end fits), or why they do not join."""
    if start is None:
        first = parts[0][1]
        if len(parts) > 1 and first[1] not in parts[1][1]:
            first = (first[1], first[0])
        start = first[0]
    places = [start]
    for name, (a, b) in parts:
        if places[-1] not in (a, b):
            return f"{name} joins {a} and {b}, but the route stands at {places[-1]} there."
        places.append(b if places[-1] == a else a)
    if len(set(places)) != len(places):
        twice = next(place for place in places if places.count(place) > 1)
        return f"The route passes {twice} twice."
    return places


def read_hazards(c: Collector) -> dict[str, Hazard]:
    document = c.document("inventory/hazards.yaml", models.HazardsFile)
    hazards: dict[str, Hazard] = {}
    for index, item in enumerate(document.value.hazards if document else ()):
        assert document is not None
        origin = document.at("hazards", index)
        if not c.declare("hazard", item.id, origin):
            continue
        fault = polygon_fault(item.polygon)
        if fault:
            c.error(
                "bad-polygon",
                f"the polygon of hazard {item.id} is not an area",
                f"hazard {item.id}",
                document.at("hazards", index, "polygon"),
                detail=fault,
                hint="List the corners of its outer ring in order.",
            )
            continue
        hazards[item.id] = Hazard(item.id, item.kind, item.name or item.id, item.polygon, origin)
    return hazards
