"""Light follows the glass: lengths, events, breaks, polarity, single strands and muxes."""

from __future__ import annotations

from typing import Any

import pytest
from inventory_support import LR, plant_of, two_sites

from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.plant import OdfPosition, PassivePort, PortEnd, StrandEnd
from sdnctl.inventory.rings import closed_loops
from sdnctl.inventory.tracing import StepKind, events, trace


def only_link(network: dict[str, Any]) -> tuple[OpticalLink | None, list[str]]:
    links, diagnostics = optical_links(plant_of(network))
    return (links[0] if links else None), [item.code for item in diagnostics]


def with_joint(network: dict[str, Any]) -> dict[str, Any]:
    """The same with strands 1 and 2 cut at k1, crossed over and spliced again."""
    network["closures"]["closures"] = [
        {"id": "k", "at": "k1", "splices": [{"a": "c/a:1-2", "b": "c/b:2,1", "loss": "0.05 dB"}]}
    ]
    return network


def test_trace_names_everything_on_the_way() -> None:
    plant = plant_of(two_sites())
    traced = trace(plant, PortEnd("sa", 1, "tx"))
    assert traced.end == PortEnd("sb", 1, "rx")
    assert [step.kind for step in traced.steps] == ["jumper", "connector", "strand", "connector", "jumper"]
    glass = traced.steps[2]
    assert glass.length == pytest.approx(plant.cables["c"].sheath * 1.01)
    assert traced.length == pytest.approx(glass.length + 10)
    assert [(event.kind, event.via, event.place) for event in events(plant, traced)] == [
        ("connector", "odf-a", "a"),
        ("connector", "odf-b", "b"),
    ]


def test_a_strand_passes_uncut_where_nobody_names_it() -> None:
    network = with_joint(two_sites())
    plant = plant_of(network)
    untouched = trace(plant, OdfPosition("odf-a", 3), backwards=True)
    assert [step.kind for step in untouched.steps] == ["connector", "strand", "connector"]
    assert untouched.end == OdfPosition("odf-b", 3)
    cut = trace(plant, OdfPosition("odf-a", 1), backwards=True)
    assert [step.kind for step in cut.steps] == ["connector", "strand", "splice", "strand", "connector", "jumper"]
    assert cut.end == PortEnd("sb", 1, "tx")


def test_loops_count_half_on_each_side_of_a_cut() -> None:
    network = with_joint(two_sites())
    network["cables"]["cables"][0] |= {"slack": [{"at": "k1", "length": "30 m"}, {"at": "a", "length": "8 m"}]}
    plant = plant_of(network)
    lengths = [step.length for step in trace(plant, PortEnd("sa", 1, "tx")).steps if step.kind is StepKind.STRAND]
    first = plant.segments["a-k1"].length
    assert lengths[0] == pytest.approx((8 + first + 15) * 1.01)
    assert sum(lengths) == pytest.approx(plant.cables["c"].sheath * 1.01)


@pytest.mark.parametrize(
    ("change", "cause", "where"),
    [
        (lambda n: n["equipment"]["switches"][1]["ports"][0].pop("rx"), "unpatched", "b"),
        (lambda n: n["odfs"]["odfs"][1].update(terminations=[]), "strand-end", "b"),
        (lambda n: n["odfs"]["odfs"][0].update(terminations=[]), "no-strand", "a"),
        (lambda n: n["closures"]["closures"].append({"id": "k", "at": "k2", "cut": ["c:1"]}), "strand-end", "k2"),
        (lambda n: n["cables"]["cables"][0].update(faults=[{"strands": "1", "at": "600 m"}]), "strand-fault", "c"),
    ],
)
def test_breaks_are_named_with_their_place(change: Any, cause: str, where: str) -> None:
    network = two_sites()
    change(network)
    broken = trace(plant_of(network), PortEnd("sa", 1, "tx")).broken
    assert broken is not None
    assert (broken.cause, broken.where) == (cause, where)
    found, codes = only_link(network)
    assert found is None
    assert "link-broken" in codes


def test_a_fault_hits_only_its_side_of_a_cut() -> None:
    network = with_joint(two_sites())
    network["cables"]["cables"][0]["faults"] = [{"strands": "1", "at": "1600 m"}]
    plant = plant_of(network)
    assert trace(plant, PortEnd("sa", 1, "tx")).broken is None  # strand 1, then strand 2 from k1 on
    assert trace(plant, PortEnd("sb", 1, "tx")).broken is None
    broken = trace(plant, PortEnd("sb", 1, "rx")).broken
    assert broken is not None
    assert broken.cause == "strand-fault"


