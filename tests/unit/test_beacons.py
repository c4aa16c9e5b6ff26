"""Beacons are believed once, in time, and only those of this network."""

from __future__ import annotations

import pytest

from sdnctl.daemon import beacons as module
from sdnctl.daemon.beacons import OUI, SUBTYPE, TAG, WINDOW, Beacons, Disbelief, Origin
from sdnctl.dataplane.values import DISCOVERY_MAC
from sdnctl.southbound.lldp import LOCAL, Lldp, Organisational, Tlv, decode, encode

HERE = Origin(0xA1, 7)


class Clock:
    now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_is_believed_once(clock: Clock) -> None:
    one = Beacons(b"k" * 32, clock)
    frame = one.make(HERE, 10, "core-a")
    assert one.believe(frame) == HERE
    assert one.believe(frame) is Disbelief.REPLAYED
    assert one.refused == {Disbelief.REPLAYED: 1}


def test_what_it_shows_anybody(clock: Clock) -> None:
    frame = decode(Beacons(b"k" * 32, clock).make(HERE, 121, "core-a"))
    assert frame.source == DISCOVERY_MAC
    assert frame.chassis == (LOCAL, b"dpid:00000000000000a1")
    assert frame.port == (LOCAL, b"7")
    assert (frame.ttl, frame.system_name) == (121, "core-a")
    assert decode(Beacons(b"k" * 32, clock).make(HERE, 1)).system_name is None


def test_two_are_never_alike(clock: Clock) -> None:
    one = Beacons(b"k" * 32, clock)
    assert one.make(HERE, 10) != one.make(HERE, 10)


def test_another_key_is_forged(clock: Clock) -> None:
    assert Beacons(b"k" * 32, clock).believe(Beacons(b"x" * 32, clock).make(HERE, 10)) is Disbelief.FORGED


def test_another_run_with_the_same_key_is_a_replay(clock: Clock) -> None:
    """A nonce that this process did not send: somebody recorded it, or the last controller did."""
    assert Beacons(b"k" * 32, clock).believe(Beacons(b"k" * 32, clock).make(HERE, 10)) is Disbelief.REPLAYED


def test_a_window_later_it_counts_two_later_it_is_expired(clock: Clock) -> None:
    one = Beacons(b"k" * 32, clock)
    first, second = one.make(HERE, 10), one.make(HERE, 10)
    clock.now += WINDOW
    assert one.believe(first) == HERE
    clock.now += WINDOW
    assert one.believe(second) is Disbelief.EXPIRED


def test_what_is_not_ours_and_what_is_none(clock: Clock) -> None:
    one = Beacons(b"k" * 32, clock)
    theirs = encode(Lldp(DISCOVERY_MAC, (LOCAL, b"x"), (LOCAL, b"1"), 10, (Tlv(5, b"their switch"),)))
    short = encode(
        Lldp(DISCOVERY_MAC, (LOCAL, b"x"), (LOCAL, b"1"), 10, (Organisational(OUI, SUBTYPE, b"short").tlv(),))
    )
    assert one.believe(theirs) is Disbelief.FOREIGN
    assert one.believe(short) is Disbelief.MALFORMED
    assert one.believe(b"\0" * 60) is Disbelief.MALFORMED


def test_ports_that_never_answer_cost_bounded_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OUTSTANDING", 3)
    one = Beacons(b"k" * 32, clock)
    frames = [one.make(Origin(1, port), 10) for port in range(4)]
    assert one.believe(frames[0]) is Disbelief.REPLAYED, "forgotten"
    assert one.believe(frames[3]) == Origin(1, 3)


def test_the_tag_is_half_of_the_hash_and_the_key_is_not_short(clock: Clock) -> None:
    assert TAG * 8 == 128
    with pytest.raises(ValueError, match="32"):
        Beacons(b"short", clock)
