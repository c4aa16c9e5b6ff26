"""How `inventory closure` looks: cables, splices cassette by cassette, and what an edit changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.cli.fibre.chains import mark_document
from sdnctl.cli.output import RIGHT, table
from sdnctl.drawing.fibre.nodes import NODE_COLUMNS, node_rows
from sdnctl.inventory.closures import State
from sdnctl.inventory.colours import strand_mark, tube_mark
from sdnctl.inventory.fields import format_numbers

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.drawing.fibre.plan import BoxPlan, Service
    from sdnctl.inventory.closures import HeldCable, HeldNode, Joint
    from sdnctl.inventory.plant import StrandEnd


WHOLE: dict[str, Any] = {"no_wrap": True}
"""A column whose words are not folded."""


def document(plan: BoxPlan, files: Mapping[str, Path]) -> dict[str, Any]:
    held = plan.held
    return {
        "ok": True,
        "closure": held.closure.id,
        **{label.replace(" ", "_"): value for label, value in plan.caption.fields if label != "date"},
        "cables": [_cable(plan, one) for one in held.cables],
        "cassettes": [
            {
                "cassette": number,
                "recorded": all(one.recorded for one in joints),
                "splices": [_splice(plan, joint) for joint in joints],
            }
            for number, joints in held.cassettes.items()
        ],
        "passives": [_node(plan, one) for one in held.nodes],
        "notes": list(plan.notes),
        "files": {kind: str(path) for kind, path in files.items()},
    }


def _cable(plan: BoxPlan, one: HeldCable) -> dict[str, Any]:
    strands = {str(state): format_numbers(one.strands(state)) for state in State}
    waiting = {
        side: format_numbers(found)
        for held, side, found in plan.held.waiting()
        if held.id == one.id and one.passes
    }
    lit = tuple(strand for strand in range(1, one.kind.strands + 1) if plan.lit(one, strand))
    return {
        "cable": one.id,
        "type": one.kind.id,
        "strands": one.kind.strands,
        "tubes": one.kind.tubes,
        "colours": one.kind.colours,
        "a": one.cable.a,
        "b": one.cable.b,
        "passes": one.passes,
        "towards": [one.towards(side) for side in one.sides],
        "open_tubes": format_numbers(tuple(sorted(one.opened))),
        "concerned": len(one.concerned),
        "states": strands,
        "waiting": waiting,
        "lit": format_numbers(lit),
    }


def _splice(plan: BoxPlan, joint: Joint) -> dict[str, Any]:
    return {
        "position": joint.slot,
        "a": _end(plan, joint.a),
        "b": _end(plan, joint.b),
        "loss": joint.loss,
        "status": str(joint.life.status),
        "file": joint.origin.file,
        "line": joint.origin.line,
        "runs": [{"name": one.name, "classes": list(one.classes)} for one in plan.on(joint.a) or plan.on(joint.b)],
        "new": (joint.a, joint.b) in plan.new,
    }


def _node(plan: BoxPlan, node: HeldNode) -> dict[str, Any]:
    one = node.passive
    return {
        "passive": one.id,
        "kind": one.kind,
        "status": str(one.life.status),
        "ports": [
            {
                "port": port,
                "wavelength": one.channels.get(port),
                "joined_to": None if other is None else str(other),
                "loss": None if port == "com" else dict(zip(("min", "max"), node.loss(port), strict=True)),
                "runs": [{"name": run.name, "classes": list(run.classes)} for run in plan.through(other)],
            }
            for port, other in node.ports.items()
        ],
    }


def _end(plan: BoxPlan, end: StrandEnd) -> dict[str, Any]:
    mark = strand_mark(plan.cable(end.cable).kind, end.strand)
    return {
        "cable": end.cable,
        "side": end.side,
        "strand": end.strand,
        "tube": mark_document(mark.tube),
        "strand_in_tube": mark_document(mark.strand),
    }


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def render(plan: BoxPlan, files: Mapping[str, Path]) -> list[RenderableType]:
    fields = dict(plan.caption.fields)
    commune = f", {fields['commune']}" if fields["commune"] else ""
    parts: list[RenderableType] = [
        f"[bold]{plan.caption.name}[/] at {fields['closure at']}{commune}: {plan.caption.note}",
        f"owner {fields['owner'] or 'not recorded'}, {fields['status']}, revision {fields['revision']}",
    ]
    counts = [(str(state), RIGHT) for state in (State.SPLICED, State.UNCUT, State.WAITING)]
    shown = table("", ("cable", WHOLE), "from → to", "open tubes", *counts, ("plugs", RIGHT), ("lit", RIGHT))
    for one in plan.held.cables:
        shown.add_row(*_cable_row(plan, one))
    parts.append(shown)
    parts += [f"{line}" for line in _remarks(plan)]
    for number, joints in plan.held.cassettes.items():
        parts.append(_cassette(plan, number, joints))
    for node in plan.held.nodes:
        shown = table(node.title, *((head, RIGHT) if head == "dB" else head for head in NODE_COLUMNS))
        for row in node_rows(plan, node):
            shown.add_row(*row)
        parts.append(shown)
    parts += [f"{what} {path}" for what, path in files.items()]
    return parts


def _cable_row(plan: BoxPlan, one: HeldCable) -> Sequence[str]:
    states = [str(len(one.strands(state))) for state in (State.SPLICED, State.UNCUT, State.WAITING)]
    lit = sum(plan.lit(one, strand) for strand in range(1, one.kind.strands + 1))
    plugs = str(len(one.strands(State.CONNECTORISED)))
    return one.id, f"{one.cable.a} → {one.cable.b}", _tubes(one), *states, plugs, str(lit)


def _tubes(one: HeldCable) -> str:
    if len(one.opened) == one.kind.tubes:
        return f"all {one.kind.tubes}"
    named = ", ".join(str(tube_mark(one.kind, tube)) for tube in sorted(one.opened))
    return f"{named or 'none'} of {one.kind.tubes}"


def _remarks(plan: BoxPlan) -> list[str]:
    """What is to be said beside the tables: which strands wait, and how many are not touched."""
    said = list(plan.notes)
    for one in plan.held.cables:
        untouched = one.kind.strands - len(one.concerned)
        if untouched:
            said.append(f"{one.id}: {untouched} strands in closed tubes pass, nothing happens to them here")
    for held, side, strands in plan.held.waiting():
        towards = f" towards {held.towards(side)}" if held.passes else ""
        said.append(f"{held.id}: {format_numbers(strands)} wait{'s' if len(strands) == 1 else ''}{towards}")
    return said


def _cassette(plan: BoxPlan, number: int, joints: Sequence[Joint]) -> RenderableType:
    columns = (("cable", WHOLE), "tube / strand", ("cable", WHOLE), "tube / strand", ("dB", RIGHT), "runs")
    shown = table(_titled(number, joints), ("pos", RIGHT), *columns)
    for joint in joints:
        loss = "" if joint.loss is None else f"{joint.loss:.2f}"
        runs = "; ".join(map(_service, plan.on(joint.a) or plan.on(joint.b))) or "dark"
        new = "new: " if (joint.a, joint.b) in plan.new else ""
        shown.add_row(str(joint.slot), *_named(plan, joint.a), *_named(plan, joint.b), loss, new + runs)
    return shown


def _titled(number: int, joints: Sequence[Joint]) -> str:
    return f"cassette {number}" + ("" if all(one.recorded for one in joints) else " (counted, not recorded)")


def _named(plan: BoxPlan, end: StrandEnd) -> tuple[str, str]:
    held = plan.cable(end.cable)
    return (
        f"{held.id}/{end.side}" if held.passes else held.id,
        f"{end.strand}: {strand_mark(held.kind, end.strand)}",
    )


def _service(one: Service) -> str:
    return str(one)


# ── markdown ─────────────────────────────────────────────────────────────────────────────────────


def markdown(plan: BoxPlan) -> str:
    """For a merge request: the cables and the cassettes as tables."""
    fields = dict(plan.caption.fields)
    lines = [f"## Closure {plan.caption.name} at {fields['closure at']}", ""]
    lines += [
        "; ".join(f"{label}: {value}" for label, value in plan.caption.fields if value and label != "date"),
        "",
    ]
    head = ("cable", "from → to", "open tubes", "spliced", "uncut", "waiting", "plugs", "lit")
    lines += [*rows_of(head, (_cable_row(plan, one) for one in plan.held.cables)), ""]
    lines += [f"- {text}" for text in _remarks(plan)]
    for number, joints in plan.held.cassettes.items():
        lines += ["", f"### {_titled(number, joints).capitalize()}", ""]
        columns = ("pos", "cable", "tube / strand", "cable", "tube / strand", "dB", "runs")
        lines += rows_of(
            columns,
            (
                (
                    str(joint.slot),
                    *_named(plan, joint.a),
                    *_named(plan, joint.b),
                    "" if joint.loss is None else f"{joint.loss:.2f}",
                    "; ".join(map(_service, plan.on(joint.a) or plan.on(joint.b))) or "dark",
                )
                for joint in joints
            ),
        )
    for node in plan.held.nodes:
        lines += ["", f"### {node.title.capitalize()}", "", *rows_of(NODE_COLUMNS, node_rows(plan, node))]
    return "\n".join(lines)


def rows_of(head: Sequence[str], rows: Any) -> list[str]:
    written = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *written)]
