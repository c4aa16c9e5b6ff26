"""A plan in numbers, for whoever renders it."""

from __future__ import annotations

from dataclasses import dataclass

from sdnctl.plan.model import Effect, Impact, Op, Plan, SettingsChange, StageKind
from sdnctl.wording import counted


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """What one device gets: numbers of rules (or attachments) added, modified, deleted, and settings set."""

    device: str
    add: int
    modify: int
    delete: int
    settings: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals, per device, and the stages with their numbers of changes and devices."""

    add: int
    modify: int
    delete: int
    settings: int
    devices: tuple[DeviceSummary, ...]
    stages: tuple[tuple[StageKind, int, int], ...]
    unknown: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """``12 to add, 3 to modify, 1 to delete, 0 settings, on 4 devices``."""
        return (
            f"{self.add} to add, {self.modify} to modify, {self.delete} to delete, {self.settings} settings, "
            f"on {counted(len(self.devices), 'devices')}"
        )


def summary(plan: Plan) -> Summary:
    """Count a plan."""
    counts: dict[str, dict[object, int]] = {}
    for stage in plan.stages:
        for device, changes in stage.changes.items():
            table = counts.setdefault(device, dict.fromkeys((*Op, SettingsChange), 0))
            for change in changes:
                table[SettingsChange if isinstance(change, SettingsChange) else change.op] += 1
    devices = tuple(
        DeviceSummary(device, table[Op.ADD], table[Op.MODIFY], table[Op.DELETE], table[SettingsChange])
        for device, table in sorted(counts.items())
    )
    return Summary(
        add=sum(device.add for device in devices),
        modify=sum(device.modify for device in devices),
        delete=sum(device.delete for device in devices),
        settings=sum(device.settings for device in devices),
        devices=devices,
        stages=tuple(
            (stage.kind, sum(len(changes) for changes in stage.changes.values()), len(stage.changes))
            for stage in plan.stages
        ),
        unknown=plan.unknown,
    )


def outages(plan: Plan) -> tuple[Impact, ...]:
    """Impacts that need a person's word: protected classes that the plan would interrupt."""
    return tuple(impact for impact in plan.impacts if impact.protected and impact.effect is Effect.OUTAGE)
