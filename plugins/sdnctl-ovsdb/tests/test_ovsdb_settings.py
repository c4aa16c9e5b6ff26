"""What the driver does on a real switch beyond the contract: running BFD, queues, races, transports, faults."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme
from sdnctl_ovsdb import OvsdbDriver, client

from sdnctl.dataplane.values import Flow, Match, PortSettings, Queue, SwitchSettings
from sdnctl.errors import DeviceRefused, DeviceUnreachable
from sdnctl.plan.model import Change, Op, SettingsChange
from sdnctl.southbound.base import Driver, Target
from sdnctl.testing.driving import drive

pytestmark = pytest.mark.ovs
T = TypeVar("T")
QUEUES = (Queue(0, 1_000_000, 50_000_000, 3), Queue(2, 5_000_000, 80_000_000, 0))


def target(server: Any, node: str = "a", **options: str) -> Target:
    return Target(f"pop-{node}", f"unix:{server.driver_socket}#{server.lab.bridge(node)}", None, options)


def settings(**ports: PortSettings) -> list[SettingsChange]:
    return [SettingsChange(SwitchSettings("secure", {int(name[1:]): port for name, port in ports.items()}))]


def test_is_found_by_its_entry_point() -> None:
    from importlib.metadata import entry_points

    (entry,) = entry_points(group="sdnctl.drivers", name="ovsdb")
    assert entry.load() is OvsdbDriver
    assert isinstance(OvsdbDriver.__new__(OvsdbDriver), Driver)


def test_bfd_runs_and_is_reported(server: Any) -> None:
    """BFD on both ends of the link comes up; a cut on one side is seen as down on the other."""

    async def enable(driver: OvsdbDriver) -> None:
        await driver.commit(settings(p1=PortSettings(bfd_interval_ms=50)))
        await driver.confirm()

    async def until(driver: OvsdbDriver, state: str) -> None:
        deadline = time.monotonic() + 15
        while (seen := (await driver.counters()).ports[1].bfd) != state:
            assert time.monotonic() < deadline, f"BFD is {seen!r}, not {state!r}"
            await asyncio.sleep(0.05)

    drive(OvsdbDriver, target(server, "a"), enable)
    drive(OvsdbDriver, target(server, "b"), enable)
    try:
        drive(OvsdbDriver, target(server, "a"), lambda driver: until(driver, "up"))
        server.lab.cut(["L"])
        drive(OvsdbDriver, target(server, "a"), lambda driver: until(driver, "down"))
        server.lab.heal(["L"])
        drive(OvsdbDriver, target(server, "a"), lambda driver: until(driver, "up"))
    finally:
        server.lab.heal(["L"])
        drive(OvsdbDriver, target(server, "b"), lambda driver: driver.release())


def test_link_state_follows_the_cable(server: Any) -> None:
    """Both ends of a cut link are reported as down, both are up again after healing."""

    async def until(driver: OvsdbDriver, up: bool) -> None:
        deadline = time.monotonic() + 5  # Open vSwitch writes states to its database a moment later
        while (await driver.counters()).ports[1].up is not up:
            assert time.monotonic() < deadline, f"port 1 is not {'up' if up else 'down'}"
            await asyncio.sleep(0.02)

    for up in (False, True):
        (server.lab.heal if up else server.lab.cut)(["L"])
        for node in ("a", "b"):
            drive(OvsdbDriver, target(server, node), lambda driver, up=up: until(driver, up))


def test_queues_stand_in_the_kernel_and_leave_nothing(server: Any) -> None:
    """Queues become HTB classes of the interface; replaced rows are deleted, and released ones too."""

    async def set_queues(driver: OvsdbDriver, queues: tuple[Queue, ...]) -> SwitchSettings | None:
        await driver.commit(settings(p2=PortSettings(queues=queues)))
        await driver.confirm()
        return (await driver.observe()).settings

    where = target(server, queues="on")
    observed = drive(OvsdbDriver, where, lambda driver: set_queues(driver, QUEUES))
    assert observed is not None
    assert observed.ports == {2: PortSettings(queues=QUEUES)}
    classes = _tc(server)
    assert "rate 5Mbit ceil 80Mbit" in classes, classes
    assert (server.vsctl("--columns=_uuid", "list", "qos").count("_uuid"), _count(server, "queue")) == (1, 2)

    fewer = (Queue(1, 2_000_000, 20_000_000, 1),)
    drive(OvsdbDriver, where, lambda driver: set_queues(driver, fewer))
    assert (_count(server, "qos"), _count(server, "queue")) == (1, 1)
    assert "ceil 20Mbit" in _tc(server)

    drive(OvsdbDriver, where, lambda driver: driver.release())
    assert (_count(server, "qos"), _count(server, "queue")) == (0, 0)
    assert "htb" not in _tc(server)


def _tc(server: Any) -> str:
    from sdnctl.lab import netns

    return netns.call(["tc", "-n", server.lab.namespace, "class", "show", "dev", f"{server.bridge}.2"])


def _count(server: Any, table: str) -> int:
    return str(server.vsctl("--columns=_uuid", "list", table)).count("_uuid")


def test_queue_rows_that_others_use_are_kept(server: Any) -> None:
    async def work(driver: OvsdbDriver) -> None:
        await driver.commit(settings(p2=PortSettings(queues=QUEUES)))
        await driver.confirm()
        queue = server.vsctl("--bare", "--columns=_uuid", "find", "queue", "other_config:priority=0")
        server.vsctl("--", "set", "port", f"{server.bridge}.3", "qos=@q", "--", "--id=@q", "create", "qos",
                     "type=linux-htb", f"queues=7={queue}")  # fmt: skip
        await driver.release()
        assert server.vsctl("--bare", "--columns=_uuid", "list", "queue") == queue

    drive(OvsdbDriver, target(server), work)


def test_hand_made_change_is_seen_and_repaired(server: Any) -> None:
    wanted = settings(p1=PortSettings(bfd_interval_ms=100))

    async def work(driver: OvsdbDriver) -> None:
        await driver.commit(wanted)
        await driver.confirm()
        server.vsctl("set", "interface", f"{server.bridge}.1", "bfd:min_tx=900")
        seen = (await driver.observe()).settings
        assert seen is not None
        assert seen.ports[1].bfd_interval_ms == 900
        await driver.commit(wanted)
        seen = (await driver.observe()).settings
        assert seen is not None
        assert seen.ports[1].bfd_interval_ms == 100

    drive(OvsdbDriver, target(server), work)


def test_revert_restores_what_was_foreign(server: Any) -> None:
    """A queue set and a BFD interval that an operator had made come back as they were."""
    server.vsctl(
        "--", "set", "port", f"{server.bridge}.2", "qos=@q", "--", "--id=@q", "create", "qos", "type=linux-htb"
    )
    before = server.vsctl("get", "port", f"{server.bridge}.2", "qos")
    server.vsctl(
        "set", "interface", f"{server.bridge}.2", "bfd:enable=true", "bfd:min_tx=700", "bfd:decay_min_rx=900"
    )
    bfd = server.vsctl("get", "interface", f"{server.bridge}.2", "bfd")

    async def work(driver: OvsdbDriver) -> None:
        await driver.commit(settings(p2=PortSettings(50, QUEUES)))
        await driver.commit(settings(p2=PortSettings(60, QUEUES[:1])))
        await driver.revert()

    drive(OvsdbDriver, target(server), work)
    assert server.vsctl("get", "port", f"{server.bridge}.2", "qos") == before
    assert server.vsctl("get", "interface", f"{server.bridge}.2", "bfd") == bfd
    assert server.vsctl("get", "interface", f"{server.bridge}.2", "external_ids") == "{}"
    assert _count(server, "queue") == 0


def test_two_writers_do_not_mix(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody changes a column between our reading and our writing: we read again and nothing is lost."""
    honest = client.OvsdbClient.change
    interruptions: list[str] = []

    def interrupted(self: client.OvsdbClient, *operations: Any) -> None:
        if not interruptions:
            interruptions.append("once")
            server.vsctl("set", "interface", f"{server.bridge}.1", "bfd:decay_min_rx=4321")
        honest(self, *operations)

    monkeypatch.setattr(client.OvsdbClient, "change", interrupted)
    drive(
        OvsdbDriver, target(server), lambda driver: driver.commit(settings(p1=PortSettings(bfd_interval_ms=100)))
    )
    bfd = server.vsctl("get", "interface", f"{server.bridge}.1", "bfd")
    assert interruptions
    assert 'decay_min_rx="4321"' in bfd
    assert 'min_tx="100"' in bfd


