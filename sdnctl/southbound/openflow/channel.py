"""One OpenFlow 1.3 connection: framing, handshake, requests, batches, keep-alive.

A channel belongs to one event loop. Everything that goes wrong ends it exactly once, with one error
that all who wait on it get: `Malformed` for bytes that are not the protocol, DeviceUnreachable for
a connection that closed, timed out or stopped answering.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from hashlib import sha256
from time import perf_counter
from typing import Any, TypeVar, cast

from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, Diagnostic
from sdnctl.southbound.openflow.codec.faults import (
    HELLO_FAILED,
    INCOMPATIBLE,
    SwitchError,
    decode_error,
    encode_error,
)
from sdnctl.southbound.openflow.codec.multipart import Part, multipart_request
from sdnctl.southbound.openflow.codec.ports import PortDescription, decode_port_status
from sdnctl.southbound.openflow.codec.session import Features, decode_features, decode_hello, hello
from sdnctl.southbound.openflow.codec.wire import HEADER, VERSION, Frame, Malformed, Type, message, type_name
from sdnctl.southbound.openflow.keepalive import KeepAlive, probed_by_kernel
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.southbound.openflow.packets import Outbox, PacketQueue
from sdnctl.southbound.openflow.packets import PacketListener as PacketListener
from sdnctl.southbound.openflow.receiving import received_into
from sdnctl.southbound.openflow.waiting import Multipart, Reply, Waiting, fail, seen
from sdnctl.southbound.openflow.waiting import Timing as Timing

logger = logging.getLogger(__name__)
T = TypeVar("T")

WRITE_SIZE = 64 * 1024
"""Octets written at once: message by message costs a switch several times the processing."""
WRITE_BUFFER = 4 * WRITE_SIZE
"""Octets waiting to be sent before a sender is paused."""
FLOODED = 16 * WRITE_BUFFER
"""Octets of replies that a peer makes us queue without reading them, after which it is cut off."""

PortListener = Callable[[int, PortDescription], None]
"""Called with the reason and the port of each port status message."""
COMPLAINTS = 10
"""Errors about nothing that was asked that are logged of one connection; all are counted."""


class Channel(asyncio.BufferedProtocol):
    """A connection to one switch; ready for use when `handshake` has returned."""

    def __init__(self, device: str, metrics: ChannelMetrics, timing: Timing | None = None) -> None:
        self.device = device
        self.metrics = metrics
        self.timing = timing or Timing()
        self.features = Features(0, 0, 0, 0, 0)
        self.port_listeners: list[PortListener] = []
        self.closed: asyncio.Future[DeviceError] = asyncio.get_running_loop().create_future()
        self.rules = 0  # that the driver holds in memory for this switch
        self.seconds = 0.0  # of computing that its messages took
        self._loop = asyncio.get_running_loop()
        self._packets = PacketQueue(self._loop, metrics, self._malformed)
        self._transport: asyncio.Transport | None = None
        self._greeting: asyncio.Future[None] = self._loop.create_future()
        self._ready = False
        self._buffer = b""
        self._waiting = Waiting(device)
        self._paused: asyncio.Future[None] | None = None  # while the switch reads slower than we write
        self._posted = Outbox(self._loop, self._answer)
        self._complaints = 0
        self._alive = KeepAlive(self._loop, self.timing, self._echo, self._gone, self._stalled)
        metrics.watch(self)

    @property
    def packet_listeners(self) -> list[PacketListener]:
        """Who is called with each packet that the switch sends up."""
        return self._packets.listeners

    @property
    def spoke(self) -> bool:
        """Whether anything has come from the other end yet."""
        return self._greeting.done() or bool(self._buffer)

    # ── asyncio's side ───────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        probed_by_kernel(transport.get_extra_info("socket"))

    def pause_writing(self) -> None:
        if self._paused is None:
            self._paused = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._paused is not None:
            self._paused.set_result(None)
            self._paused = None

    def connection_lost(self, error: Exception | None) -> None:
        self._end(
            self.unreachable("the connection was lost" if error else "the switch closed the connection", error)
        )

    def get_buffer(self, sizehint: int) -> memoryview:
        return received_into()

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(received_into()[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Take octets that have arrived."""
        started = perf_counter()
        self._receive(data)
        self.seconds += perf_counter() - started

    def _receive(self, data: bytes) -> None:
        self.metrics.received.inc(len(data))
        if self._buffer:
            data = self._buffer + data
        position, end = 0, len(data)
        try:
            while end - position >= HEADER.size and not self.closed.done():
                version, kind, length, xid = HEADER.unpack_from(data, position)
                self._check_header(version, kind, length)
                if end - position < length:
                    break
                self._dispatch(Frame(version, kind, xid, data[position + HEADER.size : position + length]))
                position += length
        except Malformed as error:
            self._malformed(error)
            return
        self._buffer = data[position:]
        self._alive.heard(complete=position > 0, rest=bool(self._buffer))

    # ── receiving ────────────────────────────────────────────────────────────────────────────────

    def _check_header(self, version: int, kind: int, length: int) -> None:
        name = type_name(kind)
        if length < HEADER.size:
            raise Malformed(name, 2, f"length {length} is shorter than the header")
        if self._greeting.done():
            if version != VERSION and kind != Type.ERROR:
                raise Malformed(name, 0, f"wire version {version} after {VERSION} was agreed")
            if kind > Type.METER_MOD:
                raise Malformed(name, 1, "no such message")
        elif kind not in (Type.HELLO, Type.ERROR) or not 0 < version < 0x80:
            raise Malformed(name, 0, f"{name} of version {version} where a hello was expected")

    def _dispatch(self, frame: Frame) -> None:
        if frame.type == Type.ERROR:
            self._error(frame)
        elif frame.type == Type.HELLO:
            self._hello(frame)
        elif frame.type == Type.ECHO_REQUEST:
            self._answer(message(Type.ECHO_REPLY, frame.xid, frame.body))
        elif frame.type == Type.PACKET_IN:
            self._packets.add(frame.body)
        elif frame.type == Type.PORT_STATUS:
            reason, port = decode_port_status(frame.body)
            for listener in tuple(self.port_listeners):
                listener(reason, port)
        elif not self._waiting.receive(frame) and frame.type != Type.ECHO_REPLY:  # which was a sign of life
            self.metrics.unmatched.labels(type_name(frame.type)).inc()
            logger.debug("%s: %s answers nothing that was asked", self.device, type_name(frame.type))

    def _hello(self, frame: Frame) -> None:
        if self._greeting.done():
            return
        versions = decode_hello(frame.version, frame.body)
        if VERSION in versions:
            self._greeting.set_result(None)
            return
        self._answer(encode_error(frame.xid, HELLO_FAILED, INCOMPATIBLE, b"OpenFlow 1.3 only"))
        spoken = ", ".join(f"{number:#04x}" for number in sorted(versions)) or "none"
        self._greeting.set_exception(
            self._refused(
                f"speaks wire versions {spoken}, not OpenFlow 1.3 ({VERSION:#04x})",
                "allow OpenFlow13 on the switch (ovs-vsctl set bridge BRIDGE protocols=OpenFlow13)",
            )
        )

    def _error(self, frame: Frame) -> None:
        error = decode_error(frame.body)
        if not self._greeting.done():
            text = error.data.decode("utf-8", "backslashreplace")
            self._greeting.set_exception(self._refused(f"refused the handshake: {error.name} {text}".rstrip(), ""))
            return
        if not self._waiting.refuse(frame.xid, error):
            self.metrics.unmatched.labels("error").inc()
            self._complaints += 1
            if self._complaints <= COMPLAINTS:
                more = "; further ones are only counted" if self._complaints == COMPLAINTS else ""
                logger.warning("%s: error about nothing that was asked: %s%s", self.device, error.name, more)

    def _answer(self, data: bytes) -> None:
        """Send without waiting; a peer that asks and does not read is cut off."""
        assert self._transport is not None
        if self._transport.get_write_buffer_size() > FLOODED:
            self.abort(self.unreachable("asks without reading the answers"))
            return
        self.metrics.sent.inc(len(data))
        self._transport.write(data)

    # ── who it is ────────────────────────────────────────────────────────────────────────────────

    @property
    def peer(self) -> str:
        """Where the other end is: ``192.0.2.7:51234``, or empty on a Unix socket."""
        name = self._transport.get_extra_info("peername") if self._transport is not None else None
        if not isinstance(name, tuple):
            return ""
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    @property
    def certificate(self) -> str:
        """SHA-256 of the certificate that the other end showed, in hex; empty without TLS."""
        secured = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        shown = secured.getpeercert(binary_form=True) if secured is not None else None
        return sha256(shown).hexdigest() if shown else ""

    # ── the end ──────────────────────────────────────────────────────────────────────────────────

    def unreachable(self, what: str, cause: BaseException | None = None) -> DeviceUnreachable:
        """The error for this device being gone; its text names the device."""
        return DeviceUnreachable(
            Diagnostic(
                "device-unreachable",
                f"{self.device}: {what}",
                address=f"switch {self.device}",
                detail=str(cause) if cause else "",
            )
        )

    def _refused(self, what: str, hint: str) -> DeviceRefused:
        return DeviceRefused(
            Diagnostic("openflow-version", f"{self.device} {what}", address=f"switch {self.device}", hint=hint)
        )

    def _malformed(self, error: Malformed) -> None:
        self.metrics.malformed.labels(error.message).inc()
        logger.warning("%s: closed, %s: %s at octet %d", self.device, error.message, error.reason, error.offset)
        self.abort(error.of(self.device))

    def _end(self, error: DeviceError) -> None:
        if self.closed.done():
            return
        self.closed.set_result(error)
        self._buffer = b""
        self._packets.clear()
        self._posted.clear()
        self._alive.stop()
        self._waiting.end(error)
        fail(self._greeting, error)
        self.resume_writing()

    def abort(self, error: DeviceError) -> None:
        """Cut the connection at once; everybody who waits gets `error`."""
        self._end(error)
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Close after what was written is sent; may be called twice."""
        self._end(self.unreachable("the connection was closed here"))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            await asyncio.sleep(0)

    def check(self) -> None:
        """Raise the error that ended the connection, if it has ended."""
        if self.closed.done():
            raise self.closed.result()

    # ── sending ──────────────────────────────────────────────────────────────────────────────────

    def reserve(self, count: int = 1) -> int:
        """`count` consecutive transaction ids that nobody else uses; the first of them."""
        return self._waiting.reserve(count)

    async def send(self, messages: Iterable[bytes]) -> None:
        """Write messages, coalesced, no faster than the switch reads them."""
        pending: list[bytes] = []
        size = 0
        for item in messages:
            pending.append(item)
            size += len(item)
            if size >= WRITE_SIZE:
                await self.write(b"".join(pending))
                pending, size = [], 0
        if pending:
            await self.write(b"".join(pending))

    async def write(self, data: bytes) -> None:
        """Write octets that are complete messages, no faster than the switch reads them."""
        self.check()
        assert self._transport is not None
        self.metrics.sent.inc(len(data))
        self._transport.write(data)
        if self._paused is not None:
            try:
                async with asyncio.timeout(self.timing.request):
                    while self._paused is not None:
                        await asyncio.shield(self._paused)
            except TimeoutError:
                error = self.unreachable(f"reads nothing for {self.timing.request:g} s")
                self.abort(error)
                raise error from None
        self.check()

    def post(self, message: bytes) -> bool:
        """Have a message written at the end of this turn of the loop, with all others; never waits.

        For answers to packets, from a `PacketListener`. False, and counted, where the switch does not read what
        was written before: the message is dropped.
        """
        if self.closed.done() or self._transport is None:
            return False
        if self._posted.octets + self._transport.get_write_buffer_size() > FLOODED:
            self.metrics.dropped_messages.inc()
            return False
        self._posted.add(message)
        return True

    async def handshake(self) -> None:
        """Agree on OpenFlow 1.3 and learn who the switch is; then watch that it stays alive.

        Raises DeviceRefused for another version, Malformed, or DeviceUnreachable after `Timing.handshake`.
        """
        try:
            async with asyncio.timeout(self.timing.handshake):
                await self.write(hello(self.reserve()))
                await asyncio.shield(self._greeting)
                reply = await self.request("features_request", Type.FEATURES_REPLY)
        except TimeoutError:
            error = self.unreachable(f"no OpenFlow handshake within {self.timing.handshake:g} s")
            self.abort(error)
            raise error from None
        except DeviceRefused:
            await self.close()
            raise
        try:
            self.features = decode_features(reply.body)
        except Malformed as error:
            self._malformed(error)
            raise error.of(self.device) from None
        self._alive.watch()

    async def request(self, name: str, expected: Type, build: Callable[[int], bytes] | None = None) -> Frame:
        """Send one request and return the message that answers it.

        `build` makes it from a transaction id; without, it is the empty message called `name`. Raises
        RequestRefused, or what ended the connection.
        """
        xid = self.reserve()
        waiter = Reply(self._loop.create_future(), name, expected)
        data = build(xid) if build is not None else message(Type[name.upper()], xid)
        return cast(Frame, await self._ask(xid, waiter, data))

    async def multipart(self, part: Part, decode: Callable[[bytes], list[T]], body: bytes = b"") -> list[T]:
        """Send a multipart request and return the items of all parts, each decoded as it comes in."""
        xid = self.reserve()
        name = f"{part.name.lower().replace('_', ' ')} request"
        waiter = Multipart(self._loop.create_future(), name, part, decode, lambda: None)
        return cast(list[T], await self._ask(xid, waiter, multipart_request(xid, part, body)))

    async def _ask(self, xid: int, waiter: Reply | Multipart, data: bytes) -> Any:
        self.check()
        self._waiting.add(xid, waiter)
        try:
            async with asyncio.timeout(self.timing.request) as timeout:
                if isinstance(waiter, Multipart):
                    end = self._loop.time() + self.timing.reply
                    waiter.progress = lambda: self._extend(timeout, end)
                await self.write(data)
                return await waiter.future
        except TimeoutError:
            raise self._silent(waiter.request) from None
        finally:
            self._waiting.forget(xid)

    def _silent(self, request: str) -> DeviceUnreachable:
        """Cut the connection to a switch that does not answer; the error to raise."""
        error = self.unreachable(f"no answer to {request} within {self.timing.request:g} s")
        self.abort(error)
        return error

    def _extend(self, timeout: asyncio.Timeout, end: float) -> None:
        if not timeout.expired():
            timeout.reschedule(min(self._loop.time() + self.timing.request, end))

    async def barrier(self) -> None:
        """Return when the switch has done everything sent before."""
        await self.request("barrier_request", Type.BARRIER_REPLY)

    def expect(
        self, name: str, expected: Type, build: Callable[[int], bytes]
    ) -> tuple[bytes, asyncio.Future[Any]]:
        """A request to be sent among other messages, and the future of its reply, for `settle`."""
        xid = self.reserve()
        waiter = Reply(self._loop.create_future(), name, expected)
        waiter.future.add_done_callback(seen)
        self._waiting.add(xid, waiter)
        return build(xid), waiter.future

    def expect_barrier(self) -> tuple[bytes, asyncio.Future[Any]]:
        """A barrier request, as `expect`."""
        return self.expect("barrier_request", Type.BARRIER_REPLY, lambda xid: message(Type.BARRIER_REQUEST, xid))

    async def settle(self, reply: asyncio.Future[Any]) -> None:
        """Wait for a reply; raises RequestRefused, or what ended the connection."""
        try:
            async with asyncio.timeout(self.timing.request):
                await reply
        except TimeoutError:
            raise self._silent("the last requests") from None

    def watching(self, first: int, count: int) -> AbstractContextManager[dict[int, SwitchError]]:
        """Collect error messages about transaction ids `first` … by their index, while the context lasts."""
        return self._waiting.watching(first, count)

    # ── keep-alive ───────────────────────────────────────────────────────────────────────────────

    def _echo(self) -> None:
        self._answer(message(Type.ECHO_REQUEST, self.reserve()))

    def _gone(self) -> None:
        logger.warning("%s: silent, and no answer to an echo", self.device)
        self.abort(self.unreachable(f"no sign of life for {self.timing.idle + self.timing.echo:g} s"))

    def _stalled(self) -> None:
        name = type_name(self._buffer[1]) if len(self._buffer) > 1 else "header"
        self._malformed(Malformed(name, len(self._buffer), f"still incomplete after {self.timing.message:g} s"))
