"""Passive nodes: attenuators, wavelength muxes and splitters; which way light leaves them, and what it loses.

Every node but the attenuator has one common port (`com`) and several others. Light that comes in at one of those
leaves at `com`; light that comes in at `com` leaves a mux by the channel of its wavelength, and a splitter by all
outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.errors import Source
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.life import Life
from sdnctl.units import Loss

PASS_BAND: Mapping[str, float] = {"cwdm": 7.0, "dwdm-100": 0.3, "dwdm-50": 0.15}
"""Half the pass band of a mux channel, nm: CWDM filters pass ±6.5 nm (grid of 20 nm, ITU-T G.694.2), and lasers
are named by either edge; dense ones less than half of what is between two channels, 0.8 or 0.4 nm (G.694.1)."""
REACH = 20.0
"""How far, nm, from a tabulated wavelength its loss is still used."""


@dataclass(frozen=True, slots=True)
class Passive:
    """A passive node at a site or chamber (`site`).

    `loss_min` and `loss_max` hold wherever neither `losses` (by wavelength) nor `port_losses` (by channel or
    output) says more.
    """

    id: str
    kind: str
    site: str
    loss_min: Loss
    loss_max: Loss
    channels: Mapping[str, Wavelength]
    life: Life
    origin: Source
    grid: str = "cwdm"
    ways: int = 0
    losses: Mapping[Wavelength, tuple[Loss, Loss]] = field(default_factory=dict)
    port_losses: Mapping[str, tuple[Loss, Loss]] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The ports beside `com` of a splitter."""
        return tuple(f"out{number + 1}" for number in range(self.ways))

    @property
    def ports(self) -> tuple[str, ...]:
        return ("in", "out") if self.kind == "attenuator" else ("com", *self.channels, *self.outputs)


def ways_on(passive: Passive, port: str, wavelength: Wavelength | None) -> tuple[str, ...] | None:
    """The ports by which light that comes in at a port leaves: none where it is stopped.

    None where that depends on a wavelength, and none is given.
    """
    if passive.kind == "attenuator":
        return ("out",) if port == "in" else ("in",)
    if passive.kind == "splitter":
        return passive.outputs if port == "com" else ("com",)
    if wavelength is None:
        return None
    passing = channel_of(passive, wavelength)
    if port == "com":
        return () if passing is None else (passing,)
    return ("com",) if passing == port else ()


def channel_of(passive: Passive, wavelength: Wavelength) -> str | None:
    """The channel of a mux that passes a wavelength: of those in whose band it is the nearest."""
    half = PASS_BAND[passive.grid]
    near = (
        (abs(nm - wavelength), name)
        for name, nm in passive.channels.items()
        if abs(nm - wavelength) <= half + 1e-9
    )
    return min(near, default=(0.0, None))[1]


def loss_through(passive: Passive, enter: str, leave: str, wavelength: Wavelength) -> tuple[float, float] | None:
    """Least and greatest loss from port to port, dB; None where a mux stops that wavelength there."""
    if passive.kind == "mux" and channel_of(passive, wavelength) not in (enter, leave):
        return None
    for port in (enter, leave):
        if port in passive.port_losses:
            return passive.port_losses[port]
    near = _nearest(passive.losses, wavelength)
    return (passive.loss_min, passive.loss_max) if near is None else passive.losses[near]


def _nearest(table: Iterable[Wavelength], wavelength: Wavelength) -> Wavelength | None:
    near = min(table, key=lambda nm: (abs(nm - wavelength), nm), default=None)
    return near if near is not None and abs(near - wavelength) <= REACH else None
