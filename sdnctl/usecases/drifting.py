"""Drift: what switches hold against what was applied, rule by rule, with the intents behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.errors import Diagnostic, InputError
from sdnctl.plan.attachments import DeviceAttachments
from sdnctl.plan.attachments import compare as compare_attachments
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
    """What was found, per switch; settings are compared where a settings driver is there.

    `attachments`: what devices beside the switches hold; their findings stand behind those of switches.
    """

    held: HeldReport
    settings: tuple[str, ...]
    foreign: dict[str, int]
    findings: tuple[Located, ...] = ()
    attachments: Mapping[str, DeviceAttachments] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return self.held.ok and not self.settings and all(one.ok for one in self.attachments.values())


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
        for device, observed in sorted((*observation.rules.items(), *(observation.attachments or {}).items()))
        if observed is not None and observed.foreign
    }
    held = compare(state.confirmed, observation.rule_sets)
    attached = compare_attachments(state.compiled.attachments, observation.attached)
    explainer = Explainer(state.compiled)
    findings = located(explainer, held.devices.values()) + attached_findings(explainer, attached.values())
    return Drift(held, settings, foreign, findings, attached)


def attached_findings(explainer: Explainer, devices: Iterable[DeviceAttachments]) -> tuple[Located, ...]:
    """What differs on devices beside the switches, with owners; no glass leads to them that is known here."""
    return tuple(Located(finding, Glass()) for held in devices for finding in explainer.attached_findings(held))


def located(explainer: Explainer, devices: Iterable[DeviceHeld]) -> tuple[Located, ...]:
    """What differs on these devices, rule by rule, with owners and glass; nothing for those that match."""
    return tuple(
        Located(finding, explainer.glass(finding.links))
        for held in devices
        if held.status is not Held.MATCH
        for finding in explainer.findings(held)
    )
