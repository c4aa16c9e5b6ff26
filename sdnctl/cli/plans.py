"""How plans and their outcomes look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdnctl.cli.output import RIGHT, table
from sdnctl.plan.markdown import effect_text
from sdnctl.plan.markdown import markdown as plan_markdown
from sdnctl.plan.model import Effect
from sdnctl.plan.summary import summary
from sdnctl.usecases.comparing import owners_of
from sdnctl.usecases.documents import outcome_document
from sdnctl.usecases.documents import plan_document as document
from sdnctl.usecases.documents import plan_warnings as warnings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.usecases.applying import Outcome
    from sdnctl.usecases.planning import Prepared
    from sdnctl.workspace.folder import Loaded

__all__ = ["document", "markdown", "outcome", "outcome_document", "render", "warnings"]

_COLOUR = {Effect.NONE: "dim", Effect.HITLESS: "green", Effect.BRIEF: "yellow", Effect.OUTAGE: "bold red"}


def markdown(prepared: Prepared, loaded: Loaded, limit: int | None = None) -> str:
    """A comment for a merge request; `loaded` is the folder, for who is behind each application."""
    proof = prepared.proof
    applied = prepared.applied.compiled.demands if prepared.applied is not None else ()
    gone = {demand.application: demand.tenant for demand in applied}
    return plan_markdown(
        prepared.plan,
        limit=limit,
        who={**gone, **owners_of(loaded)},
        findings=warnings(prepared),
        remarks=(f"{proof.sentence[0].upper()}{proof.sentence[1:]}.",) if proof is not None else (),
    ).rstrip("\n")


def render(prepared: Prepared) -> list[RenderableType]:
    plan = prepared.plan
    end = [f"[yellow]not reachable, nothing planned for[/]: {', '.join(plan.unknown)}"] if plan.unknown else []
    end += [prepared.proof.sentence] if prepared.proof is not None else []
    if plan.empty:
        if prepared.unanswered:
            start = f"[yellow]no switch of {plan.network} answers[/], so what would change is not known"
            return [f"{start}; `sdnctl lab up` makes switches on this machine", *end]
        those = "the other switches" if plan.unknown else "the switches"
        if prepared.pending:
            end.append(
                "[yellow]they do not hold what was asked for[/]: what changes there waits until they answer"
            )
        return [f"[green]nothing to do[/]: {those} hold what {plan.network} asks for", *end]
    counts = summary(plan)
    parts: list[RenderableType] = [f"[bold]plan for {plan.network}[/]: {counts.sentence}"]
    if plan.impacts:
        feels = table("", "application", "class", ("demands", RIGHT), "feels", "why")
        for impact in plan.impacts:
            effect = f"[{_COLOUR[impact.effect]}]{effect_text(impact)}[/]"
            name = f"[bold]{impact.service_class}[/]" if impact.protected else impact.service_class
            feels.add_row(impact.application, name, str(impact.demands), effect, impact.reason)
        parts.append(feels)
    stages = table("", "stage", ("changes", RIGHT), ("switches", RIGHT), "")
    for stage, (kind, changes, devices) in zip(plan.stages, counts.stages, strict=True):
        stages.add_row(str(kind), str(changes), str(devices), f"wait {stage.wait_ms} ms" if stage.wait_ms else "")
    parts.append(stages)
    return parts + end


def outcome(done: Outcome) -> Sequence[RenderableType]:
    if done.snapshot is None:
        return []
    did = "no rule had to change" if done.plan.empty else f"{summary(done.plan).sentence}; read back and equal"
    parts = [f"[green]applied[/] as snapshot {done.snapshot}: {did}"]
    if done.plan.unknown:
        parts.append(f"[yellow]not reached, apply again when they answer[/]: {', '.join(done.plan.unknown)}")
    return parts
