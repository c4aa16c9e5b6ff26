"""Bytes of the folder's files as text; whatever is wrong with the bytes is a diagnostic, never an exception."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sdnctl.errors import Diagnostics, Source

MAX_BYTES = 256 * 1024 * 1024
"""Larger files are refused: nobody edits them, and reading one by mistake would exhaust memory."""
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_text(path: Path, file: str, out: Diagnostics) -> str | None:
    """The text of a regular UTF-8 file, or None with a diagnostic.

    `file` is the name for people, relative to the network folder. A byte order mark is dropped with a warning.
    """
    data = _read(path, file, out)
    if data is None:
        return None
    for mark, name in _BOMS.items():
        if data.startswith(mark):
            out.error(
                "not-utf8",
                f"the file is {name}, not UTF-8",
                source=Source(file, 1),
                hint="Save it as UTF-8 without byte order mark.",
            )
            return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        out.error(
            "not-utf8",
            "the file is not UTF-8",
            source=Source(file, line),
            detail=f"Byte {data[error.start]:#04x} at offset {error.start} is not part of a character.",
            hint="Save it as UTF-8; `iconv -f latin1 -t utf8` converts from Latin-1.",
        )
        return None
    if text.startswith("\ufeff"):
        out.warning(
            "byte-order-mark",
            "the file begins with a byte order mark",
            source=Source(file, 1),
            hint="Save it as UTF-8 without byte order mark.",
        )
        text = text[1:]
    return text


def _read(path: Path, file: str, out: Diagnostics) -> bytes | None:
    try:
        # without O_NONBLOCK a named pipe in the folder would hang the program
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                _unreadable(file, "It is not a regular file.", out)
                return None
            if status.st_size > MAX_BYTES:
                out.error(
                    "too-large",
                    f"the file has {status.st_size} bytes, more than {MAX_BYTES}",
                    source=Source(file),
                    hint="Is it really a file of the network folder?",
                )
                return None
            return stream.read()
    except OSError as error:
        _unreadable(file, f"{error.strerror or error}.", out)
        return None


def _unreadable(file: str, detail: str, out: Diagnostics) -> None:
    out.error(
        "unreadable",
        "the file cannot be read",
        source=Source(file),
        detail=detail,
        hint="Correct its permissions, or delete it.",
    )
