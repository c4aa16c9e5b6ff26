"""`inventory check --live` from end to end: real snmpd, a controller's real discovery, and the command line."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from live_world import World, WorldDriver
from sdnctl_in_process import Net
from wired import Cables, applied_small, hub_of
from workspace_folder import EXAMPLES

from sdnctl.daemon.cabling import Cabling
from sdnctl.daemon.discovery import Discovery
from sdnctl.inventory.live import Reading, Readings, judge
from sdnctl.southbound import registry
from sdnctl.usecases.checking import expectations, read_cabling

EQUIPMENT = "inventory/equipment.yaml"


def school(address: str, driver: str) -> str:
    return f"""
devices:
  - id: sw-school-1 # behind the gym
    site: west
    platform: any
    uplink: {{port: eth9, switch: pop-west, switch_port: 40}}
    tags: 100-199
    drivers: {{{driver}: "{address}"}}
    credentials: {{community: "env:SNMP_COMMUNITY"}}
    options: {{timeout: "0.5", tries: "2"}}
"""


def network(folder: Path, device: str) -> Net:
    shutil.copytree(EXAMPLES / "small", folder)
    with (folder / EQUIPMENT).open("a", encoding="utf-8") as file:
        file.write(device)
    return Net(folder)


def codes(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one["code"], one["severity"]) for one in document["findings"]]


# ── real snmpd ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers("snmpd")
def test_a_device_asked_over_real_snmpd_with_simulated_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """snmpd is real; values of LLDP and sensors, which no PC has, come from the plugin's `pass_persist` tables."""
    testing = pytest.importorskip("sdnctl_snmp.testing.snmpd", exc_type=ImportError)
    oids = pytest.importorskip("sdnctl_snmp.oids", exc_type=ImportError)
    for name, value in testing.SECRETS.items():
        monkeypatch.setenv(name, value)
    roots = ("1.3.6.1.2.1.2.2", "1.3.6.1.2.1.31.1.1", "1.3.6.1.2.1.47.1", "1.3.6.1.2.1.99.1", "1.0.8802.1.1.2.1")

    def tables(neighbour: str, rx_centi_dbm: int) -> dict[str, tuple[str, object]]:
        entity = "1.3.6.1.2.1.47.1.1.1.1"
        names = {10: (10, 1, "eth9"), 11: (9, 10, "sfp"), 12: (8, 11, "Rx optical power")}
        rows: dict[str, tuple[str, object]] = {
            f"{oids.IF_DESCR}.1": ("string", "eth9"),
            f"{oids.IF_NAME}.1": ("string", "eth9"),
            f"{oids.IF_OPER_STATUS}.1": ("integer", 1),
            f"{oids.IF_PHYS_ADDRESS}.1": ("octet", "02 00 00 00 00 01"),
            f"{oids.IF_HC_IN_OCTETS}.1": ("counter64", 1),
            f"{oids.ENT_ALIAS}.10.0": ("objectid", f".{oids.IF_INDEX}.1"),
            f"{oids.LLDP_LOCAL_PORTS}.2.7": ("integer", 5),
            f"{oids.LLDP_LOCAL_PORTS}.3.7": ("string", "eth9"),
            f"{oids.LLDP_REMOTE}.4.0.7.1": ("integer", 7),
            f"{oids.LLDP_REMOTE}.5.0.7.1": ("string", "dpid:0000000000000006"),
            f"{oids.LLDP_REMOTE}.6.0.7.1": ("integer", 7),
            f"{oids.LLDP_REMOTE}.7.0.7.1": ("string", neighbour),
            f"{oids.LLDP_REMOTE}.9.0.7.1": ("string", "pop-west"),
        }
        for index, (kind, inside, name) in names.items():
            rows[f"{entity}.4.{index}"] = ("integer", inside)
            rows[f"{entity}.5.{index}"] = ("integer", kind)
            rows[f"{entity}.7.{index}"] = ("string", name)
        for column, said in enumerate((1, 9, 2, rx_centi_dbm, 1), 1):
            rows[f"{oids.SENSORS}.{column}.12"] = ("integer", said)
        rows[f"{oids.SENSORS}.6.12"] = ("string", "dBm")
        return rows

    with testing.agents() as agents:
        agent = agents.start(tmp_path / "sw-school-1", roots=roots)
        agent.write(tables("40", -612))
        net = network(tmp_path / "network", school(f"udp:127.0.0.1:{agent.port}", "snmp"))
        found = net.json("inventory", "check", "--live", "--accept-levels")
        assert found["findings"] == []
        assert found["asked"] == ["sw-school-1"]
        assert found["levels"] == {"sw-school-1:eth9": -6.12}

        agent.write(tables("41", -950))
        patch = tmp_path / "right.patch"
        found = net.json("inventory", "check", "--live", "--patch", patch, code=4)
        assert codes(found) == [("rx-drift", "urgent"), ("wrong-port", "alarm")]
        drift, wrong = found["findings"]
        assert drift["summary"] == "sw-school-1:eth9: the received power fell by 3.4 dB"
        assert (wrong["file"], wrong["address"]) == (EQUIPMENT, "device sw-school-1 port eth9")
        assert wrong["summary"] == "sw-school-1:eth9 hears pop-west:41, not pop-west:40"
        subprocess.run(["git", "apply", str(patch)], check=True, cwd=net.folder)
        assert "- id: sw-school-1 # behind the gym" in net.path(EQUIPMENT).read_text()
        assert codes(net.json("inventory", "check", "--live", code=4)) == [("rx-drift", "urgent")]

        agent.stop()
        found = net.json("inventory", "check", "--live", "--device", "sw-school-1", code=4)
        assert codes(found) == [("no-answer", "alarm")]
        assert testing.COMMUNITY not in str(found), "no secret in what is said"


