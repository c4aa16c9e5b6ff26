"""What the stages of `build` share: documents, what is declared where, and the faults found so far.

A thing that is declared but faulty is remembered as declared, so that one fault is not reported
again by everything that refers to the thing.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import lru_cache, partial
from itertools import repeat
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from sdnctl.document import Document, Table
from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory import models
from sdnctl.inventory.plant import Life
from sdnctl.quick import quick

T = TypeVar("T")


class Lived(Protocol):
    """What says something of its life: owner, manager, user, status, validity, provenance."""

    @property
    def owner(self) -> str | None: ...
    @property
    def manager(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def status(self) -> models.Status | None: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...
    @property
    def source(self) -> str | None: ...


class Living(Protocol):
    """An object of the plant: its life, and where it is written."""

    @property
    def life(self) -> Life: ...
    @property
    def origin(self) -> Source: ...


_SAID = attrgetter(*models.Life.model_fields)
"""All that an object says of its life."""

NOTHING = models.Life()
"""What an object without defaults falls back to."""


@quick
@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One object as written, in a YAML list or as a row, and where it begins; `defaults` are those of its file.

    `document` and `path` lead to values in it, None where all of it stands on one line.
    """

    item: T
    origin: Source
    defaults: models.Life
    document: Document[Any] | None = None
    path: tuple[str | int, ...] = ()

    def where(self, *path: str | int) -> Source:
        """Where the object, or a value in it, stands."""
        if self.document is None or not path:
            return self.origin
        return self.document.at(*self.path, *path)

    def below(self, item: Any, *path: str | int) -> Entry[Any]:
        """An object within this one."""
        return Entry(item, self.where(*path), self.defaults, self.document, (*self.path, *path))


@lru_cache
def _row_entry(model: type[BaseModel]) -> Callable[[Iterable[Any]], Any]:
    """Makes an `Entry` that is its own item: of a row's values in the order of a model, its origin and defaults.

    A large network has hundreds of thousands of rows, and each is looked at once.
    """
    own = {"__slots__": (), "item": property(_itself), "where": _origin}
    if own.keys() & model.model_fields.keys():
        raise TypeError(f"{model.__name__} has fields that are an entry's")
    row = namedtuple(model.__name__, (*model.model_fields, "origin", "defaults"))  # type: ignore[misc]
    made: Any = type(f"{model.__name__}Entry", (row,), own)
    return partial(tuple.__new__, made)


def _itself(row: Any) -> Any:
    return row


def _origin(row: Any, *path: str | int) -> Any:
    """All of a row stands on its line."""
    return row.origin


