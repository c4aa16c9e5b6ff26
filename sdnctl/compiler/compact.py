"""Compiled networks and baselines as compact JSON: tables as columns, paths as flat lists, each endpoint once.

The form for stores and fingerprints; for people there is `codec.encode`. Reading gives equal things one object, as
compiling does, so that a state that was loaded is not larger than one that was compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from sys import intern
from typing import Any, TypeVar

from sdnctl.compiler.codec import READABLE, Codec, Json
from sdnctl.compiler.ir import Baseline, Bypass, Compiled, Settings, Trunk
from sdnctl.dataplane.attachment import Attachments, dump_attachment, in_order, keyed, load_attachment
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.dataplane.pack import pack, unpack
from sdnctl.dataplane.values import SwitchSettings
from sdnctl.errors import Diagnostic, Source
from sdnctl.intents.demand import Demand, Endpoint, ServiceClass
from sdnctl.topology.graph import Device, Hop, Link, Node, Path, PortRef, Srlg, Topology

V = TypeVar("V", Node, Link, Srlg, Device)
D = TypeVar("D", Baseline, Compiled)

_APART = ("ingress", "egress")
"""Fields of a demand that are numbers of endpoints."""


class _Reading:
    """One reading: what is equal becomes one object."""

    def __init__(self) -> None:
        self._hops: dict[tuple[str, str, str], Hop] = {}
        self._paths: dict[tuple[str, ...], Path] = {}
        self._sources: dict[tuple[str, int | None], Source] = {}
        self.codec = Codec(
            {
                Path: (_write_path, self.path),
                PortRef: (_write_port, self.port),
                Source: (_write_source, self.source),
            }
        )

    def path(self, data: Json) -> Path:
        names = tuple(data)
        path = self._paths.get(names)
        if path is None:
            if len(names) % 3 or not all(type(name) is str for name in names):
                raise ValueError("a path is link, tail, head for each hop")
            hops = tuple(map(self._hop, names[0::3], names[1::3], names[2::3]))
            path = self._paths[names] = Path(hops)
        return path

    def _hop(self, link: str, tail: str, head: str) -> Hop:
        key = (link, tail, head)
        hop = self._hops.get(key)
        if hop is None:
            hop = self._hops[key] = Hop(intern(link), intern(tail), intern(head))
        return hop

    def port(self, data: Json) -> PortRef:
        node, number = data
        if type(node) is not str or type(number) is not int:
            raise ValueError(f"{data!r} is not switch and port")
        return PortRef(intern(node), number)

    def source(self, data: Json) -> Source:
        file, line = data
        if type(file) is not str or (line is not None and type(line) is not int):
            raise ValueError(f"{data!r} is not file and line")
        key = (file, line)
        found = self._sources.get(key)
        if found is None:
            found = self._sources[key] = Source(intern(file), line)
        return found


def _write_path(path: Path) -> Json:
    return [name for hop in path.hops for name in (hop.link, hop.tail, hop.head)]


def _write_port(port: PortRef) -> Json:
    return [port.node, port.port]


def _write_source(source: Source) -> Json:
    return [source.file, source.line]


COMPACT = _Reading().codec
"""For writing; each reading has one of its own."""


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


def write_baseline(baseline: Baseline) -> dict[str, Json]:
    """A baseline, section by section; what a switch holds stands with the switch."""
    members: dict[str, list[str]] = {}
    for demand in sorted(baseline.members):
        members.setdefault(baseline.members[demand], []).append(demand)
    return {
        "paths": _write_paths(baseline.paths),
        "standby": _write_paths(baseline.standby),
        "labels": dict(baseline.labels),
        "bypasses": _write_paths(baseline.bypasses),
        "members": members,
        "ids": {namespace: dict(table) for namespace, table in baseline.ids.items()},
        "quarantine": _by_switch(baseline.quarantine),
        "flipped": sorted(baseline.flipped),
        "held": {namespace: _by_switch(table) for namespace, table in baseline.held.items()},
    }


def _write_paths(paths: Mapping[str, Path]) -> Json:
    return {key: _write_path(path) for key, path in paths.items()}


def _by_switch(table: Mapping[int, tuple[str, ...]]) -> dict[str, list[int]]:
    """Switch → numbers; numbers that nobody holds stand with the switch of no name."""
    found: dict[str, list[int]] = {}
    for number in sorted(table):
        for switch in table[number] or ("",):
            found.setdefault(switch, []).append(number)
    return found


@in_bulk()
def write_compiled(compiled: Compiled, packed: Json = None) -> dict[str, Json]:
    """A compiled network; `packed` are its rules, where they were packed before."""
    endpoints, numbers = _pool(compiled.demands)
    return {
        "settings": READABLE.writer(Settings)(compiled.settings),
        "topology": write_topology(compiled.topology),
        "classes": {key: READABLE.writer(ServiceClass)(item) for key, item in compiled.classes.items()},
        "endpoints": COMPACT.columns(Endpoint, endpoints, () if any(end.behind for end in endpoints) else _BEHIND),
        "demands": {
            **COMPACT.columns(Demand, compiled.demands, _APART),
            "ingress": [numbers[id(demand.ingress)] for demand in compiled.demands],
            "egress": [numbers[id(demand.egress)] for demand in compiled.demands],
        },
        "trunks": COMPACT.columns(Trunk, compiled.trunks),
        "bypasses": COMPACT.columns(Bypass, compiled.bypasses),
        "rules": pack(compiled.rules) if packed is None else packed,
        "switch_settings": READABLE.writer(_SETTINGS)(compiled.switch_settings),
        "baseline": write_baseline(compiled.baseline),
        "network_fingerprint": compiled.network_fingerprint,
        "baseline_fingerprint": compiled.baseline_fingerprint,
        "diagnostics": READABLE.writer(_DIAGNOSTICS)(compiled.diagnostics),
        **({"attachments": write_attachments(compiled.attachments)} if compiled.attachments else {}),
    }


_SETTINGS: Any = Mapping[str, SwitchSettings]
_DIAGNOSTICS: Any = tuple[Diagnostic, ...]
_PARTS = frozenset(item.name for item in fields(Compiled)) - {"attachments"} | {"endpoints"}
_BEHIND = ("behind",)


def write_attachments(attachments: Mapping[str, Attachments]) -> dict[str, Json]:
    """What devices should hold, in order of ports."""
    return {device: [dump_attachment(one) for one in in_order(held)] for device, held in attachments.items()}


def write_topology(topology: Topology, without: Iterable[str] = ()) -> dict[str, Json]:
    """Switches, links, SRLGs and devices (where there are any) as columns, but for the fields in `without`."""
    parts: tuple[tuple[str, type, Mapping[str, Any]], ...] = (
        ("nodes", Node, topology.nodes),
        ("links", Link, topology.links),
        ("srlgs", Srlg, topology.srlgs),
        *((("devices", Device, topology.devices),) if topology.devices else ()),
    )
    left_out = tuple(without)
    return {
        name: COMPACT.columns(kind, [objects[key] for key in sorted(objects)], left_out)
        for name, kind, objects in parts
    }


def _pool(demands: Iterable[Demand]) -> tuple[list[Endpoint], dict[int, int]]:
    """Distinct endpoints of some demands, and identity → number among them."""
    endpoints: list[Endpoint] = []
    numbers: dict[int, int] = {}
    equal: dict[Endpoint, int] = {}
    for demand in demands:
        for end in (demand.ingress, demand.egress):
            if id(end) not in numbers:
                number = numbers[id(end)] = equal.setdefault(end, len(endpoints))
                if number == len(endpoints):
                    endpoints.append(end)
    return endpoints, numbers


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def read_baseline(data: Json) -> Baseline:
    """Read what `write_baseline` wrote; raises ValueError with what does not fit."""
    return _guarded(_baseline, data, _Reading())


def _baseline(data: Json, reading: _Reading) -> Baseline:
    members = {demand: trunk for trunk, demands in data["members"].items() for demand in demands}
    codec = reading.codec
    return Baseline(
        paths={key: reading.path(item) for key, item in data["paths"].items()},
        standby={key: reading.path(item) for key, item in data["standby"].items()},
        labels=codec.reader(dict[str, int])(data["labels"], "labels"),
        bypasses={key: reading.path(item) for key, item in data["bypasses"].items()},
        members={demand: members[demand] for demand in sorted(members)},
        ids=codec.reader(dict[str, dict[str, int]])(data["ids"], "ids"),
        quarantine=_by_number(data["quarantine"]),
        flipped=frozenset(codec.reader(tuple[str, ...])(data["flipped"], "flipped")),
        held={namespace: _by_number(table) for namespace, table in data["held"].items()},
    )


def _by_number(table: Mapping[str, list[int]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for switch in sorted(table):
        alone = (intern(switch),) if switch else ()
        for number in table[switch]:
            if type(number) is not int:
                raise ValueError(f"{number!r} is not a number")
            found[number] = found[number] + alone if number in found else alone
    return {number: found[number] for number in sorted(found)}


@in_bulk()
def read_compiled(data: Json) -> Compiled:
    """Read what `write_compiled` wrote; raises ValueError with what does not fit."""
    return _guarded(_compiled, data, _Reading())


def _guarded(read: Callable[[Json, _Reading], D], data: Json, reading: _Reading) -> D:
    try:
        return read(data, reading)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__} {error}") from error


def _compiled(data: Json, reading: _Reading) -> Compiled:
    given = data.keys() - {"attachments"}
    if given != _PARTS:
        raise ValueError(f"unknown {sorted(given - _PARTS)}, missing {sorted(_PARTS - given)}")
    codec = reading.codec
    topology = data["topology"]
    endpoints = dict(enumerate(codec.rows(Endpoint, data["endpoints"], "endpoints")))
    demands = dict(data["demands"])
    ends = {name: [endpoints[number] for number in demands.pop(name)] for name in _APART}
    return Compiled(
        settings=READABLE.reader(Settings)(data["settings"], "settings"),
        topology=Topology(
            _by_id(codec.rows(Node, topology["nodes"], "nodes")),
            _by_id(codec.rows(Link, topology["links"], "links")),
            _by_id(codec.rows(Srlg, topology["srlgs"], "srlgs")),
            _by_id(codec.rows(Device, topology["devices"], "devices")) if "devices" in topology else {},
        ),
        classes={
            key: READABLE.reader(ServiceClass)(item, f"classes.{key}") for key, item in data["classes"].items()
        },
        demands=tuple(codec.rows(Demand, demands, "demands", ends)),
        trunks=tuple(codec.rows(Trunk, data["trunks"], "trunks")),
        bypasses=tuple(codec.rows(Bypass, data["bypasses"], "bypasses")),
        rules=unpack(data["rules"]),
        switch_settings=READABLE.reader(_SETTINGS)(data["switch_settings"], "switch_settings"),
        baseline=_baseline(data["baseline"], reading),
        network_fingerprint=str(data["network_fingerprint"]),
        baseline_fingerprint=str(data["baseline_fingerprint"]),
        diagnostics=READABLE.reader(_DIAGNOSTICS)(data["diagnostics"], "diagnostics"),
        attachments={
            device: keyed(map(load_attachment, rows)) for device, rows in data.get("attachments", {}).items()
        },
    )


def _by_id(items: Iterable[V]) -> dict[str, V]:
    return {item.id: item for item in items}
