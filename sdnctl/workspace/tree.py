"""What a file says before anybody judged it: plain values that know their line.

A tree is made of mappings with text keys, sequences and scalars. Aliases of YAML make two places share
one node; nodes are never changed after they were read, pruning makes new ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sdnctl.document import KeyPath

Scalar: TypeAlias = str | int | float | bool | None


class Lines(Mapping[KeyPath, int]):
    """Lines by key path, looked up in a tree when they are asked for: most never are."""

    def __init__(self, root: Node) -> None:
        self._root = root

    def __getitem__(self, path: KeyPath) -> int:
        node, line = self._root, self._root.line
        for part in path:
            child = node.child(part)
            if child is None:
                raise KeyError(path)
            line = (node.keys or {}).get(part, child.line) if isinstance(part, str) else child.line
            node = child
        return line

    def __iter__(self) -> Iterator[KeyPath]:
        return self._paths((), self._root)

    def _paths(self, path: KeyPath, node: Node) -> Iterator[KeyPath]:
        yield path
        items: Iterable[tuple[str | int, Node]] = ()
        if isinstance(node.value, dict):
            items = node.value.items()
        elif isinstance(node.value, list):
            items = enumerate(node.value)
        for part, child in items:
            yield from self._paths((*path, part), child)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(slots=True)
class Node:
    """One value: where it begins (1-based line), and for a mapping also the line of each key."""

    line: int
    value: Scalar | list[Node] | dict[str, Node]
    keys: dict[str, int] | None = None

    def plain(self) -> Any:
        """The value as dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def lines(self) -> Mapping[KeyPath, int]:
        """Line of every key path: of the key where there is one, else of the value."""
        return Lines(self)

    def child(self, part: str | int) -> Node | None:
        """The value under a key or index, or None where there is none."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and 0 <= part < len(self.value):
            return self.value[part]
        return None

    def walk(self, loc: Collection[str | int]) -> KeyPath:
        """The real path behind a pydantic location: parts that name types, not keys, are left out.

        The last part may be a key that is not there (a missing one); then it is kept.
        """
        path: list[str | int] = []
        node = self
        for index, part in enumerate(loc):
            child = node.child(part)
            if child is not None:
                path.append(part)
                node = child
            elif index == len(loc) - 1 and isinstance(node.value, dict) and isinstance(part, str):
                path.append(part)
        return tuple(path)

    def at(self, path: KeyPath) -> Node | None:
        """The node at a path."""
        node: Node | None = self
        for part in path:
            node = None if node is None else node.child(part)
        return node

    def without(self, paths: Collection[KeyPath]) -> Node:
        """The same tree without the values at these paths; what is not there is ignored."""
        here = {path[0] for path in paths if len(path) == 1}
        below: dict[str | int, list[KeyPath]] = {}
        for path in paths:
            if len(path) > 1 and path[0] not in here:
                below.setdefault(path[0], []).append(path[1:])
        if not here and not below:
            return self
        if isinstance(self.value, dict):
            children = {
                key: child.without(below.get(key, ())) for key, child in self.value.items() if key not in here
            }
            return Node(self.line, children, self.keys)
        if isinstance(self.value, list):
            items = enumerate(self.value)
            return Node(
                self.line, [item.without(below.get(index, ())) for index, item in items if index not in here]
            )
        return self
