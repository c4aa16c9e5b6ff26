"""A table without quotes and blanks is split the short way: what comes out is what the long way gives."""

from __future__ import annotations

import pytest

from sdnctl.errors import Diagnostics
from sdnctl.inventory.models import ChamberRow
from sdnctl.workspace.tables import parse_csv

ROWS = "id,lon,lat,kind,owner\nk-1,4.1,44.0,handhole,town\n\nk-2,4.2,44.1,,\n,,,,\nk-3,4.3,44.2,pole,a town\n"


def parsed(text: str) -> tuple[object, ...]:
    out = Diagnostics()
    found = parse_csv(text, ChamberRow, "inventory/chambers.csv", out)
    faults = tuple((one.code, one.summary, one.source) for one in out)
    return faults if found is None else (found.document.value, dict(found.document.lines), found.broken, faults)


@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        ROWS.replace("\n", "\r\n"),
        ROWS.rstrip("\n"),
        ROWS.replace("44.1", "north"),
        ROWS.replace("44.1,,", "44.1,"),
        ROWS.replace("k-2", "k-2" * 50_000),
        ROWS.replace("k-3", ""),
    ],
    ids=["sound", "crlf", "no end", "bad value", "ragged", "too long", "no id"],
)
def test_both_ways_agree(text: str) -> None:
    assert parsed(text) == parsed(text.replace("lon", '"lon"', 1))


@pytest.mark.parametrize("blank", [" ", "\t", "\v", "\f", "\x1f", "\xa0", "\u2003"])
def test_blanks_around_cells_are_no_part_of_them(blank: str) -> None:
    for place in ("k-1", "town", "handhole"):
        for padded in (blank + place, place + blank, blank + place + blank):
            assert parsed(ROWS.replace(place, padded, 1)) == parsed(ROWS)
