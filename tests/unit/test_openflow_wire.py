"""Octets recorded from Open vSwitch 3.1 (`ovs-ofctl add-flow`, then read back), and what they say."""

from __future__ import annotations

from sdnctl.dataplane.values import (
    Bucket,
    ClearInPort,
    Decap,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Output,
    PushMpls,
    SetField,
    ToGroup,
)
from sdnctl.southbound.openflow.codec.actions import encode_actions
from sdnctl.southbound.openflow.codec.flow import FlowCommand, decode_flow_stats, flow_mod
from sdnctl.southbound.openflow.codec.group import decode_groups

FLOWS = """
007000000000001b 339e1c80012c0000 0000000000000000 0000000000000000 0000000000000000 0000000000000000
0001001280000004 0000000180000a02 8847000000000000 0004002000000000 ffff001800002320 0007000f00000002
000000000000ffff 0001000803000000 00a002000000001b 31d4590080000000 0000000000000000 0000000000000000
0000000000000000 0000000000000000 0001001080000408 0000000000000005 0004006000000000 ffff001000002320
002e000000018847 0019001080004404 0000138900000000 0019001080004601 0500000000000000 ffff001000002320
002e000000000000 0019001080000606 0200000000010000 0016000800000005 007804000000001b 30291a0080000000
0000000000000000 0000000000000000 0000000000000000 0000000000000000 0001001280000a02 8847800044040000
004d000000000000 0004002800000000 ffff001000002320 002f00000000fffe ffff001000002320 002f000000000000
0001000805000000
"""
GROUPS = """
0060030000000005 0020000000000001 ffffffff00000000 0000001000000001 0000000000000000 0038000000000002
ffffffff00000000 0013000888470000 0019001080004404 0000038400000000 0000001000000002 0000000000000000
"""


def test_recorded_flows() -> None:
    """``load:0xffff->NXM_OF_IN_PORT[]``; ``encap(mpls)``, ``encap(ethernet)``; ``decap()``, decap to Ethernet."""
    flows = [stat.flow for stat in decode_flow_stats(bytes.fromhex(FLOWS))]
    assert flows == [
        Flow(0, 300, Match.of(in_port=1, eth_type=0x8847), actions=(ClearInPort(),), goto=3),
        Flow(
            2,
            0x8000,
            Match.of(metadata=5),
            actions=(
                Encap("mpls"),
                SetField("mpls_label", 5001),
                SetField("mpls_tc", 5),
                Encap("ethernet"),
                SetField("eth_dst", 0x020000000001),
                ToGroup(5),
            ),
        ),
        Flow(
            4,
            0x8000,
            Match.of(eth_type=0x8847, mpls_label=77),
            actions=(Decap(), Decap(to_ethernet=True)),
            goto=5,
        ),
    ]


def test_recorded_group() -> None:
    second = (PushMpls(), SetField("mpls_label", 900), Output(2))
    assert decode_groups(bytes.fromhex(GROUPS)) == [
        Group(5, GroupType.FAST_FAILOVER, (Bucket((Output(1),), watch_port=1), Bucket(second, watch_port=2)))
    ]


def test_special_actions_are_sent_as_recorded() -> None:
    recorded = bytes.fromhex(FLOWS)
    for action in (ClearInPort(), Encap("mpls"), Encap("ethernet"), Decap(), Decap(to_ethernet=True)):
        assert encode_actions([action]) in recorded, action


def test_flow_mod_in_full() -> None:
    """Every octet of one message, by hand from OpenFlow 1.3.5 §7.3.4.1."""
    flow = Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=0x12345), 0x5D9C << 48, (Output(7),), goto=4)
    assert flow_mod(flow, FlowCommand.ADD, 0xA1B2C3D4) == bytes.fromhex(
        "040e0068a1b2c3d4"  # version, type, length, transaction
        "5d9c0000000000000000000000000000"  # cookie, mask
        "0300000000000064"  # table, command, timeouts, priority
        "ffffffffffffffffffffffff00000000"  # buffer, port and group: none; flags
        "0001001280000a0288478000440400012345000000000000"  # match: eth_type, mpls_label
        "0004001800000000"
        "0000001000000007ffff000000000000"  # apply: output 7
        "0001000804000000"  # goto 4
    )
