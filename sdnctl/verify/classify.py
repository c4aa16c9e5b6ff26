"""No leak: nothing that belongs to no demand gets past the edge.

Every rule of the first table is a set of frames. What of it lies outside the demands of its port, and is not
taken by a rule of higher priority, must be dropped in the same switch before any port or group is looked
at, so that no failure matters. From a trunk port only label traffic may enter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from sdnctl.dataplane.values import ETH_MPLS, Flow
from sdnctl.intents.demand import Demand
from sdnctl.topology.graph import PortRef
from sdnctl.verify.execute import Dropped, Outcome, Sent
from sdnctl.verify.frames import frames
from sdnctl.verify.hearing import hears
from sdnctl.verify.index import Entry, Index
from sdnctl.verify.packet import Space, Wire
from sdnctl.verify.report import Violation
from sdnctl.verify.space import Cube, describe, exactly, full_mask, meet, minus_all
from sdnctl.verify.steps import UNCHANGED
from sdnctl.verify.walk import Network

CLASSIFY = 0
HARMLESS = frozenset(("miss", "rule", "controller"))
"""Ends of strays that reach nobody. Not ``malformed``: label actions on a customer's frame are only called that, a
switch would carry them out if the frame came with labels."""


class EdgeCheck:
    """The demands of some switches as sets of frames, and what their first tables admit beyond them."""

    def __init__(self, network: Network, demands: Iterable[Demand], nodes: Collection[str]) -> None:
        self.network = network
        cubes: dict[str, list[tuple[Cube, Demand | None]]] = {node: [] for node in sorted(nodes)}
        for demand in demands if cubes else ():
            port = demand.ingress.attachment
            if port.node in cubes:
                mine = frames(demand)
                cubes[port.node] += [({**cube, **exactly(in_port=port.port)}, demand) for cube in mine]
        for node, items in cubes.items():
            ports = network.switches[node].link_at
            items += [(exactly(in_port=port, eth_type=ETH_MPLS), None) for port in ports]
        self.owned = {node: Index(items) for node, items in cubes.items()}

    def overlaps(self) -> Iterator[tuple[Demand, Violation]]:
        """Demands of one port that claim the same frames: no rule set can serve both."""
        for index in self.owned.values():
            for entry in index.entries:
                if entry.item is None:
                    continue
                for other in index.candidates(entry.cube):
                    if other.item is None or other.item is entry.item:
                        continue
                    both = meet(entry.cube, other.cube)
                    if both is not None:
                        detail = f"claims the same frames as {other.item.id}: {describe(both)}"
                        yield entry.item, Violation("ambiguous", detail)
                        break

    def leaks(self) -> Iterator[Violation]:
        """What is admitted beyond the demands, rule by rule."""
        for node, owned in self.owned.items():
            table = self.network.switches[node].tables.get(CLASSIFY)
            if table is None:
                continue
            for entry in table.entries:
                only_heard = hears(entry.item, self.network.switches[node].meters)
                if (entry.item.actions or entry.item.goto is not None) and not only_heard:
                    yield from self._rule(node, entry, owned, table)

    def _rule(
        self, node: str, entry: Entry[Flow], owned: Index[Demand | None], table: Index[Flow]
    ) -> Iterator[Violation]:
        """The frames that one rule admits although no demand of their port owns them."""
        rest = minus_all([entry.cube], (item.cube for item in owned.candidates(entry.cube)))
        if rest:
            above = (item for item in table.candidates(entry.cube) if item.item.priority > entry.item.priority)
            rest = minus_all(rest, (item.cube for item in above))
        for piece in rest:
            violation = self._stray(node, piece)
            if violation is not None:
                yield violation
                return

    def _stray(self, node: str, piece: Cube) -> Violation | None:
        """What becomes of frames without owner; None if they die at once."""
        in_port, mask = piece.get("in_port", (0, 0))
        frames = {name: bits for name, bits in piece.items() if name != "in_port"}
        if mask != full_mask("in_port"):
            return Violation("leak", f"{node} admits frames from ports that no rule names: {describe(piece)}")
        port = PortRef(node, in_port)
        wire = Wire(Space((frames,)), (), True, (0, 0), UNCHANGED, ())
        step = self.network.step(node, in_port, wire)
        if not step.consulted and all(_harmless(outcome) for outcome in step.outcomes):
            return None
        walk = self.network.follow(port, wire, 0)
        ends = sorted({str(end.port) for end in walk.delivered})
        sent = any(isinstance(outcome, Sent) for outcome in step.outcomes)
        fate = f"delivers them to {', '.join(ends)}" if ends else "sends them on" if sent else "handles them"
        trace = self.network.traced(port, wire, 0)
        return Violation("leak", f"{port} admits frames of no demand and {fate}: {describe(frames)}", "", trace)


def _harmless(outcome: Outcome) -> bool:
    return isinstance(outcome, Dropped) and outcome.code in HARMLESS
