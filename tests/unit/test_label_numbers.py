"""Label: what keeps its number, what gets the lowest free one, and when a number is free again."""

from __future__ import annotations

from dataclasses import replace

from compile_networks import both_ways, endpoint, network
from paths_networks import ring, topology

from sdnctl.compiler.groups import STANDBY
from sdnctl.compiler.ir import Baseline, Bypass, LabelRange, Network, Placement, Settings
from sdnctl.compiler.label import Labelled, label, next_baseline, settle
from sdnctl.compiler.lower import lower
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.topology.graph import Hop, Path, Topology

TOPOLOGY = topology(ring(4))  # a–b–c–d–a; l0 is a–b
SETTINGS = Settings(
    "test",
    trunk_labels=LabelRange(100, 109),
    bypass_labels=LabelRange(200, 209),
    service_labels=LabelRange(300, 309),
)
RIGHT = Path((Hop("l0", "a", "b"), Hop("l1", "b", "c")))
LEFT = Path((Hop("l3", "a", "d"), Hop("l2", "d", "c")))


def line(name: str, port: int) -> list[Demand]:
    return both_ways(name, endpoint(f"{name}-a", "a", port), endpoint(f"{name}-c", "c", port), Service.LINE)


def net(*demands: Demand, topo: Topology = TOPOLOGY, settings: Settings = SETTINGS) -> Network:
    return network(topo, demands, settings)


def placed(one: Network, path: Path = RIGHT, standby: Path | None = None, grade: Grade = Grade.NONE) -> Placement:
    """All demands from a to c on one trunk, those back on another."""
    there = tuple(sorted(item.id for item in one.demands if item.ingress.attachment.node == "a"))
    back = tuple(sorted(item.id for item in one.demands if item.ingress.attachment.node == "c"))
    paths = {"a>c": (path, standby), "c>a": (path.reversed(), standby.reversed() if standby else None)}
    if not one.demands:
        return Placement({}, {}, {}, (), (), ())
    return Placement(paths, dict.fromkeys(paths, grade), {"a>c": there, "c>a": back}, (), (), ())


def run(
    one: Network, placement: Placement, baseline: Baseline | None = None, bypasses: tuple[Bypass, ...] = ()
) -> tuple[Labelled, Baseline]:
    before = baseline or Baseline()
    labelled, findings = label(one, placement, bypasses, before)
    assert not findings, findings
    rules, _ = lower(one, labelled)
    return labelled, next_baseline(labelled, rules, before)


def test_first_numbers_are_the_lowest_in_order_of_keys() -> None:
    one = net(*line("x", 50), *line("w", 51))
    labelled, baseline = run(one, placed(one))
    assert baseline.labels == {"a>c": 100, "c>a": 101}
    assert labelled.services == {"w>w-a": 300, "w>w-c": 301, "x>x-a": 302, "x>x-c": 303}
    assert sorted(labelled.demands.values()) == [1, 2, 3, 4]
    assert list(labelled.demands) == sorted(labelled.demands)
    assert labelled.trunks[0].cir == 2_000_000


def test_a_changed_path_gets_a_new_label_and_the_old_one_waits_for_its_switches() -> None:
    one = net(*line("x", 50))
    _, first = run(one, placed(one))
    labelled, second = run(one, placed(one, LEFT), first)
    assert second.labels == {"a>c": 102, "c>a": 103}
    assert second.quarantine == {100: ("a", "b", "c"), 101: ("a", "b", "c")}
    assert second.ids["demand"] == first.ids["demand"]
    assert second.ids["service"] == first.ids["service"]
    # Back again: the old labels may still be on some switch, so they are not used.
    _, third = run(one, placed(one), second)
    assert third.labels == {"a>c": 104, "c>a": 105}
    assert third.quarantine.keys() == {100, 101, 102, 103}
    assert labelled.trunks[0].path == LEFT


def test_a_label_is_free_when_every_switch_that_held_it_has_let_go() -> None:
    one = net(*line("x", 50))
    _, first = run(one, placed(one))
    labelled, second = run(one, placed(one, LEFT), first)
    rules, _ = lower(one, labelled)
    silent: dict[str, RuleSet | None] = {**rules, "b": None}
    waiting = settle(second, silent)
    assert waiting.quarantine == {100: ("b",), 101: ("b",)}
    assert run(one, placed(one), waiting)[1].labels == {"a>c": 104, "c>a": 105}
    settled = settle(waiting, rules)
    assert settled.quarantine == {}
    assert run(one, placed(one), settled)[1].labels == {"a>c": 100, "c>a": 101}
    assert settle(waiting, {}, gone=["b"]).quarantine == {}


