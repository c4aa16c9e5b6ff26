"""Verbs of daily work: plan, apply, rollback, verify, status, drift, history, and the controller's moves."""

# No `from __future__ import annotations` here: Typer would compile each of them to show the help.
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sdnctl.cli.app import Invocation, app, controller, reporting
from sdnctl.cli.pipelines import LimitOption
from sdnctl.errors import DeviceUnreachable, Diagnostic, UsageError

if TYPE_CHECKING:
    from sdnctl.usecases.planning import Prepared

BaselineOption = Annotated[str, typer.Option(help="What to stay close to: store, none, or a compiled file.")]
AllowOption = Annotated[
    list[str] | None,
    typer.Option("--allow-outage", help="A protected class that may be interrupted (repeatable)."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
@reporting
def plan(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the plan as JSON, for `apply FILE`.")
    ] = None,
    against: Annotated[str, typer.Option(help="What to compare with: live, empty, or a compiled file.")] = "live",
    baseline: BaselineOption = "store",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 2 when changes are pending, or not known.")
    ] = False,
    limit: LimitOption = 65_536,
) -> int:
    """Show what would change on which switch, and what each intent would feel; changes nothing."""
    from sdnctl.cli import plans
    from sdnctl.plan.serialise import dumps
    from sdnctl.usecases.files import write_text
    from sdnctl.usecases.planning import interrupted, prepare

    invocation: Invocation = context.obj
    with invocation.output.progress("planning"):
        prepared = prepare(invocation.context, against=against, baseline=baseline)
    if out is not None:
        write_text(out, dumps(prepared.plan))
    invocation.output.show(
        "plan",
        lambda: plans.document(prepared),
        lambda: plans.render(prepared),
        lambda: plans.markdown(prepared, invocation.context.loaded, limit or None),
    )
    if invocation.output.format != "json":
        invocation.output.diagnostics(plans.warnings(prepared))
    if interrupted(prepared.plan):
        return 3
    return 2 if exit_code and prepared.pending else 0


@app.command()
@reporting
def apply(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="A plan that `plan -o` wrote; without it, plan and ask.")
    ] = None,
    yes: YesOption = False,
    allow_outage: AllowOption = None,
    baseline: BaselineOption = "store",
) -> None:
    """Follow a plan exactly: stage by stage, confirmed and read back, journalled."""
    from sdnctl.cli import plans
    from sdnctl.usecases.applying import apply as apply_plan
    from sdnctl.usecases.planning import compile_folder, prepare, read_plan

    invocation: Invocation = context.obj
    output, ctx = invocation.output, invocation.context
    allowed = frozenset(allow_outage or ())
    resumed = made = None
    if file is not None:
        chosen = read_plan(file)
        desired = compile_folder(ctx, baseline)
    else:
        ctx.network()  # bad input changes nothing, so it must be found before an interrupted apply is finished
        resumed = _resume(invocation, yes)
        with output.progress("planning"):
            made = prepare(ctx, baseline=baseline)
        chosen, desired = made.plan, made.desired
        _ask(invocation, made, "apply this plan?", yes, allowed)
    with output.progress("applying") as progress:
        outcome = apply_plan(ctx, desired, chosen, allow_outage=allowed, made=made, progress=progress)
    output.show("apply", lambda: plans.outcome_document(outcome, resumed), lambda: plans.outcome(outcome))


def _resume(invocation: Invocation, yes: bool, *, back: bool = False) -> int | None:
    """Finish an interrupted apply, or with `back` undo it; its snapshot, None where there was none."""
    from sdnctl.usecases.applying import resume

    output, ctx = invocation.output, invocation.context
    pending = ctx.store.pending() if ctx.has_store else None
    if pending is None:
        return None
    _confirm(f"snapshot {pending.id} was interrupted ({pending.summary}): {'undo' if back else 'finish'} it?", yes)
    with output.progress(f"{'undoing' if back else 'finishing'} snapshot {pending.id}") as progress:
        resumed = resume(ctx, back=back, progress=progress)
    if resumed is not None and output.format != "json":
        output.console.print(f"snapshot {resumed}, which was interrupted, is {'undone' if back else 'finished'}")
    return resumed


