"""Verbs that look at the folder only: init, validate, schema, compile, show, explain, drivers."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
import shlex
from pathlib import Path
from typing import Annotated

import typer

from sdnctl.cli.app import Invocation, app, reporting
from sdnctl.errors import Diagnostic, UsageError
from sdnctl.wording import counted


@app.command()
@reporting
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder to make; must not exist, or be empty.")],
    example: Annotated[str, typer.Option(help="Which example to copy: small, small-links, reference.")] = "small",
    pipeline: Annotated[
        str | None, typer.Option(help="Add a pipeline (validate, plan, approve, apply): gitlab or github.")
    ] = None,
    hook: Annotated[
        bool,
        typer.Option("--hook", help="Have git check what is staged before every commit (makes a repository)."),
    ] = False,
) -> None:
    """Make a network folder from an example that validates, compiles and runs."""
    from sdnctl.usecases.initialise import initialise
    from sdnctl.usecases.staged import install_hook, repository

    output = context.obj.output
    files = initialise(folder, example, pipeline)
    if hook:
        repository(folder)
        install_hook(folder)
    output.show(
        "init",
        lambda: {"folder": str(folder), "example": example, "files": [str(file) for file in files]},
        lambda: [
            f"{folder}: {counted(len(files), 'files')} of the example '{example}'",
            f"next: sdnctl --network {shlex.quote(str(folder))} validate",
        ],
    )


@app.command()
@reporting
def validate(context: typer.Context) -> None:
    """Check every file of the network folder and report all faults at once."""
    from sdnctl.cli import views
    from sdnctl.usecases.documents import diagnostic_document

    invocation: Invocation = context.obj
    loaded = invocation.context.loaded
    found = loaded.diagnostics
    if loaded.network.topology.devices:  # asking which drivers are here takes longer than reading a folder
        from sdnctl.usecases.validating import lacking

        found = (*found, *lacking(invocation.context))
    if invocation.output.format.is_report:
        from sdnctl.usecases.reporting import by_file

        invocation.report(by_file("validate", invocation.folder, loaded.documents, found), 0)
        return
    document = {
        "ok": True,
        **views.counts_document(loaded),
        "diagnostics": [diagnostic_document(item) for item in found],
    }
    if invocation.output.format != "json":
        invocation.output.diagnostics(found)
    invocation.output.show("validate", lambda: document, lambda: views.counts(loaded, found))


@app.command()
@reporting
def schema(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which file's schema; without it, the list.")] = None,
) -> None:
    """Print the JSON Schema of one kind of file."""
    import json

    from sdnctl.usecases.schemas import schema_of, schemas

    if name is None:
        names = schemas()
        context.obj.output.show("schema", lambda: {"schemas": list(names)}, lambda: list(names))
        return
    typer.echo(json.dumps(schema_of(name), indent=2, ensure_ascii=False))


@app.command("compile")
@reporting
def compile_(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the compiled state as JSON.")] = None,
    baseline: Annotated[
        str, typer.Option(help="What to stay close to: store, none, or a compiled file.")
    ] = "store",
) -> None:
    """Compile the folder to rule sets and prove them; needs no switch."""
    from sdnctl.cli import views
    from sdnctl.usecases.files import write_state
    from sdnctl.usecases.planning import compile_folder, proven

    invocation: Invocation = context.obj
    with invocation.output.progress("compiling") as progress:
        state = compile_folder(invocation.context, baseline)
        progress("proving every single failure", 1, 2)
        proof = proven(state)
    if out is not None:
        write_state(state, out)
    if invocation.output.format != "json":
        invocation.output.diagnostics(state.compiled.diagnostics)
    invocation.output.show(
        "compile", lambda: views.compiled_document(state, proof), lambda: views.compiled(state, proof)
    )


@app.command()
@reporting
def show(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="map, switches, links, srlgs, endpoints, intents, demands, retention, trunks, bypasses, rules or "
            "baseline."
        ),
    ],
    selector: Annotated[
        str | None,
        typer.Argument(help="Only what contains this text; on a map, an application or demand to stand out."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The map's file: .html (default map.html), .svg or .png; the baseline's file."
        ),
    ] = None,
    cut: Annotated[
        list[str] | None,
        typer.Option(help="Map: show what cutting this takes down, as in `lab cut` (repeatable)."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Map: ask the switches which links are up.")] = False,
) -> None:
    """Show what the network consists of, as a list or as a map."""
    invocation: Invocation = context.obj
    if what == "map":
        from sdnctl.cli.maps import show_map

        show_map(invocation, out or Path("map.html"), cut or (), selector, live)
        return
    if what == "baseline" and not (cut or live):
        from sdnctl.cli.baselines import show_baseline

        show_baseline(invocation, out)
        return
    if out is not None or cut or live:
        raise UsageError(Diagnostic("not-a-map", "--out, --cut and --live belong to `show map`", f"show {what}"))
    from sdnctl.cli.listings import listing

    found = listing(invocation.context, what, selector)
    invocation.output.show("show", lambda: found.document, found.render)


@app.command()
@reporting
def explain(
    context: typer.Context, intent: Annotated[str, typer.Argument(help="An application, or one of its demands.")]
) -> None:
    """Follow an intent from its file to labelled paths, glass and rules."""
    from sdnctl.cli import stories
    from sdnctl.usecases.explaining import explain as explain_intent

    invocation: Invocation = context.obj
    story = explain_intent(invocation.context, intent)
    invocation.output.show("explain", lambda: stories.document(story), lambda: stories.render(story))


@app.command()
@reporting
def drivers(context: typer.Context) -> None:
    """List the drivers that are here, and those that are not, with the command that installs each."""
    from sdnctl.cli import views

    invocation: Invocation = context.obj
    registry = invocation.context.registry
    found, missing = registry.installed(), registry.missing()
    invocation.output.show(
        "drivers", lambda: views.drivers_document(found, missing), lambda: views.drivers(found, missing)
    )
