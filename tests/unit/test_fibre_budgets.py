"""Budgets of links: the standards' insertion losses, what is wrong in a word, and optics that really would do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from inventory_support import LR, example_plant, plant_of, two_sites

from sdnctl.errors import InputError
from sdnctl.inventory.budgets import STANDARD, Advice, cheapest
from sdnctl.inventory.optics import budget
from sdnctl.inventory.plant import AttenuatorPart, Plant
from sdnctl.units import Loss
from sdnctl.usecases.glass import light_budgets, named_links

PART = {"id": "fix-5", "loss": {"min": "4.5 dB", "max": "5.5 dB"}, "price": 9}


@pytest.fixture(scope="module")
def small() -> Plant:
    return example_plant("small")


def test_insertion_losses_are_those_of_the_standard(small: Plant) -> None:
    found = {one.name: one for one in light_budgets(small).links}
    worst = found["core-a--core-b-1"].worst
    assert worst is not None
    assert worst.figures is not None
    assert worst.figures.allowed == pytest.approx(6.2, abs=0.1)
    long = found["com-estel--pop-west"].worst
    assert long is not None
    assert long.figures is not None
    assert long.figures.allowed == pytest.approx(11, abs=0.2)


def test_a_sensitivity_still_has_its_penalty_to_pay() -> None:
    network = two_sites()
    network["transceivers"]["transceivers"] = [LR | {"rx_basis": "sensitivity"}]
    (found,) = light_budgets(plant_of(network)).links
    assert found.worst is not None
    assert found.worst.figures is not None
    assert found.worst.figures.allowed == pytest.approx(6.2 - 3.2)


def test_the_example_has_its_two_faults(small: Plant) -> None:
    found = light_budgets(small)
    assert {one.name: one.verdicts for one in found.links if one.verdicts} == {
        "spare-boisset-east": ("does not close",),
        "spare-west-estel": ("overload",),
    }
    assert set(found.advice) == {"spare-boisset-east", "spare-west-estel"}
    margins = [one.worst.figures.margin for one in found.links if one.worst and one.worst.figures]
    assert margins == sorted(margins)


def test_advice_would_really_do(small: Plant) -> None:
    for link in named_links(small).values():
        found = cheapest(small, link)
        assert found is not None
        assert_does(small, link, found)


def assert_does(plant: Plant, link: Any, found: Advice) -> None:
    a, b = plant.transceivers[found.a], plant.transceivers[found.b]
    parts = {part.id: part for part in (plant.attenuators.values() or STANDARD)}
    for chain, tx, rx, at in ((link.there, a, b, found.at_b), (link.back, b, a, found.at_a)):
        figures = budget(plant, chain, tx, rx)
        part = parts[at] if at else AttenuatorPart("", Loss(0.0), Loss(0.0))
        assert figures.loss.max + part.loss_max <= figures.allowed + 1e-9
        assert figures.loss.min + part.loss_min >= figures.needed - 1e-9
        assert not figures.dispersed


def test_prices_decide_where_all_have_one(small: Plant) -> None:
    link = named_links(small)["core-a--core-b-1"]
    dear = {"10g-lr": 90.0, "10g-er": 10.0}
    kinds = {key: replace(kind, price=dear.get(key)) for key, kind in small.transceivers.items()}
    parts = {"fix-6": AttenuatorPart("fix-6", Loss(5.5), Loss(6.5), 4.0)}
    priced = replace(small, transceivers=kinds, attenuators=parts)
    found = cheapest(priced, link)
    assert found is not None
    assert (found.a, found.at_a, found.at_b, found.price) == ("10g-er", "fix-6", "fix-6", 28.0)
    assert_does(priced, link, found)
    unpriced = cheapest(replace(small, attenuators=parts), link)
    assert unpriced is not None
    assert (unpriced.a, unpriced.at_a, unpriced.price) == ("10g-lr", None, None)


def test_attenuators_of_the_inventory_are_the_ones_there_are() -> None:
    network = two_sites()
    network["transceivers"] = {"transceivers": [], "attenuators": [PART]}
    for switch in network["equipment"]["switches"]:
        del switch["ports"][0]["transceiver"]
        switch["ports"][0]["rate"] = "10 Gbit/s"
    plant = plant_of(network)
    assert plant.attenuators["fix-5"].price == 9
    (found,) = light_budgets(plant).links
    assert found.worst is None
    assert found.verdicts == ("optics unknown",)
    assert cheapest(plant, found.link) is None


def test_single_strand_links_get_the_two_halves_of_a_pair(small: Plant) -> None:
    found = cheapest(small, named_links(small)["cab-halles--pop-west"])
    assert found is not None
    assert {found.a, found.b} == {"1g-bx10-u", "1g-bx10-d"}


def test_links_that_are_not_there_are_named(small: Plant) -> None:
    with pytest.raises(InputError) as caught:
        light_budgets(small, ["core-a--cor-b-1", "old-ford", "x"])
    assert [item.code for item in caught.value.diagnostics] == ["no-such-thing"] * 2
    assert "core-a--core-b-1" in caught.value.diagnostics[0].hint
