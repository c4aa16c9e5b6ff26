"""Models of the `topology/` files: declared links and shared risks, and what is out of service on purpose.

`links.yaml` declares links where an operator has no plant data (depth 1), and overrides values of
derived links where there is (same id). What is missing here is derived; a link that can neither
be derived nor has both ends and a length is refused by `topology.derive`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from sdnctl.topology.graph import PortRef
from sdnctl.units import BitrateField, DelayField, LengthField, OctetsField

_PORT = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*):([1-9][0-9]{0,4})")


def parse_port(text: object) -> PortRef:
    """``pop-gare:3`` → switch and OpenFlow port number (1…65,279); raises ValueError for anything else."""
    if isinstance(text, PortRef):
        return text
    match = _PORT.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[2]) > 0xFEFF:
        raise ValueError(f"{text!r} is not a port: write switch:number, such as 'pop-gare:3'")
    return PortRef(match[1], int(match[2]))


PortField = Annotated[
    PortRef,
    PlainValidator(parse_port),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_PORT.pattern}$", "examples": ["pop-gare:3"]}),
]

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
"""A name that is safe in rules, files and addresses: letters, digits, ``_ . -``."""


class Model(BaseModel):
    """What people edit: immutable, and a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class LinkEntry(Model):
    """A declared link, or an override of a derived one. `srlgs` are names of declared shared risks.

    `cables`, in order from a to b, give length and shared risks where routes are known but not strands (depth 2).
    """

    id: Id
    a: PortField | None = None
    b: PortField | None = None
    length: LengthField | None = None
    delay: DelayField | None = None
    capacity: BitrateField | None = None
    mtu: OctetsField | None = None
    srlgs: tuple[Id, ...] = ()
    cables: tuple[Id, ...] = ()


class SrlgEntry(Model):
    """A declared shared risk: links and switches that one event takes away; `metres` is the shared route."""

    id: Id
    links: tuple[Id, ...] = ()
    nodes: tuple[Id, ...] = ()
    metres: LengthField | None = None
    note: str = ""


class LinksFile(Model):
    """`topology/links.yaml`."""

    links: tuple[LinkEntry, ...] = ()
    srlgs: tuple[SrlgEntry, ...] = ()


class ControlLinkEntry(Model):
    """A link of the management network between two sites, and what it runs through.

    `along`: in the cables of an optical link, on strands of its own. `cables`: in these, in order from a to b.
    `carrier`: something that is not in the plant, such as a rented line or radio. `srlgs`: declared shared risks.
    """

    id: Id
    a: Id
    b: Id
    along: Id | None = None
    cables: tuple[Id, ...] = ()
    carrier: str = ""
    srlgs: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.along is not None) + bool(self.cables) + bool(self.carrier) != 1:
            raise ValueError("say exactly one of along, cables and carrier")
        return self


class ControlFile(Model):
    """`topology/control.yaml`: sites with a controller, and how the others are reached from there."""

    controllers: Annotated[tuple[Id, ...], Field(min_length=1)]
    links: tuple[ControlLinkEntry, ...] = ()


class MaintenanceEntry(Model):
    """One link or one switch that carries no traffic on purpose; delete the entry to take it back.

    `until` is for people: nothing comes back by itself because a date has passed.
    """

    link: Id | None = None
    node: Id | None = None
    reason: Annotated[str, Field(min_length=1)]
    until: date | None = None

    @model_validator(mode="after")
    def _one_object(self) -> Self:
        if (self.link is None) == (self.node is None):
            raise ValueError("name exactly one of link and node")
        return self


class MaintenanceFile(Model):
    """`topology/maintenance.yaml`."""

    out_of_service: tuple[MaintenanceEntry, ...] = ()
