"""From counters of ports to rates: what two readings say about the time between them.

Whoever wants the samples (a time-series database, an anomaly detector, a bandwidth calendar) is a `Sink`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

PortKey: TypeAlias = tuple[str, int]
"""A device and a port number."""


@dataclass(frozen=True, slots=True)
class PortCount:
    """Octets and packets of one port since its switch started; with another `since` they were counted anew."""

    rx_bytes: int
    tx_bytes: int
    rx_packets: int
    tx_packets: int
    rx_dropped: int = 0
    tx_dropped: int = 0
    since: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters of all ports that were read together, at `taken` seconds of a clock that never goes back."""

    taken: float
    ports: Mapping[PortKey, PortCount]


@dataclass(frozen=True, slots=True)
class Rate:
    """Bit/s received and sent, and packets dropped a second in both directions."""

    rx: float
    tx: float
    dropped: float


class Sink(Protocol):
    """Gets every sample, with the rates since the one before; what it raises is logged and costs nobody else."""

    async def take(self, sample: Sample, rates: Mapping[PortKey, Rate]) -> None: ...


def rates(before: Sample, after: Sample) -> Mapping[PortKey, Rate]:
    """Rates of the ports that are in both readings.

    A port whose counters went back, or that says so (`since`), is left out: it counted anew in between.
    """
    seconds = after.taken - before.taken
    if seconds <= 0:
        return {}
    found = {}
    for key, new in after.ports.items():
        old = before.ports.get(key)
        if old is None or new.since != old.since or new.rx_bytes < old.rx_bytes or new.tx_bytes < old.tx_bytes:
            continue
        dropped = new.rx_dropped + new.tx_dropped - old.rx_dropped - old.tx_dropped
        found[key] = Rate(
            8 * (new.rx_bytes - old.rx_bytes) / seconds,
            8 * (new.tx_bytes - old.tx_bytes) / seconds,
            max(dropped, 0) / seconds,
        )
    return found
