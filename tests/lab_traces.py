"""What a lab may leave on a machine: interfaces, namespaces, mounts, processes, files, records, queues, rules."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from ovs_fixture import tool

from sdnctl.lab import netns
from sdnctl.lab import record as records
from sdnctl.lab.ovslab import RUN_DIR

Traces = frozenset[str]
_SYSTEM_DATABASE = Path("/run/openvswitch/db.sock")


def _run(*words: str) -> str:
    """What a program lists; nothing where only root may ask, or nobody can have used it: it is not installed."""
    if os.geteuid() != 0 or netns.program(words[0]) is None:
        return ""
    return subprocess.run([tool(words[0]), *words[1:]], capture_output=True, text=True, check=True).stdout


def of_folder(folder: Path) -> Traces:
    """Everything that carries the key of a folder's lab, and the files that stand in its `.sdnctl`."""
    key = records.lab_key(folder)
    return frozenset(one for one in (*_machine(), *_processes()) if key in one) | {
        f"file {path}" for path in (folder / ".sdnctl").rglob("*") if not path.name.startswith("store.db")
    }


def of_machine() -> Traces:
    """Everything of these kinds that there is, whosever it is; of processes, only those of labs."""
    return frozenset(_machine()) | {one for one in _processes() if str(RUN_DIR) in one or "sdnctl-" in one}


def of_this_process() -> tuple[int, Traces]:
    """Open files and threads of the test itself."""
    return len(os.listdir("/proc/self/fd")), frozenset(os.listdir("/proc/self/task"))


def _machine() -> Iterator[str]:
    for interface in json.loads(_run("ip", "-j", "link") or "[]"):
        yield f"interface {interface['ifname']}"
    for line in _run("tc", "qdisc", "show").splitlines():
        yield f"queue {line}"
    for line in _run("nft", "list", "ruleset").splitlines():
        yield f"filter {line}"
    for line in _run("ip", "netns", "list").splitlines():
        yield f"namespace {line.split()[0]}"
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        yield f"mount {line.split()[1]}"
    for place in (RUN_DIR, Path("/etc/netns"), netns.NETNS_DIR):
        for path in place.rglob("*"):
            yield f"file {path}"
    if _SYSTEM_DATABASE.exists():
        for line in _run("ovs-vsctl", "--timeout=5", "--format=json", "list", "Bridge", "Interface").splitlines():
            yield f"record {line}"


def _processes() -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if words and int(entry.name) != os.getpid():
            yield f"process {entry.name}: {words}"