def _ask(invocation: Invocation, prepared: "Prepared", question: str, yes: bool, allowed: frozenset[str]) -> None:
    """Show a plan, refuse an outage that is not allowed, and have the rest confirmed."""
    from sdnctl.cli import plans
    from sdnctl.usecases.planning import check_outage

    output, ctx = invocation.output, invocation.context
    if output.format != "json":
        output.show("plan", dict, lambda: plans.render(prepared), lambda: plans.markdown(prepared, ctx.loaded))
        output.diagnostics(plans.warnings(prepared))
    check_outage(prepared.plan, allowed)
    if prepared.unanswered:  # else a pipeline would take what was not even tried for done
        raise DeviceUnreachable(
            Diagnostic(
                "nobody-answers",
                f"no switch of {prepared.plan.network} answers, so nothing is applied",
                hint="`sdnctl drivers` and `drivers:` in inventory/equipment.yaml say how switches are reached",
            )
        )
    if not prepared.plan.empty:
        _confirm(question, yes)


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            Diagnostic("not-confirmed", "there is no terminal to ask on", hint="look at `plan`, then give --yes")
        )
    typer.confirm(question, abort=True, err=True)


@app.command()
@reporting
def rollback(
    context: typer.Context,
    to: Annotated[
        int | None, typer.Argument(help="Snapshot number (see history); without it, the one before.")
    ] = None,
    yes: YesOption = False,
    allow_outage: AllowOption = None,
) -> None:
    """Plan and apply the way back to an earlier snapshot; undoes an interrupted apply first."""
    from sdnctl.cli import plans
    from sdnctl.usecases.applying import apply as apply_plan
    from sdnctl.usecases.applying import summarise
    from sdnctl.usecases.rolling_back import prepare_rollback

    invocation: Invocation = context.obj
    output, ctx = invocation.output, invocation.context
    allowed = frozenset(allow_outage or ())
    undone = _resume(invocation, yes, back=True)
    if undone is not None and to is None:
        output.show("rollback", lambda: {"undone": undone, "snapshot": None}, list)
        return
    with output.progress("planning the way back") as progress:
        prepared = prepare_rollback(ctx, to, progress=progress)
    _ask(invocation, prepared, f"go back to snapshot {prepared.to}?", yes, allowed)
    with output.progress("rolling back") as progress:
        outcome = apply_plan(
            ctx,
            prepared.desired,
            prepared.plan,
            allow_outage=allowed,
            reason="rollback",
            summary=f"back to snapshot {prepared.to}: {summarise(prepared.plan)}",
            made=prepared,
            progress=progress,
        )
    document = {**plans.outcome_document(outcome, None), "undone": undone, "to": prepared.to}
    output.show("rollback", lambda: document, lambda: plans.outcome(outcome))


@app.command()
@reporting
def verify(
    context: typer.Context,
    live: Annotated[
        bool, typer.Option("--live", help="V1 on rules read back, V2, and V3 where a lab runs.")
    ] = False,
    rules: Annotated[Path | None, typer.Option(help="V1 on the rules of a compiled file.")] = None,
    failures: Annotated[str, typer.Option(help="none, link, srlg, node or all.")] = "all",
    probes: Annotated[
        int, typer.Option(min=0, help="At most so many frames in V3, spread over everything; 0 sends all.")
    ] = 5_000,
) -> int:
    """Prove that the network does what was asked, under every single failure a grade covers."""
    from sdnctl.cli import verdicts
    from sdnctl.usecases.verifying import verify as verify_network

    invocation: Invocation = context.obj
    with invocation.output.progress("verifying") as progress:
        result = verify_network(
            invocation.context, live=live, rules=rules, failures=failures, most=probes, progress=progress
        )
    code = 0 if result.ok else 4
    if invocation.output.format.is_report:
        from sdnctl.usecases.reporting import by_level, files_of

        invocation.report(by_level(invocation.folder, result, files_of(invocation.context)), code)
        return code
    if invocation.output.format != "json":
        invocation.output.diagnostics(result.diagnostics)
    invocation.output.show("verify", lambda: verdicts.document(result), lambda: verdicts.render(result))
    return code


@app.command()
@reporting
def status(
    context: typer.Context,
    by: Annotated[str, typer.Option(help="What to sum up by: application, tenant or area.")] = "application",
) -> None:
    """What is applied, which switches and links are up, and how fresh every application's proof is."""
    from sdnctl.cli import views
    from sdnctl.usecases.status import status as current

    invocation: Invocation = context.obj
    with invocation.output.progress("asking the switches"):
        found = current(invocation.context, by)
    invocation.output.show("status", lambda: views.status_document(found), lambda: views.status(found))


