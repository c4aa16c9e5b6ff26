"""Fingerprints of what devices hold, and the check that a plan still fits them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sdnctl.compiler.codec import encode, fingerprint
from sdnctl.dataplane.pack import pack
from sdnctl.dataplane.values import RuleSet, SwitchSettings
from sdnctl.errors import Diagnostic, StalePlan
from sdnctl.plan.changes import ours
from sdnctl.plan.model import Change, Observed, Plan, SettingsChange, Stage


def fingerprint_rules(rules: RuleSet) -> str:
    """SHA-256 of our rules among these, hex; it does not depend on the order in which they were read."""
    return fingerprint(pack({"": ours(rules)}))


def fingerprint_settings(settings: SwitchSettings) -> str:
    """SHA-256 of what is set on a device, hex."""
    return fingerprint(encode(settings))


def fingerprints(
    stages: Iterable[Stage],
    observed: Mapping[str, Observed | None],
    settings_observed: Mapping[str, SwitchSettings | None],
) -> Mapping[str, str]:
    """Device → ``RULES/SETTINGS``: the fingerprints of what the stages change on it; "" for what they do not.

    A part that a device did not report is "" as well, so it never equals a part that was seen.
    """
    found: dict[str, tuple[str, str]] = {}
    for stage in stages:
        for device, changes in stage.changes.items():
            report, settings = observed.get(device), settings_observed.get(device)
            of_rules, of_settings = found.get(device, ("", ""))
            if report is not None and any(isinstance(change, Change) for change in changes):
                of_rules = of_rules or fingerprint_rules(report.rules)
            if settings is not None and any(isinstance(change, SettingsChange) for change in changes):
                of_settings = of_settings or fingerprint_settings(settings)
            found[device] = of_rules, of_settings
    return {device: "/".join(found[device]) for device in sorted(found)}


def check_stale(
    plan: Plan,
    observed: Mapping[str, Observed | None],
    settings_observed: Mapping[str, SwitchSettings | None] | None = None,
) -> None:
    """Raise StalePlan, naming the devices, if what the plan touches is not as the plan saw it, or is silent.

    Settings are checked only where they are given.
    """
    now = fingerprints(plan.stages, observed, settings_observed or {})
    findings = []
    for device, seen in sorted(plan.observed_fingerprints.items()):
        before, after = seen.split("/"), now.get(device, "/").split("/")
        parts = list(zip(before, after, strict=False))[: 1 if settings_observed is None else 2]
        if any(was and was != is_ for was, is_ in parts):
            findings.append(_stale(device, any(was and not is_ for was, is_ in parts)))
    if findings:
        raise StalePlan(*findings)


def _stale(device: str, lost: bool) -> Diagnostic:
    return Diagnostic(
        "stale-plan",
        "does not answer any more" if lost else "changed since the plan was made",
        address=f"switch {device}",
        hint="check why it cannot be reached, then plan again" if lost else "plan again",
    )
