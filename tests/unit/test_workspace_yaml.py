"""YAML as people mean it: scalars, lines, limits, and everything that is not YAML."""

from __future__ import annotations

import pytest

from sdnctl.errors import Diagnostics
from sdnctl.workspace.yaml import MAX_DEPTH, parse_yaml


def parsed(text: str) -> object:
    out = Diagnostics()
    tree = parse_yaml(text, "f.yaml", out)
    assert not out.items, out.items
    assert tree is not None
    return tree.plain()


def found(text: str) -> list[tuple[str, int | None]]:
    out = Diagnostics()
    parse_yaml(text, "f.yaml", out)
    return [(one.code, one.source.line if one.source else None) for one in out]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("1:02:03", "1:02:03"),
        ("2024-01-01", "2024-01-01"),
        ("017", "017"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("=", "="),
        ("pop-gare:3", "pop-gare:3"),
        ("00:11:22:33:44:55", "00:11:22:33:44:55"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("'12'", "12"),
        ('"true"', "true"),
        ("9" * 41, "9" * 41),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert parsed(f"a: {text}\n") == {"a": value}
    assert type(parsed(f"- {text}\n")[0]) is type(value)  # type: ignore[index]


def test_keys_are_text_as_written() -> None:
    assert parsed("12: a\ntrue: b\nNO: c\n") == {"12": "a", "true": "b", "NO": "c"}


def test_every_value_knows_its_line() -> None:
    tree = parse_yaml("a: 1\nb:\n  - x\n  - y: 2\n    z:\n      3\nc: {d: 4,\n  e: 5}\n", "f.yaml", Diagnostics())
    assert tree is not None
    assert tree.lines() == {
        (): 1,
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 1): 4,
        ("b", 1, "y"): 4,
        ("b", 1, "z"): 5,
        ("c",): 7,
        ("c", "d"): 7,
        ("c", "e"): 8,
    }


def test_aliases_are_read_and_share_their_value() -> None:
    assert parsed("a: &x {k: [1]}\nb: *x\n") == {"a": {"k": [1]}, "b": {"k": [1]}}


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3),
        ("a:\n  b: 1\n  b: 2\n", "duplicate-key", 3),
        ("a: 1\n? [x]\n: 2\n", "bad-key", 2),
        ("a: &x 1\n*x : 2\n", "bad-key", 2),
        ("a: [1\n", "yaml-syntax", 2),
        ("a: b: c\n", "yaml-syntax", 1),
        ("\ta: 1\n", "yaml-syntax", 1),
        ("é: 1\nb: \x07\n", "yaml-syntax", 2),
        ("a: 1\nb: *x\n", "yaml-syntax", 2),
        ("a: &x [*x]\n", "yaml-syntax", 1),
        ('a: 1\nb: "\\ud800"\n', "yaml-syntax", 2),
        ("a: !!python/object/apply:os.system [x]\n", "yaml-tag", 1),
        ("a: 1\n--- \nb: 1\n", "second-document", 2),
        ("", "empty-file", 1),
        ("# only a comment\n", "empty-file", 1),
        ("a:\n" + "".join("  " * i + "- \n" for i in range(MAX_DEPTH + 1)), "too-deep", MAX_DEPTH + 1),
        ("a: " + "[" * 5000, "too-deep", 1),
    ],
)
def test_what_is_not_yaml_is_reported_with_its_line(text: str, code: str, line: int) -> None:
    assert found(text) == [(code, line)]


def test_a_duplicate_key_does_not_hide_the_rest() -> None:
    out = Diagnostics()
    tree = parse_yaml("a: 1\na: 2\nb: 3\nb: [4]\n", "f.yaml", out)
    assert tree is not None
    assert tree.plain() == {"a": 1, "b": 3}
    assert [one.source.line for one in out if one.source] == [2, 4]
    assert "line 1" in out.items[0].detail


def test_alias_bombs_are_refused_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert [code for code, _ in found("\n".join(lines))] == ["alias-expansion"]


def test_aliases_do_not_get_round_the_depth_limit() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 2 * MAX_DEPTH)]
    assert [code for code, _ in found("\n".join(lines))] == ["too-deep"]


def test_a_file_that_may_be_empty_gets_a_warning_only() -> None:
    out = Diagnostics()
    assert parse_yaml("# nothing\n", "f.yaml", out, may_be_empty=True) is None
    assert [one.code for one in out] == ["empty-file"]
    assert not out.errors
