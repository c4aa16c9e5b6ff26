"""The in-memory switch beyond single packets: ports, MTU, meters, counters, mutations, traces."""

from __future__ import annotations

import pytest
from switch_cases import case, failover, indirect, ip, mpls, out, push, set_label, tagged
from switch_refused import ACCEPTED, REFUSED, REFUSED_MATCHES

from sdnctl.dataplane.refusals import MAX_METER, RuleRefused
from sdnctl.dataplane.switch import Port, Switch
from sdnctl.dataplane.trace import Why
from sdnctl.dataplane.values import (
    Action,
    Bucket,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.testing.samples import full

FRAME = bytes(ip)


def forward(*actions: Action, **more: int) -> Flow:
    return Flow(0, 5, Match(), actions=actions, **more)


def switch(*rules: Flow | Group | Meter, ports: dict[int, Port] | None = None) -> Switch:
    return Switch(RuleSet.of(rules), ports or {number: Port() for number in (1, 2, 3)})


# ── ports and MTU ────────────────────────────────────────────────────────────────────────────────


def test_a_port_that_is_down_neither_sends_nor_receives() -> None:
    one = switch(forward(out(2), out(3)))
    one.set_port(2, up=False)
    result = one.process(1, FRAME)
    assert [sent.port for sent in result.sent] == [3]
    assert [drop.why for drop in result.drops] == [Why.PORT_DOWN]
    one.set_port(1, up=False)
    assert [drop.why for drop in one.process(1, FRAME).drops] == [Why.PORT_DOWN]
    one.set_port(1, up=True)
    one.set_port(2, up=True)
    assert [sent.port for sent in one.process(1, FRAME).sent] == [2, 3]
    assert [drop.why for drop in one.process(44, FRAME).drops] == [Why.NO_PORT]


def test_fast_failover_follows_its_watched_ports_and_reverts() -> None:
    group = failover((2, (out(2),)), (3, (push, set_label(7), out(3))))
    one = switch(group, forward(ToGroup(1)))

    def ports() -> list[int]:
        return [sent.port for sent in one.process(1, FRAME).sent]

    assert ports() == [2]
    one.set_port(2, up=False)
    assert ports() == [3]
    one.set_port(3, up=False)
    result = one.process(1, FRAME)
    assert [drop.why for drop in result.drops] == [Why.NO_LIVE_BUCKET]
    one.set_port(2, up=True)
    assert ports() == [2]


@pytest.mark.parametrize(
    ("payload", "tags", "fits"),
    [(1500, 0, True), (1501, 0, False), (1500, 1, True), (1500, 2, False), (1496, 2, True)],
)
def test_mtu_limits_what_is_behind_the_ethernet_header_and_one_tag(payload: int, tags: int, fits: bool) -> None:
    frame = FRAME[:12] + b"\x81\x00\x00\x05" * tags + b"\x88\xb5" + bytes(payload)
    result = switch(forward(out(2)), ports={1: Port(), 2: Port(mtu=1500)}).process(1, frame)
    assert bool(result.sent) is fits
    assert [drop.why for drop in result.drops] == ([] if fits else [Why.MTU])


def test_three_labels_over_a_double_tagged_frame_need_34_octets() -> None:
    """service MTU + 34 ≤ link MTU (docs/pipeline.md): 1,534 carries a full frame, one octet less does not."""
    customer = FRAME[:12] + b"\x81\x00\x00\x05\x81\x00\x00\x06\x88\xb5" + bytes(1500)
    frame = bytes(mpls(1, 2, 3, under=customer))
    for mtu, fits in ((1534, True), (1533, False)):
        one = switch(forward(out(2)), ports={1: Port(), 2: Port(mtu=mtu)})
        assert bool(one.process(1, frame).sent) is fits


# ── meters ───────────────────────────────────────────────────────────────────────────────────────


def test_a_meter_without_time_counts_and_lets_pass() -> None:
    one = switch(Meter(1, 1, 1), forward(out(2), meter=1))
    for _ in range(100):
        assert one.process(1, FRAME).sent
    assert one.rulebook.meter_packets[1] == 100
    assert one.rulebook.meter_drops[1] == 0


def test_a_meter_with_time_is_a_token_bucket() -> None:
    """1,000 octets at 80 kbit/s with a burst of 16 kbit: two at once, then one each 100 ms."""
    one = switch(Meter(1, 80, 16), forward(out(2), meter=1))
    frame = FRAME[:12] + b"\x88\xb5" + bytes(986)
    passed = [bool(one.process(1, frame, now=at).sent) for at in (0, 0, 0, 0.05, 0.1, 0.1, 0.2, 9, 9, 9)]
    assert passed == [True, True, False, False, True, False, True, True, True, False]
    assert one.rulebook.meter_drops[1] == 4
    assert [drop.why for drop in one.process(1, frame, now=9).drops] == [Why.METER]


def test_time_that_goes_back_gives_no_tokens() -> None:
    one = switch(Meter(1, 80, 8), forward(out(2), meter=1))
    frame = FRAME[:12] + b"\x88\xb5" + bytes(986)
    assert [bool(one.process(1, frame, now=at).sent) for at in (5, 0, 5)] == [True, False, False]


# ── what a switch refuses ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rule", REFUSED + REFUSED_MATCHES, ids=str)
def test_refused(rule: Flow | Group) -> None:
    one = Switch(full((1, 2, 3)))
    before = dict(one.rules.flows), dict(one.rules.groups)
    with pytest.raises(RuleRefused) as caught:
        one.add(rule)
    assert caught.value.error.startswith("OFP")
    assert (one.rules.flows, one.rules.groups) == before


@pytest.mark.parametrize("rule", ACCEPTED, ids=str)
def test_accepted(rule: Flow | Group) -> None:
    Switch(full((1, 2, 3))).add(rule)


@pytest.mark.parametrize(
    "meter", [Meter(0, 1, 1), Meter(MAX_METER + 1, 1, 1), Meter(1, 0, 1), Meter(1, 1 << 32, 1)]
)
def test_refused_meters(meter: Meter) -> None:
    with pytest.raises(RuleRefused):
        Switch().add(meter)


@pytest.mark.parametrize(
    "flow",
    [
        Flow(254, 1, Match()),
        Flow(0, 65536, Match()),
        Flow(0, 1, Match.of(eth_type=(0x0800, 0xFF00))),
        Flow(0, 1, Match(), actions=(SetField("colour", 1),)),
        Flow(0, 1, Match(), actions=(SetField("eth_src", 1 << 48),)),
        Flow(0, 1, Match.of(vlan_vid=0x1005), actions=(SetField("vlan_vid", 5),)),
    ],
    ids=str,
)
def test_refused_values(flow: Flow) -> None:
    with pytest.raises(RuleRefused):
        Switch().add(flow)


# ── mutations ────────────────────────────────────────────────────────────────────────────────────


def test_deleting_a_group_or_a_meter_deletes_its_flows() -> None:
    group, meter = indirect(out(2)), Meter(4, 8, 8)
    by_group = Flow(0, 1, Match.of(in_port=1), actions=(ToGroup(1),))
    by_meter = Flow(0, 2, Match.of(in_port=2), meter=4)
    other = Flow(0, 3, Match.of(in_port=3), actions=(out(2),))
    one = switch(group, meter, by_group, by_meter, other)
    assert one.delete(group) == (by_group,)
    assert one.delete(meter) == (by_meter,)
    assert one.rules == RuleSet.of((other,))
    assert one.delete(group) == ()
    assert [drop.why for drop in one.process(1, FRAME).drops] == [Why.TABLE_MISS]


def test_a_bucket_may_wait_for_its_group() -> None:
    one = switch(indirect(ToGroup(2)), forward(ToGroup(1)))
    assert [drop.why for drop in one.process(1, FRAME).drops] == [Why.NO_GROUP]
    one.add(indirect(out(2), id=2))
    assert one.process(1, FRAME).sent
    one.delete(indirect(out(2), id=2))
    assert ToGroup(1) in one.rules.flows[forward().key].actions, "only flows that name the group itself go with it"
    assert not one.process(1, FRAME).sent


def test_modify_keeps_counting_and_add_starts_again() -> None:
    one = switch(forward(out(2)))
    one.process(1, FRAME)
    one.modify(forward(out(3)))
    assert one.process(1, FRAME).sent[0].port == 3
    assert one.rulebook.flow_packets[forward().key] == 2
    one.add(forward(out(2)))
    assert one.rulebook.flow_packets[forward().key] == 0
    one.modify(Flow(0, 77, Match(), actions=(out(2),)))
    assert len(one.rules) == 1, "modifying a flow that is not there changes nothing"


def test_groups_and_meters_are_added_once_and_modified_when_there() -> None:
    group, meter = indirect(out(2)), Meter(4, 8, 8)
    one = switch(group, meter, forward(ToGroup(1)))
    for rule in (group, meter):
        with pytest.raises(RuleRefused):
            one.add(rule)
    one.modify(indirect(out(3)))
    one.modify(Meter(4, 9, 9))
    assert one.process(1, FRAME).sent[0].port == 3
    assert one.rules.meters[4].rate == 9
    for absent in (indirect(out(2), id=9), Meter(9, 1, 1)):
        with pytest.raises(RuleRefused):
            one.modify(absent)


def test_clear_leaves_nothing() -> None:
    one = Switch(full((1, 2, 3)), (1, 2, 3))
    one.rulebook.clear()
    assert len(one.rules) == 0
    assert one.rulebook.flow_packets == one.rulebook.group_packets == one.rulebook.meter_packets == {}


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────


def test_queue_goes_with_the_packet() -> None:
    result = switch(forward(SetQueue(3), out(2))).process(1, FRAME)
    assert result.sent[0].queue == 3


def test_select_takes_one_live_bucket_by_weight() -> None:
    buckets = (Bucket((out(2),), weight=1), Bucket((out(3),), weight=3), Bucket((out(4),), weight=0))
    one = Switch(RuleSet.of((Group(1, GroupType.SELECT, buckets), forward(ToGroup(1)))), (1, 2, 3, 4))
    frames = [FRAME[:6] + number.to_bytes(6, "big") + FRAME[12:] for number in range(400)]
    ports = [one.process(1, frame).sent[0].port for frame in frames]
    assert ports == [one.process(1, frame).sent[0].port for frame in frames]
    assert 60 < ports.count(2) < 140
    assert ports.count(4) == 0
    dead = Group(1, GroupType.SELECT, (Bucket((out(2),), watch_port=2, weight=1), Bucket((out(3),), weight=1)))
    one.modify(dead)
    one.set_port(2, up=False)
    assert {one.process(1, frame).sent[0].port for frame in frames} == {3}


def test_the_trace_reads_like_what_happened() -> None:
    question = case("", mpls(9, ttl=1), push, ToGroup(1), failover((7, (out(2),)), (3, (out(3),))))
    result = Switch(question.rules, (1, 2, 3)).process(1, question.frame)
    assert str(result) == ("table=0,priority=100,mpls\npush_mpls:0x8847\ngroup:1\nbucket 1\n  output:3")


def test_a_runt_is_dropped_with_a_reason() -> None:
    result = switch(forward(out(2))).process(1, b"\x00" * 13)
    assert [drop.why for drop in result.drops] == [Why.RUNT]


def test_port_counters() -> None:
    one = switch(forward(out(2), out(9)))
    for _ in range(3):
        one.process(1, bytes(tagged))
    assert one.counters_of(1).rx_packets == one.counters_of(2).tx_packets == 3
    assert one.counters_of(2).tx_bytes == 3 * len(bytes(tagged))


def test_of_two_equal_matches_always_the_same_wins() -> None:
    flows = [
        Flow(0, 5, Match.of(eth_type=0x0800), actions=(Output(2),)),
        Flow(0, 5, Match.of(in_port=1), actions=(Output(3),)),
    ]
    one, two = Switch(RuleSet.of(flows), (1, 2, 3)), Switch(RuleSet.of(reversed(flows)), (1, 2, 3))
    assert one.process(1, FRAME).sent == two.process(1, FRAME).sent


def test_vlan_limit_two_matches_behind_a_popped_tag() -> None:
    from switch_cases import double

    from sdnctl.dataplane.values import ETH_IPV4, PopVlan

    rules = RuleSet.of(
        (
            Flow(0, 1, Match.of(vlan_vid=(0x1000, 0x1000)), actions=(PopVlan(),), goto=1),
            Flow(1, 1, Match.of(vlan_vid=0x1006, eth_type=ETH_IPV4), actions=(Output(2),)),
        )
    )
    assert not Switch(rules, (1, 2)).process(1, bytes(double)).sent
    assert Switch(rules, (1, 2), vlan_limit=2).process(1, bytes(double)).sent
    with pytest.raises(ValueError, match="vlan_limit"):
        Switch(vlan_limit=0)
