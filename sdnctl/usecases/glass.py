"""Questions about the plant alone, from the names that people type to values."""

from __future__ import annotations

import json
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError, Source, UsageError
from sdnctl.inventory.cuts import read_polygon
from sdnctl.inventory.fields import Wavelength, parse_wavelength
from sdnctl.inventory.finding import find_terminals
from sdnctl.inventory.itinerary import Itinerary, itinerary
from sdnctl.inventory.plant import Plant, Point


def follow(plant: Plant, end: str, wavelength: str | None = None) -> tuple[Itinerary, ...]:
    """The chains that an end is on: of a port with two lanes, that on which it sends and that on which it hears.

    Raises InputError where nothing has that name, UsageError for a wavelength that is none.
    """
    light = _wavelength(wavelength)
    return tuple(itinerary(plant, start, light) for start in find_terminals(plant, end))


def _wavelength(text: str | None) -> Wavelength | None:
    try:
        return None if text is None else parse_wavelength(text)
    except ValueError as error:
        raise UsageError(Diagnostic("no-such-wavelength", str(error), hint="write it like '1550 nm'")) from None


def polygons_of(path: Path) -> tuple[tuple[Point, ...], ...]:
    """The outlines in a GeoJSON file; raises InputError that says what is wrong with it."""
    try:
        found = read_polygon(json.loads(path.read_text(encoding="utf-8")))
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
