"""A mapping file: which property of somebody else's GeoJSON is which of ours.

    layers:
      - to: segment
        from: {file: "trac*.geojson", geometry: [LineString], where: {NATURE: [tranchee, fourreau]}}
        id: CODE
        properties: {kind: NATURE, owner: PROPRIO, length: LONG_M}
        values: {kind: {tranchee: trench, fourreau: trench}}
        units: {length: m}
        constants: {status: in-service, source: "city GIS"}

The first entry that fits a feature counts. Everything the feature says is kept and comes back on export, mapped or
not. Ids that are not ids of ours are made into some; what refers to them follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdnctl.errors import Diagnostics, Source
from sdnctl.exchange.geojson.features import Found
from sdnctl.exchange.geojson.jsonvalues import plain
from sdnctl.exchange.geojson.layers import Layer
from sdnctl.workspace.yaml import parse_yaml

Text = str | int | float | bool
LISTS = {"segments", "route"}
"""Fields that are lists; in a foreign property they are separated by commas or semicolons."""
COUNT = "strands"
"""A field that cables have not themselves: how many strands, where only that is known of their type."""


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class From(Model):
    """Which features are meant; everything that is said must fit."""

    file: str | None = None
    geometry: tuple[str, ...] = ()
    where: dict[str, Text | tuple[Text, ...]] = {}


class LayerMapping(Model):
    """One layer: `properties` ours → theirs; `values`, `units` by ours; `constants` where theirs is silent."""

    to: Layer
    source: Annotated[From, Field(alias="from")] = From()
    id: str | None = None
    properties: dict[str, str] = {}
    values: dict[str, dict[str, Text]] = {}
    units: dict[str, Literal["m", "km", "cm", "mm", "dB"]] = {}
    constants: dict[str, Any] = {}

    def fits(self, found: Found) -> bool:
        source = self.source
        if source.file is not None and not fnmatchcase(PurePath(found.file).name, source.file):
            return False
        shape = found.geometry.get("type") if isinstance(found.geometry, dict) else None
        if source.geometry and shape not in source.geometry:
            return False
        for name, wanted in source.where.items():
            allowed = wanted if isinstance(wanted, tuple) else (wanted,)
            if not any(_same(found.properties.get(name), value) for value in allowed):
                return False
        return True

    def row(self, found: Found) -> dict[str, Any]:
        """What the feature says in our words."""
        row: dict[str, Any] = dict(self.constants)
        for ours, theirs in self.properties.items():
            value = plain(found.properties.get(theirs))
            if value is None or value == "":
                continue
            row[ours] = self._translated(ours, value)
        if self.id is not None and found.properties.get(self.id) not in (None, ""):
            row["id"] = str(plain(found.properties[self.id]))
        return row

    def _translated(self, ours: str, value: Any) -> Any:
        if ours in self.values:
            value = self.values[ours].get(str(value), value)
        if ours in self.units:
            return f"{str(value).strip().replace(',', '.')} {self.units[ours]}"
        if ours in LISTS and not isinstance(value, list):
            return [part for part in str(value).replace(",", ";").replace(" ", "").split(";") if part]
        if ours == COUNT:
            return value
        return value if isinstance(value, list | dict) else str(value)


class MappingFile(Model):
    """`--mapping FILE`."""

    layers: Annotated[tuple[LayerMapping, ...], Field(min_length=1)]

    def of(self, found: Found) -> LayerMapping | None:
        return next((one for one in self.layers if one.fits(found)), None)


def _same(value: Any, wanted: Text) -> bool:
    return plain(value) == wanted or str(plain(value)) == str(wanted)


def read_mapping(text: str, file: str, out: Diagnostics) -> MappingFile | None:
    """A mapping of its YAML text; None with diagnostics where it is none."""
    tree = parse_yaml(text, file, out)
    if tree is None:
        return None
    try:
        return MappingFile.model_validate(tree.plain())
    except ValidationError as error:
        for one in error.errors(include_url=False):
            path = tree.walk(tuple(one["loc"]))
            node = tree.at(path) or tree.at(path[:-1]) or tree
            where = ".".join(str(part) for part in one["loc"])
            out.error(
                "bad-mapping",
                f"{where}: {one['msg']}",
                address="mapping",
                source=Source(file, node.line),
                hint="docs/exchange.md shows a mapping.",
            )
        return None


def renamed(rows: Mapping[str, str], value: Any) -> Any:
    """References in a field, with ids as they have become."""
    if isinstance(value, list):
        return [renamed(rows, item) for item in value]
    return rows.get(value, value) if isinstance(value, str) else value
