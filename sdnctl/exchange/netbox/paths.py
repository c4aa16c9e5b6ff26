"""From interface to interface along cables: directly, or through frames from front to rear port and on.

A front port is a position of the rear port behind it. Where that has several, the position is remembered, and
given back at the next rear port with several: that is how a frame finds the strand again at the far end, and how
a wave comes out of the same channel of the other mux. NetBox follows cables in the same way.
"""

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
    joined: set[tuple[str, str]] = set()
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
            near = start.device, start.name
            pair = frozenset({near, far})
            if pair in seen:
                continue
            seen.add(pair)
            if joined & pair:
                names = " and ".join(f"{device} {name}" for device, name in sorted(pair))
                walker.faults.append(
                    (f"{names} would be joined, and one of them is to another port", walker.at[start.key])
                )
                continue
            joined |= pair
            cable = inventory.cables[walker.at[start.key]]
            if start in cable.b and any((end.device, end.name) == far for end in cable.a):
                near, far = far, near  # side A of a single cable stays the beginning
            found.append(Found(near, far, length, label))
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
        self.many = {(one.device, one.name) for one in inventory.rear_ports if one.positions > 1}

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
        positions: list[int] = []
        while len(cables) <= LONGEST:
            if end.kind == "interface":
                return (end.device, end.name), self._sum(cables)
            through = self._through(end, positions)
            number = self.at.get(through.key) if through is not None else None
            if through is None or number is None:
                return None
            cables.append(number)
            end = self._other_side(self.inventory.cables[number], through)[0]
        self.faults.append((f"the cables from {end.device} {end.name} on lead round in a circle", cables[0]))
        return None

    def _through(self, end: End, positions: list[int]) -> End | None:
        """Through a device: from a front port to the rear port behind it, or from there to the front."""
        if end.kind == "frontport":
            rear = self.behind.get((end.device, end.name))
            if rear is None:
                return None
            if (end.device, rear[0]) in self.many:
                positions.append(rear[1])
            return End(end.device, "rearport", rear[0])
        position = 1
        if (end.device, end.name) in self.many:
            if not positions:
                return None  # light for every front port, or for none: no single way
            position = positions.pop()
        front = self.before.get((end.device, end.name, position))
        return None if front is None else End(end.device, "frontport", front)

    def _sum(self, cables: list[int]) -> tuple[float | None, str]:
        lengths = [self.inventory.cables[number].length for number in cables]
        known = [length for length in lengths if length is not None]
        labels = [self.inventory.cables[number].label for number in cables if self.inventory.cables[number].label]
        return sum(known) if len(known) == len(lengths) else None, labels[0] if len(cables) == 1 and labels else ""
