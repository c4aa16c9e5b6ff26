"""Cells to values: numbers and dates in the forms that deliveries have them, and names that may become ids."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import date
from math import isfinite

from sdnctl.inventory.fields import NAME

_ID = re.compile(NAME + r"\Z")
_LONGEST = 64
MOST = 1e12
"""No length, count or number of a row is greater."""
_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T].*)?\Z")
_FRENCH = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[ T].*)?\Z")
_PLAIN = re.compile(r"(\d{4})(\d{2})(\d{2})\Z")


def read_number(text: str) -> float | None:
    """``12.5``, ``12,5`` or ``1 250`` → a number; None for anything else."""
    try:
        value = float(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except ValueError:
        return None
    return value if isfinite(value) and abs(value) < MOST else None


def read_count(text: str) -> int | None:
    """A whole number at or above zero, also written ``12.0``; None for anything else."""
    value = read_number(text)
    return int(value) if value is not None and 0 <= value < 1e9 and value == int(value) else None


def read_date(text: str) -> date | None:
    """``2015-06-01 00:00:00``, ``04/05/2019`` (day first), ``20150601``; None for anything else."""
    for form, order in ((_ISO, (1, 2, 3)), (_FRENCH, (3, 2, 1)), (_PLAIN, (1, 2, 3))):
        match = form.match(text)
        if match is not None:
            try:
                return date(*(int(match[part]) for part in order))
            except ValueError:
                return None
    return None


def write_date(iso: str) -> str:
    return f"{iso} 00:00:00"


def write_number(value: float) -> str:
    """To two digits after the point, without noughts at the end: as a database writes it back, too."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def make_id(code: str) -> str:
    """A code as an id of the network folder: itself where it can be, else what is left of it in plain letters."""
    if len(code) <= _LONGEST and _ID.match(code):
        return code
    plain = unicodedata.normalize("NFKD", code).encode("ascii", "ignore").decode("ascii")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")
    if not name or len(name) > _LONGEST:
        digest = hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()[:8]
        name = f"{name[: _LONGEST - 9]}-{digest}" if name else f"x-{digest}"
    return name


class Names:
    """Ids of one kind of things: no two codes get the same one."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.codes: dict[str, str] = {}

    def give(self, code: str) -> str:
        """The id of a code; a second code that looks like the first gets a number behind it."""
        if code in self.ids:
            return self.ids[code]
        wanted = name = make_id(code)
        number = 2
        while name in self.codes:
            name = f"{wanted[: _LONGEST - 6]}.{number}"
            number += 1
        self.ids[code], self.codes[name] = name, code
        return name
