"""The OpenFlow driver: rules of one switch over one connection.

`commit` is all or nothing: flows and groups go in atomic bundles of at most 3,000 messages, meters beside them,
and when a later part is refused, what went before is undone from what was last read or made on this connection.
A switch without bundles gets plain messages and the same treatment (`transactional`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Self

from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    COOKIE_OWNER_MASK,
    Group,
    Meter,
    Output,
    RuleSet,
)
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, Diagnostic
from sdnctl.plan.model import Change, Observed, Rule
from sdnctl.southbound.base import Capabilities, Counters, Payload, PortState, Target
from sdnctl.southbound.openflow.address import DIAL_IN, parse_address
from sdnctl.southbound.openflow.channel import Channel, PacketListener, Timing
from sdnctl.southbound.openflow.checks import Checks
from sdnctl.southbound.openflow.codec.flow import decode_flow_stats, decode_flows, flow_stats_request
from sdnctl.southbound.openflow.codec.group import decode_groups
from sdnctl.southbound.openflow.codec.meter import decode_meters, meter_request
from sdnctl.southbound.openflow.codec.multipart import Part
from sdnctl.southbound.openflow.codec.packet import packet_out
from sdnctl.southbound.openflow.codec.session import Role, role_request
from sdnctl.southbound.openflow.codec.wire import Opaque, Type
from sdnctl.southbound.openflow.dial import dial
from sdnctl.southbound.openflow.metrics import ChannelMetrics
from sdnctl.southbound.openflow.mirror import Mirror
from sdnctl.southbound.openflow.part import read_part
from sdnctl.southbound.openflow.ports import read_ports, set_port, watch_ports
from sdnctl.southbound.openflow.probe import probe
from sdnctl.southbound.openflow.sending import Sending
from sdnctl.southbound.openflow.transaction import Portion, segments
from sdnctl.southbound.openflow.transactional import ChangesRefused, Held, TransactionalDriver


class OpenFlowDriver(TransactionalDriver):
    """One switch; satisfies `sdnctl.southbound.base.Driver`."""

    name: ClassVar[str] = "openflow"
    payload: ClassVar[Payload] = "rules"

    def __init__(self, target: Target, channel: Channel, capabilities: Capabilities) -> None:
        """Use `open` or `over`."""
        super().__init__(target, capabilities)
        self.channel = channel
        self._bundle = 0

    @classmethod
    async def open(
        cls, target: Target, *, metrics: ChannelMetrics | None = None, timing: Timing | None = None
    ) -> Self:
        """Dial a switch: ``tcp:HOST:PORT``, ``ssl:HOST:PORT`` or ``unix:PATH``.

        Options of an ``ssl:`` target are `private_key`, `certificate`, `ca_certificate` (``file:PATH``) and
        optionally `server_name`. Raises DeviceUnreachable, DeviceRefused, ProtocolError.
        """
        if target.address == DIAL_IN:
            raise DeviceUnreachable(
                Diagnostic(
                    "device-dials-in",
                    f"{target.device} dials in to the controller, and none runs here",
                    address=f"switch {target.device}",
                    hint="`sdnctl controller run` waits for it on the addresses under `controller: listen:`",
                )
            )
        address = parse_address(target.address)
        channel = await dial(address, target.device, metrics or ChannelMetrics(), target.options, timing)
        return await cls.over(channel, target)

    @classmethod
    async def over(cls, channel: Channel, target: Target) -> Self:
        """Use a connection that exists, such as one that a `Listener` accepted; `close` closes it."""
        channel.device = target.device
        try:
            if target.dpid is not None and channel.features.dpid != target.dpid:
                raise DeviceRefused(
                    Diagnostic(
                        "wrong-switch",
                        f"{target.device}: at {target.address} is datapath {channel.features.dpid:#018x}, "
                        f"not {target.dpid:#018x}",
                        address=f"switch {target.device}",
                        hint="correct the datapath id in the topology, or the address",
                    )
                )
            return cls(target, channel, await probe(channel))
        except BaseException:
            await channel.close()
            raise

    async def close(self) -> None:
        """Close the connection; may be called twice."""
        await self.channel.close()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def _read(self) -> Held:
        flows, groups, meters = await asyncio.gather(
            self.channel.multipart(Part.FLOW, decode_flows, flow_stats_request()),
            self._groups(),
            self._meters(),
        )
        return Held(flows, groups, meters)

    async def _observe(self) -> Observed:
        observed = await super()._observe()
        self.channel.rules = len(observed.rules)
        return observed

    async def read_part(self, rules: Sequence[Rule]) -> RuleSet:
        """What the switch holds of ours where these rules are: less than `observe` reads where they are few."""
        return await read_part(self.channel, rules)

    async def _groups(self) -> list[Group | Opaque]:
        if not self._capabilities.groups:
            return []
        return await self.channel.multipart(Part.GROUP_DESCRIPTION, decode_groups)

    async def _meters(self) -> list[Meter | Opaque]:
        if not self._capabilities.meters:
            return []
        return await self.channel.multipart(Part.METER_CONFIG, decode_meters, meter_request())

    async def counters(self) -> Counters:
        """Ports with state and counters, and packets of our flows summed by table and cookie."""
        ports, flows = await asyncio.gather(
            read_ports(self.channel, counters=True),
            self.channel.multipart(
                Part.FLOW,
                lambda body: decode_flow_stats(body, counters_only=True),
                flow_stats_request(cookie=COOKIE_OWNER, cookie_mask=COOKIE_OWNER_MASK),
            ),
        )
        packets: dict[tuple[int, int], int] = {}
        for stat in flows:
            key = (stat.table, stat.cookie)
            packets[key] = packets.get(key, 0) + stat.packets
        return Counters(ports, packets)

    async def ports(self) -> Mapping[int, PortState]:
        """State of every port, without counters: one round trip."""
        return await read_ports(self.channel, counters=False)

    async def port_counters(self) -> Mapping[int, PortState]:
        """State and counters of every port, without those of flows."""
        return await read_ports(self.channel, counters=True)

    def watch_ports(self) -> AsyncIterator[PortState]:
        """Every port's state now, then each change as the switch reports it; see `ports.watch_ports`."""
        return watch_ports(self.channel)

    @property
    def closed(self) -> asyncio.Future[DeviceError]:
        """Done when the connection has ended, with the reason; nobody but the channel may set it."""
        return self.channel.closed

    async def set_port(self, port: int, *, up: bool) -> None:
        """Take a port down, or give it back: as a person would, outside of all rules. Raises DeviceRefused."""
        await set_port(self.channel, port, up=up)

    def watch_packets(self, told: PacketListener) -> Callable[[], None]:
        """Call `told` with each packet that the switch sends to the controller; returns what ends that."""
        self.channel.packet_listeners.append(told)
        return lambda: self.channel.packet_listeners.remove(told)

    async def send_packets(self, packets: Iterable[tuple[int, bytes]]) -> None:
        """Let frames leave by ports, by no rule: (port, frame) each. What the switch cannot do is only logged."""
        out = (packet_out(self.channel.reserve(), frame, (Output(port),)) for port, frame in packets)
        await self.channel.send(out)

    async def become_master(self, generation_id: int) -> None:
        """Ask for the master role with a fencing token; raises RequestRefused when a newer one was seen."""
        await self._take_role(Role.MASTER, generation_id)

    async def become_slave(self, generation_id: int) -> None:
        """Give up writing: the switch refuses every change on this connection; raises as `become_master`."""
        await self._take_role(Role.SLAVE, generation_id)

    async def _take_role(self, role: Role, generation_id: int) -> None:
        await self.channel.request(
            "role_request", Type.ROLE_REPLY, lambda xid: role_request(xid, role, generation_id)
        )

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def _check(self) -> None:
        self.channel.check()

    async def _send(self, changes: Sequence[Change], mirror: Mirror, checks: Checks | None = None) -> None:
        """Send changes, part by part, and let the mirror follow; raises at the first part that is refused."""
        first = self.channel.reserve(len(changes))
        # One message takes effect as a whole anyway: a flip of a group waits for no bundle.
        bundles = self._capabilities.bundles and len(changes) > 1
        if checks is not None and not bundles:  # nothing could be discarded: everything is checked first
            if faults := checks.faults(changes):
                raise DeviceRefused(*faults)
            checks = None
        with self.channel.watching(first, len(changes)) as errors:
            sending = Sending(self.channel, errors)
            try:
                for start, stop in segments(changes, bundles):
                    bundle = None
                    if bundles and not isinstance(changes[start].rule, Meter):
                        bundle = self._bundle = self._bundle % 0xFFFF + 1
                    part = Portion(self.target.device, changes[start:stop], first + start, bundle, checks)
                    windows = part.windows(mirror)
                    await (sending.plain(windows) if bundle is None else sending.bundle(bundle, windows))
                    if errors:
                        break
            except DeviceRefused:
                await sending.abandon()
                raise
            await sending.finish()
        if errors:
            refusals = [(changes[index], error) for index, error in sorted(errors.items())]
            raise ChangesRefused(self.target.device, refusals)
