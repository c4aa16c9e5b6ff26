"""A network as its devices would tell of it, made from what the inventory says: true to it until a test lies.

A labelled stand-in for SNMP, NAPALM and LLDP: facts are values made here, no agent is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceUnreachable, Diagnostic
from sdnctl.inventory.facts import DeviceFacts, Neighbour, PortFact, Transceiver
from sdnctl.inventory.live import Expected, Place, Reading, Readings
from sdnctl.plan.model import Observed
from sdnctl.southbound.base import Capabilities, Counters, Payload, Target
from sdnctl.units import Power

KINDS: Mapping[str, str] = {
    "10g-lr": "10GBASE-LR",
    "10g-er": "10GBASE-ER",
    "1g-lx10": "1000BASE-LX10",
    "1g-bx10-u": "1000BASE-BX10-U",
    "1g-bx10-d": "1000BASE-BX10-D",
    "100g-lr4": "100GBASE-LR4",
}
"""What modules call themselves, by the inventory's name of their kind."""


def ethernet(place: Place) -> str:
    """A port's name on the device: numbers get a word in front, names are what they are."""
    return f"Ethernet{place[1]}" if place[1].isdecimal() else place[1]


@dataclass
class World:
    """Facts of every device; `wires` says which port hears which."""

    expected: Expected
    facts: dict[str, DeviceFacts]
    wires: dict[Place, Place]
    name: Callable[[Place], str] = ethernet

    @classmethod
    def of(cls, expected: Expected, name: Callable[[Place], str] = ethernet) -> Self:
        facts = {
            key: DeviceFacts(
                name=f"{key}.example.net",
                ports=tuple(PortFact(name(port.place), up=True) for port in device.ports.values()),
                transceivers=tuple(
                    Transceiver(
                        name(port.place),
                        KINDS[port.optics.id],
                        serial=f"{key}-{port.place[1]}",
                        rx_power=Power((port.level.low + port.level.high) / 2) if port.level else None,
                    )
                    for port in device.ports.values()
                    if port.optics is not None
                ),
            )
            for key, device in expected.devices.items()
        }
        wires = {
            place: far for place in expected.cables if (far := expected.facing(place)) is not None and
            place[0] in expected.devices
        }  # fmt: skip
        return cls(expected, facts, wires, name)

    def readings(self, **more: Any) -> Readings:
        """What a check reads; every device hears by LLDP what is at the other end of its wires."""
        told = {
            key: Reading(replace(facts, neighbours=(*facts.neighbours, *self._neighbours(key))))
            for key, facts in self.facts.items()
        }
        return Readings({**told, **more})

    def _neighbours(self, key: str) -> list[Neighbour]:
        return [
            Neighbour(self.name(here), f"{there[0]}.example.net", self.name(there))
            for here, there in sorted(self.wires.items())
            if here[0] == key
        ]

    # ── lies ─────────────────────────────────────────────────────────────────────────────────────

    def swap(self, a: Place, b: Place) -> None:
        """Exchange two plugs, both lanes: what was heard at one is heard at the other."""
        far_a, far_b = self.wires[a], self.wires[b]
        self.wires[a], self.wires[b] = far_b, far_a
        self.wires[far_a], self.wires[far_b] = b, a

    def module(self, place: Place, **changed: Any) -> None:
        facts = self.facts[place[0]]
        name = self.name(place)
        assert any(one.port == name for one in facts.transceivers)
        self.facts[place[0]] = replace(
            facts,
            transceivers=tuple(replace(one, **changed) if one.port == name else one for one in facts.transceivers),
        )

    def port(self, place: Place, **changed: Any) -> None:
        facts = self.facts[place[0]]
        name = self.name(place)
        self.facts[place[0]] = replace(
            facts, ports=tuple(replace(one, **changed) if one.name == name else one for one in facts.ports)
        )

    def hears(self, place: Place, neighbour: str, port: str = "") -> None:
        """A stranger, or a device of the inventory at a port of its own naming."""
        self.wires.pop(place, None)
        facts = self.facts[place[0]]
        heard = Neighbour(self.name(place), neighbour, port)
        self.facts[place[0]] = replace(facts, neighbours=(*facts.neighbours, heard))


class WorldDriver:
    """A driver of payload facts that tells what a `World` says: an in-memory reader, no device."""

    name: ClassVar[str] = "world"
    payload: ClassVar[Payload] = "facts"
    world: ClassVar[Mapping[str, Reading]] = {}

    def __init__(self, target: Target) -> None:
        self._target = target

    @classmethod
    async def open(cls, target: Target) -> Self:
        return cls(target)

    async def facts(self) -> DeviceFacts:
        found = self.world[self._target.device]
        if found.facts is None:
            raise DeviceUnreachable(Diagnostic("device-unreachable", f"{self._target.device}: {found.fault}"))
        return found.facts

    async def capabilities(self) -> Capabilities:
        return Capabilities()

    async def observe(self) -> Observed:
        return Observed(RuleSet())

    async def prepare(self, changes: object) -> None:
        raise AssertionError("nothing is written")

    async def commit(self, changes: object) -> None:
        raise AssertionError("nothing is written")

    async def confirm(self) -> None:
        pass

    async def revert(self) -> None:
        pass

    async def counters(self) -> Counters:
        return Counters()

    async def close(self) -> None:
        pass
