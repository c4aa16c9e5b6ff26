"""Writes the plant of the small example: a fictitious town of twelve switches, with one of every trap.

Usage: ``python lab/examples/make_small.py [FOLDER]``, from anywhere; by default into the committed `inventory/`.
`small_tables` says which places there are and which way each cable runs; lengths, windings of trenches and
positions on frames follow from that. No randomness, no clock: the same tables give the same bytes. What it
writes is committed and is what counts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import pairwise
from math import hypot, sin
from pathlib import Path

from small_tables import (
    ABANDONED,
    ATTENUATED,
    BRIDGE,
    CABLES,
    CHAMBERS,
    CLOSURES,
    ER_CABLE,
    KINDS,
    LINKS,
    OWNER,
    PLANNED,
    RENTED,
    REVERSED,
    SITES,
    SURVEY,
    SWITCHES,
    TERMINATED,
)

from sdnctl.inventory.geometry import distance, line_length

HERE = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "small" / "inventory"


def wound(a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """A line from a to b with bends, so that a trench is some percent longer than the crow flies."""
    metres = distance(a, b)
    bends = int(metres // 250)
    points = [a]
    span = hypot(b[0] - a[0], b[1] - a[1])
    for number in range(1, bends + 1):
        share = number / (bends + 1)
        x, y = a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
        swing = 0.00045 * sin(number * 2.1 + a[0] * 900 + b[1] * 700)
        points.append((x - (b[1] - a[1]) / span * swing, y + (b[0] - a[0]) / span * swing))
    points.append(b)
    return [(round(x, 6), round(y, 6)) for x, y in points]


def position(place: str) -> tuple[float, float]:
    return SITES[place][2:4] if place in SITES else CHAMBERS[place][:2]


def short(place: str) -> str:
    return place.removeprefix("ch-")


class Works:
    """Segments and ducts as the cables' routes need them, in order of first use."""

    def __init__(self) -> None:
        self.segments: dict[str, tuple[str, str, list[tuple[float, float]]]] = {}
        self.between: dict[frozenset[str], str] = {}
        self.ducts: dict[str, str] = {}

    def segment(self, a: str, b: str) -> str:
        key = frozenset((a, b))
        if key not in self.between:
            name = f"s-{short(a)}-{short(b)}"
            self.between[key] = name
            self.segments[name] = (a, b, wound(position(a), position(b)))
        return self.between[key]

    def route(self, cable: str, places: list[str]) -> list[str]:
        """Ducts (and bare overhead segments) of a cable: lead-ins shared, one duct of its own in between."""
        route: list[str] = []
        run: list[str] = []
        part = 0

        def close() -> None:
            nonlocal run, part
            if run:
                part += 1
                name = f"du-{cable.removeprefix('c-')}" + (f"-{part}" if part > 1 else "")
                self.ducts[name] = f"segments: [{', '.join(run)}]"
                route.append(name)
                run = []

        for a, b in pairwise(places):
            name = self.segment(a, b)
            lead_in = (a in SITES) != (b in SITES) and "fc-moulin" not in (a, b) and "fc-lavoir" not in (a, b)
            if lead_in:
                close()
                duct = f"du-entry-{short(b if a in SITES else a)}"
                self.ducts.setdefault(duct, f"segments: [{name}], diameter: 100 mm")
                route.append(duct)
            elif name == "s-pont-n-pont-s":
                close()
                self.ducts.setdefault(BRIDGE, f"segments: [{name}], diameter: 100 mm")
                sub = f"{BRIDGE}-{sum(key.startswith(BRIDGE) for key in self.ducts)}"
                self.ducts[sub] = f"parent: {BRIDGE}, diameter: 40 mm"
                route.append(sub)
            elif KINDS.get(name) == "overhead":
                close()
                route.append(name)
            elif name in RENTED or name in ABANDONED:
                close()
                self.ducts[f"du-{name.removeprefix('s-')}"] = f"segments: [{name}]"
                route.append(f"du-{name.removeprefix('s-')}")
            else:
                run.append(name)
        close()
        return route


def header(text: str, defaults: bool = True) -> list[str]:
    lines = [f"# {line}" for line in text.splitlines()]
    if defaults:
        lines += ["defaults:", f"  owner: {OWNER}", "  manager: town-fibre", f"  source: {SURVEY}"]
    return [*lines, ""]


