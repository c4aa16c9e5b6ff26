"""V1 under every single failure, against a bare numpy pointer-jumping pass over the same next-hop arrays.

The bare pass moves packets and asks nothing: no class, queue, meter, tag, delay, size, grade, leak or overlap; and
it gets its arrays for nothing, where V1 starts from flows, groups and meters as objects. It moves one packet for
each way into the core under each set of links that some failure takes, since it does not know which ways a failure
touches. V1 does know, and that is part of what it is; so the pass over only those is measured, too.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lab.bench.measure import Report, cpu, growth, interleaved, medians
from lab.bench.networks import SIZES, network, with_camera
from sdnctl.compiler.ir import Compiled, Network
from sdnctl.compiler.pipeline import compile_network
from sdnctl.errors import CompileError
from sdnctl.verify.change import change
from sdnctl.verify.forms import POP_FORWARD
from sdnctl.verify.memory import Memory
from sdnctl.verify.swift import Proven
from sdnctl.verify.v1 import verify_compiled
from sdnctl.workspace.folder import load_network

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 5
TIMES = 20.0
HOPS = 64


def run(report: Report) -> None:
    """Seconds of V1 and of the bare pass for growing networks, and for the reference network with its claim."""
    sizes, seconds = [], []
    for name in ("small", "middle", "reference", "double"):
        compiled = carried(network(SIZES[name]))
        figures = one(report, name, compiled)
        sizes.append(float(len(compiled.demands)))
        seconds.append(figures["V1"])
    report.print(f"growth of V1 over demands: exponent {growth(sizes, seconds):.2f}")
    city = load_network(ROOT).network
    figures = one(report, "the reference network", carried(city))
    report.claim("V1, every single failure, over the bare pass", figures["V1"] / figures["bare"], TIMES)
    again(report)


def one(report: Report, name: str, compiled: Compiled) -> dict[str, float]:
    """Medians of V1 and of the bare pass on one network."""
    memory = Memory()
    found = verify_compiled(compiled, memory=memory)
    assert found.ok
    assert memory.last is not None
    every, touched = questions(memory.last, pruned=False), questions(memory.last, pruned=True)
    arrived = bare(touched) >= 0
    assert arrived.any(), "the bare pass moves packets"
    gc.collect()
    runs = {
        "V1": lambda: cpu(lambda: verify_compiled(compiled)),
        "bare": lambda: cpu(lambda: bare(every)),
        "pruned": lambda: cpu(lambda: bare(touched)),
    }
    figures = medians(interleaved(ROUNDS, runs))
    checked = found.checked
    report.print(
        f"{name}: {checked.switches} switches, {checked.demands} demands, {checked.rules} flows and groups, "
        f"{checked.failures} failures, {checked.walks} (demand, failure) judged: V1 {figures['V1']:.3f} s"
    )
    for kind, packets in (("bare", every), ("pruned", touched)):
        ratio = figures["V1"] / figures[kind]
        report.print(f"  {kind} pass over {len(packets.state)} packets: {figures[kind]:.3f} s, V1 {ratio:.1f}×")
    return figures


def again(report: Report) -> None:
    """V1 after one camera more, beside V1 from nothing; rules that are equal are the same objects."""
    base = network(SIZES["reference"])
    before = carried(base)
    node = next(name for name, item in before.topology.nodes.items() if item.role == "access")
    after = compile_network(with_camera(base_of(base, before), node), before.baseline)
    after = same_objects(before, after)
    gc.collect()
    whole, part = [], []
    for _ in range(ROUNDS):
        memory = Memory()
        whole.append(cpu(partial(verify_compiled, before, memory=memory)))
        part.append(cpu(partial(verify_compiled, after, memory=memory)))
    full, little = median(whole), median(part)
    report.print(
        f"one camera more: V1 from nothing {full:.3f} s, with a memory {little:.3f} s: {little / full:.1%} "
        "(`increment` measures compiler and V1 together)"
    )


def same_objects(before: Compiled, after: Compiled) -> Compiled:
    """The later state made of the earlier one's rules and demands where they are equal."""
    rules = {node: change(before.rules[node], held)[0] for node, held in after.rules.items()}
    known = {item.id: item for item in before.demands}
    demands = tuple(old if (old := known.get(item.id)) == item else item for item in after.demands)
    return replace(after, rules=rules, demands=tuple(item for item in demands if item is not None))


def base_of(net: Network, compiled: Compiled) -> Network:
    """The network with the demands that were carried."""
    return replace(net, demands=compiled.demands)


def carried(net: Network) -> Compiled:
    """The compiled network, without demands that the plant cannot carry as asked (drawn networks have some)."""
    while True:
        try:
            return compile_network(net)
        except CompileError as error:
            refused = {found.address.partition("demand ")[2] for found in error.diagnostics}
            left = tuple(item for item in net.demands if not {item.id, item.reverse} & refused)
            if len(left) == len(net.demands):
                raise
            net = replace(net, demands=left)


# ── the reference ────────────────────────────────────────────────────────────────────────────────


Numbers: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pass:
    """Packets, each in the state where it starts and with the row of `down` that holds for it; and the arrays.

    Of each state (a switch and a label): its two ways out, its label, the label that the second pushes (−1: none),
    whether the label comes off; of each directed link the switch it leads to; of switch × label the state.
    """

    state: Numbers
    row: Numbers
    down: NDArray[np.bool_]
    first: Numbers
    second: Numbers
    label: Numbers
    push: Numbers
    pops: NDArray[np.bool_]
    head: Numbers
    at: Numbers
    nowhere: int


def questions(proven: Proven, *, pruned: bool) -> Pass:
    """The bare pass over the arrays that V1 itself used: every way under every set of links, or those it meets."""
    core, ground = proven.core, proven.ground
    assert core is not None
    ways = len(proven.ways)
    starts = np.arange(core.known, core.known + ways, dtype=np.int64)
    down = ground.events.down
    on = np.zeros((ways, down.shape[1]), np.float32)
    for number, (_, found) in enumerate(proven.ways.values()):
        on[number, [link >> 1 for link in ground.wires.numbers(found.path)]] = 1
    way, row = np.nonzero((on @ down.T.astype(np.float32) > 0) | (not pruned))
    return Pass(
        starts[way],
        row.astype(np.int64),
        down,
        core.first,
        core.second,
        core.label,
        core.push,
        core.kind == POP_FORWARD,
        core.head.astype(np.int64),
        core.at,
        core.nothing,
    )


def bare(given: Pass) -> Numbers:
    """Move every packet until it stands still; the states where they do, −1 for those that are lost."""
    state, row = given.state, given.row
    ends, lane = np.full(len(state), -1, np.int64), np.arange(len(state))
    under = np.full(len(state), -1, np.int64)
    for _ in range(HOPS):
        moving = (state >= 0) & (given.first[state] != given.nowhere)
        if not moving.all():
            ends[lane[~moving]] = state[~moving]
            state, row, under, lane = state[moving], row[moving], under[moving], lane[moving]
        if not len(state):
            break
        label = np.where(given.pops[state], under, given.label[state])
        aside = given.down[row, given.first[state] >> 1]
        link = np.where(aside, given.second[state], given.first[state])
        pushed = aside & (given.push[state] >= 0)
        under = np.where(pushed, label, np.where(given.pops[state], -1, under))
        label = np.where(pushed, given.push[state], label)
        state = np.where(given.down[row, link >> 1], -1, given.at[given.head[link], label])
    return ends
