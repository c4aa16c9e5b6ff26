"""The driver's connection to the application: one request after the other, and errors in sdnctl's words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar

from sdnctl.errors import DeviceError, DeviceUnreachable, Diagnostic, ProtocolError
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.codec.faults import SwitchError, decode_error
from sdnctl.southbound.openflow.codec.wire import Malformed
from sdnctl.southbound.openflow.waiting import RequestRefused
from sdnctl_ryu.protocol import LINE_LIMIT, VERSION, Fault, What, line, parse

T = TypeVar("T")

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 600.0
"""Of one request; the application itself gives up after 30 s in which the switch says nothing."""
BLOCK_LIMIT = 1 << 28


class Inexpressible(Exception):
    """Changes that cannot be put into messages: (index, reason) each."""

    def __init__(self, faults: Sequence[tuple[int, str]]) -> None:
        super().__init__(faults)
        self.faults = tuple(faults)


class Link:
    """One switch, through the application that it is connected to."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.target = target
        self.framework = ""
        self._reader, self._writer = reader, writer
        self._turn = asyncio.Lock()
        self._ended: DeviceError | None = None

    @classmethod
    async def open(cls, target: Target, path: str, dpid: int) -> Self:
        """Connect to the application at a socket file, and ask for a switch. Raises DeviceUnreachable."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(path, limit=LINE_LIMIT)
        except (OSError, TimeoutError) as error:
            raise _unreachable(
                target,
                f"no application at {path}",
                str(error) or f"no answer within {CONNECT_SECONDS:g} s",
                "start it: `sdnctl-os-ken`, or load `sdnctl_ryu.app` beside your applications; may this user open "
                "its socket?",
            ) from error
        link = cls(target, reader, writer)
        try:
            found, _ = await link.request({"do": "hello", "version": VERSION, "dpid": dpid})
        except BaseException:
            await link.close()
            raise
        link.framework = str(found.get("framework", ""))
        return link

    def check(self) -> None:
        """Raise the error that ended the connection, if it has ended."""
        if self._ended is not None:
            raise self._ended

    async def close(self) -> None:
        """Hang up; may be called twice."""
        if self._ended is None:
            self._ended = _unreachable(self.target, "the connection was closed here")
        with suppress(OSError):
            self._writer.close()
            await self._writer.wait_closed()

    async def read(
        self, what: What, decode: Callable[[bytes], list[T]], cookie: int = 0, mask: int = 0
    ) -> list[T]:
        """Ask the switch for something, and decode what it says part by part. Raises RequestRefused besides."""
        _, blocks = await self.request({"do": "read", "what": what.value, "cookie": cookie, "mask": mask})
        try:
            return [item for block in blocks for item in decode(block)]
        except Malformed as error:
            self._end(error)
            raise

    async def request(self, document: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """One request and its reply; raises DeviceUnreachable, RequestRefused, ProtocolError, Inexpressible."""
        async with self._turn:
            self.check()
            try:
                async with asyncio.timeout(REPLY_SECONDS):
                    self._writer.write(line(document))
                    await self._writer.drain()
                    found, blocks = await self._reply()
            except (OSError, EOFError, TimeoutError) as error:
                raise self._end(
                    _unreachable(self.target, "the application closed the connection", str(error))
                ) from error
            except ValueError as error:
                raise self._end(_garbage(self.target, str(error))) from error
            except BaseException:
                self._end(_unreachable(self.target, "a request was given up"))  # its reply would be the next one's
                raise
        if "error" in found:
            self._raise(document, found, blocks)
        return found, blocks

    async def _reply(self) -> tuple[dict[str, Any], list[bytes]]:
        data = await self._reader.readline()
        if not data.endswith(b"\n"):
            raise EOFError("the reply ends in the middle")
        found = parse(data)
        sizes = [int(size) for size in found.get("octets", ())]
        if any(not 0 <= size <= BLOCK_LIMIT for size in sizes):
            raise ValueError(f"blocks of {sizes} octets")
        return found, [await self._reader.readexactly(size) for size in sizes]

    def _raise(self, document: dict[str, Any], found: dict[str, Any], blocks: Sequence[bytes]) -> None:
        fault, text = found["error"], str(found.get("text", ""))
        what = str(document.get("what", document["do"]))
        if fault == Fault.REFUSED and blocks:
            raise RequestRefused(self.target.device, what, self._said(blocks[0]))
        if fault == Fault.INEXPRESSIBLE:
            raise Inexpressible([(int(index), str(why)) for index, why in found["faults"]])
        if fault == Fault.ABSENT:
            raise self._end(
                _unreachable(
                    self.target,
                    "not connected to the application",
                    text,
                    "let it dial in: ovs-vsctl set-controller BRIDGE tcp:HOST:PORT of the application",
                )
            )
        if fault in (Fault.GONE, Fault.SILENT):
            raise self._end(_unreachable(self.target, text))
        raise self._end(_garbage(self.target, text))

    def _said(self, body: bytes) -> SwitchError:
        return decode_error(body)

    def _end(self, error: DeviceError) -> DeviceError:
        """Use the connection no more, for this reason; the first one counts."""
        if self._ended is None:
            self._ended = error
            self._writer.close()
        return self._ended


def _unreachable(target: Target, what: str, detail: str = "", hint: str = "") -> DeviceUnreachable:
    text = f"{target.device}: {what}"
    return DeviceUnreachable(
        Diagnostic("device-unreachable", text, address=f"switch {target.device}", detail=detail, hint=hint)
    )


def _garbage(target: Target, detail: str) -> ProtocolError:
    text = f"{target.device}: the application and the driver do not understand each other"
    hint = "install the same version of sdnctl-ryu on both sides"
    return ProtocolError(
        Diagnostic("device-garbage", text, address=f"switch {target.device}", detail=detail, hint=hint)
    )
