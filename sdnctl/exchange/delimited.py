"""Tables as text with separators: whatever encoding, separator or line ends they come in, a row at a time.

Bytes that are no UTF-8 are Windows-1252, which is what they nearly always are. Where most characters beyond ASCII
are UTF-8 nevertheless, somebody pasted a line into a file of another program: then only those bytes are.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LOOK = 1 << 16
_STRAY = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as Python hands them on."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a table was written. `stray`: bytes of a table in UTF-8 that are none, and are read as Windows-1252."""

    encoding: str
    separator: str
    stray: int = 0


def style_of(path: Path) -> Style:
    """Encoding and separator of a table, from its beginning and, where that is plain ASCII, from the rest."""
    with path.open("rb") as stream:
        head = stream.read(_LOOK)
        encoding, stray = _encoding(head, stream)
    if encoding.startswith("utf-16"):
        text = head[: len(head) // 2 * 2].decode(encoding, "replace")
    else:
        text = head.decode(encoding, "replace")
    first = text.lstrip("\ufeff").split("\n", 1)[0]
    counts = {mark: first.count(mark) for mark in ";,\t|"}
    separator = max(counts, key=lambda mark: counts[mark])
    return Style(encoding, separator if counts[separator] else ";", stray)


def _encoding(head: bytes, stream: BinaryIO) -> tuple[str, int]:
    """The encoding, and how many bytes do not fit into it."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", 0
    mark = "utf-8-sig" if head.startswith(b"\xef\xbb\xbf") else "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    stray, whole, block = 0, 0, head
    while True:
        text = decoder.decode(block, final=not block)
        if not text.isascii():
            here = len(_STRAY.findall(text))
            stray += here
            whole += len(text) - len(text.encode("ascii", "ignore")) - here
        if not block:
            return (mark, stray) if whole > stray or not stray else ("cp1252", 0)
        block = stream.read(_LOOK)


def read_rows(path: Path, style: Style) -> Iterator[tuple[int, list[str] | str]]:
    """Line number and cells of each row, the header first; of a row that cannot be read, why. Empty lines are
    none.

    Bytes that are no characters of the encoding become the replacement character; raises OSError.
    """
    codec = "latin-1" if style.encoding == "cp1252" else style.encoding
    errors = "surrogateescape" if style.stray else "replace"
    with path.open("r", encoding=codec, errors=errors, newline="") as stream:
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
            if not row:
                continue
            if style.encoding == "cp1252":
                row = [_windows(cell) for cell in row]
            elif style.stray:
                row = [_STRAY.sub(_pasted, cell) for cell in row]
            yield begin, row


def _without_nul(stream: io.TextIOWrapper) -> Iterator[str]:
    for line in stream:
        yield line.replace("\0", "")


def _pasted(match: re.Match[str]) -> str:
    return _windows(chr(ord(match.group()) - 0xDC00))


def _windows(cell: str) -> str:
    """Latin-1 read as what it nearly always is: Windows-1252, where that has a character."""
    if cell.isascii():
        return cell
    return cell.encode("latin-1").decode("cp1252", "replace") if any("\x80" <= c <= "\x9f" for c in cell) else cell
