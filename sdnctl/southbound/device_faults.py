"""Errors of drivers that configure devices, in one wording: each names the device and the step that failed.

Steps are the words of people: connect, lock, edit, validate, commit, confirm, read back, revert. `detail` is what
the device or a library said; whoever passes it has scrubbed it (`references.scrub`).
"""

from __future__ import annotations

from collections.abc import Iterable

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, Diagnostic, ProtocolError


def unreachable(device: str, step: str, detail: str = "") -> DeviceUnreachable:
    """The device does not answer, or not any more."""
    return DeviceUnreachable(
        Diagnostic(
            "device-unreachable",
            f"{device} does not answer (step: {step})",
            f"device {device}, {step}",
            detail=detail,
            hint="is the device up, and its address right?",
        )
    )


def bad_credentials(device: str, detail: str = "") -> DeviceError:
    """The device does not let us in."""
    return DeviceError(
        Diagnostic(
            "bad-credentials",
            f"{device} refuses the credentials (step: connect)",
            f"device {device}, connect",
            detail=detail,
            hint="see what `credentials` in inventory/equipment.yaml refers to",
        )
    )


def refused(device: str, step: str, detail: str, attachment: Attachment | None = None) -> DeviceRefused:
    """The device said no: to one attachment, or to all that was asked."""
    what = f": {attachment}" if attachment is not None else ""
    of = f" of {attachment.endpoint}" if attachment is not None else ""
    return DeviceRefused(
        Diagnostic(
            "device-refused",
            f"{device} refused (step: {step}){what}{of}",
            f"device {device}, {step}" + (f", {attachment.port}" if attachment is not None else ""),
            detail=detail,
        )
    )


def cannot(device: str, what: str, attachment: Attachment) -> DeviceRefused:
    """The driver declares that the device cannot do this; `what` as `can:` in the inventory calls it."""
    return DeviceRefused(
        Diagnostic(
            "device-cannot",
            f"{device} cannot do {what}, asked for {attachment} of {attachment.endpoint}",
            f"device {device}, {attachment.port}",
            hint=f"leave {what} out of `can:` of the device in inventory/equipment.yaml",
        )
    )


def port_in_use(device: str, attachment: Attachment, used_by: str) -> DeviceRefused:
    """A port has configuration that is not ours."""
    return DeviceRefused(
        Diagnostic(
            "port-in-use",
            f"{device}: {attachment.port} has configuration that is not sdnctl's, so {attachment.endpoint} "
            "cannot have it",
            f"device {device}, {attachment.port}",
            detail=used_by,
            hint="remove it on the device, or give the endpoint another port",
        )
    )


def not_held(device: str, wrong: Iterable[str], step: str = "read back") -> DeviceError:
    """The device confirmed, and its running configuration says otherwise."""
    names = list(wrong)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return DeviceError(
        Diagnostic(
            "read-back",
            f"{device} does not hold what it confirmed a moment ago: {'; '.join(names[:5])}{more}",
            f"device {device}, {step}",
            hint="somebody else may be writing to it, or it restarted",
        )
    )


def garbage(device: str, step: str, detail: str) -> ProtocolError:
    """What the device sent is not what its protocol or platform allows."""
    return ProtocolError(
        Diagnostic(
            "device-garbage",
            f"{device} sent something that cannot be read (step: {step})",
            f"device {device}, {step}",
            detail=detail,
            hint="does the driver's platform fit the device?",
        )
    )