# ── a controller's discovery ─────────────────────────────────────────────────────────────────────


def test_plugs_that_a_controllers_discovery_heard_in_memory(tmp_path: Path) -> None:
    """Beacons, quarantine and all of discovery are real; the switches are those in memory."""
    context = applied_small(tmp_path / "network")
    cables = Cables.of(context.need_applied()[1], [])

    async def discovered() -> Mapping[str, Any]:
        with hub_of(context, cables) as hub:
            async with hub.fleet:
                await hub.fleet.settled(10)
                part = Discovery()
                task = asyncio.create_task(part.run(hub))
                try:
                    async with asyncio.timeout(20):
                        cables.swap(("cab-halles", 1), ("com-estel", 1))
                        cables.deaf.add(("com-aigues", 2))
                        cables.deaf.add(("com-boisset", 1))
                        wanted = {Cabling.MISWIRED, Cabling.SILENT}
                        while not wanted <= {one.kind for one in part.found().cables}:  # noqa: ASYNC110
                            await asyncio.sleep(0.02)
                    return part.found().document()
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

    heard, silent = read_cabling(asyncio.run(discovered()))
    findings = judge(expectations(context), Readings({}, heard, silent), {})
    told = {(one.code, one.address) for one in findings}
    assert ("wrong-neighbour", "switch cab-halles port 1") in told
    assert ("wrong-neighbour", "switch com-estel port 1") in told
    assert {("nobody-heard", f"switch {port}") for port in ("com-aigues port 2", "com-boisset port 1")} <= told
    assert {one.code for one in findings} == {"wrong-neighbour", "nobody-heard"}


# ── the command line ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Net, World]:
    """A network whose school is told of by the in-memory reader, which is found as plugins are."""
    net = network(tmp_path / "network", school("memory:", "world"))
    point = EntryPoint("world", "live_world:WorldDriver", registry.GROUP)
    before = registry.entry_points
    monkeypatch.setattr(registry, "entry_points", lambda group: (*before(group=group), point))
    with net.open() as context:
        world = World.of(expectations(context))
    monkeypatch.setattr(WorldDriver, "world", world.readings().devices)
    return net, world


def tell(monkeypatch: pytest.MonkeyPatch, world: World, **more: Reading) -> None:
    monkeypatch.setattr(WorldDriver, "world", world.readings(**more).devices)


def test_in_memory_reader_all_is_well(simulated: tuple[Net, World]) -> None:
    net, _ = simulated
    said = net.ok("inventory", "check", "--live").out
    assert "everything is as written; 1 device asked" in said
    assert "12 tell no facts by themselves" in said
    assert not (net.folder / ".sdnctl").exists(), "looking leaves nothing behind"
    assert net.json("inventory", "check", "--live")["discovery"] is False


def test_in_memory_reader_findings_at_80_columns(
    simulated: tuple[Net, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    net, world = simulated
    world.wires["sw-school-1", "eth9"] = ("core-a", "33")
    tell(monkeypatch, world)
    monkeypatch.setenv("COLUMNS", "80")
    result = net("inventory", "check", "--live")
    assert result.code == 4
    assert max(map(len, result.out.splitlines())) <= 80
    words = " ".join(result.out.split())
    for part in ("alarm", "sw-school-1:eth9 hears core-a:33", "why", "--patch FILE", "1 finding; 1 device asked"):
        assert part in words, result.out
    shown = net("--format", "markdown", "inventory", "check", "--live")
    assert shown.code == 4
    assert "+    uplink: {port: eth9, switch: core-a, switch_port: 33}" in shown.out


def test_in_memory_reader_wrong_uses(simulated: tuple[Net, World], tmp_path: Path) -> None:
    net, _ = simulated
    assert net("inventory", "check", "--device", "core-a").code == 64  # without --live nothing is asked
    unknown = net("--format", "json", "inventory", "check", "--live", "--device", "sw-scool-1")
    assert (unknown.code, unknown.codes()) == (1, {"no-such-device"})
    (net.folder / ".sdnctl").mkdir()
    (net.folder / ".sdnctl/levels.json").write_text("{}")
    broken = net("--format", "json", "inventory", "check", "--live")
    assert (broken.code, broken.codes()) == (1, {"levels-unreadable"})
    shutil.copytree(EXAMPLES / "small", tmp_path / "plain")
    nothing = Net(tmp_path / "plain")("--format", "json", "inventory", "check", "--live")
    assert (nothing.code, nothing.codes()) == (1, {"nothing-to-ask"})
