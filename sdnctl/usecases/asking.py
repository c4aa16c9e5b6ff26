"""From a network folder to answers: what is applied, or what the folder compiles to where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sdnctl.intents.models import Application
from sdnctl.inventory.diversity import Comparison, compare
from sdnctl.usecases.context import Context
from sdnctl.usecases.glass import FreeGlass, as_of, find_route, free_glass, named_links, polygons_of
from sdnctl.usecases.planning import compile_folder
from sdnctl.usecases.progress import Progress, silent
from sdnctl.usecases.whatif import Whatif
from sdnctl.usecases.whatif_answer import Answer


def what_if(
    context: Context,
    cut: Sequence[str] = (),
    polygons: Sequence[Path] = (),
    hazards: Sequence[str] = (),
    block: Sequence[str] = (),
    progress: Progress = silent,
) -> Answer:
    """What these events together take away; raises InputError naming everything that is not there."""
    progress("reading the network", 0, 3)
    loaded = context.loaded
    outlines = {str(path): polygons_of(path) for path in polygons}
    progress("compiling", 1, 3)
    applied = context.applied()
    state = applied[1] if applied is not None else compile_folder(context)
    progress("cutting", 2, 3)
    asked = Whatif(loaded.plant, state.compiled, loaded.access, owners_of(context))
    return asked.ask(cut, hazards, outlines, block)


def diversity(context: Context, one: str, two: str) -> Comparison:
    """Two routes held against each other; raises InputError where one of them is not there.

    A trunk is meant by its key, its standby path by ``KEY!standby``; only for these the folder is compiled, where
    nothing is applied.
    """
    loaded = context.loaded
    links, paths = named_links(loaded.plant), _paths(context, (one, two))
    a, b = (find_route(loaded.plant, name, links, paths) for name in (one, two))
    return compare(loaded.plant, a, b, loaded.network.settings.lead_in)


def free(
    context: Context, a: str, b: str, count: int, most: int = 3, away: str | None = None, on: str | None = None
) -> FreeGlass:
    """Routes of free strands from a to b, away from a route as `diversity` takes it; raises InputError."""
    plant, lead_in = as_of(context.loaded.plant, on), context.loaded.network.settings.lead_in
    other = None
    if away is not None:
        other = find_route(plant, away, named_links(plant), _paths(context, (away,)))
    return free_glass(plant, a, b, count, most=most, away=other, lead_in=lead_in)


def _paths(context: Context, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Trunk (``KEY`` and ``KEY!standby``) → links, if one of the names may be a trunk's."""
    if not any(">" in name for name in names):
        return {}
    applied = context.applied()
    compiled = (applied[1] if applied is not None else compile_folder(context)).compiled
    paths = {trunk.key: trunk.path.links for trunk in compiled.trunks}
    paths |= {f"{trunk.key}!standby": trunk.standby.links for trunk in compiled.trunks if trunk.standby}
    return paths


def owners_of(context: Context) -> Mapping[str, str]:
    """Application → who answers for it, as its file says."""
    documents = context.loaded.documents.values()
    files = (document.value for document in documents if isinstance(document.value, Application))
    return {one.application: one.owner for one in files}
