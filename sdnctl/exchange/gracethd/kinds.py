"""Kinds of cables: what cables and their strands say of how many strands there are, in which tubes and colours."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.places import SOURCE
from sdnctl.exchange.gracethd.records import Records
from sdnctl.exchange.gracethd.schema import FIBRES
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import Names, read_count

HELIX = "1 %"
"""How much longer a strand is than its sheath, where nobody says it: a usual figure for loose tubes."""
MOST = 2304
PATCH = "J"
"""Type of patch cords, which are no cables of the plant."""


@dataclass(frozen=True, slots=True)
class Make:
    """The kind of a cable. `modulo`: strands to a tube."""

    id: str
    strands: int
    modulo: int


@dataclass(frozen=True, slots=True)
class _Held:
    """What the strands of a cable say: how many, greatest number, most in a tube, type, list of colours."""

    count: int
    most: int
    modulo: int
    fibre: str
    foreign: bool


_Shape = tuple[str, int, int, str, str]


def read_kinds(store: Store, records: Records, findings: Findings) -> dict[str, Make]:
    """The kind of each cable that has strands; the kinds go to the records."""
    held = _strands(store, findings)
    shapes: dict[str, _Shape] = {}
    columns = ("cb_code", "cb_typephy|cb_type", "cb_rf_code", "cb_capafo", "cb_modulo", "cb_fo_type")
    for line, (code, phy, reference, capacity, modulo, fibre), _ in store.read("t_cable", *columns):
        if phy.upper() == PATCH:
            continue
        shape = _shape(findings, code, line, reference, capacity, modulo, fibre, held.get(code))
        if shape is not None:
            shapes.setdefault(code, shape)
    names = _named(shapes)
    for shape, name in names.items():
        _, strands, modulo_, fibre, colours = shape
        records["cable type"][name] = {
            "id": name,
            "strands": strands,
            "tubes": strands // modulo_,
            "helix": HELIX,
            "source": SOURCE,
            **({"fibre": fibre} if fibre != "G.652.D" else {}),
            **({"colours": colours} if colours != "orange-fr" else {}),
        }
        del records["cable type"][name]["id"]
        if strands == modulo_:
            del records["cable type"][name]["tubes"]
    return {code: Make(names[shape], shape[1], shape[2]) for code, shape in shapes.items()}


def _strands(store: Store, findings: Findings) -> dict[str, _Held]:
    if not store.has("t_fibre"):
        return {}
    cable, number = store.expression("t_fibre", "fo_cb_code"), store.expression("t_fibre", "fo_nincab")
    inside, kind = store.expression("t_fibre", "fo_nintub"), store.expression("t_fibre", "fo_type")
    colour = store.expression("t_fibre", "fo_color")
    sql = f"""SELECT {cable}, count(*), max(CAST({number} AS INTEGER)), max(CAST({inside} AS INTEGER)),
                     max({kind}), max({colour} LIKE '1.%') FROM t_fibre GROUP BY 1"""
    return {row[0]: _Held(row[1], row[2] or 0, row[3] or 0, row[4], bool(row[5])) for row in
            store.connection.execute(sql)}  # fmt: skip


def _shape(
    findings: Findings,
    code: str,
    line: int,
    reference: str,
    capacity: str,
    modulo: str,
    fibre: str,
    held: _Held | None,
) -> _Shape | None:
    said = read_count(capacity) or 0
    seen = max(held.most, held.count) if held is not None else 0
    if said and held is not None and held.count != said:
        text = f"cable {code} is said to have {said} strands, and {held.count} are listed"
        findings.warning("capacity-against-strands", "t_cable", code, text, line, column="cb_capafo")
    strands = max(said, seen)
    if strands < 1 or strands > MOST:
        return None
    if strands != said:
        findings.infer("t_cable", code, "cb_capafo", strands, "its strands in t_fibre")
    size = read_count(modulo) or 0
    source = "cb_modulo"
    if not size and held is not None and held.modulo:
        size, source = held.modulo, "fo_nintub of its strands"
    elif not size:
        size, source = 12 if strands % 12 == 0 else strands, "what is usual"
    if size > strands or strands % size:
        text = f"cable {code}: {strands} strands do not fill tubes of {size}"
        findings.warning("tubes-not-even", "t_cable", code, text, line, column="cb_modulo")
        size, source = strands, "its strands, which do not fill tubes evenly"
    if source != "cb_modulo":
        findings.infer("t_cable", code, "cb_modulo", size, source)
    kind = (held.fibre if held is not None else "") or fibre
    ours = FIBRES.get(kind.upper().replace(".", ""), "G.652.D")
    colours = "gracethd" if held is not None and held.foreign else "orange-fr"
    return reference, strands, size, ours, colours


def _named(shapes: dict[str, _Shape]) -> dict[_Shape, str]:
    """A name for each kind: its reference where that means one kind only."""
    counts = Counter(shapes.values())
    by_reference: dict[str, list[_Shape]] = defaultdict(list)
    for shape in sorted(counts):
        by_reference[shape[0]].append(shape)
    names = Names()
    found: dict[_Shape, str] = {}
    for reference, kinds in sorted(by_reference.items()):
        for shape in kinds:
            _, strands, size, fibre, colours = shape
            plain = f"fo{strands}-m{size}-{fibre.replace('.', '').lower()}"
            plain += "-fotag" if colours == "gracethd" else ""
            single = reference and len(kinds) == 1
            found[shape] = names.give(reference if single else f"{reference}-{plain}" if reference else plain)
    return found
