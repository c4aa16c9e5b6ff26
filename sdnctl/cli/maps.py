"""`show map`: where it was written, and in words what the cut that it shows takes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdnctl.cli.app import Invocation
from sdnctl.cli.output import RIGHT, table
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.drawing.scene import Scene


def show_map(invocation: Invocation, out: Path, cut: Sequence[str], chosen: str | None, live: bool) -> None:
    """Draw the map and say what was drawn."""
    from sdnctl.usecases.mapping import draw

    with invocation.output.progress("mapping") as progress:
        scene = draw(invocation.context, out, cut=cut, chosen=chosen, live=live, progress=progress)
    invocation.output.show("show", lambda: document(scene, out), lambda: render(scene, out))


def document(scene: Scene, out: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"ok": True, "map": str(out), "network": scene.name, "state": scene.state}
    found["drawn"] = _counts(scene)
    if scene.cut_event is not None:
        found["cut"] = {"what": list(scene.cut), **asdict(scene.cut_event)}
        found["demands"] = {name: asdict(row) for name, row in scene.fates(scene.cut_event).items()}
    return found


def _counts(scene: Scene) -> dict[str, int]:
    things = {
        "areas": scene.areas,
        "zones": scene.zones,
        "sites": scene.sites,
        "chambers": scene.places,
        "segments": scene.segments,
        "cables": scene.cables,
        "links": scene.links,
        "endpoints": scene.endpoints,
        "applications": scene.applications,
    }
    return {name: len(found) for name, found in things.items() if found}


def render(scene: Scene, out: Path) -> list[RenderableType]:
    counts = ", ".join(counted(count, name) for name, count in _counts(scene).items())
    parts: list[RenderableType] = [f"{out}: {counts}, {scene.state}"]
    event = scene.cut_event
    if event is None:
        return parts
    what = [counted(len(event.links), "links")] if event.links else []
    what += [f"switches {', '.join(event.switches)}"] if event.switches else []
    what += [f"the lines of {counted(len(event.dark), 'endpoints')}"] if event.dark else []
    parts.append(f"cut {', '.join(scene.cut)}: {', '.join(what) or 'nothing that is lit runs there'}")
    rows = scene.fates(event)
    if rows:
        shown = table(
            "", "application", *((name, RIGHT) for name in ("demands", "repaired", "standby", "lost", "cut off"))
        )
        for name, row in rows.items():
            shown.add_row(
                name, str(row.demands), *(str(part) for part in (row.repaired, row.standby, row.lost, row.severed))
            )
        parts.append(shown)
    return parts
