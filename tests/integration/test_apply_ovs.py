"""Apply on real Open vSwitch: foreign rules, hand edits with its own tools, switches that stop answering."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sdnctl_in_process import Net, new_net

from sdnctl.dataplane.values import RuleSet
from sdnctl.lab import netns
from sdnctl.lab.openvswitch import OpenVSwitch
from sdnctl.lab.ovslab import OvsLab

pytestmark = pytest.mark.ovs

FOREIGN = "cookie=0xbeef,table=0,priority=7,in_port=10,dl_type=0x88cc,actions=output:1"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """The small example, applied; its drain is long enough to strike in the middle of an apply."""
    net = new_net(tmp_path_factory.mktemp("ovs") / "net", example="small-links", kind="ovs")
    net.edit("network.yaml", "drain: 200 ms", "drain: 2 s")
    try:
        net.ok("apply", "--yes")
        yield net
    finally:
        net.ok("lab", "down")


@pytest.fixture(autouse=True)
def exact(net: Net) -> Iterator[None]:
    """Every test leaves the folder applied, to the last rule."""
    yield
    net.ok("apply", "--yes", "--allow-outage", "scada")
    assert net.read_back() == {**{name: RuleSet() for name in net.read_back()}, **net.applied().rules}
    for verb in ("drift", "plan"):
        result = net(verb, "--exit-code")
        assert result.code == 0, result.out + result.err


def running(net: Net) -> OvsLab:
    with net.open() as context:
        lab = context.lab
    assert isinstance(lab, OvsLab)
    return lab


def ofctl(net: Net, switch: str, command: str, *arguments: str) -> str:
    address = running(net).targets()[switch]["openflow"]
    return netns.call(["ovs-ofctl", "-O", "OpenFlow13", "--strict", command, address, *arguments])


def transit(net: Net, switch: str) -> str:
    """The match of a rule that forwards a trunk, as ``ovs-ofctl`` writes it."""
    labels = [
        field[1]
        for flow in net.applied().rules[switch].flows.values()
        for field in flow.match
        if flow.table == 3 and field[0] == "mpls_label"
    ]
    return f"table=3,priority=100,mpls,mpls_label={max(labels)}"


def test_foreign_rules_stay_and_hand_edits_are_repaired(net: Net) -> None:
    """A rule of somebody else's, one of ours deleted, one altered, one too many; then everything is removed."""
    ofctl(net, "core-a", "add-flow", FOREIGN)
    ofctl(net, "core-a", "add-group", "group_id=77,type=indirect,bucket=actions=output:1")
    assert net.json("drift", "--exit-code")["foreign"] == {"core-a": 2}
    before = net.read_back()

    ofctl(net, "core-b", "del-flows", transit(net, "core-b"))
    ofctl(
        net,
        "com-estel",
        "add-flow",
        "cookie=0x5d9c000200001092,table=3,priority=100,mpls,mpls_label=4242,actions=drop",
    )
    police = next(flow for flow in net.applied().rules["com-aigues"].flows.values() if flow.table == 1)
    (_, value, mask), *_ = police.match
    ofctl(net, "com-aigues", "mod-flows", f"table=1,priority=100,metadata={value}/{mask},actions=drop")
    found = net.json("drift", "--exit-code", code=2)
    counts = {key: found["counts"][key] for key in ("missing", "extra", "altered")}
    assert counts == {"missing": 1, "extra": 1, "altered": 1}
    assert net("verify", "--live").code == 4
    planned = net.json("plan", "--exit-code", code=2)["summary"]
    assert {one["device"] for one in planned["devices"]} == {"core-b", "com-estel", "com-aigues"}
    net.ok("apply", "--yes")
    assert net.read_back() == before
    assert "0xbeef" in ofctl(net, "core-a", "dump-flows")

    kept = {
        path: path.read_text() for path in net.path("intents").glob("*.yaml") if "application:" in path.read_text()
    }
    for path in kept:
        path.unlink()
    net.ok("apply", "--yes", "--allow-outage", "scada")
    assert all(rules == RuleSet() for rules in net.read_back().values())
    assert ofctl(net, "core-b", "dump-flows").count("cookie") == 0
    assert ofctl(net, "core-b", "dump-groups").count("group_id") == 0
    assert ofctl(net, "core-b", "dump-meters").count("meter=") == 0
    assert "0xbeef" in ofctl(net, "core-a", "dump-flows")
    assert "group_id=77" in ofctl(net, "core-a", "dump-groups")
    for path, text in kept.items():
        path.write_text(text)


