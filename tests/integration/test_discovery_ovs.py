"""Discovery and admission on real Open vSwitch: exchanged cables by port and strand; new and replaced bridges."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import trustme
from ovs_fixture import PrivateSwitch, tool
from sdnctl_in_process import Net, on_ovs, sdnctl
from wired import event, of_kind

from sdnctl.daemon import admission
from sdnctl.daemon import hub as hub_module
from sdnctl.daemon.admission import Admission
from sdnctl.daemon.cabling import Cabling
from sdnctl.daemon.controller import Controller
from sdnctl.daemon.discovery import Discovery
from sdnctl.daemon.drift import DriftWatch
from sdnctl.daemon.events import Kind
from sdnctl.daemon.hub import Part
from sdnctl.daemon.identity import Identities
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.errors import DeviceError
from sdnctl.lab.ovslab import OvsLab
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.store.bindings import Binding
from sdnctl.topology.graph import PortRef
from sdnctl.usecases.context import Context

pytestmark = pytest.mark.ovs
SECONDS = 30.0


async def until(condition: Callable[[], object]) -> None:
    deadline = asyncio.get_running_loop().time() + SECONDS
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.05)


def controlled(
    folder: Path, parts: tuple[Part, ...], use: Callable[[Controller], Awaitable[None]], **options: object
) -> None:
    """Run a controller with these parts for as long as `use` takes."""

    async def main() -> None:
        controller = Controller(Context(folder), parts, options={"stop_timeout": 2.0, **options})
        task = asyncio.create_task(controller.run())
        ready = asyncio.create_task(controller.ready.wait())
        await asyncio.wait((task, ready), timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        try:
            assert ready.done()
            await use(controller)
        finally:
            ready.cancel()
            controller.stop()
            await asyncio.wait_for(task, SECONDS)

    asyncio.run(main())


# ── cables ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with on_ovs(tmp_path_factory.mktemp("discovery") / "network") as one:
        yield one


def exchange(lab: OvsLab, one: PortRef, two: PortRef, *, back: bool = False) -> None:
    """Plug the cable of each of two ports of one bridge into the other: the interfaces change their numbers."""
    wiring = lab._record.wiring
    bridge = lab.bridge(one.node)
    names = wiring.interfaces[one], wiring.interfaces[two]
    numbers = (one.port, two.port) if back else (two.port, one.port)
    switch = f"--db=unix:{lab.run_dir}/db.sock"
    # In two transactions: a number is free only when the port that had it is gone.
    gone = [word for name in names for word in ("--", "del-port", bridge, name)]
    subprocess.run([tool("ovs-vsctl"), switch, "--timeout=20", *gone], check=True)
    made: list[str] = []
    for name, number in zip(names, numbers, strict=True):
        made += ["--", "add-port", bridge, name, "--", "set", "interface", name, f"ofport_request={number}"]
    subprocess.run([tool("ovs-vsctl"), switch, "--timeout=20", *made], check=True)


def test_exchanged_cables_are_named_by_port_and_strand(net: Net) -> None:
    one, two = PortRef("pop-west", 4), PortRef("pop-west", 5)  # to cab-halles and to com-estel
    discovery = Discovery()

    async def look(controller: Controller) -> None:
        hub = controller.hub
        lab = hub.context.lab
        assert isinstance(lab, OvsLab)

        def confirmed() -> int:
            return sum(found.kind is Cabling.CONFIRMED for found in discovery.found().cables)

        await until(lambda: confirmed() == 18)
        await asyncio.to_thread(exchange, lab, one, two)
        told = await event(hub, of_kind(Kind.MISWIRED, "pop-west:4"), SECONDS)
        links = {"cab-halles--pop-west", "com-estel--pop-west"}
        assert set(told.detail["links"]) == links
        assert any("ODF odf-west" in line and "strand" in line for line in told.detail["check"]), told.detail
        await until(lambda: set(hub.quarantine.links) == links)
        await asyncio.to_thread(exchange, lab, one, two, back=True)
        await until(lambda: not hub.quarantine.links)
        await until(lambda: confirmed() == 18)
        assert discovery.found().refused == {}

    controlled(net.folder, (discovery,), look, discovery_interval=0.5, discovery_edge_interval=2.0)


# ── switches ─────────────────────────────────────────────────────────────────────────────────────

ESTEL = "com-estel"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[tuple[Net, PrivateSwitch]]:
    """The small example on dummy bridges; com-estel dials in, and is not there yet."""
    net = Net(tmp_path / "network")
    assert sdnctl("init", net.folder).code == 0
    with PrivateSwitch() as switch:
        with net.open() as context:
            nodes = context.loaded.network.topology.nodes
        text = net.path("inventory/equipment.yaml").read_text(encoding="utf-8")
        for node in nodes.values():
            address = "dial-in" if node.id == ESTEL else switch.management(node.id)
            text = text.replace(
                f"  - id: {node.id}\n", f"  - id: {node.id}\n    drivers: {{openflow: '{address}'}}\n"
            )
            if node.id != ESTEL:
                switch.add_bridge(node.id, node.dpid, range(1, 31))
        net.path("inventory/equipment.yaml").write_text(text, encoding="utf-8")
        net("apply", "--yes")
        yield net, switch


def flows(switch: PrivateSwitch, bridge: str) -> int:
    return switch.ofctl("dump-flows", bridge).count("cookie=0x5d9c")


def test_a_new_bridge_is_admitted_and_another_takes_its_place(
    city: tuple[Net, PrivateSwitch], monkeypatch: pytest.MonkeyPatch
) -> None:
    net, switch = city
    monkeypatch.setattr(hub_module, "FIRST_ATTEMPT", 0.5)  # it is known that one does not come
    with net.open() as context:
        wanted = len(context.need_applied()[1].rules[ESTEL].flows)
    assert wanted > 5

    async def look(controller: Controller) -> None:
        hub = controller.hub
        port = hub.fleet.doors.addresses[0].split(":")[1]

        async def dial_in(bridge: str, dpid: int) -> None:
            await asyncio.to_thread(switch.add_bridge, bridge, dpid, range(1, 31))
            await asyncio.to_thread(switch.set_controller, bridge, f"tcp:127.0.0.1:{port}")

        await dial_in("new", 0xB7)
        told = await event(hub, of_kind(Kind.SWITCH_UNKNOWN, "b7"), SECONDS)
        assert told.detail["dpid"] == f"{0xB7:016x}"
        assert told.detail["address"].startswith("127.0.0.1:")
        (stranger,) = await admission.waiting(hub)
        assert "Open vSwitch" in stranger.description
        assert not flows(switch, "new"), "nothing is written to it"

        await asyncio.to_thread(net.ok, "controller", "admit", "b7", ESTEL)
        await event(hub, of_kind(Kind.SWITCH_ADMITTED, ESTEL), SECONDS)
        await until(lambda: ESTEL in hub.fleet.up)
        await until(lambda: flows(switch, "new") == wanted)

        await dial_in("newer", 0xC3)
        await event(hub, of_kind(Kind.SWITCH_UNKNOWN, "c3"), SECONDS)
        await admission.replace(hub, ESTEL, 0xC3, "somebody")
        await until(lambda: flows(switch, "newer") == wanted)
        refused = await event(hub, of_kind(Kind.SWITCH_UNKNOWN, "was replaced as com-estel"), SECONDS)
        assert refused.detail["dpid"] == f"{0xB7:016x}"
        with pytest.raises(DeviceError):
            hub.fleet.identities.device_of(0xB7, "")

    controlled(net.folder, (Admission(), DriftWatch()), look, listen=("ptcp:0:127.0.0.1",))
    found = net.json("controller", "bindings")["bindings"]
    assert [(one["device"], int(one["dpid"], 16), bool(one["retired"])) for one in found] == [
        (ESTEL, 11, True),
        (ESTEL, 0xB7, True),
        (ESTEL, 0xC3, False),
    ]


def test_a_known_bridge_with_another_certificate_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    shown = {}
    for name in ("controller", "switch", "thief"):
        leaf = authority.issue_cert(f"{name}.example")
        leaf.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        leaf.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        shown[name] = sha256(ssl.PEM_cert_to_DER_cert((tmp_path / f"{name}.pem").read_text())).hexdigest()
    names = {"private_key": "controller.key", "certificate": "controller.pem", "ca_certificate": "ca.pem"}
    tls = {key: f"file:{tmp_path / name}" for key, name in names.items()}

    async def work(switch: PrivateSwitch) -> None:
        settings = ControllerSettings(listen=("pssl:0:127.0.0.1",), tls=tls)
        targets = {"a": {OpenFlowDriver: Target("a", "dial-in", 0xA1)}}
        async with LiveFleet(targets, settings=settings) as fleet:  # type: ignore[arg-type]
            fleet.identities = Identities.of({}, [Binding("a", 0xA1, shown["switch"], "now", "somebody")])
            port = fleet.doors.addresses[0].split(":")[1]
            await asyncio.to_thread(switch.set_controller, "a", f"ssl:127.0.0.1:{port}")
            await until(lambda: "a" in fleet.up)
            pem = (tmp_path / "thief.key", tmp_path / "thief.pem", tmp_path / "ca.pem")
            await asyncio.to_thread(switch.set_tls, *pem)
            await asyncio.to_thread(switch.vsctl, "del-controller", "a")
            await until(lambda: "a" not in fleet.up)
            await asyncio.to_thread(switch.set_controller, "a", f"ssl:127.0.0.1:{port}")
            await until(lambda: any(one.kind is Kind.SWITCH_UNKNOWN for one in fleet.events.since(0)))
            (told,) = (one for one in fleet.events.since(0) if one.kind is Kind.SWITCH_UNKNOWN)
            assert "a shows another certificate" in told.summary
            assert told.detail["certificate"] == shown["thief"]
            assert "a" not in fleet.up

    with PrivateSwitch() as switch:
        switch.set_tls(tmp_path / "switch.key", tmp_path / "switch.pem", tmp_path / "ca.pem")
        switch.add_bridge("a", 0xA1)
        asyncio.run(work(switch))
