"""What a folder that is valid still lacks on this machine: drivers for the devices that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sdnctl.errors import Diagnostic, InputError, Severity
from sdnctl.topology.graph import Device
from sdnctl.usecases.context import Context


def lacking(context: Context) -> tuple[Diagnostic, ...]:
    """A warning for each driver of a device that is not installed, and for each device that none can configure.

    Warnings, because a folder may be checked where nothing is driven; a plan on such a machine is an error.
    """
    devices = context.loaded.network.topology.devices.values()
    return tuple(found for device in devices for found in _lacking(context, device))


def _lacking(context: Context, device: Device) -> Iterator[Diagnostic]:
    address, source = f"device {device.id}", device.source
    payloads = set()
    whole = True
    for name in sorted(device.drivers):
        try:
            payloads.add(context.registry.load(name).payload)
        except InputError as error:
            whole = False
            for item in error.diagnostics:
                yield replace(item, address=address, source=source, severity=Severity.WARNING)
    if whole and "attachments" not in payloads:
        yield Diagnostic(
            "no-attachment-driver",
            f"no driver of {device.id} configures attachments",
            address,
            source,
            detail=f"it has {', '.join(sorted(device.drivers))}",
            hint="`sdnctl drivers` says what each carries; give the device one that carries attachments",
            severity=Severity.WARNING,
        )
