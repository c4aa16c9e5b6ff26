"""Cells of a `Store`: how what is no text is written as text, and comes back.

A cell is text, or None for nothing. A backslash begins what text alone cannot give back: ``\\x`` bytes, ``\\i``
a whole number, ``\\r`` a number, and a second backslash text that begins with one. A number in a column that
makes numbers of text anyway stands as it is.
"""

from __future__ import annotations

from sdnctl.exchange.geopackage import Value
from sdnctl.exchange.gracethd.store import Cell

_EXACT = 1e15
"""Below this every whole number is itself as a floating point number."""


def affinity(kind: str) -> str:
    """What SQLite makes of text in a column of a declared type: its "determination of affinity"."""
    upper = kind.upper()
    if "INT" in upper:
        return "INTEGER"
    if any(part in upper for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in upper or not upper.strip():
        return "BLOB"
    return "REAL" if any(part in upper for part in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def escaped(text: str) -> str:
    """Text of a file that knows nothing but text."""
    return f"\\{text}" if text.startswith("\\") else text


def write_cell(value: Value, kind: str) -> Cell:
    """A value of SQLite in a column of this type, as a cell."""
    if value is None:
        return None
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    held = affinity(kind)
    if isinstance(value, int):
        return str(value) if held in ("INTEGER", "NUMERIC") else f"\\i{value}"
    if held == "REAL" and abs(value) < _EXACT:
        return str(int(value)) if value.is_integer() and str(value)[0] != "-" else repr(value)
    return f"\\r{value!r}"


def read_cell(cell: Cell) -> Value:
    """A cell as SQLite takes it: in a column of the type it came from it becomes the same value."""
    if cell is None or not cell.startswith("\\"):
        return cell
    kind, rest = cell[1:2], cell[2:]
    try:
        if kind == "x":
            return bytes.fromhex(rest)
        if kind == "i" and abs(int(rest)) < 1 << 63:
            return int(rest)
        if kind == "r":
            return float(rest)
    except ValueError:
        pass
    return cell[1:]


def plain(cell: Cell) -> str:
    """A cell as text for people and for files that know nothing else."""
    if cell is None or not cell.startswith("\\"):
        return cell or ""
    value = read_cell(cell)
    return value.hex() if isinstance(value, bytes) else str(value)
