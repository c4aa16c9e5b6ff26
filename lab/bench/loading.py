"""Loading and checking of network folders, against a bare parse of the same octets by the C parsers.

The bare parse reads every file that the loader reads: YAML by libyaml into plain values, CSV by `csv`, GeoJSON by
`json`. What is on top of it is checks, models, tracing of all glass, derivation of the topology, resolution of
demands.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from lab.bench.measure import Report, cpu, growth, interleaved, medians, program, ratio
from sdnctl.cli.garbage import spare_collections
from sdnctl.workspace.folder import load_network

ROOT = Path(__file__).parent.parent.parent
FOLDERS = {
    "small example": ROOT / "lab" / "examples" / "small",
    "reference network": ROOT,
}
ROUNDS = 5
SECONDS = 2.0
"""What the issue allows for the reference network."""


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


PARSERS: Mapping[str, Callable[[str], object]] = {
    ".yaml": _yaml,
    ".csv": lambda text: list(csv.reader(io.StringIO(text))),
    ".geojson": json.loads,
}


def files(folder: Path) -> list[Path]:
    """The files of a network folder that hold data."""
    found = [folder / "network.yaml"]
    for name in ("inventory", "topology", "intents"):
        found += sorted(path for path in (folder / name).rglob("*") if path.suffix in PARSERS)
    return found


def bare(paths: list[Path]) -> None:
    """Read and parse every file, and keep nothing."""
    for path in paths:
        PARSERS[path.suffix](path.read_text(encoding="utf-8"))


def run(report: Report) -> None:
    """CPU seconds over size, in this process; then the command as people run it."""
    spare_collections()
    sizes, ours = [], []
    for name, folder in FOLDERS.items():
        paths = files(folder)
        octets = sum(path.stat().st_size for path in paths)
        found = interleaved(
            ROUNDS,
            {"load": partial(cpu, partial(load_network, folder)), "bare": partial(cpu, partial(bare, paths))},
        )
        middle = medians(found)
        sizes.append(octets)
        ours.append(middle["load"])
        report.print(
            f"{name:18} {len(paths):3} files, {octets / 1024:7.0f} KB: load {middle['load']:.3f} s of CPU, "
            f"bare parse {middle['bare']:.3f} s, {ratio(found, 'load', 'bare'):.2f}×"
        )
    report.print(f"growth of the time over octets: octets^{growth(sizes, ours):.2f}")
    command = [sys.executable, "-m", "sdnctl", "--network", str(ROOT), "validate"]
    used = [program(command) for _ in range(ROUNDS)]
    seconds = statistics.median(one.cpu for one in used)
    report.print(
        f"sdnctl validate, start included: {statistics.median(one.wall for one in used):.2f} s by the clock, "
        f"{seconds:.2f} s of CPU, peak {max(one.peak for one in used):.0f} MB"
    )
    report.claim("the reference network validates, CPU of the whole command", seconds, SECONDS, unit=" s")
