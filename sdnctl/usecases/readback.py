"""What is read back at the end of an apply: all as it should be, or what is not, device by device."""

from __future__ import annotations

from collections.abc import Iterable

from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import Diagnostic
from sdnctl.plan.attachments import compare as compare_attachments
from sdnctl.plan.changes import settings_differ
from sdnctl.southbound.fleet import Observation
from sdnctl.store.state import State
from sdnctl.usecases.planning import settings_of
from sdnctl.verify.held import compare


def exact(desired: State, observation: Observation) -> bool:
    """Whether every device holds what is desired and nothing else: then there is nothing left to plan.

    A device with foreign rules, a silent one, or one without a driver for settings takes the long way.
    """
    settings = desired.compiled.switch_settings
    return (
        all(device in observation.rules for device in desired.rules)
        and all(
            one is not None and one.rules == desired.rules.get(device, RuleSet())
            for device, one in observation.rules.items()
        )
        and all(
            held is not None and not (device in settings and settings_differ(held, settings[device]))
            for device, held in settings_of(observation).items()
        )
        and all(held == desired.compiled.attachments.get(device) for device, held in observation.attached.items())
    )


def differences(desired: State, observation: Observation, devices: Iterable[str]) -> tuple[Diagnostic, ...]:
    """One diagnostic for each of these devices: how much of what was applied it does not hold."""
    gear = compare_attachments(desired.compiled.attachments, observation.attached)
    wanted = {device: desired.rules.get(device, RuleSet()) for device in devices if device not in gear}
    held = compare(wanted, observation.rule_sets).devices
    found = {
        **{device: one.summary for device, one in held.items()},
        **{name: gear[name].summary for name in gear},
    }
    return tuple(
        Diagnostic(
            "read-back",
            f"{device} does not hold what was applied: {found[device]}",
            address=f"{'device' if device in gear else 'switch'} {device}",
            hint="somebody else may be writing to it; `sdnctl apply` completes the plan",
        )
        for device in devices
    )
