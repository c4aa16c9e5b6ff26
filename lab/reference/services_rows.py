"""Rows of `inventory/endpoints.csv`: where gear is plugged in, and the address plan.

Every service has a VLAN at the drop points and a private range (RFC 1918, RFC 4193); servers and hand-overs have
ports of their own at the hubs, untagged.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from lab.reference.model import Hub, Plant, Point

COLUMNS = (
    "id",
    "site",
    "device",
    "port",
    "vlan",
    "mac",
    "prefixes",
    "kind",
    "tags",
    "terminal",
    "owner",
    "source",
)
SOURCE = "synthetic"
FIRST_HUB_PORT = 200


class Row(NamedTuple):
    """One line of the file, every cell as text."""

    id: str
    site: str
    device: str
    port: str
    vlan: str
    mac: str
    prefixes: str
    kind: str
    tags: str
    terminal: str
    owner: str
    source: str = SOURCE


class Plan(NamedTuple):
    """The numbers of one kind of endpoint: its VLAN at drop points, its range and the length of each prefix.

    `number` tells MAC addresses of kinds apart; 0: no MAC, because more than one machine stands there.
    """

    kind: str
    owner: str
    number: int
    vlan: int | None
    range: str
    length: int = 32
    range6: str = ""

    def prefixes(self, place: int) -> str:
        """The prefixes of the endpoint in `place` (from 1)."""
        net = IPv4Network(self.range)
        step = 1 << (32 - self.length)
        found = [str(IPv4Network((int(net.network_address) + place * step, self.length)))]
        if self.range6:
            found.append(str(IPv6Network((int(IPv6Network(self.range6).network_address) + (place << 64), 64))))
        return ";".join(found)

    def mac(self, place: int) -> str:
        """A locally administered address: 02:30, the kind, then the place."""
        if not self.number:
            return ""
        octets = (0x02, 0x30, self.number, 0, place >> 8, place & 0xFF)
        return ":".join(f"{octet:02x}" for octet in octets)


PLANS = {
    plan.kind: plan
    for plan in (
        Plan("camera", "ville-de-nimes", 1, 110, "10.20.0.0/20"),
        Plan("recorder", "ville-de-nimes", 2, None, "10.20.240.0/24"),
        Plan("viewer", "ville-de-nimes", 3, None, "10.20.241.0/24"),
        Plan("video-wall", "ville-de-nimes", 4, None, "10.20.242.0/24"),
        Plan("image-search", "ville-de-nimes", 5, None, "10.20.243.0/24"),
        Plan("flood-sensor", "nimes-metropole", 6, 120, "10.60.0.0/24"),
        Plan("scada-head", "nimes-metropole", 7, None, "10.60.240.0/24"),
        Plan("flood-expert", "nimes-metropole", 8, None, "10.60.241.0/24"),
        Plan("crisis-desk", "nimes-metropole", 9, None, "10.60.242.0/24"),
        Plan("traffic-light", "ville-de-nimes", 10, 130, "10.61.0.0/24"),
        Plan("traffic-central", "ville-de-nimes", 11, None, "10.61.240.0/24"),
        Plan("bollard", "ville-de-nimes", 12, 140, "10.62.0.0/24"),
        Plan("plate-reader", "ville-de-nimes", 13, 140, "10.62.1.0/24"),
        Plan("access-server", "ville-de-nimes", 14, None, "10.62.240.0/24"),
        Plan("plate-server", "ville-de-nimes", 15, None, "10.62.241.0/24"),
        Plan("parking", "ville-de-nimes", 16, 150, "10.63.0.0/24"),
        Plan("parking-server", "ville-de-nimes", 17, None, "10.63.240.0/24"),
        Plan("ticketing", "tango", 18, 160, "10.64.0.0/24"),
        Plan("ticketing-server", "tango", 19, None, "10.64.240.0/24"),
        Plan("air-quality", "nimes-metropole", 20, 170, "10.65.0.0/24"),
        Plan("air-server", "nimes-metropole", 21, None, "10.65.240.0/24"),
        Plan("school", "ecoles", 22, 200, "10.128.0.0/14", 22),
        Plan("school-gateway", "ecoles", 23, None, "10.135.0.0/24"),
        Plan("school-server", "ecoles", 24, None, "10.135.1.0/24"),
        Plan("town-hall", "communes", 25, 210, "10.40.0.0/17", 23),
        Plan("municipal", "communes", 26, 210, "10.40.128.0/18", 24),
        Plan("shared-it", "communes", 27, None, "10.40.240.0/24"),
        Plan("wifi-ap", "nimes-metropole", 28, 300, "10.50.0.0/24"),
        Plan("wifi-controller", "nimes-metropole", 29, None, "10.50.240.0/24"),
        Plan("lora-gateway", "nimes-metropole", 30, 310, "10.51.0.0/24", range6="fd30:189:51::/48"),
        Plan("lora-server", "nimes-metropole", 31, None, "10.51.240.0/24", range6="fd30:189:5f::/48"),
        Plan("m2m-concentrator", "m2m-operator", 32, 320, "10.52.0.0/24"),
        Plan("m2m-handover", "m2m-operator", 33, None, "10.52.240.0/24"),
        Plan("site-monitor", "nimes-metropole", 34, None, "10.70.0.0/24"),
        Plan("management-station", "nimes-metropole", 35, None, "10.70.240.0/24"),
    )
}


class Book:
    """The rows so far, and the next free port of every hub."""

    def __init__(self, plant: Plant) -> None:
        self.rows: list[Row] = []
        self._hubs = {hub.role: hub for hub in plant.hubs}
        self._ports: dict[str, int] = defaultdict(lambda: FIRST_HUB_PORT)
        self._placed: dict[str, int] = defaultdict(int)

    def hub(self, role: str) -> Hub:
        return self._hubs[role]

    def number(self, kind: str) -> int:
        """The place of the next endpoint of a kind, from 1."""
        return self._placed[kind] + 1

    def at_point(self, name: str, kind: str, point: Point, *tags: str) -> Row:
        """An endpoint behind a drop point, under the VLAN of its kind."""
        plan = PLANS[kind]
        return self._add(
            plan, name, (point.site, point.switch, str(point.port)), str(plan.vlan), tags, point.terminal
        )

    def at_hub(self, name: str, kind: str, role: str, *tags: str) -> Row:
        """A machine on a port of its own at a hub."""
        hub = self._hubs[role]
        return self.at_switch(name, kind, hub.site, hub.switch, *tags)

    def at_switch(self, name: str, kind: str, site: str, switch: str, *tags: str) -> Row:
        """A machine on a port of its own at a switch."""
        return self._add(PLANS[kind], name, (site, switch, str(self.port(switch))), "", tags, "")

    def port(self, switch: str) -> int:
        """A port of a switch that nobody has yet."""
        self._ports[switch] += 1
        return self._ports[switch] - 1

    def _add(
        self, plan: Plan, name: str, where: tuple[str, str, str], vlan: str, tags: Iterable[str], terminal: str
    ) -> Row:
        self._placed[plan.kind] += 1
        place = self._placed[plan.kind]
        words = ";".join(dict.fromkeys(tags))
        row = Row(
            name, *where, vlan, plan.mac(place), plan.prefixes(place), plan.kind, words, terminal, plan.owner
        )
        self.rows.append(row)
        return row


def table(rows: Iterable[Row]) -> str:
    """The file as text."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return stream.getvalue()
