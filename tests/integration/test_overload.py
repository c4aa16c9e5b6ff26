"""Twice as much as a cable carries: scada loses nothing and keeps its bound, the rest fills the cable.

The queues are those that `apply` installed, nothing else is done to the lab. Without them, on the same cable under
the same flood, scada loses frames and is late: or the measurement could not see it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from campaign_network import machine
from hostile_world import BOUND, RATE, Seen, World, flood, measure, world
from sdnctl_in_process import Net, sdnctl

from sdnctl.southbound.base import Target
from sdnctl.southbound.registry import Registry

pytestmark = [pytest.mark.ovs, pytest.mark.quiet]

SCADA = ("floods/sensor-1>head", "floods/sensor-2>head")
BULK = "wireless/wifi>internet"
SIZE = 1_500
SECONDS = 1.5
REPORT = Path(__file__).parents[2] / "lab" / "reports" / "overload.txt"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("overload") / "net") as one:
        yield one


def overloaded(hostile: World) -> tuple[Seen, float]:
    """A window at twice the rate of the cable, and the share of it that bulk filled; measured again if held up."""
    offered = 2 * RATE / 8 / SIZE
    bulk = hostile.demand(BULK)
    for _ in range(4):
        with flood(hostile, bulk.ingress.attachment, hostile.frame(BULK, SIZE), offered, SECONDS + 1.0):
            seen = measure(hostile, SCADA, SECONDS, pps=200.0)
        if seen.held_up < BOUND / 2:
            break
    frames, octets = seen.arrived.get(bulk.egress.attachment, (0, 0))
    assert frames, "nothing of the flood arrived at all"
    return seen, octets * 8 / seen.seconds / RATE


def release(hostile: World) -> None:
    """Take off the queues, as if the product had none."""

    async def work() -> None:
        driver = Registry().load("ovsdb")
        for node, addresses in hostile.lab.targets().items():
            one = await driver.open(Target(node, addresses["ovsdb"], None))
            await one.release()  # type: ignore[attr-defined]
            await one.close()

    asyncio.run(work())


def test_scada_keeps_its_bound_at_twice_the_load(hostile: World) -> None:
    seen, filled = overloaded(hostile)
    print(seen, f"bulk fills {filled:.1%}")  # noqa: T201 (shown with what failed)
    for tally in seen.tallies.values():
        assert tally.lost == 0, str(seen)
        assert tally.within(0.99) <= BOUND, str(seen)
    assert filled >= 0.9, f"bulk fills {filled:.1%} of the cable"


def test_without_queues_it_does_not(hostile: World) -> None:
    """The control; and `plan` sees that the queues are gone, `apply` makes them again."""
    assert hostile.net("plan", "--exit-code").code == 0
    release(hostile)
    assert hostile.net("plan", "--exit-code").code == 2, "queues that are not there are not missed"
    seen, _ = overloaded(hostile)
    print(seen)  # noqa: T201 (shown with what failed)
    assert sum(tally.lost for tally in seen.tallies.values()) > 0, f"no loss without queues: {seen}"
    assert all(tally.within(0.5) > BOUND for tally in seen.tallies.values()), f"in time without queues: {seen}"
    hostile.net.ok("apply", "--yes")
    assert hostile.net("plan", "--exit-code").code == 0


def test_a_slow_cable_can_be_cut_and_healed(hostile: World) -> None:
    hostile.lab.cut(["cable"])
    assert measure(hostile, SCADA[:1], 0.3).tallies[SCADA[0]].late == {}
    hostile.lab.heal(["cable"])
    deadline = time.monotonic() + 10
    while measure(hostile, SCADA[:1], 0.3).tallies[SCADA[0]].lost:
        assert time.monotonic() < deadline, "it carries nothing after it was healed"


@pytest.mark.soak
def test_for_a_minute(hostile: World) -> None:
    """The same forty times, and ten times without queues: what lab/reports/overload.txt says."""
    hostile.net.ok("apply", "--yes")
    lines = []
    for what, runs in (("with queues", 40), ("without queues", 10)):
        windows = [overloaded(hostile) for _ in range(runs)]
        tallies = [one for seen, _ in windows for one in seen.tallies.values()]
        late = sorted(delay * 1e3 for one in tallies for delay in one.late.values())
        sent, lost = sum(len(one.sent) for one in tallies), sum(one.lost for one in tallies)
        filled = sorted(share for _, share in windows)
        lines += [
            f"{what}: {sent} scada frames, {lost} lost ({lost / sent:.2%})",
            f"  one way: 50 % in {at(late, 0.5):.2f} ms, 99 % in {at(late, 0.99):.2f} ms, "
            f"99.9 % in {at(late, 0.999):.2f} ms, all in {late[-1]:.2f} ms; bound {BOUND * 1e3:.0f} ms",
            f"  bulk fills {filled[0]:.1%} to {filled[-1]:.1%} of {RATE / 1e6:.0f} Mbit/s",
        ]
        if what == "with queues":
            assert lost == 0
            assert at(late, 0.99) <= BOUND * 1e3
            assert filled[0] >= 0.9
            # Of none in n lost, the rate of loss is below 3 / n with 95 % confidence.
            lines.append(f"  loss below {3 / sent:.1e} with 95 % confidence")
            release(hostile)
        else:
            assert lost > 0
            assert at(late, 0.5) > BOUND * 1e3
    head = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}\npytest --soak tests/integration/test_overload.py\n"
    REPORT.write_text(f"{head}\n{chr(10).join(lines)}\n", encoding="utf-8")


def at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


def test_rates_need_switches_in_which_time_passes(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    assert sdnctl("init", folder, "--example", "small-links").code == 0
    found = sdnctl("--format", "json", "-n", folder, "lab", "up", "--kind", "memory", "--rates")
    assert found.code == 1
    assert found.codes() == {"lab-no-rates"}


def test_queues_that_no_traffic_class_leads_to_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    assert sdnctl("init", folder, "--example", "small-links").code == 0
    net = Net(folder)
    net.edit("intents/classes.yaml", "{id: scada, tc: 6, queue: 6,", "{id: scada, tc: 6, queue: 5,")
    found = net.json("lab", "up", "--kind", "ovs", "--rates", code=1)
    (said,) = found["diagnostics"]
    assert (said["code"], said["address"]) == ("lab-queue", "class scada")
    assert "classes.yaml" in json.dumps(said)
