"""Access lines: the glass from an edge port to the terminal at a customer's place, and whether light gets there.

An access port has one strand (`bidi`) or two (`tx`, `rx`); each is followed through ODFs, distribution cable,
splices and drop. The one on which the port sends ends at the terminal that its endpoints name, the other next
to it. What does not is reported as a warning with the place where the glass ends, like a dark link: it is no
fault of the network folder, but nobody behind it has service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.links import Fault, life_faults
from sdnctl.inventory.optics import LossSpan, UnknownAttenuation, chain_delay, chain_loss
from sdnctl.inventory.plant import AccessPort, Lane, OdfPosition, Plant, PortEnd, StrandEnd, Terminal
from sdnctl.inventory.tracing import StepKind, Trace, branches, trace
from sdnctl.quick import quick
from sdnctl.units import Delay, Length

_SHOWN = 5
"""How many lines a warning about many of them names."""


@quick
@dataclass(frozen=True, slots=True)
class LineLoss:
    """Loss between port and terminal at one wavelength: `down` is what the port sends, `up` what it receives."""

    direction: Literal["down", "up"]
    wavelength: Wavelength
    loss: LossSpan


@quick
@dataclass(frozen=True, slots=True)
class AccessLine:
    """The glass from a port to a terminal, with the endpoints behind it.

    `chains`: the walk from the port on each of its strands, that on which it sends first. `length` and `delay` are
    of the longer; `losses` at the wavelengths of the port's transceiver, none where it has none. Only a line
    without faults carries traffic.
    """

    switch: str
    port: int
    endpoints: tuple[str, ...]
    terminal: Terminal
    place: str
    chains: tuple[Trace, ...]
    length: Length
    delay: Delay
    losses: tuple[LineLoss, ...]
    faults: tuple[Fault, ...]
    origin: Source

    @property
    def usable(self) -> bool:
        return not self.faults

    @property
    def address(self) -> str:
        return f"access line {self.switch}:{self.port}"


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a line runs through, by id; `places` are chambers and sites, `closures` where it is spliced."""

    segments: frozenset[str]
    ducts: frozenset[str]
    cables: frozenset[str]
    places: frozenset[str]
    closures: frozenset[str]


def access_lines(plant: Plant, on: date | None = None) -> tuple[tuple[AccessLine, ...], Diagnostics]:
    """The line of every access port with endpoints in service, by switch and port, and warnings for dark ones.

    `on` is the day for which validity dates are read; without it only the status counts.
    """
    lines = tuple(
        _line(plant, plant.access[key], on) for key in sorted(plant.access) if plant.access[key].endpoints
    )
    out = Diagnostics()
    alike: dict[tuple[str, str], list[tuple[AccessLine, Fault]]] = defaultdict(list)
    for line in lines:
        for fault in line.faults:
            alike[fault.code, fault.summary].append((line, fault))
    for found in alike.values():
        _warn(found, out)
    return lines, out


def crossing(plant: Plant, line: AccessLine) -> Crossing:
    """Everything that a line runs through or meets."""
    segments, ducts, cables, places, closures = set[str](), set[str](), set[str](), set[str](), set[str]()
    for chain in line.chains:
        for step in chain.steps:
            places.update((plant.place_of(step.enter), plant.place_of(step.leave)))
            if step.kind is StepKind.SPLICE:
                closures.add(step.via)
            if not (isinstance(step.enter, StrandEnd) and isinstance(step.leave, StrandEnd)):
                continue
            if step.kind is not StepKind.STRAND:
                continue
            cable = plant.cables[step.via]
            first, last = sorted((step.enter.place, step.leave.place))
            cables.add(cable.id)
            places.update(cable.places[first : last + 1])
            for passage in cable.passages[first:last]:
                segments.add(passage.segment)
                ducts.update(plant.enclosing(passage.duct))
    return Crossing(*map(frozenset, (segments, ducts, cables, places, closures)))


def lines_by_risk(plant: Plant, lines: Iterable[AccessLine]) -> Mapping[str, tuple[AccessLine, ...]]:
    """Lines that one event takes away: ``segment:…``, ``duct:…``, ``cable:…``, ``chamber:…``, ``building:…``."""
    found: dict[str, list[AccessLine]] = defaultdict(list)
    for line in lines:
        met = crossing(plant, line)
        names = [f"segment:{name}" for name in met.segments]
        names += [f"duct:{name}" for name in met.ducts]
        names += [f"cable:{name}" for name in met.cables]
        names += [f"{'building' if name in plant.sites else 'chamber'}:{name}" for name in met.places]
        for name in names:
            found[name].append(line)
    return {name: tuple(found[name]) for name in sorted(found)}


# ── one line ─────────────────────────────────────────────────────────────────────────────────────


