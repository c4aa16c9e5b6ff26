"""Every fault of the plant is reported, with address, place and hint, and all at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from inventory_support import documents, two_sites
from pydantic import ValidationError

from sdnctl.document import Document
from sdnctl.errors import Severity
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.inventory.models import CablesFile, Status

Network = dict[str, Any]
Change = Callable[[Network], Any]


def faults(network: Network) -> list[tuple[str, str]]:
    _, diagnostics = build_plant(documents(network))
    return [(item.code, item.address) for item in diagnostics.errors]


def test_a_sound_plant_has_nothing_to_report() -> None:
    plant, diagnostics = build_plant(documents(two_sites()))
    assert list(diagnostics) == []
    cable = plant.cables["c"]
    assert cable.places == ("a", "k1", "k2", "b")
    assert [passage.duct for passage in cable.passages] == ["d"] * 3
    assert plant.cuts == {}
    assert len(plant.terminations) == 24


def splices(network: Network, *entries: dict[str, str], at: str = "k1", **more: Any) -> None:
    network["closures"]["closures"].append({"id": "k", "at": at, "splices": list(entries), **more})


def second_cable(network: Network, **changes: Any) -> None:
    network["cables"]["cables"].append(
        {"id": "c2", "type": "t12", "a": "k1", "b": "b", "route": ["k1-k2", "k2-b"]} | changes
    )


def port(network: Network, switch: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = network["equipment"]["switches"][switch]["ports"][0]
    return found


CASES: dict[str, tuple[Change, list[tuple[str, str]]]] = {
    "unknown end of a segment": (
        lambda n: n["segments"][1].update(b="k9"),
        [("dangling-reference", "segment k1-k2")],
    ),
    "segment twice": (lambda n: n["segments"].append(n["segments"][0]), [("duplicate-id", "segment a-k1")]),
    "site twice": (lambda n: n["sites"]["sites"].append(n["sites"]["sites"][0]), [("duplicate-id", "site a")]),
    "chamber named as a site": (
        lambda n: n["chambers"].append(n["chambers"][0] | {"id": "a"}),
        [("duplicate-id", "chamber a")],
    ),
    "duct through an unknown segment": (
        lambda n: n["ducts"]["ducts"][0]["segments"].append("nowhere"),
        [("dangling-reference", "duct d")],
    ),
    "duct with a gap": (
        lambda n: n["ducts"]["ducts"][0]["segments"].remove("k1-k2"),
        [("duct-not-contiguous", "duct d")],
    ),
    "duct without segments": (
        lambda n: n["ducts"]["ducts"].append({"id": "e"}),
        [("duct-without-segments", "duct e")],
    ),
    "nested duct that leaves its parent": (
        lambda n: n["ducts"]["ducts"].extend(
            [{"id": "p", "segments": ["k1-k2"]}, {"id": "e", "parent": "p", "segments": ["k1-k2", "k2-b"]}]
        ),
        [("duct-outside-parent", "duct e")],
    ),
    "ducts that enclose each other": (
        lambda n: n["ducts"]["ducts"].extend([{"id": "e", "parent": "f"}, {"id": "f", "parent": "e"}]),
        [("nested-duct-cycle", "duct e")],
    ),
    "unknown cable type": (
        lambda n: n["cables"]["cables"][0].update(type="t13"),
        [("dangling-reference", "cable c")],
    ),
    "route that does not join": (
        lambda n: second_cable(n, route=["k2-b"]),
        [("cable-route-not-contiguous", "cable c2")],
    ),
    "route that ends elsewhere": (
        lambda n: second_cable(n, b="k2"),
        [("cable-route-not-contiguous", "cable c2")],
    ),
    "cable without route or length": (lambda n: second_cable(n, route=[]), [("cable-length-unknown", "cable c2")]),
    "loop off the route": (
        lambda n: second_cable(n, slack=[{"at": "a", "length": "10 m"}]),
        [("slack-off-route", "cable c2")],
    ),
    "fault beyond the end": (
        lambda n: second_cable(n, faults=[{"strands": "1", "at": "9 km"}]),
        [("fault-beyond-cable", "cable c2")],
    ),
    "faulty strand that does not exist": (
        lambda n: second_cable(n, faults=[{"strands": "13", "at": "10 m"}]),
        [("strand-beyond-capacity", "cable c2")],
    ),
    "validity that ends before it begins": (
        lambda n: second_cable(n, valid_from="2020-01-02", valid_to="2020-01-01"),
        [("validity-reversed", "cable c2")],
    ),
    "strand beyond the cable": (
        lambda n: (second_cable(n), splices(n, {"a": "c/a:13", "b": "c2:1"})),
        [("strand-beyond-capacity", "closure k")],
    ),
    "strand spliced twice": (
        lambda n: (second_cable(n), splices(n, {"a": "c/a:3-4", "b": "c2:1-2"}, {"a": "c/b:3", "b": "c2:2"})),
        [("strand-spliced-twice", "closure k")],
    ),
    "strand spliced twice in one entry": (
        lambda n: (second_cable(n), splices(n, {"a": "c2:1-2", "b": "c2:2-3"})),
        [("strand-spliced-twice", "closure k")],
    ),
    "strand spliced and on a frame": (
        lambda n: splices(n, {"a": "c:1", "b": "c:2"}, at="a"),
        [("strand-spliced-twice", "ODF odf-a")] * 2,
    ),
    "strand spliced to itself": (
        lambda n: splices(n, {"a": "c/a:3", "b": "c/a:3"}),
        [("spliced-to-itself", "closure k")],
    ),
    "side of a passing cable not said": (
        lambda n: (second_cable(n), splices(n, {"a": "c:3", "b": "c2:1"})),
        [("strand-side-missing", "closure k")],
    ),
    "side that is not there": (
        lambda n: (second_cable(n), splices(n, {"a": "c/a:3", "b": "c2/a:1"})),
        [("no-such-strand-end", "closure k")],
    ),
    "cable that does not pass": (
        lambda n: (second_cable(n, a="k2", route=["k2-b"]), splices(n, {"a": "c/a:3", "b": "c2:1"})),
        [("cable-not-here", "closure k")],
    ),
    "closure nowhere": (lambda n: splices(n, at="k9"), [("dangling-reference", "closure k")]),
    "splice of an unknown cable": (
        lambda n: splices(n, {"a": "c/a:3", "b": "c9:1"}),
        [("dangling-reference", "closure k")],
    ),
    "opened and cut": (
        lambda n: splices(n, cut=["c:3"], opened=["c:1-6"]),
        [("opened-and-cut", "closure k")],
    ),
    "position used twice": (
        lambda n: n["odfs"]["odfs"][0].update(
            terminations=[{"positions": "1-3", "strands": "c:1-3"}, {"positions": 3, "strands": "c:4"}]
        ),
        [("odf-position-used-twice", "ODF odf-a")],
    ),
    "position that does not exist": (
        lambda n: n["odfs"]["odfs"][0].update(terminations=[{"positions": "1,2,25", "strands": "c:1-3"}]),
        [("position-beyond-odf", "ODF odf-a")],
    ),
    "frame at a chamber": (
        lambda n: n["odfs"]["odfs"][0].update(site="k1", terminations=[]),
        [
            ("dangling-reference", "ODF odf-a"),
        ],
    ),
    "port patched twice": (lambda n: port(n).update(rx="odf-a:1"), [("patched-twice", "switch sa port 1")]),
    "position of nothing": (
        lambda n: port(n).update(rx="odf-z:1"),
        [("dangling-reference", "switch sa port 1")],
    ),
    "no such position": (lambda n: port(n).update(rx="odf-a:25"), [("no-such-position", "switch sa port 1")]),
    "jumper to another site": (
        lambda n: port(n).update(rx="odf-b:3"),
        [("jumper-between-sites", "switch sa port 1")],
    ),
    "jumper from a lane that is not there": (
        lambda n: n["equipment"]["jumpers"].append({"a": "sa:1/bidi", "b": "odf-a:9"}),
        [("no-such-port", "jumper sa:1/bidi – odf-a:9")],
    ),
    "jumper to itself": (
        lambda n: n["equipment"]["jumpers"].append({"a": "odf-a:9", "b": "odf-a:9"}),
        [("jumper-to-itself", "jumper odf-a:9 – odf-a:9")],
    ),
    "port described twice": (
        lambda n: n["equipment"]["switches"][0]["ports"].append(port(n)),
        [("duplicate-port", "switch sa port 1")],
    ),
    "unknown transceiver": (
        lambda n: port(n).update(transceiver="lr9"),
        [("dangling-reference", "switch sa port 1")],
    ),
    "datapath id twice": (
        lambda n: n["equipment"]["switches"][1].update(dpid=1),
        [("duplicate-dpid", "switch sb")],
    ),
    "switch nowhere": (
        lambda n: n["equipment"]["switches"][1].update(site="z"),
        [("dangling-reference", "switch sb")],
    ),
    "zone that crosses itself": (
        lambda n: n["hazards"]["hazards"].append({"id": "z", "polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}),
        [("bad-polygon", "hazard z")],
    ),
    "endpoint on a trunk port": (
        lambda n: n["endpoints"].append({"id": "e", "site": "a", "device": "sa", "port": 1, "kind": "x"}),
        [("endpoint-on-trunk-port", "endpoint e")],
    ),
    "endpoint at another site": (
        lambda n: n["endpoints"].append({"id": "e", "site": "b", "device": "sa", "port": 10, "kind": "x"}),
        [("endpoint-elsewhere", "endpoint e")],
    ),
    "endpoint on no switch": (
        lambda n: n["endpoints"].append({"id": "e", "site": "a", "device": "sz", "port": 10, "kind": "x"}),
        [("dangling-reference", "endpoint e")],
    ),
    "two endpoints that take the whole port": (
        lambda n: n["endpoints"].extend(
            {"id": key, "site": "a", "device": "sa", "port": 10, "kind": "x"} for key in ("e", "f")
        ),
        [("port-claimed-twice", "endpoint f")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fault_is_reported_once_where_it_is(case: str) -> None:
    network = two_sites()
    change, expected = CASES[case]
    change(network)
    assert faults(network) == expected


def test_all_faults_at_once() -> None:
    network = two_sites()
    wanted = (
        "unknown end of a segment",
        "datapath id twice",
        "endpoint at another site",
        "zone that crosses itself",
    )
    for case in wanted:
        CASES[case][0](network)
    assert sorted(faults(network)) == sorted(fault for case in wanted for fault in CASES[case][1])


def test_every_error_says_where_and_what_to_do() -> None:
    for change, _ in CASES.values():
        network = two_sites()
        change(network)
        _, diagnostics = build_plant(documents(network))
        for item in diagnostics.errors:
            assert item.source is not None, item
            assert item.source.file in FILES, item
            assert item.address, item
            assert item.hint, item


def test_diagnostics_point_at_the_line() -> None:
    network = two_sites()
    network["cables"]["cables"][0]["type"] = "t13"
    found = documents(network)
    cables = found["inventory/cables.yaml"]
    found["inventory/cables.yaml"] = Document(
        cables.file, cables.value, {("cables", 0): 6, ("cables", 0, "type"): 7}
    )
    _, diagnostics = build_plant(found)
    assert str(diagnostics.errors[0].source) == "inventory/cables.yaml:7"
    assert diagnostics.errors[0].hint == "Did you mean t12?"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda n: n["segments"][0].update(a="k1", b="a"), "segment-off-its-ends"),
        (lambda n: n["cables"]["cables"][0].update(sheath="9 km"), "sheath-length-unlikely"),
        (lambda n: n["ducts"]["ducts"][0].update(status="abandoned"), "status-contradiction"),
        (lambda n: n["sites"].update(defaults={}), "unknown-owner"),
    ],
)
def test_doubtful_data_is_a_warning(change: Change, code: str) -> None:
    network = two_sites()
    change(network)
    _, diagnostics = build_plant(documents(network))
    assert diagnostics.errors == []
    assert [item.code for item in diagnostics if item.severity is Severity.WARNING] == [code]


def test_ducts_may_be_run_from_either_end() -> None:
    network = two_sites()
    network["cables"]["cables"].append({"id": "back", "type": "t12", "a": "b", "b": "a", "route": ["d"]})
    plant, diagnostics = build_plant(documents(network))
    assert diagnostics.errors == []
    assert plant.cables["back"].places == ("b", "k2", "k1", "a")


def test_nested_ducts_inherit_and_enclose() -> None:
    network = two_sites()
    network["ducts"]["ducts"] += [
        {"id": "inner", "parent": "mid"},
        {"id": "mid", "parent": "d", "segments": ["k1-k2"]},
    ]
    plant, diagnostics = build_plant(documents(network))
    assert diagnostics.errors == []
    assert plant.ducts["inner"].segments == ("k1-k2",)
    assert plant.enclosing("inner") == ("inner", "mid", "d")


def test_defaults_of_the_file_and_own_values() -> None:
    network = two_sites()
    network["cables"]["cables"][0] |= {"owner": "rentel", "status": "out-of-order"}
    life = build_plant(documents(network))[0].cables["c"].life
    assert (life.owner, life.provenance, life.status) == ("rentel", "test", Status.OUT_OF_ORDER)
    assert not life.in_service()


@pytest.mark.parametrize(
    "entry",
    [
        {"a": "c:1-2", "b": "d:1"},
        {"a": "c:2-1", "b": "d:1"},
        {"a": "c:1,1", "b": "d:1-2"},
        {"a": "c", "b": "d:1"},
        {"a": "c/x:1", "b": "d:1"},
        {"a": "c:1", "b": "d:1", "loss": "0.1"},
        {"a": "c:1", "b": "d:1", "loss": "0.1 dB", "loss_ab": "0.1 dB"},
    ],
)
def test_splices_that_say_nonsense_are_refused_by_the_model(entry: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        FILES["inventory/closures.yaml"].model.model_validate(
            {"closures": [{"id": "k", "at": "x", "splices": [entry]}]}
        )


def test_models_publish_schemas_and_dump_what_they_read() -> None:
    for spec in FILES.values():
        assert spec.model.model_json_schema()["additionalProperties"] is False
    network = two_sites()
    network["cables"]["cables"][0] |= {"sheath": "1.7 km", "slack": [{"at": "k1", "length": "20 m"}]}
    model = CablesFile.model_validate(network["cables"])
    assert CablesFile.model_validate(model.model_dump(mode="json")) == model
