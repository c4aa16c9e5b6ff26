"""JSON Schemas are valid, and accept and refuse what the models do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from workspace_folder import EXAMPLES

from sdnctl.errors import Diagnostics
from sdnctl.workspace.convention import kind_of
from sdnctl.workspace.schema import schema, schema_names
from sdnctl.workspace.yaml import parse_yaml

YAML_FILES = sorted(path for path in EXAMPLES.rglob("*.yaml"))


def plain(path: Path) -> Any:
    out = Diagnostics()
    tree = parse_yaml(path.read_text(), path.name, out, may_be_empty=True)
    assert not out.errors
    return tree.plain() if tree else {}


def name_of(path: Path) -> str:
    file = path.relative_to(next(one for one in path.parents if one.parent == EXAMPLES)).as_posix()
    assert kind_of(file) is not None, file
    return path.stem if path.stem in schema_names() else "intent"


@pytest.mark.parametrize("name", schema_names())
def test_every_schema_is_a_valid_schema_that_forbids_unknown_keys(name: str) -> None:
    made = schema(name)
    Draft202012Validator.check_schema(made)
    assert made["additionalProperties"] is False
    assert made["description"]
    assert not Draft202012Validator(made).is_valid({"surely-not-a-key": 1})


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.relative_to(EXAMPLES).as_posix())
def test_the_examples_are_valid_by_schema_too(path: Path) -> None:
    Draft202012Validator(schema(name_of(path))).validate(plain(path))


def test_there_are_examples_of_every_yaml_file() -> None:
    assert {"network", "sites", "equipment", "links", "maintenance", "classes", "tenants", "intent"} <= {
        name_of(path) for path in YAML_FILES
    }


@pytest.mark.parametrize(
    "change",
    [
        {"service": "star"},
        {"bandwidth": 10},
        {"bandwidth": {"up": "1 Mbit/s"}},
        {"guarantees": {"protection": "all"}},
        {"leaves": {"kind": 3}},
        {"owner": 3},
        {"colour": "red"},
    ],
)
def test_the_intent_schema_refuses_what_the_model_refuses(change: dict[str, Any]) -> None:
    good = plain(EXAMPLES / "small" / "intents" / "video-protection.yaml")
    validator = Draft202012Validator(schema("intent"))
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, **change})


def test_an_unknown_schema_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        schema("nothing")
