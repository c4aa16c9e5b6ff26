"""Maps: the network folder, what was applied on it and what cuts take down, as a page or a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from sdnctl.drawing.gather import gather
from sdnctl.drawing.page import page
from sdnctl.drawing.png import png
from sdnctl.drawing.scene import Scene
from sdnctl.drawing.sheet import sheet
from sdnctl.drawing.svg import svg
from sdnctl.errors import Diagnostic, InputError, UsageError
from sdnctl.usecases.consequences import Judge, behind
from sdnctl.usecases.context import Context
from sdnctl.usecases.files import write_bytes
from sdnctl.usecases.planning import compile_folder
from sdnctl.usecases.progress import Progress, silent
from sdnctl.usecases.status import judged, status
from sdnctl.workspace.convention import NETWORK

FORMATS = (".html", ".svg", ".png")


def draw(
    context: Context,
    out: Path,
    *,
    cut: Sequence[str] = (),
    chosen: str | None = None,
    live: bool = False,
    progress: Progress = silent,
) -> Scene:
    """Write the map to `out`, in the format that its name asks for; returns what was drawn.

    `cut` names things as `lab cut` does, `chosen` an application or a demand. With `live` the switches are asked
    which links are up. Raises UsageError for another format, InputError for things that are not there.
    """
    kind = out.suffix.lower()
    if kind not in FORMATS:
        raise UsageError(
            Diagnostic(
                "no-such-format",
                f"{out.name} is neither a page nor a picture",
                hint=f"give a name that ends in one of {', '.join(FORMATS)}",
            )
        )
    progress("reading the network", 0, 3)
    drawn = scene(context, cut, chosen=chosen, live=live, every_cut=kind == ".html")
    progress("drawing", 1, 3)
    if kind == ".html":
        content = page(drawn).encode("utf-8")
    elif kind == ".svg":
        content = svg(sheet(drawn)).encode("utf-8")
    else:
        content = png(sheet(drawn))
    progress("writing", 2, 3)
    write_bytes(out, content)
    return drawn


def scene(
    context: Context,
    cut: Sequence[str] = (),
    *,
    chosen: str | None = None,
    live: bool = False,
    every_cut: bool = True,
) -> Scene:
    """The map of a network: as applied, or as the folder compiles where nothing is applied yet.

    `every_cut` adds what each thing takes down, which pages need and sheets do not.
    """
    plant = context.loaded.plant
    applied = context.applied()
    state = applied[1] if applied is not None else compile_folder(context)
    down = frozenset(status(context).down) if live and applied is not None else frozenset[str]()
    told = "as the folder compiles, nothing applied yet"
    levels: Mapping[str, Mapping[str, str]] = {}
    if applied is not None:
        told = f"as applied, snapshot {applied[0].id} of {applied[0].created[:10]}"
        levels = verdict_levels(context, applied[0].id)
    drawn = gather(
        plant,
        state.compiled,
        context.loaded.network.endpoints,
        context.loaded.access,
        context.loaded.areas,
        title=context.loaded.documents[NETWORK].value.title,
        state=told,
        down=down,
        pinned=state.down,
        levels=levels,
    )
    judge = Judge(state.compiled, behind(plant, context.loaded.access))
    return replace(
        drawn,
        chosen=_chosen(drawn, chosen),
        cut=tuple(cut),
        cut_event=judge.cut(cut) if cut else None,
        consequences=judge.everything() if every_cut else drawn.consequences,
    )


def _chosen(drawn: Scene, name: str | None) -> str:
    """The application or demand of this name; raises InputError where there is none."""
    if name is None:
        return ""
    known = {one.name for one in drawn.applications}
    known.update(flow.id for trunk in drawn.trunks for flow in trunk.flows)
    known.update(flow.id for flow in drawn.local)
    if name not in known:
        close = get_close_matches(name, sorted(known), n=3)
        raise InputError(
            Diagnostic(
                "no-such-intent",
                f"there is no application or demand {name!r}",
                hint=f"did you mean {' or '.join(close)}?" if close else "`sdnctl show intents` lists them",
            )
        )
    return name


def verdict_levels(context: Context, snapshot: int) -> dict[str, dict[str, str]]:
    """Application → level → its verdict as it counts now."""
    levels: dict[str, dict[str, str]] = {}
    for verdict in context.store.verdicts():
        levels.setdefault(verdict.application, {})[verdict.level] = judged(verdict, snapshot)
    return levels
