"""One runner: ``make bench`` for all, ``make bench ONLY=push`` for one.

Each bench runs in a process of its own, because memory and caches of one would be the next one's, and its report
goes to ``lab/reports/bench-NAME.txt`` with command, date and machine. Ratios are what counts; absolute figures
move with the machine. Exit code 1 when a claim was missed.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from lab.bench.measure import Report

ROOT = Path(__file__).parent.parent.parent
REPORTS = ROOT / "lab" / "reports"
BENCHES: Mapping[str, str] = {
    "start": "starting",
    "load": "loading",
    "compile": "compiling",
    "increment": "increment",
    "verify": "verifying",
    "push": "pushing",
    "read": "reading",
    "packetin": "packetin",
    "scale": "scaling",
    "observe": "observing",
    "reroute": "reroute",
    "cut": "cutting",
    "plant": "plant",
    "snmp": "snmp",
    "devices": "devices",
}
"""Name → module of this package with ``run(report)``; its docstring says what is measured against what."""


def measure(name: str) -> int:
    """Run one bench here, print its report, say in a word whether its claims held."""
    module = importlib.import_module(f"lab.bench.{BENCHES[name]}")
    report = Report()
    report.print((module.__doc__ or name).partition("\n")[0])
    module.run(report)
    missed = [claim for claim in report.claims if not claim.held]
    if report.claims:
        report.print(f"{len(report.claims) - len(missed)} of {len(report.claims)} claims held")
    return 1 if missed else 0


def head(name: str, date: datetime) -> str:
    """What a report begins with: the command, the date, the machine."""
    ovs = subprocess.run(["ovs-vswitchd", "--version"], capture_output=True, text=True, check=False).stdout
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"command: make bench ONLY={name}\n"
        f"date:    {date:%Y-%m-%d %H:%M} UTC\n"
        f"machine: {os.cpu_count()} cores, load {load}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {ovs.partition(chr(10))[0] or 'no Open vSwitch'}\n\n"
    )


def record(name: str) -> int:
    """Run one bench in a process of its own, to the terminal and into its report."""
    command = [sys.executable, "-u", "-m", "lab.bench", "--here", name]
    print(f"── {name} {'─' * (76 - len(name))}", flush=True)
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode in (0, 1) and lines:
        REPORTS.mkdir(exist_ok=True)
        text = head(name, datetime.now(UTC)) + "".join(f"{line.rstrip()}\n" for line in lines)
        (REPORTS / f"bench-{name}.txt").write_text(text, encoding="utf-8")
    return process.returncode


def main() -> int:
    arguments = sys.argv[1:]
    here = arguments[:1] == ["--here"]
    wanted = arguments[here:] or list(BENCHES)
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        print(f"no bench {', '.join(unknown)}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 64
    if here:
        return measure(wanted[0])
    if shutil.which("ovs-vswitchd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        print("Open vSwitch is not installed: push, read and observe will fail", file=sys.stderr)
    codes = {name: record(name) for name in wanted}
    failed = [name for name, code in codes.items() if code]
    if failed:
        print(f"missed or failed: {', '.join(failed)}")
    return max(codes.values(), default=0) and 1


if __name__ == "__main__":
    sys.exit(main())
