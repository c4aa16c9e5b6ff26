"""`inventory check`: the records against themselves; no device is asked.

A folder with faults is inspected as far as it can be read: what is wrong with it is among the findings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path as Folder
from typing import Any

from sdnctl.compiler.ir import Compiled
from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, InputError, SdnctlError, Severity, UsageError
from sdnctl.inventory.access import AccessLine, access_lines
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.checking import WAYS, Checked, Finding, Subject, Ways, check, listed
from sdnctl.inventory.files import FILES
from sdnctl.inventory.footprint import Footprint, footprint, stretches_of
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.plant import Plant
from sdnctl.topology.graph import Hop, Path
from sdnctl.usecases.context import Context
from sdnctl.usecases.glass import named_links
from sdnctl.usecases.planning import compile_folder
from sdnctl.usecases.progress import Progress, silent
from sdnctl.workspace.consequences import Faults
from sdnctl.workspace.editing import Patch, make_patch
from sdnctl.workspace.read import read_folder


@dataclass(frozen=True)
class Inspected:
    """What the records say against themselves, and the edits of all findings as a patch."""

    checked: Checked
    patch: Patch

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.checked.findings

    def count(self, grade: Severity) -> int:
        return sum(one.told.severity is grade for one in self.findings)


@dataclass(frozen=True)
class _Records:
    """A folder as far as it can be read."""

    plant: Plant
    documents: Mapping[str, Document[Any]]
    told: tuple[Diagnostic, ...]
    lines: tuple[AccessLine, ...]
    whole: bool


def inspect(
    context: Context,
    on: date,
    only: Collection[str] = (),
    ignore: Collection[str] = (),
    progress: Progress = silent,
) -> Inspected:
    """Ask all rules, or some, on a day.

    Raises UsageError for a rule that is not there, InputError where a file cannot be read at all.
    """
    wanted = _known(only) or {one.code for one in listed()}
    wanted -= _known(ignore)
    progress("reading the inventory", 0, 3)
    records = _records(context)
    progress("what is protected by what", 1, 3)
    ways, unknown = _ways(context, records) if wanted & WAYS else ((), "")
    progress("asking the rules", 2, 3)
    subject = Subject(
        records.plant,
        records.documents,
        on,
        optical_links(records.plant)[0],
        records.lines,
        ways,
        context.loaded.network.settings.lead_in if records.whole else Subject.lead_in,
    )
    found = check(subject, records.told, set(only), set(ignore), unknown)
    edits = [edit for finding in found.findings for edit in finding.edits]
    return Inspected(found, make_patch(edits, lambda file: _text(context.folder, file)))


def _known(codes: Collection[str]) -> set[str]:
    """The same codes; raises UsageError for those that no rule has."""
    names = [one.code for one in listed()]
    unknown = [code for code in codes if code not in names]
    if unknown:
        raise UsageError(*(_no_such(code, names) for code in unknown))
    return set(codes)


def _no_such(code: str, names: Iterable[str]) -> Diagnostic:
    close = get_close_matches(code, list(names), n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return Diagnostic(
        "no-such-rule", f"there is no rule {code}", hint=f"{hint}`sdnctl inventory check --rules` lists them"
    )


# ── the folder ───────────────────────────────────────────────────────────────────────────────────


def _records(context: Context) -> _Records:
    try:
        loaded = context.loaded
    except InputError:
        return _faulty(context.folder)
    told = tuple(one for one in loaded.diagnostics if _of_inventory(one))
    return _Records(loaded.plant, loaded.documents, told, loaded.access, whole=True)


def _faulty(folder: Folder) -> _Records:
    """What can be made of the inventory of a folder that has faults; raises InputError where nothing can."""
    out = Diagnostics()
    read = read_folder(folder, out)
    faults = Faults(read.lost, read.broken)
    if not read.documents or faults.lost_any(*FILES):
        raise InputError(*out.sorted())
    documents = {file: one for file, one in read.documents.items() if file in FILES}
    plant, found = build_plant(documents)
    out.extend(faults.keep(found))
    lines, dark = access_lines(plant)
    out.extend(faults.keep((*optical_links(plant)[1], *dark)))
    told = tuple(one for one in out.sorted() if _of_inventory(one))
    return _Records(plant, documents, told, lines, whole=False)


def _of_inventory(one: Diagnostic) -> bool:
    return one.source is not None and one.source.file.startswith("inventory/")


def _text(folder: Folder, file: str) -> str:
    try:
        return (folder / file).read_text(encoding="utf-8")
    except OSError:
        return ""


# ── what is protected ────────────────────────────────────────────────────────────────────────────


def _ways(context: Context, records: _Records) -> tuple[tuple[Ways, ...], str]:
    """Links with bypasses and paths with standbys, as applied or as the folder compiles; or why nobody knows."""
    if not records.whole:
        return (), "the folder has errors, so nobody knows what is protected by what"
    try:
        applied = context.applied()
        compiled = (applied[1] if applied is not None else compile_folder(context)).compiled
    except SdnctlError as error:
        return (), f"what is protected by what is not known: {error.diagnostics[0].summary}"
    return tuple(_pairs(records.plant, named_links(records.plant), compiled)), ""


def _pairs(plant: Plant, links: Mapping[str, OpticalLink], compiled: Compiled) -> Iterator[Ways]:
    """Every pair of ways of which all links are in the plant; a link and its bypass count once, not each way."""
    told = set[tuple[frozenset[str], frozenset[str]]]()
    for name, grade, other, one, two in _protected(compiled):
        pair = frozenset(one.links), frozenset(two.links)
        if pair in told or not all(link in links for link in (*one.links, *two.links)):
            continue
        told.add(pair)
        ends = {plant.switches[switch].site for switch in (two.nodes[0], two.nodes[-1])}
        yield Ways(name, grade, _way(plant, links, name, one, ends), _way(plant, links, other, two, ends))


def _protected(compiled: Compiled) -> Iterator[tuple[str, str, str, Path, Path]]:
    """What is protected, by which grade, what its other way is called, and both ways."""
    for bypass in compiled.bypasses:
        if len(bypass.protects) == 2:
            tail, head = bypass.protects
            yield f"link {bypass.link}", "local", "its bypass", Path((Hop(bypass.link, tail, head),)), bypass.path
    for trunk in compiled.trunks:
        if trunk.standby is not None:
            yield f"trunk {trunk.key}", str(trunk.grade), "its standby", trunk.path, trunk.standby


def _way(
    plant: Plant, links: Mapping[str, OpticalLink], name: str, path: Path, ends: Collection[str]
) -> Footprint:
    chains = (chain for link in path.links for chain in (links[link].there, links[link].back))
    return footprint(plant, name, ends, *stretches_of(chains))
