"""What one state of the network folder changes against another: two git revisions, or one and the working tree.

Both are compiled, the newer on what the older decided, so that what is shown is what an apply would do where the
older one is applied. Nothing is asked of any switch, and no file is touched.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sdnctl.compiler.ir import Baseline, Compiled, Trunk
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import RuleSet
from sdnctl.document import Document
from sdnctl.errors import CompileError, Diagnostic, InputError, SdnctlError, Source
from sdnctl.intents.demand import Demand
from sdnctl.intents.models import Application
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Observed, Plan
from sdnctl.store.records import now
from sdnctl.store.state import State
from sdnctl.units import format_bitrate, format_delay
from sdnctl.usecases.context import Context, baseline_of
from sdnctl.workspace.folder import Loaded, load_network
from sdnctl.workspace.revisions import export_revision

T = TypeVar("T")
WORKING_TREE = "the working tree"
ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True, slots=True)
class Edit:
    """One value that differs: where in its object, and as text before and after ("" where it was not said)."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was added, removed or changed, and how."""

    name: str
    kind: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the newer side changes. `files` are those of which the content differs, whatever their form.

    `plan` takes switches that hold what the older side asks for to the newer one: rules per switch, and what each
    application feels. `owners`: application → tenant and owner, as they are written.
    """

    older: str
    newer: str
    files: tuple[Difference, ...]
    intents: tuple[Difference, ...]
    demands: tuple[Difference, ...]
    trunks: tuple[Difference, ...]
    plan: Plan
    owners: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def empty(self) -> bool:
        """Whether the newer side means the same: no content, and no rule, differs."""
        return not (self.files or self.demands or self.trunks) and self.plan.empty


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    loaded: Loaded


def compare(context: Context, older: str, newer: str | None = None, *, baseline: str = "store") -> Comparison:
    """Compare a revision with another, or with the working tree; `baseline` is what the older one is compiled on.

    Raises InputError or CompileError, with the revision in the place of each finding, where a side is at fault.
    """
    one, two = _at(context, older), _at(context, newer) if newer is not None else _working_tree(context)
    start, applied = baseline_of(context, baseline)
    with _faults_of(older):
        before = _compiled(one.loaded, start, applied)
    with _faults_of(newer):
        after = _compiled(two.loaded, before.baseline, applied)
    return Comparison(
        one.name,
        two.name,
        _files(one.loaded.documents, two.loaded.documents),
        tuple(_differences(_applications(one.loaded), _applications(two.loaded), _of_models)),
        tuple(_differences(_demands(before.compiled), _demands(after.compiled), _of_demands)),
        tuple(_differences(_trunks(before.compiled), _trunks(after.compiled), _of_trunks)),
        _plan(before, after),
        {**owners_of(one.loaded), **owners_of(two.loaded)},
        after.compiled.diagnostics,
    )


def owners_of(loaded: Loaded) -> dict[str, str]:
    """Application → who is behind it: its tenant, and its owner where one is written."""
    return {
        one.application: f"{one.tenant}, {one.owner}" if one.owner else one.tenant
        for one in _applications(loaded).values()
    }


# ── sides ────────────────────────────────────────────────────────────────────────────────────────


def _at(context: Context, revision: str) -> _Side:
    with tempfile.TemporaryDirectory(prefix="sdnctl-") as name, _faults_of(revision):
        short = export_revision(context.folder, revision, Path(name))[:12]
        loaded = load_network(Path(name))
    return _Side(short if short.startswith(revision) else f"{revision} ({short})", loaded)


def _working_tree(context: Context) -> _Side:
    return _Side(WORKING_TREE, context.loaded)


@contextmanager
def _faults_of(revision: str | None) -> Iterator[None]:
    """Findings about a revision name it in front of the file, as git does: ``main:intents/video.yaml``."""
    try:
        yield
    except (InputError, CompileError) as error:
        if revision is None:
            raise
        raise _named(error, revision) from error


def _named(error: SdnctlError, revision: str) -> SdnctlError:
    items = (
        replace(one, source=Source(f"{revision}:{one.source.file}", one.source.line)) if one.source else one
        for one in error.diagnostics
    )
    return type(error)(*items)


def _compiled(loaded: Loaded, start: Baseline, applied: State | None) -> State:
    """A side as it would be applied: what the controller knows to be down is down on both sides."""
    down, drained = (
        (applied.down, applied.drained) if applied is not None else (frozenset[str](), frozenset[str]())
    )
    topology = loaded.network.topology
    network = replace(
        loaded.network, down=down.intersection(topology.links), drained=drained.intersection(topology.nodes)
    )
    return State(compile_network(network, start), network.down, drained=network.drained)


def _plan(before: State, after: State) -> Plan:
    """From switches that hold what `before` asks for; a switch that is new holds nothing."""
    old, new = before.compiled, after.compiled
    nodes = {*old.topology.nodes, *new.topology.nodes}
    devices = {*old.topology.devices, *new.topology.devices}
    return make_plan(
        new.settings.name,
        new,
        {node: Observed(before.rules.get(node, RuleSet())) for node in nodes},
        old,
        created=now(),
        rules=after.rules,
        applied_rules=before.rules,
        settings_observed=old.switch_settings,
        target=after.compiled_fingerprint,
        attached={one: Observed(RuleSet(), attachments=old.attachments.get(one, {})) for one in devices},
    )


# ── differences ──────────────────────────────────────────────────────────────────────────────────


def _differences(
    before: Mapping[str, T], after: Mapping[str, T], edits: Callable[[T, T], tuple[Edit, ...]]
) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield Difference(name, ADDED)
        elif name not in after:
            yield Difference(name, REMOVED)
        elif found := edits(before[name], after[name]):
            yield Difference(name, CHANGED, found)


def _files(before: Mapping[str, Document[Any]], after: Mapping[str, Document[Any]]) -> tuple[Difference, ...]:
    def edits(one: Document[Any], two: Document[Any]) -> tuple[Edit, ...]:
        return () if one.value == two.value else (Edit("content", "", ""),)

    return tuple(replace(one, edits=()) for one in _differences(before, after, edits))


def _applications(loaded: Loaded) -> dict[str, Application]:
    values = (document.value for document in loaded.documents.values())
    return {value.application: value for value in values if isinstance(value, Application)}


def _of_models(before: Application, after: Application) -> tuple[Edit, ...]:
    old, new = (
        dict(_leaves(one.model_dump(mode="json", by_alias=True, exclude_defaults=True))) for one in (before, after)
    )
    names = [*old, *(name for name in new if name not in old)]
    return tuple(
        Edit(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """``guarantees.latency`` → its text; of a list of things with ids, ``circuits.customer-a.bandwidth.up``."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for index, item in enumerate(value, start=1):
            rest = {key: one for key, one in item.items() if key != "id"}
            name = f"{path}.{item.get('id', index)}"
            yield from _leaves(rest, name) if rest else iter([(name, "yes")])
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _demands(compiled: Compiled) -> Mapping[str, Demand]:
    return {demand.id: demand for demand in compiled.demands}


