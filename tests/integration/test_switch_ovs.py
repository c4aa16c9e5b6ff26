"""The same packet questions asked of the in-memory switch and of a real Open vSwitch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import switch_random
from dummy_ovs import DummyOvs
from switch_cases import PORTS, cases
from switch_refused import ACCEPTED, REFUSED

from sdnctl.dataplane.packet import Label, Packet
from sdnctl.dataplane.refusals import RuleRefused
from sdnctl.dataplane.switch import Switch
from sdnctl.dataplane.text import format_flow, format_group
from sdnctl.dataplane.values import ETH_MPLS, ClearInPort, DecMplsTtl, Flow, Group, Match, Output, RuleSet
from sdnctl.testing.samples import full

GOLDEN = Path(__file__).parent.parent / "golden" / "switch_semantics.json"

pytestmark = pytest.mark.ovs


@pytest.fixture(scope="module")
def ovs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DummyOvs]:
    with DummyOvs(tmp_path_factory.mktemp("ovs"), PORTS) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def pipeline_ovs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DummyOvs]:
    with DummyOvs(tmp_path_factory.mktemp("ovs"), switch_random.PORTS) as bridge:
        yield bridge


def test_recorded_semantics_are_those_of_open_vswitch(ovs: DummyOvs, pytestconfig: pytest.Config) -> None:
    answers = {}
    for case in cases():
        ovs.load(case.rules)
        answers[case.name] = [[port, frame.hex()] for port, frame in sorted(ovs.send(1, case.frame))]
    if pytestconfig.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(answers, indent=1) + "\n")
    assert answers == json.loads(GOLDEN.read_text())


def ask_both(ovs: DummyOvs, seed: int, packets: int) -> tuple[int, int, int]:
    """Ask about random packets under random rules; returns how many were asked, delivered, and traced."""
    random = Random(seed)
    rules = switch_random.rules(random)
    ovs.load(rules)
    switch = Switch(rules, switch_random.PORTS)
    delivered = traced = 0
    for number in range(packets):
        port, frame = switch_random.packet(random)
        result = switch.process(port, frame)
        expected = sorted((sent.port, bytes(sent.packet)) for sent in result.sent)
        where = f"seed {seed}, packet {number}, port {port}, frame {frame.hex()}\n{result}"
        assert sorted(ovs.send(port, frame)) == expected, where
        if traceable(frame):
            assert ovs.trace(port, frame) == [item for item, _ in expected], where
            traced += 1
        delivered += bool(expected)
    return packets, delivered, traced


def traceable(frame: bytes) -> bool:
    """What ``ofproto/trace`` can answer: it follows a decapsulation with an empty inner packet, so no labels."""
    return b"\x88\x47" not in frame[:26]


def test_random_questions(pipeline_ovs: DummyOvs) -> None:
    """Ports and bytes of real packets agree on 300 questions; the trace's ports on those without labels."""
    totals = [ask_both(pipeline_ovs, seed, 25) for seed in range(12)]
    asked, delivered, traced = (sum(column) for column in zip(*totals, strict=True))
    assert asked == 300
    assert delivered >= 75, "too few packets get through to say anything"
    assert traced >= 100


def test_classes_of_one_label_do_not_mix(pipeline_ovs: DummyOvs) -> None:
    """Packets of several classes under one label keep theirs, with the guard rule (Open vSwitch 3.1 needs it)."""
    where = Match.of(eth_type=ETH_MPLS, mpls_label=100)
    transit = Flow(3, 100, where, actions=(DecMplsTtl(), Output(2)))
    entry = Flow(0, 300, Match.of(in_port=1, eth_type=ETH_MPLS), actions=(ClearInPort(),), goto=3)
    rules = RuleSet.of((entry, transit, switch_random.TC_GUARD))
    pipeline_ovs.load(rules)
    switch = Switch(rules, switch_random.PORTS)
    for traffic_class in (5, 7, 0, 1, 5):
        stack = Label(100, traffic_class), Label(200, traffic_class)
        frame = bytes(Packet(1, 2, ETH_MPLS, bytes(60)).with_labels(*stack))
        (sent,) = switch.process(1, frame).sent
        assert pipeline_ovs.send(1, frame) == [(2, bytes(sent.packet))]
        assert sent.packet.labels[0].tc == traffic_class


@pytest.mark.soak
def test_many_random_questions(pipeline_ovs: DummyOvs) -> None:
    for seed in range(1000, 1100):
        ask_both(pipeline_ovs, seed, 100)


def test_open_vswitch_refuses_what_the_memory_switch_refuses(ovs: DummyOvs) -> None:
    base = full(PORTS)
    ovs.load(base)
    for rule in REFUSED:
        with pytest.raises(RuleRefused):
            Switch(base).add(rule)
        assert not add(ovs, rule), f"Open vSwitch takes {rule}"
    for rule in ACCEPTED:
        Switch(base).add(rule)
        assert add(ovs, rule), f"Open vSwitch refuses {rule}"


def add(ovs: DummyOvs, rule: Flow | Group) -> bool:
    command, text = (
        ("add-flow", format_flow(rule)) if isinstance(rule, Flow) else ("add-group", format_group(rule))
    )
    return ovs.ofctl(command, text, check=False).returncode == 0


def test_text_is_what_open_vswitch_prints(ovs: DummyOvs) -> None:
    """What `text` writes is accepted, and ``dump-flows``, ``dump-groups`` and ``dump-meters`` print the same."""
    rules = full(PORTS)
    flows = RuleSet()
    alone = [case.rules for case in cases() if not case.rules.groups]
    bare = Flow(1, 32768, Match(), cookie=5, actions=(Output(2),)), Flow(0, 32768, Match(), actions=(Output(2),))
    for flow in [*bare, *(flow for each in (rules, *alone) for flow in each.flows.values())]:
        if flow.key not in flows.flows:
            flows.add(flow)
    flows.groups, flows.meters = rules.groups, rules.meters
    ovs.load(flows)
    dumped = ovs.run("ovs-ofctl", "-O", "OpenFlow13", "--no-stats", "dump-flows", f"unix:{ovs.directory}/br.mgmt")
    read = {line.strip() for line in dumped.stdout.splitlines() if "dl_dst=02:00:00:00:00:fe" not in line}
    assert read == {format_flow(flow) for flow in flows.flows.values()}
    groups = {line.strip() for line in ovs.ofctl("dump-groups").stdout.splitlines()[1:]}
    assert groups == {format_group(group) for group in rules.groups.values()}
    meters = re.sub(r"\s+", " ", ovs.ofctl("dump-meters").stdout)
    for meter in rules.meters.values():
        assert f"meter={meter.id} kbps burst bands= type=drop rate={meter.rate} burst_size={meter.burst}" in meters
