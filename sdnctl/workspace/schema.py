"""JSON Schemas of everything that people write, made from the models that validate it."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from sdnctl.workspace.convention import APPLICATION, FILES, Kind


def _name(file: str) -> str:
    """Without folder and extension; the table beside a YAML file of the same name keeps its extension."""
    path = PurePosixPath(file)
    return path.name if path.suffix != ".yaml" and str(path.with_suffix(".yaml")) in FILES else path.stem


_KINDS: dict[str, tuple[str, Kind]] = {
    **{_name(file): (file, kind) for file, kind in FILES.items()},
    "intent": ("intents/<application>.yaml", APPLICATION),
}
_ANNOTATED: Any = Annotated  # of types that are known at run time only
_EACH = {"yaml": "The file", "csv": "One row; columns are properties", "geojson": "The properties of one feature"}


def schema_names() -> tuple[str, ...]:
    """Names that `schema` knows, sorted: of files, without extension where that is enough, and ``intent``."""
    return tuple(sorted(_KINDS))


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind of file; of one row or feature for tables. KeyError for others."""
    file, kind = _KINDS[name]
    made = kind.model.model_json_schema(mode="validation", by_alias=True, schema_generator=_Described)
    described = f"{_EACH[kind.format]} of {file}. {made.pop('description', '')}".strip()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": file,
        "description": described,
        **{key: value for key, value in made.items() if key != "title"},
    }


class _Described(GenerateJsonSchema):
    """Each key with what the model says below its field, and with its default as people write it (``5 s``)."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        said = {name: text for one in reversed(model.__mro__) for name, text in _below(one).items()}
        for name, field in model.model_fields.items():
            key = made.get("properties", {}).get(field.alias or name)
            if key is None:
                continue
            if name in said:
                key["description"] = said[name]
            if isinstance(key.get("default"), int | float) and not isinstance(key["default"], bool):
                written = _ANNOTATED[(field.annotation, *field.metadata)]
                key["default"] = TypeAdapter(written).dump_python(field.default, mode="json")
        return made


def _below(model: type) -> dict[str, str]:
    """The strings that stand below the fields of one class; read when a schema is asked for, never by loaders."""
    return _strings(model.__module__).get(model.__qualname__, {}) if issubclass(model, BaseModel) else {}


@cache
def _strings(module: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for part in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(part, ast.ClassDef):
            said = found[part.name] = {}
            for field, text in zip(part.body, part.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(text, ast.Expr)
                    and isinstance(text.value, ast.Constant)
                    and isinstance(text.value.value, str)
                ):
                    said[field.target.id] = " ".join(text.value.value.split())
    return found
