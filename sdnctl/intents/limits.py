"""What applications may ask for: tenants' quotas, frame sizes that links carry, ends that are not avoided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.demand import Demand
from sdnctl.intents.models import Application, TenantModel
from sdnctl.topology.graph import Topology
from sdnctl.units import format_bitrate

OVERHEAD = 34
"""Bytes that a link carries above the service MTU: customer's Ethernet header 14, two tags 8, three labels 12."""


def check_quotas(
    demands: Sequence[Demand],
    tenants: Mapping[str, TenantModel],
    sources: Mapping[str, Source],
    out: Diagnostics,
) -> None:
    """The committed rates and the endpoints of each tenant stay within its limits."""
    rates: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    used: dict[str, set[str]] = defaultdict(set)
    for demand in demands:
        rates[demand.tenant][demand.application] += demand.cir
        used[demand.tenant].add(demand.ingress.id)
    for name in sorted(rates):
        tenant = tenants.get(name)
        total = sum(rates[name].values())
        if tenant is None:
            continue
        if tenant.quota is not None and total > tenant.quota:
            shares = sorted(rates[name].items(), key=lambda item: (-item[1], item[0]))
            out.error(
                "quota-exceeded",
                f"tenant {name} asks for {format_bitrate(total)}, its quota is {format_bitrate(tenant.quota)}",
                address=f"tenant {name}",
                source=sources.get(name),
                detail="; ".join(f"{application} {format_bitrate(rate)}" for application, rate in shares) + ".",
                hint=f"Raise the quota, or lower bandwidth by {format_bitrate(total - tenant.quota)}.",
            )
        if tenant.max_endpoints is not None and len(used[name]) > tenant.max_endpoints:
            out.error(
                "quota-exceeded",
                f"tenant {name} uses {len(used[name])} endpoints, it may use {tenant.max_endpoints}",
                address=f"tenant {name}",
                source=sources.get(name),
                hint="Raise max_endpoints, or narrow the selectors.",
            )


def check_frames(
    demands: Sequence[Demand], documents: Mapping[str, Document[Application]], topology: Topology, out: Diagnostics
) -> None:
    """A labelled full-size frame fits at least one link at each end; along the path the compiler looks again."""
    widest = {
        node: max((topology.links[hop.link].mtu for hop in hops), default=None)
        for node, hops in topology.adjacency.items()
    }
    narrow: dict[tuple[str, int, Source | None], set[str]] = defaultdict(set)
    for demand in demands:
        ends = {demand.ingress.attachment.node, demand.egress.attachment.node}
        if len(ends) == 1:
            continue  # never leaves the switch, so it never wears labels
        for node in ends:
            room = widest.get(node)
            if room is not None and demand.mtu + OVERHEAD > room:
                source = _mtu_source(documents.get(demand.application), demand)
                narrow[demand.application, demand.mtu, source].add(node)
    for (application, mtu, source), nodes in narrow.items():
        rooms = ", ".join(f"{node} {widest[node]} B" for node in sorted(nodes)[:5]) + (
            " …" if len(nodes) > 5 else ""
        )
        out.error(
            "frame-too-large",
            f"frames of {mtu} B do not fit the links of {len(nodes)} switches",
            address=f"application {application}",
            source=source,
            detail=f"With labels they take {mtu + OVERHEAD} B; the widest links: {rooms}.",
            hint=f"Raise the MTU of links to {mtu + OVERHEAD} B, or write a smaller mtu.",
        )


def _mtu_source(document: Document[Application] | None, demand: Demand) -> Source | None:
    """Where the MTU of a demand is written: on its circuit, on its application, or nowhere (then the demand)."""
    if document is None:
        return demand.source
    for index, circuit in enumerate(document.value.circuits):
        if circuit.mtu is not None and {circuit.a, circuit.b} == {demand.ingress.id, demand.egress.id}:
            return document.at("circuits", index, "mtu")
    return document.at("mtu") if document.value.mtu is not None else demand.source


def check_avoided_ends(demands: Sequence[Demand], topology: Topology, out: Diagnostics) -> None:
    """Nobody can avoid the switch or site of an own endpoint, or a risk that takes the switch away."""
    told: set[tuple[str, str]] = set()
    for demand in demands:
        for end in (demand.ingress, demand.egress) if demand.avoid else ():
            node = topology.nodes.get(end.attachment.node)
            own = {end.attachment.node, end.site, node.site if node else end.site}
            for name in sorted(demand.avoid):
                group = topology.srlgs.get(name)
                if name not in own and (group is None or end.attachment.node not in group.nodes):
                    continue
                if (demand.application, name) in told:
                    continue
                told.add((demand.application, name))
                out.error(
                    "avoids-own-end",
                    f"endpoint {end.id} stands at {name}, which the application avoids",
                    address=f"application {demand.application}",
                    source=demand.source,
                    hint=f"Take {name} out of avoid, or leave the endpoint out of the selector.",
                )
