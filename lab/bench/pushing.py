"""Push of flows into one bridge of a real Open vSwitch, against the switch's own limit and against others.

Every run has a fresh bridge, ends with a barrier, and is counted by ``ovs-ofctl`` afterwards. The same flows each
time: the octets of the raw client in bundles are those that the driver sends. What is timed of the driver is all
it does for an apply: `commit`, checks included, and `confirm`.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from lab.bench.bridges import Bridge, Bridges, flow_file
from lab.bench.flows import flows
from lab.bench.measure import Report, growth, interleaved, medians, ratio, wall
from lab.bench.plugin import application
from lab.bench.raw import bundled, plain, send, send_inline
from sdnctl.cli.garbage import spare_collections
from sdnctl.dataplane.values import Flow
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver

COUNT = 50_000
SIZES = (5_000, 15_000, COUNT)
ROUNDS = 5
PEER_ROUNDS = 2


@dataclass
class Pusher:
    """Pushes one list of flows in different ways; each returns the seconds it took."""

    bridges: Bridges
    flows: list[Flow]
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._changes = tuple(Change(Op.ADD, flow) for flow in self.flows)
        self._plain, self._bundled = plain(self.flows), bundled(self.flows)

    @property
    def octets(self) -> int:
        return len(self._plain)

    def _spent(self, name: str, seconds: float) -> None:
        self.cpu.setdefault(name, []).append(seconds)

    @contextmanager
    def _bridge(self, name: str, controller: int | None = None) -> Iterator[Bridge]:
        """A fresh bridge that must hold all flows at the end; what its daemon computed for them is noted."""
        with self.bridges.fresh(controller) as bridge:
            before = bridge.computing()
            yield bridge
            self._spent(f"switch, {name}", bridge.computing() - before)
            bridge.expect(len(self.flows))

    def raw(self) -> float:
        """Octets made before, in plain messages."""
        with self._bridge("raw") as bridge:
            return asyncio.run(send(bridge.address, self._plain))[0]

    def raw_bundles(self) -> float:
        """Octets made before, in bundles of 3,000, all written without waiting: what the switch can take."""
        with self._bridge("raw bundles") as bridge:
            seconds, used = asyncio.run(send(bridge.address, self._bundled))
        self._spent("raw bundles", used)
        return seconds

    def ours(self) -> float:
        """The driver, as apply uses it."""
        with self._bridge("ours") as bridge:
            return asyncio.run(self._drive(bridge, self._changes))

    async def _drive(self, bridge: Bridge, changes: tuple[Change, ...]) -> float:
        driver = await OpenFlowDriver.open(Target(bridge.name, bridge.address))
        try:
            await driver.observe()
            started, used = time.perf_counter(), time.process_time()
            await driver.commit(changes)
            await driver.confirm()
            seconds = time.perf_counter() - started
            self._spent("ours", time.process_time() - used)
        finally:
            await driver.close()
        return seconds

    def ofctl(self) -> float:
        """``ovs-ofctl --bundle add-flows`` from a file."""
        with self._bridge("ofctl") as bridge, flow_file(self.flows) as name:
            address = bridge.address.removeprefix("unix:")
            command = ["ovs-ofctl", "-O", "OpenFlow13", "--bundle", "add-flows", address, name]
            return wall(lambda: subprocess.run(command, check=True, stderr=subprocess.DEVNULL))

    def inline(self) -> float:
        """The bare client that packs as it goes, with the same templates, and checks nothing."""
        with self._bridge("inline") as bridge:
            seconds, used = asyncio.run(send_inline(bridge.address, self.flows))
        self._spent("inline", used)
        return seconds

    def osken(self) -> float:
        """An os-ken application that builds and sends the same flows."""
        return self._peer("os-ken")

    def c65of(self) -> float:
        """The same application on c65of."""
        return self._peer("c65of")

    def ryu(self) -> float:
        """The plugin's driver through its os-ken application, with the same checks as the driver of the core."""
        with application() as peer, self._bridge("ryu", controller=peer.port) as bridge:
            return peer.push(bridge.dpid, self._changes)

    def _peer(self, framework: str) -> float:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        with self._bridge(framework, controller=port):
            count = str(len(self.flows))
            command = [sys.executable, "-m", "lab.bench.peer_app", framework, "push", str(port), count]
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
        return float(done.stdout.split()[-1])


NAMES = {
    "raw bundles": "raw, pre-encoded, in bundles",
    "raw": "raw, pre-encoded, plain",
    "inline": "raw, encoding inline, in bundles",
    "ours": "sdnctl",
    "ofctl": "ovs-ofctl --bundle",
    "c65of": "c65of application",
    "os-ken": "os-ken application",
    "ryu": "plugin sdnctl-ryu on os-ken",
}


def run(report: Report) -> None:
    """Flows a second over size, then the claims at 50,000."""
    spare_collections()
    pushed = []
    with Bridges() as bridges:
        for size in SIZES[:-1]:
            one = Pusher(bridges, flows(size))
            found = interleaved(ROUNDS, {"raw bundles": one.raw_bundles, "ours": one.ours})
            pushed.append(min(found["ours"]))
            _table(report, size, found)
        one = Pusher(bridges, flows(COUNT))
        report.print(
            f"{COUNT} flow_mods of {one.octets / COUNT:.0f} octets on average, every table of the pipeline:"
        )
        others = {
            "raw bundles": one.raw_bundles,
            "ours": one.ours,
            "inline": one.inline,
            "ofctl": one.ofctl,
            "raw": one.raw,
        }
        found = interleaved(PEER_ROUNDS, {**others, "c65of": one.c65of, "os-ken": one.osken, "ryu": one.ryu})
        for name, more in interleaved(ROUNDS - PEER_ROUNDS, others).items():
            found[name] += more
        pushed.append(min(found["ours"]))
    _table(report, COUNT, found)
    spent = medians(one.cpu)
    for name in ("ours", "inline", "raw bundles"):
        report.print(f"CPU of the client   {NAMES[name]:28} {spent[name] / COUNT * 1e6:6.2f} µs a flow")
    for name, text in NAMES.items():
        report.print(f"CPU of the switch   {text:28} {spent[f'switch, {name}'] / COUNT * 1e6:6.2f} µs a flow")
    report.print(f"growth of the time over size: size^{growth(SIZES, pushed):.2f}")
    bounds = {"raw bundles": 0.75, "raw": 0.75, "ofctl": 1.5, "c65of": 8.0, "os-ken": 15.0, "ryu": 15.0}
    for other, bound in bounds.items():
        report.claim(f"push, times {NAMES[other]}", ratio(found, other, "ours"), bound, at_least=True)
    # Octets that somebody made before cost nothing to send; see docs/adr/0006 for what encoding them costs.
    report.print(f"client CPU, times {NAMES['raw bundles']}: {ratio(one.cpu, 'ours', 'raw bundles'):.1f}×")
    report.claim(f"client CPU, times {NAMES['inline']}", ratio(one.cpu, "ours", "inline"), 2.0)


def _table(report: Report, size: int, found: Mapping[str, Sequence[float]]) -> None:
    for name, text in NAMES.items():
        if name in found:
            rates = [size / seconds / 1000 for seconds in found[name]]
            every = " ".join(f"{rate:.0f}" for rate in rates)
            report.print(f"{size:6} flows  {text:28} median {median(rates):6.1f} k flows/s  ({every})")
