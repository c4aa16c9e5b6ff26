"""Rows of long tables: the CSV forms of what YAML files may also hold, one pydantic model per row.

A row says the same as an entry of the YAML file; both may be there, and the union counts. Columns of the
life cycle are optional: what a cable, duct or closure leaves out comes from `defaults` of the YAML sister
file. A splice, termination, jumper or port that says nothing of its life shares that of its closure, ODF or
switch.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from sdnctl.inventory.fields import Id, MaskField, Whole, format_masks, parse_masks, words
from sdnctl.inventory.models import (
    CableBase,
    DuctModel,
    JumperModel,
    Life,
    PlantObject,
    PortModel,
    SpliceModel,
    TerminationModel,
)

Ids = Annotated[tuple[Id, ...], BeforeValidator(words)]
"""Ids separated by semicolons in a cell."""


Masks = Annotated[
    dict[Id, MaskField],
    BeforeValidator(parse_masks),
    PlainSerializer(format_masks, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["ch-1=A:2.3;ch-2=C:1"]}),
]
"""Places with positions of masks in a cell."""


class DuctRow(DuctModel):
    """A duct; `segments`, `openings` and `masks` (``ch-1=A:2.3;ch-2=C:1``) are separated by semicolons."""

    segments: Ids = ()
    openings: Ids = ()
    masks: Masks = {}  # noqa: RUF012 - pydantic copies it


class CableRow(CableBase):
    """A cable without loops and known faults; the parts of its `route` are separated by semicolons."""

    route: Ids = ()


class ClosureRow(PlantObject):
    """A splice box at a chamber or site; its splices are rows of their own table."""

    at: Id
    """The chamber or site."""
    capacity: Annotated[Whole, Field(ge=1)] | None = None
    """How many splices its cassettes take."""


class SpliceRow(SpliceModel, Life):
    """Strands of `a` joined one to one, in order, with strands of `b`, in a closure."""

    closure: Id
    """The closure in which they are joined."""


class TerminationRow(TerminationModel, Life):
    """Positions of an ODF with the strands spliced to their pigtails, one to one, in order."""

    odf: Id
    """The frame."""


class PortRow(PortModel):
    """A port of a switch with its optics and the far ends of its jumpers."""

    switch: Id
    """The switch."""
    owner: str | None = None
    """Whose it is; by default the switch's."""
    manager: str | None = None
    """Who looks after it."""
    user: str | None = None
    """Whose network it is used for."""
    valid_from: date | None = None
    """From which day on this holds."""
    valid_to: date | None = None
    """The last day on which it holds."""
    source: str | None = None
    """How it is known."""


class JumperRow(JumperModel, Life):
    """A patch cord between two ends that are not both named by a port."""
