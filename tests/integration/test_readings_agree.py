"""Three readings of the same rules for more than 100 random demands: in memory, ofproto/trace, real packets.

Unprotected demands are followed switch by switch with ``ofproto/trace``; each switch is given the very octets
that the in-memory walk says arrive there. Trace ends where a decapsulated frame is parsed again, so egress
switches are asked with the packet itself, and the octets that come out are compared. Protected cases are asked
with real packets on real links, every link cut in turn, because trace cannot express inner labels.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from compile_networks import random_network
from dummy_ovs import DummyOvs
from network_in_lab import Running, running

from sdnctl.compiler.ir import Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.fabric import Fabric
from sdnctl.intents.demand import Grade
from sdnctl.verify.probes import Probe, judge, probes

pytestmark = pytest.mark.ovs

WANTED = 100
MPLS = b"\x88\x47"


def networks(grade: Grade | None) -> Iterator[Network]:
    """Random networks until they hold more than `WANTED` demands; `grade` replaces the grade of each."""
    count = 0
    for seed in range(1000, 1100):
        network = random_network(seed, size=6, applications=5)
        if grade is not None:
            network = replace(network, demands=tuple(replace(one, grade=grade) for one in network.demands))
        yield network
        count += len(network.demands)
        if count >= WANTED:
            return
    raise AssertionError("too few demands")


def all_ports(network: Network, node: str) -> set[int]:
    edge = {one.attachment.port for one in network.endpoints.values() if one.attachment.node == node}
    return edge | {link.port_at(node) for link in network.topology.links.values() if node in link.nodes}


def fabric_of(network: Network, rules: object) -> Fabric:
    wires = {
        (a.node, a.port): (b.node, b.port) for a, b in ((one.a, one.b) for one in network.topology.links.values())
    }
    edges = [(one.attachment.node, one.attachment.port) for one in network.endpoints.values()]
    return Fabric(rules, wires, edge_ports=edges)  # type: ignore[arg-type]


def test_trace_agrees_with_the_in_memory_switch_on_unprotected_demands(tmp_path: Path) -> None:
    traced = sent_through = demands = 0
    chosen = list(networks(Grade.NONE))
    ports = sorted(
        {port for network in chosen for node in network.topology.nodes for port in all_ports(network, node)}
    )
    with DummyOvs(tmp_path, ports) as bridge:
        for port in ports:
            bridge.vsctl("set", "interface", f"p{port}", "mtu_request=1600")
        for network in chosen:
            compiled = compile_network(network)
            memory = fabric_of(network, compiled.rules)
            visits: dict[str, list[tuple[int, bytes, list[tuple[int, bytes]]]]] = {
                node: [] for node in network.topology.nodes
            }
            for probe in probes(compiled.demands):
                outcome = memory.inject(probe.port.node, probe.port.port, probe.frame)
                assert [(end.node, end.port, frame) for end, frame in probe.expected] == outcome.frames
                frame = probe.frame
                for hop in outcome.hops:
                    sent = [(item.port, bytes(item.packet)) for item in hop.result.sent]
                    visits[hop.node].append((hop.port, frame, sent))
                    frame = sent[0][1] if sent else b""
            for node, asked in visits.items():
                bridge.load(compiled.rules[node])
                for port, frame, expected in asked[:: max(1, len(asked) // 12)]:
                    labelled = frame[12:14] == MPLS and not any(out[12:14] == MPLS for _, out in expected)
                    if labelled and expected:
                        assert bridge.send(port, frame) == expected, f"{node} port {port}: {frame.hex()}"
                        sent_through += 1
                    else:
                        said = bridge.trace(port, frame)
                        assert said == sorted(out for out, _ in expected), f"{node} port {port}: {frame.hex()}"
                        traced += 1
            demands += len(compiled.demands)
    assert demands >= WANTED
    assert traced >= 2 * WANTED
    assert sent_through >= WANTED // 2


def test_real_packets_agree_with_the_in_memory_switch_under_every_cut(tmp_path: Path) -> None:
    demands = protected = 0
    for number, network in enumerate(networks(None)):
        with running(tmp_path / str(number), network) as one:
            demands += len(network.demands)
            protected += sum(demand.grade is not Grade.NONE for demand in network.demands)
            for link in ("", *sorted(network.topology.links)):
                compare(one, link)
    assert demands >= WANTED
    assert protected >= WANTED // 3


def compare(one: Running, link: str) -> None:
    """Both readings of every probe with one link cut; what the grade covers must also be right."""
    asked = [probe for probe in one.probes() if probe.positive or not link]
    memory = one.fabric()
    if link:
        one.lab.cut([link])
        memory.fail([(end.node, end.port) for end in (one.network.topology.links[link].a,)])
        time.sleep(0.05)
    expected = {probe.id: frames(memory, probe) for probe in asked}
    with one.lab.prober() as prober:
        received = prober.exchange(asked, timeout=0.3)
    if link:
        one.lab.heal([link])
        time.sleep(0.05)
    for probe in asked:
        got = sorted((port.node, port.port, frame) for port, frame in received.get(probe.id, []))
        assert got == expected[probe.id], f"{probe.id} with {link or 'nothing'} cut"
    covered = {demand.id for demand in one.compiled.demands if not link or demand.grade is not Grade.NONE}
    report = judge([probe for probe in asked if probe.demand in covered], received)
    assert report.ok, report.faults[:3]


def frames(memory: Fabric, probe: Probe) -> list[tuple[str, int, bytes]]:
    return sorted(memory.inject(probe.port.node, probe.port.port, probe.frame).frames)