def write(name: str, lines: Iterable[str]) -> None:
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def sites() -> None:
    lines = [
        *header("Buildings and cabinets. Two sites hang on feeder-south: that is one of the traps."),
        "sites:",
    ]
    for key, (name, kind, lon, lat, feeder) in SITES.items():
        lines += [
            f"  - id: {key}",
            f"    name: {name}",
            f"    kind: {kind}",
            f"    position: [{lon:.4f}, {lat:.4f}]",
        ]
        if feeder:
            lines.append(f"    feeder: {feeder}")
    write("sites.yaml", lines)


def chambers() -> None:
    lines = ["id,lon,lat,kind,owner,manager,status,valid_from,valid_to,source"]
    for key, (lon, lat, kind) in CHAMBERS.items():
        status = "planned" if key in ("ch-digue", "ch-canal-s") else "in-service"
        lines.append(f'{key},{lon:.4f},{lat:.4f},{kind},{OWNER},town-fibre,{status},2009-06-01,,"{SURVEY}"')
    write("chambers.csv", lines)


def segments(works: Works) -> None:
    features = []
    for name, (a, b, line) in works.segments.items():
        status = "planned" if name in PLANNED else "abandoned" if name in ABANDONED else "in-service"
        owner = "rentel" if name in RENTED else OWNER
        properties = {
            "id": name,
            "a": a,
            "b": b,
            "kind": KINDS.get(name, "trench"),
            "owner": owner,
            "manager": "rentel" if name in RENTED else "town-fibre",
            "status": status,
            "source": SURVEY,
        }
        geometry = {"type": "LineString", "coordinates": [list(point) for point in line]}
        features.append(json.dumps({"type": "Feature", "properties": properties, "geometry": geometry}))
    text = '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"
    (HERE / "segments.geojson").write_text(text, encoding="utf-8")


def ducts(works: Works) -> None:
    text = "Ducts. An entry duct is shared by the cables that enter a site there; du-pont-vieux holds two others."
    lines = [*header(text), "ducts:"]
    for key, body in works.ducts.items():
        extra = ""
        if key == "du-hopital-zac":
            extra = ", owner: rentel, manager: rentel, source: lease 2019-044"
        elif key == "du-quai-e-verger":
            extra = ", status: abandoned, valid_to: 2016-11-30"
        lines.append(f"  - {{id: {key}, {body}{extra}}}")
    write("ducts.yaml", lines)


def cable_types() -> None:
    write(
        "cable-types.yaml",
        [
            "# Kinds of cable: they imply the strands of every cable.",
            "cable_types:",
            "  - {id: g652d-144, strands: 144, tubes: 12, colours: orange-fr, fibre: G.652.D, helix: 1.0 %}",
            "  - {id: g652d-72, strands: 72, tubes: 6, colours: orange-fr, fibre: G.652.D, helix: 1.0 %}",
            "  - id: g657a-24",
            "    strands: 24",
            "    tubes: 2",
            "    colours: orange-fr",
            "    fibre: G.657.A2",
            "    helix: 1.5 %",
            "    attenuation: # the planning figures, and one for the 1490 nm of single-strand optics",
            "      1310 nm: {min: 0.342 dB/km, max: 0.35 dB/km}",
            "      1490 nm: {min: 0.21 dB/km, max: 0.30 dB/km}",
            "      1550 nm: {min: 0.21 dB/km, max: 0.25 dB/km}",
            "    source: assumption of the small example for 1490 nm",
        ],
    )


def cables(works: Works) -> None:
    text = "Cables. Sheath lengths are measured: route, a little more, and the loops."
    lines = [*header(text), "cables:"]
    for key, (kind, places, slack, status) in CABLES.items():
        route = works.route(key, places)
        metres = sum(line_length(works.segments[works.segment(a, b)][2]) for a, b in pairwise(places))
        lines += [f"  - id: {key}", f"    type: {kind}", f"    a: {places[0]}", f"    b: {places[-1]}"]
        if status:
            lines.append(f"    status: {status}")
        lines.append(f"    route: [{', '.join(route)}]")
        lines.append(f"    sheath: {round(metres * 1.02 + sum(slack.values()))} m")
        if slack:
            lines.append(f"    slack: [{', '.join(f'{{at: {at}, length: {m} m}}' for at, m in slack.items())}]")
    write("cables.yaml", lines)


