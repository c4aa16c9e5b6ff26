"""Long lists as tables: the same plant, the same faults at their lines, defaults from the YAML sister file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from inventory_support import document, documents, two_sites
from inventory_tables import as_tables, comparable
from workspace_folder import EXAMPLES

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.models import Status
from sdnctl.workspace.dump import dump_documents
from sdnctl.workspace.folder import load_network
from sdnctl.workspace.tables import parse_csv


def small_as_tables() -> dict[str, Document[Any]]:
    """The small example's inventory with its long lists in tables."""
    loaded = {file: one for file, one in load_network(EXAMPLES / "small").documents.items() if file in FILES}
    raw = {
        file.removeprefix("inventory/").removesuffix(".yaml"): one.value.model_dump(
            mode="json", by_alias=True, exclude_defaults=True
        )
        for file, one in loaded.items()
        if file.endswith(".yaml")
    }
    return {**loaded, **documents(as_tables(raw))}


def test_the_small_example_as_tables_is_the_same_network(tmp_path: Path) -> None:
    texts = dump_documents(small_as_tables())
    assert len(texts["inventory/splices.csv"].splitlines()) > 5
    assert len(texts["inventory/ports.csv"].splitlines()) > 20
    for file, one in load_network(EXAMPLES / "small").documents.items():
        texts.setdefault(file, dump_documents({file: one})[file])
    for file, text in texts.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    again, wanted = load_network(tmp_path), load_network(EXAMPLES / "small")
    assert dump_documents(again.documents) == texts
    assert again.network.topology.links.keys() == wanted.network.topology.links.keys()
    for name, group in wanted.network.topology.srlgs.items():
        assert comparable(again.network.topology.srlgs[name]) == comparable(group)
    assert comparable(again.network.demands) == comparable(wanted.network.demands)
    assert sorted(one.code for one in again.diagnostics) == sorted(one.code for one in wanted.diagnostics)
    assert {str(one.source) for one in again.diagnostics if one.code == "one-way-splice-reading"} == {
        f"inventory/splices.csv:{number}"
        for number, line in enumerate(texts["inventory/splices.csv"].splitlines(), start=1)
        if "c-calvas-vigne:1-2" in line
    }


def test_both_forms_count_together() -> None:
    network = two_sites()
    network["ducts.csv"] = [{"id": "d2", "parent": "d"}, {"id": "d3", "segments": "k1-k2;k2-b", "parent": "d"}]
    network["cables.csv"] = [
        {"id": "c2", "type": "t12", "a": "a", "b": "b", "route": "d2", "status": "planned", "owner": "other"},
        {"id": "c3", "type": "t12", "a": "k1", "b": "b", "route": "d3"},
    ]
    plant, diagnostics = build_plant(documents(network))
    assert diagnostics.errors == []
    assert plant.ducts["d2"].segments == ("a-k1", "k1-k2", "k2-b")
    assert plant.cables["c3"].places == ("k1", "k2", "b")
    assert [plant.cables[key].life.owner for key in ("c", "c2", "c3")] == ["town", "other", "town"]
    assert plant.cables["c2"].life.status is Status.PLANNED


