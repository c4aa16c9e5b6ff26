"""Records to tables: what a delivery of a version says about the plant, row by row, in a fixed order.

Each row comes with a key, by which it is found again in a delivery that was kept (`merging`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sdnctl.exchange import wkb
from sdnctl.exchange.gracethd.course import Course
from sdnctl.exchange.gracethd.kept import Codes
from sdnctl.exchange.gracethd.places import SOURCE
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.schema import (
    FIBRE_CODE,
    POINT_CODE,
    SITE_CODE,
    STATUS_CODE,
    TABLES,
    VIRTUAL,
    WAY_CODE,
    Version,
)
from sdnctl.exchange.gracethd.store import Column, Store, Table
from sdnctl.exchange.gracethd.trays import positions, strands, trays
from sdnctl.exchange.gracethd.values import write_date, write_number
from sdnctl.inventory.fields import parse_mask
from sdnctl.inventory.lambert93 import ground_length, to_grid
from sdnctl.units import parse_length

Row = tuple[str, dict[str, str], bytes | None]
"""Key, cells by column, shape."""
DIGITS = 6
"""Digits after the point of coordinates on the grid: micrometres."""


def write_delivery(records: Records, course: Course, store: Store, version: Version, codes: Codes) -> None:
    """Put the tables of a delivery into a store; the line of each row is its key.

    Where `records` name `only` some objects, tables with a row per object have rows of those only. Tables whose
    rows several objects share (organisms, kinds, rooms, racks, conduits), or that count their rows, are whole.
    """
    room = "lc" if version.third else "lt"
    rows: dict[str, Iterator[Row]] = {  # generators: none runs before its table is written
        "t_organisme": _organisms(records),
        "t_reference": _references(records),
        "t_noeud": _nodes(records, codes),
        "t_sitetech": _sites(records, codes),
        "t_site": _sites(records, codes),
        "t_ptech": _points(records, codes),
        "t_ltech": _rooms(records, codes, room),
        "t_local": _rooms(records, codes, room),
        "t_cheminement": _ways(records, codes),
        "t_conduite": _conduits(records, codes),
        "t_cond_chem": _conduit_ways(records, codes),
        "t_masque": _masks(records, codes),
        "t_cab_cond": _cable_conduits(records, codes),
        "t_cab_chem": _cable_ways(records, codes, course),
        "t_cable": _cables(records, codes),
        "t_cableline": _lines(records, codes, course),
        "t_love": _loops(records, codes),
        "t_ebp": _boxes(records, codes, room),
        "t_baie": _racks(records, codes, room),
        "t_cassette": trays(records, codes),
        "t_tiroir": _drawers(records, codes),
        "t_fibre": strands(records, codes),
        "t_position": positions(records, codes),
    }
    for spec in TABLES[version].values():
        table = Table(spec.name, tuple(Column(name) for name in spec.columns), spec.shape)
        store.add(table, _ordered(rows[spec.name], spec.columns))


def _ordered(rows: Iterator[Row], columns: Sequence[str]) -> Iterator[tuple[str, list[str | None], bytes | None]]:
    """Rows with their cells in the order of the columns; an empty cell is nothing."""
    for key, cells, shape in rows:
        yield key, [cells.get(name) or None for name in columns], shape


def _life(prefix: str, item: Item) -> dict[str, str]:
    """Owner, manager, user, status, validity and source of an object."""
    source = item.get("source", "")
    owner = item.get("owner", "")
    return {
        f"{prefix}_prop": owner,
        f"{prefix}_gest": item.get("manager", ""),
        f"{prefix}_user": item.get("user", ""),
        f"{prefix}_statut": STATUS_CODE[item.get("status", "in-service")],
        f"{prefix}_datemes": write_date(item["valid_from"]) if "valid_from" in item else "",
        f"{prefix}_abddate": write_date(item["valid_to"]) if "valid_to" in item else "",
        f"{prefix}_majsrc": "" if source == SOURCE else source,
    }


def _organisms(records: Records) -> Iterator[Row]:
    names = {item.get(key, "") for items in records.objects.values() for item in items.values()
             for key in ("owner", "manager", "user")}  # fmt: skip
    for name in sorted(names - {""}):
        yield name, {"or_code": name, "or_nom": name}, None


def _references(records: Records) -> Iterator[Row]:
    for name, item in sorted(records["cable type"].items()):
        text = f"{item['strands']} FO {item.get('fibre', 'G.652.D')}"
        yield name, {"rf_code": name, "rf_type": "CB", "rf_design": text}, None


def _point(position: Sequence[float] | None) -> bytes | None:
    return None if position is None else wkb.point(*_metres(position))


def _metres(position: Sequence[float]) -> tuple[float, float]:
    x, y = to_grid(position[0], position[1])
    return round(x, DIGITS), round(y, DIGITS)


def _nodes(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in records.each("site"):
        code = codes.node(name)
        yield code, {"nd_code": code, "nd_type": "ST"}, _point(item.get("position"))
    for name, item in records.each("chamber"):
        code = codes.node(name)
        yield code, {"nd_code": code, "nd_type": "PT"}, _point((item["lon"], item["lat"]))


def _sites(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in records.each("site"):
        code, kind = codes.place(name), item.get("kind", "pop")
        cells = {
            "st_code": code,
            "st_nd_code": codes.node(name),
            "st_nom": item.get("name", ""),
            "st_commune": item.get("area", ""),
            "st_typephy": "ADR" if kind == "cabinet" else "BAT",
            "st_typelog": SITE_CODE.get(kind, "NRO"),
        }
        yield code, cells | _life("st", item), None


def _points(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in records.each("chamber"):
        code = codes.place(name)
        cells = {
            "pt_code": code,
            "pt_codeext": code,
            "pt_nd_code": codes.node(name),
            "pt_typephy": POINT_CODE.get(item.get("kind", "chamber"), "Z"),
        }
        yield code, cells | _life("pt", item), None


def _with_rooms(records: Records) -> list[str]:
    """Sites that need a room: for a frame, or a closure."""
    sites = {item["site"] for item in records["odf"].values()}
    sites |= {item["at"] for item in records["closure"].values() if item["at"] in records["site"]}
    return sorted(sites)


def _rooms(records: Records, codes: Codes, prefix: str) -> Iterator[Row]:
    for site in _with_rooms(records):
        code = codes.room(site)
        yield code, {f"{prefix}_code": code, f"{prefix}_st_code": codes.place(site)}, None


def _racks(records: Records, codes: Codes, room: str) -> Iterator[Row]:
    for site in sorted({item["site"] for item in records["odf"].values()}):
        code = codes.rack(site)
        yield code, {"ba_code": code, f"ba_{room}_code": codes.room(site), "ba_type": "BAIE"}, None


def _drawers(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in records.each("odf"):
        code = codes.odf(name)
        cells = {"ti_code": code, "ti_ba_code": codes.rack(item["site"]), "ti_type": "TIROIR"}
        yield code, cells | _life("ti", item), None


def _boxes(records: Records, codes: Codes, room: str) -> Iterator[Row]:
    for name, item in records.each("closure"):
        code, at = codes.closure(name), item["at"]
        cells = {"bp_code": code, "bp_codeext": code, "bp_typelog": "BPE"}
        cells |= {f"bp_{room}_code": codes.room(at)} if at in records["site"] else {"bp_pt_code": codes.place(at)}
        yield code, cells | _life("bp", item), None


def _ways(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in records.each("segment"):
        code = codes.way(name)
        line = [_metres(position) for position in item["coordinates"]]
        cells = {
            "cm_code": code,
            "cm_codeext": code,
            "cm_ndcode1": codes.node(item["a"]),
            "cm_ndcode2": codes.node(item["b"]),
            "cm_typ_imp": WAY_CODE.get(item.get("kind", "trench"), "9"),
            "cm_long": write_number(ground_length(line)),
            "cm_lgreel": write_number(parse_length(item["length"])) if "length" in item else "",
            "cm_dtclass": item.get("precision", ""),
        }
        yield code, cells | _life("cm", item), wkb.line(line)


def _direct(records: Records) -> list[str]:
    """Segments that a cable takes without a duct."""
    found = {name for cable in records["cable"].values() for name in cable.get("route", ())}
    return sorted(found & set(records["segment"]))


def virtual(codes: Codes, segment: str) -> str:
    """The code of the conduit that stands for lying in a segment without a duct."""
    return f"{codes.way(segment)}-direct"


def _conduits(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in sorted(records["duct"].items()):
        code = codes.way(name)
        cells = {
            "cd_code": code,
            "cd_codeext": code,
            "cd_cd_code": codes.way(item["parent"]) if item.get("parent") else "",
            "cd_type": "NC",
            "cd_dia_ext": write_number(1000 * parse_length(item["diameter"])) if "diameter" in item else "",
        }
        yield code, cells | _life("cd", item), None
    for name in _direct(records):
        code = virtual(codes, name)
        yield code, {"cd_code": code, "cd_type": VIRTUAL}, None


def _conduit_ways(records: Records, codes: Codes) -> Iterator[Row]:
    pairs = [(codes.way(duct), codes.way(segment)) for duct, item in sorted(records["duct"].items())
             for segment in item.get("segments", ())]  # fmt: skip
    pairs += [(virtual(codes, name), codes.way(name)) for name in _direct(records)]
    for duct, way in pairs:
        yield f"{duct}\t{way}", {"dm_cd_code": duct, "dm_cm_code": way}, None


def _masks(records: Records, codes: Codes) -> Iterator[Row]:
    number = 0
    for name, item in sorted(records["duct"].items()):
        for place, text in sorted(item.get("masks", {}).items()):
            number += 1
            node, duct, hole = codes.node(place), codes.way(name), parse_mask(text)
            cells = {
                "mq_id": str(number),
                "mq_nd_code": node,
                "mq_face": hole.face,
                "mq_col": str(hole.column),
                "mq_ligne": str(hole.row),
                "mq_cd_code": duct,
            }
            yield f"{node}\t{duct}", cells, None


def _cable_conduits(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in records.each("cable"):
        for part in item.get("route", ()):
            duct = virtual(codes, part) if part in records["segment"] else codes.way(part)
            cable = codes.cable(name)
            yield f"{cable}\t{duct}", {"cc_cb_code": cable, "cc_cd_code": duct}, None


def _cable_ways(records: Records, codes: Codes, course: Course) -> Iterator[Row]:
    for name, _ in records.each("cable"):
        cable = codes.cable(name)
        for segment, _ in course.steps(name):
            way = codes.way(segment)
            yield f"{cable}\t{way}", {"cc_cb_code": cable, "cc_cm_code": way}, None


def _cables(records: Records, codes: Codes) -> Iterator[Row]:
    for name, item in records.each("cable"):
        code, kind = codes.cable(name), records["cable type"][item["type"]]
        capacity = int(kind["strands"])
        cells = {
            "cb_code": code,
            "cb_codeext": code,
            "cb_nd1": codes.node(item["a"]),
            "cb_nd2": codes.node(item["b"]),
            "cb_typephy": "C",
            "cb_rf_code": item["type"],
            "cb_capafo": str(capacity),
            "cb_modulo": str(capacity // int(kind.get("tubes", 1))),
            "cb_fo_type": FIBRE_CODE.get(kind.get("fibre", ""), "G652D"),
            "cb_diam": write_number(1000 * parse_length(kind["diameter"])) if "diameter" in kind else "",
            "cb_lgreel": write_number(parse_length(item["sheath"])) if "sheath" in item else "",
        }
        yield code, cells | _life("cb", item), None


def _lines(records: Records, codes: Codes, course: Course) -> Iterator[Row]:
    for name, _ in records.each("cable"):
        line = [_metres(position) for position in course.line(name)]
        if line:
            code = codes.cable(name)
            cells = {"cl_code": f"{code}-line", "cl_cb_code": code, "cl_long": write_number(ground_length(line))}
            yield code, cells, wkb.line(line)


def _loops(records: Records, codes: Codes) -> Iterator[Row]:
    number, seen = 0, dict[str, int]()
    for name, item in sorted(records["cable"].items()):
        for loop in item.get("slack", ()):
            number += 1
            cable, node, length = (
                codes.cable(name),
                codes.node(loop["at"]),
                write_number(parse_length(loop["length"])),
            )
            key = f"{cable}\t{node}\t{length}"
            seen[key] = seen.get(key, 0) + 1
            cells = {"lv_id": str(number), "lv_cb_code": cable, "lv_nd_code": node, "lv_long": length}
            yield f"{key}\t{seen[key]}", cells, None
