"""The lease of a controller: renewed, lost, waited for, taken over; generations only grow."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import jumping_clock
import pytest
from sqlalchemy import create_engine, update
from sqlalchemy.pool import NullPool

from sdnctl.daemon import keeper as keeper_module
from sdnctl.daemon.keeper import Keeper
from sdnctl.errors import LeaseHeld, StoreError
from sdnctl.store import lease as leases
from sdnctl.store.lease import Lease
from sdnctl.store.store import Store
from sdnctl.store.tables import leases as table


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


class Duty:
    """Notes what it is told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        self._news = asyncio.Condition()

    async def gained(self, lease: Lease) -> None:
        await self._tell("gained", lease)

    async def lost(self, why: str) -> None:
        await self._tell("lost", why)

    async def other(self, lease: Lease | None) -> None:
        await self._tell("other", lease)

    async def _tell(self, what: str, detail: object) -> None:
        async with self._news:
            self.told.append((what, detail))
            self._news.notify_all()

    async def wait_for(self, what: str, count: int = 1) -> object:
        async with self._news:
            await asyncio.wait_for(
                self._news.wait_for(lambda: sum(one[0] == what for one in self.told) >= count), 10
            )
        return [detail for one, detail in self.told if one == what][-1]


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def keeping(store: Store, use: Callable[[Keeper, Duty, Clock], Awaitable[None]], ttl: float = leases.TTL) -> None:
    async def main() -> None:
        duty, clock = Duty(), Clock()
        keeper = Keeper(store, duty, ttl=ttl, clock=clock)
        try:
            await use(keeper, duty, clock)
        finally:
            await keeper.give_back()

    asyncio.run(main())


