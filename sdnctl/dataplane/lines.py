"""Many rules in the form for people, one line each: the canonical text of `dump_rule(rule)`, and back.

Same text, same values and same faults as `json` with `dataplane.serialise`, many times faster: what rules have in
common (parts of matches, actions, lists of actions) is written and read once, and becomes one object.
"""

from __future__ import annotations

from json import JSONEncoder

from sdnctl.dataplane.fields import format_masked
from sdnctl.dataplane.serialise import (
    Json,
    dump_action,
    dump_group,
    dump_meter,
    load_action,
    load_match,
    load_rule,
)
from sdnctl.dataplane.values import FIELDS, Action, Flow, Group, Match, Meter

Part = tuple[str, int, int]


class RuleWriter:
    """Writes rules as JSON text with sorted keys and without blanks."""

    def __init__(self) -> None:
        self._parts: dict[Part, str] = {}
        self._actions: dict[Action, str] = {}
        self._lists: dict[int, tuple[tuple[Action, ...], str]] = {}  # by identity, kept alive by the entry

    def text(self, rule: Flow | Group | Meter) -> str:
        """One rule under its kind, as `dump_rule` has it."""
        if isinstance(rule, Flow):
            return f'{{"flow":{self._flow(rule)}}}'
        if isinstance(rule, Group):
            return f'{{"group":{_text(dump_group(rule))}}}'
        return f'{{"meter":{_text(dump_meter(rule))}}}'

    def _flow(self, flow: Flow) -> str:
        parts = self._parts
        match = ",".join(sorted([parts.get(part) or self._part(part) for part in flow.match.fields]))
        text = f'"match":{{{match}}}'
        if flow.metadata is not None:
            value, mask = flow.metadata
            text += f',"metadata":["{value:#x}","{mask:#x}"]'
        if flow.meter is not None:
            text += f',"meter":{flow.meter}'
        if flow.goto is not None:
            text = f'"goto":{flow.goto},{text}'
        actions = f'"actions":[{self._list(flow.actions)}],' if flow.actions else ""
        return (
            f'{{{actions}"cookie":"{flow.cookie:#018x}",{text},"priority":{flow.priority},"table":{flow.table}}}'
        )

    def _part(self, part: Part) -> str:
        name, value, mask = part
        text = self._parts[part] = f'"{name}":"{format_masked(name, value, mask)}"'  # nothing to be escaped
        return text

    def _list(self, actions: tuple[Action, ...]) -> str:
        known = self._lists.get(id(actions))
        if known is None:
            text = ",".join([self._actions.get(action) or self._action(action) for action in actions])
            known = self._lists[id(actions)] = actions, text
        return known[1]

    def _action(self, action: Action) -> str:
        text = self._actions[action] = _text(dump_action(action))
        return text


_text = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


_ORDER = {name: index for index, name in enumerate(FIELDS)}
_FLOW_KEYS = frozenset(("table", "priority", "match", "cookie", "meter", "actions", "metadata", "goto"))


class RuleReader:
    """Reads rules as `load_rule` does."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], tuple[Part, ...]] = {}
        self._lists: dict[str, tuple[Action, ...]] = {}

    def rule(self, data: Json) -> Flow | Group | Meter:
        """One rule; raises `Malformed` that says where it does not fit."""
        if type(data) is dict and len(data) == 1 and type(data.get("flow")) is dict:
            flow = self._flow(data["flow"])
            if flow is not None:
                return flow
        return load_rule(data)

    def _flow(self, data: dict[str, Json]) -> Flow | None:
        """A flow whose fields are all in order; None where `load_rule` has to say what is not."""
        if not data.keys() <= _FLOW_KEYS:
            return None
        table, priority, goto, meter = data.get("table"), data.get("priority"), data.get("goto"), data.get("meter")
        for number, needed in ((table, True), (priority, True), (goto, "goto" in data), (meter, "meter" in data)):
            if needed and (type(number) is not int or number < 0):
                return None
        try:
            metadata = None
            if "metadata" in data:
                if type(data["metadata"]) is not list:
                    return None
                value, mask = data["metadata"]
                metadata = int(value, 16), int(mask, 16)
            cookie = int(data.get("cookie", "0"), 16)
            actions = self._actions(data["actions"]) if "actions" in data else ()
            return Flow(table, priority, self._match(data["match"]), cookie, actions, meter, metadata, goto)  # type: ignore[arg-type]
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def _match(self, data: dict[str, str]) -> Match:
        known = self._parts
        found: list[Part] = []
        for entry in data.items():
            parts = known.get(entry)
            if parts is None:
                parts = known[entry] = load_match(dict((entry,))).fields
            found.extend(parts)
        found.sort(key=_place)
        return Match(tuple(found))

    def _actions(self, data: Json) -> tuple[Action, ...]:
        key = repr(data)
        actions = self._lists.get(key)
        if actions is None:
            if type(data) is not list:
                raise TypeError("a list is expected")
            actions = self._lists[key] = tuple(load_action(item) for item in data)
        return actions


def _place(part: Part) -> int:
    return _ORDER[part[0]]
