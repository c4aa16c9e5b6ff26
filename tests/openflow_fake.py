"""An OpenFlow switch in a thread, for what Open vSwitch cannot be made to do.

It has no bundles unless asked, splits replies into small parts, can be told to refuse, to fall silent in the
middle, or to speak nonsense. What it holds is a `Rulebook`, the same as the embedded switches'.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from struct import pack
from typing import Self

from sdnctl.dataplane.refusals import RuleRefused
from sdnctl.dataplane.rulebook import Rulebook
from sdnctl.dataplane.values import Flow, Group, Meter
from sdnctl.southbound.openflow.codec import faults
from sdnctl.southbound.openflow.codec.bundle import (
    BundleControl,
    bundle_control,
    decode_bundle_add,
    decode_bundle_control,
    is_bundle,
)
from sdnctl.southbound.openflow.codec.flow import decode_flow_mod, flow_stats_entry
from sdnctl.southbound.openflow.codec.group import decode_group_mod, group_entry
from sdnctl.southbound.openflow.codec.meter import decode_meter_mod, meter_entry
from sdnctl.southbound.openflow.codec.multipart import Part, decode_multipart, multipart_reply
from sdnctl.southbound.openflow.codec.ports import LIVE, PortDescription, encode_port
from sdnctl.southbound.openflow.codec.session import Features, Role, decode_role, encode_features, hello
from sdnctl.southbound.openflow.codec.wire import HEADER, Type, message

Rule = Flow | Group | Meter
CODES = {
    f"{prefix}_{name}": (kind, code)
    for kind, (_, prefix, names) in faults.NAMES.items()
    for code, name in enumerate(names)
}


class FakeSwitch:
    """A listening switch on a loopback port; a context manager."""

    def __init__(
        self, dpid: int = 1, ports: Sequence[int] = (1, 2, 3), bundles: bool = False, part: int = 300
    ) -> None:
        """`part`: octets of a multipart reply after which a new part begins."""
        self.features = Features(dpid, 0, 254, 0, 0x4F)
        self.ports = [PortDescription(number, number, f"p{number}", 0, LIVE, 0) for number in ports]
        self.bundles, self.part = bundles, part
        self.book = Rulebook()
        self.generation = 0  # the newest that a writer has shown
        self.roles: list[Role] = []  # granted, in order
        self.received: list[int] = []  # message types, in order
        self.refuse: Callable[[Rule], str | None] = lambda rule: None
        self.mute: Callable[[int], bool] = lambda kind: False  # message types that are not answered
        self.extra: Callable[[int, int], bytes] = lambda kind, xid: b""  # octets sent before an answer
        self._staged: dict[int, list[bytes]] = {}
        self.committed: list[int] = []  # numbers of bundles that took effect, in order
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._port = 0
        self._server: socket.socket | None = None

    @property
    def address(self) -> str:
        return f"tcp:127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def restore(self) -> None:
        """Listen, on the same port as before."""
        self._server = socket.create_server(("127.0.0.1", self._port))
        self._port = self._server.getsockname()[1]
        self._spawn(self._accept, self._server)

    def cut(self) -> None:
        """Listen no more and close all connections; the rules stay."""
        if self._server is not None:
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _spawn(self, work: Callable[[socket.socket], None], argument: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(argument,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self._greet(connection)

    def dial(self, port: int) -> None:
        """Call a controller that listens on a loopback port."""
        self._greet(socket.create_connection(("127.0.0.1", port)))

    def _greet(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._connections.append(connection)
        self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, EOFError):
            connection.sendall(hello(0))
            while True:
                _, kind, length, xid = HEADER.unpack(_read(connection, HEADER.size))
                body = _read(connection, length - HEADER.size)
                self.received.append(kind)
                if self.mute(kind):
                    continue
                connection.sendall(self.extra(kind, xid) + b"".join(self._answers(kind, xid, body)))

    @property
    def open_bundles(self) -> frozenset[int]:
        """Bundles that were neither committed nor discarded."""
        return frozenset(self._staged)

    def receive(self, port: int) -> None:
        """A frame of which only the port matters hits table 0 and is counted."""
        found = self.book.tables[0].find(lambda name: port if name == "in_port" else 0)
        if found is not None:
            self.book.flow_packets[found.key] += 1

    # ── messages ─────────────────────────────────────────────────────────────────────────────────

    def _answers(self, kind: int, xid: int, body: bytes) -> Iterable[bytes]:
        if kind == Type.FEATURES_REQUEST:
            yield encode_features(self.features, xid)
        elif kind == Type.BARRIER_REQUEST:
            yield message(Type.BARRIER_REPLY, xid)
        elif kind == Type.ECHO_REQUEST:
            yield message(Type.ECHO_REPLY, xid, body)
        elif kind == Type.ROLE_REQUEST:
            yield from self._role(xid, body)
        elif kind == Type.MULTIPART_REQUEST:
            yield from self._multipart(xid, body)
        elif kind in (Type.FLOW_MOD, Type.GROUP_MOD, Type.METER_MOD):
            yield from self._modify(self.book, kind, xid, body)
        elif kind == Type.EXPERIMENTER:
            yield from self._experimenter(xid, body)

    def _role(self, xid: int, body: bytes) -> Iterable[bytes]:
        role, generation = decode_role(body)
        if generation < self.generation:
            yield faults.encode_error(xid, *CODES["OFPRRFC_STALE"], b"")
            return
        self.generation = generation
        self.roles.append(Role(role))
        yield message(Type.ROLE_REPLY, xid, body)

    def port_status(self, port: int, *, up: bool) -> None:
        """The link of a port goes or comes, and everybody connected is told."""
        index = next(at for at, known in enumerate(self.ports) if known.port == port)
        self.ports[index] = self.ports[index]._replace(state=LIVE if up else 1)
        body = pack("!B7x", 2) + encode_port(self.ports[index])
        with self._lock:
            for connection in self._connections:
                connection.sendall(message(Type.PORT_STATUS, 0, body))

    def _multipart(self, xid: int, body: bytes) -> Iterable[bytes]:
        part, _, _ = decode_multipart(body)
        rules = self.book.rules
        entries: dict[int, list[bytes]] = {
            Part.DESCRIPTION: [pack("!256s256s256s32s256s", b"sdnctl", b"fake switch", b"1", b"", b"")],
            Part.FLOW: [flow_stats_entry(flow, self.book.flow_packets[key]) for key, flow in rules.flows.items()],
            Part.GROUP_DESCRIPTION: [group_entry(group) for group in rules.groups.values()],
            Part.METER_CONFIG: [meter_entry(meter) for meter in rules.meters.values()],
            Part.GROUP_FEATURES: [pack("!II4I4I", 0b1111, 0, *[1000] * 4, *[0] * 4)],
            Part.METER_FEATURES: [pack("!IIIBB2x", 1 << 18, 2, 0xF, 1, 0)],
            Part.PORT_DESCRIPTION: [encode_port(port) for port in self.ports],
            Part.PORT_STATS: [pack("!I4x12QII", port.port, *[0] * 12, 0, 0) for port in self.ports],
        }
        if part not in entries:
            yield faults.encode_error(xid, *CODES["OFPBRC_BAD_MULTIPART"], body)
            return
        pending = b""
        for entry in entries[part]:
            if pending and len(pending) + len(entry) > self.part:
                yield multipart_reply(xid, part, pending, more=True)
                pending = b""
            pending += entry
        yield multipart_reply(xid, part, pending)

    def _modify(self, book: Rulebook, kind: int, xid: int, body: bytes) -> Iterable[bytes]:
        """Apply one change; an error message where it is refused."""
        decoders = {Type.GROUP_MOD: decode_group_mod, Type.METER_MOD: decode_meter_mod}
        deletions = {Type.GROUP_MOD: 2, Type.METER_MOD: 2, Type.FLOW_MOD: 4}
        owner = 0
        if kind == Type.FLOW_MOD:
            command, rule, owner = decode_flow_mod(body)
        else:
            command, rule = decoders[Type(kind)](body)
        if command == deletions[Type(kind)]:
            rule = _named(kind, body) if kind != Type.FLOW_MOD else rule
        assert isinstance(rule, Rule)
        try:
            why = self.refuse(rule)
            if why is not None:
                raise RuleRefused(why, "because the test says so")
            if command == deletions[Type(kind)]:
                if not isinstance(rule, Flow) or _deletable(book, rule, owner):
                    book.delete(rule)
            elif command == 0:
                book.add(rule)
            else:
                book.modify(rule)
        except RuleRefused as refusal:
            original = HEADER.pack(4, kind, HEADER.size + len(body), xid) + body
            yield faults.encode_error(xid, *CODES[refusal.error], original[:64])

    def _experimenter(self, xid: int, body: bytes) -> Iterable[bytes]:
        if not self.bundles or not is_bundle(body):
            yield faults.encode_error(xid, *CODES["OFPBRC_BAD_EXPERIMENTER"], body[:64])
            return
        if body[4:8] == pack("!I", 2301):
            bundle, _, inner = decode_bundle_add(body)
            self._staged[bundle].append(inner)
            return
        bundle, control, flags = decode_bundle_control(body)
        if control == BundleControl.OPEN_REQUEST:
            self._staged[bundle] = []
        elif control == BundleControl.DISCARD_REQUEST:
            del self._staged[bundle]
        elif control == BundleControl.COMMIT_REQUEST:
            trial = Rulebook(self.book.rules)
            for inner in self._staged.pop(bundle):
                _, kind, _, inner_xid = HEADER.unpack_from(inner)
                errors = list(self._modify(trial, kind, inner_xid, inner[HEADER.size :]))
                if errors:
                    yield from errors
                    yield faults.encode_error(xid, 0xFFFF, 2313, b"", 0x4F4E4600)
                    return
            self.book = trial
            self.committed.append(bundle)
        yield bundle_control(xid, bundle, BundleControl(control + 1), flags)


def _deletable(book: Rulebook, flow: Flow, mask: int) -> bool:
    held = book.rules.flows.get(flow.key)
    return held is not None and not (held.cookie ^ flow.cookie) & mask


def _named(kind: int, body: bytes) -> Rule:
    """The group or meter that a deletion names, which carries nothing but its number."""
    number = int.from_bytes(body[4:8], "big")
    if kind == Type.METER_MOD:
        return Meter(number, 0, 0)
    command, rule = decode_group_mod(body)
    assert command == 2
    assert isinstance(rule, Group)
    return rule


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data
