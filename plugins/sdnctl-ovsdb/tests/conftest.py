"""A real Open vSwitch for every module: a bridge with four ports, and a database socket to take away."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdnctl.intents.demand import Endpoint
from sdnctl.lab import down, obstacle, up
from sdnctl.lab.ovslab import OvsLab
from sdnctl.topology.graph import Link, Node, PortRef, Topology
from sdnctl.units import Bitrate, Delay, Length, Octets

PORTS = (1, 2, 3, 4)


class Server:
    """The lab's Open vSwitch as the tests see it from outside the driver."""

    def __init__(self, lab: OvsLab) -> None:
        self.lab = lab
        self.driver_socket = lab.run_dir / "driver.sock"
        self.bridge = lab.bridge("a")
        self.listen()

    def vsctl(self, *arguments: str) -> str:
        return run("ovs-vsctl", f"--db=unix:{self.lab.run_dir}/db.sock", "--timeout=20", *arguments).strip()

    def appctl(self, daemon: str, *arguments: str) -> str:
        return run("ovs-appctl", "-t", f"{self.lab.run_dir}/{daemon}.ctl", *arguments)

    def listen(self) -> None:
        self.appctl("ovsdb-server", "ovsdb-server/add-remote", f"punix:{self.driver_socket}")

    def hang_up(self) -> None:
        """Close the driver's listener and its connections; ovs-vswitchd has another socket and stays."""
        self.appctl("ovsdb-server", "ovsdb-server/remove-remote", f"punix:{self.driver_socket}")

    def clean(self) -> None:
        """Make the bridge what it was when the lab came up."""
        self.vsctl(*(word for port in PORTS for word in ("--", "clear", "port", f"{self.bridge}.{port}", "qos")))
        self.vsctl("--", "--all", "destroy", "qos", "--", "--all", "destroy", "queue")
        for port in PORTS:
            interface = f"{self.bridge}.{port}"
            self.vsctl(
                "clear", "interface", interface, "bfd", "--", "clear", "interface", interface, "external_ids"
            )
        self.vsctl("set", "bridge", self.bridge, "fail_mode=secure")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    problem = obstacle()
    if problem is not None:
        if os.environ.get("CI"):
            pytest.fail(f"the Open vSwitch tier cannot run: {problem.summary}")
        pytest.skip(f"Open vSwitch tier: {problem.summary}")
    folder: Path = tmp_path_factory.mktemp("ovsdb")
    nodes = {name: Node(name, dpid, name) for name, dpid in (("a", 0xA1), ("b", 0xB1))}
    link = Link("L", PortRef("a", 1), PortRef("b", 1), Length(1), Delay(1), Bitrate(1), Octets(1600))
    hosts = {f"e{port}": Endpoint(f"e{port}", "a", PortRef("a", port), "test") for port in PORTS[1:]}
    lab = up(folder, Topology(nodes, {"L": link}), hosts, kind="ovs", name="ovsdb")
    try:
        assert isinstance(lab, OvsLab)
        yield Server(lab)
    finally:
        down(folder)


@pytest.fixture
def server(running: Server) -> Server:
    running.clean()
    return running
