"""Strands and positions of the records: the tables that have a row for every strand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdnctl.exchange.gracethd.kept import Codes
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.schema import FIBRE_CODE
from sdnctl.inventory.fields import StrandRange, parse_numbers, parse_strands

SIZE = 12
"""Positions of a cassette, where nobody says how many it has."""
_COLOURS = 12

Row = tuple[str, dict[str, str], bytes | None]


def strands(records: Records, codes: Codes) -> Iterator[Row]:
    """Every strand of every cable, with its tube, its place there and its colour."""
    for name, item in records.each("cable"):
        kind = records["cable type"][item["type"]]
        size = int(kind["strands"]) // int(kind.get("tubes", 1))
        fibre = FIBRE_CODE.get(kind.get("fibre", ""), "G652D")
        list_ = "" if kind.get("colours", "orange-fr") == "orange-fr" else "1."
        cable = codes.cable(name)
        for number in range(1, int(kind["strands"]) + 1):
            tube, inside = divmod(number - 1, size)
            code = codes.strand(name, number)
            cells = {
                "fo_code": code,
                "fo_cb_code": cable,
                "fo_nincab": str(number),
                "fo_numtub": str(tube + 1),
                "fo_nintub": str(inside + 1),
                "fo_type": fibre,
                "fo_color": f"{list_}{inside % _COLOURS + 1}",
            }
            yield code, cells, None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A position of a box: what it is for, and its one or two strands."""

    function: str
    first: str
    second: str = ""


def _order(text: StrandRange) -> tuple[str, str, tuple[int, ...]]:
    return text.cable, text.side or "", text.strands


def _of_box(records: Records, codes: Codes, name: str) -> Iterator[_Wanted]:
    """What a box holds: splices, then strands that wait, then those that pass uncut."""
    runs = [(parse_strands(one["a"]), parse_strands(one["b"])) for one in records.splices.get(name, ())]
    for left, right in sorted(runs, key=lambda run: (_order(run[0]), _order(run[1]))):
        for a, b in zip(left.strands, right.strands, strict=True):
            yield _Wanted("EP", codes.strand(left.cable, a), codes.strand(right.cable, b))
    item = records["closure"][name]
    for held in item.get("opened_tubes", ()):
        yield from _passing(records, codes, name, parse_strands(held))
    for key, function in (("cut", "AT"), ("opened", "PA")):
        for held in item.get(key, ()):
            for number in parse_strands(held).strands:
                fibre = codes.strand(parse_strands(held).cable, number)
                yield _Wanted(function, fibre, fibre if function == "PA" else "")


def _passing(records: Records, codes: Codes, name: str, tubes: StrandRange) -> Iterator[_Wanted]:
    """The strands of opened tubes that pass uncut."""
    item = records["closure"][name]
    ends = [one[key] for one in records.splices.get(name, ()) for key in ("a", "b")]
    held = [parse_strands(text) for text in (*ends, *item.get("cut", ()), *item.get("opened", ()))]
    cut = {number for one in held if one.cable == tubes.cable for number in one.strands}
    kind = records["cable type"][records["cable"][tubes.cable]["type"]]
    size = int(kind["strands"]) // int(kind.get("tubes", 1))
    for tube in tubes.strands:
        for number in range((tube - 1) * size + 1, tube * size + 1):
            if number not in cut:
                fibre = codes.strand(tubes.cable, number)
                yield _Wanted("PA", fibre, fibre)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A position as it is written: code, cassette and number, as kept or new; `tray`: a new cassette's number."""

    wanted: _Wanted
    code: str
    cassette: str
    number: str
    tray: int | None


def _placed(records: Records, codes: Codes, name: str) -> Iterator[_Placed]:
    box = codes.closure(name)
    kept = {key: list(held) for key, held in codes.positions(box, False).items()}
    trays_ = {cassette for held in kept.values() for _, cassette, _ in held}
    tray, number = 0, SIZE
    for wanted in _of_box(records, codes, name):
        held = kept.get(tuple(sorted((wanted.first, wanted.second))))
        if held:
            yield _Placed(wanted, *held.pop(0), None)
            continue
        number += 1
        if number > SIZE:
            number, tray = 1, tray + 1
            while f"{box}-{tray:02d}" in trays_:
                tray += 1
        cassette = f"{box}-{tray:02d}"
        yield _Placed(wanted, f"{cassette}-{number:02d}", cassette, str(number), tray)


def trays(records: Records, codes: Codes) -> Iterator[Row]:
    """Cassettes of boxes, each once; of those that were kept only their codes are known."""
    for name, _ in records.each("closure"):
        box = codes.closure(name)
        seen: set[str] = set()
        for one in _placed(records, codes, name):
            if one.cassette not in seen:
                seen.add(one.cassette)
                number = "" if one.tray is None else str(one.tray)
                cells = {"cs_code": one.cassette, "cs_bp_code": box, "cs_num": number, "cs_type": "E"}
                yield one.cassette, cells, None


def positions(records: Records, codes: Codes) -> Iterator[Row]:
    """Positions of boxes and drawers."""
    for name, _ in records.each("closure"):
        for one in _placed(records, codes, name):
            cells = {
                "ps_code": one.code,
                "ps_numero": one.number,
                "ps_1": one.wanted.first,
                "ps_2": one.wanted.second,
                "ps_cs_code": one.cassette,
                "ps_type": "SFU" if one.wanted.function == "EP" else "",
                "ps_fonct": one.wanted.function,
            }
            yield one.code, cells, None
    for name, item in records.each("odf"):
        yield from _drawer(records, codes, name, item)


def _drawer(records: Records, codes: Codes, name: str, item: Item) -> Iterator[Row]:
    drawer = codes.odf(name)
    behind: dict[int, str] = {}
    for held in records.terminations.get(name, ()):
        run = parse_strands(held["strands"])
        for position, number in zip(parse_numbers(held["positions"]), run.strands, strict=True):
            behind[position] = codes.strand(run.cable, number)
    kept = codes.positions(drawer, True)
    connector = "CSA" if item.get("connector", "SC/APC") == "SC/APC" else "CSP"
    for position in range(1, int(item["positions"]) + 1):
        known = kept.get((str(position),))
        code = known[0][0] if known else f"{drawer}:{position}"
        cells = {
            "ps_code": code,
            "ps_numero": str(position),
            "ps_1": behind.get(position, ""),
            "ps_ti_code": drawer,
            "ps_type": connector,
            "ps_fonct": "CO",
        }
        yield code, cells, None
