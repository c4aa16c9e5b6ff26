"""Traces as they are told: colours by scheme, where a question may start, what is broken and what is not there."""

from __future__ import annotations

import pytest
from inventory_support import example_plant, plant_of, two_sites

from sdnctl.errors import InputError, UsageError
from sdnctl.inventory.colours import SCHEMES, strand_mark, strands_of, tube_of
from sdnctl.inventory.plant import CableType, Plant
from sdnctl.inventory.tracing import StepKind
from sdnctl.usecases.glass import follow


def kind(strands: int, tubes: int, colours: str = "orange-fr") -> CableType:
    return CableType("t", strands, tubes, colours, "G.652.D", 0.01, 1.4682, {})


@pytest.fixture(scope="module")
def small() -> Plant:
    return example_plant("small")


@pytest.mark.parametrize(
    ("scheme", "strand", "said"),
    [
        ("orange-fr", 1, "1 rouge / 1 rouge"),
        ("orange-fr", 14, "2 bleu / 2 bleu"),
        ("orange-fr", 144, "12 rose / 12 rose"),
        ("tia598", 9, "1 blue / 9 yellow"),
        ("tia598", 10, "1 blue / 10 violet"),
        ("gracethd", 9, "1 bleu / 9 violet"),
        ("gracethd", 10, "1 bleu / 10 jaune"),
        ("tia598", 143, "12 aqua / 11 rose"),
    ],
)
def test_colours_of_a_strand(scheme: str, strand: int, said: str) -> None:
    assert str(strand_mark(kind(144, 12, scheme), strand)) == said


def test_ring_marks_begin_after_the_twelfth() -> None:
    many = kind(24 * 24, 24)
    assert str(strand_mark(many, 13)) == "1 rouge / 13 rouge|"
    assert str(strand_mark(many, 24 * 12 + 24)) == "13 rouge| / 24 rose|"
    assert strand_mark(many, 24 * 24).tube.rings == 1


@pytest.mark.parametrize("size", [4, 6, 8, 12])
def test_modulo_says_which_tube(size: int) -> None:
    one = kind(size * 6, 6)
    for tube in range(1, 7):
        assert {tube_of(one, strand) for strand in strands_of(one, tube)} == {tube}
        assert strand_mark(one, strands_of(one, tube)[-1]).strand.number == size


def test_schemes_are_orders_of_the_same_twelve() -> None:
    assert {frozenset(order) for order in SCHEMES.values()} == {frozenset(SCHEMES["tia598"])}
    assert all(len(set(order)) == 12 for order in SCHEMES.values())


def test_a_port_has_a_chain_each_way(small: Plant) -> None:
    there, back = follow(small, "core-a:3")
    assert (str(there.end), str(back.end)) == ("pop-north:1/rx", "pop-north:1/tx")
    assert there.complete
    splice = next(leg for leg in there.legs if leg.kind is StepKind.SPLICE)
    assert splice.measured
    assert splice.losses[0] is not None
    assert splice.losses[0].min == splice.losses[0].max == 0.06


def test_a_break_is_named() -> None:
    network = two_sites()
    network["cables"]["cables"][0]["faults"] = [{"strands": "1", "at": "700 m", "note": "[digger] 12 May"}]
    found = follow(plant_of(network), "sa:1/tx")[0]
    assert not found.complete
    assert [(why.cause, why.where) for why in found.breaks] == [("strand-fault", "c")]
    assert "[digger] 12 May" in found.breaks[0].text


def test_single_strand_light_shows_both_its_wavelengths(small: Plant) -> None:
    found = follow(small, "cab-halles:2")[0]
    assert found.wavelengths == (1310, 1550)
    assert follow(small, "pop-west:4")[0].wavelengths == (1310, 1490, 1550)


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("core-z:1", "no-such-thing", "core-b"),
        ("core-a", "no-such-end", "number which"),
        ("core-a:99", "no-such-end", "1, 2, 3, 4, 5, 6"),
        ("core-a:3/in", "no-such-end", "tx, rx"),
        ("odf-halles:400", "no-such-end", "odf-halles:96"),
        ("att-west/com", "no-such-end", "att-west/in"),
        ("c-mill:25", "no-such-end", "c-mill:24"),
        ("c-mil/a:2", "no-such-thing", "c-mill"),
        ("c-mill/a:1-2", "no-such-end", "Name one"),
        ("c-mill/a:0", "no-such-end", ""),
    ],
)
def test_what_is_not_there_is_named(small: Plant, name: str, code: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        follow(small, name)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert hint in found.hint


def test_a_wavelength_that_is_none(small: Plant) -> None:
    with pytest.raises(UsageError) as caught:
        follow(small, "core-a:3", "1310")
    assert caught.value.diagnostics[0].code == "no-such-wavelength"
