"""Where customers are plugged in."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from sdnctl.inventory.fields import EndField, Id, MacField, PrefixField, Words, words
from sdnctl.inventory.models.base import PlantObject
from sdnctl.inventory.references import PortText


class EndpointRow(PlantObject):
    """Where customer gear is plugged in: switch and port, a VLAN or the whole port, and its addresses.

    `prefixes` and `tags` are separated by semicolons.
    """

    site: Id
    """The site where the customer is."""
    device: Id
    """A switch, or gear beside the switches."""
    port: PortText
    """The switch port's number, or the name of the device's port."""
    vlan: Annotated[int, Field(ge=1, le=4094)] | None = None
    """The VLAN of the customer's frames; without it the whole port."""
    mac: MacField | None = None
    """Its MAC address; only these frames come in."""
    prefixes: Annotated[tuple[PrefixField, ...], BeforeValidator(words)] = ()
    """Its addresses (`10.1.2.0/24`); trees and meshes need them."""
    kind: str
    """What it is (`camera`, `flood-sensor`), for selectors of intents."""
    tags: Words = ()
    """Words for selectors of intents."""
    terminal: EndField | None = None
    """Where the glass of the port ends at the customer's place: a connectorised strand or a position of an ODF
    there."""
