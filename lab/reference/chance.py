"""Repeatable chance: numbers that depend on names only, so that a change in one place moves nothing elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

SEED = "gard-30"
T = TypeVar("T")


def chance(*name: object) -> float:
    """A number in [0, 1) that belongs to a name."""
    text = "/".join((SEED, *map(str, name)))
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") / (1 << 48)


def between(low: float, high: float, *name: object) -> float:
    """A number in [low, high) that belongs to a name."""
    return low + (high - low) * chance(*name)


def pick(choices: Sequence[T], *name: object) -> T:
    """One of the choices, by name."""
    return choices[int(chance(*name) * len(choices))]


def apportion(total: int, weights: Mapping[str, float], least: int = 0) -> dict[str, int]:
    """Whole shares of a total: `least` for each, the rest by weight (largest remainders; ties by name)."""
    rest = total - least * len(weights)
    whole = sum(weights.values())
    exact = {key: rest * weight / whole for key, weight in weights.items()}
    shares = {key: int(value) for key, value in exact.items()}
    order = sorted(weights, key=lambda key: (round(shares[key] - exact[key], 9), key))
    for key in order[: rest - sum(shares.values())]:
        shares[key] += 1
    return {key: share + least for key, share in shares.items()}
