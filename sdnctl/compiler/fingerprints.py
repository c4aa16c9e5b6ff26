"""What a network, a baseline and a compiled state are, as SHA-256: of their parts, each by itself.

A fingerprint is the digest of the digests of parts, so that a part that is known need not be written again.
Places in files, positions on the map and how switches are reached are in none of them, because no rule depends on
them.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from operator import attrgetter
from typing import Any, TypeAlias

from sdnctl.compiler.codec import Json, canonical, encode
from sdnctl.compiler.compact import COMPACT, write_attachments, write_topology
from sdnctl.compiler.ir import Baseline, Bypass, Compiled, Network, Trunk
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.dataplane.pack import pack
from sdnctl.intents.demand import Demand, Endpoint, ServiceClass
from sdnctl.topology.graph import Device, Hop, Link, Node, Path, Srlg, Topology

_PLACES = ("source", "position", "drivers", "options")


def digest(data: Json) -> str:
    """SHA-256 of a JSON value's canonical text, hex."""
    return sha256(canonical(data).encode()).hexdigest()


def of_parts(parts: Mapping[str, str]) -> str:
    """The fingerprint of a whole from the digests of its parts, by name."""
    return digest(parts)


def baseline_fingerprint(baseline: Baseline) -> str:
    """SHA-256 of a baseline, hex."""
    return of_parts({name: section_digest(section) for name, section in baseline_sections(baseline).items()})


Row: TypeAlias = tuple[Any, ...]
"""All but where something is written down: what equal things are equal in."""
Section: TypeAlias = Mapping[Any, Any] | frozenset[str]


def baseline_sections(baseline: Baseline) -> dict[str, Section]:
    """The parts of a baseline by name; numbers by their namespace."""
    sections: dict[str, Section] = {
        item.name: getattr(baseline, item.name) for item in fields(baseline) if item.name not in ("ids", "held")
    }
    sections |= {f"ids/{namespace}": table for namespace, table in baseline.ids.items()}
    return sections | {f"held/{namespace}": table for namespace, table in baseline.held.items()}


Texts: TypeAlias = Mapping[int, str]
"""What is hashed of paths, by their identity: for whoever keeps the paths."""


def section_digest(section: Section, texts: Texts | None = None) -> str:
    """SHA-256 of one part, whatever order it stands in; `texts` are its `path_texts` where these are known."""
    keys = sorted(section)
    whole = sha256()
    _feed(whole.update, keys, {})
    if not isinstance(section, frozenset):
        _feed(whole.update, [section[key] for key in keys], path_texts(section, {}) if texts is None else texts)
    return whole.hexdigest()


def path_texts(section: Section, known: Texts) -> Texts:
    """What is hashed of each path in a section, if it holds paths; `known` are texts of paths that still exist."""
    values = () if isinstance(section, frozenset) else section.values()
    if type(next(iter(values), None)) is not Path:
        return {}
    return {key: known.get(key) or _path_text(path) for key, path in zip(map(id, values), values, strict=True)}


def _path_text(path: Path) -> str:
    return _BETWEEN.join([name for hop in path.hops for name in _hop_names(hop)])


def _feed(write: Callable[[bytes], None], values: list[Any], texts: Texts) -> None:
    """Hash texts, numbers, tuples of texts or paths: how many there are, and all of them in a row."""
    write(len(values).to_bytes(8, "big"))
    kind = type(values[0]) if values else str
    if kind is int:
        numbers = array("q", values)
        if sys.byteorder == "little":
            numbers.byteswap()
        write(numbers.tobytes())
        return
    parts, apart = values, 0  # what separates texts must not be in them
    if kind is Path:
        parts = list(map(texts.__getitem__, map(id, values)))
        apart = 3 * sum([len(path.hops) for path in values]) - len(values)
    elif kind is not str:
        apart = sum(map(len, values)) - len(values)
        parts = list(map(_BETWEEN.join, values))
    text = _BEHIND.join(parts)
    if text.count(_BEHIND) != max(len(parts) - 1, 0) or text.count(_BETWEEN) != apart:
        if kind is Path:
            values = [[name for hop in path.hops for name in _hop_names(hop)] for path in values]
        text = _BETWEEN * 2 + canonical(values)
    write(text.encode())


_hop_names: Callable[[Hop], tuple[str, str, str]] = attrgetter("link", "tail", "head")

_BETWEEN, _BEHIND = "\x1f", "\x1e"
"""Unit and record separator (ASCII)."""


@in_bulk()
def network_fingerprint(network: Network) -> str:
    """SHA-256 of what a compilation depends on, hex.

    That is demands and their endpoints, topology with the links known to be down, settings, classes and tenants.
    """
    demands = demands_digest(demand_digests(network.demands), endpoint_digests(network.demands))
    return network_fingerprint_of(network, topology_digest(network.topology), demands)


def network_fingerprint_of(network: Network, topology: str, demands: str) -> str:
    """The same where the digests of the two large parts are known."""
    drained = {"drained": digest(sorted(network.drained))} if network.drained else {}
    return of_parts(
        drained
        | {
            "settings": digest(encode(network.settings)),
            "topology": topology,
            "classes": _classes(network.classes),
            "tenants": digest({key: encode(item) for key, item in network.tenants.items()}),
            "demands": demands,
            "down": digest(sorted(network.down)),
        }
    )


