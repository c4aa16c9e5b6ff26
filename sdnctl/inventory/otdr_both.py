"""One chain measured from both ends: losses that are losses, and a break closed in from two sides.

Where fibres of different kinds meet, a one-way loss is wrong by as much in one direction as in the other, so the
mean of both is right (ITU-T G.650.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdnctl.errors import Severity
from sdnctl.inventory.otdr import Finding, Interval, Kind, Survey, Verdict
from sdnctl.inventory.otdr_remarks import Remark, name_of
from sdnctl.units import Length, Loss

AGREE = 0.006
"""Share by which two instruments may measure one fibre differently: what their group indices are off, and more."""
READING = 10.0
"""Metres by which they may, whatever the length."""


@dataclass(frozen=True, slots=True)
class BothWays:
    """An event seen from both ends: apparent losses each way, and their mean, which is the loss."""

    name: str
    there: Loss | None
    back: Loss | None
    where: Interval

    @property
    def loss(self) -> Loss | None:
        """The mean of both directions, None where one of them does not show the event."""
        return None if self.there is None or self.back is None else Loss((self.there + self.back) / 2)


def both_ways(found: Survey, other: Survey) -> tuple[BothWays, ...]:
    """Events of two traces from opposite ends of one chain, by place, in the order of the first.

    A joint that is seen from one end only has no mean.
    """
    length = found.course.length
    rows: list[tuple[float, BothWays]] = []
    left = [one for one in other.findings if one.kind in (Kind.JOINT, Kind.NEW)]
    for one in found.findings:
        if one.kind not in (Kind.JOINT, Kind.NEW):
            continue
        match = next((back for back in left if _same(one, back, length)), None)
        if match is not None:
            left.remove(match)
        rows.append((one.where.spot.at, _row(one, one.reading.loss, match.reading.loss if match else None)))
    rows += [(length - back.where.spot.at, _row(back, None, back.reading.loss)) for back in left]
    return tuple(row for _, row in sorted(rows, key=lambda row: row[0]))


def _row(one: Finding, there: Loss | None, back: Loss | None) -> BothWays:
    return BothWays(name_of(one) if one.joints else "not in the records", there, back, one.where)


def _same(one: Finding, back: Finding, length: float) -> bool:
    """Whether two events, seen from opposite ends, are one: the same joint, or intervals that meet."""
    if one.joints and back.joints:
        mine = {(joint.kind, joint.via, joint.place) for joint in one.joints}
        return bool(mine & {(joint.kind, joint.via, joint.place) for joint in back.joints})
    if one.joints or back.joints:
        return False
    return abs(one.where.spot.at - (length - back.where.spot.at)) <= one.where.half + back.where.half


def at_odds(found: Survey, other: Survey, turned: Survey) -> tuple[Remark, ...]:
    """Why two traces cannot be of one fibre from its two ends; empty where they can.

    `turned` is the other trace as if it had been taken from this end.
    """
    return tuple(_at_odds(found, other, turned))


def _at_odds(found: Survey, other: Survey, turned: Survey) -> Iterator[Remark]:
    here, there = float(found.end.measured), float(other.end.measured)
    allowed = READING + AGREE * max(here, there, float(found.course.length))
    broken = [one.verdict is Verdict.BROKEN for one in (found, other)]
    hint = "Check which strand and which end each of them is of."
    if all(broken):
        over = here + there - found.course.length
        if over > allowed:
            text = f"the two traces overlap by {over:,.0f} m: one broken fibre is not that long"
            yield Remark("two-fibres", Severity.ERROR, text, None, hint)
    elif any(broken):
        text = f"the fibre is whole from {'there' if broken[0] else 'here'}, and broken from the other end"
        yield Remark("two-fibres", Severity.ERROR, text, None, f"{hint} One of them may be older.")
    elif abs(here - there) > allowed:
        text = f"the two traces are of fibres of {here:,.0f} m and {there:,.0f} m"
        yield Remark("two-fibres", Severity.ERROR, text, None, hint)
    if _recognised(turned) > _recognised(other):
        text = "the joints of the second trace lie where they do from this end: it is not of the far end"
        yield Remark("same-end", Severity.ERROR, text, None, "Give a trace that was taken from the far end.")


def _recognised(one: Survey) -> int:
    return sum(finding.kind is Kind.JOINT for finding in one.findings)


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two breaks seen from opposite ends: one place (`at` and `half`, fibre metres of the first), or with glass
    missing between them (`gap` metres)."""

    at: float
    half: Length
    gap: Length = Length(0.0)


def meeting(found: Survey, other: Survey) -> Meeting | None:
    """Where the fibre is broken, by both traces; None if one of them does not see a break.

    The two places are averaged by their variances. What cable and index get wrong moves them apart in opposite
    directions, so the mean is at least as good as this says.
    """
    if found.verdict is not Verdict.BROKEN or other.verdict is not Verdict.BROKEN:
        return None
    here, there = found.end.where, other.end.where
    a, b = here.spot.at, found.course.length - there.spot.at
    wide = float((here.half**2 + there.half**2) ** 0.5)
    if b - a > wide:
        return Meeting((a + b) / 2, Length((b - a + wide) / 2), Length(b - a))
    weights = [1 / half**2 for half in (here.half, there.half)]
    half = (1 / sum(weights)) ** 0.5
    if abs(a - b) > wide:  # they contradict each other: both cannot be right, so neither is left out
        return Meeting((a + b) / 2, Length(abs(a - b) / 2 + max(here.half, there.half)))
    return Meeting((a * weights[0] + b * weights[1]) / sum(weights), Length(half))
