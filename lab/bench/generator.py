"""A switch that only sends packets up: ``python -m lab.bench.generator PORT PACKETS AHEAD``.

As cbench: it dials in, shakes hands, keeps `AHEAD` packets on their way, and takes each answer, which must be a
flow_mod and a packet_out that carries the packet's own number. It prints packets a second; with one packet on its
way that is the round trip. A process of its own, the same one for every controller.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

from sdnctl.southbound.openflow.codec.multipart import Part
from sdnctl.southbound.openflow.codec.session import Features, encode_features, hello
from sdnctl.southbound.openflow.codec.wire import NO_BUFFER, Type, message

_HEADER = struct.Struct("!BBHI")
_MATCH = struct.pack("!HHII4x2x", 1, 12, 0x80000004, 3)  # in_port 3
_REST = bytes(64 - 18)
DPID = 0xBE7C


def packet(number: int) -> bytes:
    """A packet_in with a frame of 64 octets: number in the destination, so every flow is another one."""
    frame = struct.pack("!HI6sH", 0x0200, number, b"\x02\0\0\0\0\7", 0x0800) + struct.pack("!I", number) + _REST
    return message(Type.PACKET_IN, 0, struct.pack("!IHBBQ", NO_BUFFER, len(frame), 0, 0, 0) + _MATCH + frame)


class Generator:
    def __init__(self, port: int) -> None:
        self._connection = _connect(port)
        self._buffer = b""
        self.flows = self.packets = 0
        self.expected = 0

    def shake_hands(self) -> None:
        """Answer what a controller asks, until it has asked nothing for a moment."""
        self._connection.sendall(hello(1))
        self._connection.settimeout(1.0)
        try:
            while True:
                self._take(self._connection.recv(65536))
        except TimeoutError:
            self._connection.settimeout(30.0)

    def run(self, count: int, ahead: int) -> float:
        """Seconds for `count` packets, `ahead` of them on their way."""
        started, first = time.perf_counter(), self.packets
        sent = 0
        while self.packets - first < count:
            room = min(count, self.packets - first + ahead) - sent
            if room > 0:
                base = first + sent
                self._connection.sendall(b"".join([packet(base + number) for number in range(room)]))
                sent += room
            data = self._connection.recv(262_144)
            if not data:
                raise AssertionError("the controller hung up")
            self._take(data)
        if self.flows != self.packets:
            raise AssertionError(f"{self.packets} packets came back, with {self.flows} flows")
        return time.perf_counter() - started

    def _take(self, data: bytes) -> None:
        data = self._buffer + data
        position, end = 0, len(data)
        while end - position >= 8:
            _, kind, length, xid = _HEADER.unpack_from(data, position)
            if end - position < length:
                break
            if kind == Type.FLOW_MOD:
                self.flows += 1
            elif kind == Type.PACKET_OUT:
                (number,) = struct.unpack_from("!I", data, position + length - len(_REST) - 4)
                if number != self.expected:
                    raise AssertionError(f"packet {self.expected} was due, {number} came")
                self.expected += 1
                self.packets += 1
            else:
                self._answer(kind, xid, data[position + 8 : position + length])
            position += length
        self._buffer = data[position:]

    def _answer(self, kind: int, xid: int, body: bytes) -> None:
        if kind == Type.FEATURES_REQUEST:
            self._connection.sendall(encode_features(Features(DPID, 0, 254, 0, 0x4F), xid))
        elif kind == Type.ECHO_REQUEST:
            self._connection.sendall(message(Type.ECHO_REPLY, xid, body))
        elif kind == Type.BARRIER_REQUEST:
            self._connection.sendall(message(Type.BARRIER_REPLY, xid))
        elif kind == Type.MULTIPART_REQUEST and int.from_bytes(body[:2], "big") == Part.PORT_DESCRIPTION:
            self._connection.sendall(message(Type.MULTIPART_REPLY, xid, body[:2] + bytes(6)))


def _connect(port: int) -> socket.socket:
    for _ in range(200):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            time.sleep(0.05)
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
    raise AssertionError(f"nobody listens on port {port}")


def main() -> None:
    port, count, ahead = map(int, sys.argv[1:])
    generator = Generator(port)
    generator.shake_hands()
    generator.run(min(count, 2_000), ahead)  # warm
    print(count / generator.run(count, ahead), flush=True)


if __name__ == "__main__":
    main()
