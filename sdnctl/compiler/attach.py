"""Endpoints behind devices: ordinary ones to whatever comes after this pass, and what the devices do for them.

Before anything else is compiled, an endpoint at a port of a device becomes one at the switch port that the
device is plugged into, with a VLAN of its own (`compiler.tags`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sdnctl.compiler.ir import Baseline, Network
from sdnctl.compiler.lower import burst
from sdnctl.compiler.tags import allocate, tag_key
from sdnctl.dataplane.attachment import Attachment, AttachmentKey, Attachments
from sdnctl.errors import Diagnostic
from sdnctl.intents.demand import Behind, Demand, Endpoint, ServiceClass
from sdnctl.topology.graph import Device
from sdnctl.units import Octets


@dataclass(frozen=True)
class Tagged:
    """A network in which every endpoint of a demand is at a switch port, and what its devices should hold.

    `tags`: ``device/endpoint`` → tag. `attachments` names every device of the topology, empty ones too.
    """

    network: Network
    tags: Mapping[str, int]
    attachments: Mapping[str, Attachments]
    diagnostics: tuple[Diagnostic, ...] = ()


def place_behind(network: Network, baseline: Baseline) -> Tagged:
    """Give the endpoints of demands their tags; the diagnostics name devices that have too few.

    Without devices the network comes back as it is.
    """
    devices = network.topology.devices
    if not devices:
        return Tagged(network, {}, {})
    ends = _ends(network.demands)
    tags, found = allocate(devices, ends, baseline)
    placed = {
        key: replace(end, vlan=tags[tag_key(end.behind, key)])
        for key, end in ends.items()
        if end.behind is not None and tag_key(end.behind, key) in tags
    }
    demands = tuple(_with_ends(demand, placed) for demand in network.demands) if placed else network.demands
    endpoints = {key: placed.get(key, end) for key, end in network.endpoints.items()}
    tagged = replace(network, demands=demands, endpoints=endpoints)
    return Tagged(tagged, tags, _attachments(devices, placed, demands, network.classes), found)


def _ends(demands: Iterable[Demand]) -> dict[str, Endpoint]:
    """Endpoints of demands that are behind devices, by id."""
    return {end.id: end for demand in demands for end in (demand.ingress, demand.egress) if end.behind is not None}


def _with_ends(demand: Demand, placed: Mapping[str, Endpoint]) -> Demand:
    if demand.ingress.behind is None and demand.egress.behind is None:
        return demand
    return replace(
        demand,
        ingress=placed.get(demand.ingress.id, demand.ingress),
        egress=placed.get(demand.egress.id, demand.egress),
    )


# ── attachments ──────────────────────────────────────────────────────────────────────────────────


def _attachments(
    devices: Mapping[str, Device],
    placed: Mapping[str, Endpoint],
    demands: Iterable[Demand],
    classes: Mapping[str, ServiceClass],
) -> Mapping[str, Attachments]:
    sent: dict[str, list[Demand]] = defaultdict(list)
    for demand in demands:
        if demand.ingress.behind is not None:
            sent[demand.ingress.id].append(demand)
    table: dict[str, dict[AttachmentKey, Attachment]] = {name: {} for name in sorted(devices)}
    for key in sorted(placed):
        end = placed[key]
        assert end.behind is not None
        made = _attachment(devices[end.behind.device], end, end.behind, sent[key], classes)
        table[end.behind.device][made.key] = made
    return table


def _attachment(
    device: Device, end: Endpoint, behind: Behind, sent: list[Demand], classes: Mapping[str, ServiceClass]
) -> Attachment:
    """What the device does for one endpoint: it lets in what all its demands may send (CIR + EIR) and no more.

    Frames get the traffic class of the most urgent of them; the switch tells them apart and polices each.
    """
    assert end.vlan is not None
    limited, marked = bool(sent) and "policing" in device.can, bool(sent) and "marking" in device.can
    kbits = sum(max(1, -(-(demand.cir + demand.eir) // 1000)) for demand in sent)  # as meters have it
    mtu = max((demand.mtu for demand in sent), default=Octets(0))
    first = min((classes[demand.service_class] for demand in sent), key=lambda item: item.rank, default=None)
    return Attachment(
        port=behind.port,
        uplink=device.uplink,
        tag=end.vlan,
        endpoint=end.id,
        vlan=behind.vlan,
        rate=kbits * 1000 if limited else None,
        burst=burst(kbits, mtu) * 125 if limited else None,
        priority=first.traffic_class if marked and first is not None else None,
    )
