"""Twice as much as a cable carries: scada loses nothing and keeps its bound, the rest fills the cable.

The queues are those that `apply` installed, nothing else is done to the lab. Without them, on the same cable under
the same flood, scada loses frames and is late: or the measurement could not see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hostile_world import BOUND, RATE, Seen, World, flood, measure, world

from sdnctl.southbound.base import Target
from sdnctl.southbound.registry import Registry

pytestmark = [pytest.mark.ovs, pytest.mark.quiet]

SCADA = ("floods/sensor-1>head", "floods/sensor-2>head")
BULK = "wireless/wifi>internet"
SIZE = 1_500
SECONDS = 1.5


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


@pytest.mark.soak
def test_for_a_minute(hostile: World) -> None:
    """The same twenty times: 12,000 frames of scada, none lost."""
    for _ in range(20):
        test_scada_keeps_its_bound_at_twice_the_load(hostile)


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
