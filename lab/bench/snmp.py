"""Counters of 100 real snmpd over SNMP, read together, against bare gufo_snmp that asks for the same objects.

Each agent is a process of its own on a loopback port, with the interfaces of this machine. The bare client sends
the same requests, all agents at once, and throws the answers away; ours makes port states of them, watches for
restarts and wraps, and keeps its limit. Round by round in turn. Beside it: what a tenth of dead agents costs.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from gufo.snmp.aio import SnmpSession
from sdnctl_snmp import SnmpDriver
from sdnctl_snmp.agent import CHUNK
from sdnctl_snmp.testing.snmpd import COMMUNITY, SECRETS, Agents, Snmpd, agents, free_port

from lab.bench.measure import Report, growth, medians, ratio
from sdnctl.southbound.base import Driver, Target
from sdnctl.southbound.readers import Readers

AGENTS = 100
SIZES = (25, 50, AGENTS)
ROUNDS = 25
USERS: Mapping[str, str | None] = {"SNMPv2c": None, "SNMPv3 authPriv": "sha256"}

Timed = tuple[float, float]
"""Seconds by the clock, and of our own computing."""


def run(report: Report) -> None:
    os.environ.update(SECRETS)
    with tempfile.TemporaryDirectory() as folder, agents() as started:
        begun = time.perf_counter()
        for number in range(AGENTS):
            started.start(Path(folder) / f"agent-{number}", wait=False)
        for agent in started.all:
            agent.wait()
        report.print(f"{AGENTS} snmpd are up after {time.perf_counter() - begun:.1f} s")
        asyncio.run(_measure(report, started))


async def _measure(report: Report, started: Agents) -> None:
    for name, user in USERS.items():
        walls = []
        for size in SIZES:
            found, objects = await _interleaved(started.all[:size], user)
            middle = medians({which: [wall for wall, _ in values] for which, values in found.items()})
            computed = {which: [cpu for _, cpu in values] for which, values in found.items()}
            cpu = medians(computed)
            walls.append(middle["sdnctl"])
            report.print(f"{name}, {size:3} agents, {objects} objects: by the clock / own computing")
            for which in found:
                rate = objects / middle[which]
                report.print(
                    f"      {which:10} {middle[which]:.4f} s / {cpu[which]:.4f} s   {rate:,.0f} objects/s"
                )
        clock = {which: [wall for wall, _ in values] for which, values in found.items()}
        report.claim(f"{name}: {AGENTS} agents, over bare gufo_snmp", ratio(clock, "sdnctl", "gufo_snmp"), 1.5)
        report.claim(f"{name}: own computing, over bare gufo_snmp", ratio(computed, "sdnctl", "gufo_snmp"), 1.5)
        report.print(f"growth of the time over agents: agents^{growth(SIZES, walls):.2f}")
    await _with_dead(report, started.all)


async def _interleaved(chosen: Sequence[Snmpd], user: str | None) -> tuple[dict[str, list[Timed]], int]:
    """Both clients in turn, and how many objects one round asks for."""
    targets = {agent.folder.name: agent.target(user) for agent in chosen}
    async with Readers({device: (SnmpDriver, target) for device, target in targets.items()}) as readers:
        await readers.counters()
        asked = {device: _asked(readers, device) for device in targets}
        sessions = {device: await _session(target, user) for device, target in targets.items()}

        async def bare() -> None:
            await asyncio.gather(*(_bare(sessions[device], oids) for device, oids in asked.items()))

        async def ours() -> None:
            answers = await readers.counters()
            assert all(counters is not None and counters.ports for counters in answers.values())

        found: dict[str, list[Timed]] = {"gufo_snmp": [], "sdnctl": []}
        for number in range(ROUNDS):
            # In turn, and each first in half of the rounds: snmpd reads its interfaces anew now and then.
            order = list(zip(found, (bare, ours), strict=True))
            for name, work in order if number % 2 else order[::-1]:
                found[name].append(await _timed(work))
        return found, sum(map(len, asked.values()))


async def _with_dead(report: Report, started: Sequence[Snmpd]) -> None:
    """A tenth as many agents again that do not answer: nobody listens, or nobody at all."""
    live: dict[str, tuple[type[Driver], Target]] = {
        agent.folder.name: (SnmpDriver, agent.target()) for agent in started
    }
    options = {"community": "env:SNMP_WRONG", "timeout": "1", "tries": "3"}
    dead: dict[str, tuple[type[Driver], Target]] = {
        f"closed-{number}": (
            SnmpDriver,
            Target(f"closed-{number}", f"udp:127.0.0.1:{free_port()}", options=options),
        )
        for number in range(AGENTS // 20)
    }
    dead |= {
        f"silent-{number}": (
            SnmpDriver,
            Target(f"silent-{number}", started[number].target().address, options=options),
        )
        for number in range(AGENTS // 20)
    }
    async with Readers(live) as without, Readers({**dead, **live}) as with_dead:
        first, _ = await _timed(with_dead.counters)
        await without.counters()
        found: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(ROUNDS):
            found["without"].append((await _timed(without.counters))[0])
            answers: list[object] = []

            async def ask(answers: list[object] = answers) -> None:
                answers += [one for one in (await with_dead.counters()).values() if one is not None]

            found["with"].append((await _timed(ask))[0])
            assert len(answers) == AGENTS
    middle = medians(found)
    report.print(
        f"{len(dead)} dead beside {AGENTS}: the first round takes {first:.2f} s, then {middle['with']:.4f} s"
    )
    report.claim("a round with dead agents, over one without", ratio(found, "with", "without"), 1.5)


async def _timed(work: Callable[[], Awaitable[object]]) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _asked(readers: Readers, device: str) -> tuple[str, ...]:
    driver = readers._open[device]
    assert isinstance(driver, SnmpDriver)
    return driver._interfaces._asked


async def _session(target: Target, user: str | None) -> SnmpSession:
    """As a user of the library would open it."""
    from sdnctl_snmp.credentials import UsmUser, credentials_of

    host, port = target.address.split(":")[1:]
    who = credentials_of(target)
    if isinstance(who, UsmUser):
        session = SnmpSession(host, int(port), user=who.user(), timeout=2.0)
        await session.refresh()
        return session
    return SnmpSession(host, int(port), community=COMMUNITY, timeout=2.0)


async def _bare(session: SnmpSession, oids: Sequence[str]) -> None:
    for start in range(0, len(oids), CHUNK):
        await session.get_many(oids[start : start + CHUNK])
