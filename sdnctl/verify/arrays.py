"""Kinds of arrays, and what numpy lacks for lists of different lengths that stand in one array."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
"""Numbers are as wide as what numpy indexes with: narrower ones would be widened at every hop."""
Index: TypeAlias = NDArray[np.signedinteger[Any]]
Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]


def runs(begin: Index, end: Index) -> tuple[Index, Index]:
    """All numbers of some ranges, one range after the other, each with the position of its range."""
    count = end - begin
    which = np.repeat(np.arange(len(count)), count)
    return which, np.arange(len(which)) + (begin - np.cumsum(count) + count)[which]


def longest(group: Index, value: Floats) -> tuple[Index, Index]:
    """The groups there are (sorted in `group`), and where the first of the greatest values of each stands."""
    begin = np.flatnonzero(np.diff(group, prepend=-1))
    if not len(begin):
        return begin, begin
    most = np.repeat(np.maximum.reduceat(value, begin), np.diff(begin, append=len(group)))
    at = np.flatnonzero(value == most)
    return group[begin], at[np.flatnonzero(np.diff(group[at], prepend=-1))]
