"""A chain of glass told leg by leg: which cable, tube and colour, joined how, at which metre, for how many dB.

The legs are the steps of `tracing`, with what a crew and a planner want to know of each. Losses are spans: the
least and the greatest that accepted plant can have (`optics`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdnctl.inventory.colours import StrandMark, strand_mark
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.links import Fault, life_faults
from sdnctl.inventory.optics import LossSpan, UnknownAttenuation, step_loss
from sdnctl.inventory.plant import Plant, PortEnd, StrandEnd, Terminal
from sdnctl.inventory.tracing import Break, Step, StepKind, Trace, branches, trace
from sdnctl.units import Length, Loss

USUAL = (Wavelength(1310), Wavelength(1550))
"""Wavelengths at which losses are always given: those of acceptance measurements."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One step: `at` is the metre of fibre where it begins, `sheath` the marks on the cable's sheath (from, to).

    `strand` is its number in the cable, `mark` where to find it. `measured`: whether a splice's loss is known from
    both directions. `losses` by wavelength, None where the glass has no figure for it.
    """

    kind: StepKind
    via: str
    enter: Terminal
    leave: Terminal
    places: tuple[str, str]
    at: Length
    length: Length
    strand: int | None
    mark: StrandMark | None
    sheath: tuple[float, float] | None
    measured: bool
    losses: tuple[LossSpan | None, ...]


@dataclass(frozen=True, slots=True)
class Itinerary:
    """The legs from `start` to `end`, told of a traced `chain`.

    `breaks`: why it does not go on, at the start (if it began in the middle of the glass) and at the end. `losses`
    are totals by wavelength, None if a leg's is unknown, or stops that wavelength. `dark`: what on the way is not
    in service, so that no traffic is carried.
    """

    chain: Trace
    legs: tuple[Leg, ...]
    length: Length
    wavelengths: tuple[Wavelength, ...]
    losses: tuple[LossSpan | None, ...]
    breaks: tuple[Break, ...]
    dark: tuple[Fault, ...] = ()

    @property
    def start(self) -> Terminal:
        return self.chain.start

    @property
    def end(self) -> Terminal:
        return self.chain.end

    @property
    def complete(self) -> bool:
        """Whether it leads from a port to a port."""
        return isinstance(self.start, PortEnd) and isinstance(self.end, PortEnd) and not self.breaks

    def count(self, kind: StepKind) -> int:
        return sum(leg.kind is kind for leg in self.legs)


def itinerary(plant: Plant, start: Terminal, wavelength: Wavelength | None = None) -> Itinerary:
    """The whole chain that an end is on: from a port forwards; from anything else, both ways.

    `wavelength` chooses the way through a mux, and is given beside the usual ones; by default it is that of the
    port's transceiver. From a strand of a cable the chain runs the way the cable does, from its end a.
    """
    shown = wavelength if wavelength is not None else _own_wavelength(plant, start)
    forward = trace(plant, start, wavelength=shown)
    return _whole(plant, start, shown, forward)


def itineraries(plant: Plant, start: Terminal, wavelength: Wavelength | None = None) -> tuple[Itinerary, ...]:
    """Like `itinerary`, one for each way that light takes from an end: several where a splitter shares it out."""
    shown = wavelength if wavelength is not None else _own_wavelength(plant, start)
    ways = branches(plant, start, wavelength=shown)
    return tuple(_whole(plant, start, shown, way) for way in ways)


def _whole(plant: Plant, start: Terminal, shown: Wavelength | None, forward: Trace) -> Itinerary:
    """What leads up to an end, and what goes on from it, as one chain."""
    breaks = [forward.broken] if forward.broken else []
    chain = forward
    if not isinstance(start, PortEnd) and not (forward.broken and forward.broken.cause == "loop"):
        backward = trace(plant, start, wavelength=shown, backwards=True)
        chain = Trace(backward.end, forward.end, (*backward.reversed().steps, *forward.steps))
        if backward.broken:
            breaks.insert(0, backward.broken)
        if isinstance(start, StrandEnd) and start.side == "b":
            chain = chain.reversed()
            breaks.reverse()
    return told(plant, chain, tuple(breaks), _wavelengths(shown))


def told(
    plant: Plant, chain: Trace, breaks: tuple[Break, ...], wavelengths: tuple[Wavelength, ...] = USUAL
) -> Itinerary:
    """A traced chain, leg by leg."""
    legs: list[Leg] = []
    position = 0.0
    for step in chain.steps:
        legs.append(_leg(plant, step, Length(position), wavelengths))
        position += step.length
    totals = tuple(_sum([leg.losses[index] for leg in legs]) for index in range(len(wavelengths)))
    ports = [end for end in (chain.start, chain.end) if isinstance(end, PortEnd)]
    dark = tuple(life_faults(plant, ports, (chain,), None))
    return Itinerary(chain, tuple(legs), Length(position), wavelengths, totals, breaks, dark)


def _leg(plant: Plant, step: Step, at: Length, wavelengths: Sequence[Wavelength]) -> Leg:
    strand, mark, sheath, measured = None, None, None, False
    if step.kind is StepKind.STRAND and isinstance(step.enter, StrandEnd) and isinstance(step.leave, StrandEnd):
        cable = plant.cables[step.via]
        strand = step.enter.strand
        mark = strand_mark(plant.cable_types[cable.type], strand)
        sheath = cable.marks[step.enter.place], cable.marks[step.leave.place]
    elif step.kind is StepKind.SPLICE and isinstance(step.enter, StrandEnd):
        measured = plant.splice_at.loss(step.enter) is not None
    places = plant.place_of(step.enter), plant.place_of(step.leave)
    losses = tuple(_loss(plant, step, nm) for nm in wavelengths)
    return Leg(
        step.kind,
        step.via,
        step.enter,
        step.leave,
        places,
        at,
        step.length,
        strand,
        mark,
        sheath,
        measured,
        losses,
    )


def _loss(plant: Plant, step: Step, wavelength: Wavelength) -> LossSpan | None:
    try:
        low, high = step_loss(plant, step, wavelength)
    except UnknownAttenuation:
        return None
    return LossSpan(Loss(low), Loss(high))


def _sum(spans: Sequence[LossSpan | None]) -> LossSpan | None:
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return None
    return LossSpan(Loss(sum(span.min for span in known)), Loss(sum(span.max for span in known)))


def _own_wavelength(plant: Plant, start: Terminal) -> Wavelength | None:
    """What a port sends on a lane, or hears on its receiver."""
    if not isinstance(start, PortEnd):
        return None
    port = plant.switches[start.switch].ports[start.port]
    kind = plant.transceivers.get(port.transceiver) if port.transceiver else None
    if kind is None:
        return None
    return kind.rx_wavelength if start.lane == "rx" else kind.wavelength


def _wavelengths(shown: Wavelength | None) -> tuple[Wavelength, ...]:
    return USUAL if shown is None else tuple(sorted({*USUAL, shown}))
