"""Intent files of the city's own services, as text: what each needs, between whom, with what guarantees."""

from __future__ import annotations

from lab.reference.services_city import CORRIDORS, CORRIDORS_AROUND, RECORDERS


def city() -> dict[str, str]:
    """File → text."""
    return {
        "video-protection": _VIDEO.format(groups="".join(map(_HOME.format, RECORDERS))),
        "command-centre": _COMMAND,
        "image-search": _SEARCH,
        "flood-sensors": _FLOOD,
        "flood-expert": _EXPERT,
        "traffic-lights": _LIGHTS.format(groups="".join(map(_CORRIDOR.format, _corridors()))),
        "traffic-central": _CENTRAL,
        "bollards": _BOLLARDS,
        "parking": _PARKING,
        "ticketing": _TICKETING,
        "air-quality": _AIR,
        "wifi": _WIFI,
        "lorawan": _LORA,
        "m2m": _M2M,
    }


def _corridors() -> list[str]:
    return [*CORRIDORS, *(f"traverse-{key}" for key in CORRIDORS_AROUND)]


_VIDEO = """\
# 800 cameras, each to its home recorder: two recorders at each of two sites. Cameras never reach each other.
# 60 % send HD at 4.5 Mbit/s, 40 % 4K at 12.5: 7.7 on average, 6.16 Gbit/s together, 2 PB in 30 days
# (`sdnctl show retention`).
application: video-protection
tenant: ville-de-nimes
class: video
service: tree
groups:
{groups}bandwidth: {{up: 4.5 Mbit/s, down: 128 kbit/s}}     # per camera
excess: {{up: 900 kbit/s, down: 64 kbit/s}}
retention: 30 d
terms:
  - select: {{kind: camera, tags: [uhd]}}
    bandwidth: {{up: 12.5 Mbit/s, down: 128 kbit/s}}
    excess: {{up: 2.5 Mbit/s, down: 64 kbit/s}}
guarantees:
  latency: 20 ms
  protection: local
owner: dsi-video
"""

_HOME = """\
  - roots: {{ids: {0}}}
    leaves: {{kind: camera, tags: [home-{0}]}}
"""

_COMMAND = """\
# Desks and the video wall of the command centre look at what the recorders hold and receive.
application: command-centre
tenant: ville-de-nimes
class: video
service: tree
roots: {kind: recorder}
leaves: {kind: [viewer, video-wall]}
bandwidth: {up: 256 kbit/s, down: 15 Mbit/s}       # a desk: two 4K pictures of each recorder
excess: {up: 256 kbit/s, down: 15 Mbit/s}
terms:
  - select: {kind: video-wall}
    bandwidth: {up: 256 kbit/s, down: 60 Mbit/s}   # half of the wall
guarantees:
  latency: 20 ms
  protection: node
owner: police-municipale
"""

_SEARCH = """\
# Search by picture: the machines read what the recorders keep, the desks ask the machines.
application: image-search
tenant: ville-de-nimes
class: transactional
service: tree
groups:
  - roots: {kind: image-search}
    leaves: {kind: recorder}
  - roots: {kind: image-search}
    leaves: {kind: viewer}
bandwidth: {up: 200 Mbit/s, down: 2 Mbit/s}
terms:
  - select: {kind: viewer}
    bandwidth: {up: 512 kbit/s, down: 4 Mbit/s}
guarantees:
  protection: local
owner: police-municipale
"""

_FLOOD = """\
# Gauges of rivers and cadereaux to telecontrol at both datacentres: small, urgent, and meant to work
# when a switch is under water.
application: flood-sensors
tenant: nimes-metropole
class: scada
service: tree
roots: {kind: scada-head}
leaves: {kind: flood-sensor}
bandwidth: {up: 64 kbit/s, down: 32 kbit/s}
guarantees:
  latency: 10 ms
  protection: node
owner: direction-eau
"""

_EXPERT = """\
# The flood expert system: telecontrol, forecast machines and the crisis desk exchange state, any to any.
application: flood-expert
tenant: nimes-metropole
class: scada
service: mesh
members: {kind: [scada-head, flood-expert, crisis-desk]}
bandwidth: 10 Mbit/s
guarantees:
  latency: 10 ms
  protection: disjoint
owner: direction-eau
"""

