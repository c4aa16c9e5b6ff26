"""How commands and a controller do the same work: long work here or in a thread, waiting in a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Compute(Protocol):
    """Does some work and waits for it; `Hub.compute` is one."""

    def __call__(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...


async def at_once(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it here: nobody else waits for this event loop."""
    return work(*args, **kwargs)


def waited(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, in an event loop of its own.

    `asyncio.run` does that, but Python 3.11 writes the result down as text while it puts back the handler of
    SIGINT (an error message that nobody sees): seconds, where it is all rules of a city.
    """
    result: list[T] = []

    async def keep() -> None:
        result.append(await work)

    asyncio.run(keep())
    return result[0]
