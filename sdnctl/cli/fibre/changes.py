"""How `inventory closure --edit` looks: what becomes of each strand, and of the lines of the files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.cli.fibre import closures
from sdnctl.cli.output import table
from sdnctl.inventory.colours import strand_mark
from sdnctl.inventory.fields import format_numbers
from sdnctl.usecases.documents import diagnostic_document
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.usecases.closure_editing import Edited, StrandChange


def document(made: Edited, files: Mapping[str, Path], *, written: bool) -> dict[str, Any]:
    return {
        **closures.document(made.plan, files),
        "written": written,
        "changes": [
            {
                "cable": one.cable,
                "strand": one.strand,
                "side": one.side,
                "before": one.before,
                "after": one.after,
            }
            for one in made.strands
        ],
        "removed": [
            {"cassette": one.cassette, "position": one.slot, "a": str(one.a), "b": str(one.b)}
            for one in made.plan.removed
        ],
        "changed_files": sorted(made.files.after),
        "diff": made.files.diff,
        "diagnostics": [diagnostic_document(one) for one in made.notes],
    }


def render(made: Edited, files: Mapping[str, Path], *, written: bool) -> list[RenderableType]:
    from rich.text import Text

    plan = made.plan
    counts = f"{counted(len(plan.new), 'splices')} made, {len(plan.removed)} undone"
    shown = table("", ("strand", closures.WHOLE), "tube / strand", "before", "after")
    for row in _rows(made):
        shown.add_row(*row)
    parts: list[RenderableType] = [f"[bold]{plan.caption.name}[/]: {counts}", shown]
    parts.append(Text(made.files.diff.rstrip("\n")))
    what = ", ".join(sorted(made.files.after)) or "nothing"
    parts.append(f"{what} written" if written else "nothing was written; --write writes it")
    return [*parts, *(f"{what} {path}" for what, path in files.items())]


def _rows(made: Edited) -> Iterator[tuple[str, str, str, str]]:
    """Strands of a cable to which the same happens are told of together."""
    groups: dict[tuple[str, str, str, str], list[StrandChange]] = {}
    for one in made.strands:
        name = f"{one.cable}/{one.side}" if one.side else one.cable
        groups.setdefault((name, one.cable, one.before, one.after), []).append(one)
    for (name, cable, before, after), alike in groups.items():
        strands = tuple(one.strand for one in alike)
        kind = made.plan.cable(cable).kind
        mark = str(strand_mark(kind, strands[0])) if len(strands) == 1 else f"{len(strands)} strands"
        yield f"{name}:{format_numbers(strands)}", mark, before or "not in the closure", after or "gone"


def markdown(made: Edited, *, written: bool) -> str:
    lines = [f"## Edits of closure {made.plan.caption.name}", ""]
    head = ("strand", "tube / strand", "before", "after")
    lines += [*closures.rows_of(head, _rows(made)), "", "```diff", made.files.diff.rstrip("\n"), "```"]
    return "\n".join([*lines, "", "written" if written else "not written"])
