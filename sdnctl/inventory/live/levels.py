"""Light at receivers: against what it was when the link was accepted, and against what the budget says.

A level that falls by 1 dB is worth a look (a bend, a dirty connector), 3 dB is half the light. A receiver with
less than 2 dB above what it needs has no reserve for the next repair; one above its overload may be damaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdnctl.inventory.live.expected import Level
from sdnctl.inventory.live.findings import Weight
from sdnctl.inventory.live.readings import Place
from sdnctl.units import Power, format_loss, format_power

DRIFT = 1.0
"""dB of change that is told of."""
FALL = 3.0
"""dB of loss that is urgent."""
RESERVE = 2.0
"""dB above the least power below which it is urgent."""

Levels = Mapping[Place, Power]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong with one level: the worst, and every reason."""

    code: str
    weight: Weight
    summary: str
    why: str


def judge_level(measured: Power, expected: Level | None, stored: Power | None) -> Judgement | None:
    """What is wrong with a power at a receiver (dBm), or None.

    `stored` is what it was when somebody last accepted it; without it the expected window stands in. Of several
    reasons the most urgent names the finding, and of equal ones the limits of the receiver before any change.
    """
    reasons: list[tuple[str, Weight, str]] = []
    if expected is not None:
        reasons += _limits(measured, expected)
    if stored is not None:
        reasons += _change(measured, stored)
    elif expected is not None:
        reasons += _window(measured, expected)
    if not reasons:
        return None
    code, weight, summary = min(reasons, key=lambda reason: tuple(Weight).index(reason[1]))
    others = [text for _, _, text in reasons if text != summary]
    return Judgement(code, weight, summary, "; ".join([_figures(measured, expected, stored), *others]))


def _limits(measured: Power, expected: Level) -> list[tuple[str, Weight, str]]:
    if measured > expected.most:
        over = _db(measured - expected.most)
        return [("rx-overload", Weight.URGENT, f"the receiver gets {over} more than it may")]
    margin = measured - expected.needed
    if margin < 0:
        return [
            (
                "rx-too-weak",
                Weight.URGENT,
                f"the receiver gets {_db(-margin)} less than it needs",
            )
        ]
    if margin < RESERVE:
        return [("rx-margin", Weight.URGENT, f"the receiver has a reserve of only {_db(margin)}")]
    return []


def _change(measured: Power, stored: Power) -> list[tuple[str, Weight, str]]:
    fell = stored - measured
    if abs(fell) < DRIFT:
        return []
    way = "fell" if fell > 0 else "rose"
    weight = Weight.URGENT if fell >= FALL else Weight.ALARM
    return [("rx-drift", weight, f"the received power {way} by {_db(abs(fell))}")]


def _window(measured: Power, expected: Level) -> list[tuple[str, Weight, str]]:
    low, high = expected.low - measured, measured - expected.high
    if low >= DRIFT:
        weight = Weight.URGENT if low >= FALL else Weight.ALARM
        return [("rx-off-budget", weight, f"the received power is {_db(low)} below the budget")]
    if high >= DRIFT:
        return [
            (
                "rx-off-budget",
                Weight.ALARM,
                f"the received power is {_db(high)} above the budget",
            )
        ]
    return []


def _figures(measured: Power, expected: Level | None, stored: Power | None) -> str:
    parts = [f"{_dbm(measured)} received"]
    if stored is not None:
        parts.append(f"{_dbm(stored)} when last accepted")
    if expected is not None:
        parts.append(f"{_dbm(expected.low)} to {_dbm(expected.high)} by the budget")
        parts.append(f"{_dbm(expected.needed)} needed")
    return ", ".join(parts)


def _db(loss: float) -> str:
    return format_loss(round(loss, 1))


def _dbm(power: float) -> str:
    return format_power(round(power, 1))
