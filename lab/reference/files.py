"""The plant as the files of a network folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from lab.reference import areas
from lab.reference.cables import Cable, Laying
from lab.reference.communes import communes
from lab.reference.frames import Frames
from lab.reference.links import Patching
from lab.reference.places import Place
from lab.reference.tables import CABLE_TYPES, LINKS, MAINTENANCE, NETWORK, TRANSCEIVERS
from lab.reference.traps import FLOOD
from lab.reference.trunks import Closures, Splice
from lab.reference.works import Works

OWNER, MANAGER, SOURCE = "nimes-metropole", "gecko", "synthetic"
RENTEL = "operateur-historique"
MTU = 2000
WATTS = {"datacentre": 48_000, "pop": 5_500, "office": 600, "cabinet": 240}


def header(text: str) -> str:
    """A comment, and who owns everything in the file."""
    comment = "".join(f"# {line}\n" for line in text.splitlines())
    return f"{comment}defaults:\n  owner: {OWNER}\n  manager: {MANAGER}\n  source: {SOURCE}\n\n"


def csv(columns: str, rows: Iterable[Sequence[object]]) -> str:
    """Lines of cells; a cell with a comma stands in quotes."""
    lines = [columns]
    for row in rows:
        cells = ["" if cell is None else str(cell) for cell in row]
        lines.append(",".join(f'"{cell}"' if "," in cell else cell for cell in cells))
    return "\n".join(lines) + "\n"


def works_files(works: Works) -> dict[str, str]:
    """chambers.csv and segments.geojson."""
    chambers = csv(
        "id,lon,lat,kind,owner,manager,status,source",
        (
            (key, f"{one.position[0]:.6f}", f"{one.position[1]:.6f}", one.kind, OWNER, MANAGER, one.status, SOURCE)
            for key, one in works.chambers.items()
        ),
    )
    features = []
    for segment in works.segments.values():
        rented = segment.rented or segment.kind == "overhead"
        properties = {
            "id": segment.id,
            "a": segment.a,
            "b": segment.b,
            "kind": segment.kind,
            "owner": RENTEL if rented else OWNER,
            "manager": RENTEL if rented else MANAGER,
            "status": segment.status,
        }
        if segment.status == "in-service":
            properties["valid_from"] = f"{segment.year}-01-01"
        properties["source"] = SOURCE
        geometry = {"type": "LineString", "coordinates": [list(point) for point in segment.line]}
        feature = {"type": "Feature", "properties": properties, "geometry": geometry}
        features.append(json.dumps(feature))
    return {
        "inventory/chambers.csv": chambers,
        "inventory/segments.geojson": '{"type": "FeatureCollection", "features": [\n'
        + ",\n".join(features)
        + "\n]}\n",
    }


def cable_files(laying: Laying) -> dict[str, str]:
    """Ducts and cables: what was laid for rings and core with its loops as YAML, the long rest as tables."""
    edited = [cable for cable in laying.cables.values() if cable.use in ("ring", "core", "decoy")]
    long = [cable for cable in laying.cables.values() if cable not in edited]
    lines = [
        header("Cables of rings and core, and two that carry nothing. The others are in cables.csv."),
        "cables:\n",
    ]
    for cable in edited:
        lines.append(_cable(cable))
    outer = [duct for duct in laying.ducts.values() if duct.diameter > 100]
    ducts = header("Two outer ducts in which other ducts lie; all others are in ducts.csv.") + "ducts:\n"
    for duct in outer:
        ducts += (
            f"  - id: {duct.id}\n    segments: [{', '.join(duct.segments)}]\n    diameter: {duct.diameter} mm\n"
            f"    valid_from: {duct.year}-01-01\n"
        )
    return {
        "inventory/cables.yaml": "".join(lines),
        "inventory/cables.csv": csv(
            "id,type,a,b,route,sheath,valid_from",
            (
                (
                    cable.id, cable.type, cable.places[0], cable.places[-1], ";".join(cable.route),
                    f"{cable.sheath} m", f"{cable.year}-01-01",
                )
                for cable in long
            ),
        ),
        "inventory/ducts.yaml": ducts,
        "inventory/ducts.csv": csv(
            "id,segments,parent,diameter,owner,manager,status,valid_from",
            (
                (
                    duct.id, ";".join(duct.segments), duct.parent, f"{duct.diameter} mm",
                    RENTEL if duct.rented else "", RENTEL if duct.rented else "",
                    duct.status if duct.status != "in-service" else "", f"{duct.year}-01-01",
                )
                for duct in laying.ducts.values()
                if duct not in outer
            ),
        ),
        "inventory/cable-types.yaml": CABLE_TYPES,
    }  # fmt: skip


def _cable(cable: Cable) -> str:
    life = {"planned": "    status: planned\n", "abandoned": "    status: abandoned\n    valid_to: 2016-11-30\n"}
    text = f"  - id: {cable.id}\n    type: {cable.type}\n    a: {cable.places[0]}\n    b: {cable.places[-1]}\n"
    text += life.get(cable.status, "") + f"    valid_from: {cable.year}-01-01\n"
    text += f"    route: [{', '.join(cable.route)}]\n    sheath: {cable.sheath} m\n"
    if cable.loops:
        loops = ", ".join(f"{{at: {place}, length: {metres} m}}" for place, metres in cable.loops.items())
        text += f"    slack: [{loops}]\n"
    return text


def joint_files(closures: Closures, splices: Iterable[Splice], frames: Frames) -> dict[str, str]:
    """Closures and splices, frames and what is on them."""

    def loss(value: float | None) -> str:
        return "" if value is None else f"{value:.2f} dB"

    odfs = header("Frames of 144 positions; what is on them is in terminations.csv.") + "odfs:\n"
    for key, (site, size) in frames.sizes.items():
        odfs += f"  - {{id: {key}, site: {site}, grade: B, positions: {size}}}\n"
    return {
        "inventory/closures.yaml": header("Closures and their splices are in closures.csv and splices.csv.")
        + "closures: []\n",
        "inventory/closures.csv": csv(
            "id,at,valid_from", ((key, place, f"{year}-01-01") for key, (place, year) in closures.at.items())
        ),
        "inventory/splices.csv": csv(
            "closure,a,b,loss,loss_ab,loss_ba",
            ((one.closure, one.a, one.b, loss(one.loss), loss(one.loss_ab), loss(one.loss_ba)) for one in splices),
        ),
        "inventory/odfs.yaml": odfs,
        "inventory/terminations.csv": csv(
            "odf,positions,strands",
            (
                (
                    row.odf,
                    f"{row.first}-{row.first + row.count - 1}",
                    f"{row.cable}:{row.strands}",
                )
                for row in frames.rows
            ),
        ),
    }


def equipment_files(sites: Iterable[Place], patching: Patching) -> dict[str, str]:
    """Sites, switches, ports, jumpers and attenuators."""
    text = header(
        "Buildings and cabinets. pop-est and pop-sud-est hang on one power feeder: that is one of the traps."
    )
    text += "sites:\n"
    switches = header("Switches; their ports are in ports.csv, patch cords that no port names in jumpers.csv.")
    switches += "switches:\n"
    number = 0
    for place in sites:
        watts = WATTS[place.kind] + 350 * (len(place.switches) - 1)
        text += (
            f"  - id: {place.id}\n    name: {json.dumps(place.name, ensure_ascii=False)}\n"
            f"    area: {communes()[place.commune].name}\n    kind: {place.kind}\n"
            f"    position: [{place.position[0]:.6f}, {place.position[1]:.6f}]\n    feeder: {place.feeder}\n"
            f"    ups_hours: {place.ups_hours}\n    watts: {watts}\n"
        )
        for switch, role in place.switches:
            number += 1
            switches += f"  - {{id: {switch}, dpid: {number}, site: {place.id}, role: {role}, mtu: {MTU} B}}\n"
    passives = header("Fixed attenuators: long-reach optics need them on short hops.") + "passives:\n"
    for key, site, value in patching.passives:
        span = f"{{min: {value - 0.5} dB, max: {value + 0.5} dB}}"
        passives += f"  - {{id: {key}, kind: attenuator, site: {site}, loss: {span}}}\n"
    return {
        "inventory/sites.yaml": text,
        "inventory/equipment.yaml": switches,
        "inventory/ports.csv": csv(
            "switch,port,transceiver,tx,rx,bidi,link",
            ((p.switch, p.port, p.transceiver, p.tx, p.rx, p.bidi, p.link) for p in patching.ports),
        ),
        "inventory/jumpers.csv": csv("a,b", patching.jumpers),
        "inventory/passives.yaml": passives,
        "inventory/transceivers.yaml": TRANSCEIVERS,
    }


def other_files() -> dict[str, str]:
    """Settings, outlines of the communes, the flood zone, and a topology in which nothing is declared."""
    corners = "".join(f"      - [{lon:.4f}, {lat:.4f}]\n" for lon, lat in FLOOD)
    hazards = (
        "# The bank of the Vistre: the southern point of presence and two cabinets stand on it.\nhazards:\n"
        "  - id: vistre\n    kind: flood\n    name: Bank of the Vistre, flood of a hundred years\n"
        f"    polygon:\n{corners}    source: synthetic\n"
    )
    return {
        "network.yaml": NETWORK,
        "inventory/hazards.yaml": hazards,
        "inventory/areas.geojson": areas.text(),
        "topology/links.yaml": LINKS,
        "topology/maintenance.yaml": MAINTENANCE,
    }
