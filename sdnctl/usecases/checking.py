"""`inventory check --live`: ask everything that can tell facts, and hold what it says against the inventory.

Switches and devices with a driver that tells facts are asked all at once; a running controller adds what its
discovery heard between the switches. Judging is `inventory.live`'s, the patch is `workspace.editing`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import DeviceError, Diagnostic, InputError, SdnctlError
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.live import Expected, Finding, Place, Reading, Readings, Weight, expect, judge
from sdnctl.inventory.live.expected import Cable
from sdnctl.inventory.live.findings import Entry
from sdnctl.inventory.live.judge import levels
from sdnctl.southbound.base import Driver, Target
from sdnctl.southbound.facts import FactsReader
from sdnctl.southbound.readers import Readers, Targets
from sdnctl.units import Power
from sdnctl.usecases.computing import waited
from sdnctl.usecases.context import Context
from sdnctl.usecases.levels import read_levels, write_levels
from sdnctl.usecases.progress import Progress, silent
from sdnctl.workspace.convention import LINKS
from sdnctl.workspace.editing import Patch, make_patch


@dataclass(frozen=True)
class Checked:
    """What was found. `asked`: devices that were; `unasked`: those in the inventory that nothing could be asked.

    `discovery`: whether a controller said what its switches hear. `patch` has the edits of all findings.
    """

    findings: tuple[Finding, ...]
    asked: tuple[str, ...]
    unasked: tuple[str, ...]
    discovery: bool
    levels: Mapping[Place, Power]
    patch: Patch

    @property
    def ok(self) -> bool:
        """Whether there is nothing that should be looked at."""
        return all(one.weight is Weight.NOTICE for one in self.findings)


def check(
    context: Context, only: Iterable[str] = (), *, accept_levels: bool = False, progress: Progress = silent
) -> Checked:
    """Ask the network, or only some devices, and compare.

    `accept_levels`: what is received now is what later checks compare with. Raises InputError for a name that the
    inventory does not have, and where there is nothing at all that could be asked.
    """
    expected = expectations(context)
    wanted = _wanted(expected, only)
    stored = read_levels(context.folder)
    targets = {key: found for key, found in fact_targets(context).items() if key in wanted}
    progress("asking the controller", 0, 2)
    document = context.controller.get("/v1/cabling") if context.controller is not None else None
    if not targets and document is None:
        raise InputError(_nothing_to_ask())
    progress(f"asking {len(targets)} devices", 1, 2)
    readings = waited(_read(context, targets, document, wanted))
    findings = judge(expected, readings, stored)
    measured = levels(expected, readings)
    if accept_levels:
        write_levels(context.folder, {**stored, **measured})
    edits = [edit for finding in findings for edit in finding.edits]
    return Checked(
        findings,
        tuple(sorted(targets)),
        tuple(sorted(wanted - targets.keys())),
        document is not None,
        measured,
        make_patch(edits, lambda file: _text(context.folder, file)),
    )


# ── what should be ───────────────────────────────────────────────────────────────────────────────


def expectations(context: Context) -> Expected:
    """What the folder says: its plant, and links that are only declared."""
    loaded = context.loaded
    optical, _ = optical_links(loaded.plant)
    document = loaded.documents.get(LINKS)
    return expect(loaded.plant, optical, _declared(document) if document is not None else ())


def _declared(document: Document[Any]) -> Iterator[Cable]:
    for index, link in enumerate(document.value.links):
        if link.a is not None and link.b is not None:
            entry = Entry(document.at("links", index), "id", link.id)
            a, b = ((end.node, str(end.port)) for end in (link.a, link.b))
            yield Cable(a, b, "declared", entry)


def _wanted(expected: Expected, only: Iterable[str]) -> frozenset[str]:
    names = frozenset(only)
    if unknown := sorted(names - expected.devices.keys()):
        raise InputError(
            *(
                Diagnostic(
                    "no-such-device",
                    f"there is no switch or device {name}",
                    name,
                    hint="`sdnctl show switches` lists switches; devices stand in inventory/equipment.yaml",
                )
                for name in unknown
            )
        )
    serving = frozenset(key for key, one in expected.devices.items() if one.in_service)
    return names or serving


def _nothing_to_ask() -> Diagnostic:
    return Diagnostic(
        "nothing-to-ask",
        "nothing here tells facts",
        detail="No switch or device has a driver that reads facts, and no controller runs that knows its cables.",
        hint="give devices a driver such as snmp or napalm in inventory/equipment.yaml, or start the controller",
    )


# ── what is ──────────────────────────────────────────────────────────────────────────────────────


def fact_targets(context: Context) -> Targets:
    """Every switch and device with a driver that tells facts, and where; one that only reads comes first.

    A running lab stands in for all of them. Raises InputError for a driver that is not installed.
    """
    found: dict[str, tuple[type[Driver], Target]] = {}
    for device, drivers in context.targets(context.loaded.network.topology).items():
        telling = [driver for driver in drivers if issubclass(driver, FactsReader)]
        if telling:
            chosen = min(telling, key=lambda driver: (driver.payload != "facts", driver.name))
            found[device] = chosen, drivers[chosen]
    return found


async def _read(
    context: Context, targets: Targets, document: Mapping[str, Any] | None, wanted: frozenset[str]
) -> Readings:
    async with Readers(targets) as readers:
        facts, numbers = await asyncio.gather(readers.facts(), _numbers(context, targets))
        devices = {
            key: Reading(said, _fault(readers.faults.get(key)), numbers.get(key, {}))
            for key, said in facts.items()
        }
    heard, silent_ports = read_cabling(document) if document is not None else ({}, frozenset())
    heard = {here: there for here, there in heard.items() if here[0] in wanted}
    return Readings(devices, heard, frozenset(place for place in silent_ports if place[0] in wanted))


def _fault(error: DeviceError | None) -> str:
    if error is None:
        return ""
    return "; ".join(": ".join(part for part in (one.summary, one.detail) if part) for one in error.diagnostics)


async def _numbers(context: Context, targets: Targets) -> Mapping[str, Mapping[str, int]]:
    """OpenFlow numbers of the ports of switches by name, from a controller: other drivers know names only."""
    if context.controller is None or not targets:
        return {}
    try:
        async with context.fleet(context.loaded.network.topology) as fleet:
            counters = await fleet.counters()
    except SdnctlError:
        return {}  # names alone have to do
    return {
        key: {port.name: number for number, port in found.ports.items()}
        for key, found in counters.items()
        if found is not None
    }


def read_cabling(document: Mapping[str, Any]) -> tuple[dict[Place, Place], frozenset[Place]]:
    """What a controller's discovery says (``/v1/cabling``): receiver → sender, and ports that hear nothing."""
    heard: dict[Place, Place] = {}
    deaf: set[Place] = set()
    for cable in document["cables"]:
        for light in cable["heard"]:
            heard[_place(light["at"])] = _place(light["from"])
        if cable["kind"] in ("silent", "one-way"):
            deaf.update(_place(port) for port in cable["ports"])
    return heard, frozenset(deaf - heard.keys())


def _place(text: str) -> Place:
    device, _, port = text.rpartition(":")
    return device, port


def _text(folder: Path, file: str) -> str:
    try:
        return (folder / file).read_text(encoding="utf-8")
    except OSError:
        return ""  # a remark may begin a file
