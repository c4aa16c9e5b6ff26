"""However a file is written, `fmt` gives it one form: same meaning, same comments, and nothing more to change."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from workspace_folder import FILES
from yaml_styles import Styler

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.models import EndpointRow, SegmentFeature
from sdnctl.workspace.canonical import canonical
from sdnctl.workspace.convention import kind_of
from sdnctl.workspace.tables import parse_csv, parse_geojson
from sdnctl.workspace.validate import validate
from sdnctl.workspace.yaml import parse_yaml

YAML = sorted(name for name in FILES if name.endswith(".yaml"))
seeds = st.integers(0, 2**32)
texts = st.text("ab :#-'\"\\[]{},&*!|>%@`é\n\t\u2028\x07?", max_size=12) | st.sampled_from(
    [
        "NO",
        "12:30",
        "null",
        "~",
        "1e3",
        "017",
        "",
        "- a",
        "a: b",
        "a #b",
        "# c",
        "10 Mbit/s",
        "x y z",
        "é à",
        "'",
        '"',
    ]
)
scalars = texts | st.integers(-9, 99) | st.booleans() | st.none() | st.floats(-2, 2)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=14,
)


def formatted(file: str, text: str) -> str:
    """The canonical form, which must be there and be its own."""
    out = Diagnostics()
    made = canonical(file, text, out)
    assert made is not None, (text, out.items)
    assert canonical(file, made, out) == made, (text, made)
    assert not out.items
    return made


def read(file: str, text: str) -> Any:
    out = Diagnostics()
    tree = parse_yaml(text, file, out, may_be_empty=True)
    assert not out.errors, (text, out.errors)
    return tree.plain() if tree is not None else None


def model(file: str, text: str) -> Document[Any]:
    kind, out = kind_of(file), Diagnostics()
    tree = parse_yaml(text, file, out)
    assert kind is not None
    assert tree is not None
    found = validate(tree, kind.model, file, out).document
    assert found is not None, (text, out.items)
    return found


def check_styles(file: str, seed: int) -> None:
    value = read(file, FILES[file])
    styler = Styler(seed)
    text = styler.document(value)
    assert read(file, text) == value, "the styler itself is wrong"
    made = formatted(file, text)
    assert model(file, made).value == model(file, FILES[file]).value
    for comment, count in Counter(styler.comments).items():
        assert made.count(comment) >= count, (text, made)
    lines = made.splitlines()
    assert "\r" not in made
    assert made.endswith("\n")
    assert all(line == line.rstrip() for line in lines)
    assert not any(one == two == "" for one, two in zip(lines, ["", *lines], strict=False))


@given(st.sampled_from(YAML), seeds)
@settings(max_examples=30)
def test_files_mean_the_same_however_they_were_styled(file: str, seed: int) -> None:
    check_styles(file, seed)


@pytest.mark.soak
@given(st.sampled_from(YAML), seeds)
@settings(max_examples=5_000)
def test_files_mean_the_same_however_they_were_styled_long(file: str, seed: int) -> None:
    check_styles(file, seed)


def check_values(value: dict[str, Any], seed: int) -> None:
    styler = Styler(seed)
    text = styler.document(value)
    wanted = json.dumps(value)
    assert json.dumps(read("network.yaml", text)) == wanted, "the styler itself is wrong"
    made = formatted("network.yaml", text)
    assert json.dumps(read("network.yaml", made)) == wanted, (text, made)
    for comment, count in Counter(styler.comments).items():
        assert made.count(comment) >= count, (text, made)


@given(st.dictionaries(texts, values, min_size=1, max_size=4), seeds)
@settings(max_examples=25)
def test_any_value_survives(value: dict[str, Any], seed: int) -> None:
    check_values(value, seed)


@pytest.mark.soak
@given(st.dictionaries(texts, values, min_size=1, max_size=4), seeds)
@settings(max_examples=10_000)
def test_any_value_survives_long(value: dict[str, Any], seed: int) -> None:
    check_values(value, seed)


@given(st.text("ab:-[]{}&*|>'\"# \n,?%", max_size=60))
@settings(max_examples=100)
@example("a: |\n  x\n # c\nb: 1\n")
@example("a: |2\n    x\n   y\n")
@example("a: |+\n x\n\n\n# c\n")
@example("a: >\n x\n y\n\n  z\n")
@example("a: &x # c\n - 1\nb: *x\n")
@example("- - a # c\n  - b\n")
@example("? a\n: b\n")
@example("{a: 1, # c\n b: [x,\n # d\n y]} # e\n")
@example("a:\n# low\n  b: 1\n  # deep\n# end")
def test_any_text_is_formatted_or_left_alone(text: str) -> None:
    """What is YAML keeps its value; what is not is refused; never an exception."""
    out, found = Diagnostics(), Diagnostics()
    tree = parse_yaml(text, "network.yaml", found, may_be_empty=True)
    made = canonical("network.yaml", text, out)
    assert (made is None) == bool(found.errors), (text, out.items)
    if made is not None:
        again = parse_yaml(made, "network.yaml", found, may_be_empty=True)
        assert (again.plain() if again else None) == (tree.plain() if tree else None)
        assert canonical("network.yaml", made, out) == made, (text, made)


# ── tables ───────────────────────────────────────────────────────────────────────────────────────

cells = st.text("ab,\"\n ';é", max_size=6)


@given(
    st.permutations(["id", "site", "device", "port", "kind", "tags", "owner"]),
    st.lists(st.lists(cells, min_size=7, max_size=7), max_size=4),
    st.booleans(),
)
@settings(max_examples=30)
def test_tables_keep_their_rows_in_one_order_of_columns(
    header: list[str], rows: list[list[str]], quoted: bool
) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if quoted or any(mark in text for mark in ',"\n') else text

    text = "\r\n".join(",".join(map(cell, row)) for row in (header, *rows)) + "\r\n"
    file = "inventory/endpoints.csv"
    made = formatted(file, text)
    assert made.splitlines()[0] == "id,site,device,port,kind,tags,owner"
    one, two = (parse_csv(each, EndpointRow, file, Diagnostics()) for each in (text, made))
    assert one is not None
    assert two is not None
    assert one.document.value == two.document.value


numbers = st.sampled_from(["4.10", "4.1e0", "43.830000", "4", "-0.0", "1E-3", "4.123456789012345678"])
features = st.fixed_dictionaries(
    {"id": st.sampled_from(["s1", "s2"]), "a": st.just("x"), "b": st.just("y")},
    optional={
        "source": st.text(max_size=5),
        "kind": st.just("bridge"),
        "valid_from": st.just("2020-01-01"),
        "odd": st.none(),
    },
)


@given(
    st.lists(st.tuples(features, st.lists(st.tuples(numbers, numbers), min_size=2, max_size=3)), max_size=3), seeds
)
@settings(max_examples=30)
def test_features_keep_their_numbers_as_written(rows: list[tuple[dict[str, Any], Any]], seed: int) -> None:
    chance = random.Random(seed)
    parts = []
    for properties, line in rows:
        names = list(properties)
        chance.shuffle(names)
        points = ",".join(f"[{x},{' ' * chance.randrange(3)}{y}]" for x, y in line)
        pieces = [
            '"type" : "Feature"',
            '"properties":'
            + json.dumps({name: properties[name] for name in names}, indent=chance.choice([None, 1])),
            f'"geometry": {{"coordinates":[{points}],"type":"LineString"}}',
        ]
        chance.shuffle(pieces)
        parts.append("{" + ",\n".join(pieces) + "}")
    text = '{"features": [' + ",".join(parts) + '],"name":"layer", "type":"FeatureCollection"}'
    file = "inventory/segments.geojson"
    made = formatted(file, text)
    assert made.startswith('{"type": "FeatureCollection", "name": "layer", "features": [')
    assert len(made.splitlines()) == (len(rows) + 2 if rows else 1)
    for _, line in rows:
        assert "[" + ", ".join(f"[{x}, {y}]" for x, y in line) + "]" in made
    one, two = (parse_geojson(each, SegmentFeature, file, Diagnostics()) for each in (text, made))
    assert one is not None
    assert two is not None
    assert one.document.value == two.document.value