def test_a_label_that_a_switch_still_holds_stays_in_quarantine() -> None:
    one = net(*line("x", 50))
    old, first = run(one, placed(one))
    _, second = run(one, placed(one, LEFT), first)
    still, _ = lower(one, old)
    assert settle(second, still).quarantine == second.quarantine


def test_quarantine_is_known_without_held_too() -> None:
    """A baseline made by hand has paths and labels only."""
    one = net(*line("x", 50))
    bare = Baseline(paths={"a>c": RIGHT, "c>a": RIGHT.reversed()}, labels={"a>c": 100, "c>a": 101})
    _, second = run(one, placed(one, LEFT), bare)
    assert second.quarantine == {100: ("a", "b", "c"), 101: ("a", "b", "c")}


def test_what_goes_and_what_comes_in_one_edit_share_no_number() -> None:
    one, other = net(*line("x", 50)), net(*line("y", 51))
    first_labels, first = run(one, placed(one))
    second_labels, second = run(other, placed(other), first)
    assert not set(first_labels.demands.values()) & set(second_labels.demands.values())
    assert not set(first_labels.services.values()) & set(second_labels.services.values())
    assert set(second.held["demand"]) == {1, 2, 3, 4}
    rules, _ = lower(other, second_labels)
    assert set(settle(second, rules).held["demand"]) == {3, 4}


def test_standby_has_a_label_of_its_own_and_the_flip_survives_while_both_paths_do() -> None:
    one = net(*line("x", 50))
    labelled, first = run(one, placed(one, RIGHT, LEFT, Grade.DISJOINT))
    assert first.labels == {"a>c": 100, "a>c" + STANDBY: 101, "c>a": 102, "c>a" + STANDBY: 103}
    assert [trunk.standby_label for trunk in labelled.trunks] == [101, 103]
    flipped = replace(first, flipped=frozenset({"a>c"}))
    again, kept = run(one, placed(one, RIGHT, LEFT, Grade.DISJOINT), flipped)
    assert [trunk.flipped for trunk in again.trunks] == [True, False]
    assert kept.flipped == {"a>c"}
    swapped, _ = run(one, placed(one, LEFT, RIGHT, Grade.DISJOINT), flipped)
    assert not any(trunk.flipped for trunk in swapped.trunks)


def test_a_bypass_of_one_hop_needs_no_label_and_a_changed_one_gets_a_new_one() -> None:
    one = net(*line("x", 50))
    short = Bypass("l1:b>c", ("b", "c"), "l1", Path((Hop("l9", "b", "c"),)), None)
    around = Path((Hop("l3", "a", "d"), Hop("l2", "d", "c"), Hop("l1", "c", "b")))
    long = Bypass("l0:a>b", ("a", "b"), "l0", around, None)
    labelled, findings = label(one, placed(one, grade=Grade.LOCAL), (short, long), Baseline())
    assert not findings
    assert {bypass.key: bypass.label for bypass in labelled.bypasses} == {"l0:a>b": 200, "l1:b>c": None}
    before = Baseline(bypasses={"l0:a>b": around}, ids={"bypass": {"l0:a>b": 205}})
    kept, _ = label(one, placed(one, grade=Grade.LOCAL), (long,), before)
    assert kept.bypasses[0].label == 205
    other = replace(long, path=Path((Hop("l8", "a", "c"), Hop("l1", "c", "b"))))
    moved, _ = label(one, placed(one, grade=Grade.LOCAL), (other,), before)
    assert moved.bypasses[0].label == 200


def test_every_exhausted_range_is_reported_at_once() -> None:
    tight = replace(SETTINGS, trunk_labels=LabelRange(100, 100), service_labels=LabelRange(300, 300))
    one = net(*line("x", 50), settings=tight)
    _, findings = label(one, placed(one), (), Baseline())
    assert {(item.code, item.address) for item in findings} == {
        ("range-exhausted", "network test trunk labels"),
        ("range-exhausted", "network test service labels"),
    }
    assert all(item.summary.endswith("for 1 more") and "network.yaml" in item.hint for item in findings)


def test_labels_outside_a_changed_range_are_given_anew() -> None:
    one = net(*line("x", 50))
    _, first = run(one, placed(one))
    other = net(*line("x", 50), settings=replace(SETTINGS, trunk_labels=LabelRange(500, 509)))
    assert run(other, placed(other), first)[1].labels == {"a>c": 500, "c>a": 501}
