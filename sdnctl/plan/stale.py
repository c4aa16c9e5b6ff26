"""Fingerprints of what devices hold, and the check that a plan still fits them."""

from __future__ import annotations

from collections.abc import Mapping

from sdnctl.compiler.codec import encode, fingerprint
from sdnctl.dataplane.values import RuleSet, SwitchSettings
from sdnctl.errors import Diagnostic, StalePlan
from sdnctl.plan.changes import ours
from sdnctl.plan.model import Change, Observed, Plan, SettingsChange


def fingerprint_rules(rules: RuleSet) -> str:
    """SHA-256 of our rules among these, hex; it does not depend on the order in which they were read."""
    return fingerprint(encode(ours(rules)))


def fingerprint_device(rules: RuleSet | None, settings: SwitchSettings | None) -> str:
    """SHA-256 of what a plan saw of one device: its rules, its settings, or both."""
    return fingerprint(
        {
            "rules": None if rules is None else encode(ours(rules)),
            "settings": None if settings is None else encode(settings),
        }
    )


def touched(plan: Plan) -> Mapping[str, tuple[bool, bool]]:
    """Device → whether the plan changes its rules, whether it changes its settings."""
    table: dict[str, tuple[bool, bool]] = {}
    for stage in plan.stages:
        for device, changes in stage.changes.items():
            rules, settings = table.get(device, (False, False))
            table[device] = (
                rules or any(isinstance(change, Change) for change in changes),
                settings or any(isinstance(change, SettingsChange) for change in changes),
            )
    return table


def check_stale(
    plan: Plan, observed: Mapping[str, Observed | None], settings: Mapping[str, Observed | None] | None = None
) -> None:
    """Raise StalePlan, naming the devices, if what the plan touches is no longer as the plan saw it."""
    stale, lost = [], []
    for device, seen in sorted(plan.observed_fingerprints.items()):
        now = fingerprint_seen(device, touched(plan)[device], observed, settings or {})
        if now is None:
            lost.append(device)
        elif now != seen:
            stale.append(device)
    if stale or lost:
        raise StalePlan(*(_stale(device, device in lost) for device in sorted((*stale, *lost))))


def fingerprint_seen(
    device: str,
    parts: tuple[bool, bool],
    observed: Mapping[str, Observed | None],
    settings: Mapping[str, Observed | None],
) -> str | None:
    """The fingerprint of the parts of a device that a plan touches; None where a part did not answer."""
    with_rules, with_settings = parts
    report = observed.get(device)
    held = settings_of(device, observed, settings)
    if (with_rules and report is None) or (with_settings and held is None):
        return None
    return fingerprint_device(
        report.rules if with_rules and report is not None else None, held if with_settings else None
    )


def settings_of(
    device: str, observed: Mapping[str, Observed | None], settings: Mapping[str, Observed | None]
) -> SwitchSettings | None:
    """A device's settings, as its settings driver or else its rules driver reported them."""
    for report in (settings.get(device), observed.get(device)):
        if report is not None and report.settings is not None:
            return report.settings
    return None


def _stale(device: str, lost: bool) -> Diagnostic:
    return Diagnostic(
        "stale-plan",
        "does not answer any more" if lost else "changed since the plan was made",
        address=f"switch {device}",
        hint="check why it cannot be reached, then plan again" if lost else "plan again",
    )
