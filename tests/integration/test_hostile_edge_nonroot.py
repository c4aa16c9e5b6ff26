"""sdnctl as a user without rights: what needs none works, what needs root says so and how."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdnctl_in_process import Result, sdnctl
from unprivileged import Nobody, give

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.servers("setpriv")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that an unprivileged user owns, and that he can reach."""
    with tempfile.TemporaryDirectory(prefix="sdnctl-nobody-", dir="/tmp") as folder:
        give(Path(folder))
        yield Path(folder)


def works(found: list[Result], commands: list[tuple[object, ...]]) -> None:
    for result, words in zip(found, commands, strict=True):
        assert result.code == 0, f"sdnctl {' '.join(map(str, words))}: {result.code}\n{result.out}{result.err}"


def test_from_the_first_file_to_a_network_that_is_verified(place: Path) -> None:
    net, at = place / "net", ("-n", place / "net")
    commands: list[tuple[object, ...]] = [
        ("init", net, "--example", "small-links"),
        (*at, "validate"),
        (*at, "plan", "--against", "empty", "-o", place / "plan.json"),
        (*at, "lab", "up"),
        (*at, "apply", "--yes"),
        (*at, "status"),
        (*at, "history"),
        (*at, "controller", "token", "add", "grafana"),
        (*at, "lab", "down"),
    ]
    found = Nobody().sdnctl(*commands)
    works(found, commands)
    (up,) = (one for one, words in zip(found, commands, strict=True) if words[-2:] == ("lab", "up"))
    assert "embedded" in up.out
    assert "not root" in up.out, "it does not say why there is no Open vSwitch"
    if os.geteuid() == 0:
        assert (net / ".sdnctl" / "store.db").stat().st_uid != 0


@pytest.mark.soak
def test_everything_else_that_needs_no_root(place: Path) -> None:
    net, at = place / "net", ("-n", place / "net")
    commands: list[tuple[object, ...]] = [
        ("init", net, "--example", "small"),
        (*at, "show", "endpoints"),
        (*at, "explain", "flood-sensors/flood-2>scada-1"),
        ("schema", "intent"),
        (*at, "drivers"),
        (*at, "compile", "-o", place / "state.json"),
        (*at, "export", "mininet", "-o", place / "mininet.json"),
        (*at, "whatif", "--cut", "duct:du-ex-east"),
        (*at, "inventory", "trace", "core-b:3"),
        (*at, "lab", "up"),
        (*at, "apply", "--yes"),
        (*at, "verify", "--live"),
        (*at, "lab", "cut", "core-b--pop-east"),
        (*at, "controller", "reconcile"),
        (*at, "lab", "heal"),
        (*at, "drift", "--exit-code"),
        (*at, "rollback", "--yes"),
        (*at, "lab", "down"),
    ]
    works(Nobody().sdnctl(*commands), commands)


def test_what_needs_root_says_so_and_how(place: Path) -> None:
    (made, refused, rates) = Nobody().sdnctl(
        ("init", place / "net", "--example", "small-links"),
        ("--format", "json", "-n", place / "net", "lab", "up", "--kind", "ovs"),
        ("--format", "json", "-n", place / "net", "lab", "up", "--rates"),
    )
    assert made.code == 0
    for one in (refused, rates):
        assert one.code == 1
        (said,) = one.document["diagnostics"]
        assert said["code"] == "lab-needs-root"
        assert "sudo" in said["hint"]
    assert not (place / "net" / ".sdnctl" / "lab.json").exists()


@pytest.mark.ovs
def test_a_lab_of_root_is_named_as_such(place: Path) -> None:
    """Whoever may not reach its switches is told so, switch by switch, and nothing breaks."""
    net = place / "net"
    assert sdnctl("init", net, "--example", "small-links").code == 0
    assert sdnctl("-n", net, "lab", "up", "--kind", "ovs").code == 0
    try:
        give(net)
        plan, status, down = Nobody().sdnctl(
            ("-n", net, "plan"), ("-n", net, "status"), ("-n", net, "lab", "cut", "core-a--pop-north")
        )
        assert "may this user open its socket?" in plan.plain + " ".join(plan.out.split())
        assert "Traceback" not in plan.err + status.err + down.err
        assert down.code == 1
        assert "need root" in down.plain
    finally:
        assert sdnctl("-n", net, "lab", "down").code == 0


@pytest.mark.soak
def test_a_controller(place: Path) -> None:
    """Its socket, its lock and its store are in the folder; a standing signal ends it."""
    net, nobody = place / "net", Nobody()
    prepared = nobody.sdnctl(
        ("init", net, "--example", "small-links"), ("-n", net, "lab", "up"), ("-n", net, "apply", "--yes")
    )
    assert [one.code for one in prepared] == [0, 0, 0]
    words = [sys.executable, "-m", "sdnctl", "-n", str(net), "controller", "run", "--log", "json"]
    with (place / "log").open("wb") as log:
        process = nobody.popen(words, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while "the API answers" not in (place / "log").read_text():
            assert time.monotonic() < deadline, (place / "log").read_text()
            assert process.poll() is None, (place / "log").read_text()
            time.sleep(0.05)
        status, down = nobody.sdnctl(("--format", "json", "-n", net, "status"), ("-n", net, "lab", "down"))
        assert json.loads(status.out)["ok"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert down.code == 0
    finally:
        process.kill()
        process.wait()


def test_only_labs_ask_who_runs_them() -> None:
    """No other code depends on being root: else it would belong into the tests above."""
    sources = (ROOT / "sdnctl").rglob("*.py")
    words = ("geteuid", "seteuid", "setuid", "setgid")
    asking = [path for path in sources if any(word in path.read_text(encoding="utf-8") for word in words)]
    assert [str(path.relative_to(ROOT)) for path in asking] == ["sdnctl/lab/openvswitch.py"]
