"""Packets, fields, rules and text: what is written reads back, and garbage never raises."""

from __future__ import annotations

import json
import re
from random import Random

import pytest
import switch_random
from hypothesis import given, settings
from hypothesis import strategies as st

from sdnctl.dataplane import serialise
from sdnctl.dataplane.fields import format_masked, parse_masked
from sdnctl.dataplane.layers import layout, read_fields, write_field
from sdnctl.dataplane.lines import RuleReader, RuleWriter
from sdnctl.dataplane.lookup import FlowTable
from sdnctl.dataplane.pack import pack, unpack
from sdnctl.dataplane.packet import Packet
from sdnctl.dataplane.state import limited
from sdnctl.dataplane.switch import Switch
from sdnctl.dataplane.text import format_rules
from sdnctl.dataplane.values import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    FIELDS,
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

seeds = st.integers(0, 2**32).map(Random)
u16, u32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)


@st.composite
def field_values(draw: st.DrawFn) -> tuple[str, int, int]:
    name = draw(st.sampled_from(sorted(FIELDS)))
    full = (1 << FIELDS[name]) - 1
    mask = draw(st.one_of(st.just(full), st.integers(1, full)))
    return name, draw(st.integers(0, full)) & mask, mask


matches = st.lists(field_values(), unique_by=lambda item: item[0]).map(
    lambda items: Match.of(**{name: (value, mask) for name, value, mask in items})
)
actions = st.one_of(
    st.builds(Output, u32, u16),
    st.builds(ToGroup, u32),
    st.builds(PushMpls, u16),
    st.builds(PopMpls, u16),
    st.builds(PushVlan, u16),
    st.builds(SetQueue, u32),
    st.builds(Encap, st.sampled_from(["mpls", "ethernet"])),
    st.builds(Decap, st.booleans()),
    st.sampled_from([DecMplsTtl(), PopVlan(), ClearInPort()]),
    field_values().map(lambda item: SetField(item[0], item[1])),
)
action_lists = st.lists(actions, max_size=5).map(tuple)
flows = st.builds(
    Flow,
    table=st.integers(0, 253),
    priority=u16,
    match=matches,
    cookie=st.integers(0, 2**64 - 1),
    actions=action_lists,
    meter=st.none() | u32,
    metadata=st.none() | st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    goto=st.none() | st.integers(0, 253),
)
buckets = st.builds(Bucket, action_lists, st.none() | u32, u16)
groups = st.builds(Group, u32, st.sampled_from(GroupType), st.lists(buckets, max_size=3).map(tuple))
meters = st.builds(Meter, u32, u32, u32)
rule_sets = st.lists(st.one_of(flows, groups, meters), max_size=8).map(
    lambda rules: RuleSet.of(
        {getattr(rule, "key", (type(rule), getattr(rule, "id", 0))): rule for rule in rules}.values()
    )
)
queues = st.builds(Queue, u16, u32, u32, u16)
settings_values = st.builds(
    SwitchSettings,
    st.sampled_from(["secure", "standalone"]),
    st.dictionaries(
        u16, st.builds(PortSettings, st.none() | u16, st.lists(queues, max_size=2).map(tuple)), max_size=3
    ),
)


# ── packets ──────────────────────────────────────────────────────────────────────────────────────


@given(st.binary(max_size=120))
def test_any_bytes_parse_and_come_back(data: bytes) -> None:
    packet = Packet.parse(data)
    assert bytes(packet) == data
    assert packet.size == len(data)
    assert str(packet)
    for vlan_limit in (1, 2):
        assert bytes(limited(packet, vlan_limit)) == data


@given(seeds)
def test_realistic_frames_parse_and_come_back(random: Random) -> None:
    _, frame = switch_random.packet(random)
    packet = Packet.parse(frame)
    assert bytes(packet) == frame
    if packet.labels:
        assert packet.inner is not None
        assert bytes(packet.inner) == packet.payload


@given(st.sampled_from([ETH_IPV4, ETH_IPV6, ETH_ARP]), st.binary(max_size=100), field_values())
def test_garbage_layers_never_raise(eth_type: int, data: bytes, item: tuple[str, int, int]) -> None:
    name, value, _ = item
    read_fields(eth_type, data)
    assert len(write_field(eth_type, data, name, value)) == len(data)


