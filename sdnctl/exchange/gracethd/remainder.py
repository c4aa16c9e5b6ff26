"""What the tables of the standard have no column for, in one more table: a row per object and value.

The rows are the difference between the records and what a reader makes of the other tables; so they grow only with
what cannot be said otherwise. A row with the id ``*`` holds for every object of a kind that says nothing itself.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.records import PARTS, Item, Records
from sdnctl.exchange.gracethd.schema import REMAINDER
from sdnctl.exchange.gracethd.store import Store
from sdnctl.inventory.fields import parse_numbers, parse_strands
from sdnctl.plainjson import parse_json

ALL, WHOLE = "*", "*"
_ABSENT = object()
Row = tuple[str, str, str, str]


def remainder(wanted: Records, read: Records) -> list[Row]:
    """Rows that make what was read into what is wanted."""
    found: list[Row] = []
    for kind, items in wanted.objects.items():
        found += _objects(kind, items, read[kind])
        part = PARTS.get(kind)
        if part is not None:
            mine, theirs = wanted.parts(kind), read.parts(kind)
            names = sorted({*mine, *theirs})
            found += [
                (kind, name, part, _json(mine.get(name, [])))
                for name in names
                if mine.get(name, []) != theirs.get(name, [])
            ]
    return found


def _objects(kind: str, items: dict[str, Item], read: dict[str, Item]) -> Iterator[Row]:
    values: dict[str, dict[str, str]] = defaultdict(dict)
    for name, item in sorted(items.items()):
        if name not in read:
            yield kind, name, WHOLE, _json(item)
            continue
        other = read[name]
        for key in {*item, *other}:
            value = item.get(key, _ABSENT)
            if value != other.get(key, _ABSENT):
                values[key][name] = "" if value is _ABSENT else _json(value)
    for name in sorted(set(read) - set(items)):
        yield kind, name, WHOLE, ""
    for key, changed in sorted(values.items()):
        common, count = Counter(changed.values()).most_common(1)[0]
        if count > max(2, len(items) // 2):
            yield kind, ALL, key, common
            for name in sorted(items):
                if name in read and changed.get(name) != common:
                    own = items[name].get(key, _ABSENT)
                    yield kind, name, key, "" if own is _ABSENT else _json(own)
        else:
            for name, text in sorted(changed.items()):
                yield kind, name, key, text


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_remainder(store: Store, records: Records, findings: Findings) -> set[str]:
    """Put what the table of our own says into the records; what does not fit any more is reported and left out.

    Returns the closures and ODFs of which it says what is joined.
    """
    shared: list[tuple[str, str, str]] = []
    own: dict[tuple[str, str], set[str]] = defaultdict(set)
    rows, sure = [], set[str]()
    for line, (kind, name, key, text), _ in store.read(REMAINDER.name, *REMAINDER.columns):
        if kind not in records.objects:
            findings.warning(
                "unknown-remainder", REMAINDER.name, name, f"{kind} {name}: nothing is called {kind}", line
            )
        elif name == ALL:
            shared.append((kind, key, text))
        else:
            own[kind, name].add(key)
            rows.append((line, kind, name, key, text))
    for kind, key, text in shared:
        for name, item in records[kind].items():
            if key not in own[kind, name] and WHOLE not in own[kind, name]:
                _set(item, key, text)
    for line, kind, name, key, text in rows:
        if not _apply(records, kind, name, key, text):
            what = f"{kind} {name}: {key} does not fit what the other tables say"
            findings.warning("stale-remainder", REMAINDER.name, name, what, line)
        elif key == PARTS.get(kind):
            sure.add(name)
    return sure


def _set(item: Item, key: str, text: str) -> bool:
    if not text:
        item.pop(key, None)
        return True
    try:
        item[key] = parse_json(text)
    except ValueError:
        return False
    return True


def _apply(records: Records, kind: str, name: str, key: str, text: str) -> bool:
    if key == WHOLE:
        if not text:
            records[kind].pop(name, None)
            return True
        held: Item = {}
        if not _set(held, "item", text) or not isinstance(held["item"], dict):
            return False
        records[kind][name] = held["item"]
        return True
    if key == PARTS.get(kind):
        return _apply_parts(records.parts(kind), name, text)
    return name in records[kind] and _set(records[kind][name], key, text)


def _apply_parts(parts: dict[str, list[Item]], name: str, text: str) -> bool:
    """Splices or terminations as they were grouped, with their losses: if they join what the positions join."""
    held: Item = {}
    if not _set(held, "parts", text) or not isinstance(held["parts"], list):
        return False
    try:
        same = _joined(held["parts"]) == _joined(parts.get(name, []))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    if same:
        parts[name] = held["parts"]
    return same


def _joined(parts: list[Item]) -> set[Any]:
    """What is joined with what, strand by strand."""
    found: set[Any] = set()
    for part in parts:
        if "positions" in part:
            strands = parse_strands(part["strands"])
            ends = [(strands.cable, number) for number in strands.strands]
            found |= set(zip(parse_numbers(part["positions"]), ends, strict=True))
        else:
            left, right = parse_strands(part["a"]), parse_strands(part["b"])
            found |= {
                frozenset({(left.cable, a), (right.cable, b)})
                for a, b in zip(left.strands, right.strands, strict=True)
            }
    return found
