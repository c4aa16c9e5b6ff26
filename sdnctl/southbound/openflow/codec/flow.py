"""Flow entries: flow_mod out, flow statistics in. The two hot paths of the codec.

What is written here is general, and the definition of what is correct. Where thousands of flows have one shape,
templates are quicker: `flow_out` packs, `flow_in` reads.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from sdnctl.dataplane.values import Action, Flow
from sdnctl.southbound.openflow.codec.actions import decode_actions, encode_actions
from sdnctl.southbound.openflow.codec.bundle import bundle_add
from sdnctl.southbound.openflow.codec.flow_in import FIXED, EntryTemplates
from sdnctl.southbound.openflow.codec.flow_out import FlowModTemplates
from sdnctl.southbound.openflow.codec.oxm import decode_match, encode_match, match_extent
from sdnctl.southbound.openflow.codec.wire import (
    ANY,
    MAX_MESSAGE,
    NO_BUFFER,
    VERSION,
    Malformed,
    Opaque,
    Type,
    Unrepresentable,
)

GOTO, WRITE_METADATA, WRITE_ACTIONS, APPLY_ACTIONS, CLEAR_ACTIONS, METER = 1, 2, 3, 4, 5, 6
ALL_TABLES = 255

_FLOW_MOD = Struct("!BBHIQQBBHHHIIIH2x")
_FLOW_MOD_BODY = Struct("!QQBBHHHIIIH2x")
_GOTO = Struct("!HHB3x")
_METADATA = Struct("!HH4xQQ")
_APPLY = Struct("!HH4x")
_METER = Struct("!HHI")
_HEAD = Struct("!HH")
_STATS_REQUEST = Struct("!B3xII4xQQ")
_STATS = Struct("!HBxIIHHHH4xQQQ")

_LENGTHS = {GOTO: 8, METER: 8, WRITE_METADATA: 24}

CACHE_LIMIT = 16_384
"""Instruction lists remembered each way: some megabytes at most, whatever a switch sends."""


class FlowCommand(IntEnum):
    """OFPFC_*; *strict* means this table, priority and match only."""

    ADD = 0
    MODIFY_STRICT = 2
    DELETE_STRICT = 4


class FlowStat(NamedTuple):
    """One entry of a flow statistics reply. `flow` is None when the decoder was told to skip it."""

    table: int
    cookie: int
    packets: int
    octets: int
    flow: Flow | Opaque | None


Behaviour = tuple[tuple[Action, ...], int | None, tuple[int, int] | None, int | None]
"""actions, meter, metadata and goto of a flow: what the instructions say."""

_entries = EntryTemplates()
_templates = {
    (command, bundled): FlowModTemplates(
        command, instructions=command is not FlowCommand.DELETE_STRICT, bundled=bundled
    )
    for command in FlowCommand
    for bundled in (False, True)
}
_encoded: dict[Behaviour, bytes] = {}
_decoded: dict[bytes, Behaviour] = {}


def encode_instructions(flow: Flow) -> bytes:
    """Instructions in OpenFlow's order of execution: meter, apply actions, write metadata, goto."""
    key = (flow.actions, flow.meter, flow.metadata, flow.goto)
    known = _encoded.get(key)
    if known is not None:
        return known
    parts = []
    if flow.meter is not None:
        parts.append(_METER.pack(METER, 8, flow.meter))
    if flow.actions:
        actions = encode_actions(flow.actions)
        parts.append(_APPLY.pack(APPLY_ACTIONS, 8 + len(actions)) + actions)
    if flow.metadata is not None:
        parts.append(_METADATA.pack(WRITE_METADATA, 24, *flow.metadata))
    if flow.goto is not None:
        parts.append(_GOTO.pack(GOTO, 8, flow.goto))
    if len(_encoded) >= CACHE_LIMIT:
        _encoded.clear()
    _encoded[key] = octets = b"".join(parts)
    return octets


