"""What all imports and exports share: results, and files that are written all or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError
from sdnctl.usecases.files import write_bytes

LARGEST = 512 * 1024 * 1024
"""Bytes of a foreign file that is still read."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made: the files of the new folder (relative to it), how many objects of which kind
    (``{"sites": 12, …}``), and what was found in the source."""

    folder: Path
    files: tuple[Path, ...]
    counts: dict[str, int]
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote below (or as) `target`; `changed` are the files that were not there like this before.

    `findings` name what the format has no place for.
    """

    target: Path
    files: tuple[Path, ...]
    counts: dict[str, int]
    findings: tuple[Diagnostic, ...] = ()
    changed: tuple[Path, ...] = field(default=())


def read_source(path: Path, largest: int = LARGEST) -> bytes:
    """The bytes of a foreign file; raises InputError where it cannot be read or is larger than `largest`."""
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            Diagnostic("cannot-read", f"{path} cannot be read", detail=str(error), hint="check the name")
        ) from error
    if len(content) > largest:
        raise InputError(
            Diagnostic(
                "too-large",
                f"{path} is larger than {largest:,} bytes",
                hint="export it in parts, such as one commune at a time",
            )
        )
    return content


def make_folder(folder: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Make a network folder of these files (path in it → bytes); all of them, or nothing.

    Returns the files, relative to the folder. Raises InputError when the folder is there and not empty, or cannot
    be made. A folder that is there and empty is filled, ``network.yaml`` last.
    """
    refuse_full(folder)
    with new_folder(folder) as copy:
        for name, content in {".gitignore": b".sdnctl/\n", **contents}.items():
            path = copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return tuple(sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file()))


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `folder` when that went well; nothing is left of it when it did not.

    A `folder` that is there and empty is filled, ``network.yaml`` last. Raises InputError when it cannot be made.
    """
    try:
        place = folder.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as made:
            copy = Path(made) / "network"
            copy.mkdir()
            yield copy
            for entry in (copy, *copy.rglob("*")):
                entry.chmod(0o755 if entry.is_dir() else 0o644)
            if folder.exists():
                for entry in sorted(copy.iterdir(), key=lambda entry: entry.name == "network.yaml"):
                    os.replace(entry, folder / entry.name)
            else:
                os.replace(copy, folder)
    except OSError as error:
        raise InputError(
            Diagnostic("cannot-write", f"{folder} cannot be made", detail=str(error), hint="choose another place")
        ) from error


def refuse_full(folder: Path) -> None:
    """Raise InputError unless a new network can be made at `folder`: nothing there, or an empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            Diagnostic(
                "folder-not-empty",
                f"{folder} exists and is not an empty folder",
                hint="choose another name, or empty it yourself: import overwrites nothing",
            )
        )


def write_files(target: Path, contents: Mapping[str, bytes]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Write files below the folder `target`; what is there with the same bytes is left alone.

    Returns all files and those that changed, relative to `target`. Raises InputError when one cannot be written.
    """
    changed = []
    for name, content in contents.items():
        path = target / name
        if write_if_new(path, content):
            changed.append(Path(name))
    return tuple(map(Path, contents)), tuple(changed)


def write_if_new(path: Path, content: bytes) -> bool:
    """Write one file, complete or not at all, unless it has these bytes already; whether it was written."""
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            Diagnostic("cannot-write", f"{path} cannot be written", detail=str(error), hint="choose another place")
        ) from error
    write_bytes(path, content)
    return True
