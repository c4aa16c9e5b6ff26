"""JSON that is walked element by element, so that every element has a line.

JSON parsers do not tell lines. Here the outer objects and arrays are walked, and the parser of the standard
library reads each value from where it begins. Faults are ValueError (json.JSONDecodeError where it is not JSON)
and RecursionError, as that parser raises them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def finite(text: str) -> float:
    """A number with a fraction or exponent; raises ValueError where it is too great."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is out of range")
    return value


def no_constant(text: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON has not."""
    raise ValueError(f"{text} is not JSON")


@dataclass(slots=True)
class Walker:
    """A position in the text; `line` counts on from the last position it was asked for.

    `duplicates`: keys that stood twice in an object that was read. `real` and `whole` make numbers of their texts.
    """

    text: str
    position: int = 0
    counted: int = 0
    line: int = 1
    duplicates: list[str] = field(default_factory=list)
    real: Callable[[str], Any] = finite
    whole: Callable[[str], Any] = int
    decoder: json.JSONDecoder = field(init=False)
    surrogates: bool = field(init=False)

    def __post_init__(self) -> None:
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._pairs,
            parse_float=self.real,
            parse_int=self.whole,
            parse_constant=no_constant,
        )
        self.surrogates = _SURROGATE.search(self.text) is not None

    def here(self) -> int:
        self.line += self.text.count("\n", self.counted, self.position)
        self.counted = self.position
        return self.line

    def peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        found = self.text[self.position : self.position + 1]
        if found and found in " \t\r\n" and (match := _SPACE.match(self.text, self.position)):
            self.position = match.end()
            found = self.text[self.position : self.position + 1]
        return found

    def expect(self, characters: str) -> str:
        found = self.peek()
        if found not in characters or not found:
            raise json.JSONDecodeError(f"expected {' or '.join(characters)}", self.text, self.position)
        self.position += 1
        return found

    def value(self) -> Any:
        self.peek()
        begin = self.position
        value, self.position = self.decoder.raw_decode(self.text, begin)
        if self.surrogates and _SURROGATE.search(self.text, begin, self.position):
            try:
                json.dumps(value, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                raise ValueError("half of a surrogate pair stands alone") from None
        return value

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            self.duplicates += sorted({name for name in names if names.count(name) > 1})
        return found

    def members(self) -> Iterator[str]:
        """The keys of an object; the caller reads each value before it asks for the next."""
        self.expect("{")
        if self.peek() == "}":
            self.position += 1
            return
        while True:
            if self.peek() != '"':
                raise json.JSONDecodeError("expected a key in double quotes", self.text, self.position)
            key = self.value()
            self.expect(":")
            yield key
            if self.expect(",}") == "}":
                return

    def items(self) -> Iterator[None]:
        """The items of an array; the caller reads each before it asks for the next."""
        self.expect("[")
        if self.peek() == "]":
            self.position += 1
            return
        while True:
            self.peek()
            yield
            if self.expect(",]") == "]":
                return
