"""Small networks with services, and customer frames, for the tests of label, lower, compile and plan."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network

from paths_networks import CLASSES, Edge, topology

from sdnctl.compiler.ir import Compiled, Network, Settings, Tenant
from sdnctl.dataplane.fabric import Fabric
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, Endpoint, Grade, Prefix, Service
from sdnctl.topology.graph import PortRef, Topology
from sdnctl.units import Bitrate, Octets

FIRST_EDGE_PORT = 100
MOVED_PORTS = range(500, 520)


def endpoint(
    name: str, node: str, port: int, vlan: int | None = None, prefixes: Iterable[str] = (), mac: int | None = None
) -> Endpoint:
    nets: tuple[Prefix, ...] = tuple(ip_network(text) for text in prefixes)
    return Endpoint(name, f"site-{node}", PortRef(node, port), "gear", vlan, nets, mac)


def demand(
    application: str,
    ingress: Endpoint,
    egress: Endpoint,
    service: Service,
    grade: Grade = Grade.LOCAL,
    service_class: str = "video",
    cir: int = 1_000_000,
    eir: int = 0,
) -> Demand:
    return Demand(
        f"{application}/{ingress.id}>{egress.id}",
        application,
        "city",
        service,
        service_class,
        ingress,
        egress,
        Bitrate(cir),
        Bitrate(eir),
        grade,
        reverse=f"{application}/{egress.id}>{ingress.id}",
        mtu=Octets(1500),
    )


def both_ways(
    application: str, one: Endpoint, other: Endpoint, service: Service, grade: Grade = Grade.LOCAL, **more: object
) -> list[Demand]:
    return [
        demand(application, one, other, service, grade, **more),  # type: ignore[arg-type]
        demand(application, other, one, service, grade, **more),  # type: ignore[arg-type]
    ]


def network(topo: Topology, demands: Iterable[Demand], settings: Settings | None = None) -> Network:
    demands = tuple(demands)
    endpoints = {end.id: end for item in demands for end in (item.ingress, item.egress)}
    return Network(settings or Settings("test"), topo, endpoints, CLASSES, {"city": Tenant("city")}, demands)


# ── random networks ──────────────────────────────────────────────────────────────────────────────


def random_edges(rng: random.Random, size: int) -> list[Edge]:
    """A ring with chords and sometimes a parallel link; delays such that no two paths are equally long."""
    names = [f"s{index}" for index in range(size)]
    pairs = [(names[index], names[(index + 1) % size]) for index in range(size)]
    for _ in range(rng.randint(0, 3)):
        a, b = rng.sample(names, 2)
        pairs.append((a, b))
    delays = [1.0 + 2.0**-index for index in range(len(pairs))]
    rng.shuffle(delays)
    return [(a, b, delay) for (a, b), delay in zip(pairs, delays, strict=True)]


def random_demands(rng: random.Random, topo: Topology, applications: int = 3) -> list[Demand]:
    """Lines, trees, meshes between random ports, tagged and untagged, single and dual stack, some on one switch.

    Every other mesh is two groups of one application, which may not meet.
    """
    nodes = sorted(topo.nodes)
    ports = iter(range(FIRST_EDGE_PORT, FIRST_EDGE_PORT + 200))
    found: list[Demand] = []
    for index in range(applications):
        grade = rng.choice([Grade.NONE, Grade.LOCAL, Grade.LOCAL, Grade.NODE])
        service_class = rng.choice(sorted(CLASSES))
        if rng.random() < 0.4:
            vlans = (rng.randint(1, 4094), rng.randint(1, 4094)) if rng.random() < 0.5 else (None, None)
            ends = [
                endpoint(f"line{index}-{side}", rng.choice(nodes), next(ports), vlan)
                for side, vlan in zip("ab", vlans, strict=True)
            ]
            found += both_ways(f"line{index}", *ends, Service.LINE, grade, service_class=service_class)
            continue
        if rng.random() < 0.5:
            for group in range(rng.randint(1, 2)):
                members = [
                    _tree_end(
                        rng,
                        f"member{index}-{group}-{number}",
                        rng.choice(nodes),
                        next(ports),
                        index,
                        8 * group + number,
                    )
                    for number in range(rng.randint(2, 3))
                ]
                for one, other in itertools.combinations(members, 2):
                    found += both_ways(
                        f"mesh{index}", one, other, Service.MESH, grade, service_class=service_class
                    )
            continue
        root = _tree_end(rng, f"root{index}", rng.choice(nodes), next(ports), index, 0)
        for leaf in range(1, rng.randint(2, 4)):
            end = _tree_end(rng, f"leaf{index}-{leaf}", rng.choice(nodes), next(ports), index, leaf)
            found += both_ways(f"tree{index}", root, end, Service.TREE, grade, service_class=service_class)
    return found


def _tree_end(rng: random.Random, name: str, node: str, port: int, app: int, number: int) -> Endpoint:
    prefixes = [f"10.{app}.{number}.0/28"]
    if rng.random() < 0.5 or number == 0:
        prefixes.append(f"2001:db8:{app:x}:{number:x}::/64")
    mac = 0x020000000000 + app * 256 + number if rng.random() < 0.5 else None
    vlan = rng.choice([None, rng.randint(1, 4094)])
    return endpoint(name, node, port, vlan, prefixes, mac)


def random_network(seed: int, size: int = 5, applications: int = 3) -> Network:
    rng = random.Random(seed)
    topo = topology(random_edges(rng, size))
    return network(topo, random_demands(rng, topo, applications))


def edited(base: Network, rng: random.Random) -> Network:
    """The network after a random edit of its topology, of its demands, or of both."""
    topo, demands = base.topology, list(base.demands)
    kinds = rng.sample(["link", "delays", "grade", "remove", "add", "rate", "move"], rng.randint(1, 3))
    if "link" in kinds:  # a chord goes: the ring stays whole
        chords = sorted(topo.links)[len(topo.nodes) :]
        if chords:
            topo = topo.without(links=[rng.choice(chords)])
    if "delays" in kinds:  # makes other paths the shortest, for what is placed anew
        keys = sorted(topo.links)
        values = [topo.links[key].delay for key in keys]
        rng.shuffle(values)
        topo = replace(
            topo,
            links={key: replace(topo.links[key], delay=value) for key, value in zip(keys, values, strict=True)},
        )
    applications = sorted({item.application for item in demands})
    chosen = rng.choice(applications)
    if "grade" in kinds:
        grade = rng.choice(list(Grade)[:3])
        demands = [replace(item, grade=grade) if item.application == chosen else item for item in demands]
    if "rate" in kinds:
        demands = [
            replace(item, cir=Bitrate(2_000_000)) if item.application == chosen else item for item in demands
        ]
    if "remove" in kinds:
        gone = rng.choice(applications)
        demands = [item for item in demands if item.application != gone]
    if "add" in kinds:
        demands = [item for item in demands if item.application != "added"]
        end = [
            endpoint(f"new-{side}", rng.choice(sorted(topo.nodes)), 400 + index) for index, side in enumerate("ab")
        ]
        demands += both_ways("added", end[0], end[1], Service.LINE, rng.choice([Grade.NONE, Grade.LOCAL]))
    if "move" in kinds and demands:
        moved = rng.choice(sorted({item.ingress.id for item in demands}))
        used = {item.ingress.attachment.port for item in demands}
        port = PortRef(rng.choice(sorted(topo.nodes)), next(port for port in MOVED_PORTS if port not in used))
        demands = [
            replace(
                item,
                ingress=replace(item.ingress, attachment=port) if item.ingress.id == moved else item.ingress,
                egress=replace(item.egress, attachment=port) if item.egress.id == moved else item.egress,
            )
            for item in demands
        ]
    return network(topo, demands, base.settings)


# ── frames ───────────────────────────────────────────────────────────────────────────────────────

HOST, PEER = 0x02AA00000001, 0x02BB00000001


def ethernet(tags: Sequence[int], ethertype: int, payload: bytes, source: int = HOST, target: int = PEER) -> bytes:
    head = target.to_bytes(6, "big") + source.to_bytes(6, "big")
    for tag in tags:
        head += (0x8100).to_bytes(2, "big") + tag.to_bytes(2, "big")
    return head + ethertype.to_bytes(2, "big") + payload


def ipv4(source: IPv4Address, target: IPv4Address) -> bytes:
    return bytes((0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0)) + source.packed + target.packed + bytes(8)


def arp(source: IPv4Address, target: IPv4Address) -> bytes:
    sender = HOST.to_bytes(6, "big") + source.packed
    return bytes((0, 1, 8, 0, 6, 4, 0, 1)) + sender + bytes(6) + target.packed


def ipv6(source: IPv6Address, target: IPv6Address, proto: int = 17, payload: bytes = bytes(8)) -> bytes:
    return (
        b"\x60\0\0\0"
        + len(payload).to_bytes(2, "big")
        + bytes((proto, 255))
        + source.packed
        + target.packed
        + payload
    )


def solicitation(source: IPv6Address, target: IPv6Address) -> bytes:
    group = IPv6Address(int(IPv6Address("ff02::1:ff00:0")) | int(target) & 0xFFFFFF)
    return ipv6(source, group, 58, bytes((135, 0, 0, 0, 0, 0, 0, 0)) + target.packed)


@dataclass(frozen=True)
class Sample:
    """A customer frame of a demand, and what must come out at the other end."""

    demand: Demand
    frame: bytes
    expected: bytes


def samples(item: Demand) -> Iterator[Sample]:
    """Frames of a demand: every protocol of a tree; for a line anything, also tagged twice."""
    come = [] if item.ingress.vlan is None else [item.ingress.vlan]
    leave = [] if item.egress.vlan is None else [item.egress.vlan]
    if item.service is Service.LINE:
        for inner, ethertype, payload in (
            ([], 0x88CC, b"lldp"),
            ([7, 8], 0x0800, bytes(40)),
            ([], 0x8863, bytes(30)),
        ):
            yield Sample(
                item, ethernet(come + inner, ethertype, payload), ethernet(leave + inner, ethertype, payload)
            )
        return
    mac = HOST if item.ingress.mac is None else item.ingress.mac
    for ethertype, payload in _tree_payloads(item.ingress.prefixes, item.egress.prefixes):
        yield Sample(item, ethernet(come, ethertype, payload, mac), ethernet(leave, ethertype, payload, mac))


def _tree_payloads(sources: Iterable[Prefix], targets: Sequence[Prefix]) -> Iterator[tuple[int, bytes]]:
    for source in sources:
        for target in targets:
            if isinstance(source, IPv4Network) and isinstance(target, IPv4Network):
                yield 0x0800, ipv4(source[1], target[2])
                yield 0x0806, arp(source[1], target[2])
            elif not isinstance(source, IPv4Network) and not isinstance(target, IPv4Network):
                yield 0x86DD, ipv6(source[1], target[2])
                yield 0x86DD, solicitation(source[1], target[2])


def fabric(rules: Mapping[str, RuleSet], *topologies: Topology) -> Fabric:
    """The switches of these topologies with these rules, all links of all of them wired."""
    wires = {
        (link.a.node, link.a.port): (link.b.node, link.b.port)
        for topo in topologies
        for link in topo.links.values()
    }
    edges = [
        (node, port)
        for topo in topologies
        for node in topo.nodes
        for port in (*range(50, 70), *range(FIRST_EDGE_PORT, FIRST_EDGE_PORT + 30), 400, 401, *MOVED_PORTS)
    ]
    return Fabric(rules, wires, edge_ports=edges)


def check_delivery(built: Fabric, demands: Iterable[Demand], *, quick: bool = False) -> None:
    """Every sample of every demand comes out exactly once, at its egress port, with the egress tag.

    `quick` sends one frame per demand only: paths are the same for all of them.
    """
    for item in demands:
        for sample in itertools.islice(samples(item), 1 if quick else None):
            outcome = built.inject(item.ingress.attachment.node, item.ingress.attachment.port, sample.frame)
            place = item.egress.attachment
            assert outcome.frames == [(place.node, place.port, sample.expected)], f"{item.id}\n{outcome}"


def down_ports(compiled: Compiled | Network, links: Iterable[str]) -> list[tuple[str, int]]:
    """Both ends of links, as the fabric names them."""
    found = (compiled.topology.links[key] for key in links)
    return [(port.node, port.port) for link in found for port in (link.a, link.b)]
