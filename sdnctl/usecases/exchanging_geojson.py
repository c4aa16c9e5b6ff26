"""The plant as GeoJSON: exported, and imported as a network folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, InputError, Severity
from sdnctl.exchange.geojson.documents import Made, make
from sdnctl.exchange.geojson.features import Collection, read_collection
from sdnctl.exchange.geojson.keepsake import FILE, Keepsake, loads
from sdnctl.exchange.geojson.layers import FILE_OF, items
from sdnctl.exchange.geojson.mapping import MappingFile, read_mapping
from sdnctl.exchange.geojson.objects import objects
from sdnctl.exchange.geojson.write import cable_types_of, write
from sdnctl.exchange.naming import slug
from sdnctl.exchange.redaction import grid, redact
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import (
    Exported,
    Imported,
    make_folder,
    read_source,
    refuse_full,
    write_files,
    write_if_new,
)
from sdnctl.workspace.dump import dump_documents

SUFFIXES = (".geojson", ".json")
LEFT_OUT: Mapping[str, str] = {
    "inventory/odfs.yaml": "frames",
    "inventory/terminations.csv": "terminations",
    "inventory/passives.yaml": "passive nodes",
    "inventory/equipment.yaml": "switches, devices and jumpers",
    "inventory/ports.csv": "ports",
    "inventory/jumpers.csv": "jumpers",
    "inventory/endpoints.csv": "endpoints",
    "inventory/transceivers.yaml": "optics",
}
"""What stands in buildings and has no place of its own on a map."""


def export_geojson(context: Context, target: Path, *, redacted: bool = False) -> Exported:
    """Write the plant to a file (`NAME.geojson`, `NAME.json`) or, else, to a folder with a file per layer."""
    documents: Mapping[str, Document[Any]] = context.loaded.documents
    kept = _keepsake(context.folder)
    findings = []
    clean = redact(documents) if redacted else None
    if clean is not None:
        documents = clean.documents
        kept = kept.redacted(clean.redaction, {f"{item.layer}:{item.key}" for item in items(documents)})
        findings += [_note("redacted", f"{count} left out: {kind}") for kind, count in clean.gone.items()]
    found = list(items(documents))
    name = target.name if target.suffix.lower() in SUFFIXES else None
    written = write(found, kept, cable_types_of(documents), name)
    if clean is not None:
        clean.redaction.refuse_leaks(written.contents, grid)
    others = [what for file, what in LEFT_OUT.items() if file in documents]
    if others:
        findings.append(_note("left-out", f"not on a map, and not written: {', '.join(others)}"))
    undrawn = sum(1 for item in found if item.geometry is None)
    if undrawn:
        findings.append(
            _note("without-geometry", f"{undrawn} features have no geometry: nobody knows where they are")
        )
    if name is not None:
        files: tuple[Path, ...] = (Path(name),)
        changed = files if write_if_new(target, written.contents[name]) else ()
    else:
        files, changed = write_files(target, written.contents)
    return Exported(target, files, written.counts, tuple(findings), changed)


def import_geojson(
    source: Path, folder: Path, *, mapping: Path | None = None, snap: float | None = None
) -> Imported:
    """Make a network folder of a GeoJSON file or of all those in a folder.

    Raises InputError with every fault, and then nothing is made. `snap`: metres up to which ends of segments are
    moved onto their places.
    """
    refuse_full(folder)
    out = Diagnostics()
    rules = _mapping(mapping, out)
    collections = [one for path in _sources(source) if (one := _collection(source, path, out)) is not None]
    found = objects(collections, rules, out)
    if not found.taken and not out.errors:
        out.error(
            "nothing-recognised",
            f"none of the {len(found.others)} features is of a known layer",
            hint="Write a mapping (--mapping FILE) that says which feature is what; docs/exchange.md shows one.",
        )
    made = make(found, snap, out)
    out.raise_if_errors(InputError)
    contents = _contents(made, source)
    counts = {FILE_OF[layer]: len(rows) for layer, rows in made.table.items()}
    counts["loops"] = sum(len(row.get("slack") or ()) for row in made.table["cable"])
    if made.kept.features:
        counts["features kept as they are"] = len(made.kept.features)
        out.items.append(
            _note("features-kept", f"{len(made.kept.features)} features of no known layer are kept in {FILE}")
        )
    files = make_folder(folder, contents)
    return Imported(folder, files, counts, out.sorted())


def _contents(made: Made, source: Path) -> dict[str, bytes]:
    name = slug(source.stem, "imported")
    texts = {"network.yaml": f"name: {json.dumps(name)}\n", **dump_documents(made.documents)}
    contents = {file: text.encode("utf-8") for file, text in texts.items()}
    if made.kept:
        contents[FILE] = made.kept.dumps()
    return contents


def _keepsake(folder: Path) -> Keepsake:
    path = folder / FILE
    return loads(read_source(path)) if path.is_file() else Keepsake()


def _mapping(path: Path | None, out: Diagnostics) -> MappingFile | None:
    if path is None:
        return None
    try:
        text = read_source(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        out.error("not-utf8", f"{path.name} is not UTF-8", hint="Save it as UTF-8.")
        return None
    return read_mapping(text, path.name, out)


def _sources(source: Path) -> list[Path]:
    if not source.is_dir():
        return [source]
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise InputError(
            Diagnostic(
                "no-geojson", f"there is no GeoJSON file in {source}", hint="They end in .geojson or .json."
            )
        )
    return found


def _collection(source: Path, path: Path, out: Diagnostics) -> Collection | None:
    shown = path.name if path != source else source.name
    return read_collection(read_source(path), shown, out)


def _note(code: str, summary: str) -> Diagnostic:
    return Diagnostic(code, summary, severity=Severity.NOTE)
