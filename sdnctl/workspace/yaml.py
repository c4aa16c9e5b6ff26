"""YAML as people mean it: the JSON-like core of YAML 1.2, with the line of every value.

libyaml splits the text into events; values are made here, so that YAML 1.1's surprises do not happen.
Plain scalars are `null`, `true`/`false`, decimal, ``0x`` and ``0o`` integers, decimal fractions; everything
else is text: ``NO``, ``12:30``, ``2024-01-01``, ``017``. Duplicate keys, tags, keys that are not scalars, and
a second document are errors. Depth, number of values and expansion of aliases are limited.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import yaml

from sdnctl.errors import Diagnostics, Source
from sdnctl.workspace.tree import Node, Scalar

MAX_DEPTH = 50
MAX_EXPANSION = 100_000
"""Values that aliases may add in one file; a few lines of aliases could otherwise stand for billions."""

try:
    _Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml: slower, same events
    _Loader = yaml.SafeLoader

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]*)?(?:\.[0-9]+|\.(?=[eE]|\Z))?(?:[eE][-+]?[0-9]+)?")
_MAX_DIGITS = 40


def scalar(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_DIGITS or text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0)
    if _FRACTION.fullmatch(text) and any(char.isdigit() for char in re.split("[eE]", text)[0]):
        value = float(text)
        return value if math.isfinite(value) else text
    return text


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being read; `key` waits for its value; `size` counts values inside."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_line: int = 0
    skip: bool = False  # the waiting key is a duplicate or no key: read its value, but do not keep it
    size: int = 1


@dataclass(slots=True)
class _Reader:
    file: str
    out: Diagnostics
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    expanded: int = 0

    def fault(self, code: str, summary: str, line: int, detail: str = "", hint: str = "") -> None:
        self.out.error(code, summary, source=Source(self.file, line), detail=detail, hint=hint)

    # ── events ───────────────────────────────────────────────────────────────────────────────────

    def event(self, event: yaml.Event) -> bool:
        """Take one event; False when the rest of the file makes no sense to read."""
        mark = event.start_mark
        line = mark.line + 1 if mark else 1
        if isinstance(event, yaml.ScalarEvent):  # as most are
            if event.tag is not None:
                self.tag(event.tag, line)
            stack, text = self.stack, event.value
            if stack and stack[-1].key is None and stack[-1].node.keys is not None:
                return self.take_key(text, line)
            value = scalar(text) if event.implicit[0] and not event.style else text
            self.add(Node(line, value), 1, event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.tag(event.tag, line)
            if self.wants_key:
                self.fault("bad-key", "a key is a list or a mapping", line, hint="Keys are plain words.")
                return False
            if len(self.stack) >= MAX_DEPTH:
                self.fault("too-deep", f"values are nested deeper than {MAX_DEPTH}", line)
                return False
            mapping = isinstance(event, yaml.MappingStartEvent)
            node = Node(line, {}, {}) if mapping else Node(line, [])
            self.stack.append(_Open(node, event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self.stack.pop()
            self.add(done.node, done.size, done.anchor)
        elif isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor or "", line)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self.fault(
                "second-document",
                "a second YAML document begins here",
                line,
                hint="One file holds one document: remove the line '---', or split the file.",
            )
            return False
        return True

    @property
    def wants_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].node.keys is not None and self.stack[-1].key is None

    def take_key(self, key: str, line: int) -> bool:
        top = self.stack[-1]
        keys = top.node.keys
        assert keys is not None
        top.key, top.key_line, top.skip = key, line, False
        first = keys.get(key)
        if first is not None:
            self.fault(
                "duplicate-key",
                f"key {key!r} stands here twice",
                line,
                detail=f"It stands first on line {first}.",
                hint="Delete one of the two, or make a list of them.",
            )
            top.skip = True
        else:
            keys[key] = line
        return True

    def tag(self, tag: str | None, line: int) -> None:
        if tag is not None:
            self.fault(
                "yaml-tag",
                f"the tag {tag!r} is not understood",
                line,
                hint="Tags are not used here; text that looks like a number goes into quotes.",
            )

    def alias(self, name: str, line: int) -> bool:
        if self.wants_key:
            self.fault("bad-key", "a key is an alias", line, hint="Keys are plain words.")
            return False
        if name not in self.anchors:
            self.fault(
                "yaml-syntax",
                f"the alias *{name} has no anchor &{name} before it, or stands inside it",
                line,
                hint="Define the anchor first, or quote the text if no alias is meant.",
            )
            return False
        node, size = self.anchors[name]
        self.expanded += size
        if self.expanded > MAX_EXPANSION:
            self.fault(
                "alias-expansion",
                f"aliases stand for more than {MAX_EXPANSION} values",
                line,
                hint="Write the values out, or use fewer aliases.",
            )
            return False
        depth = _depth(node)
        if len(self.stack) + depth > MAX_DEPTH:
            self.fault("too-deep", f"values are nested deeper than {MAX_DEPTH}", line)
            return False
        self.add(node, size, None)
        return True

    def add(self, node: Node, size: int, anchor: str | None) -> None:
        """Put a finished value where it belongs."""
        if anchor is not None:
            self.anchors[anchor] = node, size
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.size += size
        if isinstance(top.node.value, list):
            top.node.value.append(node)
        elif isinstance(top.node.value, dict) and top.key is not None:
            if not top.skip:
                top.node.value[top.key] = node
            top.key = None


def _depth(node: Node) -> int:
    if isinstance(node.value, dict):
        return 1 + max(map(_depth, node.value.values()), default=0)
    if isinstance(node.value, list):
        return 1 + max(map(_depth, node.value), default=0)
    return 0


def parse_yaml(text: str, file: str, out: Diagnostics, *, may_be_empty: bool = False) -> Node | None:
    """The tree of a YAML text, or None with a diagnostic when it cannot be read to its end or holds nothing.

    A file that may be empty gets a warning where others get an error.
    """
    reader = _Reader(file, out)
    try:
        loader = _Loader(text)
        try:
            while loader.check_event():
                event = loader.get_event()
                if event is None or not reader.event(event):
                    return None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        reader.fault(
            "yaml-syntax",
            f"not YAML: {said}",
            mark.line + 1 if mark else 1,
            hint="Tabs do not indent; a text with ': ' or ' #' or a leading * & ! % @ ` goes into quotes.",
        )
        return None
    except yaml.reader.ReaderError as error:
        character = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
        position = error.position if isinstance(error.position, int) else 0
        # libyaml counts octets, the pure reader characters
        before = text.encode()[:position] if _Loader is not yaml.SafeLoader else text[:position].encode()
        reader.fault(
            "yaml-syntax",
            f"not YAML: character U+{character:04X} is not allowed",
            before.count(b"\n") + 1,
            hint="Remove the control character; in a quoted text write it as an escape.",
        )
        return None
    if reader.root is None or reader.root.value is None:
        (out.warning if may_be_empty else out.error)(
            "empty-file",
            "the file says nothing",
            source=Source(file, 1),
            hint="Delete it, or fill it; `sdnctl schema` says with what.",
        )
        return None
    return reader.root
