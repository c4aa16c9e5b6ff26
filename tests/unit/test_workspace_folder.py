"""The folder as a whole: what loads, and the list of bad inputs, each with address, file:line and hint."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from workspace_folder import EXAMPLES, FILES, edited, faults, load, short, write

from sdnctl.errors import InputError, Severity
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import PortRef
from sdnctl.workspace.folder import load_network


def test_a_good_folder_loads(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    network = loaded.network
    assert not loaded.diagnostics
    assert network.settings.name == "triangle"
    assert sorted(network.topology.links) == ["ab", "bc", "ca"]
    assert network.topology.srlgs["declared:trench"].links == {"bc", "ca"}
    assert network.endpoints["cam-2"].attachment == PortRef("sw-b", 10)
    assert [item.rank for item in network.classes.values()] == [0, 1, 2]
    assert network.tenants["town"].quota == 10**9
    assert [demand.id for demand in network.demands] == [
        "circuits/line-a>line-b",
        "circuits/line-b>line-a",
        "circuits/vlan-a>vlan-b",
        "circuits/vlan-b>vlan-a",
        "video/cam-1>rec-1",
        "video/cam-2>rec-1",
        "video/rec-1>cam-1",
        "video/rec-1>cam-2",
    ]
    assert set(loaded.documents) == set(FILES)


def test_a_crisis_profile_reorders_the_ladder(tmp_path: Path) -> None:
    classes = load(tmp_path, {"network.yaml": "name: triangle\ncrisis_profile: flood\n"}).network.classes
    assert {name: item.rank for name, item in classes.items()} == {"video": 0, "scada": 1, "business": 2}


@pytest.mark.parametrize("example", ["small", "small-links"])
def test_the_examples_load_with_four_applications(example: str) -> None:
    network = load_network(EXAMPLES / example).network
    grades: dict[str, set[Grade]] = {}
    for demand in network.demands:
        grades.setdefault(demand.application, set()).add(demand.grade)
    assert grades == {
        "enterprise": {Grade.DISJOINT, Grade.LOCAL},
        "flood-sensors": {Grade.NODE},
        "schools": {Grade.NONE},
        "video-protection": {Grade.LOCAL},
    }
    vlans = {(demand.ingress.vlan, demand.egress.vlan) for demand in network.demands if demand.service == "line"}
    assert (100, 200) in vlans


def test_both_examples_have_the_same_intents() -> None:
    one, two = (
        {path.name: path.read_bytes() for path in (EXAMPLES / example / "intents").iterdir()}
        for example in ("small", "small-links")
    )
    assert one == two


def test_both_examples_resolve_to_the_same_demands() -> None:
    one, two = (load_network(EXAMPLES / example).network.demands for example in ("small", "small-links"))
    assert [(d.id, d.cir, d.eir, d.grade, d.ingress.attachment) for d in one] == [
        (d.id, d.cir, d.eir, d.grade, d.ingress.attachment) for d in two
    ]


# ── the list of bad inputs ───────────────────────────────────────────────────────────────────────

BAD_INPUTS: dict[str, tuple[dict[str, str | bytes | None], tuple[str, str, str]]] = {
    "unknown key": (
        edited("intents/video.yaml", "guarantees:", "guarantee:"),
        ("unknown-key", "intents/video.yaml:8", "application video"),
    ),
    "unknown key deep inside": (
        edited("topology/links.yaml", "{id: ab,", "{id: ab, lenght: 3 km,"),
        ("unknown-key", "topology/links.yaml:2", "link ab"),
    ),
    "duplicate key": (
        edited("intents/video.yaml", "class: video", "class: video\nclass: scada"),
        ("duplicate-key", "intents/video.yaml:4", ""),
    ),
    "missing unit": (
        edited("intents/circuits.yaml", "bandwidth: 100 Mbit/s", "bandwidth: 100"),
        ("missing-unit", "intents/circuits.yaml:5", "application circuits"),
    ),
    "missing unit in a list": (
        edited("topology/links.yaml", "length: 4 km", "length: 4000"),
        ("missing-unit", "topology/links.yaml:2", "link ab"),
    ),
    "wrong unit": (
        edited("topology/links.yaml", "length: 4 km", "length: 4 ms"),
        ("bad-value", "topology/links.yaml:2", "link ab"),
    ),
    "NO where a truth value is wanted": (
        edited("intents/classes.yaml", "protected: true", "protected: NO"),
        ("not-a-boolean", "intents/classes.yaml:2", "class scada"),
    ),
    "12:30 where a duration is wanted": (
        edited("intents/classes.yaml", "latency: 10 ms", "latency: 12:30"),
        ("bad-value", "intents/classes.yaml:2", "class scada"),
    ),
    "12:30 where a number is wanted": (
        edited("intents/tenants.yaml", "max_endpoints: 20", "max_endpoints: 12:30"),
        ("wrong-type", "intents/tenants.yaml:2", "tenant town"),
    ),
    "a number where text is wanted": (
        edited("intents/video.yaml", "tenant: town", "tenant: 42"),
        ("not-text", "intents/video.yaml:2", "application video"),
    ),
    "dangling endpoint": (
        edited("intents/circuits.yaml", "b: line-b", "b: line-x"),
        ("dangling-reference", "intents/circuits.yaml:7", "application circuits"),
    ),
    "dangling class": (
        edited("intents/video.yaml", "class: video", "class: vidoe"),
        ("dangling-reference", "intents/video.yaml:3", "application video"),
    ),
    "dangling tenant": (
        edited("intents/video.yaml", "tenant: town", "tenant: twon"),
        ("dangling-reference", "intents/video.yaml:2", "application video"),
    ),
    "dangling thing to avoid": (
        edited("intents/video.yaml", "protection: local", "protection: local\n  avoid:\n    - sw-x"),
        ("dangling-reference", "intents/video.yaml:11", "application video"),
    ),
    "avoiding the building of an own endpoint": (
        edited("intents/video.yaml", "protection: local", "avoid: ['building:beta']"),
        ("avoids-own-end", "intents/video.yaml:1", "application video"),
    ),
    "dangling switch": (
        edited("topology/links.yaml", '"sw-b:2"', '"sw-x:2"'),
        ("dangling-reference", "topology/links.yaml:3", "link bc"),
    ),
    "dangling class in a crisis profile": (
        edited("intents/classes.yaml", "order: [video]", "order: [video, vioce]"),
        ("dangling-reference", "intents/classes.yaml:6", "crisis profile flood"),
    ),
    "crisis profile that is not there": (
        {"network.yaml": "name: x\ncrisis_profile: fire\n"},
        ("dangling-reference", "network.yaml:2", "network"),
    ),
    "duplicate id in a file": (
        edited("topology/links.yaml", "{id: bc,", "{id: ab,"),
        ("duplicate-id", "topology/links.yaml:3", "link ab"),
    ),
    "duplicate id in two files": (
        {"intents/zz.yaml": FILES["intents/video.yaml"]},
        ("duplicate-id", "intents/zz.yaml:1", "application video"),
    ),
    "duplicate class": (
        edited(
            "intents/classes.yaml",
            "crisis_profiles:",
            "  - {id: video, tc: 0, queue: 0, dscp: DF}\ncrisis_profiles:",
        ),
        ("duplicate-id", "intents/classes.yaml:5", "class video"),
    ),
    "duplicate tenant": (
        edited("intents/tenants.yaml", "{id: operator}", "{id: operator}\n  - {id: town}"),
        ("duplicate-id", "intents/tenants.yaml:4", "tenant town"),
    ),
    "duplicate endpoint": (
        {"inventory/endpoints.csv": FILES["inventory/endpoints.csv"] + "line-a,beta,sw-b,40,,,,enterprise,\n"},
        ("duplicate-id", "inventory/endpoints.csv:9", "endpoint line-a"),
    ),
    "duplicate circuit": (
        edited("intents/circuits.yaml", "{id: vlan,", "{id: port,"),
        ("duplicate-id", "intents/circuits.yaml:8", "application circuits circuit port"),
    ),
    "endpoint on the port of a link": (
        edited("inventory/endpoints.csv", "line-b,beta,sw-b,20", "line-b,beta,sw-b,2"),
        ("endpoint-on-trunk-port", "inventory/endpoints.csv:6", "endpoint line-b"),
    ),
    "frame larger than MTU": (
        edited("intents/video.yaml", "service: tree", "service: tree\nmtu: 9000 B"),
        ("frame-too-large", "intents/video.yaml:5", "application video"),
    ),
    "quota exceeded": (
        edited("intents/tenants.yaml", "quota: 1 Gbit/s", "quota: 10 Mbit/s"),
        ("quota-exceeded", "intents/tenants.yaml:2", "tenant town"),
    ),
    "too many endpoints": (
        edited("intents/tenants.yaml", "max_endpoints: 20", "max_endpoints: 2"),
        ("quota-exceeded", "intents/tenants.yaml:2", "tenant town"),
    ),
    "not UTF-8": (
        {"intents/video.yaml": FILES["intents/video.yaml"].replace("# ", "").encode() + b"owner: \xe9t\xe9\n"},
        ("not-utf8", "intents/video.yaml:10", ""),
    ),
    "UTF-16": (
        {"inventory/endpoints.csv": FILES["inventory/endpoints.csv"].encode("utf-16")},
        ("not-utf8", "inventory/endpoints.csv:1", ""),
    ),
    "not YAML": (
        {"topology/links.yaml": "links:\n  - {id: ab\n"},
        ("yaml-syntax", "topology/links.yaml:3", ""),
    ),
    "empty file": ({"intents/video.yaml": ""}, ("empty-file", "intents/video.yaml:1", "")),
    "missing column": (
        {"inventory/endpoints.csv": "id,site,device,kind\n"},
        ("missing-column", "inventory/endpoints.csv:1", ""),
    ),
    "labels overlap": (
        {"network.yaml": "name: x\nlabels:\n  bypass: 50000-60000\n"},
        ("labels-overlap", "network.yaml:3", "network"),
    ),
    "reserved labels": (
        {"network.yaml": "name: x\nlabels: {trunk: 3-200}\n"},
        ("bad-value", "network.yaml:2", ""),
    ),
    "no network.yaml": ({"network.yaml": None}, ("missing-file", "network.yaml", "")),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_each_bad_input_is_one_diagnostic(name: str, tmp_path: Path) -> None:
    changes, expected = BAD_INPUTS[name]
    found = faults(tmp_path, changes)
    assert expected in short(found), found
    errors = [one for one in found if one.severity is Severity.ERROR]
    assert len(errors) == 1, errors
    assert all(one.hint and one.summary for one in found)


def test_all_bad_inputs_at_once_are_all_reported(tmp_path: Path) -> None:
    """Faults of different objects in one folder: none hides another."""
    changes: dict[str, str | bytes | None] = {
        **edited("intents/classes.yaml", "protected: true", "protected: NO"),
        "network.yaml": "name: x\nmut: 1500 B\nhold_down: 5\n",
        "topology/links.yaml": FILES["topology/links.yaml"].replace("length: 5 km", "length: 5"),
        "intents/video.yaml": FILES["intents/video.yaml"].replace("8 Mbit/s", "8").replace("town", "twon"),
        "intents/circuits.yaml": FILES["intents/circuits.yaml"]
        .replace("line-b", "line-x")
        .replace("s: b", "s: c"),
        "intents/broken.yaml": "application: [\n",
        "intents/latin.yaml": "application: \xe9\n".encode("latin-1"),
        "intents/second.yaml": FILES["intents/video.yaml"],
        "inventory/endpoints.csv": FILES["inventory/endpoints.csv"] + "cam-1,beta,sw-b,31,,,,camera,\nbad,alpha\n",
    }
    found = faults(tmp_path, changes)
    assert sorted((one.code, str(one.source)) for one in found) == [
        ("dangling-reference", "intents/circuits.yaml:3"),
        ("dangling-reference", "intents/circuits.yaml:7"),
        ("dangling-reference", "intents/video.yaml:2"),
        ("duplicate-id", "intents/video.yaml:1"),
        ("duplicate-id", "inventory/endpoints.csv:9"),
        ("missing-unit", "intents/video.yaml:7"),
        ("missing-unit", "network.yaml:3"),
        ("missing-unit", "topology/links.yaml:3"),
        ("not-a-boolean", "intents/classes.yaml:2"),
        ("not-utf8", "intents/latin.yaml:1"),
        ("ragged-row", "inventory/endpoints.csv:10"),
        ("unknown-key", "network.yaml:2"),
        ("yaml-syntax", "intents/broken.yaml:2"),
    ]
    assert all(one.hint for one in found)


def test_diagnostics_stand_in_order_of_files_and_lines(tmp_path: Path) -> None:
    changes = {**edited("intents/video.yaml", "town", "twon"), "network.yaml": "name: x\na: 1\nb: 2\n"}
    places = [(one.source.file, one.source.line) for one in faults(tmp_path, changes) if one.source]
    assert places == [("intents/video.yaml", 2), ("network.yaml", 2), ("network.yaml", 3)]


def test_what_misses_a_faulty_object_is_not_reported_too(tmp_path: Path) -> None:
    found = faults(tmp_path, edited("inventory/endpoints.csv", "line-b,beta,sw-b,20", "line-b,beta,sw-b,x"))
    assert short(found) == [("not-a-port-number", "inventory/endpoints.csv:6", "endpoint line-b")]
    found = faults(tmp_path, edited("intents/classes.yaml", "tc: 4", "tc: 9"))
    assert short(found) == [("bad-value", "intents/classes.yaml:3", "class video")]


def test_what_misses_a_lost_file_is_not_reported_too(tmp_path: Path) -> None:
    for file in FILES:
        if file != "network.yaml":
            folder = tmp_path / file.replace("/", "-")
            found = faults(folder, {file: b"\xff"})
            assert short(found) == [("not-utf8", f"{file}:1", "")], found


def test_hints_name_what_was_probably_meant(tmp_path: Path) -> None:
    hints = {
        "guarantees:": ("guarantee:", "guarantees"),
        "class: video": ("class: vidoe", "video"),
        "protection: local": ("protection: locall", "local"),
        "kind: camera": ("kind: camera, tag: [x]", "tags"),
    }
    for place, (old, (new, meant)) in enumerate(hints.items()):
        found = faults(tmp_path / str(place), edited("intents/video.yaml", old, new))
        assert [one.hint for one in found] == [f"Did you mean {meant}?"]


def test_a_strand_that_is_spliced_twice_is_told_with_its_line(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "small", tmp_path, dirs_exist_ok=True)
    file = tmp_path / "inventory" / "closures.yaml"
    lines = file.read_text().splitlines()
    place = next(index for index, line in enumerate(lines) if "a:" in line and "b:" in line)
    lines.insert(place + 1, lines[place])
    file.write_text("\n".join(lines))
    with pytest.raises(InputError) as caught:
        load_network(tmp_path)
    errors = [one for one in caught.value.diagnostics if one.severity is Severity.ERROR]
    assert {one.code for one in errors} == {"strand-spliced-twice"}
    assert {str(one.source) for one in errors} == {f"inventory/closures.yaml:{place + 2}"}
    assert all(one.hint and one.address for one in errors)


# ── files and folders ────────────────────────────────────────────────────────────────────────────


def test_a_missing_and_an_empty_folder_point_to_init(tmp_path: Path) -> None:
    for folder, code in ((tmp_path / "nowhere", "no-such-folder"), (tmp_path, "empty-folder")):
        with pytest.raises(InputError) as caught:
            load_network(folder)
        assert [one.code for one in caught.value.diagnostics] == [code]
        assert "sdnctl init" in caught.value.diagnostics[0].hint
        assert caught.value.exit_code == 1
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="not a folder"):
        load_network(tmp_path / "file")


def test_a_byte_order_mark_is_only_a_warning(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {file: b"\xef\xbb\xbf" + FILES[file].encode() for file in ("network.yaml", "inventory/endpoints.csv")},
    )
    assert [one.code for one in loaded.diagnostics] == ["byte-order-mark"] * 2
    assert len(loaded.network.endpoints) == 7


def test_stray_files_are_warnings_and_other_files_are_left_alone(tmp_path: Path) -> None:
    strays = {"topology/lniks.yaml": "x", "intents/audio.yml": "x", "inventory/old.csv": "x", "sites.yaml": "x"}
    fine = {"README.md": "x", "intents/README.md": "x", ".gitlab-ci.yml": "x", "Makefile": "x", "docs/a.yaml": "x"}
    loaded = load(tmp_path, {**strays, **fine})
    assert {str(one.source): one.hint for one in loaded.diagnostics} == {
        "topology/lniks.yaml": "Did you mean topology/links.yaml?",
        "intents/audio.yml": "Did you mean intents/audio.yaml?",
        "inventory/old.csv": "Move it elsewhere, or see docs/network-folder.md.",
        "sites.yaml": "Did you mean inventory/sites.yaml?",
    }
    assert {one.code for one in loaded.diagnostics} == {"stray-file"}


def test_a_file_that_may_be_empty_may_be_empty(tmp_path: Path) -> None:
    loaded = load(tmp_path, {"topology/maintenance.yaml": "# nothing is out of service\n"})
    assert short(list(loaded.diagnostics)) == [("empty-file", "topology/maintenance.yaml:1", "")]


def test_directories_and_pipes_in_the_place_of_files_are_reported(tmp_path: Path) -> None:
    write(tmp_path, {"intents/tenants.yaml": None, "topology/links.yaml": None})
    (tmp_path / "intents" / "tenants.yaml").mkdir()
    (tmp_path / "topology").mkdir()
    os.mkfifo(tmp_path / "topology" / "links.yaml")
    (tmp_path / "intents" / "away.yaml").symlink_to("nothing")
    (tmp_path / "intents" / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(InputError) as caught:
        load_network(tmp_path)
    assert short(list(caught.value.diagnostics)) == [
        ("unreadable", "intents/away.yaml", ""),
        ("unreadable", "intents/loop.yaml", ""),
        ("unreadable", "intents/tenants.yaml", ""),
        ("unreadable", "topology/links.yaml", ""),
    ]


def test_names_of_files_need_not_be_text(tmp_path: Path) -> None:
    write(tmp_path)
    shutil.copy(tmp_path / "intents" / "video.yaml", os.fsencode(tmp_path / "intents") + b"/\xff.yaml")
    with pytest.raises(InputError) as caught:
        load_network(tmp_path)
    assert [one.code for one in caught.value.diagnostics] == ["duplicate-id"]
    str(caught.value).encode()


def test_nothing_is_written_and_the_current_folder_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "a network")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    monkeypatch.chdir("/")
    load_network(folder)
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


# ── switches and links that come and go ──────────────────────────────────────────────────────────


def test_a_drained_switch_takes_its_endpoints_out_with_a_warning(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, {"topology/maintenance.yaml": "out_of_service:\n  - {node: sw-b, reason: new software}\n"}
    )
    assert {demand.id for demand in loaded.network.demands} == {
        "circuits/vlan-a>vlan-b",
        "circuits/vlan-b>vlan-a",
        "video/cam-1>rec-1",
        "video/rec-1>cam-1",
    }
    assert [one.code for one in loaded.diagnostics] == ["endpoint-out-of-service"] * 2


def test_a_link_out_of_service_may_still_be_avoided(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "topology/maintenance.yaml": "out_of_service:\n  - {link: ab, reason: works, until: 2026-05-31}\n",
            **edited("intents/video.yaml", "protection: local", "avoid: [ab, 'declared:trench']"),
        },
    )
    assert loaded.network.demands[-1].avoid == {"ab", "declared:trench"}
