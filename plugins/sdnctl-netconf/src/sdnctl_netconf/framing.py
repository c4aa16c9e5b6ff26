"""NETCONF messages in a stream of bytes (RFC 6242 §4), with bounds: no device makes us hold more than that."""

from __future__ import annotations

import re

END = b"]]>]]>"
LARGEST_MESSAGE = 16 * 2**20
"""Octets; a device that sends more in one message is not talked to any further."""
_HEADER = re.compile(rb"\n#(?:([1-9][0-9]{0,9})|#)\n")
_BEGUN = re.compile(rb"(?:\n(?:#(?:#|[1-9][0-9]{0,9})?)?)?")


class FramingError(ValueError):
    """Bytes that no NETCONF message begins or ends with; `offset` counts the octets that came before them."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(f"{what}, at octet {offset} of what the device sent")
        self.offset = offset


class Framer:
    """Cuts what arrives into messages.

    `chunked` is False until both sides have said hello and know that both speak base:1.1.
    """

    def __init__(self, limit: int = LARGEST_MESSAGE) -> None:
        self.chunked = False
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0  # octets of the buffer in which the end is known not to begin
        self._message = bytearray()  # chunks of a message that has not ended
        self._consumed = 0

    def feed(self, data: bytes) -> list[bytes]:
        """All messages that are complete now; raises FramingError, after which nothing can be fed any more."""
        self._buffer += data
        messages = []
        while (message := self._chunked() if self.chunked else self._delimited()) is not None:
            messages.append(message)
        return messages

    def _delimited(self) -> bytes | None:
        at = self._buffer.find(END, self._searched)
        if (at if at >= 0 else len(self._buffer)) > self._limit:
            raise FramingError(f"a message of more than {self._limit} octets", self._consumed)
        if at < 0:
            self._searched = max(0, len(self._buffer) - len(END) + 1)
            return None
        message = bytes(self._buffer[:at])
        self._take(at + len(END))
        return message

    def _chunked(self) -> bytes | None:
        while (header := self._header()) is not None:
            size, start = header
            if size == 0:
                self._take(start)
                message, self._message = bytes(self._message), bytearray()
                return message
            if len(self._message) + size > self._limit:
                raise FramingError(f"a message of more than {self._limit} octets", self._consumed)
            if len(self._buffer) < start + size:
                return None
            self._message += self._buffer[start : start + size]
            self._take(start + size)
        return None

    def _header(self) -> tuple[int, int] | None:
        """Size of the next chunk (0: end of message) and where it starts; None while its header is incomplete."""
        found = _HEADER.match(self._buffer)
        if found is not None:
            size = int(found[1] or 0)
            if size < 2**32 and (size or self._message):
                return size, found.end()
        elif _BEGUN.fullmatch(self._buffer):
            return None
        raise FramingError(f"{bytes(self._buffer[:16])!r} instead of the size of a chunk", self._consumed)

    def _take(self, count: int) -> None:
        del self._buffer[:count]
        self._consumed += count
        self._searched = 0


def frame(message: bytes, *, chunked: bool) -> bytes:
    """One message as it is sent."""
    return b"\n#%d\n%b\n##\n" % (len(message), message) if chunked else message + END
