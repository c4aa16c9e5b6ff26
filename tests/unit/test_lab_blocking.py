"""The adapter for blocking libraries: one call at a time per device, faults in terms of the device."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import traceback
from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import quote

import pytest

from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable
from sdnctl.plan.model import DeviceChange, Observed
from sdnctl.southbound.base import Capabilities, Counters, Driver, Payload, Target
from sdnctl.southbound.blocking import WORKERS, BlockingDriver
from sdnctl.southbound.references import MASK

busy_anywhere = 0
most_anywhere = 0
gate = threading.Lock()


class Slow:
    """A device whose library sleeps; it notes when two calls overlap."""

    def __init__(self, address: str) -> None:
        if address == "nowhere":
            raise ConnectionRefusedError(111, "Connection refused")
        self.busy = 0
        self.overlaps = 0
        self.closed = 0
        self.fault: Exception | None = None

    def work(self) -> None:
        global busy_anywhere, most_anywhere
        with gate:
            busy_anywhere += 1
            most_anywhere = max(most_anywhere, busy_anywhere)
        self.busy += 1
        self.overlaps += self.busy > 1
        time.sleep(0.01)
        self.busy -= 1
        with gate:
            busy_anywhere -= 1
        if self.fault is not None:
            raise self.fault

    def capabilities(self) -> Capabilities:
        self.work()
        return Capabilities(description="slow")

    def observe(self) -> Observed:
        self.work()
        return Observed(RuleSet())

    def prepare(self, changes: Sequence[DeviceChange]) -> None:
        self.work()

    def commit(self, changes: Sequence[DeviceChange]) -> None:
        self.work()

    def confirm(self) -> None:
        self.work()

    def revert(self) -> None:
        self.work()

    def counters(self) -> Counters:
        self.work()
        return Counters()

    def close(self) -> None:
        self.work()
        self.closed += 1


class SlowDriver(BlockingDriver[Slow]):
    name: ClassVar[str] = "slow"
    payload: ClassVar[Payload] = "settings"

    @classmethod
    def connect(cls, target: Target) -> Slow:
        return Slow(target.address)


def test_is_a_driver_and_passes_calls_on() -> None:
    async def main() -> None:
        driver = await SlowDriver.open(Target("d", "here"))
        assert isinstance(driver, Driver)
        assert (await driver.capabilities()).description == "slow"
        assert await driver.observe() == Observed(RuleSet())
        assert await driver.counters() == Counters()
        await driver.prepare([])
        await driver.commit([])
        await driver.confirm()
        await driver.revert()
        await driver.close()
        await driver.close()
        assert driver._device.closed == 1

    asyncio.run(main())


def test_calls_to_one_device_do_not_overlap_and_devices_do() -> None:
    async def main() -> float:
        drivers = [await SlowDriver.open(Target(f"d{n}", "here")) for n in range(2 * WORKERS)]
        began = time.monotonic()
        await asyncio.gather(*(driver.observe() for driver in drivers for _ in range(3)))
        took = time.monotonic() - began
        assert all(driver._device.overlaps == 0 for driver in drivers)
        await asyncio.gather(*(driver.close() for driver in drivers))
        return took

    took = asyncio.run(main())
    assert took < 2 * WORKERS * 3 * 0.01, "nothing ran side by side"
    assert 1 < most_anywhere <= WORKERS


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (TimeoutError(), DeviceUnreachable, "TimeoutError"),
        (OSError(113, "No route to host"), DeviceUnreachable, "No route to host"),
        (DeviceRefused("no such port"), DeviceRefused, "no such port"),
        (KeyError("colour"), DeviceError, "please report"),
    ],
)
def test_faults_name_the_device(fault: Exception, kind: type[DeviceError], text: str) -> None:
    async def main() -> None:
        driver = await SlowDriver.open(Target("pop-gare", "here"))
        driver._device.fault = fault
        with pytest.raises(kind, match=text) as caught:
            await driver.observe()
        assert type(caught.value) is kind
        assert isinstance(fault, DeviceRefused) or "pop-gare" in str(caught.value)
        driver._device.fault = None
        await driver.observe()  # one fault does not break the adapter
        await driver.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    "secret",
    ["p%s\"w'o\\rd", "two\nlines of it", "ünïcode &?/ %41", "caf\udce9"],
    ids=["quotes", "lines", "url", "octets"],
)
@pytest.mark.parametrize("kind", [RuntimeError, ConnectionError, DeviceRefused])
def test_what_a_library_says_of_secrets_is_told_to_nobody(
    secret: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its words, the exception behind them, and the traceback of both; what tells no secret stays as it was."""
    monkeypatch.setenv("PLANTED", secret)
    target = Target("pop-gare", "here", options={"password": "env:PLANTED", "enable": "env:NOT_THERE"})
    written = [
        secret,
        repr(secret),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        quote(secret, safe="", errors="surrogateescape"),
        str(secret.encode("utf-8", "surrogateescape")),
    ]

    async def main() -> None:
        driver = await SlowDriver.open(target)
        for form in written:
            driver._device.fault = kind(f"login as admin with {form} failed")
            driver._device.fault.__cause__ = ValueError(form)
            with pytest.raises(DeviceError) as caught:
                await driver.observe()
            shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.diagnostics)
            assert "login as admin with" in shown
            assert MASK in shown
            for one in written:
                core = one.strip("b'\"")
                assert core not in shown, shown
                assert core not in repr(caught.value)
        driver._device.fault = kind("no such port")
        with pytest.raises(DeviceError, match="no such port") as caught:
            await driver.observe()
        if kind is RuntimeError:
            assert isinstance(caught.value.__cause__, RuntimeError), "what a developer needs is there"
        driver._device.fault = None
        await driver.close()

    asyncio.run(main())


def test_open_that_fails_is_unreachable() -> None:
    with pytest.raises(DeviceUnreachable, match="pop-gare does not answer at nowhere"):
        asyncio.run(SlowDriver.open(Target("pop-gare", "nowhere")))


def test_a_cancelled_call_ends_before_the_next_begins() -> None:
    async def main() -> None:
        driver = await SlowDriver.open(Target("d", "here"))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(driver.commit([]), 0.001)
        await driver.observe()
        assert driver._device.overlaps == 0
        await driver.close()

    asyncio.run(main())
