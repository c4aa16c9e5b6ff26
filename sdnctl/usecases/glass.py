"""Questions about the plant alone, from the names that people type to values."""

from __future__ import annotations

from sdnctl.errors import Diagnostic, UsageError
from sdnctl.inventory.fields import Wavelength, parse_wavelength
from sdnctl.inventory.finding import find_terminals
from sdnctl.inventory.itinerary import Itinerary, itinerary
from sdnctl.inventory.plant import Plant


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
