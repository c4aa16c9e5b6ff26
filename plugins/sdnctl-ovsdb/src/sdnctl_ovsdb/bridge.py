"""The rows of one bridge as values: what stands in the database, ours and not ours.

Ours are QoS and Queue rows with ``external_ids:sdnctl=BRIDGE``, and the BFD settings of an interface with
``external_ids:sdnctl-bfd``. Everything else belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sdnctl.dataplane.values import PortSettings, Queue, SwitchSettings
from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl_ovsdb.client import OvsdbClient, Row, as_dict, as_list, as_one

OWNER = "sdnctl"
BFD_MARK = "sdnctl-bfd"
BFD_KEYS = ("enable", "min_tx", "min_rx")
PORT_LIMIT = 0xFF00  # OFPP_MAX: above are the local port and other reserved numbers

_INTERFACE = [
    "_uuid", "name", "ofport", "bfd", "bfd_status", "external_ids", "link_state", "admin_state", "statistics",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Qos:
    """A port's QoS row: ours with its queues and type, or somebody else's, of which only the uuid matters."""

    uuid: str
    ours: bool
    queues: tuple[Queue, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """One interface with an OpenFlow number, and the Port row it belongs to."""

    number: int
    name: str
    uuid: str  # of the Port row
    interface: str  # uuid of the Interface row
    bfd: Mapping[str, str]
    bfd_marked: bool
    qos: Qos | None
    raw: Row = field(repr=False, compare=False, default_factory=dict)

    @property
    def settings(self) -> PortSettings:
        """What is ours on this port, as it stands now: changed by hand it differs from what was set."""
        interval = None
        if self.bfd_marked and self.bfd.get("enable") == "true":
            interval = max(_number(self.bfd.get("min_tx")), _number(self.bfd.get("min_rx")))
        return PortSettings(interval, self.qos.queues if self.qos and self.qos.ours else ())


@dataclass(frozen=True, slots=True)
class Bridge:
    uuid: str
    name: str
    fail_mode: Literal["secure", "standalone"]
    fail_mode_set: bool  # an empty column means standalone
    datapath_type: str
    ports: Mapping[int, Port]

    @property
    def settings(self) -> SwitchSettings:
        ports = {number: port.settings for number, port in sorted(self.ports.items())}
        return SwitchSettings(
            self.fail_mode, {key: value for key, value in ports.items() if value != PortSettings()}
        )


def find_bridge(client: OvsdbClient, name: str, dpid: int | None, columns: list[str]) -> Row | None:
    """The Bridge row of this name, or without a name the one with this datapath id."""
    if name:
        rows = client.select("Bridge", [["name", "==", name]], columns)
    elif dpid is not None:
        rows = client.select("Bridge", [["datapath_id", "==", f"{dpid:016x}"]], columns)
    else:
        raise DeviceRefused(
            Diagnostic(
                "ovsdb-which-bridge",
                f"{client.device}: neither a bridge nor a datapath id is given",
                f"switch {client.device}",
                hint="write the address as unix:/run/openvswitch/db.sock#BRIDGE",
            )
        )
    return rows[0] if rows else None


def read_bridge(client: OvsdbClient, name: str, dpid: int | None) -> Bridge:
    """Read one bridge with its ports, interfaces, QoS and queues; raises DeviceRefused if there is none."""
    row = find_bridge(client, name, dpid, ["_uuid", "name", "fail_mode", "datapath_type", "ports"])
    if row is None:
        which = f"bridge {name}" if name else f"bridge with datapath id {dpid or 0:016x}"
        raise DeviceRefused(
            Diagnostic(
                "ovsdb-no-bridge",
                f"{client.device}: there is no {which} at {client.remote}",
                f"switch {client.device}",
                hint="ovs-vsctl list-br shows those that exist",
            )
        )
    bridge = str(row["name"])
    port_rows = client.rows("Port", as_list(row["ports"]), ["_uuid", "name", "interfaces", "qos"])
    owners = {interface: port for port in port_rows for interface in as_list(port["interfaces"])}
    interfaces = client.rows("Interface", sorted(owners), _INTERFACE)
    qos = _read_qos(client, bridge, sorted({uuid for port in port_rows for uuid in as_list(port["qos"])}))
    ports = {}
    for interface in interfaces:
        number = as_one(interface["ofport"])
        uuid = as_one(interface["_uuid"])
        if number is not None and 0 < number < PORT_LIMIT:
            owner = owners[uuid]
            ports[number] = Port(
                number=number,
                name=str(interface["name"]),
                uuid=as_one(owner["_uuid"]),
                interface=uuid,
                bfd=as_dict(interface["bfd"]),
                bfd_marked=BFD_MARK in as_dict(interface["external_ids"]),
                qos=qos.get(as_one(owner["qos"])),
                raw=interface,
            )
    mode = as_one(row["fail_mode"])
    return Bridge(
        uuid=as_one(row["_uuid"]),
        name=bridge,
        fail_mode="secure" if mode == "secure" else "standalone",
        fail_mode_set=mode is not None,
        datapath_type=str(row["datapath_type"]),
        ports=ports,
    )


def _read_qos(client: OvsdbClient, bridge: str, uuids: list[str]) -> dict[str, Qos]:
    found = {}
    for row in client.rows("QoS", uuids, ["_uuid", "type", "queues", "external_ids"]):
        uuid = as_one(row["_uuid"])
        ours = as_dict(row["external_ids"]).get(OWNER) == bridge
        queues = _read_queues(client, as_dict(row["queues"])) if ours else ()
        found[uuid] = Qos(uuid, True, queues, str(row["type"])) if ours else Qos(uuid, False)
    return found


def _read_queues(client: OvsdbClient, queues: Mapping[int, str]) -> tuple[Queue, ...]:
    numbers = sorted(queues)
    rows = client.rows("Queue", [queues[number] for number in numbers], ["_uuid", "other_config"])
    configs = {as_one(row["_uuid"]): as_dict(row["other_config"]) for row in rows}
    return tuple(
        Queue(
            number,
            _number(configs[queues[number]].get("min-rate")),
            _number(configs[queues[number]].get("max-rate")),
            _number(configs[queues[number]].get("priority")),
        )
        for number in numbers
    )


def _number(text: str | None) -> int:
    """A number from a text column that anybody may write into; what is none reads as 0."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0
