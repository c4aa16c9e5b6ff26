"""Writing .sor files of either generation: the map, the blocks, and the checksum over all of it."""

from __future__ import annotations

import binascii
import struct

from sdnctl.exchange import sor

REVISION = {1: 100, 2: 200}


def write(file: sor.SorFile) -> bytes:
    """The file's bytes; what `read` makes of them is `file` again, with a checksum that fits.

    Raises struct.error for a value that does not fit its field.
    """
    second = file.generation == 2
    blocks = [(sor.GENERAL, _general(file.general, second)), (sor.SUPPLIER, _supplier(file.supplier))]
    blocks += [(sor.FIXED, _fixed(file.fixed, second)), (sor.EVENTS, _events(file, second))]
    if file.landmarks and second:
        blocks.append((sor.LINK, _landmarks(file.landmarks)))
    if file.samples:
        blocks.append((sor.POINTS, _points(file.samples)))
    if second:
        blocks = [(name, _text(name) + content) for name, content in blocks]
    blocks += file.extra.items()  # they were kept with whatever they begin with
    blocks.append((sor.CHECKSUM, (_text(sor.CHECKSUM) if second else b"") + bytes(2)))
    body = _map(file.generation, blocks) + b"".join(content for _, content in blocks)
    return body[:-2] + struct.pack("<H", binascii.crc_hqx(memoryview(body)[:-2], 0xFFFF))


def _map(generation: int, blocks: list[tuple[str, bytes]]) -> bytes:
    revision = REVISION[generation]
    entries = b"".join(_text(name) + struct.pack("<HI", revision, len(content)) for name, content in blocks)
    head = _text(sor.MAP) if generation == 2 else b""
    return head + struct.pack("<HIH", revision, len(head) + 8 + len(entries), len(blocks) + 1) + entries


def _text(text: str) -> bytes:
    return text.encode("latin-1", "replace").replace(b"\0", b" ") + b"\0"


def _letters(text: str, count: int) -> bytes:
    return text.encode("latin-1", "replace")[:count].ljust(count)


def _general(one: sor.General, second: bool) -> bytes:
    return b"".join(
        (
            _letters(one.language, 2),
            _text(one.cable),
            _text(one.fibre),
            struct.pack("<H", one.fibre_type) if second else b"",
            struct.pack("<H", one.wavelength),
            _text(one.origin),
            _text(one.terminus),
            _text(one.cable_code),
            _letters(one.condition, 2),
            struct.pack("<i", one.user_offset),
            struct.pack("<i", one.user_offset_distance) if second else b"",
            _text(one.operator),
            _text(one.comment),
        )
    )


def _supplier(one: sor.Supplier) -> bytes:
    names = (
        one.supplier,
        one.mainframe,
        one.mainframe_serial,
        one.module,
        one.module_serial,
        one.software,
        one.other,
    )
    return b"".join(map(_text, names))


def _fixed(one: sor.Fixed, second: bool) -> bytes:
    count = len(one.pulses)
    parts = [struct.pack("<I", one.taken), _letters(one.unit, 2)]
    parts.append(struct.pack("<Hi", one.wavelength, one.acquisition_offset))
    if second:
        parts.append(struct.pack("<i", one.acquisition_offset_distance))
    parts.append(struct.pack("<H", count))
    parts.append(struct.pack(f"<{count}H", *(pulse.width for pulse in one.pulses)))
    parts.append(struct.pack(f"<{count}I", *(pulse.spacing for pulse in one.pulses)))
    parts.append(struct.pack(f"<{count}I", *(pulse.points for pulse in one.pulses)))
    parts.append(struct.pack("<IHI", one.group_index, one.backscatter, one.averages))
    if second:
        parts.append(struct.pack("<H", one.averaging_time))
    parts.append(struct.pack("<I", one.range))
    if second:
        parts.append(struct.pack("<i", one.range_distance))
    noise = one.front_panel_offset, one.noise_floor, one.noise_floor_scale, one.power_offset
    parts.append(struct.pack("<iHhH", *noise))
    parts.append(struct.pack("<HHH", one.loss_threshold, one.reflectance_threshold, one.end_threshold))
    if second:
        parts += [_letters(one.trace_type, 2), struct.pack("<4i", *one.window)]
    return b"".join(parts)


def _events(file: sor.SorFile, second: bool) -> bytes:
    parts = [struct.pack("<H", len(file.events))]
    for one in file.events:
        parts.append(struct.pack("<Hihhi", one.number, one.time, one.slope, one.loss, one.reflectance))
        parts += [_letters(one.code, 6), _letters(one.technique, 2)]
        if second:
            parts.append(struct.pack("<5i", *one.markers))
        parts.append(_text(one.comment))
    if file.summary is not None:
        total = file.summary
        spans = total.loss_from, total.loss_to, total.return_loss, total.return_loss_from, total.return_loss_to
        parts.append(struct.pack("<iiiHii", total.loss, *spans))
    return b"".join(parts)


def _landmarks(landmarks: tuple[sor.Landmark, ...]) -> bytes:
    parts = [struct.pack("<H", len(landmarks))]
    for one in landmarks:
        place = one.location, one.event, one.longitude, one.latitude, one.correction, one.sheath_in, one.sheath_out
        parts += [struct.pack("<H", one.number), _letters(one.code, 2), struct.pack("<iHiihii", *place)]
        parts += [_letters(one.unit, 2), struct.pack("<H", one.mode_field), _text(one.comment)]
    return b"".join(parts)


def _points(samples: tuple[sor.Samples, ...]) -> bytes:
    parts = [struct.pack("<IH", sum(len(one.values) for one in samples), len(samples))]
    for one in samples:
        parts += [struct.pack("<IH", len(one.values), one.scale), one.values.astype("<u2").tobytes()]
    return b"".join(parts)
