"""Meters: meter_mod, and meter configurations and features read back."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from sdnctl.dataplane.values import Meter
from sdnctl.southbound.openflow.codec.wire import ANY, Opaque, Reader, Type, Unrepresentable, message

KBPS, PKTPS, BURST, STATS = 1, 2, 4, 8  # OFPMF_*
DROP = 1  # OFPMBT_DROP

_MOD = Struct("!HHI")
_BAND_HEAD = Struct("!HHII")
_DROP = Struct("!HHII4x")
_REQUEST = Struct("!I4x")
_FEATURES = Struct("!IIIBB2x")


class MeterCommand(IntEnum):
    """OFPMC_*."""

    ADD = 0
    MODIFY = 1
    DELETE = 2


class MeterFeatures(NamedTuple):
    """`largest` number of meters, bit mask of band types, flags."""

    largest: int
    bands: int
    flags: int


def _band(meter: Meter) -> bytes:
    return _DROP.pack(DROP, _DROP.size, meter.rate, meter.burst)


def meter_mod(meter: Meter, command: MeterCommand, xid: int) -> bytes:
    """A meter_mod with one drop band in kbit/s with burst; a deletion names only the meter."""
    if command is MeterCommand.DELETE:
        return message(Type.METER_MOD, xid, _MOD.pack(command, 0, meter.id))
    return message(Type.METER_MOD, xid, _MOD.pack(command, KBPS | BURST, meter.id) + _band(meter))


def _meter(reader: Reader, end: int, flags: int, number: int) -> Meter | Opaque:
    """Bands from the reader's position to `end`, which it steps over in any case."""
    start = reader.position
    bands: list[tuple[int, int, int]] = []
    while reader.position < end:
        position = reader.position
        kind, length, rate, burst = reader.unpack(_BAND_HEAD)
        reader.position = position
        following = reader.block(length, _DROP.size)
        if following > end:
            raise reader.fault(f"band of length {length} runs over its meter")
        bands.append((kind, rate, burst))
        reader.position = following
    try:
        # A flag that only asks for statistics changes nothing of what the meter does.
        if flags & ~STATS != KBPS | BURST:
            raise Unrepresentable(f"flags {flags:#x}")
        if [kind for kind, _, _ in bands] != [DROP]:
            raise Unrepresentable(f"bands of types {[kind for kind, _, _ in bands]}, not one drop band")
    except Unrepresentable as error:
        return Opaque("meter", number, reader.buffer[start:end], str(error))
    return Meter(number, bands[0][1], bands[0][2])


def decode_meter_mod(body: bytes) -> tuple[int, Meter | Opaque]:
    """Command and meter of a meter_mod; raises Malformed."""
    reader = Reader("meter_mod", body)
    command, flags, number = reader.unpack(_MOD)
    return command, _meter(reader, reader.end, flags, number)


def meter_entry(meter: Meter) -> bytes:
    """One entry of a meter configuration reply, as a switch sends it."""
    return _MOD.pack(_MOD.size + _DROP.size, KBPS | BURST, meter.id) + _band(meter)


def meter_request(meter: int = ANY) -> bytes:
    """Body of a meter configuration request; default all meters."""
    return _REQUEST.pack(meter)


def decode_meters(body: bytes, base: int = 16) -> list[Meter | Opaque]:
    """All entries of one part of a meter configuration reply; raises Malformed."""
    reader = Reader("meter configuration", body, base)
    meters = []
    while reader.position < reader.end:
        start = reader.position
        length, flags, number = reader.unpack(_MOD)
        reader.position = start
        end = reader.block(length, _MOD.size)
        reader.position = start + _MOD.size
        meters.append(_meter(reader, end, flags, number))
    return meters


def decode_meter_features(body: bytes, base: int = 16) -> MeterFeatures:
    """Meter features reply; raises Malformed."""
    largest, bands, flags, _, _ = Reader("meter features", body, base).unpack(_FEATURES)
    return MeterFeatures(largest, bands, flags)
