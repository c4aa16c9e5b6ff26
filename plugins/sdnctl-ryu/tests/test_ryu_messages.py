"""What goes over the wire is the same, whether the framework wrote it or sdnctl's codec."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from hypothesis import given, settings
from openflow_values import flows, groups, meters

from sdnctl.dataplane.values import Decap, Encap, Flow, Group, Meter
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.openflow.transaction import encode
from sdnctl.testing import samples

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of imports inside os-ken
    from os_ken.ofproto import ofproto_parser
    from os_ken.ofproto import ofproto_v1_3 as ofp
    from os_ken.ofproto.ofproto_protocol import ProtocolDesc
    from sdnctl_ryu import messages

DATAPATH = ProtocolDesc(version=ofp.OFP_VERSION)
XID = 0x01020304


def check(rules: Iterable[Flow | Group | Meter]) -> None:
    for rule in rules:
        for op in Op:
            assert messages.octets(DATAPATH, op, rule, XID) == encode(Change(op, rule), XID), (op, rule)
            if not isinstance(rule, Meter):
                assert messages.octets(DATAPATH, op, rule, XID, 7) == encode(Change(op, rule), XID, 7), (op, rule)


def test_every_kind_of_rule() -> None:
    check(samples.full((1, 2, 3)))


@settings(max_examples=40)
@given(flow=flows(), group=groups(), meter=meters)
def test_any_rule(flow: Flow, group: Group, meter: Meter) -> None:
    check((flow, group, meter))


def test_only_encap_and_decap_come_from_the_codec() -> None:
    rules = samples.full((1, 2, 3))
    raw = {rule for rule in rules if messages.needs_codec(rule)}
    assert raw == {
        flow for flow in rules.flows.values() if {Encap, Decap} & {type(action) for action in flow.actions}
    }
    assert 0 < len(raw) < len(rules) / 2


def test_the_framework_would_send_something_else() -> None:
    """Why some octets come from the codec: when this fails, the framework has learnt encap."""
    flow = next(flow for flow in samples.flows((1, 2, 3)) if Encap("mpls") in flow.actions)
    data = encode(Change(Op.ADD, flow), XID)
    version, kind, length, xid = ofproto_parser.header(data)
    read = ofproto_parser.msg(DATAPATH, version, kind, length, xid, data)
    assert messages.serialised(read) != data
    assert not hasattr(messages.parser, "NXActionDecap")