def test_everything_wrong_is_said_at_once_and_nothing_is_changed(server: Any) -> None:
    bad = settings(
        p9=PortSettings(50), p1=PortSettings(0), p2=PortSettings(None, (Queue(1, 9, 5, 0), Queue(1, 1, 5, 0)))
    )

    async def work(driver: OvsdbDriver) -> None:
        for call in (driver.prepare, driver.commit):
            with pytest.raises(DeviceRefused) as caught:
                await call(bad)
            addresses = {item.address for item in caught.value.diagnostics}
            assert addresses == {f"switch pop-a port {number}" for number in (1, 2, 9)}
            assert len(caught.value.diagnostics) == 4
        with pytest.raises(DeviceRefused, match="changes settings, not rules"):
            await driver.prepare([Change(Op.ADD, Flow(0, 1, Match()))])
        assert (await driver.observe()).settings == SwitchSettings("secure", {})

    drive(OvsdbDriver, target(server), work)


def test_wrong_address_wrong_bridge(server: Any) -> None:
    with pytest.raises(DeviceRefused, match="is not an OVSDB address"):
        drive(OvsdbDriver, Target("x", "http://nowhere"), lambda driver: driver.observe())
    with pytest.raises(DeviceRefused, match="there is no bridge nope"):
        drive(OvsdbDriver, Target("x", f"unix:{server.driver_socket}#nope"), lambda driver: driver.observe())
    with pytest.raises(DeviceRefused, match="neither a bridge nor a datapath id"):
        drive(OvsdbDriver, Target("x", f"unix:{server.driver_socket}"), lambda driver: driver.observe())
    with pytest.raises(DeviceUnreachable, match="does not answer"):
        drive(OvsdbDriver, Target("x", "tcp:127.0.0.1:1#a"), lambda driver: driver.observe())


