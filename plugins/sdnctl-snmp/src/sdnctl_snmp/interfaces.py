"""Ports over IF-MIB: which there are, and what they counted, in as few requests as they fit in.

The table of ports is read when the agent's own signs of change (ifNumber, ifTableLastChange, a restart) say so,
and now and then. A port has 64-bit counters if it has ifHCInOctets; slow ones need not (RFC 2863 §3.1.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdnctl.southbound.base import PortState
from sdnctl_snmp import oids
from sdnctl_snmp.agent import Objects
from sdnctl_snmp.counters import Tally, Uptime
from sdnctl_snmp.values import Value, number, text

UP = 1
"""Of ifOperStatus and ifAdminStatus."""
REREAD = 900.0
"""Seconds after which the table of ports is read again, whatever the agent says of changes."""

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
    """What a port is asked for: its state, its discontinuity time, its counters, as OIDs with its index."""

    index: int
    name: str
    speed: int
    state: str
    mark: str
    counters: tuple[str, ...]
    bits: tuple[int, ...]
    received: slice  # which of the counters are packets received
    sent: slice


class Interfaces:
    """The ports of one agent, and their counters since they were first read."""

    def __init__(self, agent: Objects) -> None:
        self._agent = agent
        self._ports: tuple[Port, ...] = ()
        self._asked: tuple[str, ...] = ()
        self._signs: tuple[Value, ...] | None = None
        self._read_at = 0.0
        self._uptime = Uptime()
        self._tallies: dict[int, tuple[Port, Tally, float]] = {}

    @property
    def names(self) -> Mapping[int, str]:
        """Names of ports by ifIndex, as the table was last read."""
        return {port.index: port.name for port in self._ports}

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
        states = {}
        for port in self._ports:
            state = self._state(port, found, now, restarted)
            if state is not None:
                states[port.index] = state
        return states

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
        self._ports = tuple(ports)
        self._asked = (*_SIGNS, *(oid for port in ports for oid in (port.state, port.mark, *port.counters)))
        kept = {port.index: port for port in ports}
        self._tallies = {
            index: kept_before
            for index, kept_before in self._tallies.items()
            if kept.get(index) == kept_before[0]  # another port under the same number counts for itself
        }
        self._signs = ()
        self._read_at = now

    def _changed(self, found: Mapping[str, Value]) -> bool:
        """Whether the agent says that its ports are others than when they were read."""
        signs = (found.get(oids.IF_NUMBER), found.get(oids.IF_TABLE_LAST_CHANGE))
        before, self._signs = self._signs, signs
        return before not in ((), None, signs)

    def _state(self, port: Port, found: Mapping[str, Value], now: float, restarted: bool) -> PortState | None:
        """One port; None where it is gone since."""
        status = found.get(port.state)
        if status is None:
            self._tallies.pop(port.index, None)
            return None
        raw = tuple([number(found.get(oid)) or 0 for oid in port.counters])
        _, tally, read = self._tallies.get(port.index) or (port, Tally(port.bits, 2), now)
        self._tallies[port.index] = port, tally, now
        mark = number(found.get(port.mark), 32) or 0
        counts = tally.take(raw, mark, now - read, port.speed, restarted)
        return PortState(
            port.index,
            port.name,
            status == UP,
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
        f"{oids.IF_OPER_STATUS}.{index}",
        f"{oids.IF_DISCONTINUITY}.{index}",
        tuple(f"{column}.{index}" for column in columns),
        (*(64 if wide else 32 for _ in columns[:-2]), 32, 32),
        slice(2, 2 + kinds),
        slice(2 + kinds, 2 + 2 * kinds),
    )
