"""Counts that only grow: wraps, discontinuities, restarts, and rates made of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdnctl_snmp import SnmpDriver, oids
from sdnctl_snmp.counters import Tally, Uptime
from sdnctl_snmp.testing.snmpd import Agents

from sdnctl.southbound.base import PortState
from sdnctl.telemetry.rates import PortCount, Rate, Sample, rates

GIGABIT = 10**9
DAYS_497 = 1 << 32


def tally(*bits: int) -> Tally:
    return Tally(bits, 1)


def test_counts_as_they_are_while_nothing_wraps() -> None:
    port = tally(64)
    assert [port.take((value,), 0, 30, GIGABIT, False) for value in (5, 5, 9)] == [(5,), (5,), (9,)]


def test_32_bits_wrap_and_go_on() -> None:
    port, since = tally(32), None
    for raw, expected in ((4_294_967_000, 4_294_967_000), (704, 4_294_968_000), (5000, 4_294_972_296)):
        assert port.take((raw,), 0, 30, GIGABIT, False) == (expected,)
        assert since in (None, port.since)
        since = port.since


@pytest.mark.parametrize(
    ("raw", "mark", "speed", "seconds", "restarted"),
    [
        (100, 7, GIGABIT, 30, False),  # the agent says so
        (2_000_000, 0, GIGABIT, 30, True),  # it was started again, and has counted more than before since
        (3_000_000_000, 0, 10**7, 30, False),  # back by more than a wrap at 10 Mbit/s explains
        (2_000_000, 0, 10**11, 30, False),  # 100 Gbit/s wrap 32 bits more often than it is read
    ],
    ids=["discontinuity", "restart", "back too far", "too fast to tell"],
)
def test_counting_that_began_anew_is_another_run(
    raw: int, mark: int, speed: int, seconds: float, restarted: bool
) -> None:
    port = tally(32)
    port.take((4_000_000_000 if raw > 2_500_000_000 else 1_000_000,), 0, 30, GIGABIT, False)
    since = port.since
    assert port.take((raw,), mark, seconds, speed, restarted) == (raw,)
    assert port.since != since


def test_64_bits_do_not_wrap_by_a_restart() -> None:
    port = tally(64)
    port.take((10**15,), 0, 30, GIGABIT, False)
    since = port.since
    assert port.take((10**6,), 0, 30, GIGABIT, False) == (10**6,)
    assert port.since != since


def test_64_bits_wrap_all_the_same() -> None:
    port = tally(64)
    port.take(((1 << 64) - 10,), 0, 30, GIGABIT, False)
    assert port.take((5,), 0, 30, GIGABIT, False) == ((1 << 64) + 5,)


@given(
    st.lists(st.tuples(st.integers(0, 3_000_000_000), st.integers(0, 10**6)), min_size=1, max_size=40),
    st.integers(0, (1 << 32) - 1),
)
def test_any_wrapping_counter_is_followed(steps: list[tuple[int, int]], first: int) -> None:
    """What a gigabit port can count between two readings is never lost, wherever the counters stand."""
    port = Tally((32, 32), 1)
    truth = [first, first // 2]
    before = port.take((truth[0] % (1 << 32), truth[1] % (1 << 32)), 0, 24, GIGABIT, False)
    since = port.since
    for octets, packets in steps:
        truth = [truth[0] + octets, truth[1] + packets]
        after = port.take((truth[0] % (1 << 32), truth[1] % (1 << 32)), 0, 24, GIGABIT, False)
        assert (after[0] - before[0], after[1] - before[1]) == (octets, packets)
        assert port.since == since
        before = after


@pytest.mark.parametrize(
    ("before", "after", "seconds", "restarted"),
    [
        (1000, 4000, 30, False),
        (1000, 500, 30, True),
        (1000, 20_000, 300, True),  # more than before, and still too little
        (DAYS_497 - 1000, 2000, 30, False),  # the clock itself wrapped
        (DAYS_497 - 1000, 2000, 3000, True),
        (DAYS_497 // 2, 2000, 30, True),
        (1000, 3700, 30, False),  # three seconds late
    ],
)
def test_restarts(before: int, after: int, seconds: float, restarted: bool) -> None:
    uptime = Uptime()
    assert not uptime.restarted(before, 100.0)
    assert uptime.restarted(after, 100.0 + seconds) == restarted


def test_an_agent_without_uptime_is_never_restarted() -> None:
    uptime = Uptime()
    assert not any(uptime.restarted(None, float(now)) for now in range(0, 1000, 100))


# ── a real agent with simulated ports ────────────────────────────────────────────────────────────


def ports(
    octets: int, *, mark: int = 0, narrow: int = 0, names: tuple[str, ...] = ("one", "two")
) -> dict[str, tuple[str, object]]:
    """Port 1 with 64-bit counters, port 2 with 32 bits."""
    tables: dict[str, tuple[str, object]] = {}
    for index, name in enumerate(names, 1):
        tables |= {
            f"{oids.IF_SPEED}.{index}": ("gauge", 10**9),
            f"{oids.IF_OPER_STATUS}.{index}": ("integer", 1),
            f"{oids.IF_IN_OCTETS}.{index}": ("counter", narrow),
            f"{oids.IF_IN_UCAST}.{index}": ("counter", narrow),
            f"{oids.IF_OUT_DISCARDS}.{index}": ("counter", 3),
            f"{oids.IF_NAME}.{index}": ("string", name),
            f"{oids.IF_DISCONTINUITY}.{index}": ("timeticks", mark),
        }
    for column in (oids.IF_HC_IN_OCTETS, oids.IF_HC_OUT_OCTETS, oids.IF_HC_IN_UCAST, oids.IF_HC_IN_MULTICAST):
        tables[f"{column}.1"] = ("counter64", octets)
    return tables


@pytest.mark.servers("snmpd")
def test_counters_of_a_device_simulated_tables(running: Agents, folder: Path) -> None:
    agent = running.start(folder / "counters", roots=("1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1"))
    agent.write(ports(1 << 40, narrow=(1 << 32) - 1000))

    async def work() -> None:
        driver = await SnmpDriver.open(agent.target())

        async def read(seconds: float) -> dict[int, PortState]:
            """As if so many seconds had passed since the beginning."""
            return dict(await driver._interfaces.read(begun + seconds))

        begun = asyncio.get_running_loop().time()

        first = await read(0.0)
        assert first[1].rx_bytes == first[1].tx_bytes == 1 << 40
        assert first[1].rx_packets == 1 << 41  # unicast and multicast
        assert first[2].rx_bytes == (1 << 32) - 1000
        assert (first[2].tx_dropped, first[2].rx_dropped) == (3, 0)

        agent.write(ports((1 << 40) + 5000, narrow=4000))
        second = await read(2.0)
        assert second[1].rx_bytes - first[1].rx_bytes == second[2].rx_bytes - first[2].rx_bytes == 5000
        assert (second[1].since, second[2].since) == (first[1].since, first[2].since)
        samples = [
            Sample(at, {("d", n): count(port) for n, port in found.items()})
            for at, found in ((0, first), (2, second))
        ]
        assert rates(*samples)["d", 2] == Rate(20_000.0, 0.0, 0.0)

        agent.write(ports((1 << 40) + 9000, narrow=9000, mark=77))
        third = await read(4.0)
        assert third[1].since != second[1].since
        samples = [
            Sample(at, {("d", n): count(port) for n, port in found.items()})
            for at, found in ((2, second), (4, third))
        ]
        assert rates(*samples) == {}

        agent.write(ports((1 << 40) + 9000, narrow=9000, mark=77, names=("one",)))
        assert set(await read(6.0)) == {1}  # a port that is pulled out is gone at once
        agent.write(ports((1 << 40) + 9000, narrow=9000, mark=77, names=("one", "other")))
        await driver._interfaces.reread(0.0)
        fourth = await read(8.0)
        assert fourth[2].name == "other"
        assert fourth[2].since not in (third[1].since, third[2].since)
        assert fourth[1].since == third[1].since
        await driver.close()

    asyncio.run(work())


def count(port: PortState) -> PortCount:
    return PortCount(
        port.rx_bytes,
        port.tx_bytes,
        port.rx_packets,
        port.tx_packets,
        port.rx_dropped,
        port.tx_dropped,
        port.since,
    )
