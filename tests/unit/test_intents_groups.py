"""Meshes, groups that never meet, and terms of some endpoints: what they become, and how they can be wrong."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from intent_files import CAMERAS, CLASSES, TENANTS, codes, document, endpoint, line, run, tree
from pydantic import ValidationError

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.intents.demand import Endpoint, Grade, Service
from sdnctl.intents.endpoints import read_endpoints
from sdnctl.intents.references import head
from sdnctl.intents.resolve import resolve
from sdnctl.intents.retention import size, storage
from sdnctl.inventory.models import EndpointRow
from sdnctl.units import Bitrate, Duration, Octets, format_duration, format_size, parse_duration

HALLS = tuple(
    endpoint(f"hall-{number}", f"{'abc'[number % 3]}:{30 + number}", f"10.1.{number}.0/24", None, "hall")
    for number in range(5)
)


def mesh(**changes: Any) -> dict[str, Any]:
    raw = {
        "application": "halls",
        "tenant": "town",
        "class": "video",
        "service": "mesh",
        "members": {"kind": "hall"},
        "bandwidth": "1 Mbit/s",
        **changes,
    }
    return {key: value for key, value in raw.items() if value is not None}


def pairs(demands: dict[str, Any]) -> set[tuple[str, str]]:
    return {(demand.ingress.id, demand.egress.id) for demand in demands.values()}


# ── mesh ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_mesh_is_a_demand_from_each_member_to_each() -> None:
    demands, out = run(mesh(), endpoints=HALLS)
    assert not out.items
    names = [one.id for one in HALLS]
    assert pairs(demands) == set(permutations(names, 2))
    one = demands["halls/hall-1>hall-3"]
    assert (one.service, one.cir, one.eir, one.hub) == (Service.MESH, 10**6, 0, "")
    assert one.reverse == "halls/hall-3>hall-1"
    assert {end.id for end in one.served} == {"hall-1", "hall-3"}


def test_a_line_beside_a_mesh_may_not_take_its_frames() -> None:
    taken = endpoint("n-1", "b:31", kind="port"), endpoint("n-2", "c:40", kind="port")
    _, out = run(mesh(), line({"id": "x", "a": "n-1", "b": "n-2"}), endpoints=(*HALLS, *taken))
    assert codes(out) == ["frames-claimed-twice"]


def test_a_mesh_and_a_tree_may_share_endpoints_but_not_pairs() -> None:
    shared = mesh(), tree(application="it", roots={"kind": "recorder"}, leaves={"kind": "hall"})
    _, out = run(*shared, endpoints=(*HALLS, CAMERAS[2]))
    assert not out.items
    _, out = run(mesh(), mesh(application="again", members={"ids": ["hall-1", "hall-2"]}), endpoints=HALLS)
    assert codes(out) == ["frames-claimed-twice"] * 2


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (mesh(members=None), ["service-shape"]),
        (mesh(members={"kind": "hal"}), ["selector-empty"]),
        (mesh(members={"ids": "hall-1"}), ["mesh-of-one"]),
        (mesh(members={"ids": ["hall-1", "hall-9"]}), ["dangling-reference", "mesh-of-one"]),
        (mesh(roots={"kind": "hall"}), ["service-shape"]),
        (mesh(circuits=[{"id": "x", "a": "hall-1", "b": "hall-2"}]), ["service-shape"]),
        (mesh(bandwidth={"up": "1 Mbit/s", "down": "2 Mbit/s"}), ["mesh-without-up"]),
        (mesh(excess={"up": "1 Mbit/s", "down": "2 Mbit/s"}), ["mesh-without-up"]),
        (mesh(bandwidth=None), ["missing-key"]),
        (mesh(bandwidth="0 bit/s"), ["no-rate"]),
        (mesh(retention="30 d"), ["service-shape"]),
        (mesh(members={"kind": ["hall", "port"]}), ["endpoint-without-prefixes"]),
        (mesh(members={"kind": ["hall", "twin"]}), ["both-ends-on-one-port"]),
        (mesh(members={"kind": ["hall", "liar"]}), ["prefix-overlap"]),
    ],
)
def test_each_fault_of_a_mesh_is_told_once(raw: dict[str, Any], expected: list[str]) -> None:
    more = (
        endpoint("port-1", "a:50", kind="port"),
        endpoint("twin-1", "a:30", "10.2.0.0/24", kind="twin"),
        endpoint("liar-1", "a:51", "10.1.0.0/16", kind="liar"),
    )
    if expected == ["prefix-overlap"]:
        raw = {**raw, "members": {"ids": ["hall-1", "liar-1"]}}
    _, out = run(raw, endpoints=(*HALLS, *more))
    assert codes(out) == sorted(expected)


# ── groups ───────────────────────────────────────────────────────────────────────────────────────


def test_groups_of_a_mesh_never_meet() -> None:
    groups = [{"members": {"ids": ["hall-0", "hall-1"]}}, {"members": {"ids": ["hall-2", "hall-3", "hall-4"]}}]
    demands, out = run(mesh(members=None, groups=groups), endpoints=HALLS)
    assert not out.items
    inside = [("hall-0", "hall-1"), ("hall-2", "hall-3", "hall-4")]
    assert pairs(demands) == {pair for group in inside for pair in permutations(group, 2)}


def test_groups_of_a_tree_give_each_leaf_its_own_roots() -> None:
    groups = [
        {"roots": {"ids": "rec-1"}, "leaves": {"ids": "cam-1"}},
        {"roots": {"kind": "recorder"}, "leaves": {"ids": "cam-2"}},  # a root may be of two groups
    ]
    demands, out = run({**_without(tree(), "roots", "leaves"), "groups": groups})
    assert not out.items
    assert {pair for pair in pairs(demands) if pair[0].startswith("cam")} == {
        ("cam-1", "rec-1"),
        ("cam-2", "rec-1"),
        ("cam-2", "rec-2"),
    }
    assert {demand.hub for demand in demands.values()} == {"rec-1", "rec-2"}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([{"roots": {"ids": "rec-1"}}], ["service-shape"]),
        ([{"members": {"kind": "camera"}}], ["service-shape"] * 2),
        ([{"roots": {"kind": "recordr"}, "leaves": {"kind": "camera"}}], ["selector-empty"]),
        (
            [
                {"roots": {"ids": "rec-1"}, "leaves": {"kind": "camera"}},
                {"roots": {"ids": "rec-2"}, "leaves": {"ids": ["cam-1", "rec-1"]}},
            ],
            ["in-two-groups", "root-and-leaf"],
        ),
    ],
)
def test_faults_of_groups(groups: list[dict[str, Any]], expected: list[str]) -> None:
    _, out = run({**_without(tree(), "roots", "leaves"), "groups": groups})
    assert codes(out) == expected


def test_a_member_of_two_groups_would_join_them() -> None:
    groups = [{"members": {"ids": ["hall-0", "hall-1"]}}, {"members": {"kind": "hall"}}]
    _, out = run(mesh(members=None, groups=groups), endpoints=HALLS)
    assert codes(out) == ["in-two-groups"] * 2


def test_groups_stand_instead_of_what_is_beside_them() -> None:
    groups = [{"members": {"kind": "hall"}}]
    _, out = run(mesh(groups=groups), endpoints=HALLS)
    assert codes(out) == ["service-shape"]
    _, out = run(line({"id": "x", "a": "hall-0", "b": "hall-1"}, groups=groups), endpoints=HALLS)
    assert codes(out) == ["service-shape"]
    _, out = run(mesh(groups=[{"members": {"kind": "hal"}}], members=None), endpoints=HALLS)
    assert [one.summary for one in out] == ["members of group 1 selects no endpoint"]


# ── terms ────────────────────────────────────────────────────────────────────────────────────────


def test_of_terms_that_fit_the_first_that_says_a_thing_counts() -> None:
    terms = [
        {"select": {"ids": "cam-2"}, "bandwidth": {"up": "12 Mbit/s", "down": "1 Mbit/s"}},
        {
            "select": {"kind": "camera"},
            "bandwidth": "7 Mbit/s",
            "excess": "2 Mbit/s",
            "guarantees": {"protection": "none"},
        },
    ]
    demands, out = run(tree(terms=terms, guarantees={"protection": "local", "latency": "9 ms"}))
    assert not out.items
    one, two = demands["video/cam-1>rec-1"], demands["video/cam-2>rec-1"]
    assert (one.cir, one.eir, one.grade, one.latency) == (7_000_000, 2_000_000, Grade.NONE, 9_000)
    assert (two.cir, two.eir, two.grade, two.latency) == (12_000_000, 2_000_000, Grade.NONE, 9_000)
    assert demands["video/rec-1>cam-2"].cir == 1_000_000


def test_terms_for_all_leave_no_need_for_a_bandwidth_beside_them() -> None:
    raw = _without(tree(terms=[{"select": {"ids": "cam-1"}, "bandwidth": "1 Mbit/s"}]), "bandwidth")
    _, out = run(raw)
    assert codes(out) == ["missing-key"]
    assert "cam-2" in out.items[0].detail
    raw["terms"] = [*raw["terms"], {"select": {"kind": "camera"}, "bandwidth": "2 Mbit/s"}]
    demands, out = run(raw)
    assert not out.items
    assert {demand.cir for demand in demands.values()} == {1_000_000, 2_000_000}


def test_terms_of_a_mesh_hold_for_pairs_with_either_end() -> None:
    terms = [{"select": {"ids": "hall-0"}, "guarantees": {"protection": "none", "avoid": ["b"]}}]
    demands, out = run(
        mesh(terms=terms, members={"ids": ["hall-0", "hall-2", "hall-3"]}, guarantees={"protection": "local"}),
        endpoints=HALLS,
    )
    assert not out.items
    for demand in demands.values():
        spur = "hall-0" in (demand.ingress.id, demand.egress.id)
        assert (demand.grade, demand.avoid) == ((Grade.NONE, {"b"}) if spur else (Grade.LOCAL, frozenset()))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([{"select": {"kind": "recorder"}, "bandwidth": "1 Mbit/s"}], ["selector-empty"]),
        ([{"select": {"ids": "cam-9"}, "bandwidth": "1 Mbit/s"}], ["dangling-reference"]),
        ([{"select": {"kind": "camera"}, "bandwidth": "0 bit/s"}], ["no-rate"]),
        ([{"select": {"kind": "camera"}, "guarantees": {"avoid": ["zz"]}}], ["dangling-reference"]),
        ([{"select": {"kind": "camera"}, "guarantees": {"avoid": ["c"]}}], ["avoids-own-end"]),
        (
            [
                {"select": {"kind": "camera"}, "bandwidth": "1 Mbit/s"},
                {"select": {"ids": "cam-1"}, "bandwidth": "2 Mbit/s"},
            ],
            ["terms-never-used"],
        ),
    ],
)
def test_faults_of_terms(terms: list[dict[str, Any]], expected: list[str]) -> None:
    _, out = run(tree(terms=terms))
    assert codes(out) == expected


def test_terms_promise_something_and_lines_have_none() -> None:
    with pytest.raises(ValidationError, match="it changes nothing"):
        document(tree(terms=[{"select": {"kind": "camera"}}]))
    _, out = run(line({"id": "x", "a": "p-1", "b": "p-2"}, terms=[{"select": {"kind": "k"}, "excess": "1 bit/s"}]))
    assert codes(out) == ["service-shape"]


def test_what_terms_avoid_is_among_the_names_of_a_file() -> None:
    terms = [{"select": {"kind": "camera"}, "guarantees": {"avoid": ["ab", "c"]}}]
    found = head(document(tree(terms=terms)).value)
    assert found.avoid == (
        (("terms", 0, "guarantees", "avoid", 0), "ab"),
        (("terms", 0, "guarantees", "avoid", 1), "c"),
    )


# ── areas and terminals ──────────────────────────────────────────────────────────────────────────


def placed() -> dict[str, Endpoint]:
    cells = {"device": "a", "kind": "camera"}
    rows = (
        {"id": "one", "site": "s1", "port": 30, "prefixes": "10.0.0.1/32", "terminal": "dr-0001:1", **cells},
        {"id": "two", "site": "s2", "port": 31, "prefixes": "10.0.0.2/32", **cells},
        {"id": "rec", "site": "s3", "port": 32, "prefixes": "10.0.0.3/32", **cells, "kind": "recorder"},
    )
    models = tuple(EndpointRow.model_validate(row) for row in rows)
    areas = {"s1": "La Calmette", "s3": "Nîmes"}
    return read_endpoints(Document("inventory/endpoints.csv", models), Diagnostics(), areas).active


def test_endpoints_have_the_area_of_their_site_and_their_terminal() -> None:
    found = placed()
    assert (found["one"].area, found["one"].terminal) == ("La Calmette", "dr-0001:1")
    assert (found["two"].area, found["two"].terminal) == ("", "")


def test_areas_select_and_a_demand_of_a_tree_is_of_its_leafs_area() -> None:
    endpoints = tuple(placed().values())
    raw = tree(leaves={"area": ["La Calmette"]}, roots={"area": "Nîmes"})
    demands, out = run(raw, endpoints=endpoints)
    assert not out.items
    assert {demand.areas for demand in demands.values()} == {("La Calmette",)}
    _, out = run(tree(leaves={"area": "Bernis"}), endpoints=endpoints)
    assert codes(out) == ["selector-empty"]
    assert "Bernis" in out.items[0].hint
    demands, _ = run(mesh(members={"ids": ["one", "two", "rec"]}), endpoints=endpoints)
    assert demands["halls/one>rec"].areas == ("La Calmette", "Nîmes")


# ── retention ────────────────────────────────────────────────────────────────────────────────────


def test_retention_sums_what_comes_to_each_root() -> None:
    terms = [{"select": {"ids": "cam-2"}, "bandwidth": {"up": "12.5 Mbit/s", "down": "1 Mbit/s"}}]
    raw = tree(retention="36 h", terms=terms)
    demands, out = run(raw, tree(application="other", roots={"ids": "rec-9"}))
    found = storage(demands.values(), {"video": Duration(36 * 3600)})
    assert [(one.application, one.root.id, one.leaves, one.rate) for one in found] == [
        ("video", "rec-1", 2, 20_500_000),
        ("video", "rec-2", 2, 20_500_000),
    ]
    assert found[0].size == 20_500_000 * 36 * 3600 // 8
    assert "dangling-reference" in codes(out)


def test_eight_hundred_cameras_are_two_petabytes_in_thirty_days() -> None:
    rate = Bitrate(480 * 4_500_000 + 320 * 12_500_000)
    assert rate == 6_160_000_000 == 800 * 7_700_000
    assert abs(size(rate, parse_duration("30 d")) - 2e15) < 0.005e15
    assert size(Bitrate(9), Duration(1)) == 2  # bytes are not cut off


@pytest.mark.parametrize("text", ["30", "0 d", "-1 d", "0.5 s", "1 month", 30, True])
def test_durations_need_a_unit_and_are_above_zero(text: object) -> None:
    with pytest.raises(ValueError, match=r"write|above zero"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds", "again"),
    [("30 d", 2_592_000, "30 d"), ("36 h", 129_600, "36 h"), ("48 h", 172_800, "2 d"), ("1.5 min", 90, "90 s")],
)
def test_durations_are_written_so_that_they_read_the_same(text: str, seconds: int, again: str) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == again
    assert parse_duration(again) == seconds


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (999, "999 B"), (14_968_800_000_000, "15 TB"), (1_995_840 * 10**9, "2 PB")]
)
def test_sizes_have_three_digits(value: int, text: str) -> None:
    assert format_size(value) == text


def test_resolving_needs_no_topology_for_meshes() -> None:
    documents = [document(mesh())]
    demands, out = resolve(documents, {one.id: one for one in HALLS}, CLASSES, TENANTS, Octets(1500))
    assert not out.items
    assert len(demands) == 20


def _without(raw: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in keys}
