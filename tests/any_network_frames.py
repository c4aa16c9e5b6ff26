"""Frames sent through a network in memory, with nothing failed and with what grades cover."""

from __future__ import annotations

from collections.abc import Iterable

from any_network import Subject
from any_network_oracle import Question, questions

from sdnctl.dataplane.fabric import Fabric


def check_survival(one: Subject, pairs: int, events: int) -> None:
    fabric, rng = one.fabric, one.rng("survival")
    protected = [pair for pair in one.sampled("survival", pairs * 3) if pair.grade != "none"]
    tried = 0
    for pair in protected[:pairs]:
        question = one.declared.positive(rng, pair)
        if question is None:
            continue
        fabric.fail()
        nodes, links = arrives(one, fabric, question)
        found = one.survival.events(pair.grade, nodes, links) if links else []
        for event in rng.sample(found, min(events, len(found))):
            fail(one, fabric, event.links, event.nodes)
            outcome = fabric.inject(*question.spot, question.frame)
            assert outcome.frames == list(question.expected), f"{question.what} {pair.grade} {event}\n{outcome}"
            tried += 1
    fabric.fail()
    assert tried > 20


def arrives(one: Subject, fabric: Fabric, question: Question) -> tuple[list[str], list[str]]:
    """Send a question's frame: it comes out as expected; returns the switches and links that it took."""
    outcome = fabric.inject(*question.spot, question.frame)
    assert outcome.frames == list(question.expected), f"{question.what}\n{outcome}"
    links = []
    for hop in outcome.hops[1:]:
        links.append(
            next(key for key, link in one.topology.links.items() if (hop.node, hop.port) in ports_of(link))
        )
    return outcome.nodes, links


def fail(one: Subject, fabric: Fabric, links: Iterable[str], nodes: Iterable[str] = ()) -> None:
    fabric.fail([ports_of(one.topology.links[link])[0] for link in links], nodes)


def check_frames(one: Subject, positives: int, negatives: int, cuts: int) -> None:
    fabric, rng = one.fabric, one.rng("frames")
    fabric.fail()
    asked = list(questions(one.declared, rng, one.sampled("frames", positives), negatives))
    assert sum(bool(question.expected) for question in asked) >= min(positives, 20)
    assert sum(not question.expected for question in asked) >= negatives // 3
    for question in asked:
        outcome = fabric.inject(*question.spot, question.frame)
        assert sorted(outcome.frames) == list(question.expected), f"{question.what}\n{outcome}"
    for link in rng.sample(sorted(one.topology.links), cuts):
        fail(one, fabric, [link])
        for question in rng.sample(asked, min(60, len(asked))):
            outcome = fabric.inject(*question.spot, question.frame)
            assert set(outcome.frames) <= set(question.expected), f"{link} cut: {question.what}\n{outcome}"
            assert len(outcome.frames) == len(set(outcome.frames))
            assert not outcome.looped
    fabric.fail()


def ports_of(link: object) -> tuple[tuple[str, int], ...]:
    return tuple((end.node, end.port) for end in (link.a, link.b))  # type: ignore[attr-defined]
