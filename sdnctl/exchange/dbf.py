"""Tables of dBASE III (.dbf), as shapefiles have them: every cell as the text that stands in the file.

Numbers and dates stay text, because a delivery has to come back as it came: ``12.30`` is not ``12.3``. A reader
goes through the file a block at a time. A writer sets the date in the header to a constant, so that the same
rows are the same bytes on every day.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

WIDEST = 254
"""Characters that a field can hold."""
_DATE = bytes((100, 1, 1))
_BLOCK = 1 << 20
_ACCENTS = re.compile(rb"(?:[\x00-\x7f]|[\xc2\xc3][\x80-\xbf]|\xc5[\x92\x93]|\xe2\x80[\x80-\xbf]|\xe2\x82\xac)+")
"""UTF-8 with Latin-1, the ligature oe, typographic marks and the euro sign."""


class TableError(ValueError):
    """Bytes that are no such table, and where that shows."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column: `kind` C, N, F, D or L, its width in bytes, and digits after the point."""

    name: str
    kind: str = "C"
    width: int = WIDEST
    decimals: int = 0


def codec_of(code: int, page: str) -> str:
    """The encoding of a table from the text of its .cpg file and the language byte of its header."""
    page = page.strip().lower().replace("_", "-")
    if page in ("utf-8", "utf8", "65001"):
        return "utf-8"
    if page in ("iso-8859-1", "8859-1", "iso 8859-1", "88591", "latin1", "latin-1"):
        return "latin-1"
    if page in ("1252", "ansi 1252", "cp1252", "windows-1252") or code in (0x03, 0x57, 0x58, 0x59):
        return "cp1252"
    return ""


class Reader:
    """The columns of a table, and its rows one after the other. Raises TableError where the header is wrong.

    `page`: the text of the .cpg file. `otherwise` counts texts that are not in the encoding that was named.
    """

    def __init__(self, stream: BinaryIO, page: str = "") -> None:
        self.stream = stream
        head = stream.read(32)
        if len(head) < 32:
            raise TableError("the header ends too early")
        self.count, length, self.size = struct.unpack("<4xIHH20x", head)
        fields = stream.read(max(0, length - 32))
        if len(fields) < length - 32 or length < 33:
            raise TableError("the header ends too early")
        self.codec, self.otherwise = codec_of(head[29], page), 0
        self.fields = tuple(self._fields(fields))
        if not self.fields or sum(one.width for one in self.fields) + 1 != self.size:
            raise TableError(f"the columns do not fill rows of {self.size} bytes")

    def _fields(self, data: bytes) -> Iterator[Field]:
        for start in range(0, len(data) - 31, 32):
            if data[start] == 0x0D:
                return
            name, kind, width, decimals = struct.unpack_from("<11sc4xBB14x", data, start)
            yield Field(self.text(name.split(b"\0")[0]), kind.decode("latin-1"), width, decimals)

    def text(self, raw: bytes) -> str:
        """Bytes as text: in the encoding that was named, else UTF-8 where they are, else Windows-1252.

        What is named as another encoding and is UTF-8 with the accents of Western Europe, is UTF-8: no word of a
        language looks like that by chance.
        """
        if raw.isascii():
            return raw.decode("ascii")
        if self.codec not in ("", "utf-8") and _ACCENTS.fullmatch(raw):
            self.otherwise += 1
            return raw.decode("utf-8")
        for codec in (self.codec or "utf-8", "utf-8", "cp1252"):
            try:
                text = raw.decode(codec)
            except UnicodeDecodeError:
                continue
            self.otherwise += bool(self.codec) and codec != self.codec
            return text
        return raw.decode("latin-1")

    def rows(self) -> Iterator[list[str] | None]:
        """The cells of each row, None for a row that was deleted; raises TableError where the file is cut off."""
        left = self.count
        while left:
            wanted = min(left, max(1, _BLOCK // self.size)) * self.size
            block = self.stream.read(wanted)
            whole = len(block) - len(block) % self.size
            for start in range(0, whole, self.size):
                yield self._row(block[start : start + self.size])
            left -= whole // self.size
            if left and len(block) < wanted:
                raise TableError(f"the table ends {left:,} rows too early")

    def _row(self, raw: bytes) -> list[str] | None:
        if raw[:1] == b"*":
            return None
        cells, at = [], 1
        for one in self.fields:
            cell = raw[at : at + one.width]
            at += one.width
            text = self.text(cell.split(b"\0")[0]).rstrip(" ")
            cells.append(text.lstrip(" ") if one.kind in "NFDL" else text)
        return cells


def fitting(text: str, width: int) -> bytes:
    """Text as UTF-8 of at most so many bytes, no character cut in two."""
    return text.encode("utf-8")[:width].decode("utf-8", "ignore").encode("utf-8")


class Writer:
    """Writes rows one after the other; `close` puts their number into the header."""

    def __init__(self, stream: BinaryIO, fields: Sequence[Field]) -> None:
        self.stream, self.fields, self.count = stream, tuple(fields), 0
        self._head()

    def _head(self) -> None:
        length, size = 32 + 32 * len(self.fields) + 1, 1 + sum(one.width for one in self.fields)
        self.stream.write(struct.pack("<B3sIHH20x", 3, _DATE, self.count, length, size))
        for one in self.fields:
            name = fitting(one.name, 10)
            self.stream.write(
                struct.pack("<11sc4xBB14x", name, one.kind.encode("latin-1"), one.width, one.decimals)
            )
        self.stream.write(b"\r")

    def write(self, cells: Iterable[str]) -> bool:
        """One row; False where a cell was too long for its column and is cut off."""
        out, whole = [b" "], True
        for one, cell in zip(self.fields, cells, strict=True):
            raw = fitting(cell, one.width)
            whole = whole and len(raw) == len(cell.encode("utf-8"))
            out.append(raw.rjust(one.width) if one.kind in "NF" else raw.ljust(one.width))
        self.stream.write(b"".join(out))
        self.count += 1
        return whole

    def close(self) -> None:
        self.stream.write(b"\x1a")
        self.stream.seek(4)
        self.stream.write(struct.pack("<I", self.count))
        self.stream.flush()
