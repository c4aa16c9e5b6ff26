"""Receive powers that somebody accepted, in a file beside the store: what `inventory check --live` compares with.

They belong to the folder on one machine, as the store does; a port without one is judged by its budget alone. The
file is JSON, ``{"format": 1, "levels": {"core-a:3": -6.2}}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError, brief
from sdnctl.inventory.live.readings import Place
from sdnctl.plainjson import parse_json
from sdnctl.units import Power
from sdnctl.usecases.files import write_text

FORMAT = 1


def levels_file(folder: Path) -> Path:
    return folder / ".sdnctl" / "levels.json"


def read_levels(folder: Path) -> Mapping[Place, Power]:
    """What was accepted, dBm by port; nothing before the first time. Raises InputError for a broken file."""
    path = levels_file(folder)
    try:
        document = parse_json(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r}")
        return dict(_level(name, value) for name, value in document["levels"].items())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(
            Diagnostic(
                "levels-unreadable",
                "the accepted receive powers cannot be read",
                str(path),
                detail=brief(f"{type(error).__name__}: {error}"),
                hint="delete the file and accept them anew: `sdnctl inventory check --live --accept-levels`",
            )
        ) from error


def _level(name: str, value: float) -> tuple[Place, Power]:
    device, found, port = name.partition(":")
    level = float(value)
    if not found or not math.isfinite(level):
        raise ValueError(f"{name}: {value}")
    return (device, port), Power(level)


def write_levels(folder: Path, levels: Mapping[Place, Power]) -> None:
    """Remember these, complete or not at all. Raises InputError."""
    path = levels_file(folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(Diagnostic("cannot-write", f"{path.parent} cannot be made", detail=str(error))) from error
    table = {f"{device}:{port}": round(level, 2) for (device, port), level in sorted(levels.items())}
    write_text(path, json.dumps({"format": FORMAT, "levels": table}, indent=1) + "\n")
