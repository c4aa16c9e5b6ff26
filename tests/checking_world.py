"""A small plant in which nothing is to be found, and the rules asked of it.

Two sites joined on two ways, one over a closure, one past a closure where a tube is opened for a spur:

    a ── k1 ──── k2 ── b        c1 | c2 spliced at k2
     └── k3 ──── k4 ──┘         c3 a … b, and c4 from k3 to s
          └── s
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from inventory_support import LIFE, LR, documents

from sdnctl.errors import Diagnostic
from sdnctl.inventory.access import access_lines
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.checking import Finding, Subject, Ways, check
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.plant import Plant

TODAY = date(2026, 6, 1)
SPOTS = {
    "a": (4.0, 44.0),
    "k1": (4.002, 44.001),
    "k2": (4.025, 44.001),
    "b": (4.027, 44.0),
    "k3": (4.002, 43.999),
    "k4": (4.025, 43.999),
    "s": (4.004, 43.997),
}
CHAMBERS = ("k1", "k2", "k3", "k4")
SEGMENTS = (("a", "k1"), ("k1", "k2"), ("k2", "b"), ("a", "k3"), ("k3", "k4"), ("k4", "b"), ("k3", "s"))
READ = LR | {"confidence": "retrieved"}


def route(*places: str) -> float:
    """Metres along segments."""
    return sum(distance(SPOTS[x], SPOTS[y]) for x, y in pairwise(places))


def _cable(name: str, ways: Sequence[str], *places: str, slack: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    loops = [{"at": place, "length": "12 m"} for place in slack]
    sheath = 1.03 * route(*places) + 12 * len(loops)
    ends = {"a": places[0], "b": places[-1]}
    kind = {"id": name, "type": "g652d-24", "route": list(ways), "sheath": f"{sheath:.1f} m", "slack": loops}
    return {**kind, **ends, **more}


def segment(x: str, y: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{x}-{y}",
        "a": x,
        "b": y,
        "coordinates": [SPOTS[x], SPOTS[y]],
        "precision": "B",
        **LIFE,
        **more,
    }


def kind(name: str, **more: Any) -> dict[str, Any]:
    usual = {"strands": 24, "tubes": 2, "helix": "1 %", "diameter": "10 mm"}
    return {"id": name, **usual, **more}


def good() -> dict[str, Any]:
    """The plant as files, by name without folder; a test changes what it likes."""
    return {
        "sites": {
            "defaults": LIFE,
            "sites": [{"id": s, "position": SPOTS[s], "kind": "office" if s == "s" else "pop"} for s in "abs"],
        },
        "chambers": [{"id": k, "lon": SPOTS[k][0], "lat": SPOTS[k][1], **LIFE} for k in CHAMBERS],
        "segments": [segment(x, y) for x, y in SEGMENTS],
        "ducts": {
            "defaults": LIFE,
            "ducts": [
                {"id": "d1", "segments": ["a-k1", "k1-k2", "k2-b"]},
                {"id": "d2", "segments": ["a-k3", "k3-k4", "k4-b"]},
            ],
        },
        "cable-types": {"cable_types": [kind("g652d-24")]},
        "cables": {
            "defaults": LIFE,
            "cables": [
                _cable("c1", ["a-k1", "k1-k2"], "a", "k1", "k2", slack=["k2"]),
                _cable("c2", ["k2-b"], "k2", "b", slack=["k2"]),
                _cable("c3", ["d2"], "a", "k3", "k4", "b", slack=["k3"]),
                _cable("c4", ["k3-s"], "k3", "s", slack=["k3"]),
                _cable("c5", ["d1"], "a", "k1", "k2", "b"),
            ],
        },
        "closures": {
            "defaults": LIFE,
            "closures": [
                {"id": "box-2", "at": "k2", "splices": [{"a": "c1:1-24", "b": "c2:1-24", "loss": "0.05 dB"}]},
                {
                    "id": "box-3",
                    "at": "k3",
                    "splices": [
                        {"a": "c3/a:13-14", "b": "c4:1-2", "loss": "0.05 dB"},
                        {"a": "c3/b:13-14", "b": "c4:3-4", "loss": "0.05 dB"},
                    ],
                    "opened": ["c3:15-24"],
                },
            ],
        },
        "odfs": {
            "defaults": LIFE,
            "odfs": [
                {"id": f"odf-{site}", "site": site, "positions": 96, "terminations": _on(cables)}
                for site, cables in (("a", ("c1", "c3", "c5")), ("b", ("c2", "c3", "c5")), ("s", ("c4",)))
            ],
        },
        "passives": {"defaults": LIFE, "passives": []},
        "hazards": {"hazards": []},
        "transceivers": {"transceivers": [dict(READ)]},
        "equipment": {
            "defaults": LIFE,
            "switches": [
                {"id": f"s{site}", "dpid": number, "site": site, "mtu": "1600 B", "ports": _ports(site, number)}
                for number, site in ((1, "a"), (2, "b"))
            ],
            "jumpers": [],
        },
        "endpoints": [],
    }


def _on(cables: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"positions": f"{24 * number + 1}-{24 * number + 24}", "strands": f"{cable}:1-24"}
        for number, cable in enumerate(cables)
    ]


def _ports(site: str, number: int) -> list[dict[str, Any]]:
    return [
        {"port": 1, "transceiver": "lr", "tx": f"odf-{site}:{number}", "rx": f"odf-{site}:{3 - number}"},
        {"port": 2, "transceiver": "lr", "tx": f"odf-{site}:{24 + number}", "rx": f"odf-{site}:{27 - number}"},
    ]


def named(network: dict[str, Any], file: str, name: str) -> dict[str, Any]:
    """One object of a file."""
    data = network[file]
    items = data if isinstance(data, list) else data[next(key for key in data if key != "defaults")]
    return next(item for item in items if item["id"] == name)


def plant_of(network: dict[str, Any]) -> tuple[Plant, list[Diagnostic]]:
    """The plant of a network, and what loading tells of it and of its light."""
    plant, found = build_plant(documents(network))
    return plant, [*found, *optical_links(plant)[1], *access_lines(plant)[1]]


def found_in(network: dict[str, Any], ways: Sequence[Ways] = (), **more: Any) -> tuple[Finding, ...]:
    """What all rules find."""
    plant, told = plant_of(network)
    links, lines = optical_links(plant)[0], access_lines(plant)[0]
    return check(Subject(plant, documents(network), TODAY, links, lines, tuple(ways), **more), told).findings
