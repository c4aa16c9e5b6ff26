"""The one form in which a file of the network folder is written: same meaning, same comments, same text for all.

Text in, text out. What cannot be read gives None and diagnostics. What comes out is read again, and compared with
what went in before anybody gets it: a file that would mean something else, or lose a comment, is refused.
"""

from __future__ import annotations

import json
from typing import Any

from sdnctl.errors import Diagnostics, Source
from sdnctl.workspace.canonical_tables import canonical_csv, canonical_geojson
from sdnctl.workspace.canonical_yaml import canonical_yaml
from sdnctl.workspace.convention import Kind, kind_of
from sdnctl.workspace.features import read_features
from sdnctl.workspace.tables import read_records
from sdnctl.workspace.yaml import parse_yaml
from sdnctl.workspace.yaml_comments import comments_of

ODD_BREAKS = {"\x85": "U+0085", "\u2028": "U+2028", "\u2029": "U+2029"}
"""Characters that YAML 1.1 takes for ends of lines, and editors do not show."""


def canonical(file: str, text: str, out: Diagnostics) -> str | None:
    """The canonical text of a file of the convention, None with a diagnostic; KeyError for other files."""
    kind = kind_of(file)
    if kind is None:
        raise KeyError(file)
    text = text.replace("\r\n", "\n").replace("\r", "\n") if kind.format == "yaml" else text
    before = _meaning(file, text, kind, out)
    if before is None:
        return None
    try:
        made = _FORMATS[kind.format](text, kind)
    except RecursionError:  # JSON that is nested deeper than a file of the convention ever is
        made = ""
    if _meaning(file, made, kind, Diagnostics()) != before:
        out.error(
            "cannot-format",
            "the file cannot be formatted without changing what it says",
            source=Source(file),
            hint="It is left as it is; write unusual quoting or line breaks more plainly.",
        )
        return None
    return made


_FORMATS = {
    "yaml": lambda text, kind: canonical_yaml(text),
    "csv": lambda text, kind: canonical_csv(text, kind.model),
    "geojson": lambda text, kind: canonical_geojson(text, kind.model),
}


def _meaning(file: str, text: str, kind: Kind, out: Diagnostics) -> Any:
    """All that formatting must keep, as a value to compare; None with an error for what cannot be read."""
    found = Diagnostics()
    if kind.format == "yaml":
        value = _meaning_of_yaml(file, text, found)
    elif kind.format == "csv":
        value = _meaning_of_csv(file, text, found)
    else:
        features = read_features(text, file, found)
        value = None if features is None else _written(json.loads(text))
    out.extend(found.errors)
    return None if found.errors else value


def _meaning_of_yaml(file: str, text: str, out: Diagnostics) -> Any:
    for character, name in ODD_BREAKS.items():
        if character in text:
            out.error(
                "odd-line-break",
                f"the file holds {name}, which YAML takes for the end of a line",
                source=Source(file, text.count("\n", 0, text.index(character)) + 1),
                hint="Remove it, or write it as an escape in a quoted text.",
            )
    if out.errors:
        return None
    tree = parse_yaml(text, file, out, may_be_empty=True)
    plain = None if tree is None else _written(tree.plain())
    return plain, sorted(one.text for one in comments_of(text)) if not out.errors else ()


def _meaning_of_csv(file: str, text: str, out: Diagnostics) -> Any:
    records = read_records(text, file, out)
    if out.errors or not records:
        return []
    header = [cell.strip() for cell in records[0][1]]
    for line, cells in records[1:]:
        if len(cells) != len(header):
            out.error(
                "ragged-row",
                f"the row has {len(cells)} cells, the header {len(header)}",
                source=Source(file, line),
                hint="Add or remove commas; a cell that holds a comma goes into double quotes.",
            )
    if len(set(header)) != len(header):
        out.error("duplicate-column", "a column stands here twice", source=Source(file, 1), hint="Delete one.")
    rows = [dict(zip(header, map(str.strip, cells), strict=False)) for _, cells in records[1:]]
    return [sorted(header), *rows]


def _written(value: Any) -> str:
    """A value as text that tells 1 from 1.0 and from true."""
    return json.dumps(value, sort_keys=True)
