"""One demand against one walk of its frames: every claim that V1 makes of it, checked.

Some claims hold always (`unsafe`: frames reach nobody else, are not copied, do not circle), some
where delivery is promised (`undelivered`), some of whatever is delivered (`careless`: tags, class, queue,
rate, latency).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, ServiceClass
from sdnctl.topology.graph import Path, Topology
from sdnctl.verify.frames import Tags, expected_tags
from sdnctl.verify.packet import Wire
from sdnctl.verify.report import Violation
from sdnctl.verify.space import Cube, describe, full_mask, minus_all, overlap
from sdnctl.verify.walk import Delivered, Walk

BURST_FRAMES = 8
BURST_MILLISECONDS = 50
BURST_SLACK = 2
"""A burst may be up to this many times the least one: larger ones would void the policing."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a demand is judged by."""

    topology: Topology
    rules: Mapping[str, RuleSet]
    classes: Mapping[str, ServiceClass]


def unsafe(demand: Demand, walk: Walk) -> Iterator[Violation]:
    """What may never happen, whatever has failed."""
    for end in walk.delivered:
        if end.port != demand.egress.attachment:
            yield Violation("leak", f"delivered to {end.port} instead of {demand.egress.attachment}")
    for index, end in enumerate(walk.delivered):
        for other in walk.delivered[:index]:
            twice = overlap(end.wire.space.cubes, other.wire.space.cubes)
            if twice is not None:
                yield Violation("duplicate", f"delivered twice: {describe(twice)}")
    for lost in walk.lost:
        if lost.code == "loop":
            yield Violation("loop", lost.detail)
    for clash in walk.clashes:
        yield Violation("ambiguous", clash)


def undelivered(demand: Demand, required: tuple[Cube, ...], walk: Walk) -> Iterator[Violation]:
    """Frames that do not arrive at the egress port: blackholes, with the reason that the switch has."""
    arrived = [
        cube for end in walk.delivered if end.port == demand.egress.attachment for cube in end.wire.space.cubes
    ]
    told = False
    for lost in walk.lost:
        missing = minus_all(lost.space.cubes, arrived)
        if missing and lost.code != "loop":
            told = True
            code = "mtu" if lost.code == "mtu" else "blackhole"
            yield Violation(code, f"{lost.detail}; lost: {describe(missing[0])}")
    missing = [] if told else minus_all(required, arrived)
    if missing:
        yield Violation("blackhole", f"never arrives: {describe(missing[0])}")


def careless(demand: Demand, walk: Walk, context: Context, late: bool = True) -> Iterator[Violation]:
    """What is wrong with frames that did arrive at their egress port; `late`: their delay is judged as well."""
    service = context.classes[demand.service_class]
    for end in walk.delivered:
        if end.port != demand.egress.attachment:
            continue
        tags = expected_tags(demand)
        if _settled(end.wire, demand) != tags:
            yield Violation("tags", f"tags on delivery: {end.wire.tags}, owed: {tags}")
        for name, value in end.wire.edits:
            if any(cube.get(name) != (value, full_mask(name)) for cube in end.wire.space.cubes):
                yield Violation("altered", f"customer field {name} was set to {value:#x}")
        if end.classes - {service.traffic_class}:
            classes = ", ".join(str(item) for item in sorted(end.classes))
            yield Violation("class", f"traffic class {classes} on the way, owed: {service.traffic_class}")
        ingress = demand.ingress.attachment.node
        if end.queues != ((ingress, service.queue),):
            yield Violation("queue", f"queues {_pairs(end.queues)}, owed: {ingress} {service.queue}")
        yield from _metered(demand, end, context)
        if late:
            yield from _late(demand, Path(end.hops), context)


def avoided(demand: Demand, path: Path, context: Context) -> frozenset[str]:
    """What the demand avoids and the path meets all the same: ids of links, switches, sites or SRLGs."""
    topology = context.topology
    met = {*path.links, *path.nodes, *(topology.nodes[node].site for node in path.nodes)}
    for name in demand.avoid & topology.srlgs.keys():
        group = topology.srlgs[name]
        if not topology.down(group.links, group.nodes).isdisjoint(path.links) or group.nodes & met:
            met.add(name)
    return demand.avoid & met


def _late(demand: Demand, path: Path, context: Context) -> Iterator[Violation]:
    delay = context.topology.delay(path)
    if demand.latency is not None and delay > demand.latency:
        yield Violation("latency", f"{delay:.1f} µs by {_way(path)}, guaranteed: {demand.latency:.1f} µs")


def _metered(demand: Demand, end: Delivered, context: Context) -> Iterator[Violation]:
    """Policed once, at the ingress, at CIR + EIR (kbit/s, rounded up) with a burst in the bounds."""
    if len(end.meters) != 1 or end.meters[0][0] != demand.ingress.attachment.node:
        yield Violation("meter", f"meters {_pairs(end.meters)}, owed: one at {demand.ingress.attachment.node}")
        return
    node, number = end.meters[0]
    meter = context.rules[node].meters[number]
    rate = -(-(demand.cir + demand.eir) // 1000)
    if meter.rate != rate:
        yield Violation("meter", f"meter {number} at {node} polices at {meter.rate} kbit/s, owed: {rate}")
    least = least_burst(demand)
    if not least - 1 < meter.burst <= BURST_SLACK * least + 1:
        yield Violation("meter", f"meter {number} at {node}: burst {meter.burst} kbit, owed: {least:.1f}")


def least_burst(demand: Demand) -> float:
    """8 full-size frames or 50 ms at the rate, kbit, whichever is more (frames without FCS)."""
    frames = BURST_FRAMES * 8 * demand.mtu / 1000
    return max(frames, (demand.cir + demand.eir) * BURST_MILLISECONDS / 1_000_000)


def _settled(wire: Wire, demand: Demand) -> Tags:
    """Tags with what is no change taken out: the own tag off and on again."""
    own = demand.ingress.vlan
    if own is not None and wire.tags == Tags(1, (0x1000 | own,)):
        return Tags()
    return wire.tags


def _pairs(items: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{node} {number}" for node, number in items) or "none"


def _way(path: Path) -> str:
    return " → ".join(path.nodes) or "one switch"