@app.command()
@reporting
def drift(
    context: typer.Context,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 2 when something drifted.")] = False,
    acknowledge: Annotated[
        str | None,
        typer.Option(help="A switch that the controller has frozen: it may be put right now.", metavar="<switch>"),
    ] = None,
) -> int:
    """Compare what switches hold with what was applied; unreachable switches are unknown, never missing."""
    from sdnctl.cli import views
    from sdnctl.usecases.drifting import acknowledge as thaw
    from sdnctl.usecases.drifting import drift as find_drift

    invocation: Invocation = context.obj
    if acknowledge is not None:
        thaw(invocation.context, acknowledge)
    with invocation.output.progress("reading back"):
        found = find_drift(invocation.context)
    invocation.output.show("drift", lambda: views.drift_document(found), lambda: views.drift(found))
    return 2 if exit_code and not found.clean else 0


@app.command()
@reporting
def history(
    context: typer.Context,
    number: Annotated[int | None, typer.Argument(help="One snapshot, with its journal.")] = None,
) -> None:
    """What was applied, when, by whom and why; a number shows that snapshot's journal."""
    from sdnctl.cli import views
    from sdnctl.usecases.remembering import journal_of, remember

    invocation: Invocation = context.obj
    if number is None:
        found = remember(invocation.context)
        invocation.output.show("history", lambda: views.history_document(found), lambda: views.history(found))
    else:
        entries = journal_of(invocation.context, number)
        invocation.output.show("history", lambda: views.journal_document(entries), lambda: views.journal(entries))


@controller.command()
@reporting
def reconcile(
    context: typer.Context,
    hold_down: Annotated[
        bool, typer.Option("--hold-down/--no-hold-down", help="Wait until a healed link has proven stable.")
    ] = True,
) -> None:
    """One pass: pin what was cut, move what was hit, repair drift, release what healed."""
    from sdnctl.cli import stories
    from sdnctl.daemon.documents import reconciled_document
    from sdnctl.daemon.reconcile import reconcile as one_pass

    invocation: Invocation = context.obj
    with invocation.output.progress("reconciling") as progress:
        result = one_pass(invocation.context, hold_down=hold_down, progress=progress)
    invocation.output.show(
        "controller reconcile", lambda: reconciled_document(result), lambda: stories.reconciled(result)
    )


@controller.command()
@reporting
def flip(
    context: typer.Context,
    trunk: Annotated[str, typer.Argument(help="A trunk with a standby path (show trunks).")],
) -> None:
    """Switch a `disjoint` trunk to its standby path, or back."""
    from sdnctl.cli import stories
    from sdnctl.daemon.documents import reconciled_document
    from sdnctl.daemon.reconcile import flip as flip_trunk

    invocation: Invocation = context.obj
    result = flip_trunk(invocation.context, trunk)
    invocation.output.show(
        "controller flip", lambda: reconciled_document(result), lambda: stories.reconciled(result)
    )


NodeArgument = Annotated[str, typer.Argument(help="A switch (show switches).")]


@controller.command()
@reporting
def drain(context: typer.Context, node: NodeArgument) -> None:
    """Move all traffic that only passes through a switch away from it, for an upgrade; nothing is lost."""
    _drain(context.obj, node, "controller drain")


@controller.command()
@reporting
def undrain(context: typer.Context, node: NodeArgument) -> None:
    """Let a drained switch carry traffic again; trunks stay where they are."""
    _drain(context.obj, node, "controller undrain", back=True)


def _drain(invocation: Invocation, node: str, command: str, *, back: bool = False) -> None:
    from sdnctl.cli import stories
    from sdnctl.daemon.documents import reconciled_document
    from sdnctl.daemon.reconcile import drain as drain_switch

    with invocation.output.progress(command.removeprefix("controller ")) as progress:
        result = drain_switch(invocation.context, node, back=back, progress=progress)
    until = "" if back else f"`sdnctl controller undrain {node}`"
    invocation.output.show(command, lambda: reconciled_document(result), lambda: stories.reconciled(result, until))
