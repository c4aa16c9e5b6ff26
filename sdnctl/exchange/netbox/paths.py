"""From interface to interface along cables: directly, or through frames from front to rear port and on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdnctl.exchange.netbox.model import Cable, End, Inventory

Key = tuple[str, str, str]
LONGEST = 200
"""Cables on a path before it is given up: nobody patches that often, but a loop does."""


@dataclass(frozen=True, slots=True)
class Found:
    """Two interfaces (device, name) and the way between them; `length` None where a cable on it has none."""

    a: tuple[str, str]
    b: tuple[str, str]
    length: float | None
    label: str


def paths(inventory: Inventory) -> tuple[list[Found], list[tuple[str, int]]]:
    """Every pair of interfaces that is joined, once; and what cannot be followed, with the number of the cable."""
    walker = _Walker(inventory)
    found: list[Found] = []
    seen: set[frozenset[tuple[str, str]]] = set()
    for interface in inventory.interfaces:
        start = End(interface.device, "interface", interface.name)
        ends = dict(walker.follow(start))
        if len(ends) > 1:
            names = ", ".join(f"{device} {name}" for device, name in sorted(ends))
            walker.faults.append(
                (f"{start.device} {start.name} leads to several ports: {names}", walker.at[start.key])
            )
            continue
        for far, (length, label) in ends.items():
            pair = frozenset({(start.device, start.name), far})
            if pair not in seen:
                seen.add(pair)
                found.append(Found((start.device, start.name), far, length, label))
    return found, walker.faults


class _Walker:
    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.at: dict[Key, int] = {}
        self.faults: list[tuple[str, int]] = []
        for number, cable in enumerate(inventory.cables):
            for end in (*cable.a, *cable.b):
                if end.key in self.at:
                    self.faults.append((f"two cables end at {end.device} {end.name}", number))
                self.at.setdefault(end.key, number)
        self.behind = {(one.device, one.name): (one.rear_port, one.position) for one in inventory.front_ports}
        self.before = {(one.device, one.rear_port, one.position): one.name for one in inventory.front_ports}

    def follow(self, start: End) -> Iterator[tuple[tuple[str, str], tuple[float | None, str]]]:
        """Interfaces that an interface leads to, with metres and the label of the way."""
        number = self.at.get(start.key)
        if number is None:
            return
        for end in self._other_side(self.inventory.cables[number], start):
            far = self._walk(end, [number])
            if far is not None:
                yield far

    def _other_side(self, cable: Cable, end: End) -> tuple[End, ...]:
        return cable.b if end in cable.a else cable.a

    def _walk(self, end: End, cables: list[int]) -> tuple[tuple[str, str], tuple[float | None, str]] | None:
        position = 0
        while len(cables) <= LONGEST:
            if end.kind == "interface":
                return (end.device, end.name), self._sum(cables)
            through = self._through(end, position)
            if through is None:
                return None
            end, position = through
            number = self.at.get(end.key)
            if number is None:
                return None
            cable = self.inventory.cables[number]
            cables.append(number)
            others = self._other_side(cable, end)
            end = others[0]
        self.faults.append((f"the cables from {end.device} {end.name} on lead round in a circle", cables[0]))
        return None

    def _through(self, end: End, position: int) -> tuple[End, int] | None:
        """Through a device: from a front port to the rear port behind it, or from there to the front."""
        if end.kind == "frontport":
            rear = self.behind.get((end.device, end.name))
            return None if rear is None else (End(end.device, "rearport", rear[0]), rear[1])
        front = self.before.get((end.device, end.name, position or 1))
        return None if front is None else (End(end.device, "frontport", front), 0)

    def _sum(self, cables: list[int]) -> tuple[float | None, str]:
        lengths = [self.inventory.cables[number].length for number in cables]
        known = [length for length in lengths if length is not None]
        labels = [self.inventory.cables[number].label for number in cables if self.inventory.cables[number].label]
        return sum(known) if len(known) == len(lengths) else None, labels[0] if len(cables) == 1 and labels else ""
