"""Edits by key path (`inventory.edits`) in the text of files: what they name changes, all else stays as it was
written.

Text in, text out. An edit that does not fit the text (because somebody changed the file meanwhile, or wrote it
with aliases) makes `CannotEdit`: then nothing of any file may be written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from sdnctl.document import KeyPath
from sdnctl.errors import Diagnostics
from sdnctl.inventory.edits import DocumentEdit, Insert, Put
from sdnctl.workspace.editing import CannotEdit, Splice
from sdnctl.workspace.tables import read_records
from sdnctl.workspace.yaml import scalar

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./- ")


def rewritten(texts: Mapping[str, str], edits: Iterable[DocumentEdit]) -> dict[str, str]:
    """File → its text after all edits, of files that they change; raises CannotEdit.

    `texts` are those of all files that there are; a file that an edit needs and that is not there is made.
    """
    by_file: dict[str, list[DocumentEdit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    found = {}
    for file, wanted in by_file.items():
        change = _csv if file.endswith(".csv") else _yaml
        found[file] = change(file, texts.get(file, ""), wanted)
    return {file: text for file, text in found.items() if text != texts.get(file)}


# ── YAML ─────────────────────────────────────────────────────────────────────────────────────────


def _yaml(file: str, text: str, edits: Sequence[DocumentEdit]) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    page = _Page(file, text, root if isinstance(root, yaml.MappingNode) else None)
    splices: list[Splice] = []
    for edit in edits:
        splices.append(page.put(edit) if isinstance(edit, Put) else page.insert(edit))
    # From the end of the text; at one place what replaces goes before what is inserted there, in its order.
    splices = _merged(splices)
    order = sorted(enumerate(splices), key=lambda item: (item[1].start, item[1].end > item[1].start, item[0]))
    for _, splice in reversed(order):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def _merged(splices: Sequence[Splice]) -> list[Splice]:
    """The same, with what is taken away in parts that overlap (neighbours in a list) taken away at once."""
    kept = [one for one in splices if one.text or one.start == one.end]
    last: Splice | None = None
    for one in sorted((one for one in splices if not one.text and one.start < one.end), key=lambda one: one.start):
        if last is not None and one.start < last.end:
            last = Splice(last.start, max(last.end, one.end), "")
            kept[-1] = last
        else:
            last = one
            kept.append(last)
    return kept


@dataclass(slots=True)
class _Page:
    """One YAML file; `heads` are lists that had to be begun at its end, so that a second entry joins the first."""

    file: str
    text: str
    root: yaml.MappingNode | None
    heads: frozenset[str] = frozenset()

    def put(self, edit: Put) -> Splice:
        parent = self._node(edit.path[:-1])
        key = edit.path[-1]
        old = _child(parent, key)
        if old is not None and edit.value is not None:
            if (
                isinstance(old, yaml.CollectionNode)
                and not old.flow_style
                and isinstance(parent, yaml.MappingNode)
            ):
                # what was in lines of its own goes on the line of its key, where any indentation will do
                name = next(name for name, _ in parent.value if name.value == key)
                return Splice(name.end_mark.index, _end(old), f": {_flow(edit.value)}")
            return Splice(old.start_mark.index, _end(old), _flow(edit.value))
        if edit.value is None and old is not None and isinstance(parent, yaml.SequenceNode):
            return self._drop(parent, int(key))
        if not isinstance(parent, yaml.MappingNode) or not isinstance(key, str):
            raise CannotEdit(f"{self.file} has no {_words(edit.path)}")
        if edit.value is None:
            return self._removal(parent, key)
        after = _end(parent.value[-1][1])
        if parent.flow_style:
            return Splice(after, after, f", {key}: {_flow(edit.value)}")
        after = self._line_end(after)
        return Splice(after, after, f"\n{' ' * parent.start_mark.column}{key}: {_flow(edit.value)}")

    def _removal(self, parent: yaml.MappingNode, key: str) -> Splice:
        names = [name.value for name, _ in parent.value]
        if key not in names:
            return Splice(0, 0, "")
        place = names.index(key)
        name, value = parent.value[place]
        start, end = name.start_mark.index, _end(value)
        if place and parent.flow_style:
            return Splice(_end(parent.value[place - 1][1]), end, "")
        if place:
            return Splice(self._line_end(_end(parent.value[place - 1][1])), self._line_end(end), "")
        following = parent.value[1][0].start_mark.index if len(parent.value) > 1 else end
        return Splice(start, following, "")

    def _drop(self, parent: yaml.SequenceNode, place: int) -> Splice:
        """An entry of a list taken away: its lines in block style, in flow style up to the next one."""
        item = parent.value[place]
        start, end = item.start_mark.index, _end(item)
        if not parent.flow_style:
            return Splice(max(self.text.rfind("\n", 0, start), 0), self._line_end(end), "")
        if place + 1 < len(parent.value):
            return Splice(start, parent.value[place + 1].start_mark.index, "")
        return Splice(_end(parent.value[place - 1]) if place else start, end, "")

    def insert(self, edit: Insert) -> Splice:
        entry = _flow(edit.value)
        key = edit.path[0]
        if len(edit.path) == 1 and (self.root is None or _child(self.root, key) is None):
            begun, self.heads = str(key) in self.heads, self.heads | {str(key)}
            lead = "" if not self.text or self.text.endswith("\n") else "\n"
            return Splice(
                len(self.text), len(self.text), f"  - {entry}\n" if begun else f"{lead}{key}:\n  - {entry}\n"
            )
        node = self._node(edit.path)
        if isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null"):
            start = node.start_mark.index
            return Splice(
                start, node.end_mark.index, f" [{entry}]" if start == node.end_mark.index else f"[{entry}]"
            )
        if not isinstance(node, yaml.SequenceNode):
            raise CannotEdit(f"{self.file} has no list {_words(edit.path)}")
        if not node.value:
            return Splice(node.start_mark.index, node.end_mark.index, f"[{entry}]")
        sibling = node.value[-1 if edit.after is None else edit.after]
        after = _end(sibling)
        if node.flow_style:
            return Splice(after, after, f", {entry}")
        after, indent = self._line_end(after), "\n" + " " * node.start_mark.column
        if isinstance(sibling, yaml.MappingNode) and not sibling.flow_style:
            entry = f"{indent}  ".join(f"{name}: {_flow(value)}" for name, value in edit.value.items())
        return Splice(after, after, f"{indent}- {entry}")

    def _node(self, path: KeyPath) -> yaml.Node:
        node: yaml.Node | None = self.root
        for key in path:
            above, node = node, _child(node, key)
            if node is None or above is None:
                raise CannotEdit(f"{self.file} has no {_words(path)}")
            if node.start_mark.index < above.start_mark.index:
                raise CannotEdit(f"{_words(path)} of {self.file} is an alias: write it out first")
        if node is None:
            raise CannotEdit(f"{self.file} is empty")
        return node

    def _line_end(self, position: int) -> int:
        found = self.text.find("\n", position)
        return len(self.text) if found < 0 else found


def _child(node: yaml.Node | None, key: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        found: yaml.Node = node.value[key]
        return found
    return None


def _end(node: yaml.Node) -> int:
    """Where a value ends: of a block collection where its last value does, without comments after it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end: int = node.end_mark.index
    return end


