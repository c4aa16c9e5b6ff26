"""From changes to what is typed: which attachments a device should hold then, what speaks against it, which lines.

Pure: a running configuration and changes in, lines out. A `Step` is the lines of one attachment, so that a refusal
of the device can be told to whom it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sdnctl.dataplane.attachment import Attachment, AttachmentKey
from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl.plan.model import AttachmentChange, DeviceChange, Op
from sdnctl.southbound import device_faults
from sdnctl_netmiko.parsing import Running
from sdnctl_netmiko.platform import Platform

Held = Mapping[AttachmentKey, Attachment]

# What can be typed at a prompt and comes back as it was: no control characters, and no ? that asks for help.
_TYPEABLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_ASKS = re.compile(r"[?\x7f]")


@dataclass(frozen=True, slots=True)
class Step:
    """Lines that concern one attachment."""

    attachment: Attachment
    lines: tuple[str, ...]


def folded(device: str, held: Held, changes: Sequence[DeviceChange]) -> dict[AttachmentKey, Attachment]:
    """What the device holds after the changes; raises DeviceRefused for changes of another payload."""
    after = dict(held)
    for change in changes:
        if not isinstance(change, AttachmentChange):
            raise device_faults.refused(device, "edit", "it holds attachments, not rules or settings")
        if change.op is Op.DELETE:
            after.pop(change.attachment.key, None)
        else:
            after[change.attachment.key] = change.attachment
    return after


def check(device: str, platform: Platform, running: Running, after: Held) -> None:
    """Raise DeviceRefused with everything that speaks against holding `after`.

    Only what is new is looked at: what stands there already is not refused a second time.
    """
    found: list[Diagnostic] = []
    for attachment in _new(running.attachments, after):
        found += _faults(device, platform, running, attachment)
    taken: dict[int, Attachment] = {}
    for attachment in after.values():
        if attachment.tag and (other := taken.setdefault(attachment.tag, attachment)) is not attachment:
            detail = f"VLAN {attachment.tag} of the uplink is that of {other.port} already"
            found += device_faults.refused(device, "validate", detail, attachment).diagnostics
    if found:
        raise DeviceRefused(*found)


def _faults(device: str, platform: Platform, running: Running, wanted: Attachment) -> Iterable[Diagnostic]:
    settings = platform.settings
    for text in (wanted.port, wanted.uplink):
        if not re.fullmatch(settings.port, text):
            detail = f"{text!r} cannot be the name of a port on platform {platform.name}"
            yield from device_faults.refused(device, "validate", detail, wanted).diagnostics
    if not _TYPEABLE.fullmatch(wanted.endpoint) or _ASKS.search(wanted.endpoint):
        detail = "the endpoint's name has characters that cannot be typed at a prompt"
        yield from device_faults.refused(device, "validate", detail, wanted).diagnostics
    for ability, asked in (
        ("policing", wanted.rate is not None),
        ("marking", wanted.priority is not None),
        ("vlans", wanted.vlan is not None),
    ):
        if asked and ability not in settings.can:
            yield from device_faults.cannot(device, ability, wanted).diagnostics
    for key in ((wanted.port, None), wanted.key):
        if key in running.foreign:
            yield from device_faults.port_in_use(device, wanted, running.foreign[key]).diagnostics
            break
    if wanted.tag in running.foreign_tags:
        detail = f"VLAN {wanted.tag} of {wanted.uplink} is somebody else's: {running.foreign_tags[wanted.tag]}"
        yield from device_faults.refused(device, "validate", detail, wanted).diagnostics


def steps(platform: Platform, running: Running, after: Held) -> list[Step]:
    """What is typed to get from what is there to `after`: first what goes, then what comes or changes.

    Templates see `a` (the attachment), `before` (what was there with the same tag, None where nothing was),
    `mates` (ours on the same port afterwards, `a` included) and `leftover` (whether parts of this tag are there
    that belong to nobody).
    """
    before = running.attachments
    leaving = [old for key, old in before.items() if key not in after or not _same_place(old, after[key])]
    coming = list(_new(before, after))
    touched = {one.port for one in (*leaving, *coming)}
    # A port may look different with other customers on it, so those that stay are typed again.
    staying = [one for one in after.values() if one.port in touched and one not in coming]
    found = [Step(old, platform.lines("detach.j2", a=old, mates=_mates(after, old.port))) for old in leaving]
    for new in (*coming, *staying):
        old = before.get(new.key)
        lines = platform.lines(
            "attach.j2",
            a=new,
            before=old if old is not None and _same_place(old, new) else None,
            mates=_mates(after, new.port),
            leftover=new.tag in running.leftover,
        )
        found.append(Step(new, lines))
    return found


def _new(before: Held, after: Held) -> Iterable[Attachment]:
    return [attachment for key, attachment in after.items() if before.get(key) != attachment]


def _same_place(old: Attachment, new: Attachment) -> bool:
    """Whether the one can be made of the other without taking it off first."""
    return (old.tag, old.uplink) == (new.tag, new.uplink)


def _mates(after: Held, port: str) -> list[Attachment]:
    return sorted((one for one in after.values() if one.port == port), key=lambda one: one.vlan or 0)


def differences(held: Held, wanted: Held) -> list[str]:
    """What a device holds otherwise than it should, in words."""
    found = []
    for key in sorted({*held, *wanted}, key=lambda key: (key[0], key[1] or 0)):
        have, want = held.get(key), wanted.get(key)
        if have != want:
            found.append(f"{want} is {'missing' if have is None else have}" if want else f"{have} is still there")
    return found
