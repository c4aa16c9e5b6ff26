"""Findings as JUnit XML, as GitLab, Jenkins and others show tests: a case fails if it has an error.

Warnings and notes are in a case's output. Each case has at most one failure, because viewers show the first only.
"""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree as Xml

from sdnctl.errors import Diagnostic, Severity
from sdnctl.usecases.reporting import Case, Report

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def junit(report: Report) -> str:
    """The report as XML text, in ASCII whatever the terminal speaks; times are left out: no case has one."""
    whole = Xml.Element("testsuites", {"name": f"sdnctl {report.command}", **_counts(report.cases)})
    for name, cases in groupby(report.cases, key=lambda case: case.suite):
        items = tuple(cases)
        suite = Xml.SubElement(whole, "testsuite", {"name": _text(name), **_counts(items)})
        for case in items:
            _case(suite, case, report)
    Xml.indent(whole)
    text = Xml.tostring(whole, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _counts(cases: tuple[Case, ...]) -> dict[str, str]:
    failures = sum(bool(case.failures) for case in cases)
    return {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": "0"}


def _case(suite: Xml.Element, case: Case, report: Report) -> None:
    made = Xml.SubElement(suite, "testcase", name=_text(case.name), classname=_text(f"sdnctl.{case.suite}"))
    if case.file:
        made.set("file", _text(report.path(case.file)))
    if case.failures:
        first, more = case.failures[0], len(case.failures) - 1
        message = first.summary + (f" (and {more} more)" if more else "")
        failure = Xml.SubElement(made, "failure", message=_text(message), type=first.code)
        failure.text = _text("\n\n".join(_shown(one, report) for one in case.failures))
    others = [one for one in case.findings if one.severity is not Severity.ERROR]
    if others:
        Xml.SubElement(made, "system-out").text = _text("\n\n".join(_shown(one, report) for one in others))


def _shown(one: Diagnostic, report: Report) -> str:
    """As on a terminal, with the path from the top of the repository."""
    where = ""
    if one.source is not None:
        where = report.path(one.source.file) + (f":{one.source.line}" if one.source.line is not None else "")
    lines = [f"{one.severity}[{one.code}]: {one.summary}"]
    places = "  ".join(part for part in (where, one.address) if part)
    for label, text in (("at", places), ("why", one.detail), ("do", one.hint)):
        if text:
            lines.append(f"  {label:>4}  {text}")
    return "\n".join(lines)


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
