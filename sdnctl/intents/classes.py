"""Service classes from their file: ranks by ladder or crisis profile, and what contradicts itself in it."""

from __future__ import annotations

from difflib import get_close_matches

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.demand import ServiceClass
from sdnctl.intents.models import ClassesFile


def service_classes(
    document: Document[ClassesFile], profile: str | None, profile_source: Source | None, out: Diagnostics
) -> dict[str, ServiceClass]:
    """Classes by name, ranked by the ladder or by the crisis profile that `network.yaml` switches on."""
    file = document.value
    names = _unique([item.id for item in file.classes], "classes", "class", document, out)
    profiles = _unique(
        [item.id for item in file.crisis_profiles], "crisis_profiles", "crisis profile", document, out
    )
    for index, one in enumerate(file.crisis_profiles):
        for place, name in enumerate(one.order):
            source = document.at("crisis_profiles", index, "order", place)
            if name not in names:
                _dangling("class", name, list(names), f"crisis profile {one.id}", source, out)
            elif name in one.order[:place]:
                out.error(
                    "duplicate-id",
                    f"class {name} stands in the order twice",
                    address=f"crisis profile {one.id}",
                    source=source,
                    hint="Delete one of the two.",
                )
    order = list(names)
    if profile is not None and profile not in profiles:
        _dangling("crisis profile", profile, list(profiles), "network", profile_source, out)
    elif profile is not None:
        first = [name for name in file.crisis_profiles[profiles[profile]].order if name in names]
        order = list(dict.fromkeys([*first, *order]))
    rank = {name: place for place, name in enumerate(order)}
    return {
        name: ServiceClass(
            name,
            rank[name],
            file.classes[index].tc,
            file.classes[index].queue,
            file.classes[index].dscp,
            file.classes[index].protected,
            file.classes[index].latency,
            document.at("classes", index),
        )
        for name, index in names.items()
    }


def _unique(
    names: list[str], collection: str, kind: str, document: Document[ClassesFile], out: Diagnostics
) -> dict[str, int]:
    """Name → its first index; a second one is a diagnostic."""
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        if found.setdefault(name, index) != index:
            out.error(
                "duplicate-id",
                f"{kind} {name} is declared twice",
                address=f"{kind} {name}",
                source=document.at(collection, index),
                detail=f"It was declared first at {document.at(collection, found[name])}.",
                hint="Give one of the two another id, or delete it.",
            )
    return found


def _dangling(
    kind: str, name: str, known: list[str], address: str, source: Source | None, out: Diagnostics
) -> None:
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known) or 'none'}."
    out.error("dangling-reference", f"there is no {kind} {name}", address=address, source=source, hint=hint)
