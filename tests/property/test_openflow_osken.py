"""Byte for byte what os-ken sends and reads, both ways, for everything but encap and decap."""

from __future__ import annotations

import struct

import openflow_oracle as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openflow_values import flows, groups, matches, meters, standard_actions, u16, u32, u64, xids

from sdnctl.dataplane.values import Action, ClearInPort, Flow, Group, Match, Meter, Output
from sdnctl.southbound.openflow.codec import bundle, faults, flow, group, meter, multipart, packet, ports, session
from sdnctl.southbound.openflow.codec.wire import MAX_PORT, Type, message

ofp, parser, DATAPATH = oracle.ofp, oracle.parser, oracle.DATAPATH

oracle_actions: st.SearchStrategy[Action] = st.one_of(standard_actions, st.builds(ClearInPort))
oracle_flows = flows(oracle_actions)
oracle_groups = groups(oracle_actions)
EXAMPLES = settings(max_examples=30)


# ── what we send ─────────────────────────────────────────────────────────────────────────────────


@EXAMPLES
@given(oracle_flows, st.sampled_from(flow.FlowCommand), xids, u64)
def test_flow_mod(value: Flow, command: flow.FlowCommand, xid: int, mask: int) -> None:
    ours = flow.flow_mod(value, command, xid, mask)
    assert ours == oracle.octets(oracle.flow_mod(value, command, mask), xid)
    read_command, read, read_mask = flow.decode_flow_mod(ours[8:])
    assert (read_command, read_mask) == (command, mask)
    if command is not flow.FlowCommand.DELETE_STRICT:
        assert read == value


@EXAMPLES
@given(oracle_groups, st.sampled_from(group.GroupCommand), xids)
def test_group_mod(value: Group, command: group.GroupCommand, xid: int) -> None:
    ours = group.group_mod(value, command, xid)
    assert ours == oracle.octets(oracle.group_mod(value, command), xid)
    if command is not group.GroupCommand.DELETE:
        assert group.decode_group_mod(ours[8:]) == (command, value)


@EXAMPLES
@given(meters, st.sampled_from(meter.MeterCommand), xids)
def test_meter_mod(value: Meter, command: meter.MeterCommand, xid: int) -> None:
    ours = meter.meter_mod(value, command, xid)
    assert ours == oracle.octets(oracle.meter_mod(value, command), xid)
    if command is not meter.MeterCommand.DELETE:
        assert meter.decode_meter_mod(ours[8:]) == (command, value)


@EXAMPLES
@given(oracle_flows, u32, st.integers(0, 3), xids)
def test_bundle_add(value: Flow, number: int, flags: int, xid: int) -> None:
    inner = flow.flow_mod(value, flow.FlowCommand.ADD, xid)
    theirs = parser.ONFBundleAddMsg(DATAPATH, number, flags, oracle.flow_mod(value, ofp.OFPFC_ADD), [])
    ours = bundle.bundle_add(number, inner, flags)
    assert ours == oracle.octets(theirs, xid)
    assert bundle.is_bundle(ours[8:])
    assert bundle.decode_bundle_add(ours[8:]) == (number, flags, inner)


@EXAMPLES
@given(u32, st.sampled_from(bundle.BundleControl), st.integers(0, 3), xids)
def test_bundle_control(number: int, control: bundle.BundleControl, flags: int, xid: int) -> None:
    ours = bundle.bundle_control(xid, number, control, flags)
    assert ours == oracle.octets(parser.ONFBundleCtrlMsg(DATAPATH, number, control, flags, []), xid)
    assert bundle.decode_bundle_control(ours[8:]) == (number, control, flags)


@EXAMPLES
@given(st.binary(max_size=100), st.lists(oracle_actions, min_size=1, max_size=4), u32, xids)
def test_packet_out(frame: bytes, actions: list[Action], in_port: int, xid: int) -> None:
    """With at least one action: without, os-ken writes its fixed fields over the frame."""
    ours = packet.packet_out(xid, frame, actions, in_port)
    theirs = parser.OFPPacketOut(
        DATAPATH, ofp.OFP_NO_BUFFER, in_port, [oracle.action(item) for item in actions], frame
    )
    assert ours == oracle.octets(theirs, xid)
    assert packet.decode_packet_out(ours[8:]) == (frame, tuple(actions), in_port)


@EXAMPLES
@given(xids, st.sampled_from(session.Role), u64)
def test_role_request(xid: int, role: session.Role, generation: int) -> None:
    ours = session.role_request(xid, role, generation)
    assert ours == oracle.octets(parser.OFPRoleRequest(DATAPATH, role, generation), xid)
    assert session.decode_role(ours[8:]) == (role, generation)


