"""Compile and V1 over the number of demands, against a bare Dijkstra per pair of switches (networkx)."""

from __future__ import annotations

import random
import time

import networkx as nx
from rich.console import Console

from sdnctl.compiler.ir import Network, Settings, Tenant
from sdnctl.compiler.pipeline import compile_network
from sdnctl.intents.demand import Demand, Endpoint, Grade, Service, ServiceClass
from sdnctl.topology.graph import Link, Node, PortRef, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets
from sdnctl.verify.v1 import verify_compiled


def network(size: int, lines: int) -> Network:
    """A ring of `size` switches with chords, and `lines` protected lines between random switches (seeded)."""
    rng = random.Random(size)
    names = [f"s{index}" for index in range(size)]
    pairs = [(names[index], names[(index + 1) % size]) for index in range(size)]
    pairs += [(names[index], names[(index + size // 2) % size]) for index in range(0, size // 2, 3)]
    ports: dict[str, int] = dict.fromkeys(names, 0)
    links = {}
    for number, (a, b) in enumerate(pairs):
        ports[a] += 1
        ports[b] += 1
        ends = PortRef(a, ports[a]), PortRef(b, ports[b])
        links[f"l{number}"] = Link(
            f"l{number}", *ends, Length(5e3), Delay(20 + number / 1000), Bitrate(10**11), Octets(1600)
        )
    topology = Topology({name: Node(name, index + 1, name) for index, name in enumerate(names)}, links)
    demands, endpoints = [], {}
    for number in range(lines):
        ends = []
        for side, node in zip("ab", rng.sample(names, 2), strict=True):
            ports[node] += 1
            ends.append(Endpoint(f"e{number}{side}", node, PortRef(node, 1000 + ports[node]), "gear"))
        endpoints.update({end.id: end for end in ends})
        for one, other in (ends, ends[::-1]):
            demands.append(
                Demand(
                    f"line{number}/{one.id}>{other.id}",
                    f"line{number}",
                    "city",
                    Service.LINE,
                    "business",
                    one,
                    other,
                    Bitrate(10**7),
                    Bitrate(0),
                    Grade.LOCAL,
                    reverse=f"line{number}/{other.id}>{one.id}",
                )
            )
    classes = {"business": ServiceClass("business", 0, 2, 2, 26)}
    return Network(Settings("bench"), topology, endpoints, classes, {"city": Tenant("city")}, tuple(demands))


def run(console: Console) -> None:
    """Seconds of compile, of V1 under every failure, and of the reference, for growing networks."""
    for size, lines in ((10, 20), (20, 80), (40, 200), (80, 400)):
        net = network(size, lines)
        start = time.perf_counter()
        compiled = compile_network(net)
        made = time.perf_counter() - start
        start = time.perf_counter()
        report = verify_compiled(compiled)
        proven = time.perf_counter() - start
        assert report.ok
        graph = net.topology.to_networkx()
        start = time.perf_counter()
        for demand in net.demands:
            ends = demand.ingress.attachment.node, demand.egress.attachment.node
            nx.dijkstra_path(graph, *ends, weight="delay")
        bare = time.perf_counter() - start
        rules = sum(len(held) for held in compiled.rules.values())
        console.print(
            f"{size:3} switches, {len(net.demands):4} demands, {rules:6} rules: compile {made:6.3f} s "
            f"({made / bare:5.1f}× one Dijkstra per demand), V1 {proven:6.3f} s, "
            f"{report.checked.failures} failures"
        )
