"""Reading numbers and texts out of a block of bytes, never past its end.

Every step asks for what it needs before it takes it. What is not there raises a `BlockFault` that knows the block,
the place in the file and what was looked for.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass


class BlockFault(Exception):
    """A block cannot be read: its name, the offset in the file, and why."""

    def __init__(self, block: str, offset: int, why: str) -> None:
        super().__init__(f"block {block}, byte {offset:,}: {why}")
        self.block, self.offset, self.why = block, offset, why


@dataclass(slots=True)
class Cursor:
    """A place in `data`, inside the block `name` that ends before `end`. Numbers are little endian."""

    data: bytes
    name: str
    position: int
    end: int

    @property
    def left(self) -> int:
        return self.end - self.position

    def fault(self, why: str) -> BlockFault:
        return BlockFault(self.name, self.position, why)

    def need(self, count: int, what: str) -> None:
        """Raise unless `count` more bytes are in the block."""
        if count > self.left:
            raise self.fault(f"{what} takes {count:,} bytes, {max(self.left, 0):,} are left")

    def take(self, count: int, what: str) -> bytes:
        self.need(count, what)
        taken = self.data[self.position : self.position + count]
        self.position += count
        return taken

    def numbers(self, form: str, what: str) -> tuple[int, ...]:
        """Integers laid out as `struct` calls it: ``HiI`` …"""
        layout = struct.Struct("<" + form)
        found: tuple[int, ...] = layout.unpack(self.take(layout.size, what))
        return found

    def number(self, form: str, what: str) -> int:
        return self.numbers(form, what)[0]

    def text(self, what: str) -> str:
        """Characters up to a zero byte, without spaces around them. Every byte is a character (Latin 1)."""
        stop = self.data.find(b"\0", self.position, self.end)
        if stop < 0:
            raise self.fault(f"{what} has no end")
        found = self.data[self.position : stop].decode("latin-1")
        self.position = stop + 1
        return found.strip()

    def letters(self, count: int, what: str) -> str:
        """A text of fixed width."""
        return self.take(count, what).decode("latin-1").replace("\0", " ").strip()
