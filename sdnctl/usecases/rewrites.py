"""Edits of the network folder as a whole: shown as a diff, read as they would be, written all or none."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.inventory.edits import DocumentEdit
from sdnctl.workspace.editing import CannotEdit
from sdnctl.workspace.files import read_text
from sdnctl.workspace.folder import Loaded, load_network
from sdnctl.workspace.read import network_files
from sdnctl.workspace.rewriting import rewritten


@dataclass(frozen=True, slots=True)
class Changed:
    """Texts of all files before, and of those that are changed after."""

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


def edited(texts: Mapping[str, str], edits: Iterable[DocumentEdit], address: str) -> dict[str, str]:
    """File → its text after all edits, of files that they change; raises InputError where one does not fit."""
    try:
        return rewritten(texts, edits)
    except CannotEdit as fault:
        raise InputError(
            Diagnostic("cannot-edit", str(fault), address, hint="Mend that by hand, then ask again.")
        ) from None


def folder_texts(folder: Path) -> dict[str, str]:
    """The text of every file of the network; raises InputError for what cannot be read."""
    out = Diagnostics()
    found = {file: read_text(folder / file, file, out) for file in network_files(folder, out)}
    out.raise_if_errors(InputError)
    return {file: text for file, text in found.items() if text is not None}


def loaded_from(texts: Mapping[str, str]) -> Loaded:
    """A network folder of these texts, as it would be read; raises InputError with every fault in it."""
    with tempfile.TemporaryDirectory(prefix="sdnctl-rewrite-") as made:
        for file, text in texts.items():
            path = Path(made) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        return load_network(Path(made))


def write(folder: Path, made: Changed) -> None:
    """Write all changed files, or none; raises InputError where a file was changed since, or cannot be written.

    Texts are written beside their files first and then put in place one after the other; if that fails midway,
    those that were replaced get their old text back.
    """
    now = folder_texts(folder)
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
