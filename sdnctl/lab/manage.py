"""Bring a folder's lab up, open it again from another process, take it down without leaving anything."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from sdnctl.errors import Diagnostic, InputError
from sdnctl.intents.demand import Endpoint
from sdnctl.lab import devices, netns, openvswitch, orphans
from sdnctl.lab import record as records
from sdnctl.lab.base import Lab, Progress
from sdnctl.lab.ovslab import RUN_DIR, OvsLab
from sdnctl.lab.record import Record
from sdnctl.lab.wiring import Wiring, wire
from sdnctl.topology.graph import Topology

obstacle = openvswitch.obstacle


def up(
    folder: Path,
    topology: Topology,
    endpoints: Mapping[str, Endpoint],
    *,
    kind: Literal["ovs", "memory", "auto"] = "auto",
    name: str = "",
    real_devices: bool = False,
    rates: bool = False,
    progress: Progress = lambda _: None,
) -> Lab:
    """Make the switches, links and host ports of a topology and return the running lab.

    `kind` *auto* takes Open vSwitch where it can run and the in-memory switches elsewhere; the lab's `reason`
    then says why. What a crashed lab of this folder left is cleaned up first. `name` (default: the folder's
    name) appears in namespace names. Devices beside the switches are simulated, unless `real_devices`. With
    `rates` cables are as fast as their links, which only those of Open vSwitch can be: in the others no time
    passes. Raises InputError (already up, not possible here, unusable topology) or DeviceError (a command failed);
    nothing is left behind then.
    """
    wiring = wire(topology, endpoints)
    if rates:
        wiring = replace(wiring, rates={link.id: int(link.capacity) for link in topology.links.values()})
    with records.lock(folder):
        _refuse_second(folder)
        reason = ""
        chosen: Literal["ovs", "memory"] = "memory" if kind == "memory" else "ovs"
        problem = openvswitch.obstacle() if chosen == "ovs" else None
        if rates and chosen == "memory":
            problem = Diagnostic(
                "lab-no-rates", "no time passes in the embedded switches", hint="leave --rates out"
            )
        if problem is not None:
            if kind == "ovs" or rates:
                raise InputError(
                    Diagnostic(
                        problem.code,
                        f"a lab on Open vSwitch cannot run here: {problem.summary}",
                        hint=problem.hint,
                    )
                )
            chosen, reason = "memory", f"running on the embedded in-memory switches: {problem.summary}"
        record = _new_record(folder, chosen, name or folder.resolve().name, wiring, reason)
        records.save(folder, record)  # before anything is made: `down` must know what to look for
        lab = _lab(folder, record)
        try:
            lab.start(progress)
            devices.make(Path(record.run_dir), topology, endpoints, real=real_devices)
        except BaseException:
            lab.dismantle()
            records.remove(folder)
            raise
        record = record.with_state("up")
        records.save(folder, record)
        return _lab(folder, record)


def open_lab(folder: Path) -> Lab | None:
    """The folder's running lab, or None without one; raises InputError for the remains of a lab that died."""
    record = records.load(folder)
    if record is None:
        return None
    lab = _lab(folder, record)
    if record.state != "up" or not lab.alive:
        raise InputError(
            Diagnostic(
                "lab-gone",
                f"lab {record.name} is recorded but not running",
                detail="it was interrupted while starting, or the machine was restarted",
                hint="run 'sdnctl lab up' again, or 'sdnctl lab down' to remove what is left",
            )
        )
    return lab


def down(folder: Path) -> bool:
    """Take the folder's lab down and remove every trace; returns whether there was anything to remove.

    Works on half a lab and after a crash, even without a readable record: all names derive from the folder.
    """
    with records.lock(folder):
        try:
            record = records.load(folder)
        except InputError:
            record = None
        if record is not None:
            _lab(folder, record).dismantle()
        late = orphans.end(records.lab_key(folder))
        found = _sweep(folder) or late
        had_record = records.record_path(folder).exists()
        records.remove(folder)
        return had_record or found


def _refuse_second(folder: Path) -> None:
    """Raise if a lab runs here; remove what a dead one left."""
    record = records.load(folder)
    if record is None:
        _sweep(folder)
        return
    lab = _lab(folder, record)
    if record.state == "up" and lab.alive:
        raise InputError(
            Diagnostic(
                "lab-already-up",
                f"lab {record.name} is already up",
                f"lab {record.name}",
                hint="'sdnctl lab down' takes it down",
            )
        )
    lab.dismantle()
    orphans.end(record.key)
    _sweep(folder)
    records.remove(folder)


def _sweep(folder: Path) -> bool:
    """Remove what carries this folder's key although no record names it; returns whether there was anything."""
    key = records.lab_key(folder)
    found = False
    for hosts in sorted(netns.NETNS_DIR.glob(f"sdnctl-*-{key}-hosts")):
        netns.delete(hosts.name)
        found = True
    for path in sorted(netns.NETNS_DIR.glob(f"sdnctl-*-{key}")):
        openvswitch.OpenVSwitch(_run_dir(key), path.name).stop()
        netns.delete(path.name)
        found = True
    if _run_dir(key).exists():
        openvswitch.OpenVSwitch(_run_dir(key), "").stop()
        found = True
    if _memory_dir(folder).exists():
        shutil.rmtree(_memory_dir(folder))
        found = True
    return found


def _memory_dir(folder: Path) -> Path:
    return folder.resolve() / ".sdnctl" / "lab"


def _run_dir(key: str) -> Path:
    return RUN_DIR / key


def _new_record(folder: Path, kind: Literal["ovs", "memory"], name: str, wiring: Wiring, reason: str) -> Record:
    key = records.lab_key(folder)
    if kind == "memory":
        return Record(key, name, kind, "starting", str(_memory_dir(folder)), "", "", wiring, reason)
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24] or "lab"
    namespace = f"sdnctl-{plain}-{key}"
    return Record(key, name, kind, "starting", str(_run_dir(key)), namespace, f"{namespace}-hosts", wiring, reason)


def _lab(folder: Path, record: Record) -> Lab:
    if record.kind == "memory":
        from sdnctl.lab.memory import MemoryLab

        return MemoryLab(folder, record)
    return OvsLab(folder, record)