@given(seeds, st.data())
def test_a_written_field_reads_back_and_nothing_else_changes(random: Random, data: st.DataObject) -> None:
    packet = switch_random.customer(random)
    found = layout(packet.eth_type, packet.payload)
    if not found.places:
        return
    name = data.draw(st.sampled_from(sorted(found.places)))
    value = data.draw(st.integers(0, (1 << FIELDS[name]) - 1))
    if name == "arp_op":
        value &= 0xFF
    written = write_field(packet.eth_type, packet.payload, name, value)
    after = read_fields(packet.eth_type, written)
    assert after[name] == value
    kept = {key: item for key, item in found.values.items() if key != name}
    if name != "icmpv6_type":
        assert {key: item for key, item in after.items() if key != name} == kept


def checksum(data: bytes) -> int:
    """RFC 1071 over whole 16-bit words; 0 where the checksum inside is right."""
    data += b"\x00" * (len(data) % 2)
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(u32, u32, st.integers(0, 63), u16, u16, st.binary(max_size=30))
def test_checksums_stay_right(source: int, target: int, dscp: int, port: int, other: int, body: bytes) -> None:
    """IPv4 header and UDP checksums, computed from scratch before, still verify after every rewrite."""
    payload = bytearray(switch_random.ipv4(1, 2, 0, 64, body))

    def pseudo(data: bytes) -> bytes:
        return data[12:20] + b"\x00\x11" + data[24:26] + data[20:]

    payload[26:28] = (checksum(pseudo(bytes(payload))) or 0xFFFF).to_bytes(2, "big")
    data = bytes(payload)
    writes = {"ipv4_src": source, "ipv4_dst": target, "ip_dscp": dscp, "udp_src": port, "udp_dst": other}
    for name, value in writes.items():
        data = write_field(ETH_IPV4, data, name, value)
        assert checksum(data[:20]) == 0
        assert checksum(pseudo(data)) == 0


@given(seeds)
@settings(max_examples=50)
def test_a_switch_never_raises_and_never_loses_a_packet_silently(random: Random) -> None:
    switch = Switch(switch_random.rules(random), switch_random.PORTS)
    for _ in range(10):
        port, frame = switch_random.packet(random)
        frame = bytes(byte if random.random() > 0.02 else random.randrange(256) for byte in frame)
        result = switch.process(port, frame[: random.choice((len(frame), random.randrange(len(frame))))])
        assert result.sent or result.drops
        for sent in result.sent:
            assert sent.packet.size <= len(frame) + 14 + 4 * 5


# ── look-up ──────────────────────────────────────────────────────────────────────────────────────


@given(seeds)
@settings(max_examples=50)
def test_look_up_finds_what_trying_every_flow_finds(random: Random) -> None:
    names = ("in_port", "eth_type", "metadata")

    def some() -> dict[str, int]:
        return {name: random.randrange(4) for name in names if random.random() < 0.6}

    table = FlowTable()
    flows: dict[object, Flow] = {}
    for _ in range(20):
        fields = {
            name: (value & mask, mask) for name, value in some().items() for mask in (random.randrange(1, 4),)
        }
        flow = Flow(0, random.randrange(3), Match.of(**fields), cookie=random.getrandbits(30))
        flows[flow.key] = flow
        table.put(flow)
    for key in random.sample(sorted(flows, key=str), 5):
        table.remove(flows.pop(key).key)
    assert sorted(map(str, table)) == sorted(map(str, flows.values()))
    for _ in range(20):
        packet = some()
        hits = [
            flow
            for flow in flows.values()
            if all(packet.get(name, 0) & mask == value for name, value, mask in flow.match)
        ]
        expected = min(hits, key=lambda flow: (-flow.priority, flow.match.fields), default=None)
        assert table.find(lambda name, packet=packet: packet.get(name, 0)) == expected  # type: ignore[misc]


# ── writing and reading ──────────────────────────────────────────────────────────────────────────


@given(field_values())
def test_fields_read_back(item: tuple[str, int, int]) -> None:
    name, value, mask = item
    assert parse_masked(name, format_masked(name, value, mask)) == (value, mask)


@given(rule_sets)
@settings(max_examples=40)
def test_rules_read_back_from_json(rules: RuleSet) -> None:
    document = json.loads(json.dumps(serialise.dump_rules(rules)))
    loaded = serialise.load_rules(document)
    assert loaded == rules
    assert serialise.dump_rules(loaded) == document
    for rule in rules:
        assert serialise.load_rule(json.loads(json.dumps(serialise.dump_rule(rule)))) == rule


