"""The reference network on real Open vSwitch: one bridge per switch, every service, every rule; who hears whom,
and what a digger costs.

Frames and where they must come out are worked out from the files (`any_network_oracle`), not by the product.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from any_network import Subject, subject
from any_network_oracle import Declared, End, Pair, Question
from any_network_survival import Event
from network_in_lab import Running

from sdnctl import lab as labs
from sdnctl.compiler.ir import Trunk
from sdnctl.lab import netns
from sdnctl.lab import record as records
from sdnctl.lab.ovslab import RUN_DIR
from sdnctl.topology.graph import PortRef
from sdnctl.verify.held import compare
from sdnctl.verify.probes import MAGIC

pytestmark = pytest.mark.ovs
EACH = 3
"""Pairs of each application that are tried, in both directions."""


@dataclass(frozen=True)
class Shot:
    """A question with a token behind its frame, by which it is known wherever it comes out."""

    id: str
    port: PortRef
    frame: bytes
    expected: tuple[tuple[PortRef, bytes], ...]

    @classmethod
    def of(cls, number: int, question: Question) -> Shot:
        name = f"{number} {question.what}"
        token = MAGIC + hashlib.sha256(name.encode()).digest()[:8]
        expected = ((PortRef(node, port), frame + token) for node, port, frame in question.expected)
        return cls(name, PortRef(*question.spot), question.frame + token, tuple(expected))


@pytest.fixture(scope="module")
def one() -> Subject:
    return subject("reference")


@pytest.fixture(scope="module")
def running(one: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Up, applied through the real drivers, read back; afterwards gone without a trace."""
    folder = tmp_path_factory.mktemp("reference")
    network = one.loaded.network
    try:
        lab = labs.up(folder, network.topology, network.endpoints, kind="ovs", name="reference")
        running = Running(lab, network, one.compiled)
        plan = running.push()
        assert sum(len(changes) for stage in plan.stages for changes in stage.changes.values()) > 50_000
        yield running
    finally:
        labs.down(folder)
    assert remains(folder) == []


def remains(folder: Path) -> list[str]:
    """Namespaces, sockets, processes and files that a lab of this folder would have left."""
    key = records.lab_key(folder)
    found = [path.name for path in netns.NETNS_DIR.glob(f"*{key}*")]
    found += [str(path) for path in (*RUN_DIR.glob(f"{key}*"), *(folder / ".sdnctl").glob("*"))]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{RUN_DIR}/{key}".encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def wanted(one: Subject) -> list[Shot]:
    """Frames of some pairs of every application, both directions of each."""
    rng = one.rng("reference lab")
    by_ends = {(pair.application, pair.ingress.id, pair.egress.id): pair for pair in one.declared.pairs}
    tried: dict[str, list[Pair]] = {}
    for pair in rng.sample(one.declared.pairs, len(one.declared.pairs)):
        back = by_ends[pair.application, pair.egress.id, pair.ingress.id]
        group = tried.setdefault(pair.application, [])
        if len(group) < 2 * EACH and pair not in group:
            group += [pair, back]
    asked = [one.declared.positive(rng, pair) for group in tried.values() for pair in group]
    return [Shot.of(number, question) for number, question in enumerate(asked) if question is not None]


@pytest.fixture(scope="module")
def forbidden(one: Subject) -> list[Shot]:
    """Frames that nobody may receive: between cameras, from schools to telecontrol, between operators, others."""
    rng, ends = one.rng("forbidden"), one.declared.ends.values()
    kinds: dict[str, list[End]] = {}
    for end in sorted(ends, key=lambda end: end.id):
        kinds.setdefault(end.kind, []).append(end)
    asked: list[Question] = []
    asked += _across(one, [(a, b, a.vlan) for a, b in itertools.pairwise(rng.sample(kinds["camera"], 41))])
    asked += _across(one, [(a, b, a.vlan) for a in rng.sample(kinds["school"], 20) for b in kinds["scada-head"]])
    asked += _across(one, _between_operators(one))
    asked += [found for _ in range(200) if (found := one.declared.negative(rng)) is not None]
    nobodys = [question for question in asked if not question.expected]
    return [Shot.of(number, question) for number, question in enumerate(nobodys, 100_000)]


def _across(one: Subject, wanted: Iterable[tuple[End, End, int | None]]) -> list[Question]:
    """Frames from one end to another under a tag; nobody declared any of these."""
    rng = one.rng("across")
    found = [question for a, b, vlan in wanted if (question := one.declared.ask(rng, a, b, vlan)) is not None]
    assert len(found) >= 20
    assert not any(question.expected for question in found)
    return found