def set_row(store: Store, **values: object) -> None:
    engine = create_engine(store.url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(update(table).values(**values))


ELSEWHERE = "ann@elsewhere pid 1 start 1 thread 1 controller 1f"
"""A holder of whom only its renewals tell whether it lives."""


@pytest.mark.parametrize("hours", [-26, 0, 26])
def test_a_standby_times_a_lease_by_its_own_clock_whatever_the_time_of_day_does(
    store: Store, tmp_path: Path, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not taken while somebody renews it, however late it is said to be; taken when nobody does, however early."""
    monkeypatch.setattr(keeper_module, "LOOK", 0.01)

    async def use(keeper: Keeper, duty: Duty, clock: Clock) -> None:
        other = store.take_lease(ELSEWHERE)
        assert await keeper.try_once() is None
        task = asyncio.create_task(keeper.run())
        await duty.wait_for("other")
        jumping_clock.jump(tmp_path / "clock", hours * 3600.0)
        for _ in range(3):
            clock.now += leases.TTL - 1
            await asyncio.sleep(0.05)  # looked at some times
            store.renew_lease(other)
            await asyncio.sleep(0.05)
        assert duty.told == [("other", other)]
        clock.now += leases.TTL + 1
        gained = await duty.wait_for("gained")
        assert isinstance(gained, Lease)
        assert gained.generation > other.generation
        with pytest.raises(LeaseHeld, match="has passed to"):
            store.renew_lease(other)
        task.cancel()

    with jumping_clock.installed(tmp_path / "clock"):
        keeping(store, use)


def test_a_renewal_between_the_last_look_and_the_grasp_keeps_the_lease(store: Store) -> None:
    lease = store.take_lease(ELSEWHERE)
    seen = store.lease()
    store.renew_lease(lease)
    with pytest.raises(LeaseHeld, match="ann@elsewhere"):
        store.take_lease("another one", seen)
    assert store.take_lease("another one", store.lease()).generation > lease.generation


def test_no_two_renewals_leave_the_same_row(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back, again and again, to the same moment does not make a living holder look silent."""
    monkeypatch.setattr(time, "time", lambda: 1.8e9)
    lease = store.take_lease(ELSEWHERE)
    rows = [store.lease()]
    for _ in range(3):
        store.renew_lease(lease)
        rows.append(store.lease())
        assert rows[-1] != rows[-2]


@pytest.mark.parametrize("seconds", [-3600.0, -0.5, 100 * 3600.0], ids=["long over", "just over", "never to end"])
def test_who_does_not_wait_watches_a_lease_whose_time_cannot_be_right(store: Store, seconds: float) -> None:
    lease = store.take_lease(ELSEWHERE)
    engine = create_engine(store.url, poolclass=NullPool)
    set_row(store, until=time.time() + seconds)
    clock, looks = Clock(), 0

    def passes() -> float:
        nonlocal looks
        looks += 1
        clock.now += 4
        if looks == 3 and renewed:
            store.renew_lease(lease)
        return clock.now

    renewed = True
    with pytest.raises(LeaseHeld, match="ann@elsewhere"):
        leases.take_patiently(engine, "me", leases.Watch(leases.TTL, passes), look=0)
    assert looks in (3, 4), "as soon as it is renewed"
    set_row(store, until=time.time() + seconds)
    renewed, looks = False, 0
    assert (
        leases.take_patiently(engine, "me", leases.Watch(leases.TTL, passes), look=0).generation > lease.generation
    )
    assert looks == 5, "16 s, not earlier"


def test_a_lease_that_may_well_be_held_is_refused_at_once(store: Store) -> None:
    store.take_lease(ELSEWHERE)
    with pytest.raises(LeaseHeld) as refused, store.hold():
        pass
    assert "within 15 s" in refused.value.diagnostics[0].detail


def test_without_standby_a_lease_left_behind_is_insisted_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(keeper: Keeper, duty: Duty, clock: Clock) -> None:
        lease = store.take_lease(ELSEWHERE)
        assert await keeper.insist() is None
        patiently = functools.partial(leases.take_patiently, watch=leases.Watch(-1.0), look=0)
        monkeypatch.setattr(leases, "take_patiently", patiently)
        mine = await keeper.insist()
        assert mine is not None
        assert mine.generation > lease.generation
        assert keeper.holds

    keeping(store, use)


def test_who_asks_a_standby_is_told_whom_to_ask() -> None:
    assert (
        leases.who_writes("ann@two pid 7 start 1 thread 1 controller 1f")
        == "ask the controller that does, ann@two pid 7"
    )
    assert leases.who_writes("ann@two pid 7 start 1 thread 1") == "try again when ann@two pid 7 has finished"
    assert "nobody holds" in leases.who_writes("")


def test_the_first_takes_it_and_the_second_waits_until_it_is_given_back(store: Store) -> None:
    async def use(first: Keeper, duty: Duty, clock: Clock) -> None:
        lease = await first.try_once()
        assert lease is not None
        assert first.holds
        heir = Duty()
        second = Keeper(store, heir)
        assert await second.try_once() is None
        assert not second.holds
        task = asyncio.create_task(second.run())
        assert await heir.wait_for("other") == lease
        await first.give_back()
        later = await heir.wait_for("gained")
        assert isinstance(later, Lease)
        assert later.generation > lease.generation
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await second.give_back()
        now = store.lease()
        assert now is not None
        assert now.holder == ""

    keeping(store, use)


def test_a_holder_that_slept_does_not_trust_its_lease_and_loses_it_to_who_took_it(store: Store) -> None:
    async def use(keeper: Keeper, duty: Duty, clock: Clock) -> None:
        lease = await keeper.try_once()
        assert lease is not None
        clock.now += leases.TTL + 1  # the process was stopped for this long
        assert not keeper.holds
        until = time.time() + 60
        set_row(store, holder="ann@elsewhere pid 1 start 1 thread 1", until=until, generation=lease.generation + 1)
        task = asyncio.create_task(keeper.run())
        keeper.doubt()  # a switch refused us: nobody waits for the next renewal
        assert "ann@elsewhere" in str(await duty.wait_for("lost"))
        other = await duty.wait_for("other")
        assert isinstance(other, Lease)
        assert other.generation == lease.generation + 1
        assert keeper.lease is None
        task.cancel()

    keeping(store, use)


def test_it_is_renewed_for_as_long_as_the_process_lives(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "TTL", 0.3)

    async def use(keeper: Keeper, duty: Duty, clock: Clock) -> None:
        lease = await keeper.try_once()
        task = asyncio.create_task(keeper.run())
        await asyncio.sleep(1.0)  # three times as long as it lasts
        now = store.lease()
        assert now is not None
        assert now.lease == lease
        assert duty.told == []
        task.cancel()

    keeping(store, use, ttl=0.3)


def test_a_store_that_does_not_answer_costs_the_lease_when_it_has_run_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(lease: Lease) -> None:
        raise StoreError("no disk")

    monkeypatch.setattr(store, "renew_lease", fail)

    async def use(keeper: Keeper, duty: Duty, clock: Clock) -> None:
        assert await keeper.try_once() is not None
        task = asyncio.create_task(keeper.run())
        keeper.doubt()
        await asyncio.sleep(0.1)
        assert duty.told == []  # it is still ours until its time is up
        clock.now += leases.TTL
        keeper.doubt()
        assert "did not answer" in str(await duty.wait_for("lost"))
        task.cancel()

    keeping(store, use)


def test_a_killed_holder_of_this_machine_is_succeeded_at_once(store: Store) -> None:
    script = (
        "import sys; from sdnctl.store.store import Store\n"
        "with Store.open(sys.argv[1]).hold(): print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, store.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"

        async def use(keeper: Keeper, duty: Duty, clock: Clock) -> None:
            assert await keeper.try_once() is None
            task = asyncio.create_task(keeper.run())
            held = await duty.wait_for("other")
            assert isinstance(held, Lease)
            assert f"pid {other.pid} " in held.holder
            other.kill()
            await asyncio.to_thread(other.wait)
            gained = await duty.wait_for("gained")  # fails long before the lease would have run out
            assert isinstance(gained, Lease)
            assert gained.generation > held.generation
            task.cancel()

        keeping(store, use)


def test_a_store_made_anew_does_not_start_below_what_switches_have_seen(tmp_path: Path) -> None:
    generations = []
    for number in range(2):
        store = Store.open(f"sqlite:///{tmp_path}/store-{number}.db")
        with store.hold():
            pass
        with store.hold() as lease:
            generations.append(lease.generation)
        store.close()
        time.sleep(0.005)  # generations are milliseconds
    assert generations[0] < generations[1]


def test_only_processes_of_this_machine_are_known_to_be_dead() -> None:
    mine = leases.this_holder()
    assert leases.local_process(mine) == os.getpid()
    assert not leases.is_dead(mine)
    host = leases.author()
    assert leases.is_dead(f"{host} pid {os.getpid()} start 1 thread 1")  # the number was used again
    assert leases.local_process("ann@elsewhere pid 1 start 1 thread 1") is None
    assert not leases.is_dead("ann@elsewhere pid 1 start 1 thread 1")
    assert leases.local_process(f"{host} pid x start 1") is None
    assert leases.local_process(f"{host} pid 5") is None
