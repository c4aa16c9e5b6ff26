"""What commands wait for comes back as it is, and nobody turns it into text on the way."""

from __future__ import annotations

import asyncio

import pytest

from sdnctl.usecases.computing import waited


class Large:
    """A result that nobody may turn into text: for all rules of a city that takes seconds."""

    def __repr__(self) -> str:
        raise AssertionError("the result was written down")


def test_the_result_is_handed_over_and_not_written_down() -> None:
    large = Large()

    async def work() -> Large:
        await asyncio.sleep(0)
        return large

    assert waited(work()) is large


def test_a_fault_goes_through() -> None:
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        waited(work())
