"""One bridge as a settings device: check, write, confirm, undo, read (blocking; the driver runs it in threads)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, cast

from sdnctl.dataplane.values import PortSettings, RuleSet, SwitchSettings
from sdnctl.errors import DeviceRefused, Diagnostic, Diagnostics
from sdnctl.plan.model import DeviceChange, Observed, SettingsChange
from sdnctl.southbound.base import Capabilities, Counters, PortState, Target
from sdnctl_ovsdb import shaping
from sdnctl_ovsdb.bridge import Bridge, Port, find_bridge, read_bridge
from sdnctl_ovsdb.changes import Image, PortImage, operations_to, sweep, take_image, wanted_image
from sdnctl_ovsdb.client import Conflict, Operation, OvsdbClient, as_dict, as_one, to_map, to_set

ATTEMPTS = 5  # tries when somebody else writes the same rows at the same time
PROTOCOLS = ("OpenFlow13", "OpenFlow14", "OpenFlow15")
BFD_MAX_MS = 60_000
Queues: TypeAlias = Literal["on", "tc", "off"]
HTB, NOTED = "linux-htb", "linux-noop"
"""Types of QoS rows: Open vSwitch makes the queues, or leaves the port's queueing to others."""


class OvsdbDevice:
    """An open bridge. `target.address` is ``unix:PATH#BRIDGE``, ``tcp:HOST:PORT#BRIDGE`` or ``ssl:…``.

    Without ``#BRIDGE`` the bridge is the one with the target's datapath id. Option ``queues`` says who makes
    queues: ``on`` Open vSwitch, ``tc`` this driver (`shaping`), ``off`` nobody: they are noted in the database. By
    default it is Open vSwitch where its datapath honours queues; elsewhere what the switch says of itself
    (``external_ids:sdnctl-queues=tc`` of its root row), or nobody.
    """

    def __init__(self, target: Target) -> None:
        remote, _, self._bridge = target.address.partition("#")
        if remote.partition(":")[0] not in ("unix", "tcp", "ssl"):
            raise DeviceRefused(
                Diagnostic(
                    "ovsdb-address",
                    f"{target.device}: {target.address!r} is not an OVSDB address",
                    f"switch {target.device}",
                    hint="write unix:PATH#BRIDGE, tcp:HOST:PORT#BRIDGE or ssl:HOST:PORT#BRIDGE",
                )
            )
        self._target = target
        self._client = OvsdbClient(target.device, remote, target.options)
        self._remote = remote
        self._confirmed: Image | None = None

    # ── Driver ───────────────────────────────────────────────────────────────────────────────────

    def capabilities(self) -> Capabilities:
        bridge = self._read()
        version = as_one(self._client.select("Open_vSwitch", [], ["ovs_version"])[0]["ovs_version"])
        datapath = bridge.datapath_type or "system"
        queues = self._queues(bridge) != "off"
        return Capabilities(queues=queues, bfd=True, description=f"Open vSwitch {version}, datapath {datapath}")

    def observe(self) -> Observed:
        return Observed(RuleSet(), 0, self._read().settings)

    def prepare(self, changes: Sequence[DeviceChange]) -> None:
        """Raise DeviceRefused with everything that cannot be done."""
        self._check(self._read(), _merge(self._target.device, changes))

    def commit(self, changes: Sequence[DeviceChange]) -> None:
        wanted = _merge(self._target.device, changes)
        if wanted is None:
            return

        def aim(bridge: Bridge) -> Image:
            self._check(bridge, wanted)
            self._remember(bridge, wanted.ports)
            return wanted_image(bridge, wanted, HTB if self._queues(bridge) == "on" else NOTED)

        self._write(aim)

    def confirm(self) -> None:
        self._confirmed = None

    def revert(self) -> None:
        image = self._confirmed
        if image is not None:
            self._write(lambda _: image)
            self._confirmed = None

    def counters(self) -> Counters:
        """Interface states and statistics; Open vSwitch refreshes the latter every five seconds."""
        return Counters({number: _state(port) for number, port in sorted(self._read().ports.items())})

    def close(self) -> None:
        self._client.close()

    # ── beyond Driver ────────────────────────────────────────────────────────────────────────────

    def ensure_bridge(self, datapath_type: str, protocols: Sequence[str]) -> bool:
        """Create the bridge if it is not there, in fail mode secure; returns whether it was created."""
        if not self._bridge:
            raise DeviceRefused(
                Diagnostic(
                    "ovsdb-which-bridge",
                    f"{self._target.device}: a bridge to be created needs a name",
                    f"switch {self._target.device}",
                    hint="write the address as unix:/run/openvswitch/db.sock#BRIDGE",
                )
            )
        if find_bridge(self._client, self._bridge, None, ["_uuid"]) is not None:
            return False
        self._client.change(*_bridge_rows(self._bridge, self._target.dpid, datapath_type, protocols))
        return True

    def release(self) -> None:
        """Take off everything of ours: BFD and queues that this driver set, on every port."""

        def nothing_of_ours(bridge: Bridge) -> Image:
            image = take_image(bridge, bridge.ports)
            ports = {
                number: PortImage(
                    {} if port.bfd_marked else port.bfd, False, None if port.qos and port.qos.ours else port.qos
                )
                for number, port in image.ports.items()
            }
            return Image(image.fail_mode, ports)

        self._write(nothing_of_ours)
        self._confirmed = None

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> Bridge:
        """The bridge; where this driver makes queues, those that do not stand in the kernel are not there."""
        bridge = read_bridge(self._client, self._bridge, self._target.dpid)
        noted = {
            port.name: port.qos.queues for port in bridge.ports.values() if port.qos and port.qos.kind == NOTED
        }
        if not noted or self._queues(bridge) != "tc":
            return bridge
        held = self._shaper().holds(noted)
        ports = {
            number: replace(port, qos=replace(port.qos, queues=()))
            if port.qos is not None and port.name in noted.keys() - held
            else port
            for number, port in bridge.ports.items()
        }
        return replace(bridge, ports=ports)

    def _queues(self, bridge: Bridge) -> Queues:
        """Who makes the queues of this bridge."""
        chosen = self._target.options.get("queues", "auto")
        if chosen in ("on", "off", "tc"):
            return cast(Queues, chosen)
        if (bridge.datapath_type or "system") != "netdev":
            return "on"
        # The userspace datapath would make the queues, and send every packet through the first one.
        ids = as_dict(self._client.select("Open_vSwitch", [], ["external_ids"])[0]["external_ids"])
        return "tc" if ids.get("sdnctl-queues") == "tc" else "off"

    def _shaper(self) -> shaping.Shaper:
        scheme, _, path = self._remote.partition(":")
        if scheme != "unix":
            raise DeviceRefused(
                Diagnostic(
                    "ovsdb-queues",
                    f"{self._target.device}: queues of the userspace datapath are made where the switch runs",
                    f"switch {self._target.device}",
                    detail=f"its database is at {self._remote}",
                    hint="apply there, or `ovs-vsctl remove Open_vSwitch . external_ids sdnctl-queues`",
                )
            )
        return shaping.Shaper.beside(self._target.device, path)

    def _shape(self, bridge: Bridge, image: Image) -> None:
        """Bring the kernel to what the rows of these ports say now."""
        shaper = self._shaper()
        names = {number: bridge.ports[number].name for number in image.ports if number in bridge.ports}
        wanted = {
            names[number]: port.qos.queues
            for number, port in image.ports.items()
            if number in names and port.qos is not None and port.qos.kind == NOTED and port.qos.queues
        }
        shaper.remove(set(names.values()) - wanted.keys())
        held = shaper.holds(wanted)
        shaper.make({name: queues for name, queues in wanted.items() if name not in held})

    def _write(self, aim: Callable[[Bridge], Image]) -> None:
        """Read, decide, write in one transaction that holds only if nobody wrote in between; else again."""
        for attempt in range(ATTEMPTS):
            bridge = self._read()
            image = aim(bridge)
            operations = operations_to(bridge, image)
            if not operations:
                return
            try:
                self._client.change(*operations)
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            if self._queues(bridge) == "tc":
                self._shape(bridge, image)
            if any(operation.get("table") in ("Port", "QoS") for operation in operations):
                # A row that somebody took into use this very moment stays; the next change tries again.
                with contextlib.suppress(DeviceRefused):
                    sweep(self._client, bridge.name)
            return

    def _remember(self, bridge: Bridge, numbers: Iterable[int]) -> None:
        """Extend the image of the last confirmed state to ports that are touched for the first time since."""
        known = self._confirmed
        fresh = take_image(bridge, numbers)
        if known is None:
            self._confirmed = fresh
        else:
            self._confirmed = Image(known.fail_mode, {**fresh.ports, **known.ports})

    def _check(self, bridge: Bridge, wanted: SwitchSettings | None) -> None:
        diagnostics = Diagnostics()
        for number, port in sorted((wanted.ports if wanted else {}).items()):
            address = f"switch {self._target.device} port {number}"
            if number not in bridge.ports:
                diagnostics.error(
                    "ovsdb-no-port",
                    f"{self._target.device} has no port {number}",
                    address=address,
                    hint=f"ports of bridge {bridge.name}: {', '.join(map(str, sorted(bridge.ports))) or 'none'}",
                )
            made_by_us = bool(port.queues) and self._queues(bridge) == "tc"
            for problem in (*_problems(port), *(shaping.problems(port.queues) if made_by_us else ())):
                diagnostics.error("ovsdb-settings", f"{self._target.device}: {problem}", address=address)
        diagnostics.raise_if_errors(DeviceRefused)


