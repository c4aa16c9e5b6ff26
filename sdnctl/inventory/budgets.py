"""Budgets of lit links against their optics, and the cheapest optics that would do.

A direction *closes* when its greatest loss leaves a margin, is *safe* when its least loss does not overload the
receiver, and is not *dispersed* when the dispersion of its glass stays below the transmitter's limit (`optics`).
Short links with long-reach optics need a fixed attenuator, so advice is a transceiver for each end with an
attenuator (or none) before each receiver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.optics import ATTENUATION_REACH, DirectedBudget, UnknownAttenuation, allowed_loss, budget
from sdnctl.inventory.plant import AttenuatorPart, Plant, PortEnd, Transceiver
from sdnctl.inventory.tracing import Trace
from sdnctl.units import Loss

STANDARD = tuple(
    AttenuatorPart(f"{value} dB", Loss(value - max(0.5, value / 10)), Loss(value + max(0.5, value / 10)))
    for value in (1, 2, 3, 5, 7, 10, 15, 20)
)
"""What one can buy where the inventory lists no attenuators of its own: usual values, ±0.5 dB or ±10 %."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a link: which optics over which chain, with what figures; None (and `why`) if unknown."""

    chain: Trace
    tx: str
    rx: str
    figures: DirectedBudget | None
    why: str = ""

    @property
    def verdicts(self) -> tuple[str, ...]:
        """What is wrong, in a word each; empty where all is well."""
        if self.figures is None:
            return (self.why,)
        found = (
            ("does not close", not self.figures.closes),
            ("overload", not self.figures.safe),
            ("dispersion", self.figures.dispersed),
        )
        return tuple(word for word, wrong in found if wrong)


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """Both directions of a link. `worst` is that with the least margin, None where no figures are known."""

    name: str
    link: OpticalLink
    directions: tuple[Direction, ...]

    @property
    def worst(self) -> Direction | None:
        known = [one for one in self.directions if one.figures is not None]
        return min(known, key=lambda one: one.figures.margin if one.figures else 0.0, default=None)

    @property
    def overload(self) -> Loss | None:
        """Least distance from overload of the two directions; negative means overload."""
        return min((one.figures.overload for one in self.directions if one.figures is not None), default=None)

    @property
    def verdicts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for one in self.directions for word in one.verdicts))


@dataclass(frozen=True, slots=True)
class Advice:
    """Optics that would do: kinds for the ends a and b, the attenuator before each receiver, and what is left.

    `price` is that of all parts, None where one of them has none. `margin` and `overload` are the lesser of both
    directions'.
    """

    a: str
    b: str
    at_a: str | None
    at_b: str | None
    margin: Loss
    overload: Loss
    price: float | None


def budgets(plant: Plant, named: Iterable[tuple[str, OpticalLink]]) -> tuple[LinkBudget, ...]:
    """The budget of each link, the one with the least margin first and those without figures last."""
    found = [LinkBudget(name, link, tuple(_directions(plant, link))) for name, link in named]

    def order(one: LinkBudget) -> tuple[bool, float, str]:
        worst = one.worst
        margin = worst.figures.margin if worst is not None and worst.figures is not None else 0.0
        return worst is None, margin, one.name

    return tuple(sorted(found, key=order))


def _directions(plant: Plant, link: OpticalLink) -> Iterator[Direction]:
    kinds = _kind(plant, link.a), _kind(plant, link.b)
    for chain, (tx, rx) in ((link.there, kinds), (link.back, kinds[::-1])):
        if tx is None or rx is None:
            yield Direction(chain, tx.id if tx else "", rx.id if rx else "", None, "optics unknown")
        elif abs(tx.wavelength - rx.rx_wavelength) > ATTENUATION_REACH:
            yield Direction(chain, tx.id, rx.id, None, "wavelengths differ")
        else:
            try:
                yield Direction(chain, tx.id, rx.id, budget(plant, chain, tx, rx))
            except UnknownAttenuation:
                yield Direction(chain, tx.id, rx.id, None, f"no figure at {tx.wavelength} nm")


