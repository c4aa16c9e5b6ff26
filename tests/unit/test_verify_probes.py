"""V3: the frames are real, belong where they should, and are judged octet by octet."""

from __future__ import annotations

import json
import struct

import pytest
from verify_fabric import exchange, fabric_of
from verify_rules import CLASS, LEAF_A, ROOT, Hand, both_ways, endpoint, network

from sdnctl.dataplane.packet import Packet
from sdnctl.dataplane.values import ETH_ARP, ETH_IPV4, ETH_IPV6, ETH_VLAN
from sdnctl.intents.demand import Service
from sdnctl.topology.graph import PortRef
from sdnctl.verify import wire
from sdnctl.verify.frames import frames
from sdnctl.verify.probes import (
    MAGIC,
    Owned,
    Probe,
    attribute,
    judge,
    label_stacks,
    probes,
    token_of,
)
from sdnctl.verify.space import Cube

HAND = network()
SENT = probes(HAND.demands, label_stacks(HAND.rules))
BY_ID = {probe.id: probe for probe in SENT}


def of(demand: str, kind: str) -> Probe:
    return next(probe for probe in SENT if probe.demand == demand and probe.kind == kind)


def body(frame: bytes) -> tuple[int, bytes]:
    """Ethertype behind the tags, and what follows it."""
    at = 12
    while struct.unpack_from("!H", frame, at)[0] == ETH_VLAN:
        at += 4
    return struct.unpack_from("!H", frame, at)[0], frame[at + 2 :]


# ── the frames ───────────────────────────────────────────────────────────────────────────────────


def test_every_demand_has_its_kinds_of_frames() -> None:
    kinds = {
        demand: {p.kind for p in SENT if p.demand == demand and p.positive}
        for demand in ("cam/root>a", "port/x>y")
    }
    assert kinds["cam/root>a"] == {"udp", "full-size", "arp", "udp6", "full-size6", "solicitation"}
    assert kinds["port/x>y"] == {"least", "full-size", "double-tagged", "link-protocol"}


def test_ids_and_tokens_are_unique_and_the_same_every_time() -> None:
    assert len(BY_ID) == len(SENT)
    tokens = [token_of(probe.frame) for probe in SENT]
    assert None not in tokens
    assert len(set(tokens)) == len(SENT)
    assert probes(reversed(HAND.demands), label_stacks(HAND.rules)) == SENT


def test_sizes_are_the_least_and_the_largest() -> None:
    assert len(of("cam/root>c", "udp").frame) == 60
    assert len(of("cam/root>c", "full-size").frame) == 14 + 1500
    assert len(of("cam/a>root", "full-size").frame) == 18 + 1500
    assert len(of("cam/root>a", "full-size6").frame) == 14 + 1500
    assert len(of("port/x>y", "double-tagged").frame) == 22 + 1500
    assert len(of("vlan/u>v", "double-tagged").frame) == 22 + 1500
    assert min(len(probe.frame) for probe in SENT) >= 56


