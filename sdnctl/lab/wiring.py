"""How a topology becomes bridges and cables: derived names, as a value.

Every switch becomes one bridge, every link one cable between two interfaces, every port with an endpoint
one interface with a host side. Linux allows interface names of at most 15 characters, so names are the
ids made short: readable where they fit, with a few hash digits where they do not. Same topology, same names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.errors import Diagnostics, InputError
from sdnctl.intents.demand import Endpoint
from sdnctl.topology.graph import PortRef, Topology

NAME_MAX = 15  # IFNAMSIZ − 1 (linux/if.h)
BRIDGE_MAX = 11  # leaves room for ".123" on the bridge's interfaces
PORT_MAX = 0xFEFF  # OpenFlow ports that Open vSwitch lets one ask for: 1…65279
MTU_MIN, MTU_MAX = 68, 65535  # of a veth interface
ACCESS_MTU = 1600  # host cables carry a 1,500-octet payload below as many customer tags as one likes

_RESERVED = frozenset({"lo", "all", "default", "any", "ovs-netdev", "ovs-system"})


@dataclass(frozen=True)
class Wiring:
    """Bridge of each switch, interface of each port, the two ports of each link, and the ports with endpoints.

    `mtu` holds the MTU of each link's cable and `access_mtu` that of the host cables, in octets; `dpids`
    the datapath id of each switch; `rates` how fast cables are, in bit/s: what it does not name is as fast as the
    machine.
    """

    bridges: Mapping[str, str]
    interfaces: Mapping[PortRef, str]
    links: Mapping[str, tuple[PortRef, PortRef]]
    edges: tuple[PortRef, ...]
    dpids: Mapping[str, int] = field(default_factory=dict)
    mtu: Mapping[str, int] = field(default_factory=dict)
    access_mtu: int = ACCESS_MTU
    rates: Mapping[str, int] = field(default_factory=dict)

    def ports_of(self, node: str) -> tuple[PortRef, ...]:
        """All wired ports of a switch, in order."""
        return tuple(sorted(port for port in self.interfaces if port.node == node))


def slug(text: str, limit: int) -> str:
    """A name Linux accepts, at most `limit` long; ids that had to be changed end in four hash digits."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if plain and plain[0].isdigit():
        plain = f"s{plain}"
    if plain == text and len(plain) <= limit and plain not in _RESERVED:
        return plain
    digest = hashlib.sha256(text.encode()).hexdigest()[:4]
    return f"{plain[: limit - 5]}-{digest}" if plain else f"s-{digest}"


def _distinct(name: str, key: str, limit: int, taken: set[str]) -> str:
    """`name`, or on a collision another one derived from `key`; the result is added to `taken`."""
    attempt = 0
    while name in taken:
        attempt += 1
        name = "x" + hashlib.sha256(f"{key}/{attempt}".encode()).hexdigest()[: min(limit, 10) - 1]
    taken.add(name)
    return name


def wire(topology: Topology, endpoints: Mapping[str, Endpoint]) -> Wiring:
    """Derive the wiring of a lab; raises InputError with every fault at once.

    Faults: a port used twice, an endpoint on a switch that is not in the topology, a port number outside
    1…65279, an MTU that no cable can have.
    """
    diagnostics = Diagnostics()
    users: dict[PortRef, str] = {}
    for link in sorted(topology.links.values(), key=lambda link: link.id):
        for port in (link.a, link.b):
            if port in users:
                diagnostics.error(
                    "lab-port-twice",
                    f"port {port} is used by {users[port]} and by link {link.id}",
                    address=f"link {link.id}",
                    source=link.source,
                )
            users[port] = f"link {link.id}"
        if not MTU_MIN <= link.mtu <= MTU_MAX:
            diagnostics.error(
                "lab-mtu",
                f"an MTU of {link.mtu} octets is outside {MTU_MIN}…{MTU_MAX}, what a lab's cables can have",
                address=f"link {link.id}",
                source=link.source,
            )
    edges: set[PortRef] = set()
    for endpoint in sorted(endpoints.values(), key=lambda endpoint: endpoint.id):
        port = endpoint.attachment
        if port.node not in topology.nodes:
            diagnostics.error(
                "lab-no-such-switch",
                f"switch {port.node} is not in the topology",
                address=f"endpoint {endpoint.id}",
                source=endpoint.source,
            )
        elif port in users:
            diagnostics.error(
                "lab-port-twice",
                f"port {port} is used by {users[port]} and by endpoint {endpoint.id}",
                address=f"endpoint {endpoint.id}",
                source=endpoint.source,
            )
        else:
            edges.add(port)
    for port in sorted({*users, *edges}):
        if not 1 <= port.port <= PORT_MAX:
            diagnostics.error(
                "lab-port-number",
                f"port number {port.port} is outside 1…{PORT_MAX}",
                address=f"switch {port.node}",
            )
    diagnostics.raise_if_errors(InputError)
    return _name(topology, sorted({*users, *edges}), sorted(edges))


def _name(topology: Topology, ports: Iterable[PortRef], edges: Iterable[PortRef]) -> Wiring:
    taken: set[str] = set(_RESERVED)
    bridges = {node: _distinct(slug(node, BRIDGE_MAX), node, BRIDGE_MAX, taken) for node in sorted(topology.nodes)}
    interfaces = {}
    for port in ports:
        suffix = f".{port.port}"
        name = bridges[port.node][: NAME_MAX - len(suffix)] + suffix
        interfaces[port] = _distinct(name, str(port), NAME_MAX, taken)
    links = {link.id: (link.a, link.b) for link in sorted(topology.links.values(), key=lambda link: link.id)}
    mtu = {link: int(topology.links[link].mtu) for link in links}
    return Wiring(
        bridges=bridges,
        interfaces=interfaces,
        links=links,
        edges=tuple(edges),
        dpids={node: topology.nodes[node].dpid for node in bridges},
        mtu=mtu,
        access_mtu=max([ACCESS_MTU, *mtu.values()]),
    )
