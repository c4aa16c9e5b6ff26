"""Reads the data files of an example straight into documents, and small plants for tests."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sdnctl.document import Document
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.inventory.plant import Plant
from sdnctl.topology.models import LinksFile, MaintenanceFile

EXAMPLES = Path(__file__).parent.parent / "lab" / "examples"


def document(file: str, data: Any) -> Document[Any]:
    """Data as a loader hands it over (rows for CSV and GeoJSON), validated."""
    spec = FILES[file]
    if spec.format == "yaml":
        return Document(file, spec.model.model_validate(data))
    return Document(
        file, tuple(spec.model.model_validate(row) for row in data), {(i,): i + 2 for i in range(len(data))}
    )


def documents(network: Mapping[str, Any]) -> dict[str, Document[Any]]:
    """Documents of a network given as file name without folder → data; suffixes only for ``….csv`` beside YAML."""
    files = {path.split("/")[1].split(".")[0]: path for path in reversed(FILES)}
    files |= {path.split("/")[1]: path for path in FILES}
    return {files[name]: document(files[name], data) for name, data in network.items()}


def read_example(name: str) -> dict[str, Document[Any]]:
    found: dict[str, Document[Any]] = {}
    for file, spec in FILES.items():
        path = EXAMPLES / name / file
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        if spec.format == "yaml":
            data: Any = yaml.safe_load(text)
        elif spec.format == "csv":
            data = [{k: v for k, v in row.items() if v} for row in csv.DictReader(text.splitlines())]
        else:
            features = json.loads(text)["features"]
            data = [{**item["properties"], "coordinates": item["geometry"]["coordinates"]} for item in features]
        found[file] = document(file, data)
    return found


def read_topology(name: str) -> tuple[Document[LinksFile], Document[MaintenanceFile]]:
    folder = EXAMPLES / name / "topology"
    links = LinksFile.model_validate(yaml.safe_load((folder / "links.yaml").read_text(encoding="utf-8")))
    out = MaintenanceFile.model_validate(yaml.safe_load((folder / "maintenance.yaml").read_text(encoding="utf-8")))
    return Document("topology/links.yaml", links), Document("topology/maintenance.yaml", out)


def plant_of(network: Mapping[str, Any]) -> Plant:
    """The plant of a network without faults, given as for `documents`."""
    return _faultless(documents(network))


@cache
def example_plant(name: str) -> Plant:
    return _faultless(read_example(name))


def _faultless(read: dict[str, Document[Any]]) -> Plant:
    plant, found = build_plant(read)
    assert not found.errors, found.errors
    return plant


LIFE = {"owner": "town", "source": "test"}
LR = {
    "id": "lr",
    "rate": "10 Gbit/s",
    "wavelength": "1310 nm",
    "tx_min": "-8.2 dBm",
    "tx_max": "0.5 dBm",
    "rx_min": "-14.4 dBm",
    "rx_basis": "min_average_rx",
    "rx_max": "0.5 dBm",
    "penalty": "3.2 dB",
}
ER = LR | {
    "id": "er",
    "wavelength": "1550 nm",
    "tx_min": "-4.7 dBm",
    "tx_max": "4 dBm",
    "rx_min": "-15.8 dBm",
    "rx_max": "-1 dBm",
    "penalty": "3 dB",
}
FRAME = {"positions": "1-12", "strands": "c:1-12"}


def two_sites() -> dict[str, Any]:
    """Sites a and b, joined over chambers k1 and k2 by one cable of 12 strands of which two carry a link."""
    positions = {"a": (4.0, 44.0), "k1": (4.001, 44.0), "k2": (4.02, 44.0), "b": (4.021, 44.0)}
    hops = [("a", "k1"), ("k1", "k2"), ("k2", "b")]
    return {
        "sites": {"defaults": LIFE, "sites": [{"id": s, "position": positions[s]} for s in "ab"]},
        "chambers": [{"id": k, "lon": positions[k][0], "lat": positions[k][1], **LIFE} for k in ("k1", "k2")],
        "segments": [
            {"id": f"{x}-{y}", "a": x, "b": y, "coordinates": [positions[x], positions[y]], **LIFE}
            for x, y in hops
        ],
        "ducts": {"defaults": LIFE, "ducts": [{"id": "d", "segments": ["a-k1", "k1-k2", "k2-b"]}]},
        "cable-types": {"cable_types": [{"id": "t12", "strands": 12, "helix": "1 %"}]},
        "cables": {"defaults": LIFE, "cables": [{"id": "c", "type": "t12", "a": "a", "b": "b", "route": ["d"]}]},
        "closures": {"defaults": LIFE, "closures": []},
        "odfs": {
            "defaults": LIFE,
            "odfs": [{"id": f"odf-{s}", "site": s, "positions": 24, "terminations": [dict(FRAME)]} for s in "ab"],
        },
        "passives": {"defaults": LIFE, "passives": []},
        "hazards": {"hazards": []},
        "transceivers": {"transceivers": [LR, ER]},
        "equipment": {
            "defaults": LIFE,
            "switches": [
                {
                    "id": f"s{s}",
                    "dpid": number,
                    "site": s,
                    "mtu": "1600 B",
                    "ports": [
                        {"port": 1, "transceiver": "lr", "tx": f"odf-{s}:{number}", "rx": f"odf-{s}:{3 - number}"}
                    ],
                }
                for number, s in ((1, "a"), (2, "b"))
            ],
            "jumpers": [],
        },
        "endpoints": [],
    }
