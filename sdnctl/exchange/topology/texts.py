"""A derived network as the files of a folder; what was derived says so in a comment beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from sdnctl.errors import Diagnostic
from sdnctl.exchange.naming import clean, slug
from sdnctl.exchange.topology.lengths import position
from sdnctl.exchange.topology.network import Network
from sdnctl.exchange.topology.wires import Wire
from sdnctl.units import format_bitrate, format_delay, format_length

MTU = "1600 B"
"""Of ports and links: what the default service MTU of 1500 B needs, rounded up. No topology says it."""
SHOWN = 200
"""Findings of one kind that the README lists; the rest is counted."""


def files(network: Network, findings: Sequence[Diagnostic], sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Path in the folder → content. `sources`: the files that were read, by name; they are kept as they are."""
    name = slug(network.graph.name, "") or slug(
        network.graph.file.rpartition("/")[2].partition(".")[0], "imported"
    )
    kept = {
        f"source/{_file_name(file, number)}": content for number, (file, content) in enumerate(sources.items())
    }
    texts = {
        "network.yaml": _network(network, name),
        "inventory/sites.yaml": _sites(network),
        "inventory/equipment.yaml": _equipment(network),
        "inventory/endpoints.csv": _endpoints(network),
        "topology/links.yaml": _links(network),
        "README.md": _readme(network, name, findings, kept),
    }
    if network.circuits:
        texts["intents/classes.yaml"] = "classes:\n  - {id: imported, tc: 3, queue: 3, dscp: AF31}\n"
        texts["intents/tenants.yaml"] = "tenants:\n  - {id: imported, name: whoever sent the demands}\n"
        texts["intents/demands.yaml"] = _demands(network)
    return {**{file: text.encode() for file, text in texts.items()}, **kept}


def _file_name(file: str, number: int) -> str:
    """A name in the copy that is safe whatever the original is called."""
    stem, dot, suffix = file.rpartition("/")[2].rpartition(".")
    return slug(stem or suffix, f"file-{number + 1}") + (f".{slug(suffix, 'txt')}" if dot and stem else "")


def _row(values: Mapping[str, str | Sequence[float] | int], comment: str = "") -> str:
    """One entry of a YAML list, texts quoted as JSON has them, which YAML reads alike."""
    cells = ", ".join(f"{key}: {_scalar(value)}" for key, value in values.items() if value not in ("", None))
    return f"  - {{{cells}}}" + (f"  # {clean(comment)}" if comment else "")


def _scalar(value: str | Sequence[float] | int) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    return f"[{', '.join(f'{number:.7f}'.rstrip('0').rstrip('.') for number in value)}]"


def _lines(*lines: str | Iterable[str]) -> str:
    flat: list[str] = []
    for line in lines:
        flat += [line] if isinstance(line, str) else line
    return "\n".join(flat) + "\n"


def _network(network: Network, name: str) -> str:
    title = clean(network.graph.name) or name
    return _lines(
        f"name: {json.dumps(name)}",
        f"title: {json.dumps(title, ensure_ascii=False)}",
        "mtu: 1500 B",
        f"note: {json.dumps(f'imported from {network.graph.format}; README.md says what is derived')}",
    )


def _sites(network: Network) -> str:
    rows = []
    for node, name in zip(network.graph.nodes, network.names, strict=True):
        place = position(node, network.plane)
        values: dict[str, str | Sequence[float] | int] = {"id": name, "name": clean(node.label)}
        if place is not None:
            values["position"] = place
        rows.append(_row(values))
    return _lines(f"defaults: {{owner: imported, source: {json.dumps(network.graph.format)}}}", "sites:", rows)


def _equipment(network: Network) -> str:
    rows = [
        _row({"id": name, "dpid": number, "site": name, "role": clean(node.role, 60), "mtu": MTU})
        for number, (node, name) in enumerate(zip(network.graph.nodes, network.names, strict=True), 1)
    ]
    return _lines(
        "# One switch per node. Datapath ids and MTU are derived: the topology has none.",
        f"defaults: {{owner: imported, source: {json.dumps(network.graph.format)}}}",
        "switches:",
        rows,
    )


def _endpoints(network: Network) -> str:
    rows = [
        f"{plug.id},{network.names[plug.node]},{network.names[plug.node]},{plug.port},{plug.vlan},demand"
        for plug in network.plugs
    ]
    return _lines("id,site,device,port,vlan,kind", rows)


def _links(network: Network) -> str:
    rows = [_link(wire, network.names) for wire in network.links]
    if not rows:
        return "links: []\n"
    return _lines("# What a comment names is derived; ports and MTU are derived everywhere.", "links:", rows)


def _link(wire: Wire, names: list[str]) -> str:
    values: dict[str, str | Sequence[float] | int] = {
        "id": wire.id,
        "a": f"{names[wire.a]}:{wire.ports[0]}",
        "b": f"{names[wire.b]}:{wire.ports[1]}",
        "length": format_length(wire.length or 0.0),
        "capacity": format_bitrate(int(wire.capacity or 0.0)),
        "mtu": MTU,
    }
    if wire.delay is not None:
        values["delay"] = format_delay(wire.delay)
    said = [wire.label] if wire.label else []
    return _row(values, "; ".join(said + [f"{name}: {how}" for name, how in sorted(wire.how.items())]))


def _demands(network: Network) -> str:
    rows = []
    for circuit in network.circuits:
        rates = f"{{up: {format_bitrate(circuit.up)}, down: {format_bitrate(circuit.down)}}}"
        same = format_bitrate(circuit.up) if circuit.up == circuit.down else rates
        ends = f"a: {json.dumps(circuit.ends[0])}, b: {json.dumps(circuit.ends[1])}"
        how = f"  # {circuit.how}" if circuit.how else ""
        rows.append(f"  - {{id: {circuit.id}, {ends}, bandwidth: {same}}}{how}")
    return _lines(
        "# One circuit for the demands of both directions.",
        "application: demands",
        "tenant: imported",
        "class: imported",
        "service: line",
        "circuits:",
        rows,
    )


def _readme(network: Network, name: str, findings: Sequence[Diagnostic], kept: Mapping[str, bytes]) -> str:
    graph, counts = network.graph, network.counts
    shown = [f"- {item.severity} `{item.code}` {clean(item.summary)} ({item.source})" for item in findings[:SHOWN]]
    more = [f"- and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else []
    return _lines(
        f"# {clean(graph.name) or name}",
        "",
        f"Imported from {graph.format}: {', '.join(f'{count} {what}' for what, count in counts.items())}.",
        f"What was read is kept as it is in {', '.join(f'`{file}`' for file in sorted(kept))}.",
        "",
        "## Derived",
        "",
        "Not in any such file, and derived: ids (from labels), datapath ids, ports, MTU, owner, class, tenant,",
        "and ports and VLANs at the ends of demands. Lengths, delays and capacities that are derived say so in",
        "`topology/links.yaml`.",
        "",
        "## Found",
        "",
        shown or ["Nothing to remark."],
        more,
    )
