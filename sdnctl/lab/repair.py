"""How long a network loses packets when something fails: the same event many times under steady traffic."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sdnctl.lab.base import Lab
from sdnctl.lab.traffic import Feed, Loss, Stream


@dataclass(frozen=True, slots=True)
class Repair:
    """Losses of each run (a tuple per run, one `Loss` per feed), and of null runs in which nothing happened.

    Milliseconds of a run are those of its worst feed.
    """

    name: str
    pps: float
    runs: tuple[tuple[Loss, ...], ...]
    null_runs: tuple[tuple[Loss, ...], ...] = ()

    @property
    def lost_ms(self) -> tuple[float, ...]:
        return tuple(max(loss.lost_ms for loss in run) for run in self.runs)

    @property
    def median_ms(self) -> float:
        return statistics.median(self.lost_ms)

    @property
    def max_ms(self) -> float:
        return max(self.lost_ms)

    @property
    def null_lost(self) -> int:
        """Packets lost in null runs: what the machine itself loses, the measure's noise."""
        return sum(loss.lost for run in self.null_runs for loss in run)

    @property
    def misdelivered(self) -> int:
        return sum(loss.misdelivered for run in (*self.runs, *self.null_runs) for loss in run)

    def __str__(self) -> str:
        values = " ".join(f"{value:.0f}" for value in self.lost_ms)
        return (
            f"{self.name}: {len(self.runs)} runs at {self.pps:g} pps, lost median {self.median_ms:.0f} ms, "
            f"max {self.max_ms:.0f} ms ({values}); {len(self.null_runs)} null runs lost {self.null_lost} packets"
        )


def measure(
    lab: Lab,
    feeds: Sequence[Feed],
    event: Callable[[], None],
    undo: Callable[[], None],
    *,
    name: str = "repair",
    runs: int = 20,
    null_runs: int = 2,
    pps: float = 1000.0,
    before: float = 0.15,
    after: float = 0.35,
    settle: float = 0.2,
) -> Repair:
    """Let `event` happen `runs` times under traffic and count what is lost; `undo` follows each time, in quiet.

    Seconds: traffic runs `before` the event and `after` it; the network gets `settle` after `undo`. Null
    runs are spread between the others. If something fails, `undo` is still called.
    """
    losses: list[tuple[Loss, ...]] = []
    nulls: list[tuple[Loss, ...]] = []
    for run in range(runs):
        if len(nulls) * max(runs, 1) < null_runs * (run + 1):
            nulls.append(_one(lab, feeds, pps, before, after, lambda: None))
        try:
            losses.append(_one(lab, feeds, pps, before, after, event))
        finally:
            undo()
        time.sleep(settle)
    return Repair(name, pps, tuple(losses), tuple(nulls))


def _one(
    lab: Lab, feeds: Sequence[Feed], pps: float, before: float, after: float, event: Callable[[], None]
) -> tuple[Loss, ...]:
    stream = Stream(lab.wire(), feeds, pps)
    with stream:
        time.sleep(before)
        event()
        time.sleep(after)
        return stream.stop()