def _line(plant: Plant, access: AccessPort, on: date | None) -> AccessLine:
    switch = plant.switches[access.switch]
    port = switch.ports.get(access.port)
    kind = plant.transceivers.get(port.transceiver) if port is not None and port.transceiver else None
    lanes: tuple[Lane, ...] = port.lanes if port is not None else ()
    starts = [PortEnd(access.switch, access.port, lane) for lane in lanes]
    patched = [start for start in starts if start in plant.jumper_at]
    waves = {lane: kind.rx_wavelength if lane == "rx" else kind.wavelength for lane in lanes} if kind else {}
    chains = tuple(_towards(plant, start, waves.get(start.lane), access.terminal) for start in patched)
    faults = list(_glass_faults(plant, access, starts, chains))
    faults += life_faults(plant, starts[:1], chains, on)
    losses: list[LineLoss] = []
    if not faults and kind is not None:
        try:
            losses = list(_losses(plant, chains, kind.wavelength, kind.rx_wavelength))
        except UnknownAttenuation as unknown:
            hint = "Give it in inventory/cable-types.yaml."
            faults.append(Fault("unknown-attenuation", str(unknown), hint=hint))
    return AccessLine(
        access.switch,
        access.port,
        access.endpoints,
        access.terminal,
        plant.place_of(access.terminal),
        chains,
        max((chain.length for chain in chains), default=Length(0.0)),
        Delay(max((chain_delay(plant, chain) for chain in chains), default=0.0)),
        tuple(losses),
        tuple(dict.fromkeys(faults)),
        port.origin if port is not None else access.origin,
    )


def _towards(plant: Plant, start: PortEnd, wavelength: Wavelength | None, terminal: Terminal) -> Trace:
    """The glass of a lane; where a splitter shares the light out, the way that ends there if one does."""
    found = trace(plant, start, wavelength=wavelength)
    if found.broken is not None and found.broken.cause == "split":
        ways = branches(plant, start, wavelength=wavelength)
        return next((way for way in ways if way.end == terminal), found)
    return found


def _losses(plant: Plant, chains: tuple[Trace, ...], sent: Wavelength, received: Wavelength) -> Iterator[LineLoss]:
    yield LineLoss("down", sent, chain_loss(plant, chains[0], sent))
    yield LineLoss("up", received, chain_loss(plant, chains[-1], received))


def _glass_faults(
    plant: Plant, access: AccessPort, starts: list[PortEnd], chains: tuple[Trace, ...]
) -> Iterator[Fault]:
    """Why the strands of a port do not end where its endpoints are."""
    if len(starts) == len(chains) == 1 and chains[0].end == access.terminal and _open(chains[0]):
        return  # nearly all are like that
    name = f"port {access.switch}:{access.port}"
    goal = f"{access.terminal} at {plant.place_of(access.terminal)}"
    if len(chains) < max(len(starts), 1):
        dark = ", ".join(str(start) for start in starts if start not in plant.jumper_at)
        yield Fault(
            "access-line-dark",
            f"there is no glass at {name}",
            detail=f"Its endpoints are behind {goal}; "
            + (f"no jumper is plugged into {dark}." if dark else "the port is not described."),
            hint="Patch it (tx and rx, or bidi, in inventory/ports.csv), or correct the endpoints.",
        )
        return
    ends = [chain.end for chain in chains]
    if len(chains) == 2 and ends[1] == access.terminal and _beside(ends[0], access.terminal):
        yield Fault(
            "reversed-polarity",
            f"{name} sends to {ends[0]} and hears {access.terminal}",
            detail="Its endpoints are behind the strand on which it should send.",
            hint="Exchange tx and rx of the port, or name the other terminal.",
        )
        return
    for number, chain in enumerate(chains):
        arrived = _beside(chain.end, access.terminal) if number else chain.end == access.terminal
        if not _open(chain):
            text = chain.broken.text if chain.broken is not None else ""
            yield Fault(
                "access-line-broken",
                f"the glass of {chain.start} does not arrive at {goal}",
                detail=f"It ends after {chain.length:.0f} m: {text}.",
                hint="Splice or patch what is missing, or put the line on another strand.",
            )
        elif not arrived:
            yield Fault(
                "access-line-elsewhere",
                f"the glass of {chain.start} ends at {chain.end}, not {'beside' if number else 'at'} {goal}",
                detail=f"After {chain.length:.0f} m it is at {plant.place_of(chain.end)}.",
                hint="Correct the splices and jumpers on the way, or the terminal of the endpoints.",
            )


def _open(chain: Trace) -> bool:
    """Whether a walk ends where glass may end: nothing is joined there, and nothing on the way is broken."""
    return chain.broken is None or chain.broken.cause in ("strand-end", "unpatched")


def _beside(end: Terminal, terminal: Terminal) -> bool:
    """Whether another strand ends next to a terminal: of the same cable end, or at the same ODF."""
    if isinstance(end, StrandEnd) and isinstance(terminal, StrandEnd):
        return (end.cable, end.place) == (terminal.cable, terminal.place) and end != terminal
    if isinstance(end, OdfPosition) and isinstance(terminal, OdfPosition):
        return end.odf == terminal.odf and end != terminal
    return False


def _warn(found: list[tuple[AccessLine, Fault]], out: Diagnostics) -> None:
    """One warning for lines that have the same fault, such as one cable that is not in service."""
    line, fault = found[0]
    detail = fault.detail
    if len(found) > 1:
        names = ", ".join(f"{one.switch}:{one.port}" for one, _ in found[:_SHOWN])
        more = " …" if len(found) > _SHOWN else ""
        detail = f"{detail} {len(found)} access lines run over it: {names}{more}.".strip()
    out.warning(
        fault.code, fault.summary, address=line.address, source=line.origin, detail=detail, hint=fault.hint
    )
