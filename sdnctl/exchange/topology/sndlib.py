"""SNDlib's native network format, version 1.0: sections of entries in parentheses, ``#`` begins a comment.

    NODES ( id ( x y ) … )
    LINKS ( id ( source target ) pre-installed cost routing-cost setup-cost ( module cost … ) … )
    DEMANDS ( id ( source target ) routing-unit value longest-path … )

A demand takes its value times its routing unit of a link. Costs of links, longest paths and ADMISSIBLE_PATHS say
how a planning problem is to be solved; they stay in the copy of the source. Figures are in what META calls
`unit`, else Mbit/s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sdnctl.exchange.topology.graph import Demand, Edge, Graph, Module, Node, Report, Units, amount, number

HEADER = re.compile(r"\?SNDlib native format;\s*type:\s*(\w+);\s*version:\s*([\d.]+)")
UNIT = 1e6
_RATES = {"BITPERSEC": 1.0, "KBITPERSEC": 1e3, "MBITPERSEC": 1e6, "GBITPERSEC": 1e9, "BYTEPERSEC": 8.0}
_TOKEN = re.compile(r"[()]|[^\s()]+")
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class _Group:
    items: list[_Word | _Group]
    line: int

    def words(self) -> list[str]:
        return [item.text for item in self.items if isinstance(item, _Word)]


def read_sndlib(text: str, file: str, report: Report, units: Units) -> Graph | None:
    """The network of a native SNDlib file, or None with diagnostics."""
    head = HEADER.search(text[:10_000])
    if head is None or head[1] != "network":
        kind = head[1] if head else "nothing"
        report.error("not-sndlib", f"a network is wanted, this file is a {kind}", 1, hint="Give the network file.")
        return None
    tree = _tree(text, report)
    if tree is None:
        return None
    sections: dict[str, _Group] = {}
    for name, group in _entries(tree):
        if len(group) == 1 and isinstance(group[0], _Group):
            sections.setdefault(name.text, group[0])
    return _Reader(Graph("SNDlib native", file, name=_name(text)), report, units).read(sections)


def _name(text: str) -> str:
    found = re.search(r"^#\s*(?:network|name)\s*:?\s+(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def _tree(text: str, report: Report) -> _Group | None:
    """Words and parentheses of the whole file, without comments and header."""
    root = _Group([], 1)
    stack = [root]
    for line, content in enumerate(text.splitlines(), 1):
        if content.startswith("?"):
            continue
        for token in _TOKEN.findall(content.partition("#")[0]):
            if token == "(":
                if len(stack) >= _DEEPEST:
                    report.error("not-sndlib", "parentheses are nested too deep", line)
                    return None
                group = _Group([], line)
                stack[-1].items.append(group)
                stack.append(group)
            elif token == ")":
                if len(stack) == 1:
                    report.error("not-sndlib", "a parenthesis closes that nobody opened", line)
                    return None
                stack.pop()
            else:
                stack[-1].items.append(_Word(token, line))
    if len(stack) > 1:
        report.error(
            "not-sndlib", "a parenthesis is never closed", stack[-1].line, hint="The file may be cut off."
        )
        return None
    return root


def _entries(group: _Group) -> Iterator[tuple[_Word, list[_Word | _Group]]]:
    """Items of a section, parted before each word that a group follows: an id, and what is said of it."""
    items = group.items
    starts = [
        place
        for place, item in enumerate(items)
        if isinstance(item, _Word) and place + 1 < len(items) and isinstance(items[place + 1], _Group)
    ]
    # in LINKS the last figure before the modules is followed by a group, too
    starts = [place for place in starts if number(_text(items[place])) is None or _begins(items, place)]
    for place, after in pairwise([*starts, len(items)]):
        name = items[place]
        assert isinstance(name, _Word)
        yield name, items[place + 1 : after]


def _begins(items: list[_Word | _Group], place: int) -> bool:
    """Whether a number is an id: it follows a group, begins the section, or the group behind it names two ends."""
    if place == 0 or isinstance(items[place - 1], _Group):
        return True
    group = items[place + 1]
    return isinstance(group, _Group) and any(number(word) is None for word in group.words())


def _text(item: _Word | _Group) -> str:
    return item.text if isinstance(item, _Word) else ""


class _Reader:
    def __init__(self, graph: Graph, report: Report, units: Units) -> None:
        self.graph, self.report = graph, report
        self.rate = units.rate
        self.index: dict[str, int] = {}

    def read(self, sections: dict[str, _Group]) -> Graph | None:
        nodes = sections.get("NODES")
        if nodes is None or "LINKS" not in sections:
            self.report.error("not-sndlib", "the sections NODES and LINKS are wanted", 1)
            return None
        self._meta(sections.get("META"))
        for name, rest in _entries(nodes):
            self._node(name, rest)
        loose = [item for item in nodes.items if isinstance(item, _Word) and item.text not in self.index]
        for word in loose:  # nodes without a position have no group
            self._node(word, [])
        for name, rest in _entries(sections["LINKS"]):
            self._link(name, rest)
        for name, rest in _entries(sections.get("DEMANDS", _Group([], 1))):
            self._demand(name, rest)
        return self.graph

    def _meta(self, meta: _Group | None) -> None:
        words = meta.words() if meta is not None else []
        line = meta.line if meta is not None else 1
        for place, word in enumerate(words[:-2]):
            if words[place + 1] == "=":
                self.graph.facts[word] = words[place + 2]
        unit = self.graph.facts.get("unit", "").upper()
        if self.rate is None and unit:
            self.rate = _RATES.get(unit)
            if self.rate is None:
                self.report.warning("unknown-unit", f"unit {unit[:40]!r} is not known; Mbit/s is assumed", line)
        self.rate = self.rate or UNIT

    def _node(self, name: _Word, rest: list[_Word | _Group]) -> None:
        if name.text in self.index:
            self.report.error("duplicate-node", f"node {name.text} is there twice", name.line, f"node {name.text}")
            return
        self.index[name.text] = len(self.graph.nodes)
        node = Node(name.text, name.line)
        words = rest[0].words() if rest and isinstance(rest[0], _Group) else []
        if words:
            place = [number(word) for word in words]
            if len(place) == 2 and place[0] is not None and place[1] is not None:
                node.position = place[0], place[1]
            else:
                self.report.warning(
                    "bad-position", f"{' '.join(words)[:60]!r} is no position", name.line, name.text
                )
        self.graph.nodes.append(node)

    def _ends(self, name: _Word, rest: list[_Word | _Group], kind: str) -> tuple[int, int] | None:
        words = rest[0].words() if rest and isinstance(rest[0], _Group) else []
        address = f"{kind} {name.text}"
        if len(words) != 2:
            self.report.error(f"bad-{kind}", f"{kind} {name.text} has no two ends", name.line, address)
            return None
        missing = [word for word in words if word not in self.index]
        if missing:
            self.report.error(f"dangling-{kind}", f"there is no node {missing[0]!r}", name.line, address)
            return None
        return self.index[words[0]], self.index[words[1]]

    def _link(self, name: _Word, rest: list[_Word | _Group]) -> None:
        ends = self._ends(name, rest, "link")
        if ends is None:
            return
        figures = [amount(item.text) for item in rest[1:] if isinstance(item, _Word)]
        groups = [item for item in rest[1:] if isinstance(item, _Group)]
        modules = [amount(word) for word in groups[0].words()] if groups else []
        if len(figures) not in (0, 4) or None in figures or None in modules or len(modules) % 2:
            self.report.error(
                "bad-link",
                f"link {name.text} wants four figures, and modules as pairs of capacity and cost",
                name.line,
                f"link {name.text}",
            )
            return
        rate = self.rate or UNIT
        pairs = zip(modules[::2], modules[1::2], strict=True)
        self.graph.edges.append(
            Edge(
                name.text,
                name.line,
                *ends,
                capacity=(figures[0] or 0) * rate if figures and figures[0] else None,
                capacity_how="pre-installed" if figures and figures[0] else "",
                modules=tuple(Module((size or 0) * rate, cost or 0) for size, cost in pairs if size),
            )
        )

    def _demand(self, name: _Word, rest: list[_Word | _Group]) -> None:
        ends = self._ends(name, rest, "demand")
        if ends is None:
            return
        words = [item.text for item in rest[1:] if isinstance(item, _Word)]
        unit = amount(words[0]) if words else None
        value = amount(words[1]) if len(words) > 1 else None
        if unit is None or value is None:
            self.report.error("bad-demand", f"demand {name.text} has no rate", name.line, f"demand {name.text}")
            return
        self.graph.demands.append(Demand(name.text, name.line, *ends, unit * value * (self.rate or UNIT)))
