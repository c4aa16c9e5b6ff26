"""One flow table: the flow of highest priority that matches, without trying each flow.

Flows whose matches look at the same bits stand in one hash table; a look-up asks each hash table once
(tuple space search, as in Open vSwitch's classifier). Core tables match labels exactly, so they are one
hash table whatever their size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sdnctl.dataplane.values import Flow, FlowKey, Match

_Shape = tuple[tuple[str, int], ...]


def _shape(match: Match) -> tuple[_Shape, tuple[int, ...]]:
    return tuple((name, mask) for name, _, mask in match), tuple(value for _, value, _ in match)


class FlowTable:
    """The flows of one table number."""

    def __init__(self) -> None:
        self._shapes: dict[_Shape, dict[tuple[int, ...], dict[int, Flow]]] = {}

    def put(self, flow: Flow) -> None:
        """Add a flow, in place of one of the same priority and match."""
        shape, values = _shape(flow.match)
        self._shapes.setdefault(shape, {}).setdefault(values, {})[flow.priority] = flow

    def remove(self, key: FlowKey) -> None:
        """Remove a flow that is there."""
        _, priority, match = key
        shape, values = _shape(match)
        rows = self._shapes[shape]
        del rows[values][priority]
        if not rows[values]:
            del rows[values]
        if not rows:
            del self._shapes[shape]

    def find(self, value_of: Callable[[str], int]) -> Flow | None:
        """The matching flow of highest priority.

        `value_of` gives a field's value, 0 for one that the packet does not have. Two matching flows of one
        priority are undefined in OpenFlow; here the one whose match sorts first wins, always.
        """
        best: Flow | None = None
        for shape, rows in self._shapes.items():
            row = rows.get(tuple([value_of(name) & mask for name, mask in shape]))
            if row is None:
                continue
            flow = row[max(row)]
            if best is None or (-flow.priority, flow.match.fields) < (-best.priority, best.match.fields):
                best = flow
        return best

    def __iter__(self) -> Iterator[Flow]:
        for rows in self._shapes.values():
            for row in rows.values():
                yield from row.values()