_LIGHTS = """\
# Green waves: the controllers of a corridor talk to each other, also when the central is away.
application: traffic-lights
tenant: ville-de-nimes
class: scada
service: mesh
groups:
{groups}bandwidth: 64 kbit/s
guarantees:
  latency: 10 ms
  protection: local
owner: voirie
"""

_CORRIDOR = """\
  - members: {{kind: traffic-light, tags: [corridor-{0}]}}
"""

_CENTRAL = """\
# Traffic control: plans down, counts and faults up.
application: traffic-central
tenant: ville-de-nimes
class: scada
service: tree
roots: {kind: traffic-central}
leaves: {kind: traffic-light}
bandwidth: {up: 64 kbit/s, down: 64 kbit/s}
guarantees:
  latency: 10 ms
  protection: local
owner: voirie
"""

_BOLLARDS = """\
# The shield round the old town: bollards driven from afar, opened by what the plate readers see.
application: bollards
tenant: ville-de-nimes
class: scada
service: tree
groups:
  - roots: {kind: access-server}
    leaves: {kind: bollard}
  - roots: {kind: plate-server}
    leaves: {kind: plate-reader}
bandwidth: {up: 128 kbit/s, down: 128 kbit/s}
terms:
  - select: {kind: plate-reader}
    bandwidth: {up: 4 Mbit/s, down: 128 kbit/s}    # pictures of plates
guarantees:
  latency: 10 ms
  protection: node
owner: police-municipale
"""

_PARKING = """\
# Free places and payment of car parks.
application: parking
tenant: ville-de-nimes
class: transactional
service: tree
roots: {kind: parking-server}
leaves: {kind: parking}
bandwidth: {up: 256 kbit/s, down: 256 kbit/s}
excess: {up: 512 kbit/s, down: 512 kbit/s}
guarantees:
  protection: none
owner: stationnement
"""

_TICKETING = """\
# Ticket machines and displays of the bus network.
application: ticketing
tenant: tango
class: transactional
service: tree
roots: {kind: ticketing-server}
leaves: {kind: ticketing}
bandwidth: {up: 256 kbit/s, down: 512 kbit/s}
excess: {up: 512 kbit/s, down: 1 Mbit/s}
guarantees:
  protection: local
owner: tango-billettique
"""

_AIR = """\
# Air quality: a figure a minute from each sensor.
application: air-quality
tenant: nimes-metropole
class: transactional
service: tree
roots: {kind: air-server}
leaves: {kind: air-quality}
bandwidth: {up: 16 kbit/s, down: 16 kbit/s}
guarantees:
  protection: none
owner: environnement
"""

_WIFI = """\
# Public Wi-Fi: access points tunnel to a controller at the internet exit. First to give way.
application: wifi
tenant: nimes-metropole
class: public
service: tree
roots: {kind: wifi-controller}
leaves: {kind: wifi-ap}
bandwidth: {up: 1 Mbit/s, down: 4 Mbit/s}
excess: {up: 20 Mbit/s, down: 80 Mbit/s}
guarantees:
  protection: none
owner: numerique
"""

_LORA = """\
# LoRaWAN gateways to the network server, IPv4 and IPv6.
application: lorawan
tenant: nimes-metropole
class: public
service: tree
roots: {kind: lora-server}
leaves: {kind: lora-gateway}
bandwidth: {up: 64 kbit/s, down: 64 kbit/s}
excess: {up: 192 kbit/s, down: 192 kbit/s}
guarantees:
  protection: none
owner: numerique
"""

_M2M = """\
# Meters, street lamps and waste bins of an M2M operator, handed over at the second site.
application: m2m
tenant: m2m-operator
class: transactional
service: tree
roots: {kind: m2m-handover}
leaves: {kind: m2m-concentrator}
bandwidth: {up: 128 kbit/s, down: 64 kbit/s}
guarantees:
  protection: local
owner: numerique
"""
