"""Modes of installation: how a segment is built, and so what hurts it and what it takes along.

What cuts a segment takes everything in it, whatever the mode: all its ducts, those nested in them, and every cable
that lies in one of them or in none. Modes differ in what that is called, in whether a digger reaches it, and in
whether a duct may be there at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """`cut` says what happened to a segment that is cut; `digs`: whether works on the ground reach it.

    `ducts`: whether ducts run through it. Cables of the other modes hang, or lie, by themselves.
    """

    label: str
    cut: str
    digs: bool
    ducts: bool = True


MODES: Mapping[str, Mode] = {
    "trench": Mode("trench", "dug up", digs=True),
    "micro-trench": Mode("micro-trench", "dug up", digs=True),
    "drilled": Mode("directional drilling", "drilled into", digs=True),
    "overhead": Mode("overhead line", "torn down", digs=False, ducts=False),
    "facade": Mode("façade", "stripped off", digs=False),
    "sewer": Mode("sewer", "fallen in", digs=True),
    "gallery": Mode("gallery", "burnt out", digs=False),
    "bridge": Mode("bridge", "carried away", digs=False),
    "indoor": Mode("inside a building", "burnt out", digs=False),
    "underwater": Mode("under water", "dragged up", digs=False),
}
"""By `kind` of a segment."""
