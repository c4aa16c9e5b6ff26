"""Distribution frames and passive nodes as devices with front and rear ports, and the glass between frames.

Behind a frame's position lies a strand. Glass that leads on to another frame without a break is a position of a
cable between the rear ports of both; positions of the same pair of frames over the same cables belong together.
What leads to no other frame is behind a rear port that has no cable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sdnctl.exchange.netbox.model import (
    DESCRIPTION,
    DEVICE_STATUS,
    NAME,
    PORT_TYPES,
    POSITIONS,
    Cable,
    Device,
    End,
    FrontPort,
    Inventory,
    Names,
    RearPort,
)
from sdnctl.inventory.plant import Odf, OdfPosition, Passive, PassivePort, Plant, PortEnd, StrandEnd
from sdnctl.inventory.tracing import StepKind, trace


@dataclass
class _Bundle:
    """Positions of two frames that the same cables join, in pairs."""

    cables: tuple[str, ...]
    pairs: list[tuple[OdfPosition, OdfPosition]] = field(default_factory=list)
    metres: list[float] = field(default_factory=list)


def add_frames(plant: Plant, found: Inventory, names: Mapping[str, str], devices: Names) -> dict[str, int]:
    """Frames with their ports and the cables between them; returns how many positions are what.

    `names`: site id → name in NetBox; `devices` names frames.
    """
    bundles, loose = _bundles(plant)
    rear = _Rears(plant, found, devices)
    for (a, b, _), bundle in sorted(bundles.items()):
        rear.bundle(a, b, bundle)
    for position, cable in sorted(loose.items()):
        rear.loose(position, cable)
    for odf in sorted(plant.odfs.values(), key=lambda odf: odf.id):
        kind = f"frame {odf.positions} {odf.connector}"
        found.devices.append(
            Device(
                devices.of("frame", odf.id),
                names[odf.site],
                "frame",
                kind[:100],
                status=DEVICE_STATUS.get(str(odf.life.status), "active"),
                comments=f"connectors: grade {odf.grade}",
            )
        )
    joined = sum(len(bundle.pairs) for bundle in bundles.values())
    return {"strands between frames": joined, "strands that end elsewhere": len(loose)}


def _bundles(plant: Plant) -> tuple[dict[tuple[str, str, tuple[str, ...]], _Bundle], dict[OdfPosition, str]]:
    """Pairs of frames with the glass between them; and positions whose glass leads to no frame, with a cable."""
    found: dict[tuple[str, str, tuple[str, ...]], _Bundle] = {}
    loose: dict[OdfPosition, str] = {}
    done: set[OdfPosition] = set()
    for position in sorted(plant.terminations):
        if position in done:
            continue
        far, cables, metres = _far_end(plant, position)
        if far is None:
            loose[position] = cables[0]
            continue
        done |= {position, far}
        key = (position.odf, far.odf, cables)
        bundle = found.setdefault(key, _Bundle(cables))
        bundle.pairs.append((position, far))
        bundle.metres.append(metres)
    return found, loose


def _far_end(plant: Plant, position: OdfPosition) -> tuple[OdfPosition | None, tuple[str, ...], float]:
    """The frame position at the other end of the glass behind this one, the cables on the way, and metres."""
    strand = plant.terminations[position]
    cables: list[str] = []
    metres = 0.0
    for step in trace(plant, position, backwards=True).steps[1:]:
        metres += step.length
        if step.kind is StepKind.STRAND:
            if not cables or cables[-1] != step.via:
                cables.append(step.via)
        elif step.kind is StepKind.CONNECTOR and isinstance(step.leave, OdfPosition):
            return step.leave, tuple(cables), metres
        elif step.kind is not StepKind.SPLICE:
            break
    return None, tuple(cables) or (_cable(strand),), metres


def _cable(end: StrandEnd) -> str:
    return end.cable


class _Rears:
    """Rear ports of frames, with the front ports before them."""

    def __init__(self, plant: Plant, found: Inventory, devices: Names) -> None:
        self.plant, self.found, self.devices = plant, found, devices
        self.counts: dict[tuple[str, str], int] = defaultdict(int)
        self.open: dict[tuple[str, str], RearPort] = {}

    def bundle(self, a: str, b: str, bundle: _Bundle) -> None:
        """A cable between two frames; more than the positions of one port become several."""
        for start in range(0, len(bundle.pairs), POSITIONS):
            pairs = bundle.pairs[start : start + POSITIONS]
            metres = bundle.metres[start : start + POSITIONS]
            ends = []
            text = f"through {', '.join(bundle.cables)}"[:DESCRIPTION]
            for odf in (a, b):
                name = self._name(odf, bundle.cables[0] if odf == a else bundle.cables[-1])
                device = self.devices.of("frame", odf)
                self.found.rear_ports.append(RearPort(device, name, self._type(odf), len(pairs), text))
                ends.append(End(device, "rearport", name))
            for number, (near, far) in enumerate(pairs, 1):
                self._front(near, ends[0].name, number)
                self._front(far, ends[1].name, number)
            label = "+".join(bundle.cables)
            self.found.cables.append(
                Cable(
                    (ends[0],),
                    (ends[1],),
                    label=label[:100],
                    length=round(max(metres), 2),
                    description=f"{len(pairs)} strands {text}"[:DESCRIPTION],
                )
            )

    def loose(self, position: OdfPosition, cable: str) -> None:
        """A position with a strand that ends somewhere else."""
        key = position.odf, cable
        port = self.open.get(key)
        if port is None or port.positions >= POSITIONS:
            device = self.devices.of("frame", position.odf)
            port = RearPort(device, self._name(position.odf, cable), self._type(position.odf), 0)
            port.description = f"strands of {cable} that lead to no frame"[:DESCRIPTION]
            self.open[key] = port
            self.found.rear_ports.append(port)
        port.positions += 1
        self._front(position, port.name, port.positions)

    def _front(self, position: OdfPosition, rear: str, number: int) -> None:
        strand = self.plant.terminations[position]
        self.found.front_ports.append(
            FrontPort(
                self.devices.of("frame", position.odf),
                str(position.number),
                self._type(position.odf),
                rear,
                number,
                f"{strand.cable} strand {strand.strand}"[:DESCRIPTION],
            )
        )

    def _name(self, odf: str, cable: str) -> str:
        self.counts[odf, cable] += 1
        number = self.counts[odf, cable]
        return cable[:NAME] if number == 1 else f"{cable[: NAME - 6]} ({number})"

    def _type(self, odf: str) -> str:
        return port_type(self.plant.odfs[odf])


def port_type(odf: Odf) -> str:
    """``SC/APC`` → ``sc-apc``; `other` where NetBox has no word for it."""
    text = odf.connector.lower().replace("/", "-").replace(" ", "")
    return text if text in PORT_TYPES else "other"


# ── passive nodes ────────────────────────────────────────────────────────────────────────────────


def add_passives(plant: Plant, found: Inventory, names: Mapping[str, str], devices: Names) -> int:
    """Passive nodes in buildings; returns how many stand elsewhere and are left out."""
    left = 0
    for passive in sorted(plant.passives.values(), key=lambda passive: passive.id):
        if passive.site not in names:
            left += 1
            continue
        common, others = _sides(plant, passive)
        status = DEVICE_STATUS.get(str(passive.life.status), "active")
        kind = f"{passive.kind} {len(others)}"
        device = devices.of(passive.kind, passive.id)
        found.devices.append(Device(device, names[passive.site], passive.kind, kind, status=status))
        found.rear_ports.append(RearPort(device, common, "other", len(others)))
        found.front_ports += [
            FrontPort(device, name, "other", common, number) for number, name in enumerate(others, 1)
        ]
    return left


def _sides(plant: Plant, passive: Passive) -> tuple[str, tuple[str, ...]]:
    """The common port (behind), and the others that it leads to (in front).

    An attenuator shows its front to the equipment, so that both strands of a port lead to front ports.
    """
    common, *others = passive.ports
    if passive.kind != "attenuator":
        return common, tuple(others)
    jumper = plant.jumper_at.get(PassivePort(passive.id, "out"))
    plugged = jumper is not None and any(isinstance(end, PortEnd) for end in (jumper.a, jumper.b))
    return ("in", ("out",)) if plugged else ("out", ("in",))


def loose_positions(plant: Plant) -> Iterator[OdfPosition]:
    """Positions in use by jumpers that have no strand behind: they still are ports."""
    for jumper in plant.jumpers:
        for end in (jumper.a, jumper.b):
            if isinstance(end, OdfPosition) and end not in plant.terminations:
                yield end
