"""Rows that hang on nothing: positions, strands, optical routes."""

from __future__ import annotations

from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.store import Store


def find_orphans(store: Store, findings: Findings) -> None:
    """Report them; they are kept as they are."""
    if store.has("t_position"):
        _check_positions(store, findings)
    _check_fibres(store, findings)
    _check_routes(store, findings)


def _check_positions(store: Store, findings: Findings) -> None:
    """Positions that are in no cassette and no drawer, or in a cassette that is not there."""
    tray, drawer = (
        store.expression("t_position", "ps_cs_code", "p"),
        store.expression("t_position", "ps_ti_code", "p"),
    )
    code = store.expression("t_position", "ps_code", "p")
    held = "1"
    if store.has("t_cassette"):
        key = store.expression("t_cassette", "cs_code", "c")
        held = f"NOT EXISTS (SELECT 1 FROM t_cassette c WHERE {key} = {tray})"
    sql = f"SELECT p.\"~line\", {code}, {tray} FROM t_position p WHERE {drawer} = '' AND ({tray} = '' OR {held})"
    for line, position, cassette in store.connection.execute(sql):
        text = f"position {position} is in {cassette or 'no cassette and no drawer'}, which is not there"
        findings.error("orphan-position", "t_position", position, text, line)


def _check_fibres(store: Store, findings: Findings) -> None:
    """Strands of cables that are not there, by cable."""
    if not store.has("t_fibre") or not store.has("t_cable"):
        return
    store.index("t_cable", "cb_code")
    cable, key = store.expression("t_fibre", "fo_cb_code", "f"), store.expression("t_cable", "cb_code", "c")
    sql = f"""SELECT {cable}, count(*), min(f."~line") FROM t_fibre f
              WHERE NOT EXISTS (SELECT 1 FROM t_cable c WHERE {key} = {cable}) GROUP BY 1"""
    for code, count, line in store.connection.execute(sql):
        text = f"{count} strands are of cable {code or '(none)'}, which is not there"
        findings.error("orphan-strands", "t_fibre", code, text, line)


def _check_routes(store: Store, findings: Findings) -> None:
    """Optical routes whose strands have no order."""
    for line, (code, order), _ in store.read("t_ropt", "rt_code|rt_id", "rt_fo_ordr"):
        if not order:
            text = f"optical route {code} does not say in which order its strands follow"
            findings.note("route-without-order", "t_ropt", code, text, line, column="rt_fo_ordr")
