"""Labs on real Open vSwitch: what they make, that two do not disturb each other, and that nothing is left."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_ring import HOST, Ring, endpoints, frame, ofctl, ring, shots

from sdnctl.errors import DeviceError, InputError
from sdnctl.lab import down, netns, open_lab, ovslab, up
from sdnctl.lab import record as records
from sdnctl.lab.openvswitch import OpenVSwitch
from sdnctl.lab.ovslab import RUN_DIR, OvsLab
from sdnctl.lab.traffic import Feed, Stream
from sdnctl.topology.graph import PortRef, Topology

pytestmark = pytest.mark.ovs
A, B = PortRef("s1", HOST), PortRef("s3", HOST)


def remains(folder: Path) -> list[str]:
    """Namespaces, run directory, processes and files that a lab of this folder would have."""
    key = records.lab_key(folder)
    found = [path.name for path in netns.NETNS_DIR.glob(f"*{key}*")]
    found += [str(path) for path in RUN_DIR.glob(f"{key}*")]
    found += [str(path) for path in (folder / ".sdnctl").glob("*")]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            if f"{RUN_DIR}/{key}" in words:
                found.append(f"process {entry.name}: {words}")
        except OSError:
            continue
    return found


def start(folder: Path, size: int = 4) -> OvsLab:
    folder.mkdir(exist_ok=True)
    lab = up(folder, ring(size), endpoints(A, B), kind="ovs")
    assert isinstance(lab, OvsLab)
    return lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OvsLab]:
    """A ring of four with a line between s1 and s3."""
    folder = tmp_path_factory.mktemp("lab with a space")
    lab = start(folder)
    try:
        rules = Ring(4)
        rules.line(1, 1, 3, True)
        rules.line(2, 3, 1, False)
        rules.install(lab)
        yield lab
    finally:
        down(folder)
        assert remains(folder) == []


@pytest.fixture
def healed(lab: OvsLab) -> Iterator[OvsLab]:
    yield lab
    for node in lab.dead_nodes:
        lab.revive(node)
    lab.heal(lab.down_links)


def test_switches_are_what_the_topology_says(lab: OvsLab) -> None:
    for number, node in enumerate(("s1", "s2", "s3", "s4"), start=1):
        text = ofctl(lab.targets()[node]["openflow"], "show")
        assert f"dpid:{number:016x}" in text
        ports = {int(port): name for port, name in re.findall(r"^ (\d+)\(([^)]+)\)", text, re.MULTILINE)}
        assert ports == {port: f"{node}.{port}" for port in ((1, 2, 10) if node in ("s1", "s3") else (1, 2))}
        assert "LIVE" in text
    vsctl = OpenVSwitch(lab.run_dir, lab.namespace).vsctl
    assert vsctl(["get", "Open_vSwitch", ".", "other_config:vlan-limit"]).strip() == '"2"'
    assert vsctl(["get-fail-mode", "s1"]).strip() == "secure"
    links = netns.call(["ip", "-n", lab.namespace, "-o", "link", "show", "s1.1"])
    assert "mtu 1600" in links


def test_cables_are_silent(lab: OvsLab) -> None:
    """No interface sends anything of its own accord: what a test counts, somebody sent on purpose."""
    before = lab.link_packets()
    time.sleep(0.5)
    assert lab.link_packets() == before


def test_bring_up_takes_seconds_not_minutes(tmp_path: Path) -> None:
    began = time.monotonic()
    try:
        lab = start(tmp_path, 12)
        took = time.monotonic() - began
        assert len(lab.targets()) == 12
        assert took < 3, f"{took:.1f} s"
    finally:
        down(tmp_path)
    assert remains(tmp_path) == []


def test_cut_is_seen_by_the_switch_at_once(healed: OvsLab) -> None:
    """Both ends report the port down, within milliseconds, and up again after healing."""
    lab = healed
    monitors = []
    for node in ("s1", "s2"):
        # Who dials in hears of ports only after it asked for whole packets: the last argument.
        command = ["ovs-ofctl", "-O", "OpenFlow13", "monitor", lab.targets()[node]["openflow"], "65534"]
        environment = {**os.environ, "OVS_RUNDIR": str(lab.run_dir)}
        monitors.append(subprocess.Popen(command, stderr=subprocess.PIPE, bufsize=0, env=environment))
    try:
        time.sleep(0.2)
        for change, state in ((lab.cut, b"LINK_DOWN"), (lab.heal, b"state:      LIVE")):
            began = time.monotonic()
            change(["L1"])
            for monitor in monitors:
                assert monitor.stderr is not None
                took = _wait_for(monitor.stderr.fileno(), state, began + 2) - began
                assert took < 0.2, f"{state!r} after {took * 1000:.0f} ms"
    finally:
        for monitor in monitors:
            monitor.terminate()
            monitor.wait(5)
            assert monitor.stderr is not None
            monitor.stderr.close()


def _wait_for(descriptor: int, text: bytes, deadline: float) -> float:
    """When `text` was printed."""
    seen = b""
    while text not in seen:
        left = deadline - time.monotonic()
        assert left > 0, f"{text!r} is not in {seen!r}"
        if select.select([descriptor], [], [], left)[0]:
            seen += os.read(descriptor, 65536)
    return time.monotonic()


def test_cut_heal_from_another_process(healed: OvsLab) -> None:
    """What another process cut is known here when the lab is opened again."""
    code = "import sys, pathlib, sdnctl.lab as lab; lab.open_lab(pathlib.Path(sys.argv[1])).cut(['L3'])"
    subprocess.run([sys.executable, "-c", code, str(healed.folder)], check=True)
    lab = open_lab(healed.folder)
    assert isinstance(lab, OvsLab)
    assert lab.down_links == {"L3"}
    with netns.Interfaces(lab.namespace) as interfaces:
        assert not interfaces.is_up("s3.1")
        assert not interfaces.is_up("s4.2")
        healed.heal(["L3"])
        assert interfaces.is_up("s3.1")
        assert interfaces.is_up("s4.2")


def test_dead_switch_is_dark_and_unreachable(healed: OvsLab) -> None:
    lab = healed
    lab.kill_switch("s2")
    assert lab.down_links == {"L1", "L2"}
    address = lab.targets()["s2"]["openflow"].removeprefix("unix:")
    assert not Path(address).exists()
    lab.heal(["L1"])
    assert lab.down_links == {"L1", "L2"}  # its switch is still dead
    lab.revive("s2")
    assert lab.down_links == frozenset()
    assert "s2.1" in ofctl(f"unix:{address}", "show")


def test_second_up_is_refused(lab: OvsLab) -> None:
    with pytest.raises(InputError, match="already up") as caught:
        start(lab.folder)
    assert "lab down" in caught.value.diagnostics[0].hint
    assert lab.alive


def test_two_labs_do_not_meet(healed: OvsLab, tmp_path: Path) -> None:
    """Same names, same ports, same labels, side by side: neither hears, cuts or removes the other."""
    try:
        other = start(tmp_path)
        rules = Ring(4)
        rules.line(1, 1, 3, True)
        rules.install(other)
        frames = [shot for shot in shots((A, B)) if "64 octets" in shot.id]
        with healed.prober() as here, other.prober() as there:
            heard_here = here.exchange(frames, 0.1)
            assert there.exchange([], 0.2) == {}
            heard_there = there.exchange(frames, 0.1)
        assert {name: len(found) for name, found in heard_here.items()} == {shot.id: 1 for shot in frames}
        assert {name: len(found) for name, found in heard_there.items()} == {
            shot.id: int(shot.port == A) for shot in frames
        }
        other.cut(["L1", "L4"])
        assert healed.down_links == frozenset()
        feed = Feed("there", A, frame(100), B)
        with Stream(healed.wire(), [feed], 500) as stream:
            time.sleep(0.1)
            down(tmp_path)
            time.sleep(0.2)
            (loss,) = stream.stop()
        assert loss.misdelivered == loss.duplicated == 0
        assert loss.lost_ms < 50
    finally:
        down(tmp_path)
    assert remains(tmp_path) == []
    assert healed.alive


CRASH = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from lab_ring import endpoints, ring, HOST
from sdnctl.lab import netns, up
from sdnctl.topology.graph import PortRef
left, call = int(sys.argv[2]), netns.call
def dying(*arguments, **options):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return call(*arguments, **options)
netns.call = dying
up(Path(sys.argv[1]), ring(4), endpoints(PortRef("s1", HOST), PortRef("s3", HOST)), kind="ovs")
"""


