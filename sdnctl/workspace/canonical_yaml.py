"""YAML in its canonical form, comments included.

What people decide stays: order, what is in quotes, what is written in braces on one line, where comments stand.
What nobody decides is always the same: two blanks of indentation, lists indented below their key, single blanks
in braces, double quotes, at most one empty line, no markers of documents. A collection in braces that is spread
over lines is put on one line where it fits, and is written without braces where it does not.

Comments that follow something stay behind it, in their column where that is free. Those on lines of their own go
with what they were indented like.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from sdnctl.workspace.yaml_comments import Comment, begin, comments_of, events_of, finish, scalar_start

WIDTH = 110
"""Columns that a collection in braces may take when it is put together on one line."""

_STEP = 2
_HEADER = re.compile(r"[|>](?P<signs>[-+0-9]*)")


@dataclass(slots=True)
class _Scalar:
    """A scalar; `text` is as it is written on one line, None where it is a block scalar."""

    line: int
    column: int
    end: int
    anchor: str
    text: str | None
    mark: str = ""
    content: Sequence[str] = ()
    last: int = 0


@dataclass(slots=True)
class _Collection:
    """A list (`keys` is None) or a mapping; `column` is where its entries stand."""

    line: int
    column: int
    end: int
    anchor: str
    flow: bool
    values: list[_Value] = field(default_factory=list)
    keys: list[_Scalar] | None = None


_Value: TypeAlias = _Scalar | _Collection
Level: TypeAlias = tuple[int, int]
"""A column of the source, and the indentation that stands for it."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A line of which the beginning is written."""

    indent: int
    text: str = ""
    levels: tuple[Level, ...] = ()
    first: int | None = None

    @property
    def column(self) -> int:
        return self.indent + len(self.text)

    def then(self, text: str, column: int, line: int) -> _Begun:
        level = column, self.column
        first = line if self.first is None else self.first
        return _Begun(self.indent, self.text + text, (*self.levels, level), first)


@dataclass(slots=True)
class _Line:
    """A line of the result: from which lines of the source (`first` to `end`; `last` with a block scalar)."""

    indent: int
    text: str
    levels: tuple[Level, ...]
    first: int
    end: int
    last: int
    below: Sequence[str] = ()


def canonical_yaml(text: str) -> str:
    """The canonical form of a text that `parse_yaml` reads, with ``\\n`` as the only end of line."""
    events = events_of(text)
    comments = comments_of(text, events)
    root = _tree(text, events)
    if not isinstance(root, _Collection):
        return text if root is not None and root.text != "" else _only_comments(text)
    writer = _Writer(comments)
    writer.root(root)
    return "".join(f"{line}\n" for line in _weave(writer.lines, comments, writer.ends, text.split("\n")))


def _only_comments(text: str) -> str:
    """A file that says nothing keeps its comments; what else it holds (markers, ``null``) is left as it is."""
    lines = [line.strip() for line in text.strip().split("\n")] if text.strip() else []
    return "".join(f"{line}\n" for line in lines) if all(line[:1] in ("", "#") for line in lines) else text


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def _tree(text: str, events: Sequence[yaml.Event]) -> _Value | None:
    stack: list[_Collection] = []
    waiting: list[_Scalar | None] = []
    root: _Value | None = None
    for event in events:
        made: _Value
        if isinstance(event, yaml.CollectionStartEvent):
            mark, mapping = begin(event), isinstance(event, yaml.MappingStartEvent)
            anchor = f"&{event.anchor}" if event.anchor else ""
            flow = bool(event.flow_style)
            stack.append(_Collection(mark.line, mark.column, mark.line, anchor, flow, [], [] if mapping else None))
            waiting.append(None)
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            made = _ended(stack.pop(), event)
            waiting.pop()
        elif isinstance(event, yaml.ScalarEvent):
            made = _scalar(text, event)
        elif isinstance(event, yaml.AliasEvent):
            mark = begin(event)
            made = _Scalar(mark.line, mark.column, finish(event).line, "", f"*{event.anchor}")
        else:
            continue
        if not stack:
            root = made
        elif stack[-1].keys is None:
            stack[-1].values.append(made)
        elif waiting[-1] is None and isinstance(made, _Scalar):
            waiting[-1] = made
        else:
            key = waiting[-1]
            assert key is not None  # `parse_yaml` refuses keys that are not scalars
            stack[-1].keys.append(key)
            stack[-1].values.append(made)
            waiting[-1] = None
    return root


