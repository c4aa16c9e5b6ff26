"""A network under a controller, after something happened to it: wait until it is settled, look behind its back.

`Settling.settle` waits until the controller has dealt with all of it. `check`: what switches hold is what is
applied (V2), that is proven for the links that are down (V1), and frames arrive but for those that have no
way left (V3).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from campaign_network import ControllerProcess
from ovs_fixture import wait_until
from sdnctl_in_process import Net

from sdnctl.compiler.protection import stranded
from sdnctl.dataplane.text import format_rules
from sdnctl.dataplane.values import RuleSet
from sdnctl.lab.base import Lab
from sdnctl.southbound.base import Target
from sdnctl.southbound.fleet import Fleet
from sdnctl.southbound.registry import Registry
from sdnctl.store.state import State
from sdnctl.usecases.verifying import FAILURES, prove
from sdnctl.verify.probes import judge, probes

PATIENCE = 90.0
"""Seconds for the controller to deal with everything that happened."""
ASKED = 6.0
"""Seconds until an operator asks to put a switch right that the controller says it leaves alone for now."""


def _difference(node: str, held: RuleSet | None, wanted: RuleSet) -> list[str]:
    """What a switch should not hold (+), and what it lacks (-), rule by rule."""
    if held is None:
        return [f"{node}: does not answer"]
    have, want = set(format_rules(held).splitlines()), set(format_rules(wanted).splitlines())
    return [f"{node}: +{line}" for line in sorted(have - want)] + [
        f"{node}: -{line}" for line in sorted(want - have)
    ]


class Settling:
    """What a network is to be like in the end; `notes` count what was to be noted on the way."""

    def __init__(self, net: Net, controller: ControllerProcess, lab: Lab) -> None:
        self.net, self.controller, self.lab = net, controller, lab
        self.notes: Counter[str] = Counter()
        self.settled: list[float] = []
        self._registry = Registry()

    def settle(self) -> State:
        """Wait until nothing is left to do; switches that are left alone must be named, and are asked for."""
        start = time.monotonic()
        self._end_applies()
        asked = start + ASKED
        why = "not looked at yet"
        while why:
            assert time.monotonic() - start < PATIENCE, f"{why}\n{self.controller.tail(30)}"
            if not self._up():
                time.sleep(0.1)
                continue
            state = self.net.applied()
            why, differ = self._unsettled(state)
            if differ and time.monotonic() > asked:
                self._ask(differ)
                asked = time.monotonic() + ASKED
            if why:
                time.sleep(0.1)
        self.settled.append(time.monotonic() - start)
        return state

    def _up(self) -> bool:
        child = self.controller.child
        assert child is not None
        assert child.poll() is None, f"the controller has ended: {self.controller.tail(30)}"
        return self.controller.ready()

    def _end_applies(self) -> None:
        """Wait for commands that were started; whoever starts some says how."""

    def down_links(self) -> frozenset[str]:
        """Links that carry nothing."""
        return self.lab.down_links

    def _unsettled(self, state: State) -> tuple[str, list[str]]:
        """What is not as it should be in the end, in words, and the switches that hold something else."""
        down = self.down_links() & state.compiled.topology.links.keys()  # what is out of service is not watched
        if state.down != down:
            return f"{sorted(state.down)} is applied as down, {sorted(down)} is down", []
        about = self.controller.get("/v1/controller")
        if about["current"] or about["waiting"]:
            return f"busy: {about['current']}", []
        if about["unhandled"]:
            return f"not handled yet: {about['unhandled']}", []
        if (pending := self.net.pending()) is not None:
            return f"snapshot {pending.id} is pending", []
        held = self.read()
        differ = sorted(node for node, rules in held.items() if not self._as_applied(state, node, rules))
        if not differ:
            return "", []
        details = [
            line for node in differ for line in _difference(node, held[node], state.rules.get(node, RuleSet()))[:6]
        ]
        return "\n".join((f"{differ} hold something else", *details)), differ

    def _as_applied(self, state: State, node: str, rules: RuleSet) -> bool:
        """Whether a switch holds what is applied, or, while another is dead, what it is said to wait with."""
        waits = bool(self.lab.dead_nodes) and rules == state.silent.get(node)
        self.notes["switches that wait for a dead one"] += waits
        return waits or rules == state.rules.get(node, RuleSet())

    def _ask(self, differ: list[str]) -> None:
        """The controller must name each of these, as drifted or not asked; then it is told to put them right."""
        told = {one["switch"]: one["state"] for one in self.controller.get("/v1/drift/watch")["switches"]}
        if all(told.get(node) != "match" for node in differ):
            self.notes["switches named as drifted, put right when asked"] += len(differ)
            answer = self.controller.client.post("/v1/reconcile", json={"hold_down": False})
            self.notes[f"reconcile: {answer.status_code}"] += answer.status_code != 200

    def read(self) -> dict[str, RuleSet]:
        """Our rules on every switch that is not dead, over connections of our own."""
        name = "memory" if self.lab.kind == "memory" else "openflow"
        driver = self._registry.load(name)
        targets = {
            node: {driver: Target(node, addresses[name])}
            for node, addresses in self.lab.targets().items()
            if node not in self.lab.dead_nodes
        }

        async def work() -> dict[str, RuleSet]:
            async with Fleet(targets) as fleet:
                seen = await fleet.observe()
                assert not seen.faults, seen.faults
                return {node: rules for node, rules in seen.rule_sets.items() if rules is not None}

        return asyncio.run(work())

    def check(self, failures: str = "link") -> None:
        """V1 on what is read, V2, and real frames: after `settle`."""
        state = self.net.applied()
        held = self.read()
        for node, rules in held.items():
            assert self._as_applied(state, node, rules), f"{node} does not hold what is applied"
        # What waits for a dead switch is more than what was proven; that it harms nobody, the frames below say.
        exact = {node: rules for node, rules in held.items() if node not in state.silent}
        report = prove(
            state.compiled, {**state.rules, **exact}, FAILURES[failures], state.down, state.drained
        ).report
        assert report.ok, [str(item) for item in report.diagnostics()][:5]
        self.carried(state)

    def carried(self, state: State) -> None:
        """V3: frames of every demand arrive, but of those that have no way left or end on a dead switch."""
        dead = self.lab.dead_nodes
        cut_off = set(stranded(state.compiled, state.down)) | {
            one.id
            for one in state.compiled.demands
            if dead & {one.ingress.attachment.node, one.egress.attachment.node}
        }
        sent = [probe for probe in probes(state.compiled.demands) if probe.positive]

        def lost() -> set[str]:
            with self.lab.prober() as prober:
                found = judge(sent, prober.exchange(sent, timeout=0.3)).faults
            assert {fault.code for fault in found} <= {"lost"}, found[:3]
            return {fault.demand for fault in found}

        wait_until(lambda: lost() == cut_off, f"everything but {sorted(cut_off)} arrives", 20.0)

    def mend(self) -> None:
        """Everything is whole again."""
        for node in self.lab.dead_nodes:
            self.lab.revive(node)
        self.lab.heal(self.lab.links)
        self.settle()
        self.check("all")
