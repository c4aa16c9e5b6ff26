"""Ports over IF-MIB: which there are, and what they counted, in as few requests as they fit in.

The table of ports is read when the agent's own signs of change (ifNumber, ifTableLastChange, a restart) say so,
and now and then. A port has 64-bit counters if it has ifHCInOctets; slow ones need not (RFC 2863 §3.1.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter

from sdnctl.southbound.base import PortState
from sdnctl_snmp import oids
from sdnctl_snmp.agent import Objects
from sdnctl_snmp.counters import Tally, Uptime
from sdnctl_snmp.values import Value, number, text

UP = 1
"""Of ifOperStatus and ifAdminStatus."""
REREAD = 900.0
"""Seconds after which the table of ports is read again, whatever the agent says of changes."""

_COUNTS = frozenset({int})
_SIGNS = (oids.SYS_UPTIME, oids.IF_NUMBER, oids.IF_TABLE_LAST_CHANGE)
_DISCARDS = (oids.IF_IN_DISCARDS, oids.IF_OUT_DISCARDS)
_WIDE = (
    oids.IF_HC_IN_OCTETS, oids.IF_HC_OUT_OCTETS,
    oids.IF_HC_IN_UCAST, oids.IF_HC_IN_MULTICAST, oids.IF_HC_IN_BROADCAST,
    oids.IF_HC_OUT_UCAST, oids.IF_HC_OUT_MULTICAST, oids.IF_HC_OUT_BROADCAST,
)  # fmt: skip
_NARROW = (
    oids.IF_IN_OCTETS, oids.IF_OUT_OCTETS,
    oids.IF_IN_UCAST, oids.IF_IN_NUCAST,
    oids.IF_OUT_UCAST, oids.IF_OUT_NUCAST,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Port:
    """What a port is asked for, as OIDs with its index: state, discontinuity time, counters; octets come first."""

    index: int
    name: str
    speed: int
    asked: tuple[str, ...]
    bits: tuple[int, ...]  # width of the counters
    received: slice  # which of the counters are packets received
    sent: slice


class _Followed:
    """A port, and what its counters said the last time."""

    __slots__ = ("at", "fetch", "port", "tally")

    def __init__(self, port: Port, now: float) -> None:
        self.port = port
        self.fetch = itemgetter(*port.asked)
        self.tally = Tally(port.bits, 2)
        self.at = now


class Interfaces:
    """The ports of one agent, and their counters since they were first read."""

    def __init__(self, agent: Objects) -> None:
        self._agent = agent
        self._followed: tuple[_Followed, ...] = ()
        self._asked: tuple[str, ...] = ()
        self._signs: tuple[Value, ...] | None = None
        self._read_at = 0.0
        self._uptime = Uptime()

    @property
    def names(self) -> Mapping[int, str]:
        """Names of ports by ifIndex, as the table was last read."""
        return {followed.port.index: followed.port.name for followed in self._followed}

    async def read(self, now: float) -> Mapping[int, PortState]:
        """States and counters of all ports now, `now` in seconds of a clock that never goes back.

        Raises what `Agent.get` raises.
        """
        if self._signs is None or now - self._read_at > REREAD:
            await self.reread(now)
        found = await self._agent.get(self._asked)
        restarted = self._uptime.restarted(number(found.get(oids.SYS_UPTIME), 32), now)
        if self._changed(found) or restarted:
            await self.reread(now)
            found = await self._agent.get(self._asked)
            self._changed(found)
            self._uptime.restarted(number(found.get(oids.SYS_UPTIME), 32), now)
        states = (_state(followed, found, now, restarted) for followed in self._followed)
        return {state.port: state for state in states if state is not None}

    async def reread(self, now: float) -> None:
        """Read which ports there are."""
        names = await self._agent.walk(oids.IF_NAME) or await self._agent.walk(oids.IF_DESCR)
        wide = await self._agent.walk(oids.IF_HC_IN_OCTETS)
        fast, slow = await self._agent.walk(oids.IF_HIGH_SPEED), await self._agent.walk(oids.IF_SPEED)
        ports = []
        for index, name in names.items():
            if not index.isdecimal():
                continue
            speed = 10**6 * (number(fast.get(index), 32) or 0) or number(slow.get(index), 32) or 0
            ports.append(_port(int(index), text(name) or index, speed, index in wide))
        before = {followed.port.index: followed for followed in self._followed}
        # Another port under the same number counts for itself.
        self._followed = tuple(
            old if (old := before.get(port.index)) is not None and old.port == port else _Followed(port, now)
            for port in ports
        )
        self._asked = (*_SIGNS, *(oid for port in ports for oid in port.asked))
        self._signs = ()
        self._read_at = now

    def _changed(self, found: Mapping[str, Value]) -> bool:
        """Whether the agent says that its ports are others than when they were read."""
        signs = (found.get(oids.IF_NUMBER), found.get(oids.IF_TABLE_LAST_CHANGE))
        before, self._signs = self._signs, signs
        return before not in ((), None, signs)


def _state(followed: _Followed, found: Mapping[str, Value], now: float, restarted: bool) -> PortState | None:
    """One port; None where it is gone since."""
    port, tally = followed.port, followed.tally
    try:
        values = followed.fetch(found)
    except KeyError:
        values = tuple(map(found.get, port.asked))
        if values[0] is None:
            return None
    if not _COUNTS.issuperset(map(type, values)) or min(values) < 0:
        values = tuple([number(value) or 0 for value in values])
    seconds, followed.at = now - followed.at, now
    counts = tally.take(values[2:], values[1], seconds, port.speed, restarted)
    return PortState(
        port.index,
        port.name,
        values[0] == UP,
        "",
        sum(counts[port.received]),
        sum(counts[port.sent]),
        counts[0],
        counts[1],
        counts[-2],
        counts[-1],
        tally.since,
    )


def _port(index: int, name: str, speed: int, wide: bool) -> Port:
    columns = (*(_WIDE if wide else _NARROW), *_DISCARDS)
    kinds = (len(columns) - 4) // 2  # of packets: unicast, and one or two others
    return Port(
        index,
        name,
        speed,
        tuple(f"{column}.{index}" for column in (oids.IF_OPER_STATUS, oids.IF_DISCONTINUITY, *columns)),
        (*(64 if wide else 32 for _ in columns[:-2]), 32, 32),
        slice(2, 2 + kinds),
        slice(2 + kinds, 2 + 2 * kinds),
    )
