"""A commit checks and packs most flows in one go: what it sends is what the general encoder packs, and what it
refuses is what the checks refuse, whatever stands beside it."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openflow_values import flows, u16, u32

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    COOKIE_OWNER_MASK,
    GROUP_BASE,
    METER_BASE,
    Encap,
    Flow,
    Match,
    Meter,
    RuleSet,
    SetField,
    ToGroup,
)
from sdnctl.errors import DeviceRefused
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Capabilities
from sdnctl.southbound.openflow.checks import Checks
from sdnctl.southbound.openflow.codec.bundle import bundle_add
from sdnctl.southbound.openflow.codec.flow import FlowCommand, general_flow_mod
from sdnctl.southbound.openflow.mirror import Mirror
from sdnctl.southbound.openflow.transaction import Portion

GROUP, METER = GROUP_BASE + 1, METER_BASE + 1
CAN = Capabilities(
    tables=8, bundles=True, groups=frozenset({"indirect"}), meters=0, encapsulations=frozenset({"mpls"})
)
BUNDLE = 7


def tame(flow: Flow, cookie: int) -> Flow:
    """The flow with our cookie, in a table that exists, sending to groups and meters that exist."""
    actions = tuple(ToGroup(GROUP) if isinstance(item, ToGroup) else item for item in flow.actions)
    return replace(
        flow,
        table=flow.table % 4,
        cookie=COOKIE_OWNER | cookie,
        actions=actions,
        meter=METER if flow.meter is not None else None,
        goto=4 + flow.goto % 4 if flow.goto is not None else None,
    )


def damaged(flow: Flow, how: str) -> Flow:
    match how:
        case "cookie":
            return replace(flow, cookie=flow.cookie & ~COOKIE_OWNER_MASK)
        case "table":
            return replace(flow, table=CAN.tables, goto=None)
        case "goto":
            return replace(flow, goto=flow.table)
        case "meter":
            return replace(flow, meter=METER + 1)
        case "group":
            return replace(flow, actions=(*flow.actions, ToGroup(GROUP + 1)))
        case "match":
            return replace(flow, match=Match.of(ipv4_src=1))
        case "vlan":
            return replace(flow, match=Match.of(vlan_vid=0, vlan_pcp=3))
    return flow


@st.composite
def runs(draw: st.DrawFn) -> list[Change]:
    """Changes of flows of few shapes, some of them with something wrong."""
    shapes = [tame(draw(flows()), 0) for _ in range(draw(st.integers(1, 3)))]
    changes = []
    for _ in range(draw(st.integers(1, 14))):
        flow = draw(st.sampled_from(shapes))
        flow = replace(
            flow,
            cookie=COOKIE_OWNER | draw(u32),
            priority=draw(u16),
            match=Match(tuple((name, draw(st.integers(0, mask)) & mask, mask) for name, _, mask in flow.match)),
        )
        wrong = st.sampled_from(["", "", "", "", "", "cookie", "table", "goto", "meter", "group", "match", "vlan"])
        changes.append(Change(draw(st.sampled_from(Op)), damaged(flow, draw(wrong))))
    return changes


def checks(changes: list[Change], foreign: set[object] | None = None) -> Checks:
    held = RuleSet(meters={METER: Meter(METER, 1, 1)})
    found = Checks("s1", changes, held, foreign or set(), CAN)  # type: ignore[arg-type]
    found.groups.add(GROUP)
    return found


def sent(changes: list[Change], judged: Checks | None) -> list[bytes]:
    portion = Portion("s1", changes, 100, BUNDLE, judged)
    return [data for window in portion.windows(Mirror(RuleSet())) for data in window]


@settings(max_examples=60)
@given(runs())
def test_what_is_sent_is_sound_and_packed_as_always(changes: list[Change]) -> None:
    faults = checks(changes).faults(changes)
    if faults:
        with pytest.raises(DeviceRefused) as refused:
            sent(changes, checks(changes))
        assert list(refused.value.diagnostics) == faults
        return
    expected = []
    for xid, change in enumerate(changes, 100):
        assert isinstance(change.rule, Flow)
        deleted = change.op is Op.DELETE
        command = FlowCommand.DELETE_STRICT if deleted else FlowCommand.ADD
        mask = COOKIE_OWNER_MASK if deleted else 0
        expected.append(bundle_add(BUNDLE, general_flow_mod(change.rule, command, xid, mask)))
    assert sent(changes, checks(changes)) == expected


SOUND = Flow(1, 5, Match.of(eth_type=0x0800, ipv4_src=1), COOKIE_OWNER | 1, (ToGroup(GROUP),), meter=METER, goto=4)


@pytest.mark.parametrize("how", ["cookie", "table", "goto", "meter", "group", "match", "vlan"])
def test_each_fault_behind_many_sound_flows_of_its_shape(how: str) -> None:
    many = [
        replace(SOUND, match=Match.of(eth_type=0x0800, ipv4_src=number), priority=number) for number in range(40)
    ]
    changes = [Change(Op.ADD, flow) for flow in (*many, damaged(SOUND, how))]
    with pytest.raises(DeviceRefused) as refused:
        sent(changes, checks(changes))
    assert len(refused.value.diagnostics) == 1


def test_a_vlan_id_decides_for_each_flow_whether_its_priority_may_be_matched() -> None:
    tagged = [Flow(0, 1, Match.of(vlan_vid=0x1000 | number, vlan_pcp=3), COOKIE_OWNER) for number in range(5)]
    untagged = Flow(0, 1, Match.of(vlan_vid=0, vlan_pcp=3), COOKIE_OWNER)
    assert len(sent([Change(Op.ADD, flow) for flow in tagged], checks([]))) == 5
    with pytest.raises(DeviceRefused, match="vlan_pcp"):
        sent([Change(Op.ADD, flow) for flow in (*tagged, untagged)], checks([]))


def test_a_foreign_flow_is_found_among_many_of_its_shape() -> None:
    many = [replace(SOUND, priority=number) for number in range(30)]
    changes = [Change(Op.ADD, flow) for flow in many]
    with pytest.raises(DeviceRefused, match="somebody else"):
        sent(changes, checks(changes, {many[17].key}))


def test_a_value_that_is_too_wide_behind_sound_ones_is_refused() -> None:
    one = replace(SOUND, actions=(SetField("mpls_label", 1), ToGroup(GROUP)))
    wide = replace(one, actions=(SetField("mpls_label", 1 << 20), ToGroup(GROUP)))
    with pytest.raises(DeviceRefused, match="cannot add"):
        sent([Change(Op.ADD, flow) for flow in (one, one, wide)], checks([]))


def test_encapsulation_is_still_refused_where_the_switch_cannot() -> None:
    flow = replace(SOUND, actions=(Encap("mpls"), SetField("mpls_label", 7), Encap("ethernet")))
    cannot = Checks(
        "s1", [], RuleSet(meters={METER: Meter(METER, 1, 1)}), set(), replace(CAN, encapsulations=frozenset())
    )
    with pytest.raises(DeviceRefused, match="MPLS"):
        sent([Change(Op.ADD, flow)] * 3, cannot)


def test_rules_that_no_template_takes_are_sent_all_the_same() -> None:
    with pytest.raises(struct.error):
        general_flow_mod(replace(SOUND, priority=1 << 16), FlowCommand.ADD, 1)
    wide = Change(Op.ADD, replace(SOUND, priority=1 << 16))
    with pytest.raises(DeviceRefused, match="cannot add"):
        sent([Change(Op.ADD, SOUND), wide], checks([]))
