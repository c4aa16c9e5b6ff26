"""Which keys a model knows at a path: for hints on misspelled keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from sdnctl.document import KeyPath


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys allowed in the mapping at `path`, through lists, mappings and unions; empty when unknown."""
    found: list[type[BaseModel]] = [model]
    for part in path:
        if isinstance(part, int):
            continue  # a list's items were reached with its key
        below: list[type[BaseModel]] = []
        for one in found:
            field = next((f for name, f in one.model_fields.items() if part in (name, f.alias)), None)
            if field is not None:
                below += _models(field.annotation)
        found = below or found  # the part is a key of a mapping whose values are models
    return list(dict.fromkeys(f.alias or name for one in found for name, f in one.model_fields.items()))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
