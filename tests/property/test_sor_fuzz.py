"""Any bytes: a .sor file is read, or refused with diagnostics; nothing else ever happens."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdnctl.errors import InputError
from sdnctl.exchange import sor
from sdnctl.exchange.sor_read import read
from sdnctl.exchange.sor_trace import reflectogram
from sdnctl.exchange.sor_write import write

WORDS = st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=12).map(str.strip)
SHORT, LONG = st.integers(-(2**15), 2**15 - 1), st.integers(-(2**31), 2**31 - 1)
U16, U32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)


@st.composite
def files(draw: st.DrawFn) -> sor.SorFile:
    second = draw(st.booleans())
    only = LONG if second else st.just(0)
    general = sor.General(
        "EN",
        draw(WORDS),
        draw(WORDS),
        draw(U16 if second else st.just(0)),
        draw(U16),
        draw(WORDS),
        draw(WORDS),
        draw(WORDS),
        "BC",
        draw(LONG),
        draw(only),
        draw(WORDS),
        draw(WORDS),
    )
    pulses = tuple(sor.Pulse(draw(U16), draw(U32), draw(U32)) for _ in range(draw(st.integers(0, 3))))
    fixed = sor.Fixed(
        draw(U32),
        "km",
        draw(U16),
        draw(LONG),
        draw(only),
        pulses,
        draw(U32),
        draw(U16),
        draw(U32),
        draw(U16 if second else st.just(0)),
        draw(U32),
        draw(only),
        draw(LONG),
        draw(U16),
        draw(SHORT),
        draw(U16),
        draw(U16),
        draw(U16),
        draw(U16),
        "ST",
        (draw(only), 0, 0, 0),
    )
    events = tuple(
        sor.KeyEvent(
            draw(U16),
            draw(LONG),
            draw(SHORT),
            draw(SHORT),
            draw(LONG),
            draw(st.sampled_from(("0F9999", "1F9999", "2E9999", "1O0001"))),
            "2P",
            (draw(only), draw(only), 0, 0, 0),
            draw(WORDS),
        )
        for _ in range(draw(st.integers(0, 4)))
    )
    values = np.array(draw(st.lists(U16, max_size=20)), np.uint16)
    samples = (sor.Samples(draw(U16), values),) if len(values) else ()
    extra = draw(st.dictionaries(st.sampled_from(("MakerA", "MakerB")), st.binary(max_size=10), max_size=2))
    return sor.SorFile(
        1 + second, general, fixed, events, sor.Summary(1, 2, 3, 4, 5, 6), samples=samples, extra=extra
    )


@given(files())
@settings(max_examples=60)
def test_load_after_dump_is_identity(file: sor.SorFile) -> None:
    found, notes = read(write(file))
    assert found.checksum_ok
    assert replace(found, checksum=None) == file
    assert {one.code for one in notes} <= {"sor-sample-count"}


def survives(data: bytes) -> bool:
    """Whether bytes were read; they may only be refused with diagnostics."""
    try:
        file, _ = read(data)
        reflectogram(file, "fuzzed")
    except InputError:
        return False
    return True


@given(st.binary(max_size=400))
@settings(max_examples=100)
def test_any_bytes(data: bytes) -> None:
    survives(data)
    survives(b"Map\0" + data)


def mutated(rng: random.Random, data: bytes) -> bytes:
    """A file with bytes changed, taken out, put in or cut off, mostly where its sizes and counts stand."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(made), 700))
        what = rng.random()
        if what < 0.5:
            made[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif what < 0.7:
            del made[at : at + rng.randint(1, 20)]
        elif what < 0.9:
            made[at:at] = rng.randbytes(rng.randint(1, 20))
        else:
            del made[rng.randrange(1, len(made)) :]
        if len(made) < 2:
            break
    return bytes(made)


def mutate(count: int, seed: int) -> None:
    from otdr_world import make_world, random_shot, sor_file

    rng = random.Random(seed)
    worlds = [make_world(number) for number in range(4)]
    whole = [sor_file(world, random_shot(rng)) for world in worlds]
    read_after_all = sum(survives(mutated(rng, rng.choice(whole))) for _ in range(count))
    assert 0 < read_after_all < count, "some damage is harmless, some is not"


def test_damaged_files() -> None:
    mutate(1500, 1)


@pytest.mark.soak
def test_damaged_files_soak() -> None:
    mutate(100_000, 2)
