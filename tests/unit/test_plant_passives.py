"""Passive nodes and lit channels: where light goes, what it loses by hand, and what a strand is occupied by."""

from __future__ import annotations

from typing import Any

import pytest
from inventory_support import LR, documents, example_plant, plant_of, two_sites

from sdnctl.inventory.budgets import budgets
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.channels import lit_channels
from sdnctl.inventory.fields import Wavelength, parse_wavelength
from sdnctl.inventory.filling import strand_fill
from sdnctl.inventory.itinerary import itineraries
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.models.glass import PassiveModel
from sdnctl.inventory.optics import allowed_loss, chain_loss
from sdnctl.inventory.passives import Passive, channel_of, loss_through
from sdnctl.inventory.plant import PassivePort, Plant, PortEnd
from sdnctl.inventory.spare import free_channels
from sdnctl.inventory.tracing import branches, trace
from sdnctl.inventory.uses import Uses

Network = dict[str, Any]
SPAN = {"min": "1 dB", "max": "2 dB"}


@pytest.fixture(scope="module")
def plant() -> Plant:
    return example_plant("small-plant")


@pytest.mark.parametrize(
    ("text", "nm"),
    [
        ("1310 nm", 1310),
        ("1550.12 nm", 1550.12),
        ("193.4 THz", 1550.12),
        ("193.5 THz", 1549.32),
        ("1310.0 nm", 1310),
    ],
)
def test_wavelengths_are_whole_or_of_a_dense_grid(text: str, nm: float) -> None:
    assert parse_wavelength(text) == nm
    assert isinstance(parse_wavelength(text), type(nm))


