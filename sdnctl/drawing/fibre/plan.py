"""What the plan of a splice box shows, as a value: the box, what runs on its strands, and what an edit changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sdnctl.drawing.fibre.paper import Caption
from sdnctl.inventory.closures import Held, HeldCable, Joint
from sdnctl.inventory.plant import Side, StrandEnd, Terminal

Glass: TypeAlias = tuple[str, int, Side]
"""Cable, strand, and the end of the cable that the glass leads to from the box."""


@dataclass(frozen=True, slots=True)
class Service:
    """What runs on a strand: an optical link or a customers' line by name, and the service classes on it."""

    name: str
    classes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {', '.join(self.classes)}" if self.classes else self.name


@dataclass(frozen=True)
class BoxPlan:
    """A box with what runs there. `new` and `removed` are splices that an edit makes and undoes.

    `before` is the box without the edit, where there is one.
    """

    caption: Caption
    held: Held
    services: Mapping[Glass, tuple[Service, ...]]
    new: frozenset[tuple[StrandEnd, StrandEnd]] = frozenset()
    removed: tuple[Joint, ...] = ()
    notes: tuple[str, ...] = ()
    before: Held | None = None

    def cable(self, name: str) -> HeldCable:
        """A cable that is in the box, or was; KeyError for others."""
        return self._inside[name]

    def holds(self, cable: str) -> bool:
        return cable in self._inside

    @property
    def _inside(self) -> Mapping[str, HeldCable]:
        return {one.id: one for held in (self.before, self.held) if held is not None for one in held.cables}

    def on(self, end: StrandEnd) -> tuple[Service, ...]:
        """What runs on the glass that begins at an end."""
        return self.services.get((end.cable, end.strand, end.side), ())

    def through(self, other: Terminal | None) -> tuple[Service, ...]:
        """What runs on what a port of a passive node is joined to, where that is glass."""
        return self.on(other) if isinstance(other, StrandEnd) else ()

    def lit(self, cable: HeldCable, strand: int) -> bool:
        """Whether light runs on a strand of a cable at the box, on either side."""
        return any((cable.id, strand, side) in self.services for side in cable.sides)
