"""The network as NetBox's bulk import and REST API take it, and a network of links from what NetBox holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, InputError, Severity
from sdnctl.exchange.netbox.files import write
from sdnctl.exchange.netbox.gather import gather
from sdnctl.exchange.redaction import redact
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Exported, write_files


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
        clean.redaction.refuse_leaks(contents)
    files, changed = write_files(target, contents)
    return Exported(target, files, made.inventory.counts, (*notes, *made.findings), changed)
