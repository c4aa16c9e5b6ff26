"""Ducts in depth: positions in masks, openings on the way, what lies in them; modes of installation; users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import pytest
from inventory_support import LIFE, documents, example_plant, two_sites

from sdnctl.errors import Diagnostics, InputError
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.cards import card
from sdnctl.inventory.cuts import Cutter, find_events
from sdnctl.inventory.ducting import contents, mask_at
from sdnctl.inventory.fields import MaskPosition, format_masks, parse_mask, parse_masks
from sdnctl.inventory.filling import duct_fill
from sdnctl.inventory.models.works import SegmentKind
from sdnctl.inventory.modes import MODES
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.rows import DuctRow
from sdnctl.workspace.dump import dump_csv
from sdnctl.workspace.tables import parse_csv

Network = dict[str, Any]


def built(network: Network) -> tuple[Plant, list[tuple[str, str]]]:
    plant, found = build_plant(documents(network))
    return plant, [(one.code, one.summary) for one in found if one.code != "unknown-owner"]


def ducts(*more: dict[str, Any], **changes: Any) -> Network:
    """Two sites; their duct d with some changes, and further ducts."""
    network = two_sites()
    network["ducts"]["ducts"][0] |= changes
    network["ducts"]["ducts"] += more
    return network


MASKS = {"a": "A:1.2", "b": "C:3"}
INNER = [{"id": f"d{number}", "parent": "d", "diameter": "20 mm"} for number in (1, 2)]


def test_inner_ducts_come_through_the_hole_of_their_duct() -> None:
    plant, found = built(ducts(*INNER, {"id": "e", "segments": ["a-k1"], "masks": {"a": "A:2.2"}}, masks=MASKS))
    assert found == []
    assert mask_at(plant.ducts, "d1", "a") == MaskPosition("A", 1, 2)
    assert str(mask_at(plant.ducts, "d2", "b")) == "C:3"
    assert mask_at(plant.ducts, "e", "k1") is None


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({"segments": ["a-k1"], "masks": {"a": "A:1.2"}}, "mask-position-taken", "d and e are both at position A"),
        ({"segments": ["a-k1"], "masks": {"b": "A:1.2"}}, "mask-not-at-an-end", "duct e does not end at b"),
        ({"parent": "d", "masks": {"a": "A:1.3"}}, "mask-differs", "A:3 of the mask at a, what it lies in at A:2"),
        ({"parent": "d", "masks": {"a": "A:1.2"}}, None, ""),
        ({"segments": ["a-k1"], "openings": ["k1"]}, "opening-not-on-the-way", "duct e cannot be opened at k1"),
    ],
)  # fmt: skip
def test_masks_and_openings_are_checked(more: dict[str, Any], code: str | None, said: str) -> None:
    _, found = built(ducts({"id": "e"} | more, masks=MASKS))
    assert [one for one, _ in found] == ([code] if code else [])
    assert all(said in summary for _, summary in found)


def test_masks_in_a_table_read_back_as_written() -> None:
    text = "id,segments,masks,openings\nd,a-k1;k1-k2;k2-b,a=A:1.2;b=C:3,k1;k2\n"
    out = Diagnostics()
    rows = parse_csv(text, DuctRow, "inventory/ducts.csv", out)
    assert rows is not None
    assert out.items == []
    (row,) = rows.document.value
    assert row.masks == {"a": MaskPosition("A", 1, 2), "b": MaskPosition("C", 1, 3)}
    assert dump_csv([row], DuctRow) == text.replace("A:1.2", "A:2")
    assert parse_masks(format_masks(row.masks)) == {"a": "A:2", "b": "C:3"}


@pytest.mark.parametrize("text", ["A", "A:0", "A:1.0", ":3", "A:b", 3])
def test_what_is_no_position_of_a_mask_says_how_one_is_written(text: object) -> None:
    with pytest.raises(ValueError, match=r"write wall, row and column like 'A:2\.3'"):
        parse_mask(text)


def cables(network: Network, count: int, **changes: Any) -> Network:
    network["cables"]["cables"] += [
        {"id": f"c{n}", "type": "t12", "a": "a", "b": "b", "route": ["d"]} | changes for n in range(count)
    ]
    return network


def test_more_than_a_duct_takes_is_a_warning_with_the_numbers() -> None:
    _, found = built(cables(ducts(*INNER, capacity=3), 2))
    assert found == [("duct-overfull", "duct d holds 3 cables and 2 inner ducts, and takes 3")]
    assert built(cables(ducts(capacity=3), 2))[1] == []
    assert built(cables(ducts(capacity=3), 3, status="planned"))[1] == []


def test_a_duct_is_too_narrow_for_what_lies_in_it() -> None:
    network = cables(ducts(diameter="30 mm"), 2)
    network["cable-types"]["cable_types"][0]["diameter"] = "18 mm"
    plant, found = built(network)
    assert found == [("duct-overfull", "duct d has a cross-section of 707 mm², what lies in it 763")]
    assert contents(plant.ducts, plant.cables.values())["d"].cables == ("c", "c0", "c1")


def test_capacity_tells_places_where_it_is_written() -> None:
    plant, _ = built(cables(ducts(*INNER, capacity=8), 1))
    fill = {one.name: one for one in duct_fill(plant)}["d"]
    assert (fill.used, fill.total, fill.note) == (4, 8, "places")


def test_cables_come_and_go_where_a_duct_is_opened() -> None:
    network = cables(ducts(openings=["k1"]), 1, b="k1")
    cables(network, 1, id="last", a="k1")
    plant, found = built(network)
    assert found == []
    assert plant.cables["c0"].places == ("a", "k1")
    assert plant.cables["last"].places == ("k1", "k2", "b")
    assert [(one.segment, one.duct) for one in plant.cables["last"].passages] == [("k1-k2", "d"), ("k2-b", "d")]
    backwards = cables(ducts(openings=["k1"]), 1, a="b", b="k1")
    assert built(backwards)[0].cables["c0"].places == ("b", "k2", "k1")
    assert [code for code, _ in built(cables(ducts(openings=["k2"]), 1, b="k1"))[1]] == [
        "cable-route-not-contiguous"
    ]


def test_every_mode_of_installation_is_described() -> None:
    assert set(MODES) == set(get_args(SegmentKind))


@pytest.mark.parametrize("kind", MODES)
def test_what_cuts_a_segment_takes_all_its_ducts_whatever_its_mode(kind: str) -> None:
    network = ducts(*INNER, {"id": "alone", "segments": ["k1-k2"]})
    network["segments"][1]["kind"] = kind
    network["cables"]["cables"] += [
        {"id": "inside", "type": "t12", "a": "a", "b": "b", "route": ["d2"]},
        {"id": "bare", "type": "t12", "a": "k1", "b": "k2", "route": ["k1-k2"]},
    ]
    plant, found = built(network)
    assert {code for code, _ in found} == (set() if MODES[kind].ducts else {"duct-in-the-air"})
    damage = Cutter(plant).cut(find_events(plant, ("segment:k1-k2",)))
    assert damage.hit["duct"] == {"d", "d1", "d2", "alone"}
    assert set(damage.wounds) == {"c", "inside", "bare"}
    one_duct = Cutter(plant).cut(find_events(plant, ("duct:d2",)))
    assert set(one_duct.wounds) == {"inside"}


@pytest.mark.parametrize(
    ("change", "owner", "manager", "user"),
    [
        (lambda n: None, "town", "town", "town"),
        (lambda n: n["ducts"]["defaults"].update(user="city"), "town", "town", "city"),
        (lambda n: n["ducts"]["ducts"][0].update(owner="rentel", user="town"), "rentel", "rentel", "town"),
        (lambda n: n["ducts"]["ducts"][0].update(manager="crew"), "town", "crew", "town"),
    ],
)
def test_owner_manager_and_user_may_differ(
    change: Callable[[Network], None], owner: str, manager: str, user: str
) -> None:
    network = two_sites()
    network["ducts"]["defaults"] = dict(LIFE)
    change(network)
    life = built(network)[0].ducts["d"].life
    assert (life.owner, life.manager, life.user) == (owner, manager, user)


# ── cards ────────────────────────────────────────────────────────────────────────────────────────


def test_a_card_tells_a_duct_with_its_holes_and_what_lies_in_it() -> None:
    plant = example_plant("small-plant")
    found = card(plant, "d-trunk-1")
    facts = dict(found.facts)
    assert (facts["at w1"], facts["lies in"], facts["holds"]) == (
        "mask A:1",
        "d-trunk",
        "1 cable; 154 of 1257 mm² (12%)",
    )
    rented = dict(card(plant, "duct:d-rented").facts)
    assert (rented["owner"], rented["user"]) == ("national-operator", "riverside-town")
    assert "manager" not in rented  # it is the owner
    assert card(plant, "m1").lists["masks"] == ("A:2.1: d-rented", "C:1: d-trunk", "C:2: d-old")
    assert card(plant, "s-w1-m1").lists["ducts"][:2] == ("d-trunk", "  d-trunk-1")


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("d-trnk", "no-such-thing", "Did you mean d-trunk"),
        ("duct:m1", "no-such-thing", ""),
        ("mast:m1", "no-such-thing", "segment, duct, chamber"),
        ("twin", "ambiguous-name", "Write duct:twin or cable:twin."),
    ],
)
def test_a_card_of_nothing_or_of_two_things_is_refused(name: str, code: str, said: str) -> None:
    plant = example_plant("small-plant")
    both = replace(
        plant,
        ducts={**plant.ducts, "twin": plant.ducts["d-hub"]},
        cables={**plant.cables, "twin": plant.cables["c-east"]},
    )
    with pytest.raises(InputError) as caught:
        card(both, name)
    (fault,) = caught.value.diagnostics
    assert fault.code == code
    assert said in fault.hint
