"""Everything that reads bytes from outside, as one table; the harness is `fuzzing`, the damage `fuzzing_mutators`.

python tests/fuzzing_targets.py                          the names
python tests/fuzzing_targets.py NAME SEED NUMBER         one input again, with its traceback
python tests/fuzzing_targets.py NAME --run COUNT [SEED]  many, with the first faults
"""

from __future__ import annotations

import sys
import warnings

import fuzzing_documents
import fuzzing_files
import fuzzing_stores
import fuzzing_wires
from fuzzing import Target, case_of, fuzz, report_row

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


def main(arguments: list[str]) -> int:
    """See above."""
    if not arguments:
        sys.stdout.write("".join(f"{name}\n" for name in TARGETS))
        return 0
    warnings.simplefilter("error")
    target, *numbers = TARGETS[arguments[0]], *arguments[1:]
    if numbers[0] == "--run":
        outcome = fuzz(target, int(numbers[1]), int(numbers[2]) if len(numbers) > 2 else 1, most_faults=20)
        sys.stdout.write("".join(f"{fault}\n" for fault in outcome.faults) + report_row(outcome, "now") + "\n")
        return bool(outcome.faults)
    case = case_of(target, target.seeds(), int(numbers[0]), int(numbers[1]))
    sys.stdout.write(f"{case[0]}: {case[1]!r}\n")
    for fault in target.parse(case) or ():
        sys.stdout.write(f"{fault}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
