"""One application to its demands: a pair for each circuit, for each leaf and root, for each two members."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.claims import check_apart
from sdnctl.intents.demand import Demand, Endpoint, Service, ServiceClass
from sdnctl.intents.models import Application, Circuit, Group, Selector
from sdnctl.intents.select import Selection
from sdnctl.intents.terms import Asked, Terms, schedule
from sdnctl.units import Octets

SHAPES: dict[Service, tuple[str, ...]] = {
    Service.LINE: ("circuits",),
    Service.TREE: ("roots", "leaves"),
    Service.MESH: ("members",),
}
"""What says who takes part in a service."""


def expand(
    document: Document[Application],
    selection: Selection,
    service_class: ServiceClass | None,
    mtu: Octets,
    out: Diagnostics,
) -> list[Demand]:
    """The demands of one application, and what does not fit in it."""
    asked = Asked(document, service_class, mtu, out)
    _check_shape(asked)
    if document.value.service is Service.LINE:
        return list(_line(asked, selection))
    return list(_among(asked, selection, _groups(asked, selection)))


# ── tree and mesh ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Party:
    """Who meets in one group: leaves with `roots`, or (roots is None) members with each other.

    `at` is where leaves or members are selected.
    """

    at: KeyPath
    others: tuple[Endpoint, ...]
    roots: tuple[Endpoint, ...] | None = None

    @property
    def everyone(self) -> tuple[Endpoint, ...]:
        return (*(self.roots or ()), *self.others)

    def pairs(self) -> Iterator[tuple[Endpoint, Endpoint]]:
        """(leaf, root) or (member, member): from the first to the second is `up`."""
        if self.roots is None:
            yield from combinations(self.others, 2)
        else:
            yield from ((leaf, root) for root in self.roots for leaf in self.others)


def _groups(asked: Asked, selection: Selection) -> list[_Party]:
    """The groups with their endpoints; what is wrong with who is in them is told, and left out."""
    application, document = asked.document.value, asked.document
    places: list[tuple[KeyPath, Application | Group]] = [
        (("groups", index), group) for index, group in enumerate(application.groups)
    ]
    if application.service is Service.MESH:
        found = [_members(asked, selection, *place) for place in places or [((), application)]]
    else:
        found = [_tree(asked, selection, *place) for place in places or [((), application)]]
        roots = {root.id for party in found for root in party.roots or ()}
        found = [_without_roots(asked, party, roots) for party in found]
    seen: dict[str, KeyPath] = {}
    for party in found:
        for one in party.others:
            if seen.setdefault(one.id, party.at) is not party.at:
                asked.out.error(
                    "in-two-groups",
                    f"endpoint {one.id} is in two groups",
                    address=asked.address,
                    source=document.at(*party.at),
                    detail=f"It is also selected at {document.at(*seen[one.id])}; groups never meet each other.",
                    hint="Narrow one of the two selectors, or make one group of both.",
                )
    return found


def _tree(asked: Asked, selection: Selection, at: KeyPath, part: Application | Group) -> _Party:
    path = (*at, "leaves")
    roots = _selected(asked, selection, (*at, "roots"), part.roots)
    return _Party(path, _selected(asked, selection, path, part.leaves), roots)


def _members(asked: Asked, selection: Selection, at: KeyPath, part: Application | Group) -> _Party:
    path = (*at, "members")
    members = _selected(asked, selection, path, part.members)
    if len(members) == 1:
        asked.out.error(
            "mesh-of-one",
            f"endpoint {members[0].id} is the only member",
            address=asked.address,
            source=asked.document.at(*path),
            detail="A mesh connects its members with each other.",
            hint="Widen the selector, or take the group out.",
        )
    return _Party(path, members)


def _selected(
    asked: Asked, selection: Selection, path: KeyPath, selector: Selector | None
) -> tuple[Endpoint, ...]:
    return () if selector is None else selection.select(asked.document, path, selector)


def _without_roots(asked: Asked, party: _Party, roots: Collection[str]) -> _Party:
    """A root is no leaf, not of another group either: it would join the two."""
    for leaf in party.others:
        if leaf.id in roots:
            asked.out.error(
                "root-and-leaf",
                f"endpoint {leaf.id} is both root and leaf",
                address=asked.address,
                source=asked.document.at(*party.at),
                hint="Narrow one of the two selectors, by kind or tags.",
            )
    return _Party(party.at, tuple(leaf for leaf in party.others if leaf.id not in roots), party.roots)


def _among(asked: Asked, selection: Selection, parties: list[_Party]) -> Iterator[Demand]:
    application, document = asked.document.value, asked.document
    everyone = {one.id: one for party in parties for one in party.everyone}
    for one in (everyone[name] for name in sorted(everyone)):
        if not one.prefixes:
            asked.out.error(
                "endpoint-without-prefixes",
                f"endpoint {one.id} has no prefixes, a {application.service} needs them",
                address=asked.address,
                source=one.source,
                detail=f"A {application.service} tells its frames apart by source and destination address.",
                hint="Write its addresses in inventory/endpoints.csv, or use a line.",
            )
    check_apart(application.application, everyone.values(), asked.out)
    served = {one.id: one for party in parties for one in party.others}
    terms = schedule(asked, selection, served.values())
    for party in parties:
        for a, b in party.pairs():
            promised = terms.of(a, b) if party.roots is None else terms.of(a)
            if promised is None:
                continue
            if a.place == b.place:
                _one_port(asked, b, a, document.at(*party.at))
            elif a.prefixes and b.prefixes:
                hub = "" if party.roots is None else b.id
                yield from _pair(application, a, b, promised, document.at("application"), hub)


# ── line ─────────────────────────────────────────────────────────────────────────────────────────


def _line(asked: Asked, selection: Selection) -> Iterator[Demand]:
    application, document = asked.document.value, asked.document
    names: dict[str, int] = {}
    for index, circuit in enumerate(application.circuits):
        source = document.at("circuits", index)
        if names.setdefault(circuit.id, index) != index:
            asked.out.error(
                "duplicate-id",
                f"circuit {circuit.id} is declared twice",
                address=f"{asked.address} circuit {circuit.id}",
                source=source,
                detail=f"It was declared first at {document.at('circuits', names[circuit.id])}.",
                hint="Give one of the two another id, or delete it.",
            )
        a = selection.named(document, ("circuits", index, "a"), circuit.a)
        b = selection.named(document, ("circuits", index, "b"), circuit.b)
        terms = asked.terms((("circuits", index), circuit))
        if a is not None and b is not None:
            yield from _circuit(asked, circuit, a, b, terms, source)


def _circuit(
    asked: Asked, circuit: Circuit, a: Endpoint, b: Endpoint, terms: Terms | None, source: Source
) -> Iterator[Demand]:
    if a.place == b.place:
        _one_port(asked, a, b, source, f" circuit {circuit.id}")
    elif a.tagged != b.tagged:
        tagged, plain = (a, b) if a.tagged else (b, a)
        has = f"VLAN {tagged.vlan}" if tagged.behind is None else f"a VLAN on the uplink of {tagged.behind.device}"
        asked.out.error(
            "vlan-at-one-end",
            f"endpoint {tagged.id} has {has}, endpoint {plain.id} has none",
            address=f"{asked.address} circuit {circuit.id}",
            source=source,
            detail="A line carries a whole port, or one VLAN that it may translate.",
            hint="Give both ends a VLAN, or neither.",
        )
    elif terms is not None:
        yield from _pair(asked.document.value, a, b, terms, source)


# ── all ──────────────────────────────────────────────────────────────────────────────────────────


def _pair(
    application: Application, a: Endpoint, b: Endpoint, terms: Terms, source: Source, hub: str = ""
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
            hub,
        )
        for way, (ingress, egress, cir, eir) in enumerate(ends)
    )
    return up, down


def _check_shape(asked: Asked) -> None:
    """Who takes part is said in the way of the service, once, and nothing else is."""
    application = asked.document.value
    service = application.service
    own = SHAPES[service]
    said = " and ".join(own)
    for key in ("circuits", "roots", "leaves", "members"):
        if getattr(application, key) and key not in own:
            _shape(asked, f"a {service} has {said}, no {key}", (key,))
    if service is Service.LINE:
        for key in ("groups", "terms"):
            if getattr(application, key):
                _shape(asked, f"a line has circuits, no {key}: each has its own ends and terms", (key,))
    if service is not Service.TREE and application.retention is not None:
        _shape(
            asked,
            f"a {service} keeps nothing: retention is for what leaves send to the roots of a tree",
            ("retention",),
        )
    if service is not Service.LINE and application.groups:
        _check_groups(asked, own)
        for key in own:
            if getattr(application, key) is not None:
                _shape(asked, f"{key} stand in groups here, not beside them", (key,))
        return
    missing = [key for key in own if not getattr(application, key)]
    if missing:
        _shape(asked, f"a {service} needs {' and '.join(missing)}", ("service",))


def _check_groups(asked: Asked, own: tuple[str, ...]) -> None:
    service = asked.document.value.service
    for index, group in enumerate(asked.document.value.groups):
        for key in ("roots", "leaves", "members"):
            if getattr(group, key) is not None and key not in own:
                _shape(asked, f"a group of a {service} has {' and '.join(own)}, no {key}", ("groups", index, key))
        missing = [key for key in own if getattr(group, key) is None]
        if missing:
            _shape(asked, f"a group of a {service} needs {' and '.join(missing)}", ("groups", index))


def _shape(asked: Asked, summary: str, path: KeyPath) -> None:
    asked.out.error(
        "service-shape",
        summary,
        address=asked.address,
        source=asked.document.at(*path),
        hint="tree: roots and leaves, mesh: members, line: circuits; `sdnctl schema intent` shows all.",
    )


def _one_port(asked: Asked, a: Endpoint, b: Endpoint, source: Source, circuit: str = "") -> None:
    asked.out.error(
        "both-ends-on-one-port",
        f"endpoints {a.id} and {b.id} are both on port {a.place}",
        address=asked.address + circuit,
        source=source,
        detail="A frame never leaves by the port it came in on.",
        hint="Plug one of them into another port.",
    )
