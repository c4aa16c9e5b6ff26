"""Writes the small example at depth 1: the same switches and lit links, with lengths and declared shared risks.

Usage: ``python lab/examples/make_small_links.py [FOLDER]``, after the small example was edited; by default into
the committed `small-links/`. Buildings and feeders follow from the sites in both; every other group of two
members or more is declared, groups with the same members once, under the name of the longest.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from sdnctl.document import Document
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.topology.derive import derive
from sdnctl.topology.graph import Srlg, Topology
from sdnctl.units import format_bitrate

HERE = Path(__file__).parent
DEFAULTS = """defaults:
  owner: town-of-vallerive
  manager: town-fibre
  source: synthetic, drawn for the small example
"""


def csv_rows(text: str) -> list[dict[str, str]]:
    """Rows of a CSV text; an empty cell is a value that was not given."""
    return [{key: cell for key, cell in row.items() if cell} for row in csv.DictReader(text.splitlines())]


def read(folder: Path) -> dict[str, Document[Any]]:
    found: dict[str, Document[Any]] = {}
    for file, (model, kind) in FILES.items():
        path = folder / file
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        if kind == "yaml":
            found[file] = Document(file, model.model_validate(yaml.safe_load(text)))
            continue
        rows = csv_rows(text) if kind == "csv" else json.loads(text)["features"]
        if kind == "geojson":
            rows = [{**row["properties"], "coordinates": row["geometry"]["coordinates"]} for row in rows]
        found[file] = Document(file, tuple(model.model_validate(row) for row in rows))
    return found


def shared(topology: Topology) -> list[Srlg]:
    """One group for each distinct set of members, the longest of those that have it."""
    same: dict[tuple[frozenset[str], frozenset[str]], list[Srlg]] = defaultdict(list)
    for srlg in topology.srlgs.values():
        if srlg.kind not in ("building", "feeder") and len(srlg.links) + len(srlg.nodes) > 1:
            same[srlg.links, srlg.nodes].append(srlg)
    return sorted((min(group, key=lambda s: (-s.metres, s.id)) for group in same.values()), key=lambda s: s.id)


def name(srlg: Srlg) -> str:
    plain = srlg.id.partition(":")[2]
    for prefix in ("du-", "ch-", "s-"):
        plain = plain.removeprefix(prefix)
    return plain


def main() -> None:
    documents = read(HERE / "small")
    plant, _ = build_plant(documents)
    topology, _ = derive(plant)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "small-links"
    for folder in ("inventory", "topology"):
        (target / folder).mkdir(parents=True, exist_ok=True)
    endpoints = (HERE / "small" / "inventory" / "endpoints.csv").read_text(encoding="utf-8")
    (target / "inventory" / "endpoints.csv").write_text(endpoints, encoding="utf-8")

    lines = ["# Where the switches are, and which power feeder they hang on.", DEFAULTS, "sites:"]
    for site in sorted({node.site for node in topology.nodes.values()}, key=list(plant.sites).index):
        found = plant.sites[site]
        assert found.position is not None
        lon, lat = found.position
        lines.append(
            f"  - {{id: {site}, name: {found.name}, kind: {found.kind}, "
            f"position: [{lon:.4f}, {lat:.4f}], feeder: {found.feeder}}}"
        )
    (target / "inventory" / "sites.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    lines = ["# Switches; at this depth ports and their glass are not known, links are in topology/links.yaml."]
    lines += [DEFAULTS, "switches:"]
    for key, switch in plant.switches.items():
        lines.append(f"  - {{id: {key}, dpid: {switch.dpid}, site: {switch.site}, role: {switch.role}}}")
    (target / "inventory" / "equipment.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    lines = [
        "# The lit links, with the length of their glass, and what they share besides buildings and feeders.",
        "links:",
    ]
    for key in sorted(topology.links):
        link = topology.links[key]
        lines += [
            f"  - id: {key}",
            f'    a: "{link.a}"',
            f'    b: "{link.b}"',
            f"    length: {round(link.length, -1):.0f} m",
        ]
        lines += [f"    capacity: {format_bitrate(link.capacity)}", f"    mtu: {link.mtu} B"]
    lines += ["", "srlgs:"]
    for srlg in shared(topology):
        lines += [f"  - id: {name(srlg)}", f"    links: [{', '.join(sorted(srlg.links))}]"]
        if srlg.nodes:
            lines.append(f"    nodes: [{', '.join(sorted(srlg.nodes))}]")
        if srlg.metres and srlg.kind != "zone":
            lines.append(f"    metres: {srlg.metres:.0f} m")
        lines.append(f"    note: {srlg.kind}")
    (target / "topology" / "links.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = (HERE / "small" / "topology" / "maintenance.yaml").read_text(encoding="utf-8")
    (target / "topology" / "maintenance.yaml").write_text(out, encoding="utf-8")


if __name__ == "__main__":
    main()
