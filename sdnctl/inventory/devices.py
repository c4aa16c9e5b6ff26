"""Gear beside the switches: each at a site, with an uplink into a port of a switch that is free for it.

Several devices may share a switch port (behind a converter that forwards tagged frames, say), if their tags do not
overlap. Endpoints behind them are checked here, too: one per port and VLAN of a device.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sdnctl.errors import Source
from sdnctl.inventory import models
from sdnctl.inventory.collect import Collector, Entry
from sdnctl.inventory.fields import format_numbers
from sdnctl.inventory.gear import LANES, Patching
from sdnctl.inventory.plant import Device, PortEnd

KINDS = ("switch", "device")
"""What an endpoint may be plugged into."""


def read_devices(c: Collector, patching: Patching) -> dict[str, Device]:
    """Devices by id; those whose uplink leads nowhere are reported and left out."""
    devices: dict[str, Device] = {}
    for entry in c.listed("inventory/equipment.yaml", "devices"):
        device = _device(c, patching, entry)
        if device is not None:
            devices[device.id] = device
    _check_tags(c, devices)
    c.note_unknown_owners("device", devices.values())
    return devices


def _device(c: Collector, patching: Patching, entry: Entry[models.DeviceModel]) -> Device | None:
    item, origin, address = entry.item, entry.where(), f"device {entry.item.id}"
    if not c.declare("device", item.id, origin):
        return None
    if c.known(("switch",), item.id):
        c.error(
            "duplicate-id",
            f"{item.id} is a switch and a device",
            address,
            origin,
            detail=f"The switch stands at {c.declared['switch'][item.id]}.",
            hint="Give one of the two another id: endpoints name both by it.",
        )
        return None
    c.exists("site", item.site, address, entry.where("site"))
    given = item.credentials
    if given.username is not None and not (given.password or given.key or given.auth_key or given.token):
        c.warning(
            "incomplete-credentials",
            f"device {item.id} has a username, and neither password nor key",
            address,
            entry.where("credentials"),
            hint="Write password: env:NAME or key: file:PATH, or delete the username.",
        )
    if not c.exists("switch", item.uplink.switch, address, entry.where("uplink", "switch")):
        return None
    switch = patching.switches.get(item.uplink.switch)
    if switch is not None and (
        item.uplink.switch_port in switch.ports
        or any(PortEnd(switch.id, item.uplink.switch_port, lane) in patching.held for lane in LANES)
    ):
        c.error(
            "uplink-on-trunk-port",
            f"port {item.uplink.switch_port} of {switch.id} is a trunk port",
            address,
            entry.where("uplink", "switch_port"),
            detail="Trunk ports accept labelled frames only.",
            hint="Plug the device into another port of the switch.",
        )
    return Device(
        item.id,
        item.site,
        item.platform,
        item.uplink.port,
        item.uplink.switch,
        item.uplink.switch_port,
        item.tags,
        frozenset(item.can),
        item.drivers,
        _options(item),
        c.life(entry.defaults, item, address, origin),
        origin,
    )


def _options(item: models.DeviceModel) -> dict[str, str]:
    """What the driver gets; credentials are references, as they were written."""
    credentials = {name: value for name, value in item.credentials.model_dump().items() if value is not None}
    host_key = {"host_key": item.host_key} if item.host_key is not None else {}
    return {**item.options, **credentials, **host_key, "platform": item.platform, "uplink": item.uplink.port}


def _check_tags(c: Collector, devices: Mapping[str, Device]) -> None:
    """Devices of one switch port have tags of their own."""
    ports: dict[tuple[str, int], list[Device]] = defaultdict(list)
    for device in devices.values():
        ports[device.switch, device.switch_port].append(device)
    for (switch, port), sharing in ports.items():
        for index, device in enumerate(sharing):
            for other in sharing[:index]:
                both = sorted({*device.tags} & {*other.tags})
                if both:
                    c.error(
                        "tags-overlap",
                        f"devices {other.id} and {device.id} both use VLAN {format_numbers(tuple(both))} on port "
                        f"{port} of {switch}",
                        f"device {device.id}",
                        device.origin,
                        detail=f"{other.id} stands at {other.origin}.",
                        hint="Give them tags that do not overlap, or ports of their own.",
                    )


class Behind:
    """Endpoints at ports of devices: what is said of them fits the device, and each has its frames for itself."""

    def __init__(self, c: Collector, devices: Mapping[str, Device]) -> None:
        self._c = c
        self._devices = devices
        self._taken: dict[tuple[str, str, int | None], tuple[str, Source]] = {}
        self._uplinks = {(device.switch, device.switch_port): device.id for device in devices.values()}

    def on_uplink(self, entry: Entry[models.EndpointRow]) -> None:
        """An endpoint that is plugged into a switch is not on a port that belongs to a device."""
        row = entry.item
        if isinstance(row.port, int) and (device := self._uplinks.get((row.device, row.port))) is not None:
            self._c.error(
                "endpoint-on-uplink",
                f"port {row.port} of {row.device} is where device {device} is plugged in",
                f"endpoint {row.id}",
                entry.where("port"),
                hint=f"Give the endpoint another port, or {device} as its device.",
            )

    def check(self, entry: Entry[models.EndpointRow]) -> None:
        """An endpoint whose device is not a switch."""
        row, c = entry.item, self._c
        device = self._devices.get(row.device)
        if device is None:
            return  # declared, but faulty: reported where it is declared
        address, port = f"endpoint {row.id}", str(row.port)
        if row.site != device.site and c.known(("site",), row.site):
            c.error(
                "endpoint-elsewhere",
                f"endpoint {row.id} is at {row.site}, its device {device.id} at {device.site}",
                address,
                entry.where("site"),
                hint="Correct the site or the device.",
            )
        if port == device.uplink:
            c.error(
                "endpoint-on-uplink",
                f"port {port} of {device.id} is its uplink",
                address,
                entry.where("port"),
                hint="Give the endpoint another port.",
            )
        if row.vlan is not None and "vlans" not in device.can:
            c.error(
                "device-cannot",
                f"device {device.id} tells no VLANs of customers apart",
                address,
                entry.where("vlan"),
                hint="Leave the VLAN out, or add vlans to `can` of the device.",
            )
        if row.terminal is not None:
            c.error(
                "terminal-behind-device",
                f"endpoint {row.id} names a terminal, and is plugged into {device.id}",
                address,
                entry.where("terminal"),
                hint="Delete the terminal: glass from the port of a device is not followed.",
            )
        first = self._taken.setdefault((device.id, port, row.vlan), (row.id, entry.where()))
        if first[0] != row.id:
            vlan = "without VLAN" if row.vlan is None else f"with VLAN {row.vlan}"
            c.error(
                "port-claimed-twice",
                f"endpoints {first[0]} and {row.id} both claim frames {vlan} of port {port} of {device.id}",
                address,
                entry.where(),
                detail=f"{first[0]} stands at {first[1]}.",
                hint="Give both a VLAN of their own, or another port.",
            )
