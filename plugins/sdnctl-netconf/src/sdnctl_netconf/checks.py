"""What is refused before a device is asked: ports that are somebody's, and what a platform cannot do."""

from __future__ import annotations

from collections.abc import Mapping

from sdnctl.dataplane.attachment import Attachment, AttachmentKey
from sdnctl.errors import DeviceError
from sdnctl.southbound import device_faults
from sdnctl_netconf.platform import Platform, Running


def refusals(
    device: str, platform: Platform, running: Running, asked: Mapping[AttachmentKey, Attachment | None]
) -> list[DeviceError]:
    """Everything that is wrong with what each key should hold (None: nothing), one error each."""
    found: list[DeviceError] = []
    tags: dict[tuple[str, int], Attachment] = {}
    for attachment in asked.values():
        if attachment is None:
            continue
        found += _of_one(device, platform, running, attachment)
        place = attachment.uplink, attachment.tag
        others = [other for other in running.taken.get(place, ()) if isinstance(other, str) or other not in asked]
        twin = tags.setdefault(place, attachment)
        if others or twin is not attachment:
            name = str(twin) if twin is not attachment else _named(others[0])
            detail = f"VLAN {attachment.tag} of {attachment.uplink} is that of {name} already"
            found.append(device_faults.refused(device, "edit", detail, attachment))
    return found


def _of_one(device: str, platform: Platform, running: Running, wanted: Attachment) -> list[DeviceError]:
    for port in (wanted.port, wanted.uplink):
        if port not in running.ports:
            known = ", ".join(sorted(running.ports)[:8]) or "none"
            return [device_faults.refused(device, "edit", f"it has no port {port}; ports: {known}", wanted)]
    if wanted.port in running.foreign:
        return [device_faults.port_in_use(device, wanted, running.foreign[wanted.port])]
    return [
        device_faults.cannot(device, what, wanted)
        for what, able, asked in (
            ("policing", platform.policing, wanted.rate is not None or wanted.burst is not None),
            ("marking", platform.marking, wanted.priority is not None),
            ("vlans", platform.vlans, wanted.vlan is not None),
        )
        if asked and not able
    ]


def _named(other: AttachmentKey | str) -> str:
    if isinstance(other, str):
        return other
    port, vlan = other
    return port if vlan is None else f"{port} VLAN {vlan}"