def test_bridge_is_found_by_datapath_id(server: Any) -> None:
    where = Target("pop-a", f"unix:{server.driver_socket}", 0xA1)
    assert set(drive(OvsdbDriver, where, lambda driver: driver.counters()).ports) == {1, 2, 3, 4}


def test_connection_that_was_dropped_is_made_anew(server: Any) -> None:
    async def work(driver: OvsdbDriver) -> None:
        before = await driver.observe()
        server.hang_up()
        with pytest.raises(DeviceUnreachable):
            await driver.observe()
        server.listen()
        assert await driver.observe() == before

    drive(OvsdbDriver, target(server), work)


def test_no_switch_daemon_is_told_apart(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database takes a change although nobody acts on it: that is not success."""
    monkeypatch.setattr(client, "TIMEOUT", 0.4)
    monkeypatch.setattr(client.OvsdbClient.__init__, "__defaults__", (0.4,))
    pid = int((server.lab.run_dir / "ovs-vswitchd.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(DeviceUnreachable, match="no switch daemon put it into effect"):
            drive(
                OvsdbDriver,
                target(server),
                lambda driver: driver.commit(settings(p1=PortSettings(bfd_interval_ms=100))),
            )
    finally:
        os.kill(pid, signal.SIGCONT)


def test_ensure_bridge(server: Any) -> None:
    where = Target("new", f"unix:{server.driver_socket}#fresh", 0xF00)
    try:
        assert drive(OvsdbDriver, where, lambda driver: driver.ensure_bridge("netdev")) is True
        assert drive(OvsdbDriver, where, lambda driver: driver.ensure_bridge("netdev")) is False
        assert server.vsctl("get", "bridge", "fresh", "datapath_id") == '"0000000000000f00"'
        assert server.vsctl("get", "bridge", "fresh", "fail_mode") == "secure"
        description = drive(OvsdbDriver, where, lambda driver: driver.capabilities()).description
        assert "netdev" in description
    finally:
        server.vsctl("--if-exists", "del-br", "fresh")


def test_over_tls(tmp_path: Path) -> None:
    """`ssl:` with certificates on both sides; a client of another authority is not let in."""
    authority, stranger = trustme.CA(), trustme.CA()
    for name, issuer in (("server", authority), ("client", authority), ("stranger", stranger)):
        certificate = issuer.issue_cert(f"{name}.test")
        certificate.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        certificate.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    port = free_port()
    with database(tmp_path, port) as path:
        run("ovs-vsctl", f"--db=unix:{path}", "--no-wait", "add-br", "tls", "--", "set-fail-mode", "tls", "secure")
        for name in ("client", "stranger"):
            options = {
                "private_key": f"file:{tmp_path}/{name}.key",
                "certificate": f"file:{tmp_path}/{name}.pem",
                "ca_cert": f"file:{tmp_path}/ca.pem",
            }
            where = Target("far", f"ssl:127.0.0.1:{port}#tls", None, options)
            if name == "client":
                observed = drive(OvsdbDriver, where, lambda driver: driver.observe())
                assert observed.settings == SwitchSettings("secure", {})
            else:
                with pytest.raises(DeviceUnreachable, match="certificate"):
                    drive(OvsdbDriver, where, lambda driver: driver.observe())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@contextmanager
def database(folder: Path, port: int) -> Iterator[Path]:
    """A database server alone, over TLS on loopback and on a Unix socket for the test itself."""
    path = folder / "db.sock"
    run("ovsdb-tool", "create", str(folder / "conf.db"))
    command = [
        "ovsdb-server", str(folder / "conf.db"), f"--remote=pssl:{port}:127.0.0.1", f"--remote=punix:{path}",
        f"--private-key={folder}/server.key", f"--certificate={folder}/server.pem", f"--ca-cert={folder}/ca.pem",
        f"--unixctl={folder}/ctl", "-vconsole:off", "-vsyslog:off",
    ]  # fmt: skip
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 5
        while not path.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run("ovs-vsctl", f"--db=unix:{path}", "--no-wait", "init")
        yield path
    finally:
        process.terminate()
        process.wait(5)


def test_refusal_names_missing_tls_files() -> None:
    with pytest.raises(DeviceRefused, match="private_key"):
        drive(OvsdbDriver, Target("x", "ssl:127.0.0.1:1#a"), lambda driver: driver.observe())
