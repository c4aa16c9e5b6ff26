"""GeoJSON features with the line of each: a FeatureCollection read element by element.

JSON parsers do not tell lines, so the outer object and its `features` are walked here, and the parser of
the standard library reads each value from where it begins.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import Diagnostics, Source
from sdnctl.quick import quick

_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@quick
@dataclass(frozen=True, slots=True)
class Feature:
    """One feature as written, and the line on which it begins."""

    line: int
    geometry: str
    coordinates: Any
    properties: dict[str, Any]
    id: str | int | None = None


@dataclass(slots=True)
class _Walker:
    """A position in the text; `line` counts on from the last position it was asked for."""

    text: str
    position: int = 0
    counted: int = 0
    line: int = 1
    duplicates: list[str] = field(default_factory=list)
    decoder: json.JSONDecoder = field(init=False)
    surrogates: bool = field(init=False)

    def __post_init__(self) -> None:
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._pairs, parse_float=_finite, parse_constant=_no_constant
        )
        self.surrogates = _SURROGATE.search(self.text) is not None

    def here(self) -> int:
        self.line += self.text.count("\n", self.counted, self.position)
        self.counted = self.position
        return self.line

    def peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        found = self.text[self.position : self.position + 1]
        if found and found in " \t\r\n" and (match := _SPACE.match(self.text, self.position)):
            self.position = match.end()
            found = self.text[self.position : self.position + 1]
        return found

    def expect(self, characters: str) -> str:
        found = self.peek()
        if found not in characters or not found:
            raise json.JSONDecodeError(f"expected {' or '.join(characters)}", self.text, self.position)
        self.position += 1
        return found

    def value(self) -> Any:
        self.peek()
        begin = self.position
        value, self.position = self.decoder.raw_decode(self.text, begin)
        if self.surrogates and _SURROGATE.search(self.text, begin, self.position):
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                raise ValueError("half of a surrogate pair stands alone") from None
        return value

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            self.duplicates += sorted({name for name in names if names.count(name) > 1})
        return found

    def members(self) -> Iterator[str]:
        """The keys of an object; the caller reads each value before it asks for the next."""
        self.expect("{")
        if self.peek() == "}":
            self.position += 1
            return
        while True:
            if self.peek() != '"':
                raise json.JSONDecodeError("expected a key in double quotes", self.text, self.position)
            key = self.value()
            self.expect(":")
            yield key
            if self.expect(",}") == "}":
                return

    def items(self) -> Iterator[None]:
        """The items of an array; the caller reads each before it asks for the next."""
        self.expect("[")
        if self.peek() == "]":
            self.position += 1
            return
        while True:
            self.peek()
            yield
            if self.expect(",]") == "]":
                return


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is out of range")
    return value


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def read_features(text: str, file: str, out: Diagnostics) -> tuple[Feature, ...] | None:
    """The features of a FeatureCollection, or None with a diagnostic when the text is not one."""
    walker = _Walker(text)
    try:
        return _collection(walker, file, out)
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


def _collection(walker: _Walker, file: str, out: Diagnostics) -> tuple[Feature, ...] | None:
    kind, features, seen = "", [], set()
    for key in walker.members():
        if key in seen:
            _duplicate(key, file, walker.here(), out)
        seen.add(key)
        if key == "features" and walker.peek() == "[":
            features = list(_features(walker, file, out))
        else:
            line, value = walker.here(), walker.value()
            kind = str(value) if key == "type" else kind
            if key == "crs":
                _check_crs(value, file, line, out)
    if walker.peek():
        raise json.JSONDecodeError("text after the end", walker.text, walker.position)
    if kind != "FeatureCollection":
        out.error(
            "not-geojson",
            f"the file is {kind or 'JSON without type'}, a FeatureCollection is wanted",
            source=Source(file, 1),
            hint="Export the layer as GeoJSON (RFC 7946).",
        )
        return None
    return tuple(features)


def _features(walker: _Walker, file: str, out: Diagnostics) -> Iterator[Feature]:
    for _ in walker.items():
        line, value = walker.here(), walker.value()
        for key in walker.duplicates:
            _duplicate(key, file, line, out)
        walker.duplicates.clear()
        if not isinstance(value, dict) or value.get("type") != "Feature":
            out.error(
                "not-geojson", "this is not a Feature", source=Source(file, line), hint='Its "type" is "Feature".'
            )
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


def _duplicate(key: str, file: str, line: int, out: Diagnostics) -> None:
    out.error(
        "duplicate-key", f"key {key!r} stands here twice", source=Source(file, line), hint="Delete one of the two."
    )


def _check_crs(value: Any, file: str, line: int, out: Diagnostics) -> None:
    """RFC 7946 took `crs` out: positions are WGS 84. Older exports still name it, or another one."""
    properties = value.get("properties") if isinstance(value, dict) else None
    name = str(properties.get("name", "")) if isinstance(properties, dict) else ""
    if not name.endswith(("CRS84", ":4326")):
        out.error(
            "not-wgs84",
            f"the positions are in {name or 'an unnamed system'}, WGS 84 is wanted",
            source=Source(file, line),
            hint="Export the layer in EPSG:4326.",
        )
