"""Works on the plant as edits of the files: `inventory works`."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sdnctl.cli.app import Invocation, inventory, reporting
from sdnctl.errors import Diagnostic, UsageError

if TYPE_CHECKING:
    from sdnctl.cli.output import Output
    from sdnctl.usecases.works import Rewriting

works = typer.Typer(help="Works on the plant, as edits of the files: shown, then written.", rich_markup_mode=None)
inventory.add_typer(works, name="works")


@works.command("cut-cable")
@reporting
def cut_cable(
    context: typer.Context,
    cable: Annotated[str, typer.Argument(help="The cable to be cut in two.")],
    at: Annotated[str, typer.Option(help="A chamber or site that it passes, or a mark on its sheath: '1.2 km'.")],
    closure: Annotated[str, typer.Option(help="The closure: one that stands there, or a name for a new one.")],
    name: Annotated[
        str | None, typer.Option(help="What the far part is called (by default CABLE-2, -3, …).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the diff, write nothing.")] = False,
) -> None:
    """Cut a cable in two at a closure: strands keep their numbers, links and services go on."""
    from sdnctl.usecases.works import cut_cable as prepare
    from sdnctl.usecases.works import write

    invocation: Invocation = context.obj
    output = invocation.output
    with output.progress("reading the network"):
        made = prepare(invocation.context, cable, at, closure, name)
    asks = not yes and not dry_run
    if asks and (output.format == "json" or not sys.stdin.isatty()):
        hint = "look at it with --dry-run, then give --yes"
        raise UsageError(Diagnostic("not-confirmed", "there is no terminal to ask on", hint=hint))
    if output.format != "json":
        _show(output, made)
    if asks:
        typer.confirm(f"write {_files(made)}?", abort=True, err=True)
    if not dry_run:
        write(invocation.context.folder, made)
    if output.format == "json":
        output.json("inventory works cut-cable", _document(made, written=not dry_run))
    else:
        output.console.print("nothing was written" if dry_run else f"{_files(made)} written")


def _document(made: "Rewriting", *, written: bool) -> dict[str, Any]:
    return {
        "ok": True,
        "written": written,
        "cable": made.cut.cable,
        "far": made.cut.far,
        "at": made.place,
        "closure": made.cut.closure,
        "new_closure": made.cut.new_closure,
        "splices": made.spliced,
        "dark": [{"name": one.name, "classes": list(one.classes)} for one in made.dark],
        "files": sorted(made.after),
        "diff": made.diff,
    }


def _show(output: "Output", made: "Rewriting") -> None:
    """The diff as it is, however long its lines are, so that it can be piped; then what it does in a sentence."""
    output.console.print(made.diff, markup=False, soft_wrap=True, end="")
    cut = made.cut
    box = f"{'a new' if cut.new_closure else 'the'} closure {cut.closure}"
    said = (
        f"{cut.cable} is cut at {made.place} in {box}, its far part is {cut.far}: {made.spliced} splices to make"
    )
    output.console.print(said, markup=False)
    if made.dark:
        output.console.print(f"dark until it is spliced: {'; '.join(map(str, made.dark))}", markup=False)


def _files(made: "Rewriting") -> str:
    return f"{len(made.after)} file{'' if len(made.after) == 1 else 's'}"
