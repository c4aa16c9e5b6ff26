"""Cables: from what people wrote to checked routes with positions along the sheath."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import Collector, Entry
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.plant import Cable, CableType, Duct, Passage, Segment, StrandFault
from sdnctl.inventory.routes import chain
from sdnctl.units import Length, format_length

SHEATH_RATIO = (1.0, 1.06)
"""Sheath without loops ÷ route: usually 1.01–1.06 (outside-plant surveys); 1.0 is a route nobody remeasured."""
SHEATH_TOLERANCE = Length(5.0)
"""Differences below this are rounding of short cables."""

_SEGMENT = attrgetter("segment")
_IN_SERVICE = models.Status.IN_SERVICE
_ABSENT = (models.Status.PLANNED, models.Status.ABANDONED)
TYPES, PLACES, WAYS = ("cable type",), ("chamber", "site"), ("duct", "segment")


def read_cable_types(c: Collector) -> dict[str, CableType]:
    document = c.document("inventory/cable-types.yaml", models.CableTypesFile)
    types: dict[str, CableType] = {}
    for index, item in enumerate(document.value.cable_types if document else ()):
        assert document is not None
        if c.declare("cable type", item.id, document.at("cable_types", index)):
            attenuation = {Wavelength(nm): (span.min, span.max) for nm, span in item.attenuation.items()}
            types[item.id] = CableType(
                item.id,
                item.strands,
                item.tubes,
                item.colours,
                item.fibre,
                item.helix,
                item.group_index,
                attenuation,
                item.diameter,
            )
    return types


def read_cables(
    c: Collector, types: Mapping[str, CableType], segments: Mapping[str, Segment], ducts: Mapping[str, Duct]
) -> dict[str, Cable]:
    cables: dict[str, Cable] = {}
    absent = frozenset(
        key for things in (segments, ducts) for key, one in things.items() if one.life.status in _ABSENT
    )
    for entry in (
        *c.listed("inventory/cables.yaml", "cables"),
        *c.rows("inventory/cables.csv", "inventory/cables.yaml"),
    ):
        origin = entry.origin
        if not c.declare("cable", entry.item.id, origin):
            continue
        cable = _cable(c, entry, origin, types, segments, ducts, absent)
        if cable is not None:
            cables[cable.id] = cable
    c.note_unknown_owners("cable", cables.values())
    return cables


def _cable(
    c: Collector,
    entry: Entry[models.CableBase],
    origin: Source,
    types: Mapping[str, CableType],
    segments: Mapping[str, Segment],
    ducts: Mapping[str, Duct],
    absent: frozenset[str],
) -> Cable | None:
    """One cable, or None when its route cannot be told (then why is reported).

    `absent`: segments and ducts that are not there yet or any more.
    """
    item = entry.item
    address = f"cable {item.id}"
    if not all(name in ducts or name in segments for name in item.route):
        _all_there(c, entry, address)
        return None  # not there, or declared but faulty: reported where it is declared
    if item.type not in types or not (c.known(PLACES, item.a) and c.known(PLACES, item.b)):
        _all_there(c, entry, address)
        return None
    route = _route(item, segments, ducts)
    if isinstance(route, str):
        c.error(
            "cable-route-not-contiguous",
            f"the route of cable {item.id} does not lead from {item.a} to {item.b}",
            address,
            entry.where("route"),
            detail=route,
            hint="List the ducts in order from end a; split a cable that passes a place twice.",
        )
        return None
    passages, places = route
    if not passages and item.sheath is None:
        c.error(
            "cable-length-unknown",
            f"cable {item.id} has neither a route nor a sheath length",
            address,
            origin,
            hint="Give one of the two.",
        )
        return None
    written: Sequence[models.SlackModel] = getattr(item, "slack", ())
    slack = _slack(c, entry, written, places) if written else {}
    loops = sum(slack.values())
    steps = [float(segments[name].length) for name in map(_SEGMENT, passages)]
    route_length = sum(steps)
    sheath = item.sheath if item.sheath is not None else Length(route_length + loops)
    if passages:
        _check_sheath(c, entry, sheath, loops, route_length)
        scale = max(sheath - loops, 0.0) / route_length if route_length else 0.0
        steps = [step * scale for step in steps]
    else:
        steps = [max(sheath - loops, 0.0)]
    life = c.life(entry.defaults, item, address, origin)
    if life.status is _IN_SERVICE and not (
        absent.isdisjoint(item.route) and absent.isdisjoint(map(_SEGMENT, passages))
    ):
        _check_holders(c, item.id, passages, segments, ducts, origin)
    return Cable(
        item.id,
        item.type,
        places,
        passages,
        _marks(places, steps, slack, sheath),
        sheath,
        slack,
        _faults(c, entry, getattr(item, "faults", ()), types[item.type].strands, sheath),
        life,
        origin,
        (item.was, item.was_from) if item.was is not None and item.was_from is not None else None,
    )


def _all_there(c: Collector, entry: Entry[models.CableBase], address: str) -> None:
    """Report everything that a cable names and that is declared nowhere."""
    item = entry.item
    c.known(TYPES, item.type) or c.missing(TYPES, item.type, address, entry.where("type"))
    for key, end in (("a", item.a), ("b", item.b)):
        c.known(PLACES, end) or c.missing(PLACES, end, address, entry.where(key))
    for place, name in enumerate(item.route):
        c.known(WAYS, name) or c.missing(WAYS, name, address, entry.where("route", place))


def _route(
    item: models.CableBase, segments: Mapping[str, Segment], ducts: Mapping[str, Duct]
) -> tuple[tuple[Passage, ...], tuple[str, ...]] | str:
    """Passages and places from end a, or why the parts of the route do not join. A duct may be run either way."""
    if not item.route:
        return (), (item.a, item.b)
    straight = _straight(item, segments, ducts)
    if straight is not None:
        return straight
    for name in item.route:
        if name in ducts and name in segments:
            return f"{name} is a duct and a segment: rename one of the two."
    ends = _runs(item, segments, ducts)
    stations = chain(list(zip(item.route, ends, strict=True)), item.a)
    if isinstance(stations, str):
        return stations
    if stations[-1] != item.b:
        return f"The route ends at {stations[-1]}, the cable at {item.b}."
    passages: list[Passage] = []
    for name, start, stop in zip(item.route, stations, stations[1:], strict=False):
        if name in ducts:
            passages += [Passage(segment, name) for segment in _between(ducts[name], segments, start, stop)]
        else:
            passages.append(Passage(name, None))
    places = chain([(p.segment, (segments[p.segment].a, segments[p.segment].b)) for p in passages], item.a)
    return places if isinstance(places, str) else (tuple(passages), tuple(places))


def _straight(
    item: models.CableBase, segments: Mapping[str, Segment], ducts: Mapping[str, Duct]
) -> tuple[tuple[Passage, ...], tuple[str, ...]] | None:
    """Passages and places of a route through whole ducts and segments that join; None where more is to be said."""
    here = item.a
    places, passages = [here], list[Passage]()
    for name in item.route:
        duct = ducts.get(name)
        run: Sequence[str]
        held = None if duct is None else name
        if duct is None:
            run = (name,)
        elif name in segments or duct.openings:
            return None
        else:
            run = duct.segments if duct.ends[0] == here else duct.segments[::-1]
        for passed in run:
            segment = segments[passed]
            if segment.a == here:
                here = segment.b
            elif segment.b == here:
                here = segment.a
            else:
                return None
            places.append(here)
            passages.append(Passage(passed, held))
    if here != item.b or len(set(places)) != len(places):
        return None
    return tuple(passages), tuple(places)


def _runs(
    item: models.CableBase, segments: Mapping[str, Segment], ducts: Mapping[str, Duct]
) -> list[tuple[str, str]]:
    """The two places between which the cable runs in each part of its route.

    They are the ends of the part, but where a duct is opened on its way and the cable comes in or goes out there.
    """
    ends = [ducts[name].ends if name in ducts else (segments[name].a, segments[name].b) for name in item.route]
    if not any(name in ducts and ducts[name].openings for name in item.route):
        return ends
    doors = [
        (*run, *ducts[name].openings) if name in ducts else run for name, run in zip(item.route, ends, strict=True)
    ]
    here = item.a
    for number, name in enumerate(item.route):
        if name in ducts and ducts[name].openings and here in doors[number]:
            wanted = doors[number + 1] if number + 1 < len(doors) else (item.b,)
            way_out = next((door for door in doors[number] if door != here and door in wanted), None)
            if way_out is not None:
                ends[number] = here, way_out
        a, b = ends[number]
        here = b if here == a else a
    return ends


def _between(duct: Duct, segments: Mapping[str, Segment], start: str, stop: str) -> list[str]:
    """The segments of a duct from one of its places to another, in the order in which they are passed."""
    if (start, stop) == duct.ends:
        return list(duct.segments)
    if (stop, start) == duct.ends:
        return list(reversed(duct.segments))
    places = chain([(name, (segments[name].a, segments[name].b)) for name in duct.segments], duct.ends[0])
    assert not isinstance(places, str)  # the duct was read
    first, last = places.index(start), places.index(stop)
    run = list(duct.segments[min(first, last) : max(first, last)])
    return run if first < last else run[::-1]


def _slack(
    c: Collector, entry: Entry[models.CableBase], loops: Iterable[models.SlackModel], places: Sequence[str]
) -> dict[str, Length]:
    item = entry.item
    slack: dict[str, Length] = {}
    for number, loop in enumerate(loops):
        if loop.at in places:
            slack[loop.at] = Length(slack.get(loop.at, 0.0) + loop.length)
        else:
            c.error(
                "slack-off-route",
                f"cable {item.id} keeps a loop at {loop.at}, where it does not pass",
                f"cable {item.id}",
                entry.where("slack", number),
                hint=f"It passes {', '.join(places)}.",
            )
    return slack


def _check_sheath(c: Collector, entry: Entry[models.CableBase], sheath: float, loops: float, route: float) -> None:
    """Warn when the sheath without loops is shorter than the route, or longer than cables are laid."""
    low, high = SHEATH_RATIO
    straight = sheath - loops
    if low * route - SHEATH_TOLERANCE <= straight <= high * route + SHEATH_TOLERANCE:
        return
    c.warning(
        "sheath-length-unlikely",
        f"cable {entry.item.id} is {straight / route:.3f} times as long as its route"
        if route
        else "the route has no length",
        f"cable {entry.item.id}",
        entry.where("sheath"),
        detail=f"Sheath {format_length(round(sheath))}, of that loops {format_length(round(loops))}, "
        f"route {format_length(round(route))}; usual is {low} to {high}.",
        hint="Check the sheath marks, the loops and the route.",
    )


def _faults(
    c: Collector,
    entry: Entry[models.CableBase],
    written: Iterable[models.StrandFaultModel],
    capacity: int,
    sheath: Length,
) -> tuple[StrandFault, ...]:
    item = entry.item
    faults: list[StrandFault] = []
    for number, fault in enumerate(written):
        where = entry.where("faults", number)
        if max(fault.strands) > capacity:
            c.error(
                "strand-beyond-capacity",
                f"cable {item.id} has {capacity} strands, not {max(fault.strands)}",
                f"cable {item.id}",
                where,
                hint="Correct the strand number or the cable type.",
            )
        elif fault.at > sheath:
            c.error(
                "fault-beyond-cable",
                f"the fault is {format_length(fault.at)} along a cable of {format_length(round(sheath))}",
                f"cable {item.id}",
                where,
                hint="Distances count along the sheath from end a.",
            )
        else:
            faults.append(StrandFault(frozenset(fault.strands), fault.at, fault.note))
    return tuple(faults)


def _marks(
    places: Sequence[str], steps: Sequence[float], slack: Mapping[str, Length], sheath: Length
) -> tuple[float, ...]:
    """Positions along the sheath: the middle of each place's loop; 0 and the whole sheath at the ends."""
    marks = [0.0]
    if not slack:  # most have none
        for step in steps:
            marks.append(marks[-1] + step)
        marks[-1] = float(sheath)
        return tuple(marks)
    position = float(slack.get(places[0], 0.0))
    for (_, place), step in zip(pairwise(places), steps, strict=True):
        position += step
        loop = float(slack.get(place, 0.0))
        marks.append(position + loop / 2)
        position += loop
    marks[-1] = float(sheath)
    return tuple(marks)


def _check_holders(
    c: Collector,
    cable: str,
    passages: Sequence[Passage],
    segments: Mapping[str, Segment],
    ducts: Mapping[str, Duct],
    origin: Source,
) -> None:
    """Glass in service cannot lie in works that do not exist yet or any more (a blocked duct cuts nothing)."""
    holders: list[tuple[str, Segment | Duct]] = [("segment", segments[p.segment]) for p in passages]
    holders += [("duct", ducts[p.duct]) for p in passages if p.duct is not None]
    absent = [(kind, one) for kind, one in holders if one.life.status in _ABSENT]
    for kind, name, status in dict.fromkeys((kind, one.id, one.life.status) for kind, one in absent):
        c.warning(
            "status-contradiction",
            f"cable {cable} is in service in a {kind} that is {status}",
            f"cable {cable}",
            origin,
            detail=f"The {kind} is {name}.",
            hint="Correct the status of one of the two.",
        )
