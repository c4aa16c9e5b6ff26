"""Which object cannot be without which other: taking some sites out of the documents of a network folder.

Rows are looked at as plain values, as the files have them; the tables below say for each file which fields name
what. An object goes with what it `needs`; it `forgets` (a field) or `thins` (members of a list, and its parts).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from pydantic import ValidationError

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, InputError
from sdnctl.workspace.convention import Kind, kind_of

Row: TypeAlias = dict[str, Any]
END = ("odf", "passive", "switch", "cable")
"""What the end of a jumper may name."""
TOGETHER = {"was": "was_from"}
"""Fields that say nothing without another: the cable that a cable was cut off, and where."""


@dataclass(frozen=True)
class Rows:
    """One list of objects: their kind, and field → kinds of what it names. `where` names the building it is in."""

    kind: str = ""
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forgets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    thins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Mapping[str, Rows] = field(default_factory=dict)
    where: str = ""


_PLACE, _WAY, _CABLE, _SWITCH = ("place",), ("way",), ("cable",), ("switch",)
_SPLICE = {"a": _CABLE, "b": _CABLE}
_LANES = {"tx": END, "rx": END, "bidi": END}
_DUCT = Rows("way", {"segments": _WAY, "parent": _WAY}, thins={"openings": _PLACE})
_CABLES = Rows(
    "cable",
    {"a": _PLACE, "b": _PLACE, "route": _WAY},
    forgets={"was": _CABLE},
    parts={"slack": Rows(needs={"at": _PLACE})},
)
_CLOSURE = Rows(
    "closure",
    {"at": _PLACE},
    thins={"cut": _CABLE, "opened": _CABLE, "opened_tubes": _CABLE},
    parts={"splices": Rows(needs=_SPLICE)},
    where="at",
)
_JUMPER = Rows(needs={"a": END, "b": END})

TABLES: Mapping[str, Mapping[str, Rows]] = {
    "inventory/sites.yaml": {"sites": Rows("place")},
    "inventory/chambers.csv": {"": Rows("place")},
    "inventory/areas.geojson": {"": Rows("area")},
    "inventory/hazards.yaml": {"hazards": Rows("hazard")},
    "inventory/segments.geojson": {"": Rows("way", {"a": _PLACE, "b": _PLACE})},
    "inventory/ducts.yaml": {"ducts": _DUCT},
    "inventory/ducts.csv": {"": _DUCT},
    "inventory/cables.yaml": {"cables": _CABLES},
    "inventory/cables.csv": {"": _CABLES},
    "inventory/closures.yaml": {"closures": _CLOSURE},
    "inventory/closures.csv": {"": _CLOSURE},
    "inventory/splices.csv": {"": Rows(needs={"closure": ("closure",), **_SPLICE})},
    "inventory/odfs.yaml": {
        "odfs": Rows(
            "odf", {"site": _PLACE}, parts={"terminations": Rows(needs={"strands": _CABLE})}, where="site"
        )
    },
    "inventory/terminations.csv": {"": Rows(needs={"odf": ("odf",), "strands": _CABLE})},
    "inventory/passives.yaml": {"passives": Rows("passive", {"site": _PLACE}, where="site")},
    "inventory/equipment.yaml": {
        "switches": Rows("switch", {"site": _PLACE}, parts={"ports": Rows(forgets=_LANES)}, where="site"),
        "devices": Rows("device", {"site": _PLACE, "uplink": _SWITCH}, where="site"),
        "jumpers": _JUMPER,
    },
    "inventory/ports.csv": {"": Rows(needs={"switch": _SWITCH}, forgets=_LANES)},
    "inventory/jumpers.csv": {"": _JUMPER},
    "inventory/endpoints.csv": {
        "": Rows("endpoint", {"site": _PLACE, "device": ("switch", "device")}, forgets={"terminal": END})
    },
    "topology/links.yaml": {
        "links": Rows("link", {"a": _SWITCH, "b": _SWITCH, "cables": _CABLE}),
        "srlgs": Rows("risk", thins={"links": ("link",), "nodes": _SWITCH}),
    },
    "topology/control.yaml": {
        "links": Rows("control-link", {"a": _PLACE, "b": _PLACE, "along": ("link",), "cables": _CABLE})
    },
    "topology/maintenance.yaml": {"out_of_service": Rows(needs={"link": ("link",), "node": _SWITCH})},
}
"""File → list in it (``""``: the rows of a table) → what its objects name."""


@dataclass
class Thinned:
    """Documents as plain values without what is gone. `inside`: site → ids of what stood in it."""

    plain: dict[str, Any]
    sites: frozenset[str]
    hides: Callable[[Any], bool]
    gone: set[tuple[str, str]] = field(default_factory=set)
    inside: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many objects of each kind are gone."""
        return dict(sorted(Counter(kind for kind, _ in self.gone).items()))

    def rewritten(self, value: Callable[[Any], Any]) -> dict[str, Document[Any]]:
        """Documents again, with `value` applied to each object; raises InputError where two ids become one."""
        found: dict[str, Document[Any]] = {}
        for file, content in self.plain.items():
            kind = kind_of(file)
            assert kind is not None
            new = _shortened(value(content))
            self._refuse_merged(file, content, new)
            found[file] = Document(file, _model(file, kind, new))
        return found

    def _refuse_merged(self, file: str, old: Any, new: Any) -> None:
        for name, _ in _tables(file):
            before = {row.get("id") for row in _rows(old, name)}
            after = {row.get("id") for row in _rows(new, name)}
            if len(after) < len(before):
                raise InputError(
                    Diagnostic(
                        "redaction-merges",
                        f"two objects of {file} would get one id when names of restricted sites are taken out",
                        hint="rename one of those whose id differs from another's only in the name of a site",
                    )
                )

    # ── taking out ───────────────────────────────────────────────────────────────────────────────

    def settle(self) -> None:
        """Take out what needs something gone, until nothing more goes."""
        before = -1
        while before != len(self.gone):
            before = len(self.gone)
            for file in self.plain:
                for name, rows in _tables(file):
                    self._take(file, name, rows)

    def _take(self, file: str, name: str, rows: Rows) -> None:
        kept = []
        for row in _rows(self.plain[file], name):
            if self._stays(row, rows):
                self._thin(row, rows)
                kept.append(row)
                continue
            if rows.kind:
                self.gone.add((rows.kind, str(row.get("id"))))
            if rows.where and row.get(rows.where) in self.sites:
                self.inside.setdefault(row[rows.where], set()).add(row["id"])
        if name:
            self.plain[file][name] = kept
        else:
            self.plain[file] = kept

    def _stays(self, row: Row, rows: Rows) -> bool:
        if rows.kind == "place" and row["id"] in self.sites:
            return False
        if any(self._is_gone(row.get(key), kinds) for key, kinds in rows.needs.items()):
            return False
        return not any(self.hides(shape) for shape in _shapes(row))

    def _thin(self, row: Row, rows: Rows) -> None:
        for key, kinds in rows.forgets.items():
            if self._is_gone(row.get(key), kinds):
                row.pop(key)
                row.pop(TOGETHER.get(key, key), None)
        for key, kinds in rows.thins.items():
            if key in row:
                row[key] = [item for item in row[key] if not self._is_gone(item, kinds)]
        for key, part in rows.parts.items():
            if key in row:
                row[key] = [item for item in row[key] if self._stays(item, part)]
                for item in row[key]:
                    self._thin(item, part)

    def _is_gone(self, value: Any, kinds: tuple[str, ...]) -> bool:
        """Whether a field names something gone: an id, a notation that begins with one, a list of them."""
        if isinstance(value, list):
            return any(self._is_gone(item, kinds) for item in value)
        if isinstance(value, dict):  # the uplink of a device
            return self._is_gone(value.get("switch"), kinds)
        if not isinstance(value, str):
            return False
        name = value.partition(":")[0].partition("/")[0]
        return any((kind, name) in self.gone for kind in kinds)


