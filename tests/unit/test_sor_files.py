"""Files of OTDRs: both generations there and back, another reader, damage, and what makers write differently."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import otdrparser
import pytest

from sdnctl.errors import Diagnostics, InputError
from sdnctl.exchange import sor
from sdnctl.exchange.sor_read import read
from sdnctl.exchange.sor_trace import Settings, reflectogram, sor_file
from sdnctl.exchange.sor_write import write
from sdnctl.inventory.reflectogram import LIGHT


def a_file(generation: int = 2, **general: object) -> sor.SorFile:
    """Launch lead of 100 m, a connector at its end, a splice at 1 km, the end at 2 km; index 1.4682."""

    def ticks(metres: float) -> int:
        return round(metres * 1.4682 / LIGHT * 10)

    events = (
        sor.KeyEvent(1, 0, 0, 250, -51_000, "1F9999"),
        sor.KeyEvent(2, ticks(1000), 210, -40, 0, "0F9999", comment="splice"),
        sor.KeyEvent(3, ticks(2000), 215, 12_345, -14_000, "1E9999"),
    )
    spacing = 250_000  # 2.5 ns
    metres = np.arange(5200) * 2.5 * LIGHT / 1.4682 - 100
    level = 10_000 + 0.2 * metres + np.where(metres > 2000, 25_000, 0) + np.where(metres > 0, 250, 0)
    samples = sor.Samples(1000, level.astype(np.uint16))
    fields = {"cable": "c-12", "fibre": "7", "wavelength": 1550, "origin": "Gare", "user_offset": ticks(100)}
    if generation == 2:
        fields |= {"fibre_type": 652, "user_offset_distance": 1000}
    second = {"averaging_time": 150, "range_distance": 4000} if generation == 2 else {}
    return sor.SorFile(
        generation,
        sor.General(**{**fields, **general}),  # type: ignore[arg-type]
        sor.Fixed(
            1_700_000_000, "mt", 15_500, pulses=(sor.Pulse(30, spacing, 5200),), group_index=146_820, **second
        ),
        events,
        sor.Summary(900, 0, ticks(2000), 31_000, 0, ticks(2000)),
        sor.Supplier("maker", "OTDR 1", "42", "module", "7", "1.0", "none"),
        samples=(samples,),
        extra={"MakerBlock": b"MakerBlock\0\1\2\3" if generation == 2 else b"\1\2\3"},
    )


def trace(file: sor.SorFile, **settings: float) -> tuple[list[tuple[float, bool]], set[str]]:
    """Events as metres and whether they end the fibre, and codes of what was noted."""
    found, notes = reflectogram(file, "t.sor", Settings(**settings))  # type: ignore[arg-type]
    return [(round(found.metres(one.time)), one.end) for one in found.readings], {one.code for one in notes}


def codes(error: pytest.ExceptionInfo[InputError]) -> set[str]:
    return {one.code for one in error.value.diagnostics}


# ── there and back ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("generation", [1, 2])
def test_what_is_written_is_read(generation: int) -> None:
    file = a_file(generation)
    found, notes = read(write(file))
    assert not notes.items
    assert found.checksum is not None
    assert replace(found, checksum=None) == file


def test_landmarks_are_read_and_kept() -> None:
    landmark = sor.Landmark(1, "CH", 12_345, 2, 43_000_000, 438_000_000, 100, 400, 420, "mt", 920, "chamber")
    file = replace(a_file(), landmarks=(landmark,))
    assert read(write(file))[0].landmarks == (landmark,)


def test_an_independent_reader_sees_the_same() -> None:
    """otdrparser, which reads the second generation, was written by others from other files."""
    file = a_file()
    blocks = otdrparser.parse2(io.BytesIO(write(replace(file, extra={}))))
    general, fixed, events = blocks["GenParams"], blocks["FxdParams"], blocks["KeyEvents"]
    assert (general["cable_id"].strip(), general["fiber_id"].strip()) == ("c-12", "7")
    assert general["wavelength"] == 1550
    assert fixed["index_of_refraction"] == pytest.approx(1.4682)
    assert fixed["number_of_data_points"] == 5200
    assert [round(one["distance_of_travel"]) for one in events["events"]] == [0, 1000, 2000]
    assert [one["splice_loss"] for one in events["events"]][:2] == pytest.approx([0.25, -0.04])
    assert blocks["SupParams"]["otdr_name"].strip() == "OTDR 1"


def test_the_checksum_is_the_usual_one() -> None:
    """CRC-16/CCITT-FALSE, of which the check value of "123456789" is published: 0x29B1."""
    data = write(a_file())
    value = 0xFFFF
    for byte in data[:-2]:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    assert struct.unpack("<H", data[-2:]) == (value,)


# ── damage ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("generation", [1, 2])
def test_a_truncated_file_says_where(generation: int) -> None:
    """Wherever a file is cut off, the block and the byte are named, and nothing is read by halves."""
    data = write(a_file(generation))
    for length in [*range(0, 700, 7), len(data) // 2, len(data) - 1]:
        with pytest.raises(InputError) as error:
            read(data[:length], "cut.sor")
        first = error.value.diagnostics[0]
        assert first.code in ("sor-truncated", "sor-not-a-trace")
        if first.code == "sor-truncated":
            assert "block" in first.summary
            assert f"of {length:,}" in first.detail
            assert first.source is not None
            assert first.source.file == "cut.sor"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 a zip file", b"%PDF-1.7", bytes(100), b"\xff" * 100])
def test_what_is_no_trace_says_so(data: bytes) -> None:
    with pytest.raises(InputError) as error:
        read(data)
    assert codes(error) <= {"sor-not-a-trace", "sor-truncated"}


def test_a_wrong_checksum_is_a_warning() -> None:
    """Three makers of three compute it differently, so it cannot be an error; the commands have --strict."""
    data = bytearray(write(a_file()))
    at = data.index(b"splice")
    data[at : at + 6] = b"SPLICE"
    found, notes = read(bytes(data))
    assert not found.checksum_ok
    assert [one.code for one in notes] == ["sor-checksum"]
    assert found.events[1].comment == "SPLICE"


def test_a_checksum_that_starts_with_zero_fits() -> None:
    import binascii

    data = write(a_file())[:-2]
    assert read(data + struct.pack("<H", binascii.crc_hqx(data, 0)))[0].checksum_ok


@pytest.mark.parametrize(
    ("block", "skip", "form", "value", "what"),
    [
        ("KeyEvents", 0, "<H", 65_535, "65,535 events"),
        ("DataPts", 0, "<I", 4_000_000_000, "samples are more than"),
        ("DataPts", 0, "<I", 6_000_000, "6,000,000 samples"),
        ("DataPts", 6, "<I", 1_000_000, "1,000,000 samples"),
        ("FxdParams", 16, "<H", 60_000, "60,000 pulse widths"),
    ],
)
def test_absurd_sizes_are_refused_before_anything_is_made(
    block: str, skip: int, form: str, value: int, what: str
) -> None:
    data = bytearray(write(a_file()))
    name = block.encode() + b"\0"
    at = data.index(name, data.index(name) + 1) + len(name) + skip  # behind its second mention: the block itself
    data[at : at + struct.calcsize(form)] = struct.pack(form, value)
    with pytest.raises(InputError) as error:
        read(bytes(data), "big.sor")
    found = next(one for one in error.value.diagnostics if one.address.endswith(block))
    assert what in found.detail


def test_faults_of_all_blocks_are_told_at_once() -> None:
    data = bytearray(write(a_file()))
    for block in (b"GenParams\0", b"KeyEvents\0"):
        at = data.index(block, data.index(block) + 1)
        data[at] = ord("X")
    with pytest.raises(InputError) as error:
        read(bytes(data))
    assert {one.address for one in error.value.diagnostics} == {"trace block GenParams", "trace block KeyEvents"}


def test_blocks_that_are_needed_are_missed() -> None:
    data = write(a_file()).replace(b"KeyEvents\0", b"OtherName\0")
    with pytest.raises(InputError) as error:
        read(data)
    assert codes(error) == {"sor-block-missing"}


# ── what makers write differently ────────────────────────────────────────────────────────────────


def test_distances_follow_from_the_index_of_the_trace() -> None:
    assert trace(a_file())[0] == [(0, False), (1000, False), (2000, True)]
    assert [at for at, _ in trace(a_file(), index=1.4600)[0]] == [0, 1006, 2011]


@pytest.mark.parametrize(
    ("nominal", "actual", "noted"),
    [(1550, 15_500, False), (1550, 1_550, True), (15_500, 15_500, True), (0, 15_500, True), (155, 15_500, True)],
)
def test_wavelengths_off_by_ten(nominal: int, actual: int, noted: bool) -> None:
    file = a_file(wavelength=nominal)
    file = replace(file, fixed=replace(file.fixed, wavelength=actual))
    found, notes = reflectogram(file, "t.sor")
    assert found.wavelength == 1550
    assert [one.code for one in notes] == ["sor-wavelength"] * noted


def test_no_wavelength_at_all() -> None:
    file = a_file(wavelength=0)
    with pytest.raises(InputError) as error:
        reflectogram(replace(file, fixed=replace(file.fixed, wavelength=0)), "t.sor")
    assert codes(error) == {"sor-wavelength"}


@pytest.mark.parametrize("index", [0, 14_682, 400_000])
def test_an_absurd_index_needs_one_by_hand(index: int) -> None:
    file = a_file()
    file = replace(file, fixed=replace(file.fixed, group_index=index))
    with pytest.raises(InputError) as error:
        reflectogram(file, "t.sor")
    assert codes(error) == {"sor-group-index"}
    assert trace(file, index=1.4682)[0][-1] == (2000, True)


def moved(file: sor.SorFile, ticks: int) -> sor.SorFile:
    return replace(file, events=tuple(replace(one, time=one.time + ticks) for one in file.events))


def test_events_written_from_the_port_are_moved() -> None:
    file = a_file()
    events, notes = trace(moved(file, file.general.user_offset))
    assert events == [(0, False), (1000, False), (2000, True)]
    assert notes == {"sor-event-origin"}


def test_an_event_as_far_behind_the_start_as_the_lead_is_long_is_no_other_origin() -> None:
    """The backscatter tells where the fibre really ends."""
    file = a_file()
    splice = replace(file.events[1], time=file.general.user_offset)
    file = replace(file, events=(file.events[0], splice, file.events[2]))
    assert trace(file) == ([(0, False), (100, False), (2000, True)], set())


def test_events_with_the_front_panel_added_are_moved() -> None:
    file = a_file()
    file = replace(file, fixed=replace(file.fixed, front_panel_offset=2150))
    assert trace(moved(file, 2150)) == ([(0, False), (1000, False), (2000, True)], {"sor-event-origin"})


def test_a_lead_by_hand_moves_the_start() -> None:
    assert [at for at, _ in trace(a_file(user_offset=0), launch=400.0)[0]] == [-400, 600, 1600]


def test_the_loss_of_the_end_is_none() -> None:
    found, _ = reflectogram(a_file(), "t.sor")
    assert [one.loss for one in found.readings] == [0.25, -0.04, None]
    assert [one.reflectance for one in found.readings] == [-51.0, None, -14.0]


def test_events_behind_the_end_do_not_end_the_fibre() -> None:
    file = a_file()
    ghost = sor.KeyEvent(4, file.events[2].time * 2, 0, 0, -60_000, "1F9999")
    found, _ = reflectogram(replace(file, events=(*file.events, ghost)), "t.sor")
    assert found.end is not None
    assert round(found.metres(found.end.time)) == 2000


def test_no_events() -> None:
    with pytest.raises(InputError) as error:
        reflectogram(replace(a_file(), events=()), "t.sor")
    assert codes(error) == {"sor-no-events"}


@pytest.mark.parametrize("generation", [1, 2])
def test_a_trace_as_a_file_is_the_same_trace(generation: int) -> None:
    found, _ = reflectogram(a_file(), "t.sor")
    again, notes = reflectogram(read(write(sor_file(found, generation)))[0], "t.sor")
    assert not Diagnostics(list(notes)).errors
    assert (again.wavelength, again.index, again.taken, again.cable) == (1550, 1.4682, found.taken, "c-12")
    for one, two in zip(found.readings, again.readings, strict=True):
        assert one.time == pytest.approx(two.time, abs=0.06)
        assert (one.loss, one.reflectance, one.end) == (two.loss, two.reflectance, two.end)
    assert again.lead == pytest.approx(found.lead, abs=0.06)
    assert again.first == pytest.approx(found.first, abs=0.11)
    assert np.allclose(np.diff(again.samples), np.diff(found.samples), atol=0.0021)
