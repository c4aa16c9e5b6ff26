"""Where the comments of a YAML text stand: libyaml reads over them, people do not."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

import yaml

try:
    LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml: slower, same events
    LOADER = yaml.SafeLoader

_BEFORE = re.compile(r"&[^\s,\[\]{}]+(?:\s+|#[^\n]*\n)*")
"""An anchor and what may stand between it and its scalar."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text: from its beginning, and 0-based line and column."""

    index: int
    line: int
    column: int


def begin(event: yaml.Event) -> Place:
    """Where what an event tells of begins."""
    mark = event.start_mark
    assert mark is not None  # the parser marks every event
    return Place(mark.index, mark.line, mark.column)


def finish(event: yaml.Event) -> Place:
    """Where what an event tells of ends."""
    mark = event.end_mark
    assert mark is not None
    return Place(mark.index, mark.line, mark.column)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment: 0-based line and column of its ``#``, its text, and whether the line holds nothing else."""

    line: int
    column: int
    text: str
    alone: bool


def events_of(text: str) -> list[yaml.Event]:
    """The events of a text that is known to be YAML."""
    return list(yaml.parse(text, Loader=LOADER))


def scalar_start(text: str, event: yaml.ScalarEvent) -> int:
    """Where the scalar itself begins, behind its anchor."""
    start = begin(event).index
    anchor = _BEFORE.match(text, start, max(finish(event).index, start)) if event.anchor else None
    return anchor.end() if anchor is not None else start


def comments_of(text: str, events: list[yaml.Event] | None = None) -> list[Comment]:
    """All comments, in order: what begins with a ``#`` that stands in no scalar. The text must be YAML."""
    text = _ended(text)
    starts, ends = _scalars(text, events if events is not None else events_of(text))
    found = []
    position = 0
    for number, line in enumerate(text.split("\n")):
        column = line.find("#")
        while column >= 0 and _inside(position + column, starts, ends):
            column = line.find("#", column + 1)
        if column >= 0:
            alone = not line[:column].strip()
            found.append(Comment(number, column, line[column:].rstrip(), alone))
        position += len(line) + 1
    return found


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _scalars(text: str, events: list[yaml.Event]) -> tuple[list[int], list[int]]:
    """Where scalars begin and end; of a block scalar its content does, because a comment may follow its mark."""
    starts, ends = [], []
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            start = scalar_start(text, event)
            if event.style in ("|", ">"):
                start = text.index("\n", start)
            starts.append(start)
            ends.append(finish(event).index)
    return starts, ends


def _inside(position: int, starts: list[int], ends: list[int]) -> bool:
    index = bisect_right(starts, position) - 1
    return index >= 0 and position < ends[index]
