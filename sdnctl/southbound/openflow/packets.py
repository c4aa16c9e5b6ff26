"""Packets that a switch sends up, and messages that answer them, without anybody waiting.

Both are bounded. A switch can send packets faster than anybody handles them; they are then dropped here and
counted, and everything else on the connection (echoes, replies, rules) goes on: a turn of the event loop handles
some packets of each switch, and no more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sdnctl.southbound.openflow.codec.packet import PacketIn, decode_packet_in
from sdnctl.southbound.openflow.codec.wire import Malformed
from sdnctl.southbound.openflow.metrics import ChannelMetrics

PER_TURN = 256
"""Packets of one switch that are handled before all others have their turn: some milliseconds."""
WAITING, WAITING_OCTETS = 4_096, 1 << 20
"""Packets, and octets of packets, of one switch that wait to be handled."""

PacketListener = Callable[[PacketIn], None]
"""Called with each packet that the switch sends us; must not wait and not raise."""


class PacketQueue:
    """Packets from one switch on their way to who listens."""

    __slots__ = ("_broken", "_loop", "_metrics", "_octets", "_waiting", "listeners")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, metrics: ChannelMetrics, broken: Callable[[Malformed], None]
    ) -> None:
        """`broken` is called when what the switch sent is no packet_in."""
        self.listeners: list[PacketListener] = []
        self._loop, self._metrics, self._broken = loop, metrics, broken
        self._waiting: deque[bytes] | None = None  # made for the first: most switches never send any
        self._octets = 0

    def __len__(self) -> int:
        return len(self._waiting) if self._waiting is not None else 0

    def add(self, body: bytes) -> None:
        """Take the body of a packet_in; without listeners it is nobody's."""
        if not self.listeners:
            return
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) >= WAITING or self._octets + len(body) > WAITING_OCTETS:
            self._metrics.dropped_packets.inc()
            return
        if not self._waiting:
            self._loop.call_soon(self._tell)
        self._waiting.append(body)
        self._octets += len(body)

    def clear(self) -> None:
        """Forget what waits: the connection has ended."""
        self._waiting = None
        self._octets = 0

    def _tell(self) -> None:
        listeners = tuple(self.listeners)
        try:
            for _ in range(PER_TURN):
                if not self._waiting:  # all told, or a listener closed the connection
                    return
                body = self._waiting.popleft()
                self._octets -= len(body)
                packet = decode_packet_in(body)
                for told in listeners:
                    told(packet)
        except Malformed as error:
            self._broken(error)
        finally:
            if self._waiting:
                self._loop.call_soon(self._tell)


class Outbox:
    """Messages that are written together at the end of a turn of the event loop."""

    __slots__ = ("_loop", "_messages", "_write", "octets")

    def __init__(self, loop: asyncio.AbstractEventLoop, write: Callable[[bytes], None]) -> None:
        self._loop, self._write = loop, write
        self._messages: list[bytes] = []
        self.octets = 0

    def add(self, message: bytes) -> None:
        if not self._messages:
            self._loop.call_soon(self._flush)
        self._messages.append(message)
        self.octets += len(message)

    def clear(self) -> None:
        """Forget what was not written: the connection has ended."""
        self._messages.clear()
        self.octets = 0

    def _flush(self) -> None:
        data = b"".join(self._messages)
        self.clear()
        if data:
            self._write(data)
