"""Small networks for the tests of paths, route, place and protect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sdnctl.compiler.ir import Baseline, Bypass, Network, Placement, Settings, Tenant
from sdnctl.intents.demand import Demand, Endpoint, Grade, Service, ServiceClass
from sdnctl.topology.graph import Failure, Hop, Link, Node, Path, PortRef, Srlg, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets

CLASSES = {
    name: ServiceClass(name, rank, rank, rank, 0, protected=True)
    for rank, name in enumerate(("bollard", "video", "school", "wifi"))
}
GBIT = 10**9
Edge = tuple[str, str, float]  # switch, switch, delay in µs


def topology(
    edges: Sequence[Edge],
    srlgs: Iterable[Srlg] = (),
    *,
    capacity: int = GBIT,
    mtu: dict[str, int] | None = None,
    sites: dict[str, str] | None = None,
) -> Topology:
    """Links l0, l1, … in the order of `edges`; length is 200 m per µs."""
    names = sorted({name for edge in edges for name in edge[:2]})
    nodes = {name: Node(name, index + 1, (sites or {}).get(name, name)) for index, name in enumerate(names)}
    links = {}
    for index, (a, b, delay) in enumerate(edges):
        key = f"l{index}"
        ends = PortRef(a, 2 * index + 1), PortRef(b, 2 * index + 2)
        size = Octets((mtu or {}).get(key, 1600))
        links[key] = Link(key, *ends, Length(200.0 * delay), Delay(delay), Bitrate(capacity), size)
    return Topology(nodes, links, {srlg.id: srlg for srlg in srlgs})


def srlg(name: str, *links: str, nodes: Iterable[str] = (), metres: float = 0.0) -> Srlg:
    return Srlg(name, name.partition(":")[0], frozenset(links), frozenset(nodes), Length(metres))


def demand(
    name: str,
    ingress: str,
    egress: str,
    grade: Grade = Grade.LOCAL,
    *,
    cir: int = 1_000_000,
    eir: int = 0,
    service_class: str = "video",
    tenant: str = "city",
    latency: float | None = None,
    avoid: Iterable[str] = (),
    exclusive: bool = False,
    reverse: str = "",
    mtu: int = 1500,
) -> Demand:
    ends = [
        Endpoint(f"{name}-{side}", node, PortRef(node, 1000), "camera")
        for side, node in (("in", ingress), ("out", egress))
    ]
    return Demand(
        f"app/{name}",
        "app",
        tenant,
        Service.LINE,
        service_class,
        *ends,
        Bitrate(cir),
        Bitrate(eir),
        grade,
        None if latency is None else Delay(latency),
        frozenset(avoid),
        exclusive,
        f"app/{reverse}" if reverse else "",
        Octets(mtu),
    )


def pair(name: str, a: str, b: str, grade: Grade = Grade.LOCAL, **more: object) -> list[Demand]:
    """Both directions: ``name`` from a to b and ``name-back``."""
    there = demand(name, a, b, grade, reverse=f"{name}-back", **more)  # type: ignore[arg-type]
    back = demand(f"{name}-back", b, a, grade, reverse=name, **more)  # type: ignore[arg-type]
    return [there, back]


def network(topo: Topology, demands: Iterable[Demand], settings: Settings | None = None) -> Network:
    demands = tuple(demands)
    endpoints = {end.id: end for item in demands for end in (item.ingress, item.egress)}
    return Network(settings or Settings("test"), topo, endpoints, CLASSES, {"city": Tenant("city")}, demands)


def baseline(placement: Placement, bypasses: Iterable[Bypass] = ()) -> Baseline:
    """What the next compilation would start from."""
    return Baseline(
        {key: path for key, (path, _) in placement.paths.items()},
        {key: standby for key, (_, standby) in placement.paths.items() if standby is not None},
        bypasses={bypass.key: bypass.path for bypass in bypasses},
        members={name: key for key, names in placement.members.items() for name in names},
    )


def simple_paths(topo: Topology, source: str, target: str) -> Iterator[Path]:
    """Every loopless path, by exhaustion."""

    def extend(hops: tuple[Hop, ...], node: str) -> Iterator[Path]:
        if node == target:
            yield Path(hops)
            return
        for hop in topo.adjacency[node]:
            if hop.head != source and all(hop.head != one.head for one in hops):
                yield from extend((*hops, hop), hop.head)

    return extend((), source)


def delivered(path: Path, grade: Grade, bypasses: dict[str, Path], failure: Failure) -> bool:
    """Whether the switches deliver a packet under a failure, following the rules of docs/pipeline.md.

    Written apart from the compiler: dead hops are jumped by the node or link bypass, whose hops must be up.
    """
    nodes = path.nodes
    if nodes[0] in failure.nodes:
        return False
    index = 0
    while index < len(path.hops):
        hop = path.hops[index]
        if hop.link not in failure.links:
            index += 1
            continue
        name = f"{hop.link}:{hop.tail}>{hop.head}"
        jump = 1
        if grade is Grade.NODE and index + 2 < len(nodes) and f"{name}>{nodes[index + 2]}" in bypasses:
            name, jump = f"{name}>{nodes[index + 2]}", 2
        way = bypasses.get(name)
        if grade is Grade.NONE or way is None or not failure.links.isdisjoint(way.links):
            return False
        assert (way.nodes[0], way.nodes[-1]) == (hop.tail, nodes[index + jump])
        index += jump
    return nodes[-1] not in failure.nodes


def ring(count: int, delay: float = 10.0) -> list[Edge]:
    """Switches a, b, c, … in a ring; l0 is a–b."""
    names = [chr(ord("a") + index) for index in range(count)]
    return [(name, names[(index + 1) % count], delay) for index, name in enumerate(names)]