def _ended(made: _Collection, event: yaml.CollectionEndEvent) -> _Collection:
    if made.flow:
        made.end = finish(event).line
    elif made.values:
        last = made.values[-1]
        made.end = last.last or last.end if isinstance(last, _Scalar) else last.end
        if made.keys:
            made.column = made.keys[0].column
        elif made.anchor:  # the mark is that of the anchor: of the dashes no event tells
            made.column = max(0, made.values[0].column - _STEP)
    return made


def _scalar(text: str, event: yaml.ScalarEvent) -> _Scalar:
    start, mark = scalar_start(text, event), begin(event)
    anchor = f"&{event.anchor}" if event.anchor else ""
    made = _Scalar(mark.line, mark.column, finish(event).line, anchor, "")
    written = text[start : finish(event).index]
    if event.style in ("|", ">"):
        _block(text, start, event, made)
    elif event.style is None or not event.style:
        made.text = event.value if "\n" not in event.value else _quoted(event.value)
    elif "\n" in written or written[:1] != event.style:
        made.text = _quoted(event.value)
    elif event.style == "'" and event.value.isprintable() and not set(event.value) & {'"', "\\"}:
        made.text = f'"{event.value}"'
    else:
        made.text = written
    return made


def _block(text: str, start: int, event: yaml.ScalarEvent, made: _Scalar) -> None:
    """A block scalar: its lines without their indentation, and its mark."""
    header = _HEADER.match(text, start)
    assert header is not None
    made.end = text.count("\n", 0, start)
    after = finish(event)
    lines = text.split("\n")[made.end + 1 : after.line + bool(after.column)]
    keep = "+" in header["signs"]
    while lines and not keep and not lines[-1].strip(" "):
        lines.pop()
    said = next((line for line in event.value.split("\n") if line.strip(" ")), "")
    shown = next((line for line in lines if line.strip(" ")), "")
    deeper = len(said) - len(said.lstrip(" "))
    indent = len(shown) - len(shown.lstrip(" ")) - deeper
    made.content = [line[indent:] for line in lines]
    open_end = bool(event.value) and not event.value.endswith("\n")  # as at the end of a file without one
    chomping = "-" if open_end or "-" in header["signs"] else "+" if keep else ""
    made.mark = f"{event.style}{_STEP if deeper or said[:1].isspace() else ''}{chomping}"
    made.text, made.last = None, made.end + len(lines)


def _quoted(text: str) -> str:
    """A text in double quotes on one line."""
    return '"' + "".join(map(_escaped, text)) + '"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


class _Writer:
    """Values to lines. `ends`: the line that ended a collection which lost its braces → its first line here."""

    def __init__(self, comments: Sequence[Comment]) -> None:
        self.lines: list[_Line] = []
        self.ends: dict[int, int] = {}
        self._commented = [comment.line for comment in comments]

    def root(self, root: _Collection) -> None:
        inline = self._inline(root, 0)
        if inline is None:
            self._entries(root, _Begun(0))
        else:
            self._finish(_Begun(0).then(inline, root.column, root.line), root.end)

    def _entries(self, node: _Collection, begun: _Begun) -> None:
        if node.flow:
            self.ends.setdefault(node.end, len(self.lines))
        column = begun.column
        keys: Sequence[_Scalar | None] = node.keys if node.keys is not None else [None] * len(node.values)
        for key, value in zip(keys, node.values, strict=True):
            if key is not None:
                begun = begun.then(f"{_key(key)}:", key.column, key.line)
                self._value(value, begun, column, key.end)
            else:
                begun = begun.then("-", node.column, value.line)
                if isinstance(value, _Collection) and not value.anchor and self._inline(value, column + 2) is None:
                    self._entries(value, _Begun(begun.indent, f"{begun.text} ", begun.levels, begun.first))
                else:
                    self._value(value, begun, column, value.line)
            begun = _Begun(column)

    def _value(self, value: _Value, begun: _Begun, column: int, line: int) -> None:
        """A value behind its key or dash, which stand at `column`, in the source on `line`."""
        inline = self._inline(value, begun.column + 1)
        if inline is not None:
            self._finish(begun, value.end if inline else line, inline)
        elif isinstance(value, _Scalar):
            below = [f"{' ' * (column + _STEP)}{one}" if one else "" for one in value.content]
            mark = f"{value.anchor} {value.mark}" if value.anchor else value.mark
            self._finish(begun, value.end, mark, value.last, below)
        else:
            if value.flow:
                self.ends[value.end] = len(self.lines)
            self._finish(begun, line, value.anchor)
            self._entries(value, _Begun(column + _STEP))

    def _finish(
        self, begun: _Begun, end: int, text: str = "", last: int | None = None, below: Sequence[str] = ()
    ) -> None:
        assert begun.first is not None
        whole = f"{begun.text} {text}" if text else begun.text
        end = max(end, begun.first)
        self.lines.append(_Line(begun.indent, whole, begun.levels, begun.first, end, last or end, below))

    def _inline(self, value: _Value, column: int) -> str | None:
        """The value on one line, or None where it takes several; `column` is where it would begin."""
        if isinstance(value, _Scalar):
            return None if value.text is None else _anchored(value.anchor, value.text)
        if not value.flow:
            return None
        text = _flow(value)
        if not value.values or value.line == value.end:
            return text
        if any(value.line <= line < value.end for line in self._commented) or column + len(text) > WIDTH:
            return None
        return text


