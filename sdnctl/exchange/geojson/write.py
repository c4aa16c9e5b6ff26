"""Features as bytes: a file, or a file per layer; the same network gives the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdnctl.document import Document
from sdnctl.exchange.geojson import shapes
from sdnctl.exchange.geojson.features import OWN
from sdnctl.exchange.geojson.jsonvalues import text_of
from sdnctl.exchange.geojson.keepsake import Extra, Keepsake
from sdnctl.exchange.geojson.layers import FILE_OF, LAYERS, Item

OTHERS = "others"
"""Stem of the file of features that belong to no layer."""


@dataclass(frozen=True, slots=True)
class Written:
    """Name → bytes, and how many features each layer has."""

    contents: dict[str, bytes]
    counts: dict[str, int]


def write(found: Sequence[Item], kept: Keepsake, cable_types: Sequence[Any], name: str | None) -> Written:
    """All features in one file called `name`, or without a name in a file per layer."""
    own = {"cable_types": list(cable_types)} if cable_types else {}
    counts = Counter(FILE_OF[item.layer] for item in found)
    if kept.features:
        counts["features of other tools"] = len(kept.features)
    if name is not None:
        features = [*map(_feature_of(kept), found), *kept.features]
        return Written({name: _collection(features, own, kept.members)}, dict(counts))
    contents: dict[str, bytes] = {}
    members = kept.members
    for layer in LAYERS:
        features = list(map(_feature_of(kept), (item for item in found if item.layer == layer)))
        if features or (layer == "cable" and own):
            mine = own if layer == "cable" else {}
            contents[f"{FILE_OF[layer]}.geojson"] = _collection(features, mine, members)
            members = {}
    if kept.features or members:
        contents[f"{OTHERS}.geojson"] = _collection(kept.features, {}, members)
    return Written(contents, dict(counts))


def cable_types_of(documents: Mapping[str, Document[Any]]) -> list[Any]:
    """Kinds of cables as plain values: they have no geometry, and cables mean nothing without them."""
    document = documents.get("inventory/cable-types.yaml")
    if document is None:
        return []
    return [
        kind.model_dump(mode="json", by_alias=True, exclude_defaults=True) for kind in document.value.cable_types
    ]


def _feature_of(kept: Keepsake) -> Any:
    def feature(item: Item) -> dict[str, Any]:
        extra = kept.extras.get((item.layer, item.key), Extra())
        found = {
            "type": "Feature",
            "properties": {**item.properties, **extra.properties},
            "geometry": extra.drawn(item.geometry),
        }
        return {**found, **extra.members}

    return feature


def _collection(features: Iterable[dict[str, Any]], own: Mapping[str, Any], members: Mapping[str, Any]) -> bytes:
    """One feature a line, so that a change of one is a change of one line."""
    all_of_them = list(features)
    box = shapes.bbox(feature.get("geometry") for feature in all_of_them)
    head = {
        "type": "FeatureCollection",
        **({"bbox": box} if box else {}),
        **({OWN: own} if own else {}),
        **members,
    }
    lines = ",\n".join(text_of(feature) for feature in all_of_them)
    return f'{text_of(head)[:-1]},"features":[\n{lines}\n]}}\n'.encode()
