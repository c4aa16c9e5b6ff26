"""Reads the data files of an example straight into documents, and small plants for tests."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sdnctl.document import Document
from sdnctl.inventory.models import FILES
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
    """Documents of a network given as file name without folder and suffix → data."""
    files = {path.split("/")[1].split(".")[0]: path for path in FILES}
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
            data = list(csv.DictReader(text.splitlines()))
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
