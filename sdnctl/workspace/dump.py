"""Models back to text, canonically: what a loader reads from it is the same value.

Defaults are left out, keys stand in the order of the models, quantities in their largest fitting unit. Comments
are not part of the value and are lost.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from sdnctl.document import Document
from sdnctl.workspace.canonical_tables import order_of
from sdnctl.workspace.convention import kind_of
from sdnctl.workspace.yaml import scalar


class _Dumper(yaml.SafeDumper):
    """Quotes every text that our loader, or one of YAML 1.1, would read as something else."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # only double quotes keep every line break and control character apart
    style = '"' if not text.isprintable() or not isinstance(scalar(text), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump_yaml(model: BaseModel) -> str:
    """One file's model as YAML."""
    text: str = yaml.dump(
        _plain(model), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )
    return text


def dump_csv(rows: Iterable[BaseModel], model: type[BaseModel]) -> str:
    """Rows as CSV; columns that no row uses are left out unless they are required."""
    plain = [_plain(row) for row in rows]
    used = {key for row in plain for key in row}
    needed = {field.alias or key for key, field in model.model_fields.items() if field.is_required()}
    columns = [name for name in order_of(model) if name in used | needed]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in plain)
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ";".join(str(item) for item in value)
    return str(value)


def dump_geojson(rows: Iterable[BaseModel]) -> str:
    """Features as GeoJSON, one a line, so that a change of one is a change of one line."""
    features = []
    for row in rows:
        plain, order = _plain(row), order_of(type(row))
        properties = {name: plain[name] for name in order if name in plain}
        geometry = {"type": getattr(row, "GEOMETRY", "LineString"), "coordinates": properties.pop("coordinates")}
        feature = {"type": "Feature", "properties": properties, "geometry": geometry}
        features.append(json.dumps(feature, ensure_ascii=False))
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"


def dump_documents(documents: Mapping[str, Document[Any]]) -> dict[str, str]:
    """File → text of everything that was loaded; raises KeyError for a file that is not of the convention."""
    texts: dict[str, str] = {}
    for file, document in sorted(documents.items()):
        kind = kind_of(file)
        if kind is None:
            raise KeyError(file)
        if kind.format == "csv":
            texts[file] = dump_csv(document.value, kind.model)
        elif kind.format == "geojson":
            texts[file] = dump_geojson(document.value)
        else:
            texts[file] = dump_yaml(document.value)
    return texts


def _plain(model: BaseModel) -> dict[str, Any]:
    """A model as JSON-able values, without what is default anyway."""
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
