"""Probes on real wires: the scheme of docs/pipeline.md, programmed by hand, carries frames untouched."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from lab_ring import HOST, HOST_2, Ring, Shot, endpoints, frame, ofctl, ring, shots

from sdnctl.errors import DeviceError
from sdnctl.lab import Arrival, down, up
from sdnctl.lab.ovslab import OvsLab
from sdnctl.topology.graph import PortRef
from sdnctl.verify.probes import MAGIC

pytestmark = pytest.mark.ovs
REPAIRED = 0.15  # seconds after which every switch has seen a port change
A, B, ALONE = PortRef("s1", HOST), PortRef("s4", HOST), PortRef("s1", HOST_2)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OvsLab]:
    folder = tmp_path_factory.mktemp("wire")
    lab = up(folder, ring(6), endpoints(A, B, ALONE, PortRef("s2", HOST)), kind="ovs")
    try:
        assert isinstance(lab, OvsLab)
        program(lab)
        yield lab
    finally:
        down(folder)


def program(lab: OvsLab) -> None:
    """A protected line between s1 and s4."""
    rules = Ring(6)
    rules.line(1, 1, 4, True)
    rules.line(2, 4, 1, False)
    rules.install(lab)


@pytest.fixture
def lab(running: OvsLab) -> Iterator[OvsLab]:
    yield running
    running.heal(running.down_links)


def exchange(lab: OvsLab, probes: list[Shot]) -> dict[str, list[tuple[PortRef, bytes]]]:
    with lab.prober() as prober:
        return dict(prober.exchange(probes, 0.2))


def other(port: PortRef) -> PortRef:
    return B if port == A else A


def test_frames_arrive_untouched_whatever_is_cut(lab: OvsLab) -> None:
    """64 and 1,500 octets behind none, one and two tags, both ways; whole, and round each cut link."""
    probes = shots((A, B))
    for cut in ((), ("L1",), ("L2",), ("L3",)):
        lab.cut(cut)
        time.sleep(REPAIRED)
        found = exchange(lab, probes)
        lab.heal(cut)
        for probe in probes:
            assert found[probe.id] == [(other(probe.port), probe.frame)], f"{probe.id}, cut: {cut}"


def test_provider_tag_keeps_its_type(lab: OvsLab) -> None:
    """802.1ad: the kernel takes an outer 0x88a8 tag out of the frame too, and it is put back as such."""
    plain = frame(200, (100,), MAGIC + b"8021ad..")
    tagged = plain[:12] + bytes.fromhex("88a8c00a") + plain[12:]
    assert exchange(lab, [Shot("qinq", A, tagged)]) == {"qinq": [(B, tagged)]}


def test_negative_probes_arrive_nowhere(lab: OvsLab) -> None:
    """A port without a service, and label traffic that a customer forges (here: the line's own labels)."""
    token = MAGIC + b"forged.."
    labels = bytes.fromhex("003e8040") + bytes.fromhex("30d41140")
    forged = Shot("forged", ALONE, frame(0)[:12] + b"\x88\x47" + labels + frame(64, (), token))
    found = exchange(lab, [*shots((ALONE,)), forged])
    assert len(found) == 7
    assert not any(found.values())


def test_labels_of_a_customer_go_nowhere_else(lab: OvsLab) -> None:
    """Open vSwitch 3.1 cannot put a frame that is itself MPLS below a label: it drops it, and never leaks it."""
    token = MAGIC + b"payload."
    inner = frame(0)[:12] + b"\x88\x47" + bytes.fromhex("003e8140") + frame(64, (), token)
    assert exchange(lab, [Shot("mpls", A, inner)]) == {"mpls": []}
    assert lab.circling(0.2) == 0


def test_frames_of_others_are_ignored(lab: OvsLab) -> None:
    """A second prober at work does not confuse the first; what it sends is heard by both wires, probes by one."""
    mine, theirs = shots((A,))[:3], shots((B,))[:3]
    with lab.prober() as first, lab.prober() as second:
        second.exchange(theirs, 0.05)
        assert {name: len(found) for name, found in first.exchange(mine, 0.1).items()} == {p.id: 1 for p in mine}


def test_the_wire_hears_arrivals_and_not_itself(lab: OvsLab) -> None:
    wire = lab.wire()
    try:
        data = frame(300, (7, 8), b"plain frame")
        wire.send(A, data)
        heard: list[Arrival] = []
        while not heard:
            heard += wire.receive(1.0)
        heard += wire.receive(0.1)
        assert [(arrival.port, arrival.frame) for arrival in heard] == [(B, data)]
        with pytest.raises(DeviceError, match="no host"):
            wire.send(PortRef("s3", HOST), data)
        with pytest.raises(DeviceError, match="octets not sent"):
            wire.send(A, bytes(5000))
    finally:
        wire.close()


def test_a_host_that_is_cut_off_hears_nothing_and_breaks_nothing(lab: OvsLab) -> None:
    lab.kill_switch("s4")
    try:
        found = exchange(lab, shots((A, B)))
        assert not any(found.values())
    finally:
        lab.revive("s4")
    time.sleep(REPAIRED)
    assert all(len(came) == 1 for came in exchange(lab, shots((A, B))).values())


def test_thousands_of_probes_at_once(lab: OvsLab) -> None:
    """2,000 different frames in one call: none is lost to a queue, none is taken for another."""
    probes = [Shot(f"p{n}", (A, B)[n % 2], frame(1000, (), MAGIC + n.to_bytes(8))) for n in range(2000)]
    found = exchange(lab, probes)
    wrong = [probe.id for probe in probes if found[probe.id] != [(other(probe.port), probe.frame)]]
    assert wrong == []


def test_circling_packets_are_seen(lab: OvsLab) -> None:
    """The measure of the tests that nothing circles: one packet that does is counted thousands of times."""
    assert lab.circling(0.2) == 0
    for node in sorted(lab.targets()):
        rule = "table=0,priority=900,eth_type=0x8847,actions=load:0xffff->NXM_OF_IN_PORT[],output:1"
        ofctl(lab.targets()[node]["openflow"], "add-flow", rule)
    start = f"table=0,priority=900,in_port={HOST},actions=push_mpls:0x8847,set_field:999->mpls_label,output:1"
    ofctl(lab.targets()["s1"]["openflow"], "add-flow", start)
    try:
        assert not any(exchange(lab, shots((A,))[:1]).values())
        assert lab.circling(0.3) > 100
    finally:
        program(lab)  # ends it
    assert lab.circling(0.2) == 0
