"""A kept delivery under the names of another version, so that what it has comes along."""

from __future__ import annotations

from sdnctl.exchange.gracethd.schema import Version
from sdnctl.exchange.gracethd.store import Store

_ROOM = (("t_ltech", "t_local", "lt", "lc"),)
_SITE = (("t_sitetech", "t_site", "st", "st"),)
_REFERENCES = (("t_ebp", "bp_lt_code", "bp_lc_code"), ("t_baie", "ba_lt_code", "ba_lc_code"))


def convert(store: Store, version: Version) -> None:
    """Rename tables and columns of sites and rooms; all others are called alike in every version."""
    third = version.third
    for old, new, before, after in (*_SITE, *_ROOM):
        if not third:
            old, new, before, after = new, old, after, before
        if old not in store.tables or new in store.tables:
            continue
        store.rename(old, new)
        for name in store.tables[new].names:
            if name.startswith(f"{before}_") and before != after:
                store.rename_column(new, name, f"{after}{name[len(before) :]}")
    for table, two, three in _REFERENCES:
        old, new = (two, three) if third else (three, two)
        if store.has(table, old) and not store.has(table, new):
            store.rename_column(table, old, new)
