"""What the controller does after a cut loses nothing that the switches had saved: every stage, switch by switch.

The plans of a reconcile (pin, move, and after healing release) are followed on in-memory switches one
device at a time; in each of these states every demand that its grade keeps alive must still be delivered.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import pytest

from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.protection import stranded
from sdnctl.daemon.draining import drained
from sdnctl.daemon.moving import laddered, network_of, trunk_ranks
from sdnctl.dataplane.fabric import Deliveries, Fabric
from sdnctl.dataplane.switch import Switch
from sdnctl.dataplane.values import Group, RuleSet
from sdnctl.intents.demand import Grade
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Change, Observed, Plan, StageKind
from sdnctl.store.state import State
from sdnctl.usecases.verifying import prove
from sdnctl.verify.probes import Probe, probes
from sdnctl.workspace.folder import load_network

SMALL = Path(__file__).parent.parent.parent / "lab" / "examples" / "small"


@cache
def applied() -> State:
    return State(compile_network(load_network(SMALL).network))


@cache
def one_probe_each() -> tuple[Probe, ...]:
    found: dict[str, Probe] = {}
    for probe in probes(applied().compiled.demands):
        if probe.positive:
            found.setdefault(probe.demand, probe)
    return tuple(found.values())


class Frames:
    """A frame of each demand, sent through switches whose rules change one switch at a time.

    What becomes of a frame depends only on the switches that it comes to, so after a change of one of them those
    frames are sent again that came there.
    """

    def __init__(self, rules: dict[str, RuleSet], down: frozenset[str]) -> None:
        links = applied().compiled.topology.links
        wires = {(one.a.node, one.a.port): (one.b.node, one.b.port) for one in links.values()}
        edges = [(one.port.node, one.port.port) for one in one_probe_each()]
        self._fabric = Fabric(rules, wires, edge_ports=edges)
        self._fabric.fail([(links[link].a.node, links[link].a.port) for link in down])
        self._outcomes = {probe: self._send(probe) for probe in one_probe_each()}

    def _send(self, probe: Probe) -> Deliveries:
        return self._fabric.inject(probe.port.node, probe.port.port, probe.frame)

    def change(self, device: str, rules: RuleSet) -> None:
        """From now on a switch has these rules."""
        self._fabric.switches[device] = Switch(rules, self._fabric.switches[device].ports)
        for probe, outcome in self._outcomes.items():
            if device in outcome.nodes:
                self._outcomes[probe] = self._send(probe)

    def lost(self) -> set[str]:
        """Demands whose frame does not come out exactly as it should."""
        return {
            probe.demand
            for probe, outcome in self._outcomes.items()
            if outcome.frames != [(port.node, port.port, frame) for port, frame in probe.expected]
        }


def lost(rules: dict[str, RuleSet], down: frozenset[str]) -> set[str]:
    return Frames(rules, down).lost()


def follow(
    rules: dict[str, RuleSet], before: State, after: State, down: frozenset[str], may: set[str]
) -> set[str]:
    """Follow the plan device by device, losing at most `may` on the way; returns what is lost at the end."""
    observed = {device: Observed(held) for device, held in rules.items()}
    plan = make_plan(
        "test",
        after.compiled,
        observed,
        before.compiled,
        created="2026-01-01T00:00:00Z",
        rules=after.rules,
        applied_rules=before.rules,
        arrange=partial(laddered, compiled=after.compiled),
    )
    check_ladder(plan, after)
    frames = Frames(rules, down)
    for stage in plan.stages:
        for device, changes in stage.changes.items():
            rules[device] = apply_changes(rules[device], changes)
            frames.change(device, rules[device])
            gone = frames.lost()
            assert gone <= may, f"{stage.kind} on {device} loses {sorted(gone - may)[:3]}"
    assert {device: held for device, held in rules.items() if len(held)} == {
        device: held for device, held in after.rules.items() if len(held)
    }
    gone = lost(rules, down)
    assert gone == frames.lost()
    return gone


def check_ladder(plan: Plan, after: State) -> None:
    """Trunks flip in the order of their classes, over all devices."""
    ranks = trunk_ranks(after.compiled)
    flips = [
        {
            ranks[change.rule.id]
            for changes in stage.changes.values()
            for change in changes
            if isinstance(change, Change) and isinstance(change.rule, Group) and change.rule.id in ranks
        }
        for stage in plan.stages
        if stage.kind is StageKind.SWITCH
    ]
    assert all(len(found) <= 1 for found in flips)
    order = [rank for found in flips for rank in found]
    assert order == sorted(set(order))


def events() -> list[frozenset[str]]:
    """Every single link, and every trench that takes several."""
    topology = applied().compiled.topology
    trenches = {srlg.links for srlg in topology.srlgs.values() if srlg.kind == "segment" and len(srlg.links) > 1}
    return [frozenset((link,)) for link in sorted(topology.links)] + sorted(trenches, key=sorted)


def sampled() -> list[object]:
    """Every third event always, the others in the soak run."""
    return [
        event if index % 3 == 0 else pytest.param(event, marks=pytest.mark.soak)
        for index, event in enumerate(events())
    ]


@pytest.mark.parametrize("down", sampled(), ids=lambda down: "+".join(sorted(down)))
def test_pin_move_and_release_lose_nothing(down: frozenset[str]) -> None:
    start = applied()
    rules = dict(start.rules)
    topology = start.compiled.topology
    isolated = {node for node, hops in topology.adjacency.items() if all(hop.link in down for hop in hops)}
    excused = {
        demand.id
        for demand in start.compiled.demands
        if demand.grade is Grade.NONE or isolated & {demand.ingress.attachment.node, demand.egress.attachment.node}
    }
    cut_off = lost(rules, down)
    assert cut_off <= excused, "a protected demand is lost although its grade covers this"

    pinned = State(start.compiled, down)
    follow(rules, start, pinned, down, cut_off)

    compiled = compile_network(network_of(start.compiled, down), start.baseline)
    moved = State(compiled, down)
    assert prove(compiled, moved.rules, down=down).ok
    still = follow(rules, pinned, moved, down, cut_off)
    assert still == set(stranded(compiled, down)), "what has a way left is carried again"

    healed = State(compile_network(network_of(compiled, frozenset()), compiled.baseline))
    assert prove(healed.compiled, healed.rules).ok
    assert follow(rules, moved, healed, frozenset(), set()) == set()


def drainable() -> list[object]:
    """Every switch that nothing hangs on alone; two always, the others in the soak run."""
    nodes = sorted(set(applied().compiled.topology.nodes) - {"pop-west"})
    return [
        node if node in ("core-a", "pop-east") else pytest.param(node, marks=pytest.mark.soak) for node in nodes
    ]


@pytest.mark.parametrize("node", drainable())
def test_a_drain_and_its_end_lose_nothing(node: str) -> None:
    start = applied()
    rules = dict(start.rules)
    empty = drained(start, node)
    assert empty.drained == {node}
    assert follow(rules, start, empty, frozenset(), set()) == set()
    for trunk in empty.compiled.trunks:
        assert node not in trunk.path.transit
    assert empty.compiled.baseline.members == start.compiled.baseline.members
    back = drained(empty, node, back=True)
    assert follow(rules, empty, back, frozenset(), set()) == set()
    assert {one.key: one.path for one in back.compiled.trunks} == {
        one.key: one.path for one in empty.compiled.trunks
    }, "trunks stay where they are"
    assert prove(back.compiled, back.rules).ok, "with all the protection that was asked for"
