"""Edits of the documents of a network folder as values: what is put, inserted or taken away, by key path.

A path is that of `Document.at`: keys and list places of a YAML file (``("cables", 3, "route")``), row and column
of a table (``(12, "route")``). All paths are those before any edit. Whoever applies edits to the text of a file
keeps everything else as people wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from sdnctl.document import KeyPath


@dataclass(frozen=True, slots=True)
class Put:
    """A value (text, or lists and mappings of it) is replaced, or written where there is none; None removes it.

    Of a table None removes a cell's text, and with the path of a row the row.
    """

    file: str
    path: KeyPath
    value: Any


@dataclass(frozen=True, slots=True)
class Insert:
    """An entry is added to the list at `path` (of a table: to its rows), after the entry at place `after`.

    Without `after` it comes last. Where there is no such file it is made.
    """

    file: str
    path: KeyPath
    value: Any
    after: int | None = None


DocumentEdit: TypeAlias = Put | Insert
