"""A compiled network as one JSON document that Mininet builds: what `lab/mininet_topo.py` reads.

Switches, cables and port numbers are those of a lab (`lab.wiring`), so that the compiled rules fit. A host is an
endpoint that some demand starts or ends at. Where an endpoint is the only one of its port and has no VLAN, its
host is plugged straight into the port; else an access bridge stands in between, a plain learning bridge with a
port per host that puts the endpoint's tag on and takes it off. `docs/mininet.md` describes the document.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any, TypeAlias

from sdnctl.errors import Diagnostic, Severity
from sdnctl.intents.demand import Demand, Endpoint, Prefix, Service
from sdnctl.lab.wiring import Wiring, slug
from sdnctl.topology.graph import PortRef

FORMAT = 1
"""Version of the document: keys are never renamed within one, new ones may be added."""

HOST_MAX, ACCESS_MAX = 15, 10
"""Characters of a name of a host; of an access bridge, whose interfaces are called NAME-ethNUMBER."""
CIRCUITS = IPv4Network("198.18.0.0/15")
"""Where hosts at the ends of a circuit get addresses from, which have none of their own (RFC 2544: for tests)."""

Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class _Flow:
    """Two endpoints that reach each other, by one address each."""

    demand: Demand
    source: Address
    target: Address


def document(
    name: str, wiring: Wiring, demands: Iterable[Demand], capacity: Mapping[str, int]
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """The document of a network, and warnings for demands that no host can try (no address in common).

    `capacity` is that of each link in bit/s. Equal networks make equal documents.
    """
    both_ways = sorted((one for one in demands if one.id < one.reverse), key=lambda one: one.id)
    flows, findings = _flows(both_ways)
    ends = {end.id: end for flow in flows for end in (flow.demand.ingress, flow.demand.egress)}
    taken = {*wiring.bridges.values()}
    hosts = {key: _name(key, HOST_MAX, taken) for key in sorted(ends)}
    groups: dict[PortRef, list[Endpoint]] = defaultdict(list)
    for key in sorted(ends):
        groups[ends[key].attachment].append(ends[key])
    access = {
        port: _name(f"x-{port}", ACCESS_MAX, taken) for port, group in sorted(groups.items()) if not _plain(group)
    }
    return {
        "sdnctl": "mininet",
        "format": FORMAT,
        "network": name,
        "switches": [
            {"switch": node, "name": bridge, "dpid": f"{wiring.dpids[node]:016x}"}
            for node, bridge in sorted(wiring.bridges.items())
        ],
        "links": [_link(wiring, link, capacity[link]) for link in sorted(wiring.links)],
        "hosts": [_host(wiring, ends[key], hosts[key], access, flows) for key in sorted(ends)],
        "access": [
            {
                "name": bridge,
                "at": _plug(wiring, port),
                "hosts": [{"name": hosts[end.id], "vlan": end.vlan} for end in groups[port]],
            }
            for port, bridge in access.items()
        ],
        "traffic": [_traffic(flow, hosts) for flow in flows],
    }, findings


def dumps(content: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 text, a line for each thing."""
    lines = []
    for key, value in content.items():
        if isinstance(value, list) and value:
            items = ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in value)
            lines.append(f'"{key}": [\n{items}\n]')
        else:
            lines.append(f'"{key}": {json.dumps(value, ensure_ascii=False)}')
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


# ── who talks with whom ──────────────────────────────────────────────────────────────────────────


def _flows(demands: Collection[Demand]) -> tuple[list[_Flow], tuple[Diagnostic, ...]]:
    """An address for each end of each demand: its own, or where a circuit has none, one of a subnet for it."""
    subnets = CIRCUITS.subnets(new_prefix=30)
    flows, findings = [], []
    for demand in demands:
        pair = _addresses(demand, subnets)
        if pair is None:
            findings.append(
                Diagnostic(
                    "mininet-no-addresses",
                    "no host can try this demand: too many circuits for the subnets of tests",
                    address=f"demand {demand.id}",
                    severity=Severity.WARNING,
                )
            )
        else:
            flows.append(_Flow(demand, *pair))
    return flows, tuple(findings)


