"""The report of fuzzing: a row for each target, which adds up the pieces in which its inputs were given."""

from __future__ import annotations

import fcntl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from fuzzing import BLOCKS, GROWTH, PATIENCE, ROOM, Outcome

HEAD = """Everything that reads bytes from outside, damaged inputs by the million; nothing hung, crashed or grew
command: pytest --soak -m soak tests/property/test_fuzz_everything.py (tests/fuzzing_targets.py has the table)
in pieces: python tests/fuzzing_targets.py NAME --run COUNT --report, which adds to the row of NAME

Of one input: at most {patience:g} s of CPU and {room} MiB. Of a piece, after its first fifth: at most {growth}
MiB more, and a block of Python's memory for each {blocks} inputs (slowest, grown, blocks: the worst of the pieces;
CPU: in the parser). Refused: with diagnostics that have a code, say something, and name the file where there is
one; or, below the diagnostics, with the error that the parser says it raises. A piece that failed is not counted.

Stores as files and whole network folders get 100,000, not a million: an input is a database, opened, asked all
that commands ask, and closed, or a folder through all stages; 10 to 20 ms each. What stands in their cells and
files gets its million by targets of its own.

{count}

{heading}
"""
HEADING = (
    f"{'target':34} {'inputs':>9} {'accepted':>9} {'refused':>9} {'CPU':>8} {'per s':>7} {'slowest':>9} "
    f"{'grown':>9} {'blocks':>7}  {'last piece':10}  seeds"
)
_NAME = 34


@dataclass(frozen=True)
class Row:
    """What became of the inputs of a target; CPU and the slowest input in seconds, growth in MiB."""

    target: str
    accepted: int
    refused: int
    seconds: float
    slowest: float
    grown: float
    blocks: int
    date: str
    seeds: str

    @classmethod
    def of(cls, outcome: Outcome, date: str) -> Self:
        """The row of one piece."""
        return cls(
            outcome.target,
            outcome.accepted,
            outcome.refused,
            outcome.seconds,
            outcome.slowest,
            outcome.grown / (1 << 20),
            outcome.blocks,
            date,
            str(outcome.seed),
        )

    @classmethod
    def read(cls, line: str) -> Self:
        """A row as it stands in the report."""
        words = line[_NAME:].replace(",", "").split()
        _, accepted, refused, seconds, _, _, slowest, _, grown, _, blocks, date = words[:12]
        seeds = line.split()[-1]
        number = float(slowest) / 1000
        name = line[:_NAME].strip()
        return cls(
            name, int(accepted), int(refused), float(seconds), number, float(grown), int(blocks), date, seeds
        )

    @property
    def inputs(self) -> int:
        return self.accepted + self.refused

    @property
    def last_seed(self) -> int:
        return int(self.seeds.rpartition(",")[2].rpartition("-")[2])

    def and_then(self, later: Row) -> Row:
        """Both together; seeds that follow on each other are written as from-to."""
        before, comma, last = self.seeds.rpartition(",")
        first, _, until = last.rpartition("-")
        if int(until) + 1 == int(later.seeds):
            seeds = f"{before}{comma}{first or until}-{later.seeds}"
        else:
            seeds = f"{self.seeds},{later.seeds}"
        return replace(
            later,
            accepted=self.accepted + later.accepted,
            refused=self.refused + later.refused,
            seconds=self.seconds + later.seconds,
            slowest=max(self.slowest, later.slowest),
            grown=max(self.grown, later.grown),
            blocks=max(self.blocks, later.blocks),
            seeds=seeds,
        )

    def __str__(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0
        return (
            f"{self.target:{_NAME}} {self.inputs:9,} {self.accepted:9,} {self.refused:9,} {self.seconds:6,.0f} s "
            f"{rate:7,.0f} {self.slowest * 1000:6.0f} ms {self.grown:5.1f} MiB {self.blocks:7,}  {self.date:10}  "
            f"{self.seeds}"
        )


def read_report(path: Path) -> dict[str, Row]:
    """The rows of a report; none where there is no report yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return _rows(text)


def _rows(text: str) -> dict[str, Row]:
    lines = text.partition(HEADING + "\n")[2].splitlines()
    return {row.target: row for row in map(Row.read, filter(str.strip, lines))}


def write_report(path: Path, row: Row, wanted: Mapping[str, int], *, add: bool = False) -> None:
    """Put a row in the place of that target's last one, or `add` it to that; others write theirs meanwhile.

    `wanted`: how many inputs each target is to have; the report says which have them.
    """
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        rows = _rows(file.read())
        earlier = rows.get(row.target)
        rows[row.target] = earlier.and_then(row) if add and earlier is not None else row
        file.truncate(0)
        file.write(_head(rows, wanted) + "".join(f"{rows[name]}\n" for name in sorted(rows)))


def _head(rows: Mapping[str, Row], wanted: Mapping[str, int]) -> str:
    """What is measured, and which targets have not had all their inputs."""
    short = sorted(name for name, count in wanted.items() if name not in rows or rows[name].inputs < count)
    count = f"{len(wanted) - len(short)} of {len(wanted)} targets have had all their inputs"
    if short:
        missing = (f"{name} ({rows[name].inputs if name in rows else 0:,} of {wanted[name]:,})" for name in short)
        count += "; not yet:\n  " + ",\n  ".join(missing)
    return HEAD.format(
        patience=PATIENCE, room=ROOM >> 20, growth=GROWTH >> 20, blocks=BLOCKS, count=count, heading=HEADING
    )
