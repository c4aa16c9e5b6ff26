"""Names of strangers as ids of ours: letters, digits, dash, dot and underscore, none twice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 48
"""Characters of an id made from a label: what is made of it in turn must stay within 64."""

_OTHER = re.compile(r"[^a-z0-9_.]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def clean(text: str, longest: int = 200) -> str:
    """One line that can be printed and stored anywhere: no control characters, no lone surrogates."""
    kept = text[: 4 * longest]
    if not kept.isprintable():
        kept = "".join(character if character.isprintable() else " " for character in kept)
    return " ".join(kept.split())[:longest]


def is_id(text: str) -> bool:
    """Whether a name can stay as it is."""
    return _ID.fullmatch(text) is not None


def slug(label: str, otherwise: str) -> str:
    """``São Paulo (2)`` → ``sao-paulo-2``; `otherwise` where nothing of the label can be written so."""
    plain = unicodedata.normalize("NFKD", label[: 4 * LONGEST])
    plain = "".join(character for character in plain if not unicodedata.combining(character)).lower()
    made = _OTHER.sub("-", plain).strip("-._")[:LONGEST].strip("-._")
    return made or otherwise


def ids(labels: Iterable[str], otherwise: str) -> list[str]:
    """An id for each label, in order; the second of one name gets ``-2`` and so on.

    A label that names itself keeps that name before another's number does.
    """
    wanted = [slug(label, f"{otherwise}-{number}") for number, label in enumerate(labels, 1)]
    taken, made = set(wanted), list[str]()
    seen: dict[str, int] = {}
    for name in wanted:
        seen[name] = seen.get(name, 0) + 1
        unique, number = name, seen[name]
        while seen[name] > 1 and unique in taken:
            unique = f"{name}-{number}"
            number += 1
        taken.add(unique)
        made.append(unique)
    return made
