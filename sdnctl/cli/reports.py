"""Reports of findings on stdout, in the form that other programs show."""

from __future__ import annotations

import json

from sdnctl.cli.output import Format
from sdnctl.usecases.reporting import Report
from sdnctl.usecases.reporting_junit import junit
from sdnctl.usecases.reporting_sarif import sarif


def text(report: Report, form: Format, exit_code: int) -> str:
    """A report as text, without the last end of line."""
    if form is Format.JUNIT:
        return junit(report).rstrip("\n")
    return json.dumps(sarif(report, exit_code=exit_code), indent=2)
