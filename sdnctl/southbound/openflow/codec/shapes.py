"""The TLVs of OXM, and compiled templates for sequences of them.

A switch sends thousands of matches with the same fields in the same order and other values. The first
of a *shape* is read by the loop in `oxm.py`; from it a template is compiled: one `struct` for the whole
match and one generated function that checks the headers and builds the fields. Five times the speed
of the loop. A template that does not fit exactly says so, and the loop decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, NamedTuple

from sdnctl.dataplane.values import FIELDS
from sdnctl.southbound.openflow.codec.template import LAYOUTS

OPENFLOW_BASIC = 0x8000

# OFPXMT_OFB_*; octets follow from the width in FIELDS, but for mpls_label, which is carried in 4.
_NUMBERS = {
    "in_port": 0,
    "metadata": 2,
    "eth_dst": 3,
    "eth_src": 4,
    "eth_type": 5,
    "vlan_vid": 6,
    "vlan_pcp": 7,
    "ip_dscp": 8,
    "ip_proto": 10,
    "ipv4_src": 11,
    "ipv4_dst": 12,
    "tcp_src": 13,
    "tcp_dst": 14,
    "udp_src": 15,
    "udp_dst": 16,
    "icmpv6_type": 29,
    "arp_op": 21,
    "arp_spa": 22,
    "arp_tpa": 23,
    "ipv6_src": 26,
    "ipv6_dst": 27,
    "nd_target": 31,
    "mpls_label": 34,
    "mpls_tc": 35,
    "mpls_bos": 36,
}
_OCTETS = {"mpls_label": 4}
RANK = {name: rank for rank, name in enumerate(FIELDS)}


class Tlv(NamedTuple):
    """One form of one field: its TLV header, octets of the value, mask with all its bits, whether masked."""

    name: str
    header: int
    octets: int
    full: int
    masked: bool


def _forms() -> dict[int, Tlv]:
    forms = {}
    for name, width in FIELDS.items():
        octets, full = _OCTETS.get(name, (width + 7) // 8), (1 << width) - 1
        field = OPENFLOW_BASIC << 16 | _NUMBERS[name] << 9
        for masked in (False, True):
            header = field | masked << 8 | octets << masked
            forms[header] = Tlv(name, header, octets, full, masked)
    return forms


TLVS = _forms()
"""TLV header → what it announces."""

FORMS = {(tlv.name, tlv.masked): tlv for tlv in TLVS.values()}
"""Field and whether it is masked → its form."""

Fields = tuple[tuple[str, int, int], ...]


def _compile(shape: Sequence[Tlv]) -> tuple[Struct, Callable[[tuple[Any, ...]], Fields | None]]:
    """A struct for all TLVs, and a function from what it unpacks to the fields, None if they do not fit."""
    layout, index = "!", 0
    checks: list[str] = []
    names: dict[str, str] = {}
    lines: list[str] = []

    def value(octets: int) -> str:
        nonlocal layout, index
        codes, low = LAYOUTS[octets]
        layout += codes
        text = f"(v[{index}] << {low} | v[{index + 1}])" if low else f"v[{index}]"
        index += len(codes)
        return text

    for number, tlv in enumerate(shape):
        checks.append(f"v[{index}] != {tlv.header}")
        layout, index = layout + "I", index + 1
        lines.append(f" a{number} = {value(tlv.octets)}")
        if tlv.masked:
            lines.append(f" m{number} = {value(tlv.octets)} & {tlv.full}")
            lines.append(f" if not m{number}: return None")
            names[tlv.name] = f"({tlv.name!r}, a{number} & m{number}, m{number})"
        else:
            if tlv.full.bit_length() % 8 or tlv.octets * 8 != tlv.full.bit_length():
                lines.append(f" if a{number} > {tlv.full}: return None")
            names[tlv.name] = f"({tlv.name!r}, a{number}, {tlv.full})"
    ordered = "".join(f"{names[name]}, " for name in sorted(names, key=RANK.__getitem__))
    source = "\n".join(
        ["def build(v):", f" if {' or '.join(checks)}: return None", *lines, f" return ({ordered})"]
    )
    # Names and numbers come from the tables above, nothing from the wire is in the source.
    namespace: dict[str, Any] = {}
    exec(compile(source, "<match template>", "exec"), namespace)
    return Struct(layout), namespace["build"]


class Shapes:
    """Templates by the octets of a match; bounded, whatever a switch sends."""

    PER_LENGTH = 8
    """Templates tried for one length; more shapes of it are read by the loop."""

    def __init__(self) -> None:
        self._templates: dict[int, list[tuple[Struct, Callable[[tuple[Any, ...]], Fields | None]]]] = {}
        self._known: set[tuple[Tlv, ...]] = set()

    def decode(self, buffer: bytes, start: int, stop: int) -> Fields | None:
        """The fields from `start` to `stop`, in the order of FIELDS, or None where no template fits."""
        for layout, build in self._templates.get(stop - start, ()):
            fields = build(layout.unpack_from(buffer, start))
            if fields is not None:
                return fields
        return None

    def learn(self, shape: Sequence[Tlv]) -> None:
        """Make a template of a sequence of TLVs that holds no field twice."""
        key = tuple(shape)
        length = sum(4 + tlv.octets * (1 + tlv.masked) for tlv in shape)
        known = self._templates.setdefault(length, [])
        if shape and key not in self._known and len(known) < self.PER_LENGTH:
            self._known.add(key)
            known.append(_compile(shape))
