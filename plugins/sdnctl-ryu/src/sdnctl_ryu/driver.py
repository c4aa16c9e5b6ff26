"""The driver: rules of one switch, through the os-ken or Ryu application that the switch is connected to.

Commit, confirm and revert are the core's (`TransactionalDriver`), as are the values and the reading of what a
switch says; connections, sessions and messages are the framework's. It takes no role and hears no packets: those
belong to the applications that share the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import COOKIE_OWNER, COOKIE_OWNER_MASK, Meter
from sdnctl.errors import DeviceRefused, Diagnostic, InputError
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Capabilities, Counters, Payload, PortState, Target
from sdnctl.southbound.openflow.checks import Checks
from sdnctl.southbound.openflow.codec.faults import decode_error
from sdnctl.southbound.openflow.codec.flow import decode_flow_stats, decode_flows
from sdnctl.southbound.openflow.codec.group import decode_group_features, decode_groups
from sdnctl.southbound.openflow.codec.meter import decode_meter_features, decode_meters
from sdnctl.southbound.openflow.codec.multipart import decode_description
from sdnctl.southbound.openflow.codec.ports import decode_port_stats, decode_ports
from sdnctl.southbound.openflow.codec.session import Capability, decode_features
from sdnctl.southbound.openflow.mirror import Mirror
from sdnctl.southbound.openflow.ports import states_of
from sdnctl.southbound.openflow.probe import ENCAPSULATING, PROBE_BUNDLE
from sdnctl.southbound.openflow.transaction import BUNDLE_SIZE, segments
from sdnctl.southbound.openflow.transactional import ChangesRefused, Held, TransactionalDriver
from sdnctl.southbound.openflow.waiting import RequestRefused
from sdnctl_ryu.link import Inexpressible, Link
from sdnctl_ryu.protocol import What, dump_changes


class RyuDriver(TransactionalDriver):
    """One switch; satisfies `sdnctl.southbound.base.Driver`."""

    name: ClassVar[str] = "ryu"
    payload: ClassVar[Payload] = "rules"

    def __init__(self, target: Target, link: Link, capabilities: Capabilities) -> None:
        """Use `open`."""
        super().__init__(target, capabilities)
        self._link = link
        self._bundle = 0

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Find the switch at the application: ``unix:PATH`` of its socket, and the target's datapath id.

        Raises InputError, DeviceUnreachable when there is no application or the switch is not connected to it,
        DeviceRefused, ProtocolError.
        """
        scheme, _, path = target.address.partition(":")
        if scheme != "unix" or not path or target.dpid is None:
            lack = "has no datapath id" if scheme == "unix" and path else f"is not at {target.address!r}"
            raise InputError(
                Diagnostic(
                    "bad-address",
                    f"{target.device} {lack}",
                    address=f"switch {target.device}",
                    hint="drivers: {ryu: 'unix:/run/sdnctl/ryu.sock'}, and `dpid` of the switch",
                )
            )
        link = await Link.open(target, path, target.dpid)
        try:
            return cls(target, link, await _probe(link))
        except BaseException:
            await link.close()
            raise

    async def close(self) -> None:
        """Hang up; the switch stays connected to the application. May be called twice."""
        await self._link.close()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def _read(self) -> Held:
        link, can = self._link, self._capabilities
        return Held(
            await link.read(What.FLOWS, decode_flows),
            await link.read(What.GROUPS, decode_groups) if can.groups else [],
            await link.read(What.METERS, decode_meters) if can.meters else [],
        )

    async def counters(self) -> Counters:
        """Ports with state and counters, and packets of our flows summed by table and cookie."""
        ports = await self.port_counters()
        packets: dict[tuple[int, int], int] = {}
        for stat in await self._link.read(
            What.FLOWS,
            lambda body: decode_flow_stats(body, counters_only=True),
            COOKIE_OWNER,
            COOKIE_OWNER_MASK,
        ):
            key = (stat.table, stat.cookie)
            packets[key] = packets.get(key, 0) + stat.packets
        return Counters(ports, packets)

    async def port_counters(self) -> Mapping[int, PortState]:
        """State and counters of every port, without those of flows."""
        ports = await self._link.read(What.PORTS, decode_ports)
        return states_of(ports, await self._link.read(What.PORT_COUNTERS, decode_port_stats))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def _check(self) -> None:
        self._link.check()

    async def _send(self, changes: Sequence[Change], mirror: Mirror, checks: Checks | None = None) -> None:
        """Everything is checked before anything is sent; then bundle after bundle, meters between them."""
        if checks is not None and (faults := await asyncio.to_thread(checks.faults, changes)):
            raise DeviceRefused(*faults)
        bundles = self._capabilities.bundles and len(changes) > 1
        for start, stop in segments(changes, bundles):
            bundled = bundles and not isinstance(changes[start].rule, Meter)
            for first in range(start, stop, BUNDLE_SIZE):
                await self._write(changes[first : min(first + BUNDLE_SIZE, stop)], mirror, bundled)

    async def _write(self, changes: Sequence[Change], mirror: Mirror, bundled: bool) -> None:
        bundle = None
        if bundled:
            bundle = self._bundle = self._bundle % 0xFFFF + 1
        request = {"do": "write", "bundle": bundle, "changes": await asyncio.to_thread(dump_changes, changes)}
        try:
            found, _ = await self._link.request(request)
        except Inexpressible as error:
            raise DeviceRefused(
                *(self._inexpressible(changes[index], why) for index, why in error.faults)
            ) from error
        if errors := found["errors"]:
            refusals = [(changes[index], decode_error(bytes.fromhex(body))) for index, body in errors]
            raise ChangesRefused(self.target.device, refusals)
        mirror.take(changes)

    def _inexpressible(self, change: Change, why: str) -> Diagnostic:
        text = f"{self.target.device}: cannot {change.op} {rule_name(change.rule)}: {why}"
        return Diagnostic("cannot-encode", text, address=f"switch {self.target.device}")


async def _probe(link: Link) -> Capabilities:
    """What the switch can do, asked of itself, as `sdnctl.southbound.openflow.probe` does."""
    (features,) = await link.read(What.FEATURES, lambda body: [decode_features(body)])
    (description,) = await link.read(What.DESCRIPTION, lambda body: [decode_description(body)])
    try:
        (found,) = await link.read(What.GROUP_FEATURES, lambda body: [decode_group_features(body)])
        groups = frozenset(kind.value for kind in found.types)
    except RequestRefused:
        groups = frozenset()
    try:
        (limits,) = await link.read(What.METER_FEATURES, lambda body: [decode_meter_features(body)])
        meters = limits.largest
    except RequestRefused:
        meters = 0
    try:
        change = Change(Op.ADD, ENCAPSULATING)
        answer, _ = await link.request({"do": "probe", "bundle": PROBE_BUNDLE, "changes": dump_changes([change])})
        bundles, encapsulation = True, not answer["errors"]
    except RequestRefused:
        bundles, encapsulation = False, False
    return Capabilities(
        tables=features.tables,
        bundles=bundles,
        groups=groups,
        meters=meters,
        encapsulations=frozenset({"mpls"}) if encapsulation else frozenset(),
        queues=bool(features.capabilities & Capability.QUEUE_STATS),
        description=f"{description or 'unnamed switch'}, through {link.framework}",
    )
