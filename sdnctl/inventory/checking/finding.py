"""What a check of the records finds, and what a rule is: values.

A rule looks at a `Subject` and yields hits; the table gives them the rule's code and, where they say no other, its
grade. Grades are consequences: an *error* sends a crew to the wrong place or promises what glass cannot do, a
*warning* will, or may already, cost a repair its time, a *note* is worth knowing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sdnctl.errors import Diagnostic, Severity, Source
from sdnctl.inventory.live.findings import Edit

if TYPE_CHECKING:
    from sdnctl.inventory.checking.subject import Subject

GRADES = tuple(Severity)
"""The gravest first."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a rule found; `grade` where it is not the rule's usual one."""

    address: str
    source: Source | None
    summary: str
    why: str = ""
    remedy: str = ""
    edits: tuple[Edit, ...] = ()
    grade: Severity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `about`: what it finds, as `--rules` lists it.

    `whole`: it looks for what is not there, so it is not asked of a plant from which faulty things were left out.
    """

    code: str
    grade: Severity
    about: str
    look: Callable[[Subject], Iterator[Hit]]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic, and the edits of files that would put it right where that is obvious."""

    told: Diagnostic
    edits: tuple[Edit, ...] = ()

    @classmethod
    def of(cls, rule: Rule, hit: Hit) -> Finding:
        told = Diagnostic(
            rule.code, hit.summary, hit.address, hit.source, hit.why, hit.remedy, hit.grade or rule.grade
        )
        return cls(told, hit.edits)

    def to_json(self) -> dict[str, Any]:
        """As JSON documents have it: a diagnostic, and how many edits are proposed."""
        return {**self.told.to_json(), "edits": len(self.edits)}


def order(finding: Finding) -> tuple[int, str, str, int, str, str]:
    """The gravest first, then by rule and place."""
    told = finding.told
    file, line = (told.source.file, told.source.line or 0) if told.source is not None else ("", 0)
    return GRADES.index(told.severity), told.code, file, line, told.address, told.summary