@pytest.mark.parametrize("text", ["1310", 1310, "0 THz", "2000 nm", "150 THz", "1 GHz"])
def test_what_is_no_wavelength(text: object) -> None:
    with pytest.raises(ValueError, match="nm"):
        parse_wavelength(text)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kind": "splitter", "loss": SPAN}, "a splitter needs ways"),
        ({"kind": "mux", "loss": SPAN, "ways": 2, "channels": {"a": "1310 nm"}}, "a mux has none"),
        ({"kind": "attenuator", "loss": SPAN, "channels": {"a": "1310 nm"}}, "an attenuator has none"),
        ({"kind": "attenuator"}, "give its loss"),
        ({"kind": "splitter", "ways": 2, "loss": SPAN, "port_losses": {"out3": SPAN}}, "no channel or output"),
    ],
)
def test_passives_are_written_as_what_they_are(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PassiveModel.model_validate({"id": "x", "site": "a"} | entry)


def passive(plant: Plant, name: str) -> Passive:
    return plant.passives[name]


def test_loss_is_that_of_the_port_else_of_the_wavelength_else_of_the_node(plant: Plant) -> None:
    tap, mux = passive(plant, "tap-east"), passive(plant, "mux-west-c")
    assert loss_through(tap, "com", "out1", Wavelength(1310)) == (0.4, 0.8)
    assert loss_through(tap, "out2", "com", Wavelength(1310)) == (9.6, 11.0)
    assert loss_through(mux, "com", "c1470", Wavelength(1470)) == (0.9, 1.6)  # within 20 nm of the figure at 1480
    assert loss_through(mux, "c1550", "com", Wavelength(1550.12)) == (0.8, 1.4)
    assert loss_through(mux, "c1470", "com", Wavelength(1550)) is None
    assert (mux.loss_min, mux.loss_max) == (0.8, 1.6)  # where no figure is near: what it may be at all


def test_dense_channels_lie_where_coarse_ones_are_one(plant: Plant) -> None:
    dense, coarse = passive(plant, "mux-west-d"), passive(plant, "mux-west-c")
    assert [channel_of(dense, Wavelength(nm)) for nm in (1550.92, 1550.12, 1549.32, 1550.5, 1551.3)] == [
        "d33",
        "d34",
        "d35",
        None,
        None,
    ]
    assert {channel_of(coarse, Wavelength(nm)) for nm in (1543.5, 1550.12, 1556.9)} == {"c1550"}
    assert channel_of(coarse, Wavelength(1480)) is None


def test_a_chain_of_muxes_loses_what_one_adds_up_by_hand(plant: Plant) -> None:
    chain = trace(plant, PortEnd("sw-west", 3, "tx"), wavelength=Wavelength(1550.12))
    assert str(chain.end) == "sw-hub:3/rx"
    assert [step.via for step in chain.steps if step.kind == "passive"] == [
        "mux-west-d", "mux-west-c", "mux-hub-c", "mux-hub-d"
    ]  # fmt: skip
    km = (2600 + 800) * 1.01 / 1000
    loss = chain_loss(plant, chain, Wavelength(1550.12))
    assert loss.min == pytest.approx(2 * 1.5 + 2 * 0.8 + 0.21 * km)
    assert loss.max == pytest.approx(2 * 2.5 + 2 * 1.4 + 2 * 0.5 + 0.2 + 0.25 * km)


def test_the_budget_of_a_channel_is_at_its_own_wavelength(plant: Plant) -> None:
    links = {link.a.port: link for link in optical_links(plant)[0] if link.a.switch == "sw-hub"}
    (coarse,) = budgets(plant, [("coarse", links[2])])
    km = (2600 + 800) * 1.01 / 1000
    for one in coarse.directions:
        assert one.figures is not None
        assert one.figures.loss.min == pytest.approx(2 * 0.9 + 0.22 * km)
        assert one.figures.loss.max == pytest.approx(2 * 1.6 + 2 * 0.5 + 0.2 + 0.30 * km)
        assert one.figures.allowed == pytest.approx(0 - (-21) - 2)  # a vendor's sensitivity: less the penalty
    assert allowed_loss(plant.transceivers["10g-lr"], plant.transceivers["10g-lr"]) == pytest.approx(6.2)


def test_a_splitter_shares_light_out_and_the_link_is_with_whom_answers(plant: Plant) -> None:
    ways = list(branches(plant, PortEnd("sw-hub", 4, "tx")))
    assert [str(way.end) for way in ways] == ["sw-east:2/rx", "sw-east:3/rx"]
    losses = [chain_loss(plant, way, Wavelength(1310)) for way in ways]
    assert losses[1].min - losses[0].min == pytest.approx(9.6 - 0.4)
    undecided = trace(plant, PortEnd("sw-hub", 4, "tx"))
    assert undecided.broken is not None
    assert undecided.broken.cause == "split"
    assert [str(one.end) for one in itineraries(plant, PortEnd("sw-hub", 4, "tx"))] == [
        "sw-east:2/rx",
        "sw-east:3/rx",
    ]
    links, warnings = optical_links(plant)
    assert {(str(link.a), str(link.b)) for link in links} >= {("sw-east:2/tx", "sw-hub:4/rx")}
    assert not warnings.items


def test_light_that_several_answer_is_nobodys_link() -> None:
    network = two_sites()
    network["odfs"]["odfs"][1]["positions"] = 24
    network["passives"]["passives"] = [{"id": "s", "kind": "splitter", "site": "b", "ways": 2, "loss": SPAN}]
    far = network["equipment"]["switches"][1]["ports"]
    far[0] |= {"tx": None, "rx": None, "bidi": "s/out1", "transceiver": "up"}
    far.append({"port": 2, "transceiver": "up", "bidi": "s/out2"})
    network["equipment"]["switches"][0]["ports"][0] |= {
        "tx": None,
        "rx": None,
        "bidi": "odf-a:4",
        "transceiver": "down",
    }
    network["equipment"]["jumpers"] = [{"a": "s/com", "b": "odf-b:4"}]
    network["transceivers"]["transceivers"] += [
        LR | {"id": "up", "rx_wavelength": "1550 nm"},
        LR | {"id": "down", "wavelength": "1550 nm", "rx_wavelength": "1310 nm"},
    ]
    plant, found = build_plant(documents(network))
    assert [one.code for one in found.errors] == ["wavelength-taken"]  # both far ends send 1310 nm up one strand
    links, warnings = optical_links(plant)
    assert links == ()
    assert {one.code for one in warnings} == {"link-broken", "one-way-link"}
    assert any("sends the light on to each of out1, out2" in one.detail for one in warnings)


# ── occupied wavelengths ─────────────────────────────────────────────────────────────────────────


def behind_muxes(first: str, second: str) -> Network:
    """Two ports at each site on one strand, through muxes with channels at 1310 and 1550 nm, and a tap."""
    network = two_sites()
    network["passives"]["passives"] = [
        {
            "id": f"m-{site}",
            "kind": "mux",
            "site": site,
            "loss": SPAN,
            "channels": {"x": "1310 nm", "y": "1550 nm"},
        }
        for site in "ab"
    ] + [{"id": "s", "kind": "splitter", "site": "a", "ways": 2, "loss": SPAN}]
    near, far = (switch["ports"] for switch in network["equipment"]["switches"])
    near[:] = [
        {"port": 1, "transceiver": first, "tx": "s/out1"},
        {"port": 2, "transceiver": second, "tx": "s/out2"},
    ]
    far[:] = [{"port": 1, "transceiver": "lr", "rx": "m-b/x"}, {"port": 2, "transceiver": "er", "rx": "m-b/y"}]
    network["equipment"]["jumpers"] = [{"a": "s/com", "b": "odf-a:5"}, {"a": "m-b/com", "b": "odf-b:5"}]
    return network


def test_two_channels_on_one_strand_and_wavelength_are_refused_by_name() -> None:
    _, found = build_plant(documents(behind_muxes("lr", "lr")))
    (fault,) = found.errors
    assert fault.code == "wavelength-taken"
    assert fault.summary == "sa:1/tx and sa:2/tx both light strand 5 of cable c at 1310 nm"


def test_two_channels_at_different_wavelengths_share_a_strand() -> None:
    plant = plant_of(behind_muxes("lr", "er"))
    light = lit_channels(plant)["c", 5]
    assert sorted((one.wavelength, str(one.by)) for one in light) == [(1310, "sa:1/tx"), (1550, "sa:2/tx")]
    ends = {str(trace(plant, one.by, wavelength=one.wavelength).end) for one in light}
    assert ends == {"sb:1/rx", "sb:2/rx"}


def test_one_wavelength_both_ways_on_one_strand_is_refused() -> None:
    network = two_sites()
    for switch, site in zip(network["equipment"]["switches"], "ab", strict=True):
        switch["ports"] = [{"port": 1, "transceiver": "lr", "bidi": f"odf-{site}:4"}]
    _, found = build_plant(documents(network))
    assert [one.summary for one in found.errors] == [
        "sa:1/bidi and sb:1/bidi both light strand 4 of cable c at 1310 nm"
    ]
    network["equipment"]["switches"][1]["ports"][0]["status"] = "planned"
    assert build_plant(documents(network))[1].errors == []


def test_free_and_capacity_know_which_channels_are_lit(plant: Plant) -> None:
    found = free_channels(plant, "west", "hub")
    assert [(one.wavelength, str(one.a), str(one.b)) for one in found] == [
        (1550.92, "mux-west-d/d33", "mux-hub-d/d33")
    ]
    assert found[0].loss is not None
    assert found[0].loss.max == pytest.approx(2 * 2.5 + 2 * 1.4 + 1.2 + 0.25 * 3.4 * 1.01)
    fills = {one.name: one for one in strand_fill(plant, Uses(plant, optical_links(plant)[0]))}
    assert (fills["c-ring:3"].used, fills["c-ring:3"].total) == (4, 5)  # 1470, 1490, two of three dense ones
    assert (fills["c-east:1"].used, fills["c-east:1"].total) == (1, 1)  # one strand, both wavelengths of one link


def test_a_wavelength_that_comes_in_by_another_way_is_not_free() -> None:
    network = behind_muxes("lr", "er")
    network["passives"]["passives"].append(
        {"id": "m2", "kind": "mux", "site": "a", "loss": SPAN, "channels": {"x": "1310 nm", "y": "1550 nm"}}
    )
    network["equipment"]["switches"][0]["ports"][1]["tx"] = None
    network["equipment"]["switches"][1]["ports"] = []
    network["equipment"]["jumpers"].append({"a": "m2/com", "b": "s/out2"})
    free = free_channels(plant_of(network), "a", "b")
    assert [(one.wavelength, str(one.a)) for one in free] == [(1550, "m2/y")]  # 1310 nm is lit by sa:1
    assert free[0].b == PassivePort("m-b", "y")
