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
    switch: Id
    switch_port: Annotated[Whole, Field(ge=1, lt=0xFF00)]


class CredentialsModel(Strict):
    """How a driver logs in; secrets by reference only (``env:NAME``, ``file:PATH``), so that git never has them.

    SSH and NETCONF: `username` with `password` or `key` (a private key's file, with its `passphrase`), `enable`.
    SNMP: `community`, or `username` with `auth_key` and `privacy_key`. `token` is for web interfaces.
    """

    username: str | None = None
    password: Reference | None = None
    key: FileReference | None = None
    passphrase: Reference | None = None
    enable: Reference | None = None
    community: Reference | None = None
    auth_key: Reference | None = None
    privacy_key: Reference | None = None
    token: Reference | None = None


class DeviceModel(PlantObject):
    """Gear beside the switches: an access switch in a school, a router at a hand-over.

    Endpoints behind it leave by its `uplink`, each under a VLAN of its own out of `tags`. `platform` is what its
    driver calls its kind; `can` what the driver may use it for. `options` go to the driver as they are.
    """

    site: Id
    platform: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=64)]
    uplink: UplinkModel
    tags: TagsField
    drivers: Annotated[dict[str, DeviceAddress], Field(min_length=1)]
    credentials: CredentialsModel = CredentialsModel()
    host_key: HostKey | None = None
    can: tuple[Ability, ...] = ABILITIES
    options: Annotated[dict[str, str], AfterValidator(no_secrets)] = {}
