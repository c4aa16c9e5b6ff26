"""Label traffic by itself: whatever label a switch is handed, by whatever trunk port, its way ends.

Every label that any rule matches is sent into every trunk port of the switches that match it, over an opaque
label, with no failure and under every single one. A way may not come back to the same switch, port and stack;
TTL plays no part in that (its fall is checked per step, `execute._falls`, and ends what several failures start).
Under a failure it is enough to start where a step consulted a failed link: a new circle must pass there.
One label that no rule matches stands for all unknown ones, as no rule may match a label by mask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from sdnctl.topology.graph import Failure
from sdnctl.verify.execute import Sent
from sdnctl.verify.packet import NEW_TTL, OPAQUE, Wire
from sdnctl.verify.report import Violation
from sdnctl.verify.walk import Network, labelled
from sdnctl.verify.wellformed import FIRST_LABEL

State: TypeAlias = tuple[str, int, Wire]


class LabelCheck:
    """Label ways of one network, from some of its switches."""

    def __init__(self, network: Network, nodes: Collection[str]) -> None:
        self.network = network
        self.nodes = sorted(nodes)

    def known(self, node: str) -> list[int]:
        """Every label that a rule of a switch names."""
        entries = (entry for table in self.network.switches[node].tables.values() for entry in table.entries)
        found = {label[0] for entry in entries if (label := entry.item.match.get("mpls_label")) is not None}
        return sorted(found)

    def starts(self, node: str, labels: Iterable[int]) -> list[State]:
        """Some labels at every kind of trunk port of a switch."""
        ports = sorted({self._port(node, port) for port in self.network.switches[node].link_at})
        return [(node, port, labelled(label, OPAQUE)) for port in ports for label in labels]

    def run(self, starts: Iterable[State], failures: Iterable[Failure]) -> Iterator[Violation]:
        """Faults of the label ways from some states, with no failure and under each of `failures`."""
        finished: dict[State, None] = {}
        for start in sorted(starts, key=_order):
            yield from self._circle(start, finished, None)
        dependents: dict[str, list[State]] = defaultdict(list)
        for state in finished:
            for link in self.network.step(*state).consulted:
                dependents[link].append(state)
        for failure in failures:
            local: dict[State, None] = {}
            near = [state for link in failure.links for state in dependents.get(link, ())]
            for state in sorted(near, key=_order):
                if state[0] not in failure.nodes:
                    yield from self._circle(state, local, failure)

    def _port(self, node: str, port: int) -> int:
        return self.network.steps.port_class(node, port)

    def unknown(self, labels: Collection[int]) -> Iterator[Violation]:
        """A label that nobody knows is dropped where it arrives."""
        stranger = next(label for label in range(FIRST_LABEL, 1 << 20) if label not in labels)
        for node in self.nodes:
            for port in sorted(self.network.switches[node].link_at):
                step = self.network.step(node, port, labelled(stranger, OPAQUE))
                if any(isinstance(outcome, Sent) for outcome in step.outcomes):
                    yield Violation("unknown-label", f"{node}:{port} forwards labels that no rule names")

    def _circle(self, start: State, finished: dict[State, None], failure: Failure | None) -> Iterator[Violation]:
        """Depth first from one state; a state met again on the way to itself is a circle."""
        if start in finished:
            return
        way: list[tuple[State, Iterator[State]]] = [(start, self._next(start, failure))]
        on_way = {start}
        while way:
            state, rest = way[-1]
            following = next(rest, None)
            if following is None:
                way.pop()
                on_way.discard(state)
                finished[state] = None
            elif following in on_way:
                circle = [step for step, _ in way]
                circle = circle[circle.index(following) :]
                first = min(range(len(circle)), key=lambda index: _order(circle[index]))
                names = " → ".join(step[0] for step in (*circle[first:], *circle[:first]))
                label = circle[first][2].labels[0].value
                yield Violation("loop", f"label {label} circles: {names}", failure.name if failure else "")
            elif following not in finished:
                on_way.add(following)
                way.append((following, self._next(following, failure)))

    def _next(self, state: State, failure: Failure | None) -> Iterator[State]:
        """Where a packet goes from here, TTLs as new: the claim does not lean on them."""
        node = state[0]
        switch = self.network.switches[node]
        for outcome in self.network.step(*state, failure).outcomes:
            link = switch.link_at.get(outcome.port) if isinstance(outcome, Sent) else None
            if link is not None and isinstance(outcome, Sent) and outcome.wire.labels:
                value = self.network.topology.links[link]
                head = value.other(node)
                labels = tuple(label._replace(ttl=NEW_TTL) for label in outcome.wire.labels)
                wire = outcome.wire._replace(labels=labels)
                if self.network.steps.plain_macs:
                    wire = wire._replace(macs=(0, 0))
                yield head, self._port(head, value.port_at(head)), wire


def _order(state: State) -> tuple[str, int, tuple[int, ...]]:
    """The order of states: so a circle is told in the same words wherever it is found from."""
    node, port, wire = state
    return node, port, tuple(label.value for label in wire.labels)
