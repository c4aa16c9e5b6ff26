"""A small network with slow cables, a customer who wishes it ill, and a meter of what that does to the others.

Two switches, one cable of 10 Mbit/s. Flood sensors and a rogue among them (class scada), a free wireless network
(class public), and a circuit of another tenant (class business). Frames are sent and timed here, in one thread:
what arrives is told by the sender's number, and how late it is by the same clock. Floods are another process's.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from campaign_network import lab_of
from numbered_traffic import prefer
from sdnctl_in_process import Net

from sdnctl.intents.demand import Demand
from sdnctl.lab import netns
from sdnctl.lab.ovslab import OvsLab
from sdnctl.topology.graph import PortRef
from sdnctl.verify import wire
from sdnctl.verify.probe_kinds import mac_of

RATE = 10_000_000
"""Bit/s of the one cable."""
BOUND = 0.010
"""Seconds, one way: what the class scada promises."""
_STAMP = struct.Struct("!4sIHI")  # magic, run, stream, number
_MAGIC = b"sdnH"

FILES: Mapping[str, str] = {
    "network.yaml": "name: hostile\ndrain: 50 ms\n",
    "inventory/sites.yaml": """\
defaults: {owner: town, source: drawn for a test}
sites:
  - {id: west, position: [4.30, 43.80]}
  - {id: east, position: [4.40, 43.80]}
""",
    "inventory/equipment.yaml": """\
defaults: {owner: town, source: drawn for a test}
switches:
  - {id: left, dpid: 1, site: west, mtu: 1600 B}
  - {id: right, dpid: 2, site: east, mtu: 1600 B}
""",
    "inventory/endpoints.csv": """\
id,site,device,port,vlan,mac,prefixes,kind,tags
sensor-1,west,left,11,,02:00:00:00:01:01,10.40.0.1/32,sensor,
sensor-2,west,left,12,,02:00:00:00:01:02,10.40.0.2/32,sensor,
rogue,west,left,13,,02:00:00:00:01:03,10.40.0.3/32,sensor,
head,east,right,11,,02:00:00:00:02:01,10.40.0.101/32,head,
wifi,west,left,20,,,10.80.1.0/24,wifi,
internet,east,right,20,,,10.80.0.1/32,gateway,
shop-w,west,left,30,,,,enterprise,
shop-e,east,right,30,,,,enterprise,
""",
    "topology/links.yaml": """\
links:
  - {id: cable, a: "left:1", b: "right:1", length: 4 km, capacity: 10 Mbit/s, mtu: 1600 B}
""",
    "intents/classes.yaml": """\
classes:
  - {id: control, tc: 7, queue: 7, dscp: CS6, protected: true}
  - {id: scada, tc: 6, queue: 6, dscp: EF, protected: true, latency: 10 ms}
  - {id: business, tc: 3, queue: 3, dscp: AF31}
  - {id: public, tc: 0, queue: 0, dscp: DF}
""",
    "intents/tenants.yaml": "tenants:\n  - {id: town}\n  - {id: operator}\n",
    "intents/floods.yaml": """\
application: floods
tenant: town
class: scada
service: tree
roots: {kind: head}
leaves: {kind: sensor}
bandwidth: {up: 256 kbit/s, down: 64 kbit/s}
guarantees: {latency: 10 ms, protection: none}
""",
    "intents/wireless.yaml": """\
application: wireless
tenant: town
class: public
service: tree
roots: {kind: gateway}
leaves: {kind: wifi}
bandwidth: {up: 1 Mbit/s, down: 1 Mbit/s}
excess: {up: 22 Mbit/s, down: 22 Mbit/s}
guarantees: {protection: none}
""",
    "intents/circuits.yaml": """\
application: circuits
tenant: operator
class: business
service: line
bandwidth: 1 Mbit/s
guarantees: {protection: none}
circuits:
  - {id: shop, a: shop-w, b: shop-e}
