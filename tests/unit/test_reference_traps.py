"""The traps of the reference network as its users meet them: what `validate` says of dark glass, and frames that
go on under each event that the page (`inventory/README.md`) describes.

`test_reference_plant` asks plant and router for the documented answers. Here the answers are asked of the whole:
of the command line, and of the compiled rules of all services, with the frames of the any-network oracle.
"""

from __future__ import annotations

import pathlib
import re
import shutil
from collections.abc import Mapping
from typing import Any

import pytest
from any_network import ROOT, Subject, subject
from any_network_files import Files, write_files
from any_network_oracle import Pair, Question
from sdnctl_in_process import Net, sdnctl

from sdnctl.topology.graph import Link, Path

EVENTS = {
    "bridge": "duct:du-pont-du-gardon",
    "station": "duct:du-sortie-gare",
    "meeting": "chamber:ch-trois-anneaux",
    "flood": "zone:vistre",
    "feeder": "feeder:source-est",
    "rented": "duct:du-pop-est--pop-nord",
}
"""Traps that are one event for several things at once."""
DARK = {
    "cheap-optics": "spare-saint-gilles",
    "no-attenuator": "spare-sainte-anastasie",
    "polarity": "spare-caissargues",
    "planned": "c-planned-mauressargues",
    "abandoned": "c-old-tramway",
}
"""Traps that look like a way and are none: the link or cable that must not carry anything."""
OTHERS = {"spur", "overload", "gainer"}


@pytest.fixture(scope="module")
def one() -> Subject:
    return subject("reference")


@pytest.fixture(scope="module")
def page() -> Mapping[str, str]:
    """Trap → its row on the page."""
    text = (ROOT / "inventory" / "README.md").read_text(encoding="utf-8")
    table = text[text.index("## Traps") :]
    return {match[1]: match[0] for match in re.finditer(r"^\| ([a-z-]+) \| .*$", table, re.MULTILINE)} | {}


@pytest.fixture(scope="module")
def said() -> list[dict[str, Any]]:
    """What `sdnctl validate` says of the committed folder."""
    result = sdnctl("-n", ROOT, "--format", "json", "validate")
    assert result.code == 0, result.err
    found: list[dict[str, Any]] = result.document["diagnostics"]
    assert {item["severity"] for item in found} == {"warning", "note"}
    assert [item["code"] for item in found if item["severity"] == "note"] == ["control-residual"]
    return [item for item in found if item["severity"] == "warning"]


def test_every_trap_of_the_page_is_asked_for(page: Mapping[str, str]) -> None:
    assert set(page) - {"trap"} == {*EVENTS, *DARK, *OTHERS}


# ── glass that is none ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("trap", "code", "numbers"),
    [
        ("cheap-optics", "optical-budget", ["−4.3 dB", "10.5 dB", "6.2 dB"]),
        ("no-attenuator", "optical-overload", ["2.4 dB"]),
        ("polarity", "reversed-polarity", ["com-caissargues:4", "pop-sud:15"]),
        ("planned", "not-in-service", ["planned"]),
        ("abandoned", "not-in-service", []),
        ("gainer", "one-way-splice-reading", ["−0.05 dB"]),
    ],
)
def test_validate_says_what_the_page_says(
    page: Mapping[str, str], said: list[dict[str, Any]], trap: str, code: str, numbers: list[str]
) -> None:
    """One warning names the thing, with the numbers of the page, where it stands, and what would help."""
    texts = [
        (item, " ".join(str(value) for value in item.values()).replace("-", "−").replace("−", "-"))
        for item in said
        if item["code"] == code
    ]
    name = DARK.get(trap, "bpe-east-05")
    marks = [name] if trap in ("planned", "abandoned", "gainer") else numbers
    found = [item for item, text in texts if all(mark.replace("−", "-") in text for mark in marks)]
    assert len(found) == 1, texts
    assert found[0]["file"].startswith("inventory/")
    assert found[0]["line"] > 0
    assert found[0]["hint"]
    for number in numbers:
        assert number in page[trap], number


