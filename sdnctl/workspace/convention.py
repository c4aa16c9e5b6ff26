"""Which files a network folder has, and what each holds: the one table that loader, dumper and schemas share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel

from sdnctl.intents.models import Application, ClassesFile, TenantsFile
from sdnctl.inventory.files import FILES as INVENTORY
from sdnctl.topology.models import ControlFile, LinksFile, MaintenanceFile
from sdnctl.workspace.settings import NetworkFile


class Kind(NamedTuple):
    """What a file holds (for tables: each row), and how it is written."""

    model: type[BaseModel]
    format: Literal["yaml", "csv", "geojson"]


NETWORK, LINKS, MAINTENANCE = "network.yaml", "topology/links.yaml", "topology/maintenance.yaml"
CONTROL = "topology/control.yaml"
CLASSES, TENANTS, ENDPOINTS = "intents/classes.yaml", "intents/tenants.yaml", "inventory/endpoints.csv"
AREAS = "inventory/areas.geojson"

FILES: Mapping[str, Kind] = {
    NETWORK: Kind(NetworkFile, "yaml"),
    **{file: Kind(spec.model, spec.format) for file, spec in INVENTORY.items()},
    LINKS: Kind(LinksFile, "yaml"),
    MAINTENANCE: Kind(MaintenanceFile, "yaml"),
    CONTROL: Kind(ControlFile, "yaml"),
    CLASSES: Kind(ClassesFile, "yaml"),
    TENANTS: Kind(TenantsFile, "yaml"),
}
"""Files with a fixed name; every other YAML file in `intents/` is one application."""

APPLICATION = Kind(Application, "yaml")
FOLDERS = ("inventory", "topology", "intents")


def kind_of(file: str) -> Kind | None:
    """What a file (path relative to the network folder, with ``/``) holds; None for others."""
    found = FILES.get(file)
    if found is None and file.startswith("intents/") and file.count("/") == 1 and file.endswith(".yaml"):
        return APPLICATION
    return found
