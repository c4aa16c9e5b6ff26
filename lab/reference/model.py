"""What the plant offers to services: the places where customers' glass ends, and the switches with a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Position = tuple[float, float]
"""Longitude, latitude in degrees (WGS 84), rounded to six decimals."""


class Point(NamedTuple):
    """A drop point: a wall box at a customer's place with one lit access line.

    `port` of `switch` is traced through the frame at `site` to `terminal`, the connectorised strand in the wall
    box. Several endpoints may share a point, with different prefixes or VLANs.
    """

    id: str
    insee: str
    area: str
    position: Position
    site: str
    switch: str
    port: int
    terminal: str


class Hub(NamedTuple):
    """A switch with a role, where servers, operators and other networks are plugged in: its ports from 200 on."""

    role: str
    site: str
    switch: str
    area: str


@dataclass(frozen=True, slots=True)
class Plant:
    """The generated plant: `files` are paths in the network folder with their text, `figures` what it sums to."""

    points: tuple[Point, ...]
    hubs: tuple[Hub, ...]
    files: Mapping[str, str]
    figures: Mapping[str, float]
