"""Findings as SARIF 2.1.0 (OASIS), as code scanning of forges and editors reads it.

Paths are relative to the top of the repository. A finding that names no file is shown at `network.yaml`, because
viewers drop what has no place.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from sdnctl import __version__
from sdnctl.errors import Diagnostic
from sdnctl.usecases.reporting import Report
from sdnctl.workspace.convention import NETWORK

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_BASE = "%SRCROOT%"
_MOST = 5_000
"""Results that GitHub shows of a run; those beyond are counted in a note."""


def sarif(report: Report, *, exit_code: int) -> dict[str, Any]:
    """One run of one tool; `exit_code` is what the command ends with."""
    found = report.findings
    rules = {code: number for number, code in enumerate(sorted({one.code for one in found}))}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "sdnctl",
                "semanticVersion": __version__,
                "rules": [_rule(code, (one for one in found if one.code == code), report) for code in rules],
            }
        },
        "automationDetails": {"id": f"sdnctl {report.command}/{report.root}".rstrip("/") + "/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The top of the repository."}}},
        "invocations": [{"executionSuccessful": True, "exitCode": exit_code, **_left_out(len(found))}],
        "results": [_result(report, one, rules[one.code]) for one in found[:_MOST]],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _left_out(count: int) -> dict[str, Any]:
    if count <= _MOST:
        return {}
    text = f"{count - _MOST} of {count} findings are left out: viewers show {_MOST}"
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]}


def _rule(code: str, found: Iterable[Diagnostic], report: Report) -> dict[str, Any]:
    """A rule is a code; its help is what its findings advise."""
    words = report.about.get(code) or code.replace("-", " ")
    hints = list(dict.fromkeys(one.hint for one in found if one.hint))
    advice = "\n".join(hints[:10]) or "See what the finding says."
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in code.split("-")),
        "shortDescription": {"text": f"{words[:1].upper()}{words[1:]}"},
        "help": {"text": advice, "markdown": "\n".join(f"- {line}" for line in advice.splitlines())},
    }


def _result(report: Report, one: Diagnostic, rule: int) -> dict[str, Any]:
    source = one.source
    file = source.file if source is not None else NETWORK
    line = source.line if source is not None and source.line is not None else 1
    text = ". ".join(part.rstrip(".") for part in (one.summary, one.detail, one.hint) if part)
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(report.path(file)), "uriBaseId": _BASE},
            "region": {"startLine": line},
        }
    }
    if one.address:
        location["logicalLocations"] = [{"fullyQualifiedName": one.address}]
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": str(one.severity),
        "message": {"text": f"{one.address}: {text}." if one.address else f"{text}."},
        "locations": [location],
        "partialFingerprints": {"finding/v1": _fingerprint(file, one)},
    }


def _fingerprint(file: str, one: Diagnostic) -> str:
    """The same while the same thing is wrong with the same object, whatever line it stands on."""
    return sha256("\0".join((one.code, file, one.address, one.summary)).encode()).hexdigest()[:32]
