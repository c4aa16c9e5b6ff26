"""What is known of drift now: switch by switch, for the API, for metrics, and for whoever acknowledges.

`Policy` says what is done about drift of the rules of a class. A switch is treated as a whole, as a repair is:

    freeze   one drifted rule of such a class, and the switch is left exactly as it is until somebody acknowledges
    repair   otherwise one of such a class, and the whole switch is put right
    report   otherwise it is told, and left to the next apply
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sdnctl.plan.drift import DriftState, Finding, shown
from sdnctl.store.freezes import Freeze
from sdnctl.usecases.drifting import Located


class Policy(StrEnum):
    """What is done about drift."""

    REPORT = "report"
    REPAIR = "repair"
    FREEZE = "freeze"


DEFAULT = "default"
"""The key under which the policy of all other classes, and of rules that are nobody's, stands."""
_STRICTEST = (Policy.FREEZE, Policy.REPAIR, Policy.REPORT)


def policy_for(policies: Mapping[str, str], findings: Iterable[Located], settings: bool = False) -> Policy:
    """What is to be done about a switch with these findings, and with other `settings` than were applied.

    A switch without any is what the default would be done about.
    """
    otherwise = policies.get(DEFAULT, Policy.REPAIR)
    classes = {
        owner.service_class if owner else DEFAULT for one in findings for owner in (one.finding.owners or (None,))
    }
    if settings:
        classes.add(DEFAULT)
    wanted = {policies.get(name, otherwise) for name in classes}
    return next((policy for policy in _STRICTEST if policy in wanted), Policy(otherwise))


@dataclass(frozen=True, slots=True)
class SwitchDrift:
    """The last look at one switch: `counts` of rules by what was found.

    `seen` is when (ISO 8601, UTC); `foreign` counts rules of others, which are left alone. `waits`: a change that
    it missed, or was lost in, is still to be made on it; what is compared with is what it last confirmed.
    """

    switch: str
    seen: str
    counts: Mapping[DriftState, int]
    findings: tuple[Located, ...] = ()
    settings: bool = False
    foreign: int = 0
    policy: Policy = Policy.REPAIR
    waits: bool = False
    known: bool = True  # False: it could not be asked, and `counts` has what it should hold, where that is known

    @property
    def state(self) -> str:
        """``match``, ``waits``, ``drift`` or ``unknown``."""
        if not self.known:
            return "unknown"
        if self.findings or self.settings:
            return "drift"
        return "waits" if self.waits else "match"

    def marks(self) -> frozenset[str]:
        """What tells each thing that differs from any other, whoever it is of and whatever leads over it."""
        found = {_mark(one.finding) for one in self.findings}
        return frozenset(found | ({"settings"} if self.settings else set()))


def _mark(finding: Finding) -> str:
    items = (shown(item) if item is not None else "" for item in (finding.rule, finding.observed))
    return hashlib.sha256("\n".join((finding.state, *items)).encode()).hexdigest()[:16]


@dataclass
class DriftBoard:
    """Written by the drift part, read by everybody; `acknowledge` is the one thing that others may do."""

    switches: dict[str, SwitchDrift] = field(default_factory=dict)
    freezes: dict[str, Freeze] = field(default_factory=dict)
    """Switches that are left as they are, or were until somebody acknowledged it: until they are as applied."""
    repairs: int = 0
    _listeners: list[Callable[[str], None]] = field(default_factory=list)

    @property
    def frozen(self) -> Mapping[str, str]:
        """Switch → since when (ISO 8601) it is frozen."""
        return {name: one.since for name, one in self.freezes.items() if not one.by}

    @property
    def acknowledged(self) -> Mapping[str, str]:
        """Switch → by whom what was found on it may be repaired, although a class says freeze."""
        return {name: one.by for name, one in self.freezes.items() if one.by}

    def excused(self, now: SwitchDrift) -> bool:
        """Whether somebody acknowledged all that differs on this switch; later changes were seen by nobody."""
        known = self.freezes.get(now.switch)
        return known is not None and bool(known.by) and now.marks() <= known.found

    def freeze(self, now: SwitchDrift) -> bool:
        """Leave a switch as it is; False where it was frozen before, and only more (or less) differs by now."""
        known = self.freezes.get(now.switch)
        news = known is None or bool(known.by)
        since = now.seen if known is None or news else known.since
        self.freezes[now.switch] = Freeze(now.switch, since, now.marks())
        return news

    def acknowledge(self, switch: str, by: str) -> bool:
        """Somebody has looked at a frozen switch: it may be put right; False where it is not frozen."""
        known = self.freezes.get(switch)
        if known is None or known.by:
            return False
        self.freezes[switch] = replace(known, by=by)
        for told in tuple(self._listeners):
            told(switch)
        return True

    def on_acknowledge(self, told: Callable[[str], None]) -> Callable[[], None]:
        """Call `told` with the switch; returns what ends that."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)


class DriftCollector(Collector):
    """The board as metrics."""

    def __init__(self, board: DriftBoard) -> None:
        self._board = board

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        board = self._board
        rules = GaugeMetricFamily("sdnctl_drift_rules", "Rules by what the last look found", labels=["state"])
        for state in DriftState:
            rules.add_metric([state], sum(one.counts.get(state, 0) for one in board.switches.values()))
        switches = GaugeMetricFamily("sdnctl_drift_switches", "Switches by the last look", labels=["state"])
        for name in ("match", "waits", "drift", "unknown"):
            switches.add_metric([name], sum(one.state == name for one in board.switches.values()))
        switches.add_metric(["frozen"], len(board.frozen))
        repairs = CounterMetricFamily("sdnctl_drift_repairs", "Switches that were put right")
        repairs.add_metric([], board.repairs)
        yield from (rules, switches, repairs)