def _words(path: KeyPath) -> str:
    return ".".join(map(str, path))


def _flow(value: Any) -> str:
    """A value in flow style, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _text(str(value))


def _text(value: str) -> str:
    """Text as this program's YAML reads it back: bare where nothing in it has a meaning, else in quotes."""
    bare = value[:1].isalnum() and value == value.strip() and set(value) <= _PLAIN and scalar(value) == value
    return value if bare else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────


def _csv(file: str, text: str, edits: Sequence[DocumentEdit]) -> str:
    """The table with cells replaced and rows added at its end; rows that nothing changes stay as they are."""
    out = Diagnostics()
    records = read_records(text, file, out)
    if out.errors:
        raise CannotEdit(f"{file} is not a table: {out.errors[0].summary}")
    if not records:
        columns = list(dict.fromkeys(key for edit in edits if isinstance(edit, Insert) for key in edit.value))
        records, text = [(1, columns)], _line(columns)
    lines = text.splitlines(keepends=True)
    header = [name.strip() for name in records[0][1]]
    rows = [list(cells) for _, cells in records]
    added: list[list[str]] = []
    gone: set[int] = set()
    for edit in edits:
        if isinstance(edit, Put) and len(edit.path) == 1 and edit.value is None:
            gone.add(int(edit.path[0]) + 1)
            continue
        values = {str(edit.path[-1]): edit.value} if isinstance(edit, Put) else edit.value
        for column in values:
            if column not in header:
                header.append(column)
                for row in (*rows, *added):
                    row.append("" if row is not rows[0] else column)
        if isinstance(edit, Insert):
            added.append([_cell(values.get(column)) for column in header])
            continue
        row = rows[int(edit.path[0]) + 1]
        for column, value in values.items():
            row[header.index(column)] = _cell(value)
    starts = [begin - 1 for begin, _ in records]
    made: list[str] = lines[: starts[0]]
    for number, (row, (_, before)) in enumerate(zip(rows, records, strict=True)):
        stop = starts[number + 1] if number + 1 < len(starts) else len(lines)
        if number not in gone:
            made += lines[starts[number] : stop] if row == before else [_line(row)]
    if made and not made[-1].endswith("\n") and added:
        made[-1] += "\n"
    return "".join((*made, *map(_line, added)))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ";".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _line(cells: Sequence[str]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()
