"""The topology as a value: switches, lit links and what they share a risk with.

A `Link` is undirected glass between two switch ports; a `Hop` is one direction of it. Shared-risk groups
(`Srlg`) name the links *and* switches that one event takes away: a digger in a segment, a fire in
a building, a feeder that trips, a flood. A `Failure` is one such event as the compiler and the
verifier see it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sdnctl.errors import Source
from sdnctl.quick import quick
from sdnctl.units import Bitrate, Delay, Length, Loss, Octets

if TYPE_CHECKING:
    import networkx as nx


@quick
@dataclass(frozen=True, slots=True, order=True)
class PortRef:
    """One port of one switch; prints as ``pop-gare:3``."""

    node: str
    port: int

    def __str__(self) -> str:
        return f"{self.node}:{self.port}"


@dataclass(frozen=True, slots=True)
class Node:
    """A switch. `drivers` maps a driver's name to its target (``openflow`` → ``tcp:192.0.2.7:6653``)."""

    id: str
    dpid: int
    site: str
    role: str = ""
    position: tuple[float, float] | None = None  # longitude, latitude (WGS 84)
    drivers: Mapping[str, str] = field(default_factory=dict, hash=False)
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """Gear beside the switches, whose port `uplink` is plugged into the switch port `at`; no path runs through it.

    `tags`: VLANs of the uplink that may be used, ascending. `can`: policing, marking, vlans. `options` are what
    its drivers get, secrets by reference.
    """

    id: str
    site: str
    uplink: str
    at: PortRef
    tags: tuple[int, ...]
    can: frozenset[str] = frozenset()
    drivers: Mapping[str, str] = field(default_factory=dict, hash=False)
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """Optical budget of a link, worst of its two directions (all dB).

    `margin` = allowed loss − `loss_max`; `overload` = `loss_min` − least loss the receiver needs
    (negative: the receiver is overloaded).
    """

    loss_min: Loss
    loss_max: Loss
    margin: Loss
    overload: Loss


@dataclass(frozen=True, slots=True)
class Link:
    """A lit link between two ports; `length` m, one-way `delay` µs, `capacity` bit/s each way, `mtu` bytes."""

    id: str
    a: PortRef
    b: PortRef
    length: Length
    delay: Delay
    capacity: Bitrate
    mtu: Octets
    budget: Budget | None = None
    source: Source | None = None

    def port_at(self, node: str) -> int:
        return self.a.port if self.a.node == node else self.b.port

    def other(self, node: str) -> str:
        return self.b.node if self.a.node == node else self.a.node

    @property
    def nodes(self) -> tuple[str, str]:
        return self.a.node, self.b.node


@quick
@dataclass(frozen=True, slots=True, order=True)
class Hop:
    """One direction of a link: leaves `tail`, arrives at `head`."""

    link: str
    tail: str
    head: str

    def __hash__(self) -> int:
        return hash((self.link, self.tail))


@quick
@dataclass(frozen=True, slots=True)
class Path:
    """Consecutive hops from an ingress to an egress switch; empty when both are the same switch."""

    hops: tuple[Hop, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.hops[0].tail, *(hop.head for hop in self.hops)) if self.hops else ()

    @property
    def links(self) -> tuple[str, ...]:
        return tuple(hop.link for hop in self.hops)

    @property
    def transit(self) -> tuple[str, ...]:
        """Switches strictly between the two ends."""
        return tuple(hop.head for hop in self.hops[:-1])

    def reversed(self) -> Path:
        return Path(tuple(Hop(hop.link, hop.head, hop.tail) for hop in reversed(self.hops)))


@quick
@dataclass(frozen=True, slots=True)
class Srlg:
    """Links and switches that one event takes away together.

    `kind` is segment, duct, chamber, cable, building, zone, feeder, or declared; `id` is
    ``kind:name``. `metres` is how much route the member links share in it (0 for a point).
    """

    id: str
    kind: str
    links: frozenset[str]
    nodes: frozenset[str] = frozenset()
    metres: Length = Length(0.0)
    declared: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """One event: `kind` is link, srlg or node; several SRLGs with the same members are one event.

    `links` are all links that go down, those of the dead switches included.
    """

    kind: str
    names: tuple[str, ...]
    links: frozenset[str]
    nodes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return " = ".join(self.names)


