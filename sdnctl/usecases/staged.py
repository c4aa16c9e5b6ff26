"""What is about to be committed: whether its files are canonical, and whether it is a network. For hooks.

The index is looked at, not the working tree: what is not staged neither helps nor hinders.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError
from sdnctl.usecases.files import write_text
from sdnctl.usecases.formatting import Formatting, look
from sdnctl.workspace.folder import load_network
from sdnctl.workspace.revisions import export_staged, hook_path, start_repository, top_of

MARK = "# Written by `sdnctl hook install`."
HOOK = "pre-commit"


@dataclass(frozen=True, slots=True)
class Staged:
    """How the files are written that are staged in the folder, and what is wrong with the network."""

    formatting: Formatting
    diagnostics: tuple[Diagnostic, ...]
    valid: bool

    @property
    def ok(self) -> bool:
        return self.valid and not self.formatting.changed


def check_staged(folder: Path) -> Staged:
    """Check what is staged of a network folder; raises InputError where that cannot be read."""
    with tempfile.TemporaryDirectory(prefix="sdnctl-") as name:
        export_staged(folder, Path(name))
        formatting = look(Path(name))
        try:
            return Staged(formatting, load_network(Path(name)).diagnostics, valid=True)
        except InputError as error:  # whatever fmt cannot read, the loader reports as well
            return Staged(formatting, error.diagnostics, valid=False)


def repository(folder: Path) -> None:
    """Make a git repository of a folder that is in none; raises InputError where git cannot."""
    if top_of(folder) is None:
        start_repository(folder)


def install_hook(folder: Path, *, force: bool = False) -> Path:
    """Write git's pre-commit hook for a network folder; returns its path.

    Raises InputError where there is no repository, or a hook of somebody else's unless `force`.
    """
    top = top_of(folder)
    if top is None:
        raise InputError(
            Diagnostic(
                "no-repository",
                f"{folder} is not in a git repository",
                hint="`git init` makes one, then `sdnctl hook install`",
            )
        )
    place = hook_path(folder, HOOK)
    if not force and place.exists() and MARK not in place.read_text(encoding="utf-8", errors="replace"):
        raise InputError(
            Diagnostic(
                "hook-exists",
                f"there is a {HOOK} hook already",
                detail=str(place),
                hint="add the line `sdnctl hook check` to it, or replace it with --force",
            )
        )
    inside = os.path.relpath(folder.resolve(), top.resolve())
    place.parent.mkdir(parents=True, exist_ok=True)
    write_text(place, _script(inside))
    place.chmod(0o755)
    return place


def _script(inside: str) -> str:
    """The hook: the sdnctl that installed it, where that is still there, else the one on the path."""
    own = shlex.quote(sys.executable)
    arguments = f"--network {shlex.quote(inside)} hook check"
    return (
        f"#!/bin/sh\n{MARK} What is staged must be canonical and a valid network.\n"
        f"if [ -x {own} ]; then exec {own} -m sdnctl {arguments}; fi\n"
        f"exec sdnctl {arguments}\n"
    )