def _between_operators(one: Subject) -> Iterator[tuple[End, End, int | None]]:
    """From a customer, and from the hand-over, of one operator: under the tags of another's."""
    rng = one.rng("operators")
    operators: dict[str, list[Pair]] = {}
    for pair in one.declared.pairs:
        if pair.application.startswith("operateur-"):
            operators.setdefault(pair.application, []).append(pair)
    assert len(operators) == 4
    own = _tags(one.declared)
    for a, b in itertools.permutations(sorted(operators), 2):
        mine, theirs = rng.sample(operators[a], 40), rng.sample(operators[b], 40)
        pairs = [
            (one_of.ingress, other.ingress)
            for one_of, other in zip(mine, theirs, strict=True)
            if other.ingress.vlan not in own[one_of.ingress.spot]
        ]
        yield from ((ingress, other, other.vlan) for ingress, other in pairs[:6])


def _tags(declared: Declared) -> dict[tuple[str, int], set[int | None]]:
    """Port → the tags that somebody may use there."""
    found: dict[tuple[str, int], set[int | None]] = {}
    for end in declared.ends.values():
        found.setdefault(end.spot, set()).add(end.vlan)
    return found


def exchange(running: Running, shots: list[Shot], timeout: float = 2.0) -> dict[str, list[tuple[PortRef, bytes]]]:
    with running.lab.prober() as prober:
        return dict(prober.exchange(shots, timeout))


def wait_for_repair(running: Running, questions: list[Question]) -> None:
    """Until frames arrive again: one Open vSwitch runs all bridges here, and looks at ports when it comes to it.

    How fast a switch of its own repairs is measured elsewhere (`lab/reports/`).
    """
    deadline = time.monotonic() + 30
    for number in itertools.count(1_000_000, 1_000):
        shots = [Shot.of(number + index, question) for index, question in enumerate(questions)]
        if not faults(shots, exchange(running, shots, 0.5)):
            return
        assert time.monotonic() < deadline, "nothing repaired it"


def faults(shots: Iterable[Shot], heard: dict[str, list[tuple[PortRef, bytes]]]) -> list[str]:
    """What did not come out where it should, once, unchanged; or came out where it should not."""
    return [
        f"{shot.id} from {shot.port}: {heard[shot.id]} instead of {shot.expected}"
        for shot in shots
        if sorted(heard[shot.id]) != sorted(shot.expected)
    ]


# ── a digger ─────────────────────────────────────────────────────────────────────────────────────


def over(one: Subject, event: Event) -> list[Trunk]:
    return [trunk for trunk in one.compiled.trunks if not event.links.isdisjoint(trunk.path.links)]


def covers(one: Subject, event: Event, trunk: Trunk) -> bool:
    return one.survival.covered(event, str(trunk.grade), trunk.path.nodes, trunk.path.links)


def worst_trench(one: Subject) -> Event:
    """The segment whose cut hits most protected trunks."""
    loads = Counter(link for trunk in one.compiled.trunks if trunk.grade != "none" for link in trunk.path.links)
    trenches = [event for name, event in one.survival.groups.items() if name.startswith("segment:")]
    return max(trenches, key=lambda event: (sum(loads[link] for link in event.links), event.name))


# ── the story ────────────────────────────────────────────────────────────────────────────────────


def test_every_switch_is_a_bridge_and_holds_what_was_compiled(running: Running, one: Subject) -> None:
    assert 110 <= len(running.lab.targets()) <= 130
    assert set(running.lab.links) == set(one.topology.links)
    held = running.observed()
    assert set(held) == set(one.topology.nodes)
    report = compare(one.compiled.rules, held)
    assert report.ok, report.diagnostics()[:5]
    assert held == dict(one.compiled.rules)


def test_every_application_is_heard_both_ways_and_nobody_else(
    running: Running, one: Subject, wanted: list[Shot], forbidden: list[Shot]
) -> None:
    applications = Counter(shot.id.split(" ", 1)[1].partition("/")[0] for shot in wanted)
    assert set(applications) == {pair.application for pair in one.declared.pairs}
    assert len(wanted) >= 100
    assert len(forbidden) >= 200
    shots = [*wanted, *forbidden]
    assert faults(shots, exchange(running, shots)) == []


def test_a_trench_is_cut_and_mended(
    running: Running, one: Subject, forbidden: list[Shot], wanted: list[Shot]
) -> None:
    """The segment over which most protected trunks run: the switches bring their frames round it by themselves."""
    rng = one.rng("trench")
    by_demand = {pair.demand: pair for pair in one.declared.pairs}
    trench = worst_trench(one)
    hit = [by_demand[trunk.demands[0]] for trunk in over(one, trench) if covers(one, trench, trunk)]
    asked = [question for pair in hit if (question := one.declared.positive(rng, pair)) is not None]
    assert len(asked) > 30
    shots = [Shot.of(number, question) for number, question in enumerate(asked[:100], 200_000)]
    links = trench.links
    running.lab.cut(links)
    try:
        assert running.lab.down_links == links
        wait_for_repair(running, asked[:10])
        assert faults([*shots, *forbidden], exchange(running, [*shots, *forbidden])) == []
    finally:
        running.lab.heal(links)
    assert running.lab.down_links == frozenset()
    again = [*shots, *wanted]
    assert faults(again, exchange(running, again)) == []
    assert running.lab.circling(0.2) == 0
