"""Words around numbers, for everybody who tells people something; loads nothing, so that help is there at once."""

from __future__ import annotations

import re


def counted(number: int, plural: str) -> str:
    """A number of things in words: ``1 switch``, ``2 switches``; the word is given for many."""
    if number == 1:
        plural = re.sub(r"(?<=ch|sh|ss)es$|s$", "", plural)
    return f"{number} {plural}"
