"""Lower refuses what no rules can tell apart, and says what a switch lacks; rules that do not fit are found."""

from __future__ import annotations

from dataclasses import dataclass

from compile_networks import demand, endpoint, network
from ring_of_four import ABC, TOPOLOGY, one_way

from sdnctl.compiler.check import refusals
from sdnctl.compiler.ir import Baseline, Placement
from sdnctl.compiler.label import label
from sdnctl.compiler.lower import lower
from sdnctl.compiler.tables import Kind, cookie, faults
from sdnctl.dataplane.text import format_rules
from sdnctl.dataplane.values import (
    GROUP_BASE,
    METER_BASE,
    Bucket,
    Flow,
    Group,
    GroupType,
    Match,
    Output,
    RuleSet,
    ToGroup,
)
from sdnctl.intents.demand import Demand, Grade, Service


def codes(*demands: Demand) -> list[tuple[str, str]]:
    return sorted((item.code, item.address) for item in refusals(TOPOLOGY, demands))


def tree(name: str, port: int, prefix: str, other: str, vlan: int | None = 5, mac: int | None = None) -> Demand:
    return demand(
        name,
        endpoint(f"{name}-1", "a", port, vlan, [prefix], mac),
        endpoint(f"{name}-2", "c", 60, 6, [other]),
        Service.TREE,
    )


def test_frames_of_two_demands_must_not_overlap() -> None:
    assert codes(tree("p", 50, "10.0.0.0/24", "10.1.0.0/24"), tree("q", 50, "10.0.0.0/25", "10.1.0.0/16")) == [
        ("ambiguous-frames", "demand q/q-1>q-2")
    ]
    disjoint = [
        tree("p", 50, "10.0.0.0/24", "10.1.0.0/24"),
        tree("q", 50, "10.0.0.0/24", "10.2.0.0/24"),  # other destination
        tree("r", 50, "10.9.0.0/24", "10.1.0.0/16"),  # other source
        tree("s", 50, "10.0.0.0/24", "10.1.0.0/24", vlan=None),  # other tag
        tree("t", 51, "10.0.0.0/24", "10.1.0.0/24"),  # other port
        tree("u", 50, "2001:db8::/32", "2001:db8::/32"),  # other family
        tree("v", 52, "10.0.0.0/24", "10.1.0.0/24", mac=1),
        tree("w", 52, "10.0.0.0/24", "10.1.0.0/24", mac=2),  # other sender
    ]
    assert codes(*disjoint) == []


def test_a_line_shares_neither_its_port_nor_its_vlan() -> None:
    whole = one_way()
    assert codes(whole, tree("q", 50, "10.0.0.0/25", "10.1.0.0/16")) == [("ambiguous-frames", "demand x/e1>e2")]
    tagged = one_way(5, 6)
    assert codes(tagged, tree("q", 50, "10.0.0.0/25", "10.1.0.0/16")) == [("ambiguous-frames", "demand x/e1>e2")]
    assert codes(tagged, tree("q", 50, "10.0.0.0/25", "10.1.0.0/16", vlan=7)) == []


def test_endpoints_must_be_on_edge_ports_of_known_switches_and_share_a_family() -> None:
    on_link = demand("x", endpoint("e1", "a", 1), endpoint("e2", "nowhere", 60), Service.LINE)
    assert codes(on_link, tree("q", 50, "10.0.0.0/24", "2001:db8::/64")) == [
        ("endpoint-on-link-port", "endpoint e1"),
        ("no-common-family", "demand q/q-1>q-2"),
        ("unknown-switch", "endpoint e2"),
    ]


@dataclass(frozen=True)
class Declared:
    tables: int = 254
    groups: frozenset[str] = frozenset({"indirect", "ff"})
    meters: int = 100
    encapsulations: frozenset[str] = frozenset({"mpls"})
    queues: bool = True


def test_capabilities_refuse_or_degrade() -> None:
    item = one_way()
    net = network(TOPOLOGY, [item])
    placement = Placement({"t": (ABC, None)}, {"t": Grade.NONE}, {"t": (item.id,)}, (), (), ())
    labelled, _ = label(net, placement, (), Baseline())
    plain, findings = lower(net, labelled, {"a": Declared(), "unused": Declared()})
    assert not findings
    poor = Declared(tables=2, groups=frozenset(), meters=0, encapsulations=frozenset(), queues=False)
    rules, findings = lower(net, labelled, {"a": poor})
    assert {(item.code, str(item.severity)) for item in findings} == {
        ("too-few-tables", "error"),
        ("no-such-groups", "error"),
        ("too-few-meters", "error"),
        ("no-encapsulation", "error"),
        ("no-queues", "warning"),
    }
    assert "set_queue" in format_rules(plain["a"])
    assert "set_queue" not in format_rules(rules["a"])


def test_faults_are_found_in_rules_that_do_not_fit_the_pipeline() -> None:
    mark = cookie(Kind.DEMAND, 1)
    broken = RuleSet.of(
        [
            Flow(0, 200, Match.of(ipv4_src=1), mark),
            Flow(1, 100, Match.of(in_port=1), mark, (Output(1),), meter=METER_BASE, goto=3),
            Flow(6, 100, Match.of(), mark),
            Flow(3, 100, Match.of(), 0, (ToGroup(GROUP_BASE + 9),), metadata=(1, 1)),
            Group(GROUP_BASE + 1, GroupType.INDIRECT, (Bucket((ToGroup(GROUP_BASE + 2),)),)),
            Group(
                GROUP_BASE + 2, GroupType.INDIRECT, (Bucket((ToGroup(GROUP_BASE + 1), ToGroup(GROUP_BASE + 7))),)
            ),
        ]
    )
    said = "\n".join(faults(broken))
    for part in (
        "ipv4_src needs eth_type",
        "does not match in_port",
        "does not do Output",
        "does not go to table 3",
        "is not there or not allowed",
        "no table 6",
        "outside the cookies",
        "writes no metadata",
        "group 0x10000009 is not there",
        "sends to itself",
        "which is not there",
    ):
        assert part in said, part
