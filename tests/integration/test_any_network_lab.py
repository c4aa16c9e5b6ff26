"""A city that sdnctl never saw, through the real command line: lab, apply, probes, a cut, and back to nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from any_network import Subject, settled
from any_network_oracle import questions
from sdnctl_in_process import Net

from sdnctl.dataplane.values import Flow, Match, Output, RuleSet

FOREIGN = Flow(0, 77, Match.of(in_port=9), 0x1234, (Output(3),))


@pytest.fixture(scope="module")
def one() -> Subject:
    return settled("Savvis/5", applications=5, leaves=3)


@pytest.fixture(scope="module")
def net(one: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """The city's folder with a lab of in-memory switches; everything applied."""
    folder = tmp_path_factory.mktemp("city") / "net"
    shutil.copytree(one.folder, folder)
    net = Net(folder)
    net.ok("lab", "up", "--kind", "memory")
    try:
        for node in one.topology.nodes:
            with net.board.changing(node) as switch:
                switch.rules.add(FOREIGN)
        net.ok("apply", "--yes")
        yield net
    finally:
        net.ok("lab", "down")


def test_applied_is_what_was_compiled_and_nothing_is_left_to_plan(net: Net, one: Subject) -> None:
    net.assert_exact()
    assert net.ours() == dict(one.compiled.rules)
    assert net.foreign() == {node: RuleSet.of([FOREIGN]) for node in one.topology.nodes}


def test_probes_of_the_product_and_frames_of_the_oracle_agree(net: Net, one: Subject) -> None:
    net.probe()
    fabric, rng = one.fabric_of(net.held()), one.rng("lab")
    for question in questions(one.declared, rng, one.sampled("lab", 40), 60):
        outcome = fabric.inject(*question.spot, question.frame)
        assert sorted(outcome.frames) == list(question.expected), question.what


def test_verify_says_what_holds(net: Net) -> None:
    net.ok("verify")
    net.ok("verify", "--live")


def test_a_cut_costs_protected_pairs_nothing(net: Net, one: Subject) -> None:
    """Cut by the command line; whoever is protected against that link still arrives, on rules as they are held."""
    rng = one.rng("cut")
    used = sorted({link for trunk in one.compiled.trunks for link in trunk.path.links if trunk.grade != "none"})
    link = rng.choice(used)
    net.ok("lab", "cut", link)
    with net.open() as context:
        lab = context.lab
        assert lab is not None
        assert lab.down_links == {link}
    fabric = one.fabric_of(net.held())
    end = one.topology.links[link].a
    fabric.fail([(end.node, end.port)])
    protected = [pair for pair in one.declared.pairs if pair.grade != "none"]
    for question in questions(one.declared, rng, protected, 0):
        assert fabric.inject(*question.spot, question.frame).frames == list(question.expected), question.what
    net.ok("lab", "heal")


def test_without_intents_only_what_is_not_ours_stays(net: Net, one: Subject) -> None:
    classes = [item["id"] for item in one.files["intents/classes.yaml"]["classes"]]
    for path in (net.folder / "intents").glob("*.yaml"):
        if path.name not in ("classes.yaml", "tenants.yaml"):
            path.unlink()
    net.ok("apply", "--yes", *(word for name in classes for word in ("--allow-outage", name)))
    assert net.held() == {node: RuleSet.of([FOREIGN]) for node in one.topology.nodes}
    assert net("plan", "--exit-code").code == 0