@EXAMPLES
@given(xids, u32, u32, u32)
def test_set_async(xid: int, packet_in: int, port_status: int, removed: int) -> None:
    pairs = [[packet_in, 0], *([mask, mask] for mask in (port_status, removed))]
    theirs = parser.OFPSetAsync(DATAPATH, *pairs)
    assert session.set_async(xid, packet_in, port_status, removed) == oracle.octets(theirs, xid)


@EXAMPLES
@given(xids, u16, u16)
def test_config(xid: int, flags: int, length: int) -> None:
    ours = session.set_config(xid, length, flags)
    assert ours == oracle.octets(parser.OFPSetConfig(DATAPATH, flags, length), xid)
    assert session.decode_config(ours[8:]) == (flags, length)


@EXAMPLES
@given(xids, st.sets(st.integers(1, 30), min_size=1))
def test_hello(xid: int, versions: set[int]) -> None:
    ours = session.hello(xid, versions)
    (element,) = oracle.parsed(ours).elements  # os-ken does not serialise the elements of a hello
    assert set(element.versions) == versions
    assert session.decode_hello(4, ours[8:]) == versions


def test_a_hello_without_bitmap_speaks_everything_below() -> None:
    assert session.decode_hello(4, b"") == {1, 2, 3, 4}
    assert session.decode_hello(4, bytes.fromhex("0007000800000000")) == {1, 2, 3, 4}


SIMPLE = {
    Type.ECHO_REQUEST: parser.OFPEchoRequest,
    Type.FEATURES_REQUEST: parser.OFPFeaturesRequest,
    Type.GET_CONFIG_REQUEST: parser.OFPGetConfigRequest,
    Type.BARRIER_REQUEST: parser.OFPBarrierRequest,
    Type.BARRIER_REPLY: parser.OFPBarrierReply,
}


@pytest.mark.parametrize("kind", SIMPLE)
def test_messages_without_body(kind: Type) -> None:
    assert message(kind, 77) == oracle.octets(SIMPLE[kind](DATAPATH), 77)


REQUESTS = [
    (multipart.Part.DESCRIPTION, b"", parser.OFPDescStatsRequest(DATAPATH, 0)),
    (multipart.Part.PORT_DESCRIPTION, b"", parser.OFPPortDescStatsRequest(DATAPATH, 0)),
    (multipart.Part.PORT_STATS, ports.port_stats_request(), parser.OFPPortStatsRequest(DATAPATH, 0, ofp.OFPP_ANY)),
    (multipart.Part.GROUP_DESCRIPTION, b"", parser.OFPGroupDescStatsRequest(DATAPATH, 0)),
    (multipart.Part.GROUP_FEATURES, b"", parser.OFPGroupFeaturesStatsRequest(DATAPATH, 0)),
    (multipart.Part.GROUP_STATS, group.group_stats_request(), parser.OFPGroupStatsRequest(DATAPATH, 0)),
    (multipart.Part.METER_CONFIG, meter.meter_request(), parser.OFPMeterConfigStatsRequest(DATAPATH, 0)),
    (multipart.Part.METER_FEATURES, b"", parser.OFPMeterFeaturesStatsRequest(DATAPATH, 0)),
]


@pytest.mark.parametrize(("part", "body", "theirs"), REQUESTS, ids=lambda item: getattr(item, "name", ""))
def test_multipart_requests(part: multipart.Part, body: bytes, theirs: object) -> None:
    assert multipart.multipart_request(9, part, body) == oracle.octets(theirs, 9)


@EXAMPLES
@given(st.integers(0, 255), u64, u64)
def test_flow_stats_request(table: int, cookie: int, mask: int) -> None:
    body = flow.flow_stats_request(table, cookie, mask)
    theirs = parser.OFPFlowStatsRequest(DATAPATH, 0, table, cookie=cookie, cookie_mask=mask)
    assert multipart.multipart_request(3, multipart.Part.FLOW, body) == oracle.octets(theirs, 3)


# ── what we read ─────────────────────────────────────────────────────────────────────────────────