def test_nothing_else_is_said(said: list[dict[str, Any]]) -> None:
    assert len(said) == 6


@pytest.mark.parametrize("trap", DARK)
def test_dark_glass_carries_nothing(one: Subject, trap: str) -> None:
    """Neither a link nor, for a cable, any link's risk: no path, standby or bypass can run over it."""
    name = DARK[trap]
    assert name not in one.topology.links
    assert f"cable:{name}" not in one.topology.srlgs
    ports = {
        (row["switch"], int(row["port"])) for row in one.files["inventory/ports.csv"] if row.get("link") == name
    }
    lit = {(end.node, end.port) for link in one.topology.links.values() for end in (link.a, link.b)}
    assert not ports & lit
    assert ports or name in one.loaded.plant.cables


def test_what_is_safe_because_of_attenuators_carries_services(one: Subject, page: Mapping[str, str]) -> None:
    link = one.topology.links["com-sainte-anastasie--pop-nord"]
    assert link.budget is not None
    assert link.budget.margin >= 0
    assert link.budget.overload >= 0
    assert f"{link.length / 1000:.1f} km" in page["overload"]
    assert any(link.id in trunk.path.links for trunk in one.compiled.trunks)


def test_a_gain_is_not_counted_as_one(one: Subject, page: Mapping[str, str]) -> None:
    """Read one way: the planning figure. Read both ways: the mean, which the page quotes."""
    losses = {
        name: {splice.loss for splice in one.loaded.plant.splices if splice.closure == name}
        for name in ("bpe-east-05", "bpe-east-09")
    }
    assert None in losses["bpe-east-05"]
    assert pytest.approx(0.06) in list(losses["bpe-east-09"])
    assert "0.06 dB" in page["gainer"]
    assert all(loss is None or loss >= 0 for found in losses.values() for loss in found)


# ── a spur ───────────────────────────────────────────────────────────────────────────────────────


def test_protection_on_the_spur_is_refused_with_the_proof(
    one: Subject, page: Mapping[str, str], tmp_path: pathlib.Path
) -> None:
    """`compile` refuses by name what nobody can give there, and carries the same without protection."""
    link, duct = "com-mauressargues--com-montagnac", "du-spur-01"
    assert link in page["spur"]
    assert duct in page["spur"]
    ends = {row["id"]: row for row in one.files["inventory/endpoints.csv"]}
    camera = next(key for key in sorted(ends) if ends[key]["device"] == "com-mauressargues")
    net = Net(write_files(tmp_path / "net", _alone(one, camera, "local")))
    refused = [item for item in net.json("compile", code=1)["diagnostics"] if item["severity"] == "error"]
    assert {item["code"] for item in refused} == {"no-protected-path"}
    for item in refused:
        assert link in item["summary"] + item["detail"]
        assert duct in item["summary"] + item["detail"]
        assert "km" in item["summary"] + item["detail"]
        assert "ask for grade none" in item["hint"]
    shutil.rmtree(net.folder)
    write_files(net.folder, _alone(one, camera, "none"))
    net.ok("compile", "-o", tmp_path / "rules.json")


def _alone(one: Subject, end: str, grade: str) -> Files:
    """The network with one circuit only, from the customer at one end to the internet exit."""
    rows = [row for row in one.files["inventory/endpoints.csv"] if row["id"] == end]
    rows = [{key: value for key, value in row.items() if key not in ("vlan", "prefixes", "mac")} for row in rows]
    rows.append({"id": "far", "site": "neticenter", "device": "inet-1", "port": 900, "kind": "exit"})
    files = {key: item for key, item in one.files.items() if not key.startswith("intents/")}
    files |= {key: one.files[key] for key in ("intents/classes.yaml", "intents/tenants.yaml")}
    files["inventory/endpoints.csv"] = rows
    files["intents/one.yaml"] = {
        "application": "one",
        "tenant": files["intents/tenants.yaml"]["tenants"][0]["id"],
        "class": files["intents/classes.yaml"]["classes"][0]["id"],
        "service": "line",
        "bandwidth": "1 Mbit/s",
        "guarantees": {"protection": grade},
        "circuits": [{"id": "c", "a": end, "b": "far"}],
    }
    return files


