"""GeoJSON features with the line of each: a FeatureCollection read element by element.

The outer object and its `features` are walked here, so that each has its line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from sdnctl.errors import Diagnostics, Source
from sdnctl.quick import quick
from sdnctl.workspace.jsontext import Walker

T = TypeVar("T")


@quick
@dataclass(frozen=True, slots=True)
class Feature:
    """One feature as written, and the line on which it begins."""

    line: int
    geometry: str
    coordinates: Any
    properties: dict[str, Any]
    id: str | int | None = None


def read_features(text: str, file: str, out: Diagnostics) -> tuple[Feature, ...] | None:
    """The features of a FeatureCollection, or None with a diagnostic when the text is not one."""
    walker = Walker(text)
    return understood(walker, file, out, lambda: _collection(walker, file, out))


def understood(walker: Walker, file: str, out: Diagnostics, read: Callable[[], T]) -> T | None:
    """What `read` makes of the text that `walker` walks; None with a diagnostic where it is not JSON."""
    try:
        return read()
    except json.JSONDecodeError as error:
        line, what = error.lineno, error.msg[0].lower() + error.msg[1:]
    except RecursionError:
        line, what = walker.here(), "it is nested too deep"
    except ValueError as error:
        line, what = walker.here(), str(error)
    out.error(
        "json-syntax", f"not JSON: {what}", source=Source(file, line), hint="Export the layer as GeoJSON again."
    )
    return None


def _collection(walker: Walker, file: str, out: Diagnostics) -> tuple[Feature, ...] | None:
    kind, features, seen = "", [], set()
    for key in walker.members():
        if key in seen:
            duplicate(key, file, walker.here(), out)
        seen.add(key)
        if key == "features" and walker.peek() == "[":
            features = list(_features(walker, file, out))
        else:
            line, value = walker.here(), walker.value()
            kind = str(value) if key == "type" else kind
            if key == "crs":
                check_crs(value, file, line, out)
    if walker.peek():
        raise json.JSONDecodeError("text after the end", walker.text, walker.position)
    if kind != "FeatureCollection":
        not_a_collection(kind, file, out)
        return None
    return tuple(features)


def _features(walker: Walker, file: str, out: Diagnostics) -> Iterator[Feature]:
    for _ in walker.items():
        line, value = walker.here(), walker.value()
        for key in walker.duplicates:
            duplicate(key, file, line, out)
        walker.duplicates.clear()
        if not isinstance(value, dict) or value.get("type") != "Feature":
            not_a_feature(file, line, out)
            continue
        shape, properties, name = value.get("geometry"), value.get("properties"), value.get("id")
        shape = shape if isinstance(shape, dict) else {}
        yield Feature(
            line,
            str(shape.get("type") or ""),
            shape.get("coordinates"),
            properties if isinstance(properties, dict) else {},
            name if isinstance(name, str | int) else None,
        )


# ── faults of GeoJSON, whoever reads it ──────────────────────────────────────────────────────────


def duplicate(key: str, file: str, line: int, out: Diagnostics) -> None:
    """A key stands twice in one object."""
    text = f"key {key[:60]!r} stands here twice"
    out.error("duplicate-key", text, source=Source(file, line), hint="Delete one of the two.")


def not_a_feature(file: str, line: int, out: Diagnostics) -> None:
    """An element of `features` is something else."""
    hint = 'Its "type" is "Feature".'
    out.error("not-geojson", "this is not a Feature", source=Source(file, line), hint=hint)


def not_a_collection(kind: str, file: str, out: Diagnostics) -> None:
    """The file is another kind of JSON; `kind` is its type, empty without one."""
    out.error(
        "not-geojson",
        f"the file is {kind[:40] or 'JSON without type'}, a FeatureCollection is wanted",
        source=Source(file, 1),
        hint="Export the layer as GeoJSON (RFC 7946).",
    )


def check_crs(value: Any, file: str, line: int, out: Diagnostics) -> None:
    """RFC 7946 took `crs` out: positions are WGS 84. Older exports still name it, or another one."""
    properties = value.get("properties") if isinstance(value, dict) else None
    name = str(properties.get("name", "")) if isinstance(properties, dict) else ""
    if not name.endswith(("CRS84", ":4326")):
        out.error(
            "not-wgs84",
            f"the positions are in {name[:60] or 'an unnamed system'}, WGS 84 is wanted",
            source=Source(file, line),
            hint="Export the layer in EPSG:4326.",
        )