""",
}


@dataclass
class World:
    """The network in a lab, applied."""

    net: Net
    lab: OvsLab
    demands: Mapping[str, Demand]

    def demand(self, key: str) -> Demand:
        """``floods/sensor-1>head`` and the like."""
        return self.demands[key]

    def frame(self, key: str, size: int, payload: bytes = b"") -> bytes:
        """A frame of a demand as its customer sends it, of `size` octets in all, with `payload` behind UDP."""
        demand = self.demand(key)
        a, b = (next(iter(end.prefixes)) for end in (demand.ingress, demand.egress))
        source, target = (int(one[1] if one.num_addresses > 2 else one[0]) for one in (a, b))
        body = payload.ljust(size - 14 - wire.UDP_HEADERS, b"\0")
        packet = wire.udp4(source, target, body)
        return wire.ethernet(mac_of(demand.egress), mac_of(demand.ingress), 0x0800, packet, ())

    def switch(self, node: str) -> str:
        return f"unix:{self.lab.run_dir}/{self.lab.bridge(node)}.mgmt"

    def ofctl(self, command: str, node: str, *arguments: str) -> str:
        """``ovs-ofctl`` on a switch, as whoever takes a guard away would type it."""
        return netns.call(["ovs-ofctl", "-O", "OpenFlow13", command, self.switch(node), *arguments])


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """The network up on real switches and slow cables, applied; gone afterwards."""
    for file, text in FILES.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    net = Net(folder)
    net.ok("lab", "up", "--kind", "ovs", "--rates")
    try:
        net.ok("apply", "--yes")
        yield World(net, lab_of(net), {one.id: one for one in net.applied().compiled.demands})
    finally:
        net.ok("lab", "down")


# ── what becomes of frames ───────────────────────────────────────────────────────────────────────


@dataclass
class Tally:
    """Frames of one demand: how many left, how late each arrived (seconds, by number)."""

    key: str
    sent: list[float] = field(default_factory=list)
    late: dict[int, float] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        return len(self.sent) - len(self.late)

    @property
    def share_lost(self) -> float:
        return self.lost / len(self.sent)

    def within(self, share: float) -> float:
        """The delay (s) within which this share of the frames that arrived came."""
        return quantiles(self.late.values(), n=1000, method="inclusive")[round(share * 1000) - 1]

    def __str__(self) -> str:
        if len(self.late) < 2:
            return f"{self.key}: {len(self.sent)} sent, {self.lost} lost"
        half, most = self.within(0.5) * 1e3, self.within(0.99) * 1e3
        return f"{self.key}: {len(self.sent)} sent, {self.lost} lost, 50 % in {half:.2f} ms, 99 % in {most:.2f} ms"


@dataclass
class Seen:
    """A window: what became of the streams, and what came out of each port (frames, octets)."""

    tallies: Mapping[str, Tally]
    arrived: Mapping[PortRef, tuple[int, int]]
    seconds: float
    held_up: float  # s: how much too late a frame left at most, because the machine did other things

    def __str__(self) -> str:
        return "; ".join(map(str, self.tallies.values())) + f"; sender up to {self.held_up * 1e3:.1f} ms late"


_runs = iter(range(1, 1 << 16))


def measure(world: World, keys: Sequence[str], seconds: float, pps: float = 100.0, size: int = 128) -> Seen:
    """Send `pps` frames a second of each demand, and see what arrives where."""
    run = os.getpid() << 12 & 0xFFFFF000 | next(_runs)
    tallies = [Tally(key) for key in keys]
    arrived: dict[PortRef, tuple[int, int]] = {}
    found: list[Seen] = []

    def work() -> None:
        prefer(threading.get_native_id())
        with contextlib.closing(world.lab.wire()) as hosts:
            stamp = bytes(_STAMP.size)
            frames = [world.frame(key, size) for key in keys]
            heads = [frame[: -len(stamp)] for frame in frames]
            ports = [world.demand(key).ingress.attachment for key in keys]
            expected = [world.demand(key).egress.attachment for key in keys]
            begin = due = time.monotonic()
            held_up = 0.0
            quiet = 0.0
            number = 0
            while quiet < 0.3:
                now = time.monotonic()
                if now - begin < seconds and now >= due:
                    held_up = max(held_up, now - due)
                    for index, head in enumerate(heads):
                        tallies[index].sent.append(time.monotonic())
                        hosts.send(ports[index], head + _STAMP.pack(_MAGIC, run, index, number))
                    number += 1
                    due += 1 / pps
                wait = max(0.0, min(due - time.monotonic(), 0.02)) if now - begin < seconds else 0.02
                ours = False
                for arrival in hosts.receive(wait):
                    frames_, octets = arrived.get(arrival.port, (0, 0))
                    arrived[arrival.port] = frames_ + 1, octets + len(arrival.frame)
                    if arrival.frame[-_STAMP.size :][:4] != _MAGIC:
                        continue
                    _, whose, index, count = _STAMP.unpack(arrival.frame[-_STAMP.size :])
                    if whose == run and arrival.port == expected[index]:
                        ours = True
                        tallies[index].late.setdefault(count, arrival.at - tallies[index].sent[count])
                quiet = 0.0 if ours or now - begin < seconds else quiet + wait
            found.append(Seen({one.key: one for one in tallies}, arrived, seconds, held_up))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


# ── floods ───────────────────────────────────────────────────────────────────────────────────────

_FLOOD = """
import os, random, socket, sys, time
try:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))  # as the switches have it, or it is no flood
except PermissionError:
    pass
sock = socket.socket(fileno=int(sys.argv[1]))
name, pps, seconds, vary = sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), [int(at) for at in sys.argv[5].split(",") if at]
frame = bytearray(sys.stdin.buffer.read())
rng = random.Random(1)
begin = time.monotonic()
sent = 0
while (spent := time.monotonic() - begin) < seconds:
    due = min(int(spent * pps) - sent, 64)  # at most so many at once: a card has a queue, too
    for _ in range(due):
        for at in vary:
            frame[at] = rng.randrange(256)
        try:
            sock.sendto(frame, (name, 0))
        except OSError:
            pass
    sent += due
    time.sleep(0.001)
print(sent)
"""  # noqa: E501 (a program)


@contextmanager
def flood(
    world: World, port: PortRef, frame: bytes, pps: float, seconds: float, vary: Sequence[int] = ()
) -> Iterator[None]:
    """A process that sends a frame into a port, `pps` times a second; octets at `vary` are random each time."""
    name = world.lab._record.wiring.interfaces[port]
    sender = netns.inside(world.lab.hosts, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
    words = [sys.executable, "-c", _FLOOD, str(sender.fileno()), name, str(pps), str(seconds)]
    process = subprocess.Popen(
        [*words, ",".join(map(str, vary))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(sender.fileno(),),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(frame)
        process.stdin.close()
        time.sleep(0.4)  # Python starts, and queues fill
        yield
        sent = int(process.stdout.read())
        assert sent > 0.8 * pps * seconds, f"the flood was {sent / seconds:.0f} frames a second, not {pps:.0f}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        sender.close()