@given(st.permutations(list(switch_random.rules(Random(4)))))
@settings(max_examples=10)
def test_equal_rules_dump_equal(rules: list[Flow | Group | Meter]) -> None:
    expected = RuleSet.of(switch_random.rules(Random(4)))
    shuffled = RuleSet.of(rules)
    assert json.dumps(serialise.dump_rules(shuffled)) == json.dumps(serialise.dump_rules(expected))
    assert format_rules(shuffled) == format_rules(expected)


@given(settings_values)
@settings(max_examples=40)
def test_settings_read_back_from_json(value: SwitchSettings) -> None:
    assert serialise.load_settings(json.loads(json.dumps(serialise.dump_settings(value)))) == value


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(GARBAGE)
def test_garbage_documents_are_malformed_and_nothing_else(data: object) -> None:
    for load in (serialise.load_rules, serialise.load_rule, serialise.load_settings):
        try:
            load(data)
        except serialise.Malformed:
            continue


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda doc: doc["flows"][0]["match"].update(ipv4_src="10.0.0.300"), "flows[0].match.ipv4_src"),
        (lambda doc: doc["flows"][1].update(colour=1), "flows[1]: unknown key 'colour'"),
        (lambda doc: doc["flows"][0].pop("table"), "flows[0]: key 'table' is missing"),
        (lambda doc: doc["groups"][2]["buckets"][0]["actions"].append(["fly"]), "groups[2].buckets[0].actions["),
        (lambda doc: doc["groups"][0].update(type="some"), "groups[0].type"),
        (lambda doc: doc["meters"][0].update(rate="fast"), "meters[0].rate"),
        (lambda doc: doc["meters"][0].update(rate=True), "meters[0].rate"),
        (lambda doc: doc.update(meters={}), "meters: expected a list"),
        (lambda doc: doc["flows"].append({**doc["flows"][0], "goto": 99}), "two flows"),
        (lambda doc: doc["flows"][0].update(metadata=["0x1"]), "flows[0].metadata"),
    ],
)
def test_faults_in_documents_say_where(change: object, message: str) -> None:
    document = json.loads(json.dumps(serialise.dump_rules(switch_random.rules(Random(1)))))
    change(document)  # type: ignore[operator]
    with pytest.raises(serialise.Malformed) as caught:
        serialise.load_rules(document)
    assert message in str(caught.value)


@pytest.mark.parametrize("seed", range(30))
def test_packed_rules_and_lines_say_what_the_form_for_people_says(seed: int) -> None:
    rules = {name: switch_random.rules(Random(seed * 3 + index)) for index, name in enumerate("abc")}
    document = json.dumps(pack(rules))
    assert unpack(json.loads(document)) == rules
    shuffled = {name: RuleSet.of(Random(seed).sample(list(held), len(held))) for name, held in rules.items()}
    assert json.dumps(pack(shuffled)) == document
    writer, reader = RuleWriter(), RuleReader()
    for rule in (rule for held in rules.values() for rule in held):
        text = writer.text(rule)
        plain = json.dumps(serialise.dump_rule(rule), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert text == plain
        assert reader.rule(json.loads(text)) == rule


def test_lines_are_read_as_strictly_as_rules() -> None:
    """Whatever is broken in a rule, both readers say the same about it, or read the same."""
    rng = Random(5)
    rules = [rule for seed in range(20) for rule in switch_random.rules(Random(seed))]
    reader, broken = RuleReader(), 0
    for rule in rules:
        assert reader.rule(serialise.dump_rule(rule)) == rule  # what is known is not taken for what is broken
        data = serialise.dump_rule(rule)
        (kind,) = data
        key = rng.choice(sorted(data[kind]))
        change = rng.choice(["drop", "none", "text", "negative", "true", "list", "extra"])
        if change == "drop":
            del data[kind][key]
        elif change == "extra":
            data[kind]["colour"] = "red"
        else:
            data[kind][key] = {"none": None, "text": "x", "negative": -1, "true": True, "list": [[]]}[change]
        try:
            expected = serialise.load_rule(data)
        except ValueError as fault:
            broken += 1
            with pytest.raises(serialise.Malformed, match=re.escape(str(fault))):
                reader.rule(data)
        else:
            assert reader.rule(data) == expected
    assert broken > len(rules) // 2
