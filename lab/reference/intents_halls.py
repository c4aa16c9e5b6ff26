"""Intent files of schools, town halls, partner operators, datacentres and equipment; classes and tenants."""

from __future__ import annotations

from collections.abc import Mapping

from lab.reference.services_halls import Circuit, Trunk


def halls(circuits: Mapping[str, list[Circuit]], trunks: Mapping[str, list[Trunk]]) -> dict[str, str]:
    """File → text."""
    return {
        "schools": _SCHOOLS,
        "town-halls": _HALLS,
        "shared-it": _SHARED,
        **{name: _wholesale(name, some) for name, some in circuits.items()},
        **{name: _BACKBONE[name] + "".join(map(_trunk, some)) for name, some in trunks.items()},
        "management": _MANAGEMENT,
        "classes": _CLASSES,
        "tenants": _TENANTS,
    }


def _trunk(one: Trunk) -> str:
    return f"  - {{id: {one.id}, a: {one.a}, b: {one.b}}}\n"


def _wholesale(operator: str, circuits: list[Circuit]) -> str:
    head = _WHOLESALE.format(operator=operator, count=len(circuits))
    return head + "".join(map(_circuit, circuits))


def _circuit(one: Circuit) -> str:
    """Rate and grade by dice: most sell 10 or 20 Mbit/s with local repair, few 100 or a standby path."""
    rate = next(rate for share, rate in ((0.5, 10), (0.8, 20), (0.95, 50), (1.0, 100)) if one.dice < share)
    grade = _grade(one)
    said = f", bandwidth: {rate} Mbit/s" if rate != 10 else ""
    said += f", guarantees: {{protection: {grade}}}" if grade != "local" else ""
    return f"  - {{id: {one.id}, a: {one.premises}, b: {one.handover}{said}}}\n"


def _grade(one: Circuit) -> str:
    """The higher the rate the more likely a standby path; every fourth small one is sold without protection."""
    if one.spur:
        return "none"
    digit = int(one.dice * 10_000) % 100
    if one.dice >= 0.8:
        return "disjoint" if digit < 40 else "node" if digit < 60 else "local"
    return "none" if digit < 25 else "disjoint" if digit < 28 else "local"


_SCHOOLS = """\
# Every school on fibre: through the filter to the internet, and to the learning platform at Neticenter.
application: schools
tenant: ecoles
class: education
service: tree
roots: {kind: [school-gateway, school-server]}
leaves: {kind: school}
bandwidth: {up: 2 Mbit/s, down: 8 Mbit/s}
excess: {up: 50 Mbit/s, down: 100 Mbit/s}
guarantees:
  protection: none
owner: direction-education
"""

_HALLS = """\
# 39 town halls, any to any: telephony and conferences go straight from hall to hall.
application: town-halls
tenant: communes
class: conferencing
service: mesh
members: {kind: town-hall}
bandwidth: 512 kbit/s
guarantees:
  protection: local
owner: dsi-mutualisee
"""

_SHARED = """\
# Shared services: town halls and other municipal sites to the common machines at Neticenter.
application: shared-it
tenant: communes
class: transactional
service: tree
roots: {kind: shared-it}
leaves: {kind: [town-hall, municipal]}
bandwidth: {up: 4 Mbit/s, down: 10 Mbit/s}
excess: {up: 16 Mbit/s, down: 40 Mbit/s}
guarantees:
  protection: local
owner: dsi-mutualisee
"""

_WHOLESALE = """\
# Wholesale circuits of a partner operator: {count} customers, a VLAN at each premises is another at the hand-over.
application: {operator}
tenant: {operator}
class: business
service: line
bandwidth: 10 Mbit/s
guarantees:
  protection: local
owner: gecko-wholesale
circuits:
"""

