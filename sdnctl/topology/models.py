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
    """A declared link, or an override of a derived one.

    `cables` give length and shared risks where routes are known but not strands (depth 2).
    """

    id: Id
    """Its name; that of a derived link overrides it."""
    a: PortField | None = None
    """One end: switch and port (`pop-gare:3`)."""
    b: PortField | None = None
    """The other end."""
    length: LengthField | None = None
    """Metres of fibre."""
    delay: DelayField | None = None
    """One way; by default from the length."""
    capacity: BitrateField | None = None
    """Rate of the link; by default that of its optics."""
    mtu: OctetsField | None = None
    """Largest frame payload; at least the service MTU and 34 B."""
    srlgs: tuple[Id, ...] = ()
    """Declared shared risks that take it away."""
    cables: tuple[Id, ...] = ()
    """Cables it runs through, from a to b, where strands are not known."""


class SrlgEntry(Model):
    """A declared shared risk: links and switches that one event takes away."""

    id: Id
    """Its name."""
    links: tuple[Id, ...] = ()
    """Links that it takes away."""
    nodes: tuple[Id, ...] = ()
    """Switches that it takes away."""
    metres: LengthField | None = None
    """How long they run together."""
    note: str = ""
    """For people."""


class LinksFile(Model):
    """`topology/links.yaml`."""

    links: tuple[LinkEntry, ...] = ()
    """Links that no plant describes, and values that replace derived ones."""
    srlgs: tuple[SrlgEntry, ...] = ()
    """Shared risks that no plant describes."""


class ControlLinkEntry(Model):
    """A link of the management network between two sites: `along` a link, in `cables`, or by a `carrier`."""

    id: Id
    """Its name."""
    a: Id
    """One site."""
    b: Id
    """The other site."""
    along: Id | None = None
    """The optical link in whose cables it runs, on strands of its own."""
    cables: tuple[Id, ...] = ()
    """The cables in which it runs, from a to b."""
    carrier: str = ""
    """What carries it, where it is not in the plant."""
    srlgs: tuple[Id, ...] = ()
    """Declared shared risks that take it away."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.along is not None) + bool(self.cables) + bool(self.carrier) != 1:
            raise ValueError("say exactly one of along, cables and carrier")
        return self


class ControlFile(Model):
    """`topology/control.yaml`: sites with a controller, and how the others are reached from there."""

    controllers: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Sites with a controller."""
    links: tuple[ControlLinkEntry, ...] = ()
    """Links of the management network."""


class MaintenanceEntry(Model):
    """One link or one switch that carries no traffic on purpose; delete the entry to take it back.

    `until` is for people: nothing comes back by itself because a date has passed.
    """

    link: Id | None = None
    """The link."""
    node: Id | None = None
    """Or the switch."""
    reason: Annotated[str, Field(min_length=1)]
    """Why, for people."""
    until: date | None = None
    """Until when, for people: nothing comes back by itself."""

    @model_validator(mode="after")
    def _one_object(self) -> Self:
        if (self.link is None) == (self.node is None):
            raise ValueError("name exactly one of link and node")
        return self


class MaintenanceFile(Model):
    """`topology/maintenance.yaml`."""

    out_of_service: tuple[MaintenanceEntry, ...] = ()
    """Links and switches that carry no traffic on purpose."""
