"""The plan as a value: stages of changes per device, what each intent will feel, and fingerprints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from sdnctl.dataplane.attachment import Attachment, Attachments
from sdnctl.dataplane.values import Flow, Group, Meter, RuleSet, SwitchSettings
from sdnctl.quick import quick

Rule: TypeAlias = Flow | Group | Meter


class Op(StrEnum):
    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"


@quick
@dataclass(frozen=True, slots=True)
class Change:
    """One change on one device. `before` is what was observed (None for an addition)."""

    op: Op
    rule: Rule
    before: Rule | None = None


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """Fail mode, BFD or queues of one device, for a driver whose payload is `SwitchSettings`."""

    settings: SwitchSettings
    before: SwitchSettings | None = None


@dataclass(frozen=True, slots=True)
class AttachmentChange:
    """One attachment of one device, for a driver whose payload is attachments; `before` as in `Change`."""

    op: Op
    attachment: Attachment
    before: Attachment | None = None


DeviceChange: TypeAlias = Change | SettingsChange | AttachmentChange
"""What a driver is handed: one kind, that of its payload."""


class StageKind(StrEnum):
    """The order of an update that loses no packet (two-phase, make before break)."""

    ATTACH = "attach"  # gear beside the switches: what is new there, before traffic is let through to it
    SETTINGS = "settings"  # fail mode, BFD, queues
    PREPARE = "prepare"  # meters, groups, then deliver, demux and transit rules of new labels
    SWITCH = "switch"  # existing groups and rules change: trunks flip to what was prepared
    ADMIT = "admit"  # encap, police and classify rules of new demands: traffic enters
    REATTACH = "reattach"  # attachments that change, when switches are ready for what comes of it
    DRAIN = "drain"  # wait until packets on old labels have left
    RETIRE = "retire"  # classify first, then towards deliver; groups and meters last
    DETACH = "detach"  # attachments that nothing leads to any more


ATTACHING = frozenset({StageKind.ATTACH, StageKind.REATTACH, StageKind.DETACH})
"""Stages of gear beside the switches: made on all devices, then confirmed on all, or taken back on all."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the whole network; every device confirms by barrier before the next stage starts.

    `changes` maps device → changes in the order in which they are sent. `wait_ms`: after a drain, and between the
    changes and their confirmation where devices of attachments could be cut off by what they were told.
    """

    kind: StageKind
    changes: Mapping[str, tuple[DeviceChange, ...]] = field(default_factory=dict)
    wait_ms: int = 0


class Effect(StrEnum):
    """What an intent feels, worst last."""

    NONE = "none"
    HITLESS = "hitless"
    BRIEF = "brief"  # at most `milliseconds`
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Impact:
    """What one application feels from this plan, and why; counts are demands."""

    application: str
    service_class: str
    effect: Effect
    reason: str
    milliseconds: int | None = None
    demands: int = 0
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """What one device reported: our rules, and how many foreign ones were seen and left alone.

    `others` are the flows among the foreign ones: a rule of ours must not take the place of one of them.
    `attachments` is None for drivers with another payload; there `foreign` counts ports with somebody else's
    configuration.
    """

    rules: RuleSet
    foreign: int = 0
    settings: SwitchSettings | None = None
    others: tuple[Flow, ...] = ()
    attachments: Attachments | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Observed to desired, in stages. Apply follows it exactly; `fingerprint` covers all other fields.

    `observed_fingerprints` are of the devices that the plan touches, as `plan.stale` writes them; `unknown` names
    devices that could not be reached: nothing is planned for them. `target` is the fingerprint of the
    compiled state.
    """

    network: str
    target: str
    baseline: str
    created: str  # ISO 8601, UTC
    observed_fingerprints: Mapping[str, str]
    stages: tuple[Stage, ...]
    impacts: tuple[Impact, ...]
    unknown: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def empty(self) -> bool:
        return not any(stage.changes for stage in self.stages)

    def count(self, op: Op) -> int:
        return sum(
            isinstance(change, Change | AttachmentChange) and change.op is op
            for stage in self.stages
            for changes in stage.changes.values()
            for change in changes
        )
