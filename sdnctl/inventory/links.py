"""Optical links: which two ports face each other over the plant, and whether light gets through both ways.

A link needs two directed chains, from the transmitter of each port to the receiver of the other (or one
strand with a wavelength each way). What does not form such a pair, or forms one that cannot carry
traffic, is reported as a warning with the numbers: dark glass is no fault of the network folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.optics import (
    ATTENUATION_REACH,
    DirectedBudget,
    UnknownAttenuation,
    budget,
    chain_delay,
)
from sdnctl.inventory.plant import (
    Lane,
    Life,
    OdfPosition,
    Plant,
    Port,
    PortEnd,
    StrandEnd,
    Switch,
    Terminal,
    Transceiver,
)
from sdnctl.inventory.tracing import Step, StepKind, Trace, branches, trace
from sdnctl.units import Bitrate, Delay, Length


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a link cannot carry traffic, as parts of a diagnostic."""

    code: str
    summary: str
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class OpticalLink:
    """Two ports that face each other: `there` leads from a to b, `back` from b to a.

    `length` and `delay` are of the longer direction. `budgets` has one entry per direction, none where a
    transceiver is not known. Only a link without faults carries traffic.
    """

    a: PortEnd
    b: PortEnd
    there: Trace
    back: Trace
    length: Length
    delay: Delay
    rate: Bitrate | None
    budgets: tuple[DirectedBudget, ...]
    faults: tuple[Fault, ...]
    origin: Source

    @property
    def usable(self) -> bool:
        return not self.faults

    @property
    def address(self) -> str:
        return f"link {self.a.switch}:{self.a.port} – {self.b.switch}:{self.b.port}"


def optical_links(plant: Plant, on: date | None = None) -> tuple[tuple[OpticalLink, ...], Diagnostics]:
    """Every pair of ports that face each other, in order of their ends, and warnings for those that do not work.

    `on` is the day for which validity dates are read; without it only the status counts.
    """
    diagnostics = Diagnostics()
    links: list[OpticalLink] = []
    told: set[frozenset[PortEnd]] = set()
    light = _Light(plant)
    for switch, port in _ports(plant):
        start = PortEnd(switch.id, port.number, "bidi" if "bidi" in port.lanes else "tx")
        if start not in plant.jumper_at or (switch.id, port.number) in plant.access:
            continue  # a port without jumper is free; access lines are followed in `access.py`
        there = light.of(start)
        address = f"switch {switch.id} port {port.number}"
        fault = _pairing_fault(plant, start, there, light)
        if fault is not None:
            ends = frozenset({start, there.end} if isinstance(there.end, PortEnd) else {start})
            if ends not in told:
                told.add(ends)
                _warn(diagnostics, fault, address, port.origin)
            continue
        assert isinstance(there.end, PortEnd)
        far = there.end
        if (start.switch, start.port) > (far.switch, far.port):
            continue  # found from its other end
        link = _link(plant, start, far, there, light, on)
        links.append(link)
        for fault in link.faults:
            _warn(diagnostics, fault, link.address, link.origin)
    return tuple(links), diagnostics


FACING: Mapping[Lane, Lane] = {"tx": "rx", "rx": "tx", "bidi": "bidi"}
"""What a lane faces at the other end of its glass."""


def _lane(end: PortEnd, lane: Lane) -> PortEnd:
    return PortEnd(end.switch, end.port, lane)


def _ports(plant: Plant) -> Iterator[tuple[Switch, Port]]:
    for key in sorted(plant.switches):
        switch = plant.switches[key]
        for number in sorted(switch.ports):
            yield switch, switch.ports[number]


def _warn(diagnostics: Diagnostics, fault: Fault, address: str, origin: Source) -> None:
    diagnostics.warning(
        fault.code, fault.summary, address=address, source=origin, detail=fault.detail, hint=fault.hint
    )


def _transceiver(plant: Plant, port: Port) -> Transceiver | None:
    return plant.transceivers.get(port.transceiver) if port.transceiver else None


@dataclass(frozen=True, slots=True)
class _Light:
    """Where the light of transmitters goes; each is followed once, though both ends of a link ask.

    Light that a splitter shares out goes where it is answered from; where several answer, it is said to be split.
    """

    plant: Plant
    known: dict[PortEnd, Trace] = field(default_factory=dict)

    def of(self, start: PortEnd) -> Trace:
        if start not in self.known:
            found = trace(self.plant, start, wavelength=self._wavelength(start))
            if found.broken is not None and found.broken.cause == "split":
                answering = [way for way in self._ways(start) if self._answers(start, way.end)]
                found = answering[0] if len(answering) == 1 else found
            self.known[start] = found
        return self.known[start]

    def _wavelength(self, start: PortEnd) -> Wavelength | None:
        kind = _transceiver(self.plant, self.plant.switches[start.switch].ports[start.port])
        return kind.wavelength if kind else None

    def _ways(self, start: PortEnd) -> Iterator[Trace]:
        return branches(self.plant, start, wavelength=self._wavelength(start))

    def _answers(self, start: PortEnd, far: Terminal) -> bool:
        """Whether light comes back from where that of a transmitter arrives."""
        if not isinstance(far, PortEnd) or far.lane != FACING[start.lane]:
            return False
        answer, home = (far, start) if start.lane == "bidi" else (_lane(far, "tx"), _lane(start, "rx"))
        return any(way.end == home for way in self._ways(answer))


