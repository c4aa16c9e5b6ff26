"""Resolution does not depend on the order of files, keys, endpoints or circuits; claims found are real ones."""

from __future__ import annotations

import json
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from workspace_folder import FILES, write

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.intents.claims import Held, check_claims, overlaps
from sdnctl.intents.demand import Demand, Endpoint, Grade, Service, ServiceClass
from sdnctl.intents.models import Application, TenantModel
from sdnctl.intents.resolve import resolve
from sdnctl.topology.graph import PortRef
from sdnctl.units import Bitrate, Octets
from sdnctl.workspace.folder import load_network

prefixes = st.builds(
    lambda address, length: IPv4Network((address >> (32 - length) << (32 - length), length)),
    st.integers(0x0A000000, 0x0A0000FF),
    st.integers(24, 32),
)
ports = st.builds(PortRef, st.sampled_from("ab"), st.integers(1, 3))
vlans = st.none() | st.sampled_from([10, 20])


@given(st.lists(prefixes, max_size=12))
def test_overlaps_are_all_pairs_that_overlap(found: list[IPv4Network]) -> None:
    held = [Held(prefix, index) for index, prefix in enumerate(found)]
    swept = sorted(tuple(sorted((one.by, two.by))) for one, two in overlaps(held))
    brute = [(i, j) for i in range(len(found)) for j in range(i + 1, len(found)) if found[i].overlaps(found[j])]
    assert swept == brute


@st.composite
def endpoints(draw: st.DrawFn) -> dict[str, Endpoint]:
    made = {}
    for number in range(draw(st.integers(2, 6))):
        name = f"e{number}"
        some = tuple(draw(st.lists(prefixes, max_size=2, unique=True)))
        made[name] = Endpoint(name, "s", draw(ports), draw(st.sampled_from(["x", "y"])), draw(vlans), some)
    return made


@st.composite
def applications(draw: st.DrawFn) -> list[dict[str, Any]]:
    raws = []
    name = st.sampled_from([f"e{number}" for number in range(7)])
    for _ in range(draw(st.integers(1, 4))):
        head = {
            "application": f"app{draw(st.integers(0, 3))}",
            "tenant": draw(st.sampled_from(["t", "u"])),
            "class": draw(st.sampled_from(["c", "d"])),
            "bandwidth": "1 Mbit/s",
        }
        kinds = st.sampled_from([{"kind": "x"}, {"kind": "y"}, {"ids": ["e0"]}, {"ids": ["e1", "e2"]}])
        shape = draw(st.sampled_from(["line", "tree", "mesh", "tree groups", "mesh groups"]))
        if shape == "line":
            circuits = draw(st.lists(st.tuples(name, name), max_size=3))
            body: dict[str, Any] = {
                "circuits": [{"id": f"k{i}", "a": a, "b": b} for i, (a, b) in enumerate(circuits)]
            }
            raws.append({**head, "service": "line", **body})
            continue
        service = shape.split()[0]
        sides = ("roots", "leaves") if service == "tree" else ("members",)
        groups = [{side: draw(kinds) for side in sides} for _ in range(draw(st.integers(1, 3)))]
        said: dict[str, Any] = groups[0] if shape == service else {"groups": groups}
        entry = st.fixed_dictionaries({"select": kinds, "guarantees": st.just({"protection": "local"})})
        raws.append({**head, "service": service, **said, "terms": draw(st.lists(entry, max_size=2))})
    return raws


def run(
    raws: list[tuple[str, dict[str, Any]]], found: dict[str, Endpoint]
) -> tuple[tuple[Demand, ...], Diagnostics]:
    documents = [
        Document(file, Application.model_validate_json(json.dumps(raw), strict=True)) for file, raw in raws
    ]
    classes = {"c": ServiceClass("c", 0, 0, 0, 0)}
    tenants = {
        "t": TenantModel.model_validate({"id": "t", "quota": "3 Mbit/s", "max_endpoints": 2}),
        "free": TenantModel(id="free"),
    }
    return resolve(documents, found, classes, tenants, Octets(1500))


