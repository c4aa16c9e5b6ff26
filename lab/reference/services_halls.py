"""Endpoints of schools, town halls, partner operators, the datacentres and the equipment itself."""

from __future__ import annotations

from typing import NamedTuple

from lab.reference.chance import chance
from lab.reference.demography import SPURS, Place, Town, key_of, shuffled
from lab.reference.model import Plant
from lab.reference.places import centres
from lab.reference.services_rows import Book, Row

CIRCUITS = 400
OPERATORS = {
    "operateur-garrigue": 130,
    "operateur-costieres": 110,
    "operateur-vistre": 90,
    "operateur-gardon": 70,
}
"""Partner operators (invented names) and how many circuits each has sold."""
PREMISES_VLAN, HANDOVER_VLAN = 2001, 1000


class Circuit(NamedTuple):
    """One wholesale circuit: customer's premises, the operator's VLAN at a hand-over, on a spur or not, a dice."""

    id: str
    premises: str
    handover: str
    spur: bool
    dice: float


class Trunk(NamedTuple):
    """A whole-port connection between two places of the agglomeration's own."""

    id: str
    a: str
    b: str


def halls(book: Book, town: Town) -> None:
    """218 schools, 39 town halls, 60 other municipal sites, and the servers of all."""
    for point in town.of(Place.SCHOOL):
        book.at_point(f"school-{book.number('school'):03d}", "school", point, key_of(point))
    for point in town.of(Place.HALL):
        book.at_point(f"hall-{key_of(point)}", "town-hall", point, key_of(point))
    for point in town.of(Place.MUNICIPAL):
        book.at_point(f"muni-{book.number('municipal'):02d}", "municipal", point, key_of(point))
    book.at_hub("school-gateway", "school-gateway", "internet")
    book.at_hub("school-server", "school-server", "datacentre")
    book.at_hub("shared-it", "shared-it", "datacentre")


def wholesale(book: Book, town: Town) -> dict[str, list[Circuit]]:
    """Circuits by operator: 400 at 360 premises, each to one of two hand-overs, where it has a VLAN."""
    premises = town.of(Place.PREMISES)
    places = shuffled((*premises, *shuffled(premises, "second")[: CIRCUITS - len(premises)]), "circuits")
    owners = [name for name, count in OPERATORS.items() for _ in range(count)]
    ports = {(name, role): book.port(book.hub(role).switch) for name in OPERATORS for role in _ROLES}
    found: dict[str, list[Circuit]] = {name: [] for name in OPERATORS}
    tags: dict[str, int] = {}
    for number, (point, owner) in enumerate(zip(places, owners, strict=True), 1):
        name = f"{number:03d}"
        dice = chance("circuit", name)
        role = _ROLES[int(chance("handover", name) < 0.5)]
        hub = book.hub(role)
        vlan = PREMISES_VLAN + tags.setdefault(point.id, 0)
        tags[point.id] += 1
        where = point.site, point.switch, str(point.port)
        book.rows.append(Row(f"cpe-{name}", *where, str(vlan), "", "", "premises", owner, point.terminal, owner))
        there = hub.site, hub.switch, str(ports[owner, role])
        tag = str(HANDOVER_VLAN + len(found[owner]) + 1)
        book.rows.append(Row(f"ho-{name}", *there, tag, "", "", "handover", owner, "", owner))
        found[owner].append(Circuit(f"c-{name}", f"cpe-{name}", f"ho-{name}", key_of(point) in SPURS, dice))
    return found


_ROLES = ("handover-1", "handover-2")

_BACKBONE = {
    "neticenter": ("storage-a datacentre datacentre-2", "storage-b datacentre datacentre-2"),
    "backups": ("backup datacentre-2 datacentre",),
    "cloud": (
        "public-cloud-1 datacentre cloud-1",
        "public-cloud-2 datacentre-2 cloud-2",
        "private-cloud-1 datacentre cloud-2",
        "private-cloud-2 datacentre-2 cloud-1",
    ),
}


def backbone(book: Book) -> dict[str, list[Trunk]]:
    """Whole ports between the datacentres, and from them to the on-ramps of two clouds."""
    found: dict[str, list[Trunk]] = {}
    for name, lines in _BACKBONE.items():
        for line in lines:
            key, *roles = line.split()
            ends = []
            for side, role in zip("ab", roles, strict=True):
                hub = book.hub(role)
                port = str(book.port(hub.switch))
                kind = "datacentre-port" if role.startswith("datacentre") else "cloud-port"
                owner = "neticenter"
                book.rows.append(
                    Row(f"{key}-{side}", hub.site, hub.switch, port, "", "", "", kind, name, "", owner)
                )
                ends.append(f"{key}-{side}")
            found.setdefault(name, []).append(Trunk(key, *ends))
    return found


def equipment(book: Book, plant: Plant) -> None:
    """A monitor of power, batteries, doors and heat at every site with switches, and a station that asks them."""
    switches = {name: place.switches[0][0] for name, place in centres().items()}
    for place in sorted((place.site, place.switch) for place in plant.points):
        switches.setdefault(*place)
    for site in sorted(switches):
        book.at_switch(f"mon-{site}", "site-monitor", site, switches[site], "ups")
    book.at_hub("management-station", "management-station", "management")
