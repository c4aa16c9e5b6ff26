"""The network as NetBox's bulk import and REST API take it, and a network of links from what NetBox holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, InputError, Severity
from sdnctl.exchange.naming import slug
from sdnctl.exchange.netbox.files import REST, write
from sdnctl.exchange.netbox.gather import gather
from sdnctl.exchange.netbox.network import network
from sdnctl.exchange.netbox.read import read_inventory
from sdnctl.exchange.netbox.records import read_records
from sdnctl.exchange.redaction import grid, redact
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Exported, Imported, make_folder, read_source, refuse_full, write_files
from sdnctl.workspace.dump import dump_documents


def export_netbox(context: Context, target: Path, *, redacted: bool = False) -> Exported:
    """Write CSV files and `rest.json` below the folder `target`."""
    loaded = context.loaded
    documents: Mapping[str, Document[Any]] = loaded.documents
    plant = loaded.plant
    notes: list[Diagnostic] = []
    clean = redact(documents) if redacted else None
    if clean is not None:
        documents = clean.documents
        out = Diagnostics()
        plant, found = build_plant({file: one for file, one in documents.items() if file in FILES})
        out.extend(found)
        out.raise_if_errors(InputError)
        notes += [
            Diagnostic("redacted", f"{count} left out: {kind}", severity=Severity.NOTE)
            for kind, count in clean.gone.items()
        ]
    made = gather(plant, documents)
    contents = write(made.inventory)
    if clean is not None:
        clean.redaction.refuse_leaks(contents, grid)
    files, changed = write_files(target, contents)
    return Exported(target, files, made.inventory.counts, (*notes, *made.findings), changed)


def import_netbox(source: Path, folder: Path) -> Imported:
    """Make a network of links of NetBox's tables: a folder of CSV or JSON files, or one JSON file.

    Raises InputError with every fault, and then nothing is made.
    """
    refuse_full(folder)
    out = Diagnostics()
    contents = {path.name: read_source(path) for path in _sources(source)}
    reading = read_inventory(read_records(contents, out), out)
    if not reading.inventory.sites and not out.errors:
        out.error(
            "nothing-recognised",
            "there are no sites in the files",
            hint="Files are called after their model (sites.csv, devices.json), or hold lists by model.",
        )
    out.raise_if_errors(InputError)
    made = network(reading, out)
    out.raise_if_errors(InputError)
    name = slug(source.stem, "imported")
    texts = {"network.yaml": f"name: {json.dumps(name)}\n", **dump_documents(made.documents)}
    files = {file: text.encode("utf-8") for file, text in texts.items()}
    files["README.md"] = _readme(name, made.counts, out).encode("utf-8")
    return Imported(folder, make_folder(folder, files), made.counts, out.sorted())


def _sources(source: Path) -> list[Path]:
    """The files to read; where a folder has `rest.json`, that says all that its tables say, and more."""
    if not source.is_dir():
        return [source]
    if (source / REST).is_file():
        return [source / REST]
    found = sorted(
        path for path in source.iterdir() if path.suffix.lower() in (".csv", ".json") and path.is_file()
    )
    if not found:
        raise InputError(
            Diagnostic(
                "no-netbox", f"there is no CSV or JSON file in {source}", hint="Export the tables of NetBox."
            )
        )
    return found


def _readme(name: str, counts: Mapping[str, int], out: Diagnostics) -> str:
    shown = [f"- {item.severity} `{item.code}` {item.summary}" for item in out.sorted()[:200]]
    counted = ", ".join(f"{count} {what}" for what, count in counts.items())
    return "\n".join(
        [f"# {name}", "", f"Imported from NetBox: {counted}.", "", *(shown or ["Nothing to remark."]), ""]
    )
