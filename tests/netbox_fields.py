"""What NetBox accepts, as its documentation and its OpenAPI document (4.5) say: a judge for exports.

Only the models that sdnctl writes. For each field: whether it must be there, and a check that says what is wrong.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], str]
SLUG = re.compile(r"[-a-zA-Z0-9_]+")
PORTS = {
    "8p8c",
    "8p6c",
    "8p4c",
    "8p2c",
    "6p6c",
    "6p4c",
    "6p2c",
    "4p4c",
    "4p2c",
    "gg45",
    "110-punch",
    "bnc",
    "f",
    "n",
    "mrj21",
    "fc",
    "fc-pc",
    "fc-upc",
    "fc-apc",
    "lc",
    "lc-pc",
    "lc-upc",
    "lc-apc",
    "mu",
    "lsh",
    "lsh-pc",
    "lsh-upc",
    "lsh-apc",
    "lx5",
    "mpo",
    "mtrj",
    "sc",
    "sc-pc",
    "sc-upc",
    "sc-apc",
    "st",
    "cs",
    "sn",
    "sma-905",
    "urm-p2",
    "splice",
    "other",
}
INTERFACES = {
    "virtual",
    "bridge",
    "lag",
    "1000base-t",
    "1000base-x-sfp",
    "10gbase-x-sfpp",
    "25gbase-x-sfp28",
    "40gbase-x-qsfpp",
    "100gbase-x-qsfp28",
    "200gbase-x-qsfp56",
    "400gbase-x-qsfpdd",
    "other",
}
DEVICES = {"offline", "active", "planned", "staged", "failed", "inventory", "decommissioning"}
SITES = {"planned", "staging", "active", "decommissioning", "retired"}
CABLES = {"connected", "planned", "decommissioning"}
CABLE_TYPES = {"", "smf", "smf-os1", "smf-os2", "mmf", "cat6", "dac-passive", "aoc"}


def text(longest: int, *, least: int = 0) -> Check:
    def check(value: Any) -> str:
        good = isinstance(value, str) and least <= len(value) <= longest
        return "" if good else f"{value!r} is no text of {least} to {longest} characters"

    return check


def one_of(allowed: set[str]) -> Check:
    return lambda value: "" if value in allowed else f"{value!r} is none of {sorted(allowed)}"


def number(low: float, high: float, decimals: int | None = None) -> Check:
    def check(value: Any) -> str:
        if value in (None, ""):
            return ""
        try:
            found = float(value)
        except (TypeError, ValueError):
            return f"{value!r} is no number"
        digits = len(str(value).partition(".")[2])
        if decimals is not None and digits > decimals:
            return f"{value!r} has more than {decimals} decimals"
        return "" if low <= found <= high else f"{value!r} is not between {low} and {high}"

    return check


def slug(value: Any) -> str:
    good = isinstance(value, str) and len(value) <= 100 and SLUG.fullmatch(value)
    return "" if good else f"{value!r} is no slug"


NAME, DESCRIPTION = text(64, least=1), text(200)
LAT, LON, LENGTH = number(-90, 90, 6), number(-180, 180, 6), number(0, 999_999.99, 2)
ANY: Check = lambda value: ""  # noqa: E731
REQUIRED, OPTIONAL = True, False
Fields: TypeAlias = Mapping[str, tuple[bool, Check]]

SHARED: dict[str, Fields] = {
    "sites": {
        "name": (REQUIRED, text(100, least=1)),
        "slug": (REQUIRED, slug),
        "status": (REQUIRED, one_of(SITES)),
        "facility": (OPTIONAL, text(50)),
        "latitude": (OPTIONAL, LAT),
        "longitude": (OPTIONAL, LON),
        "description": (OPTIONAL, DESCRIPTION),
        "comments": (OPTIONAL, ANY),
    },
    "manufacturers": {"name": (REQUIRED, text(100, least=1)), "slug": (REQUIRED, slug)},
    "device-roles": {
        "name": (REQUIRED, text(100, least=1)),
        "slug": (REQUIRED, slug),
        "color": (REQUIRED, lambda value: "" if re.fullmatch("[0-9a-f]{6}", value) else f"{value!r} is no colour"),
    },
}
CSV: dict[str, Fields] = {
    **SHARED,
    "device-types": {
        "manufacturer": (REQUIRED, text(100, least=1)),
        "model": (REQUIRED, text(100, least=1)),
        "slug": (REQUIRED, slug),
        "u_height": (OPTIONAL, number(0, 999)),
    },
    "devices": {
        "name": (REQUIRED, NAME),
        "role": (REQUIRED, text(100, least=1)),
        "manufacturer": (REQUIRED, text(100, least=1)),
        "device_type": (REQUIRED, text(100, least=1)),
        "status": (REQUIRED, one_of(DEVICES)),
        "site": (REQUIRED, text(100, least=1)),
        "description": (OPTIONAL, DESCRIPTION),
        "comments": (OPTIONAL, ANY),
    },
    "interfaces": {
        "device": (REQUIRED, NAME),
        "name": (REQUIRED, NAME),
        "type": (REQUIRED, one_of(INTERFACES)),
        "speed": (OPTIONAL, number(0, 2**31 - 1, 0)),
        "enabled": (OPTIONAL, one_of({"true", "false"})),
        "mtu": (OPTIONAL, number(1, 65536, 0)),
        "description": (OPTIONAL, DESCRIPTION),
    },
    "rear-ports": {
        "device": (REQUIRED, NAME),
        "name": (REQUIRED, NAME),
        "type": (REQUIRED, one_of(PORTS)),
        "positions": (REQUIRED, number(1, 1024, 0)),
        "description": (OPTIONAL, DESCRIPTION),
    },
    "front-ports": {
        "device": (REQUIRED, NAME),
        "name": (REQUIRED, NAME),
        "type": (REQUIRED, one_of(PORTS)),
        "rear_port": (REQUIRED, NAME),
        "rear_port_position": (REQUIRED, number(1, 1024, 0)),
        "description": (OPTIONAL, DESCRIPTION),
    },
    "cables": {
        **{
            f"side_{side}_{what}": (REQUIRED, check)
            for side in "ab"
            for what, check in (
                ("device", NAME),
                ("type", one_of({"dcim.interface", "dcim.frontport", "dcim.rearport"})),
                ("name", NAME),
            )
        },
        "type": (OPTIONAL, one_of(CABLE_TYPES)),
        "status": (OPTIONAL, one_of(CABLES)),
        "label": (OPTIONAL, text(100)),
        "length": (OPTIONAL, LENGTH),
        "length_unit": (OPTIONAL, one_of({"", "m", "km"})),
        "description": (OPTIONAL, DESCRIPTION),
    },
}


def table(name: str, content: bytes) -> list[dict[str, str]]:
    """Rows of a CSV file; its columns must be fields of the import form."""
    model = re.sub(r"^\d+-|\.csv$", "", name)
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    rows = list(reader)
    assert set(reader.fieldnames or ()) <= set(CSV[model]), f"{name}: unknown columns"
    for line, row in enumerate(rows):
        for column, (required, check) in CSV[model].items():
            value = row.get(column, "")
            assert value or not required, f"{name} row {line}: {column} is missing"
            if value:
                fault = check(value)
                assert not fault, f"{name} row {line}: {column}: {fault}"
    return rows


def check_tables(files: Mapping[str, bytes]) -> dict[str, list[dict[str, str]]]:
    """All CSV files, each by itself and as a bulk import in their order would resolve their references."""
    found = {re.sub(r"^\d+-|\.csv$", "", name): table(name, content) for name, content in sorted(files.items())}
    sites = unique(found["sites"], "name")
    unique(found["sites"], "slug")
    makers, roles = unique(found["manufacturers"], "name"), unique(found["device-roles"], "name")
    types = unique(found["device-types"], "manufacturer", "model")
    devices = unique(found["devices"], "name")
    for row in found["devices"]:
        assert (row["site"],) in sites
        assert (row["role"],) in roles
        assert (row["manufacturer"],) in makers
        assert (row["manufacturer"], row["device_type"]) in types
    ends = {}
    for model, kind in (("interfaces", "interface"), ("rear-ports", "rearport"), ("front-ports", "frontport")):
        ends[kind] = unique(found[model], "device", "name")
        assert {(device,) for device, _ in ends[kind]} <= devices
    positions = {(row["device"], row["name"]): int(row["positions"]) for row in found["rear-ports"]}
    unique(found["front-ports"], "device", "rear_port", "rear_port_position")
    for row in found["front-ports"]:
        assert int(row["rear_port_position"]) <= positions[row["device"], row["rear_port"]]
    used: set[tuple[str, str, str]] = set()
    for row in found["cables"]:
        for side in "ab":
            kind = row[f"side_{side}_type"].removeprefix("dcim.")
            end = row[f"side_{side}_device"], row[f"side_{side}_name"]
            assert end in ends[kind], f"a cable ends at {kind} {end}, which is not there"
            assert (kind, *end) not in used, f"{kind} {end} has two cables"
            used.add((kind, *end))
    return found


def unique(rows: list[dict[str, str]], *columns: str) -> set[tuple[str, ...]]:
    keys = [tuple(row[column] for column in columns) for row in rows]
    assert len(set(keys)) == len(keys), f"{columns} are not unique"
    return set(keys)


# ── REST ─────────────────────────────────────────────────────────────────────────────────────────


def named(*wanted: str) -> Check:
    """A nested object by its natural key."""
    return lambda value: (
        "" if isinstance(value, dict) and set(wanted) <= set(value) else f"{value!r} names nothing"
    )


def mapped(value: Any) -> str:
    """FrontPortMappingRequest: position here, rear port (by id) and position there."""
    good = (
        isinstance(value, list)
        and value
        and all(
            set(one) == {"position", "rear_port", "rear_port_position"}
            and all(isinstance(item, int) for item in one.values())
            for one in value
        )
    )
    return "" if good else f"{value!r} is no mapping of positions"


def terminations(value: Any) -> str:
    """GenericObjectRequest, one or more."""
    good = (
        isinstance(value, list)
        and value
        and all(set(one) == {"object_type", "object_id"} and isinstance(one["object_id"], int) for one in value)
    )
    return "" if good else f"{value!r} are no terminations"


REST: dict[str, Fields] = {
    **{f"dcim/{name}": fields for name, fields in SHARED.items()},
    "dcim/device-types": {
        **CSV["device-types"],
        "manufacturer": (REQUIRED, named("name", "slug")),
    },
    "dcim/devices": {
        **{key: value for key, value in CSV["devices"].items() if key != "manufacturer"},
        "role": (REQUIRED, named("name", "slug")),
        "device_type": (REQUIRED, named("manufacturer", "model", "slug")),
        "site": (REQUIRED, named("name", "slug")),
    },
    "dcim/interfaces": {**CSV["interfaces"], "device": (REQUIRED, named("name")), "enabled": (OPTIONAL, ANY)},
    "dcim/rear-ports": {**CSV["rear-ports"], "device": (REQUIRED, named("name"))},
    "dcim/front-ports": {
        **{key: value for key, value in CSV["front-ports"].items() if not key.startswith("rear_port")},
        "device": (REQUIRED, named("name")),
        "rear_ports": (REQUIRED, mapped),
    },
    "dcim/cables": {
        **{key: value for key, value in CSV["cables"].items() if not key.startswith("side_")},
        "a_terminations": (REQUIRED, terminations),
        "b_terminations": (REQUIRED, terminations),
    },
}


def check_rest(content: bytes) -> dict[str, list[dict[str, Any]]]:
    """`rest.json`: each body by itself, ids unique per model, terminations there and used once."""
    document: dict[str, list[dict[str, Any]]] = json.loads(content)
    assert list(document) == list(REST) or set(document) == set(REST)
    ids: dict[str, set[int]] = {}
    for endpoint, rows in document.items():
        ids[endpoint] = {row["id"] for row in rows}
        assert len(ids[endpoint]) == len(rows)
        assert all(0 < number < 2**31 for number in ids[endpoint])
        for row in rows:
            assert set(row) - {"id"} <= set(REST[endpoint]), f"{endpoint}: unknown fields"
            for key, (required, check) in REST[endpoint].items():
                assert key in row or not required, f"{endpoint}: {key} is missing"
                value = row.get(key)
                if value not in (None, ""):
                    fault = check(value)
                    assert not fault, f"{endpoint}: {key}: {fault}"
    models = {"interface": "interfaces", "frontport": "front-ports", "rearport": "rear-ports"}
    used: set[tuple[str, int]] = set()
    for cable in document["dcim/cables"]:
        for side in ("a_terminations", "b_terminations"):
            assert len({one["object_type"] for one in cable[side]}) == 1, "ends of one side are of one type"
            for one in cable[side]:
                model = f"dcim/{models[one['object_type'].removeprefix('dcim.')]}"
                assert one["object_id"] in ids[model]
                assert (model, one["object_id"]) not in used
                used.add((model, one["object_id"]))
    for front in document["dcim/front-ports"]:
        assert front["rear_ports"][0]["rear_port"] in ids["dcim/rear-ports"]
    return document
