"""What a network folder has no place for: kept in a file beside the inventory, and given back on export.

`exchange/geojson.json`: by layer and id the properties and members nobody knows, and geometries that say more
than we keep (an altitude, a line that differs from the route); features of no known layer as they came; members
of the collection.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import Diagnostic, InputError, Source
from sdnctl.exchange.geojson.jsonvalues import plain, real, text_of, whole
from sdnctl.exchange.redaction import Redaction
from sdnctl.plainjson import parse_json

FILE = "exchange/geojson.json"
FORMAT = 1


@dataclass(slots=True)
class Extra:
    """What one feature said beyond the inventory. `geometry` is used as long as ours is still `instead_of`."""

    properties: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    geometry: Any = None
    instead_of: Any = None

    def __bool__(self) -> bool:
        return bool(self.properties or self.members or self.geometry is not None)

    def drawn(self, ours: Any) -> Any:
        """The geometry to write where the inventory would draw `ours`."""
        if self.geometry is not None and plain(self.instead_of) == plain(ours):
            return self.geometry
        return ours


@dataclass(slots=True)
class Keepsake:
    """Extras by layer and key, features of no layer, and members of the collection."""

    extras: dict[tuple[str, str], Extra] = field(default_factory=dict)
    features: list[dict[str, Any]] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.extras or self.features or self.members)

    def dumps(self) -> bytes:
        """One extra or feature a line."""
        extras = [
            text_of(
                {
                    "layer": layer,
                    "key": key,
                    "properties": extra.properties,
                    "members": extra.members,
                    "geometry": extra.geometry,
                    "instead_of": extra.instead_of,
                }
            )
            for (layer, key), extra in sorted(self.extras.items())
        ]
        features = [text_of(feature) for feature in self.features]
        return (
            f'{{"format": {FORMAT},\n"members": {text_of(self.members)},\n"extras": [\n'
            + ",\n".join(extras)
            + '\n],\n"features": [\n'
            + ",\n".join(features)
            + "\n]}\n"
        ).encode("utf-8")

    def redacted(self, redaction: Redaction, left: Collection[str]) -> Keepsake:
        """Without what would tell of restricted sites; `left`: ``layer:key`` of features that are still there."""
        kept = Keepsake(members=redaction.value(self.members))
        for (layer, key), extra in self.extras.items():
            new = redaction.text(key)
            if f"{layer}:{new}" not in left or redaction.hides(_coordinates(extra.geometry)):
                continue
            kept.extras[layer, new] = Extra(
                redaction.value(extra.properties), redaction.value(extra.members), extra.geometry, extra.instead_of
            )
        for feature in self.features:
            if not redaction.hides(_coordinates(feature.get("geometry"))):
                kept.features.append(redaction.value(feature))
        return kept


def _coordinates(geometry: Any) -> Any:
    if not isinstance(geometry, dict):
        return None
    parts = geometry.get("geometries")
    return [_coordinates(part) for part in parts] if isinstance(parts, list) else geometry.get("coordinates")


def loads(content: bytes) -> Keepsake:
    """Read what `dumps` wrote; raises InputError for anything else."""
    try:
        found = parse_json(content, parse_float=real, parse_int=whole)
        kept = Keepsake(features=list(found["features"]), members=dict(found["members"]))
        for row in found["extras"]:
            kept.extras[row["layer"], row["key"]] = Extra(
                dict(row["properties"]), dict(row["members"]), row["geometry"], row["instead_of"]
            )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(
            Diagnostic(
                "keepsake-unreadable",
                f"{FILE} is not what an import wrote",
                source=Source(FILE, getattr(error, "lineno", 1)),
                detail=str(error)[:200],
                hint="restore it from git, or delete it: then what only GeoJSON said is lost",
            )
        ) from error
    return kept
