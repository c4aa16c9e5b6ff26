"""Colours and shapes of maps: dark on light, few, and told apart without colour vision too.

Hues are spread like those of Okabe and Ito's palette for colour-blind readers; vermilion means trouble and nothing
else. What has many kinds (endpoints) differs in shape as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

PAPER = "#faf8f3"
PAPER_DEEP = "#f1ede4"
INK = "#1f2a33"
SOFT_INK = "#3d4a54"
MUTED = "#6d6a63"
AREA_LINE = "#d6cfc0"
AREA_FILL = "#fffefb"
AREA_TEXT = "#a3977f"
FLOOD = "#bcd7e8"
FLOOD_LINE = "#7fa8c4"
HAZARD = "#eed9b3"
HAZARD_LINE = "#c2a15c"
PLANT = "#a39b8e"
NOT_IN_SERVICE = "#cfc7b9"
FADED = "#d5d0c5"
PLACE = "#8d8578"
ALARM = "#c8330b"
LOST = "#e08a00"
SAVED = "#1b7f6b"
STANDBY = "#5f5aa2"
PATH = "#0a5c9e"

LOAD_STEPS: tuple[tuple[float, str, str], ...] = (
    (0.10, "#8fbcd6", "up to 10 %"),
    (0.30, "#4f97c3", "10–30 %"),
    (0.60, "#1f6aa5", "30–60 %"),
    (0.85, "#123f70", "60–85 %"),
    (9.99, "#7d3c98", "over 85 %"),
)
"""Upper bound of the load, colour, and what the legend says."""

FILL_STEPS: tuple[tuple[float, str, str], ...] = (
    (0.0001, "#c9c2b6", "dark"),
    (0.25, "#b9c98f", "up to 25 %"),
    (0.50, "#83a84f", "25–50 %"),
    (0.85, "#4c7d2c", "50–85 %"),
    (9.99, "#7a3b12", "over 85 %"),
)

DASHES: dict[str, tuple[float, ...]] = {
    "trench": (),
    "overhead": (7, 4),
    "facade": (2, 3),
    "sewer": (9, 3, 2, 3),
    "bridge": (),
}
"""How a segment's kind is drawn, beside its colour: strokes and gaps, in tenths of a millimetre or pixels."""

SEGMENT_NAMES = {
    "trench": "Trench",
    "overhead": "Overhead",
    "facade": "Façade",
    "sewer": "Sewer",
    "bridge": "Bridge",
}

_HUES = ("#0072b2", "#e69f00", "#009e73", "#b5589a", "#56b4e9", "#6b4c9a", "#8c6d31", "#4d4d4d")
_SHAPES = ("circle", "square", "triangle", "diamond", "wedge", "cross")


def marks(kinds: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Kind → colour and shape; the most frequent get the plainest. Deterministic."""
    counted = Counter(kinds)
    ranked = sorted(counted, key=lambda kind: (-counted[kind], kind))
    return {
        kind: (_HUES[index % len(_HUES)], _SHAPES[(index % len(_HUES) + index // len(_HUES)) % len(_SHAPES)])
        for index, kind in enumerate(ranked)
    }


def step(steps: tuple[tuple[float, str, str], ...], value: float) -> str:
    """The colour of a value on a scale."""
    return next(colour for bound, colour, _ in steps if value <= bound or bound == steps[-1][0])
