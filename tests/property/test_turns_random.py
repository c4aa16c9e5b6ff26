"""Turns, whoever asks when or is cancelled: one at a time, the most urgent first, and nobody is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from sdnctl.daemon.turns import Turns, Urgency


@dataclass(frozen=True)
class Asker:
    """Asks after `comes` ticks of the event loop, works for `works`, and is cancelled after `leaves`, if ever."""

    urgency: Urgency
    comes: int
    works: int
    leaves: int | None


askers = st.builds(
    Asker,
    st.sampled_from(Urgency),
    st.integers(0, 12),
    st.integers(0, 4),
    st.none() | st.integers(0, 20),
)


@given(st.lists(askers, max_size=12))
def test_one_at_a_time_and_nobody_is_forgotten(crowd: list[Asker]) -> None:
    asyncio.run(play(crowd))


async def play(crowd: list[Asker]) -> None:
    turns = Turns()
    running: list[int] = []
    done: set[int] = set()

    async def ask(number: int, one: Asker) -> None:
        for _ in range(one.comes):
            await asyncio.sleep(0)
        async with turns.turn(one.urgency, f"change {number}", "test") as turn:
            assert not running, "two at once"
            assert turns.current is turn
            running.append(number)
            try:
                for _ in range(one.works):
                    await asyncio.sleep(0)
            finally:
                running.remove(number)
        done.add(number)

    tasks = [asyncio.create_task(ask(number, one)) for number, one in enumerate(crowd)]
    for tick in range(40):
        await asyncio.sleep(0)
        for task, one in zip(tasks, crowd, strict=True):
            if one.leaves == tick:
                task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results), results
    assert {number for number, one in enumerate(crowd) if one.leaves is None} <= done
    assert turns.current is None
    assert turns.waiting == ()


@given(st.lists(st.sampled_from(Urgency), min_size=1, max_size=12), st.sets(st.integers(0, 11)))
def test_those_who_wait_go_by_urgency_then_by_arrival(urgencies: list[Urgency], gone: set[int]) -> None:
    async def main() -> None:
        turns = Turns()
        order: list[int] = []

        async def ask(number: int, urgency: Urgency) -> None:
            async with turns.turn(urgency, str(number), "test"):
                order.append(number)

        async with turns.turn(Urgency.REPAIR, "first", "test"):
            tasks = [asyncio.create_task(ask(number, one)) for number, one in enumerate(urgencies)]
            await asyncio.sleep(0)
            assert len(turns.waiting) == len(urgencies)
            for number in gone & set(range(len(tasks))):
                tasks[number].cancel()
            await asyncio.sleep(0)
            left = [(one, number) for number, one in enumerate(urgencies) if number not in gone]
            assert [turn.what for turn in turns.waiting] == [str(number) for _, number in sorted(left)]
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [number for _, number in sorted(left)]
        assert turns.current is None

    asyncio.run(main())
