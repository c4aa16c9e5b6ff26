"""Compiled networks and baselines as JSON: same value, same bytes; ``"format"`` says which version wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypeVar

from sdnctl.compiler.codec import Json, canonical, decode, encode, fingerprint
from sdnctl.compiler.ir import Baseline, Compiled, Network

FORMAT = 1

T = TypeVar("T", Baseline, Compiled)


def dumps_compiled(compiled: Compiled) -> str:
    """JSON text of a compiled network."""
    return _dumps(compiled)


def loads_compiled(text: str) -> Compiled:
    """Read what `dumps_compiled` wrote; raises ValueError that says what does not fit."""
    return _loads(Compiled, text)


def dumps_baseline(baseline: Baseline) -> str:
    """JSON text of a baseline."""
    return _dumps(baseline)


def loads_baseline(text: str) -> Baseline:
    """Read what `dumps_baseline` wrote; raises ValueError that says what does not fit."""
    return _loads(Baseline, text)


def _dumps(value: Baseline | Compiled) -> str:
    return canonical({"format": FORMAT, "kind": type(value).__name__.lower(), "value": encode(value)})


def _loads(kind: type[T], text: str) -> T:
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("kind") != kind.__name__.lower():
        raise ValueError(f"this is not a {kind.__name__.lower()} document")
    if document.get("format") != FORMAT:
        raise ValueError(f"format {document.get('format')} is not known to this sdnctl (it knows {FORMAT})")
    return decode(kind, document.get("value"))


# ── fingerprints ─────────────────────────────────────────────────────────────────────────────────


def baseline_fingerprint(baseline: Baseline) -> str:
    """SHA-256 of a baseline, hex."""
    return fingerprint(encode(baseline))


def compiled_fingerprint(compiled: Compiled) -> str:
    """SHA-256 of a compiled network, hex: its rules and all that explains them, without file positions."""
    value = encode(_without_places(compiled))
    return fingerprint({name: item for name, item in value.items() if name != "diagnostics"})


def network_fingerprint(network: Network) -> str:
    """SHA-256 of what a compilation depends on, hex.

    That is demands, topology with the links known to be down, settings, classes and tenants; not where they
    stand in which file, nor where switches are on the map or how they are reached.
    """
    demands = sorted((replace(demand, source=None) for demand in network.demands), key=lambda item: item.id)
    return fingerprint(
        {
            "settings": encode(network.settings),
            "topology": _topology(network),
            "classes": {key: encode(replace(item, source=None)) for key, item in network.classes.items()},
            "tenants": {key: encode(item) for key, item in network.tenants.items()},
            "demands": [_demand(encode(demand)) for demand in demands],
            "down": sorted(network.down),
        }
    )


_PLACES = ("source", "position", "drivers")


def _demand(data: Json) -> Json:
    for end in ("ingress", "egress"):
        data[end]["source"] = None
    return data


def _topology(network: Network | Compiled) -> Json:
    data = encode(network.topology)
    return {
        part: {
            key: {name: value for name, value in item.items() if name not in _PLACES}
            for key, item in objects.items()
        }
        for part, objects in data.items()
    }


def _without_places(compiled: Compiled) -> Compiled:
    topology = compiled.topology
    return replace(
        compiled,
        topology=replace(
            topology,
            nodes={
                key: replace(node, source=None, position=None, drivers={}) for key, node in topology.nodes.items()
            },
            links={key: replace(link, source=None) for key, link in topology.links.items()},
            srlgs={key: replace(srlg, source=None) for key, srlg in topology.srlgs.items()},
        ),
        classes={key: replace(item, source=None) for key, item in compiled.classes.items()},
        demands=tuple(
            replace(
                demand,
                source=None,
                ingress=replace(demand.ingress, source=None),
                egress=replace(demand.egress, source=None),
            )
            for demand in compiled.demands
        ),
    )
