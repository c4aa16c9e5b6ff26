"""Push of flows into one bridge of a real Open vSwitch, against the switch's own limit and against others.

Every run has a fresh bridge, ends with a barrier, and is counted by ``ovs-ofctl`` afterwards. The same flows each
time: the octets of the raw client are those that the driver sends. What is timed of the driver is all it does
for an apply: `prepare` (checks), `commit`, `confirm`.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from lab.bench.bridges import Bridge, Bridges, flow_file
from lab.bench.flows import flows
from lab.bench.measure import Report, growth, interleaved, ratio, wall
from lab.bench.raw import bundled, plain, send
from sdnctl.cli.garbage import spare_collections
from sdnctl.dataplane.values import Flow
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver

COUNT = 50_000
SIZES = (5_000, 15_000, COUNT)
ROUNDS = 5
OSKEN_ROUNDS = 2


@dataclass
class Pusher:
    """Pushes one list of flows in different ways; each returns the seconds it took."""

    bridges: Bridges
    flows: list[Flow]
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._changes = tuple(Change(Op.ADD, flow) for flow in self.flows)
        self._again = tuple(Change(Op.MODIFY, flow, flow) for flow in self.flows)
        self._plain, self._bundled = plain(self.flows), bundled(self.flows)

    @property
    def octets(self) -> int:
        return len(self._plain)

    def _spent(self, name: str, seconds: float) -> None:
        self.cpu.setdefault(name, []).append(seconds)

    def raw(self) -> float:
        """Octets made before, in plain messages: what the switch can take."""
        with self.bridges.fresh() as bridge:
            seconds, used = asyncio.run(send(bridge.address, self._plain))
            bridge.expect(len(self.flows))
        self._spent("raw", used)
        return seconds

    def raw_bundles(self) -> float:
        """Octets made before, in bundles of 3,000."""
        with self.bridges.fresh() as bridge:
            seconds, _ = asyncio.run(send(bridge.address, self._bundled))
            bridge.expect(len(self.flows))
        return seconds

    def ours(self) -> float:
        """The driver, as apply uses it."""
        with self.bridges.fresh() as bridge:
            seconds = asyncio.run(self._drive(bridge, self._changes))
            bridge.expect(len(self.flows))
        return seconds

    async def _drive(self, bridge: Bridge, changes: tuple[Change, ...]) -> float:
        driver = await OpenFlowDriver.open(Target(bridge.name, bridge.address))
        try:
            await driver.observe()
            started, used = time.perf_counter(), time.process_time()
            await driver.prepare(changes)
            await driver.commit(changes)
            await driver.confirm()
            seconds = time.perf_counter() - started
            self._spent("ours", time.process_time() - used)
        finally:
            await driver.close()
        return seconds

    def ofctl(self) -> float:
        """``ovs-ofctl --bundle add-flows`` from a file."""
        with self.bridges.fresh() as bridge, flow_file(self.flows) as name:
            address = bridge.address.removeprefix("unix:")
            command = ["ovs-ofctl", "-O", "OpenFlow13", "--bundle", "add-flows", address, name]
            seconds = wall(lambda: subprocess.run(command, check=True, stderr=subprocess.DEVNULL))
            bridge.expect(len(self.flows))
        return seconds

    def osken(self) -> float:
        """An os-ken application that builds and sends the same flows."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with self.bridges.fresh(controller=port) as bridge:
            command = [sys.executable, "-m", "lab.bench.osken_app", str(port), str(len(self.flows))]
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
            bridge.expect(len(self.flows))
        return float(done.stdout.split()[-1])


def run(report: Report) -> None:
    """Flows a second over size, then the claims at 50,000."""
    spare_collections()
    with Bridges() as bridges:
        pushed = []
        for size in SIZES[:-1]:
            found = interleaved(3, {"raw": (one := Pusher(bridges, flows(size))).raw, "ours": one.ours})
            pushed.append(min(found["ours"]))
            _line(report, size, "raw, pre-encoded", min(found["raw"]))
            _line(report, size, "sdnctl", min(found["ours"]))
        pusher = Pusher(bridges, flows(COUNT))
        report.print(
            f"{COUNT} flow_mods of {pusher.octets / COUNT:.0f} octets on average, every table of the pipeline"
        )
        others = {"raw": pusher.raw, "ours": pusher.ours, "ofctl": pusher.ofctl, "raw bundles": pusher.raw_bundles}
        found = interleaved(OSKEN_ROUNDS, {**others, "osken": pusher.osken})
        for name, more in interleaved(ROUNDS - OSKEN_ROUNDS, others).items():
            found[name] += more
        pushed.append(min(found["ours"]))
    names = {
        "raw": "raw, pre-encoded",
        "raw bundles": "raw, pre-encoded, in bundles",
        "ours": "sdnctl",
        "ofctl": "ovs-ofctl --bundle",
        "osken": "os-ken application",
    }
    for name, text in names.items():
        for seconds in found[name]:
            _line(report, COUNT, text, seconds)
    cpu = {name: min(values) / COUNT * 1e6 for name, values in pusher.cpu.items()}
    report.print(f"CPU of the client: sdnctl {cpu['ours']:.2f} µs a flow, raw {cpu['raw']:.2f} µs a flow")
    report.print(f"growth of the time over size: size^{growth(SIZES, pushed):.2f}")
    for bound, other in ((0.75, "raw"), (1.2, "ofctl"), (10.0, "osken")):
        report.claim(f"push, times {names[other]}", ratio(found, other, "ours"), bound, at_least=True)


def _line(report: Report, size: int, name: str, seconds: float) -> None:
    report.print(f"{size:6} flows  {name:28} {size / seconds:9.0f} flows/s  {seconds:7.3f} s")
