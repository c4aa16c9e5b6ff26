"""How full the plant is: strands, cables, ducts and ports, each as a share of what there is.

A strand holds one channel, or as many as the muxes that its light goes through have in all. Of a cable counts the
passage with the fewest free strands. A duct is full by cross-section, where its diameter and those of everything
in it are known; by its capacity, where that is written; by its inner ducts, where it has some; else only the
number of cables is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import pi

from sdnctl.inventory.channels import lit_channels
from sdnctl.inventory.ducting import contents, lies_there
from sdnctl.inventory.places import Whereabouts
from sdnctl.inventory.plant import PassivePort, Plant, PortEnd
from sdnctl.inventory.spare import bundles, free_in
from sdnctl.inventory.tracing import StepKind
from sdnctl.inventory.uses import Uses, chains_of

KINDS = ("strand", "cable", "duct", "port", "link")


@dataclass(frozen=True, slots=True)
class Fill:
    """How much of a thing is used; `total` None where nobody knows how much there is. `note` says of what."""

    kind: str
    name: str
    used: float
    total: float | None
    note: str = ""

    @property
    def share(self) -> float | None:
        return None if not self.total else self.used / self.total


def fullest(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """The fullest first; what is not known last."""
    return tuple(sorted(fills, key=lambda one: (one.share is None, -(one.share or 0.0), -one.used, one.name)))


def strand_fill(plant: Plant, uses: Uses) -> Iterator[Fill]:
    """Strands with light: channels on them, of those that their muxes have."""
    light = lit_channels(plant)
    channels: dict[int, int] = {}
    for number, user in enumerate(uses.users):
        steps = (step for chain in chains_of(user) for step in chain.steps if step.kind is StepKind.PASSIVE)
        channels[number] = max([1, *(_channels_behind(plant, step.via) for step in steps)])
    for cable, runs in uses.runs.items():
        users: dict[int, set[int]] = defaultdict(set)
        for run in runs:
            users[run.strand].add(run.user)
        for strand, lit in users.items():
            total = max(channels[user] for user in lit)
            waves = {one.wavelength for one in light.get((cable, strand), ())}
            yield Fill("strand", f"{cable}:{strand}", min(max(len(lit), len(waves)), total), total, "channels")


def _channels_behind(plant: Plant, passive: str, seen: frozenset[str] = frozenset()) -> int:
    """How many channels a mux joins, those of muxes plugged into its channels among them; 0 for other nodes."""
    mux, found = plant.passives[passive], 0
    for channel in mux.channels:
        jumper = plant.jumper_at.get(PassivePort(passive, channel))
        far = None if jumper is None else jumper.a if jumper.b == PassivePort(passive, channel) else jumper.b
        below = isinstance(far, PassivePort) and far.port == "com" and far.passive not in seen | {passive}
        found += _channels_behind(plant, far.passive, seen | {passive}) if below else 1  # type: ignore[union-attr]
    return found


def cable_fill(plant: Plant, uses: Uses) -> Iterator[Fill]:
    """Cables in service: strands that are not free where fewest are."""
    free = free_in(bundles(plant))
    for cable in plant.cables.values():
        if not cable.life.in_service():
            continue
        capacity = plant.cable_types[cable.type].strands
        left = min(free[cable.id][passage] for passage in range(len(cable.places) - 1))
        lit = len({run.strand for run in uses.runs.get(cable.id, ())})
        yield Fill("cable", cable.id, capacity - left, capacity, f"{lit} lit")


def duct_fill(plant: Plant) -> Iterator[Fill]:
    """Ducts by cross-section, by inner ducts, or by how many cables are in them."""
    where = Whereabouts(plant)
    held = contents(plant.ducts, filter(lies_there, plant.cables.values()))
    lying: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for segment, found in where.in_segment.items():
        for cable, _, holder in found:
            if holder is not None and plant.cables[cable].life.in_service():
                lying[holder][segment].add(cable)
    for duct in plant.ducts.values():
        cables: set[str] = max(lying[duct.id].values(), key=len, default=set())
        inner = where.nested.get(duct.id, ())
        area = _area(plant, inner, cables) if duct.diameter else None
        if area is not None and duct.diameter:
            yield Fill("duct", duct.id, area * 1e6, duct.diameter**2 * pi / 4 * 1e6, "mm²")
        elif duct.capacity is not None:
            yield Fill("duct", duct.id, held[duct.id].count if duct.id in held else 0, duct.capacity, "places")
        elif inner:
            used = sum(bool(_cables_within(where, lying, name)) for name in inner)
            yield Fill("duct", duct.id, used, len(inner), "inner ducts")
        else:
            yield Fill("duct", duct.id, len(cables), None, "cables")


def _area(plant: Plant, inner: Iterable[str], cables: Iterable[str]) -> float | None:
    """Cross-section of what lies directly in a duct, m²; None where a diameter is not known."""
    sizes = [plant.ducts[name].diameter for name in inner]
    sizes += [plant.cable_types[plant.cables[name].type].diameter for name in cables]
    known = [size for size in sizes if size is not None]
    return sum(size**2 * pi / 4 for size in known) if len(known) == len(sizes) else None


def _cables_within(where: Whereabouts, lying: Mapping[str, Mapping[str, set[str]]], duct: str) -> bool:
    return any(lying[name] for name in where.within(duct) if name in lying)


def port_fill(plant: Plant, attached: Mapping[str, Iterable[int]]) -> Iterator[Fill]:
    """Switches: ports with a jumper or an endpoint, of those that are described or used.

    `attached`: switch → ports that endpoints are plugged into.
    """
    patched: dict[str, set[int]] = defaultdict(set)
    for end in plant.jumper_at:
        if isinstance(end, PortEnd):
            patched[end.switch].add(end.port)
    for switch in plant.switches.values():
        taken = patched[switch.id] | set(attached.get(switch.id, ()))
        yield Fill("port", switch.id, len(taken), len(taken | switch.ports.keys()), "ports")
