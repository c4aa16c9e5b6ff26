"""Compiled rules on a real Open vSwitch: frames of random networks, hop by hop, with and without a failed link."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import pytest
from compile_networks import Sample, random_network, samples
from dummy_ovs import DummyOvs

from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import PortRef

pytestmark = pytest.mark.ovs

MOST_VISITS = 20


def ports_of(net: Network) -> list[int]:
    found = {port.port for link in net.topology.links.values() for port in (link.a, link.b)}
    found |= {end.attachment.port for end in net.endpoints.values()}
    return sorted(found)


def set_ports(ovs: DummyOvs, ports: Collection[int], state: str) -> None:
    """Take ports down or up, and wait until the switch has noticed: groups watch what it noticed."""
    for port in ports:
        ovs.appctl("netdev-dummy/set-admin-state", f"p{port}", state)
    deadline = time.monotonic() + 5
    while ports:
        told = ovs.ofctl("dump-ports-desc").stdout
        states = dict(re.findall(r"^ (\d+)\(.*\n.*\n +state: +(.*)$", told, re.MULTILINE))
        if all(("LINK_DOWN" in states[str(port)]) == (state == "down") for port in ports):
            return
        assert time.monotonic() < deadline, told
        time.sleep(0.01)


def walk(
    ovs: DummyOvs, compiled: Compiled, wanted: list[Sample], dead: Collection[str] = ()
) -> dict[int, list[tuple[PortRef, bytes]]]:
    """Send every sample through the network; the one bridge plays the switches in turn. Sample → deliveries."""
    topology = compiled.topology
    wires = {}
    for link in topology.links.values():
        wires[link.a], wires[link.b] = link.b, link.a
    cut = {port for key in dead for port in (topology.links[key].a, topology.links[key].b)}
    waiting: dict[str, list[tuple[int, bytes, int]]] = defaultdict(list)
    for number, sample in enumerate(wanted):
        start = sample.demand.ingress.attachment
        waiting[start.node].append((start.port, sample.frame, number))
    delivered: dict[int, list[tuple[PortRef, bytes]]] = defaultdict(list)
    for _ in range(MOST_VISITS * len(topology.nodes)):
        if not any(waiting.values()):
            return delivered
        node = max(sorted(waiting), key=lambda name: len(waiting[name]))
        here, waiting[node] = waiting[node], []
        ovs.load(compiled.rules[node])
        down = [port.port for port in cut if port.node == node]
        set_ports(ovs, down, "down")
        for port, frame, number in here:
            for out, sent in ovs.send(port, frame):
                at = PortRef(node, out)
                if at not in wires:
                    delivered[number].append((at, sent))
                elif at not in cut:
                    waiting[wires[at].node].append((wires[at].port, sent, number))
        set_ports(ovs, down, "up")
    raise AssertionError(f"frames still on their way: {waiting}")


@pytest.mark.parametrize("seed", [3, 8])
def test_compiled_rules_do_on_open_vswitch_what_the_intents_say(seed: int, tmp_path: Path) -> None:
    net = random_network(seed)
    compiled = compile_network(net)
    protected = [item for item in net.demands if item.grade is not Grade.NONE]
    busiest = max(
        sorted(net.topology.links), key=lambda key: sum(key in trunk.path.links for trunk in compiled.trunks)
    )
    with DummyOvs(tmp_path, ports_of(net), vlan_limit=2) as ovs:
        for demands, dead in ((net.demands, ()), (protected, (busiest,))):
            wanted = [sample for item in demands for sample in samples(item)]
            assert wanted
            found = walk(ovs, compiled, wanted, dead)
            for number, sample in enumerate(wanted):
                assert found[number] == [(sample.demand.egress.attachment, sample.expected)], (
                    f"{sample.demand.id} with {dead or 'nothing'} down"
                )
