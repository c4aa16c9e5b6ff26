"""What a topology file says, whatever its format; nothing here is derived.

Positions are as written, in degrees or in a plane. Lengths are metres, rates bit/s, delays µs. None is what the
file does not say. `line` is where it stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sdnctl.errors import Diagnostics, Source

MOST = 1e15
"""No number in a topology is greater: neither bit/s nor metres."""


@dataclass(slots=True)
class Node:
    """A node by its label; `role` is what the file calls its kind, `hub` whether it stands for a shared medium."""

    label: str
    line: int
    position: tuple[float, float] | None = None
    role: str = ""
    hub: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A capacity that can be installed on a link as often as needed, and what it costs."""

    capacity: float
    cost: float


@dataclass(slots=True)
class Edge:
    """A line between two nodes (by index).

    `capacity_how` says where a capacity was found that is no plain figure.
    """

    label: str
    line: int
    a: int
    b: int
    length: float | None = None
    delay: float | None = None
    capacity: float | None = None
    capacity_how: str = ""
    modules: tuple[Module, ...] = ()


@dataclass(slots=True)
class Demand:
    """Traffic from node `a` to node `b` (by index)."""

    label: str
    line: int
    a: int
    b: int
    rate: float
    file: str = ""


@dataclass(slots=True)
class Graph:
    """One topology. `arcs`: edges are directed, so that two of them make a line.

    `one_is_both`: a demand given in one direction only holds in both, whatever others say (topohub counts so).
    `facts`: what the file says of the whole.
    """

    format: str
    file: str
    name: str = ""
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    arcs: bool = False
    one_is_both: bool = False
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Units:
    """How numbers without a unit are meant: rates of capacities and demands (bit/s), delays (µs).

    None: as the format has them. `plane`: positions are not degrees, and one unit of them is this many metres.
    """

    rate: float | None = None
    delay: float | None = None
    plane: float | None = None


@dataclass(slots=True)
class Report:
    """Diagnostics of one file, by line."""

    file: str
    out: Diagnostics

    def error(
        self, code: str, summary: str, line: int, address: str = "", hint: str = "", detail: str = ""
    ) -> None:
        self.out.error(code, summary, address=address, source=Source(self.file, line), hint=hint, detail=detail)

    def warning(
        self, code: str, summary: str, line: int, address: str = "", hint: str = "", detail: str = ""
    ) -> None:
        self.out.warning(code, summary, address=address, source=Source(self.file, line), hint=hint, detail=detail)


def number(text: object) -> float | None:
    """A finite number of a size that can be meant, or None."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    try:
        value = float(text)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and abs(value) <= MOST else None


def amount(text: object) -> float | None:
    """A number that is not negative, or None."""
    value = number(text)
    return value if value is not None and value >= 0 else None
