"""Files that pictures are made from: the page's own script and style, Leaflet, the typeface.

They are part of the package, and read from there like code.
"""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

SCRIPTS = ("data", "shapes", "layers", "labels", "highlight", "cards", "panel", "main")
"""The page's own scripts, in the order in which they are joined."""

FACES = {"Regular": (400, "normal"), "SemiBold": (600, "normal"), "MediumItalic": (500, "italic")}
"""Cuts of the typeface: name → CSS weight and style."""

FAMILY = "Barlow Semi Condensed"


def resource(*path: str) -> Traversable:
    """A file of this package."""
    return files("sdnctl.drawing").joinpath(*path)


@cache
def text(*path: str) -> str:
    return resource(*path).read_text(encoding="utf-8")


@cache
def font_css() -> str:
    """The typeface as CSS with the fonts inside, so that a page or drawing looks alike everywhere, offline too."""
    rules = []
    for name, (weight, style) in FACES.items():
        content = resource("vendor", "barlow", f"BarlowSemiCondensed-{name}.ttf").read_bytes()
        coded = base64.b64encode(content).decode("ascii")
        rules.append(
            f"@font-face{{font-family:'{FAMILY}';font-weight:{weight};font-style:{style};"
            f"src:url(data:font/ttf;base64,{coded}) format('truetype')}}"
        )
    return "\n".join(rules)
