"""How long the help takes, against a Typer program with the same number of verbs that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from rich.console import Console

NOOP = """
import typer
app = typer.Typer()
for name in ("init validate schema compile show explain drivers plan apply rollback verify status drift history "
             "up down cut heal reconcile flip").split():
    @app.command(name)
    def verb(one: str = "", two: bool = False) -> None: "Does nothing."
app()
"""


def run(console: Console, rounds: int = 9) -> None:
    """Median wall time of ``--help`` of both, interleaved."""
    programs = {
        "sdnctl": [sys.executable, "-m", "sdnctl", "--help"],
        "no-op": [sys.executable, "-c", NOOP, "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, command in programs.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    ours, theirs = (statistics.median(times[name]) for name in ("sdnctl", "no-op"))
    console.print(
        f"sdnctl --help {ours * 1000:.0f} ms, no-op typer program {theirs * 1000:.0f} ms: {ours / theirs:.2f}×"
    )
