"""Works on the plant as edits of the network folder: shown as a diff, then written, all of them or none.

Before anything is shown the changed folder is read as it would be, and the glass of both is compared: the same
ports face each other, over as much glass. So what is written is known to load.
"""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.intents.models import Application
from sdnctl.inventory.access import AccessLine
from sdnctl.inventory.edits import DocumentEdit, Put
from sdnctl.inventory.glass import numbers
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.splitting import Cut, cut_edits, plan_cut
from sdnctl.inventory.uses import chains_of
from sdnctl.usecases.context import Context
from sdnctl.workspace.editing import CannotEdit
from sdnctl.workspace.files import read_text
from sdnctl.workspace.folder import Loaded, load_network
from sdnctl.workspace.read import network_files
from sdnctl.workspace.rewriting import rewritten

ROUNDING = 0.1
"""Metres by which lengths of glass may differ because lengths are written to the millimetre."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Texts of files before and after, and what they do; `spliced` strands are spliced through at the cut."""

    cut: Cut
    place: str
    spliced: int
    before: Mapping[str, str]
    after: Mapping[str, str]

    @property
    def diff(self) -> str:
        """For ``git apply`` or ``patch -p1``."""
        parts: list[str] = []
        for file, text in sorted(self.after.items()):
            old = self.before.get(file)
            name = "/dev/null" if old is None else f"a/{file}"
            lines = (old or "").splitlines(keepends=True), text.splitlines(keepends=True)
            parts += difflib.unified_diff(*lines, name, f"b/{file}")
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in parts
        )


def cut_cable(context: Context, cable: str, at: str, closure: str, far: str | None = None) -> Rewriting:
    """What cutting a cable in two at a closure changes in the folder; nothing is written.

    Raises InputError where it cannot be done, or would change more than it should.
    """
    loaded = context.loaded
    cut = plan_cut(loaded.plant, cable, at, closure, far)
    texts = _texts(context.folder)
    edits = (*cut_edits(loaded.documents, loaded.plant, cut), *_avoided(loaded.documents, cut))
    try:
        changed = rewritten(texts, edits)
    except CannotEdit as fault:
        raise InputError(
            Diagnostic("cannot-edit", str(fault), f"cable {cable}", hint="Mend that by hand, then ask again.")
        ) from None
    after = _loaded({**texts, **changed})
    _check_same(loaded, after, cut)
    place = loaded.plant.cables[cable].places[cut.place]
    capacity = loaded.plant.cable_types[loaded.plant.cables[cable].type].strands
    gone = dict(loaded.plant.cut_places.get(cable, ())).get(cut.place, 0)
    return Rewriting(cut, place, capacity - len(list(numbers(gone))), texts, changed)


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


# ── the folder ───────────────────────────────────────────────────────────────────────────────────


def _texts(folder: Path) -> dict[str, str]:
    """The text of every file of the network; raises InputError for what cannot be read."""
    out = Diagnostics()
    found = {file: read_text(folder / file, file, out) for file in network_files(folder, out)}
    out.raise_if_errors(InputError)
    return {file: text for file, text in found.items() if text is not None}


def _loaded(texts: Mapping[str, str]) -> Loaded:
    """A network folder of these texts, as it would be read; raises InputError with every fault in it."""
    with tempfile.TemporaryDirectory(prefix="sdnctl-works-") as made:
        for file, text in texts.items():
            path = Path(made) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        return load_network(Path(made))


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


def write(folder: Path, made: Rewriting) -> None:
    """Write all changed files, or none; raises InputError where a file was changed since, or cannot be written.

    Texts are written beside their files first and then put in place one after the other; if that fails midway,
    those that were replaced get their old text back.
    """
    now = _texts(folder)
    stale = sorted(file for file in {*made.before, *now} if made.before.get(file) != now.get(file))
    if stale:
        raise InputError(
            Diagnostic("folder-changed", f"{stale[0]} was changed meanwhile", stale[0], hint="Ask again.")
        )
    waiting: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for file, text in made.after.items():
            waiting[folder / file] = _beside(folder / file, text)
        for path, temporary in waiting.items():
            os.replace(temporary, path)
            placed.append(path)
    except OSError as error:
        for path in placed:
            _restore(path, made.before.get(path.relative_to(folder).as_posix()))
        raise InputError(
            Diagnostic("cannot-write", "nothing was changed", str(folder), detail=str(error))
        ) from error
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


def _beside(path: Path, text: str) -> Path:
    """A temporary file beside a file, complete and on disk, with the rights of that file."""
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
    return Path(name)


def _restore(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink(missing_ok=True)
    else:
        os.replace(_beside(path, text), path)