def _key(key: _Scalar) -> str:
    return _anchored(key.anchor, key.text or '""') if key.text is not None else _quoted("\n".join(key.content))


def _anchored(anchor: str, text: str) -> str:
    return f"{anchor} {text}".strip(" ") if anchor else text


def _flow(value: _Value) -> str:
    """A value in braces."""
    if isinstance(value, _Scalar):
        return _anchored(value.anchor, value.text or "null")
    parts = [_flow(one) for one in value.values]
    if value.keys is None:
        return _anchored(value.anchor, f"[{', '.join(parts)}]")
    pairs = (f"{_key(key)}: {part}" for key, part in zip(value.keys, parts, strict=True))
    return _anchored(value.anchor, f"{{{', '.join(pairs)}}}")


# ── comments and empty lines ─────────────────────────────────────────────────────────────────────


def _weave(
    lines: Sequence[_Line], comments: Sequence[Comment], ends: dict[int, int], source: Sequence[str]
) -> Iterator[str]:
    """Lines with the comments that belong before and behind them, and single empty lines where some were."""
    behind, before = _placed(lines, comments, ends)
    levels: list[Level] = []
    done = -1  # the last line of the source that is written
    for index, line in enumerate(lines):
        for comment in before.get(index, ()):
            if _gap(source, done, comment.line):
                yield ""
            yield f"{' ' * _indent(comment, levels, line.levels)}{comment.text}"
            done = max(done, comment.line)
        while levels and levels[-1][1] >= line.indent:
            levels.pop()
        levels += line.levels
        if _gap(source, done, line.first):
            yield ""
        text = f"{' ' * line.indent}{line.text}"
        if index in behind:
            comment = behind[index]
            text = f"{text.ljust(comment.column) if len(text) < comment.column else f'{text}  '}{comment.text}"
        yield text
        yield from line.below
        done = max(done, line.last)
    for comment in before.get(len(lines), ()):
        if _gap(source, done, comment.line):
            yield ""
        yield f"{' ' * _indent(comment, levels, ())}{comment.text}"
        done = max(done, comment.line)


def _placed(
    lines: Sequence[_Line], comments: Sequence[Comment], ends: dict[int, int]
) -> tuple[dict[int, Comment], dict[int, list[Comment]]]:
    """Line → the comment behind it, and line → comments before it; what follows all lines is at their number."""
    finishing = {line.end: index for index, line in enumerate(lines)}
    order = [line.end for line in lines]
    behind: dict[int, Comment] = {}
    before: dict[int, list[Comment]] = {}
    for comment in comments:
        if not comment.alone and comment.line in finishing:
            behind[finishing[comment.line]] = comment
            continue
        place = bisect_left(order, comment.line)
        if not comment.alone:  # nothing ends there any more: it goes before what it stood behind
            place = ends.get(comment.line, place)
            column = lines[place].levels[0][0] if place < len(lines) else 0
            comment = Comment(comment.line, column, comment.text, True)
        before.setdefault(place, []).append(comment)
    return behind, before


def _gap(source: Sequence[str], done: int, line: int) -> bool:
    """Whether an empty line of the source is between what is written and `line`; none is at the beginning."""
    return done >= 0 and any(not text.strip() for text in source[done + 1 : line])


def _indent(comment: Comment, levels: Sequence[Level], following: Sequence[Level]) -> int:
    """The indentation of a comment: that of the next line, or of the block around it that it was indented like."""
    if following and following[0][0] == comment.column:
        return following[0][1]
    known = [*levels, *following[:1]]
    fits = [level for level in known if level[0] <= comment.column]
    return (
        max(fits, key=lambda level: (level[0], -level[1]))[1]
        if fits
        else min((indent for _, indent in known), default=0)
    )