def change(network: dict[str, Any], file: str, *rows: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Errors of the network as tables with rows added to one of them: code, address, place."""
    made = as_tables(network)
    made[file] = [*made.get(file, []), *rows]
    _, diagnostics = build_plant(documents(made))
    return [(one.code, one.address, str(one.source)) for one in diagnostics.errors]


@pytest.mark.parametrize(
    ("file", "row", "code", "address", "line"),
    [
        ("ducts.csv", {"id": "d"}, "duplicate-id", "duct d", 3),
        ("ducts.csv", {"id": "d2", "segments": "a-k1;k2-b"}, "duct-not-contiguous", "duct d2", 3),
        (
            "cables.csv",
            {"id": "c2", "type": "no", "a": "a", "b": "b", "route": "d"},
            "dangling-reference",
            "cable c2",
            3,
        ),
        (
            "cables.csv",
            {"id": "c2", "type": "t12", "a": "a", "b": "k1", "route": "d"},
            "cable-route-not-contiguous",
            "cable c2",
            3,
        ),
        ("closures.csv", {"id": "k", "at": "nowhere"}, "dangling-reference", "closure k", 2),
        ("splices", {"closure": "no", "a": "c:1", "b": "c:2"}, "dangling-reference", "closure no", 2),
        ("terminations", {"odf": "no", "positions": "13", "strands": "c:1"}, "dangling-reference", "ODF no", 4),
        (
            "terminations",
            {"odf": "odf-a", "positions": "1", "strands": "c:12"},
            "odf-position-used-twice",
            "ODF odf-a",
            4,
        ),
        (
            "terminations",
            {"odf": "odf-a", "positions": "13", "strands": "c:1"},
            "strand-spliced-twice",
            "ODF odf-a",
            4,
        ),
        (
            "terminations",
            {"odf": "odf-a", "positions": "99", "strands": "c:1"},
            "position-beyond-odf",
            "ODF odf-a",
            4,
        ),
        ("ports", {"switch": "no", "port": 1}, "dangling-reference", "port no:1", 4),
        ("ports", {"switch": "sa", "port": 1}, "duplicate-port", "switch sa port 1", 4),
        ("ports", {"switch": "sa", "port": 2, "tx": "odf-a:1"}, "patched-twice", "switch sa port 2", 4),
        ("jumpers", {"a": "odf-a:5", "b": "odf-b:5"}, "jumper-between-sites", "jumper odf-a:5 – odf-b:5", 2),
        ("jumpers", {"a": "odf-a:5", "b": "odf-a:99"}, "no-such-position", "jumper odf-a:5 – odf-a:99", 2),
    ],
)
def test_every_fault_of_a_row_is_told_with_its_line(
    file: str, row: dict[str, Any], code: str, address: str, line: int
) -> None:
    name = file if file.endswith(".csv") else f"{file}.csv"
    assert change(two_sites(), file, row) == [(code, address, f"inventory/{name}:{line}")]


def test_an_opened_strand_may_not_be_cut_by_any_closure() -> None:
    network = two_sites()
    network["closures"]["closures"] = [
        {"id": "k", "at": "k1", "opened": ["c:3-4"]},
        {"id": "l", "at": "k1"},
    ]
    found = change(network, "splices", {"closure": "l", "a": "c/a:3", "b": "c/b:3"})
    assert [(code, address) for code, address, _ in found] == [("opened-and-cut", "closure k")]


@pytest.mark.parametrize(
    ("file", "index", "named"),
    [
        ("terminations", 0, "the strand on odf-a:"),
        ("splices", 0, "the splice c/"),
        ("ports", 0, "port sa:1"),
        ("jumpers", 0, "the jumper "),
    ],
)
@pytest.mark.parametrize(
    "life",
    [{"status": "planned"}, {"valid_to": "2020-12-31"}, {"valid_from": "2030-01-01"}],
    ids=lambda life: next(iter(life)),
)
def test_a_part_may_have_a_life_of_its_own(file: str, index: int, named: str, life: dict[str, str]) -> None:
    network = two_sites()
    network["closures"]["closures"].append({"id": "k", "at": "k1", "splices": [{"a": "c/a:1-2", "b": "c/b:1-2"}]})
    # a frame in between, so that there is a jumper
    network["odfs"]["odfs"].append({"id": "odf-x", "site": "a", "positions": 4})
    network["equipment"]["jumpers"] = [{"a": "odf-x:1", "b": "odf-x:2"}]
    made = as_tables(network)
    if file == "jumpers":
        made["passives"]["passives"] = [
            {"id": "pad", "kind": "attenuator", "site": "a", "loss": {"min": "0 dB", "max": "0.1 dB"}}
        ]
        made["ports"][0]["tx"] = "pad/in"
        made["jumpers"] = [{"a": "pad/out", "b": "odf-a:1"}]
    (link,) = optical_links(build_plant(documents(made))[0], date(2024, 5, 1))[0]
    assert link.usable
    made[file][index] |= life
    plant, diagnostics = build_plant(documents(made))
    assert diagnostics.errors == []
    (link,) = optical_links(plant, date(2024, 5, 1))[0]
    assert {fault.code for fault in link.faults} == {"not-in-service"}
    assert all(fault.summary.startswith(named) for fault in link.faults)


def test_validity_that_ends_before_it_begins_is_told_of_rows_too() -> None:
    found = change(
        two_sites(),
        "jumpers",
        {"a": "odf-a:13", "b": "odf-a:14", "valid_from": "2024-01-02", "valid_to": "2024-01-01"},
    )
    assert [(code, place) for code, _, place in found] == [("validity-reversed", "inventory/jumpers.csv:2")]


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("cables.csv", "id,type,a,b,slack\nc,t,a,b,3 m\n", "unknown-column"),
        ("cables.csv", "id,type,a\nc,t,a\n", "missing-column"),
        ("splices.csv", "closure,a,b\nk,c:1-2,d:1\n", "bad-value"),
        ("splices.csv", "closure,a,b,loss,loss_ab\nk,c:1,d:1,0.1 dB,0.1 dB\n", "bad-value"),
        ("splices.csv", "closure,a,b,loss\nk,c:1,d:1,0.1\n", "missing-unit"),
        ("terminations.csv", 'odf,positions,strands\nx,"1-2,4",c:1-2\n', "bad-value"),
        ("ports.csv", "switch,port,tx,bidi\ns,1,o:1,o:2\n", "bad-value"),
        ("ports.csv", "switch,port\ns,0\n", "bad-value"),
        ("ports.csv", "switch,port,status\ns,1,plannd\n", "bad-value"),
        ("ducts.csv", "id,segments\nd,a b;?\n", "bad-value"),
    ],
)
def test_what_a_row_cannot_say_is_refused_at_its_line(file: str, text: str, code: str) -> None:
    out = Diagnostics()
    parse_csv(text, FILES[f"inventory/{file}"].model, f"inventory/{file}", out)
    assert [one.code for one in out] == [code]
    assert out.items[0].source is not None
    assert out.items[0].source.line == (1 if "column" in code else 2)
    assert out.items[0].hint


def test_rows_know_their_defaults_only_from_their_own_sister() -> None:
    network = as_tables(two_sites())
    network["cables"]["defaults"] = {"owner": "rentel", "source": "contract"}
    plant, _ = build_plant(documents(network))
    assert plant.cables["c"].life.owner == "rentel"
    assert plant.ducts["d"].life.owner == "town"
    del network["cables"]
    found = documents(network)
    found["inventory/cables.csv"] = document("inventory/cables.csv", network["cables.csv"])
    plant, diagnostics = build_plant(found)
    assert plant.cables["c"].life.owner == ""
    assert ("unknown-owner", "cable") in {(one.code, one.address) for one in diagnostics}
