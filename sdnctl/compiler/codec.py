"""Dataclasses to JSON and back, driven by their type hints; strict in what it reads.

A dataclass becomes an object with its field names, a mapping an object (keys as text), tuples and sets arrays
(sets sorted), an enum its value, a prefix its text. A union of dataclasses carries the class name under ``"is"``.
Same value, same text: `canonical` sorts keys. Reading raises ValueError with the path of what does not fit.
"""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal, NewType, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sdnctl.dataplane.serialise import dump_rule, dump_rules, dump_settings, load_rule, load_rules, load_settings
from sdnctl.dataplane.values import Flow, Group, Meter, RuleSet, SwitchSettings

T = TypeVar("T")
Json: TypeAlias = Any
TAG = "is"


def encode(value: object, hint: Any = None) -> Json:
    """The JSON value (dicts, lists, text, numbers) of a dataclass, or of `value` as type `hint`."""
    kind: Any = hint if hint is not None else type(value)
    return _encoder(kind)(value)


def decode(hint: type[T], data: Json) -> T:
    """Read what `encode` made of a value of type `hint`; raises ValueError that says where it does not fit."""
    kind: Any = hint
    return cast(T, _decoder(kind)(data, hint.__name__))


def canonical(data: Json) -> str:
    """JSON text of one form only: keys sorted, no blanks."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(data: Json) -> str:
    """SHA-256 of the canonical text, hex."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


_OWN_FORM: Mapping[Any, tuple[Callable[[Any], Json], Callable[[Json], Any]]] = {
    RuleSet: (dump_rules, load_rules),
    SwitchSettings: (dump_settings, load_settings),
}
"""Types whose JSON people read and write: `dataplane.serialise` has their form."""

_RULE = frozenset((Flow, Group, Meter))


# ── what a hint says ─────────────────────────────────────────────────────────────────────────────


def _plain(hint: Any) -> Any:
    """The type behind NewType names."""
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    return hint


