"""Where customers are plugged in."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from sdnctl.inventory.fields import EndField, Id, MacField, PrefixField, Words, words
from sdnctl.inventory.models.base import PlantObject
from sdnctl.inventory.references import PortText


class EndpointRow(PlantObject):
    """Where customer gear is plugged in: switch and port, a VLAN or the whole port, and its addresses.

    `device` is a switch, with the port's number, or gear beside the switches, with the port's name there.
    `prefixes` and `tags` are separated by semicolons. `terminal` is where the glass of the port ends at the
    customer's place: a connectorised strand (``dr-0001:1``) or a position of an ODF there.
    """

    site: Id
    device: Id
    port: PortText
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    mac: MacField | None = None
    prefixes: Annotated[tuple[PrefixField, ...], BeforeValidator(words)] = ()
    kind: str
    tags: Words = ()
    terminal: EndField | None = None
