"""Fingerprints of what devices hold, and the check that a plan still fits them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from sdnctl.compiler.codec import encode, fingerprint
from sdnctl.dataplane.attachment import Attachments, dump_attachment, in_order
from sdnctl.dataplane.pack import pack
from sdnctl.dataplane.values import RuleSet, SwitchSettings
from sdnctl.errors import Diagnostic, StalePlan
from sdnctl.plan.attachments import Reports
from sdnctl.plan.changes import ours
from sdnctl.plan.model import ATTACHING, Change, Observed, Plan, SettingsChange, Stage


def fingerprint_rules(rules: RuleSet) -> str:
    """SHA-256 of our rules among these, hex; it does not depend on the order in which they were read."""
    return fingerprint(pack({"": ours(rules)}))


def fingerprint_settings(settings: SwitchSettings) -> str:
    """SHA-256 of what is set on a device, hex."""
    return fingerprint(encode(settings))


def fingerprint_attachments(attachments: Attachments) -> str:
    """SHA-256 of the attachments that a device holds, hex."""
    return fingerprint([dump_attachment(one) for one in in_order(attachments)])


def fingerprints(
    stages: Iterable[Stage],
    observed: Mapping[str, Observed | None],
    settings_observed: Mapping[str, SwitchSettings | None],
    attached: Reports | None = None,
) -> Mapping[str, str]:
    """Device → ``RULES/SETTINGS``: the fingerprints of what the stages change on it; "" for what they do not.

    A part that a device did not report is "" as well, so it never equals a part that was seen. Of a device with
    attachments it is ``//ATTACHMENTS``.
    """
    found: dict[str, tuple[str, ...]] = {}
    for stage in stages:
        if stage.kind in ATTACHING:
            for device in stage.changes:
                seen = (attached or {}).get(device)
                held = seen.attachments if seen is not None else None
                found[device] = "", "", fingerprint_attachments(held) if held is not None else ""
            continue
        for device, changes in stage.changes.items():
            report, settings = observed.get(device), settings_observed.get(device)
            of_rules, of_settings, *_ = found.get(device, ("", ""))
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
    attached: Reports | None = None,
) -> None:
    """Raise StalePlan, naming the devices, if what the plan touches is not as the plan saw it, or is silent.

    Settings are checked only where they are given.
    """
    now = fingerprints(plan.stages, observed, settings_observed or {}, attached)
    findings = []
    for device, seen in sorted(plan.observed_fingerprints.items()):
        before, after = seen.split("/"), now.get(device, "").split("/")
        parts = [
            (was, is_)
            for index, (was, is_) in enumerate(zip_longest(before, after, fillvalue=""))
            if index != _SETTINGS or settings_observed is not None
        ]
        if any(was and was != is_ for was, is_ in parts):
            kind = "device" if len(before) > _ATTACHMENTS else "switch"
            findings.append(_stale(f"{kind} {device}", any(was and not is_ for was, is_ in parts)))
    if findings:
        raise StalePlan(*findings)


_SETTINGS, _ATTACHMENTS = 1, 2
"""Places in a device's fingerprint."""


def _stale(address: str, lost: bool) -> Diagnostic:
    return Diagnostic(
        "stale-plan",
        "does not answer any more" if lost else "changed since the plan was made",
        address=address,
        hint="check why it cannot be reached, then plan again" if lost else "plan again",
    )
