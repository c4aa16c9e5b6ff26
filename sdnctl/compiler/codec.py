"""Dataclasses to JSON and back, driven by their type hints; strict in what it reads.

A dataclass becomes an object with its field names, a mapping an object (keys as text), tuples and sets arrays
(sets sorted), an enum its value, a prefix its text. A union of dataclasses carries the class name under ``"is"``.
Same value, same text: `canonical` sorts keys. Reading raises ValueError with the path of what does not fit.

A `Codec` may have forms of its own for some types. `encode` and `decode` are those of the one for people, in which
rules and settings look as `dataplane.serialise` writes them; `compiler.compact` has one for bulk.
"""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from operator import attrgetter
from typing import Any, Literal, NewType, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sdnctl.dataplane.attachment import Attachments
from sdnctl.dataplane.serialise import dump_rule, dump_rules, dump_settings, load_rule, load_rules, load_settings
from sdnctl.dataplane.values import Flow, Group, Meter, RuleSet, SwitchSettings

T = TypeVar("T")
Json: TypeAlias = Any
Writer: TypeAlias = Callable[[Any], Json]
Reader: TypeAlias = Callable[[Json, str], Any]
OwnForm: TypeAlias = tuple[Writer, Callable[[Json], Any]]
TAG = "is"


def encode(value: object, hint: Any = None) -> Json:
    """The JSON value (dicts, lists, text, numbers) of a dataclass, or of `value` as type `hint`."""
    return READABLE.writer(hint if hint is not None else type(value))(value)


def decode(hint: type[T], data: Json) -> T:
    """Read what `encode` made of a value of type `hint`; raises ValueError that says where it does not fit."""
    return cast(T, READABLE.reader(hint)(data, hint.__name__))


def canonical(data: Json) -> str:
    """JSON text of one form only: keys sorted, no blanks."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(data: Json) -> str:
    """SHA-256 of the canonical text, hex."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


_RULE = frozenset((Flow, Group, Meter))
_BEHIND_HINTS = {"Attachments": Attachments, "RuleSet": RuleSet, "SwitchSettings": SwitchSettings}
"""What `ir` names in its hints but does not import when it runs."""


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
    hints = get_type_hints(kind, localns=_BEHIND_HINTS)
    return tuple((item.name, hints[item.name]) for item in fields(kind))


def _required(kind: type) -> frozenset[str]:
    return frozenset(
        item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING
    )


def _as_it_is(value: Any) -> Json:
    return value


