"""Groups: group_mod, and group descriptions and statistics read back."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from sdnctl.dataplane.values import Bucket, Group, GroupType
from sdnctl.southbound.openflow.codec.actions import decode_actions, encode_actions
from sdnctl.southbound.openflow.codec.wire import (
    ANY,
    Malformed,
    Opaque,
    Reader,
    Type,
    Unrepresentable,
    message,
)

GROUP_TYPES = {
    GroupType.ALL: 0,
    GroupType.SELECT: 1,
    GroupType.INDIRECT: 2,
    GroupType.FAST_FAILOVER: 3,
}
_TYPES = {number: kind for kind, number in GROUP_TYPES.items()}

_MOD = Struct("!HBxI")
_BUCKET = Struct("!HHII4x")
_STATS_REQUEST = Struct("!I4x")
_STATS = Struct("!H2xII4xQQII")
_FEATURES = Struct("!II4I4I")


class GroupCommand(IntEnum):
    """OFPGC_*."""

    ADD = 0
    MODIFY = 1
    DELETE = 2


class GroupStat(NamedTuple):
    """Counters of one group; `references` are flows and groups that send to it."""

    group: int
    references: int
    packets: int
    octets: int


class GroupFeatures(NamedTuple):
    """Supported types, and the largest number of groups of each."""

    types: frozenset[GroupType]
    limits: dict[GroupType, int]


def encode_buckets(group: Group) -> bytes:
    """All buckets in order; raises ValueError or struct.error on a number that does not fit."""
    parts = []
    for bucket in group.buckets:
        actions = encode_actions(bucket.actions)
        port = ANY if bucket.watch_port is None else bucket.watch_port
        parts.append(_BUCKET.pack(_BUCKET.size + len(actions), bucket.weight, port, ANY) + actions)
    return b"".join(parts)


def group_mod(group: Group, command: GroupCommand, xid: int) -> bytes:
    """A group_mod; a deletion names only the group."""
    if command is GroupCommand.DELETE:
        return message(Type.GROUP_MOD, xid, _MOD.pack(command, 0, group.id))
    return message(
        Type.GROUP_MOD, xid, _MOD.pack(command, GROUP_TYPES[group.type], group.id) + encode_buckets(group)
    )


def _buckets(buffer: bytes, start: int, end: int, name: str, base: int) -> tuple[Bucket, ...]:
    buckets = []
    position = start
    while position < end:
        if end - position < _BUCKET.size:
            raise Malformed(name, base + position, "bucket cut short")
        length, weight, port, group = _BUCKET.unpack_from(buffer, position)
        following = position + length
        if length < _BUCKET.size or following > end:
            raise Malformed(name, base + position, f"bucket of length {length} where {end - position} are left")
        if group != ANY:
            raise Unrepresentable(f"a bucket watches group {group}")
        actions = decode_actions(buffer, position + _BUCKET.size, following, name, base)
        buckets.append(Bucket(actions, None if port == ANY else port, weight))
        position = following
    return tuple(buckets)


def _group(buffer: bytes, start: int, end: int, name: str, base: int, kind: int, number: int) -> Group | Opaque:
    try:
        if kind not in _TYPES:
            raise Unrepresentable(f"type {kind}")
        group_type = _TYPES[kind]
        buckets = _buckets(buffer, start, end, name, base)
    except Unrepresentable as error:
        return Opaque("group", number, buffer[start:end], str(error))
    if group_type is not GroupType.SELECT:
        # A weight only means something in a select group; switches fill in what they like elsewhere.
        buckets = tuple(Bucket(item.actions, item.watch_port) if item.weight else item for item in buckets)
    return Group(number, group_type, buckets)


def decode_group_mod(body: bytes) -> tuple[int, Group | Opaque]:
    """Command and group of a group_mod; raises Malformed."""
    reader = Reader("group_mod", body)
    command, kind, number = reader.unpack(_MOD)
    return command, _group(body, reader.position, len(body), reader.message, reader.base, kind, number)


def group_entry(group: Group) -> bytes:
    """One entry of a group description reply, as a switch sends it."""
    buckets = encode_buckets(group)
    return _MOD.pack(_MOD.size + len(buckets), GROUP_TYPES[group.type], group.id) + buckets


def decode_groups(body: bytes, base: int = 16) -> list[Group | Opaque]:
    """All entries of one part of a group description reply; raises Malformed."""
    reader = Reader("group description", body, base)
    groups = []
    while reader.position < reader.end:
        start = reader.position
        length, kind, number = reader.unpack(_MOD)
        reader.position = start
        end = reader.block(length, _MOD.size)
        groups.append(_group(body, start + _MOD.size, end, reader.message, base, kind, number))
        reader.position = end
    return groups


def group_stats_request(group: int = ANY - 3) -> bytes:
    """Body of a group statistics request; default OFPG_ALL."""
    return _STATS_REQUEST.pack(group)


def decode_group_stats(body: bytes, base: int = 16) -> list[GroupStat]:
    """All entries of one part of a group statistics reply; raises Malformed."""
    reader = Reader("group statistics", body, base)
    entries = []
    while reader.position < reader.end:
        start = reader.position
        length, group, references, packets, octets, *_ = reader.unpack(_STATS)
        reader.position = start
        reader.position = reader.block(length, _STATS.size)
        entries.append(GroupStat(group, references, packets, octets))
    return entries


def decode_group_features(body: bytes, base: int = 16) -> GroupFeatures:
    """Group features reply; raises Malformed."""
    types, _, *rest = Reader("group features", body, base).unpack(_FEATURES)
    supported = frozenset(kind for number, kind in _TYPES.items() if types & 1 << number)
    return GroupFeatures(supported, {kind: rest[number] for number, kind in _TYPES.items()})
