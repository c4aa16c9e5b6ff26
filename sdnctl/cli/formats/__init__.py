"""The verbs of `sdnctl import` and `sdnctl export`, a module per format; a new one is named here."""

from __future__ import annotations

from sdnctl.cli import exchanging
from sdnctl.cli.formats import geojson, gracethd, mininet, netbox, topology

__all__ = ["exchanging", "geojson", "gracethd", "mininet", "netbox", "topology"]
