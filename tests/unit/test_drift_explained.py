"""Drift by state, with owner and physical path; on the small example, where the glass is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from sdnctl.cli.views import whose
from sdnctl.compiler.groups import trunk_group_key
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.tables import Kind, cookie
from sdnctl.dataplane.values import COOKIE_OWNER, GROUP_BASE, METER_BASE, Flow, Match, Meter, RuleSet
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.drift import DriftState, Explainer, Owner
from sdnctl.plan.model import Change, Observed, Op, Rule
from sdnctl.southbound.fleet import Observation
from sdnctl.store.state import State
from sdnctl.usecases.drifting import Located, compared
from sdnctl.workspace.folder import load_network

SMALL = Path(__file__).parents[2] / "lab" / "examples" / "small"
SWITCH = "pop-east"


@cache
def applied() -> State:
    return State(compile_network(load_network(SMALL).network))


def found(rules: RuleSet | None, switch: str = SWITCH) -> tuple[Located, ...]:
    """What is said when one switch holds this, and all others what was applied."""
    state = applied()
    seen = {name: Observed(held) for name, held in state.rules.items()}
    seen |= {switch: Observed(rules)} if rules is not None else {}
    observation = Observation({**seen, **({switch: None} if rules is None else {})})
    drift = compared(state, observation)
    assert {one.finding.device for one in drift.findings} <= {switch}
    return drift.findings


def without(rule: Rule, switch: str = SWITCH) -> tuple[Located, ...]:
    return found(apply_changes(applied().rules[switch], [Change(Op.DELETE, rule)]), switch)


def flow(kind: Kind, table: int, switch: str = SWITCH) -> Flow:
    """The first rule of a kind in a table."""
    base = cookie(kind, 0)
    flows = applied().rules[switch].flows.values()
    return next(one for one in flows if one.table == table and one.cookie & ~0xFFFFFFFF == base)


def test_what_is_as_applied_is_not_told() -> None:
    assert found(applied().rules[SWITCH]) == ()


def test_a_missing_transit_rule_is_its_trunks_with_every_duct_of_its_way() -> None:
    rule = flow(Kind.TRUNK, 3)
    (one,) = without(rule)
    label = rule.cookie & 0xFFFFFFFF
    trunk = next(trunk for trunk in applied().compiled.trunks if trunk.label == label)
    finding = one.finding
    assert (finding.state, finding.rule, finding.what) == (DriftState.MISSING, rule, f"trunk {trunk.key}")
    assert finding.links == trunk.path.links
    demands = {demand.id: demand for demand in applied().compiled.demands}
    owners = {
        Owner(demands[key].application, demands[key].tenant, demands[key].service_class) for key in trunk.demands
    }
    assert set(finding.owners) == owners
    risks = applied().compiled.topology.risks
    for kind, names in (("cable", one.glass.cables), ("duct", one.glass.ducts), ("segment", one.glass.segments)):
        wanted = {risk for link in trunk.path.links for risk in risks[link] if risk.startswith(kind + ":")}
        assert {f"{kind}:{name}" for name in names} == wanted
        assert wanted


def test_an_extra_rule_under_a_number_that_nobody_has_belongs_to_nobody() -> None:
    stray = Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=9999), cookie=cookie(Kind.TRUNK, 9999))
    (one,) = found(RuleSet.of((*applied().rules[SWITCH], stray)))
    assert (one.finding.state, one.finding.rule) == (DriftState.EXTRA, stray)
    assert (one.finding.owners, one.finding.links, one.finding.what) == ((), (), "")


def test_an_altered_rule_shows_both() -> None:
    rule = flow(Kind.DEMAND, 2, "com-dourbie")
    other = replace(rule, actions=())
    (one,) = found(apply_changes(applied().rules["com-dourbie"], [Change(Op.MODIFY, other)]), "com-dourbie")
    finding = one.finding
    assert (finding.state, finding.rule, finding.observed) == (DriftState.ALTERED, rule, other)
    assert finding.what.startswith("demand flood-sensors/")
    assert finding.owners == (Owner("flood-sensors", "town", "scada"),)
    assert "com-dourbie--pop-east" in finding.links


def test_a_silent_switch_is_unknown_as_a_whole_and_nothing_of_it_is_missing() -> None:
    (one,) = found(None)
    finding = one.finding
    assert (finding.state, finding.rule, finding.observed) == (DriftState.UNKNOWN, None, None)
    assert {owner.application for owner in finding.owners} >= {"flood-sensors", "video-protection"}
    links = applied().compiled.topology.links
    assert finding.links == tuple(sorted(key for key, link in links.items() if SWITCH in link.nodes))
    assert one.glass.ducts


def test_a_bypass_is_of_those_whom_it_protects() -> None:
    state = applied()
    switch, rule = next(
        (node, one)
        for node, rules in sorted(state.rules.items())
        for one in rules.flows.values()
        if one.cookie & ~0xFFFFFFFF == cookie(Kind.BYPASS, 0)
    )
    (one,) = without(rule, switch)
    bypass = next(item for item in state.compiled.bypasses if item.label == rule.cookie & 0xFFFFFFFF)
    assert one.finding.what == f"bypass {bypass.key}"
    assert one.finding.links == bypass.path.links
    assert one.finding.owners


def test_groups_are_of_their_trunk_or_of_their_link() -> None:
    state = applied()
    numbers = state.compiled.baseline.ids["group"]
    trunk = next(one for one in state.compiled.trunks)
    group = state.rules[trunk.ingress].groups[GROUP_BASE + numbers[trunk_group_key(trunk.key)]]
    told = without(group, trunk.ingress)
    mine = next(one.finding for one in told if one.finding.rule == group)
    assert (mine.what, mine.links) == (f"trunk {trunk.key}", trunk.path.links)
    key = next(key for key in numbers if key.startswith("link:"))
    switch, link = key.split(":")[2].split(">")[0], key.split(":")[1]
    told = without(state.rules[switch].groups[GROUP_BASE + numbers[key]], switch)
    mine = next(one.finding for one in told if one.finding.what.startswith("link "))
    assert (mine.what, mine.links) == (f"link {link}", (link,))
    assert mine.owners
    assert all(one.finding.state is DriftState.MISSING for one in told), "flows that went with it are told too"


def test_what_every_switch_has_is_nobodys_in_particular() -> None:
    rules = applied().rules[SWITCH]
    meter = rules.meters[METER_BASE]
    told = found(apply_changes(rules, [Change(Op.MODIFY, replace(meter, rate=1))]))
    assert [(one.finding.what, one.finding.owners) for one in told] == [("discovery", ())]
    port = next(one for one in rules.flows.values() if one.cookie == cookie(Kind.PORT, 1))
    (one,) = without(port)
    assert (one.finding.what, len(one.finding.links)) == ("port 1", 1)
    assert one.glass.cables


@pytest.mark.parametrize("rule", [Meter(METER_BASE + 999, 1, 1), Flow(0, 1, Match(), COOKIE_OWNER | 77 << 32)])
def test_numbers_of_ours_that_mean_nothing_are_told_all_the_same(rule: Rule) -> None:
    (one,) = found(RuleSet.of((*applied().rules[SWITCH], rule)))
    assert (one.finding.state, one.finding.owners, one.finding.what) == (DriftState.EXTRA, (), "")


def test_the_lines_for_people_name_owner_and_duct() -> None:
    (one,) = without(flow(Kind.DEMAND, 2, "com-dourbie"), "com-dourbie")
    first, second = whose(one)
    assert first.startswith("demand flood-sensors/")
    assert first.endswith("of flood-sensors (town, scada)")
    assert "cable c-" in second
    assert "duct du-" in second


def test_without_a_plant_the_link_is_the_path() -> None:
    state = applied()
    bare = replace(state.compiled, topology=replace(state.compiled.topology, srlgs={}))
    glass = Explainer(bare).glass(("com-dourbie--pop-east",))
    assert (glass.cables, glass.ducts, glass.segments) == ((), (), ())
