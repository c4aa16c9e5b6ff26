"""Patterns: XML with placeholders, used both ways: for what a device is sent, and for what it says.

    <interface p:entry="yes" xmlns:p="urn:sdnctl:netconf:platform">
      <name p:key="yes">{port}.{vlan|untagged}</name>
      <description>{description}</description>
      <enabled>true</enabled>
      <policer><rate>{rate}</rate></policer>
    </interface>

One element is the *entry*, which is there once for each thing; its *keys* name it. Elements above it with
placeholders are entries of lists above. ``{name}`` stands for a value, ``{name|word}`` for `word` where there is
no value, ``{name/1000}`` for a number in other units. Writing leaves out an element whose only value is missing;
reading takes values from wherever they stand, and compares what is no placeholder.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lxml import etree

NAMESPACE = "urn:sdnctl:netconf:platform"
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
Values: TypeAlias = Mapping[str, str | int | None]
Element: TypeAlias = Any  # of lxml, which has no types

_ENTRY, _KEY, _PLAIN = (f"{{{NAMESPACE}}}{name}" for name in ("entry", "key", "plain"))
_SPACE = " \t\r\n"  # of XML
_PLACEHOLDER = re.compile(r"\{([a-z_]+)(?:\|([^{}|/]+)|/([1-9][0-9]*))?\}")


class PatternError(ValueError):
    """A pattern that says nothing, or a value that cannot be written into it; `line` of the file, 0 if unknown."""

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.line = line


@dataclass(slots=True)
class Occurrence:
    """One entry as a device has it: the values in it, and where it says something else than the pattern does."""

    element: Element
    values: dict[str, str | int | None] = field(default_factory=dict)
    differs: list[str] = field(default_factory=list)

    def take(self, found: Mapping[str, str | int | None], where: str) -> None:
        """Add values; of two that contradict each other the first one counts."""
        for name, value in found.items():
            if self.values.setdefault(name, value) != value:
                self.differs.append(where)


class Pattern:
    """One pattern. `numbers` are the names of placeholders that stand for numbers."""

    def __init__(self, root: Element, numbers: frozenset[str]) -> None:
        self._numbers = numbers
        self._texts: dict[Element, _Text] = {}
        entries = [node for node in root.iter(etree.Element) if node.get(_ENTRY) is not None]
        if len(entries) != 1:
            raise PatternError(f"{len(entries)} elements are marked as entry, not one", root.sourceline or 0)
        self._root, self._entry = root, entries[0]
        above = [self._entry, *self._entry.iterancestors()]
        self._path = above[: above.index(root) + 1][::-1]  # from the outermost element to the entry
        self._plain = frozenset((self._entry.get(_PLAIN) or "").split())
        for node in root.iter(etree.Element):
            if len(node) == 0:
                self._texts[node] = _Text(node, numbers)
        self.names = frozenset(name for text in self._texts.values() for name in text.names)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def render(self, values: Values, operation: str) -> Element:
        """The tree of one entry, with an ``operation`` of <edit-config>: only its keys where that is ``remove``.

        Raises PatternError for a value that these units cannot express.
        """
        root = copy.deepcopy(self._root)
        originals = list(self._root.iter(etree.Element))
        for node, original in reversed(list(zip(root.iter(etree.Element), originals, strict=True))):
            inside = original not in self._path
            if original is self._entry:
                node.set(f"{{{BASE}}}operation", operation)
            elif inside and operation == "remove" and original.get(_KEY) is None and self._in_entry(original):
                node.getparent().remove(node)
                continue
            if original in self._texts:
                text = self._texts[original].render(values)
                if text is None:
                    node.getparent().remove(node)
                    continue
                node.text = text
            elif inside and len(node) == 0:  # all that was in it is missing
                node.getparent().remove(node)
                continue
        for node in root.iter(etree.Element):
            for mark in (_ENTRY, _KEY, _PLAIN):
                node.attrib.pop(mark, None)
        # Prefixes that texts may use (identities) stay.
        kept = [prefix for prefix, namespace in self._root.nsmap.items() if prefix and namespace != NAMESPACE]
        etree.cleanup_namespaces(root, keep_ns_prefixes=kept)
        return root

    def identity(self, values: Values) -> tuple[str, ...]:
        """The keys that name an entry with these values."""
        return tuple(
            text.render(values) or ""
            for node, text in self._texts.items()
            if node.get(_KEY) is not None or not self._in_entry(node)
        )

    def filter(self, *, whole: bool) -> Element:
        """A subtree filter (RFC 6241 §6): all of the outermost container, or only what placeholders stand for."""
        root = etree.Element(self._root.tag, nsmap=self._root.nsmap)
        if not whole:
            for original in self._texts:
                if self._texts[original].names:
                    self._select(root, original)
        return root

    def _select(self, root: Element, leaf: Element) -> None:
        above = [leaf, *leaf.iterancestors()]
        for node in reversed(above[: above.index(self._root)]):
            found = root.find(node.tag)
            root = found if found is not None else etree.SubElement(root, node.tag)

    def _in_entry(self, node: Element) -> bool:
        return self._entry in node.iterancestors()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def occurrences(self, data: Element) -> Iterator[Occurrence]:
        """Every entry below an element that holds the outermost ones (<data>)."""
        yield from self._down(data, 0, {})

    def _down(self, parent: Element, depth: int, above: Mapping[str, str | int | None]) -> Iterator[Occurrence]:
        pattern = self._path[depth]
        for element in parent.iterchildren(pattern.tag):
            found = Occurrence(element, dict(above))
            if pattern is self._entry:
                for child in sorted(pattern, key=lambda node: node.get(_KEY) is None):  # keys first
                    self._read(child, element, found)
                yield found
            else:
                for child in pattern:
                    if child is not self._path[depth + 1]:
                        self._read(child, element, found)
                yield from self._down(element, depth + 1, found.values)

    def _read(self, pattern: Element, parent: Element, found: Occurrence) -> None:
        element = parent.find(pattern.tag)
        if element is None:
            return
        if pattern in self._texts:
            values = self._texts[pattern].read(element)
            if values is None:
                found.differs.append(_name(pattern))
            else:
                found.take(values, _name(pattern))
        else:
            for child in pattern:
                self._read(child, element, found)

    def extras(self, occurrence: Occurrence) -> list[str]:
        """What an entry has besides what the pattern has, and what its attribute `plain` lists: local names."""
        known = {child.tag for child in self._entry}
        return [
            _name(child)
            for child in occurrence.element.iterchildren(etree.Element)
            if child.tag not in known and _name(child) not in self._plain
        ]


class _Text:
    """The text of one element without children."""

    def __init__(self, node: Element, numbers: frozenset[str]) -> None:
        text = (node.text or "").strip(_SPACE)
        self._node = node
        self._text = text
        self._parts = [(found[1], found[2], int(found[3] or 1)) for found in _PLACEHOLDER.finditer(text)]
        self._numbers = numbers
        self.names = [name for name, _, _ in self._parts]
        if len(set(self.names)) != len(self.names) or "{" in _PLACEHOLDER.sub("", text):
            raise PatternError(f"{text!r} is no text with placeholders", node.sourceline or 0)
        pieces, at = [], 0
        for found in _PLACEHOLDER.finditer(text):
            kind = r"[0-9]{1,19}" if found[1] in numbers else r".+"
            word = f"|{re.escape(found[2])}" if found[2] else ""
            pieces += [re.escape(text[at : found.start()]), f"({kind}{word})"]
            at = found.end()
        self._regex = re.compile("".join([*pieces, re.escape(text[at:])]), re.DOTALL)

    def render(self, values: Values) -> str | None:
        """The text with values; None where one is missing and no word stands for that."""

        def fill(found: re.Match[str]) -> str:
            value, unit = values.get(found[1]), int(found[3] or 1)
            if value is None:
                return found[2]
            if isinstance(value, int) and unit > 1:
                if value % unit:
                    raise PatternError(f"{found[1]} {value} is no multiple of {unit}, the unit of this platform")
                return str(value // unit)
            return str(value)

        if any(values.get(name) is None and word is None for name, word, _ in self._parts):
            return None
        return _PLACEHOLDER.sub(fill, self._text)

    def read(self, element: Element) -> dict[str, str | int | None] | None:
        """Values out of an element of a device; None where the text is not like this."""
        text = (element.text or "").strip(_SPACE)
        if not self._parts:
            return {} if _expand(text, element) == _expand(self._text, self._node) else None
        match = self._regex.fullmatch(text)
        if match is None:
            return None
        found: dict[str, str | int | None] = {}
        for (name, word, unit), value in zip(self._parts, match.groups(), strict=True):
            number = name in self._numbers
            found[name] = None if word and value == word else int(value) * unit if number else value
        return found


def _expand(text: str, element: Element) -> str:
    """A value that may be a name with a prefix, such as an identity of YANG, as it is whatever the prefix."""
    prefix, colon, name = text.partition(":")
    namespace = element.nsmap.get(prefix) if colon else None
    return f"{{{namespace}}}{name}" if namespace else text


def _name(element: Element) -> str:
    return str(etree.QName(element).localname)
