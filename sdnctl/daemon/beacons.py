"""Signed beacons: LLDP frames that only this network's controllers can make, and that are believed once.

Each carries a fresh nonce and, over datapath id, port, nonce and time window, an HMAC-SHA256 cut to 128 bits, half
of the hash (RFC 2104, section 5). What comes back is believed when the HMAC is right, the window is this one or
the last, and the nonce is one that was sent and has not been heard: forged, expired and replayed frames are told
apart.
"""

from __future__ import annotations

import hmac
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from struct import Struct

from sdnctl.dataplane.values import DISCOVERY_MAC
from sdnctl.southbound.lldp import LOCAL, BadFrame, Kind, Lldp, Organisational, Tlv, decode, encode

OUI = 0x025D9C
"""Locally administered, so that it can be nobody's; the low 16 bits are those of `COOKIE_OWNER`."""
SUBTYPE = 1
NONCE = 16
TAG = 16
"""Octets of the HMAC that are sent: 128 bits."""
WINDOW = 30.0
"""Seconds of one time window; a beacon is good for one to two of them."""
OUTSTANDING = 1 << 16
"""Beacons that may be on their way; beyond, the oldest are forgotten (a silent port never answers)."""

_SIGNED = Struct("!QIQ")  # datapath id, port, window; the nonce follows
_VALUE = Struct(f"!QIQ{NONCE}s{TAG}s")
_DOMAIN = b"sdnctl beacon 1\0"


class Disbelief(StrEnum):
    """Why a frame is not believed."""

    FOREIGN = "foreign"  # LLDP of somebody else: a customer's switch, another network
    MALFORMED = "malformed"
    FORGED = "forged"
    EXPIRED = "expired"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which port sent a beacon: datapath id and port number."""

    dpid: int
    port: int


class Beacons:
    """Makes beacons and judges what was heard; `refused` counts what was not believed, by reason."""

    def __init__(self, key: bytes, now: Callable[[], float]) -> None:
        """`key`: 32 secret octets. `now`: seconds of a clock that does not go back while the process lives."""
        if len(key) < 32:
            raise ValueError("a key has at least 32 octets")
        self._key = key
        self._now = now
        self._sent: dict[bytes, Origin] = {}
        self.refused: Counter[Disbelief] = Counter()

    def make(self, origin: Origin, ttl: int, name: str = "") -> bytes:
        """A fresh beacon of a port; `ttl` in seconds, `name` is shown to whoever listens there."""
        window, nonce = self._window(), os.urandom(NONCE)
        self._sent[nonce] = origin
        while len(self._sent) > OUTSTANDING:
            del self._sent[next(iter(self._sent))]
        value = _VALUE.pack(origin.dpid, origin.port, window, nonce, self._tag(origin, window, nonce))
        others = (Tlv(Kind.SYSTEM_NAME, name.encode()[:255]),) if name else ()
        return encode(
            Lldp(
                DISCOVERY_MAC,
                (LOCAL, f"dpid:{origin.dpid:016x}".encode()),
                (LOCAL, str(origin.port).encode()),
                ttl,
                (*others, Organisational(OUI, SUBTYPE, value).tlv()),
            )
        )

    def believe(self, frame: bytes) -> Origin | Disbelief:
        """Who sent a frame, or why it is not believed. A beacon is believed once."""
        found = self._judge(frame)
        if isinstance(found, Disbelief):
            self.refused[found] += 1
        return found

    def _judge(self, frame: bytes) -> Origin | Disbelief:
        try:
            values = decode(frame).organisational(OUI, SUBTYPE)
        except BadFrame:
            return Disbelief.MALFORMED
        if not values:
            return Disbelief.FOREIGN
        if len(values) > 1 or len(values[0]) != _VALUE.size:
            return Disbelief.MALFORMED
        dpid, port, window, nonce, tag = _VALUE.unpack(values[0])
        origin = Origin(dpid, port)
        if not hmac.compare_digest(tag, self._tag(origin, window, nonce)):
            return Disbelief.FORGED
        if not 0 <= self._window() - window <= 1:
            return Disbelief.EXPIRED
        # An earlier run of the controller may have sent it: then nobody knows how often it was heard.
        return origin if self._sent.pop(nonce, None) == origin else Disbelief.REPLAYED

    def _window(self) -> int:
        return int(self._now() // WINDOW)

    def _tag(self, origin: Origin, window: int, nonce: bytes) -> bytes:
        text = _DOMAIN + _SIGNED.pack(origin.dpid, origin.port, window) + nonce
        return hmac.digest(self._key, text, "sha256")[:TAG]