def checksum_of(data: bytes) -> int:
    """Ones' complement sum of 16-bit words, carried round: 0xFFFF where a checksum inside is right."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data + b"\0" * (len(data) % 2))) if len(data) % 2 == 0 else 0
    if len(data) % 2:
        total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0"))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("kind", ["udp", "full-size"])
def test_ipv4_and_udp_checksums(kind: str) -> None:
    ethertype, data = body(of("cam/a>root", kind).frame)
    assert ethertype == ETH_IPV4
    length = struct.unpack_from("!H", data, 2)[0]
    assert checksum_of(data[:20]) == 0xFFFF
    udp = data[20:length]
    assert checksum_of(data[12:20] + struct.pack("!BBH", 0, 17, len(udp)) + udp) == 0xFFFF
    assert data[12:16] == bytes([10, 0, 1, 254])
    assert data[16:20] == bytes([10, 0, 0, 254])


@pytest.mark.parametrize(("kind", "protocol"), [("udp6", 17), ("full-size6", 17), ("solicitation", 58)])
def test_ipv6_checksums(kind: str, protocol: int) -> None:
    ethertype, data = body(of("cam/a>root", kind).frame)
    assert ethertype == ETH_IPV6
    length = struct.unpack_from("!H", data, 4)[0]
    assert data[6] == protocol
    upper = data[40 : 40 + length]
    assert checksum_of(data[8:40] + struct.pack("!IxxxB", length, protocol) + upper) == 0xFFFF


def test_a_solicitation_goes_to_the_solicited_node() -> None:
    probe = of("cam/a>root", "solicitation")
    _, data = body(probe.frame)
    target = data[48:64]
    assert data[24:40] == bytes.fromhex("ff0200000000000000000001ff") + target[13:]
    assert probe.frame[:6] == b"\x33\x33" + data[36:40]
    assert data[40] == 135
    assert data[7] == 255


def test_an_arp_request_asks_for_the_other_end() -> None:
    probe = of("cam/a>root", "arp")
    ethertype, data = body(probe.frame)
    assert ethertype == ETH_ARP
    assert data[:8] == struct.pack("!HHBBH", 1, ETH_IPV4, 6, 4, 1)
    assert data[8:14] == (LEAF_A.mac or 0).to_bytes(6, "big") == probe.frame[6:12]
    assert (data[14:18], data[24:28]) == (bytes([10, 0, 1, 254]), bytes([10, 0, 0, 254]))


@pytest.mark.parametrize("kind", ["udp", "udp6", "arp", "solicitation"])
def test_headers_are_read_the_same_way_by_another_reader(kind: str) -> None:
    """`header_of` against the parser of the in-memory switch."""
    frame = of("cam/a>root", kind).frame
    fields = wire.header_of(frame)
    packet = Packet.parse(frame)
    assert bytes(packet) == frame
    assert fields["vlan_vid"] == 0x1000 | 100
    assert fields["eth_src"] == LEAF_A.mac


def test_labels_on_the_wire() -> None:
    assert wire.labels(1000, 200_000) == bytes.fromhex("003e8040") + bytes.fromhex("30d40140")


# ── what they are for ────────────────────────────────────────────────────────────────────────────


def is_owned(frame: bytes, cubes: tuple[Cube, ...]) -> bool:
    """Whether a frame is in one of these sets, one after the other."""
    fields = wire.header_of(frame)
    return any(
        all(name in fields and fields[name] & mask == value for name, (value, mask) in cube.items())
        for cube in cubes
    )


def test_positive_probes_belong_to_their_demand_and_negative_ones_to_nobody() -> None:
    owned = {demand.id: (demand.ingress.attachment, frames(demand)) for demand in HAND.demands}
    for probe in SENT:
        owners = {
            name for name, (port, cubes) in owned.items() if port == probe.port and is_owned(probe.frame, cubes)
        }
        assert owners == ({probe.demand} if probe.positive else set()), probe.id


def test_owned_frames_are_those_in_one_of_the_sets() -> None:
    owned = Owned(HAND.demands)
    ports = sorted({demand.ingress.attachment for demand in HAND.demands})
    cubes = {
        port: tuple(
            cube for demand in HAND.demands if demand.ingress.attachment == port for cube in frames(demand)
        )
        for port in ports
    }
    answers = {(port, probe.id): is_owned(probe.frame, cubes[port]) for port in ports for probe in SENT}
    assert answers == {(port, probe.id): owned.has(port, probe.frame) for port in ports for probe in SENT}
    assert set(answers.values()) == {True, False}


def test_a_limited_number_has_some_of_everything() -> None:
    forward = {demand.id: demand.id < demand.reverse for demand in HAND.demands}

    def kinds(sent: tuple[Probe, ...]) -> set[tuple[str, str, bool]]:
        return {(probe.application, probe.kind.split()[0], forward[probe.demand]) for probe in sent}

    few = probes(HAND.demands, label_stacks(HAND.rules), most=len(kinds(SENT)) + 5)
    assert len(few) == len(kinds(SENT)) + 5
    assert kinds(few) == kinds(SENT)
    assert set(few) <= set(SENT)
    assert few == probes(reversed(HAND.demands), label_stacks(HAND.rules), most=len(few))
    assert probes(HAND.demands, label_stacks(HAND.rules), most=len(SENT) + 1000) == SENT


def test_negative_probes_try_every_kind_of_abuse() -> None:
    kinds = {probe.kind.split()[0] for probe in SENT if not probe.positive}
    assert kinds == {
        "wrong-vlan",
        "untagged",
        "wrong-port",
        "wrong-source",
        "wrong-arp-source",
        "wrong-mac",
        "leaf-to-leaf",
        "forged-labels",
    }


def test_other_services_are_tried_where_there_are_any() -> None:
    hand = Hand()
    shops = both_ways(
        "shop", Service.TREE, endpoint("r2", "s4", 30, "10.1.0.0/24"), endpoint("l2", "s2", 30, "10.1.1.0/24")
    )
    cams = both_ways("cam", Service.TREE, ROOT, LEAF_A)
    for demand, nodes in zip((*cams, *shops), ("s1 s2 s3", "s3 s2 s1", "s4 s3 s2", "s2 s3 s4"), strict=True):
        hand.demand(demand, *nodes.split())
    assert "other-service" in {probe.kind for probe in probes(hand.demands)}


def test_forged_labels_are_stacks_that_the_switch_would_forward() -> None:
    stacks = label_stacks(HAND.rules)
    known = {flow.match.get("mpls_label") for flow in HAND.rules["s2"].flows.values()}
    assert all((stack[0], 0xFFFFF) in known for stack in stacks["s2"])
    assert len(stacks["s2"]) == 2


def test_a_whole_port_line_leaves_nothing_to_forge() -> None:
    port = HAND.demands[6].ingress.attachment
    assert HAND.demands[6].application == "port"
    assert not [probe for probe in SENT if probe.port == port and not probe.positive]


# ── judging ──────────────────────────────────────────────────────────────────────────────────────


def perfect() -> dict[str, list[tuple[PortRef, bytes]]]:
    return {probe.id: list(probe.expected) for probe in SENT}


def test_the_in_memory_network_passes() -> None:
    assert CLASS.name == "video"
    fabric = fabric_of(HAND.topology, HAND.demands, HAND.rules)
    came = [item for items in exchange(fabric, SENT).values() for item in items]
    report = judge(SENT, attribute(SENT, came))
    assert report.ok, report.diagnostics()
    cam = next(item for item in report.applications if item.application == "cam")
    assert cam.positive == cam.arrived == 4 * 3 + 2 * 6
    assert cam.leaked == 0
    assert cam.negative > 0


def test_loss_duplicates_alteration_and_leaks_are_told_apart() -> None:
    received = perfect()
    lost, twice, changed, stray, leaked = (
        of("cam/root>a", "udp"),
        of("cam/root>a", "arp"),
        of("cam/root>a", "udp6"),
        of("cam/root>b", "udp"),
        of("cam/a>root", "wrong-mac"),
    )
    del received[lost.id]
    received[twice.id] *= 2
    port, frame = changed.expected[0]
    received[changed.id] = [(port, frame[:20] + b"\xee" + frame[21:])]
    received[stray.id].append((PortRef("s3", 10), stray.frame))
    received[leaked.id] = [(PortRef("s1", 10), leaked.frame)]
    report = judge(SENT, received)
    assert {(item.code, item.probe) for item in report.faults} == {
        ("lost", lost.id),
        ("duplicate", twice.id),
        ("altered", changed.id),
        ("leak", stray.id),
        ("leak", leaked.id),
    }
    cam = report.applications[0]
    assert cam.positive - cam.arrived == 2
    assert cam.leaked == 1
    assert all(item.ok for item in report.applications[1:])
    assert {item.code for item in report.diagnostics()} == {"v3-lost", "v3-duplicate", "v3-altered", "v3-leak"}
    assert json.loads(json.dumps(report.to_json()))["ok"] is False


def test_a_short_frame_may_come_padded_but_not_with_anything_else() -> None:
    hand = Hand()
    pair = both_ways("v", Service.LINE, endpoint("u", "s1", 11, vlan=5), endpoint("v", "s2", 11, vlan=6))
    probe = Probe(
        "x", "v", pair[0].id, "least", PortRef("s1", 11), b"\x01" * 60, ((PortRef("s2", 11), b"\x01" * 56),)
    )
    port = PortRef("s2", 11)
    assert not hand.demands
    assert judge([probe], {"x": [(port, b"\x01" * 56 + bytes(4))]}).ok
    assert not judge([probe], {"x": [(port, b"\x01" * 60)]}).ok
    assert not judge([probe], {"x": [(port, b"\x01" * 56 + bytes(5))]}).ok


def test_nothing_sent_proves_nothing() -> None:
    assert not judge([], {}).ok


def test_frames_that_are_no_probe_are_left_out() -> None:
    probe = SENT[0]
    port = probe.port
    noise = [(port, b"\0" * 60), (port, MAGIC + b"unknown!"), (port, MAGIC), (port, probe.frame)]
    assert attribute(SENT, noise) == {probe.id: [(port, probe.frame)]}
