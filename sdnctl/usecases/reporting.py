"""Findings as other programs show them: what was checked, and what was found, before any format.

A `Report` is made by verbs that check something (`validate`, `verify`, `inventory check`, `fmt`, `hook check`);
`reporting_sarif` and `reporting_junit` write it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError, Severity
from sdnctl.intents.models import Application
from sdnctl.usecases.context import Context
from sdnctl.usecases.verifying import Verification
from sdnctl.workspace.convention import NETWORK


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was checked: a file, an application, a switch; with what was found there."""

    suite: str
    name: str
    file: str = ""
    findings: tuple[Diagnostic, ...] = ()

    @property
    def failures(self) -> tuple[Diagnostic, ...]:
        return tuple(one for one in self.findings if one.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Report:
    """What a verb checked. `root`: the network folder, as seen from the top of its repository ("" for the top).

    `about`: what the codes of findings mean, as far as a list says it.
    """

    command: str
    root: str
    cases: tuple[Case, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        return tuple(one for case in self.cases for one in case.findings)

    def path(self, file: str) -> str:
        """A file of the network folder as seen from the top of the repository, with ``/``."""
        return f"{self.root}/{file}" if self.root else file


def files_of(context: Context) -> dict[str, str]:
    """Application → its file; nothing where the folder cannot be read."""
    try:
        documents = context.loaded.documents.values()
    except InputError:
        return {}
    return {one.value.application: one.file for one in documents if isinstance(one.value, Application)}


def root_of(folder: Path) -> str:
    """The place of a folder below the top of its repository, else below the current folder; "" for the top itself.

    Viewers of reports open files from there. A folder that is below neither is its own top.
    """
    here = folder.resolve()
    top = next((one for one in (here, *here.parents) if (one / ".git").exists()), Path.cwd())
    return here.relative_to(top).as_posix().removeprefix(".") if here.is_relative_to(top) else ""


def by_file(
    command: str,
    folder: Path,
    files: Collection[str],
    found: Iterable[Diagnostic],
    about: Mapping[str, str] | None = None,
) -> Report:
    """A case for each file; findings that name none are about the network as a whole."""
    table: dict[str, list[Diagnostic]] = {file: [] for file in sorted({*files, NETWORK})}
    for one in found:
        table.setdefault(one.source.file if one.source is not None else NETWORK, []).append(one)
    cases = (Case(command, file, file, tuple(items)) for file, items in sorted(table.items()))
    return Report(command, root_of(folder), tuple(cases), about or {})


def by_level(folder: Path, found: Verification, files: Mapping[str, str]) -> Report:
    """A case for each application (and one for the rules) of V1, one for each switch of V2, one for V3.

    `files`: application → its file.
    """
    table: dict[str, list[Diagnostic]] = {one.application: [] for one in found.v1.applications}
    rules: list[Diagnostic] = []
    for one in found.v1.diagnostics():
        application = one.address.removeprefix("demand ").partition("/")[0]
        table.get(application, rules).append(one)
    subject = f"V1 on {found.subject}"
    cases = [Case(subject, "rules", "", tuple(rules))]
    cases += [Case(subject, name, files.get(name, ""), tuple(items)) for name, items in sorted(table.items())]
    if found.v2 is not None:
        cases += _by_address("V2 switches hold what was applied", found.v2.diagnostics())
    if found.v3 is not None:
        cases.append(Case("V3 probes on the wire", "probes", "", found.v3.diagnostics()))
    return Report("verify", root_of(folder), tuple(cases))


def _by_address(suite: str, found: Sequence[Diagnostic]) -> list[Case]:
    table: dict[str, list[Diagnostic]] = {}
    for one in found:
        table.setdefault(one.address or "network", []).append(one)
    return [Case(suite, name, "", tuple(items)) for name, items in sorted(table.items())] or [Case(suite, "all")]
