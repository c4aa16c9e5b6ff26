"""JSON Schemas of everything that people write, made from the models that validate it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from sdnctl.workspace.convention import APPLICATION, FILES, Kind


def _name(file: str) -> str:
    """Without folder and extension; the table beside a YAML file of the same name keeps its extension."""
    path = PurePosixPath(file)
    return path.name if path.suffix != ".yaml" and str(path.with_suffix(".yaml")) in FILES else path.stem


_KINDS: dict[str, tuple[str, Kind]] = {
    **{_name(file): (file, kind) for file, kind in FILES.items()},
    "intent": ("intents/<application>.yaml", APPLICATION),
}
_EACH = {"yaml": "The file", "csv": "One row; columns are properties", "geojson": "The properties of one feature"}


def schema_names() -> tuple[str, ...]:
    """Names that `schema` knows, sorted: of files, without extension where that is enough, and ``intent``."""
    return tuple(sorted(_KINDS))


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind of file; of one row or feature for tables. KeyError for others."""
    file, kind = _KINDS[name]
    made = kind.model.model_json_schema(mode="validation", by_alias=True)
    described = f"{_EACH[kind.format]} of {file}. {made.pop('description', '')}".strip()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": file,
        "description": described,
        **{key: value for key, value in made.items() if key != "title"},
    }
