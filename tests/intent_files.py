"""Applications as people write them, a few endpoints on a triangle of switches, and what resolving them gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.demand import Demand, Endpoint, ServiceClass
from sdnctl.intents.models import Application, TenantModel
from sdnctl.intents.resolve import resolve
from sdnctl.topology.graph import Link, Node, PortRef, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets

CLASSES = {
    "scada": ServiceClass("scada", 0, 6, 6, 46, True, Delay(10_000.0)),
    "video": ServiceClass("video", 1, 4, 4, 24),
}
TENANTS = {"town": TenantModel(id="town"), "operator": TenantModel(id="operator")}


def endpoint(name: str, port: str, prefixes: str = "", vlan: int | None = None, kind: str = "camera") -> Endpoint:
    node, number = port.split(":")
    return Endpoint(
        name,
        f"site-{node}",
        PortRef(node, int(number)),
        kind,
        vlan,
        tuple(ip_network(one) for one in prefixes.split()),
        tags=frozenset({kind, name[0]}),
        source=Source("inventory/endpoints.csv", 2),
    )


CAMERAS = (
    endpoint("cam-1", "a:10", "10.0.0.1/32"),
    endpoint("cam-2", "b:10", "10.0.0.2/32 2001:db8::2/128", 30),
    endpoint("rec-1", "c:10", "10.0.1.0/24", None, "recorder"),
    endpoint("rec-2", "c:11", "10.0.2.0/24", None, "recorder"),
)
PORTS = (
    endpoint("p-1", "a:20", kind="port"),
    endpoint("p-2", "b:20", kind="port"),
    endpoint("v-1", "a:21", vlan=100, kind="port"),
    endpoint("v-2", "c:21", vlan=200, kind="port"),
)


def triangle(mtu: int = 1600) -> Topology:
    nodes = {name: Node(name, number, f"site-{name}") for number, name in enumerate("abc", 1)}
    links = {
        one + two: Link(
            one + two, PortRef(one, 1), PortRef(two, 2), Length(1e3), Delay(5.0), Bitrate(10**10), Octets(mtu)
        )
        for one, two in ("ab", "bc", "ca")
    }
    return Topology(nodes, links)


def tree(**changes: Any) -> dict[str, Any]:
    return {
        "application": "video",
        "tenant": "town",
        "class": "video",
        "service": "tree",
        "roots": {"kind": "recorder"},
        "leaves": {"select": {"kind": "camera"}},
        "bandwidth": {"up": "8 Mbit/s", "down": "256 kbit/s"},
        **changes,
    }


def line(*circuits: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "application": "wires",
        "tenant": "operator",
        "class": "video",
        "service": "line",
        "bandwidth": "100 Mbit/s",
        "circuits": list(circuits),
        **changes,
    }


def document(raw: dict[str, Any], file: str = "") -> Document[Application]:
    value = Application.model_validate_json(json.dumps(raw), strict=True)
    return Document(file or f"intents/{value.application}.yaml", value, {(): 1})


def run(
    *raws: dict[str, Any],
    endpoints: Sequence[Endpoint] = (*CAMERAS, *PORTS),
    topology: Topology | None = None,
    tenants: dict[str, TenantModel] | None = None,
    **options: Any,
) -> tuple[dict[str, Demand], Diagnostics]:
    documents = [document(raw, f"intents/{place}.yaml") for place, raw in enumerate(raws)]
    demands, out = resolve(
        documents,
        {one.id: one for one in endpoints},
        CLASSES,
        TENANTS if tenants is None else tenants,
        Octets(1500),
        topology if topology is not None else triangle(),
        **options,
    )
    return {demand.id: demand for demand in demands}, out


def codes(out: Diagnostics) -> list[str]:
    assert all(one.hint and one.address and one.summary for one in out)
    return sorted(one.code for one in out)
