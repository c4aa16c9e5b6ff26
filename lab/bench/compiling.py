"""Compilation over size and of the reference network with V1, against one bare Dijkstra per demand (networkx).

A compilation places every demand under its guarantees, protects it, numbers everything, makes every rule, holds
the rules against the pipeline's description and says what it was made from. The bare Dijkstra finds one path per
demand and asks nothing. Files of compiled states and plans are measured beside it, against `json` alone.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import networkx as nx

from lab.bench.measure import Report, cpu, growth, interleaved, medians, program, ratio
from lab.bench.networks import SIZES, network
from sdnctl.cli.garbage import spare_collections
from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.serialise import dumps_compiled, loads_compiled
from sdnctl.dataplane.values import RuleSet
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Observed
from sdnctl.plan.serialise import dumps, loads
from sdnctl.verify.v1 import verify_compiled
from sdnctl.workspace.folder import load_network

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 5
SECONDS, MEGABYTES = 3.0, 500.0
"""What the issue allows the reference network: compiling with V1, and the peak of the command."""


def bare(net: Network) -> None:
    """One shortest path per demand."""
    graph = net.topology.to_networkx()
    for demand in net.demands:
        nx.dijkstra_path(graph, demand.ingress.attachment.node, demand.egress.attachment.node, weight="delay")


def rules_of(compiled: Compiled) -> int:
    return sum(map(len, compiled.rules.values()))


def over_size(report: Report) -> None:
    """Synthetic networks from a dozen switches to twice the reference network."""
    sizes, ours = [], []
    for name, size in SIZES.items():
        net = network(size)
        made = compile_network(net)
        runs = {"compile": partial(cpu, partial(compile_network, net))}
        runs["again"] = partial(cpu, partial(compile_network, net, made.baseline))
        runs["bare"] = partial(cpu, partial(bare, net))
        found = interleaved(3, runs)
        middle = medians(found)
        sizes.append(rules_of(made))
        ours.append(middle["compile"])
        report.print(
            f"{name:10} {size.switches:4} switches {len(net.demands):6} demands {rules_of(made):7} rules: "
            f"compile {middle['compile']:.3f} s of CPU, on its own baseline {middle['again']:.3f} s, "
            f"one Dijkstra a demand {middle['bare']:.3f} s ({ratio(found, 'compile', 'bare'):.2f}×)"
        )
    report.print(f"growth of the time over rules: rules^{growth(sizes, ours):.2f}")


def reference(report: Report) -> None:
    """The reference network: compile, V1, files, a plan from empty switches; then the whole command."""
    net = load_network(ROOT).network
    made = compile_network(net)
    empty = {switch: Observed(RuleSet()) for switch in made.rules}
    plan = make_plan("reference", made, empty, created="2026-01-01T00:00:00Z")
    texts = {"state": dumps_compiled(made), "plan": dumps(plan)}
    found = interleaved(
        ROUNDS,
        {
            "compile": partial(cpu, partial(compile_network, net)),
            "V1": partial(cpu, partial(verify_compiled, made)),
            "bare": partial(cpu, partial(bare, net)),
            "write state": partial(cpu, partial(dumps_compiled, made)),
            "read state": partial(cpu, partial(loads_compiled, texts["state"])),
            "json state": partial(cpu, partial(json.loads, texts["state"])),
            "plan": partial(cpu, partial(make_plan, "reference", made, empty, created="2026-01-01T00:00:00Z")),
            "write plan": partial(cpu, partial(dumps, plan)),
            "read plan": partial(cpu, partial(loads, texts["plan"])),
            "json plan": partial(cpu, partial(json.loads, texts["plan"])),
        },
    )
    middle = medians(found)
    report.print(
        f"reference network: {len(net.demands)} demands, {len(made.trunks)} trunks, {rules_of(made)} rules: "
        f"compile {middle['compile']:.3f} s of CPU ({ratio(found, 'compile', 'bare'):.2f}× Dijkstra), "
        f"V1 {middle['V1']:.3f} s"
    )
    for name, text in texts.items():
        report.print(
            f"{name} file: {len(text) / 1e6:.1f} MB, written in {middle[f'write {name}']:.3f} s of CPU, read in "
            f"{middle[f'read {name}']:.3f} s ({ratio(found, f'read {name}', f'json {name}'):.1f}× json alone)"
        )
    report.print(f"plan of {rules_of(made)} rules on empty switches: {middle['plan']:.3f} s of CPU")
    used = [program([sys.executable, "-m", "sdnctl", "--network", str(ROOT), "compile"]) for _ in range(3)]
    report.print(
        f"sdnctl compile, start, folder and V1 included: {min(one.wall for one in used):.2f} s by the clock, "
        f"{min(one.cpu for one in used):.2f} s of CPU, peak {max(one.peak for one in used):.0f} MB"
    )
    both = medians({"both": [sum(pair) for pair in zip(found["compile"], found["V1"], strict=True)]})["both"]
    report.claim("the reference network compiles, V1 included, CPU", both, SECONDS, unit=" s")
    report.claim("peak of the whole command", max(one.peak for one in used), MEGABYTES, unit=" MB")


def run(report: Report) -> None:
    """CPU seconds over size, then everything that a compilation is part of on the reference network."""
    spare_collections()
    over_size(report)
    reference(report)
