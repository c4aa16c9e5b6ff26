"""What a person sees of a move: every trunk while they are few, sums by application when they are hundreds."""

from __future__ import annotations

import io

from rich.console import Console

from sdnctl.cli.stories import TRUNKS, reconciled
from sdnctl.daemon.moving import Moved
from sdnctl.daemon.reconcile import Reconciled


def moved(number: int, application: str, after: str) -> Moved:
    ends = f"a{number}", f"z{number}"
    before, after_links = (f"{ends[0]}--m", f"m--{ends[1]}"), (f"{ends[0]}--n", f"n--{ends[1]}")
    paths = (ends[0], "m", ends[1]), (ends[0], "n", ends[1])
    return Moved(f"trunk-{number}", (application,), *paths, "local", after, before, after_links)


def shown(*trunks: Moved) -> str:
    console = Console(file=io.StringIO(), width=100)
    for part in reconciled(Reconciled(frozenset({"x"}), frozenset(), (), (), trunks)):
        console.print(part)
    text = console.file
    assert isinstance(text, io.StringIO)
    return text.getvalue()


def test_few_trunks_are_shown_one_by_one() -> None:
    text = shown(moved(1, "video", "none"), moved(2, "schools", "local"))
    assert "a1 ↔ z1" in text
    assert "local → none" in text
    assert "down: x" in text


def test_both_directions_are_one_row() -> None:
    there = moved(1, "video", "none")
    ways = (way[::-1] for way in (there.links_before, there.links_after))
    back = Moved("trunk-2", there.applications, there.before[::-1], there.after[::-1], "local", "none", *ways)
    assert shown(there, back).count("↔") == 1


def test_a_move_to_a_parallel_link_names_it_and_a_trunk_that_stays_is_said_to_stay() -> None:
    path = ("a", "m", "z")
    one = Moved("t", ("video",), path, path, "local", "local", ("a--m", "m--z"), ("a--m-2", "m--z"))
    two = Moved("u", ("schools",), path, path, "none", "local", ("a--m", "m--z"), ("a--m", "m--z"))
    rows = [line.split() for line in shown(one, two).splitlines()]
    assert ["video", "a", "↔", "z", "m", "over", "a--m-2", "local"] in rows
    assert ["schools", "a", "↔", "z", "m", "as", "before", "none", "→", "local"] in rows
    back = Moved("v", ("video",), path[::-1], path[::-1], "local", "local", ("m--z", "a--m"), ("m--z", "a--m-3"))
    assert shown(one, back).count("↔") == 2, "the two directions went different ways: two rows"


def test_many_trunks_are_summed_up_by_application() -> None:
    many = [moved(number, "video", "none") for number in range(TRUNKS)]
    text = shown(*many, moved(TRUNKS, "schools", "local"))
    assert "↔" not in text
    rows = [line.split() for line in text.splitlines()]
    assert ["video", str(TRUNKS), str(TRUNKS), str(TRUNKS), "local", "→", "none"] in rows
    assert ["schools", "1", "1"] in rows


def test_protection_is_whole_at_80_columns_and_summed_up() -> None:
    way = tuple(f"com-number-{number}" for number in range(6))
    ends = "com-aigues", "com-dourbie"
    was = (ends[0], "pop-north", ends[1])
    one = Moved("t", ("video-protection",), was, (ends[0], *way, ends[1]), "disjoint", "none", demands=3)
    console = Console(file=io.StringIO(), width=80)
    for part in reconciled(Reconciled(frozenset(), frozenset(), (), (), (one,)), "`sdnctl controller undrain x`"):
        console.print(part)
    text = console.file
    assert isinstance(text, io.StringIO)
    assert "disjoint → none" in text.getvalue()
    assert all(f"com-number-{number}" in text.getvalue() for number in range(6))
    assert "3 demands are less protected until `sdnctl controller undrain x`" in text.getvalue()