def _pairing_fault(plant: Plant, start: PortEnd, there: Trace, light: _Light) -> Fault | None:
    """Why the light of `start` does not arrive at the receiver of a port that answers, or None."""
    end = there.end
    if there.broken is not None or not isinstance(end, PortEnd):
        text = there.broken.text if there.broken else ""
        return Fault(
            "link-broken",
            f"the light of {start} does not arrive at a port",
            detail=f"It ends after {there.length:.0f} m: {text}.",
            hint="Patch or splice what is missing, or remove the jumper from the port.",
        )
    if (end.switch, end.port) == (start.switch, start.port):
        return Fault("port-loop", f"{start} is looped back to itself", hint="Remove the loop.")
    if (end.switch, end.port) in plant.access:
        return Fault(
            "link-to-customers",
            f"the light of {start} arrives at {end}, a port of customers",
            hint="Correct the jumpers, or take the terminal from the endpoints of that port.",
        )
    if end.lane != FACING[start.lane]:
        if start.lane == end.lane == "tx":
            return Fault(
                "reversed-polarity",
                f"transmitter {start} faces transmitter {end}",
                detail="The two strands are not crossed between these ports, so neither hears the other.",
                hint="Exchange tx and rx at one of the two ports.",
            )
        return Fault("lane-mismatch", f"{start} faces {end}", hint="Correct the jumper of one of them.")
    single = start.lane == "bidi"
    answering, home = (end, start) if single else (_lane(end, "tx"), _lane(start, "rx"))
    answer = light.of(answering)
    if answer.end != home:
        text = answer.broken.text if answer.broken else f"it arrives at {answer.end}"
        return Fault(
            "one-way-link",
            f"{start} reaches {end}, but the way back fails",
            detail=f"From {answering}: {text}.",
            hint="Correct what is on the way of the second wavelength."
            if single
            else "Correct the second strand.",
        )
    return None


def _link(plant: Plant, a: PortEnd, b: PortEnd, there: Trace, light: _Light, on: date | None) -> OpticalLink:
    """The link between two ports that face each other, with all that keeps it from carrying traffic."""
    port_a, port_b = plant.switches[a.switch].ports[a.port], plant.switches[b.switch].ports[b.port]
    kind_a, kind_b = _transceiver(plant, port_a), _transceiver(plant, port_b)
    back = light.of(b if b.lane == "bidi" else PortEnd(b.switch, b.port, "tx"))
    faults: list[Fault] = []
    if port_a.rate is not None and port_b.rate is not None and port_a.rate != port_b.rate:
        faults.append(
            Fault("rate-mismatch", f"{a} and {b} run at different rates", hint="Use equal transceivers.")
        )
    faults.extend(life_faults(plant, (a, b), (there, back), on))
    budgets: list[DirectedBudget] = []
    if kind_a is not None and kind_b is not None:
        for tx, rx, chain in ((kind_a, kind_b, there), (kind_b, kind_a, back)):
            if abs(tx.wavelength - rx.rx_wavelength) > ATTENUATION_REACH:
                faults.append(
                    Fault(
                        "wavelength-mismatch",
                        f"{tx.id} sends {tx.wavelength} nm, {rx.id} expects {rx.rx_wavelength} nm",
                        hint="Use transceivers of one kind, or the two halves of a pair.",
                    )
                )
                continue
            try:
                figures = budget(plant, chain, tx, rx)
            except UnknownAttenuation as unknown:
                faults.append(
                    Fault("unknown-attenuation", str(unknown), hint="Give it in inventory/cable-types.yaml.")
                )
                continue
            budgets.append(figures)
            faults.extend(_budget_faults(figures, chain, tx, rx))
    rates = [rate for rate in (port_a.rate, port_b.rate) if rate is not None]
    return OpticalLink(
        a,
        b,
        there,
        back,
        max(there.length, back.length),
        Delay(max(chain_delay(plant, there), chain_delay(plant, back))),
        min(rates, default=None),
        tuple(budgets),
        _once(faults),
        port_a.origin,
    )


