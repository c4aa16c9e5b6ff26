"""Applications to demands: what a tree and a line become, and every way in which they can be wrong."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from intent_files import CAMERAS, CLASSES, PORTS, TENANTS, codes, document, endpoint, line, run, tree, triangle

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.demand import Endpoint, Grade, Service
from sdnctl.intents.endpoints import read_endpoints
from sdnctl.intents.models import TenantModel
from sdnctl.intents.resolve import resolve
from sdnctl.inventory.models import EndpointRow
from sdnctl.units import Octets

# ── what is made ─────────────────────────────────────────────────────────────────────────────────


def test_a_tree_is_a_pair_of_demands_for_every_root_and_leaf() -> None:
    demands, out = run(tree())
    assert not out.items
    assert sorted(demands) == sorted(
        f"video/{one}>{two}"
        for leaf in ("cam-1", "cam-2")
        for root in ("rec-1", "rec-2")
        for one, two in ((leaf, root), (root, leaf))
    )
    up, down = demands["video/cam-1>rec-2"], demands["video/rec-2>cam-1"]
    assert (up.cir, up.eir, down.cir, down.eir) == (8_000_000, 0, 256_000, 0)
    assert (up.reverse, down.reverse) == (down.id, up.id)
    assert (up.ingress.id, up.egress.id) == ("cam-1", "rec-2")
    assert (up.service, up.tenant, up.grade, up.mtu) == (Service.TREE, "town", Grade.NONE, 1500)
    assert not any("cam-1>cam-2" in name for name in demands)


def test_a_line_is_a_pair_of_demands_with_its_own_terms() -> None:
    demands, out = run(
        line(
            {
                "id": "one",
                "a": "p-1",
                "b": "p-2",
                "guarantees": {"protection": "disjoint", "isolation": "exclusive"},
            },
            {
                "id": "two",
                "a": "v-1",
                "b": "v-2",
                "bandwidth": {"up": "1 Mbit/s", "down": "2 Mbit/s"},
                "mtu": "1400 B",
            },
            guarantees={"protection": "local", "avoid": ["ab"], "latency": "5 ms"},
            excess="50 Mbit/s",
        )
    )
    assert not out.items
    one, two, back = demands["wires/p-1>p-2"], demands["wires/v-1>v-2"], demands["wires/v-2>v-1"]
    assert (one.cir, one.eir, one.grade, one.exclusive, one.latency) == (
        10**8,
        5 * 10**7,
        Grade.DISJOINT,
        True,
        5000,
    )
    assert (two.cir, back.cir, two.grade, two.exclusive, two.mtu) == (10**6, 2 * 10**6, Grade.LOCAL, False, 1400)
    assert one.avoid == two.avoid == {"ab"}
    assert back.reverse == two.id


def test_the_latency_of_the_class_counts_where_none_is_written() -> None:
    demands, out = run(tree(**{"class": "scada"}))
    assert {demand.latency for demand in demands.values()} == {10_000.0}
    assert not out.items
    _, out = run(tree(**{"class": "scada", "guarantees": {"latency": "2 ms"}}))
    assert codes(out) == ["latency-below-class"]
    assert not out.errors
    demands, out = run(tree(**{"class": "scada", "guarantees": {"latency": "50 ms"}}))
    assert {demand.latency for demand in demands.values()} == {50_000.0}
    assert not out.items


def test_selectors_narrow() -> None:
    for leaves, expected in (
        ({"ids": ["cam-1"]}, {"cam-1"}),
        ({"kind": ["camera", "recorder"], "site": "site-b"}, {"cam-2"}),
        ({"site": ["site-a", "site-b"], "select": {"kind": "camera"}}, {"cam-1", "cam-2"}),
        ({"tags": ["camera", "c"]}, {"cam-1", "cam-2"}),
        ({"kind": "camera", "select": {"ids": "cam-2"}}, {"cam-2"}),
    ):
        demands, out = run(tree(leaves=leaves, roots={"ids": "rec-1"}))
        assert not out.items
        assert {demand.ingress.id for demand in demands.values()} - {"rec-1"} == expected


def test_the_result_is_sorted_and_does_not_depend_on_the_order_of_files_or_endpoints() -> None:
    raws = [tree(), line({"id": "one", "a": "p-1", "b": "p-2"}), tree(application="a", leaves={"ids": "cam-1"})]
    raws[2]["roots"] = {"ids": "p-9"}
    first = resolve(
        [document(raw) for raw in raws[:2]], {e.id: e for e in (*CAMERAS, *PORTS)}, CLASSES, TENANTS, Octets(1500)
    )
    turned = {e.id: e for e in reversed((*CAMERAS, *PORTS))}
    second = resolve([document(raw) for raw in reversed(raws[:2])], turned, CLASSES, TENANTS, Octets(1500))
    assert first[0] == second[0]
    assert [demand.id for demand in first[0]] == sorted(demand.id for demand in first[0])


# ── what can be wrong ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (tree(tenant="twon"), ["dangling-reference"]),
        (tree(**{"class": "vidoe"}), ["dangling-reference"]),
        (tree(guarantees={"avoid": ["ab", "segment:x", "zz"]}), ["dangling-reference"] * 2),
        (tree(leaves={"ids": ["cam-1", "cam-9"]}), ["dangling-reference"]),
        (tree(leaves={"kind": "camra"}), ["selector-empty"]),
        (tree(leaves={"kind": "camera", "tags": "zz"}), ["selector-empty"]),
        (tree(roots={"kind": ["recorder", "camera"]}), ["root-and-leaf"] * 2),
        (tree(leaves={"kind": "port"}), ["endpoint-without-prefixes"] * 4),
        (tree(leaves=None), ["service-shape"]),
        (tree(roots=None, leaves=None), ["service-shape"]),
        (tree(circuits=[{"id": "x", "a": "p-1", "b": "p-2"}]), ["service-shape"]),
        (tree(bandwidth=None), ["missing-key"]),
        (tree(bandwidth={"up": "0 bit/s", "down": "1 bit/s"}), ["no-rate"]),
        (tree(mtu="1600 B"), ["frame-too-large"]),
        (tree(guarantees={"avoid": ["site-a"]}), ["avoids-own-end"]),
        (tree(guarantees={"avoid": ["c"]}), ["avoids-own-end"]),
        (line(), ["service-shape"]),
        (line({"id": "x", "a": "p-1", "b": "p-2"}, roots={"kind": "port"}), ["service-shape"]),
        (line({"id": "x", "a": "p-1", "b": "p-9"}), ["dangling-reference"]),
        (line({"id": "x", "a": "p-1", "b": "p-1"}), ["both-ends-on-one-port"]),
        (line({"id": "x", "a": "p-1", "b": "v-1"}), ["vlan-at-one-end"]),
        (line({"id": "x", "a": "p-1", "b": "p-2"}, bandwidth=None), ["missing-key"]),
    ],
)
def test_each_fault_is_told_once(raw: dict[str, Any], expected: list[str]) -> None:
    raw = {key: value for key, value in raw.items() if value is not None}
    _, out = run(raw)
    assert codes(out) == expected


def test_faults_of_all_applications_are_told_together() -> None:
    _, out = run(
        tree(
            tenant="x",
            leaves={"kind": "camra"},
            guarantees={"avoid": ["zz"]},
            bandwidth={"up": "0 bit/s", "down": "0 bit/s"},
        ),
        line({"id": "x", "a": "p-9", "b": "p-8"}, {"id": "x", "a": "p-1", "b": "v-2"}, **{"class": "x"}),
    )
    assert codes(out) == sorted(
        ["dangling-reference"] * 5 + ["selector-empty", "no-rate", "duplicate-id", "vlan-at-one-end"]
    )


def test_one_name_in_two_files_is_told_and_used_once() -> None:
    demands, out = run(tree(), tree(leaves={"ids": "cam-1"}))
    assert codes(out) == ["duplicate-id"]
    assert out.items[0].source == Source("intents/1.yaml", 1)
    assert "intents/0.yaml:1" in out.items[0].detail
    assert len(demands) == 8


def test_overlapping_prefixes_within_a_service_are_told_once_for_each_pair() -> None:
    more = (endpoint("cam-3", "b:11", "10.0.0.0/30"), endpoint("cam-4", "b:12", "10.0.0.3/32"))
    _, out = run(tree(), endpoints=(*CAMERAS, *more))
    assert codes(out) == ["prefix-overlap"] * 3
    assert {one.summary.split(" of endpoint ")[1].split(" ")[0] for one in out} == {"cam-3", "cam-4"}


def test_two_services_may_share_an_endpoint_if_the_other_ends_differ() -> None:
    one = tree(roots={"ids": "rec-1"})
    two = tree(application="second", roots={"ids": "rec-2"})
    demands, out = run(one, two)
    assert not out.items
    assert len(demands) == 8
    _, out = run(one, tree(application="second", roots={"ids": "rec-1"}))
    assert codes(out) == ["frames-claimed-twice"] * 3  # at the recorder and at both cameras


@pytest.mark.parametrize(
    ("new", "other", "expected"),
    [
        (endpoint("n-1", "a:10"), endpoint("n-2", "b:30"), 1),  # whole port on a camera's port
        (endpoint("n-1", "a:20", vlan=5), endpoint("n-2", "b:30", vlan=5), 1),  # a VLAN of a port taken whole
        (endpoint("n-1", "a:21", vlan=100), endpoint("n-2", "b:30", vlan=7), 1),  # a VLAN that is taken
        (endpoint("n-1", "b:10", vlan=30), endpoint("n-2", "c:30", vlan=7), 1),  # the VLAN of a tree's endpoint
        (endpoint("n-1", "a:21", vlan=101), endpoint("n-2", "b:30", vlan=7), 0),
        (endpoint("n-1", "b:10", vlan=31), endpoint("n-2", "c:30", vlan=7), 0),
        (endpoint("n-1", "a:10", vlan=31), endpoint("n-2", "c:30", vlan=7), 0),  # tagged beside an untagged tree
    ],
)
def test_frames_belong_to_one_service(new: Endpoint, other: Endpoint, expected: int) -> None:
    wires = line({"id": "one", "a": "p-1", "b": "p-2"}, {"id": "two", "a": "v-1", "b": "v-2"})
    added = line({"id": "x", "a": "n-1", "b": "n-2"}, application="added")
    cameras = tree(leaves={"ids": ["cam-1", "cam-2"]})
    _, out = run(cameras, wires, added, endpoints=(*CAMERAS, *PORTS, new, other))
    assert codes(out) == ["frames-claimed-twice"] * expected


def test_root_and_leaf_on_one_port_are_refused() -> None:
    beside = endpoint("cam-9", "c:10", "10.0.0.9/32")
    _, out = run(tree(), endpoints=(*CAMERAS, beside))
    assert codes(out) == ["both-ends-on-one-port"]


def test_quotas_count_all_demands_of_a_tenant() -> None:
    total = 4 * (8_000_000 + 256_000)
    for quota, limit, expected in ((total, 4, 0), (total - 1, 4, 1), (total, 3, 1), (total - 1, 3, 2)):
        tenants = {
            "town": TenantModel.model_validate({"id": "town", "quota": f"{quota} bit/s", "max_endpoints": limit})
        }
        _, out = run(tree(), tenants=tenants, tenant_sources={"town": Source("intents/tenants.yaml", 3)})
        assert codes(out) == ["quota-exceeded"] * expected
        assert all(one.source == Source("intents/tenants.yaml", 3) for one in out)


def test_frames_within_one_switch_need_no_room_for_labels() -> None:
    near = (endpoint("n-1", "a:30"), endpoint("n-2", "a:31"))
    raw = line({"id": "x", "a": "n-1", "b": "n-2"}, mtu="9000 B")
    _, out = run(raw, endpoints=near)
    assert not out.items


@pytest.mark.parametrize(("mtu", "expected"), [(1533, ["frame-too-large"]), (1534, [])])
def test_a_link_needs_34_bytes_more_than_the_service(mtu: int, expected: list[str]) -> None:
    _, out = run(tree(), topology=triangle(mtu))
    assert codes(out) == expected


def test_endpoints_that_are_not_in_service_are_warned_about_and_left_out() -> None:
    demands, out = run(tree(leaves={"ids": ["cam-1", "cam-7"]}), dormant=["cam-7"])
    assert codes(out) == ["not-in-service"]
    assert not out.errors
    assert len(demands) == 4


def test_rows_become_endpoints() -> None:
    cells = {"site": "s", "device": "d", "port": 1, "kind": "k"}
    rows = (
        {"id": "b", "status": "planned", **cells},
        {"id": "c", "mac": "01:00:00:00:00:01", **cells},
        {"id": "a", "mac": "02:00:00:00:00:01", "prefixes": "2001:db8::/64;10.0.0.0/8", "tags": "x y", **cells},
        {"id": "a", "vlan": 7, **cells},
    )
    out = Diagnostics()
    models = tuple(EndpointRow.model_validate(row) for row in rows)
    found = read_endpoints(Document("inventory/endpoints.csv", models, {(1,): 3}), out)
    assert list(found.active) == ["a", "c"]
    assert found.dormant == {"b"}
    assert found.active["a"].prefixes == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/64"))
    assert found.active["a"].tags == {"x", "y"}
    assert [(one.code, str(one.source)) for one in out] == [("mac-not-unicast", "inventory/endpoints.csv:3")]