def turned(value: Any, random: Random) -> Any:
    """The same value with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: turned(value[key], random) for key in keys}
    return [turned(item, random) for item in value] if isinstance(value, list) else value


@given(applications(), endpoints(), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_order_does_not_matter(raws: list[dict[str, Any]], found: dict[str, Endpoint], random: Random) -> None:
    files = [(f"intents/{number}.yaml", raw) for number, raw in enumerate(raws)]
    demands, out = run(files, found)
    random.shuffle(files)
    names = list(found)
    random.shuffle(names)
    again, same = run([(file, turned(raw, random)) for file, raw in files], {name: found[name] for name in names})
    assert again == demands
    assert same.sorted() == out.sorted()
    assert list(demands) == sorted(demands, key=lambda demand: demand.id)
    by_id = {demand.id: demand for demand in demands}
    assert len(by_id) == len(demands)
    for demand in demands:
        back = by_id[demand.reverse]
        assert (back.reverse, back.ingress, back.egress) == (demand.id, demand.egress, demand.ingress)


@given(applications(), st.lists(st.sampled_from(["x", "x", "y"]), min_size=3, max_size=7))
@settings(max_examples=150)
def test_exactly_the_declared_pairs_meet(raws: list[dict[str, Any]], kinds: list[str]) -> None:
    """In the plainest words: who is selected beside whom, in the same group."""
    found = {
        f"e{number}": Endpoint(
            f"e{number}", "s", PortRef("a", number + 1), kind, None, (IPv4Network((0x0A000000 + number, 32)),)
        )
        for number, kind in enumerate(kinds)
    }
    raw = {**raws[0], "tenant": "free", "class": "c"}
    demands, out = run([("intents/0.yaml", raw)], found)
    assume(not out.errors)
    expected = set()
    for group in raw.get("groups", [raw]):
        a, b = _chosen(group, found, raw["service"])
        expected |= {pair for one in a for two in b if one != two for pair in ((one, two), (two, one))}
    for circuit in raw.get("circuits", []):
        expected |= {(circuit["a"], circuit["b"]), (circuit["b"], circuit["a"])}
    assert {(demand.ingress.id, demand.egress.id) for demand in demands} == expected
    assert expected


def _chosen(group: dict[str, Any], found: dict[str, Endpoint], service: str) -> tuple[list[str], list[str]]:
    """Who stands on either side of a group."""

    def of(selector: dict[str, Any]) -> list[str]:
        return [
            one.id
            for one in found.values()
            if one.kind == selector.get("kind") or one.id in selector.get("ids", ())
        ]

    if service == "line":
        return [], []
    if service == "mesh":
        return of(group["members"]), of(group["members"])
    return of(group["roots"]), of(group["leaves"])


def claims(demand: Demand, vlan: int | None, source: int, destination: int) -> bool:
    """Whether a demand takes an IPv4 frame on its port: docs/pipeline.md, in the plainest words."""
    mine = demand.ingress.vlan
    if demand.service is Service.LINE:
        return mine is None or mine == vlan
    holds = [
        any(ip_network(address).subnet_of(prefix) for prefix in end.prefixes)  # type: ignore[arg-type]
        for end, address in ((demand.ingress, source), (demand.egress, destination))
    ]
    return mine == vlan and all(holds)


@given(
    st.lists(st.tuples(st.sampled_from(Service), vlans, prefixes, prefixes), min_size=2, max_size=4),
    st.lists(
        st.tuples(vlans, st.integers(0x0A000000, 0x0A0000FF), st.integers(0x0A000000, 0x0A0000FF)), max_size=20
    ),
)
@settings(max_examples=150)
def test_without_a_conflict_every_frame_has_one_owner(
    shapes: list[tuple[Service, int | None, IPv4Network, IPv4Network]], frames: list[tuple[int | None, int, int]]
) -> None:
    port = PortRef("a", 1)
    demands = []
    for number, (service, vlan, source, destination) in enumerate(shapes):
        near = Endpoint(f"n{number}", "s", port, "x", vlan, (source,))
        far = Endpoint(f"f{number}", "s", PortRef("b", number + 1), "x", vlan, (destination,))
        demands.append(
            Demand(f"{number}", f"app{number}", "t", service, "c", near, far, Bitrate(1), Bitrate(0), Grade.NONE)
        )
    out = Diagnostics()
    check_claims(demands, out)
    # frames that are sure to matter: addresses inside the prefixes, with the tags in use
    edges = [
        (vlan, int(source.network_address), int(destination.network_address))
        for _, vlan, _, _ in shapes
        for _, _, source, destination in shapes
    ] + [
        (one[1], int(max(one[2], two[2]).network_address), int(max(one[3], two[3]).network_address))
        for one in shapes
        for two in shapes
    ]
    owners = [sum(claims(demand, *frame) for demand in demands) for frame in (*frames, *edges)]
    assert (max(owners) > 1) == bool(out.items)


def test_renaming_intent_files_changes_nothing(tmp_path: Path) -> None:
    one = load_network(write(tmp_path / "one")).network
    renamed: dict[str, str | bytes | None] = {"intents/video.yaml": None, "intents/circuits.yaml": None}
    renamed |= {"intents/a.yaml": FILES["intents/video.yaml"], "intents/z.yaml": FILES["intents/circuits.yaml"]}
    two = load_network(write(tmp_path / "two", renamed)).network
    assert [(d.id, d.cir, d.grade) for d in one.demands] == [(d.id, d.cir, d.grade) for d in two.demands]
