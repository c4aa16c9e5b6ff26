"""Muxes, splitters and attenuators put into random plants, and where light goes there, from what was written."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import networkx as nx
from inventory_support import LIFE, LR

from sdnctl.inventory.plant import PortEnd

WAVES = ("1310 nm", "1330 nm", "1550 nm", "1550.12 nm", "1550.92 nm")
NM = tuple(float(wave.split()[0]) for wave in WAVES)
LOSS = {"min": "1 dB", "max": "1.5 dB"}

State = tuple[Any, Any]
"""A thing that light arrives at, and the edge by which it comes."""


def with_passives(rng: random.Random, network: dict[str, Any]) -> dict[str, Any]:
    """The same plant with optics in its ports, and passive nodes between frames and what is plugged into them."""
    network["transceivers"] = {
        "transceivers": [
            LR | {"id": f"t{number}", "wavelength": wave, "rx_wavelength": rng.choice(WAVES)}
            for number, wave in enumerate(WAVES)
        ]
    }
    passives: list[dict[str, Any]] = []
    network["passives"] = {"defaults": LIFE, "passives": passives}
    jumpers = network["equipment"]["jumpers"]
    palette = rng.choice((range(len(WAVES)), (0, 0, 2)))  # the same few make channels meet
    for switch in network["equipment"]["switches"]:
        for port in switch["ports"]:
            port["transceiver"] = f"t{rng.choice(palette)}"
        site = switch["site"]
        plugs: list[tuple[dict[str, Any], str]] = [
            (port, lane) for port in switch["ports"] for lane in ("tx", "rx", "bidi") if lane in port
        ]
        plugs += [(one, end) for one in jumpers for end in "ab" if one[end].startswith(f"odf-{site}:")]
        rng.shuffle(plugs)
        upper = ""
        for number in range(rng.randint(0, 3)):
            node, outer = _node(rng, f"x-{site}-{number}", site)
            taken = [plugs.pop() for _ in range(min(len(plugs), rng.choice((1, len(outer)))))]
            if not taken:
                break
            passives.append(node)
            spare = [f"{node['id']}/{port}" for port in outer]
            position = taken[0][0][taken[0][1]]
            for holder, key in taken:
                holder[key] = spare.pop(0)
            common = f"{node['id']}/{'in' if node['kind'] == 'attenuator' else 'com'}"
            jumpers.append({"a": upper or position, "b": common})
            upper = spare[0] if spare and rng.random() < 0.5 else ""
    return network


def _node(rng: random.Random, name: str, site: str) -> tuple[dict[str, Any], list[str]]:
    """A passive node, and its ports but the common one."""
    node: dict[str, Any] = {"id": name, "site": site, "loss": LOSS}
    kind = rng.choice(("mux", "mux", "splitter", "splitter", "attenuator"))
    if kind == "attenuator":
        return node | {"kind": kind}, ["out"]
    if kind == "splitter":
        ways = rng.randint(2, 3)
        return node | {"kind": kind, "ways": ways}, [f"out{number + 1}" for number in range(ways)]
    grid = rng.choice(("cwdm", "dwdm-100"))
    waves = WAVES[:3] if grid == "cwdm" else WAVES[3:]
    return node | {"kind": kind, "grid": grid, "channels": {f"c{n}": wave for n, wave in enumerate(waves)}}, [
        f"c{number}" for number in range(len(waves))
    ]


# ── light, without the code under test ───────────────────────────────────────────────────────────


def inside(passive: Mapping[str, Any], port: str, nm: float) -> list[str]:
    """By which ports light leaves a node that it enters by a port."""
    if passive["kind"] == "attenuator":
        return ["out" if port == "in" else "in"]
    if passive["kind"] == "splitter":
        return [f"out{n + 1}" for n in range(passive["ways"])] if port == "com" else ["com"]
    half = 7 if passive["grid"] == "cwdm" else 0.3
    fits = [name for name, wave in passive["channels"].items() if abs(float(wave.split()[0]) - nm) <= half]
    return fits if port == "com" else ["com"] if port in fits else []


def light(
    graph: nx.MultiGraph[Any], network: Mapping[str, Any], start: PortEnd, nm: float
) -> tuple[set[PortEnd], set[Any]]:
    """Every port that light of a port arrives at, and all glass that it passes, edge by edge."""
    passives = {one["id"]: one for one in network["passives"]["passives"]}
    ports, glass = set[PortEnd](), set[Any]()
    seen = set[State]()
    waiting = list(_out(graph, start, None))
    while waiting:
        here, edge = waiting.pop()
        if (here, edge) in seen:
            continue
        seen.add((here, edge))
        if isinstance(here, PortEnd):
            ports.add(here)
        elif isinstance(here, str) and "/" in here:
            name, _, port = here.partition("/")
            for way in inside(passives[name], port, nm):
                waiting += _out(graph, f"{name}/{way}", None)
        else:
            if isinstance(here, tuple):
                glass.add(here)
            waiting += _out(graph, here, edge)
    return ports, glass


def _out(graph: nx.MultiGraph[Any], node: Any, but: Any) -> Iterator[State]:
    """Where one gets to from a node by its edges, not by the one that one came by."""
    if node in graph:
        for _, other, key in graph.edges(node, keys=True):
            edge = (*sorted((str(node), str(other))), key)
            if edge != but:
                yield other, edge
