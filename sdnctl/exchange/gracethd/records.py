"""The plant as the network folder says it: every object a dictionary of what it does not default.

Objects are normalised: what a file says once under `defaults` stands on each, and what is the default anyway
stands on none. So two folders that mean the same plant give equal records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory import models, rows
from sdnctl.inventory.fields import parse_masks

Item = dict[str, Any]

MODELS: Mapping[str, type[BaseModel]] = {
    "site": models.SiteModel,
    "chamber": models.ChamberRow,
    "segment": models.SegmentFeature,
    "duct": models.DuctModel,
    "cable type": models.CableTypeModel,
    "cable": models.CableModel,
    "closure": models.ClosureModel,
    "odf": models.OdfModel,
    "passive": models.PassiveModel,
}
_FILES = {
    "site": (("inventory/sites.yaml", "sites"),),
    "chamber": (("inventory/chambers.csv", ""),),
    "segment": (("inventory/segments.geojson", ""),),
    "duct": (("inventory/ducts.yaml", "ducts"), ("inventory/ducts.csv", "inventory/ducts.yaml")),
    "cable type": (("inventory/cable-types.yaml", "cable_types"),),
    "cable": (("inventory/cables.yaml", "cables"), ("inventory/cables.csv", "inventory/cables.yaml")),
    "closure": (("inventory/closures.yaml", "closures"), ("inventory/closures.csv", "inventory/closures.yaml")),
    "odf": (("inventory/odfs.yaml", "odfs"),),
    "passive": (("inventory/passives.yaml", "passives"),),
}
"""Where objects of a kind stand: file, and the list in it or, for tables, the file with the defaults."""
_LISTED: Mapping[str, type[BaseModel]] = {
    "sites": models.SiteModel,
    "ducts": models.DuctModel,
    "cable_types": models.CableTypeModel,
    "cables": models.CableModel,
    "closures": models.ClosureModel,
    "odfs": models.OdfModel,
    "passives": models.PassiveModel,
}
PARTS = {"closure": "splices", "odf": "terminations"}
_LIFE = ("owner", "manager", "user", "status", "valid_from", "valid_to", "source")
_IN_SERVICE = "in-service"


@dataclass
class Records:
    """Objects by kind and id; `splices`: closure → its splices, `terminations`: ODF → what is on its positions.

    `only`: the ids, by kind, that `each` names; None for all of them.
    """

    objects: dict[str, dict[str, Item]] = field(default_factory=lambda: {kind: {} for kind in MODELS})
    splices: dict[str, list[Item]] = field(default_factory=dict)
    terminations: dict[str, list[Item]] = field(default_factory=dict)
    only: Mapping[str, frozenset[str]] | None = field(default=None, compare=False)

    def __getitem__(self, kind: str) -> dict[str, Item]:
        return self.objects[kind]

    def each(self, kind: str) -> list[tuple[str, Item]]:
        """Objects of a kind in the order of their ids."""
        items = self.objects[kind]
        names = items.keys() if self.only is None else items.keys() & self.only[kind]
        return [(name, items[name]) for name in sorted(names)]

    def parts(self, kind: str) -> dict[str, list[Item]]:
        return self.splices if kind == "closure" else self.terminations

    def counts(self) -> dict[str, int]:
        found = {f"{kind}s": len(items) for kind, items in self.objects.items()}
        found["splices"] = sum(map(len, self.splices.values()))
        found["terminations"] = sum(map(len, self.terminations.values()))
        return found


def read_documents(documents: Mapping[str, Document[Any]]) -> Records:
    """The records of a network's documents."""
    records = Records()
    for kind, places in _FILES.items():
        for file, where in places:
            for item in _items(documents, file, where):
                part = PARTS.get(kind, "")
                if part in item:
                    records.parts(kind).setdefault(item["id"], []).extend(map(_plain_life, item.pop(part)))
                records[kind][item.pop("id")] = item
    for file, key, kind in (
        ("inventory/splices.csv", "closure", "closure"),
        ("inventory/terminations.csv", "odf", "odf"),
    ):
        for item in _items(documents, file, ""):
            records.parts(kind).setdefault(item.pop(key), []).append(item)
    return records


def _items(documents: Mapping[str, Document[Any]], file: str, where: str) -> Iterator[Item]:
    document = documents.get(file)
    if document is None:
        return
    sister = documents.get(where) if where.endswith(".yaml") else document
    defaults = getattr(sister.value, "defaults", None) if sister is not None else None
    shared = _dump(defaults) if defaults is not None else {}
    for value in document.value if isinstance(document.value, tuple) else getattr(document.value, where):
        yield _plain_life({**shared, **_dump(value)} if "id" in type(value).model_fields else _dump(value))