@dataclass(frozen=True)
class Topology:
    """Switches, links and shared risks, by id. Only usable glass is in it: planned or failed links are not.

    `devices` hang on switch ports: they are none of the graph's nodes.
    """

    nodes: Mapping[str, Node]
    links: Mapping[str, Link]
    srlgs: Mapping[str, Srlg] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)

    @cached_property
    def adjacency(self) -> Mapping[str, tuple[Hop, ...]]:
        """Outgoing hops of each switch, in order of link id, so that results do not depend on file order."""
        table: dict[str, list[Hop]] = {node: [] for node in self.nodes}
        for link in self.links.values():
            a, b = link.nodes
            table[a].append(Hop(link.id, a, b))
            table[b].append(Hop(link.id, b, a))
        return {node: tuple(sorted(hops)) for node, hops in table.items()}

    @cached_property
    def risks(self) -> Mapping[str, frozenset[str]]:
        """SRLG ids of each link (groups that name the link itself, not only its end switches)."""
        table: dict[str, set[str]] = defaultdict(set)
        for srlg in self.srlgs.values():
            for link in srlg.links:
                table[link].add(srlg.id)
        return {link: frozenset(table[link]) for link in self.links}

    @cached_property
    def exposures(self) -> Mapping[str, frozenset[str]]:
        """Ids of the SRLGs that name a switch itself, by switch."""
        table: dict[str, set[str]] = defaultdict(set)
        for srlg in self.srlgs.values():
            for node in srlg.nodes:
                table[node].add(srlg.id)
        return {node: frozenset(table[node]) for node in self.nodes}

    @cached_property
    def link_at(self) -> Mapping[PortRef, Link]:
        """The link that is plugged into a port."""
        return {port: link for link in self.links.values() for port in (link.a, link.b)}

    def delay(self, path: Path) -> Delay:
        return Delay(sum(self.links[link].delay for link in path.links))

    def length(self, path: Path) -> Length:
        return Length(sum(self.links[link].length for link in path.links))

    def down(self, links: Iterable[str] = (), nodes: Iterable[str] = ()) -> frozenset[str]:
        """All links that are down when `links` and `nodes` are."""
        gone = {link for link in links if link in self.links}
        for node in nodes:
            gone.update(hop.link for hop in self.adjacency.get(node, ()))
        return frozenset(gone)

    def without(self, links: Iterable[str] = (), nodes: Iterable[str] = ()) -> Topology:
        """The same network with these links and switches gone (ids that do not exist are ignored)."""
        dead = frozenset(nodes)
        gone = self.down(links, dead)
        return Topology(
            {key: node for key, node in self.nodes.items() if key not in dead},
            {key: link for key, link in self.links.items() if key not in gone},
            {
                key: replace(srlg, links=srlg.links - gone, nodes=srlg.nodes - dead)
                for key, srlg in self.srlgs.items()
            },
            self.devices,
        )

    def failures(self, kinds: Iterable[str] = ("link", "srlg", "node")) -> Iterator[Failure]:
        """Every single failure of these kinds, each distinct event once, in a stable order."""
        wanted = set(kinds)
        if "link" in wanted:
            for link in sorted(self.links):
                yield Failure("link", (link,), frozenset((link,)))
        if "srlg" in wanted:
            members: dict[tuple[frozenset[str], frozenset[str]], list[str]] = defaultdict(list)
            for srlg in self.srlgs.values():
                members[srlg.links, srlg.nodes].append(srlg.id)
            events: dict[tuple[frozenset[str], frozenset[str]], list[str]] = defaultdict(list)
            for (links, nodes), names in members.items():
                if links or nodes:
                    events[self.down(links, nodes), nodes] += names
            for (links, nodes), names in sorted(events.items(), key=lambda item: min(item[1])):
                yield Failure("srlg", tuple(sorted(names)), links, nodes)
        if "node" in wanted:
            for node in sorted(self.nodes):
                yield Failure("node", (node,), self.down(nodes=(node,)), frozenset((node,)))

    def to_networkx(self) -> nx.MultiGraph[str]:
        """The graph for people and plugins: switches as nodes, link ids as edge keys, values as attributes."""
        import networkx as nx

        graph: nx.MultiGraph[str] = nx.MultiGraph()
        for node in self.nodes.values():
            graph.add_node(node.id, dpid=node.dpid, site=node.site, role=node.role, position=node.position)
        for link in self.links.values():
            graph.add_edge(*link.nodes, key=link.id, length=link.length, delay=link.delay, capacity=link.capacity)
        return graph
