"""Bad input at the command line: exit 1, every fault at once with file, line and hint, and nothing changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sdnctl_in_process import Net, Saved, new_net, sdnctl


@dataclass(frozen=True)
class Fault:
    """An edit that makes a network wrong: what stands in which file, what takes its place, and the finding."""

    file: str
    old: str
    new: str
    code: str
    at: str  # text of the line where it is found
    address: str = ""


FAULTS = {
    "unknown key": Fault(
        "intents/schools.yaml",
        "owner: school-board",
        "owner: school-board\nprotekt: yes",
        "unknown-key",
        "protekt",
        "application schools",
    ),
    "duplicate key": Fault(
        "intents/schools.yaml", "owner: school-board", "tenant: town", "duplicate-key", "tenant: town"
    ),
    "missing unit": Fault(
        "intents/video-protection.yaml",
        "latency: 20 ms",
        "latency: 20",
        "missing-unit",
        "latency: 20",
        "application video-protection",
    ),
    "NO is not false": Fault(
        "intents/classes.yaml",
        "CS6, protected: true",
        "CS6, protected: NO",
        "not-a-boolean",
        "CS6",
        "class control",
    ),
    "12:30 is not 750": Fault("network.yaml", "hold_down: 5 s", "hold_down: 12:30", "bad-value", "12:30"),
    "dangling reference": Fault(
        "intents/enterprise.yaml",
        "a: ent-b1",
        "a: ent-x9",
        "dangling-reference",
        "ent-x9",
        "application enterprise",
    ),
    "duplicate id": Fault(
        "inventory/endpoints.csv", "cam-02,", "cam-01,", "duplicate-id", "cam-01,aigues", "endpoint cam-01"
    ),
    "strand spliced twice": Fault(
        "inventory/closures.yaml",
        "c-plateau-calvas:5-72",
        "c-plateau-calvas:4-71",
        "strand-spliced-twice",
        "c-plateau-calvas:4-71",
        "closure k-plateau",
    ),
    "frame larger than MTU": Fault(
        "intents/flood-sensors.yaml",
        "class: scada",
        "class: scada\nmtu: 9000 B",
        "frame-too-large",
        "mtu: 9000 B",
        "application flood-sensors",
    ),
    "nobody can protect it": Fault(
        "intents/schools.yaml",
        "protection: none",
        "protection: local",
        "no-protected-path",
        "application: schools",
        "intent schools",
    ),
    "nobody is fast enough": Fault(
        "intents/flood-sensors.yaml",
        "latency: 10 ms",
        "latency: 10 µs",
        "latency",
        "application: flood-sensors",
        "intent flood-sensors",
    ),
    "quota exceeded": Fault(
        "intents/tenants.yaml",
        "quota: 2 Gbit/s",
        "quota: 20 Mbit/s",
        "quota-exceeded",
        "- id: schools",
        "tenant schools",
    ),
    "tab": Fault(
        "intents/schools.yaml", "owner: school-board", "\towner: school-board", "yaml-syntax", "school-board"
    ),
    "not a number": Fault(
        "inventory/endpoints.csv",
        "com-aigues,10,",
        "com-aigues,ten,",
        "not-a-port-number",
        ",ten,",
        "endpoint cam-02",
    ),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """The small example at full depth, applied on embedded switches."""
    folder = tmp_path_factory.mktemp("bad")
    net = new_net(folder / "net")
    net.ok("apply", "--yes")
    return Saved(net, folder / "kept")


@pytest.fixture
def net(saved: Saved) -> Iterator[Net]:
    """Whatever the test puts in: no switch, no snapshot and no plan may come of it."""
    net = saved.restore()
    held, history = net.held(), net.history()
    yield net
    assert net.held() == held
    assert net.history() == history


def spoil(net: Net, fault: Fault) -> int:
    """Put the fault in; its line."""
    net.edit(fault.file, fault.old, fault.new)
    return line_of(net, fault)


def line_of(net: Net, fault: Fault) -> int:
    lines = net.path(fault.file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if fault.at in line)


def findings(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in document["diagnostics"] if item["severity"] == "error"]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_the_apply_before_it_begins(net: Net, name: str) -> None:
    fault = FAULTS[name]
    line = spoil(net, fault)
    found = findings(net.json("apply", "--yes", "--allow-outage", "scada", code=1))
    here = [item for item in found if (item["file"], item["line"]) == (fault.file, line)]
    assert here, found
    assert all(item["summary"] and item["hint"] for item in here)
    assert fault.code in {item["code"] for item in here}
    assert any(item["address"].startswith(fault.address) for item in here)


def test_all_faults_are_reported_at_once(net: Net) -> None:
    """In several files, in one run, in text and in JSON, in the order of files and lines."""
    names = (
        "12:30 is not 750",
        "missing unit",
        "duplicate id",
        "strand spliced twice",
        "NO is not false",
        "unknown key",
    )
    for name in names:
        spoil(net, FAULTS[name])
    wanted = {(FAULTS[name].file, line_of(net, FAULTS[name])) for name in names}
    assert len(wanted) == 6
    found = findings(net.json("validate", code=1))
    places = [(item["file"], item["line"]) for item in found]
    assert wanted <= set(places)
    assert places == sorted(places)
    text = net("validate")
    assert (text.code, text.out) == (1, "")
    assert all(f"{file}:{line}" in text.err for file, line in wanted)
    assert text.err.count("error[") == len(found)
    assert text.err.count("    do  ") >= len(found)
    for verb in ("compile", "plan", "apply --yes"):
        assert findings(net.json(*verb.split(), code=1)) == found


def test_files_that_cannot_be_read(net: Net) -> None:
    """Not UTF-8, a folder where a file should be, a link to nothing: each is named, and all of them at once."""
    net.path("intents/schools.yaml").write_bytes(b"application: \xe9coles\n")
    net.path("intents/enterprise.yaml").unlink()
    net.path("intents/enterprise.yaml").mkdir()
    net.path("inventory/endpoints.csv").unlink()
    net.path("inventory/endpoints.csv").symlink_to("nowhere.csv")
    found = findings(net.json("apply", "--yes", code=1))
    files = {item["file"]: item for item in found}
    assert {"intents/schools.yaml", "intents/enterprise.yaml", "inventory/endpoints.csv"} <= files.keys()
    assert files["intents/schools.yaml"]["line"] == 1
    assert all(item["hint"] for item in found)
    net.path("intents/enterprise.yaml").rmdir()
    net.path("intents/enterprise.yaml").touch()
    net.path("inventory/endpoints.csv").unlink()
    shutil.copy(net.folder.parent / "kept" / "inventory" / "endpoints.csv", net.path("inventory"))


def test_a_capacity_that_is_not_there(net: Net) -> None:
    net.edit("intents/tenants.yaml", "quota: 3 Gbit/s", "quota: 300 Gbit/s")
    net.edit("intents/enterprise.yaml", "bandwidth: 200 Mbit/s", "bandwidth: 40 Gbit/s")
    found = findings(net.json("plan", code=1))
    assert any("customer-b" in item["address"] or "ent-b1" in item["address"] for item in found), found
    assert all(item["file"] == "intents/enterprise.yaml" and item["line"] and item["hint"] for item in found)


@pytest.mark.parametrize("verb", ["validate", "compile", "plan", "apply --yes", "lab up --kind memory"])
def test_folders_that_are_no_network(tmp_path: Path, verb: str) -> None:
    """Empty, absent, a file: said with a hint, and nothing is made there, not even a store."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("empty", "absent", "file"):
        result = sdnctl("-n", tmp_path / name, "--format", "json", *verb.split())
        assert result.code == 1, result.err
        found = findings(result.document)
        assert found
        assert all(item["hint"] for item in found)
    assert list((tmp_path / "empty").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]


def test_stores_that_are_no_store(net: Net, tmp_path: Path) -> None:
    """Garbage, a damaged page, a folder, a URL of nothing known: explained, and no traceback."""
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"garbage" * 1000)
    damaged = tmp_path / "damaged.db"
    content = bytearray(net.path(".sdnctl/store.db").read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    damaged.write_bytes(content)
    urls = [f"sqlite:///{garbage}", f"sqlite:///{damaged}", f"sqlite:///{tmp_path}", "nonsense://x", "nonsense"]
    for url in urls:
        for verb in ("history", "plan", "apply --yes"):
            result = sdnctl("-n", net.folder, "--store", url, "--format", "json", *verb.split())
            assert result.code == 1, (url, verb, result.err)
            found = findings(result.document)[0]
            assert found["code"].startswith("st"), found
            assert found["hint"]
    secret = sdnctl("-n", net.folder, "--store", "nonsense://ann:secret@host/db", "history")
    assert "secret" not in secret.err
    assert "host/db" in secret.err
