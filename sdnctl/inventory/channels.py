"""Lit channels: which light is on which glass. A transmitter occupies strands at its wavelength, not strands.

Several channels share a strand through muxes, or both ways on one strand. Two that cannot be told apart by their
wavelength must not meet, whichever way they run: light that comes together stays together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from sdnctl.inventory.collect import Collector
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.optics import ATTENUATION_REACH
from sdnctl.inventory.passives import PASS_BAND
from sdnctl.inventory.plant import Plant, PortEnd, StrandEnd, Transceiver
from sdnctl.inventory.tracing import StepKind, Trace, branches

_DIVIDING = ("mux", "splitter")


class Lit(NamedTuple):
    """Light of a transmitter on a strand, from place number `low` to `high` of its cable."""

    cable: str
    strand: int
    low: int
    high: int
    wavelength: Wavelength
    by: PortEnd


def alike(a: Wavelength, b: Wavelength) -> bool:
    """Whether two channels cannot be told apart on one strand.

    A whole number of nanometres is how coarse channels are named, whose lasers may be 6.5 nm off; a fraction names
    a dense one, which is exact.
    """
    return abs(a - b) <= max(_width(a), _width(b))


def _width(wavelength: Wavelength) -> float:
    return PASS_BAND["cwdm"] if float(wavelength).is_integer() else PASS_BAND["dwdm-100"]


def transmitters(plant: Plant) -> Iterator[tuple[PortEnd, Transceiver]]:
    """Transmitters in service that are plugged in, and what they are."""
    for switch in plant.switches.values():
        for port in switch.ports.values() if switch.life.in_service() else ():
            end = PortEnd(switch.id, port.number, "bidi" if "bidi" in port.lanes else "tx")
            kind = plant.transceivers.get(port.transceiver) if port.transceiver else None
            if kind is not None and port.life.in_service() and end in plant.jumper_at:
                yield end, kind


def lit_by(end: PortEnd, wavelength: Wavelength, ways: Iterable[Trace]) -> Iterator[Lit]:
    """The glass that a transmitter lights, each stretch once."""
    seen = set[Lit]()
    for way in ways:
        for step in way.steps:
            enter, leave = step.enter, step.leave
            if step.kind is StepKind.STRAND and isinstance(enter, StrandEnd) and isinstance(leave, StrandEnd):
                low, high = sorted((enter.place, leave.place))
                found = Lit(step.via, enter.strand, low, high, wavelength, end)
                if found not in seen:
                    seen.add(found)
                    yield found


def lit_channels(plant: Plant) -> Mapping[tuple[str, int], Sequence[Lit]]:
    """All light that transmitters in service send into the plant, by cable and strand."""
    found: dict[tuple[str, int], list[Lit]] = defaultdict(list)
    for end, kind in transmitters(plant):
        for lit in lit_by(end, kind.wavelength, branches(plant, end, wavelength=kind.wavelength)):
            found[lit.cable, lit.strand].append(lit)
    return found


def clashes(plant: Plant) -> Iterator[tuple[Lit, Lit]]:
    """Pairs of transmitters whose light meets on a strand at wavelengths that are alike; each pair once.

    The two ends of one strand that do not even understand each other are the link's own fault (`links`).
    """
    divided = any(passive.kind in _DIVIDING for passive in plant.passives.values())
    kinds = {
        end: kind
        for end, kind in transmitters(plant)
        if divided or (end.lane == "bidi" and alike(kind.wavelength, kind.rx_wavelength))
    }
    here: dict[tuple[str, int], list[Lit]] = defaultdict(list)
    facing = set[frozenset[PortEnd]]()
    for end, kind in kinds.items():
        ways = tuple(branches(plant, end, wavelength=kind.wavelength))
        facing.update(frozenset((end, way.end)) for way in ways if isinstance(way.end, PortEnd))
        for lit in lit_by(end, kind.wavelength, ways):
            here[lit.cable, lit.strand].append(lit)
    told = set[frozenset[PortEnd]]()
    for found in here.values():
        for one, two in combinations(found, 2):
            pair = frozenset((one.by, two.by))
            meets = one.low < two.high and two.low < one.high and alike(one.wavelength, two.wavelength)
            deaf = pair in facing and not _hear(kinds[one.by], kinds[two.by])
            if len(pair) == 2 and meets and not deaf and pair not in told:
                told.add(pair)
                yield one, two


def _hear(a: Transceiver, b: Transceiver) -> bool:
    return (
        abs(a.wavelength - b.rx_wavelength) <= ATTENUATION_REACH
        and abs(b.wavelength - a.rx_wavelength) <= ATTENUATION_REACH
    )


def check_channels(c: Collector, plant: Plant) -> None:
    """Report transmitters that light the same strand at the same wavelength."""
    for one, two in clashes(plant):
        port = plant.switches[two.by.switch].ports[two.by.port]
        both = (
            f"{one.wavelength} nm"
            if one.wavelength == two.wavelength
            else f"{one.wavelength} and {two.wavelength} nm"
        )
        c.error(
            "wavelength-taken",
            f"{one.by} and {two.by} both light strand {one.strand} of cable {one.cable} at {both}",
            f"switch {two.by.switch} port {two.by.port}",
            port.origin,
            detail=f"A lit channel occupies a strand at its wavelength; {one.by} is described at "
            f"{plant.switches[one.by.switch].ports[one.by.port].origin}.",
            hint="Use optics of another wavelength for one of the two, or another strand.",
        )
