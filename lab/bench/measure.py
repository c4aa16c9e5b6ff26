"""What all measurements share: interleaved runs, medians, growth over size, claims that are held or missed.

A figure alone says nothing about a machine that is busy with other things. So every figure stands beside a
reference that was measured in the same run, both in turn, and what is claimed is their ratio.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Claim:
    """A bound on a figure: at most `bound`, or at least when `at_least`."""

    text: str
    figure: float
    bound: float
    unit: str = "×"
    at_least: bool = False

    @property
    def held(self) -> bool:
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    def __str__(self) -> str:
        verdict = "held  " if self.held else "MISSED"
        sign = "≥" if self.at_least else "≤"
        return f"{verdict}  {self.text}: {self.figure:.3g}{self.unit} ({sign} {self.bound:g}{self.unit})"


class Report(Console):
    """A console that also remembers claims; what is printed goes to the reader and into the report file."""

    def __init__(self) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, width=160, soft_wrap=True)
        self.claims: list[Claim] = []

    def claim(self, text: str, figure: float, bound: float, *, unit: str = "×", at_least: bool = False) -> None:
        """State a claim of the project with what was measured."""
        made = Claim(text, figure, bound, unit, at_least)
        self.claims.append(made)
        self.print(str(made))


def wall(work: Callable[[], object]) -> float:
    """Seconds by the clock on the wall, for work that other processes have a part in."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu(work: Callable[[], object]) -> float:
    """Seconds of this process's own computing, for work that nobody else has a part in."""
    start = time.process_time()
    work()
    return time.process_time() - start


@dataclass(frozen=True, slots=True)
class Used:
    """What a program took: seconds by the clock, seconds of computing, megabytes at its peak."""

    wall: float
    cpu: float
    peak: float


def program(command: Sequence[str]) -> Used:
    """Run a program to its end; raises CalledProcessError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Used(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def interleaved(rounds: int, runs: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Call every run once a round, in turn, so that a busy spell falls on all; what each returned, by name."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    return found


def medians(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in found.items()}


def ratio(found: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """Median of `one` over median of `other`."""
    return statistics.median(found[one]) / statistics.median(found[other])


def growth(sizes: Sequence[float], figures: Sequence[float]) -> float:
    """The exponent g of figure ~ size^g, fitted by least squares in logarithms: 1 is linear, 2 is quadratic."""
    logs = [math.log(size) for size in sizes]
    return statistics.linear_regression(logs, [math.log(figure) for figure in figures]).slope
