"""Traps and informs of SNMPv2c and SNMPv3 on a UDP port: through the gate, decoded, answered, and told.

pysnmp decodes, decrypts and answers; datagrams come from an endpoint of our own, after `Gate` has let them pass,
and answers leave by it. Nothing that arrives can do more than be counted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Self, cast

from pyasn1.type.univ import ObjectIdentifier
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.ntfrcv import NotificationReceiver
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v2c

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl_snmp.address import Address
from sdnctl_snmp.credentials import Community, Credentials
from sdnctl_snmp.gate import Gate, Passed, Refused, Sender
from sdnctl_snmp.notifications import MOST, Notification
from sdnctl_snmp.oids import SYS_UPTIME, TRAP_OID
from sdnctl_snmp.values import Value

logger = logging.getLogger(__name__)

RENEWED = 5_000
"""Messages after which the decoder is made anew: it keeps a little of each SNMPv3 trap for ever (pysnmp 7.1)."""
REPEATS = 1_000
"""Notifications that are remembered, so that one that is sent again is not told again."""
SNMPV2C, AUTH_PRIV = 2, 3
"""Security model and level (RFC 3411 §5)."""
_EPOCH = 1_704_067_200  # 2024-01-01: seconds since then fit engineBoots until 2092, and grow with each start

_AUTHS = {
    "sha": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
_PRIVACIES = {
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "aes192-cisco": config.USM_PRIV_CFB192_AES,
    "aes256-cisco": config.USM_PRIV_CFB256_AES,
}


def new_engine_id() -> bytes:
    """An engine id of our own for this run: senders of informs ask for it. RFC 3411 §5, format 5 (octets)."""
    return bytes.fromhex("8000000005") + os.urandom(8)


class Receiver(asyncio.DatagramProtocol):
    """A UDP port for notifications; `told` is called with each that was let pass and understood, once."""

    def __init__(
        self,
        senders: Iterable[Sender],
        told: Callable[[Notification], None],
        *,
        engine: bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`engine`: our SNMPv3 engine id, where senders of informs have it written down."""
        self._told = told
        self._engine_id = engine or new_engine_id()
        self._started = int(time.time())
        self.gate = Gate(senders, self._engine_id, clock)
        self.counts: Counter[str] = Counter()
        """Messages that were let pass, by what became of them; the others are in `gate.refused`."""
        self._seen: OrderedDict[object, None] = OrderedDict()
        self._transport: asyncio.DatagramTransport | None = None
        self._decoder = self._new_decoder()
        self._renewing: asyncio.Task[None] | None = None

    @classmethod
    async def listen(
        cls, address: Address, senders: Iterable[Sender], told: Callable[[Notification], None], **options: Any
    ) -> Self:
        """Open the port; raises DeviceError where that is not possible."""
        receiver = await asyncio.to_thread(lambda: cls(senders, told, **options))  # pysnmp reads its MIBs
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(lambda: receiver, local_addr=(address.host, address.port))
        except OSError as error:
            raise DeviceError(
                Diagnostic(
                    "cannot-listen",
                    f"notifications cannot be received at udp:{address.host}:{address.port}",
                    "controller part snmp-traps",
                    detail=error.strerror or str(error),
                    hint="ports below 1024 need CAP_NET_BIND_SERVICE; is another receiver running?",
                )
            ) from error
        return receiver

    @property
    def port(self) -> int:
        """The UDP port that it listens at."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def know(self, senders: Iterable[Sender]) -> None:
        """These senders from now on."""
        self.gate.know(senders)

    def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
        if self._transport is not None:
            self._transport.close()

    # ── a datagram ───────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # no subclass of it before Python 3.12

    def error_received(self, error: Exception) -> None:
        self.counts["unanswered"] += 1  # an answer came back: the sender has closed its port

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        try:
            passed = self.gate.check(data, address[0])
        except Refused as refused:
            logger.debug("%s: %s", address[0], refused)
            return
        if self._decoder.messages >= RENEWED and self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew())
        try:
            said = self._decoder.decode(data, address, passed)
        except Exception as fault:  # it was let pass, and still the decoder may fail on it in any way
            self.counts["undecodable"] += 1
            logger.warning("a notification of %s cannot be decoded: %s", _names(passed), type(fault).__name__)
            return
        if passed.ask:
            self.counts["asked"] += 1
        elif said is None:
            self.counts["undecodable"] += 1
        else:
            self._tell(said)

    def _tell(self, said: Notification) -> None:
        # An inform without an answer is sent again: another request id, the same sysUpTime among its objects.
        key = said.device, tuple(said.objects.items())
        if key in self._seen:
            self.counts["repeated"] += 1
            return
        self._seen[key] = None
        if len(self._seen) > REPEATS:
            self._seen.popitem(last=False)
        self.counts["told"] += 1
        self._told(said)

    def _send(self, data: bytes, address: tuple[Any, ...]) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)

    def _new_decoder(self) -> _Decoder:
        return _Decoder(self._engine_id, self._started, self._send)

    async def _renew(self) -> None:
        """Another decoder, made beside the loop; for senders of informs its clock goes on."""
        decoder = await asyncio.to_thread(self._new_decoder)
        self._decoder, self._renewing = decoder, None


class _Decoder:
    """pysnmp's engine with our ids; what it receives last is what `decode` gives back."""

    def __init__(self, engine: bytes, started: int, send: Callable[[bytes, tuple[Any, ...]], None]) -> None:
        """`engine` is our id, `started` when we did (Unix time), `send` takes answers and where they go."""
        self.messages = 0
        self._engine = SnmpEngine()
        self._engine.transport_dispatcher = _Outgoing(send)
        symbols = self._engine.get_mib_builder().import_symbols
        framework = symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots", "snmpEngineTime")
        # Set here and not given to SnmpEngine, which would keep boots in a file that others can write.
        for symbol, value in zip(framework, (engine, started - _EPOCH, started), strict=True):
            symbol.syntax = symbol.syntax.clone(value)  # pysnmp holds the time as its beginning
        self._engine.snmpEngineID = framework[0].syntax
        (discover,) = symbols("__PYSNMP-USM-MIB", "pysnmpUsmDiscovery")
        discover.syntax = discover.syntax.clone(0)  # no keys for engines that nobody has proven
        self._known: set[tuple[Credentials, bytes]] = set()
        self._said: Notification | None = None
        _Notifications(self._engine, self._take)

    def decode(self, data: bytes, address: tuple[Any, ...], passed: Passed) -> Notification | None:
        """What a message says, None where it says nothing; informs are answered. May raise anything."""
        self.messages += 1
        self._learn(passed)
        self._said = None
        where = udp.UdpTransportAddress(address)
        self._engine.message_dispatcher.receive_message(self._engine, udp.DOMAIN_NAME, where, data)
        if self._said is None:
            return None
        return Notification(self._said.oid, self._said.objects, _names(passed))

    def _learn(self, passed: Passed) -> None:
        """Credentials that the gate has seen to be right: pysnmp looks at them again."""
        who = passed.credentials
        if who is None or (who, passed.engine) in self._known:
            return
        self._known.add((who, passed.engine))
        if isinstance(who, Community):
            config.add_v1_system(self._engine, f"c{len(self._known)}", who.secret.get_secret_value())
            return
        auth, privacy = who.masters()
        config.add_v3_user(
            self._engine,
            who.name,
            _AUTHS[who.auth],
            auth,
            _PRIVACIES[who.privacy],
            privacy,
            securityEngineId=rfc1902.OctetString(passed.engine),
            authKeyType=config.USM_KEY_TYPE_MASTER,
            privKeyType=config.USM_KEY_TYPE_MASTER,
        )

    def _take(self, pdu: Any) -> None:
        objects: dict[str, Value] = {}
        for name, value in v2c.apiPDU.get_varbinds(pdu)[:MOST]:
            objects[".".join(map(str, name))] = _value(value)
        oid = objects.get(TRAP_OID)
        if isinstance(oid, str) and SYS_UPTIME in objects:
            self._said = Notification(oid, objects)


