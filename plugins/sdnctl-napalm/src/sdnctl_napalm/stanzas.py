"""Configuration text as a tree: lines, and the lines indented below them.

It is how EOS, IOS and their relatives show a configuration. Comments are left out; banners, whose text is not
configuration, are kept as one stanza.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

DEEPEST = 12
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(slots=True)
class Stanza:
    """One line without its indentation, its number in the text (from 1), and what stands below it."""

    line: str
    number: int
    body: list[Stanza] = field(default_factory=list)

    def value(self, words: str) -> str | None:
        """What follows these words on a line of the body, the first such line; None where there is none."""
        for stanza in self.body:
            if stanza.line.startswith(words + " "):
                return stanza.line[len(words) + 1 :].strip()
        return None

    def has(self, line: str) -> bool:
        return any(stanza.line == line for stanza in self.body)

    def text(self) -> Iterator[str]:
        """The line and all below it, each with those it stands under: ``interface Ethernet1 / mtu 9000``."""
        yield self.line
        for stanza in self.body:
            yield from (f"{self.line} / {line}" for line in stanza.text())


def parse(text: str) -> list[Stanza]:
    """The stanzas of a configuration; raises ValueError, with the line's number, for what is none."""
    roots: list[Stanza] = []
    open_: list[tuple[int, Stanza]] = []  # indentation and stanza, from the outermost inwards
    banner: Stanza | None = None
    # Not splitlines(): what somebody pasted into a description, such as U+2028, must not begin a line.
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if banner is not None:
            banner.body.append(Stanza(raw.rstrip(), number))
            banner = None if raw.rstrip() == "EOF" else banner
            continue
        line = raw.strip()
        if not line or line.startswith("!"):
            continue
        if _CONTROL.search(line):
            raise ValueError(f"line {number} has characters that no configuration has")
        indentation = len(raw) - len(raw.lstrip())
        while open_ and open_[-1][0] >= indentation:
            open_.pop()
        if len(open_) == DEEPEST:
            raise ValueError(f"line {number} is nested more than {DEEPEST} deep")
        stanza = Stanza(line, number)
        (open_[-1][1].body if open_ else roots).append(stanza)
        open_.append((indentation, stanza))
        if not indentation and line.startswith("banner "):
            banner = stanza
    if banner is not None:
        raise ValueError(f"the banner that begins on line {banner.number} does not end")
    return roots
