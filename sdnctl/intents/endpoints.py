"""Rows of `inventory/endpoints.csv` to endpoints, by id. Devices and ports are checked with the plant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.intents.demand import Behind, Endpoint
from sdnctl.inventory.fields import format_mac
from sdnctl.inventory.models import EndpointRow, Status
from sdnctl.topology.graph import PortRef

_MULTICAST = 1 << 40
"""The group bit of a MAC address (IEEE 802): the lowest bit of the first octet."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Endpoints in service by id, and the ids of those that are not (planned, abandoned, …).

    `misplaced` are at a port that cannot be: that is reported with the plant.
    """

    active: dict[str, Endpoint]
    dormant: frozenset[str] = frozenset()
    misplaced: frozenset[str] = frozenset()


def read_endpoints(
    document: Document[tuple[EndpointRow, ...]] | None,
    out: Diagnostics,
    areas: Mapping[str, str] | None = None,
    uplinks: Mapping[str, PortRef | None] | None = None,
) -> Endpoints:
    """Endpoints in order of id; of a doubly declared id (reported with the plant) the first counts.

    `areas`: site → its area. `uplinks`: device → the switch port that it is plugged into, None while it is not in
    service: what is at a port of such a device sleeps with it.
    """
    areas, uplinks = areas or {}, uplinks or {}
    active: dict[str, Endpoint] = {}
    dormant: set[str] = set()
    misplaced: set[str] = set()
    rows: Sequence[EndpointRow] = document.value if document is not None else ()
    for index, row in enumerate(rows):
        assert document is not None
        if row.id in active or row.id in dormant:
            continue
        if isinstance(row.port, str) and row.device not in uplinks:
            misplaced.add(row.id)
            continue
        place = _place(row, uplinks)
        if row.status not in (None, Status.IN_SERVICE) or place is None:
            dormant.add(row.id)
            continue
        attachment, behind = place
        if row.mac is not None and (row.mac & _MULTICAST or row.mac == 0):
            out.error(
                "mac-not-unicast",
                f"{format_mac(row.mac)} is not the address of one device",
                address=f"endpoint {row.id}",
                source=document.at(index, "mac"),
                hint="Write the address on the device's label; its first octet is even.",
            )
        active[row.id] = Endpoint(
            row.id,
            row.site,
            attachment,
            row.kind,
            row.vlan if behind is None else None,
            tuple(sorted(row.prefixes, key=lambda prefix: (prefix.version, prefix))),
            row.mac,
            frozenset(row.tags),
            document.at(index),
            areas.get(row.site, ""),
            "" if row.terminal is None else str(row.terminal),
            behind,
        )
    return Endpoints({key: active[key] for key in sorted(active)}, frozenset(dormant), frozenset(misplaced))


def _place(row: EndpointRow, uplinks: Mapping[str, PortRef | None]) -> tuple[PortRef, Behind | None] | None:
    """The switch port by which an endpoint's frames come in, and where it is behind that."""
    if row.device in uplinks:
        at = uplinks[row.device]
        return None if at is None else (at, Behind(row.device, str(row.port), row.vlan))
    assert isinstance(row.port, int)
    return PortRef(row.device, row.port), None
