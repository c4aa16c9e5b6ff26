"""Networks for the benches: seeded, without files, from a handful of switches to more than the reference network.

The shape is a metropolitan operator's: a core ring, rings that land on two core switches, access rings that land
on two ring switches, and every link on a route of its own through segments, ducts, chambers and cables, some of
which it shares with its neighbours. The services are trees with two recorders, trees with one root, meshes and
lines.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from itertools import pairwise

from sdnctl.compiler.ir import Network, Settings, Tenant
from sdnctl.intents.demand import Demand, Endpoint, Grade, Service, ServiceClass
from sdnctl.topology.graph import Link, Node, PortRef, Srlg, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets

CLASSES = {
    name: ServiceClass(name, rank, traffic, queue, dscp, protected=rank < 4)
    for rank, (name, traffic, queue, dscp) in enumerate(
        (
            ("control", 7, 7, 48),
            ("scada", 6, 6, 46),
            ("signals", 5, 5, 40),
            ("video", 4, 4, 34),
            ("school", 3, 3, 26),
            ("business", 2, 2, 18),
            ("wifi", 0, 0, 0),
        )
    )
}
GIGABIT = 10**9


@dataclass(frozen=True, slots=True)
class Size:
    """How large a network is to be: rings on the core, switches per ring, access rings, cameras and lines."""

    core: int
    rings: int
    ring: int
    access: int
    cabinets: int
    cameras: int
    lines: int
    mesh: int

    @property
    def switches(self) -> int:
        return self.core + self.rings * self.ring + self.access * self.cabinets


SIZES = {
    "tiny": Size(4, 2, 4, 4, 2, 20, 10, 4),
    "small": Size(4, 2, 5, 4, 3, 100, 50, 8),
    "middle": Size(6, 4, 6, 8, 4, 300, 150, 14),
    "reference": Size(8, 6, 8, 16, 4, 800, 400, 28),
    "double": Size(12, 12, 8, 33, 4, 1600, 800, 40),
}


@dataclass
class _Builder:
    """A topology under construction; ports are given out one after the other."""

    rng: random.Random
    nodes: dict[str, Node] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    groups: dict[str, tuple[set[str], set[str], float]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def switch(self, name: str, role: str) -> str:
        self.nodes[name] = Node(name, len(self.nodes) + 1, f"site-{name}", role)
        self.ports[name] = 0
        self.exposed("building", f"site-{name}", node=name)
        return name

    def port(self, node: str) -> PortRef:
        self.ports[node] += 1
        return PortRef(node, self.ports[node])

    def exposed(self, kind: str, name: str, link: str = "", node: str = "", metres: float = 0.0) -> None:
        links, nodes, _ = self.groups.setdefault(f"{kind}:{name}", (set(), set(), metres))
        links.update({link} - {""})
        nodes.update({node} - {""})

    def link(self, a: str, b: str, capacity: int, kilometres: float, shares: str = "") -> None:
        """A link with its route; `shares` names a stretch of trench that it has in common with others."""
        name = f"{a}--{b}"
        while name in self.links:
            name += "+"
        metres = kilometres * 1000 * (1 + self.rng.random() / 10)
        delay = Delay(round(metres * 0.005, 3))
        self.links[name] = Link(
            name, self.port(a), self.port(b), Length(metres), delay, Bitrate(capacity), Octets(9000)
        )
        pieces = max(4, int(kilometres * 2))
        for index in range(pieces):
            for kind in ("segment", "duct", "chamber"):
                self.exposed(kind, f"{name}.{index}", name, metres=0.0 if kind == "chamber" else metres / pieces)
        for index in range(1 + pieces // 8):
            self.exposed("cable", f"{name}.{index}", name, metres=metres / 2)
        for end in (a, b):
            self.exposed("building", f"site-{end}", name)
        if shares:
            for kind in ("segment", "duct"):
                self.exposed(kind, shares, name, metres=300.0)

    def topology(self) -> Topology:
        groups = {
            key: Srlg(key, key.split(":")[0], frozenset(links), frozenset(nodes), Length(metres))
            for key, (links, nodes, metres) in self.groups.items()
        }
        return Topology(self.nodes, self.links, groups)


def topology(size: Size, rng: random.Random) -> Topology:
    """Rings on a core, access rings on the rings; every ninth pair of neighbours shares a trench."""
    made = _Builder(rng)
    core = [made.switch(f"core-{index}", "core") for index in range(size.core)]
    for index, node in enumerate(core):
        made.link(node, core[(index + 1) % len(core)], 100 * GIGABIT, 2.0)
        if index % 2 == 0:
            made.link(node, core[(index + len(core) // 2) % len(core)], 100 * GIGABIT, 3.0)
    rings: list[list[str]] = []
    for number in range(size.rings):
        ring = [made.switch(f"ring{number}-{index}", "ring") for index in range(size.ring)]
        lands = core[number % len(core)], core[(number + len(core) // 2) % len(core)]
        stops = [lands[0], *ring, lands[1]]
        for index, (a, b) in enumerate(pairwise(stops)):
            trench = f"bridge{number}" if index in (2, 3) and number % 3 == 0 else ""
            made.link(a, b, 40 * GIGABIT, rng.uniform(2, 7), trench)
        made.link(ring[0], ring[-1], 40 * GIGABIT, 12.0)
        rings.append(ring)
    for number in range(size.access):
        ring = rings[number % len(rings)]
        first = (number // len(rings)) * 2 % (len(ring) - 1)
        cabinets = [made.switch(f"cab{number}-{index}", "access") for index in range(size.cabinets)]
        stops = [ring[first], *cabinets, ring[first + 1]]
        for a, b in pairwise(stops):
            made.link(a, b, 10 * GIGABIT, rng.uniform(0.5, 2))
    for number in range(size.access):
        for index in range(2):
            made.exposed("feeder", f"access{number}", node=f"cab{number}-{index}")
    return made.topology()


@dataclass
class _Services:
    """Endpoints and demands under construction."""

    net: Topology
    rng: random.Random
    demands: list[Demand] = field(default_factory=list)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    addresses: Iterator[int] = field(default_factory=lambda: iter(range(0x0A000000, 0x0B000000, 4)))

    def endpoint(self, name: str, node: str, kind: str, *, whole: bool = False, macs: bool = False) -> Endpoint:
        number = self.ports[node] = self.ports.get(node, 1000) + 1
        prefix = () if whole else (IPv4Network((next(self.addresses), 32)),)
        mac = 0x020000000000 + len(self.endpoints) if macs else None
        tag = None if whole else 100 + len(self.endpoints) % 3900
        made = Endpoint(name, f"site-{node}", PortRef(node, number), kind, tag, prefix, mac)
        self.endpoints[name] = made
        return made

    def pair(
        self,
        application: str,
        one: Endpoint,
        other: Endpoint,
        service: Service,
        service_class: str,
        grade: Grade,
        up: int,
        down: int,
        latency: float | None = None,
    ) -> None:
        names = [f"{application}/{one.id}>{other.id}", f"{application}/{other.id}>{one.id}"]
        for (start, end), rate, (name, back) in zip(
            ((one, other), (other, one)), (up, down), (names, names[::-1]), strict=True
        ):
            self.demands.append(
                Demand(
                    name,
                    application,
                    "city",
                    service,
                    service_class,
                    start,
                    end,
                    Bitrate(rate),
                    Bitrate(0),
                    grade,
                    None if latency is None else Delay(latency),
                    reverse=back,
                )
            )

    def tree(
        self, application: str, roots: int, leaves: int, service_class: str, grade: Grade, up: int, down: int
    ) -> None:
        """Roots on core switches, leaves anywhere else."""
        core = [node.id for node in self.net.nodes.values() if node.role == "core"]
        rest = [node.id for node in self.net.nodes.values() if node.role != "core"]
        heads = [
            self.endpoint(f"{application}-root{index}", core[index * (len(core) // roots)], "root")
            for index in range(roots)
        ]
        for index in range(leaves):
            leaf = self.endpoint(f"{application}-{index}", self.rng.choice(rest), "leaf", macs=True)
            for head in heads:
                self.pair(application, leaf, head, Service.TREE, service_class, grade, up, down, 20_000.0)


def network(size: Size, seed: int = 1) -> Network:
    """A whole network of a size: the same for the same seed."""
    rng = random.Random(seed)
    net = topology(size, rng)
    made = _Services(net, rng)
    part = size.cameras / 800
    made.tree("video", 2, size.cameras, "video", Grade.LOCAL, 7_700_000, 256_000)
    made.tree("flood", 2, max(2, int(40 * part)), "scada", Grade.NODE, 64_000, 64_000)
    made.tree("lights", 1, max(2, int(180 * part)), "signals", Grade.LOCAL, 128_000, 128_000)
    made.tree("bollards", 1, max(2, int(32 * part)), "control", Grade.NODE, 1_000_000, 1_000_000)
    made.tree("schools", 1, max(2, int(230 * part)), "school", Grade.LOCAL, 20_000_000, 20_000_000)
    made.tree("wifi", 1, max(2, int(150 * part)), "wifi", Grade.NONE, 5_000_000, 20_000_000)
    nodes = sorted(net.nodes)
    members = [made.endpoint(f"hall-{index}", rng.choice(nodes), "hall") for index in range(size.mesh)]
    for index, one in enumerate(members):
        for other in members[index + 1 :]:
            made.pair("halls", one, other, Service.TREE, "school", Grade.LOCAL, 1_000_000, 1_000_000)
    for index in range(size.lines):
        grade = (Grade.NONE, Grade.LOCAL, Grade.LOCAL, Grade.DISJOINT)[index % 4]
        a, b = rng.sample(nodes, 2)
        near = made.endpoint(f"wire{index}a", a, "nte", whole=True)
        far = made.endpoint(f"wire{index}b", b, "nte", whole=True)
        made.pair(f"wire{index}", near, far, Service.LINE, "business", grade, 10_000_000, 10_000_000)
    return Network(
        Settings("bench"),
        net,
        made.endpoints,
        CLASSES,
        {"city": Tenant("city")},
        tuple(made.demands),
    )


def with_camera(base: Network, node: str, number: int = 0) -> Network:
    """The same network with one more camera on a switch, sending to both recorders."""
    made = _Services(base.topology, random.Random(number), ports={node: 4000 + number})
    made.addresses = iter(range(0x0B000000 + number * 4, 0x0C000000, 4))
    like = next(item for item in base.demands if item.application == "video")
    camera = replace(
        made.endpoint(f"video-new{number}", node, "leaf", macs=True), mac=0x020000800000 + number, vlan=99
    )
    heads = sorted({item.egress.id for item in base.demands if item.application == "video"} & _roots(base))
    for name in heads:
        made.pair(
            "video", camera, base.endpoints[name], like.service, "video", like.grade, 7_700_000, 256_000, 20_000.0
        )
    return replace(
        base,
        endpoints={**base.endpoints, camera.id: camera},
        demands=tuple(sorted((*base.demands, *made.demands), key=lambda item: item.id)),
    )


def _roots(base: Network) -> set[str]:
    return {key for key, item in base.endpoints.items() if item.kind == "root"}
