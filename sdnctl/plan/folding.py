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
_NAMED = 180
"""Those of them that names may take."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines. Those of a `kind` (a plural: sections, applications) may be left out; `name` is said then."""

    text: str
    kind: str = ""
    name: str = ""


def marker(kind: str, name: str) -> str:
    """The first line of a comment, which nobody sees: a bot that finds it updates that comment."""
    return f"<!-- sdnctl:{kind} {name.replace('--', '- -')} -->"


def folded(name: str, lines: Iterable[str], language: str = "") -> str:
    """A section that opens when its title is clicked, with a block of code."""
    body = "\n".join(lines).replace("```", "'''")
    return f"\n<details><summary>{title(name)}</summary>\n\n```{language}\n{body}\n```\n\n</details>"


def cell(text: str) -> str:
    """Text that people wrote, as it is: in a cell of a table, and notifying nobody whose name it may hold."""
    return _written(text, (*_HTML, *_MARKUP, *_CALLS))


def title(text: str) -> str:
    """The same within an HTML element, where Markdown's own signs are text."""
    return _written(text, (*_HTML, *_CALLS))


def _written(text: str, table: Iterable[tuple[str, str]]) -> str:
    flat = " ".join(text.split())
    for plain, written in table:
        flat = flat.replace(plain, written)
    return flat


_HTML = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_MARKUP = tuple((sign, f"\\{sign}") for sign in ("\\", "|", "`", "*", "_", "[", "~"))
_CALLS = tuple((sign, f"{sign}\u200b") for sign in "@#!")
"""Forges look for people, issues and merge requests in what was rendered, where no escape is left: a character
of no width between sign and name is what keeps them from it."""


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
    room = _NAMED
    for name in names:
        written = cell(name)
        room -= len(written.encode()) + 2
        if room < 0:
            said.append("…")
            break
        said.append(written)
    return (
        f"\n_{len(names)} of {count} {kind} are left out, because this comment may have {limit} characters: "
        f"{', '.join(said)}_"
    )


def _size(part: Part) -> int:
    return len(part.text.encode()) + 1
