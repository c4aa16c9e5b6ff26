"""`show`: plain listings of what the network consists of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sdnctl.cli.output import RIGHT, table
from sdnctl.errors import Diagnostic, UsageError
from sdnctl.units import format_bitrate, format_duration, format_length, format_size
from sdnctl.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sdnctl.intents.retention import Storage
    from sdnctl.store.state import State
    from sdnctl.usecases.context import Context


@dataclass(frozen=True)
class Listing:
    """Rows with named columns; the same for text and JSON."""

    what: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def keeping(self, selector: str) -> Listing:
        """Only rows that contain this text."""
        rows = tuple(row for row in self.rows if any(selector in cell for cell in row))
        return Listing(self.what, self.columns, rows)

    @property
    def document(self) -> dict[str, Any]:
        return {"ok": True, self.what: [dict(zip(self.columns, row, strict=True)) for row in self.rows]}

    def render(self) -> Sequence[RenderableType]:
        shown = table("", *self.columns)
        for row in self.rows:
            shown.add_row(*row)
        return [shown, counted(len(self.rows), self.what)]


@dataclass(frozen=True)
class Retention:
    """What every recorder keeps, and the sum; figures in JSON are bit/s, seconds and bytes."""

    found: tuple[Storage, ...]

    def keeping(self, selector: str) -> Retention:
        return Retention(
            tuple(
                one
                for one in self.found
                if selector in one.root.id or selector in f"{one.application} {one.root.site}"
            )
        )

    @property
    def document(self) -> dict[str, Any]:
        rows: list[dict[str, Any]] = [
            {
                "application": one.application,
                "recorder": one.root.id,
                "site": one.root.site,
                "streams": one.leaves,
                "rate": one.rate,
                "retention": one.retention,
                "size": one.size,
            }
            for one in self.found
        ]
        total = {
            "streams": sum(one.leaves for one in self.found),
            "rate": sum(one.rate for one in self.found),
            "size": sum(one.size for one in self.found),
        }
        return {"ok": True, "retention": rows, "total": total}

    def render(self) -> Sequence[RenderableType]:
        figures = [(name, RIGHT) for name in ("streams", "rate", "kept for", "storage")]
        shown = table("", "application", "recorder", "site", *figures)
        for one in self.found:
            shown.add_row(
                one.application,
                one.root.id,
                one.root.site,
                str(one.leaves),
                format_bitrate(one.rate),
                format_duration(one.retention),
                format_size(one.size),
            )
        total = self.document["total"]
        return [
            shown,
            f"{len(self.found)} recorders keep {total['streams']} streams, {format_bitrate(total['rate'])} "
            f"together: {format_size(total['size'])}",
        ]


def listing(context: Context, what: str, selector: str | None) -> Listing | Retention:
    """The rows of one kind; `selector` keeps rows that contain it. Raises UsageError for an unknown kind."""
    makers: dict[str, Callable[[Context], Listing | Retention]] = {
        "switches": _switches,
        "links": _links,
        "srlgs": _srlgs,
        "endpoints": _endpoints,
        "intents": _intents,
        "demands": _demands,
        "trunks": _trunks,
        "bypasses": _bypasses,
        "rules": _rules,
        "retention": _retention,
    }
    if what not in makers:
        raise UsageError(
            Diagnostic(
                "no-such-listing", f"nothing to show by the name {what!r}", hint=f"one of map, {', '.join(makers)}"
            )
        )
    found = makers[what](context)
    return found if selector is None else found.keeping(selector)


def _switches(context: Context) -> Listing:
    nodes = sorted(context.loaded.network.topology.nodes.values(), key=lambda node: node.id)
    rows = tuple((node.id, node.role, node.site, f"{node.dpid:016x}") for node in nodes)
    return Listing("switches", ("switch", "role", "site", "datapath id"), rows)


def _links(context: Context) -> Listing:
    links = sorted(context.loaded.network.topology.links.values(), key=lambda link: link.id)
    rows = tuple(
        (
            link.id,
            str(link.a),
            str(link.b),
            format_length(round(link.length)),
            f"{link.delay:.0f}",
            format_bitrate(link.capacity),
            f"{link.budget.margin:.1f}" if link.budget else "",
        )
        for link in links
    )
    return Listing("links", ("link", "from", "to", "length", "µs", "capacity", "margin dB"), rows)


def _srlgs(context: Context) -> Listing:
    srlgs = sorted(context.loaded.network.topology.srlgs.values(), key=lambda srlg: srlg.id)
    rows = tuple(
        (srlg.id, " ".join(sorted(srlg.links)), " ".join(sorted(srlg.nodes)), format_length(round(srlg.metres)))
        for srlg in srlgs
    )
    return Listing("srlgs", ("srlg", "links", "switches", "shared"), rows)


def _endpoints(context: Context) -> Listing:
    endpoints = sorted(context.loaded.network.endpoints.values(), key=lambda one: one.id)
    rows = tuple(
        (
            one.id,
            one.kind,
            str(one.attachment) if one.behind is None else f"{one.behind.device}:{one.behind.port}",
            str((one.vlan if one.behind is None else one.behind.vlan) or ""),
            " ".join(map(str, one.prefixes)),
            " ".join(sorted(one.tags)),
        )
        for one in endpoints
    )
    return Listing("endpoints", ("endpoint", "kind", "port", "vlan", "prefixes", "tags"), rows)


def _intents(context: Context) -> Listing:
    groups: dict[str, list[Any]] = {}
    for demand in context.loaded.network.demands:
        groups.setdefault(demand.application, []).append(demand)
    rows = tuple(
        (
            name,
            demands[0].tenant,
            demands[0].service_class,
            str(demands[0].service),
            str(len(demands)),
            " ".join(sorted({str(one.grade) for one in demands})),
            format_bitrate(sum(one.cir for one in demands)),
        )
        for name, demands in sorted(groups.items())
    )
    return Listing("intents", ("application", "tenant", "class", "service", "demands", "protection", "rate"), rows)


def _demands(context: Context) -> Listing:
    demands = sorted(context.loaded.network.demands, key=lambda one: one.id)
    rows = tuple(
        (
            one.id,
            str(one.ingress.attachment),
            str(one.egress.attachment),
            one.service_class,
            str(one.grade),
            format_bitrate(one.cir),
            format_bitrate(one.eir),
        )
        for one in demands
    )
    return Listing("demands", ("demand", "from", "to", "class", "protection", "CIR", "EIR"), rows)


def _compiled(context: Context) -> State:
    from sdnctl.usecases.planning import compile_folder

    applied = context.applied()
    return applied[1] if applied is not None else compile_folder(context)


def _trunks(context: Context) -> Listing:
    rows = tuple(
        (
            one.key,
            str(one.label),
            " ".join(one.path.nodes),
            str(one.grade),
            " ".join(one.standby.nodes) if one.standby else "",
            str(len(one.demands)),
            format_bitrate(one.cir),
        )
        for one in _compiled(context).compiled.trunks
    )
    return Listing("trunks", ("trunk", "label", "path", "protection", "standby", "demands", "rate"), rows)


def _bypasses(context: Context) -> Listing:
    rows = tuple(
        (one.key, " ".join(one.path.nodes), str(one.label or "")) for one in _compiled(context).compiled.bypasses
    )
    return Listing("bypasses", ("protects", "path", "label"), rows)


def _rules(context: Context) -> Listing:
    from sdnctl.dataplane.text import format_rule

    rows = tuple(
        (switch, format_rule(rule)) for switch, rules in sorted(_compiled(context).rules.items()) for rule in rules
    )
    return Listing("rules", ("switch", "rule"), rows)


def _retention(context: Context) -> Retention:
    from sdnctl.usecases.keeping import kept

    return Retention(kept(context))
