"""What gear that is no switch of the network does for an endpoint: one port, one VLAN towards the network.

An access switch in a school, a router at a hand-over: frames of a customer port come out of its uplink under a tag
of their own (IEEE 802.1Q), limited and marked, and the other way round. The switch that the uplink is plugged into
tells endpoints apart by that tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from sdnctl.quick import quick

AttachmentKey: TypeAlias = tuple[str, int | None]
"""A port of the device, and the VLAN of the customer's frames there (None: untagged)."""
OWNER_PREFIX = "sdnctl "
"""How the descriptions of what is ours begin on a device; what begins otherwise is left alone."""


@quick
@dataclass(frozen=True, slots=True)
class Attachment:
    """One endpoint on one device.

    `port` and `uplink` are interfaces as the device names them. `tag`: VLAN on the uplink, 2 to 4094. `vlan`:
    that of the customer's frames, None where they are untagged. `rate`: bit/s that the device lets in from the
    customer, with `burst` octets at once; None: unlimited. `priority`: PCP of the frames on the uplink, 0 to 7;
    None: left as it is. `endpoint`: whose it is; devices hold it as the description ``sdnctl ENDPOINT``.
    """

    port: str
    uplink: str
    tag: int
    endpoint: str
    vlan: int | None = None
    rate: int | None = None
    burst: int | None = None
    priority: int | None = None

    @property
    def key(self) -> AttachmentKey:
        return self.port, self.vlan

    @property
    def description(self) -> str:
        """The text by which the device's own configuration tells whose this is."""
        return f"{OWNER_PREFIX}{self.endpoint}"

    def __str__(self) -> str:
        tagged = f" VLAN {self.vlan}" if self.vlan is not None else ""
        return f"{self.port}{tagged} → {self.uplink} VLAN {self.tag}"


Attachments: TypeAlias = Mapping[AttachmentKey, Attachment]
"""All that one device holds, or should."""


def keyed(attachments: Iterable[Attachment]) -> dict[AttachmentKey, Attachment]:
    """Attachments by port and VLAN."""
    return {one.key: one for one in attachments}


def in_order(attachments: Attachments) -> list[Attachment]:
    """Attachments by port, the untagged one first."""
    return sorted(attachments.values(), key=lambda one: (one.port, one.vlan or 0))


def owner_of(description: str) -> str | None:
    """The endpoint that a description names, or None where it is not one of ours."""
    return description.removeprefix(OWNER_PREFIX) if description.startswith(OWNER_PREFIX) else None


def format_attachment(attachment: Attachment) -> str:
    """All of one attachment on a line: ``eth3 VLAN 20 → eth9 VLAN 101, ≤ 2000000 bit/s, PCP 5, ENDPOINT``."""
    said = [str(attachment)]
    if attachment.rate is not None:
        burst = f" (burst {attachment.burst} B)" if attachment.burst is not None else ""
        said.append(f"≤ {attachment.rate} bit/s{burst}")
    if attachment.priority is not None:
        said.append(f"PCP {attachment.priority}")
    return ", ".join([*said, attachment.endpoint])


def dump_attachment(attachment: Attachment) -> dict[str, str | int]:
    """As JSON; fields that say nothing are left out."""
    values = {field.name: getattr(attachment, field.name) for field in fields(Attachment)}
    return {name: value for name, value in values.items() if value is not None}


def load_attachment(data: Mapping[str, Any]) -> Attachment:
    """Read what `dump_attachment` made; raises ValueError or TypeError for anything else."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{data!r} is no attachment")
    for name, value in data.items():
        wanted = str if name in ("port", "uplink", "endpoint") else int
        if type(value) is not wanted:
            raise ValueError(f"{name} is {value!r}")
    return Attachment(**data)