class _Notifications(NotificationReceiver):  # type: ignore[misc]  # pysnmp has no types
    """pysnmp's receiver, which takes the PDU as it is, and nothing that came unauthenticated by another way."""

    def __init__(self, engine: SnmpEngine, take: Callable[[Any], None]) -> None:
        self._take = take
        super().__init__(engine, lambda *_: None)

    def process_pdu(self, engine: Any, processing: Any, model: Any, name: Any, level: Any, *rest: Any) -> None:
        """As the base class does, for SNMPv2c, and for SNMPv3 at the level authPriv only."""
        if int(model) == SNMPV2C or int(level) == AUTH_PRIV:
            self._take(rest[3])
            super().process_pdu(engine, processing, model, name, level, *rest)


class _Outgoing:
    """What pysnmp needs of a transport: answers leave by the receiver's port."""

    def __init__(self, send: Callable[[bytes, tuple[Any, ...]], None]) -> None:
        self._send = send

    def send_message(self, data: bytes, domain: Any, address: Any) -> None:
        self._send(data, tuple(address))

    def get_timer_resolution(self) -> float:
        return 1.0

    def get_timer_ticks(self) -> int:
        return int(time.monotonic())


def _value(value: Any) -> Value:
    """A decoded value as the poller's decoder would give it."""
    if isinstance(value, rfc1902.IpAddress):
        return value.prettyPrint() if len(value) == 4 else bytes(value)
    if isinstance(value, rfc1902.OctetString):
        return bytes(value)
    if isinstance(value, ObjectIdentifier):
        return ".".join(map(str, value))
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _names(passed: Passed) -> str:
    """The device, or all that it may be."""
    return " or ".join(passed.devices)
