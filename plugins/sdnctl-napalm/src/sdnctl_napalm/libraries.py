"""NAPALM and pyeapi: imported here and nowhere else, and here only when the first connection is opened.

They bring some 800 modules along, for every platform there is, and take a second. `tell` turns what they raise
into errors in terms of the device.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from typing import Any

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound import device_faults as faults

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of libraries for platforms that we do not use
    import napalm
    from napalm.base import exceptions as said_by_napalm
    from pyeapi.eapilib import CommandError

from sdnctl_napalm.eapi import CheckedEapi, Unauthorised, Unreadable

LONGEST = 600
"""Characters of what a device says that are repeated: enough for its message, too few for its configuration."""

_REFUSALS = (
    said_by_napalm.MergeConfigException,
    said_by_napalm.ReplaceConfigException,
    said_by_napalm.CommitError,
    said_by_napalm.CommandErrorException,
    CommandError,
)


def driver(platform: str, host: str, port: int, login: tuple[str, str, str], timeout: int, **trust: Any) -> Any:
    """NAPALM's driver for a platform, not yet open; `login` is user, password and enable password."""
    username, password, enable = login
    arguments = {"transport": CheckedEapi, "port": port, "enable_password": enable, **trust}
    return napalm.get_network_driver(platform)(host, username, password, timeout, arguments)


def tell(
    device: str,
    step: str,
    error: Exception,
    clean: Callable[[str], str],
    blame: Callable[[str], Attachment | None],
) -> DeviceError:
    """The error for people. `clean` takes secrets out; `blame` finds the attachment that a refusal is about."""
    said = clean(" ".join(str(error).split()))[:LONGEST]
    if isinstance(error, Unauthorised) or (isinstance(error, CommandError) and "'enable' failed" in said):
        return faults.bad_credentials(device, said)
    if isinstance(error, Unreadable):
        return faults.garbage(device, step, said)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(device, error.verify_message)
    if isinstance(error, ssl.SSLError):
        return faults.garbage(device, step, f"it is not TLS: {error.reason or 'the handshake failed'}")
    if isinstance(error, OSError):
        return faults.unreachable(device, step, clean(error.strerror or said or type(error).__name__))
    if isinstance(error, said_by_napalm.SessionLockedException):
        return faults.refused(device, "lock", said)
    if isinstance(error, said_by_napalm.UnsupportedVersion):
        return faults.refused(device, step, f"NAPALM does not support its version {said}")
    if isinstance(error, _REFUSALS):
        return faults.refused(device, step, said, blame(said))
    if isinstance(error, (LookupError, TypeError, ValueError, AttributeError)):
        # NAPALM and the parsers look for what a device always says; here it did not.
        return faults.garbage(device, step, f"{type(error).__name__}: {said}")
    return faults.refused(device, step, f"{type(error).__name__}: {said}")


def _untrusted(device: str, why: str) -> DeviceError:
    return DeviceError(
        Diagnostic(
            "host-key-changed",
            f"the certificate of {device} is not one that its `host_key` vouches for",
            f"device {device}, connect",
            detail=why,
            hint="somebody else may answer at this address; if the device was replaced, write the fingerprint of "
            "its certificate, or the file of its authority, as host_key in inventory/equipment.yaml",
        )
    )
