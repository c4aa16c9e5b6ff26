"""What V1 found, as values that dump to JSON: a verdict per demand, faults of the rules, counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sdnctl.errors import Diagnostic
from sdnctl.quick import quick


@dataclass(frozen=True, slots=True)
class Violation:
    """One claim that does not hold, with a counterexample.

    `code` is stable (docs/verification.md lists them), `failure` the name of the event under which it
    happens ("" with everything up), `trace` the way of the frames, switch by switch and rule by rule.
    """

    code: str
    detail: str
    failure: str = ""
    trace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """A failure under which a demand is not delivered, and why its grade does not promise that."""

    failure: str
    reason: str


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds of one demand.

    `residual` names single points of failure of its end sites that cut it; `exposed` the other failures
    that its grade does not cover and that cut it. `delay` is of the working path, `worst_delay` (µs) of the
    longest repaired path that the grade covers, under `worst_failure`. `remarks` are facts that break no claim.
    """

    demand: str
    application: str
    grade: str
    violations: tuple[Violation, ...] = ()
    residual: tuple[Loss, ...] = ()
    exposed: tuple[Loss, ...] = ()
    path: tuple[str, ...] = ()
    delay: float = 0.0
    worst_delay: float = 0.0
    worst_failure: str = ""
    walks: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``violated``, ``residual`` (all claims hold; its ends have single points of failure) or ``ok``."""
        return "violated" if self.violations else "residual" if self.residual else "ok"


@dataclass(frozen=True, slots=True)
class ApplicationSummary:
    """The verdicts of one application, counted; `residual` names what single points of failure remain."""

    application: str
    demands: int
    ok: int
    violated: int
    residual: tuple[str, ...]
    worst_delay: float


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at: `steps` are distinct (switch, packet, link state) that were computed.

    `exercised` of `rules` (flows and groups) were used by at least one demand.
    """

    switches: int
    rules: int
    demands: int
    failures: int
    walks: int
    steps: int
    labels: int
    exercised: int


@dataclass(frozen=True, slots=True)
class Report:
    """The result of V1. It holds (`ok`) if no demand and no rule is at fault.

    `unused` names flows and groups that no demand used under any failure, as ``switch: rule``.
    """

    verdicts: tuple[Verdict, ...]
    faults: tuple[Violation, ...]
    checked: Checked
    unused: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.faults and not any(verdict.violations for verdict in self.verdicts)

    @property
    def applications(self) -> tuple[ApplicationSummary, ...]:
        """One summary per application, in order of name."""
        groups: dict[str, list[Verdict]] = {}
        for verdict in self.verdicts:
            groups.setdefault(verdict.application, []).append(verdict)
        return tuple(_summary(name, groups[name]) for name in sorted(groups))

    @property
    def worst_delay(self) -> float:
        """The longest delay of any path that a grade covers, µs."""
        return max((verdict.worst_delay for verdict in self.verdicts), default=0.0)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every violation as an error for people, faults of the rules first."""
        found = [_diagnostic(fault, "rules") for fault in self.faults]
        for verdict in self.verdicts:
            found += [_diagnostic(item, f"demand {verdict.demand}") for item in verdict.violations]
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """The whole report as plain JSON values."""
        return {
            "level": "V1",
            "ok": self.ok,
            "worst_delay_us": self.worst_delay,
            "checked": asdict(self.checked),
            "faults": [asdict(fault) for fault in self.faults],
            "unused": list(self.unused),
            "applications": [asdict(summary) for summary in self.applications],
            "demands": [{"status": verdict.status, **asdict(verdict)} for verdict in self.verdicts],
        }


def _summary(application: str, verdicts: Iterable[Verdict]) -> ApplicationSummary:
    items = list(verdicts)
    violated = sum(bool(item.violations) for item in items)
    return ApplicationSummary(
        application,
        len(items),
        len(items) - violated,
        violated,
        tuple(sorted({loss.failure for item in items for loss in item.residual})),
        max(item.worst_delay for item in items),
    )


def _diagnostic(violation: Violation, address: str) -> Diagnostic:
    event = f" when {violation.failure} fails" if violation.failure else ""
    return Diagnostic(
        f"v1-{violation.code}", f"{violation.detail}{event}", address, detail="\n  ".join(violation.trace)
    )
