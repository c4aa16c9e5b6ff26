"""What each application is told that it will feel, and why."""

from __future__ import annotations

from dataclasses import replace

from compile_networks import both_ways, endpoint, network
from paths_networks import topology

from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.overlay import pin
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import Flow, RuleSet
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.plan.diff import make_plan
from sdnctl.plan.impact import BRIEF_MS
from sdnctl.plan.markdown import markdown
from sdnctl.plan.model import Effect, Impact, Observed
from sdnctl.plan.summary import outages
from sdnctl.topology.graph import PortRef, Topology
from sdnctl.units import Bitrate

NOW = "2026-01-02T03:04:05Z"
TOPOLOGY = topology([("a", "b", 1.0), ("b", "c", 2.0), ("c", "a", 4.0)])


def line(name: str, port: int, grade: Grade = Grade.LOCAL, vlan: int | None = None) -> list[Demand]:
    ends = endpoint(f"{name}-1", "a", port, vlan), endpoint(f"{name}-2", "b", port, vlan)
    return both_ways(name, *ends, Service.LINE, grade)


def net(*demands: Demand, topo: Topology = TOPOLOGY) -> Network:
    return network(topo, demands)


def felt(before: Network, after: Network, held: dict[str, RuleSet] | None = None) -> tuple[Impact, ...]:
    one = compile_network(before)
    two = compile_network(after, one.baseline)
    return between(one, two, held)


def between(one: Compiled, two: Compiled, held: dict[str, RuleSet] | None = None) -> tuple[Impact, ...]:
    observed = {device: Observed(rules) for device, rules in (held or one.rules).items()}
    return make_plan("test", two, observed, one, created=NOW).impacts


def short(impacts: tuple[Impact, ...]) -> list[tuple[str, Effect, str, int]]:
    return [(item.application, item.effect, item.reason, item.demands) for item in impacts]


def test_new_and_removed() -> None:
    impacts = felt(net(*line("old", 50), *line("kept", 51)), net(*line("kept", 51), *line("new", 52)))
    assert short(impacts) == [
        ("old", Effect.OUTAGE, "removed from the intents", 2),
        ("new", Effect.NONE, "new", 2),
    ]
    assert impacts[0].protected


def test_only_outages_of_protected_classes_need_a_word() -> None:
    one = net(*line("old", 50))
    compiled = compile_network(one)
    observed = {device: Observed(rules) for device, rules in compiled.rules.items()}
    gone = compile_network(net(), compiled.baseline)
    assert len(outages(make_plan("test", gone, observed, compiled, created=NOW))) == 1
    classes = {key: replace(item, protected=False) for key, item in one.classes.items()}
    unprotected = compile_network(replace(net(), classes=classes), compiled.baseline)
    assert not outages(make_plan("test", unprotected, observed, replace(compiled, classes=classes), created=NOW))


def test_a_path_that_changes_is_hitless() -> None:
    one = net(*line("x", 50, Grade.NONE), *line("y", 51, Grade.NONE))
    impacts = felt(one, net(*one.demands, topo=TOPOLOGY.without(links=["l0"])))
    assert short(impacts) == [
        (name, Effect.HITLESS, "moves to another path, make before break", 2) for name in ("x", "y")
    ]


def test_another_grade_is_hitless_and_so_is_another_rate() -> None:
    one = net(*line("x", 50, Grade.NONE))
    (found,) = felt(one, net(*line("x", 50, Grade.LOCAL)))
    assert found.effect is Effect.HITLESS
    faster = net(*(replace(item, cir=Bitrate(9_000_000)) for item in one.demands))
    assert short(felt(one, faster)) == [("x", Effect.HITLESS, "its rate changes", 2)]


def test_a_changed_selection_or_delivery_is_brief() -> None:
    one = net(*line("x", 50, vlan=5))
    (found,) = felt(one, net(*line("x", 50, vlan=6)))
    assert (found.effect, found.milliseconds) == (Effect.BRIEF, BRIEF_MS)
    moved = replace(one.demands[0].ingress, attachment=PortRef("a", 77))
    after = [
        replace(
            item,
            ingress=moved if item.ingress.id == moved.id else item.ingress,
            egress=moved if item.egress.id == moved.id else item.egress,
        )
        for item in one.demands
    ]
    (found,) = felt(one, net(*after))
    assert (found.effect, found.reason, found.demands) == (Effect.BRIEF, "an endpoint moves to another port", 2)


def test_missing_altered_and_extra_rules_are_repaired_without_harm() -> None:
    one = net(*line("x", 50), *line("y", 51))
    compiled = compile_network(one)
    held = dict(compiled.rules)
    held["a"] = RuleSet()
    impacts = between(compiled, compiled, held)
    assert {(item.application, item.effect, item.reason) for item in impacts} == {
        (name, Effect.NONE, "restores rules that are missing on a switch") for name in ("x", "y")
    }
    altered = next(flow for flow in compiled.rules["a"].flows.values() if flow.table == 2)
    held["a"] = RuleSet.of(replace(rule, actions=()) if rule == altered else rule for rule in compiled.rules["a"])
    (found,) = between(compiled, compiled, held)
    assert (found.effect, found.reason, found.demands) == (
        Effect.NONE,
        "restores rules that were altered on a switch",
        1,
    )
    extra = replace(altered, table=0, priority=201, goto=1)
    held["a"] = RuleSet.of([*compiled.rules["a"], extra])
    (found,) = between(compiled, compiled, held)
    assert (found.effect, found.reason) == (Effect.NONE, "removes rules that do not belong on a switch")
    assert isinstance(extra, Flow)


def test_a_pin_is_hitless_for_those_who_use_the_link() -> None:
    one = net(*line("x", 50))
    compiled = compile_network(one)
    (link,) = compiled.trunks[0].path.links
    made = make_plan(
        "test",
        compiled,
        {device: Observed(rules) for device, rules in compiled.rules.items()},
        compiled,
        created=NOW,
        rules=pin(compiled.rules, TOPOLOGY, [link]),
    )
    assert short(made.impacts) == [("x", Effect.HITLESS, "its path or protection changes", 2)]


def test_a_label_that_is_given_to_another_path_is_brief() -> None:
    """Only a plan to a state compiled on another baseline can do that: it is said."""
    one = net(*line("x", 50, Grade.NONE))
    before = compile_network(one)
    alien = compile_network(net(*one.demands, topo=TOPOLOGY.without(links=["l0"])))
    assert before.trunks[0].label == alien.trunks[0].label
    assert [(item.effect, item.reason) for item in between(before, alien)] == [
        (Effect.BRIEF, "a label of its path is given to another path")
    ]


def test_markdown_says_what_is_felt_first_and_escapes_names() -> None:
    one = net(*line("a|b", 50))
    compiled = compile_network(one)
    observed = {device: Observed(rules) for device, rules in compiled.rules.items()} | {"c": None}
    text = markdown(make_plan("test", compile_network(net(), compiled.baseline), observed, compiled, created=NOW))
    assert "| a\\|b | **video** | 2 | outage | removed from the intents |" in text
    assert "**Not reachable, nothing planned for:** c" in text
    assert "```diff\n- " in text
    assert "```" not in markdown(make_plan("test", compiled, observed, compiled, created=NOW), details=False)
