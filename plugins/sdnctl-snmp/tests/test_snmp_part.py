"""In a controller: counters of an agent beside those of switches, and its traps as events."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from sdnctl_snmp import SnmpDriver, oids
from sdnctl_snmp.part import TrapReceiver
from sdnctl_snmp.testing.snmpd import AUTH, COMMUNITY, PRIVACY, Agents, Snmpd, free_port

from sdnctl.daemon.events import Events, Kind, Severity
from sdnctl.daemon.hub import Hub
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.plugged import plugged
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.daemon.telemetry import Telemetry
from sdnctl.errors import DeviceError, InputError
from sdnctl.southbound.base import Target
from sdnctl.usecases.context import Context

pytestmark = pytest.mark.servers("snmpd", "snmptrap", "snmpinform")
Notify = Callable[..., subprocess.Popen[str]]


def hub_of(folder: Path, *targets: Target, **options: str) -> Hub:
    settings = ControllerSettings(parts={"snmp-traps": {"listen": f"udp:127.0.0.1:{free_port()}", **options}})
    fleet = LiveFleet({target.device: {SnmpDriver: target} for target in targets}, Events(), settings)
    return Hub(Context(folder), settings, fleet, fleet.events)


def test_counters_appear_like_those_of_switches(agent: Snmpd, tmp_path: Path) -> None:
    async def work() -> None:
        dead = Target("dead", f"udp:127.0.0.1:{free_port()}", options={"community": "env:SNMP_COMMUNITY"})
        hub = hub_of(tmp_path, agent.target("sha256"), dead)
        telemetry = Telemetry()
        running = asyncio.create_task(telemetry.run(hub))
        await until(lambda: telemetry.last is not None)
        await telemetry.read(hub)
        assert telemetry.last is not None
        assert {device for device, _ in telemetry.last.ports} == {"plain"}
        assert {device for device, _ in telemetry.rates} == {"plain"}
        said = generate_latest(hub.registry).decode()
        assert 'sdnctl_port_bytes_total{direction="rx",port="1",switch="plain"}' in said
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        hub.close()

    asyncio.run(work())


def test_notifications_become_events(
    running: Agents, folder: Path, tmp_path: Path, notify: Notify, caplog: pytest.LogCaptureFixture
) -> None:
    """A real agent's own coldStart, then traps and informs about its port, and some that nobody knows."""
    caplog.set_level("INFO")

    async def work() -> None:
        port = free_port()
        sink = f"trap2sink 127.0.0.1:{port} {COMMUNITY}"
        restarted = await asyncio.to_thread(lambda: running.start(folder / "trapper"))
        by_user = Target("user", restarted.target().address, options=restarted.target("sha256").options)
        hub = hub_of(tmp_path, restarted.target(), by_user, listen=f"udp:127.0.0.1:{port}")
        (part,) = plugged(hub.settings.parts)
        assert isinstance(part, TrapReceiver)
        task = asyncio.create_task(part.run(hub))
        await until(lambda: len(part._names) == 2)

        restarted.stop()
        restarted.extra = sink
        restarted.start()
        await asyncio.to_thread(restarted.wait)
        await until(lambda: bool(of_kind(hub, Kind.DEVICE_RESTARTED)))
        (started,) = of_kind(hub, Kind.DEVICE_RESTARTED)
        assert started.subject == "device trapper"

        async def send(program: str, *words: str) -> None:
            process = notify(program, *words)
            said, _ = await asyncio.to_thread(process.communicate, None, 30)
            assert process.returncode == 0, said

        where = f"127.0.0.1:{port}"
        v3 = ("-v3", "-u", "sha256", "-l", "authPriv", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIVACY)
        down = ("", oids.LINK_DOWN, f"{oids.IF_INDEX}.1", "i", "1", f"{oids.IF_ADMIN_STATUS}.1", "i", "1")
        await send("snmptrap", "-v2c", "-c", COMMUNITY, where, *down)
        await send("snmpinform", *v3, where, "", oids.LINK_UP, f"{oids.IF_INDEX}.1", "i", "1")
        for number in range(3):
            await send(
                "snmpinform", *v3, where, "", f"1.3.6.1.4.1.99999.0.{number % 2}", "1.3.6.1.4.1.99999.1", "s", "x"
            )
        await until(lambda: bool(of_kind(hub, Kind.PORT_UP)))
        (fell,), (rose,) = of_kind(hub, Kind.PORT_DOWN), of_kind(hub, Kind.PORT_UP)
        assert (fell.subject, fell.severity) == ("device trapper port lo", Severity.WARNING)
        assert (rose.subject, rose.detail["index"]) == ("device user port lo", 1)
        unknown = [record.getMessage() for record in caplog.records if "is not known" in record.getMessage()]
        assert len(unknown) == len(set(unknown)) == 2 + sum("8072" in text for text in unknown)
        said = generate_latest(hub.registry).decode()
        assert 'sdnctl_snmp_notifications_total{outcome="told"}' in said
        for secret in (COMMUNITY, AUTH, PRIVACY):
            assert secret not in caplog.text + said
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert "sdnctl_snmp_notifications" not in generate_latest(hub.registry).decode()
        hub.close()

    asyncio.run(work())


def of_kind(hub: Hub, kind: Kind) -> list[object]:
    return [event for event in hub.events.since(0) if event.kind is kind]


async def until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def test_unknown_ones_are_logged_within_bounds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from sdnctl_snmp.notifications import Notification
    from sdnctl_snmp.part import UNKNOWN_LOGGED

    caplog.set_level("INFO")
    part = TrapReceiver()
    part._hub = hub_of(tmp_path)
    for number in range(3 * UNKNOWN_LOGGED):
        part._take(Notification(f"1.3.6.1.4.1.99999.{number}", {}, "sw"))
    assert len(caplog.records) == UNKNOWN_LOGGED
    assert part._hub.events.last == 0


@pytest.mark.parametrize(
    "options",
    [{"engine_id": "xyz"}, {"engine_id": "8000"}, {"listen": "tcp:127.0.0.1"}],
    ids=["hex", "short", "tcp"],
)
def test_options_that_are_wrong(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(DeviceError):
        asyncio.run(TrapReceiver().run(hub_of(tmp_path, **options)))


def test_a_device_with_wrong_options_does_not_stop_the_others(
    agent: Snmpd, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        broken = Target("broken", "udp:127.0.0.1", options={"community": "env:SNMP_NOT_SET"})
        part = TrapReceiver()
        hub = hub_of(tmp_path, broken, agent.target())
        task = asyncio.create_task(part.run(hub))
        await until(lambda: "plain" in part._names)
        assert part.receiver is not None
        assert [sender.device for sender in part.receiver.gate._at["127.0.0.1"]] == ["plain"]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        hub.close()

    asyncio.run(work())
    assert "notifications of broken are not received" in caplog.text


def test_parts_that_are_not_there() -> None:
    assert plugged(()) == ()
    with pytest.raises(InputError) as caught:
        plugged({"snmp-traps": {}, "no-such-part": {}}, points=())
    assert [one.code for one in caught.value.diagnostics] == ["part-missing", "part-missing"]
    assert "pip install sdnctl-snmp" in str(caught.value)
