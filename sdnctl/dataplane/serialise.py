"""Rules and settings as JSON-able values that people can read, and back without loss.

Addresses are written as addresses, masks as ``/24`` or after a slash, EtherTypes and cookies in hex, actions as
``["push-mpls", "0x8847"]``. Order is stable, so equal rule sets dump to equal text. Loading checks types
and raises `Malformed`, a ValueError that says where in the document the fault is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """A document that is not what `dump_…` writes; the text says where and what."""


# ── loading helpers ──────────────────────────────────────────────────────────────────────────────


def _at(where: str, load: Callable[[], T]) -> T:
    """Run a loader; faults inside it are told with their place."""
    try:
        return load()
    except Malformed as fault:
        raise Malformed(f"{where}.{fault}" if not str(fault).startswith(":") else f"{where}{fault}") from None
    except (ValueError, TypeError, KeyError, IndexError) as fault:
        raise Malformed(f"{where}: {fault}") from None


def _mapping(data: Json, allowed: frozenset[str], needed: frozenset[str]) -> Mapping[str, Json]:
    if not isinstance(data, dict):
        raise Malformed(f": expected an object, not {type(data).__name__}")
    if unknown := sorted(set(data) - allowed):
        raise Malformed(f": unknown key {unknown[0]!r}")
    if missing := sorted(needed - set(data)):
        raise Malformed(f": key {missing[0]!r} is missing")
    return data


def _list(data: Json) -> list[Json]:
    if not isinstance(data, list):
        raise Malformed(f": expected a list, not {type(data).__name__}")
    return data


def _int(data: Json) -> int:
    if isinstance(data, bool) or not isinstance(data, int) or data < 0:
        raise Malformed(f": expected a number at or above zero, not {data!r}")
    return data


def _text(data: Json) -> str:
    if not isinstance(data, str):
        raise Malformed(f": expected text, not {data!r}")
    return data


# ── matches and actions ──────────────────────────────────────────────────────────────────────────


def dump_match(match: Match) -> dict[str, str]:
    """Field → ``value`` or ``value/mask``."""
    return {name: format_masked(name, value, mask) for name, value, mask in match}


def load_match(data: Json) -> Match:
    fields = _mapping(data, frozenset(FIELDS), frozenset())
    entries: dict[str, int | tuple[int, int]] = {}
    for name, text in fields.items():
        entries[name] = _at(name, lambda name=name, text=text: parse_masked(name, _text(text)))  # type: ignore[misc]
    return _at("match", lambda: Match.of(**entries))


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
            return _TYPED[kind](int(_text(text), 16))
        case str(), [number] if kind in _NUMBERED:
            return _NUMBERED[kind](_int(number))
        case "output", [port, max_len]:
            return Output(_int(port), _int(max_len))
        case "set-field", [name, text]:
            return SetField(_text(name), parse_value(name, _text(text)))
    raise Malformed(f": unknown action {data!r}")


def _load_actions(data: Json) -> tuple[Action, ...]:
    return tuple(
        _at(f"actions[{index}]", lambda item=item: load_action(item)) for index, item in enumerate(_list(data))
    )  # type: ignore[misc]


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


def load_flow(data: Json) -> Flow:
    item = _mapping(data, _FLOW_KEYS, frozenset({"table", "priority", "match"}))
    metadata = None
    if "metadata" in item:
        value, mask = (int(_text(part), 16) for part in _list(item["metadata"]))
        metadata = (value, mask)
    return Flow(
        table=_at("table", lambda: _int(item["table"])),
        priority=_at("priority", lambda: _int(item["priority"])),
        match=_at("match", lambda: load_match(item["match"])),
        cookie=_at("cookie", lambda: int(_text(item.get("cookie", "0x0")), 16)),
        actions=_load_actions(item.get("actions", [])),
        meter=_at("meter", lambda: _int(item["meter"])) if "meter" in item else None,
        metadata=metadata,
        goto=_at("goto", lambda: _int(item["goto"])) if "goto" in item else None,
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
    watch = _int(item["watch_port"]) if "watch_port" in item else None
    return Bucket(_load_actions(item["actions"]), watch, _int(item.get("weight", 0)))


def load_group(data: Json) -> Group:
    keys = frozenset({"id", "type", "buckets"})
    item = _mapping(data, keys, keys)
    buckets = [
        _at(f"buckets[{index}]", lambda bucket=bucket: _load_bucket(bucket))  # type: ignore[misc]
        for index, bucket in enumerate(_list(item["buckets"]))
    ]
    return Group(_int(item["id"]), _at("type", lambda: GroupType(_text(item["type"]))), tuple(buckets))


def dump_meter(meter: Meter) -> dict[str, Json]:
    return {"id": meter.id, "rate": meter.rate, "burst": meter.burst}


def load_meter(data: Json) -> Meter:
    keys = frozenset({"id", "rate", "burst"})
    item = _mapping(data, keys, keys)
    return Meter(_int(item["id"]), _int(item["rate"]), _int(item["burst"]))


def dump_rule(rule: Flow | Group | Meter) -> dict[str, Json]:
    """One rule of any kind under its kind: ``{"flow": …}``."""
    if isinstance(rule, Flow):
        return {"flow": dump_flow(rule)}
    return {"group": dump_group(rule)} if isinstance(rule, Group) else {"meter": dump_meter(rule)}


def load_rule(data: Json) -> Flow | Group | Meter:
    item = _mapping(data, frozenset({"flow", "group", "meter"}), frozenset())
    if len(item) != 1:
        raise Malformed(": expected one of flow, group, meter")
    if "flow" in item:
        return _at("flow", lambda: load_flow(item["flow"]))
    if "group" in item:
        return _at("group", lambda: load_group(item["group"]))
    return _at("meter", lambda: load_meter(item["meter"]))


def dump_rules(rules: RuleSet) -> dict[str, Json]:
    """Meters and groups by number; flows by table, highest priority first, then by match."""
    return {
        "meters": [dump_meter(rules.meters[key]) for key in sorted(rules.meters)],
        "groups": [dump_group(rules.groups[key]) for key in sorted(rules.groups)],
        "flows": [dump_flow(flow) for flow in sorted(rules.flows.values(), key=flow_order)],
    }


def load_rules(data: Json) -> RuleSet:
    item = _mapping(data, frozenset({"meters", "groups", "flows"}), frozenset())
    rules = RuleSet()
    loaders: tuple[tuple[str, Callable[[Json], Flow | Group | Meter]], ...] = (
        ("meters", load_meter),
        ("groups", load_group),
        ("flows", load_flow),
    )
    for key, loader in loaders:
        for index, entry in enumerate(_at(key, lambda key=key: _list(item.get(key, [])))):  # type: ignore[misc]
            rule = _at(f"{key}[{index}]", lambda loader=loader, entry=entry: loader(entry))  # type: ignore[misc]
            _at(f"{key}[{index}]", lambda rule=rule: rules.add(rule))  # type: ignore[misc]
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
    keys = frozenset({"id", "min_rate", "max_rate", "priority"})
    item = _mapping(data, keys, keys)
    return Queue(_int(item["id"]), _int(item["min_rate"]), _int(item["max_rate"]), _int(item["priority"]))


def _load_port(data: Json) -> PortSettings:
    item = _mapping(data, frozenset({"bfd_interval_ms", "queues"}), frozenset())
    bfd = _int(item["bfd_interval_ms"]) if "bfd_interval_ms" in item else None
    return PortSettings(bfd, tuple(_load_queue(queue) for queue in _list(item.get("queues", []))))


def load_settings(data: Json) -> SwitchSettings:
    item = _mapping(data, frozenset({"fail_mode", "ports"}), frozenset({"fail_mode"}))
    mode = item["fail_mode"]
    if mode not in ("secure", "standalone"):
        raise Malformed(f"fail_mode: expected secure or standalone, not {mode!r}")
    entries = item.get("ports", {})
    if not isinstance(entries, dict):
        raise Malformed("ports: expected an object")
    ports = {}
    for number, port in entries.items():
        ports[_at("ports", lambda number=number: int(number))] = _at(  # type: ignore[misc]
            f"ports.{number}",
            lambda port=port: _load_port(port),  # type: ignore[misc]
        )
    return SwitchSettings("standalone" if mode == "standalone" else "secure", ports)
