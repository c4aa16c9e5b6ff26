"""The state machine of links: hold-down, damping, release, whatever the ports do."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from sdnctl.daemon.links import CEILING, Happened, Patience, Turn, Watch

LINKS = ("a", "b", "c")
PATIENCE = st.builds(
    Patience,
    hold_down=st.floats(0.0, 20.0),
    half_life=st.floats(1.0, 100.0),
    limit=st.integers(2, 8),
)
STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 30.0),
        st.dictionaries(st.sampled_from(LINKS), st.booleans()),
    ),
    max_size=40,
)


def history(
    patience: Patience, steps: list[tuple[float, dict[str, bool]]]
) -> Iterator[tuple[float, Watch, tuple[Turn, ...]]]:
    """Time, watch and what happened, step by step; the watch is also woken when it asks to be."""
    watch, now = Watch(patience), 0.0
    for pause, seen in steps:
        end = now + pause
        while watch.wake is not None and watch.wake < end:
            now = watch.wake
            watch, turns = watch.release(now)
            yield now, watch, turns
        now = end
        watch, turns = watch.observe(now, seen)
        yield now, watch, turns


@given(PATIENCE, STEPS)
def test_nothing_is_released_before_its_hold_down(
    patience: Patience, steps: list[tuple[float, dict[str, bool]]]
) -> None:
    went_up: dict[str, float] = {}
    for now, _, turns in history(patience, steps):
        for turn in turns:
            if turn.happened is Happened.UP_AGAIN:
                went_up[turn.link] = now
            elif turn.happened is Happened.DOWN:
                went_up.pop(turn.link, None)
            elif turn.happened is Happened.RELEASED:
                assert now - went_up.pop(turn.link) >= patience.hold_down - 1e-9


@given(PATIENCE, STEPS)
def test_what_is_down_counts_as_failed_and_everything_that_stays_up_is_released(
    patience: Patience, steps: list[tuple[float, dict[str, bool]]]
) -> None:
    watch, now, up = Watch(patience), 0.0, dict.fromkeys(LINKS, True)
    for time, last, _ in history(patience, steps):
        now, watch = time, last
    for _, seen in steps:
        up |= seen
    assert {link for link, state in up.items() if not state} <= watch.failed
    watch, _ = watch.observe(now, dict.fromkeys(LINKS, True))
    end = now + max(patience.hold_down, patience.half_life * 3.0) + 1e-6
    wakes = 0
    while watch.wake is not None:
        assert watch.wake <= end, "a link that stays up waits for ever"
        watch, _ = watch.release(watch.wake)
        wakes += 1
    assert not watch.failed
    assert wakes <= len(LINKS), "each link is released once"


@given(PATIENCE, STEPS, st.permutations(LINKS))
def test_what_is_seen_at_one_time_may_be_told_in_any_order(
    patience: Patience, steps: list[tuple[float, dict[str, bool]]], order: list[str]
) -> None:
    at_once, one_by_one, now = Watch(patience), Watch(patience), 0.0
    for pause, seen in steps:
        now += pause
        at_once, together = at_once.observe(now, seen)
        apart: set[Turn] = set()
        for link in (link for link in order if link in seen):
            one_by_one, turns = one_by_one.observe(now, {link: seen[link]})
            apart.update(turns)
        assert apart == set(together)
        assert one_by_one == at_once
        (at_once, together), (one_by_one, turns) = at_once.release(now), one_by_one.release(now)
        assert turns == together


@given(PATIENCE, st.integers(1, 30))
def test_a_link_that_flaps_is_damped_at_its_limit_and_not_before(patience: Patience, flaps: int) -> None:
    watch, damped = Watch(patience), []
    for flap in range(1, flaps + 1):
        watch, turns = watch.observe(0.0, {"a": False})
        damped += [flap for turn in turns if turn.happened is Happened.DAMPED]
        watch, _ = watch.observe(0.0, {"a": True})
    assert damped == ([patience.limit] if flaps >= patience.limit else [])
    assert all(record.penalty <= CEILING for record in watch.records.values())
