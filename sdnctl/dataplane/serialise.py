"""Rules and settings as JSON-able values that people can read, and back without loss.

Addresses are written as addresses, masks as ``/24`` or after a slash, EtherTypes and cookies in hex, actions as
``["push-mpls", "0x8847"]``. Order is stable, so equal rule sets dump to equal text. Loading checks types
and raises `Malformed`, a ValueError that says where in the document the fault is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from sdnctl.dataplane.fields import format_masked, format_value, parse_masked, parse_value
from sdnctl.dataplane.text import flow_order
from sdnctl.dataplane.values import (
    FIELDS,
    Action,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    PopMpls,
    PopVlan,
    PortSettings,
    PushMpls,
    PushVlan,
    Queue,
    RuleSet,
    SetField,
    SetQueue,
    SwitchSettings,
    ToGroup,
)

Json: TypeAlias = Any
T = TypeVar("T")


class Malformed(ValueError):
    """A document that is not what `dump_…` writes: where (``flows[3].match.ipv4_src``) and what."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path.lstrip('.')}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


# ── loading helpers ──────────────────────────────────────────────────────────────────────────────


@contextmanager
def _at(*path: str | int) -> Iterator[None]:
    """Faults inside are told with their place."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    try:
        yield
    except Malformed as fault:
        raise Malformed(fault.reason, where + fault.path) from None
    except (ValueError, TypeError) as fault:
        raise Malformed(str(fault), where) from None


def _mapping(data: Json, allowed: frozenset[str], needed: frozenset[str] = frozenset()) -> Mapping[str, Json]:
    if not isinstance(data, dict):
        raise Malformed(f"expected an object, not {type(data).__name__}")
    if unknown := sorted(map(str, set(data) - allowed)):
        raise Malformed(f"unknown key {unknown[0]!r}")
    if missing := sorted(needed - set(data)):
        raise Malformed(f"key {missing[0]!r} is missing")
    return data


def _list(data: Json) -> list[Json]:
    if not isinstance(data, list):
        raise Malformed(f"expected a list, not {type(data).__name__}")
    return data


def _int(data: Json) -> int:
    if isinstance(data, bool) or not isinstance(data, int) or data < 0:
        raise Malformed(f"expected a number at or above zero, not {data!r}")
    return data


def _text(data: Json) -> str:
    if not isinstance(data, str):
        raise Malformed(f"expected text, not {data!r}")
    return data


def _hex(data: Json) -> int:
    return int(_text(data), 16)


def _member(item: Mapping[str, Json], key: str, load: Callable[[Json], T]) -> T:
    with _at(key):
        return load(item[key])


def _optional(item: Mapping[str, Json], key: str, load: Callable[[Json], T]) -> T | None:
    return _member(item, key, load) if key in item else None


def _each(data: Json, load: Callable[[Json], T]) -> tuple[T, ...]:
    items = []
    for index, item in enumerate(_list(data)):
        with _at(index):
            items.append(load(item))
    return tuple(items)


# ── matches and actions ──────────────────────────────────────────────────────────────────────────


def dump_match(match: Match) -> dict[str, str]:
    """Field → ``value`` or ``value/mask``."""
    return {name: format_masked(name, value, mask) for name, value, mask in match}


def load_match(data: Json) -> Match:
    fields = _mapping(data, frozenset(FIELDS))
    entries: dict[str, int | tuple[int, int]] = {}
    for name, text in fields.items():
        with _at(name):
            entries[name] = parse_masked(name, _text(text))
    return Match.of(**entries)


_PLAIN: Mapping[str, Callable[[], Action]] = {
    "dec-mpls-ttl": DecMplsTtl,
    "pop-vlan": PopVlan,
    "clear-in-port": ClearInPort,
    "decap": Decap,
    "decap-to-ethernet": lambda: Decap(to_ethernet=True),
    "encap-mpls": lambda: Encap("mpls"),
    "encap-ethernet": lambda: Encap("ethernet"),
}
_TYPED: Mapping[str, Callable[[int], Action]] = {
    "push-mpls": PushMpls,
    "pop-mpls": PopMpls,
    "push-vlan": PushVlan,
}
_NUMBERED: Mapping[str, Callable[[int], Action]] = {"output": Output, "group": ToGroup, "set-queue": SetQueue}


def dump_action(action: Action) -> list[Json]:
    """``[kind, argument…]``."""
    match action:
        case Output(port, max_len):
            return ["output", port] if max_len == Output(port).max_len else ["output", port, max_len]
        case ToGroup(group):
            return ["group", group]
        case PushMpls(ethertype):
            return ["push-mpls", f"0x{ethertype:04x}"]
        case PopMpls(ethertype):
            return ["pop-mpls", f"0x{ethertype:04x}"]
        case PushVlan(ethertype):
            return ["push-vlan", f"0x{ethertype:04x}"]
        case SetField(name, value):
            return ["set-field", name, format_value(name, value)]
        case SetQueue(queue):
            return ["set-queue", queue]
        case Encap(header):
            return [f"encap-{header}"]
        case Decap(to_ethernet):
            return ["decap-to-ethernet" if to_ethernet else "decap"]
        case DecMplsTtl():
            return ["dec-mpls-ttl"]
        case PopVlan():
            return ["pop-vlan"]
        case ClearInPort():
            return ["clear-in-port"]


def load_action(data: Json) -> Action:
    kind, *arguments = [*_list(data)] or [""]
    match kind, arguments:
        case str(), [] if kind in _PLAIN:
            return _PLAIN[kind]()
        case str(), [text] if kind in _TYPED:
            return _TYPED[kind](_hex(text))
        case str(), [number] if kind in _NUMBERED:
            return _NUMBERED[kind](_int(number))
        case "output", [port, max_len]:
            return Output(_int(port), _int(max_len))
        case "set-field", [name, text]:
            return SetField(_text(name), parse_value(name, _text(text)))
    raise Malformed(f"unknown action {data!r}")


def _load_actions(data: Json) -> tuple[Action, ...]:
    return _each(data, load_action)


# ── flows, groups, meters ────────────────────────────────────────────────────────────────────────


def dump_flow(flow: Flow) -> dict[str, Json]:
    data: dict[str, Json] = {
        "table": flow.table,
        "priority": flow.priority,
        "match": dump_match(flow.match),
        "cookie": f"{flow.cookie:#018x}",
    }
    if flow.meter is not None:
        data["meter"] = flow.meter
    if flow.actions:
        data["actions"] = [dump_action(action) for action in flow.actions]
    if flow.metadata is not None:
        data["metadata"] = [f"{part:#x}" for part in flow.metadata]
    if flow.goto is not None:
        data["goto"] = flow.goto
    return data


_FLOW_KEYS = frozenset({"table", "priority", "match", "cookie", "meter", "actions", "metadata", "goto"})


def _load_metadata(data: Json) -> tuple[int, int]:
    parts = _each(data, _hex)
    if len(parts) != 2:
        raise Malformed("expected value and mask")
    return parts[0], parts[1]


def load_flow(data: Json) -> Flow:
    item = _mapping(data, _FLOW_KEYS, frozenset({"table", "priority", "match"}))
    return Flow(
        table=_member(item, "table", _int),
        priority=_member(item, "priority", _int),
        match=_member(item, "match", load_match),
        cookie=_optional(item, "cookie", _hex) or 0,
        actions=_optional(item, "actions", _load_actions) or (),
        meter=_optional(item, "meter", _int),
        metadata=_optional(item, "metadata", _load_metadata),
        goto=_optional(item, "goto", _int),
    )


def dump_group(group: Group) -> dict[str, Json]:
    buckets = []
    for bucket in group.buckets:
        data: dict[str, Json] = {"actions": [dump_action(action) for action in bucket.actions]}
        if bucket.watch_port is not None:
            data["watch_port"] = bucket.watch_port
        if bucket.weight:
            data["weight"] = bucket.weight
        buckets.append(data)
    return {"id": group.id, "type": str(group.type), "buckets": buckets}


def _load_bucket(data: Json) -> Bucket:
    item = _mapping(data, frozenset({"actions", "watch_port", "weight"}), frozenset({"actions"}))
    return Bucket(
        _member(item, "actions", _load_actions),
        _optional(item, "watch_port", _int),
        _optional(item, "weight", _int) or 0,
    )


def load_group(data: Json) -> Group:
    keys = frozenset({"id", "type", "buckets"})
    item = _mapping(data, keys, keys)
    return Group(
        _member(item, "id", _int),
        _member(item, "type", lambda kind: GroupType(_text(kind))),
        _member(item, "buckets", lambda buckets: _each(buckets, _load_bucket)),
    )


def dump_meter(meter: Meter) -> dict[str, Json]:
    return {"id": meter.id, "rate": meter.rate, "burst": meter.burst}


def load_meter(data: Json) -> Meter:
    keys = frozenset({"id", "rate", "burst"})
    item = _mapping(data, keys, keys)
    return Meter(_member(item, "id", _int), _member(item, "rate", _int), _member(item, "burst", _int))


_LOADERS: Mapping[str, Callable[[Json], Flow | Group | Meter]] = {
    "meter": load_meter,
    "group": load_group,
    "flow": load_flow,
}


def dump_rule(rule: Flow | Group | Meter) -> dict[str, Json]:
    """One rule of any kind under its kind: ``{"flow": …}``."""
    if isinstance(rule, Flow):
        return {"flow": dump_flow(rule)}
    return {"group": dump_group(rule)} if isinstance(rule, Group) else {"meter": dump_meter(rule)}


def load_rule(data: Json) -> Flow | Group | Meter:
    item = _mapping(data, frozenset(_LOADERS))
    if len(item) != 1:
        raise Malformed("expected one of flow, group, meter")
    (kind,) = item
    return _member(item, kind, _LOADERS[kind])


def dump_rules(rules: RuleSet) -> dict[str, Json]:
    """Meters and groups by number; flows by table, highest priority first, then by match."""
    return {
        "meters": [dump_meter(rules.meters[key]) for key in sorted(rules.meters)],
        "groups": [dump_group(rules.groups[key]) for key in sorted(rules.groups)],
        "flows": [dump_flow(flow) for flow in sorted(rules.flows.values(), key=flow_order)],
    }


def load_rules(data: Json) -> RuleSet:
    item = _mapping(data, frozenset(f"{kind}s" for kind in _LOADERS))
    rules = RuleSet()
    for kind, load in _LOADERS.items():
        with _at(f"{kind}s"):
            for index, entry in enumerate(_list(item.get(f"{kind}s", []))):
                with _at(index):
                    rules.add(load(entry))
    return rules


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


def dump_settings(settings: SwitchSettings) -> dict[str, Json]:
    ports: dict[str, Json] = {}
    for number in sorted(settings.ports):
        port = settings.ports[number]
        data: dict[str, Json] = {}
        if port.bfd_interval_ms is not None:
            data["bfd_interval_ms"] = port.bfd_interval_ms
        if port.queues:
            data["queues"] = [
                {"id": item.id, "min_rate": item.min_rate, "max_rate": item.max_rate, "priority": item.priority}
                for item in port.queues
            ]
        ports[str(number)] = data
    return {"fail_mode": settings.fail_mode, "ports": ports}


def _load_queue(data: Json) -> Queue:
    keys = ("id", "min_rate", "max_rate", "priority")
    item = _mapping(data, frozenset(keys), frozenset(keys))
    return Queue(*(_member(item, key, _int) for key in keys))


def _load_port(data: Json) -> PortSettings:
    item = _mapping(data, frozenset({"bfd_interval_ms", "queues"}))
    return PortSettings(
        _optional(item, "bfd_interval_ms", _int),
        _optional(item, "queues", lambda queues: _each(queues, _load_queue)) or (),
    )


def _ports(data: Json) -> dict[str, Json]:
    if not isinstance(data, dict):
        raise Malformed("expected an object of port numbers")
    return data


def load_settings(data: Json) -> SwitchSettings:
    item = _mapping(data, frozenset({"fail_mode", "ports"}), frozenset({"fail_mode"}))
    mode = item["fail_mode"]
    if mode not in ("secure", "standalone"):
        raise Malformed(f"expected secure or standalone, not {mode!r}", ".fail_mode")
    ports = {}
    for number, port in (_optional(item, "ports", _ports) or {}).items():
        with _at("ports", number):
            ports[int(number)] = _load_port(port)
    return SwitchSettings("standalone" if mode == "standalone" else "secure", ports)
