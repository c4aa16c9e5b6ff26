"""One application to its demands: a line is a pair of them, a tree a pair for every root and leaf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.claims import check_apart
from sdnctl.intents.demand import Demand, Endpoint, Grade, Service, ServiceClass
from sdnctl.intents.models import Application, Circuit, Guarantees, Rates
from sdnctl.intents.select import Selection
from sdnctl.units import Bitrate, Delay, Octets


@dataclass(frozen=True, slots=True)
class Terms:
    """What a pair of demands is promised, after circuit, application and class had their say."""

    up: Bitrate
    down: Bitrate
    excess_up: Bitrate
    excess_down: Bitrate
    grade: Grade
    latency: Delay | None
    avoid: frozenset[str]
    exclusive: bool
    mtu: Octets


def expand(
    document: Document[Application],
    selection: Selection,
    service_class: ServiceClass | None,
    mtu: Octets,
    out: Diagnostics,
) -> list[Demand]:
    """The demands of one application, and what does not fit in it."""
    if document.value.service is Service.TREE:
        return list(_tree(document, selection, service_class, mtu, out))
    return list(_line(document, selection, service_class, mtu, out))


# ── tree ─────────────────────────────────────────────────────────────────────────────────────────


def _tree(
    document: Document[Application],
    selection: Selection,
    service_class: ServiceClass | None,
    mtu: Octets,
    out: Diagnostics,
) -> Iterator[Demand]:
    application = document.value
    address = f"application {application.application}"
    if application.circuits:
        _shape("a tree has roots and leaves, no circuits", "circuits", document, out)
    missing = [side for side in ("roots", "leaves") if getattr(application, side) is None]
    if missing:
        _shape(f"a tree needs {' and '.join(missing)}", "service", document, out)
    terms = _terms(document, None, service_class, mtu, out)
    roots = selection.select(document, "roots", application.roots) if application.roots else ()
    leaves = selection.select(document, "leaves", application.leaves) if application.leaves else ()
    both = sorted({one.id for one in roots} & {one.id for one in leaves})
    for name in both:
        out.error(
            "root-and-leaf",
            f"endpoint {name} is both root and leaf",
            address=address,
            source=document.at("leaves"),
            hint="Narrow one of the two selectors, by kind or tags.",
        )
    leaves = tuple(leaf for leaf in leaves if leaf.id not in both)
    for one in sorted({*roots, *leaves}, key=lambda endpoint: endpoint.id):
        if not one.prefixes:
            out.error(
                "endpoint-without-prefixes",
                f"endpoint {one.id} has no prefixes, a tree needs them",
                address=address,
                source=one.source,
                detail="A tree tells its frames apart by source and destination address.",
                hint="Write its addresses in inventory/endpoints.csv, or use a line.",
            )
    check_apart(application.application, {*roots, *leaves}, out)
    if terms is None:
        return
    for root in roots:
        for leaf in leaves:
            if root.attachment == leaf.attachment:
                _one_port(root, leaf, address, document.at("leaves"), out)
                continue
            if root.prefixes and leaf.prefixes:
                yield from _pair(application, leaf, root, terms, document.at("application"))


# ── line ─────────────────────────────────────────────────────────────────────────────────────────


def _line(
    document: Document[Application],
    selection: Selection,
    service_class: ServiceClass | None,
    mtu: Octets,
    out: Diagnostics,
) -> Iterator[Demand]:
    application = document.value
    for side in ("roots", "leaves"):
        if getattr(application, side) is not None:
            _shape("a line has circuits, no roots or leaves", side, document, out)
    if not application.circuits:
        _shape("a line needs circuits", "service", document, out)
    names: dict[str, int] = {}
    for index, circuit in enumerate(application.circuits):
        address = f"application {application.application} circuit {circuit.id}"
        source = document.at("circuits", index)
        if names.setdefault(circuit.id, index) != index:
            out.error(
                "duplicate-id",
                f"circuit {circuit.id} is declared twice",
                address=address,
                source=source,
                detail=f"It was declared first at {document.at('circuits', names[circuit.id])}.",
                hint="Give one of the two another id, or delete it.",
            )
        a = selection.named(document, ("circuits", index, "a"), circuit.a)
        b = selection.named(document, ("circuits", index, "b"), circuit.b)
        terms = _terms(document, index, service_class, mtu, out)
        if a is None or b is None:
            continue
        if a.attachment == b.attachment:
            _one_port(a, b, address, source, out)
        elif (a.vlan is None) != (b.vlan is None):
            tagged, plain = (a, b) if a.vlan is not None else (b, a)
            out.error(
                "vlan-at-one-end",
                f"endpoint {tagged.id} has VLAN {tagged.vlan}, endpoint {plain.id} has none",
                address=address,
                source=source,
                detail="A line carries a whole port, or one VLAN that it may translate.",
                hint="Give both ends a VLAN, or neither.",
            )
        elif terms is not None:
            yield from _pair(application, a, b, terms, source)


# ── both ─────────────────────────────────────────────────────────────────────────────────────────


def _terms(
    document: Document[Application],
    index: int | None,
    service_class: ServiceClass | None,
    mtu: Octets,
    out: Diagnostics,
) -> Terms | None:
    """What is promised; None (and a diagnostic) when there is no usable rate."""
    application = document.value
    circuit: Circuit | None = None if index is None else application.circuits[index]
    bandwidth = (circuit.bandwidth if circuit else None) or application.bandwidth
    excess = (circuit.excess if circuit else None) or application.excess
    address = f"application {application.application}" + (f" circuit {circuit.id}" if circuit else "")
    at = () if index is None else ("circuits", index)
    if bandwidth is None:
        out.error(
            "missing-key",
            "bandwidth is missing",
            address=address,
            source=document.at(*at) if circuit else document.at("application"),
            hint="Write the committed rate, such as 'bandwidth: {up: 8 Mbit/s, down: 256 kbit/s}'.",
        )
        return None
    excess = excess or Rates(up="0 bit/s", down="0 bit/s")
    if not bandwidth.up + excess.up or not bandwidth.down + excess.down:
        out.error(
            "no-rate",
            "neither bandwidth nor excess lets anything pass in one direction",
            address=address,
            source=document.at(*at, "bandwidth"),
            hint="Every direction needs some rate: address resolution runs both ways.",
        )
        return None
    said = [application.guarantees, *((circuit.guarantees,) if circuit else ())]
    target = service_class.latency if service_class else None
    latency = _latest(said, "latency")
    if latency is not None and target is not None and latency < target:
        out.warning(
            "latency-below-class",
            f"the latency is stricter than what class {application.service_class} is meant for",
            address=address,
            source=document.at(*at, "guarantees", "latency"),
            detail="Paths are chosen by the stricter figure; queueing is that of the class.",
            hint="Take a class higher on the ladder, or the class's own latency.",
        )
    return Terms(
        bandwidth.up,
        bandwidth.down,
        excess.up,
        excess.down,
        _latest(said, "protection") or Grade.NONE,
        latency if latency is not None else target,
        frozenset(_latest(said, "avoid") or ()),
        _latest(said, "isolation") == "exclusive",
        (circuit.mtu if circuit else None) or application.mtu or mtu,
    )


def _latest(said: list[Guarantees], name: str) -> Any:
    """The circuit's word, else the application's, else None."""
    return next((value for one in reversed(said) if (value := getattr(one, name)) is not None), None)


def _pair(
    application: Application, a: Endpoint, b: Endpoint, terms: Terms, source: Source
) -> tuple[Demand, Demand]:
    """Both directions: `up` from a to b, `down` from b to a."""
    names = f"{application.application}/{a.id}>{b.id}", f"{application.application}/{b.id}>{a.id}"
    ends = (a, b, terms.up, terms.excess_up), (b, a, terms.down, terms.excess_down)
    up, down = (
        Demand(
            names[way],
            application.application,
            application.tenant,
            application.service,
            application.service_class,
            ingress,
            egress,
            cir,
            eir,
            terms.grade,
            terms.latency,
            terms.avoid,
            terms.exclusive,
            names[1 - way],
            terms.mtu,
            source,
        )
        for way, (ingress, egress, cir, eir) in enumerate(ends)
    )
    return up, down


def _shape(summary: str, key: str, document: Document[Application], out: Diagnostics) -> None:
    out.error(
        "service-shape",
        summary,
        address=f"application {document.value.application}",
        source=document.at(key),
        hint="tree: roots and leaves, line: circuits; `sdnctl schema intent` shows both.",
    )


def _one_port(a: Endpoint, b: Endpoint, address: str, source: Source, out: Diagnostics) -> None:
    out.error(
        "both-ends-on-one-port",
        f"endpoints {a.id} and {b.id} are both on port {a.attachment}",
        address=address,
        source=source,
        detail="A frame never leaves by the port it came in on.",
        hint="Plug one of them into another port.",
    )