def _plain_life(item: Item) -> Item:
    """What everything is anyway: in service, managed and used by its owner."""
    if item.get("status") == _IN_SERVICE:
        del item["status"]
    for key in ("manager", "user"):
        if key in item and item[key] == item.get("owner"):
            del item[key]
    return {key: value for key, value in item.items() if key not in _LIFE or value != ""}


def _dump(model: BaseModel) -> Item:
    item = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(item.get("masks"), str):  # a row of a table says them in one cell
        item["masks"] = parse_masks(item["masks"])
    return item


def write_documents(records: Records, out: Diagnostics) -> dict[str, Document[Any]]:
    """Records as documents, ready to be dumped or built; what no model takes is reported and left out."""
    made: dict[str, Document[Any]] = {}

    def table(file: str, model: type[BaseModel], items: Iterator[Item], what: str) -> None:
        values = tuple(_valid(model, items, what, out))
        if values:
            made[file] = Document(file, values)

    def yaml(file: str, model: type[BaseModel], name: str, items: Iterator[Item], what: str) -> None:
        values = tuple(_valid(_LISTED[name], items, what, out))
        if values:
            made[file] = Document(file, model(**{name: values}))

    def listed(kind: str) -> Iterator[Item]:
        return ({"id": key, **item} for key, item in sorted(records[kind].items()))

    def split(kind: str, row: type[BaseModel]) -> tuple[Iterator[Item], Iterator[Item]]:
        """Objects with something that no row of a table can say, and the others."""
        items = list(listed(kind))
        rich = [not set(item) <= set(row.model_fields) or any(map(_nested, item.values())) for item in items]
        return (
            (item for item, one in zip(items, rich, strict=True) if one),
            (item for item, one in zip(items, rich, strict=True) if not one),
        )

    yaml("inventory/sites.yaml", models.SitesFile, "sites", listed("site"), "site")
    table("inventory/chambers.csv", models.ChamberRow, listed("chamber"), "chamber")
    table("inventory/segments.geojson", models.SegmentFeature, listed("segment"), "segment")
    rich, plain = split("duct", rows.DuctRow)
    yaml("inventory/ducts.yaml", models.DuctsFile, "ducts", rich, "duct")
    table("inventory/ducts.csv", rows.DuctRow, plain, "duct")
    yaml("inventory/cable-types.yaml", models.CableTypesFile, "cable_types", listed("cable type"), "cable type")
    rich, plain = split("cable", rows.CableRow)
    yaml("inventory/cables.yaml", models.CablesFile, "cables", rich, "cable")
    table("inventory/cables.csv", rows.CableRow, plain, "cable")
    rich, plain = split("closure", rows.ClosureRow)
    yaml("inventory/closures.yaml", models.ClosuresFile, "closures", rich, "closure")
    table("inventory/closures.csv", rows.ClosureRow, plain, "closure")
    splices = ({"closure": key, **item} for key, items in sorted(records.splices.items()) for item in items)
    table("inventory/splices.csv", rows.SpliceRow, splices, "splice")
    yaml("inventory/odfs.yaml", models.OdfsFile, "odfs", listed("odf"), "ODF")
    ends = ({"odf": key, **item} for key, items in sorted(records.terminations.items()) for item in items)
    table("inventory/terminations.csv", rows.TerminationRow, ends, "termination")
    yaml("inventory/passives.yaml", models.PassivesFile, "passives", listed("passive"), "passive node")
    return made


def write_jumpers(items: list[Item], out: Diagnostics) -> dict[str, Document[Any]]:
    """Patch cords as the document that they stand in; none without any."""
    values = tuple(_valid(rows.JumperRow, iter(items), "jumper", out))
    return {"inventory/jumpers.csv": Document("inventory/jumpers.csv", values)} if values else {}


def _nested(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, dict | list) for one in value)
    )


def _valid(model: type[BaseModel], items: Iterator[Item], what: str, out: Diagnostics) -> Iterator[BaseModel]:
    """Each item as its model; without a value that it does not take, so that nothing else has to go with it."""
    for item in items:
        try:
            yield model.model_validate(item)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            name = item.get("id") or item.get("closure") or item.get("odf") or ""
            column = ".".join(map(str, faults[0]["loc"]))
            out.error(
                "not-a-plant-object",
                f"{what} {name}: {column}: {faults[0]['msg'][:200]}",
                address=f"{what} {name}",
                hint="Correct it in the delivery.",
            )
            fields = {str(one["loc"][0]) for one in faults if one["loc"]}
            rest = {key: value for key, value in item.items() if key not in fields}
            try:
                yield model.model_validate(rest)
            except ValidationError:
                continue
