"""Sets of frame headers as unions of cubes, with exact intersection and difference.

A cube maps a header field to (value, mask): the frames whose field agrees with `value` in the bits of
`mask`; a field that is absent is free. This is header-space algebra (ternary vectors, kept per field).
Cubes are treated as immutable. Frames that cannot exist are never in a cube: an untagged frame has no
VLAN id, so a `vlan_vid` whose present bit is 0 is exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sdnctl.dataplane.values import FIELDS, VLAN_PRESENT, Match

Cube: TypeAlias = Mapping[str, tuple[int, int]]

_VLAN_FULL = (1 << FIELDS["vlan_vid"]) - 1


def full_mask(field: str) -> int:
    """All bits of a match field."""
    return (1 << FIELDS[field]) - 1


def exactly(**fields: int) -> Cube:
    """The cube of the frames that have exactly these field values."""
    return {name: (value, full_mask(name)) for name, value in fields.items()}


def cube_of(match: Match) -> Cube:
    """The frames that a match selects."""
    return {name: (value, mask) for name, value, mask in match.fields}


def _settle(cube: dict[str, tuple[int, int]], field: str) -> bool:
    """Fix the VLAN id of untagged frames at 0; False where the cube turns out to hold no frame."""
    value, mask = cube[field]
    if mask & VLAN_PRESENT and not value & VLAN_PRESENT:
        if value:
            return False
        cube[field] = (0, _VLAN_FULL)
    return True


def meet(a: Cube, b: Cube) -> Cube | None:
    """The frames in both cubes, or None where there is none."""
    result = dict(a)
    for field, (value, mask) in b.items():
        have = result.get(field)
        if have is None:
            result[field] = (value, mask)
        elif (have[0] ^ value) & have[1] & mask:
            return None
        else:
            result[field] = (have[0] | value, have[1] | mask)
        if field.startswith("vlan_vid") and not _settle(result, field):
            return None
    return result


def minus(a: Cube, b: Cube) -> list[Cube]:
    """The frames of `a` that are not in `b`, as disjoint cubes."""
    if meet(a, b) is None:
        return [a]
    pieces: list[Cube] = []
    rest = dict(a)
    for field, (value, mask) in b.items():
        have_value, have_mask = rest.get(field, (0, 0))
        free = mask & ~have_mask
        while free:
            bit = 1 << (free.bit_length() - 1)
            free ^= bit
            piece = dict(rest)
            piece[field] = (have_value | (~value & bit), have_mask | bit)
            if not field.startswith("vlan_vid") or _settle(piece, field):
                pieces.append(piece)
            have_value |= value & bit
            have_mask |= bit
            rest[field] = (have_value, have_mask)
    return pieces


def minus_all(cubes: Iterable[Cube], others: Iterable[Cube]) -> list[Cube]:
    """The frames of `cubes` that are in none of `others`."""
    rest = list(cubes)
    for other in others:
        if not rest:
            break
        rest = [piece for cube in rest for piece in minus(cube, other)]
    return rest


def overlap(first: Sequence[Cube], second: Sequence[Cube]) -> Cube | None:
    """One cube of frames that are in both unions, or None."""
    for a in first:
        for b in second:
            both = meet(a, b)
            if both is not None:
                return both
    return None


def describe(cube: Cube) -> str:
    """A cube for people: ``in_port=3 ipv4_dst=0xa000000/0xff000000``; everything is ``any frame``."""
    parts = []
    for field in sorted(cube):
        value, mask = cube[field]
        base = field.partition(".")[0]
        parts.append(f"{field}={value:#x}" + ("" if mask == full_mask(base) else f"/{mask:#x}"))
    return " ".join(parts) or "any frame"
