"""Gear beside the switches in a plan: what differs on a device, and in which stage each change belongs.

What is new is attached before switches let traffic through to it, and what is not wanted any more is detached
after they have stopped. What changes is in between, after switches admit what will come; and so are additions
that need a tag which another attachment of the device still has: both are one commit then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sdnctl.dataplane.attachment import Attachment, Attachments, in_order
from sdnctl.plan.model import AttachmentChange, Observed, Op, Stage, StageKind

CONFIRM_MS = 200
"""How long what was committed on devices is left alone before it is confirmed."""

Reports = Mapping[str, Observed | None]


def difference(held: Attachments, wanted: Attachments) -> tuple[AttachmentChange, ...]:
    """Deletions, then modifications, then additions, each in order of ports: no tag is needed twice."""
    gone = [one for one in in_order(held) if one.key not in wanted]
    changed = [one for one in in_order(wanted) if one.key in held and held[one.key] != one]
    new = [one for one in in_order(wanted) if one.key not in held]
    return (
        *(AttachmentChange(Op.DELETE, one, one) for one in gone),
        *(AttachmentChange(Op.MODIFY, one, held[one.key]) for one in changed),
        *(AttachmentChange(Op.ADD, one) for one in new),
    )


def in_stages(changes: Iterable[AttachmentChange]) -> dict[StageKind, tuple[AttachmentChange, ...]]:
    """The changes of one device by stage."""
    changes = tuple(changes)
    freed = {change.before.tag for change in changes if change.before is not None}
    taken = {change.attachment.tag for change in changes if change.op is not Op.DELETE}
    passed_on = freed & taken
    alone = {Op.ADD: StageKind.ATTACH, Op.MODIFY: StageKind.REATTACH, Op.DELETE: StageKind.DETACH}
    found: dict[StageKind, tuple[AttachmentChange, ...]] = {}
    for change in changes:
        kind = StageKind.REATTACH if change.attachment.tag in passed_on else alone[change.op]
        found[kind] = (*found.get(kind, ()), change)
    return found


def stages(reports: Reports, wanted: Mapping[str, Attachments]) -> dict[StageKind, Stage]:
    """All changes on devices that answered; those that should hold nothing are cleared of what is ours."""
    table: dict[StageKind, dict[str, tuple[AttachmentChange, ...]]] = {}
    for device, report in sorted(reports.items()):
        if report is not None and report.attachments is not None:
            for kind, items in in_stages(difference(report.attachments, wanted.get(device, {}))).items():
                table.setdefault(kind, {})[device] = items
    return {kind: Stage(kind, changes, CONFIRM_MS) for kind, changes in table.items()}


def unanswered(
    reports: Reports, wanted: Mapping[str, Attachments], before: Mapping[str, Attachments]
) -> tuple[str, ...]:
    """Devices that were asked and did not answer, and those that nobody could ask although they hold something."""
    silent = {device for device, report in reports.items() if report is None}
    expected = {device for table in (wanted, before) for device, held in table.items() if held}
    return tuple(sorted(silent | (expected - reports.keys())))


def same_frames(one: Attachment, other: Attachment) -> bool:
    """Whether the same frames go the same way through the device, whatever their limit and mark."""
    return (one.key, one.uplink, one.tag) == (other.key, other.uplink, other.tag)


@dataclass(frozen=True, slots=True)
class DeviceAttachments:
    """What a device holds against what was applied; `unknown`: it could not be read, so nothing is missing."""

    device: str
    missing: tuple[Attachment, ...] = ()
    extra: tuple[Attachment, ...] = ()
    altered: tuple[tuple[Attachment, Attachment], ...] = ()  # applied, held
    matching: int = 0
    unknown: bool = False

    @property
    def ok(self) -> bool:
        return not (self.missing or self.extra or self.altered or self.unknown)

    @property
    def summary(self) -> str:
        """``2 missing, 0 extra, 1 altered``, or that it could not be read."""
        if self.unknown:
            return "could not be read"
        return f"{len(self.missing)} missing, {len(self.extra)} extra, {len(self.altered)} altered"


def compare(
    applied: Mapping[str, Attachments], observed: Mapping[str, Attachments | None]
) -> Mapping[str, DeviceAttachments]:
    """Drift of devices, by name: those of `applied`, and those that only `observed` knows and should hold nothing.

    A device that is None or absent in `observed` is unknown, unless nothing was applied to it either.
    """
    names = sorted({device for device, held in applied.items() if held} | observed.keys())
    return {device: _compared(device, applied.get(device, {}), observed.get(device)) for device in names}


def _compared(device: str, applied: Attachments, held: Attachments | None) -> DeviceAttachments:
    if held is None:
        return DeviceAttachments(device, unknown=True)
    both = [(one, held[one.key]) for one in in_order(applied) if one.key in held]
    return DeviceAttachments(
        device,
        missing=tuple(one for one in in_order(applied) if one.key not in held),
        extra=tuple(one for one in in_order(held) if one.key not in applied),
        altered=tuple((one, other) for one, other in both if one != other),
        matching=sum(one == other for one, other in both),
    )
