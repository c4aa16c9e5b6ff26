"""Whose frame is it? No two demands may claim the same frames on the same port.

What a demand claims where it enters: a line without VLAN all frames of the port; a line with VLAN all with that
tag; a tree or mesh those of its tag (or none) with a source in the ingress prefixes and a destination in the
egress's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Generic, NamedTuple, TypeVar

from sdnctl.errors import Diagnostics
from sdnctl.intents.demand import Behind, Demand, Endpoint, Prefix, Service
from sdnctl.topology.graph import PortRef

T = TypeVar("T")


class Held(NamedTuple, Generic[T]):
    """A prefix and whose it is."""

    prefix: Prefix
    by: T


def overlaps(held: Iterable[Held[T]]) -> Iterator[tuple[Held[T], Held[T]]]:
    """Every pair of overlapping prefixes: one of two always contains the other, so a stack will do."""
    stack: list[Held[T]] = []
    for one in sorted(
        held, key=lambda item: (item.prefix.version, int(item.prefix.network_address), item.prefix.prefixlen)
    ):
        while stack and not _contains(stack[-1].prefix, one.prefix):
            stack.pop()
        for container in stack:
            yield container, one
        stack.append(one)


def _contains(outer: Prefix, inner: Prefix) -> bool:
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network) and inner.subnet_of(outer)


def check_apart(application: str, endpoints: Collection[Endpoint], out: Diagnostics) -> None:
    """Within one service every address belongs to one endpoint."""
    ordered = sorted(endpoints, key=lambda endpoint: endpoint.id)
    held = [Held(prefix, endpoint) for endpoint in ordered for prefix in endpoint.prefixes]
    told: set[frozenset[str]] = set()
    for one, two in overlaps(held):
        pair = frozenset((one.by.id, two.by.id))
        if len(pair) < 2 or pair in told:
            continue
        told.add(pair)
        first, second = sorted((one, two), key=lambda item: item.by.id)
        out.error(
            "prefix-overlap",
            f"{second.prefix} of endpoint {second.by.id} overlaps {first.prefix} of endpoint {first.by.id}",
            address=f"application {application}",
            source=second.by.source,
            detail="Both are in one service, which could not tell to whom a frame goes.",
            hint="Correct one of the prefixes in inventory/endpoints.csv.",
        )


def check_claims(demands: Sequence[Demand], out: Diagnostics) -> None:
    """No two demands claim the same frames; each pair of services is told once per port."""
    ports: dict[PortRef | Behind, list[Demand]] = defaultdict(list)
    for demand in demands:
        ports[demand.ingress.place].append(demand)
    for port in sorted(ports, key=_order):
        told: set[frozenset[str]] = set()
        for one, two, why in _conflicts(ports[port]):
            pair = frozenset((_claimant(one), _claimant(two)))
            if pair in told:
                continue
            told.add(pair)
            first, second = sorted((one, two), key=lambda demand: demand.id)
            out.error(
                "frames-claimed-twice",
                f"{_claimant(first)} and {_claimant(second)} claim the same frames on port {port}",
                address=f"application {second.application}",
                source=second.ingress.source if first.application == second.application else second.source,
                detail=why,
                hint="Give one of them another port, VLAN or prefix.",
            )


def _order(place: PortRef | Behind) -> tuple[bool, str, int, str]:
    if isinstance(place, PortRef):
        return False, place.node, place.port, ""
    return True, place.device, place.vlan or 0, place.port


def _claimant(demand: Demand) -> str:
    return f"{demand.application} (endpoint {demand.ingress.id})"


def _conflicts(demands: Sequence[Demand]) -> Iterator[tuple[Demand, Demand, str]]:
    """Pairs of demands on one port that claim a frame in common."""
    lines = [demand for demand in demands if demand.service is Service.LINE]
    for line in lines:
        for other in demands:
            if other is line:
                continue
            if line.ingress.vlan is None:
                yield line, other, f"{line.application} takes every frame of the port."
            elif line.ingress.vlan == other.ingress.vlan:
                yield line, other, f"{line.application} takes every frame with VLAN {line.ingress.vlan}."
    tags: dict[int | None, list[Demand]] = defaultdict(list)
    for demand in demands:
        if demand.service is not Service.LINE:
            tags[demand.ingress.vlan].append(demand)
    for tagged in tags.values():
        if (
            len({demand.application for demand in tagged}) < 2
            and len({demand.ingress.id for demand in tagged}) < 2
        ):
            continue  # one endpoint of one service: its egress prefixes were found apart already
        held = [Held(prefix, demand) for demand in tagged for prefix in demand.egress.prefixes]
        for one, two in overlaps(held):
            if one.by is two.by or (one.by.application, one.by.ingress) == (two.by.application, two.by.ingress):
                continue
            for source in one.by.ingress.prefixes:
                if any(_contains(source, other) or _contains(other, source) for other in two.by.ingress.prefixes):
                    yield one.by, two.by, f"Both take frames from {source} to {two.prefix}."
                    break