def _problems(port: PortSettings) -> list[str]:
    found = []
    interval = port.bfd_interval_ms
    if interval is not None and not 1 <= interval <= BFD_MAX_MS:
        found.append(f"a BFD interval of {interval} ms is outside 1…{BFD_MAX_MS} ms")
    if len({queue.id for queue in port.queues}) != len(port.queues):
        found.append("two queues have the same id")
    for queue in port.queues:
        if not 0 <= queue.id <= 0xEFFF:  # HTB class ids are id + 1, and 0xfffe is the root's
            found.append(f"queue id {queue.id} is outside 0…{0xEFFF}")
        if not 0 < queue.min_rate <= queue.max_rate:
            found.append(
                f"queue {queue.id}: rates {queue.min_rate}…{queue.max_rate} bit/s are not a range above zero"
            )
    return found


def _merge(device: str, changes: Sequence[DeviceChange]) -> SwitchSettings | None:
    """All changes as one: of two for the same port the later one counts."""
    merged: SwitchSettings | None = None
    for change in changes:
        if not isinstance(change, SettingsChange):
            raise DeviceRefused(
                Diagnostic(
                    "ovsdb-payload", f"{device}: the ovsdb driver changes settings, not rules", f"switch {device}"
                )
            )
        ports = {**(merged.ports if merged else {}), **change.settings.ports}
        merged = SwitchSettings(change.settings.fail_mode, ports)
    return merged


