"""Reading .sor files of both generations: every length is checked before anything is read or made by it.

`read` gives the whole file as a `SorFile`, or raises InputError with a diagnostic for each block that cannot be
read: which block, at which byte, what was missing. What is odd but harmless (a checksum that does not fit, bytes
after the end) is a warning.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from sdnctl.errors import Diagnostics, InputError, Source
from sdnctl.exchange import sor
from sdnctl.exchange.bytesource import BlockFault, Cursor

T = TypeVar("T")
MOST_BLOCKS = 200
"""More blocks than any instrument writes: a map with more is no map."""
LARGEST = 256 * 1024 * 1024
"""Bytes. Traces have kilobytes, the largest with hidden extras some megabytes."""
_SAMPLES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Block:
    name: str
    start: int
    end: int


@dataclass(slots=True)
class _File:
    """A file being read: its name for diagnostics, and what was found wrong."""

    data: bytes
    name: str
    out: Diagnostics = field(default_factory=Diagnostics)

    def error(self, code: str, block: str, offset: int, why: str, hint: str) -> None:
        self.out.error(
            code,
            f"block {block} of {self.name} cannot be read",
            address=f"{self.name} block {block}",
            source=Source(self.name),
            detail=f"At byte {offset:,} of {len(self.data):,}: {why}.",
            hint=hint,
        )


def read(data: bytes, name: str = "trace") -> tuple[sor.SorFile, Diagnostics]:
    """The contents of a file, and warnings; raises InputError. `name` is for diagnostics."""
    file = _File(data, name)
    generation, blocks = _map(file)
    file.out.raise_if_errors(InputError)
    for missing in (one for one in sor.REQUIRED if one not in blocks):
        file.error("sor-block-missing", missing, 0, "the map does not list it", "Export the trace again.")
    general = _block(file, generation, blocks, sor.GENERAL, _general) or sor.General()
    supplier = _block(file, generation, blocks, sor.SUPPLIER, _supplier) or sor.Supplier()
    fixed = _block(file, generation, blocks, sor.FIXED, _fixed) or sor.Fixed()
    events, summary = _block(file, generation, blocks, sor.EVENTS, _events) or ((), None)
    samples = _block(file, generation, blocks, sor.POINTS, _points) or ()
    checksum = _block(file, generation, blocks, sor.CHECKSUM, _checksum)
    extra = {one.name: data[one.start : one.end] for one in blocks.values() if one.name not in sor.KNOWN}
    landmarks: tuple[sor.Landmark, ...] = ()
    if sor.LINK in blocks:
        found = _landmarks(file, blocks[sor.LINK]) if generation == 2 else None
        if found is None:  # nothing needs them, and the first generation's layout is not public: kept as it is
            extra[sor.LINK] = data[blocks[sor.LINK].start : blocks[sor.LINK].end]
        landmarks = found or ()
    file.out.raise_if_errors(InputError)
    _check_counts(file, fixed, samples)
    position, value = checksum if checksum is not None else (0, None)
    return sor.SorFile(
        generation,
        general,
        fixed,
        events,
        summary,
        supplier,
        landmarks,
        samples,
        extra,
        value,
        value is None or _check_sum(file, position, value),
    ), file.out


def _warn(file: _File, code: str, summary: str, *, detail: str, hint: str = "") -> None:
    file.out.warning(code, summary, source=Source(file.name), detail=detail, hint=hint)


# ── the map ──────────────────────────────────────────────────────────────────────────────────────


def _map(file: _File) -> tuple[int, dict[str, _Block]]:
    """Generation and blocks; faults are reported in `file`."""
    data = file.data
    generation = 2 if data.startswith(b"Map\0") else 1
    if len(data) > LARGEST:
        _no_trace(file, f"It has {len(data):,} bytes; traces have at most {LARGEST:,}.")
        return generation, {}
    cursor = Cursor(data, sor.MAP, 4 if generation == 2 else 0, len(data))
    try:
        revision, size, count = cursor.numbers("HIH", "the head of the map")
        if generation == 1 and not 50 <= revision < 200:
            _no_trace(file, "It begins neither with a map of blocks nor with the number of the first generation.")
            return generation, {}
        if not 2 <= count <= MOST_BLOCKS:
            raise cursor.fault(f"a file has 3 to {MOST_BLOCKS} blocks, this one {count:,}")
        if size > len(data):
            raise cursor.fault(f"the map is said to be {size:,} bytes long")
        cursor.end = size
        entries = [
            (cursor.text("a block's name"), cursor.numbers("HI", "a block's size")) for _ in range(count - 1)
        ]
    except BlockFault as fault:
        file.error("sor-truncated", fault.block, fault.offset, fault.why, "Export the trace again.")
        return generation, {}
    return generation, _place(file, size, [(name, length) for name, (_, length) in entries])


def _no_trace(file: _File, why: str) -> None:
    file.out.error(
        "sor-not-a-trace",
        f"{file.name} is not an OTDR trace",
        source=Source(file.name),
        detail=why,
        hint="Give a .sor file (Telcordia SR-4731), as instruments export it.",
    )


def _place(file: _File, start: int, entries: list[tuple[str, int]]) -> dict[str, _Block]:
    """Where each block is; blocks follow each other in the order of the map."""
    blocks: dict[str, _Block] = {}
    for name, length in entries:
        if start + length > len(file.data):
            file.error(
                "sor-truncated",
                name,
                min(start, len(file.data)),
                f"the map gives it {length:,} bytes, {max(len(file.data) - start, 0):,} are left in the file",
                "The file was cut off, or its map is damaged: copy or export it again.",
            )
            return blocks
        if name in blocks:
            file.error("sor-block-twice", name, start, "the map lists it twice", "Export the trace again.")
            return blocks
        blocks[name] = _Block(name, start, start + length)
        start += length
    if start < len(file.data):
        _warn(
            file,
            "sor-bytes-left",
            f"{len(file.data) - start:,} bytes of {file.name} belong to no block",
            detail=f"The map ends at byte {start:,}.",
        )
    return blocks


def _block(
    file: _File, generation: int, blocks: dict[str, _Block], name: str, parse: Callable[[Cursor, int], T]
) -> T | None:
    """One block parsed; None where it is not there, or cannot be read (then that is reported)."""
    block = blocks.get(name)
    if block is None:
        return None
    cursor = Cursor(file.data, name, block.start, block.end)
    try:
        if generation == 2 and cursor.text("the block's name") != name:
            raise BlockFault(name, block.start, "the block does not begin with its name")
        return parse(cursor, generation)
    except BlockFault as fault:
        hint = "The file is damaged there: copy or export it again."
        file.error("sor-truncated", fault.block, fault.offset, fault.why, hint)
        return None


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────


def _general(cursor: Cursor, generation: int) -> sor.General:
    language = cursor.letters(2, "the language")
    cable, fibre = cursor.text("the cable's name"), cursor.text("the fibre's name")
    fibre_type = cursor.number("H", "the type of fibre") if generation == 2 else 0
    wavelength = cursor.number("H", "the wavelength")
    origin, terminus = cursor.text("the first place"), cursor.text("the last place")
    code, condition = cursor.text("the cable's code"), cursor.letters(2, "the condition")
    offset = cursor.number("i", "the user offset")
    distance = cursor.number("i", "the user offset as distance") if generation == 2 else 0
    return sor.General(
        language,
        cable,
        fibre,
        fibre_type,
        wavelength,
        origin,
        terminus,
        code,
        condition,
        offset,
        distance,
        cursor.text("the operator"),
        cursor.text("the comment"),
    )


def _supplier(cursor: Cursor, _: int) -> sor.Supplier:
    names = ("supplier", "instrument", "its number", "module", "its number", "software", "other")
    return sor.Supplier(*(cursor.text(f"the supplier's data ({name})") for name in names))


def _fixed(cursor: Cursor, generation: int) -> sor.Fixed:
    second = generation == 2
    taken = cursor.number("I", "the date")
    unit = cursor.letters(2, "the unit")
    wavelength, offset = cursor.numbers("Hi", "wavelength and acquisition offset")
    offset_distance = cursor.number("i", "the acquisition offset as distance") if second else 0
    count = cursor.number("H", "the number of pulse widths")
    cursor.need(count * 10, f"{count:,} pulse widths")
    widths = cursor.numbers(f"{count}H", "pulse widths")
    spacings = cursor.numbers(f"{count}I", "sample spacings")
    points = cursor.numbers(f"{count}I", "numbers of samples")
    index, backscatter, averages = cursor.numbers("IHI", "group index, backscatter and averages")
    averaging_time = cursor.number("H", "the averaging time") if second else 0
    length = cursor.number("I", "the range")
    range_distance = cursor.number("i", "the range as distance") if second else 0
    front, floor, floor_scale, power, loss, reflectance, end = cursor.numbers("iHhHHHH", "offset and thresholds")
    trace_type = cursor.letters(2, "the kind of trace") if second else "ST"
    window = cursor.numbers("4i", "the window") if second else (0, 0, 0, 0)
    return sor.Fixed(
        taken,
        unit,
        wavelength,
        offset,
        offset_distance,
        tuple(sor.Pulse(*one) for one in zip(widths, spacings, points, strict=True)),
        index,
        backscatter,
        averages,
        averaging_time,
        length,
        range_distance,
        front,
        floor,
        floor_scale,
        power,
        loss,
        reflectance,
        end,
        trace_type,
        (window[0], window[1], window[2], window[3]),
    )


def _events(cursor: Cursor, generation: int) -> tuple[tuple[sor.KeyEvent, ...], sor.Summary | None]:
    count = cursor.number("H", "the number of events")
    least = 23 if generation == 1 else 43
    cursor.need(count * least, f"{count:,} events")
    events = tuple(_event(cursor, generation) for _ in range(count))
    if cursor.left < 22:  # some early files end with the last event
        return events, None
    return events, sor.Summary(*cursor.numbers("iiiHii", "the summary"))


def _event(cursor: Cursor, generation: int) -> sor.KeyEvent:
    number, time, slope, loss, reflectance = cursor.numbers("Hihhi", "an event")
    code, technique = cursor.letters(6, "an event's code"), cursor.letters(2, "how an event was measured")
    markers = (0, 0, 0, 0, 0)
    if generation == 2:
        a, b, c, d, e = cursor.numbers("5i", "an event's markers")
        markers = (a, b, c, d, e)
    comment = cursor.text("an event's comment")
    return sor.KeyEvent(number, time, slope, loss, reflectance, code, technique, markers, comment)


def _points(cursor: Cursor, _: int) -> tuple[sor.Samples, ...]:
    total, scales = cursor.numbers("IH", "the numbers of samples and scales")
    if total > _SAMPLES:
        raise cursor.fault(f"{total:,} samples are more than any instrument takes")
    cursor.need(total * 2 + scales * 6, f"{total:,} samples in {scales:,} scales")
    return tuple(_samples(cursor) for _ in range(scales))


def _samples(cursor: Cursor) -> sor.Samples:
    count, scale = cursor.numbers("IH", "a scale")
    taken = cursor.take(count * 2, f"{count:,} samples")
    return sor.Samples(scale, np.frombuffer(taken, dtype="<u2").astype(np.uint16))


def _landmarks(file: _File, block: _Block) -> tuple[sor.Landmark, ...] | None:
    """Landmarks of the second generation; None, with a warning, where they are laid out otherwise."""
    cursor = Cursor(file.data, block.name, block.start, block.end)
    try:
        cursor.text("the block's name")
        count = cursor.number("H", "the number of landmarks")
        cursor.need(count * 33, f"{count:,} landmarks")
        return tuple(_landmark(cursor) for _ in range(count))
    except BlockFault as fault:
        _warn(file, "sor-landmarks", f"the landmarks of {file.name} are not read", detail=f"{fault}.")
        return None


def _landmark(cursor: Cursor) -> sor.Landmark:
    number, code = cursor.number("H", "a landmark"), cursor.letters(2, "a landmark's code")
    location, event, longitude, latitude, correction, into, out = cursor.numbers("iHiihii", "a landmark's place")
    unit, mode_field = cursor.letters(2, "a landmark's unit"), cursor.number("H", "a mode field diameter")
    comment = cursor.text("a landmark's comment")
    place = longitude, latitude, correction, into, out
    return sor.Landmark(number, code, location, event, *place, unit, mode_field, comment)


def _checksum(cursor: Cursor, _: int) -> tuple[int, int]:
    """Where the value stands, and what it is."""
    return cursor.position, cursor.number("H", "the checksum")


# ── whether it fits together ─────────────────────────────────────────────────────────────────────


def _sums(data: bytes, position: int) -> tuple[int, int]:
    """CRC-16 (polynomial 0x1021) of all bytes before the checksum, started with 0xFFFF as the format means it, and
    with 0 as one maker does."""
    before = memoryview(data)[:position]
    return binascii.crc_hqx(before, 0xFFFF), binascii.crc_hqx(before, 0)


def _check_sum(file: _File, position: int, value: int) -> bool:
    """Whether the checksum is that of the bytes; if not, a warning says so."""
    sums = _sums(file.data, position)
    if value in sums:
        return True
    _warn(
        file,
        "sor-checksum",
        f"the checksum of {file.name} does not fit its bytes",
        detail=f"It says {value:04x}; the bytes give {sums[0]:04x}. Some makers compute it in a way of their own.",
        hint="If the file was sent or edited since, fetch it from the instrument again.",
    )
    return False


def _check_counts(file: _File, fixed: sor.Fixed, samples: tuple[sor.Samples, ...]) -> None:
    said, there = sum(one.points for one in fixed.pulses), sum(len(one.values) for one in samples)
    if samples and said != there:
        _warn(
            file,
            "sor-sample-count",
            f"{file.name} announces {said:,} samples and has {there:,}",
            detail="Those that are there are used.",
        )
