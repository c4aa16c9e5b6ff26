"""`docs/files.md` is every file of the network folder by its JSON Schema; `--update-golden` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sdnctl.usecases.schemas import schema_of, schemas

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "files.md"

INTRODUCTION = """# Files, key by key

Every file of the [network folder](network-folder.md), as `sdnctl schema NAME` describes it (JSON Schema 2020-12,
for editors that complete and check). *required* keys have no default; everything unknown is an error. Quantities
carry their unit (`20 ms`, `7.7 Mbit/s`, `12.4 km`, `-14.4 dBm`). This page is made from the schemas.
"""

Schema = Mapping[str, Any]


def resolve(schema: Schema, root: Schema) -> Schema:
    """What a reference leads to."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def kind(schema: Schema, root: Schema) -> str:
    """A type in words, with a link where it has a table of its own."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found = root["$defs"][name]
        return f"*{name}*" if "properties" in found else kind(found, root)
    if "enum" in schema:
        return " · ".join(f"`{item}`" for item in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            parts = [kind(one, root) for one in schema[key] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(parts)) or "nothing"
    said = schema.get("type", "anything")
    if said == "array":
        return f"list of {kind(schema.get('items', {}), root)}"
    if said == "object" and "additionalProperties" in schema and schema["additionalProperties"]:
        inner = schema["additionalProperties"]
        return f"name: {kind(inner, root) if isinstance(inner, dict) else 'anything'}"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    text = words.get(str(said), str(said))
    if schema.get("format") == "date":
        text = "date"
    elif schema.get("pattern", "").startswith("^[A-Za-z0-9][A-Za-z0-9._-]*"):
        text = "name"
    if examples := schema.get("examples"):
        text += f", like `{examples[0]}`"
    bounds = [f"≥ {schema[key]}" for key in ("minimum",) if key in schema]
    bounds += [f"> {schema[key]}" for key in ("exclusiveMinimum",) if key in schema]
    bounds += [f"≤ {schema[key]}" for key in ("maximum",) if key in schema]
    return f"{text} ({', '.join(bounds)})" if bounds else text


def rows(schema: Schema, root: Schema) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for key, value in schema.get("properties", {}).items():
        default = value.get("default")
        if key in required:
            said = "**required**"
        elif default in (None, [], {}, "") or isinstance(default, dict):
            said = ""
        else:
            said = f"`{str(default).lower() if isinstance(default, bool) else default}`"
        about = str(
            value.get("description", resolve(value, root).get("description", "") if "$ref" in value else "")
        )
        yield f"| `{key}` | {_cell(kind(value, root))} | {said} | {_cell(about.partition(chr(10) * 2)[0])} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def table(schema: Schema, root: Schema) -> list[str]:
    found = list(rows(schema, root))
    return ["| key | what | default | |", "|---|---|---|---|", *found, ""] if found else []


def section(name: str) -> list[str]:
    root = schema_of(name)
    lines = [f"## {root['title']}", "", f"`sdnctl schema {name}`", ""]
    about = str(root.get("description", "")).removeprefix(f"The file of {root['title']}.").strip()
    lines += [about, ""] if about else []
    body = resolve(root.get("items", root), root)
    lines += table(body, root)
    for part, schema in root.get("$defs", {}).items():
        if "properties" in schema and schema is not body:
            lines += [f"**{part}**: {' '.join(str(schema.get('description', '')).split())}", ""]
            lines += table(schema, root)
    return lines


def page() -> str:
    return "\n".join([INTRODUCTION, *(line for name in schemas() for line in section(name))])


def test_every_file_is_documented(pytestconfig: pytest.Config) -> None:
    made = page()
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run this test with --update-golden"


def test_every_key_says_what_it_is_for() -> None:
    silent = set()
    for name in schemas():
        root = schema_of(name)
        parts = {root["title"]: resolve(root.get("items", root), root), **root.get("$defs", {})}
        for part, schema in parts.items():
            for key, value in schema.get("properties", {}).items():
                if not str(value.get("description", "")).endswith("."):
                    silent.add(f"{part}.{key}")
    assert not silent, sorted(silent)


def test_defaults_are_as_people_write_them() -> None:
    """A quantity has its unit: an editor completes what the reader of the file takes."""
    fields = schema_of("network")["properties"]
    assert (fields["hold_down"]["default"], fields["lead_in"]["default"]) == ("5 s", "200 m")
    section = schema_of("network")["$defs"]["ControllerSection"]["properties"]
    assert (section["poll_interval"]["default"], section["flap_limit"]["default"]) == ("2 s", 3)


def test_every_key_of_every_schema_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in schemas():
        root = schema_of(name)
        keys = {key for part in (root, *root.get("$defs", {}).values()) for key in part.get("properties", {})}
        missing = {key for key in keys if f"| `{key}` |" not in text}
        assert not missing, f"{name}: {sorted(missing)}"
