"""Files that commands write: complete or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.state import State, dumps


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, complete or not at all; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` by way of a temporary file beside it, so that a reader never sees half of it.

    A link is followed, and what is no file (``/dev/stdout``, a pipe) is written to as it is.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        path = path.resolve()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise InputError(
            Diagnostic("cannot-write", f"{path} cannot be written", detail=str(error), hint="choose another place")
        ) from error


def write_state(state: State, path: Path) -> None:
    """A compiled state, for `plan --against`, `--baseline` and `verify --rules`."""
    write_text(path, dumps(state))
