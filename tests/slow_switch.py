"""Stands before the socket on which a switch listens: passes octets on as they come, or late and few, or none.

The switch's own socket is moved aside, so that whoever dials the address that it always had is connected through
here; what was connected before is not. Leaving the with-block puts the socket back.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_CHUNK = 65_536


@dataclass(frozen=True)
class Pace:
    """How octets pass: each piece of at most `piece` octets waits `delay` seconds first."""

    delay: float = 0.0
    piece: int = _CHUNK


class SlowSwitch:
    """A switch whose octets pass through here; `pace` may be changed at any time."""

    def __init__(self, address: str) -> None:
        """`address` is that of a target, ``unix:PATH``."""
        self._socket = Path(address.removeprefix("unix:"))
        self._behind = self._socket.with_suffix(".behind")
        self.pace = Pace()
        self.passed = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow switch")

    @property
    def direct(self) -> str:
        """Where the switch itself listens."""
        return f"unix:{self._behind}"

    def sever(self) -> None:
        """Every connection that leads through here ends."""
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._writers])

    def __enter__(self) -> Self:
        self._socket.rename(self._behind)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        with suppress(FileNotFoundError):  # the lab is down already
            self._behind.rename(self._socket)

    async def _listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._socket)

    async def _end(self) -> None:
        self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._behind)
        except OSError:
            writer.close()
            return
        ends = {writer, far_writer}
        self._writers |= ends
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(work)
                    for work in (self._pass(reader, far_writer), self._pass(far_reader, writer))
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._writers -= ends
            for one in ends:
                one.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(self.pace.piece):
                if self.pace.delay:
                    await asyncio.sleep(self.pace.delay)
                writer.write(data)
                self.passed += len(data)
                await writer.drain()