_BACKBONE = {
    "neticenter": """\
# Storage of Neticenter mirrored at the second site, twice, each on a port of its own.
application: neticenter
tenant: neticenter
class: transactional
service: line
bandwidth: 1 Gbit/s
guarantees:
  protection: disjoint
owner: neticenter
circuits:
""",
    "backups": """\
# Backups take what is left, and nothing else.
application: backups
tenant: neticenter
class: scavenger
service: line
bandwidth: 0 bit/s
excess: 5 Gbit/s
guarantees:
  protection: none
owner: neticenter
circuits:
""",
    "cloud": """\
# On-ramps to two clouds, each from both datacentres.
application: cloud
tenant: neticenter
class: transactional
service: line
bandwidth: 500 Mbit/s
guarantees:
  protection: node
owner: neticenter
circuits:
""",
}

_MANAGEMENT = """\
# Power, batteries, doors and heat of every site with a switch.
application: management
tenant: nimes-metropole
class: management
service: tree
roots: {kind: management-station}
leaves: {kind: site-monitor}
bandwidth: {up: 128 kbit/s, down: 64 kbit/s}
guarantees:
  protection: local
owner: exploitation
"""

_CLASSES = """\
# The admission ladder: the first class is admitted first, the last gives way first.
# Eleven classes share the eight values of the MPLS traffic class (tc) and eight queues:
#
#   tc  7        6      5      4             3                 2          1          0
#       control  scada  voice  video,        transactional,    education  scavenger  public
#                              conferencing  management,
#                                            business
#
# Classes in one queue are admitted at committed plus excess rate, because the switch cannot tell the two apart.
# Latencies are one way; DSCP after RFC 4594 and RFC 8622.
classes:
  - {id: control, tc: 7, queue: 7, dscp: CS6, protected: true}
  - {id: scada, tc: 6, queue: 6, dscp: EF, protected: true, latency: 10 ms}
  - {id: voice, tc: 5, queue: 5, dscp: EF, protected: true, latency: 100 ms}
  - {id: video, tc: 4, queue: 4, dscp: CS3, latency: 20 ms}
  - {id: conferencing, tc: 4, queue: 4, dscp: AF41, latency: 100 ms}
  - {id: transactional, tc: 3, queue: 3, dscp: AF21, latency: 37 ms}
  - {id: management, tc: 3, queue: 3, dscp: CS2}
  - {id: education, tc: 2, queue: 2, dscp: AF11}
  - {id: business, tc: 3, queue: 3, dscp: AF31}
  - {id: public, tc: 0, queue: 0, dscp: DF}
  - {id: scavenger, tc: 1, queue: 1, dscp: LE}

crisis_profiles:
  - id: flood
    order: [control, scada, voice, video, conferencing]
    note: when an épisode cévenol is announced; gauges, bollards and cameras first, then the halls' conferences
  - id: storm
    order: [control, scada, voice, transactional, business]
    note: shared services and partner operators before cameras
"""

_TENANTS = """\
# Owners of services. A quota limits the committed rates of all demands together, both directions.
tenants:
  - {id: ville-de-nimes, name: Ville de Nîmes, quota: 12 Gbit/s, max_endpoints: 1300}
  - {id: nimes-metropole, name: Nîmes Métropole, quota: 2 Gbit/s, max_endpoints: 400}
  - {id: communes, name: Shared services of the 39 communes, quota: 4 Gbit/s, max_endpoints: 150}
  - {id: ecoles, name: Schools of the agglomeration, quota: 6 Gbit/s, max_endpoints: 250}
  - {id: tango, name: Bus network, quota: 200 Mbit/s, max_endpoints: 100}
  - {id: neticenter, name: Local datacentre, quota: 10 Gbit/s, max_endpoints: 40}
  - {id: m2m-operator, name: M2M operator, quota: 50 Mbit/s, max_endpoints: 60}
  - {id: operateur-garrigue, name: "Partner operator (invented name)", quota: 8 Gbit/s, max_endpoints: 300}
  - {id: operateur-costieres, name: "Partner operator (invented name)", quota: 7 Gbit/s, max_endpoints: 260}
  - {id: operateur-vistre, name: "Partner operator (invented name)", quota: 6 Gbit/s, max_endpoints: 220}
  - {id: operateur-gardon, name: "Partner operator (invented name)", quota: 5 Gbit/s, max_endpoints: 180}
"""