def _members(hint: Any) -> tuple[Any, ...] | None:
    """Members of a union, or None."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else None


@cache
def _hints(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((item.name, hints[item.name]) for item in fields(kind))


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


@cache
def _encoder(hint: Any) -> Callable[[Any], Json]:
    hint = _plain(hint)
    members = _members(hint)
    if members is not None:
        return _encode_union(members)
    if hint in _OWN_FORM:
        return _OWN_FORM[hint][0]
    if is_dataclass(hint):
        return _encode_object(cast(type, hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            item = _encoder(arguments[0])
            return lambda value: [item(entry) for entry in value]
        items = [_encoder(argument) for argument in arguments]
        return lambda value: [write(entry) for write, entry in zip(items, value, strict=True)]
    if origin is frozenset:
        item = _encoder(arguments[0])
        return lambda value: sorted(item(entry) for entry in value)
    if origin is Mapping or origin is dict:
        item = _encoder(arguments[1])
        return lambda value: {str(key): item(value[key]) for key in sorted(value)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value: value.value
    if hint in (IPv4Network, IPv6Network):
        return str
    if hint is float:
        return float  # an int where a float is declared must not be written differently after reading
    if hint in (str, int, bool) or origin is Literal:
        return lambda value: value
    raise TypeError(f"no JSON for {hint}")


def _encode_object(kind: type) -> Callable[[Any], Json]:
    parts: list[tuple[str, Callable[[Any], Json]]] = []

    def write(value: Any) -> Json:
        if not parts:  # filled on first use, so that types may refer to themselves
            parts.extend((name, _encoder(hint)) for name, hint in _hints(kind))
        return {name: item(getattr(value, name)) for name, item in parts}

    return write if fields(kind) else lambda value: {}


def _encode_union(members: tuple[Any, ...]) -> Callable[[Any], Json]:
    if _RULE.issubset(members):
        return lambda value: None if value is None else dump_rule(value)
    table = {_plain(member): _encoder(member) for member in members if member is not type(None)}
    tagged = sum(is_dataclass(member) for member in table) > 1

    def write(value: Any) -> Json:
        if value is None:
            return None
        item = table.get(type(value))
        if item is None:  # a NewType over a number: float where an int was written, and the like
            item = next(iter(table.values()))
        if tagged and is_dataclass(value):
            return {TAG: type(value).__name__, **item(value)}
        return item(value)

    return write


# ── reading ──────────────────────────────────────────────────────────────────────────────────────

Reader: TypeAlias = Callable[[Json, str], Any]


@cache
def _decoder(hint: Any) -> Reader:
    hint = _plain(hint)
    members = _members(hint)
    if members is not None:
        return _decode_union(members)
    if hint in _OWN_FORM:
        load = _OWN_FORM[hint][1]
        return lambda data, where: _placed(load, data, where)
    if is_dataclass(hint):
        return _decode_object(cast(type, hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _decode_tuple(arguments)
    if origin is frozenset:
        items = _decode_tuple((arguments[0], ...))
        return lambda data, where: frozenset(items(data, where))
    if origin is Mapping or origin is dict:
        return _decode_mapping(*arguments)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda data, where: _placed(hint, data, where)
    if hint in (IPv4Network, IPv6Network):
        return lambda data, where: _placed(ip_network, _need(data, str, where), where)
    if origin is Literal:
        return lambda data, where: _one_of(data, arguments, where)
    if hint is float:
        return lambda data, where: float(_need(data, (int, float), where))
    if hint in (str, int, bool):
        return lambda data, where: _need(data, hint, where)
    raise TypeError(f"no JSON for {hint}")


def _need(data: Json, kind: type | tuple[type, ...], where: str) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise ValueError(f"{where}: {data!r} does not belong here")
    return data


def _one_of(data: Json, allowed: tuple[Any, ...], where: str) -> Any:
    if data not in allowed:
        raise ValueError(f"{where}: {data!r} is not one of {', '.join(map(str, allowed))}")
    return data


def _placed(load: Callable[[Json], T], data: Json, where: str) -> T:
    try:
        return load(data)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _decode_object(kind: type) -> Reader:
    required = {item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING}
    readers: dict[str, Reader] = {}

    def read(data: Json, where: str) -> Any:
        if not readers:
            readers.update((name, _decoder(hint)) for name, hint in _hints(kind))
        _need(data, dict, where)
        unknown = data.keys() - readers.keys()
        missing = required - data.keys()
        if unknown or missing:
            raise ValueError(f"{where}: unknown {sorted(unknown)}, missing {sorted(missing)}")
        return kind(**{name: readers[name](item, f"{where}.{name}") for name, item in data.items()})

    return read


def _decode_tuple(arguments: tuple[Any, ...]) -> Reader:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _decoder(arguments[0])
        return lambda data, where: tuple(
            item(entry, f"{where}[{index}]") for index, entry in enumerate(_need(data, list, where))
        )
    items = [_decoder(argument) for argument in arguments]

    def read(data: Json, where: str) -> Any:
        if len(_need(data, list, where)) != len(items):
            raise ValueError(f"{where}: {len(items)} entries are expected")
        return tuple(item(entry, where) for item, entry in zip(items, data, strict=True))

    return read


def _decode_mapping(key: Any, value: Any) -> Reader:
    number, item = _plain(key) is int, _decoder(value)
    return lambda data, where: {
        (int(name) if number else name): item(entry, f"{where}[{name}]")
        for name, entry in _need(data, dict, where).items()
    }


def _decode_union(members: tuple[Any, ...]) -> Reader:
    optional = type(None) in members
    if _RULE.issubset(members):
        return lambda data, where: None if data is None and optional else _placed(load_rule, data, where)
    kinds = [_plain(member) for member in members if member is not type(None)]
    classes: dict[str, Any] = {
        kind.__name__: kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)
    }

    def read(data: Json, where: str) -> Any:
        if data is None and optional:
            return None
        if len(classes) > 1:
            name = _one_of(_need(data, dict, where).get(TAG), tuple(classes), where)
            return _decoder(classes[name])({key: item for key, item in data.items() if key != TAG}, where)
        return _decoder(kinds[0])(data, where)

    return read
