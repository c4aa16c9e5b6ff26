"""From port states that switches report to links that are down."""

from __future__ import annotations

from collections.abc import Mapping

from sdnctl.southbound.base import Counters
from sdnctl.topology.graph import Topology


def links_down(topology: Topology, ports: Mapping[str, Counters | None], before: frozenset[str]) -> frozenset[str]:
    """Links with a port that its switch reports down, or whose BFD session is not up.

    A switch that does not answer says nothing about its links: the other end decides, and where neither
    answers the link stays what it was taken for (`before`).
    """
    down = set()
    for link in topology.links.values():
        states = []
        for end in (link.a, link.b):
            counters = ports.get(end.node)
            if counters is not None:
                port = counters.ports.get(end.port)
                states.append(port is not None and port.up and port.bfd not in {"down", "init"})
        if not all(states) or (not states and link.id in before):
            down.add(link.id)
    return frozenset(down)
