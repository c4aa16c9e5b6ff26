"""From what an agent counts to counts that only grow: wraps are carried, a new beginning is marked as one. Pure.

A counter of 32 or 64 bits that went back has wrapped if what it would have counted fits through the port in that
time (RFC 2863 §3.1.6 says how fast they do); otherwise it began anew, as it also did when the agent says so
(`ifCounterDiscontinuityTime`) or was started again (`sysUpTime`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, lt

_runs = itertools.count(1)

TICKS = 100
"""Of sysUpTime in a second."""
_WRAP = 1 << 32
_SLACK = 5.0  # seconds by which a clock may be off
_DRIFT = 0.02  # and its rate


def new_run() -> int:
    """A number that no run of counters in this process has had."""
    return next(_runs)


@dataclass(slots=True)
class Uptime:
    """Whether an agent was started again between two readings of sysUpTime."""

    ticks: int | None = None
    at: float = 0.0

    def restarted(self, ticks: int | None, now: float) -> bool:
        """Take the next reading, `now` in seconds of any clock; the first one, or none, is no restart."""
        if ticks is None:
            return False
        before, self.ticks = self.ticks, ticks
        elapsed, self.at = now - self.at, now
        if before is None:
            return False
        least = before + TICKS * (elapsed * (1 - _DRIFT) - _SLACK)
        most = before + TICKS * (elapsed * (1 + _DRIFT) + _SLACK)
        # After 497 days it begins at 0 by itself.
        return ticks < least and not least <= ticks + _WRAP <= most


class Tally:
    """The counters of one port. `bits` is the width of each; the first `octets` of them count octets."""

    __slots__ = ("_begun", "_bits", "_carried", "_last", "_mark", "_room", "since")

    def __init__(self, bits: Sequence[int], octets: int) -> None:
        self.since = new_run()
        self._bits = bits
        self._room = 8 << min(bits[:octets], default=64)  # bits that go by before a counter of octets is full
        self._last: tuple[int, ...] = ()
        self._carried: list[int] | None = None  # where something has wrapped
        self._mark = 0
        self._begun = False

    def take(
        self, raw: tuple[int, ...], mark: int, seconds: float, speed: int, restarted: bool
    ) -> tuple[int, ...]:
        """Counts that never go back within one `since`.

        `mark` is ifCounterDiscontinuityTime, `seconds` the time since the reading before, `speed` bit/s (0: not
        known). A counter of octets that may have wrapped more than once without being seen begins anew.
        """
        last, self._last = self._last, raw
        if not self._begun or restarted or mark != self._mark or speed * seconds >= self._room:
            return self._begin(raw, mark)
        if any(map(lt, raw, last)) and not self._wrapped(raw, last, seconds, speed):
            return self._begin(raw, mark)
        return raw if self._carried is None else tuple(map(add, raw, self._carried))

    def _begin(self, raw: tuple[int, ...], mark: int) -> tuple[int, ...]:
        if self._begun:
            self.since = new_run()
        self._begun, self._carried, self._mark = True, None, mark
        return raw

    def _wrapped(self, raw: tuple[int, ...], last: tuple[int, ...], seconds: float, speed: int) -> bool:
        """Carry every counter that went back; False where one cannot have counted that much."""
        carried = self._carried or [0] * len(raw)
        for index, (new, old) in enumerate(zip(raw, last, strict=True)):
            if new >= old:
                continue
            turn = 1 << self._bits[index]
            room = speed * (seconds + _SLACK) / 8 if speed else turn / 2
            if new + turn - old > room:
                return False
            carried[index] += turn
        self._carried = carried
        return True
