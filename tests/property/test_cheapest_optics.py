"""The cheapest transceivers and attenuators against trying all there are, and what the standard allows."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import ER, LR, plant_of, two_sites

from sdnctl.inventory.budgets import STANDARD, Advice, cheapest
from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.optics import allowed_loss, budget
from sdnctl.inventory.plant import AttenuatorPart, Plant, Transceiver
from sdnctl.units import Loss, Power
from sdnctl.usecases.glass import named_links


@cache
def base() -> tuple[Plant, OpticalLink]:
    """A link of 1.7 km, 0.6 to 1.6 dB at 1310 nm."""
    network = two_sites()
    network["transceivers"]["transceivers"] = [LR, ER]
    plant = plant_of(network)
    (link,) = named_links(plant).values()
    return plant, link


def some_kind(rng: random.Random, key: str) -> Transceiver:
    """Optics of any power, so that some are too weak here, some too strong, some both."""
    like = base()[0].transceivers[rng.choice(("lr", "er"))]
    tx_min, rx_min = rng.uniform(-10, 4), rng.uniform(-24, -6)
    return replace(
        like,
        id=key,
        tx_min=Power(tx_min),
        tx_max=Power(tx_min + rng.uniform(0.5, 6)),
        rx_min=Power(rx_min),
        rx_max=Power(rx_min + rng.uniform(6, 16)),
        rx_basis=rng.choice(("min_average_rx", "sensitivity")),
        dispersion_limit=rng.choice((None, 20.0, 800.0)),
        price=rng.choice((None, 40.0, 90.0, 90.0, 300.0)),
    )


def some_part(rng: random.Random, key: str) -> AttenuatorPart:
    low = rng.choice((0.5, 1.0, 2.5, 4.5, 6.5, 9.0, 13.0))
    price = rng.choice((None, 4.0, 9.0))
    return AttenuatorPart(key, Loss(low), Loss(low + rng.choice((0.5, 1.0))), price)


@given(st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_nothing_that_does_is_cheaper(rng: random.Random) -> None:
    plant, link = base()
    kinds = {f"k{n}": some_kind(rng, f"k{n}") for n in range(rng.randint(1, 4))}
    parts = {f"p{n}": some_part(rng, f"p{n}") for n in range(rng.randint(0, 4))}
    plant = replace(plant, transceivers=kinds, attenuators=parts)
    found = cheapest(plant, link)
    every = {
        (a, b, at_a, at_b): cost
        for a, b in product(kinds.values(), repeat=2)
        for at_a, at_b in product((None, *(parts.values() or STANDARD)), repeat=2)
        if (cost := cost_of(plant, link, (a, b), (at_a, at_b))) is not None
    }
    if found is None:
        assert not every
        return
    assert cost_of_advice(plant, link, found) == min(every.values())


def cost_of(
    plant: Plant,
    link: OpticalLink,
    kinds: tuple[Transceiver, Transceiver],
    parts: tuple[AttenuatorPart | None, AttenuatorPart | None],
) -> tuple[object, ...] | None:
    """What comes first has a price, the least; then allows least, has fewest attenuators, the weakest."""
    (a, b), (at_a, at_b) = kinds, parts
    if abs(a.wavelength - b.wavelength) > 20:
        return None
    for chain, tx, rx, at in ((link.there, a, b, at_b), (link.back, b, a, at_a)):
        figures = budget(plant, chain, tx, rx)
        low, high = (at.loss_min, at.loss_max) if at else (0.0, 0.0)
        dark = figures.loss.max + high > figures.allowed + 1e-12
        if dark or figures.loss.min + low < figures.needed - 1e-12 or figures.dispersed:
            return None
    prices = [one.price for one in (a, b, at_a, at_b) if one is not None]
    whole = None if None in prices else sum(price or 0.0 for price in prices)
    damping = [one.loss_max for one in (at_a, at_b) if one is not None]
    return whole is None, whole or 0.0, round(allowed_loss(a, b), 9), len(damping), round(sum(damping), 9)


def cost_of_advice(plant: Plant, link: OpticalLink, found: Advice) -> tuple[object, ...] | None:
    parts = {one.id: one for one in (plant.attenuators.values() or STANDARD)}
    kinds = plant.transceivers[found.a], plant.transceivers[found.b]
    fitted = tuple(parts[name] if name else None for name in (found.at_a, found.at_b))
    assert len(fitted) == 2
    return cost_of(plant, link, kinds, fitted)


@pytest.mark.parametrize(("kind", "allowed"), [("lr", 6.2), ("er", 11.1)])
def test_what_the_standard_allows(kind: str, allowed: float) -> None:
    """IEEE 802.3 clause 52: channel insertion loss of 10GBASE-LR 6.2 dB, ER about 11; tx_min − rx_min is that."""
    one = base()[0].transceivers[kind]
    assert allowed_loss(one, one) == pytest.approx(allowed, abs=0.1)