def _of_demands(before: Demand, after: Demand) -> tuple[Edit, ...]:
    old, new = _described(before), _described(after)
    return tuple(Edit(name, old[name], new[name]) for name in old if old[name] != new[name])


def _described(demand: Demand) -> dict[str, str]:
    """What a demand asks for, in words: all of it that the compiler looks at."""
    return {
        "class": demand.service_class,
        "tenant": demand.tenant,
        "from": _end(demand, "ingress"),
        "to": _end(demand, "egress"),
        "rate": format_bitrate(demand.cir),
        "excess": format_bitrate(demand.eir),
        "protection": str(demand.grade),
        "latency": format_delay(demand.latency) if demand.latency is not None else "",
        "avoid": ", ".join(sorted(demand.avoid)),
        "isolation": "exclusive" if demand.exclusive else "shared",
        "mtu": f"{demand.mtu} B",
    }


def _end(demand: Demand, which: str) -> str:
    """Where an end is plugged in, and by what its frames are known."""
    end = getattr(demand, which)
    parts = [str(end.place), f"VLAN {end.vlan}" if end.vlan is not None else "", *map(str, end.prefixes)]
    return " ".join(part for part in parts if part)


def _trunks(compiled: Compiled) -> Mapping[str, Trunk]:
    return {trunk.key: trunk for trunk in compiled.trunks}


def _of_trunks(before: Trunk, after: Trunk) -> tuple[Edit, ...]:
    old, new = _ways(before), _ways(after)
    return tuple(Edit(name, old[name], new[name]) for name in old if old[name] != new[name])


def _ways(trunk: Trunk) -> dict[str, str]:
    path = trunk.standby
    return {
        "path": _nodes(trunk.path.links, trunk.ingress, trunk.egress),
        "standby": _nodes(path.links, trunk.ingress, trunk.egress) if path is not None else "",
        "label": str(trunk.label),
        "protection": str(trunk.grade),
        "rate": format_bitrate(trunk.cir),
        "demands": str(len(trunk.demands)),
    }


def _nodes(links: Collection[str], ingress: str, egress: str) -> str:
    return f"{ingress} > {', '.join(links)} > {egress}"


def by_application(found: Collection[Difference]) -> dict[str, dict[str, int]]:
    """Application → how many of its demands were added, removed and changed."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys((ADDED, REMOVED, CHANGED), 0))
    for one in found:
        counts[one.name.partition("/")[0]][one.kind] += 1
    return dict(sorted(counts.items()))
