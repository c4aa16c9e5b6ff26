"""Loss, budget, overload, dispersion and delay against figures one can check by hand; lengths against pyproj."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from inventory_support import ER, LR, documents, plant_of, two_sites
from pyproj import Geod

from sdnctl.errors import Source
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.fields import Dispersion, Wavelength
from sdnctl.inventory.geometry import distance, line_length, zone_content
from sdnctl.inventory.optics import (
    UnknownAttenuation,
    allowed_loss,
    attenuation,
    budget,
    chain_delay,
    chain_loss,
)
from sdnctl.inventory.plant import Hazard, PortEnd
from sdnctl.inventory.tracing import trace


def long_cable(sheath: str, **transceiver: Any) -> dict[str, Any]:
    network = two_sites()
    network["cables"]["cables"][0] |= {"route": [], "sheath": sheath}
    network["cable-types"]["cable_types"][0]["helix"] = "0 %"
    network["transceivers"]["transceivers"] = [LR | transceiver, ER | transceiver]
    return network


def test_standard_optics_allow_what_the_standard_says() -> None:
    kinds = plant_of(two_sites()).transceivers
    assert allowed_loss(kinds["lr"], kinds["lr"]) == pytest.approx(6.2, abs=0.1)
    assert allowed_loss(kinds["er"], kinds["er"]) == pytest.approx(11, abs=0.2)
    vendor = replace(kinds["lr"], rx_basis="sensitivity")
    assert allowed_loss(vendor, vendor) == pytest.approx(6.2 - 3.2, abs=0.1)


def test_loss_of_ten_kilometres_by_hand() -> None:
    plant = plant_of(long_cable("10 km"))
    chain = trace(plant, PortEnd("sa", 1, "tx"))
    loss = chain_loss(plant, chain, Wavelength(1310))
    assert loss.max == pytest.approx(10 * 0.35 + 2 * 0.5)
    assert loss.min == pytest.approx(10 * 0.342)
    assert chain_loss(plant, chain, Wavelength(1550)).max == pytest.approx(10 * 0.25 + 2 * 0.5)
    assert chain_delay(plant, chain) == pytest.approx(49, rel=0.01)  # 4.9 µs/km


def test_splices_count_measured_or_planned() -> None:
    network = two_sites()
    entries: list[dict[str, str]] = [{"a": "c/a:1", "b": "c/b:1"}, {"a": "c/a:2", "b": "c/b:2"}]
    network["closures"]["closures"] = [{"id": "k", "at": "k1", "splices": entries}]

    def loss() -> tuple[float, float]:
        plant = plant_of(network)
        span = chain_loss(plant, trace(plant, PortEnd("sa", 1, "tx")), Wavelength(1310))
        return span.min, span.max

    low, high = loss()
    entries[0]["loss"] = "0.05 dB"
    assert loss() == pytest.approx((low + 0.05, high - 0.15))
    del entries[0]["loss"]
    entries[0] |= {"loss_ab": "-0.04 dB", "loss_ba": "0.16 dB"}
    assert loss() == pytest.approx((low + 0.06, high - 0.14))
    del entries[0]["loss_ba"]
    assert loss() == pytest.approx((low, high))  # a gain seen from one side is no gain
    _, diagnostics = build_plant(documents(network))
    assert [item.code for item in diagnostics] == ["one-way-splice-reading"]
    assert "-0.04 dB" in diagnostics.items[0].summary


def test_frames_of_grade_c_cost_more() -> None:
    network = long_cable("1 km")
    for odf in network["odfs"]["odfs"]:
        odf["grade"] = "C"
    plant = plant_of(network)
    assert chain_loss(plant, trace(plant, PortEnd("sa", 1, "tx")), Wavelength(1310)).max == pytest.approx(
        0.35 + 1.6
    )


def test_margin_uses_greatest_loss_and_overload_the_least() -> None:
    plant = plant_of(long_cable("10 km"))
    er = plant.transceivers["er"]
    figures = budget(plant, trace(plant, PortEnd("sa", 1, "tx")), er, er)
    assert figures.margin == pytest.approx(11.1 - 3.5)
    assert figures.overload == pytest.approx(2.1 - 5.0)
    assert figures.closes
    assert not figures.safe


def test_an_attenuator_makes_a_short_link_safe() -> None:
    network = long_cable("10 km")
    for switch, site in zip(network["equipment"]["switches"], "ab", strict=True):
        switch["ports"][0]["transceiver"] = "er"
        network["passives"]["passives"].append(
            {"id": f"att-{site}", "kind": "attenuator", "site": site, "loss": {"min": "4.5 dB", "max": "5.5 dB"}}
        )
        behind = switch["ports"][0]["rx"]
        switch["ports"][0]["rx"] = f"att-{site}/out"
        network["equipment"]["jumpers"].append({"a": behind, "b": f"att-{site}/in"})
    plant = plant_of(network)
    er = plant.transceivers["er"]
    figures = budget(plant, trace(plant, PortEnd("sa", 1, "tx")), er, er)
    assert figures.closes
    assert figures.safe
    assert figures.margin == pytest.approx(11.1 - 3.5 - 5.5)


def test_dispersion_limits_long_links() -> None:
    plant = plant_of(long_cable("80 km"))
    er = replace(
        plant.transceivers["er"], dispersion_limit=Dispersion(1600.0), tx_min=plant.transceivers["er"].tx_max
    )
    chain = trace(plant, PortEnd("sa", 1, "tx"))
    assert not budget(plant, chain, er, er).dispersed  # 1336 ps/nm
    assert budget(plant, chain, replace(er, dispersion_limit=Dispersion(1300.0)), er).dispersed


def test_attenuation_is_the_types_own_or_the_fibres_or_unknown() -> None:
    network = two_sites()
    network["cable-types"]["cable_types"][0]["attenuation"] = {
        "1490 nm": {"min": "0.2 dB/km", "max": "0.3 dB/km"},
        "1310 nm": {"min": "0.36 dB/km", "max": "0.4 dB/km"},
    }
    kind = plant_of(network).cable_types["t12"]
    assert attenuation(kind, Wavelength(1490)) == (0.2, 0.3)
    assert attenuation(kind, Wavelength(1310)) == (0.36, 0.4)
    assert attenuation(kind, Wavelength(1545)) == (0.21, 0.25)
    with pytest.raises(UnknownAttenuation, match="t12"):
        attenuation(kind, Wavelength(1625))


def test_lengths_agree_with_the_geodesic() -> None:
    geodesic = Geod(ellps="GRS80")
    points = [(4.35, 43.83), (4.36, 43.835), (4.36, 43.9), (4.5, 43.9), (4.49, 43.83)]
    for a, b in pairwise(points):
        assert distance(a, b) == pytest.approx(geodesic.inv(*a, *b)[2], rel=2e-6)
    assert line_length(points) == pytest.approx(geodesic.line_length(*zip(*points, strict=True)), rel=2e-6)


def test_a_zone_holds_the_metres_inside_it() -> None:
    plant = plant_of(two_sites())
    west, east = 4.0105, 4.0305  # from the middle of k1–k2 to beyond b
    zone = Hazard("z", "flood", "z", ((west, 43.9), (east, 43.9), (east, 44.1), (west, 44.1)), Source("x"))
    content = zone_content(plant, zone)
    assert content.places == {"k2", "b"}
    assert set(content.segments) == {"k1-k2", "k2-b"}
    assert content.segments["k1-k2"] == pytest.approx(plant.segments["k1-k2"].length / 2, rel=1e-3)
    assert content.segments["k2-b"] == pytest.approx(plant.segments["k2-b"].length)