def _kind(plant: Plant, end: PortEnd) -> Transceiver | None:
    name = plant.switches[end.switch].ports[end.port].transceiver
    return plant.transceivers.get(name) if name else None


# ── advice ───────────────────────────────────────────────────────────────────────────────────────


def cheapest(plant: Plant, link: OpticalLink) -> Advice | None:
    """The cheapest optics of the link's rate that close it, safely, both ways; None where none of its kinds do.

    What has a price for all of its parts comes before what has not, the lower price first. Otherwise, and of equal
    prices, the kinds that allow least loss count as cheapest, then fewer and weaker attenuators. Attenuators that
    are on the way already stay there.
    """
    parts = tuple(plant.attenuators.values()) or STANDARD
    found = (one for a, b in _pairs(plant, link) for one in _fitted(plant, link, a, b, parts))
    best = min(found, key=lambda one: one[0], default=None)
    return best[1] if best else None


def _fitted(
    plant: Plant, link: OpticalLink, a: Transceiver, b: Transceiver, parts: Sequence[AttenuatorPart]
) -> Iterator[tuple[tuple[object, ...], Advice]]:
    """A pair of optics with the attenuators that may be the cheapest for it, and how it ranks."""
    try:
        there, back = budget(plant, link.there, a, b), budget(plant, link.back, b, a)
    except UnknownAttenuation:
        return
    for at_b, at_a in product(_attenuators(there, parts), _attenuators(back, parts)):
        margin, overload = _left(((there, at_b), (back, at_a)))
        prices = [a.price, b.price, *(part.price for part in (at_a, at_b) if part is not None)]
        known = [price for price in prices if price is not None]
        price = sum(known) if len(known) == len(prices) else None
        damping = [part.loss_max for part in (at_a, at_b) if part is not None]
        names = a.id, b.id, at_a.id if at_a else None, at_b.id if at_b else None
        rank = (price is None, price or 0.0, allowed_loss(a, b), len(damping), sum(damping))
        yield (*rank, *(name or "" for name in names)), Advice(*names, margin, overload, price)


def _pairs(plant: Plant, link: OpticalLink) -> Iterator[tuple[Transceiver, Transceiver]]:
    """Kinds of optics that understand each other on the link's strands, at its rate."""
    single = link.a.lane == "bidi"
    kinds = [kind for kind in plant.transceivers.values() if link.rate is None or kind.rate == link.rate]
    for a in kinds:
        for b in kinds:
            if single != (a.wavelength != a.rx_wavelength) or single != (b.wavelength != b.rx_wavelength):
                continue
            hears = abs(a.wavelength - b.rx_wavelength) <= ATTENUATION_REACH
            if hears and abs(b.wavelength - a.rx_wavelength) <= ATTENUATION_REACH and a.rate == b.rate:
                yield a, b


def _attenuators(figures: DirectedBudget, parts: Sequence[AttenuatorPart]) -> tuple[AttenuatorPart | None, ...]:
    """What may be put before a receiver so that a direction closes and is safe; None: nothing is needed.

    Of those that fit, the cheapest that has a price and the weakest: one of them is in the cheapest whole.
    """
    if figures.dispersed or not figures.closes:
        return ()
    if figures.safe:
        return (None,)
    fitting = [one for one in parts if one.loss_min >= -figures.overload and one.loss_max <= figures.margin]
    priced = [(one.price, one.loss_max, one.id, one) for one in fitting if one.price is not None]
    weakest = min(fitting, key=lambda one: (one.loss_max, one.id), default=None)
    found = [min(priced)[-1]] if priced else []
    return tuple(dict.fromkeys((*found, *((weakest,) if weakest else ()))))


def _left(directions: Iterable[tuple[DirectedBudget, AttenuatorPart | None]]) -> tuple[Loss, Loss]:
    """Margin and distance from overload that are left, the lesser of both directions."""
    margins, overloads = [], []
    for figures, part in directions:
        margins.append(figures.margin - (part.loss_max if part else 0.0))
        overloads.append(figures.overload + (part.loss_min if part else 0.0))
    return Loss(min(margins)), Loss(min(overloads))
