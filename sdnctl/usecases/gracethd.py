"""The plant as a GraceTHD delivery: imported as a network folder, and exported."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdnctl.errors import Diagnostic, Diagnostics, InputError, Severity, UsageError
from sdnctl.exchange import wkb
from sdnctl.exchange.gracethd.converting import convert
from sdnctl.exchange.gracethd.course import Course
from sdnctl.exchange.gracethd.delivering import compose, merge
from sdnctl.exchange.gracethd.extent import refuse_elsewhere
from sdnctl.exchange.gracethd.keeping import FOLDER, keep, recall
from sdnctl.exchange.gracethd.optical import check_routes
from sdnctl.exchange.gracethd.places import degrees
from sdnctl.exchange.gracethd.reading import read_delivery, version_of
from sdnctl.exchange.gracethd.records import Records, read_documents, write_documents, write_jumpers
from sdnctl.exchange.gracethd.report import report_files
from sdnctl.exchange.gracethd.schema import KNOWN, REMAINDER, WGS84, Version
from sdnctl.exchange.gracethd.sources import read_source
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.targets import write_folder, write_package
from sdnctl.exchange.naming import slug
from sdnctl.exchange.redaction import Redaction, grid, redact
from sdnctl.exchange.wkb import ShapeError
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.lambert93 import in_france, to_grid
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Exported, Imported, new_folder, refuse_full
from sdnctl.workspace.dump import dump_documents

PACKAGE = ".gpkg"
STAYS: Mapping[str, str] = {
    "inventory/equipment.yaml": "switches, devices and jumpers",
    "inventory/ports.csv": "ports",
    "inventory/jumpers.csv": "jumpers",
    "inventory/transceivers.yaml": "optics",
    "inventory/endpoints.csv": "endpoints",
    "inventory/hazards.yaml": "hazard zones",
    "inventory/areas.geojson": "outlines of areas",
}
"""What is no plant of passive things, and stays at home."""


def import_gracethd(source: Path, folder: Path, *, snap: float = 0.0) -> Imported:
    """Make a network folder of a delivery: a folder of tables and shapefiles, or a GeoPackage.

    What is wrong in its rows is graded, reported and kept; what is wrong with its files is an InputError, and then
    nothing is made. `snap`: metres up to which ends of ways are moved onto their nodes.
    """
    refuse_full(folder)
    out = Diagnostics()
    with Store() as store:
        kind = read_source(source, store, out)
        refuse_elsewhere(store, out)
        out.raise_if_errors(InputError)
        reading = read_delivery(store, snap)
        records, findings = reading.records, reading.findings
        documents = write_documents(records, out) | write_jumpers(reading.jumpers, out)
        plant, left = build_plant(documents)
        check_routes(store, reading.cables, plant, findings)
        remaining = (*out.sorted(), *left.sorted())
        counts = records.counts() | {"jumpers": len(reading.jumpers)}
        unknown = [table.title for name, table in store.tables.items() if name not in KNOWN | {REMAINDER.name}]
        text = f"{len(unknown)} tables are kept as they are: {', '.join(unknown[:8])}"
        notes = [_note("tables-kept", text)] if unknown else []
        with new_folder(folder) as made:
            texts = {
                "network.yaml": f"name: {json.dumps(slug(source.stem, 'imported'))}\n",
                **dump_documents(documents),
            }
            contents = {name: text.encode("utf-8") for name, text in texts.items()}
            contents |= {".gitignore": b".sdnctl/\n", **report_files(findings, counts, remaining)}
            for name, content in contents.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            keep(store, made, version_of(store), kind)
        files = tuple(sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()))
        return Imported(
            folder, files, counts, (*findings.diagnostics(f"{FOLDER}/defects.csv"), *remaining, *notes)
        )


def _note(code: str, text: str) -> Diagnostic:
    return Diagnostic(code, text, severity=Severity.NOTE)


# ── export ───────────────────────────────────────────────────────────────────────────────────────


def export_gracethd(
    context: Context, target: Path, *, version: str | None = None, redacted: bool = False, plain: bool = False
) -> Exported:
    """Write the plant as a delivery: a GeoPackage (`NAME.gpkg`) or, else, a folder.

    `version` is that of the delivery that was kept, or 2.0. `plain`: no table of our own. What a kept delivery had
    beside the plant comes back, but from a redacted one: nobody knows what it tells.
    """
    loaded = context.loaded
    documents, findings = loaded.documents, []
    clean = redact(documents) if redacted else None
    if clean is not None:
        documents = clean.documents
        findings += [_note("redacted", f"{count} left out: {kind}") for kind, count in clean.gone.items()]
    records = read_documents(documents)
    _refuse_elsewhere(records)
    out = Diagnostics()
    with Store() as kept, Store() as made:
        was = None if redacted else recall(context.folder, kept, out)
        out.raise_if_errors(InputError)
        wanted = _version(version, was)
        if redacted and (context.folder / FOLDER).is_dir():
            findings.append(
                _note("kept-left-out", "tables and columns that the delivery had beside the plant stay here")
            )
        plant = loaded.plant if clean is None else None
        if was is None:
            store = compose(records, Course(records, plant), wanted, made, plain=plain)
        else:
            convert(kept, wanted)
            reading = read_delivery(kept)
            if reading.records == records and wanted is was and not plain:
                store = kept  # nothing changed since it came
            else:
                store = merge(records, Course(records, plant), kept, reading, wanted, made, plain=plain)
        if clean is not None:
            _refuse_leaks(clean.redaction, store)
        files, changed = _write(store, target, out)
        counts = {table.title: store.count(name) for name, table in store.tables.items()}
    others = sorted({what for file, what in STAYS.items() if file in documents})
    if others:
        findings.append(_note("left-out", f"no plant, and not written: {', '.join(others)}"))
    return Exported(target, files, counts, (*findings, *out.sorted()), changed)


def _refuse_elsewhere(records: Records) -> None:
    """Raise InputError where a place is not in France: the grid of deliveries bends everything else."""
    places = [("site", name, one["position"]) for name, one in records["site"].items() if one.get("position")]
    places += [("chamber", name, (one["lon"], one["lat"])) for name, one in records["chamber"].items()]
    away = [f"{kind} {name}" for kind, name, (x, y) in places if not in_france(to_grid(x, y))]
    if away:
        raise InputError(
            Diagnostic(
                "not-in-france",
                f"{len(away):,} places are not in France, such as {', '.join(away[:3])}",
                detail="GraceTHD is in Lambert-93, which fits France only.",
                hint="export it as GeoJSON",
            )
        )


def _version(text: str | None, was: Version | None) -> Version:
    if text is None:
        return was or Version.V2
    known = {**{str(one): one for one in Version}, "2": Version.V2, "2.0.1": Version.V2, "3": Version.V31}
    if text not in known:
        hint = f"There are: {', '.join(Version)}."
        raise UsageError(Diagnostic("no-such-version", f"there is no version {text}", "--version", hint=hint))
    return known[text]


def _refuse_leaks(redaction: Redaction, made: Store) -> None:
    """Raise InputError if any cell or shape says something of a restricted site."""
    for table in made.tables.values():
        for cells, shape in made.cells(table.name):
            told = redaction.leaks("\n".join(filter(None, cells)), grid)
            if told or (shape is not None and _shows(redaction, shape, table.crs)):
                raise InputError(
                    Diagnostic(
                        "redaction-leaks",
                        f"{table.title} would tell of a restricted site",
                        hint="Report this: nothing was written.",
                    )
                )


def _shows(redaction: Redaction, shape: bytes, crs: int) -> bool:
    try:
        vertices = list(wkb.load(shape).vertices())
    except ShapeError:
        return True
    return any(redaction.near(one if crs == WGS84 else degrees(one[0], one[1])) for one in vertices)


def _write(made: Store, target: Path, out: Diagnostics) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Write a delivery beside its place and put it there; what is the same already is left alone."""
    try:
        place = target.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as folder:
            if target.suffix.lower() == PACKAGE:
                fresh = Path(folder) / place.name
                write_package(made, fresh)
                changed = _put(fresh, place)
                return (Path(place.name),), ((Path(place.name),) if changed else ())
            files = write_folder(made, Path(folder) / "delivery", out)
            _refuse_others(place, files)
            place.mkdir(exist_ok=True)
            names = tuple(Path(path.name) for path in files)
            return names, tuple(name for name, path in zip(names, files, strict=True) if _put(path, place / name))
    except OSError as error:
        raise InputError(
            Diagnostic(
                "cannot-write", f"{target} cannot be written", detail=str(error), hint="choose another place"
            )
        ) from error


def _put(fresh: Path, place: Path) -> bool:
    """Move a file to its place, unless it is there already; whether it was moved."""
    if place.is_file() and place.stat().st_size == fresh.stat().st_size and _same(fresh, place):
        return False
    fresh.chmod(0o644)
    os.replace(fresh, place)
    return True


def _same(one: Path, other: Path) -> bool:
    with one.open("rb") as a, other.open("rb") as b:
        while block := a.read(1 << 20):
            if block != b.read(1 << 20):
                return False
        return True


def _refuse_others(folder: Path, files: Sequence[Path]) -> None:
    """A folder with other tables would be another delivery than the one that was written."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(
            Diagnostic("not-a-folder", f"{folder} is a file", hint="name a folder, or a file that ends in .gpkg")
        )
    names = {path.name.lower() for path in files}
    others = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.suffix.lower() in (".csv", ".shp", ".dbf", ".shx") and entry.name.lower() not in names
    )
    if others:
        raise InputError(
            Diagnostic(
                "other-tables",
                f"{folder} has other tables: {', '.join(others[:5])}",
                detail="Together they would be one delivery, which nobody wrote.",
                hint="name another folder, or remove them",
            )
        )
