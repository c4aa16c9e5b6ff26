"""Rules about names: ids that are nearly alike, and names of kinds that say otherwise than their figures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Protocol

from sdnctl.errors import Source
from sdnctl.inventory.checking.finding import Hit
from sdnctl.inventory.checking.subject import Subject
from sdnctl.inventory.colours import modulo
from sdnctl.inventory.plant import CableType

MODULI = (1, 2, 4, 6, 8, 12, 24)
"""Strands to a tube that cables are made with."""
_WORDS = re.compile(r"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*")
_FIBRE = re.compile(r"g\.?65[27].*")
_MODULO = re.compile(r"m(\d{1,2})")
CABLE_TYPES = "inventory/cable-types.yaml"


class _Written(Protocol):
    """What stands somewhere in a file."""

    @property
    def origin(self) -> Source: ...


def kind_says(s: Subject) -> Iterator[Hit]:
    """Kinds of cable whose name says another number of strands, modulo or fibre than their figures."""
    for kind, origin in _kinds(s):
        said = list(_contradictions(kind))
        if said:
            yield Hit(
                f"cable type {kind.id}",
                origin,
                f"the name of {kind.id} says {said[0]}",
                f"It has {kind.strands} strands of {kind.fibre}, {modulo(kind)} to a tube.",
                "Correct the figures, or rename it: crews go by the name.",
            )


def _contradictions(kind: CableType) -> Iterator[str]:
    words = [word.lower() for word in _WORDS.findall(kind.id)]
    counts = [int(word) for word in words if word.isdecimal()]
    if counts and kind.strands not in counts:
        yield f"{counts[0]} strands"
    fibre = kind.fibre.lower().replace(".", "")
    for word in words:
        if _FIBRE.fullmatch(word) and not fibre.startswith(word.replace(".", "")):
            yield word
        found = _MODULO.fullmatch(word)
        if found and int(found[1]) != modulo(kind):
            yield f"{found[1]} strands to a tube"


def odd_modulo(s: Subject) -> Iterator[Hit]:
    """Kinds of cable with a number of strands to a tube that no cable is made with."""
    for kind, origin in _kinds(s):
        if modulo(kind) not in MODULI:
            yield Hit(
                f"cable type {kind.id}",
                origin,
                f"{kind.id} has {modulo(kind)} strands to a tube",
                f"Cables have {', '.join(map(str, MODULI))}; every colour told from it would be wrong.",
                "Count its tubes.",
            )


def _kinds(s: Subject) -> Iterator[tuple[CableType, Source | None]]:
    document = s.documents.get(CABLE_TYPES)
    listed = document.value.cable_types if document is not None else ()
    places = {item.id: document.at("cable_types", number) for number, item in enumerate(listed) if document}
    for kind in s.plant.cable_types.values():
        yield kind, places.get(kind.id)


def alike(s: Subject) -> Iterator[Hit]:
    """Ids of one kind that differ in nothing but capitals, dashes, points or leading zeros."""
    for kind, table in _tables(s).items():
        seen: dict[str, str] = {}
        for name, origin in table.items():
            other = seen.setdefault(_heard(name), name)
            if other != name:
                yield Hit(
                    f"{kind} {name}",
                    origin,
                    f"{kind}s {other} and {name} are nearly the same name",
                    "Said over the telephone they are.",
                    "If it is one thing, keep one; else rename one.",
                )


def _heard(name: str) -> str:
    """A name without what is not heard: capitals, signs but those between numbers, zeros before numbers."""
    signs = re.sub(r"[-_.]+(?=\D|$)|(?<=\D)[-_.]+", "", name.lower())
    return re.sub(r"(?<!\d)0+(?=\d)", "", signs)


def two_kinds(s: Subject) -> Iterator[Hit]:
    """Names that things of several kinds have."""
    kinds: dict[str, list[str]] = defaultdict(list)
    tables = _tables(s)
    for kind, table in tables.items():
        for name in table:
            kinds[name].append(kind)
    for name, found in kinds.items():
        if len(found) > 1:
            yield Hit(
                f"{found[0]} {name}",
                tables[found[0]][name],
                f"{name} is a {' and a '.join(found)}",
                "Commands want the kind before it then: " + ", ".join(f"{kind}:{name}" for kind in found) + ".",
                "Rename one.",
            )


def _tables(s: Subject) -> dict[str, dict[str, Source]]:
    plant = s.plant
    tables: dict[str, Mapping[str, _Written]] = {
        "site": plant.sites,
        "chamber": plant.chambers,
        "segment": plant.segments,
        "duct": plant.ducts,
        "cable": plant.cables,
        "closure": plant.closures,
    }
    return {kind: {key: one.origin for key, one in table.items()} for kind, table in tables.items()}
