"""Failures, and what demands avoid, as arrays over the links and switches of one topology."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sdnctl.topology.graph import Failure, Topology
from sdnctl.topology.risk import Risks
from sdnctl.verify.arrays import Bools, Index, Ints, runs
from sdnctl.verify.lanes import Wires

KINDS = ("link", "srlg", "node")
SRLG, NODE = 1, 2


class Events:
    """The failures, and the distinct sets of links that they take: row 0 is what is down all the time.

    `row` is that of each failure, `lead` the first failure that has the same. `dead` and `residual` say of each
    switch and failure whether the switch dies, and whether the event is a single point of failure of it.
    """

    def __init__(
        self, topology: Topology, wires: Wires, failures: Sequence[Failure], down: frozenset[str], risks: Risks
    ) -> None:
        self.failures = failures
        rows: dict[frozenset[str], int] = {down: 0}
        self.row = np.array([rows.setdefault(failure.links | down, len(rows)) for failure in failures], np.int64)
        self.down = wires.rows(list(rows))
        leads: dict[int, int] = {}
        lead = [leads.setdefault(row, number) for number, row in enumerate(self.row.tolist())]
        self.lead = np.array(lead, np.int64)
        link, self._failure = np.nonzero(self.down[self.row, :-2].T)
        self._begin = np.searchsorted(link, np.arange(len(wires.links) + 1))
        count, nodes = len(failures), len(wires.nodes)
        self.dead = np.zeros((nodes, count), np.bool_)
        self.residual = np.zeros((nodes, count), np.bool_)
        self.kind = np.array([KINDS.index(failure.kind) for failure in failures], np.int8)
        naming: dict[str, list[int]] = {}
        for number, failure in enumerate(failures):
            for node in failure.nodes:
                self.dead[wires.node[node], number] = True
            if failure.kind == "srlg":
                naming.setdefault(failure.names[0], []).append(number)
        for index, node in enumerate(wires.nodes):
            groups = risks.residual(node)
            for name in groups:
                for number in naming.get(name, ()):
                    self.residual[index, number] = groups.issuperset(failures[number].names)

    def taking(self, links: Ints) -> tuple[Index, Index]:
        """Pairs of a position in `links` and a failure that takes the link there, sorted."""
        which, at = runs(self._begin[links], self._begin[links + 1])
        return which, self._failure[at]


def banned(topology: Topology, wires: Wires, avoids: Iterable[frozenset[str]]) -> Bools:
    """Per set of things to avoid, the directed links that meet one of them (the one past the last meets none)."""
    rows = []
    for avoid in avoids:
        row = np.zeros(2 * len(wires.links) + 1, np.bool_)
        if avoid:
            groups = [topology.srlgs[name] for name in avoid if name in topology.srlgs]
            gone = frozenset().union(*(topology.down(group.links, group.nodes) for group in groups))
            names = avoid.union(*(group.nodes for group in groups))
            for index, name in enumerate(wires.links):
                ends = topology.links[name].nodes
                near = {name, *ends, *(topology.nodes[node].site for node in ends)}
                row[2 * index : 2 * index + 2] = name in gone or not near.isdisjoint(names)
        rows.append(row)
    return np.array(rows)
