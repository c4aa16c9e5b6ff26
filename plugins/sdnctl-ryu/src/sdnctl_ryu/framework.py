"""The framework that this process runs: os-ken, or Ryu where that is what was started or all that is there.

Both have the same modules under another name. Only what runs inside the application imports this module: the
driver's side needs no framework.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any


def _package() -> str:
    """Name of the framework's package; the one that is already running here wins."""
    for name in ("os_ken", "ryu"):
        if f"{name}.base.app_manager" in sys.modules:
            return name
    try:
        import_module("os_ken")
    except ImportError:
        return "ryu"
    return "os_ken"


PACKAGE = _package()
NAME = {"os_ken": "os-ken"}.get(PACKAGE, PACKAGE)
DESCRIPTION = f"{NAME} {version(NAME)}"


def module(path: str) -> Any:
    """A module of the framework, such as ``controller.ofp_event``."""
    return import_module(f"{PACKAGE}.{path}")


app_manager: Any = module("base.app_manager")
cfg: Any = module("cfg")
handler: Any = module("controller.handler")
hub: Any = module("lib.hub")
ofp: Any = module("ofproto.ofproto_v1_3")
ofp_event: Any = module("controller.ofp_event")
parser: Any = module("ofproto.ofproto_v1_3_parser")

Application: Any = app_manager.OSKenApp if PACKAGE == "os_ken" else app_manager.RyuApp
