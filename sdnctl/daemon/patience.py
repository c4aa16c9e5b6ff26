"""How often a switch is put right: at once the first time, ever more rarely while somebody else undoes it.

Two writers that each insist would keep a switch changing for ever. The pause after a repair that was undone
doubles with each one: a switch is repaired at most four times in its first minute, and once an hour in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST, LONGEST = 5.0, 3600.0
"""Seconds between a repair that was undone once and the next, and the longest pause there is."""
FORGIVEN = 600.0
"""Seconds without drift after which a switch counts as never repaired, or ten pauses where that is longer."""


@dataclass(slots=True)
class _Record:
    repaired: float
    undone: int = 0
    counted: bool = False  # the drift since the last repair was counted
    session: int = 0


@dataclass
class Patience:
    """What is remembered of each switch; times are seconds of one monotonic clock, given by whoever asks."""

    _records: dict[str, _Record] = field(default_factory=dict)

    def undone(self, switch: str) -> int:
        """Repairs in a row that did not last."""
        record = self._records.get(switch)
        return record.undone if record is not None else 0

    def drifted(self, switch: str, session: int, now: float) -> float:
        """The switch is not as it should be; returns the seconds to wait until it may be repaired.

        Drift on another connection than that of the last repair is a restart, and nobody's fault.
        """
        record = self._records.get(switch)
        if record is None or now - record.repaired > max(FORGIVEN, 10 * _pause(record.undone)):
            self._records.pop(switch, None)
            return 0.0
        if not record.counted:
            record.counted = True
            if record.session == session:
                record.undone += 1
        return max(record.repaired + _pause(record.undone) - now, 0.0)

    def repaired(self, switch: str, session: int, now: float) -> None:
        """The switch was put right, or that was tried."""
        record = self._records.setdefault(switch, _Record(now))
        record.repaired, record.counted, record.session = now, False, session

    def forget(self, switch: str) -> None:
        """Somebody said that it may be repaired at once."""
        self._records.pop(switch, None)


def _pause(undone: int) -> float:
    return min(FIRST * 2.0 ** (undone - 1), LONGEST) if undone else 0.0