def _addresses(demand: Demand, subnets: Iterator[IPv4Network]) -> tuple[Address, Address] | None:
    for version in (4, 6):
        pair = [_first(end.prefixes, version) for end in (demand.ingress, demand.egress)]
        # A circuit whose ends have prefixes of different subnets is a customer's affair: routers stand there.
        if pair[0] is not None and pair[1] is not None and demand.service is not Service.LINE:
            return pair[0], pair[1]
    subnet = next(subnets, None)
    return (subnet[1], subnet[2]) if subnet is not None else None


def _first(prefixes: Iterable[Prefix], version: int) -> Address | None:
    """The first address that a host can have."""
    return next((_usable(one) for one in prefixes if one.version == version), None)


def _usable(prefix: Prefix) -> Address:
    return prefix[1] if prefix.num_addresses > 2 else prefix[0]


def _traffic(flow: _Flow, hosts: Mapping[str, str]) -> dict[str, Any]:
    demand = flow.demand
    return {
        "application": demand.application,
        "class": demand.service_class,
        "demand": demand.id,
        "from": hosts[demand.ingress.id],
        "to": hosts[demand.egress.id],
        "source": str(flow.source),
        "target": str(flow.target),
    }


# ── things ───────────────────────────────────────────────────────────────────────────────────────


def _plain(group: Collection[Endpoint]) -> bool:
    """Whether a port has one untagged endpoint and nothing else."""
    return len(group) == 1 and all(end.vlan is None for end in group)


def _link(wiring: Wiring, link: str, capacity: int) -> dict[str, Any]:
    a, b = wiring.links[link]
    return {
        "link": link,
        "a": _port(wiring, a),
        "b": _port(wiring, b),
        "mtu": wiring.mtu[link],
        "capacity": capacity,
    }


def _port(wiring: Wiring, port: PortRef) -> dict[str, Any]:
    return {"switch": wiring.bridges[port.node], "port": port.port, "interface": wiring.interfaces[port]}


def _plug(wiring: Wiring, port: PortRef) -> dict[str, Any]:
    """A port of a switch that something is plugged into, and the MTU of that cable."""
    return {**_port(wiring, port), "mtu": wiring.access_mtu}


def _ends(flow: _Flow) -> tuple[str, str]:
    return flow.demand.ingress.id, flow.demand.egress.id


def _host(
    wiring: Wiring, end: Endpoint, name: str, access: Mapping[PortRef, str], flows: Collection[_Flow]
) -> dict[str, Any]:
    """A host with its addresses, and a route to everybody whom it may reach: nobody else answers ARP anyway."""
    pairs = [
        *((flow.source, flow.target) for flow in flows if flow.demand.ingress.id == end.id),
        *((flow.target, flow.source) for flow in flows if flow.demand.egress.id == end.id),
    ]
    return {
        "name": name,
        "endpoint": end.id,
        "mac": None if end.mac is None else ":".join(f"{octet:02x}" for octet in end.mac.to_bytes(6, "big")),
        "addresses": sorted({str(own) for own, _ in pairs}),
        "routes": [{"to": to, "from": own} for to, own in sorted({(str(to), str(own)) for own, to in pairs})],
        "mtu": max(int(flow.demand.mtu) for flow in flows if end.id in _ends(flow)),
        "at": None if end.attachment in access else _plug(wiring, end.attachment),
    }


def _name(key: str, limit: int, taken: set[str]) -> str:
    """A name of at most `limit` characters that nothing else has; it is added to `taken`."""
    name, attempt = slug(key, limit), 0
    while name in taken:
        attempt += 1
        name = slug(f"{key}/{attempt}", limit)
    taken.add(name)
    return name
