"""Files of a network folder in canonical form: what would change, and writing it, one whole file at a time."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from sdnctl.errors import Diagnostic, Diagnostics, InputError, Source
from sdnctl.usecases.files import write_text
from sdnctl.workspace.canonical import canonical
from sdnctl.workspace.files import read_text
from sdnctl.workspace.read import network_files


@dataclass(frozen=True, slots=True)
class Reformatted:
    """A file that is not in its canonical form."""

    file: str
    before: str
    after: str

    @property
    def diff(self) -> str:
        """What changes, as a unified diff; "" where it is only the end of lines or a mark at the beginning."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            f"a/{self.file}",
            f"b/{self.file}",
        )
        return "".join(_ended(lines))


@dataclass(frozen=True, slots=True)
class Formatting:
    """What `fmt` found: the files looked at, those that change, and those that cannot be read (with why)."""

    files: tuple[str, ...]
    changed: tuple[Reformatted, ...]
    diagnostics: tuple[Diagnostic, ...]


def look(folder: Path, only: Collection[Path] = ()) -> Formatting:
    """What is not canonical in a network folder, or among `only` of its files; nothing is written.

    Raises InputError where there is no network, or for a file that is none of it.
    """
    out = Diagnostics()
    files = network_files(folder, out)
    out.raise_if_errors(InputError)
    chosen = _chosen(folder, files, only) if only else files
    found: list[Reformatted] = []
    for file in chosen:
        faults = Diagnostics()
        shown = file.encode("utf-8", "replace").decode()
        text = read_text(folder / file, shown, faults)
        made = canonical(file, text, faults) if text is not None else None
        out.extend(faults.errors)
        if text is not None and made is not None and made.encode() != (folder / file).read_bytes():
            found.append(Reformatted(file, text, made))
    return Formatting(tuple(chosen), tuple(found), out.sorted())


def write(folder: Path, found: Formatting) -> None:
    """Write what changes; each file is replaced as a whole, so that none is ever half written."""
    for one in found.changed:
        write_text(folder / one.file, one.after)


def _chosen(folder: Path, files: Collection[str], only: Collection[Path]) -> list[str]:
    known = {(folder / file).absolute().resolve(): file for file in files}
    missing = [path for path in only if path.resolve() not in known]
    if missing:
        raise InputError(
            *(
                Diagnostic(
                    "not-a-network-file",
                    f"{path} is not a file of the network folder",
                    source=Source(str(path)),
                    hint="docs/network-folder.md lists them; a path begins here, wherever --network is",
                )
                for path in missing
            )
        )
    return [known[path.resolve()] for path in only]


def _ended(lines: Iterator[str]) -> Iterator[str]:
    """Lines of a diff; one without an end is marked as `diff` does it."""
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