@pytest.mark.parametrize("calls", [1, 2, 5, 9, 10, 11])
def test_killed_while_starting(tmp_path: Path, calls: int) -> None:
    """`kill -9` before the n-th command of `up`: down removes every trace, or the next up starts afresh."""
    command = [sys.executable, "-c", CRASH, str(tmp_path), str(calls), str(Path(__file__).parents[1])]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert remains(tmp_path) != []
        with pytest.raises(InputError, match="recorded but not running"):
            open_lab(tmp_path)
        if calls % 2 == 0:
            start(tmp_path)
    finally:
        assert down(tmp_path) is True
    assert remains(tmp_path) == []
    assert down(tmp_path) is False


@pytest.mark.parametrize("loss", ["record", "switch daemon", "namespace"])
def test_down_of_a_damaged_lab(tmp_path: Path, loss: str) -> None:
    lab = start(tmp_path)
    if loss == "record":
        records.record_path(tmp_path).write_text("{")
    elif loss == "switch daemon":
        os.kill(int((lab.run_dir / "ovs-vswitchd.pid").read_text()), signal.SIGKILL)
        deadline = time.monotonic() + 5
        while lab.alive:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    else:
        netns.delete(lab.namespace)
    with pytest.raises(InputError):
        open_lab(tmp_path)
    assert down(tmp_path) is True
    assert remains(tmp_path) == []