def flow_mod(flow: Flow, command: FlowCommand, xid: int, cookie_mask: int = 0) -> bytes:
    """A flow_mod without timeouts, flags or buffer, from the template of its shape where there is one.

    A deletion carries no instructions, out_port and out_group ANY, and takes only flows whose cookie
    equals the flow's under `cookie_mask` (0: whatever the cookie). Raises ValueError or struct.error
    when a number does not fit or the message would exceed 65,535 octets.
    """
    templates = _templates[command, False]
    data = templates.encode(flow, xid, cookie_mask)
    if data is None:
        data = general_flow_mod(flow, command, xid, cookie_mask)
        templates.learn(flow)
    return data


def bundled_flow_mod(flow: Flow, command: FlowCommand, xid: int, cookie_mask: int, bundle: int) -> bytes:
    """The message that adds a `flow_mod` to a bundle, as `bundle_add` makes it, in one go."""
    templates = _templates[command, True]
    data = templates.encode(flow, xid, cookie_mask, bundle)
    if data is None:
        data = bundle_add(bundle, general_flow_mod(flow, command, xid, cookie_mask))
        templates.learn(flow)
    return data


def addition_templates(bundled: bool) -> FlowModTemplates:
    """The templates themselves, for a loop over many flows: None where `flow_mod` has to be asked."""
    return _templates[FlowCommand.ADD, bundled]


def general_flow_mod(flow: Flow, command: FlowCommand, xid: int, cookie_mask: int = 0) -> bytes:
    """As `flow_mod`, part by part: what templates are made from, and measured against."""
    match = encode_match(flow.match)
    instructions = b"" if command is FlowCommand.DELETE_STRICT else encode_instructions(flow)
    length = _FLOW_MOD.size + len(match) + len(instructions)
    if length > MAX_MESSAGE:
        raise ValueError(f"flow_mod of {length} octets: OpenFlow ends at {MAX_MESSAGE}")
    if flow.table >= ALL_TABLES:
        raise ValueError(f"table {flow.table} is not a table of OpenFlow")
    return (
        _FLOW_MOD.pack(
            VERSION,
            Type.FLOW_MOD,
            length,
            xid,
            flow.cookie,
            cookie_mask,
            flow.table,
            command,
            0,
            0,
            flow.priority,
            NO_BUFFER,
            ANY,
            ANY,
            0,
        )
        + match
        + instructions
    )


def decode_instructions(buffer: bytes, start: int, end: int, message: str, base: int) -> Behaviour:
    """The opposite of `encode_instructions`, in whatever order they came."""
    octets = buffer[start:end]
    known = _decoded.get(octets)
    if known is not None:
        return known
    actions: tuple[Action, ...] = ()
    meter: int | None = None
    metadata: tuple[int, int] | None = None
    goto: int | None = None
    seen = 0
    position = start
    while position < end:
        if position + 8 > end:
            raise Malformed(message, base + position, "instruction cut short")
        kind, length = _HEAD.unpack_from(buffer, position)
        following = position + length
        wanted = _LENGTHS.get(kind, length)
        if length < 8 or length % 8 or following > end or length != wanted:
            raise Malformed(message, base + position, f"instruction {kind} of length {length}")
        if seen >> kind & 1:
            raise Unrepresentable(f"instruction {kind} occurs twice")
        seen |= 1 << kind
        if kind == APPLY_ACTIONS:
            actions = decode_actions(buffer, position + 8, following, message, base)
        elif kind == METER:
            meter = _METER.unpack_from(buffer, position)[2]
        elif kind == WRITE_METADATA:
            metadata = _METADATA.unpack_from(buffer, position)[2:]
        elif kind == GOTO:
            goto = _GOTO.unpack_from(buffer, position)[2]
        else:
            raise Unrepresentable(f"instruction {kind}")
        position = following
    if len(_decoded) >= CACHE_LIMIT:
        _decoded.clear()
    _decoded[octets] = behaviour = (actions, meter, metadata, goto)
    return behaviour


