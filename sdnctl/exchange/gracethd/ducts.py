"""Conduits of a delivery, as ducts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.places import Places, life, life_columns
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.schema import VIRTUAL
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.values import read_count, read_number
from sdnctl.exchange.gracethd.ways import Ways
from sdnctl.inventory.fields import parse_mask
from sdnctl.units import format_length


def read_ducts(store: Store, places: Places, records: Records, findings: Findings, ways: Ways) -> None:
    members: dict[str, list[str]] = defaultdict(list)
    for line, (duct, way), _ in store.read("t_cond_chem", "dm_cd_code", "dm_cm_code"):
        if way in ways.segments:
            members[duct].append(ways.segments[way])
        else:
            text = f"conduit {duct} runs through {way or '(nothing)'}, which cannot be used"
            findings.warning("no-such-way", "t_cond_chem", duct, text, line)
    parents: dict[str, str] = {}
    columns = ("cd_code", "cd_cd_code", "cd_type", "cd_dia_ext", *life_columns("cd"))
    for line, (code, parent, kind, diameter, *cells), _ in store.read("t_conduite", *columns):
        if not code or code in ways.elements:
            text = f"{code} is there twice" if code else "a conduit has no code"
            findings.error("duplicate-code" if code else "no-code", "t_conduite", code, text, line)
            continue
        segments = list(dict.fromkeys(members.get(code, ())))
        if kind.upper() == VIRTUAL:
            ways.elements[code] = segments
            continue
        if not segments and not parent:
            findings.warning("orphan-conduit", "t_conduite", code, f"conduit {code} runs through no way", line)
            ways.elements[code] = []
            continue
        item = life(cells, findings, "t_conduite", code, line)
        millimetres = read_number(diameter) if diameter else None
        if millimetres is not None and millimetres > 0:
            item["diameter"] = format_length(millimetres / 1000)
        _add_duct(records, findings, ways, code, line, segments, item)
        if parent:
            parents[code] = parent
    _nest(records, findings, ways, parents)
    _read_masks(store, places, records, findings, ways)


def _read_masks(store: Store, places: Places, records: Records, findings: Findings, ways: Ways) -> None:
    """By which hole of a chamber's wall a duct comes in."""
    columns = ("mq_nd_code", "mq_cd_code", "mq_face", "mq_ligne", "mq_col")
    for line, (node, code, face, row, column), _ in store.read("t_masque", *columns):
        place, names = places.at.get(node), ways.elements.get(code, [])
        duct = next((one for one in names if one in records["duct"] and place in ways.ends.get(one, ())), None)
        if place is None or duct is None:
            if code:
                text = f"conduit {code} has a hole at {node or '(nowhere)'}, where it does not end"
                findings.warning("orphan-mask", "t_masque", code, text, line)
            continue
        try:
            hole = parse_mask(f"{face}:{read_count(row) or 1}.{read_count(column) or 0}")
        except ValueError:
            text = f"the hole of conduit {code} at {node} has no face, row or column"
            findings.warning("mask-without-position", "t_masque", code, text, line)
            continue
        records["duct"][duct].setdefault("masks", {})[place] = str(hole)


def _add_duct(
    records: Records, findings: Findings, ways: Ways, code: str, line: int, segments: list[str], item: Item
) -> None:
    """A duct; one that branches or has gaps becomes several."""
    pieces = chains(segments, ways.ends) if segments else [[]]
    if len(pieces) > 1:
        text = f"conduit {code} is no single line: it became {len(pieces)} ducts"
        findings.warning("conduit-not-a-line", "t_conduite", code, text, line)
    ways.elements[code] = []
    for number, piece in enumerate(pieces):
        name = ways.names.give(code if number == 0 else f"{code}.{number + 1}")
        ways.elements[code].append(name)
        ways.codes[name] = code if number == 0 else f"{code}.{number + 1}"
        if number:
            findings.infer("t_conduite", f"{code}.{number + 1}", "cd_code", name, f"the gaps of conduit {code}")
        ways.inside[name] = piece
        if piece:
            ways.ends[name] = chain_ends(piece, ways.ends)
        records["duct"][name] = {**item, **({"segments": piece} if piece else {})}


def _nest(records: Records, findings: Findings, ways: Ways, parents: Mapping[str, str]) -> None:
    """Ducts in ducts, where the inner one lies in the outer all the way."""
    for code, parent in parents.items():
        names, outer = ways.elements.get(code, []), ways.elements.get(parent, [])
        seen, above = {code}, parent
        while above in parents and above not in seen:
            seen.add(above)
            above = parents[above]
        for name in names:
            piece = ways.inside.get(name, [])
            holder = next((one for one in outer if not piece or within(piece, ways.inside.get(one, []))), None)
            if holder is None or above in seen:
                text = f"conduit {code} is said to lie in {parent}, and does not all the way"
                findings.warning("conduit-outside-parent", "t_conduite", code, text, column="cd_cd_code")
                if not piece:
                    del records["duct"][name]
                    ways.elements[code].remove(name)
                continue
            records["duct"][name]["parent"] = holder
            if not piece:
                ways.inside[name] = ways.inside[holder]
                ways.ends[name] = ways.ends[holder]


def within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether a run of segments stands in another without gaps, in either order."""
    count = len(part)
    for names in (list(whole), list(reversed(whole))):
        if any(names[start : start + count] == list(part) for start in range(len(names) - count + 1)):
            return True
    return False


def chains(names: Sequence[str], ends: Mapping[str, tuple[str, str]]) -> list[list[str]]:
    """Segments put in order, as few lines as it takes; each begins on the side of the one that was named first."""
    left = dict.fromkeys(names)
    at: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for place in ends[name]:
            at[place].append(name)

    def grow(start: str, place: str, passed: set[str]) -> list[str]:
        found = [start]
        while len(at[place]) == 2:  # a fork ends a line
            ahead = next((name for name in at[place] if name in left), None)
            if ahead is None:
                break
            first, last = ends[ahead]
            place = last if place == first else first
            if place in passed:  # a ring is cut open
                break
            passed.add(place)
            del left[ahead]
            found.append(ahead)
        return found

    order = {name: index for index, name in enumerate(names)}
    result = []
    for name in names:
        if name not in left:
            continue
        del left[name]
        passed = set(ends[name])
        after = grow(name, ends[name][1], passed)
        before = grow(name, ends[name][0], passed)
        line = [*reversed(before[1:]), *after]
        if len(line) > 1 and order[line[0]] > order[line[-1]]:
            line.reverse()
        result.append(line)
    return result


def chain_ends(line: Sequence[str], ends: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """The places where a line of segments begins and ends."""
    first = ends[line[0]]
    if len(line) > 1 and first[1] not in ends[line[1]]:
        first = (first[1], first[0])
    place = first[0]
    for name in line:
        a, b = ends[name]
        place = b if place == a else a
    return first[0], place