def read_flow(entry: object) -> tuple[object, ...]:
    """An os-ken flow entry in our values."""
    meter_id = metadata = goto = None
    actions: tuple[Action, ...] = ()
    for item in entry.instructions:  # type: ignore[attr-defined]
        if item.type == ofp.OFPIT_METER:
            meter_id = item.meter_id
        elif item.type == ofp.OFPIT_APPLY_ACTIONS:
            actions = tuple(oracle.action_of(one) for one in item.actions)
        elif item.type == ofp.OFPIT_WRITE_METADATA:
            metadata = (item.metadata, item.metadata_mask)
        else:
            goto = item.table_id
    return (
        entry.table_id,  # type: ignore[attr-defined]
        entry.priority,  # type: ignore[attr-defined]
        oracle.match_of(entry.match),  # type: ignore[attr-defined]
        entry.cookie,  # type: ignore[attr-defined]
        actions,
        meter_id,
        metadata,
        goto,
    )


@EXAMPLES
@given(st.lists(flows(standard_actions), min_size=1, max_size=4), u64, u64, xids)
def test_flow_statistics(values: list[Flow], packets: int, octets: int, xid: int) -> None:
    body = b"".join(flow.flow_stats_entry(value, packets, octets) for value in values)
    reply = multipart.multipart_reply(xid, multipart.Part.FLOW, body)
    theirs = oracle.parsed(reply)
    ours = flow.decode_flow_stats(body)
    assert [Flow(*read_flow(entry)) for entry in theirs.body] == values == [stat.flow for stat in ours]
    assert {(stat.packets, stat.octets) for stat in ours} == {(packets, octets)}
    skipped = flow.decode_flow_stats(body, counters_only=True)
    assert [stat[:4] for stat in skipped] == [stat[:4] for stat in ours]
    assert multipart.decode_multipart(reply[8:]) == (multipart.Part.FLOW, False, body)


@EXAMPLES
@given(st.lists(groups(standard_actions), min_size=1, max_size=3), xids)
def test_group_descriptions(values: list[Group], xid: int) -> None:
    body = b"".join(group.group_entry(value) for value in values)
    theirs = oracle.parsed(multipart.multipart_reply(xid, multipart.Part.GROUP_DESCRIPTION, body))
    for value, entry in zip(values, theirs.body, strict=True):
        assert (entry.group_id, entry.type) == (value.id, oracle.GROUP_TYPES[value.type])
        for ours, item in zip(value.buckets, entry.buckets, strict=True):
            assert item.weight == ours.weight
            assert item.watch_port == (ofp.OFPP_ANY if ours.watch_port is None else ours.watch_port)
            assert tuple(oracle.action_of(one) for one in item.actions) == ours.actions
    assert group.decode_groups(body) == values


@EXAMPLES
@given(st.lists(meters, min_size=1, max_size=4), xids)
def test_meter_configurations(values: list[Meter], xid: int) -> None:
    body = b"".join(meter.meter_entry(value) for value in values)
    theirs = oracle.parsed(multipart.multipart_reply(xid, multipart.Part.METER_CONFIG, body))
    assert [
        Meter(entry.meter_id, band.rate, band.burst_size) for entry in theirs.body for band in entry.bands
    ] == values
    assert meter.decode_meters(body) == values


@EXAMPLES
@given(matches(), st.binary(max_size=60), st.integers(0, 2), st.integers(0, 254), u64, u16)
def test_packet_in(match: object, frame: bytes, reason: int, table: int, cookie: int, total: int) -> None:
    encoded = bytearray()
    oracle.match(match).serialize(encoded, 0)  # type: ignore[arg-type]
    body = struct.pack("!IHBBQ", ofp.OFP_NO_BUFFER, total, reason, table, cookie) + encoded + b"\0\0" + frame
    theirs = oracle.parsed(message(Type.PACKET_IN, 1, body))
    ours = packet.decode_packet_in(body)
    assert ours == packet.PacketIn(reason, table, cookie, total, match, frame)  # type: ignore[arg-type]
    assert (theirs.table_id, theirs.cookie, theirs.data[:total]) == (table, cookie, frame[:total])
    assert oracle.match_of(theirs.match) == match


port_descriptions = st.builds(
    ports.PortDescription,
    port=st.integers(1, MAX_PORT),
    mac=st.integers(0, (1 << 48) - 1),
    name=st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=15),
    config=u32,
    state=st.integers(0, 7),
    speed=u32,
)