def test_a_cut_segment_severs_what_lies_in_it() -> None:
    plant = plant_of(two_sites())
    for name in ("k1-k2", "c"):
        broken = trace(plant, PortEnd("sa", 1, "tx"), severed=frozenset({name})).broken
        assert broken is not None
        assert (broken.cause, broken.where) == ("severed", name)
    assert trace(plant, PortEnd("sa", 1, "tx"), severed=frozenset({"elsewhere"})).broken is None


def test_both_chains_are_found_and_crossed_splices_give_reversed_polarity() -> None:
    found, codes = only_link(two_sites())
    assert found is not None
    assert found.usable
    assert codes == []
    assert found.there.end == PortEnd("sb", 1, "rx")
    assert found.back.end == PortEnd("sa", 1, "rx")
    found, codes = only_link(with_joint(two_sites()))
    assert found is None
    assert codes == ["reversed-polarity"]


def test_the_second_strand_must_come_back_to_the_same_port() -> None:
    network = two_sites()
    network["equipment"]["switches"][1]["ports"][0]["tx"] = "odf-b:5"
    found, codes = only_link(network)
    assert found is None
    assert codes == ["one-way-link", "link-broken"]


def test_a_port_looped_to_itself() -> None:
    network = two_sites()
    network["equipment"]["switches"] = network["equipment"]["switches"][:1]
    network["odfs"]["odfs"][1]["terminations"] = []
    network["closures"]["closures"] = [{"id": "k", "at": "b", "splices": [{"a": "c:1", "b": "c:2"}]}]
    found, codes = only_link(network)
    assert found is None
    assert codes == ["port-loop"]


def test_rings_of_glass_are_found() -> None:
    network = two_sites()
    network["cables"]["cables"].append({"id": "c2", "type": "t12", "a": "a", "b": "b", "route": ["d"]})
    network["odfs"]["odfs"][0]["terminations"] = []
    network["closures"]["closures"] = [
        {"id": "k", "at": "k1", "splices": [{"a": "c/b:7", "b": "c2/b:7"}, {"a": "c/b:8", "b": "c2/b:8"}]},
        {"id": "m", "at": "k2", "splices": [{"a": "c/a:7", "b": "c2/a:7"}]},
    ]
    loops = closed_loops(plant_of(network))
    assert len(loops) == 1
    assert {end.strand for end in loops[0]} == {7}


@pytest.mark.parametrize(
    "jumpers",
    [
        [("odf-a:13", "odf-a:1"), ("odf-b:1", "odf-b:13")],
        [("odf-a:13", "odf-a:14"), ("odf-b:1", "odf-b:2"), ("odf-a:1", "odf-a:2"), ("odf-b:13", "odf-b:14")],
        [("odf-a:13", "pad/in"), ("pad/out", "odf-a:1"), ("odf-b:1", "odf-b:13")],
    ],
    ids=["from cable to cable", "back at each end", "through an attenuator"],
)
def test_rings_may_run_over_jumpers(jumpers: list[tuple[str, str]]) -> None:
    network = two_sites()
    network["cables"]["cables"].append({"id": "c2", "type": "t12", "a": "a", "b": "b", "route": ["d"]})
    for odf in network["odfs"]["odfs"]:
        odf["terminations"].append({"positions": "13-24", "strands": "c2:1-12"})
    for switch in network["equipment"]["switches"]:
        switch["ports"] = []
    network["passives"]["passives"] = [
        {"id": "pad", "kind": "attenuator", "site": "a", "loss": {"min": "1 dB", "max": "2 dB"}}
    ]
    network["equipment"]["jumpers"] = [{"a": a, "b": b} for a, b in jumpers]
    network["closures"]["closures"] = [
        {"id": "k", "at": "k1", "splices": [{"a": "c/a:1-2", "b": "c2/b:1-2"}, {"a": "c/b:1-2", "b": "c2/a:1-2"}]}
    ]
    loops = closed_loops(plant_of(network))
    assert len(loops) == (1 if len(jumpers) < 4 else 2)
    network["equipment"]["jumpers"].pop()
    assert len(closed_loops(plant_of(network))) == len(loops) - 1


