"""What an edit touches: the objects whose rows may differ between two states of a plant.

An export onto a delivery that was kept compares rows; those of objects that nothing touched are the same, and need
not be written twice to find that out. Too many named here cost time; one too few would leave an old row behind, so
everything that a row is made of counts: a cable's strands come from its kind, its line from the segments below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sdnctl.exchange.gracethd.records import PARTS, Item, Records
from sdnctl.inventory.fields import parse_strands

Touched = Mapping[str, frozenset[str]]
"""Kind → ids."""


def touched(was: Records, now: Records) -> Touched:
    """Ids of both states by kind: those that differ, and those whose rows say something of them."""
    found = {kind: _differing(was[kind], now[kind]) for kind in was.objects}
    for kind in PARTS:
        found[kind] |= _differing(was.parts(kind), now.parts(kind))
    for records in (was, now):
        found["cable"] |= set(_cables(records, found))
    places = found["site"] | found["chamber"]
    for records in (was, now):
        found["closure"] |= {
            name
            for name, item in records["closure"].items()
            if item["at"] in places or not found["cable"].isdisjoint(_joined(item, records.splices.get(name, ())))
        }
        found["odf"] |= {
            name
            for name, item in records["odf"].items()
            if item["site"] in places
            or not found["cable"].isdisjoint(_joined({}, records.terminations.get(name, ())))
        }
    return {kind: frozenset(names) for kind, names in found.items()}


def _differing(was: Mapping[str, object], now: Mapping[str, object]) -> set[str]:
    return {name for name in {*was, *now} if was.get(name) != now.get(name)}


def _cables(records: Records, found: Mapping[str, set[str]]) -> Iterator[str]:
    """Cables of a kind, or on a way, that differs."""
    ways = found["segment"] | found["duct"]
    ducts = records["duct"]
    while True:  # ducts on such segments, and those inside of such ducts
        more = {
            name
            for name, item in ducts.items()
            if name not in ways and (item.get("parent") in ways or not ways.isdisjoint(item.get("segments", ())))
        }
        if not more:
            break
        ways |= more
    for name, item in records["cable"].items():
        if item["type"] in found["cable type"] or not ways.isdisjoint(item.get("route", ())):
            yield name


def _joined(item: Item, parts: Iterable[Item]) -> Iterator[str]:
    """The cables that a closure or frame names."""
    for part in parts:
        yield from (parse_strands(part[key]).cable for key in ("a", "b", "strands") if key in part)
    for key in ("cut", "opened", "opened_tubes"):
        yield from (parse_strands(text).cable for text in item.get(key, ()))