@dataclass(slots=True)
class Collector:
    """Documents by path, and what was found so far. `declared`: kind → id → where."""

    documents: Mapping[str, Document[Any]]
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    declared: dict[str, dict[str, Source]] = field(default_factory=dict)
    _lives: dict[tuple[Any, ...], Life] = field(default_factory=dict)
    _merged: dict[tuple[Any, ...], Life] = field(default_factory=dict)

    def document(self, file: str, model: type[T]) -> Document[T] | None:
        """The document of a file, or None when the network has no such file."""
        document = self.documents.get(file)
        if document is not None and not isinstance(document.value, model):
            raise TypeError(f"{file} holds {type(document.value).__name__}, not {model.__name__}")
        return document

    def listed(self, file: str, collection: str) -> Iterator[Entry[Any]]:
        """The objects of a list of a YAML file."""
        document = self.documents.get(file)
        if document is not None:
            defaults = getattr(document.value, "defaults", NOTHING)
            for index, item in enumerate(getattr(document.value, collection)):
                yield Entry(item, document.at(collection, index), defaults, document, (collection, index))

    def rows(self, file: str, sister: str = "") -> Iterator[Entry[Any]]:
        """The rows of a table; defaults are those of its YAML sister file.

        Rows that were read come without their model: with its attributes and values only, which is much faster.
        """
        document = self.documents.get(file)
        if document is None:
            return iter(())
        held = self.documents.get(sister)
        defaults = repeat(held.value.defaults if held is not None else NOTHING)
        if isinstance(document, Table):
            model: type[BaseModel] = document.model
            columns = map(document.column, model.model_fields)
            return map(_row_entry(model), zip(*columns, document.sources(), defaults, strict=False))
        return map(Entry, document.value, (document.at(index) for index in range(len(document.value))), defaults)

    def declare(self, kind: str, name: str, origin: Source) -> bool:
        """Note that a thing exists; False (and a diagnostic) if one of its kind has the name already."""
        names = self.declared.get(kind)
        if names is None:
            names = self.declared[kind] = {}
        first = names.setdefault(name, origin)
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

    def known(self, kinds: tuple[str, ...], name: str) -> bool:
        """Whether a thing of one of these kinds is declared."""
        for kind in kinds:
            names = self.declared.get(kind)
            if names is not None and name in names:
                return True
        return False

    def missing(self, kinds: tuple[str, ...], name: str, address: str, origin: Source) -> bool:
        """A diagnostic for a thing that is not declared, with the nearest name; always False."""
        close = get_close_matches(name, [known for kind in kinds for known in self.declared.get(kind, {})], n=1)
        what = " or ".join(kinds)
        self.diagnostics.error(
            "dangling-reference",
            f"there is no {what} {name}",
            address=address,
            source=origin,
            hint=f"Did you mean {close[0]}?" if close else f"Declare the {what}, or correct the name.",
        )
        return False

    def exists(self, kinds: str | tuple[str, ...], name: str, address: str, origin: Source) -> bool:
        """Whether a referred thing is declared; a diagnostic if not."""
        wanted = (kinds,) if isinstance(kinds, str) else kinds
        return self.known(wanted, name) or self.missing(wanted, name, address, origin)

    def error(
        self, code: str, summary: str, address: str, origin: Source, detail: str = "", hint: str = ""
    ) -> None:
        self.diagnostics.error(code, summary, address=address, source=origin, detail=detail, hint=hint)

    def warning(
        self, code: str, summary: str, address: str, origin: Source, detail: str = "", hint: str = ""
    ) -> None:
        self.diagnostics.warning(code, summary, address=address, source=origin, detail=detail, hint=hint)

    def life(self, defaults: models.Life, own: Lived, address: str, origin: Source) -> Life:
        """Merge an object's own life cycle with its file's defaults; validity must not end before it begins."""
        said = id(defaults), _SAID(own)
        known = self._merged.get(said)
        if known is not None:
            return known  # thousands say the same
        owner = (own.owner if own.owner is not None else defaults.owner) or ""
        key = (
            owner,
            (own.manager if own.manager is not None else defaults.manager) or owner,
            own.status or defaults.status or models.Status.IN_SERVICE,
            own.valid_from or defaults.valid_from,
            own.valid_to or defaults.valid_to,
            (own.source if own.source is not None else defaults.source) or "",
            (own.user if own.user is not None else defaults.user) or owner,
        )
        life = self._lives.get(key)
        if life is None:
            life = self._lives[key] = Life(*key)
        if life.valid_from and life.valid_to and life.valid_from > life.valid_to:
            self.error(
                "validity-reversed",
                f"valid_to {life.valid_to} is before valid_from {life.valid_from}",
                address,
                origin,
                hint="Exchange the two dates.",
            )
        else:
            self._merged[said] = life
        return life

    def own_life(self, own: Lived, address: str, origin: Source) -> Life | None:
        """The life of a part (a splice, a jumper), None where it says nothing: then it is that of the whole."""
        if own.status is None and own.valid_from is None and own.valid_to is None:
            return None
        return self.life(NOTHING, own, address, origin)

    def note_unknown_owners(self, kind: str, things: Iterable[Living]) -> None:
        """One warning per kind for objects of which nobody wrote whose they are or how they are known."""
        unknown = [one.origin for one in things if not one.life.owner or not one.life.provenance]
        if unknown:
            self.warning(
                "unknown-owner",
                f"{len(unknown)} {kind}(s) have no owner or no source",
                kind,
                unknown[0],
                hint="Write owner and source on the object, or once under defaults of the file.",
            )
