"""Drivers on blocking libraries: a plain object per device, run in threads under a limit.

A driver author writes a class with the methods of `BlockingDevice` (no async), and a `BlockingDriver` that
opens one. The adapter keeps calls to one device apart, limits how many threads work at a time, and turns what
the library raises into `DeviceError` with the device's name.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from sdnctl.errors import DeviceUnreachable, Diagnostic, SdnctlError
from sdnctl.plan.model import DeviceChange, Observed
from sdnctl.southbound.base import Capabilities, Counters, Payload, Target
from sdnctl.southbound.driver_faults import driver_fault
from sdnctl.southbound.references import discreet

T = TypeVar("T")

WORKERS = 16
"""Threads for all blocking drivers of a process together."""

_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


class BlockingDevice(Protocol):
    """One open device of a blocking library; the methods mean what they mean in `southbound.base.Driver`."""

    def capabilities(self) -> Capabilities: ...

    def observe(self) -> Observed: ...

    def prepare(self, changes: Sequence[DeviceChange]) -> None: ...

    def commit(self, changes: Sequence[DeviceChange]) -> None: ...

    def confirm(self) -> None: ...

    def revert(self) -> None: ...

    def counters(self) -> Counters: ...

    def close(self) -> None: ...


D = TypeVar("D", bound=BlockingDevice)


class BlockingDriver(ABC, Generic[D]):
    """A `Driver` whose work is done by a `BlockingDevice` in a thread.

    A call that is cancelled still ends in its thread; the device's next call waits for it.
    """

    name: ClassVar[str]
    payload: ClassVar[Payload]

    def __init__(self, target: Target, device: D) -> None:
        self._target = target
        self._device = device
        self._turn = threading.Lock()
        self._closed = False

    @classmethod
    @abstractmethod
    def connect(cls, target: Target) -> D:
        """Open the device; runs in a thread and may block. OSError means that it cannot be reached."""

    @classmethod
    async def open(cls, target: Target) -> Self:
        device = await _in_thread(target, lambda: cls.connect(target))
        return cls(target, device)

    async def _call(self, work: Callable[[D], T]) -> T:
        """Run `work` on the device in a thread, one call at a time."""

        def take_turn() -> T:
            with self._turn:
                return work(self._device)

        return await _in_thread(self._target, take_turn)

    async def capabilities(self) -> Capabilities:
        return await self._call(lambda device: device.capabilities())

    async def observe(self) -> Observed:
        return await self._call(lambda device: device.observe())

    async def prepare(self, changes: Sequence[DeviceChange]) -> None:
        await self._call(lambda device: device.prepare(changes))

    async def commit(self, changes: Sequence[DeviceChange]) -> None:
        await self._call(lambda device: device.commit(changes))

    async def confirm(self) -> None:
        await self._call(lambda device: device.confirm())

    async def revert(self) -> None:
        await self._call(lambda device: device.revert())

    async def counters(self) -> Counters:
        return await self._call(lambda device: device.counters())

    async def close(self) -> None:
        """Close the device; a second call does nothing."""
        if not self._closed:
            self._closed = True
            await self._call(lambda device: device.close())


def _shared_pool() -> ThreadPoolExecutor:
    global _pool  # noqa: PLW0603 (threads are made on first use only)
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="driver")
        return _pool


async def _in_thread(target: Target, work: Callable[[], T]) -> T:
    """Run `work` in the pool and speak of its failures in terms of the device."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_shared_pool(), work)
    except Exception as error:
        told, cause = _of_device(target, error)
    raise discreet(told, target, cause)


def _of_device(target: Target, error: Exception) -> tuple[SdnctlError, BaseException | None]:
    """A failure in terms of the device, and what it came from."""
    if isinstance(error, SdnctlError):
        return error, error.__cause__
    if isinstance(error, OSError):
        unreachable = Diagnostic(
            "device-unreachable",
            f"{target.device} does not answer at {target.address}",
            f"switch {target.device}",
            detail=error.strerror or str(error) or type(error).__name__,
            hint="is the device up, and its address right?",
        )
        return DeviceUnreachable(unreachable), error
    return driver_fault(target.device, (target,), error), error
