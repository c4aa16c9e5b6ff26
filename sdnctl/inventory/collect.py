"""What the stages of `build` share: documents, what is declared where, and the faults found so far.

A thing that is declared but faulty is remembered as declared, so that one fault is not reported
again by everything that refers to the thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory import models
from sdnctl.inventory.plant import Life

T = TypeVar("T")


@dataclass(slots=True)
class Collector:
    """Documents by path, and what was found so far. `declared`: kind → id → where."""

    documents: Mapping[str, Document[Any]]
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    declared: dict[str, dict[str, Source]] = field(default_factory=dict)

    def document(self, file: str, model: type[T]) -> Document[T] | None:
        """The document of a file, or None when the network has no such file."""
        document = self.documents.get(file)
        if document is not None and not isinstance(document.value, model):
            raise TypeError(f"{file} holds {type(document.value).__name__}, not {model.__name__}")
        return document

    def declare(self, kind: str, name: str, origin: Source) -> bool:
        """Note that a thing exists; False (and a diagnostic) if one of its kind has the name already."""
        first = self.declared.setdefault(kind, {}).setdefault(name, origin)
        if first is origin:
            return True
        self.diagnostics.error(
            "duplicate-id",
            f"{kind} {name} is declared twice",
            address=f"{kind} {name}",
            source=origin,
            detail=f"It was declared first at {first}.",
            hint="Give one of the two another id, or delete it.",
        )
        return False

    def exists(self, kinds: str | tuple[str, ...], name: str, address: str, origin: Source) -> bool:
        """Whether a referred thing is declared; a diagnostic with the nearest name if not."""
        wanted = (kinds,) if isinstance(kinds, str) else kinds
        names = [known for kind in wanted for known in self.declared.get(kind, {})]
        if name in names:
            return True
        close = get_close_matches(name, names, n=1, cutoff=0.6)
        what = " or ".join(wanted)
        self.diagnostics.error(
            "dangling-reference",
            f"there is no {what} {name}",
            address=address,
            source=origin,
            hint=f"Did you mean {close[0]}?" if close else f"Declare the {what}, or correct the name.",
        )
        return False

    def error(
        self, code: str, summary: str, address: str, origin: Source, detail: str = "", hint: str = ""
    ) -> None:
        self.diagnostics.error(code, summary, address=address, source=origin, detail=detail, hint=hint)

    def warning(
        self, code: str, summary: str, address: str, origin: Source, detail: str = "", hint: str = ""
    ) -> None:
        self.diagnostics.warning(code, summary, address=address, source=origin, detail=detail, hint=hint)

    def life(self, defaults: models.Life, own: models.Life, address: str, origin: Source) -> Life:
        """Merge an object's own life cycle with its file's defaults; validity must not end before it begins."""
        merged = {
            name: value if (value := getattr(own, name)) is not None else getattr(defaults, name)
            for name in models.Life.model_fields
        }
        if merged["valid_from"] and merged["valid_to"] and merged["valid_from"] > merged["valid_to"]:
            self.error(
                "validity-reversed",
                f"valid_to {merged['valid_to']} is before valid_from {merged['valid_from']}",
                address,
                origin,
                hint="Exchange the two dates.",
            )
        return Life(
            owner=merged["owner"] or "",
            manager=merged["manager"] or merged["owner"] or "",
            status=merged["status"] or models.Status.IN_SERVICE,
            valid_from=merged["valid_from"],
            valid_to=merged["valid_to"],
            provenance=merged["source"] or "",
        )

    def note_unknown_owners(self, kind: str, lives: Iterable[tuple[Life, Source]]) -> None:
        """One warning per kind for objects of which nobody wrote whose they are or how they are known."""
        unknown = [origin for life, origin in lives if not life.owner or not life.provenance]
        if unknown:
            self.warning(
                "unknown-owner",
                f"{len(unknown)} {kind}(s) have no owner or no source",
                kind,
                unknown[0],
                hint="Write owner and source on the object, or once under defaults of the file.",
            )
