"""Boxes, drawers and their positions, as closures with splices and frames with terminations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from sdnctl.exchange.gracethd.cables import Cables
from sdnctl.exchange.gracethd.cords import Plug
from sdnctl.exchange.gracethd.defects import Findings, Inferred
from sdnctl.exchange.gracethd.places import Places, life, life_columns
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.sides import Position, Sides, Strand
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import Names, read_count
from sdnctl.inventory.fields import StrandRange, format_numbers

PASSES, SPLICED = "PA", "EP"
MOST_POSITIONS = 10_000


@dataclass
class Joints:
    """Boxes and drawers by code; `ids` and `codes` of both kinds."""

    closures: dict[str, str] = field(default_factory=dict)
    odfs: dict[str, str] = field(default_factory=dict)
    closure_names: Names = field(default_factory=Names)
    odf_names: Names = field(default_factory=Names)
    plugs: list[Plug] = field(default_factory=list)
    """Strands of patch cords at positions of drawers."""
    guesses: dict[str, list[Inferred]] = field(default_factory=dict)
    """Closure or ODF → which part of a strand is meant, where only the order of the positions tells."""


def read_joints(store: Store, places: Places, cables: Cables, records: Records, findings: Findings) -> Joints:
    joints = Joints()
    if store.has("t_fibre"):
        store.index("t_fibre", "fo_code")
    _read_boxes(store, places, records, findings, joints)
    _read_drawers(store, places, records, findings, joints)
    if store.has("t_position"):
        sides = Sides(cables, findings)
        passing = _read_splices(store, sides, records, findings, joints)
        _read_terminations(store, sides, cables, records, findings, joints)
        for closure, strands in passing.items():
            _note_opened(sides, records["closure"][closure], closure, strands)
    return joints


def _read_boxes(store: Store, places: Places, records: Records, findings: Findings, joints: Joints) -> None:
    rooms = _rooms(store, places)
    columns = ("bp_code", "bp_pt_code", "bp_lt_code|bp_lc_code", "bp_sf_code", *life_columns("bp"))
    for line, (code, point, room, home, *cells), _ in store.read("t_ebp", *columns):
        if not code or code in joints.closures:
            text = f"{code} is there twice" if code else "a box has no code"
            findings.error("duplicate-code" if code else "no-code", "t_ebp", code, text, line)
            continue
        place = places.point_of.get(point) or rooms.get(room) or places.site_of.get(home)
        if place is None:
            named = point or room or home
            text = f"box {code} stands at {named}, which is not there" if named else f"box {code} stands nowhere"
            ask = "Fill in bp_pt_code, or the room it is in."
            findings.error("box-without-place", "t_ebp", code, text, line, column="bp_pt_code", ask=ask)
            continue
        name = joints.closure_names.give(code)
        joints.closures[code] = name
        records["closure"][name] = {"at": place, **life(cells, findings, "t_ebp", code, line)}


def _rooms(store: Store, places: Places) -> dict[str, str]:
    """Room → the site it is in."""
    table = store.first("t_local", "t_ltech")
    rows = store.read(table, "lc_code|lt_code", "lc_st_code|lt_st_code")
    return {code: places.site_of[site] for _, (code, site), _ in rows if site in places.site_of}


def _read_drawers(store: Store, places: Places, records: Records, findings: Findings, joints: Joints) -> None:
    rooms = _rooms(store, places)
    racks = {code: room for _, (code, room), _ in store.read("t_baie", "ba_code", "ba_lt_code|ba_lc_code")}
    columns = ("ti_code", "ti_ba_code", *life_columns("ti"))
    for line, (code, rack, *cells), _ in store.read("t_tiroir", *columns):
        if not code or code in joints.odfs:
            text = f"{code} is there twice" if code else "a drawer has no code"
            findings.error("duplicate-code" if code else "no-code", "t_tiroir", code, text, line)
            continue
        site = rooms.get(racks.get(rack, ""))
        if site is None or site not in records["site"]:
            text = f"drawer {code} is in rack {rack or '(none)'}, of which no site is known"
            ask = "Fill in ti_ba_code, and the room and site of that rack."
            findings.error("drawer-without-site", "t_tiroir", code, text, line, column="ti_ba_code", ask=ask)
            continue
        name = joints.odf_names.give(code)
        joints.odfs[code] = name
        item: Item = {"site": site, "positions": 1, **life(cells, findings, "t_tiroir", code, line)}
        records["odf"][name] = item


# ── positions ────────────────────────────────────────────────────────────────────────────────────


def _positions(store: Store, holder: str, join: str, order: str) -> Iterator[Position]:
    """Positions with their fibres, by holder; two rows of one fibre do not make two positions."""

    def cell(column: str, alias: str = "p", table: str = "t_position") -> str:
        return store.expression(table, column, alias)

    ends, joins = [], []
    for number in ("1", "2"):
        alias = f"f{number}"
        if store.has("t_fibre"):
            key, named = cell("fo_code", alias, "t_fibre"), cell(f"ps_{number}")
            joins.append(f"LEFT JOIN t_fibre {alias} ON {key} = {named} AND {named} != ''")
            fibre = [cell(f"fo_{one}", alias, "t_fibre") for one in ("cb_code", "nincab", "numtub", "nintub")]
            ends += [cell(f"ps_{number}"), fibre[0], fibre[1], f"{fibre[2]} || '/' || {fibre[3]}"]
        else:
            ends += [cell(f"ps_{number}"), "''", "''", "''"]
    columns = ", ".join([holder, cell("ps_code"), cell("ps_numero"), cell("ps_fonct"), *ends])
    sql = f"""SELECT p."~line", p.rowid, {columns} FROM t_position p {join} {" ".join(joins)}
              WHERE {holder} != '' GROUP BY p.rowid ORDER BY {holder}, {order} p.rowid"""
    for line, _, name, code, number_, function, *rest in store.connection.execute(sql):
        yield Position(
            name,
            code,
            line,
            read_count(number_) if number_ else None,
            function.upper(),
            ((rest[0], rest[1], rest[2], rest[3]), (rest[4], rest[5], rest[6], rest[7])),
        )


def _runs(items: list[tuple[Strand, Strand]]) -> Iterator[Item]:
    """Splices one after the other between the same cables are one row."""

    def cables(pair: tuple[Strand, Strand]) -> tuple[str, str, str, str]:
        return pair[0].cable, pair[0].side, pair[1].cable, pair[1].side

    for _, group in groupby(items, cables):
        pairs = list(group)
        yield {"a": _range([one for one, _ in pairs]), "b": _range([one for _, one in pairs])}


def _range(strands: list[Strand]) -> str:
    return str(StrandRange(strands[0].cable, tuple(one.number for one in strands), strands[0].side or None))


def _read_splices(
    store: Store, sides: Sides, records: Records, findings: Findings, joints: Joints
) -> dict[str, list[Strand]]:
    """Splices and waiting strands of boxes to the records; returns those that are said to pass uncut."""
    passes: dict[str, list[Strand]] = {}
    if not store.has("t_cassette"):
        return passes
    store.index("t_cassette", "cs_code")
    cassette = store.expression("t_cassette", "cs_code", "c")
    join = f"LEFT JOIN t_cassette c ON {cassette} = {store.expression('t_position', 'ps_cs_code', 'p')}"
    tray = f"CAST({store.expression('t_cassette', 'cs_num', 'c')} AS INTEGER), {cassette},"
    order = f"{tray} CAST({store.expression('t_position', 'ps_numero', 'p')} AS INTEGER),"
    rows = _positions(store, store.expression("t_cassette", "cs_bp_code", "c"), join, order)
    for _, closure, positions in _by_holder(rows, "box", joints.closures, findings):
        item = records["closure"][closure]
        sides.guesses = joints.guesses[closure] = []
        pairs: list[tuple[Strand, Strand]] = []
        waiting, passing = list[Strand](), list[Strand]()
        for one in positions:
            _read_position(one, item["at"], sides, findings, pairs, waiting, passing)
        if pairs:
            records.splices[closure] = list(_runs(pairs))
        _note_strands(item, "cut", waiting)
        passes[closure] = passing
    return passes


def _by_holder(
    rows: Iterable[Position], kind: str, names: Mapping[str, str], findings: Findings
) -> Iterator[tuple[str, str, Iterator[Position]]]:
    """Positions by what holds them: its code, its name with us, and them; those of what is not there are told."""
    for holder, positions in groupby(rows, lambda one: one.holder):
        if holder in names:
            yield holder, names[holder], positions
            continue
        count = sum(1 for _ in positions)
        text = f"{count} positions are in {kind} {holder}, which is not there or cannot be used"
        findings.error("orphan-positions", "t_position", holder, text)


def _note_opened(sides: Sides, item: Item, closure: str, passing: list[Strand]) -> None:
    """Strands that pass a box uncut, once it is known what is cut there in other boxes and in frames."""
    uncut = [one for one in passing if sides.passes(item["at"], one)]
    if len(uncut) < len(passing):
        text = f"{len(passing) - len(uncut)} strands pass {closure} and are cut at its place"
        sides.findings.warning("passes-and-cut", "t_position", closure, text)
    _note_strands(item, "opened", uncut)


def _read_position(
    one: Position,
    place: str,
    sides: Sides,
    findings: Findings,
    pairs: list[tuple[Strand, Strand]],
    waiting: list[Strand],
    passing: list[Strand],
) -> None:
    """A position of a cassette: a splice, a strand that waits, or one that passes."""
    named = [number for number in (0, 1) if one.ends[number][0]]
    if not named:
        return
    same = len(named) == 2 and one.ends[0][0] == one.ends[1][0]
    if one.function == PASSES or (same and one.function != SPLICED):  # cut and spliced again is no passing
        strand = sides.strand(one, named[0], place, True)
        if strand is not None:
            passing.append(strand)
        return
    if len(named) == 1:
        if one.function == SPLICED:
            text = f"position {one.code} splices {one.ends[named[0]][0]} with nothing"
            findings.warning("one-sided-position", "t_position", one.code, text, one.line,
                             ask="Fill in the other strand, or say that this one waits (AT).")  # fmt: skip
        strand = sides.strand(one, named[0], place, True)
        if strand is not None:
            waiting.append(strand)
            sides.cut(place, strand)
        return
    left = sides.strand(one, 0, place, False)
    if left is None:
        sides.strand(one, 1, place, False)  # what is wrong there is said, too
        return
    sides.take(place, left)
    right = sides.strand(one, 1, place, False)
    if right is None or left == right:
        sides.leave(place, left)
        return
    sides.take(place, right)
    pairs.append((left, right))


def _note_strands(item: Item, key: str, strands: list[Strand]) -> None:
    """Strands of a closure by cable, under `cut` or `opened`."""
    by_cable: dict[str, list[int]] = {}
    for one in dict.fromkeys(strands):
        by_cable.setdefault(one.cable, []).append(one.number)
    if by_cable:
        item[key] = [f"{cable}:{format_numbers(tuple(numbers))}" for cable, numbers in by_cable.items()]


def _read_terminations(
    store: Store, sides: Sides, cables: Cables, records: Records, findings: Findings, joints: Joints
) -> None:
    order = f"CAST({store.expression('t_position', 'ps_numero', 'p')} AS INTEGER),"
    rows = _positions(store, store.expression("t_position", "ps_ti_code", "p"), "", order)
    for drawer, name, positions in _by_holder(rows, "drawer", joints.odfs, findings):
        item = records["odf"][name]
        sides.guesses = joints.guesses[name] = []
        ends: list[tuple[int, Strand]] = []
        taken: set[int] = set()
        last = 0
        for one in positions:
            number = one.number
            if number is None or number in taken or not 1 <= number <= MOST_POSITIONS:
                number = last + 1
                findings.infer("t_position", one.code, "ps_numero", number, "the order of the positions")
            if number > MOST_POSITIONS or number in taken:
                findings.error("too-many-positions", "t_position", one.code, f"drawer {drawer} is full", one.line)
                continue
            taken.add(number)
            last = max(last, number)
            joints.plugs += _plugs(one, f"{name}:{number}", cables)
            strand = _fibre_of(one, item["site"], sides)
            if strand is not None:
                sides.take(item["site"], strand)
                ends.append((number, strand))
        item["positions"] = max(last, 1)
        if ends:
            records.terminations[name] = list(_ends(ends))


def _plugs(one: Position, position: str, cables: Cables) -> Iterator[Plug]:
    for text, code, *_ in one.ends:
        if text and code in cables.patches:
            yield Plug(code, text, position, one.line)


def _fibre_of(one: Position, site: str, sides: Sides) -> Strand | None:
    """The strand of the plant behind a position; what is plugged in before it is none."""
    held = [number for number in (0, 1) if one.ends[number][0] and one.ends[number][1] in sides.cables.ids]
    if len(held) == 2 and one.ends[0][0] != one.ends[1][0]:
        text = f"position {one.code} of a drawer joins {one.ends[0][0]} and {one.ends[1][0]}: the first is taken"
        sides.findings.warning("two-strands-in-drawer", "t_position", one.code, text, one.line, column="ps_2",
                               ask="Put the splice into a cassette, or the strand on a position.")  # fmt: skip
    if held:
        return sides.strand(one, held[0], site, False)
    for number in (0, 1):
        text, code, *_ = one.ends[number]
        if text and code not in sides.cables.patches:
            return sides.strand(one, number, site, False)
    return None


def _ends(ends: list[tuple[int, Strand]]) -> Iterator[Item]:
    """Positions one after the other with strands of the same cable are one row."""
    for _, group in groupby(ends, lambda one: (one[1].cable, one[1].side)):
        held = list(group)
        positions = format_numbers(tuple(number for number, _ in held))
        yield {"positions": positions, "strands": _range([strand for _, strand in held])}
