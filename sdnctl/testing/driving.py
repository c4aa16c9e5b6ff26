"""A driver on one device for the length of one coroutine, as tests of drivers use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from sdnctl.southbound.base import Driver, Target

D = TypeVar("D", bound=Driver)
T = TypeVar("T")


def drive(driver: type[D], target: Target, work: Callable[[D], Awaitable[T]]) -> T:
    """Open the driver, await `work` on it, and close it, whatever becomes of the work; returns its result."""

    async def main() -> T:
        opened = await driver.open(target)
        try:
            return await work(opened)
        finally:
            await opened.close()

    return asyncio.run(main())


def with_options(target: Target, **options: str) -> Target:
    """The same device with these options instead of or beside its own."""
    return replace(target, options={**target.options, **options})
