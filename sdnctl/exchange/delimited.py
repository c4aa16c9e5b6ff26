"""Tables as text with separators: whatever encoding, separator or line ends they come in, a row at a time."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LOOK = 1 << 16


@dataclass(frozen=True, slots=True)
class Style:
    """How a table was written."""

    encoding: str
    separator: str


def style_of(path: Path) -> Style:
    """Encoding and separator of a table, from its beginning and, where that is plain ASCII, from the rest."""
    with path.open("rb") as stream:
        head = stream.read(_LOOK)
        encoding = _encoding(head, stream)
    if encoding.startswith("utf-16"):
        text = head[: len(head) // 2 * 2].decode(encoding, "replace")
    else:
        text = head.decode(encoding, "replace")
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    counts = {mark: first.count(mark) for mark in ";,\t|"}
    separator = max(counts, key=lambda mark: counts[mark])
    return Style(encoding, separator if counts[separator] else ";")


def _encoding(head: bytes, stream: BinaryIO) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    mark = "utf-8-sig" if head.startswith(b"\xef\xbb\xbf") else "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")()
    block = head
    while True:
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            return "cp1252"
        if not block:
            return mark
        block = stream.read(_LOOK)


def read_rows(path: Path, style: Style) -> Iterator[tuple[int, list[str] | str]]:
    """Line number and cells of each row, the header first; of a row that cannot be read, why. Empty lines are
    none.

    Bytes that are no characters of the encoding become the replacement character; raises OSError.
    """
    codec = "latin-1" if style.encoding == "cp1252" else style.encoding
    with path.open("r", encoding=codec, errors="replace", newline="") as stream:
        reader = csv.reader(_without_nul(stream), delimiter=style.separator)
        while True:
            begin = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                yield begin, str(error)
                continue
            if row is None:
                return
            if row:
                yield begin, [_windows(cell) for cell in row] if style.encoding == "cp1252" else row


def _without_nul(stream: io.TextIOWrapper) -> Iterator[str]:
    for line in stream:
        yield line.replace("\0", "")


def _windows(cell: str) -> str:
    """Latin-1 read as what it nearly always is: Windows-1252, where that has a character."""
    if cell.isascii():
        return cell
    return cell.encode("latin-1").decode("cp1252", "replace") if any("\x80" <= c <= "\x9f" for c in cell) else cell
