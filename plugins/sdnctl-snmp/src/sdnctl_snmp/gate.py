"""Who may tell us something: notifications are decoded only if they come from a device that is read, and prove it.

An SNMPv2c message has to carry the community of a device at the address it comes from, an SNMPv3 message to be
encrypted and to carry the right HMAC of a user of such a device (RFC 3414, RFC 7860), not older than 150 seconds.
All this is checked before, because the decoder is slow, keeps state of what it refuses, takes unauthenticated
traps of users that have keys, and does not notice old ones (pysnmp 7.1).
"""

from __future__ import annotations

import hmac
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from sdnctl_snmp.ber import (
    AUTH,
    INFORM,
    PRIV,
    REPORTABLE,
    TRAP,
    CommunityMessage,
    Garbage,
    UserMessage,
    read_message,
)
from sdnctl_snmp.credentials import AUTHS, Community, Credentials, UsmUser

WINDOW = 150
"""Seconds by which a message may be older than the newest one of its engine (RFC 3414 §2.2.3)."""
ENGINES = 1024
"""Engine ids whose keys are kept; whoever claims more makes others be computed again."""
_DIGESTS: Mapping[str, tuple[str, int]] = {
    "sha": ("sha1", 12),
    "sha224": ("sha224", 16),
    "sha256": ("sha256", 24),
    "sha384": ("sha384", 32),
    "sha512": ("sha512", 48),
}


@dataclass(frozen=True, slots=True)
class Sender:
    """A device, where its messages come from (IP addresses as text), and by what they are known."""

    device: str
    addresses: frozenset[str]
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Passed:
    """A message that may be decoded: of these devices (one, unless several share address and credentials)."""

    devices: tuple[str, ...]
    credentials: Credentials | None = None
    engine: bytes = b""
    ask: bool = False  # whether it only asks for our engine id


class Refused(Exception):
    """A message that is not looked at; `reason` is one of a few words, for counting."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(slots=True)
class Bucket:
    """So many a second, and so many at once."""

    rate: float
    depth: float
    _level: float = field(init=False)
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._level = self.depth

    def take(self, now: float) -> bool:
        self._level = min(self.depth, self._level + self.rate * max(now - self._at, 0.0))
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class Gate:
    """The senders that are known, and what was refused. `engine` is our own engine id."""

    def __init__(
        self,
        senders: Iterable[Sender],
        engine: bytes,
        clock: Callable[[], float],
        *,
        rate: float = 20.0,
        depth: float = 100.0,
    ) -> None:
        """`clock` in seconds, never going back; `rate` and `depth` for the messages from one address."""
        self.engine = engine
        self.refused: Counter[str] = Counter()
        self._clock = clock
        self._limits = rate, depth
        self._buckets: dict[str, Bucket] = {}
        self._masters: dict[UsmUser, bytes] = {}
        self._keys: OrderedDict[tuple[UsmUser, bytes], bytes] = OrderedDict()
        self._newest: dict[bytes, tuple[int, int]] = {}  # of engines that have proven themselves
        self._at: dict[str, list[Sender]] = {}
        self.know(senders)

    def know(self, senders: Iterable[Sender]) -> None:
        """These senders from now on, and no others."""
        table: dict[str, list[Sender]] = {}
        for sender in senders:
            for address in sender.addresses:
                table.setdefault(plain(address), []).append(sender)
        self._at = table
        self._buckets = {address: bucket for address, bucket in self._buckets.items() if address in table}

    def check(self, data: bytes, address: str) -> Passed:
        """Look at a message; raises Refused, and counts why."""
        try:
            return self._check(data, plain(address))
        except Garbage as garbage:
            self.refused["garbage"] += 1
            raise Refused("garbage", str(garbage)) from None
        except Refused as refused:
            self.refused[refused.reason] += 1
            raise

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _check(self, data: bytes, address: str) -> Passed:
        senders = self._at.get(address)
        if senders is None:
            raise Refused("unknown-address")
        if not self._buckets.setdefault(address, Bucket(*self._limits)).take(self._clock()):
            raise Refused("too-many")
        message = read_message(data)
        if isinstance(message, CommunityMessage):
            return _community(message, senders)
        if not message.flags & AUTH:
            # How the sender of an inform asks for our engine id (RFC 3414 §4): it learns that, and nothing else.
            if message.flags & REPORTABLE and not message.user and not message.engine:
                return Passed(tuple(sender.device for sender in senders), ask=True)
            raise Refused("not-authenticated")
        return self._user(message, data, senders)

    def _user(self, message: UserMessage, data: bytes, senders: Iterable[Sender]) -> Passed:
        if not message.flags & PRIV:
            raise Refused("not-encrypted")
        if not 5 <= len(message.engine) <= 32:
            raise Refused("garbage", "an engine id of a wrong length")
        proven = [
            (sender.device, user)
            for sender in senders
            if isinstance(user := sender.credentials, UsmUser)
            and hmac.compare_digest(user.name.encode(), message.user)
            and self._signed(user, message, data)
        ]
        if not proven:
            raise Refused("wrong-key")
        if message.engine != self.engine:  # for our own, the decoder compares with our clock
            self._timely(message)
        return Passed(tuple(device for device, _ in proven), proven[0][1], message.engine)

    def _signed(self, user: UsmUser, message: UserMessage, data: bytes) -> bool:
        """Whether a message carries the HMAC of a user at the engine that it names."""
        hash_name, length = _DIGESTS[user.auth]
        where = message.digest
        if where.stop - where.start != length:
            return False
        blank = data[: where.start] + bytes(length) + data[where.stop :]
        return hmac.compare_digest(
            hmac.digest(self._key(user, message.engine), blank, hash_name)[:length], data[where]
        )

    def _key(self, user: UsmUser, engine: bytes) -> bytes:
        """A user's authentication key at an engine (RFC 3414 §2.6)."""
        key = self._keys.get((user, engine))
        if key is None:
            if user not in self._masters:
                self._masters[user], _ = user.masters()
            kind = type(AUTHS[user.auth](b""))
            key = self._keys[user, engine] = kind.get_localized_key(self._masters[user], engine)
            if len(self._keys) > ENGINES:
                self._keys.popitem(last=False)
        return key

    def _timely(self, message: UserMessage) -> None:
        """Refuse what was sent before: an older start of the engine, or long before its newest message."""
        now = message.boots, message.time
        boots, time = self._newest.get(message.engine, (0, 0))
        if message.boots < boots or (message.boots == boots and message.time < time - WINDOW):
            raise Refused("too-old")
        self._newest[message.engine] = max(now, (boots, time))


def _community(message: CommunityMessage, senders: Iterable[Sender]) -> Passed:
    if message.pdu not in (TRAP, INFORM):
        raise Refused("not-a-notification")
    proven = [
        sender
        for sender in senders
        if isinstance(sender.credentials, Community)
        and hmac.compare_digest(sender.credentials.secret.get_secret_value().encode(), message.community)
    ]
    if not proven:
        raise Refused("wrong-community")
    return Passed(tuple(sender.device for sender in proven), proven[0].credentials)


def plain(address: str) -> str:
    """An IP address in its one way to be written: without zone, IPv4 not inside IPv6."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else str(ip)
