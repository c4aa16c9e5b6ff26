"""What escapes from a driver as an error of its device: it takes no other device along, and tells no secret."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound.base import Target
from sdnctl.southbound.references import discreet

logger = logging.getLogger(__name__)


def driver_fault(
    device: str, targets: Iterable[Target], error: Exception, kind: type[DeviceError] = DeviceError
) -> DeviceError:
    """`error` as it may be shown, of `kind` where it is none of a device yet; `targets` know the driver's secrets.

    What is neither an error of a device nor of the system is a bug of the driver, and logged with where it was.
    """
    if isinstance(error, DeviceError):
        found, cause = error, error.__cause__
    else:
        said = Diagnostic(
            "driver-failed",
            f"the driver of {device} failed",
            f"device {device}",
            detail=f"{type(error).__name__}: {error}",
            hint="" if isinstance(error, OSError) else "a fault of the driver or of its library: please report it",
        )
        found = kind(said)
        cause = error
    for target in targets:
        found = discreet(found, target, cause)
        cause = found.__cause__
    if not isinstance(error, DeviceError | OSError):
        logger.error("%s: its driver failed", device, exc_info=cause)
    return found