def test_who_is_on_the_spur_has_service_without_protection(one: Subject) -> None:
    there = [pair for pair in one.declared.pairs if pair.ingress.spot[0] == "com-mauressargues"]
    assert len(there) > 10
    assert {pair.grade for pair in there} == {"none"}
    one.fabric.fail()
    rng = one.rng("spur")
    for pair in there[:10]:
        question = one.declared.positive(rng, pair)
        assert question is not None
        assert one.fabric.inject(*question.spot, question.frame).frames == list(question.expected)


# ── one event for several things ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trap", EVENTS)
def test_services_survive_the_event(one: Subject, trap: str) -> None:
    """Whoever it hits, and whose grade covers it, still arrives; nobody's frames go where they should not."""
    event = one.survival.groups[EVENTS[trap]]
    fabric, rng = one.fabric, one.rng(trap)
    fabric.fail()
    hit = []
    for pair, question, path in _hit(one, event.links):
        assert fabric.inject(*question.spot, question.frame).frames == list(question.expected)
        if one.survival.covered(event, pair.grade, path.nodes, path.links):
            hit.append((pair, question))
    assert len(hit) > 10, "hardly anybody is protected against it"
    ends = [link.a for link in (one.topology.links[name] for name in event.links)]
    fabric.fail([(end.node, end.port) for end in ends], event.nodes)
    for pair, question in rng.sample(hit, min(40, len(hit))):
        outcome = fabric.inject(*question.spot, question.frame)
        assert outcome.frames == list(question.expected), f"{pair.demand} {pair.grade}\n{outcome}"
    fabric.fail()


def _hit(one: Subject, what: frozenset[str]) -> list[tuple[Pair, Question, Path]]:
    """Protected pairs whose trunk runs over one of these links, with a frame of each; one pair of a trunk."""
    by_demand = {pair.demand: pair for pair in one.declared.pairs}
    rng, found = one.rng("hit"), []
    for trunk in one.compiled.trunks:
        if what.isdisjoint(trunk.path.links):
            continue
        pair = by_demand[trunk.demands[0]]
        question = one.declared.positive(rng, pair)
        if pair.grade != "none" and question is not None:
            found.append((pair, question, trunk.path))
    return found


@pytest.mark.parametrize("trap", ["bridge", "station"])
def test_what_shares_a_duct_never_stands_in_for_the_other(
    one: Subject, page: Mapping[str, str], trap: str
) -> None:
    """The page names two links and the metres they share; no bypass of one runs over the other."""
    names = re.findall(r"`((?:[a-z]+-)[a-z0-9-]+--[a-z0-9-]+)`", page[trap])[:2]
    shared = one.topology.srlgs[EVENTS[trap]]
    assert set(names) <= shared.links
    assert f"{shared.metres:.0f} m" in page[trap]
    assert shared.metres > 0
    mine: dict[str, list[Link]] = {name: [] for name in names}
    for bypass in one.compiled.bypasses:
        if bypass.link in mine:
            mine[bypass.link] += [one.topology.links[link] for link in bypass.path.links]
    for name, other in zip(names, reversed(names), strict=True):
        assert mine[name], f"no bypass of {name}"
        assert other not in {link.id for link in mine[name]}
    for trunk in one.compiled.trunks:
        if trunk.standby is not None:
            assert not ({*trunk.path.links} & set(names) and {*trunk.standby.links} & set(names))
