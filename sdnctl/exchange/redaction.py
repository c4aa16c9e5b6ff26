"""What of a network may leave the house: the rule for restricted sites, and documents without any trace of them.

A site with ``restricted: true`` in `inventory/sites.yaml` is restricted. For every format the rule is the same:

1. *Gone* is the site; a place, a line or an outline with a corner within `CLOSE` of its position; and whatever
   cannot be without what is gone: segments and cables that end there, ducts through such a segment, frames,
   switches and endpoints in the building, links to such a switch. Nothing is clipped: a line that ends in nowhere
   points at the site.
2. What only mentions something gone forgets it: jumpers' ends on ports, splices of a cable that is gone, members
   of a shared risk.
3. In every text that is left (ids, notes, owners, unknown properties), the ids and names of the site and of what
   stands in it are replaced by ``redacted-N``, in whatever case, with whatever accents and with anything or
   nothing between their words. The same id becomes the same everywhere, so that references still hold. Up to
   three characters count only where they stand alone: a site called ``a`` must not blacken every word.
   Words of the files' own vocabulary (``kind: datacentre``) stay where they are such, also if a site is called so.
4. Applications are left out whole.

`redact` does all that to the documents of a network folder, before a format sees them. `Redaction.text` and
`Redaction.hides` are for what does not come from there, and `Redaction.leaks` is asked about every finished file:
a format that says something nevertheless must refuse to write.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, InputError
from sdnctl.exchange.redacted_references import thinned
from sdnctl.inventory import models
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.lambert93 import to_grid
from sdnctl.inventory.plant import Point

CLOSE = 10.0
"""Metres from a restricted site within which a corner of a drawing gives it away."""

CLOSED = frozenset({"kind", "status", "colours", "fibre", "grade", "grid"})
"""Fields whose values are words of the files' own vocabulary."""
VOCABULARY: frozenset[Any] = frozenset(
    {
        *(status.value for status in models.Status),
        *(
            word
            for model in (
                models.SiteModel,
                models.ChamberRow,
                models.SegmentFeature,
                models.HazardModel,
                models.PassiveModel,
                models.CableTypeModel,
                models.OdfModel,
            )
            for field_name, info in model.model_fields.items()
            if field_name in CLOSED
            for word in get_args(info.annotation)
            if isinstance(word, str)
        ),
    }
)
NEAR = 0.01
"""Degrees beyond which a coordinate need not be looked at: more than `CLOSE` up to 89° of latitude."""
_NUMBERS = (re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"), re.compile(r"-?\d+(?:[.,]\d+)?"))
"""Numbers as programs write them; and as people do, with a comma, or in ``N43.8E4.3``, which has no exponent."""
_SEXAGESIMAL = re.compile(r"(\d{1,3}) ?° ?(\d{1,2}) ?['’′] ?(\d{1,2}(?:[.,]\d+)?)? ?(?:[\"”″]|''|’’)? ?([NSEWO]?)")
ROUGH = 40.0
"""Metres by which a position in degrees, minutes and whole seconds may be off."""
_APART = re.compile(r"[\W_]+")
_MARKS = "[\u0300-\u036f]*"
"""Accents that stand behind their letters, as some file systems write them."""
_GAP = r"(?:[\W_]|%[0-9a-f]{2}|&nbsp;|&#160;)*"
"""What may stand between the words of a name, in links and pages, too."""
_ACCENT = r"(?:%c[3-5]%[0-9a-f]{2}|&[a-z]+;|&#x?[0-9a-f]+;|\\u[0-9a-f]{4}"
_LIGATURES = {"œ": "oe", "æ": "ae", "ß": "ss"}


@dataclass(frozen=True)
class Redaction:
    """What must not be said: `words` (folded id or name → what stands for it), `positions` (longitude, latitude).

    Without restricted sites both are empty and nothing changes.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    positions: tuple[Point, ...] = ()
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)
    _stand_in: tuple[str, ...] = field(init=False, repr=False, compare=False, default=("redacted",))
    """By the number of the group that matched."""

    def __post_init__(self) -> None:
        if self.words:
            longest_first = sorted(self.words, key=lambda word: (-len(word), word))
            pattern = "|".join(f"({_spelling(word)})" for word in longest_first)
            object.__setattr__(self, "_pattern", re.compile(pattern))
            object.__setattr__(self, "_stand_in", ("redacted", *(self.words[word] for word in longest_first)))

    def __bool__(self) -> bool:
        return bool(self.words or self.positions)

    def text(self, text: str) -> str:
        """The text without the ids and names."""
        if self._pattern is None:
            return text
        parts: list[str] = []
        end = 0
        for match in self._pattern.finditer(_folded(text)):
            parts += (text[end : match.start()], self._stand_in[match.lastindex or 0])
            end = match.end()
        return "".join((*parts, text[end:]))

    def value(self, value: Any) -> Any:
        """A JSON value with `text` applied to all texts in it, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): item
                if key in CLOSED and isinstance(item, str) and item in VOCABULARY
                else self.value(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def near(self, point: Sequence[Any], reach: float = CLOSE) -> bool:
        """Whether a position is within so many metres of a restricted site, as far as can be told."""
        if len(point) < 2 or not all(isinstance(number, int | float) for number in point[:2]):
            return False
        x, y = float(point[0]), float(point[1])
        return any(
            abs(x - place[0]) < NEAR and abs(y - place[1]) < NEAR and distance((x, y), place) <= reach
            for place in self.positions
        )

    def hides(self, geometry: Any) -> bool:
        """Whether any position in a tree of coordinates is that of a restricted site."""
        if not isinstance(geometry, list | tuple):
            return False
        return self.near(geometry) or any(self.hides(part) for part in geometry)

    def leaks(self, content: str, project: Callable[[Point], Point] | None = None) -> tuple[str, ...]:
        """What a finished file still says of restricted sites; empty is what it must be.

        Pairs of neighbouring numbers are looked at as longitude and latitude in either order, with points, commas
        or as minutes and seconds, and as what `project` makes of the positions (metres). Only names of four or
        more characters with a letter among them are looked for here: shorter ones are also parts of numbers.
        """
        found = []
        if self._pattern is not None:
            lines = _folded(content)
            for match in self._pattern.finditer(lines):
                word = match.group()
                if word not in VOCABULARY and len(word) > 3 and any(character.isalpha() for character in word):
                    found.append(f"line {lines.count(chr(10), 0, match.start()) + 1}: a name")
        if self.positions:
            for numbers in _NUMBERS:
                found += self._pairs(content, numbers, project)
            found += self._sexagesimal(content)
        return tuple(dict.fromkeys(found))

    def _pairs(
        self, content: str, numbers: re.Pattern[str], project: Callable[[Point], Point] | None
    ) -> Iterator[str]:
        planar = [project(place) for place in self.positions] if project is not None else []
        wanted = [(value, NEAR) for place in self.positions for value in place]
        wanted += [(value, CLOSE) for place in planar for value in place]
        before: tuple[int, float] | None = None  # the number before, if it may be half of a position
        for match in numbers.finditer(content):
            two = float(match.group().replace(",", "."))
            here = (match.start(), two) if any(abs(two - value) <= reach for value, reach in wanted) else None
            if before is not None and here is not None:
                one = before[1]
                close = self.near((one, two)) or self.near((two, one))
                pairs = ((one, two), (two, one))
                if close or any(abs(u - x) <= CLOSE and abs(v - y) <= CLOSE for x, y in planar for u, v in pairs):
                    yield f"line {content.count(chr(10), 0, here[0]) + 1}: a position"
            before = here

    def _sexagesimal(self, content: str) -> Iterator[str]:
        before: float | None = None
        for match in _SEXAGESIMAL.finditer(content):
            degrees, minutes, seconds, side = match.groups()
            value = int(degrees) + int(minutes) / 60 + float((seconds or "0").replace(",", ".")) / 3600
            value = -value if side and side in "SWO" else value
            if before is not None and (self.near((before, value), ROUGH) or self.near((value, before), ROUGH)):
                yield f"line {content.count(chr(10), 0, match.start()) + 1}: a position"
            before = value

    def refuse_leaks(self, contents: Mapping[str, bytes], project: Callable[[Point], Point] | None = None) -> None:
        """Raise InputError if any of these files (name → bytes) says something of a restricted site."""
        if not self:
            return
        found = []
        for name, content in contents.items():
            found += [
                Diagnostic("redaction-leaks", f"{name} would tell of a restricted site", detail=where)
                for where in (*self.leaks(name), *self.leaks(content.decode("utf-8", "replace"), project))
            ]
        if found:
            raise InputError(*found)


@dataclass(frozen=True, slots=True)
class Redacted:
    """Documents that say nothing of restricted sites, and how many objects of each kind are missing for it."""

    documents: Mapping[str, Document[Any]]
    redaction: Redaction
    gone: Mapping[str, int]


def redact(documents: Mapping[str, Document[Any]]) -> Redacted:
    """The documents of `inventory/` and `topology/` without restricted sites, by the rule above.

    Lines of the documents are lost. Raises InputError where two ids would become one.
    """
    kept = {file: one for file, one in documents.items() if file.startswith(("inventory/", "topology/"))}
    sites = [site for site in _sites(documents) if site.restricted]
    if not sites:
        return Redacted(kept, Redaction(), {})
    positions = tuple(dict.fromkeys(_positions(sites, documents)))
    away = Redaction({}, positions)
    rest = thinned(kept, frozenset(site.id for site in sites), away.hides)
    words: dict[str, str] = {}
    for number, site in enumerate(sites, 1):
        for word in (site.id, site.name, *sorted(rest.inside.get(site.id, ()))):
            if plain := _APART.sub(" ", _folded(unicodedata.normalize("NFC", word))).strip():
                words.setdefault(plain, f"redacted-{number}")
    redaction = Redaction(words, positions)
    return Redacted(rest.rewritten(redaction.value), redaction, rest.counts)


def grid(place: Point) -> Point:
    """A position in metres of Lambert-93, as surveyors note it in any file; itself where there is no grid."""
    try:
        return to_grid(*place)
    except ValueError:
        return place


def _sites(documents: Mapping[str, Document[Any]]) -> tuple[models.SiteModel, ...]:
    document = documents.get("inventory/sites.yaml")
    return document.value.sites if document is not None else ()


def _positions(sites: Sequence[models.SiteModel], documents: Mapping[str, Document[Any]]) -> Iterator[Point]:
    """Where restricted sites are: as they say, and where the lines end that lead to them."""
    names = {site.id for site in sites}
    yield from (site.position for site in sites if site.position is not None)
    segments = documents.get("inventory/segments.geojson")
    for row in segments.value if segments is not None else ():
        for name, place in ((row.a, 0), (row.b, -1)):
            if name in names:
                yield tuple(row.coordinates[place][:2])


def _folded(text: str) -> str:
    """Lower case without accents, character by character, so that places in the text stay the same."""
    if text.isascii():
        return text.lower()
    return text.translate({ord(character): _fold(character) for character in set(text)})


def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character)[:1].casefold()[:1]
    return plain or character


def _spelling(word: str) -> str:
    """A pattern for a folded word in any spelling."""
    parts = _GAP.join("".join(map(_letter, _whole(part))) for part in word.split(" "))
    return parts if len(word.replace(" ", "")) > 3 else rf"(?<![^\W_]){parts}(?![^\W_])"


def _whole(part: str) -> Iterator[str]:
    """The letters of a word, two that may be one in a ligature together."""
    for ligature, letters in _LIGATURES.items():
        part = part.replace(letters, ligature)
    yield from part


def _letter(letter: str) -> str:
    """A letter with or without accent, also as links and pages write those; a ligature as one letter or two."""
    if letter in _LIGATURES:
        return rf"(?:{letter}|{_LIGATURES[letter]}|{_ACCENT}))"
    if letter in "aceinouy":
        return rf"(?:{letter}{_MARKS}|{letter}%cc%[0-9a-f]{{2}}|{_ACCENT}))"
    return re.escape(letter) + _MARKS
