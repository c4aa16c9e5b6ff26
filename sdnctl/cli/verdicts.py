"""How verification looks: by application, then what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sdnctl.cli.output import RIGHT, table
from sdnctl.usecases.documents import verification_document as document

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.usecases.verifying import Verification

__all__ = ["document", "render", "residual"]


def render(found: Verification) -> list[RenderableType]:
    shown = table(
        "", "application", ("demands", RIGHT), "V1 proof", ("worst delay", RIGHT), "residual single points"
    )
    for one in found.v1.applications:
        proof = "[green]ok[/]" if not one.violated else f"[bold red]{one.violated} violated[/]"
        shown.add_row(
            one.application, str(one.demands), proof, f"{one.worst_delay / 1000:.2f} ms", residual(one.residual)
        )
    checked = found.v1.checked
    parts: list[RenderableType] = [
        shown,
        f"V1 on {found.subject}: {_mark(found.v1.ok)}; {checked.failures} single failures, {checked.rules} rules, "
        f"{checked.walks} walks",
    ]
    if found.v2 is not None:
        counts = found.v2.counts()
        words = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        parts.append(f"V2 switches hold what was applied: {_mark(found.v2.ok)}; {words}")
    if found.v3 is not None:
        sent = found.v3.applications
        good, arrived = sum(one.positive for one in sent), sum(one.arrived for one in sent)
        bad, leaked = sum(one.negative for one in sent), sum(one.leaked for one in sent)
        counts_of = f"{arrived} of {good} frames arrived as sent, {leaked} of {bad} forbidden ones leaked"
        more = " (a spread sample; --probes 0 sends all)" if found.sampled else ""
        parts.append(f"V3 probes on the wire: {_mark(found.v3.ok)}; {counts_of}{more}")
    elif found.why_no_v3:
        parts.append(f"V3 not run: {found.why_no_v3}")
    return parts


def _mark(ok: bool) -> str:
    return "[green]ok[/]" if ok else "[bold red]failed[/]"


def residual(events: Iterable[str], most: int = 3) -> str:
    """``building aigues, north; chamber ch-ha``: of things that fail together the first, by kind.

    Of each kind the first `most` are named and the others counted; JSON has them all.
    """
    kinds: dict[str, set[str]] = {}
    for event in events:
        kind, _, name = event.partition(" = ")[0].partition(":")
        kinds.setdefault(kind, set()).add(name)
    return "; ".join(f"{kind} {_some(sorted(names), most)}" for kind, names in sorted(kinds.items()))


def _some(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