class Codec:
    """Writers and readers by type hint, made on first use. `own`: type → how it is written and read instead."""

    def __init__(self, own: Mapping[Any, OwnForm]) -> None:
        self._own = own
        self._writers: dict[Any, Writer] = {}
        self._readers: dict[Any, Reader] = {}

    def writer(self, hint: Any) -> Writer:
        """What writes values of this type."""
        if hint not in self._writers:
            self._writers[hint] = self._writer(_plain(hint))
        return self._writers[hint]

    def reader(self, hint: Any) -> Reader:
        """What reads values of this type; the second argument is the place that errors name."""
        if hint not in self._readers:
            self._readers[hint] = self._reader(_plain(hint))
        return self._readers[hint]

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def _writer(self, hint: Any) -> Writer:
        members = _members(hint)
        if members is not None:
            return self._write_union(members)
        if hint in self._own:
            return self._own[hint][0]
        if is_dataclass(hint):
            return self._write_object(cast(type, hint))
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is tuple:
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                item = self.writer(arguments[0])
                return list if item is _as_it_is else lambda value: [item(entry) for entry in value]
            items = [self.writer(argument) for argument in arguments]
            return lambda value: [write(entry) for write, entry in zip(items, value, strict=True)]
        if origin is frozenset:
            item = self.writer(arguments[0])
            return sorted if item is _as_it_is else lambda value: sorted(item(entry) for entry in value)
        if origin is Mapping or origin is dict:
            item = self.writer(arguments[1])
            return lambda value: {str(key): item(value[key]) for key in sorted(value)}
        if isinstance(hint, type) and issubclass(hint, Enum):
            return lambda value: value.value
        if hint in (IPv4Network, IPv6Network):
            return str
        if hint is float:
            return float  # an int where a float is declared must not be written differently after reading
        if hint in (str, int, bool) or origin is Literal:
            return _as_it_is
        raise TypeError(f"no JSON for {hint}")

    def _write_object(self, kind: type) -> Writer:
        parts: list[tuple[str, Writer]] = []

        def write(value: Any) -> Json:
            if not parts:  # filled on first use, so that types may refer to themselves
                parts.extend((name, self.writer(hint)) for name, hint in _hints(kind))
            return {name: item(getattr(value, name)) for name, item in parts}

        return write if fields(kind) else lambda value: {}

    def _write_union(self, members: tuple[Any, ...]) -> Writer:
        if _RULE.issubset(members):
            return lambda value: None if value is None else dump_rule(value)
        table = {_plain(member): self.writer(member) for member in members if member is not type(None)}
        if set(table.values()) == {_as_it_is}:
            return _as_it_is
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

    def columns(self, kind: type, values: Collection[Any], without: Collection[str] = ()) -> dict[str, Json]:
        """Many dataclasses of one kind as columns: field name → its values, in the order of `values`."""
        table = {}
        for name, hint in _hints(kind):
            if name not in without:
                column, write = map(attrgetter(name), values), self.writer(hint)
                table[name] = list(column if write is _as_it_is else map(write, column))
        return table

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def _reader(self, hint: Any) -> Reader:
        members = _members(hint)
        if members is not None:
            return self._read_union(members)
        if hint in self._own:
            load = self._own[hint][1]
            return lambda data, where: _placed(load, data, where)
        if is_dataclass(hint):
            return self._read_object(cast(type, hint))
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is tuple:
            return self._read_tuple(arguments)
        if origin is frozenset:
            items = self._read_tuple((arguments[0], ...))
            return lambda data, where: frozenset(items(data, where))
        if origin is Mapping or origin is dict:
            return self._read_mapping(*arguments)
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

    def _read_object(self, kind: type) -> Reader:
        required = _required(kind)
        readers: dict[str, Reader] = {}

        def read(data: Json, where: str) -> Any:
            if not readers:
                readers.update((name, self.reader(hint)) for name, hint in _hints(kind))
            _need(data, dict, where)
            _check_names(data, readers, required, where)
            return kind(**{name: readers[name](item, f"{where}.{name}") for name, item in data.items()})

        return read

    def _read_tuple(self, arguments: tuple[Any, ...]) -> Reader:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            item = self.reader(arguments[0])
            return lambda data, where: tuple(
                item(entry, f"{where}[{index}]") for index, entry in enumerate(_need(data, list, where))
            )
        items = [self.reader(argument) for argument in arguments]

        def read(data: Json, where: str) -> Any:
            if len(_need(data, list, where)) != len(items):
                raise ValueError(f"{where}: {len(items)} entries are expected")
            return tuple(item(entry, where) for item, entry in zip(items, data, strict=True))

        return read

    def _read_mapping(self, key: Any, value: Any) -> Reader:
        number, item = _plain(key) is int, self.reader(value)
        return lambda data, where: {
            (int(name) if number else name): item(entry, f"{where}[{name}]")
            for name, entry in _need(data, dict, where).items()
        }

    def _read_union(self, members: tuple[Any, ...]) -> Reader:
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
                return self.reader(classes[name])({key: item for key, item in data.items() if key != TAG}, where)
            return self.reader(kinds[0])(data, where)

        return read

    def rows(self, kind: type[T], data: Json, where: str, given: Mapping[str, Iterable[Any]] = {}) -> list[T]:
        """Read what `columns` wrote; `given` are columns that were left out and read in another way."""
        _need(data, dict, where)
        hints = dict(_hints(cast(type, kind)))
        _check_names({**data, **given}, hints, _required(kind), where)
        columns: dict[str, list[Any]] = {name: list(column) for name, column in given.items()}
        for name, column in data.items():
            columns[name] = self._column(hints[name], _need(column, list, f"{where}.{name}"), f"{where}.{name}")
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError(f"{where}: the columns are not equally long")
        names = tuple(columns)
        return [kind(**dict(zip(names, row, strict=True))) for row in zip(*columns.values(), strict=True)]

    def _column(self, hint: Any, column: list[Json], where: str) -> list[Any]:
        """One column; where all of it is plain text or numbers of the right type it is taken as it is."""
        kinds = set(map(type, column))
        plain = _plain(hint)
        allowed = {_plain(member) for member in _members(plain) or (plain,)}
        if allowed <= _PLAIN_TYPES and kinds <= allowed:
            return column
        read = self.reader(hint)
        return [read(item, where) for item in column]


_PLAIN_TYPES = frozenset((str, int, bool, type(None)))


def _check_names(data: Mapping[str, Any], known: Mapping[str, Any], required: frozenset[str], where: str) -> None:
    unknown = data.keys() - known.keys()
    missing = required - data.keys()
    if unknown or missing:
        raise ValueError(f"{where}: unknown {sorted(unknown)}, missing {sorted(missing)}")


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


READABLE = Codec({RuleSet: (dump_rules, load_rules), SwitchSettings: (dump_settings, load_settings)})
