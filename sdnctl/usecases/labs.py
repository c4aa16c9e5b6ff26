"""Labs as use cases: bring the folder's network up, dig through its plant, mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sdnctl import lab as labs
from sdnctl.compiler.fate import Fates
from sdnctl.compiler.ir import Compiled, Network
from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.lab import Lab
from sdnctl.topology.graph import Topology
from sdnctl.usecases.context import Context
from sdnctl.usecases.progress import Progress, silent


@dataclass(frozen=True)
class Hit:
    """One application under a cut: demands that ran over it, by what becomes of them.

    `repaired`: the switches send them round by a bypass. `standby`: a pre-installed path waits for a flip.
    `lost`: the grade promises nothing, or both ways are gone.
    """

    application: str
    service_class: str
    demands: int
    repaired: int
    standby: int
    lost: int


@dataclass(frozen=True)
class Cut:
    """What was cut and what that hits, as far as it was applied."""

    what: tuple[str, ...]
    links: tuple[str, ...]
    nodes: tuple[str, ...]
    hits: tuple[Hit, ...]
    already: tuple[str, ...] = ()
    """Those of the links and switches that were cut before."""


def up(
    context: Context,
    kind: Literal["auto", "ovs", "memory"],
    progress: Progress = silent,
    *,
    real_devices: bool = False,
    rates: bool = False,
) -> Lab:
    """Bring the folder's topology up, with a host at every endpoint; `real_devices`: none are simulated.

    `rates`: cables are as fast as their links, and class queues work. Raises InputError where these could not.
    """
    network = context.loaded.network
    if rates:
        _queues_by_traffic_class(network)
    return labs.up(
        context.folder,
        network.topology,
        network.endpoints,
        kind=kind,
        name=network.settings.name,
        real_devices=real_devices,
        rates=rates,
        progress=lambda what: progress(what, 0, 0),
    )


def _queues_by_traffic_class(network: Network) -> None:
    """Raise InputError for classes whose queue is not their traffic class, by which a lab chooses queues."""
    faults = Diagnostics()
    for one in network.classes.values():
        if one.queue != one.traffic_class:
            faults.error(
                "lab-queue",
                f"frames of class {one.name} carry traffic class {one.traffic_class}, and have queue {one.queue}",
                address=f"class {one.name}",
                source=one.source,
                hint="in a lab with rates a frame takes the queue that the traffic class of its label says",
            )
    faults.raise_if_errors(InputError)


def down(context: Context) -> bool:
    """Take the lab down; False when there was none."""
    return labs.down(context.folder)


def running(context: Context) -> Lab:
    """The lab of this folder; raises InputError when there is none."""
    lab = context.lab
    if lab is None:
        raise InputError(
            Diagnostic("no-lab", "no lab is running for this network", hint="bring one up with `sdnctl lab up`")
        )
    return lab


def elements(topology: Topology, what: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Links and switches that cutting these things takes down.

    A thing is a link's id, ``node:NAME``, or a shared risk ``kind:NAME`` (segment, duct, chamber, cable,
    building, zone, feeder). Raises InputError naming every unknown one.
    """
    links: set[str] = set()
    nodes: set[str] = set()
    unknown = Diagnostics()
    for thing in what:
        if thing in topology.links:
            links.add(thing)
        elif thing in topology.srlgs:
            links |= topology.srlgs[thing].links
            nodes |= topology.srlgs[thing].nodes
        elif thing.startswith("node:") and thing[5:] in topology.nodes:
            nodes.add(thing[5:])
        else:
            unknown.error(
                "no-such-thing",
                f"{thing} is neither a lit link, a switch nor plant that lit links run through",
                hint="`sdnctl show links` and `sdnctl show srlgs` list what can be cut",
            )
    unknown.raise_if_errors(InputError)
    return frozenset(links), frozenset(nodes)


def address(context: Context, switch: str) -> str:
    """Where a switch of the running lab answers, as its own tools take it; raises InputError."""
    targets = running(context).targets()
    if switch not in targets:
        raise InputError(
            Diagnostic(
                "no-such-switch",
                f"there is no switch {switch} in the lab",
                address=f"switch {switch}",
                hint="`sdnctl show switches` lists them",
            )
        )
    known = targets[switch]
    return known.get("openflow") or next(iter(known.values()))


def cut(context: Context, what: Sequence[str]) -> Cut:
    """Cut in the lab and say what is hit."""
    lab = running(context)
    applied = context.applied()
    topology = applied[1].compiled.topology if applied is not None else context.loaded.network.topology
    links, nodes = elements(topology, what)
    already = (*sorted(links & lab.down_links), *sorted(nodes & lab.dead_nodes))
    lab.cut(links)
    for node in sorted(nodes):
        lab.kill_switch(node)
    hits = hit_by(applied[1].compiled, topology.down(links, nodes), nodes) if applied is not None else ()
    return Cut(tuple(what), tuple(sorted(links)), tuple(sorted(nodes)), hits, already)


def heal(context: Context, what: Sequence[str]) -> tuple[str, ...]:
    """Mend these things, or everything that is cut; returns what was mended."""
    lab = running(context)
    topology = context.loaded.network.topology
    links, nodes = elements(topology, what) if what else (lab.down_links, lab.dead_nodes)
    for node in sorted(nodes & lab.dead_nodes):
        lab.revive(node)
    links = links & lab.down_links
    lab.heal(links)
    return (*sorted(nodes), *sorted(links))


def hit_by(compiled: Compiled, links: frozenset[str], nodes: frozenset[str]) -> tuple[Hit, ...]:
    """Who runs over these links, and what repairs them, by application."""
    demands = {demand.id: demand for demand in compiled.demands}
    fates = Fates(compiled).of(links, nodes)
    tally: dict[str, Counter[str]] = {}
    for trunk in compiled.trunks:
        for demand in trunk.demands if trunk.key in fates else ():
            tally.setdefault(demands[demand].application, Counter())[fates[trunk.key]] += 1
    carried = {key for trunk in compiled.trunks for key in trunk.demands}
    for one in compiled.demands:
        if one.id not in carried and one.ingress.attachment.node in nodes:
            tally.setdefault(one.application, Counter())["lost"] += 1
    classes = {demand.application: demand.service_class for demand in compiled.demands}
    return tuple(
        Hit(name, classes[name], counts.total(), counts["repaired"], counts["standby"], counts["lost"])
        for name, counts in sorted(tally.items())
    )