def _once(faults: list[Fault]) -> tuple[Fault, ...]:
    """One fault per summary, the first: both directions of a link mostly fail alike."""
    return tuple({fault.summary: fault for fault in reversed(faults)}.values())[::-1]


def _budget_faults(figures: DirectedBudget, chain: Trace, tx: Transceiver, rx: Transceiver) -> Iterator[Fault]:
    loss, way = figures.loss, f"From {chain.start} to {chain.end} over {chain.length / 1000:.2f} km"
    if not figures.closes:
        yield Fault(
            "optical-budget",
            f"{tx.id} does not reach: margin {figures.margin:.1f} dB",
            detail=f"{way} up to {loss.max:.1f} dB are lost; {tx.id} to {rx.id} allows {figures.allowed:.1f} dB.",
            hint="Use a transceiver of longer reach, or remove losses on the way.",
        )
    if not figures.safe:
        yield Fault(
            "optical-overload",
            f"{tx.id} overloads its receiver by {-figures.overload:.1f} dB",
            detail=f"{way} as little as {loss.min:.1f} dB may be lost; {rx.id} needs {figures.needed:.1f} dB.",
            hint=f"Add a fixed attenuator of {-figures.overload:.1f} to {figures.margin:.1f} dB."
            if figures.margin >= -figures.overload
            else "No attenuator fits: use a transceiver with another range.",
        )
    if figures.dispersed:
        yield Fault(
            "dispersion",
            f"{tx.id} is limited by dispersion",
            detail=f"{way} {figures.dispersion:.0f} ps/nm collect; the limit is {figures.dispersion_limit:.0f}.",
            hint="Use a transceiver with a higher limit, or compensate.",
        )


def life_faults(
    plant: Plant, ends: Iterable[PortEnd], chains: Iterable[Trace], on: date | None
) -> Iterator[Fault]:
    """One fault for each thing on the way that is not in service."""
    things: dict[str, Life] = {}
    for end in ends:
        switch = plant.switches[end.switch]
        port = switch.ports[end.port].life
        if not port.in_service(on):
            things[f"port {end.switch}:{end.port}"] = port
        if not switch.life.in_service(on):
            things[f"switch {end.switch}"] = switch.life
    doubtful = _doubtful(plant, on)
    for chain in chains:
        for step in chain.steps:
            for name, thing, life in _lives(plant, step) if step.via in doubtful else ():
                if not life.in_service(on):
                    things[f"{name} {thing}"] = life
    for name, life in things.items():
        state = str(life.status)
        if Life(status=life.status).in_service():
            state = f"valid from {life.valid_from or 'ever'} to {life.valid_to or 'ever'}"
        yield _not_in_service(name, state)


def _doubtful(plant: Plant, on: date | None) -> frozenset[str]:
    """What a step may run `via` that is not in service, or has parts that live otherwise than the whole.

    That is little of a network, and every step of every chain asks.
    """
    found = plant.doubtful.get(on)
    if found is None:
        wholes = (plant.cables, plant.closures, plant.odfs, plant.passives)
        names = {key for things in wholes for key, thing in things.items() if not thing.life.in_service(on)}
        names.update(run.closure for run in plant.splice_runs if run.life is not None)
        names.update(run.odf for run in plant.termination_runs if run.life is not None)
        if any(jumper.life is not None for jumper in plant.jumpers):
            names.add("jumper")
        found = plant.doubtful[on] = frozenset(names)
    return found


def _lives(plant: Plant, step: Step) -> Iterator[tuple[str, object, Life]]:
    """What must be in service for light to pass a step: kind, name, life."""
    if step.kind is StepKind.STRAND:
        yield "cable", step.via, plant.cables[step.via].life
    elif step.kind is StepKind.SPLICE:
        yield "closure", step.via, plant.closures[step.via].life
        own = plant.splice_at.life(step.enter) if isinstance(step.enter, StrandEnd) else None
        if own is not None:
            yield "the splice", f"{step.enter} – {step.leave}", own
    elif step.kind is StepKind.CONNECTOR:
        yield "ODF", step.via, plant.odfs[step.via].life
        position = step.enter if isinstance(step.enter, OdfPosition) else step.leave
        own = plant.terminations.life(position) if isinstance(position, OdfPosition) else None
        if own is not None:
            yield "the strand on", position, own
    elif step.kind is StepKind.PASSIVE:
        yield "passive", step.via, plant.passives[step.via].life
    else:
        own = plant.jumper_at[step.enter].life
        if own is not None:
            yield "the jumper", f"{step.enter} – {step.leave}", own


def _not_in_service(name: str, state: str) -> Fault:
    return Fault(
        "not-in-service",
        f"{name} is not in service",
        detail=f"It is {state}; only glass in service carries traffic.",
        hint="Change its status when that has become true.",
    )