def test_a_foreign_flow_in_the_way_is_left_alone(net: Net) -> None:
    match = transit(net, "core-b")
    ofctl(net, "core-b", "del-flows", match)
    ofctl(net, "core-b", "add-flow", f"cookie=0xbad,{match},actions=drop")
    before = net.read_back()
    answer = net.json("apply", "--yes", code=1)
    assert [(item["code"], item["address"]) for item in answer["diagnostics"]] == [
        ("foreign-rule-in-the-way", "switch core-b")
    ]
    assert net.read_back() == before
    assert "cookie=0xbad" in ofctl(net, "core-b", "dump-flows", "table=3")
    ofctl(net, "core-b", "del-flows", match)


def works_on(net: Net, link: str) -> None:
    """Trunks must leave this link: an apply with every stage, also the one that drains."""
    net.path("topology/maintenance.yaml").write_text(f"out_of_service: [{{link: {link}, reason: works}}]\n")


def test_settings_that_somebody_changed_are_drift_too(net: Net) -> None:
    """Set by the ovsdb plugin: a bridge that would flood without its controller is put right."""
    lab = running(net)
    switch = OpenVSwitch(lab.run_dir, lab.namespace)
    switch.vsctl(["set-fail-mode", lab.bridge("pop-east"), "standalone"])
    assert net.json("drift", "--exit-code", code=2)["settings"] == ["pop-east"]
    planned = net.json("plan", "--exit-code", code=2)["summary"]
    assert (planned["settings"], [one["device"] for one in planned["devices"]]) == (1, ["pop-east"])
    net.ok("apply", "--yes")
    assert switch.vsctl(["get-fail-mode", lab.bridge("pop-east")]).strip() == "secure"


@contextmanager
def applying(net: Net) -> Iterator[subprocess.Popen[str]]:
    """An apply in a process of its own, from when it drains."""
    command = [sys.executable, "-m", "sdnctl", "-n", str(net.folder), "--format", "json", "apply", "--yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 30
            while not _drains(net):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def _drains(net: Net) -> bool:
    pending = net.pending()
    if pending is None:
        return False
    with net.open() as context:
        last = context.store.journal(pending.id)[-1]
    return (last.event, last.detail.get("kind")) == ("stage", "drain")


@pytest.mark.soak
def test_switches_that_freeze_in_the_middle_of_an_apply(net: Net) -> None:
    """The plan stops at its stage; while they are frozen nothing hangs; afterwards the next apply completes it."""
    works_on(net, "core-a--pop-north")
    pid = int((running(net).run_dir / "ovs-vswitchd.pid").read_text())
    with applying(net) as process:
        os.kill(pid, signal.SIGSTOP)
        try:
            out, _ = process.communicate(timeout=60)
            assert process.returncode == 1, out
            assert '"apply-stopped"' in out
            assert '"device-unreachable"' in out
            pending = net.pending()
            assert pending is not None
        finally:
            os.kill(pid, signal.SIGCONT)
    done = net.json("apply", "--yes")
    assert done["resumed"] == pending.id


def test_one_switch_lost_in_the_middle_of_an_apply(net: Net) -> None:
    """Its bridge is gone when the old rules are to be retired; it comes back empty and is filled again."""
    works_on(net, "core-a--pop-south")
    lab = running(net)
    switch = OpenVSwitch(lab.run_dir, lab.namespace)
    bridge = lab.bridge("pop-west")
    ports = switch.vsctl(["list-ports", bridge]).split()
    numbers = {port: switch.vsctl(["get", "interface", port, "ofport"]).strip() for port in ports}
    with applying(net) as process:
        switch.vsctl(["del-br", bridge])
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 1, out
        assert '"apply-stopped"' in out
        assert "switch pop-west" in out
    status = net.json("status")
    assert (status["unreachable"], status["pending"] is not None) == (["pop-west"], True)

    command = ["add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev", "fail_mode=secure"]
    command += ["protocols=OpenFlow13", "other_config:datapath-id=0000000000000006"]
    for port, number in numbers.items():
        command += ["--", "add-port", bridge, port, "--", "set", "interface", port, f"ofport_request={number}"]
    switch.vsctl(command)
    done = net.json("apply", "--yes")
    assert done["resumed"] == status["pending"]["id"]
    assert len(net.read_back()["pop-west"] or ()) > 0
    assert net("verify", "--live").code == 0
