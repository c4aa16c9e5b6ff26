"""What differs between the platforms that NAPALM drives: how configurations are read and checked, and locks.

What is written to a device is in `templates/PLATFORM/`. A platform is a module with a `Platform`, and templates.
"""

from __future__ import annotations

from sdnctl.errors import DeviceRefused, Diagnostic
from sdnctl_napalm.platforms.base import Held, Platform
from sdnctl_napalm.platforms.eos import Eos

PLATFORMS: dict[str, Platform] = {"eos": Eos()}

__all__ = ["PLATFORMS", "Held", "Platform", "platform_of"]


def platform_of(device: str, name: str) -> Platform:
    """The platform of this name; raises DeviceRefused with those that there are."""
    if name not in PLATFORMS:
        raise DeviceRefused(
            Diagnostic(
                "napalm-platform",
                f"the driver napalm has no templates for the platform {name!r} of {device}"
                if name
                else f"{device} has no platform, which the driver napalm needs",
                f"device {device}, connect",
                hint=f"platforms with templates: {', '.join(sorted(PLATFORMS))}",
            )
        )
    return PLATFORMS[name]
