"""Findings as SARIF and JUnit: what viewers need is there, and says the same as the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from sdnctl_in_process import Net, Result, new_net, sdnctl
from workspace_folder import edited, write

from sdnctl.errors import Diagnostic, Severity, Source
from sdnctl.usecases.reporting import Case, Report, by_file
from sdnctl.usecases.reporting_junit import junit
from sdnctl.usecases.reporting_sarif import sarif

_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_RELATIVE = {"type": "string", "pattern": r"^(?!/)(?![A-Za-z][A-Za-z0-9+.-]*:)[!#-;=?-\[\]_a-z~%]+$"}
_RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "help"],
    "properties": {"id": {"type": "string"}, "shortDescription": _TEXT, "help": _TEXT},
}
_LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri", "uriBaseId"],
                    "properties": {"uri": _RELATIVE, "uriBaseId": {"const": "%SRCROOT%"}},
                },
                "region": {
                    "type": "object",
                    "required": ["startLine"],
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        }
    },
}
_RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    "properties": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": _TEXT,
        "locations": {"type": "array", "minItems": 1, "items": _LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "semanticVersion", "rules"],
                                "properties": {"rules": {"type": "array", "uniqueItems": True, "items": _RULE}},
                            }
                        },
                    },
                    "invocations": {"type": "array", "items": {"required": ["executionSuccessful"]}},
                    "results": {"type": "array", "items": _RESULT},
                },
            },
        },
    },
}
"""What SARIF 2.1.0 (OASIS, 2020) requires of the parts that are written here, and what GitHub adds to that."""


def check_sarif(text: str) -> dict[str, Any]:
    document = json.loads(text)
    jsonschema.validate(document, SARIF)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert isinstance(run, dict)
    return run


BROKEN: Mapping[str, str | bytes | None] = {
    **edited("intents/video.yaml", "class: video", "class: vidéo"),
    **edited("topology/links.yaml", 'a: "sw-b:2"', 'a: "sw-x:2"'),
    "network.yaml": "name: triangle\nmtu: 1500\n",
    "intents/stray.yml": "x\n",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Net:
    """A folder with faults, two folders below the top of its repository."""
    top = tmp_path_factory.mktemp("repository")
    (top / ".git").mkdir()
    return Net(write(top / "sites" / "the town", BROKEN))


def codes(net: Net) -> list[tuple[str, str, int]]:
    found = net.json("validate", code=1)["diagnostics"]
    return sorted((one["code"], one["file"], one["line"] or 1) for one in found)


def test_sarif_of_validate_says_what_the_terminal_says(broken: Net) -> None:
    found = broken("--format", "sarif", "validate")
    assert found.code == 1
    run = check_sarif(found.out)
    assert run["invocations"][0]["exitCode"] == 1
    places = []
    for one in run["results"]:
        where = one["locations"][0]["physicalLocation"]
        uri = where["artifactLocation"]["uri"]
        assert uri.startswith("sites/the%20town/")
        places.append((one["ruleId"], uri.removeprefix("sites/the%20town/"), where["region"]["startLine"]))
    assert sorted(places) == codes(broken)
    assert {one["level"] for one in run["results"]} == {"error", "warning"}
    assert "error[" in found.err, "whoever reads the log of the job sees them too"


def test_junit_of_validate_has_a_case_for_each_file(broken: Net) -> None:
    found = broken("--format", "junit", "validate")
    assert found.code == 1
    whole = ElementTree.fromstring(found.out)
    (suite,) = whole
    failed = [case for case in suite if case.find("failure") is not None]
    bad = {file for code, file, _ in codes(broken) if code != "stray-file"}
    assert {case.get("name") for case in failed} == bad
    assert (whole.get("failures"), suite.get("tests")) == (str(len(bad)), str(len(suite)))
    for case in suite:
        assert case.get("file") == f"sites/the town/{case.get('name')}"
        assert case.get("classname") == "sdnctl.validate"
        assert len(case.findall("failure")) <= 1
    text = next(case for case in failed if case.get("name") == "network.yaml").findtext("failure")
    assert text is not None
    assert "sites/the town/network.yaml:2" in text
    assert "1500" in text


def test_a_valid_folder_passes_everything(tmp_path: Path) -> None:
    net = Net(write(tmp_path / "net"))
    run = check_sarif(net.ok("--format", "sarif", "validate").out)
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    whole = ElementTree.fromstring(net.ok("--format", "junit", "validate").out)
    assert (whole.get("tests"), whole.get("failures")) == ("9", "0")


def test_reports_of_other_verbs(tmp_path: Path) -> None:
    net = new_net(tmp_path / "net", example="small-links", slim=False)
    for name in ("video-protection", "enterprise"):
        net.path(f"intents/{name}.yaml").unlink()

    def suites(result: Result) -> dict[str, list[tuple[str | None, bool]]]:
        return {
            str(suite.get("name")): [(case.get("name"), case.find("failure") is None) for case in suite]
            for suite in ElementTree.fromstring(result.out)
        }

    net.ok("apply", "--yes")
    proven = suites(net.ok("--format", "junit", "verify", "--live", "--failures", "none"))
    names = ["rules", "flood-sensors", "schools"]
    assert proven["V1 on rules read back"] == [(name, True) for name in names]
    assert proven["V2 switches hold what was applied"] == [("all", True)]
    assert proven["V3 probes on the wire"] == [("probes", True)]
    with net.board.changing("pop-south") as embedded:
        embedded.rules = type(embedded.rules)()
    failed = net("--format", "junit", "verify", "--live", "--failures", "none")
    assert failed.code == 4
    held = suites(failed)["V2 switches hold what was applied"]
    assert [name for name, good in held if not good] == ["switch pop-south"]
    check_sarif(net("--format", "sarif", "verify", "--failures", "none").out)

    net.edit("network.yaml", "name: ", "name:   ")
    formatted = check_sarif(net("--format", "sarif", "fmt", "--check").out)
    assert [one["ruleId"] for one in formatted["results"]] == ["not-canonical"]
    checked = net("--format", "sarif", "inventory", "check")
    assert checked.code in (0, 4)
    assert check_sarif(checked.out)["invocations"][0]["exitCode"] == checked.code


def test_verbs_without_findings_refuse_before_they_do_anything(tmp_path: Path) -> None:
    found = sdnctl("-f", "sarif", "init", tmp_path / "net")
    assert (found.code, "no-report" in found.err) == (64, True)
    assert not (tmp_path / "net").exists()


def test_any_text_is_fit_for_both(tmp_path: Path) -> None:
    """Control characters, markup and names of files that are no URIs; what has no place is at network.yaml."""
    odd = Diagnostic(
        "odd", "<b>&\x00\x1b[31m\ud7ff\uffff]]>", "cable 'é'", Source("a b#?%é.yaml", 3), "x\x07y", "\x0b"
    )
    nowhere = Diagnostic("nowhere", "no place", severity=Severity.NOTE)
    report = by_file("validate", tmp_path, ["network.yaml"], [odd, nowhere])
    run = check_sarif(json.dumps(sarif(report, exit_code=1)))
    uris = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]]
    assert uris == ["a%20b%23%3F%25%C3%A9.yaml", "network.yaml"]
    whole = ElementTree.fromstring(junit(report))
    assert [case.get("name") for case in whole.iter("testcase")] == ["a b#?%é.yaml", "network.yaml"]
    assert whole.get("failures") == "1"


def test_a_report_says_how_many_findings_it_leaves_out() -> None:
    many = tuple(Diagnostic("many", f"number {number}", source=Source("x", number)) for number in range(1, 5_003))
    (run,) = sarif(Report("validate", "", (Case("validate", "x", "x", many),)), exit_code=1)["runs"]
    assert len(run["results"]) == 5_000
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("2 of 5002 findings are left out")
