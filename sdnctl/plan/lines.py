"""Changes as lines of JSON: one line per change, so that plans of any size are written, read and compared fast.

A change is ``{"op": …, "rule": …}`` with the rule as `dataplane.serialise` has it, and ``"before"`` where
something was there: the rule that was, or the word ``"rule"`` where it is the same (deletions). A change of
settings is ``{"settings": …, "before": …}``, one of an attachment ``{"op": …, "attachment": …, "before": …}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sdnctl.compiler.codec import Json, canonical
from sdnctl.dataplane.attachment import dump_attachment, load_attachment
from sdnctl.dataplane.lines import RuleReader, RuleWriter
from sdnctl.dataplane.serialise import dump_settings, load_settings
from sdnctl.plan.model import AttachmentChange, Change, DeviceChange, Op, Rule, SettingsChange, Stage, StageKind

SAME = "rule"
Lines = Mapping[str, list[str]]
"""Device → its changes, one text each."""


def stage_lines(stages: Iterable[Stage]) -> list[Lines]:
    """The changes of each stage as text: canonical JSON."""
    writer = RuleWriter()
    return [
        {device: [_write(change, writer) for change in stage.changes[device]] for device in sorted(stage.changes)}
        for stage in stages
    ]


def _write(change: DeviceChange, writer: RuleWriter) -> str:
    if isinstance(change, SettingsChange):
        data: dict[str, Json] = {"settings": dump_settings(change.settings)}
        if change.before is not None:
            data["before"] = dump_settings(change.before)
        return canonical(data)
    if isinstance(change, AttachmentChange):
        data = {"op": str(change.op), "attachment": dump_attachment(change.attachment)}
        if change.before is not None:
            data["before"] = dump_attachment(change.before)
        return canonical(data)
    rule = writer.text(change.rule)
    if change.before is None:
        return f'{{"op":"{change.op}","rule":{rule}}}'
    same = change.before is change.rule or change.before == change.rule
    before = f'"{SAME}"' if same else writer.text(change.before)
    return f'{{"before":{before},"op":"{change.op}","rule":{rule}}}'


def stage_text(stage: Stage, lines: Lines, between: str = "") -> str:
    """A stage as JSON text; with `between` (a line break) behind each comma and bracket that separates changes."""
    devices = f",{between}".join(
        f"{canonical(device)}:[{between}{f',{between}'.join(texts)}]" for device, texts in lines.items()
    )
    return f'{{"changes":{{{devices}}},"kind":"{stage.kind}","wait_ms":{stage.wait_ms}}}'


def read_stages(data: Json) -> tuple[Stage, ...]:
    """Read the stages of a plan; raises ValueError, TypeError or KeyError where they do not fit."""
    reader = RuleReader()
    return tuple(_read_stage(item, reader) for item in data)


def _read_stage(data: Json, reader: RuleReader) -> Stage:
    _only(data, {"changes", "kind", "wait_ms"})
    if type(data["wait_ms"]) is not int:
        raise ValueError("wait_ms is not a number")
    changes = {device: tuple(_read(item, reader) for item in items) for device, items in data["changes"].items()}
    return Stage(StageKind(data["kind"]), changes, data["wait_ms"])


def _read(data: Json, reader: RuleReader) -> DeviceChange:
    if "settings" in data:
        _only(data, {"settings", "before"})
        before = load_settings(data["before"]) if "before" in data else None
        return SettingsChange(load_settings(data["settings"]), before)
    if "attachment" in data:
        _only(data, {"op", "attachment", "before"})
        held = load_attachment(data["before"]) if "before" in data else None
        return AttachmentChange(Op(data["op"]), load_attachment(data["attachment"]), held)
    _only(data, {"op", "rule", "before"})
    rule = reader.rule(data["rule"])
    was: Rule | None = None
    if "before" in data:
        was = rule if data["before"] == SAME else reader.rule(data["before"])
    return Change(Op(data["op"]), rule, was)


def _only(data: Json, allowed: set[str]) -> None:
    if not data.keys() <= allowed:
        raise ValueError(f"unknown {sorted(data.keys() - allowed)}")
