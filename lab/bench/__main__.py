"""One runner: ``make bench`` for all, ``make bench ONLY=push`` for one.

Ratios are what counts; absolute figures move with the machine. Medians of interleaved runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from rich.console import Console

from lab.bench import compiling, pushing, starting

BENCHES: Mapping[str, Callable[[Console], None]] = {
    "start": starting.run,
    "compile": compiling.run,
    "push": pushing.run,
}


def main() -> int:
    console = Console(highlight=False)
    wanted = sys.argv[1:] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        console.print(f"no bench {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 64
    for name in wanted:
        console.rule(f"[bold]{name}", align="left")
        BENCHES[name](console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
