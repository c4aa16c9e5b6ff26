"""The inventory as bulk-import CSV, a file per model in the order of import, and as bodies for the REST API.

Columns are those of NetBox's import forms. In `rest.json` objects refer to each other as the API lets them, by
names; cables need ids, and `id` says which object is meant: numbers of this document, made from names, so that
they never change.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from sdnctl.exchange.netbox.model import Cable, Device, End, Inventory, Numbers, slug

REST = "rest.json"
ENDPOINTS = {"interface": "dcim/interfaces", "frontport": "dcim/front-ports", "rearport": "dcim/rear-ports"}
COLOUR = "9e9e9e"


def write(found: Inventory) -> dict[str, bytes]:
    """Name → bytes of every file."""
    return {**_csv_files(found), REST: _rest(found)}


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────


def _csv_files(found: Inventory) -> dict[str, bytes]:
    tables: list[tuple[str, Sequence[str], Iterable[Sequence[Any]]]] = [
        (
            "sites",
            ("name", "slug", "status", "facility", "latitude", "longitude", "description", "comments"),
            (
                (
                    one.name,
                    one.slug,
                    one.status,
                    one.facility,
                    one.latitude,
                    one.longitude,
                    one.description,
                    one.comments,
                )
                for one in found.sites
            ),
        ),
        ("manufacturers", ("name", "slug"), ((name, slug(name)) for name in _manufacturers(found))),
        ("device-roles", ("name", "slug", "color"), ((name, slug(name), COLOUR) for name in _roles(found))),
        (
            "device-types",
            ("manufacturer", "model", "slug", "u_height"),
            ((maker, model, slug(f"{maker}-{model}"), 0) for maker, model in _types(found)),
        ),
        (
            "devices",
            ("name", "role", "manufacturer", "device_type", "status", "site", "description", "comments"),
            (
                (
                    one.name,
                    one.role,
                    one.manufacturer,
                    one.type,
                    one.status,
                    one.site,
                    one.description,
                    one.comments,
                )
                for one in found.devices
            ),
        ),
        (
            "interfaces",
            ("device", "name", "type", "speed", "enabled", "mtu", "description"),
            (
                (one.device, one.name, one.type, one.speed, str(one.enabled).lower(), one.mtu, one.description)
                for one in found.interfaces
            ),
        ),
        (
            "rear-ports",
            ("device", "name", "type", "positions", "description"),
            ((one.device, one.name, one.type, one.positions, one.description) for one in found.rear_ports),
        ),
        (
            "front-ports",
            ("device", "name", "type", "rear_port", "rear_port_position", "description"),
            (
                (one.device, one.name, one.type, one.rear_port, one.position, one.description)
                for one in found.front_ports
            ),
        ),
        ("cables", CABLE_COLUMNS, map(_cable_row, found.cables)),
    ]
    return {
        f"{number:02}-{name}.csv": _csv(columns, rows) for number, (name, columns, rows) in enumerate(tables, 1)
    }


CABLE_COLUMNS = (
    "side_a_device",
    "side_a_type",
    "side_a_name",
    "side_b_device",
    "side_b_type",
    "side_b_name",
    "type",
    "status",
    "label",
    "length",
    "length_unit",
    "description",
)


def _cable_row(cable: Cable) -> Sequence[Any]:
    a, b = cable.a[0], cable.b[0]
    length, unit = _length(cable)
    sides = (a.device, f"dcim.{a.kind}", a.name, b.device, f"dcim.{b.kind}", b.name)
    return (*sides, cable.type, cable.status, cable.label, length, unit, cable.description)


def _length(cable: Cable) -> tuple[float | None, str]:
    """A length with two decimals and its unit: NetBox takes less than a million of each."""
    if cable.length is None:
        return None, ""
    return (round(cable.length, 2), "m") if cable.length < 999_999 else (round(cable.length / 1000, 2), "km")


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue().encode("utf-8")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _manufacturers(found: Inventory) -> list[str]:
    return sorted({one.manufacturer for one in found.devices})


def _roles(found: Inventory) -> list[str]:
    return sorted({one.role for one in found.devices})


def _types(found: Inventory) -> list[tuple[str, str]]:
    return sorted({(one.manufacturer, one.type) for one in found.devices})


# ── REST ─────────────────────────────────────────────────────────────────────────────────────────


def _rest(found: Inventory) -> bytes:
    """POST bodies by endpoint, in the order in which they can be sent; one object a line."""
    numbers = Numbers()
    site_slugs = {one.name: one.slug for one in found.sites}
    bodies: dict[str, list[dict[str, Any]]] = {
        "dcim/sites": [
            {
                "id": numbers.of("dcim/sites", one.name),
                "name": one.name,
                "slug": one.slug,
                "status": one.status,
                "facility": one.facility,
                "latitude": one.latitude,
                "longitude": one.longitude,
                "description": one.description,
                "comments": one.comments,
            }
            for one in found.sites
        ],
        "dcim/manufacturers": [
            {"id": numbers.of("dcim/manufacturers", name), "name": name, "slug": slug(name)}
            for name in _manufacturers(found)
        ],
        "dcim/device-roles": [
            {"id": numbers.of("dcim/device-roles", name), "name": name, "slug": slug(name), "color": COLOUR}
            for name in _roles(found)
        ],
        "dcim/device-types": [
            {
                "id": numbers.of("dcim/device-types", maker, model),
                "manufacturer": {"name": maker, "slug": slug(maker)},
                "model": model,
                "slug": slug(f"{maker}-{model}"),
                "u_height": 0.0,
            }
            for maker, model in _types(found)
        ],
        "dcim/devices": [_device(numbers, one, site_slugs) for one in found.devices],
        "dcim/interfaces": [
            {
                "id": numbers.of("dcim/interfaces", one.device, one.name),
                "device": {"name": one.device},
                "name": one.name,
                "type": one.type,
                "enabled": one.enabled,
                "speed": one.speed,
                "mtu": one.mtu,
                "description": one.description,
            }
            for one in found.interfaces
        ],
        "dcim/rear-ports": [
            {
                "id": numbers.of("dcim/rear-ports", one.device, one.name),
                "device": {"name": one.device},
                "name": one.name,
                "type": one.type,
                "positions": one.positions,
                "description": one.description,
            }
            for one in found.rear_ports
        ],
        "dcim/front-ports": [
            {
                "id": numbers.of("dcim/front-ports", one.device, one.name),
                "device": {"name": one.device},
                "name": one.name,
                "type": one.type,
                "rear_ports": [
                    {
                        "position": 1,
                        "rear_port": numbers.of("dcim/rear-ports", one.device, one.rear_port),
                        "rear_port_position": one.position,
                    }
                ],
                "description": one.description,
            }
            for one in found.front_ports
        ],
        "dcim/cables": [_cable(numbers, one) for one in found.cables],
    }
    parts = []
    for endpoint, rows in bodies.items():
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        parts.append(f"{json.dumps(endpoint)}: [\n{lines}\n]" if rows else f"{json.dumps(endpoint)}: []")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("utf-8")


def _device(numbers: Numbers, one: Device, slugs: dict[str, str]) -> dict[str, Any]:
    return {
        "id": numbers.of("dcim/devices", one.name),
        "name": one.name,
        "role": {"name": one.role, "slug": slug(one.role)},
        "device_type": {
            "manufacturer": {"name": one.manufacturer, "slug": slug(one.manufacturer)},
            "model": one.type,
            "slug": slug(f"{one.manufacturer}-{one.type}"),
        },
        "site": {"name": one.site, "slug": slugs.get(one.site, slug(one.site))},
        "status": one.status,
        "description": one.description,
        "comments": one.comments,
    }


def _cable(numbers: Numbers, one: Cable) -> dict[str, Any]:
    def ends(side: tuple[End, ...]) -> list[dict[str, Any]]:
        return [
            {"object_type": f"dcim.{end.kind}", "object_id": numbers.of(ENDPOINTS[end.kind], end.device, end.name)}
            for end in side
        ]

    first = "\0".join((*one.a[0].key, *one.b[0].key))
    return {
        "id": numbers.of("dcim/cables", first),
        "a_terminations": ends(one.a),
        "b_terminations": ends(one.b),
        "type": one.type,
        "status": one.status,
        "label": one.label,
        "length": _length(one)[0],
        "length_unit": _length(one)[1],
        "description": one.description,
    }
