"""What colour a strand is: the order of twelve colours by scheme, and ring marks for what comes after the twelfth.

Orders, as their publishers list them:

- ``orange-fr``: the order of Orange, usual on French optical cable (rouge, bleu, vert, jaune, …);
- ``tia598``: ANSI/TIA-598 (blue, orange, green, brown, …);
- ``gracethd``: the code list of GraceTHD 3.1, which is TIA-598 with positions 9 and 10 (violet, yellow) exchanged.

Tubes are counted in the same order as the strands in a tube. A cable type of 144 strands in 12 tubes has modulo
12: strand 13 is the first of the second tube. After the twelfth the order begins again, with a ring mark more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdnctl.inventory.plant import CableType


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour by its English and French name, and how it is drawn (sRGB)."""

    name: str
    french: str
    rgb: str


_RED = Colour("red", "rouge", "#FF0000")
_BLUE = Colour("blue", "bleu", "#0070C0")
_GREEN = Colour("green", "vert", "#92D050")
_YELLOW = Colour("yellow", "jaune", "#FFFF00")
_VIOLET = Colour("violet", "violet", "#7638A3")
_WHITE = Colour("white", "blanc", "#FFFFFF")
_ORANGE = Colour("orange", "orange", "#FFC000")
_SLATE = Colour("slate", "gris", "#C1C1C1")
_BROWN = Colour("brown", "marron", "#993300")
_BLACK = Colour("black", "noir", "#000000")
_AQUA = Colour("aqua", "turquoise", "#00B0F0")
_ROSE = Colour("rose", "rose", "#FF65CC")

# fmt: off
SCHEMES: Mapping[str, tuple[Colour, ...]] = {
    "orange-fr": (_RED, _BLUE, _GREEN, _YELLOW, _VIOLET, _WHITE,
                  _ORANGE, _SLATE, _BROWN, _BLACK, _AQUA, _ROSE),
    "tia598": (_BLUE, _ORANGE, _GREEN, _BROWN, _SLATE, _WHITE,
               _RED, _BLACK, _YELLOW, _VIOLET, _ROSE, _AQUA),
    "gracethd": (_BLUE, _ORANGE, _GREEN, _BROWN, _SLATE, _WHITE,
                 _RED, _BLACK, _VIOLET, _YELLOW, _ROSE, _AQUA),
}
# fmt: on
FRENCH = frozenset({"orange-fr", "gracethd"})
"""Schemes whose cables are labelled, and whose crews speak, French."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The number of a tube or strand in what holds it, its colour, how many rings it has, and its label."""

    number: int
    colour: Colour
    rings: int
    label: str

    def __str__(self) -> str:
        return f"{self.number} {self.label}"


@dataclass(frozen=True, slots=True)
class StrandMark:
    """How to find a strand in an opened cable: its tube, and its place in that tube."""

    tube: Mark
    strand: Mark

    def __str__(self) -> str:
        return f"{self.tube} / {self.strand}"


def modulo(kind: CableType) -> int:
    """Strands in a tube."""
    return kind.strands // kind.tubes


def tube_of(kind: CableType, strand: int) -> int:
    """The number of the tube that a strand is in, from 1."""
    return (strand - 1) // modulo(kind) + 1


def strands_of(kind: CableType, tube: int) -> range:
    """The strands of a tube."""
    size = modulo(kind)
    return range((tube - 1) * size + 1, tube * size + 1)


def strand_mark(kind: CableType, strand: int) -> StrandMark:
    """Tube and strand as a splicer looks for them."""
    return StrandMark(tube_mark(kind, tube_of(kind, strand)), _mark(kind.colours, (strand - 1) % modulo(kind) + 1))


def tube_mark(kind: CableType, tube: int) -> Mark:
    """A tube by number and colour."""
    return _mark(kind.colours, tube)


def _mark(scheme: str, number: int) -> Mark:
    order = SCHEMES[scheme]
    rings, index = divmod(number - 1, len(order))
    colour = order[index]
    name = colour.french if scheme in FRENCH else colour.name
    return Mark(number, colour, rings, name + "|" * rings)
