"""Questions about the plant alone, from the names that people type to values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sdnctl.errors import Diagnostic, Diagnostics, InputError, Severity, Source, UsageError
from sdnctl.inventory.budgets import Advice, LinkBudget, budgets, cheapest
from sdnctl.inventory.days import on_day
from sdnctl.inventory.diversity import LEAD_IN, Comparison, compare
from sdnctl.inventory.fields import Wavelength, parse_wavelength
from sdnctl.inventory.finding import find_place, find_terminals, no_such
from sdnctl.inventory.footprint import Footprint, Stretch, footprint, route_of, together
from sdnctl.inventory.free import Free, Route
from sdnctl.inventory.geometry import Ring
from sdnctl.inventory.itinerary import Itinerary, itineraries, itinerary
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.naming import link_names
from sdnctl.inventory.outlines import read_polygon
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.spare import Channel, free_channels
from sdnctl.plainjson import parse_json
from sdnctl.units import Length


def follow(plant: Plant, end: str, wavelength: str | None = None) -> tuple[Itinerary, ...]:
    """The chains that an end is on: of a port with two lanes, that on which it sends and that on which it hears.

    Where a splitter shares light out there is one for each output in use.

    Raises InputError where nothing has that name, UsageError for a wavelength that is none.
    """
    light = _wavelength(wavelength)
    return tuple(one for start in find_terminals(plant, end) for one in itineraries(plant, start, light))


def as_of(plant: Plant, day: str | None) -> Plant:
    """The plant on a day (``2026-05-31``), or by its statuses alone; raises UsageError for no such day."""
    if day is None:
        return plant
    try:
        return on_day(plant, date.fromisoformat(day))
    except ValueError:
        what = f"{day} is not the date of a day"
        raise UsageError(Diagnostic("no-such-day", what, day, hint="write it like 2026-05-31")) from None


def _wavelength(text: str | None) -> Wavelength | None:
    try:
        return None if text is None else parse_wavelength(text)
    except ValueError as error:
        raise UsageError(Diagnostic("no-such-wavelength", str(error), hint="write it like '1550 nm'")) from None


def polygons_of(path: Path) -> tuple[Ring, ...]:
    """The outlines in a GeoJSON file; raises InputError that says what is wrong with it."""
    try:
        found = read_polygon(parse_json(path.read_bytes()))
    except OSError as error:
        raise InputError(Diagnostic("polygon-unreadable", f"{path} cannot be read", detail=str(error))) from error
    except json.JSONDecodeError as error:
        source = Source(str(path), error.lineno)
        raise InputError(
            Diagnostic("polygon-unreadable", "this is not JSON", str(path), source, detail=error.msg)
        ) from error
    except ValueError as error:
        hint = "Give a GeoJSON file (RFC 7946) with a Polygon in longitude and latitude."
        raise InputError(Diagnostic("bad-polygon", f"{path}: {error}", str(path), hint=hint)) from error
    if not found:
        raise InputError(Diagnostic("bad-polygon", f"{path} has no polygon", str(path), hint="Draw one."))
    return found


def named_links(plant: Plant) -> dict[str, OpticalLink]:
    """Every optical link by name, also those that carry nothing."""
    links = optical_links(plant)[0]
    return dict(zip(link_names(plant, links), links, strict=True))


def find_route(
    plant: Plant, text: str, links: Mapping[str, OpticalLink], paths: Mapping[str, Sequence[str]]
) -> Footprint:
    """The glass that a name means: links, cables, chains from ports or strands, joined by commas.

    `paths` are names of trunks with the links that they run over. Raises InputError with the nearest names.
    """
    parts: list[Footprint] = []
    for name in text.split(","):
        known = [name] if name in links else [link for link in paths.get(name, ()) if link in links]
        if known:
            parts += [route_of(plant, link, (links[link].there, links[link].back)) for link in known]
        elif name in plant.cables:
            cable = plant.cables[name]
            whole = Stretch(name, 0, len(cable.places) - 1)
            parts.append(footprint(plant, name, (cable.a, cable.b), (whole,)))
        elif ":" in name or "/" in name:
            chains = [itinerary(plant, end).chain for end in find_terminals(plant, name)]
            parts.append(route_of(plant, name, chains))
        else:
            names = (*links, *plant.cables, *paths)
            raise InputError(no_such("link, cable, trunk, port or strand", name, names))
    return parts[0] if len(parts) == 1 else together(plant, text, parts)


@dataclass(frozen=True)
class FreeGlass:
    """Routes of free strands between two places, each against the route it should avoid, and free wavelengths.

    `notes`: that there are not so many strands, where only wavelengths are free.
    """

    a: str
    b: str
    count: int
    routes: tuple[Route, ...]
    channels: tuple[Channel, ...]
    against: tuple[Comparison, ...] = ()
    notes: tuple[Diagnostic, ...] = ()


def free_glass(
    plant: Plant,
    a: str,
    b: str,
    count: int,
    *,
    most: int = 3,
    away: Footprint | None = None,
    lead_in: Length = LEAD_IN,
) -> FreeGlass:
    """Up to `most` routes of `count` free strands from a to b, away from another route if one is given.

    Raises InputError where a place is not there, and where no glass leads from one to the other.
    """
    out, places = Diagnostics(), list[str]()
    for name in (a, b):
        try:
            places.append(find_place(plant, name))
        except InputError as error:
            out.extend(error.diagnostics)
    out.raise_if_errors(InputError)
    start, goal = places
    if start == goal:
        raise InputError(Diagnostic("same-place", f"{a} and {b} are the same place", start, hint="Name two."))
    free = Free(plant)
    routes = free.routes(start, goal, count, most, away)
    channels = free_channels(plant, start, goal)
    if not routes and not channels:
        raise InputError(_no_glass(free, start, goal, count))
    notes = () if routes else (replace(_no_glass(free, start, goal, count), severity=Severity.WARNING),)
    against = tuple(compare(plant, route.ground, away, lead_in) for route in routes) if away is not None else ()
    return FreeGlass(start, goal, count, routes, channels, against, notes)


def _no_glass(free: Free, start: str, goal: str, count: int) -> Diagnostic:
    """That there are not so many free strands, and how many there are at most."""
    most = free.most(start, goal)
    fewer = f"Ask for {most} or fewer" if most else "Ask for wavelengths, where there are muxes"
    hint = f"{fewer}, or lay a cable; `sdnctl inventory capacity` shows what is full."
    what = f"no {count} free strands lead from {start} to {goal}"
    detail = f"At most {most} run the same way." if most else "No free strand leads there."
    return Diagnostic("no-free-glass", what, start, detail=detail, hint=hint)


@dataclass(frozen=True)
class Budgets:
    """Budgets of links, and for those where that was asked for or something is wrong, the cheapest optics."""

    links: tuple[LinkBudget, ...]
    advice: Mapping[str, Advice | None]


def light_budgets(plant: Plant, names: Sequence[str] = (), *, advise: bool = False) -> Budgets:
    """Budgets of all optical links or of those named; raises InputError naming every link that is not there."""
    links = named_links(plant)
    out = Diagnostics()
    for name in names:
        if name not in links:
            out.items.append(no_such("optical link", name, links))
    out.raise_if_errors(InputError)
    found = budgets(plant, ((name, links[name]) for name in names or links))
    advice = {one.name: cheapest(plant, one.link) for one in found if advise or one.verdicts}
    return Budgets(found, advice)