@in_bulk()
def compiled_fingerprint(compiled: Compiled, packed: Json = None) -> str:
    """SHA-256 of a compiled network, hex: its rules (`packed`, where that was done) and all that explains them."""
    attached = {"attachments": digest(write_attachments(compiled.attachments))} if compiled.attachments else {}
    return of_parts(
        attached
        | {
            "settings": digest(encode(compiled.settings)),
            "topology": topology_digest(compiled.topology),
            "classes": _classes(compiled.classes),
            "demands": demands_digest(demand_digests(compiled.demands), endpoint_digests(compiled.demands)),
            "trunks": digest(COMPACT.columns(Trunk, compiled.trunks)),
            "bypasses": digest(COMPACT.columns(Bypass, compiled.bypasses)),
            "rules": digest(pack(compiled.rules) if packed is None else packed),
            "switch_settings": digest({key: encode(item) for key, item in compiled.switch_settings.items()}),
            "baseline": baseline_fingerprint(compiled.baseline),
            "from_network": compiled.network_fingerprint,
            "from_baseline": compiled.baseline_fingerprint,
        }
    )


def topology_digest(topology: Topology) -> str:
    """SHA-256 of switches, links and shared risks."""
    return digest(write_topology(topology, _PLACES))


def _classes(classes: Mapping[str, ServiceClass]) -> str:
    return digest({key: encode(replace(item, source=None)) for key, item in classes.items()})


def topology_rows(topology: Topology) -> tuple[dict[str, Row], ...]:
    """All that topologies are the same in but for places: switches, links and shared risks by id."""
    parts: tuple[tuple[Callable[[Any], Row], Mapping[str, Any]], ...] = (
        (_OF_NODE, topology.nodes),
        (_OF_LINK, topology.links),
        (_OF_SRLG, topology.srlgs),
        (_OF_DEVICE, topology.devices),
    )
    return tuple(dict(zip(items, map(row, items.values()), strict=True)) for row, items in parts)


# ── demands, one by one ──────────────────────────────────────────────────────────────────────────


def demands_digest(demands: Mapping[str, bytes], endpoints: Mapping[str, bytes]) -> str:
    """SHA-256 of demands and their endpoints, by id, from the digests of each."""
    whole = sha256()
    for table in (demands, endpoints):
        whole.update(len(table).to_bytes(8, "big"))
        whole.update(b"".join([table[key] for key in sorted(table)]))
    return whole.hexdigest()


def demand_digests(demands: Iterable[Demand]) -> dict[str, bytes]:
    """Demand id → SHA-256 of all that matters of the demand; its ends are in it by their ids."""
    return {demand.id: sha256(_line(demand_row(demand)).encode()).digest() for demand in demands}


def endpoint_digests(demands: Iterable[Demand]) -> dict[str, bytes]:
    """Endpoint id → SHA-256 of all that matters of the endpoint."""
    ends: dict[str, Endpoint] = {}
    for demand in demands:
        ends[demand.ingress.id] = demand.ingress
        ends[demand.egress.id] = demand.egress
    return {key: sha256(_line(_of_endpoint(end)).encode()).digest() for key, end in ends.items()}


def endpoint_rows(demands: Collection[Demand]) -> dict[str, Row]:
    """Endpoint id → all that endpoints are the same in; none where two endpoints of one id are not."""
    both: list[Endpoint] = [*map(attrgetter("ingress"), demands), *map(attrgetter("egress"), demands)]
    ends = dict(zip(map(id, both), both, strict=True)).values()
    rows = {end.id: row for end, row in zip(ends, map(_of_endpoint, ends), strict=True)}
    for end in ends if len(rows) < len(ends) else ():
        if rows[end.id] != _of_endpoint(end):
            rows[end.id] = ()
    return rows


def _names(kind: type, ends: tuple[str, ...] = ()) -> list[str]:
    names = [item.name for item in fields(kind) if item.name not in _PLACES]
    return [f"{name}.id" if name in ends else name for name in names]


demand_row: Callable[[Demand], Row] = attrgetter(*_names(Demand, ("ingress", "egress")))
"""All that demands are the same in but for where they are written down; ends by their ids."""
_OF_ENDPOINT: Callable[[Endpoint], Row] = attrgetter(*(name for name in _names(Endpoint) if name != "behind"))
_OF_NODE, _OF_LINK, _OF_SRLG, _OF_DEVICE = (attrgetter(*_names(kind)) for kind in (Node, Link, Srlg, Device))


def _of_endpoint(end: Endpoint) -> Row:
    """Where nothing is behind a device, rows are what they were before there were devices."""
    row = _OF_ENDPOINT(end)
    return row if end.behind is None else (*row, end.behind.device, end.behind.port, end.behind.vlan)


def _other(value: object) -> Json:
    """What JSON has no form for."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, IPv4Network | IPv6Network):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, item.name) for item in fields(value)]
    raise TypeError(f"no JSON for {type(value).__name__}")


_line: Any = json.JSONEncoder(separators=(",", ":"), default=_other, check_circular=False).encode
