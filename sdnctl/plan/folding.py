"""Markdown for comments of merge requests: folded sections, a bound on the whole, a mark to find it again.

Forges refuse comments above a size (GitHub 65,536 characters, GitLab 1,000,000), so parts that may be missed
are left out as a whole, and the text says which. Sizes are octets of UTF-8, which are never fewer than characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GITHUB = 65_536
"""What the stricter of the forges takes."""

_NOTE = 360
"""Octets kept free for a note on what is left out."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines. Those of a `kind` (a plural: sections, applications) may be left out; `name` is said then."""

    text: str
    kind: str = ""
    name: str = ""


def marker(kind: str, name: str) -> str:
    """The first line of a comment, which nobody sees: a bot that finds it updates that comment."""
    return f"<!-- sdnctl:{kind} {name.replace('--', '- -')} -->"


def folded(title: str, lines: Iterable[str], language: str = "") -> str:
    """A section that opens when its title is clicked, with a block of code."""
    body = "\n".join(lines).replace("```", "'''")
    return f"\n<details><summary>{cell(title)}</summary>\n\n```{language}\n{body}\n```\n\n</details>"


def cell(text: str) -> str:
    """Text that people wrote, as it is: in a cell of a table, and notifying nobody whose name it may hold."""
    flat = " ".join(text.split())
    for plain, written in _PLAIN:
        flat = flat.replace(plain, written)
    return flat


_PLAIN = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ("@", "&#64;"),
    ("\\", "\\\\"),
    ("|", "\\|"),
    ("`", "\\`"),
    ("*", "\\*"),
    ("[", "\\["),
)


def bounded(parts: Iterable[Part], limit: int | None = None) -> str:
    """The parts under each other, in at most `limit` octets where what must be there leaves room (None: all)."""
    parts = tuple(parts)
    if limit is None:
        return "".join(f"{part.text}\n" for part in parts)
    kinds = dict.fromkeys(part.kind for part in parts if part.kind)
    room = limit - sum(_size(part) for part in parts if not part.kind)
    everything = sum(_size(part) for part in parts if part.kind) <= room
    room -= 0 if everything else _NOTE * len(kinds)
    left: dict[str, list[str]] = {kind: [] for kind in kinds}
    written: list[str] = []
    for index, part in enumerate(parts):
        if part.kind and _size(part) > room:
            left[part.kind].append(part.name)
        else:
            room -= _size(part) if part.kind else 0
            written.append(part.text)
        last = index + 1 == len(parts) or parts[index + 1].kind != part.kind
        if part.kind and last and left[part.kind]:
            count = sum(one.kind == part.kind for one in parts)
            written.append(_left_out(part.kind, left[part.kind], count, limit))
    return "".join(f"{text}\n" for text in written)


def _left_out(kind: str, names: Sequence[str], count: int, limit: int) -> str:
    said: list[str] = []
    for name in names:
        if sum(map(len, said)) + len(name) > 130:
            said.append("…")
            break
        said.append(cell(name))
    return (
        f"\n_{len(names)} of {count} {kind} are left out, because this comment may have {limit} characters: "
        f"{', '.join(said)}_"
    )


def _size(part: Part) -> int:
    return len(part.text.encode()) + 1
