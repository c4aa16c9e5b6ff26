"""Cables that are no faster than their links: one queue each way that holds a little and drops the rest.

Such a cable is two veth pairs; what comes in at the middle end of one leaves by that of the other, at the rate:

    port A ── middle of A : : middle of B ── port B

Limits are never put on a switch port itself: the userspace datapath is told of each frame that the kernel drops
there, and then drops frames of other ports that it was about to send.
"""

from __future__ import annotations

from collections.abc import Iterator

from sdnctl.lab import netns
from sdnctl.lab.wiring import Wiring

HOLDS = 0.05
"""Seconds at full rate that a direction of a cable holds."""
_FRAME = 1_600
_LEAST, _MOST = 16 * _FRAME, 16 << 20  # octets that it holds


def cable(wiring: Wiring, link: str) -> Iterator[str]:
    """``ip link`` commands that make a slow cable."""
    mtu = wiring.mtu[link]
    for port, middle in zip(wiring.links[link], _middles(wiring, link), strict=True):
        yield f"link add {wiring.interfaces[port]} mtu {mtu} type veth peer name {middle} mtu {mtu}"
        yield f"link set {middle} arp off up"


def limit(namespace: str, wiring: Wiring) -> None:
    """Join the halves of all slow cables, at their rates."""
    lines = []
    for link, rate in sorted(wiring.rates.items()):
        a, b = _middles(wiring, link)
        burst = max(2 * _FRAME, rate // 8000)
        holds = burst + min(_MOST, max(_LEAST, int(rate * HOLDS / 8)))
        for one, other in ((a, b), (b, a)):
            lines += [
                f"qdisc add dev {other} root tbf rate {rate}bit burst {burst} limit {holds}",
                f"qdisc add dev {one} clsact",
                f"filter add dev {one} ingress protocol all prio 1 u32 match u32 0 0 "
                f"action mirred egress redirect dev {other}",
            ]
    if lines:
        netns.call(["tc", "-n", namespace, "-batch", "-"], stdin="\n".join(lines) + "\n")


def _middles(wiring: Wiring, link: str) -> tuple[str, str]:
    """Interfaces in the middle of a cable: names that no bridge and no port has."""
    number = list(wiring.links).index(link)
    return f"w.{number}a", f"w.{number}b"
