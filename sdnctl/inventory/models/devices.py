"""Gear beside the switches, reached by drivers of its own kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from sdnctl.inventory.fields import Id, Whole
from sdnctl.inventory.models.base import PlantObject, Strict
from sdnctl.inventory.references import (
    ABILITIES,
    Ability,
    DeviceAddress,
    FileReference,
    HostKey,
    PortName,
    Reference,
    TagsField,
    no_secrets,
)


class UplinkModel(Strict):
    """Where a device's frames come into the network: its own port, and the switch port at the other end."""

    port: PortName
    """The device's own port, by its name there."""
    switch: Id
    """The switch at the other end."""
    switch_port: Annotated[Whole, Field(ge=1, lt=0xFF00)]
    """The OpenFlow port number of that switch."""


class CredentialsModel(Strict):
    """How a driver logs in; secrets by reference only (``env:NAME``, ``file:PATH``), so that git never has them.

    SSH and NETCONF: `username` with `password` or `key`, `enable`. SNMP: `community`, or `username` with
    `auth_key` and `privacy_key`.
    """

    username: str | None = None
    """As whom the driver logs in; no secret."""
    password: Reference | None = None
    """Its password."""
    key: FileReference | None = None
    """The file of its private key (SSH)."""
    passphrase: Reference | None = None
    """What the private key is locked with."""
    enable: Reference | None = None
    """The password of the privileged mode."""
    community: Reference | None = None
    """The community (SNMP v2c)."""
    auth_key: Reference | None = None
    """The key of authentication (SNMP v3)."""
    privacy_key: Reference | None = None
    """The key of encryption (SNMP v3)."""
    token: Reference | None = None
    """What a web interface asks for."""


class DeviceModel(PlantObject):
    """Gear beside the switches: an access switch in a school, a router at a hand-over.

    Endpoints behind it leave by its `uplink`, each under a VLAN of its own out of `tags`.
    """

    site: Id
    """The site at which it stands."""
    platform: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=64)]
    """What its driver calls its kind (`eos`, `frr`)."""
    uplink: UplinkModel
    """Where its frames come into the network."""
    tags: TagsField
    """VLANs that sdnctl may use on the uplink (`100-199`)."""
    drivers: Annotated[dict[str, DeviceAddress], Field(min_length=1)]
    """The drivers that speak to it, each with the address that it dials."""
    credentials: CredentialsModel = CredentialsModel()
    """How drivers log in."""
    host_key: HostKey | None = None
    """The SSH key by which the device is known: its fingerprint or a file of known hosts."""
    can: tuple[Ability, ...] = ABILITIES
    """What the driver may use it for: `policing` (limits of what customers send), `marking` (priorities on the
    uplink), `vlans` (customers' own VLANs)."""
    options: Annotated[dict[str, str], AfterValidator(no_secrets)] = {}
    """What the driver is given besides; no secrets."""
