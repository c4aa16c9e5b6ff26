"""When a link counts as failed, by example; when a switch is dead and when it is only unknown."""

from __future__ import annotations

from math import log2

import pytest
from lab_ring import ring

from sdnctl.daemon.links import Happened, Patience, Turn, Watch, dead_switches, links_seen
from sdnctl.topology.graph import PortRef

RING = ring(6)
ALL_UP = {end: True for link in RING.links.values() for end in (link.a, link.b)}


def ports(**down: str) -> dict[PortRef, bool]:
    """All ports up but these: switch → digits of its ports that are down."""
    found = dict(ALL_UP)
    found.update({PortRef(node, int(digit)): False for node, digits in down.items() for digit in digits})
    return found


def test_a_link_goes_down_settles_and_is_released_after_its_hold_down() -> None:
    watch = Watch(Patience(hold_down=5.0))
    watch, turns = watch.observe(10.0, {"L1": False})
    assert turns == (Turn("L1", Happened.DOWN),)
    assert (watch.failed, watch.wake) == ({"L1"}, None)
    watch, turns = watch.observe(20.0, {"L1": True})
    assert turns == (Turn("L1", Happened.UP_AGAIN),)
    assert (watch.failed, watch.settling, watch.wake) == ({"L1"}, {"L1"}, 25.0)
    watch, turns = watch.release(24.9)
    assert turns == ()
    watch, turns = watch.release(25.0)
    assert turns == (Turn("L1", Happened.RELEASED),)
    assert (watch.failed, watch.wake) == (frozenset(), None)


def test_the_third_flap_damps_a_link_and_a_half_life_or_two_of_calm_release_it() -> None:
    watch = Watch(Patience(hold_down=1.0, half_life=60.0, limit=3))
    for second in (0.0, 1.0, 2.0):
        assert not watch.damped
        watch, _ = watch.observe(second, {"L1": False})
        watch, _ = watch.observe(second + 0.5, {"L1": True})
    assert watch.damped == {"L1"}
    penalty = 2 ** (-2 / 60) + 2 ** (-1 / 60) + 1
    assert watch.wake == pytest.approx(2.0 + 60.0 * log2(penalty))
    watch, turns = watch.release(watch.wake or 0.0)
    assert turns == (Turn("L1", Happened.RELEASED),)


def test_flaps_that_lie_far_apart_do_not_damp() -> None:
    watch = Watch(Patience(hold_down=1.0, half_life=60.0, limit=3))
    for hour in range(10):
        watch, _ = watch.observe(hour * 3600.0, {"L1": False})
        watch, _ = watch.observe(hour * 3600.0 + 1, {"L1": True})
        assert not watch.damped
        watch, _ = watch.release(hour * 3600.0 + 2)
    watch, _ = watch.release(11 * 3600.0)
    assert watch.records == {}, "what was long ago is forgotten"


def test_a_watch_that_begins_with_failed_links_waits_for_them_like_for_others() -> None:
    watch = Watch.begin(Patience(hold_down=5.0), 100.0, {"L1"})
    assert (watch.failed, watch.wake) == ({"L1"}, None)
    watch, _ = watch.observe(101.0, {"L1": True, "L2": True})
    assert watch.wake == 106.0


def test_either_end_takes_a_link_down() -> None:
    assert [link for link, up in links_seen(RING, ports(s2="1"), ()).items() if not up] == ["L2"]
    assert [link for link, up in links_seen(RING, ports(s3="2"), ()).items() if not up] == ["L2"]


def test_of_an_unreachable_switch_the_other_end_decides() -> None:
    seen = links_seen(RING, ports(s3="12"), {"s3"})
    assert all(seen.values()), "what s3 said before it went silent does not count"
    seen = links_seen(RING, ports(s2="1"), {"s3"})
    assert [link for link, up in seen.items() if not up] == ["L2"]


def test_a_link_between_two_silent_switches_stays_what_it_was() -> None:
    assert "L2" not in links_seen(RING, ports(), {"s2", "s3"})


@pytest.mark.parametrize(
    ("down", "unreachable", "dead"),
    [
        ({"s2": "1", "s4": "2"}, {"s3"}, {"s3"}),
        ({"s2": "1"}, {"s3"}, set()),
        ({}, {"s3"}, set()),
        ({"s2": "1", "s4": "2"}, set(), set()),
        ({"s2": "1", "s5": "2"}, {"s3", "s4"}, {"s3", "s4"}),
        ({"s2": "1"}, {"s3", "s4"}, set()),
        ({"s1": "1", "s3": "2", "s4": "1", "s6": "2"}, {"s2", "s5"}, {"s2", "s5"}),
        ({}, {"s1", "s2", "s3", "s4", "s5", "s6"}, set()),
    ],
    ids=["dead", "half", "silent", "cut-off", "two", "two-half", "apart", "nobody-to-ask"],
)
def test_a_switch_is_dead_when_all_its_links_are_seen_down_from_the_other_side(
    down: dict[str, str], unreachable: set[str], dead: set[str]
) -> None:
    assert dead_switches(RING, ports(**down), unreachable) == dead


def test_links_between_dead_switches_are_down() -> None:
    seen = links_seen(RING, ports(s2="1", s5="2"), {"s3", "s4"})
    assert sorted(link for link, up in seen.items() if not up) == ["L2", "L3", "L4"]
