"""Drift: what switches hold against what was applied, rule by rule, with the intents behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sdnctl.errors import Diagnostic, InputError
from sdnctl.plan.changes import settings_differ
from sdnctl.plan.drift import Explainer, Finding, Glass
from sdnctl.southbound.fleet import Observation
from sdnctl.store.state import State
from sdnctl.usecases.computing import waited
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import settings_of
from sdnctl.verify.held import DeviceHeld, Held, HeldReport, compare


@dataclass(frozen=True, slots=True)
class Located:
    """One finding, and the glass that its links run through."""

    finding: Finding
    glass: Glass


@dataclass(frozen=True)
class Drift:
    """What was found, per switch; settings are compared where a settings driver is there."""

    held: HeldReport
    settings: tuple[str, ...]
    foreign: dict[str, int]
    findings: tuple[Located, ...] = ()

    @property
    def clean(self) -> bool:
        return self.held.ok and not self.settings


def drift(context: Context) -> Drift:
    """Read every switch back and compare."""
    _, state = context.need_applied()

    async def read() -> Observation:
        async with context.fleet(state.compiled.topology) as fleet:
            return await fleet.observe()

    return compared(state, waited(read()))


def acknowledge(context: Context, switch: str) -> None:
    """Let a running controller put a switch right that it has frozen; raises InputError where it has not."""
    if context.controller is None:
        raise InputError(
            Diagnostic(
                "no-controller",
                "no controller runs here, so no switch is frozen",
                address=f"switch {switch}",
                hint="`sdnctl apply` puts right what drifted",
            )
        )
    context.controller.post("/v1/drift/acknowledgements", {"switch": switch})


def compared(state: State, observation: Observation) -> Drift:
    """What was read back of every switch, against what was applied."""
    wanted = state.compiled.switch_settings
    settings = tuple(
        sorted(
            device
            for device, held in settings_of(observation).items()
            if held is not None and device in wanted and settings_differ(held, wanted[device])
        )
    )
    foreign = {
        device: observed.foreign
        for device, observed in sorted(observation.rules.items())
        if observed is not None and observed.foreign
    }
    held = compare(state.confirmed, observation.rule_sets)
    return Drift(held, settings, foreign, located(Explainer(state.compiled), held.devices.values()))


def located(explainer: Explainer, devices: Iterable[DeviceHeld]) -> tuple[Located, ...]:
    """What differs on these devices, rule by rule, with owners and glass; nothing for those that match."""
    return tuple(
        Located(finding, explainer.glass(finding.links))
        for held in devices
        if held.status is not Held.MATCH
        for finding in explainer.findings(held)
    )
