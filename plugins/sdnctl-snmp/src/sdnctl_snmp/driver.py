"""The driver: one device read over SNMP. It changes nothing; what it is asked to change it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Self

from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic
from sdnctl.plan.model import DeviceChange, Observed
from sdnctl.southbound.base import Capabilities, Counters, Payload, Target
from sdnctl.southbound.facts import DeviceFacts, PortFact
from sdnctl_snmp import oids
from sdnctl_snmp.address import parse
from sdnctl_snmp.agent import Agent
from sdnctl_snmp.credentials import Community, credentials_of
from sdnctl_snmp.entities import Entities, interfaces_of, optical_levels, transceivers
from sdnctl_snmp.interfaces import UP, Interfaces
from sdnctl_snmp.neighbours import neighbours
from sdnctl_snmp.values import mac, text

_ENTITY_COLUMNS = (
    oids.ENT_DESCR, oids.ENT_CONTAINED_IN, oids.ENT_CLASS, oids.ENT_NAME,
    oids.ENT_SOFTWARE, oids.ENT_SERIAL, oids.ENT_VENDOR, oids.ENT_MODEL,
)  # fmt: skip


class SnmpDriver:
    """One agent: counters of its ports, and facts.

    Address ``udp:HOST[:PORT]``. Options: those of `credentials_of`, `timeout` (seconds for one answer, 1) and
    `tries` (3).
    """

    name: ClassVar[str] = "snmp"
    payload: ClassVar[Payload] = "facts"

    def __init__(self, target: Target, agent: Agent, version: str) -> None:
        self._target = target
        self._agent = agent
        self._version = version
        self._interfaces = Interfaces(agent)

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Find the agent and read its ports; raises DeviceError for options, and what `Agent.get` raises."""
        credentials = credentials_of(target)
        address = parse(target.address, target.device)
        timeout, tries = _positive(target, "timeout", 1.0), int(_positive(target, "tries", 3))
        agent = Agent(target.device, address, credentials, timeout=timeout, tries=max(tries, 1))
        version = "SNMPv2c" if isinstance(credentials, Community) else "SNMPv3 authPriv"
        driver = cls(target, agent, version)
        await agent.open()
        await driver._interfaces.reread(asyncio.get_running_loop().time())
        return driver

    @property
    def engine(self) -> bytes | None:
        """The agent's SNMPv3 engine id, None with a community."""
        return self._agent.engine

    async def capabilities(self) -> Capabilities:
        """Nothing that could be compiled for."""
        said = text((await self._agent.get([oids.SYS_DESCR])).get(oids.SYS_DESCR))
        return Capabilities(description=f"{self._version}, read only: {said}")

    async def observe(self) -> Observed:
        """Nothing of ours: it would have to be written."""
        await self._agent.get([oids.SYS_UPTIME])
        return Observed(RuleSet())

    async def prepare(self, changes: Sequence[DeviceChange]) -> None:
        """Refuse any change."""
        if changes:
            raise DeviceRefused(
                Diagnostic(
                    "read-only",
                    f"{self._target.device}: the snmp driver reads and changes nothing",
                    f"device {self._target.device}",
                    hint="give the device a driver for its rules or attachments, too",
                )
            )

    async def commit(self, changes: Sequence[DeviceChange]) -> None:
        """Refuse any change."""
        await self.prepare(changes)

    async def confirm(self) -> None:
        """Nothing was changed."""

    async def revert(self) -> None:
        """Nothing was changed."""

    async def counters(self) -> Counters:
        """States and counters of ports by ifIndex; `since` is another where counting began anew."""
        return Counters(await self._interfaces.read(asyncio.get_running_loop().time()))

    async def facts(self) -> DeviceFacts:
        """What the device is, its ports, whom they hear, and what is plugged into them."""
        agent = self._agent
        await self._interfaces.reread(asyncio.get_running_loop().time())
        names = self._interfaces.names
        system = await agent.get([oids.SYS_DESCR, oids.SYS_NAME])
        states, aliases = await agent.walk(oids.IF_OPER_STATUS), await agent.walk(oids.IF_ALIAS)
        addresses = {
            int(i): mac(value) for i, value in (await agent.walk(oids.IF_PHYS_ADDRESS)).items() if i.isdecimal()
        }
        entities = Entities(
            {column: await agent.walk(column) for column in _ENTITY_COLUMNS},
            interfaces_of(await agent.walk(oids.ENT_ALIAS)),
        )
        sensors = await agent.walk(oids.SENSORS) or await agent.walk(oids.CISCO_SENSORS)
        remote = await agent.walk(oids.LLDP_REMOTE)
        local = await agent.walk(oids.LLDP_LOCAL_PORTS) if remote else {}
        chassis = entities.chassis()
        return DeviceFacts(
            text(system.get(oids.SYS_NAME)),
            chassis.vendor,
            chassis.model,
            chassis.serial,
            chassis.software or text(system.get(oids.SYS_DESCR)),
            tuple(
                PortFact(name, index, states.get(str(index)) == UP, text(aliases.get(str(index))))
                for index, name in sorted(names.items())
            ),
            neighbours(remote, local, names, addresses),
            transceivers(entities.modules(names), optical_levels(sensors, entities, names)),
        )

    async def close(self) -> None:
        self._agent.close()


def _positive(target: Target, option: str, default: float) -> float:
    written = target.options.get(option, "")
    try:
        value = float(written) if written else default
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise DeviceError(
            Diagnostic(
                "bad-option",
                f"{target.device}: option {option}: {written!r} is no number above zero",
                f"device {target.device}, option {option}",
            )
        )
    return value