def closures() -> None:
    lines = [*header("Splices: only what does not simply pass uncut."), "closures:"]
    for key, place, splices, opened, note in CLOSURES:
        if note:
            lines.append(f"  # {note}")
        lines += [f"  - id: {key}", f"    at: {place}", "    splices:"]
        lines += [f'      - {{a: "{a}", b: "{b}", {extra}}}' for a, b, extra in splices]
        if opened:
            lines.append(f"    opened: {json.dumps(opened)}")
    write("closures.yaml", lines)


def frames() -> dict[tuple[str, str], int]:
    """Write the ODFs; returns (site, cable) → position of the cable's strand 1."""
    first: dict[tuple[str, str], int] = {}
    ends: dict[str, list[str]] = {}
    for key, (_, places, _, _) in CABLES.items():
        for place in (places[0], places[-1]):
            if place in SITES and not place.startswith("fc-"):
                ends.setdefault(place, []).append(key)
    text = (
        f"Frames: the first {TERMINATED} strands of each cable are on positions, the others wait in their tubes."
    )
    lines = [*header(text), "odfs:"]
    for site in SITES:
        if site not in ends:
            continue
        lines += [
            f"  - id: odf-{site}",
            f"    site: {site}",
            "    grade: B",
            "    positions: 96",
            "    terminations:",
        ]
        for number, key in enumerate(ends[site]):
            start = number * TERMINATED + 1
            first[site, key] = start
            positions = f'"{start}-{start + TERMINATED - 1}"'
            lines.append(f'      - {{positions: {positions}, strands: "{key}:1-{TERMINATED}"}}')
    write("odfs.yaml", lines)
    return first


def patching(
    a: str, port: str, cable: str, strand: int, first: dict[tuple[str, str], int], crossed: bool, optics: str
) -> str:
    """Where the jumpers of a port lead: end a sends on the first strand, end b on the next one."""
    site = SWITCHES[a][1]
    position = first[site, cable] + strand - 1
    if "-bx10" in optics:
        return f'bidi: "odf-{site}:{position}"'
    tx, rx = (position + 1, position) if crossed else (position, position + 1)
    receiver = f"att-{site}/out" if f"{a} {port}" in ATTENUATED else f"odf-{site}:{rx}"
    return f'tx: "odf-{site}:{tx}", rx: "{receiver}"'


def equipment(first: dict[tuple[str, str], int]) -> None:
    ports: dict[str, list[tuple[int, str]]] = {key: [] for key in SWITCHES}
    for a, pa, b, pb, cable_a, cable_b, strand, optics_a, optics_b, name in LINKS:
        called = "" if name == "-" else f", link: {name}"
        left = patching(a, pa, cable_a, int(strand), first, False, optics_a)
        right = patching(b, pb, cable_b, int(strand), first, name != REVERSED, optics_b)
        ports[a].append((int(pa), f"{{port: {pa}, transceiver: {optics_a}, {left}{called}}}"))
        ports[b].append((int(pb), f"{{port: {pb}, transceiver: {optics_b}, {right}{called}}}"))
    text = "Switches: trunk ports below 10, with their jumpers to the frames; customers are on ports from 10 on."
    lines = [*header(text), "switches:"]
    for key, (dpid, site, role) in SWITCHES.items():
        lines += [
            f"  - id: {key}",
            f"    dpid: {dpid}",
            f"    site: {site}",
            f"    role: {role}",
            "    mtu: 1600 B",
        ]
        lines.append("    ports:")
        lines += [f"      - {body}" for _, body in sorted(ports[key])]
    lines += [
        "",
        "# What no port names: spare-boisset-east is patched through two town halls, receivers on attenuators.",
    ]
    lines.append("jumpers:")
    for site, one, two in (
        ("calvas", "c-plateau-calvas", "c-calvas-vigne"),
        ("dourbie", "c-vigne-dourbie", "c-dourbie-east"),
    ):
        for strand in (5, 6):
            ends = [first[site, cable] + strand - 1 for cable in (one, two)]
            lines.append(f'  - {{a: "odf-{site}:{ends[0]}", b: "odf-{site}:{ends[1]}"}}')
    for site, strand in (("west", 2), ("estel", 1)):
        lines.append(f'  - {{a: "odf-{site}:{first[site, ER_CABLE] + strand - 1}", b: "att-{site}/in"}}')
    write("equipment.yaml", lines)


def main() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    works = Works()
    sites()
    chambers()
    cables(works)
    segments(works)
    ducts(works)
    cable_types()
    closures()
    equipment(frames())


if __name__ == "__main__":
    main()