@EXAMPLES
@given(st.lists(port_descriptions, min_size=1, max_size=4), st.sampled_from(ports.PortReason))
def test_ports(values: list[ports.PortDescription], reason: ports.PortReason) -> None:
    body = b"".join(ports.encode_port(value) for value in values)
    theirs = oracle.parsed(multipart.multipart_reply(1, multipart.Part.PORT_DESCRIPTION, body))
    for value, port in zip(values, theirs.body, strict=True):
        assert (port.port_no, port.config, port.state, port.curr_speed) == (
            value.port,
            value.config,
            value.state,
            value.speed,
        )
        assert (port.name, int(port.hw_addr.replace(":", ""), 16)) == (value.name.encode(), value.mac)
    assert ports.decode_ports(body) == values
    status = struct.pack("!B7x", reason) + ports.encode_port(values[0])
    assert oracle.parsed(message(Type.PORT_STATUS, 0, status)).desc.port_no == values[0].port
    assert ports.decode_port_status(status) == (reason, values[0])


@EXAMPLES
@given(st.integers(1, MAX_PORT), st.lists(u64, min_size=12, max_size=12))
def test_port_statistics(number: int, counters: list[int]) -> None:
    body = struct.pack("!I4x12QII", number, *counters, 1, 2)
    (theirs,) = oracle.parsed(multipart.multipart_reply(1, multipart.Part.PORT_STATS, body)).body
    (ours,) = ports.decode_port_stats(body)
    unknown = (1 << 64) - 1
    for name in ours._fields[1:]:
        value = getattr(theirs, name)
        assert getattr(ours, name) == (0 if value == unknown else value), name


@EXAMPLES
@given(u32, u32, u64, u64, st.lists(st.tuples(u64, u64), max_size=3))
def test_group_statistics(
    number: int, used: int, packets: int, octets: int, buckets: list[tuple[int, int]]
) -> None:
    tail = b"".join(struct.pack("!QQ", *pair) for pair in buckets)
    body = struct.pack("!H2xII4xQQII", 40 + len(tail), number, used, packets, octets, 0, 0) + tail
    (theirs,) = oracle.parsed(multipart.multipart_reply(1, multipart.Part.GROUP_STATS, body)).body
    assert group.decode_group_stats(body) == [group.GroupStat(number, used, packets, octets)]
    assert (theirs.group_id, theirs.ref_count, theirs.packet_count) == (number, used, packets)


@EXAMPLES
@given(u64, u32, st.integers(0, 255), st.integers(0, 255), u32)
def test_features(dpid: int, buffers: int, tables: int, auxiliary: int, capabilities: int) -> None:
    value = session.Features(dpid, buffers, tables, auxiliary, capabilities)
    data = session.encode_features(value, 4)
    theirs = oracle.parsed(data)
    assert (theirs.datapath_id, theirs.n_tables, theirs.capabilities) == (dpid, tables, capabilities)
    assert session.decode_features(data[8:]) == value


@EXAMPLES
@given(st.integers(0, 0xFFFE), u16, st.binary(max_size=80))
def test_errors(kind: int, code: int, data: bytes) -> None:
    octets = faults.encode_error(5, kind, code, data)
    theirs = oracle.parsed(octets)
    assert (theirs.type, theirs.code, theirs.data) == (kind, code, data)
    assert faults.decode_error(octets[8:]) == faults.SwitchError(kind, code, 0, data)


def test_experimenter_errors() -> None:
    octets = faults.encode_error(5, faults.EXPERIMENTER, 2313, b"x", experimenter=0x4F4E4600)
    theirs = oracle.parsed(octets)
    assert (theirs.type, theirs.exp_type, theirs.experimenter, theirs.data) == (0xFFFF, 2313, 0x4F4E4600, b"x")
    error = faults.decode_error(octets[8:])
    assert error == faults.SwitchError(0xFFFF, 2313, 0x4F4E4600, b"x")
    assert error.name == "bundle refused, OFPBFC_MSG_FAILED"


def test_error_names_are_os_kens() -> None:
    """Every name that we print is a constant of OpenFlow with that number."""
    checked = 0
    for kind, (_, prefix, codes) in faults.NAMES.items():
        for code, name in enumerate(codes):
            assert getattr(ofp, f"{prefix}_{name}") == code, f"{prefix}_{name}"
            assert faults.SwitchError(kind, code, 0, b"").name.endswith(f"{prefix}_{name}")
            checked += 1
    assert checked > 100


def test_output_to_a_port_forgets_max_len() -> None:
    """Only the controller's max_len means something; Open vSwitch reads 0 back for other ports."""
    (stat,) = flow.decode_flow_stats(flow.flow_stats_entry(Flow(0, 1, Match(), 0, (Output(3, 0),))))
    assert stat.flow == Flow(0, 1, Match(), 0, (Output(3),))
