"""Works on the plant as edits of the network folder: shown as a diff, then written, all of them or none.

Before anything is shown the changed folder is read as it would be, and the glass of both is compared: the same
ports face each other, over as much glass. So what is written is known to load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sdnctl.document import Document
from sdnctl.drawing.fibre.plan import Service
from sdnctl.errors import Diagnostics, InputError
from sdnctl.intents.models import Application
from sdnctl.inventory.access import AccessLine
from sdnctl.inventory.edits import DocumentEdit, Put
from sdnctl.inventory.glass import numbers
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.splitting import Cut, cut_edits, plan_cut
from sdnctl.inventory.uses import chains_of
from sdnctl.usecases.closures import lit
from sdnctl.usecases.context import Context
from sdnctl.usecases.rewrites import Changed, edited, folder_texts, loaded_from, write
from sdnctl.workspace.folder import Loaded

__all__ = ["Rewriting", "cut_cable", "write"]

ROUNDING = 0.1
"""Metres by which lengths of glass may differ because lengths are written to the millimetre."""


@dataclass(frozen=True, slots=True)
class Rewriting(Changed):
    """What cutting a cable changes; `spliced` strands are spliced through at the cut, which is at `place`.

    `dark`: what runs there, and is dark from the cut until its strands are spliced.
    """

    cut: Cut
    place: str
    spliced: int
    dark: tuple[Service, ...]


def cut_cable(context: Context, cable: str, at: str, closure: str, far: str | None = None) -> Rewriting:
    """What cutting a cable in two at a closure changes in the folder; nothing is written.

    Raises InputError where it cannot be done, or would change more than it should.
    """
    loaded = context.loaded
    cut = plan_cut(loaded.plant, cable, at, closure, far)
    texts = folder_texts(context.folder)
    edits = (*cut_edits(loaded.documents, loaded.plant, cut), *_avoided(loaded.documents, cut))
    changed = edited(texts, edits, f"cable {cable}")
    after = loaded_from({**texts, **changed})
    _check_same(loaded, after, cut)
    place = loaded.plant.cables[cable].places[cut.place]
    capacity = loaded.plant.cable_types[loaded.plant.cables[cable].type].strands
    gone = dict(loaded.plant.cut_places.get(cable, ())).get(cut.place, 0)
    dark = tuple(_dark(context, cut))
    return Rewriting(texts, changed, cut, place, capacity - len(list(numbers(gone))), dark)


def _dark(context: Context, cut: Cut) -> Iterator[Service]:
    """What runs through a cable where it is cut, by name; without services where the intents cannot be carried."""
    light = lit(context)
    users = {run.user for run in light.uses.runs.get(cut.cable, ()) if run.low < 2 * cut.place < run.high}
    yield from sorted((light.service(user) for user in users), key=lambda one: one.name)


def _avoided(documents: Mapping[str, Document[Any]], cut: Cut) -> Iterator[DocumentEdit]:
    """Intents that avoid the cable avoid both of its parts."""
    for file, document in documents.items():
        if isinstance(document.value, Application):
            yield from _lists(
                file, (), document.value.model_dump(mode="json", by_alias=True, exclude_defaults=True), cut
            )


def _lists(file: str, path: tuple[str | int, ...], value: Any, cut: Cut) -> Iterator[DocumentEdit]:
    name = f"cable:{cut.cable}"
    if path and path[-1] == "avoid" and isinstance(value, list) and name in value:
        place = value.index(name) + 1
        yield Put(file, path, [*value[:place], f"cable:{cut.far}", *value[place:]])
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _lists(file, (*path, key), inner, cut)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _lists(file, (*path, index), inner, cut)


def _check_same(before: Loaded, after: Loaded, cut: Cut) -> None:
    """The same ports face each other over as much glass, and the same customers' lines end where they did."""
    out = Diagnostics()
    old, new = _ways(before), _ways(after)
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            out.error("cut-changes-glass", f"{name} would {'be lost' if name in old else 'appear'}", address=name)
        elif abs(old[name][0] - new[name][0]) > ROUNDING or old[name][1] != new[name][1]:
            out.error(
                "cut-changes-glass",
                f"{name} would be {new[name][0]:.1f} m instead of {old[name][0]:.1f} m"
                + ("" if old[name][1] == new[name][1] else ", and no more usable as before"),
                address=name,
            )
    lost = set(before.network.topology.links) ^ set(after.network.topology.links)
    for name in sorted(lost):
        out.error(
            "cut-changes-glass", f"link {name} would be there only before, or only after", address=f"link {name}"
        )
    out.raise_if_errors(InputError)


def _ways(loaded: Loaded) -> dict[str, tuple[float, bool]]:
    """Every chain of links and lines by its two ends: metres of fibre, and whether it is usable."""
    users: tuple[OpticalLink | AccessLine, ...] = (*optical_links(loaded.plant)[0], *loaded.access)
    return {
        user.address + f", from {chain.start}": (float(chain.length), user.usable)
        for user in users
        for chain in chains_of(user)
    }