def bidirectional(network: dict[str, Any]) -> dict[str, Any]:
    up = LR | {"id": "up", "rx_wavelength": "1550 nm"}
    down = LR | {"id": "down", "wavelength": "1550 nm", "rx_wavelength": "1310 nm"}
    network["transceivers"]["transceivers"] += [up, down]
    for index, (site, kind) in enumerate((("a", "up"), ("b", "down"))):
        network["equipment"]["switches"][index]["ports"] = [
            {"port": 1, "transceiver": kind, "rate": "1 Gbit/s", "bidi": f"odf-{site}:4"}
        ]
    return network


def test_one_strand_with_a_wavelength_each_way() -> None:
    found, codes = only_link(bidirectional(two_sites()))
    assert found is not None
    assert codes == []
    assert found.back == found.there.reversed()
    assert found.rate == 10**9
    network = bidirectional(two_sites())
    network["equipment"]["switches"][1]["ports"][0]["transceiver"] = "up"
    found, codes = only_link(network)
    assert found is not None
    assert not found.usable
    assert codes == ["wavelength-mismatch"]


def test_a_mux_sends_each_wavelength_its_own_way() -> None:
    network = two_sites()
    network["passives"]["passives"] = [
        {
            "id": f"mux-{site}",
            "kind": "mux",
            "site": site,
            "loss": {"min": "1 dB", "max": "2 dB"},
            "channels": {"ch1310": "1310 nm", "ch1550": "1550 nm"},
        }
        for site in "ab"
    ]
    bidirectional(network)
    for switch, site in zip(network["equipment"]["switches"], "ab", strict=True):
        switch["ports"][0] |= {"bidi": None, "tx": None, "rx": None}
        sends, hears = ("1310", "1550") if site == "a" else ("1550", "1310")
        switch["ports"][0] |= {"tx": f"mux-{site}/ch{sends}", "rx": f"mux-{site}/ch{hears}"}
        network["equipment"]["jumpers"].append({"a": f"mux-{site}/com", "b": f"odf-{site}:4"})
    found, codes = only_link(network)
    assert found is not None
    assert codes == []
    assert [step.via for step in found.there.steps if step.kind is StepKind.PASSIVE] == ["mux-a", "mux-b"]
    plant = plant_of(network)
    lost = trace(plant, PassivePort("mux-a", "ch1550"), backwards=True, wavelength=Wavelength(1310)).broken
    assert lost is not None
    assert lost.cause == "wavelength"
    undecided = trace(plant, PassivePort("mux-a", "com"), backwards=True).broken
    assert undecided is not None
    assert undecided.cause == "wavelength"


def test_a_connectorised_strand_needs_no_frame() -> None:
    network = two_sites()
    network["odfs"]["odfs"][0]["terminations"] = []
    network["equipment"]["switches"][0]["ports"][0] |= {"tx": "c:1", "rx": "c:2"}
    found, codes = only_link(network)
    assert found is not None
    assert codes == []
    assert found.there.steps[0].leave == StrandEnd("c", 1, 0, "b")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda n: n["cables"]["cables"][0].update(status="planned"), "not-in-service"),
        (lambda n: n["odfs"]["odfs"][0].update(status="under-works"), "not-in-service"),
        (lambda n: n["equipment"]["switches"][0]["ports"][0].update(status="out-of-order"), "not-in-service"),
        (lambda n: n["equipment"]["switches"][1].update(status="abandoned"), "not-in-service"),
        (lambda n: n["equipment"]["switches"][1]["ports"][0].update(rate="1 Gbit/s"), "rate-mismatch"),
        (lambda n: n["equipment"]["switches"][1]["ports"][0].update(transceiver="er"), "wavelength-mismatch"),
        (lambda n: n["cables"]["cables"][0].update(sheath="18 km"), "optical-budget"),
        (
            lambda n: [s["ports"][0].update(transceiver="er") for s in n["equipment"]["switches"]],
            "optical-overload",
        ),
    ],
)
def test_what_cannot_carry_traffic_is_not_usable_and_says_why(change: Any, code: str) -> None:
    network = two_sites()
    change(network)
    found, codes = only_link(network)
    assert found is not None
    assert not found.usable
    assert set(codes) == {code}
