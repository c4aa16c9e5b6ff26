"""A controller on embedded switches: as a process that starts, ends and takes over; what it finishes."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sdnctl_in_process import Net, sdnctl
from sqlalchemy import create_engine, update
from sqlalchemy.pool import NullPool

from sdnctl.daemon.carrying import need_lease
from sdnctl.daemon.controller import Controller
from sdnctl.daemon.events import Event, Kind
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.turns import Urgency
from sdnctl.errors import LeaseHeld
from sdnctl.store.lease import author, this_holder
from sdnctl.store.state import dumps
from sdnctl.store.tables import leases as lease_table
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import prepare

FAST = {"poll_interval": 0.05, "telemetry_interval": 0.0}
SECONDS = 30.0


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """The small example, applied to embedded switches."""
    one = Net(tmp_path_factory.mktemp("controller") / "network")
    assert sdnctl("init", one.folder).code == 0
    one.ok("lab", "up", "--kind", "memory")
    try:
        one.ok("apply", "--yes")
        yield one
    finally:
        one.ok("lab", "down")


class Process:
    """One `sdnctl controller run`, with a service manager that listens."""

    def __init__(self, net: Net, place: Path, *options: str) -> None:
        place.mkdir()
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager = f"sdnctl-test-{uuid.uuid4()}"
        self._manager.bind(f"\0{manager}")
        self._manager.settimeout(0.1)
        self._heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._ear = threading.Thread(
            target=self._listen
        )  # a socket that nobody reads keeps ten words and loses the rest
        self._ear.start()
        self._log = (place / "log").open("wb")
        words = [
            "-n",
            str(net.folder),
            "controller",
            "run",
            "--log",
            "json",
            "--api",
            f"unix:{place}/api",
            *options,
        ]
        self.child = subprocess.Popen(
            [sys.executable, "-m", "sdnctl", *words],
            env={**os.environ, "NOTIFY_SOCKET": f"@{manager}", "WATCHDOG_USEC": "300000"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )
        self._place = place

    def told(self, what: str) -> str:
        """What the service manager is told next that begins like this."""
        while not (said := self._heard.get(timeout=SECONDS)).startswith(what):
            pass
        return said

    def _listen(self) -> None:
        while not self._closed.is_set():
            with suppress(TimeoutError):
                self._heard.put(self._manager.recv(4096).decode())

    def lines(self) -> list[dict[str, Any]]:
        text = (self._place / "log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def said(self, message: str) -> dict[str, Any]:
        """The line of the log that says this, of a process that has ended."""
        return next(line for line in self.lines() if message in line["message"])

    def wait_for(self, message: str) -> dict[str, Any]:
        """The first line of the log that says this."""
        deadline = time.monotonic() + SECONDS
        while True:
            for line in self.lines():
                if re.search(message, line["message"]):
                    return line
            assert self.child.poll() is None, self.lines()[-3:]
            assert time.monotonic() < deadline, f"no {message!r} in {[line['message'] for line in self.lines()]}"
            time.sleep(0.02)

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self._closed.set()
        self._ear.join()
        self._manager.close()
        self._log.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def process(net: Net, place: Path, *options: str) -> Iterator[Process]:
    one = Process(net, place, *options)
    try:
        yield one
    finally:
        one.close()


def test_one_is_killed_and_the_standby_takes_over_and_ends_cleanly(net: Net, tmp_path: Path) -> None:
    before = net.held()
    with process(net, tmp_path / "one") as one:
        assert "STATUS=master" in one.told("READY=1")
        one.told("WATCHDOG=1")
        assert one.lines()[0]["message"].startswith("starting, store in ")
        with process(net, tmp_path / "two") as two:
            assert "STATUS=standby" in two.told("READY=1")
            assert f"pid {one.child.pid} " in two.wait_for("is the standby of")["detail"]["holder"]
            two.wait_for("the API answers")
            link = net.path(".sdnctl/controller.sock")
            assert link.readlink() == tmp_path / "one" / "api"
            one.child.kill()
            one.child.wait()
            two.told("STATUS=master")
            master = two.wait_for("is the master")
            until(lambda: link.is_symlink() and link.readlink() == tmp_path / "two" / "api")
            assert master["detail"]["generation"] > one.said("is the master")["detail"]["generation"]
            two.child.send_signal(signal.SIGHUP)
            two.wait_for("settings read again")
            two.child.send_signal(signal.SIGTERM)
            two.told("STOPPING=1")
            assert two.child.wait(SECONDS) == 0
            assert {line["level"] for line in two.lines()} <= {"info", "warning"}, two.lines()
    assert not link.is_symlink()
    assert net.held() == before  # nobody asked for anything, so nothing was written
    with net.open() as context:
        lease = context.store.lease()
        assert lease is not None
        assert lease.holder == ""  # given back: nobody waits for it to run out


def test_without_standby_the_second_says_who_is_there_and_ends(net: Net) -> None:
    with net.open() as context, context.store.hold():
        result = net("controller", "run", "--no-standby")
    assert result.code == 1
    assert f"pid {os.getpid()}" in result.plain
    assert "thread" not in result.plain


def test_who_finds_the_lease_with_a_controller_is_told_to_ask_it(net: Net) -> None:
    with net.open() as context:
        lease = context.store.take_lease(f"{this_holder()} controller 1f")
        try:
            result = net("apply", "--yes")
        finally:
            context.store.give_lease_back(lease)
    assert result.code == 1
    assert f"a controller runs for this network: {author()} pid {os.getpid()}" in result.plain
    assert "--controller URL" in result.plain
    assert "thread" not in result.plain


# ── in this process ──────────────────────────────────────────────────────────────────────────────


def running(net: Net, use: Callable[[Controller], Awaitable[None]], *parts: Any) -> Controller:
    """A controller that runs while a coroutine uses it."""

    async def main() -> Controller:
        controller = Controller(Context(net.folder), parts, options=FAST)
        task = asyncio.create_task(controller.run())
        try:
            ready = asyncio.create_task(controller.ready.wait())
            await asyncio.wait((task, ready), timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
            assert controller.ready.is_set(), task
            await use(controller)
        finally:
            controller.stop()
            await asyncio.wait_for(task, SECONDS)
        return controller

    return asyncio.run(main())


async def heard(hub: Hub, kind: Kind, text: str = "") -> Event:
    async with asyncio.timeout(SECONDS):
        async for event in hub.events.follow(0):
            if event.kind is kind and text in event.summary:
                return event
    raise AssertionError


class Waiting:
    """A part that writes down when it runs and when it is cancelled."""

    name = "waiting"

    def __init__(self) -> None:
        self.runs = asyncio.Event()
        self.ended = asyncio.Event()

    async def run(self, hub: Hub) -> None:
        self.runs.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


class Listening(Waiting):
    name = "listening"
    standby = True


def test_whoever_loses_the_lease_stops_writing_and_gets_it_back_when_it_is_free(net: Net) -> None:
    writer, reader = Waiting(), Listening()

    async def use(controller: Controller) -> None:
        hub = controller.hub
        await asyncio.wait_for(writer.runs.wait(), SECONDS)
        await asyncio.wait_for(reader.runs.wait(), SECONDS)
        lease = hub.lease
        assert lease is not None
        assert hub.fleet.up == set(hub.fleet.devices())
        row = {"holder": "ann@elsewhere pid 1 start 1 thread 1", "generation": lease.generation + 5}
        _set_lease(net, until=time.time() + 10, **row)
        controller.doubt()
        await heard(hub, Kind.CONTROLLER, "lost the lease")
        await asyncio.wait_for(writer.ended.wait(), SECONDS)
        assert hub.lease is None
        assert not reader.ended.is_set()  # the API answers on
        await heard(hub, Kind.CONTROLLER, "is the standby of ann@elsewhere")
        for refused in (hub.fleet.check_master, partial(need_lease, hub)):
            with pytest.raises(LeaseHeld) as told:
                refused()
            assert told.value.diagnostics[0].hint == "try again when ann@elsewhere pid 1 has finished"
        writer.runs.clear()
        _set_lease(net, holder="", until=0.0)  # given back
        await asyncio.wait_for(writer.runs.wait(), SECONDS)
        again = hub.lease
        assert again is not None
        assert again.generation > lease.generation + 5
        hub.fleet.check_master()

    running(net, use, writer, reader)
    assert reader.ended.is_set()


def _set_lease(net: Net, **values: object) -> None:
    engine = create_engine(f"sqlite:///{net.folder}/.sdnctl/store.db", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(update(lease_table).values(**values))


class Busy:
    """A part in the middle of a change."""

    name = "busy"

    def __init__(self) -> None:
        self.inside = asyncio.Event()
        self.finish = asyncio.Event()
        self.finished = False

    async def run(self, hub: Hub) -> None:
        async with hub.turns.turn(Urgency.REQUEST, "something long", "test"):
            self.inside.set()
            await self.finish.wait()
            self.finished = True
        await asyncio.Event().wait()


@pytest.mark.parametrize("patient", [True, False])
def test_a_change_that_is_being_made_ends_before_the_controller_does_unless_told_twice(
    net: Net, patient: bool
) -> None:
    part = Busy()

    async def use(controller: Controller) -> None:
        await asyncio.wait_for(part.inside.wait(), SECONDS)
        controller.stop()
        await heard(controller.hub, Kind.CONTROLLER, "stopping")
        with pytest.raises(TimeoutError):  # whoever comes later waits in vain
            async with asyncio.timeout(0.1), controller.hub.turns.turn(Urgency.FAILURE, "late", "test"):
                raise AssertionError
        if patient:
            part.finish.set()

    controller = running(net, use, part)
    assert part.finished is patient
    said = [event.summary for event in controller.hub.events.since(0)]
    assert any("in the middle of: something long" in text for text in said) is not patient


def test_what_was_interrupted_is_finished_by_the_next_controller(net: Net) -> None:
    before = net.ours()
    path = net.path("intents/video-protection.yaml")
    text = path.read_text(encoding="utf-8")
    try:
        path.unlink()
        with net.open() as context:  # an apply that was killed right after it had written down what it would do
            prepared = prepare(context)
            assert not prepared.plan.empty
            with context.store.hold() as lease:
                number = context.store.begin(
                    lease,
                    content=dumps(prepared.desired),
                    fingerprint=prepared.desired.fingerprint,
                    reason="apply",
                    author="test",
                    summary="killed",
                )

        async def use(controller: Controller) -> None:
            await heard(controller.hub, Kind.CHANGE_DONE, f"snapshot {number}")
            assert controller.hub.context.store.pending() is None

        running(net, use)
        with net.open() as context:
            snapshot, state = context.need_applied()
            assert snapshot.id == number
            assert {demand.application for demand in state.compiled.demands}.isdisjoint({"video-protection"})
        assert net.ours() != before
        assert net.json("drift")["ok"]
    finally:
        path.write_text(text, encoding="utf-8")
        net.ok("apply", "--yes")


def test_a_controller_before_the_first_apply_waits_for_it(tmp_path: Path) -> None:
    fresh = Net(tmp_path / "network")
    assert sdnctl("init", fresh.folder).code == 0

    async def use(controller: Controller) -> None:
        await heard(controller.hub, Kind.CONTROLLER, "is the master")
        assert controller.hub.fleet.devices() == ()
        assert controller.hub.applied() is None

    running(fresh, use, Waiting())
