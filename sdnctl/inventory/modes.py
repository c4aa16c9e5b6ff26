"""Modes of installation: how a segment is built, and so what hurts it and what it takes along.

What cuts a segment takes everything in it, whatever the mode: all its ducts, those nested in them, and every cable
that lies in one of them or in none. Modes differ in what that is called, and in whether a duct may be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """`cut` says what happened to a segment that is cut.

    `ducts`: whether ducts run through it. Cables of the other modes hang, or lie, by themselves.
    """

    label: str
    cut: str
    ducts: bool = True


MODES: Mapping[str, Mode] = {
    "trench": Mode("trench", "dug up"),
    "micro-trench": Mode("micro-trench", "dug up"),
    "drilled": Mode("directional drilling", "drilled into"),
    "overhead": Mode("overhead line", "torn down", ducts=False),
    "facade": Mode("façade", "stripped off"),
    "sewer": Mode("sewer", "fallen in"),
    "gallery": Mode("gallery", "burnt out"),
    "bridge": Mode("bridge", "carried away"),
    "indoor": Mode("inside a building", "burnt out"),
    "underwater": Mode("under water", "dragged up"),
}
"""By `kind` of a segment."""
