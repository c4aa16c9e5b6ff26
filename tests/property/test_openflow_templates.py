"""Templates are only quicker: whatever they take, they take exactly as the general encoder and reader do."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openflow_values import flows, u16, u32, u64, xids

from sdnctl.dataplane.fields import missing_prerequisite
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    ETH_IPV4,
    ETH_MPLS,
    PORT_CONTROLLER,
    DecMplsTtl,
    Encap,
    Flow,
    Match,
    Output,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.southbound.openflow.checks import _Matches
from sdnctl.southbound.openflow.codec import flow as codec
from sdnctl.southbound.openflow.codec.bundle import bundle_add
from sdnctl.southbound.openflow.codec.flow_in import EntryTemplates
from sdnctl.southbound.openflow.codec.flow_out import FlowModTemplates
from sdnctl.southbound.openflow.codec.template import Templates
from sdnctl.southbound.openflow.codec.wire import Malformed, Opaque

EXAMPLES = settings(max_examples=60)


def full(value: int) -> int:
    return (1 << value) - 1


@st.composite
def siblings(draw: st.DrawFn) -> tuple[Flow, Flow]:
    """A flow and another of (mostly) the same shape with other numbers."""
    one = draw(flows())
    fields = tuple(
        (name, draw(st.integers(0, mask)) & mask, mask) if draw(st.booleans()) else (name, value, mask)
        for name, value, mask in one.match.fields
    )
    other = replace(
        one,
        match=Match(fields),
        cookie=draw(u64),
        priority=draw(u16),
        meter=draw(u32) if one.meter is not None else None,
        metadata=(draw(u64), draw(u64)) if one.metadata is not None else None,
        goto=draw(st.integers(0, 254)) if one.goto is not None else None,
    )
    return one, other


@EXAMPLES
@given(siblings(), st.sampled_from(codec.FlowCommand), xids, u64)
def test_flow_mods_are_those_of_the_general_encoder(
    pair: tuple[Flow, Flow], command: codec.FlowCommand, xid: int, mask: int
) -> None:
    one, other = pair
    templates = FlowModTemplates(command, instructions=command is not codec.FlowCommand.DELETE_STRICT)
    assert templates.encode(one, xid, mask) is None
    templates.learn(one)
    for flow in (one, other, one):
        expected = codec.general_flow_mod(flow, command, xid, mask)
        found = templates.encode(flow, xid, mask)
        assert found in (None, expected)
    assert templates.encode(one, xid, mask) == expected


@EXAMPLES
@given(siblings(), st.sampled_from(codec.FlowCommand), xids, u32)
def test_bundled_flow_mods_are_those_of_the_general_encoder(
    pair: tuple[Flow, Flow], command: codec.FlowCommand, xid: int, number: int
) -> None:
    for flow in (*pair, *pair):
        expected = bundle_add(number, codec.general_flow_mod(flow, command, xid, 7))
        assert codec.bundled_flow_mod(flow, command, xid, 7, number) == expected


@EXAMPLES
@given(siblings(), flows())
def test_a_template_never_takes_what_the_general_encoder_refuses(pair: tuple[Flow, Flow], stray: Flow) -> None:
    one, other = pair
    templates = FlowModTemplates(codec.FlowCommand.ADD, instructions=True)
    templates.learn(one)
    wrong = [
        replace(other, priority=1 << 16),
        replace(other, cookie=-1),
        replace(other, match=Match(tuple((name, mask + 1, mask) for name, _, mask in other.match.fields))),
        replace(other, match=Match(tuple((name, -1, mask) for name, _, mask in other.match.fields))),
        replace(other, match=Match(tuple((name, 1, 0) for name, _, _ in other.match.fields))),
        replace(other, meter=1 << 32),
        stray,
    ]
    for flow in wrong:
        try:
            expected: bytes | None = codec.general_flow_mod(flow, codec.FlowCommand.ADD, 1)
        except (ValueError, struct.error):
            expected = None
        try:
            assert templates.encode(flow, 1, 0) in (None, expected)
        except (ValueError, struct.error):
            assert expected is None


@EXAMPLES
@given(siblings(), u64)
def test_entries_are_read_as_by_the_general_reader(pair: tuple[Flow, Flow], packets: int) -> None:
    templates = EntryTemplates()
    one, other = pair
    first = codec.flow_stats_entry(one, packets)
    templates.learn(first, one)
    for flow in (one, other):
        entry = codec.flow_stats_entry(flow, packets, 5)
        found = templates.read(b"x" + entry + b"yz", 1, len(entry))
        assert found in (None, flow)
        assert found is None or (hash(found), type(found.match)) == (hash(flow), Match)
    assert templates.read(first, 0, len(first)) == one


@settings(max_examples=150)
@given(flows(), st.data())
def test_changed_octets_are_judged_by_the_general_reader(flow: Flow, data: st.DataObject) -> None:
    """Any octet of an entry is overwritten: a template says what the reader without templates does, or nothing."""
    entry = bytearray(codec.flow_stats_entry(flow))
    templates = EntryTemplates()
    templates.learn(bytes(entry), flow)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(2, len(entry) - 1))
        entry[at] = data.draw(st.sampled_from((0, 1, 0x7F, 0xFF, entry[at] ^ 1)))
    changed = bytes(entry)
    found = templates.read(changed, 0, len(changed))
    if found is None:
        return
    size = codec._STATS.size
    _, table, _, _, priority, idle, hard, _, cookie, _, _ = codec._STATS.unpack_from(changed)
    try:
        expected: Flow | Opaque | None = codec._flow(
            changed, size, len(changed), "entry", 0, table, priority, cookie, idle or hard
        )
    except Malformed:
        expected = None
    assert found == expected


SAMPLE = Flow(
    2,
    100,
    Match.of(eth_type=ETH_MPLS, mpls_label=77),
    COOKIE_OWNER | 5,
    (DecMplsTtl(), SetField("mpls_label", 4), SetQueue(3), ToGroup(9), Output(2)),
    metadata=(5, full(32)),
    goto=3,
)


def test_what_compiled_rules_need_has_templates() -> None:
    """Not only right: a second flow of a shape is taken, with every action that has a number."""
    out, entries = FlowModTemplates(codec.FlowCommand.ADD, instructions=True), EntryTemplates()
    out.learn(SAMPLE)
    entries.learn(codec.flow_stats_entry(SAMPLE), SAMPLE)
    other = Flow(
        2,
        7,
        Match.of(eth_type=ETH_MPLS, mpls_label=full(20)),
        COOKIE_OWNER,
        (DecMplsTtl(), SetField("mpls_label", full(20)), SetQueue(0), ToGroup(full(32)), Output(1)),
        metadata=(full(64), full(64)),
        goto=3,
    )
    assert out.encode(other, 1, 0) == codec.general_flow_mod(other, codec.FlowCommand.ADD, 1)
    entry = codec.flow_stats_entry(other)
    assert entries.read(entry, 0, len(entry)) == other


@pytest.mark.parametrize(
    "other",
    [
        replace(SAMPLE, match=Match.of(eth_type=ETH_IPV4, ipv4_src=77)),
        replace(SAMPLE, goto=None),
        replace(SAMPLE, meter=5),
        replace(SAMPLE, actions=(Encap("mpls"), *SAMPLE.actions[1:])),
        replace(SAMPLE, actions=(*SAMPLE.actions[:1], SetField("mpls_tc", 4), *SAMPLE.actions[2:])),
        replace(SAMPLE, actions=(*SAMPLE.actions[:1], SetField("mpls_label", 1 << 20), *SAMPLE.actions[2:])),
    ],
)
def test_another_shape_is_not_taken(other: Flow) -> None:
    out = FlowModTemplates(codec.FlowCommand.ADD, instructions=True)
    out.learn(SAMPLE)
    assert out.encode(other, 1, 0) is None


def test_what_goes_to_the_controller_keeps_its_length() -> None:
    entries = EntryTemplates()
    plain = replace(SAMPLE, actions=(Output(2),))
    entries.learn(codec.flow_stats_entry(plain), plain)
    controller = codec.flow_stats_entry(replace(plain, actions=(Output(PORT_CONTROLLER, 128),)))
    assert entries.read(controller, 0, len(controller)) is None
    (read,) = codec.decode_flows(controller)
    assert isinstance(read, Flow)
    assert read.actions == (Output(PORT_CONTROLLER, 128),)


def test_templates_are_bounded() -> None:
    templates = Templates()
    for shape in range(Templates.LIMIT + 50):
        key = shape // 4
        if templates.wants(key, shape):
            templates.add(key, lambda *_: None)
    assert sum(map(len, templates.known.values())) == Templates.LIMIT
    crowded = Templates()
    assert sum(crowded.wants("key", shape) and crowded.add("key", max) is None for shape in range(99)) == 16


@settings(max_examples=30)
@given(st.lists(flows(), min_size=1, max_size=12), st.data())
def test_a_match_is_sound_when_nothing_it_needs_is_missing(values: list[Flow], data: st.DataObject) -> None:
    """One memory for all of them, asked twice: what it remembers of one never answers for another."""
    memory = _Matches()
    matches = [value.match for value in values]
    # The same without a field, or with another Ethertype: prerequisites go missing.
    for match in list(matches):
        if match.fields:
            drop = data.draw(st.integers(0, len(match.fields) - 1))
            matches.append(Match(match.fields[:drop] + match.fields[drop + 1 :]))
            matches.append(Match(tuple((n, 0x0806 if n == "eth_type" else v, m) for n, v, m in match.fields)))
    for match in matches * 2:
        assert memory.sound(match) is (missing_prerequisite(match) is None), match
