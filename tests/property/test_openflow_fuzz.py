"""Whatever comes in: every parser answers with values or with Malformed, in time, and never otherwise."""

from __future__ import annotations

import asyncio
import itertools
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openflow_fuzzing import DECODERS, Pipe
from openflow_values import actions, flows, groups, matches, meters, u16, u32

from sdnctl.dataplane.values import Action, Bucket, Flow, Group, GroupType, Match, Meter, Output
from sdnctl.errors import DeviceError
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec import bundle, flow, group, meter, packet, session
from sdnctl.southbound.openflow.codec.actions import decode_actions, encode_actions
from sdnctl.southbound.openflow.codec.oxm import decode_match, encode_match, match_extent
from sdnctl.southbound.openflow.codec.shapes import TLVS
from sdnctl.southbound.openflow.codec.wire import HEADER, Malformed, Opaque, Type, Unrepresentable, message
from sdnctl.southbound.openflow.metrics import ChannelMetrics

FUZZ = settings(max_examples=20)
ROUND_TRIPS = settings(max_examples=40)
LENGTHS = st.sampled_from((0, 1, 3, 4, 7, 8, 15, 16, 24, 40, 48, 64, 255, 0x7FFF, 0xFFFF))


@st.composite
def mutated(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """A valid body with octets overwritten, 16-bit lengths faked, cut short, or parts repeated."""
    data = bytearray(draw(valid))
    for _ in range(draw(st.integers(1, 4))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                data[at] = draw(st.integers(0, 255))
            case 1:
                data[at : at + 2] = struct.pack("!H", draw(LENGTHS))
            case 2:
                del data[at:]
            case 3:
                data[at:at] = data[at : at + draw(st.integers(1, 16))]
            case _:
                del data[at : at + draw(st.integers(1, 16))]
    return bytes(data)


def check(name: str, body: bytes) -> None:
    found: list[Malformed] = []
    try:
        DECODERS[name](body)
    except Malformed as error:
        found.append(error)
    for error in found:
        # The offset counts from the first octet of the message, and points into it or at its end.
        assert 0 <= error.offset <= len(body) + 16
        assert error.message
        assert f"octet {error.offset}" in str(error)


@pytest.mark.parametrize("name", DECODERS)
@FUZZ
@given(body=st.binary(max_size=300))
def test_random_octets(name: str, body: bytes) -> None:
    check(name, body)


valid_bodies = {
    "flow_mod": flows().map(lambda value: flow.flow_mod(value, flow.FlowCommand.ADD, 0)[8:]),
    "flow statistics": st.lists(flows(), min_size=1, max_size=3).map(
        lambda values: b"".join(flow.flow_stats_entry(value) for value in values)
    ),
    "group_mod": groups().map(lambda value: group.group_mod(value, group.GroupCommand.ADD, 0)[8:]),
    "group description": st.lists(groups(), min_size=1, max_size=3).map(
        lambda values: b"".join(group.group_entry(value) for value in values)
    ),
    "meter_mod": meters.map(lambda value: meter.meter_mod(value, meter.MeterCommand.ADD, 0)[8:]),
    "meter configuration": st.lists(meters, min_size=1, max_size=3).map(
        lambda values: b"".join(meter.meter_entry(value) for value in values)
    ),
    "packet_out": st.lists(actions, max_size=4).map(lambda items: packet.packet_out(0, b"frame", items)[8:]),
    "hello": st.sets(st.integers(0, 31)).map(lambda versions: session.hello(0, versions)[8:]),
    "bundle add": flows().map(
        lambda value: bundle.bundle_add(1, flow.flow_mod(value, flow.FlowCommand.ADD, 0))[8:]
    ),
}


@pytest.mark.parametrize("name", valid_bodies)
@FUZZ
@given(data=st.data())
def test_mutated_messages(name: str, data: st.DataObject) -> None:
    check(name, data.draw(mutated(valid_bodies[name])))


@pytest.mark.soak
@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=2_000, derandomize=False)
@given(data=st.data())
def test_every_parser_at_length(name: str, data: st.DataObject) -> None:
    """The full count, with new octets each time."""
    check(
        name,
        data.draw(st.one_of(st.binary(max_size=400), mutated(valid_bodies.get(name, st.binary(min_size=60))))),
    )


# ── round trips ──────────────────────────────────────────────────────────────────────────────────


@ROUND_TRIPS
@given(flows(), u32)
def test_flows_come_back(value: Flow, xid: int) -> None:
    """Encap and decap included, which os-ken cannot check."""
    data = flow.flow_mod(value, flow.FlowCommand.ADD, xid)
    assert HEADER.unpack_from(data) == (4, Type.FLOW_MOD, len(data), xid)
    assert flow.decode_flow_mod(data[8:]) == (flow.FlowCommand.ADD, value, 0)
    (stat,) = flow.decode_flow_stats(flow.flow_stats_entry(value))
    assert stat.flow == value


@ROUND_TRIPS
@given(groups())
def test_groups_come_back(value: Group) -> None:
    assert group.decode_groups(group.group_entry(value)) == [value]


@ROUND_TRIPS
@given(st.lists(actions, max_size=8))
def test_actions_come_back(items: list[Action]) -> None:
    data = encode_actions(items)
    assert len(data) % 8 == 0
    assert decode_actions(data, 0, len(data), "actions", 0) == tuple(items)


def by_the_book(data: bytes) -> tuple[tuple[str, int, int], ...]:
    """The TLVs of a match, read without any of the codec's short cuts."""
    fields, at = {}, 4
    (length,) = struct.unpack_from("!H", data, 2)
    while at < length:
        (header,) = struct.unpack_from("!I", data, at)
        size = header & 0xFF
        name = TLVS[header].name
        octets = data[at + 4 : at + 4 + size]
        if header >> 8 & 1:
            value, mask = octets[: size // 2], octets[size // 2 :]
            fields[name] = int.from_bytes(value, "big"), int.from_bytes(mask, "big")
        else:
            fields[name] = int.from_bytes(octets, "big"), TLVS[header].full
        at += 4 + size
    return Match.of(**fields).fields


@settings(max_examples=80)
@given(matches(), st.data())
def test_matches_come_back_in_any_order(value: Match, data: st.DataObject) -> None:
    """A switch may send fields in another order than ours; the template and the loop agree with the book."""
    shuffled = Match(tuple(data.draw(st.permutations(value.fields))))
    encoded = encode_match(shuffled)
    stop, padded = match_extent(encoded, 0, len(encoded), "match", 0)
    assert padded == len(encoded)
    for _ in range(2):  # the second time by the template that the first one made
        assert decode_match(encoded, 0, stop, "match", 0) == value
    assert by_the_book(encoded) == value.fields


# ── what is OpenFlow, but not ours ───────────────────────────────────────────────────────────────

KNOWN = Flow(3, 7, Match.of(eth_type=0x8847, mpls_label=20), 0x5D9C << 48)


def opaque(tail: bytes, at: int | None = None) -> Opaque:
    """The reading of a flow whose instructions end with `tail`."""
    entry = flow.flow_stats_entry(KNOWN) + tail
    entry = struct.pack("!H", len(entry)) + entry[2:]
    (stat,) = flow.decode_flow_stats(entry)
    assert isinstance(stat.flow, Opaque)
    assert (stat.flow.kind, stat.flow.id, stat.cookie) == ("flow", KNOWN.cookie, KNOWN.cookie)
    return stat.flow


@pytest.mark.parametrize(
    ("instructions", "reason"),
    [
        ("0003 0008 00000000", "instruction 3"),  # write actions
        ("0005 0008 00000000", "instruction 5"),  # clear actions
        ("ffff 0008 00002320", "instruction 65535"),
        ("0001 0008 04000000 0001 0008 05000000", "occurs twice"),
        ("0004 0010 00000000 000f 0008 40000000", "action 15"),  # set_mpls_ttl
        ("0004 0018 00000000 ffff 0010 00002320 0015 00000000 0000", "Nicira action 21"),  # note
        ("0004 0018 00000000 ffff 0010 00abcdef 0000 00000000 0000", "experimenter 0xabcdef"),
        ("0004 0018 00000000 ffff 0010 00002320 002e 0000 00010800", "Nicira action 46"),  # encap(ipv4)
        ("0004 0020 00000000 ffff 0018 00002320 0007 000f 00000002 000000000000fffe", "Nicira action 7"),
        ("0004 0018 00000000 0019 0010 80000003 01000000 00000000", "set_field"),  # masked
        ("0004 0018 00000000 0019 0010 80004404 fff00000 00000000", "mpls_label=0xfff00000"),
    ],
)
def test_what_has_no_word_is_kept(instructions: str, reason: str) -> None:
    found = opaque(bytes.fromhex(instructions))
    assert reason in found.reason
    assert found.raw.endswith(bytes.fromhex(instructions))


@pytest.mark.parametrize(
    "field",
    [
        "00010204 00000005",  # NXM register
        "80001201 01",  # ip_ecn
        "80000a03 1fffff",  # eth_type of three octets
        "80004404 00100000",  # a label of 21 bits
        "ffff0204 4f4e4600",  # experimenter
        "80000004 00000001 80000004 00000002",  # in_port twice
    ],
)
def test_an_unknown_field_makes_the_flow_opaque(field: str) -> None:
    tlvs = bytes.fromhex(field)
    match = struct.pack("!HH", 1, 4 + len(tlvs)) + tlvs
    match += bytes(-len(match) % 8)
    entry = flow.flow_stats_entry(Flow(0, 5, Match(), 9))[:48] + match
    (stat,) = flow.decode_flow_stats(struct.pack("!H", len(entry)) + entry[2:])
    assert isinstance(stat.flow, Opaque)


def test_a_flow_with_a_timeout_is_not_ours() -> None:
    entry = bytearray(flow.flow_stats_entry(KNOWN))
    entry[14:16] = struct.pack("!H", 30)
    (stat,) = flow.decode_flow_stats(bytes(entry))
    assert isinstance(stat.flow, Opaque)
    assert "times out after 30 s" in stat.flow.reason


def test_a_meter_of_another_kind_is_opaque() -> None:
    entry = meter.meter_entry(Meter(5, 100, 10))
    for flags in (1, 2, 4, 6):
        (found,) = meter.decode_meters(entry[:2] + struct.pack("!H", flags) + entry[4:])
        assert isinstance(found, Opaque), flags
    two = struct.pack("!HHI", 40, 5, 5) + entry[8:] * 2
    (found,) = meter.decode_meters(two)
    assert found == Opaque("meter", 5, entry[8:] * 2, "bands of types [1, 1], not one drop band")


def test_a_group_that_watches_a_group_is_opaque() -> None:
    body = struct.pack("!HBxI", 24, 3, 77) + struct.pack("!HHII4x", 16, 0, 1, 78)
    (found,) = group.decode_groups(body)
    assert found == Opaque("group", 77, body[8:], "a bucket watches group 78")
    (found,) = group.decode_groups(struct.pack("!HBxI", 8, 9, 78))
    assert isinstance(found, Opaque)


# ── what cannot be sent ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "rule",
    [
        Flow(255, 1, Match()),
        Flow(0, 1 << 16, Match()),
        Flow(0, 1, Match((("in_port", 1 << 32, 0xFFFFFFFF),))),
        Flow(0, 1, Match((("ipv4_src", 3, 2),))),
        Flow(0, 1, Match((("colour", 3, 3),))),
        Flow(0, 1, Match(), cookie=-1),
        Flow(0, 1, Match(), meter=1 << 32),
    ],
)
def test_numbers_that_do_not_fit_are_refused(rule: Flow) -> None:
    with pytest.raises((ValueError, struct.error)):
        flow.flow_mod(rule, flow.FlowCommand.ADD, 0)


def test_messages_end_at_65535_octets() -> None:
    large = Group(1, GroupType.ALL, tuple(Bucket((Output(port),)) for port in range(1, 2100)))
    with pytest.raises(ValueError, match="65535"):
        group.group_mod(large, group.GroupCommand.ADD, 0)
    with pytest.raises(ValueError, match="bundle"):
        bundle.bundle_add(1, bytes(65_530))


# ── the connection ───────────────────────────────────────────────────────────────────────────────


def stream(chunks: list[bytes], greeted: bool) -> tuple[Channel, ChannelMetrics]:
    """A channel that has been fed `chunks`."""

    async def main() -> tuple[Channel, ChannelMetrics]:
        metrics = ChannelMetrics()
        channel, pipe = Channel("fuzzed", metrics), Pipe()
        channel.connection_made(pipe)
        if greeted:
            channel.data_received(session.hello(1))
        for chunk in chunks:
            if pipe.aborted:
                break
            channel.data_received(chunk)
        ended = channel.closed.done()
        assert pipe.aborted is ended
        if ended:
            assert isinstance(channel.closed.result(), DeviceError)
        await channel.close()
        return channel, metrics

    return asyncio.run(main())


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=200), max_size=8), st.booleans())
def test_a_stream_of_garbage(chunks: list[bytes], greeted: bool) -> None:
    stream(chunks, greeted)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(Type), u32, st.binary(max_size=80)), max_size=6),
    st.lists(st.integers(0, 600), max_size=6),
)
def test_a_stream_of_well_framed_nonsense(messages: list[tuple[Type, int, bytes]], cuts: list[int]) -> None:
    """However the stream is cut into pieces, the outcome is the same."""
    data = b"".join(message(kind, xid, body) for kind, xid, body in messages)
    whole, whole_metrics = stream([data], True)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces, pieces_metrics = stream([data[a:b] for a, b in itertools.pairwise(edges) if a != b], True)

    def reason(metrics: ChannelMetrics) -> list[Any]:
        return [
            (item.labels, item.value)
            for item in next(iter(metrics.malformed.collect())).samples
            if item.name.endswith("_total")
        ]

    assert reason(whole_metrics) == reason(pieces_metrics)
    assert str(whole.closed.result()) == str(pieces.closed.result())


@ROUND_TRIPS
@given(u16)
def test_a_length_shorter_than_the_header_closes(length: int) -> None:
    header = struct.pack("!BBHI", 4, Type.ECHO_REQUEST, length, 1)
    channel, metrics = stream([header], True)
    malformed = metrics.registry.get_sample_value("sdnctl_openflow_malformed_total", {"message": "echo_request"})
    assert (malformed == 1) is (length < 8)
    assert (channel.closed.result().__class__ is Malformed) is (length < 8)


def test_unrepresentable_never_leaves_the_codec() -> None:
    assert not issubclass(Unrepresentable, DeviceError)
