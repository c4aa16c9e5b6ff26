"""Features become rows of the inventory: what layer each is, its geometry as fields, ids and places it leaves
open.

"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sdnctl.errors import Diagnostic, Diagnostics, Severity, Source
from sdnctl.exchange.geojson import shapes
from sdnctl.exchange.geojson.features import OWN, Collection, Found
from sdnctl.exchange.geojson.jsonvalues import plain
from sdnctl.exchange.geojson.layers import DRAWN, LAYERS, Layer, Row
from sdnctl.exchange.geojson.mapping import COUNT, MappingFile, renamed
from sdnctl.exchange.geojson.placing import Places
from sdnctl.exchange.naming import clean, is_id, slug
from sdnctl.inventory.geometry import line_length, polygon_fault
from sdnctl.inventory.lambert93 import in_france

WANTED: dict[Layer, tuple[str, ...]] = {
    "site": ("Point", ""),
    "chamber": ("Point",),
    "segment": ("LineString",),
    "duct": ("LineString", "MultiLineString", ""),
    "cable": ("LineString", "MultiLineString", ""),
    "closure": ("Point", ""),
    "loop": ("Point", ""),
    "area": ("Polygon",),
    "hazard": ("Polygon",),
}
"""Geometries that a layer may have, in two dimensions; "" is none."""
REFERENCES: dict[str, tuple[Layer, ...]] = {
    "a": ("site", "chamber"),
    "b": ("site", "chamber"),
    "at": ("site", "chamber"),
    "route": ("duct", "segment"),
    "segments": ("segment",),
    "parent": ("duct",),
    "cable": ("cable",),
}


@dataclass(slots=True)
class Taken:
    """A feature that is an object: its row, and what of the feature is not in it."""

    layer: Layer
    row: Row
    found: Found
    mapped: bool


@dataclass
class Objects:
    """Everything of all files: rows in the order of the files, features of no layer, members of collections."""

    taken: list[Taken] = field(default_factory=list)
    others: list[Found] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)
    cable_types: list[Row] = field(default_factory=list)

    def of(self, *layers: Layer) -> Iterator[Taken]:
        return (one for one in self.taken if one.layer in layers)


def objects(collections: Sequence[Collection], mapping: MappingFile | None, out: Diagnostics) -> Objects:
    """Rows of all features; what has the wrong geometry is reported and left out."""
    found = Objects()
    for collection in collections:
        _members(collection, found, out)
        if _in_metres(collection, out):
            continue
        for feature in collection.features:
            taken = _taken(feature, mapping)
            if taken is None:
                found.others.append(feature)
            elif _shape(taken, out):
                found.taken.append(taken)
    _identify(found, out)
    _Placing(found, out).settle()
    return found


def _in_metres(collection: Collection, out: Diagnostics) -> bool:
    """Whether a file is in a grid: most of its positions are no degrees. Said once, not once a feature."""
    firsts = [next(shapes.positions(one.geometry), None) for one in collection.features]
    places = [(place[0], place[1]) for place in firsts if place is not None]
    away = [(x, y) for x, y in places if abs(x) > 180 or abs(y) > 90]
    if 2 * len(away) <= len(places):
        return False
    x, y = away[0]
    french = in_france((float(x), float(y))) or in_france((float(y), float(x)))
    out.error(
        "not-wgs84",
        f"({x:.9g}, {y:.9g}) and {len(away) - 1} more positions are no degrees",
        source=collection.features[0].source,
        detail="They look like metres of Lambert-93." if french else "",
        hint="Export the layer in EPSG:4326, longitude before latitude.",
    )
    return True


def _members(collection: Collection, found: Objects, out: Diagnostics) -> None:
    own = collection.members.pop(OWN, None)
    types = own.get("cable_types") if isinstance(own, dict) else None
    if isinstance(types, list):
        found.cable_types += [plain(one) for one in types if isinstance(one, dict)]
    for key, value in collection.members.items():
        if key in found.members and plain(found.members[key]) != plain(value):
            out.warning(
                "members-differ",
                f"files say different things under {clean(key, 40)!r}; the first is kept",
                source=Source(collection.file, 1),
            )
        found.members.setdefault(key, value)


def _taken(feature: Found, mapping: MappingFile | None) -> Taken | None:
    rule = mapping.of(feature) if mapping is not None else None
    if rule is not None:
        return Taken(rule.to, rule.row(feature), feature, mapped=True)
    name = feature.properties.get("layer")
    layer = next((one for one in LAYERS if one == name), None)
    if layer is None:
        return None
    row = {key: plain(value) for key, value in feature.properties.items() if key not in ("layer", *DRAWN)}
    return Taken(layer, row, feature, mapped=False)


def _shape(taken: Taken, out: Diagnostics) -> bool:
    """Put the geometry into the row, as its layer has it; False with a diagnostic where it is another one."""
    kind, tree = shapes.flat(taken.found.geometry)
    if kind not in WANTED[taken.layer] or not _sound(kind, tree):
        wanted = " or ".join(name for name in WANTED[taken.layer] if name)
        out.error(
            "wrong-geometry",
            f"a {taken.layer} is a {wanted}, this one is {clean(kind, 30) or 'nothing'} or has bad coordinates",
            address=f"{taken.layer} {clean(str(taken.row.get('id', '')), 60)}".strip(),
            source=taken.found.source,
            hint="Correct the feature, or map it to another layer.",
        )
        return False
    row = taken.row
    if taken.layer == "site" and kind:
        row["position"] = tree
    elif taken.layer == "chamber":
        row["lon"], row["lat"] = tree
    elif taken.layer == "segment" or taken.layer == "area":
        row["coordinates"] = tree
    elif taken.layer == "hazard":
        row["polygon"] = tree[0][:-1] if len(tree[0]) > 1 and tree[0][0] == tree[0][-1] else tree[0]
    return kind != "Polygon" or all(_outline(taken, ring, out) for ring in tree)


def _outline(taken: Taken, ring: list[list[float]], out: Diagnostics) -> bool:
    """Whether a ring has an inside; what crosses itself is reported."""
    why = polygon_fault([(x, y) for x, y in (ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring)])
    if why:
        out.error(
            "bad-polygon",
            f"the outline of a {taken.layer} is no area: {why}",
            address=f"{taken.layer} {clean(str(taken.row.get('id', '')), 60)}".strip(),
            source=taken.found.source,
            hint="Draw it again, corner by corner along its edge.",
        )
    return not why


def _sound(kind: str, tree: Any) -> bool:
    """Whether coordinates are as deep as their type wants, in degrees, and enough of them."""

    def position(value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) == 2
            and all(isinstance(number, float) for number in value)
            and abs(value[0]) <= 180
            and abs(value[1]) <= 90
        )

    def many(value: Any, inner: Callable[[Any], bool], least: int) -> bool:
        return isinstance(value, list) and len(value) >= least and all(inner(item) for item in value)

    if kind == "Point":
        return position(tree)
    if kind == "LineString":
        return many(tree, position, 2)
    if kind == "MultiLineString":
        return many(tree, lambda part: many(part, position, 2), 1)
    if kind == "Polygon":
        return many(tree, lambda ring: many(ring, position, 3), 1)
    return kind == ""


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────


def _identify(found: Objects, out: Diagnostics) -> None:
    """Ids that are ours; in mapped layers what is no id becomes one, and references follow."""
    new: dict[tuple[Layer, str], str] = {}
    taken_ids: dict[Layer, set[str]] = {layer: set() for layer in LAYERS}
    for one in found.taken:
        if not one.mapped and isinstance(one.row.get("id"), str):
            taken_ids[one.layer].add(one.row["id"])
    for number, one in enumerate(found.of(*(layer for layer in LAYERS if layer not in ("loop", "area"))), 1):
        if not one.mapped:
            continue
        old = one.row.get("id")
        name = str(old) if old is not None and is_id(str(old)) else slug(str(old or ""), f"{one.layer}-{number}")
        unique, suffix = name, 2
        while unique in taken_ids[one.layer]:
            unique, suffix = f"{name[:58]}-{suffix}", suffix + 1
        taken_ids[one.layer].add(unique)
        one.row["id"] = unique
        if old is None or unique != str(old):
            _note(out, "id-derived", f"{clean(str(old), 60) if old else 'without id'}: now {unique}", one)
        if old is not None:
            new.setdefault((one.layer, str(old)), unique)
    for one in found.taken:
        if one.mapped:
            for key, layers in REFERENCES.items():
                if key in one.row:
                    table = {old: name for (layer, old), name in new.items() if layer in layers}
                    one.row[key] = renamed(table, one.row[key])


def _note(out: Diagnostics, code: str, summary: str, one: Taken) -> None:
    address = f"{one.layer} {one.row.get('id', '')}".strip()
    out.items.append(Diagnostic(code, summary, address, one.found.source, severity=Severity.NOTE))


# ── places ───────────────────────────────────────────────────────────────────────────────────────


class _Placing:
    """Ends and places that features leave open, from where they are drawn."""

    def __init__(self, found: Objects, out: Diagnostics) -> None:
        self.found, self.out = found, out
        self.places = Places()
        self.names: set[str] = set()
        for one in found.of("site", "chamber"):
            name = str(one.row.get("id", ""))
            self.names.add(name)
            if "position" in one.row:
                self.places.add(name, one.row["position"])
            elif "lon" in one.row:
                self.places.add(name, (one.row["lon"], one.row["lat"]))

    def settle(self) -> None:
        """Trenches first: where they end is where the rest begins."""
        for one in list(self.found.of("segment")):
            self._ends(one)
        for one in list(self.found.of("duct")):
            if one.mapped and not one.row.get("segments") and not one.row.get("parent"):
                self._trench(one)
        for one in list(self.found.of("cable")):
            self._ends(one)
            if one.mapped:
                self._type(one)
        for one in list(self.found.of("closure")):
            kind, tree = shapes.flat(one.found.geometry)
            if one.mapped and kind == "Point":
                self._fill(one, "at", tree)

    def _ends(self, one: Taken) -> None:
        kind, tree = shapes.flat(one.found.geometry)
        if not one.mapped or kind not in ("LineString", "MultiLineString"):
            return
        parts = [tree] if kind == "LineString" else tree
        self._fill(one, "a", parts[0][0])
        self._fill(one, "b", parts[-1][-1])
        if one.layer == "cable":
            self._length(one, parts)

    def _fill(self, one: Taken, key: str, position: Sequence[float]) -> None:
        if one.row.get(key):
            return
        place = self.places.nearest(position)
        if place is None:
            place = self._chamber(f"ch-{one.row['id']}-{key}", position, one)
        one.row[key] = place

    def _chamber(self, wanted: str, position: Sequence[float], of: Taken) -> str:
        """A chamber that nobody drew, where a line ends."""
        name, number = wanted[:60], 2
        while name in self.names:
            name, number = f"{wanted[:56]}-{number}", number + 1
        self.names.add(name)
        self.places.add(name, position)
        row = {
            "id": name,
            "lon": position[0],
            "lat": position[1],
            "source": f"derived: where {of.layer} {of.row['id']} ends",
        }
        made = Taken(
            "chamber", row, Found(of.found.file, of.found.line, {"geometry": shapes.point(position)}), False
        )
        self.found.taken.append(made)
        _note(self.out, "place-derived", f"nothing is drawn where {of.layer} {of.row['id']} ends", made)
        return name

    def _length(self, one: Taken, parts: Sequence[Sequence[Sequence[float]]]) -> None:
        """A cable of which only the line is known is as long as that."""
        if one.row.get("sheath") or one.row.get("route"):
            return
        metres = sum(line_length([(place[0], place[1]) for place in part]) for part in parts)
        one.row["sheath"] = f"{metres:.1f} m"
        _note(self.out, "sheath-derived", f"its sheath is taken for as long as the line, {metres:.0f} m", one)

    def _type(self, one: Taken) -> None:
        """A kind of cable of which only the number of strands is known."""
        count = one.row.pop(COUNT, None)
        if one.row.get("type") or count is None or not str(count).isascii() or not str(count).isdigit():
            return
        strands = int(str(count)[:6])
        name = f"derived-{strands}"
        if all(kind.get("id") != name for kind in self.found.cable_types):
            tubes = strands // 12 if strands % 12 == 0 and strands else 1
            self.found.cable_types.append(
                {
                    "id": name,
                    "strands": strands,
                    "tubes": tubes,
                    "helix": "1 %",
                    "source": "derived from the number of strands",
                }
            )
        one.row["type"] = name
        _note(self.out, "type-derived", f"only {strands} strands are known of its type", one)

    def _trench(self, one: Taken) -> None:
        """A duct that is drawn by itself lies in a segment of its own."""
        kind, tree = shapes.flat(one.found.geometry)
        if kind != "LineString":
            return
        row = {"id": f"sg-{one.row['id']}"[:64], "coordinates": tree, "source": f"derived: duct {one.row['id']}"}
        made = Taken(
            "segment", row, Found(one.found.file, one.found.line, {"geometry": one.found.geometry}), False
        )
        self._fill(made, "a", tree[0])
        self._fill(made, "b", tree[-1])
        self.found.taken.append(made)
        one.row["segments"] = [row["id"]]
        _note(self.out, "segment-derived", f"no segment is said to hold duct {one.row['id']}", made)