def thinned(
    documents: Mapping[str, Document[Any]], sites: frozenset[str], hides: Callable[[Any], bool]
) -> Thinned:
    """Documents without these sites, what cannot be without them, and drawings that `hides` tells of."""
    plain: dict[str, Any] = {}
    for file, document in documents.items():
        kind = kind_of(file)
        if kind is not None:
            value = document.value
            whole = kind.format == "yaml"
            plain[file] = value.model_dump(**_DUMP) if whole else [row.model_dump(**_DUMP) for row in value]
    found = Thinned(plain, sites, hides)
    found.settle()
    _without_controllers(found)
    return found


def _without_controllers(found: Thinned) -> None:
    """A controller in a restricted building is not named; the file needs one at least, or goes."""
    control = found.plain.get("topology/control.yaml")
    if control is not None:
        control["controllers"] = [site for site in control["controllers"] if ("place", site) not in found.gone]
        if not control["controllers"]:
            del found.plain["topology/control.yaml"]


_DUMP: dict[str, Any] = {"mode": "json", "by_alias": True, "exclude_defaults": True}


def _tables(file: str) -> Iterator[tuple[str, Rows]]:
    yield from TABLES.get(file, {}).items()


def _rows(content: Any, name: str) -> list[Row]:
    rows: list[Row] = content.get(name, []) if name else content
    return rows


def _shapes(row: Row) -> Iterator[Any]:
    """Everything in a row that is a position or a tree of them."""
    yield from (row[key] for key in ("position", "coordinates", "polygon") if row.get(key))
    if "lon" in row:
        yield [row["lon"], row["lat"]]


def _shortened(value: Any) -> Any:
    """Ids that have become longer than ids may be, cut."""
    if isinstance(value, dict):
        return {
            key: item[:64] if key == "id" and isinstance(item, str) else _shortened(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value


def _model(file: str, kind: Kind, plain: Any) -> Any:
    try:
        if kind.format == "yaml":
            return kind.model.model_validate(plain)
        return tuple(kind.model.model_validate(row) for row in plain)
    except ValidationError as error:
        raise InputError(
            Diagnostic(
                "redaction-word",
                f"{file} is no longer valid without the names of restricted sites",
                detail=f"One of them is also a word of the file: {error.errors()[0]['msg']}.",
                hint="give the restricted site a name that is not the word for a kind of thing",
            )
        ) from None
