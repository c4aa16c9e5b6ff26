"""Class queues of the userspace datapath, made by Linux traffic control where the switch runs.

That datapath ignores queues: every packet takes the first one. Yet inside the network each frame says its class in
the traffic-class bits of its label (RFC 5462), so that the kernel can queue by them what leaves a port. The queues
stand on an ``ifb`` interface per port, to which the port's frames are redirected: a queue on the port itself would
tell the datapath of each frame that it drops, which then drops frames of others that it was about to send.

    port ── clsact egress, redirect ──► q-xxxxxxxx: htb, strict priority, one bfifo per queue ──► out of the port

Queue n takes frames with traffic class n. Frames without label are the control plane's (BFD, discovery) and take
the queue of the highest priority; labelled ones of a class without queue take that of the lowest.
"""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from zlib import crc32

from sdnctl.dataplane.values import Queue
from sdnctl.errors import DeviceRefused, DeviceUnreachable, Diagnostic

TRAFFIC_CLASSES = 8
_PREFERENCE = 49_000  # of our filter on the port: behind what others have there
_FRAME = 1_600  # octets: what one turn of a queue sends
_ROOT = 0xFFFF
_BUFFERED = 0.05  # seconds at full rate that a queue holds
_LEAST, _MOST = 32 * _FRAME, 4 << 20  # octets that it holds
_MTU = 65_535
_MARK = "sdnctl "
_CLASS = re.compile(r"^class htb 1:([0-9a-f]+) parent \S+ (?:leaf \S+ )?prio (\d+) rate (\S+) ceil (\S+) ", re.M)


