"""Every file of a network folder to a document; what cannot be read or validated is reported and noted."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.references import Head
from sdnctl.workspace.convention import APPLICATION, FILES, FOLDERS, NETWORK, Kind, kind_of
from sdnctl.workspace.files import read_text
from sdnctl.workspace.tables import parse_csv, parse_geojson
from sdnctl.workspace.tree import Node
from sdnctl.workspace.validate import validate
from sdnctl.workspace.yaml import parse_yaml


@dataclass(slots=True)
class Read:
    """What was read. `lost`: files of which nothing is usable; `broken`: ids of objects that were left out.

    `heads`: applications whose file has faults, as far as their names can be read.
    """

    documents: dict[str, Document[Any]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    heads: list[Document[Head]] = field(default_factory=list)


def read_folder(folder: Path, out: Diagnostics) -> Read:
    """Read all files of the convention; name what else lies in their folders."""
    read = Read()
    files = _list(folder, out)
    if files is None:
        return read
    known = {file: kind for file in files if (kind := kind_of(file)) is not None}
    if not known:
        _no_network(folder, out)
        return read
    if NETWORK not in known:
        out.error(
            "missing-file",
            f"{NETWORK} is missing",
            source=Source(NETWORK),
            hint="Write it; the least is a line such as 'name: my-network'.",
        )
    for file in sorted(files):
        if file in known:
            _read_one(folder / file, file, known[file], read, out)
        else:
            _stray(file, out)
    return read


def network_files(folder: Path, out: Diagnostics) -> list[str]:
    """Paths of the files of the convention that a folder has, sorted; an error where there are none."""
    files = _list(folder, out)
    known = sorted(file for file in files or () if kind_of(file) is not None)
    if files is not None and not known:
        _no_network(folder, out)
    return known


def _no_network(folder: Path, out: Diagnostics) -> None:
    out.error(
        "empty-folder",
        "there is no network in this folder",
        source=Source(folder.name or str(folder)),
        detail=f"It has none of the files of a network folder, not even {NETWORK}.",
        hint="`sdnctl init DIR --example small` makes one; `--network DIR` names another folder.",
    )


def read_file(folder: Path, file: str, out: Diagnostics) -> Document[Any] | None:
    """One file of the convention by itself, None where nothing of it is usable; KeyError for other files."""
    read = Read()
    _read_one(folder / file, file, FILES[file], read, out)
    return read.documents.get(file)


def _list(folder: Path, out: Diagnostics) -> list[str] | None:
    """Files of the folder and its three subfolders, but hidden ones; None if there is no folder."""
    if not folder.is_dir():
        out.error(
            "no-such-folder",
            f"there is no folder {folder.name or folder}"
            if not folder.exists()
            else f"{folder.name} is not a folder",
            source=Source(str(folder)),
            hint="`sdnctl init DIR --example small` makes one; `--network DIR` names another folder.",
        )
        return None
    files = []
    for below in ("", *FOLDERS):
        try:
            names = sorted(os.listdir(folder / below)) if (folder / below).is_dir() else []
        except OSError as error:
            out.error(
                "unreadable",
                "the folder cannot be read",
                source=Source(below or folder.name),
                detail=f"{error.strerror or error}.",
                hint="Correct its permissions.",
            )
            continue
        files += [f"{below}/{name}" if below else name for name in names if not name.startswith(".")]
    return [file for file in files if file not in FOLDERS]


def _stray(file: str, out: Diagnostics) -> None:
    """A file nobody reads: worth a warning where it looks as if somebody thought otherwise."""
    path = PurePosixPath(file)
    if path.name.upper().startswith("README") or path.suffix == ".md":
        return
    wanted = {PurePosixPath(name).name: name for name in FILES}
    if path.parent == PurePosixPath("."):
        renamed = path.with_suffix(".yaml").name if path.suffix == ".yml" else path.name
        if renamed not in wanted:
            return  # an operator's repository holds other things too
        hint = f"Did you mean {wanted[renamed]}?"
    elif path.suffix == ".yml":
        hint = f"Did you mean {path.with_suffix('.yaml')}?"
    else:
        meant = _nearest(
            path, [PurePosixPath(name) for name in FILES if PurePosixPath(name).parent == path.parent]
        )
        hint = f"Did you mean {meant}?" if meant else "Move it elsewhere, or see docs/network-folder.md."
    shown = file.encode("utf-8", "replace").decode()
    out.warning(
        "stray-file", "the file is not part of a network folder: it is not read", source=Source(shown), hint=hint
    )


def _nearest(path: PurePosixPath, names: list[PurePosixPath]) -> PurePosixPath | None:
    """The file of the convention that a name resembles; of one name's forms that with its extension."""
    close = get_close_matches(path.stem, {name.stem: None for name in names}, n=1)
    forms = [name for name in names if close and name.stem == close[0]]
    return min(forms, key=lambda name: name.suffix != path.suffix, default=None)


def _read_one(path: Path, file: str, kind: Kind, read: Read, out: Diagnostics) -> None:
    shown = file.encode("utf-8", "replace").decode()  # names of files need not be text
    before = len(out.errors)
    text = read_text(path, shown, out)
    if text is not None:
        if kind.format == "yaml":
            _read_yaml(text, shown, kind, read, out)
        else:
            rows = (parse_csv if kind.format == "csv" else parse_geojson)(text, kind.model, shown, out)
            if rows is not None:
                read.documents[shown] = rows.document
                read.broken |= rows.broken
    if shown not in read.documents and len(out.errors) > before:
        read.lost.add(shown)


def _read_yaml(text: str, file: str, kind: Kind, read: Read, out: Diagnostics) -> None:
    required = any(item.is_required() for item in kind.model.model_fields.values())
    tree = parse_yaml(text, file, out, may_be_empty=not required)
    if tree is None:
        return
    checked = validate(tree, kind.model, file, out)
    read.broken |= checked.broken
    if checked.document is not None:
        read.documents[file] = checked.document
    elif kind is APPLICATION and (found := _head(tree)) is not None:
        read.heads.append(Document(file, found, tree.lines()))


def _head(tree: Node) -> Head | None:
    """The names that a faulty application's file does tell."""

    def text(*path: str | int) -> str | None:
        node = tree.at(path)
        return node.value if node is not None and isinstance(node.value, str) else None

    name = text("application")
    if name is None:
        return None
    avoid: list[tuple[KeyPath, str]] = []
    node = tree.at(("guarantees", "avoid"))
    for index, item in enumerate(node.value if node is not None and isinstance(node.value, list) else []):
        if isinstance(item.value, str):
            avoid.append((("guarantees", "avoid", index), item.value))
    return Head(name, text("tenant"), text("class"), tuple(avoid))
