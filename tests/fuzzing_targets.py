"""Everything that reads bytes from outside, as one table; the harness is `fuzzing`, the damage `fuzzing_mutators`.

python tests/fuzzing_targets.py                          the names
python tests/fuzzing_targets.py NAME SEED NUMBER         one input again, with its traceback
python tests/fuzzing_targets.py NAME --run COUNT [SEED]  many, with the first faults
python tests/fuzzing_targets.py NAME --run COUNT --report
                                                         many that were not given yet, added to the report's row;
                                                         no more than the target is to have
"""

from __future__ import annotations

import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import fuzzing_documents
import fuzzing_files
import fuzzing_stores
import fuzzing_wires
from fuzzing import Target, case_of, fuzz
from fuzzing_report import Row, read_report, write_report

REPORT = Path(__file__).parents[1] / "lab" / "reports" / "fuzzing.txt"
TARGETS: dict[str, Target] = {
    target.name: target
    for targets in (
        fuzzing_wires.TARGETS,
        fuzzing_files.TARGETS,
        fuzzing_documents.TARGETS,
        fuzzing_stores.TARGETS,
    )
    for target in targets
}
WANTED = {name: target.soak for name, target in TARGETS.items()}


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def run(target: Target, count: int, seed: int = 1) -> int:
    """A run, and what became of it."""
    outcome = fuzz(target, count, seed, most_faults=20)
    sys.stdout.write("".join(f"{fault}\n" for fault in outcome.faults) + f"{Row.of(outcome, today())}\n")
    return bool(outcome.faults)


def piece(target: Target, count: int) -> int:
    """A piece of the full count, with the seed after the last one; it is in the report where nothing failed."""
    earlier = read_report(REPORT).get(target.name)
    left = target.soak - (earlier.inputs if earlier else 0)
    if left <= 0:
        sys.stdout.write(f"{target.name}: has had its {target.soak:,}\n")
        return 0
    outcome = fuzz(target, min(count, left), earlier.last_seed + 1 if earlier else 1, most_faults=20)
    row = Row.of(outcome, today())
    if not outcome.faults:
        write_report(REPORT, row, WANTED, add=True)
    sys.stdout.write("".join(f"{fault}\n" for fault in outcome.faults) + f"{row}\n")
    return bool(outcome.faults)


def main(arguments: list[str]) -> int:
    """See above."""
    if not arguments:
        sys.stdout.write("".join(f"{name}\n" for name in TARGETS))
        return 0
    warnings.simplefilter("error")
    target, *numbers = TARGETS[arguments[0]], *arguments[1:]
    if numbers[0] == "--run":
        return piece(target, int(numbers[1])) if "--report" in numbers else run(target, *map(int, numbers[1:]))
    case = case_of(target, target.seeds(), int(numbers[0]), int(numbers[1]))
    sys.stdout.write(f"{case[0]}: {case[1]!r}\n")
    for fault in target.parse(case) or ():
        sys.stdout.write(f"{fault}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
