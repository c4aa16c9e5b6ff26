"""The order of splicing after random cuts: what comes back with each tube, and that nothing urgent waits."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import EXAMPLES

from sdnctl.inventory.access import AccessLine
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import compile_folder
from sdnctl.usecases.restoring import Key, tubes_of_users
from sdnctl.usecases.whatif import Whatif
from sdnctl.usecases.whatif_answer import OUT_OF_SERVICE


@pytest.fixture(scope="module")
def asked() -> Whatif:
    context = Context(EXAMPLES / "small")
    compiled = compile_folder(context).compiled
    return Whatif(context.loaded.plant, compiled, context.loaded.access)


class Paper:
    """The network after a cut with some of its tubes spliced: everything judged anew each time."""

    def __init__(self, asked: Whatif, cut: Iterable[str]) -> None:
        self.asked = asked
        damage = asked.cutter.cut(asked._understand(tuple(cut), (), ())[0])
        self.tubes = tubes_of_users(asked.plant, asked.uses.met(damage.spots, damage.dead, damage.broken))

    def without_service(self, spliced: Iterable[Key]) -> set[str]:
        links, dark = set[str](), set[str]()
        for number, tubes in self.tubes.items():
            if not tubes <= set(spliced):
                user = self.asked.uses.users[number]
                if isinstance(user, AccessLine):
                    dark.update(user.endpoints)
                elif number in self.asked._link_of:
                    links.add(self.asked._link_of[number])
        outcome = self.asked.judge.event(frozenset(links), frozenset(), frozenset(dark))
        return {demand for demand, fate in self.asked._fates(outcome) if fate in OUT_OF_SERVICE}


@given(st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_tubes_bring_back_what_they_say_and_the_most_urgent_first(asked: Whatif, rng: random.Random) -> None:
    plant = asked.plant
    names = [f"{kind}:{one}" for kind in ("segment", "chamber", "cable") for one in getattr(plant, f"{kind}s")]
    cut = rng.sample(names, rng.choice((1, 2, 3, 4, 6)))
    paper, found = Paper(asked, cut), asked.ask(cut)
    order = [(tube.cable, tube.tube.number) for tube in found.tubes]
    assert sorted(order) == sorted({key for keys in paper.tubes.values() for key in keys})
    out = [paper.without_service(order[:done]) for done in range(len(order) + 1)]
    assert not out[-1]
    assert sum(tube.without_service for tube in found.tubes) == len(out[0])
    back = set[str]()  # what was brought back stays, though a splice may lead a bypass astray
    for tube, before, after in zip(found.tubes, out, out[1:], strict=False):
        new = (before & out[0]) - after - back
        back |= new
        assert tube.without_service == len(new)
    urgent = _most_urgent(asked, out[0])
    if urgent and len(order) <= 12:
        first = next(done for done, left in enumerate(out) if urgent - left)
        for some in combinations(order, first - 1):
            assert urgent <= paper.without_service(some), "fewer tubes would have done"


def _most_urgent(asked: Whatif, demands: set[str]) -> set[str]:
    ranks = {one: asked.compiled.classes[asked.demands[one].service_class].rank for one in demands}
    return {one for one, rank in ranks.items() if rank == min(ranks.values())}


def test_what_two_tubes_carry_comes_back_with_the_second(asked: Whatif) -> None:
    """One link runs through both cables: neither tube alone brings anything back."""
    found = asked.ask(["cable:c-carrefour-north", "cable:c-dc-carrefour", "site:estel"])
    assert found.besides == ("switch com-estel",)
    by_cable = {tube.cable: tube for tube in found.tubes}
    first, second = by_cable["c-carrefour-north"], by_cable["c-dc-carrefour"]
    assert (first.without_service, first.unprotected) == (0, 0)
    assert second.without_service + second.unprotected > 0
