"""Passive nodes in the plan of a splice box, as rows: ports, what each is joined to, loss, what runs there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sdnctl.drawing.fibre.plan import BoxPlan
from sdnctl.inventory.closures import HeldNode
from sdnctl.inventory.colours import strand_mark
from sdnctl.inventory.plant import StrandEnd, Terminal

NODE_COLUMNS = ("port", "joined to", "tube / strand", "dB", "runs")


def node_rows(plan: BoxPlan, node: HeldNode) -> Iterator[Sequence[str]]:
    """A row for each port of a passive node, with the cells of `NODE_COLUMNS`."""
    for port, other in node.ports.items():
        nm = node.passive.channels.get(port)
        low, high = node.loss(port)
        loss = "" if port == "com" else f"{low:.1f}–{high:.1f}" if low != high else f"{high:.1f}"
        runs = "; ".join(map(str, plan.through(other))) or ("" if other is None else "dark")
        yield f"{port} ({nm} nm)" if nm is not None else port, *_joined(plan, other), loss, runs


def _joined(plan: BoxPlan, other: Terminal | None) -> tuple[str, str]:
    """What a port is joined to, and of a strand its colours."""
    if other is None:
        return "nothing", ""
    if not isinstance(other, StrandEnd) or not plan.holds(other.cable):
        return str(other), ""
    held = plan.cable(other.cable)
    return (
        f"{held.id}/{other.side}" if held.passes else held.id,
        f"{other.strand}: {strand_mark(held.kind, other.strand)}",
    )
