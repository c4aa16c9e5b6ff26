"""The same YAML written in many ways: indentation, braces, quotes, blank lines, comments; for tests of `fmt`."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from sdnctl.workspace.yaml import scalar

_PLAIN = re.compile(r"[A-Za-z0-9][\w./+-]*( [\w./+-]+)*\Z", re.ASCII)


class Styler:
    """Writes values at random, from a seed; `comments` are the comments that it wrote."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.comments: list[str] = []
        self._low = False  # behind a block scalar, where a comment that is indented would be part of it

    def document(self, value: dict[str, Any]) -> str:
        """A file: perhaps with a mark at its beginning, comments around it, and lines that end as elsewhere."""
        lines = [*self._between(0), *(["---"] if self._chance(0.2) else []), *self._block(value, 0)]
        lines += self._between(0)
        text = "\n".join(lines)
        text += "" if self._chance(0.2) else "\n" * self._random.randrange(1, 4)
        return text.replace("\n", "\r\n") if self._chance(0.15) else text

    # ── blocks ───────────────────────────────────────────────────────────────────────────────────

    def _block(self, value: Any, indent: int) -> list[str]:
        lines: list[str] = []
        pad = " " * indent
        entries = value.items() if isinstance(value, dict) else ((None, one) for one in value)
        for key, item in entries:
            lines += self._between(indent)
            head = pad + (f"{self._key(key)}:" if key is not None else "-")
            if isinstance(item, dict | list) and item and self._chance(0.6):
                lines += self._nested(head, item, indent, key is None)
            elif isinstance(item, str) and self._literal(item):
                deep, self._low = indent + self._random.randrange(1, 5), True
                mark = "|-" if self._chance(0.7) else ">-"
                lines += [self._behind(f"{head} {mark}"), f"{' ' * deep}{item}"]
            else:
                lines += self._inline(head, item, indent)
        return lines

    def _nested(self, head: str, item: Any, indent: int, listed: bool) -> list[str]:
        if listed and self._chance(0.7):  # "- id: x": the first entry on the line of the dash
            gap = self._random.randrange(1, 4)
            inner = self._block(item, indent + 1 + gap)
            first = next(number for number, line in enumerate(inner) if line.strip() and line.strip()[0] != "#")
            inner[first] = f"{head}{' ' * gap}{inner[first].lstrip(' ')}"
            return inner
        self._low = False
        flush = isinstance(item, list) and not listed and self._chance(0.4)
        deep = indent + (0 if flush else self._random.randrange(1, 6))
        return [self._behind(head), *self._block(item, deep)]

    def _inline(self, head: str, item: Any, indent: int) -> list[str]:
        self._low = False
        if item is None and self._chance(0.5):
            return [self._behind(head)]
        text = self._flow(item, indent + 1)
        gap = " " * self._random.randrange(1, 4)
        lines = f"{head}{gap}{text}".split("\n")
        lines[-1] = self._behind(lines[-1])
        return lines

    # ── braces ───────────────────────────────────────────────────────────────────────────────────

    def _flow(self, value: Any, indent: int) -> str:
        if isinstance(value, dict):
            return self._braces(
                "{}", [f"{self._key(key)}: {self._flow(one, indent)}" for key, one in value.items()], indent
            )
        if isinstance(value, list):
            return self._braces("[]", [self._flow(one, indent) for one in value], indent)
        return self._scalar(value, indent)

    def _braces(self, marks: str, parts: list[str], indent: int) -> str:
        spread = self._chance(0.25)
        text = marks[0] + self._space(spread, indent)
        for number, part in enumerate(parts):
            comma = "," if number + 1 < len(parts) or self._chance(0.1) else ""
            text += part + comma + (self._space(spread, indent) or (" " if comma and self._chance(0.8) else ""))
        return text + marks[1]

    def _space(self, spread: bool, indent: int) -> str:
        if not spread or self._chance(0.3):
            return " " * self._random.randrange(2)
        comment = f" {self._comment()}" if self._chance(0.3) else ""
        return f"{comment}\n{' ' * (indent + self._random.randrange(4))}"

    # ── scalars ──────────────────────────────────────────────────────────────────────────────────

    def _key(self, key: str) -> str:
        text = self._scalar(key, None)
        return f"{text} " if self._chance(0.05) else text

    def _scalar(self, value: Any, indent: int | None) -> str:
        if value is None:
            return self._random.choice(["null", "~"])
        if not isinstance(value, str):
            return json.dumps(value)
        safe = _PLAIN.match(value) is not None and scalar(value) == value
        style = self._random.choice("pppp's\"d" if safe else "'\"d")
        pieces = value.split(" ")
        if style in "ps" and safe:
            if style == "s" and indent is not None and len(pieces) > 1:
                return f"\n{' ' * indent}".join(pieces)
            return value
        if style == "'" and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        if style == "d" and indent is not None and len(pieces) > 1 and all(pieces):
            return '"' + f"\n{' ' * indent}".join(json.dumps(one)[1:-1] for one in pieces) + '"'
        return json.dumps(value, ensure_ascii=not value.isprintable() or self._chance(0.5))

    def _literal(self, text: str) -> bool:
        fits = bool(text.strip()) and text.isprintable() and text[0] != " " and text[-1] != " "
        return fits and self._chance(0.08)

    # ── what means nothing ───────────────────────────────────────────────────────────────────────

    def _between(self, indent: int) -> list[str]:
        lines = []
        deepest = 1 if self._low else indent + 4
        while self._chance(0.25):
            lines.append(" " * self._random.randrange(deepest) + self._comment() if self._chance(0.6) else "")
        return lines

    def _behind(self, line: str) -> str:
        return f"{line}{' ' * self._random.randrange(1, 6)}{self._comment()}" if self._chance(0.15) else line

    def _comment(self) -> str:
        text = self._random.choice(["# note", "#note", "# a: b", '# it\'s "so"', "#", "# [x, {y", "# é # two"])
        self.comments.append(text)
        return text

    def _chance(self, share: float) -> bool:
        return self._random.random() < share
