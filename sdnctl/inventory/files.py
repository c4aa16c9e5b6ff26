"""Which files `inventory/` has, and what each holds: the registry that loaders, dumpers and schemas read.

A `yaml` file is one value of its model; `csv` and `geojson` files are tuples of them, one per row or feature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel

from sdnctl.inventory import models, rows


class FileSpec(NamedTuple):
    """The model of a file (of a row or feature, for `csv` and `geojson`) and its format."""

    model: type[BaseModel]
    format: Literal["yaml", "csv", "geojson"]


FILES: Mapping[str, FileSpec] = {
    "inventory/sites.yaml": FileSpec(models.SitesFile, "yaml"),
    "inventory/chambers.csv": FileSpec(models.ChamberRow, "csv"),
    "inventory/areas.geojson": FileSpec(models.AreaFeature, "geojson"),
    "inventory/segments.geojson": FileSpec(models.SegmentFeature, "geojson"),
    "inventory/ducts.yaml": FileSpec(models.DuctsFile, "yaml"),
    "inventory/ducts.csv": FileSpec(rows.DuctRow, "csv"),
    "inventory/cable-types.yaml": FileSpec(models.CableTypesFile, "yaml"),
    "inventory/cables.yaml": FileSpec(models.CablesFile, "yaml"),
    "inventory/cables.csv": FileSpec(rows.CableRow, "csv"),
    "inventory/closures.yaml": FileSpec(models.ClosuresFile, "yaml"),
    "inventory/closures.csv": FileSpec(rows.ClosureRow, "csv"),
    "inventory/splices.csv": FileSpec(rows.SpliceRow, "csv"),
    "inventory/odfs.yaml": FileSpec(models.OdfsFile, "yaml"),
    "inventory/terminations.csv": FileSpec(rows.TerminationRow, "csv"),
    "inventory/passives.yaml": FileSpec(models.PassivesFile, "yaml"),
    "inventory/hazards.yaml": FileSpec(models.HazardsFile, "yaml"),
    "inventory/transceivers.yaml": FileSpec(models.TransceiversFile, "yaml"),
    "inventory/equipment.yaml": FileSpec(models.EquipmentFile, "yaml"),
    "inventory/ports.csv": FileSpec(rows.PortRow, "csv"),
    "inventory/jumpers.csv": FileSpec(rows.JumperRow, "csv"),
    "inventory/endpoints.csv": FileSpec(models.EndpointRow, "csv"),
}
"""Path in the network folder → model and format. Every file is optional: what is absent is empty."""
