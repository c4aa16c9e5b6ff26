"""A compiled network brought up in a lab and programmed through the real drivers, without a network folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdnctl import lab as labs
from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.fabric import Fabric
from sdnctl.dataplane.values import RuleSet
from sdnctl.lab import Lab
from sdnctl.lab.traffic import STAMP_SIZE, Feed
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Plan
from sdnctl.southbound.base import Driver, Target
from sdnctl.southbound.fleet import Fleet
from sdnctl.southbound.registry import Registry
from sdnctl.verify.probes import Probe, probes


@dataclass
class Running:
    """A lab with compiled rules on its switches."""

    lab: Lab
    network: Network
    compiled: Compiled

    def targets(self) -> Mapping[str, Mapping[type[Driver], Target]]:
        registry, nodes = Registry(), self.network.topology.nodes
        return {
            node: {
                registry.load(name): Target(node, address, nodes[node].dpid)
                for name, address in addresses.items()
                if registry.has(name)
            }
            for node, addresses in self.lab.targets().items()
        }

    def push(self) -> Plan:
        """Bring the switches to the compiled rules; returns the plan that was followed."""

        async def work() -> Plan:
            async with Fleet(self.targets()) as fleet:
                plan = await self._plan(fleet)
                for stage in plan.stages:
                    await fleet.commit(stage)
                assert (await self._plan(fleet)).empty, "what was applied is not what is read back"
                return plan

        return asyncio.run(work())

    def observed(self) -> dict[str, RuleSet]:
        """Every rule of every switch, read back; all of them have to answer."""

        async def work() -> dict[str, RuleSet]:
            async with Fleet(self.targets()) as fleet:
                seen = await fleet.observe()
                assert not seen.faults
                return {device: one for device, one in seen.rule_sets.items() if one is not None}

        return asyncio.run(work())

    async def _plan(self, fleet: Fleet) -> Plan:
        seen = await fleet.observe()
        assert not seen.faults
        settings = {device: one.settings if one is not None else None for device, one in seen.settings.items()}
        return make_plan(
            "test", self.compiled, seen.rules, created="2026-01-01T00:00:00Z", settings_observed=settings
        )

    def probes(self) -> tuple[Probe, ...]:
        return probes(self.compiled.demands)

    def feeds(self, *demands: str) -> list[Feed]:
        """A stream of one of its own probe frames for each of these demands."""
        found: dict[str, Feed] = {}
        for probe in self.probes():
            if probe.positive and probe.demand in demands and len(probe.frame) >= 60 + STAMP_SIZE:
                found.setdefault(probe.demand, Feed(probe.demand, probe.port, probe.frame, probe.expected[0][0]))
        assert len(found) == len(demands)
        return list(found.values())

    def fabric(self) -> Fabric:
        """The in-memory reading of the same rules."""
        topology = self.network.topology
        wires = {
            (a.node, a.port): (b.node, b.port) for a, b in ((link.a, link.b) for link in topology.links.values())
        }
        edges = [(one.attachment.node, one.attachment.port) for one in self.network.endpoints.values()]
        return Fabric(self.compiled.rules, wires, edge_ports=edges)


@contextmanager
def running(folder: Path, network: Network, kind: str = "ovs") -> Iterator[Running]:
    """The network up and programmed; gone afterwards."""
    lab = labs.up(folder, network.topology, network.endpoints, kind=kind, name="test")  # type: ignore[arg-type]
    try:
        one = Running(lab, network, compile_network(network))
        one.push()
        yield one
    finally:
        labs.down(folder)
