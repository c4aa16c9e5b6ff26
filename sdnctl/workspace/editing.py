"""Edits of files that people wrote: a value is changed where it stands, and all else stays, comments included.

Text in, text out; nothing is read or written here. Edits are of `inventory.live`: an entry is found by the line
where it begins and a key of its own. An edit whose entry is not there (somebody changed the file meanwhile), or
that would change what another edit changes, too, is left out and told of.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from sdnctl.inventory.live.findings import Drop, Edit, Entry, Exchange, Remark, Set, Write
from sdnctl.workspace.yaml import scalar

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*")


class CannotEdit(ValueError):
    """An edit that fits the text no more; the message says why."""


@dataclass(frozen=True, slots=True)
class Splice:
    """Octets `start` to `end` of a text are replaced."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A unified diff for ``git apply`` or ``patch -p1``, and edits that had to be left out, with reasons."""

    text: str
    left_out: tuple[tuple[Edit, str], ...]


def make_patch(edits: Iterable[Edit], read: Callable[[str], str]) -> Patch:
    """One patch for all edits; `read` gives the text of a file of the network folder. Equal edits count once."""
    by_file: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edits):
        by_file.setdefault(_file(edit), []).append(edit)
    parts: list[str] = []
    left_out: list[tuple[Edit, str]] = []
    for file in sorted(by_file):
        before = read(file)
        after, missed = edited(file, before, by_file[file])
        left_out += missed
        parts += difflib.unified_diff(_lines(before), _lines(after), f"a/{file}", f"b/{file}")
    return Patch("".join(_ended(parts)), tuple(left_out))


