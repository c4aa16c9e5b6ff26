"""The tables that an export writes: from the plant alone, or out of the delivery that the plant came from."""

from __future__ import annotations

from dataclasses import replace

from sdnctl.exchange.gracethd.course import Course
from sdnctl.exchange.gracethd.kept import Codes
from sdnctl.exchange.gracethd.merging import Merge
from sdnctl.exchange.gracethd.reading import Reading, read_delivery
from sdnctl.exchange.gracethd.records import Records
from sdnctl.exchange.gracethd.remainder import remainder
from sdnctl.exchange.gracethd.schema import REMAINDER, Version
from sdnctl.exchange.gracethd.store import Column, Store, Table
from sdnctl.exchange.gracethd.touched import touched
from sdnctl.exchange.gracethd.writing import write_delivery

_ALWAYS = frozenset({"t_noeud", "t_cheminement", "t_cable", "t_ptech", "t_fibre", "t_position"})
"""Tables that are written even where nothing is in them."""


def compose(records: Records, course: Course, version: Version, out: Store, *, plain: bool = False) -> Store:
    """A delivery of the plant alone; `plain`: without the table of our own."""
    write_delivery(records, course, out, version, Codes())
    for name in list(out.tables):
        if name not in _ALWAYS and not out.count(name):
            out.drop(name)
    return out if plain else _with_remainder(records, out)


def merge(
    records: Records,
    course: Course,
    kept: Store,
    reading: Reading,
    version: Version,
    out: Store,
    *,
    plain: bool = False,
) -> Store:
    """The delivery that was kept, with what changed in the plant since; `reading` is what it says."""
    codes = Codes(kept, reading)
    only = touched(reading.records, records)
    with Store() as base, Store() as new:
        write_delivery(replace(reading.records, only=only), Course(reading.records), base, version, codes)
        write_delivery(replace(records, only=only), course, new, version, codes)
        Merge(kept, base, new, version).into(out)
    return out if plain else _with_remainder(records, out)


def _with_remainder(records: Records, out: Store) -> Store:
    """Add the table of our own, with what a reader of the others would not know."""
    rows = remainder(records, read_delivery(out).records)
    if rows:
        table = Table(REMAINDER.name, tuple(map(Column, REMAINDER.columns)))
        out.add(table, ((number, row, None) for number, row in enumerate(rows)))
    return out
