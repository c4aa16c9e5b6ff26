"""Discovery on the small example: switches in memory, a real fleet, real rules, cables that are moved about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from wired import Cables, applied_small, event, hub_of, of_kind, record_applied

from sdnctl.cli.cabling import cabling
from sdnctl.daemon.beacons import Disbelief
from sdnctl.daemon.cabling import Cabling
from sdnctl.daemon.discovery import Discovery
from sdnctl.daemon.events import Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.dataplane.values import DISCOVERY_MAC
from sdnctl.southbound.lldp import LOCAL, Lldp, Tlv, decode, encode
from sdnctl.topology.graph import PortRef
from sdnctl.usecases.context import Context

FREE, OTHER = ("core-b", 41), ("pop-east", 41)  # ports that nothing is plugged into


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return applied_small(tmp_path / "network")


@pytest.fixture
def cables(context: Context) -> Cables:
    return Cables.of(context.need_applied()[1], [FREE, OTHER])


@asynccontextmanager
async def discovering(context: Context, cables: Cables) -> AsyncIterator[tuple[Hub, Discovery]]:
    """A hub with discovery at work, after every planned link was confirmed."""
    with hub_of(context, cables) as hub:
        async with hub.fleet:
            await hub.fleet.settled(10)
            part = Discovery()
            task = asyncio.create_task(part.run(hub))
            try:
                yield hub, part
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def waited(true: Callable[[], bool]) -> None:
    """Until something holds; fails after a while."""
    deadline = asyncio.get_running_loop().time() + 20
    while not true():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


async def until(part: Discovery, kind: Cabling, count: int) -> None:
    await waited(lambda: sum(one.kind is kind for one in part.found().cables) == count)


def test_a_network_as_planned_says_nothing(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            links = len(context.need_applied()[1].compiled.topology.links)
            await until(part, Cabling.CONFIRMED, links)
            assert len(part.found().cables) == links
            assert {one.kind for one in hub.events.since(0)} == {Kind.SWITCH_UP}
            assert not hub.quarantine.links
            assert (
                f'sdnctl_discovery_cables{{kind="confirmed"}} {links}.0' in generate_latest(hub.registry).decode()
            )

    asyncio.run(work())
    trunk = [decode(frame) for end, frame in cables.sent if end not in (FREE, OTHER)]
    assert all(frame.system_name for frame in trunk)
    edge = [decode(frame) for end, frame in cables.sent if end in (FREE, OTHER)]
    assert edge
    assert all(frame.system_name is None for frame in edge), "customers do not learn names"


def test_exchanged_plugs_are_named_by_port_and_strand_and_set_apart(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            cables.swap(("cab-halles", 1), ("cab-halles", 2))
            told = await event(hub, of_kind(Kind.MISWIRED, "cab-halles:1"))
            assert told.severity is Severity.CRITICAL
            assert "cab-halles:1 should hear core-a:6 (cab-halles--core-a), but hears pop-west:4" in told.summary
            assert any("strand 2 of cable c-halles-dc" in line for line in told.detail["check"])
            assert any(line.startswith("jumpers at halles") for line in told.detail["check"])
            await event(hub, of_kind(Kind.QUARANTINED, "cab-halles--pop-west"))
            assert set(hub.quarantine.links) == {"cab-halles--core-a", "cab-halles--pop-west"}
            listing = cabling(part.found().document())
            assert [row[0] for row in listing.rows[:2]] == ["miswired (quarantined)"] * 2
            cables.swap(("cab-halles", 1), ("cab-halles", 2))
            await event(hub, of_kind(Kind.RELEASED, "cab-halles--pop-west"))
            await until(part, Cabling.CONFIRMED, 18)
            assert not hub.quarantine.links

    asyncio.run(work())


def test_one_dead_fibre_is_told_by_direction(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            cables.deaf.add(("com-aigues", 2))
            told = await event(hub, of_kind(Kind.CABLING, "com-aigues--com-boisset"))
            assert told.detail["cabling"] == "one-way"
            assert "com-boisset:1 hears com-aigues:2, but com-aigues:2 does not hear com-boisset:1" in told.summary
            cables.deaf.add(("com-boisset", 1))
            await until(part, Cabling.SILENT, 1)
            assert not hub.quarantine.links, "silence is told, and nothing more"
            cables.deaf.clear()
            healed = await event(
                hub, lambda one: one.kind is Kind.CABLING and one.detail.get("cabling") == "confirmed"
            )
            assert healed.severity is Severity.INFO

    asyncio.run(work())


def test_a_cable_between_customer_ports_shuts_both(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            cables.join(FREE, OTHER)
            await event(hub, of_kind(Kind.QUARANTINED, "customer port"))
            await waited(lambda: len(hub.quarantine.ports) == 2)
            assert cables.shut == {FREE, OTHER}
            (port, *_) = hub.quarantine.ports
            trail = context.store.audit_trail()
            assert any(one.action == "quarantine" and str(port) in one.detail for one in trail)
            del cables.wires[FREE], cables.wires[OTHER]
            for shut in tuple(hub.quarantine.ports):
                await part.release(shut, "somebody")
            assert not cables.shut
            assert not hub.quarantine.ports

    asyncio.run(work())


def test_a_link_that_goes_out_for_works_is_no_customer_port(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            path = context.folder / "topology" / "maintenance.yaml"
            works = "[{link: core-a--pop-north, reason: works}]"
            text = path.read_text(encoding="utf-8").replace("out_of_service: []", f"out_of_service: {works}")
            path.write_text(text, encoding="utf-8")
            record_applied(Context(context.folder))
            hub.events.publish(Kind.CHANGE_DONE, "apply", "applied")
            await until(part, Cabling.CONFIRMED, 17)
            await asyncio.sleep(1.0)  # several beacons of every port
            assert not [one for one in part.found().cables if "customer" in one.summary]
            assert not cables.shut
            assert not hub.quarantine.ports

    asyncio.run(work())


def test_a_trunk_plugged_into_a_customer_port_is_rogue(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            far = cables.wires[("com-estel", 1)]
            cables.join(far, FREE)
            del cables.wires[("com-estel", 1)]
            await event(hub, of_kind(Kind.MISWIRED, "core-b:41"))
            await event(hub, of_kind(Kind.QUARANTINED, "customer port core-b:41"))
            assert "com-estel--pop-west" in hub.quarantine.links
            assert FREE in cables.shut

    asyncio.run(work())


def test_a_cable_back_to_its_own_port_is_a_loop(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            cables.wires[("com-estel", 1)] = ("com-estel", 1)
            told = await event(hub, of_kind(Kind.MISWIRED, "hears itself"))
            assert told.detail["cabling"] == "looped"
            assert "com-estel--pop-west" in hub.quarantine.links

    asyncio.run(work())


def test_replayed_and_forged_frames_move_nothing(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            recorded = next(frame for end, frame in cables.sent if end == ("core-a", 1))
            forged = encode(
                Lldp(DISCOVERY_MAC, (LOCAL, b"dpid:1"), (LOCAL, b"1"), 10, decode(recorded).others[:-1])
            )
            spoilt = recorded[:-3] + bytes((recorded[-3] ^ 1,)) + recorded[-2:]
            theirs = encode(Lldp(0x020000000001, (LOCAL, b"their switch"), (LOCAL, b"1"), 10, (Tlv(5, b"x"),)))
            for frame in (recorded, forged, spoilt, theirs):
                cables.receive(("pop-east", 41), frame)
            told = await event(hub, of_kind(Kind.BEACON_REFUSED, "pop-east:41"))
            assert told.detail["reason"] == "replayed"
            refused = part.found().refused
            assert refused[Disbelief.REPLAYED] == 1
            assert refused[Disbelief.FORGED] == 1
            assert refused[Disbelief.FOREIGN] == 1, (
                "the frame without our element; a customer's own is not even sent"
            )
            await asyncio.sleep(0.5)
            assert not hub.quarantine.links
            assert not hub.quarantine.ports
            assert {one.kind for one in part.found().cables} == {Cabling.CONFIRMED}

    asyncio.run(work())


def test_a_switch_that_leaves_is_no_silence(context: Context, cables: Cables) -> None:
    async def work() -> None:
        async with discovering(context, cables) as (hub, part):
            await until(part, Cabling.CONFIRMED, 18)
            cables.down |= {("core-a", 3), ("pop-north", 1)}
            for device, port in (("core-a", 3), ("pop-north", 1)):
                cables.drivers[device].changed(port)
            await until(part, Cabling.UNSEEN, 1)
            (gone,) = (one for one in part.found().cables if one.kind is Cabling.UNSEEN)
            assert gone.ports == (PortRef("core-a", 3), PortRef("pop-north", 1))
            assert not [one for one in hub.events.since(0) if one.kind in (Kind.CABLING, Kind.MISWIRED)]

    asyncio.run(work())
