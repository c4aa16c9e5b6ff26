"""Many rules as compact JSON: columns of numbers by shape of rule, for files that nobody reads by eye.

`dataplane.serialise` is the form for people. Here the flows of a switch that match the same fields under the same
masks and go on in the same way are one *shape*, and a shape is a table: one column per matched value, and
cookies, actions, meters and metadata; of a column whose values are all the same only that value stands there.
Actions are numbers of lists in a pool that all switches share. Numbers are exact integers of any size. Same
rules, same bytes, whatever order they stand in; reading raises ValueError with what does not fit.

    {"actions": [["set-field", "mpls_label", "1000"], …], "lists": [[0, 4], …], "switches": {"pop-gare":
        {"meters": [ids, rates, bursts], "groups": [[id, type, [[list, watch port, weight], …]], …],
         "flows": [{"table": 3, "priority": 9, "goto": null, "count": 2, "fields": [["eth_type", 65535], …],
                    "columns": [values of the first field, …, cookies, lists, meters, metadata, masks]}, …]}}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeAlias

from sdnctl.dataplane.bulk import in_bulk
from sdnctl.dataplane.serialise import dump_action, load_action
from sdnctl.dataplane.values import FIELDS, Action, Bucket, Flow, FlowKey, Group, GroupType, Match, Meter, RuleSet

Json: TypeAlias = Any
_Shape: TypeAlias = tuple[int, int, int | None, tuple[tuple[str, int], ...]]
"""Table, priority, goto, and the fields with their masks."""
_Row: TypeAlias = tuple[Any, ...]

_AFTER = 5
"""Columns behind those of the matched values: cookie, list of actions, meter, metadata, metadata mask."""
_EXACT: Mapping[str, int] = {name: (1 << bits) - 1 for name, bits in FIELDS.items()}


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


class _Pool:
    """Lists of actions by number, in the order in which they are first asked for."""

    def __init__(self) -> None:
        self.actions: list[list[Json]] = []
        self.lists: list[list[int]] = []
        self._number: dict[Action, int] = {}
        self._list: dict[tuple[Action, ...], int] = {}
        self._same: dict[int, tuple[tuple[Action, ...], int]] = {}  # by identity, kept alive by the entry

    def number(self, actions: tuple[Action, ...]) -> int:
        known = self._same.get(id(actions))
        if known is None:
            number = self._list.get(actions)
            if number is None:
                number = self._list[actions] = len(self.lists)
                self.lists.append([self._action(action) for action in actions])
            known = self._same[id(actions)] = actions, number
        return known[1]

    def _action(self, action: Action) -> int:
        number = self._number.get(action)
        if number is None:
            number = self._number[action] = len(self.actions)
            self.actions.append(dump_action(action))
        return number


@in_bulk()
def pack(rules: Mapping[str, RuleSet]) -> dict[str, Json]:
    """The rules of many switches as one JSON value."""
    pool = _Pool()
    switches = {switch: _pack_switch(rules[switch], pool) for switch in sorted(rules)}
    return {"actions": pool.actions, "lists": pool.lists, "switches": switches}


def _pack_switch(rules: RuleSet, pool: _Pool) -> dict[str, Json]:
    meters = [rules.meters[key] for key in sorted(rules.meters)]
    groups = [rules.groups[key] for key in sorted(rules.groups)]
    return {
        "meters": [[item.id for item in meters], [item.rate for item in meters], [item.burst for item in meters]],
        "groups": [
            [
                group.id,
                group.type.value,
                [[pool.number(bucket.actions), bucket.watch_port, bucket.weight] for bucket in group.buckets],
            ]
            for group in groups
        ],
        "flows": [_pack_shape(shape, rows, pool) for shape, rows in _by_shape(rules.flows.values())],
    }


def _by_shape(flows: Iterable[Flow]) -> list[tuple[_Shape, list[Flow]]]:
    """Flows of each shape, by value; shapes in a stable order."""
    table: dict[_Shape, list[tuple[tuple[int, ...], Flow]]] = {}
    for flow in flows:
        fields = flow.match.fields
        shape = flow.table, flow.priority, flow.goto, tuple([(name, mask) for name, _, mask in fields])
        rows = table.get(shape)
        if rows is None:
            rows = table[shape] = []
        rows.append((tuple([value for _, value, _ in fields]), flow))
    for rows in table.values():
        rows.sort(key=_values)
    order = sorted(table, key=lambda shape: (shape[0], -shape[1], -1 if shape[2] is None else shape[2], shape[3]))
    return [(shape, [flow for _, flow in table[shape]]) for shape in order]


def _values(row: tuple[tuple[int, ...], Flow]) -> tuple[int, ...]:
    return row[0]


def _pack_shape(shape: _Shape, flows: Sequence[Flow], pool: _Pool) -> dict[str, Json]:
    table, priority, goto, fields = shape
    values = [
        [value for _, value, _ in column] for column in zip(*(flow.match.fields for flow in flows), strict=True)
    ]
    metadata = [flow.metadata for flow in flows]
    return {
        "table": table,
        "priority": priority,
        "goto": goto,
        "fields": [[name, mask] for name, mask in fields],
        "count": len(flows),
        "columns": [
            _column(column)
            for column in (
                *values,
                [flow.cookie for flow in flows],
                [pool.number(flow.actions) for flow in flows],
                [flow.meter for flow in flows],
                [None if entry is None else entry[0] for entry in metadata],
                [None if entry is None else entry[1] for entry in metadata],
            )
        ],
    }


def _column(values: list[int | None]) -> Json:
    """A column, or its value where all are the same."""
    first = values[0]
    return first if all(value == first for value in values) else values


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


@in_bulk()
def unpack(data: Json) -> dict[str, RuleSet]:
    """Read what `pack` wrote; equal actions and parts of matches become one object."""
    try:
        actions = [load_action(item) for item in data["actions"]]
        lists = [tuple([actions[_number(index)] for index in item]) for item in data["lists"]]
        reader = _Reader(lists)
        return {switch: reader.switch(item, switch) for switch, item in data["switches"].items()}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"packed rules: {type(error).__name__} {error}") from error


def _number(value: Json) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a number at or above zero")
    return value


def _numbers(values: Json, *, missing: bool = False) -> list[Any]:
    """A column of numbers, with None among them where values may be `missing`."""
    kinds = set(map(type, values)) - ({type(None)} if missing else set())
    if not isinstance(values, list) or not kinds <= {int}:
        raise ValueError("a column holds something that is not a number")
    if kinds and min((value for value in values if value is not None), default=0) < 0:
        raise ValueError("a column holds a number below zero")
    return values


class _Reader:
    def __init__(self, lists: list[tuple[Action, ...]]) -> None:
        self._lists = lists
        self._parts: dict[tuple[str, int, int], tuple[str, int, int]] = {}
        self._metadata: dict[tuple[int, int], tuple[int, int]] = {}

    def switch(self, data: Json, name: str) -> RuleSet:
        rules = RuleSet()
        columns = [_numbers(column) for column in data["meters"]]
        rules.meters = {meter.id: meter for meter in map(Meter, *_even(columns, 3, name))}
        for number, kind, buckets in data["groups"]:
            made = tuple(
                Bucket(self._lists[_number(index)], None if watch is None else _number(watch), _number(weight))
                for index, watch, weight in buckets
            )
            rules.groups[_number(number)] = Group(number, GroupType(kind), made)
        flows: dict[FlowKey, Flow] = rules.flows
        count = 0
        for shape in data["flows"]:
            for flow in self._flows(shape, name):
                flows[flow.table, flow.priority, flow.match] = flow
                count += 1
        if count != len(flows) or len(data["groups"]) != len(rules.groups) or len(columns[0]) != len(rules.meters):
            raise ValueError(f"{name}: two rules of one identity")
        return rules

    def _flows(self, data: Json, name: str) -> Iterator[Flow]:
        fields = [(str(field), _number(mask)) for field, mask in data["fields"]]
        count = _number(data["count"])
        if {len(item) for item in data["columns"] if isinstance(item, list)} != ({count} if count != 1 else set()):
            raise ValueError(f"{name}: {count} flows of one shape, in columns that are not so long")
        columns = [item if isinstance(item, list) else [item] * count for item in data["columns"]]
        columns = _even(columns, len(fields) + _AFTER, name)
        parts = [self._column(field, mask, column) for (field, mask), column in zip(fields, columns, strict=False)]
        cookies, lists, meters, values, masks = columns[len(fields) :]
        goto = data["goto"]
        actions = self._lists
        return map(
            Flow,
            repeat(_number(data["table"])),
            repeat(_number(data["priority"])),
            map(Match, zip(*parts, strict=True)) if parts else repeat(Match(), count),
            _numbers(cookies),
            [actions[index] for index in _numbers(lists)],
            _numbers(meters, missing=True),
            list(map(self._written, _numbers(values, missing=True), _numbers(masks, missing=True))),
            repeat(None if goto is None else _number(goto)),
        )

    def _column(self, name: str, mask: int, values: Json) -> list[tuple[str, int, int]]:
        """One entry per flow; equal ones are one object."""
        if mask == 0 or mask & ~_EXACT[name]:
            raise ValueError(f"{name} has no mask {mask:#x}")
        parts, outside = self._parts, ~mask
        found = []
        for value in _numbers(values):
            part = (name, value, mask)
            known = parts.get(part)
            if known is None:
                if value & outside:
                    raise ValueError(f"{name}={value:#x} does not fit its mask {mask:#x}")
                known = parts[part] = part
            found.append(known)
        return found

    def _written(self, value: int | None, mask: int | None) -> tuple[int, int] | None:
        if value is None or mask is None:
            if value is not mask:
                raise ValueError("metadata without mask")
            return None
        return self._metadata.setdefault((value, mask), (value, mask))


def _even(columns: Json, count: int, name: str) -> list[Json]:
    """The columns, if there are so many and all are equally long."""
    if len(columns) != count or len({len(column) for column in columns}) > 1:
        raise ValueError(f"{name}: {count} columns of one length are expected")
    return list(columns)
