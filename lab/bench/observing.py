"""What a plan asks of a whole network: the rules and settings of 120 bridges, read back at once.

All bridges are one Open vSwitch, as in a lab, so the switch side has one thread for all of them. Measured against
a bare client that asks the same of every bridge at once and throws the answers away, and against ``ovs-ofctl``,
bridge after bridge. The rules are pushed through the fleet first, as the prepare stage of a first apply.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from lab.bench.bridges import Bridges
from lab.bench.flows import GROUPS, flows
from lab.bench.measure import Report, growth, interleaved, medians, ratio, wall
from lab.bench.raw import read
from sdnctl.cli.garbage import spare_collections
from sdnctl.dataplane.values import METER_BASE, Flow, Group, Meter
from sdnctl.plan.model import Change, Op, Stage, StageKind
from sdnctl.southbound.base import Driver, Target
from sdnctl.southbound.fleet import Fleet
from sdnctl.southbound.registry import Registry

SIZES = (10, 40, 120)
FLOWS = 400
METERS = 40
ROUNDS = 5

Addresses = Mapping[str, Mapping[str, str]]


def rules() -> list[Flow | Group | Meter]:
    """What one switch holds: about 500 rules, as in the reference network."""
    meters = [Meter(METER_BASE + number, 1000 + number, 100) for number in range(METERS)]
    return [*meters, *GROUPS, *flows(FLOWS)]


def _fleet(addresses: Addresses, names: tuple[str, ...]) -> Fleet:
    registry = Registry()
    drivers: dict[str, type[Driver]] = {name: registry.load(name) for name in names}
    return Fleet(
        {
            device: {drivers[name]: Target(device, given[name]) for name in names}
            for device, given in addresses.items()
        }
    )


async def _push(addresses: Addresses) -> float:
    changes = tuple(Change(Op.ADD, rule) for rule in rules())
    async with _fleet(addresses, ("openflow",)) as fleet:
        await fleet.observe()
        started = time.perf_counter()
        await fleet.commit(Stage(StageKind.PREPARE, dict.fromkeys(addresses, changes)))
        return time.perf_counter() - started


async def _observe(addresses: Addresses, names: tuple[str, ...]) -> None:
    """Open all drivers, read, close: what a command does."""
    wanted = len(rules())
    async with _fleet(addresses, names) as fleet:
        seen = await fleet.observe()
    if seen.faults or any(one is None or len(one.rules) != wanted for one in seen.rules.values()):
        raise AssertionError(f"not everything was read back: {seen.faults}")


async def _bare(addresses: Addresses) -> None:
    await asyncio.gather(*(read(given["openflow"]) for given in addresses.values()))


def _ofctl(addresses: Addresses) -> None:
    for given in addresses.values():
        for command in ("dump-flows", "dump-groups", "dump-meters"):
            words = ["ovs-ofctl", "-O", "OpenFlow13", command, given["openflow"].removeprefix("unix:")]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(report: Report) -> None:
    """Seconds over the number of bridges; no bound is claimed."""
    spare_collections()
    registry = Registry()
    both = ("openflow", "ovsdb") if registry.has("ovsdb") else ("openflow",)
    took = []
    each = len(rules())
    for size in SIZES:
        with Bridges() as bridges, bridges.many(size) as addresses:
            pushed = asyncio.run(_push(addresses))
            runs = {
                "rules": partial(_timed, _observe, addresses, ("openflow",)),
                "rules and settings": partial(_timed, _observe, addresses, both),
                "bare client": partial(_timed, _bare, addresses),
                "ovs-ofctl": partial(wall, partial(_ofctl, addresses)),
            }
            found = interleaved(ROUNDS, runs)
        took.append(medians(found)["rules"])
        report.print(
            f"{size:4} bridges, {size * each:6} rules: pushed in {pushed:.2f} s ({size * each / pushed:.0f}/s)"
        )
        for name, seconds in medians(found).items():
            report.print(
                f"      {name:20} {seconds:7.3f} s  {ratio(found, name, 'bare client'):5.2f}× bare client"
            )
    report.print(f"growth of the time over bridges: bridges^{growth(SIZES, took):.2f}")


def _timed(work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> float:
    return wall(lambda: asyncio.run(work(*arguments)))