def edited(file: str, text: str, edits: Iterable[Edit]) -> tuple[str, list[tuple[Edit, str]]]:
    """The text of a file after edits, and those that did not fit, with reasons."""
    find = _rows(text) if file.endswith(".csv") else _features(text) if file.endswith(".geojson") else _yaml(text)
    splices: list[Splice] = []
    left_out: list[tuple[Edit, str]] = []
    for edit in edits:
        try:
            made = [one for one in _splices(text, find, edit) if one not in splices]  # two may want the same
            if any(_clash(one, other) for one in made for other in splices):
                raise CannotEdit("another edit changes the same place")
        except CannotEdit as fault:
            left_out.append((edit, str(fault)))
        else:
            splices += made
    for splice in sorted(splices, key=lambda one: one.start, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text, left_out


# ── what all formats share ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a value stands, and what it is."""

    start: int
    end: int
    text: str


class _Found:
    """One entry of a file: its values, and how another is put into it."""

    def value(self, field: str) -> _Span | None:
        raise NotImplementedError

    def put(self, field: str, value: str) -> Splice:
        """Replace a value, or write one that is not there; raises CannotEdit."""
        raise NotImplementedError

    def remove(self, field: str) -> Splice:
        """Take a value away that is there; raises CannotEdit."""
        raise NotImplementedError

    def write(self, field: str, text: str) -> Splice:
        """Replace a value by what is written so; raises CannotEdit."""
        raise CannotEdit(f"{field} cannot be written here")

    def drop(self) -> Splice:
        """Take the whole entry away; raises CannotEdit."""
        raise CannotEdit("it cannot be taken away here")


_Find = Callable[[Entry], _Found]


def _splices(text: str, find: _Find, edit: Edit) -> list[Splice]:
    if isinstance(edit, Remark):
        lines = "".join(f"# {line}\n" for line in edit.text.splitlines())
        return [Splice(len(text), len(text), ("" if not text or text.endswith("\n") else "\n") + lines)]
    if isinstance(edit, Set):
        found = find(edit.entry)
        return [found.put(field, value) for field, value in edit.values]
    if isinstance(edit, Write):
        return [find(edit.entry).write(edit.field, edit.text)]
    if isinstance(edit, Drop):
        return [find(edit.entry).drop()]
    a, b = find(edit.a), find(edit.b)
    value_a, value_b = a.value(edit.field), b.value(edit.field)
    if value_a is not None and value_b is not None:
        return [Splice(value_a.start, value_a.end, value_b.text), Splice(value_b.start, value_b.end, value_a.text)]
    if value_a is not None:
        return [a.remove(edit.field), b.put(edit.field, plain(value_a.text))]
    if value_b is not None:
        return [a.put(edit.field, plain(value_b.text)), b.remove(edit.field)]
    raise CannotEdit(f"{edit.field} is written at neither entry")


def _clash(a: Splice, b: Splice) -> bool:
    """Whether two splices change the same octets."""
    return a.start < b.end and b.start < a.end


def _file(edit: Edit) -> str:
    if isinstance(edit, Remark):
        return edit.file
    return (edit.a if isinstance(edit, Exchange) else edit.entry).source.file


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _ended(lines: Iterable[str]) -> Iterator[str]:
    """Lines of a diff; one without an end is marked as `diff` does it."""
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


# ── YAML ─────────────────────────────────────────────────────────────────────────────────────────


def _yaml(text: str) -> _Find:
    """Finds mappings by the line where they begin."""
    by_line: dict[int, list[yaml.MappingNode]] = {}
    only = set[int]()  # nodes that are the only ones of their lists
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    stack: list[yaml.Node] = [root] if root is not None else []
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.MappingNode):
            by_line.setdefault(node.start_mark.line + 1, []).append(node)
            stack.extend(value for _, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
            only.update(id(item) for item in node.value if len(node.value) == 1)

    def find(entry: Entry) -> _Found:
        for node in by_line.get(entry.source.line or 0, ()):
            found = _Mapping(text, node, alone=id(node) in only)
            value = found.value(entry.key)
            if value is not None and plain(value.text) == entry.value:
                return found
        raise CannotEdit(f"no {entry.key} {entry.value} at {entry.source}")

    return find


def plain(text: str) -> str:
    """A scalar without its quotes."""
    found = yaml.compose(text, Loader=yaml.SafeLoader)
    return found.value if isinstance(found, yaml.ScalarNode) else text


class _Mapping(_Found):
    """A mapping, in block or in flow style."""

    def __init__(self, text: str, node: yaml.MappingNode, *, alone: bool = False) -> None:
        self._text, self._node, self._alone = text, node, alone

    def value(self, field: str) -> _Span | None:
        node = self._at(field)
        if node is None:
            return None
        start, end = node.start_mark.index, _end(node)
        return _Span(start, end, self._text[start:end])

    def _at(self, field: str) -> yaml.Node | None:
        node: yaml.Node = self._node
        for part in field.split("."):
            items = node.value if isinstance(node, yaml.MappingNode) else ()
            inner = next((value for key, value in items if key.value == part), None)
            if inner is None:
                return None
            node = inner
        return node

    def put(self, field: str, value: str) -> Splice:
        return self.write(field, _scalar(value))

    def write(self, field: str, text: str) -> Splice:
        written = self.value(field)
        if written is not None:
            return Splice(written.start, written.end, text)
        if "." in field:
            raise CannotEdit(f"{field} is not written")
        end = self._node.value[-1][1].end_mark.index
        if self._node.flow_style:
            return Splice(end, end, f", {field}: {text}")
        first, after = self._node.value[0][0], self._node.value[0][1].end_mark.index
        line_end = self._text.find("\n", after)
        if line_end < 0 or not isinstance(self._node.value[0][1], yaml.ScalarNode):
            raise CannotEdit(f"{field} cannot be written here")
        return Splice(line_end, line_end, f"\n{' ' * first.start_mark.column}{field}: {text}")

    def drop(self) -> Splice:
        """The lines of an item of a list, if it shares them with nothing."""
        start, end = self._node.start_mark.index, _end(self._node)
        first = self._text.rfind("\n", 0, start) + 1
        after = self._text.find("\n", end)
        after = len(self._text) if after < 0 else after
        alone = self._text[first:start].strip() == "-"
        behind = self._text[end:after].strip()
        if self._alone or not alone or (behind and not behind.startswith("#")):
            raise CannotEdit("it shares its line, or is the last of its list")
        return Splice(first, min(after + 1, len(self._text)), "")

    def remove(self, field: str) -> Splice:
        """The value with its key, from the end of the one before."""
        keys = [key.value for key, _ in self._node.value]
        place = keys.index(field) if field in keys else 0
        if place == 0:
            raise CannotEdit(f"{field} cannot be taken away here")
        before, gone = self._node.value[place - 1][1], self._node.value[place][1]
        if not all(isinstance(node, yaml.ScalarNode) for node in (before, gone)):
            raise CannotEdit(f"{field} cannot be taken away here")
        return Splice(before.end_mark.index, gone.end_mark.index, "")


def _end(node: yaml.Node) -> int:
    """Where a value ends; a block ends with the last value in it, not with the blanks and comments behind it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _scalar(value: str) -> str:
    """A value as this program's YAML reads it back: numbers and words bare, all else in quotes."""
    bare = value.isdecimal() or (_WORD.fullmatch(value) is not None and scalar(value) == value)
    return value if bare else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ── GeoJSON ──────────────────────────────────────────────────────────────────────────────────────


def _features(text: str) -> _Find:
    """Finds features by the line where they begin; of a big file only these are looked at closely."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    decoder = json.JSONDecoder()

    def find(entry: Entry) -> _Found:
        number = entry.source.line or 0
        begin = text.find("{", starts[number - 1]) if 0 < number < len(starts) else -1
        while 0 <= begin < starts[number]:
            try:
                _, end = decoder.raw_decode(text, begin)
            except json.JSONDecodeError:
                break
            found = _Feature(text[begin:end], begin)
            value = found.value(entry.key)
            if value is not None and plain(value.text) == entry.value:
                return found
            begin = text.find("{", end)
        raise CannotEdit(f"no {entry.key} {entry.value} at {entry.source}")

    return find


class _Feature(_Found):
    """A feature: a mapping in flow style, whose keys and texts are in quotes."""

    def __init__(self, text: str, start: int) -> None:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise CannotEdit("this is no feature")
        self._inner, self._start = _Mapping(text, root), start

    def value(self, field: str) -> _Span | None:
        found = self._inner.value(field)
        return found and _Span(found.start + self._start, found.end + self._start, found.text)

    def put(self, field: str, value: str) -> Splice:
        return self.write(field, json.dumps(value))

    def write(self, field: str, text: str) -> Splice:
        written = self.value(field)
        if written is not None:
            return Splice(written.start, written.end, text)
        parent, _, name = field.rpartition(".")
        span = self.value(parent) if parent else None
        if span is None or not span.text.endswith("}") or span.text[1:-1].strip() == "":
            raise CannotEdit(f"{field} is not written")
        end = span.start + len(span.text[:-1].rstrip())
        return Splice(end, end, f', "{name}": {text}')


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────


def _rows(text: str) -> _Find:
    """Finds rows by their line."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    header = next(csv.reader(io.StringIO(text)), [])

    def find(entry: Entry) -> _Found:
        number = entry.source.line or 0
        if 1 < number < len(starts):
            row = text[starts[number - 1] : starts[number]]
            found = _Row(header, row, starts[number - 1])
            value = found.value(entry.key)
            if value is not None and value.text.strip('"') == entry.value:
                return found
        raise CannotEdit(f"no {entry.key} {entry.value} at {entry.source}")

    return find


class _Row(_Found):
    """A row of a table, one line of text."""

    def __init__(self, header: list[str], row: str, start: int) -> None:
        self._spans: Mapping[str, _Span] = dict(zip(header, _cells(row, start), strict=False))
        self._start, self._length = start, len(row)

    def value(self, field: str) -> _Span | None:
        return self._spans.get(field)

    def put(self, field: str, value: str) -> Splice:
        span = self._spans.get(field)
        if span is None:
            raise CannotEdit(f"the table has no column {field}")
        quoted = '"' + value.replace('"', '""') + '"' if set(value) & set(',"\n') else value
        return Splice(span.start, span.end, quoted)

    def remove(self, field: str) -> Splice:
        return self.put(field, "")

    def drop(self) -> Splice:
        return Splice(self._start, self._start + self._length, "")


def _cells(row: str, offset: int) -> Iterator[_Span]:
    """Cells of one line with their places, quotes included (RFC 4180)."""
    line = row.rstrip("\r\n")
    start, quoted = 0, False
    for position, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            yield _Span(offset + start, offset + position, line[start:position])
            start = position + 1
    yield _Span(offset + start, offset + len(line), line[start:])