def _state(port: Port) -> PortState:
    statistics: Mapping[str, int] = as_dict(port.raw["statistics"])
    bfd = as_dict(port.raw["bfd_status"]).get("state", "") if port.bfd.get("enable") == "true" else ""
    return PortState(
        port=port.number,
        name=port.name,
        up=as_one(port.raw["admin_state"]) == "up" and as_one(port.raw["link_state"]) == "up",
        bfd=bfd,
        **{
            key: int(statistics.get(key, 0))
            for key in ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped")
        },
    )


def _bridge_rows(name: str, dpid: int | None, datapath_type: str, protocols: Sequence[str]) -> list[Operation]:
    options = {"disable-in-band": "true"}
    if dpid is not None:
        options["datapath-id"] = f"{dpid:016x}"
    interface = {"name": name, "type": "internal"}
    port = {"name": name, "interfaces": ["named-uuid", "interface"]}
    bridge = {
        "name": name,
        "datapath_type": datapath_type,
        "fail_mode": "secure",
        "protocols": to_set(list(protocols)),
        "other_config": to_map(options),
        "ports": ["named-uuid", "port"],
    }
    return [
        {"op": "insert", "table": "Interface", "row": interface, "uuid-name": "interface"},
        {"op": "insert", "table": "Port", "row": port, "uuid-name": "port"},
        {"op": "insert", "table": "Bridge", "row": bridge, "uuid-name": "bridge"},
        {
            "op": "mutate",
            "table": "Open_vSwitch",
            "where": [],
            "mutations": [["bridges", "insert", to_set([["named-uuid", "bridge"]])]],
        },
    ]
