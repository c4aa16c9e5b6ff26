"""What a network, a baseline and a compiled state are, as SHA-256: of their parts, each by itself.

A fingerprint is the digest of the digests of parts, so that a part that is known need not be written again.
Places in files, positions on the map and how switches are reached are in none of them, because no rule depends on
them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from operator import attrgetter
from typing import Any

from sdnctl.compiler.codec import Json, canonical, encode
from sdnctl.compiler.compact import COMPACT, write_baseline, write_topology
from sdnctl.compiler.ir import Baseline, Bypass, Compiled, Network, Trunk
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.dataplane.pack import pack
from sdnctl.intents.demand import Demand, Endpoint, ServiceClass
from sdnctl.topology.graph import Topology

_PLACES = ("source", "position", "drivers")


def digest(data: Json) -> str:
    """SHA-256 of a JSON value's canonical text, hex."""
    return sha256(canonical(data).encode()).hexdigest()


def _of_parts(parts: Mapping[str, str]) -> str:
    return digest(parts)


def baseline_fingerprint(baseline: Baseline) -> str:
    """SHA-256 of a baseline, hex."""
    return _of_parts({name: digest(part) for name, part in write_baseline(baseline).items()})


@in_bulk()
def network_fingerprint(network: Network) -> str:
    """SHA-256 of what a compilation depends on, hex.

    That is demands and their endpoints, topology with the links known to be down, settings, classes and tenants.
    """
    return _of_parts(
        {
            "settings": digest(encode(network.settings)),
            "topology": topology_digest(network.topology),
            "classes": _classes(network.classes),
            "tenants": digest({key: encode(item) for key, item in network.tenants.items()}),
            "demands": demands_digest(demand_lines(network.demands), endpoint_lines(network.demands)),
            "down": digest(sorted(network.down)),
        }
    )


@in_bulk()
def compiled_fingerprint(compiled: Compiled) -> str:
    """SHA-256 of a compiled network, hex: its rules and all that explains them."""
    return _of_parts(
        {
            "settings": digest(encode(compiled.settings)),
            "topology": topology_digest(compiled.topology),
            "classes": _classes(compiled.classes),
            "demands": demands_digest(demand_lines(compiled.demands), endpoint_lines(compiled.demands)),
            "trunks": digest(COMPACT.columns(Trunk, compiled.trunks)),
            "bypasses": digest(COMPACT.columns(Bypass, compiled.bypasses)),
            "rules": digest(pack(compiled.rules)),
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


# ── demands, line by line ────────────────────────────────────────────────────────────────────────


def demands_digest(demands: Mapping[str, str], endpoints: Mapping[str, str]) -> str:
    """SHA-256 of lines of demands and of their endpoints, by id."""
    text = "\n".join(
        [*(demands[key] for key in sorted(demands)), "", *(endpoints[key] for key in sorted(endpoints))]
    )
    return sha256(text.encode()).hexdigest()


def demand_lines(demands: Iterable[Demand]) -> dict[str, str]:
    """Demand id → all that matters of the demand, as one line of JSON; its ends by their ids."""
    return {demand.id: _line(_OF_DEMAND(demand)) for demand in demands}


def endpoint_lines(demands: Iterable[Demand]) -> dict[str, str]:
    """Endpoint id → all that matters of the endpoint, as one line of JSON."""
    ends: dict[str, Endpoint] = {}
    for demand in demands:
        ends[demand.ingress.id] = demand.ingress
        ends[demand.egress.id] = demand.egress
    return {key: _line(_OF_ENDPOINT(end)) for key, end in ends.items()}


def _names(kind: type, ends: tuple[str, ...] = ()) -> list[str]:
    names = [item.name for item in fields(kind) if item.name != "source"]
    return [f"{name}.id" if name in ends else name for name in names]


_OF_DEMAND = attrgetter(*_names(Demand, ("ingress", "egress")))
_OF_ENDPOINT = attrgetter(*_names(Endpoint))


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
