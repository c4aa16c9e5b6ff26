"""`inventory check` as a command: the example and the reference network, exit codes, choices, formats."""

from __future__ import annotations

from pathlib import Path

import pytest
from inventory_support import EXAMPLES
from sdnctl_in_process import sdnctl

from sdnctl.inventory.checking import RULES, WAYS, listed

ROOT = Path(__file__).parent.parent.parent
SMALL = EXAMPLES / "small"
ON = ("--on", "2026-06-01")
WITHOUT_INTENTS = [word for code in sorted(WAYS) for word in ("--ignore", code)]


def counts(folder: Path) -> dict[str, int]:
    """How often each rule that is no note finds something."""
    result = sdnctl("--format", "json", "-n", folder, "inventory", "check", *ON, *WITHOUT_INTENTS)
    assert result.code == 0, result
    found: dict[str, int] = {}
    for one in result.document["findings"]:
        if one["severity"] != "note":
            found[one["code"]] = found.get(one["code"], 0) + 1
    assert result.document["counts"]["error"] == 0
    assert result.document["unjudged"] == []
    return found


def test_the_small_example_has_no_error_and_the_warnings_it_was_given() -> None:
    assert counts(SMALL) == {
        "in-hazard-zone": 1,
        "not-in-service": 2,
        "one-way-splice-reading": 1,
        "optical-budget": 1,
        "optical-overload": 1,
        "reversed-polarity": 1,
        "single-entry": 2,
    }


def test_the_reference_network_has_no_error_and_the_traps_it_was_given() -> None:
    assert counts(ROOT) == {
        "in-hazard-zone": 1,
        "margin-thin": 1,
        "not-in-service": 2,
        "one-way-splice-reading": 1,
        "optical-budget": 1,
        "optical-overload": 1,
        "reversed-polarity": 1,
        "single-entry": 24,
    }


def test_protection_is_judged_from_what_the_folder_compiles_to() -> None:
    only = [word for code in sorted(WAYS) for word in ("--only", code)]
    result = sdnctl("--format", "json", "-n", SMALL, "inventory", "check", *ON, *only)
    assert [one["code"] for one in result.document["findings"]] == ["protected-ways-entry"]
    assert result.code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--only", "single-entry"), 0),
        (("--only", "single-entry", "--strict"), 4),
        (("--only", "single-entrie"), 64),
        (("--ignore", "nothing"), 64),
        (("--on", "yesterday"), 64),
        (("--live", "--rules"), 64),
        (("--device", "core-a"), 64),
        (("--rules",), 0),
    ],
)
def test_exit_codes(words: tuple[str, ...], code: int) -> None:
    result = sdnctl("-n", SMALL, "inventory", "check", *words)
    assert result.code == code, result
    if code == 64:
        assert "error" in result.err


def test_rules_are_listed_in_every_format() -> None:
    result = sdnctl("--format", "json", "-n", SMALL, "inventory", "check", "--rules")
    rules = result.document["rules"]
    assert [one["code"] for one in rules] == [one.code for one in listed()]
    assert {rule.code for rule in RULES} <= {one["code"] for one in rules}
    markdown = sdnctl("--format", "markdown", "-n", SMALL, "inventory", "check", "--rules").out
    assert markdown.count("\n") == len(rules) + 2


def test_markdown_has_a_row_for_each_finding_and_the_patch() -> None:
    only = ("--only", "reversed-polarity", "--only", "single-entry")
    said = sdnctl("--format", "markdown", "-n", SMALL, "inventory", "check", *only).out
    assert said.count("| warning |") == 3
    assert "```diff\n--- a/inventory/equipment.yaml" in said


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert sdnctl("-n", tmp_path / "none", "inventory", "check").code == 1
    (tmp_path / "inventory").mkdir()
    (tmp_path / "network.yaml").write_text("name: x\n", encoding="utf-8")
    (tmp_path / "inventory" / "chambers.csv").write_text('id,lon,lat\n"k1', encoding="utf-8")
    result = sdnctl("-n", tmp_path, "inventory", "check")
    assert result.code == 1
    assert "csv-syntax" in result.err
