"""Trees to models: every complaint of pydantic becomes a diagnostic with address, file:line and hint.

What is wrong is cut out and the rest validated again, so that later stages still look at everything else
and no fault hides another: an unknown key is dropped alone, any other fault drops the smallest object
around it (a list item with its `id`). The names of dropped objects are kept (`Checked.broken`), so
that what refers to them is not reported as dangling.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostics
from sdnctl.workspace.explain import Known, explain
from sdnctl.workspace.fields import keys_at
from sdnctl.workspace.tree import Node

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Checked(Generic[M]):
    """A validated document (None when nothing usable is left), and the ids of what was dropped from it."""

    document: Document[M] | None
    broken: frozenset[str] = frozenset()


def validate(tree: Node, model: type[M], file: str, out: Diagnostics) -> Checked[M]:
    """Validate a tree as `model`, strictly: text is not a number, ``NO`` is not false."""
    value, errors = _attempt(tree, model)
    report(tree, errors, file, partial(keys_at, model), out)
    broken: set[str] = set()
    while value is None and errors:
        cut = {path for error in errors for path in [_cut(tree, error)] if path is not None}
        if not cut:
            return Checked(None, frozenset(broken))
        for path in cut:
            broken |= _ids(tree, path)
        tree = tree.without(cut)
        value, errors = _attempt(tree, model)
    return Checked(None if value is None else Document(file, value, tree.lines()), frozenset(broken))


def _attempt(tree: Node, model: type[M]) -> tuple[M | None, list[ErrorDetails]]:
    try:
        # JSON is the one input for which pydantic's strict mode still reads dates, enums and tuples
        return model.model_validate_json(json.dumps(tree.plain()), strict=True), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _cut(tree: Node, error: ErrorDetails) -> KeyPath | None:
    """What to leave out so that the rest can be judged; None when that is the whole file."""
    path = tree.walk(error["loc"])
    if error["type"] == "extra_forbidden":
        return path
    while path:
        node = tree.at(path)
        if node is not None and isinstance(path[-1], int):
            return path
        path = path[:-1]
    return None


def _ids(tree: Node, path: KeyPath) -> frozenset[str]:
    """The `id` of every object that is dropped with the value at `path`, and of the objects around it."""
    found: set[str] = set()
    for end in range(len(path) + 1):
        node = tree.at(path[:end])
        if node is not None and isinstance(node.value, dict) and (name := node.value.get("id")) is not None:
            found.add(str(name.value))
    return frozenset(found) if isinstance(path[-1], int) else frozenset()


# ── diagnostics ──────────────────────────────────────────────────────────────────────────────────


def report(tree: Node, errors: Sequence[ErrorDetails], file: str, known: Known, out: Diagnostics) -> None:
    """Explain pydantic's errors; several that mean one value (branches of a union) become one.

    `known` gives the keys that are allowed in the mapping at a path.
    """
    lines = Document(file, None, tree.lines())
    seen: set[tuple[KeyPath, str]] = set()
    for error in errors:
        path = tree.walk(error["loc"])
        fault = explain(error, path, known)
        if (path, fault.code) in seen:
            continue
        seen.add((path, fault.code))
        out.error(
            fault.code,
            fault.summary,
            address=address(tree, path),
            source=lines.at(*path),
            detail=fault.detail,
            hint=fault.hint,
        )


# ── addresses ────────────────────────────────────────────────────────────────────────────────────

_SINGULAR = {"switches": "switch", "classes": "class"}


def singular(collection: str) -> str:
    """``cables`` → cable, ``cable_types`` → cable type."""
    word = _SINGULAR.get(collection, collection[:-1] if collection.endswith("s") else collection)
    return word.replace("_", " ")


def address(tree: Node, path: KeyPath) -> str:
    """The object around a value in the model's own words: ``switch pop-gare port 3``, ``application schools``."""
    words: list[str] = []
    root = tree.value
    if isinstance(root, dict) and (name := root.get("application")) is not None and isinstance(name.value, str):
        words += ["application", name.value]
    collection = ""
    for end, part in enumerate(path, start=1):
        node = tree.at(path[:end])
        if isinstance(part, int) and (node is None or isinstance(node.value, dict)):
            words += [singular(collection), _label(node, part, collection)]
        collection = str(part)
    return " ".join(words)


def _label(node: Node | None, index: int, collection: str) -> str:
    """What an item of a list is called: its id, else its own number, else its place in the list (from 1)."""
    if node is not None and isinstance(node.value, dict):
        for key in ("id", singular(collection)):
            found = node.value.get(key)
            if found is not None and isinstance(found.value, str | int):
                return str(found.value)
    return f"#{index + 1}"
