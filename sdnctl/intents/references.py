"""What applications refer to by name: tenant, class, and what they avoid; and that their own names are unique.

This works on an application's *head*, so that also an application whose file has faults is checked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.demand import ServiceClass
from sdnctl.intents.models import Application, Circuit, OwnTerms, TenantModel
from sdnctl.topology.graph import Topology


@dataclass(frozen=True, slots=True)
class Head:
    """The names in an application's file; None where one is missing or faulty. `avoid`: where → name."""

    application: str
    tenant: str | None
    service_class: str | None
    avoid: tuple[tuple[KeyPath, str], ...] = ()


def head(application: Application) -> Head:
    """The head of a valid application."""
    avoid: list[tuple[KeyPath, str]] = [
        (("guarantees", "avoid", index), name) for index, name in enumerate(application.guarantees.avoid or ())
    ]
    parts: list[tuple[str, tuple[Circuit | OwnTerms, ...]]] = [
        ("circuits", application.circuits),
        ("terms", application.terms),
    ]
    for key, owners in parts:
        for place, owner in enumerate(owners):
            avoid += [
                ((key, place, "guarantees", "avoid", index), name)
                for index, name in enumerate(owner.guarantees.avoid or ())
            ]
    return Head(application.application, application.tenant, application.service_class, tuple(avoid))


def check_names(heads: Sequence[Document[Head]], out: Diagnostics) -> frozenset[str]:
    """Application names are unique over all files; returns the files whose name was taken already."""
    first: dict[str, Source] = {}
    repeated: set[str] = set()
    for document in heads:
        name, source = document.value.application, document.at("application")
        if name in first:
            repeated.add(document.file)
            out.error(
                "duplicate-id",
                f"application {name} is declared twice",
                address=f"application {name}",
                source=source,
                detail=f"It was declared first at {first[name]}.",
                hint="Give one of the two another name, or put both into one file.",
            )
        first.setdefault(name, source)
    return frozenset(repeated)


def check_references(
    documents: Sequence[Document[Head]],
    classes: Mapping[str, ServiceClass],
    tenants: Mapping[str, TenantModel],
    topology: Topology | None,
    also: Collection[str],
    out: Diagnostics,
) -> None:
    """Tenants, classes and avoided things exist. `also` are names that exist but are not in the topology now."""
    places = set(also)
    if topology is not None:
        places |= {
            *topology.nodes,
            *topology.links,
            *topology.srlgs,
            *(node.site for node in topology.nodes.values()),
        }
    for document in documents:
        found = document.value
        address = f"application {found.application}"
        for kind, name, key, known in (
            ("tenant", found.tenant, "tenant", tenants),
            ("class", found.service_class, "class", classes),
        ):
            if name is not None and name not in known:
                dangling(kind, name, known, address, document.at(key), out)
        if topology is None:
            continue
        for path, name in found.avoid:
            if name not in places:
                dangling("link, switch, site or shared risk", name, places, address, document.at(*path), out)


def dangling(
    kind: str, name: str, known: Collection[str], address: str, source: Source | None, out: Diagnostics
) -> None:
    """There is nothing of that name; with the nearest one that there is."""
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    few = (
        f"There are: {', '.join(sorted(known))}."
        if 0 < len(known) <= 12
        else f"Declare the {kind}, or correct it."
    )
    out.error(
        "dangling-reference",
        f"there is no {kind} {name}",
        address=address,
        source=source,
        hint=f"Did you mean {close[0]}?" if close else few,
    )