def decode_flow_mod(body: bytes) -> tuple[FlowCommand | int, Flow | Opaque, int]:
    """Command, flow and cookie mask of a flow_mod, for switches and taps; raises Malformed."""
    name, base = "flow_mod", 8
    if len(body) < _FLOW_MOD_BODY.size:
        raise Malformed(name, base + len(body), f"{len(body)} octets are too few")
    cookie, cookie_mask, table, number, idle, hard, priority, *_ = _FLOW_MOD_BODY.unpack_from(body)
    try:
        command: FlowCommand | int = FlowCommand(number)
    except ValueError:
        command = number
    return (
        command,
        _flow(body, _FLOW_MOD_BODY.size, len(body), name, base, table, priority, cookie, idle or hard),
        cookie_mask,
    )


def _flow(
    buffer: bytes,
    start: int,
    end: int,
    message: str,
    base: int,
    table: int,
    priority: int,
    cookie: int,
    timeout: int,
) -> Flow | Opaque:
    """Match and instructions from `start` to `end`; a flow with a timeout has no word in `Flow`."""
    stop, padded = match_extent(buffer, start, end, message, base)
    try:
        if timeout:
            raise Unrepresentable(f"times out after {timeout} s")
        match = decode_match(buffer, start, stop, message, base)
        actions, meter, metadata, goto = decode_instructions(buffer, padded, end, message, base)
    except Unrepresentable as error:
        return Opaque("flow", cookie, buffer[start:end], f"table {table}, priority {priority}: {error}")
    return Flow(table, priority, match, cookie, actions, meter, metadata, goto)


def flow_stats_request(table: int = ALL_TABLES, cookie: int = 0, cookie_mask: int = 0) -> bytes:
    """Body of a flow statistics request: of one table or all, of cookies under a mask."""
    return _STATS_REQUEST.pack(table, ANY, ANY, cookie, cookie_mask) + b"\0\1\0\4\0\0\0\0"


def flow_stats_entry(flow: Flow, packets: int = 0, octets: int = 0) -> bytes:
    """One entry of a flow statistics reply, as a switch sends it."""
    tail = encode_match(flow.match) + encode_instructions(flow)
    length = _STATS.size + len(tail)
    head = _STATS.pack(length, flow.table, 0, 0, flow.priority, 0, 0, 0, flow.cookie, packets, octets)
    return head + tail


def decode_flow_stats(body: bytes, base: int = 16, counters_only: bool = False) -> list[FlowStat]:
    """All entries of one part of a flow statistics reply.

    With `counters_only` the rules themselves are not parsed and `flow` is None.
    """
    entries = []
    position, end = 0, len(body)
    while position < end:
        following = _entry_end(body, position, end, base)
        _, table, _, _, _, _, _, _, cookie, packets, octets = _STATS.unpack_from(body, position)
        flow: Flow | Opaque | None = None
        if not counters_only:
            flow = _entries.read(body, position, following - position) or _entry(body, position, following, base)
        entries.append(FlowStat(table, cookie, packets, octets, flow))
        position = following
    return entries


def decode_flows(body: bytes, base: int = 16) -> list[Flow | Opaque]:
    """The rules alone of one part of a flow statistics reply: what reading back a switch needs."""
    flows: list[Flow | Opaque] = []
    read = _entries.read
    position, end = 0, len(body)
    while position < end:
        following = _entry_end(body, position, end, base)
        flows.append(read(body, position, following - position) or _entry(body, position, following, base))
        position = following
    return flows


def _entry_end(body: bytes, position: int, end: int, base: int) -> int:
    """Where the entry at `position` ends; raises Malformed where there is no room for it."""
    if end - position < FIXED:
        raise Malformed("flow statistics", base + position, "entry cut short")
    length = body[position] << 8 | body[position + 1]
    if not FIXED <= length <= end - position:
        raise Malformed(
            "flow statistics", base + position, f"entry of length {length} where {end - position} are left"
        )
    return position + length


def _entry(body: bytes, position: int, following: int, base: int) -> Flow | Opaque:
    """One entry by the general reader, which makes a template of what is new; raises Malformed."""
    _, table, _, _, priority, idle, hard, _, cookie, _, _ = _STATS.unpack_from(body, position)
    start = position + FIXED
    flow = _flow(body, start, following, "flow statistics", base, table, priority, cookie, idle or hard)
    if isinstance(flow, Flow):
        _entries.learn(body[position:following], flow)
    return flow
