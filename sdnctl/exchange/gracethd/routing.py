"""The way of a cable through the parts that a delivery names, in the order in which they lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sdnctl.exchange.gracethd.ducts import chain_ends
from sdnctl.exchange.gracethd.ways import Ways

_TRIES = 20
"""Steps, for each part of a route, after which nobody looks for its order any more."""


def ordered(named: Sequence[str], ends: tuple[str, str], reach: Mapping[str, tuple[str, str]]) -> list[str] | None:
    """All parts in an order that leads from one end to the other, the first that the rows' order finds."""
    at: dict[str, list[str]] = defaultdict(list)
    for name in named:
        if name not in reach:
            return None
        for place in reach[name]:
            at[place].append(name)

    def ahead(place: str) -> Iterator[str]:
        return iter(at[place])

    used: dict[str, None] = {}
    place, stack = ends[0], [(ends[0], ahead(ends[0]))]
    for _ in range(_TRIES * len(named) + 1000):
        if len(used) == len(named):
            return list(used) if place == ends[1] else None
        step = next((name for name in stack[-1][1] if name not in used), None)
        if step is None:
            stack.pop()
            if not stack:
                return None
            used.popitem()
            place = stack[-1][0]
            continue
        used[step] = None
        first, last = reach[step]
        place = last if place == first else first
        stack.append((place, ahead(place)))
    return None


def places_along(route: Sequence[str], start: str, ways: Ways) -> list[str] | None:
    """The places along a route, inner ones of its ducts too; None where it passes one twice."""
    passed = [start]
    for name in route:
        inside = ways.inside.get(name, [name])
        if chain_ends(inside, ways.ends)[0] != passed[-1]:
            inside = list(reversed(inside))
        for one in inside:
            a, b = ways.ends[one]
            if passed[-1] not in (a, b):
                return None
            passed.append(b if passed[-1] == a else a)
    return passed if len(set(passed)) == len(passed) else None


def shortest(names: Sequence[str], ends: tuple[str, str], reach: Mapping[str, tuple[str, str]]) -> list[str]:
    """The fewest of these segments that lead from one place to another; none where they do not."""
    at: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        for place in reach.get(name, ()):
            at[place].append(name)
    came: dict[str, tuple[str, str] | None] = {ends[0]: None}
    waiting = [ends[0]]
    for place in waiting:
        for name in at[place]:
            a, b = reach[name]
            other = b if place == a else a
            if other not in came:
                came[other] = place, name
                waiting.append(other)
    path, step = list[str](), came.get(ends[1])
    while step is not None:
        path.append(step[1])
        step = came[step[0]]
    return path[::-1]
