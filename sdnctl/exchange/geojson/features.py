"""Features as a file has them: every member, the line, and numbers as they were written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange.geojson.jsonvalues import DEEPEST, depth, real, whole
from sdnctl.workspace.features import check_crs, duplicate, not_a_collection, not_a_feature, understood
from sdnctl.workspace.jsontext import Walker

OWN = "sdnctl"
"""The member of a collection that says what has no geometry: kinds of cables."""


@dataclass(slots=True)
class Found:
    """One feature: all its members as they stand in `file` from `line` on."""

    file: str
    line: int
    value: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        found = self.value.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def geometry(self) -> Any:
        return self.value.get("geometry")

    @property
    def source(self) -> Source:
        return Source(self.file, self.line)


@dataclass(slots=True)
class Collection:
    """A file: its features, and the other members of the collection."""

    file: str
    features: list[Found] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)


def read_collection(content: bytes, file: str, out: Diagnostics) -> Collection | None:
    """The features of a GeoJSON file; None with a diagnostic where it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        out.error(
            "not-utf8",
            f"byte {error.start:,} is not UTF-8",
            source=Source(file, line),
            hint="GeoJSON is UTF-8 (RFC 7946); export it again.",
        )
        return None
    walker = Walker(text, real=real, whole=whole)
    return understood(walker, file, out, lambda: _collection(walker, file, out))


def _collection(walker: Walker, file: str, out: Diagnostics) -> Collection | None:
    found = Collection(file)
    for key in walker.members():
        if key == "features" and walker.peek() == "[":
            found.features = list(_features(walker, file, out))
            continue
        line = walker.here()
        value = walker.value()
        if depth(value) > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        if key == "features":
            raise ValueError("its features are no array")
        if key == "crs":
            check_crs(value, file, line, out)
            continue  # RFC 7946 has none: what it may say, every file says
        found.members[key] = value
    if walker.peek():
        raise json.JSONDecodeError("text after the end", walker.text, walker.position)
    kind = found.members.pop("type", None)
    if kind == "Feature":
        return Collection(file, [Found(file, 1, {"type": kind, **found.members})])
    if kind != "FeatureCollection":
        not_a_collection(str(kind or ""), file, out)
        return None
    found.members.pop("bbox", None)  # of what was there; what will be there has its own
    return found


def _features(walker: Walker, file: str, out: Diagnostics) -> Iterator[Found]:
    for _ in walker.items():
        line, value = walker.here(), walker.value()
        for key in walker.duplicates:
            duplicate(key, file, line, out)
        walker.duplicates.clear()
        if depth(value) > DEEPEST:
            raise ValueError(f"a feature is nested more than {DEEPEST} deep")
        if not isinstance(value, dict) or value.get("type") != "Feature":
            not_a_feature(file, line, out)
            continue
        yield Found(file, line, value)