class Shaper:
    """Makes, reads and removes queues in the network namespace of a switch on this machine."""

    def __init__(self, device: str, pid: int) -> None:
        """`pid`: a process in that namespace."""
        self._device = device
        self._enter = () if _same_namespace(pid) else ("nsenter", f"--net=/proc/{pid}/ns/net")

    @classmethod
    def beside(cls, device: str, path: str) -> Shaper:
        """The one of the switch whose database server listens at this socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(path)
            except OSError as error:
                raise DeviceUnreachable(
                    Diagnostic("device-unreachable", f"{device} does not answer at {path}", detail=str(error))
                ) from None
            told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return cls(device, struct.unpack("3i", told)[0])

    def make(self, ports: Mapping[str, Sequence[Queue]]) -> None:
        """Let each of these ports (by interface name) have these queues, whatever it had."""
        if not ports:
            return
        self.remove(ports)
        links, rules = [], []
        for port, queues in sorted(ports.items()):
            links += [
                f"link add {_ifb(port)} mtu {_MTU} type ifb",
                f'link set {_ifb(port)} alias "{_MARK}{port}" up',
            ]
            rules += _rules(port, queues)
        self._run(["ip", "-batch", "-"], links)
        # A port that had the classifier already keeps it; everything after that must succeed.
        self._run(
            ["tc", "-force", "-batch", "-"], [f"qdisc add dev {port} clsact" for port in ports], strict=False
        )
        self._run(["tc", "-batch", "-"], rules)

    def remove(self, ports: Iterable[str]) -> None:
        """Take our queues off these ports; what has none is left as it is."""
        there = self._shaped()
        gone = sorted(set(ports) & there)
        words = ["tc", "-force", "-batch", "-"]
        self._run(words, [f"filter del dev {port} egress pref {_PREFERENCE}" for port in gone], strict=False)
        self._run(["ip", "-batch", "-"], [f"link del {_ifb(port)}" for port in gone])
        bare = [port for port in gone if not self._filters(port)]
        self._run(words, [f"qdisc del dev {port} clsact" for port in bare], strict=False)

    def holds(self, wanted: Mapping[str, Sequence[Queue]]) -> frozenset[str]:
        """The ports on which exactly these queues stand."""
        return frozenset(
            port
            for port in set(wanted) & self._shaped()
            if self._classes(port) == _shown(wanted[port]) and _ifb(port) in self._filters(port)
        )

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _shaped(self) -> frozenset[str]:
        listed = json.loads(self._run(["ip", "-j", "link", "show", "type", "ifb"]) or "[]")
        aliases = (str(link.get("ifalias", "")) for link in listed)
        return frozenset(alias.removeprefix(_MARK) for alias in aliases if alias.startswith(_MARK))

    def _classes(self, port: str) -> dict[int, tuple[int, str, str]]:
        """Queue → priority, rate and ceiling as they are printed."""
        text = self._run(["tc", "class", "show", "dev", _ifb(port)])
        return {int(minor, 16) - 1: (int(prio), rate, ceil) for minor, prio, rate, ceil in _CLASS.findall(text)}

    def _filters(self, port: str) -> str:
        said = (
            self._run(["tc", "filter", "show", "dev", port, way], strict=False) for way in ("egress", "ingress")
        )
        return "".join(said)

    def _run(self, words: Sequence[str], lines: Sequence[str] | None = None, *, strict: bool = True) -> str:
        if lines is not None and not lines:
            return ""
        sbin = "/usr/sbin:/sbin:/usr/local/sbin"
        try:
            done = subprocess.run(
                [*self._enter, *words],
                input="".join(f"{line}\n" for line in lines or ()),
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
                env={**os.environ, "LC_ALL": "C", "PATH": f"{os.environ.get('PATH', '')}:{sbin}"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._refused(words, str(error)) from None
        if done.returncode and strict:
            raise self._refused(words, "; ".join(done.stderr.strip().splitlines()[:3]))
        return done.stdout

    def _refused(self, words: Sequence[str], detail: str) -> DeviceRefused:
        return DeviceRefused(
            Diagnostic(
                "ovsdb-queues",
                f"{self._device}: `{' '.join(words)}` does not make the queues",
                f"switch {self._device}",
                detail=detail,
                hint="queues of the userspace datapath are made where the switch runs, by root, with tc and ifb",
            )
        )


def problems(queues: Sequence[Queue]) -> list[str]:
    """Why these queues cannot be made here; they must be chosen by what a frame says."""
    return [
        f"queue {queue.id} is no traffic class (0…{TRAFFIC_CLASSES - 1})"
        for queue in queues
        if not 0 <= queue.id < TRAFFIC_CLASSES
    ]


def _rules(port: str, queues: Sequence[Queue]) -> list[str]:
    """``tc`` commands that make a port's queues and lead its frames through them."""
    ifb, ceiling = _ifb(port), max(queue.max_rate for queue in queues)
    first = min(queues, key=lambda queue: queue.priority)
    last = max(queues, key=lambda queue: queue.priority)
    lines = [
        f"qdisc add dev {ifb} root handle 1: htb default {first.id + 1:x}",
        f"class add dev {ifb} parent 1: classid 1:{_ROOT:x} htb {_rate(ceiling, ceiling)}",
    ]
    for queue in queues:
        minor = f"{queue.id + 1:x}"
        room = min(_MOST, max(_LEAST, int(queue.max_rate * _BUFFERED / 8)))
        lines += [
            f"class add dev {ifb} parent 1:{_ROOT:x} classid 1:{minor} htb "
            f"{_rate(queue.min_rate, queue.max_rate)} prio {queue.priority}",
            f"qdisc add dev {ifb} parent 1:{minor} bfifo limit {room}",
            # Behind the Ethernet header: 20 bits of label, three of traffic class.
            f"filter add dev {ifb} parent 1: protocol mpls_uc prio 1 "
            f"u32 match u8 {queue.id << 1:#04x} 0x0e at 2 flowid 1:{minor}",
        ]
    lines.append(
        f"filter add dev {ifb} parent 1: protocol mpls_uc prio 2 u32 match u32 0 0 flowid 1:{last.id + 1:x}"
    )
    lines.append(
        f"filter add dev {port} egress protocol all pref {_PREFERENCE} "
        f"u32 match u32 0 0 action mirred egress redirect dev {ifb}"
    )
    return lines


def _rate(least: int, most: int) -> str:
    """Rates of a class; bursts of two frames or a millisecond, so that little waits behind one that is served."""
    burst = max(2 * _FRAME, most // 8000)
    return f"rate {least}bit ceil {most}bit burst {burst}b cburst {burst}b quantum {_FRAME}"


def _shown(queues: Sequence[Queue]) -> dict[int, tuple[int, str, str]]:
    """What `tc class show` prints of these queues."""
    return {queue.id: (queue.priority, _printed(queue.min_rate), _printed(queue.max_rate)) for queue in queues}


def _printed(rate: int) -> str:
    """A rate as ``tc`` prints it: in the largest unit that shows it whole, or cut off where none does."""
    unit = 0
    while unit < 4 and rate >= 1000 and not (rate % 1000 and rate < 1_000_000):
        rate //= 1000
        unit += 1
    return f"{rate}{('', 'K', 'M', 'G', 'T')[unit]}bit"


def _ifb(port: str) -> str:
    return f"q-{crc32(port.encode()):08x}"


def _same_namespace(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino == Path("/proc/self/ns/net").stat().st_ino
    except OSError:
        return False