def test_command_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something that the kernel refuses: command and complaint are passed on, nothing stays."""
    honest = ovslab._cables
    monkeypatch.setattr(ovslab, "_cables", lambda *given: [*honest(*given), "link add x mtu 99999 type veth"])
    with pytest.raises(DeviceError, match="'ip link add x mtu 99999 type veth' failed") as caught:
        up(tmp_path, ring(3), {}, kind="ovs")
    assert "Invalid argument" in caught.value.diagnostics[0].detail
    assert remains(tmp_path) == []


def test_a_stranger_with_our_pid_is_not_killed(tmp_path: Path) -> None:
    """After a restart of the machine the pid in a left-over file may be anybody's."""
    lab = start(tmp_path)
    (lab.run_dir / "ovsdb-server.pid").write_text(f"{os.getpid()}\n")
    assert down(tmp_path) is True  # we are still here
    assert remains(tmp_path) == []


def test_empty_topology(tmp_path: Path) -> None:
    lab = up(tmp_path, Topology({}, {}), {}, kind="ovs")
    assert lab.targets() == {}
    down(tmp_path)
    assert remains(tmp_path) == []


@pytest.mark.soak
def test_a_city(tmp_path: Path) -> None:
    """120 switches and 2,000 host ports come up within half a minute and leave nothing."""
    hosts = [PortRef(f"s{index % 120 + 1}", 10 + index // 120) for index in range(2000)]
    try:
        began = time.monotonic()
        lab = up(tmp_path, ring(120), endpoints(*hosts), kind="ovs")
        assert time.monotonic() - began < 30
        assert len(lab.edges) == 2000
        lab.cut(["L7"])
        assert "LINK_DOWN" in ofctl(lab.targets()["s7"]["openflow"], "show")
    finally:
        down(tmp_path)
    assert remains(tmp_path) == []
