"""Error messages: decoding, and their names as the specification writes them."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from sdnctl.southbound.openflow.codec.wire import ONF, Reader, Type, message

_ERROR = Struct("!HH")
_EXPERIMENTER = Struct("!I")
EXPERIMENTER = 0xFFFF
HELLO_FAILED, INCOMPATIBLE = 0, 0

NAMES: dict[int, tuple[str, str, tuple[str, ...]]] = {
    0: ("hello failed", "OFPHFC", ("INCOMPATIBLE", "EPERM")),
    1: (
        "bad request",
        "OFPBRC",
        (
            "BAD_VERSION",
            "BAD_TYPE",
            "BAD_MULTIPART",
            "BAD_EXPERIMENTER",
            "BAD_EXP_TYPE",
            "EPERM",
            "BAD_LEN",
            "BUFFER_EMPTY",
            "BUFFER_UNKNOWN",
            "BAD_TABLE_ID",
            "IS_SLAVE",
            "BAD_PORT",
            "BAD_PACKET",
            "MULTIPART_BUFFER_OVERFLOW",
        ),
    ),
    2: (
        "bad action",
        "OFPBAC",
        (
            "BAD_TYPE",
            "BAD_LEN",
            "BAD_EXPERIMENTER",
            "BAD_EXP_TYPE",
            "BAD_OUT_PORT",
            "BAD_ARGUMENT",
            "EPERM",
            "TOO_MANY",
            "BAD_QUEUE",
            "BAD_OUT_GROUP",
            "MATCH_INCONSISTENT",
            "UNSUPPORTED_ORDER",
            "BAD_TAG",
            "BAD_SET_TYPE",
            "BAD_SET_LEN",
            "BAD_SET_ARGUMENT",
        ),
    ),
    3: (
        "bad instruction",
        "OFPBIC",
        (
            "UNKNOWN_INST",
            "UNSUP_INST",
            "BAD_TABLE_ID",
            "UNSUP_METADATA",
            "UNSUP_METADATA_MASK",
            "BAD_EXPERIMENTER",
            "BAD_EXP_TYPE",
            "BAD_LEN",
            "EPERM",
        ),
    ),
    4: (
        "bad match",
        "OFPBMC",
        (
            "BAD_TYPE",
            "BAD_LEN",
            "BAD_TAG",
            "BAD_DL_ADDR_MASK",
            "BAD_NW_ADDR_MASK",
            "BAD_WILDCARDS",
            "BAD_FIELD",
            "BAD_VALUE",
            "BAD_MASK",
            "BAD_PREREQ",
            "DUP_FIELD",
            "EPERM",
        ),
    ),
    5: (
        "flow refused",
        "OFPFMFC",
        (
            "UNKNOWN",
            "TABLE_FULL",
            "BAD_TABLE_ID",
            "OVERLAP",
            "EPERM",
            "BAD_TIMEOUT",
            "BAD_COMMAND",
            "BAD_FLAGS",
        ),
    ),
    6: (
        "group refused",
        "OFPGMFC",
        (
            "GROUP_EXISTS",
            "INVALID_GROUP",
            "WEIGHT_UNSUPPORTED",
            "OUT_OF_GROUPS",
            "OUT_OF_BUCKETS",
            "CHAINING_UNSUPPORTED",
            "WATCH_UNSUPPORTED",
            "LOOP",
            "UNKNOWN_GROUP",
            "CHAINED_GROUP",
            "BAD_TYPE",
            "BAD_COMMAND",
            "BAD_BUCKET",
            "BAD_WATCH",
            "EPERM",
        ),
    ),
    7: ("port refused", "OFPPMFC", ("BAD_PORT", "BAD_HW_ADDR", "BAD_CONFIG", "BAD_ADVERTISE", "EPERM")),
    8: ("table refused", "OFPTMFC", ("BAD_TABLE", "BAD_CONFIG", "EPERM")),
    9: ("queue refused", "OFPQOFC", ("BAD_PORT", "BAD_QUEUE", "EPERM")),
    10: ("configuration refused", "OFPSCFC", ("BAD_FLAGS", "BAD_LEN", "EPERM")),
    11: ("role refused", "OFPRRFC", ("STALE", "UNSUP", "BAD_ROLE")),
    12: (
        "meter refused",
        "OFPMMFC",
        (
            "UNKNOWN",
            "METER_EXISTS",
            "INVALID_METER",
            "UNKNOWN_METER",
            "BAD_COMMAND",
            "BAD_FLAGS",
            "BAD_RATE",
            "BAD_BURST",
            "BAD_BAND",
            "BAD_BAND_VALUE",
            "OUT_OF_METERS",
            "OUT_OF_BANDS",
        ),
    ),
    13: (
        "table features refused",
        "OFPTFFC",
        ("BAD_TABLE", "BAD_METADATA", "BAD_TYPE", "BAD_LEN", "BAD_ARGUMENT", "EPERM"),
    ),
}
"""Error type → what was refused, the prefix of its codes, and the codes in order."""

BUNDLE_FIRST = 2300
_BUNDLE = (
    "UNKNOWN",
    "EPERM",
    "BAD_ID",
    "BUNDLE_EXIST",
    "BUNDLE_CLOSED",
    "OUT_OF_BUNDLES",
    "BAD_TYPE",
    "BAD_FLAGS",
    "MSG_BAD_LEN",
    "MSG_BAD_XID",
    "MSG_UNSUP",
    "MSG_CONFLICT",
    "MSG_TOO_MANY",
    "MSG_FAILED",
    "TIMEOUT",
    "BUNDLE_IN_PROGRESS",
)


class SwitchError(NamedTuple):
    """One error message: type, code, the experimenter whose codes they are (0: OpenFlow's), and its data.

    `data` starts with the request that caused it, of which switches send at least 64 octets.
    """

    type: int
    code: int
    experimenter: int
    data: bytes

    @property
    def name(self) -> str:
        """``group refused, OFPGMFC_GROUP_EXISTS``, or the numbers where they have no name."""
        if self.experimenter:
            index = self.code - BUNDLE_FIRST
            if self.experimenter == ONF and 0 <= index < len(_BUNDLE):
                return f"bundle refused, OFPBFC_{_BUNDLE[index]}"
            return f"experimenter {self.experimenter:#x}, error {self.code}"
        what, prefix, codes = NAMES.get(self.type, (f"error type {self.type}", "code", ()))
        return f"{what}, {prefix}_{codes[self.code] if self.code < len(codes) else self.code}"


def decode_error(body: bytes) -> SwitchError:
    """An error message; raises Malformed."""
    reader = Reader("error", body)
    kind, code = reader.unpack(_ERROR)
    experimenter = reader.unpack(_EXPERIMENTER)[0] if kind == EXPERIMENTER else 0
    return SwitchError(kind, code, experimenter, reader.rest())


def encode_error(xid: int, kind: int, code: int, data: bytes = b"", experimenter: int = 0) -> bytes:
    """An error message; an experimenter's has type 0xFFFF and names it."""
    vendor = _EXPERIMENTER.pack(experimenter) if kind == EXPERIMENTER else b""
    return message(Type.ERROR, xid, _ERROR.pack(kind, code) + vendor + data)
