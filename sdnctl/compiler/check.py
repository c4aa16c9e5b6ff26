"""What no path can cure: endpoints in the wrong place, and frames that belong to two demands or to none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from sdnctl.compiler.classify import is_whole_port, tag_of
from sdnctl.errors import Diagnostic
from sdnctl.intents.demand import Demand, Endpoint, Service
from sdnctl.topology.graph import PortRef, Topology

UNKNOWN_SWITCH = "unknown-switch"
"""The one refusal after which paths cannot even be looked for."""


def refusals(topology: Topology, demands: Iterable[Demand]) -> tuple[Diagnostic, ...]:
    """Every reason for which demands could not be lowered, whatever their paths."""
    demands = tuple(demands)
    return (*misplaced(topology, demands), *ambiguities(demands))


def misplaced(topology: Topology, demands: Iterable[Demand]) -> Iterator[Diagnostic]:
    """An error for each endpoint that sits on a port of a link, or on a switch that is not there."""
    endpoints = {demand.ingress.id: demand.ingress for demand in demands}
    endpoints |= {demand.egress.id: demand.egress for demand in demands}
    for endpoint in (endpoints[key] for key in sorted(endpoints)):
        port = endpoint.attachment
        link = topology.link_at.get(port)
        if link is not None:
            yield Diagnostic(
                "endpoint-on-link-port",
                f"port {port} belongs to link {link.id}",
                address=f"endpoint {endpoint.id}",
                source=endpoint.source,
                hint="plug the endpoint into another port",
            )
        elif port.node not in topology.nodes:
            yield Diagnostic(
                UNKNOWN_SWITCH,
                f"there is no switch {port.node}",
                address=f"endpoint {endpoint.id}",
                source=endpoint.source,
            )


def ambiguities(demands: Iterable[Demand]) -> Iterator[Diagnostic]:
    """One error per pair of demands whose frames overlap on a port, and per demand that has no frames at all."""
    ports: dict[PortRef, list[Demand]] = defaultdict(list)
    ranges = Ranges()
    for demand in sorted(demands, key=lambda item: item.id):
        ports[demand.ingress.attachment].append(demand)
        if not ranges.has_frames(demand):
            yield Diagnostic(
                "no-common-family",
                f"{demand.ingress.id} and {demand.egress.id} have no prefixes of the same address family",
                address=f"demand {demand.id}",
                source=demand.source,
                hint="give both endpoints IPv4 prefixes, or both IPv6 prefixes, in inventory/endpoints.csv",
            )
    for port in sorted((port for port, sharing in ports.items() if len(sharing) > 1), key=_place):
        sharing = ports[port]
        for first, second in sorted(set(_overlaps(sharing, ranges))):
            by_id = {demand.id: demand for demand in sharing}
            yield Diagnostic(
                "ambiguous-frames",
                f"the same frames on port {port} belong to two demands",
                address=f"demand {second}",
                source=by_id[second].source,
                detail=f"demand {first} ({by_id[first].source or 'generated'}) selects them as well",
                hint="give the endpoints different VLANs or disjoint prefixes",
            )


def _place(port: PortRef) -> tuple[str, int]:
    return port.node, port.port


_Range = tuple[int, int, int]
"""Addresses of a prefix: version, first, last."""


class Ranges:
    """Addresses of endpoints, each worked out once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Endpoint, tuple[_Range, ...]]] = {}  # by identity, kept alive by the entry

    def of(self, endpoint: Endpoint) -> tuple[_Range, ...]:
        known = self._known.get(id(endpoint))
        if known is None:
            found = []
            for prefix in endpoint.prefixes:
                first = int(prefix.network_address)
                found.append((prefix.version, first, first | (1 << prefix.max_prefixlen - prefix.prefixlen) - 1))
            known = self._known[id(endpoint)] = endpoint, tuple(found)
        return known[1]

    def has_frames(self, demand: Demand) -> bool:
        """Whether any frame can belong to the demand."""
        return demand.service is Service.LINE or bool(self.between(demand))

    def between(self, demand: Demand) -> list[tuple[_Range, _Range]]:
        """Pairs of ingress and egress prefixes of one family."""
        egress = self.of(demand.egress)
        return [(one, other) for one in self.of(demand.ingress) for other in egress if one[0] == other[0]]


def _overlaps(demands: list[Demand], ranges: Ranges) -> Iterator[tuple[str, str]]:
    """Pairs of ids of demands on one port that select common frames."""
    whole = [demand for demand in demands if is_whole_port(demand, demand.ingress)]
    for demand in whole:
        for other in demands:
            if other is not demand:
                yield _pair(demand.id, other.id)
    tags: dict[int, list[Demand]] = defaultdict(list)
    for demand in demands:
        if not is_whole_port(demand, demand.ingress):
            tags[tag_of(demand.ingress)].append(demand)
    for sharing in tags.values():
        for demand in sharing:
            if demand.service is Service.LINE:
                for other in sharing:
                    if other is not demand:
                        yield _pair(demand.id, other.id)
        yield from _prefix_overlaps([demand for demand in sharing if demand.service is not Service.LINE], ranges)


def _prefix_overlaps(demands: list[Demand], ranges: Ranges) -> Iterator[tuple[str, str]]:
    """Sweep over (egress, ingress) prefixes: an entry can only overlap those whose egress prefix encloses its own.

    Prefixes are nested or disjoint, so sorted by address and then by length the enclosing ones form a stack.
    """
    entries: list[tuple[int, int, int, int, int, Demand]] = []
    for demand in demands:
        for (version, low, high), (_, first, last) in ranges.between(demand):
            entries.append((version, first, -last, low, high, demand))
    entries.sort(key=lambda entry: (*entry[:5], entry[5].id))
    stack: list[tuple[int, int, int, int, int, Demand]] = []
    for entry in entries:
        version, first, _, low, high, demand = entry
        while stack and (stack[-1][0] != version or -stack[-1][2] < first):
            stack.pop()
        for _, _, _, other_low, other_high, other in stack:
            if other is not demand and low <= other_high and other_low <= high and _same_sender(demand, other):
                yield _pair(demand.id, other.id)
        stack.append(entry)


def clashes(demand: Demand, others: Iterable[Demand], ranges: Ranges) -> bool:
    """Whether a demand selects frames that one of the others on its port selects as well."""
    mine = ranges.between(demand)
    tag, line = tag_of(demand.ingress), demand.service is Service.LINE
    whole = is_whole_port(demand, demand.ingress)
    for other in others:
        if whole or is_whole_port(other, other.ingress):
            return True
        if tag_of(other.ingress) != tag:
            continue
        if line or other.service is Service.LINE:
            return True
        if _same_sender(demand, other) and any(
            _overlap(source, from_) and _overlap(target, to)
            for source, target in mine
            for from_, to in ranges.between(other)
        ):
            return True
    return False


def _overlap(one: _Range, other: _Range) -> bool:
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]


def _same_sender(one: Demand, other: Demand) -> bool:
    """Whether one frame can pass both source guards."""
    return one.ingress.mac is None or other.ingress.mac is None or one.ingress.mac == other.ingress.mac


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
