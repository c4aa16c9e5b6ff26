"""Packets to the controller and back: a flow and a packet out for each, against applications of other frameworks.

One generator plays the switch for all (`lab/bench/generator.py`), in a process of its own, and every controller
runs in one of its own. It counts every answer and wants the packets back in order. Throughput with 512 packets on
their way, round trip with one. Ours is what a reactive part would be: a callback on the channel that posts two
messages.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from lab.bench.measure import Report, interleaved, ratio
from sdnctl.cli.garbage import spare_collections
from sdnctl.dataplane.values import Flow, Match, Output
from sdnctl.southbound.openflow.address import Address
from sdnctl.southbound.openflow.channel import Channel, PacketListener
from sdnctl.southbound.openflow.codec.flow import FlowCommand, flow_mod
from sdnctl.southbound.openflow.codec.packet import PacketIn, packet_out
from sdnctl.southbound.openflow.listener import Listener

ROUNDS = 5
AHEAD = 512
PACKETS = {"sdnctl": 60_000, "c65of": 8_000, "os-ken": 4_000}
ROUND_TRIPS = {"sdnctl": 3_000, "c65of": 1_000, "os-ken": 1_000}
ROOT = Path(__file__).parent.parent.parent


def forwarding(channel: Channel) -> PacketListener:
    """The callback of a learning application: a flow for the destination, and the packet sent on."""

    def told(packet: PacketIn) -> None:
        port = packet.in_port
        if port is None:
            return
        out = (Output(port % 8 + 1),)
        destination = int.from_bytes(packet.frame[:6], "big")
        match = Match((("in_port", port, 0xFFFFFFFF), ("eth_dst", destination, 0xFFFFFFFFFFFF)))
        first = channel.reserve(2)
        added = flow_mod(Flow(0, 10, match, 0, out), FlowCommand.ADD, first)
        channel.post(added + packet_out(first + 1, packet.frame, out, port))

    return told


async def serve(port: int) -> None:
    """Listen for switches and forward what they send up, for ever."""
    async with Listener(Address("tcp", "127.0.0.1", port, listen=True)) as listener:
        print("ready", flush=True)
        known: set[Channel] = set()
        async for channels in listener.watch():
            for channel in set(channels.values()) - known:
                channel.packet_listeners.append(forwarding(channel))
            known = set(channels.values())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _measured(controller: list[str], packets: int, ahead: int, spent: list[float] | None = None) -> float:
    """Packets a second that a controller answers; its computing for each is noted in `spent`."""
    port = _free_port()
    command = [sys.executable, "-m", *(part.format(port=port) for part in controller)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            generator = [sys.executable, "-m", "lab.bench.generator", str(port), str(packets), str(ahead)]
            before = _computing(process.pid)
            done = subprocess.run(generator, check=True, capture_output=True, text=True, timeout=300, cwd=ROOT)
            if spent is not None:
                spent.append((_computing(process.pid) - before) / (packets + min(packets, 2_000)))
        finally:
            process.kill()
    return float(done.stdout.split()[-1])


def _computing(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def run(report: Report) -> None:
    """Rates, ratios, round trips."""
    controllers = {
        "sdnctl": ["lab.bench.packetin", "{port}"],
        "c65of": ["lab.bench.peer_app", "c65of", "packetin", "{port}", "0"],
        "os-ken": ["lab.bench.peer_app", "os-ken", "packetin", "{port}", "0"],
    }
    spent: dict[str, list[float]] = {name: [] for name in controllers}

    def runs(packets: dict[str, int], ahead: int, noted: bool) -> dict[str, Callable[[], float]]:
        return {
            name: lambda name=name, command=command: (
                1 / _measured(command, packets[name], ahead, spent[name] if noted else None)
            )
            for name, command in controllers.items()
        }

    found = interleaved(ROUNDS, runs(PACKETS, AHEAD, True))
    for name, seconds in found.items():
        rates = " ".join(f"{1e-3 / value:.1f}" for value in seconds)
        report.print(
            f"{name:8} median {1e-3 / median(seconds):7.1f} k packets/s  ({rates})  "
            f"{median(spent[name]) * 1e6:6.1f} µs of computing each"
        )
    single = interleaved(ROUNDS, runs(ROUND_TRIPS, 1, False))
    for name, seconds in single.items():
        report.print(f"{name:8} one packet at a time: median round trip {median(seconds) * 1e6:7.0f} µs")
    report.print(f"packets in, times c65of: {ratio(found, 'c65of', 'sdnctl'):.1f}×")
    report.print(f"computing a packet, os-ken over sdnctl: {ratio(spent, 'os-ken', 'sdnctl'):.1f}×")
    report.claim("packets in, times os-ken", ratio(found, "os-ken", "sdnctl"), 10.0, at_least=True)


if __name__ == "__main__":
    spare_collections()
    asyncio.run(serve(int(sys.argv[1])))
