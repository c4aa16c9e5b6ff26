"""What is wrong in a delivery, how much it matters, and what was inferred instead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from sdnctl.errors import Diagnostic, Severity, Source

Point = tuple[float, float]

DISTANCES = (0.01, 0.1, 1.0)
"""Metres between the end of a line and its node: up to the first it is one place; each further one is a grade."""
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Defect:
    """One finding. `row`: the code of the row; `at`: longitude and latitude, where that is known.

    `ask`: what a person has to fill in before the object can be used; empty where nothing is to do.
    """

    grade: Severity
    code: str
    table: str
    row: str
    text: str
    line: int | None = None
    file: str = ""
    column: str = ""
    at: Point | None = None
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Inferred:
    """A value that the delivery does not have, and what it was taken from."""

    table: str
    row: str
    column: str
    value: str
    source: str


class More(TypedDict, total=False):
    """What else may be said of a defect."""

    column: str
    at: Point | None
    ask: str


@dataclass
class Findings:
    """Everything that was found; `files`: table → where it was read."""

    files: dict[str, str] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)
    inferred: list[Inferred] = field(default_factory=list)

    def add(
        self,
        grade: Severity,
        code: str,
        table: str,
        row: str,
        text: str,
        line: int | None = None,
        **more: Unpack[More],
    ) -> None:
        self.defects.append(Defect(grade, code, table, row, text, line, self.files.get(table, table), **more))

    def error(
        self, code: str, table: str, row: str, text: str, line: int | None = None, **more: Unpack[More]
    ) -> None:
        self.add(Severity.ERROR, code, table, row, text, line, **more)

    def warning(
        self, code: str, table: str, row: str, text: str, line: int | None = None, **more: Unpack[More]
    ) -> None:
        self.add(Severity.WARNING, code, table, row, text, line, **more)

    def note(
        self, code: str, table: str, row: str, text: str, line: int | None = None, **more: Unpack[More]
    ) -> None:
        self.add(Severity.NOTE, code, table, row, text, line, **more)

    def graded(
        self,
        off: float,
        code: str,
        table: str,
        row: str,
        text: str,
        line: int | None = None,
        **more: Unpack[More],
    ) -> None:
        """A distance in metres between what should be one place, by how large it is."""
        _, near, far = DISTANCES
        if off <= near:
            self.note(f"{code}-centimetres", table, row, text, line, **more)
        elif off <= far:
            self.warning(f"{code}-metre", table, row, text, line, **more)
        else:
            self.error(f"{code}-far", table, row, text, line, **more)

    def infer(self, table: str, row: str, column: str, value: object, source: str) -> None:
        self.inferred.append(Inferred(table, row, column, str(value), source))

    def groups(self) -> Iterator[tuple[str, list[Defect]]]:
        """Defects by code, the gravest first, then the most frequent."""
        by_code: dict[str, list[Defect]] = defaultdict(list)
        for one in self.defects:
            by_code[one.code].append(one)
        order = [Severity.ERROR, Severity.WARNING, Severity.NOTE]

        def rank(item: tuple[str, list[Defect]]) -> tuple[int, int, str]:
            return min(order.index(one.grade) for one in item[1]), -len(item[1]), item[0]

        yield from sorted(by_code.items(), key=rank)

    def diagnostics(self, report: str) -> tuple[Diagnostic, ...]:
        """One diagnostic per code, with examples; `report` names the file that has them all.

        None is an error: what cannot be used is left out, named, and kept.
        """
        found = []
        for code, items in self.groups():
            first = items[0]
            graded = {grade: sum(one.grade is grade for one in items) for grade in Severity}
            shown = "; ".join(one.text for one in items[:EXAMPLES])
            more = f"; and {len(items) - EXAMPLES:,} more" if len(items) > EXAMPLES else ""
            counts = ", ".join(
                f"{count:,} {grade}{'s' if count > 1 else ''}" for grade, count in graded.items() if count
            )
            worst = Severity.NOTE if graded[Severity.NOTE] == len(items) else Severity.WARNING
            found.append(
                Diagnostic(
                    code,
                    f"{first.table}: {shown}{more}",
                    first.table,
                    Source(first.file, first.line),
                    detail=f"Graded: {counts}." if len(items) > 1 or graded[Severity.ERROR] else "",
                    hint=first.ask or f"All of them are in {report}.",
                    severity=worst,
                )
            )
        if self.inferred:
            by_source: dict[str, int] = defaultdict(int)
            for one in self.inferred:
                by_source[f"{one.table}.{one.column} from {one.source}"] += 1
            text = "; ".join(f"{count:,} {what}" for what, count in sorted(by_source.items()))
            found.append(
                Diagnostic(
                    "inferred",
                    f"{len(self.inferred):,} values were inferred"
                    if len(self.inferred) > 1
                    else "a value was inferred",
                    detail=text,
                    hint="gracethd/inferred.csv lists them; an export leaves them empty again.",
                    severity=Severity.NOTE,
                )
            )
        return tuple(found)
