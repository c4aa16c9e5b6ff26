"""One edit more: the increment of a session against a whole compilation of the same network on the same baseline.

A session keeps what a compilation found out (`sdnctl.compiler.increment`). Edits follow each other as in a
controller's life, so that each goes on from the session of the one before. *Read anew* means that every object is
another one, as when the folder was loaded again; else what did not change is shared.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from statistics import median

from lab.bench.measure import Report, cpu, growth
from lab.bench.networks import SIZES, network, with_camera
from sdnctl.cli.garbage import spare_collections
from sdnctl.compiler.increment import Session, begin, compile_increment
from sdnctl.compiler.ir import Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.serialise import dumps_compiled
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.intents.demand import Demand
from sdnctl.units import Bitrate
from sdnctl.workspace.folder import load_network

ROOT = Path(__file__).parent.parent.parent
STEPS = 9
SHARE = 0.05
"""What the issue allows for one camera more on the reference network."""


def another(net: Network, like: str, node: str, number: int) -> Network:
    """One more endpoint like a given one, in every service that one is in, on a port of its own."""
    old = net.endpoints[like]
    prefixes = (IPv4Network((0x0AFA0000 + number, 32)),)
    new = replace(
        old,
        id=f"{like}-more{number}",
        attachment=replace(old.attachment, node=node, port=4000 + number),
        prefixes=prefixes if old.prefixes else (),
        mac=None,
    )

    def now(demand: Demand) -> Demand:
        return replace(
            demand,
            id=demand.id.replace(like, new.id),
            reverse=demand.reverse.replace(like, new.id),
            ingress=new if demand.ingress.id == like else demand.ingress,
            egress=new if demand.egress.id == like else demand.egress,
        )

    more = [now(demand) for demand in net.demands if like in (demand.ingress.id, demand.egress.id)]
    return replace(
        net,
        endpoints={**net.endpoints, new.id: new},
        demands=tuple(sorted((*net.demands, *more), key=lambda demand: demand.id)),
    )


def without(net: Network, number: int) -> Network:
    """One endpoint less: all demands of one that serves few."""
    uses: dict[str, int] = {}
    for demand in net.demands:
        for end in (demand.ingress.id, demand.egress.id):
            uses[end] = uses.get(end, 0) + 1
    gone = sorted(end for end, count in uses.items() if count <= 4)[number * 7]
    return replace(net, demands=tuple(one for one in net.demands if gone not in (one.ingress.id, one.egress.id)))


def faster(net: Network, number: int) -> Network:
    """Another rate for one demand and its way back."""
    one = net.demands[(number * 97) % len(net.demands)]
    pair = {one.id, one.reverse}
    demands = (replace(item, cir=Bitrate(item.cir + 1000)) if item.id in pair else item for item in net.demands)
    return replace(net, demands=tuple(demands))


def walk(net: Network, edit: Callable[[Network, int], Network], *, anew: bool) -> Iterator[tuple[float, float]]:
    """CPU seconds of each increment, and of the whole compilation that gives the same bytes."""
    session, number = begin(net), 0
    while True:
        net, number = edit(net, number), number + 1
        with in_bulk():  # what the collector makes of a new network is not the increment's
            given = pickle.loads(pickle.dumps(net)) if anew else net
        after: list[Session] = []
        taken = cpu(lambda before=session, net=given, out=after: out.append(compile_increment(before, net)))  # type: ignore[misc]
        whole = cpu(partial(compile_network, given, session.compiled.baseline))
        assert not after[0].whole, after[0].whole
        session = after[0]
        yield taken, whole
        if number == 2:  # what is measured is the same as a whole compilation
            check = compile_increment(session, edit(net, number))
            expected = compile_network(edit(net, number), session.compiled.baseline)
            assert dumps_compiled(check.compiled) == dumps_compiled(expected)


def measured(report: Report, name: str, found: list[tuple[float, float]]) -> float:
    """Print one line; returns the share of the whole."""
    taken, whole = median(one for one, _ in found), median(other for _, other in found)
    report.print(f"{name:58} {taken * 1000:6.1f} ms of CPU, whole {whole:.3f} s: {100 * taken / whole:4.1f} %")
    return taken / whole


def over_size(report: Report) -> None:
    """One camera more in synthetic networks."""
    sizes, ours = [], []
    for name, size in list(SIZES.items()):
        net = network(size)
        nodes = sorted(net.topology.nodes)
        edit = lambda net, number, nodes=nodes: with_camera(net, nodes[number * 5 % len(nodes)], number)  # noqa: E731
        found = list(islice(walk(net, edit, anew=False), 5))
        measured(report, f"{name}: {len(net.demands)} demands, one camera more", found)
        sizes.append(len(net.demands))
        ours.append(median(taken for taken, _ in found))
    report.print(f"growth of the increment over demands: demands^{growth(sizes, ours):.2f}")


def run(report: Report) -> None:
    """One camera more over size; then several edits of the reference network."""
    spare_collections()
    over_size(report)
    net = load_network(ROOT).network
    camera = next(end.id for end in net.endpoints.values() if end.kind == "camera")
    nodes = sorted(net.topology.nodes)

    def one_more(net: Network, number: int) -> Network:
        return another(net, camera, nodes[number * 11 % len(nodes)], number)

    edits: dict[str, tuple[Callable[[Network, int], Network], bool]] = {
        "reference network: one camera more": (one_more, False),
        "reference network: one camera more, everything read anew": (one_more, True),
        "reference network: one endpoint less": (without, False),
        "reference network: another rate": (faster, False),
    }
    shares = {
        name: measured(report, name, list(islice(walk(net, edit, anew=anew), STEPS)))
        for name, (edit, anew) in edits.items()
    }
    first = next(iter(shares))
    report.claim("one camera more, of a whole compilation", 100 * shares[first], 100 * SHARE, unit=" %")
