"""The in-memory switches as the verifier's opponent: the same questions, asked with frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sdnctl.dataplane.fabric import Fabric
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand
from sdnctl.topology.graph import Failure, PortRef, Topology
from sdnctl.verify.probes import Probe


def fabric_of(topology: Topology, demands: Iterable[Demand], rules: Mapping[str, RuleSet]) -> Fabric:
    """Switches that hold `rules`, joined like the topology, with its MTUs."""
    links = topology.links.values()
    edges = {(end.attachment.node, end.attachment.port) for item in demands for end in (item.ingress, item.egress)}
    return Fabric(
        {node: rules.get(node, RuleSet()) for node in topology.nodes},
        {(link.a.node, link.a.port): (link.b.node, link.b.port) for link in links},
        mtu={(end.node, end.port): link.mtu for link in links for end in (link.a, link.b)},
        edge_ports=edges,
    )


def fail(fabric: Fabric, topology: Topology, failure: Failure | None) -> None:
    """Bring about one failure, or heal everything."""
    links = [topology.links[name] for name in sorted(failure.links)] if failure else []
    fabric.fail(((link.a.node, link.a.port) for link in links), failure.nodes if failure else ())


def exchange(fabric: Fabric, sent: Iterable[Probe]) -> dict[str, list[tuple[PortRef, bytes]]]:
    """Send every probe, and say what came out where."""
    return {
        probe.id: [
            (PortRef(node, port), frame)
            for node, port, frame in fabric.inject(probe.port.node, probe.port.port, probe.frame).frames
        ]
        for probe in sent
    }
