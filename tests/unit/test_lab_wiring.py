"""Names that Linux accepts, wiring faults all at once, and a record that survives a round trip."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab_ring import endpoints, ring

from sdnctl.errors import InputError
from sdnctl.intents.demand import Endpoint
from sdnctl.lab import record as records
from sdnctl.lab.record import Record
from sdnctl.lab.wiring import NAME_MAX, slug, wire
from sdnctl.topology.graph import Link, Node, PortRef, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets


def link(name: str, a: PortRef, b: PortRef) -> Link:
    return Link(name, a, b, Length(1), Delay(1), Bitrate(1), Octets(1600))


@given(st.lists(st.text(min_size=1, max_size=40), min_size=2, max_size=12, unique=True), st.integers(1, 65279))
def test_interface_names_are_valid_and_distinct(ids: list[str], number: int) -> None:
    """Any ids, also long, Cyrillic or differing in case only, give distinct names of at most 15 characters."""
    nodes = {name: Node(name, index + 1, "") for index, name in enumerate(ids)}
    ports = [PortRef(name, port) for name in ids for port in {number, number % 7 + 1}]
    wiring = wire(Topology(nodes, {}), {str(port): Endpoint(str(port), "", port, "") for port in ports})
    names = [*wiring.bridges.values(), *wiring.interfaces.values()]
    assert len(set(names)) == len(names) == len(ids) + len(ports)
    for name in names:
        assert re.fullmatch(r"[a-z][a-z0-9.-]*", name), name
        assert len(name) <= NAME_MAX


def test_names_are_readable_where_they_fit() -> None:
    wiring = wire(ring(3), {})
    assert wiring.bridges["s1"] == "s1"
    assert wiring.interfaces[PortRef("s1", 1)] == "s1.1"
    assert slug("pop-gare", 11) == "pop-gare"
    assert slug("lo", 11) != "lo"
    assert slug("POP-GARE", 11) != slug("pop-gare", 11)


def test_all_wiring_faults_at_once() -> None:
    nodes = {name: Node(name, index, "") for index, name in enumerate("abc", start=1)}
    links = {
        "L1": link("L1", PortRef("a", 1), PortRef("b", 1)),
        "L2": link("L2", PortRef("a", 1), PortRef("c", 70_000)),
        "L3": replace(link("L3", PortRef("b", 3), PortRef("c", 3)), mtu=Octets(70_000)),
    }
    points = endpoints(PortRef("b", 1), PortRef("zz", 4))
    with pytest.raises(InputError) as caught:
        wire(Topology(nodes, links), points)
    found = sorted((item.code, item.address) for item in caught.value.diagnostics)
    assert found == [
        ("lab-mtu", "link L3"),
        ("lab-no-such-switch", "endpoint e-zz-4"),
        ("lab-port-number", "switch c"),
        ("lab-port-twice", "endpoint e-b-1"),
        ("lab-port-twice", "link L2"),
    ]


@pytest.fixture
def record() -> Record:
    wiring = wire(ring(4, parallel=True), endpoints(PortRef("s1", 10), PortRef("s3", 10)))
    return Record("0123abcd", "démo", "ovs", "up", "/run/x", "ns", "ns-hosts", wiring, "why", frozenset({"L1"}))


def test_record_survives_saving(tmp_path: Path, record: Record) -> None:
    records.save(tmp_path, record)
    assert records.load(tmp_path) == record
    records.remove(tmp_path)
    assert records.load(tmp_path) is None
    assert list((tmp_path / ".sdnctl").iterdir()) == []


def test_what_is_down(record: Record) -> None:
    assert record.down_links == {"L1"}
    assert record.down_ports == {PortRef("s1", 1), PortRef("s2", 2)}
    dead = Record(**{**_fields(record), "cut": frozenset({"L4"}), "dead": frozenset({"s2"})})
    assert dead.down_links == {"L1", "L2", "P2", "L4"}
    assert PortRef("s2", 3) in dead.down_ports
    assert PortRef("s3", 3) not in dead.down_ports  # its far end is dark, not shut


def _fields(record: Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "kind": "x"}', "\xff"])
def test_damaged_record_is_a_diagnostic(tmp_path: Path, record: Record, damage: str) -> None:
    records.save(tmp_path, record)
    records.record_path(tmp_path).write_bytes(damage.encode("latin-1"))
    with pytest.raises(InputError, match="not a lab record") as caught:
        records.load(tmp_path)
    assert "lab down" in caught.value.diagnostics[0].hint


def test_record_with_a_field_of_the_wrong_kind(tmp_path: Path, record: Record) -> None:
    records.save(tmp_path, record)
    path = records.record_path(tmp_path)
    for key in json.loads(path.read_text()):
        records.save(tmp_path, record)
        data = json.loads(path.read_text())
        del data[key]
        path.write_text(json.dumps(data))
        with pytest.raises(InputError):
            records.load(tmp_path)
