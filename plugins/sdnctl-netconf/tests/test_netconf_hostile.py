"""Devices that misbehave (simulators: a few lines each, real sockets): a diagnostic, and no session afterwards."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sdnctl_netconf import NetconfDriver, client
from sdnctl_netconf.client import Client
from sdnctl_netconf.device import NetconfDevice
from sdnctl_netconf.framing import Framer, frame
from sdnctl_netconf.notifications import parse_change

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, ProtocolError
from sdnctl.southbound.base import Target
from sdnctl.testing.attachments import adds
from sdnctl.testing.driving import drive

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
CAPABILITIES = (
    "urn:ietf:params:netconf:base:1.0",
    "urn:ietf:params:netconf:base:1.1",
    "urn:ietf:params:netconf:capability:candidate:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.1",
    "urn:ietf:params:netconf:capability:validate:1.1",
)
PORTS = "".join(f"<interface><name>{name}</name></interface>" for name in ("eth1", "eth9"))
DATA = f'<data><interfaces xmlns="{IF}">{PORTS}</interfaces></data>'
NONE_PENDING = (
    "<rpc-error><error-tag>operation-failed</error-tag><error-severity>error</error-severity></rpc-error>"
)
SECRET = "hunter2 & more"
Answer = Callable[[str, str], bytes]


def hello(*more: str, session: str = "<session-id>7</session-id>") -> bytes:
    said = "".join(f"<capability>{name}</capability>" for name in (*CAPABILITIES, *more))
    return f'<hello xmlns="{BASE}"><capabilities>{said}</capabilities>{session}</hello>]]>]]>'.encode()


def reply(number: str, body: str) -> bytes:
    return frame(f'<rpc-reply xmlns="{BASE}" message-id="{number}">{body}</rpc-reply>'.encode(), chunked=True)


def polite(request: str, number: str) -> bytes:
    """What a device answers that holds nothing and accepts everything."""
    operation = re.search(r"<(?:\w+:)?rpc[^>]*><(?:\w+:)?([a-z-]+)", request)[1]  # type: ignore[index]
    if operation in ("get-config", "get"):
        return reply(number, DATA)
    return reply(number, NONE_PENDING if operation == "cancel-commit" else "<ok/>")


class Channel:
    """A socket that wakes whoever reads it when it is closed, as a channel of SSH does."""

    def __init__(self, near: socket.socket) -> None:
        self.recv, self.sendall = near.recv, near.sendall
        self._socket = near

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Simulator:
    """A device at the other end of a pair of sockets, in place of the SSH channel."""

    def __init__(self, greeting: bytes, answer: Answer) -> None:
        near, self._far = socket.socketpair()
        near.settimeout(5)
        self.near = Channel(near)
        self.asked: list[str] = []
        self._greeting, self._answer = greeting, answer
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        framer = Framer()
        with contextlib.suppress(OSError), self._far:
            self._far.sendall(self._greeting)
            while data := self._far.recv(65_536):
                for message in framer.feed(data):
                    if not framer.chunked:
                        framer.chunked = True  # that was their hello
                        continue
                    self.asked.append(message.decode())
                    number = re.search(rb'message-id="([^"]+)"', message)[1].decode()  # type: ignore[index]
                    answer = self._answer(message.decode(), number)
                    if not answer:
                        return
                    self._far.sendall(answer)

    def end(self) -> None:
        self.near.close()
        self._thread.join(5)
        assert not self._thread.is_alive()


class Transport:
    """What is left of SSH in these tests."""

    def close(self) -> None:
        pass


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., NetconfDevice]]:
    running: list[Simulator] = []
    opened: list[NetconfDevice] = []
    (tmp_path / "password").write_text(SECRET)

    def make(answer: Answer = polite, greeting: bytes | None = None, **options: str) -> Any:
        def connect(login: object) -> tuple[Transport, Channel]:
            simulator = Simulator(hello() if greeting is None else greeting, answer)
            running.append(simulator)
            return Transport(), simulator.near

        monkeypatch.setattr(client, "connect", connect)
        device = NetconfDevice(target(tmp_path, 830, **options))
        opened.append(device)
        return device, running

    yield make
    for device in opened:
        device.close()
    for simulator in running:
        simulator.end()


def target(folder: Path, port: int, **options: str) -> Target:
    given = {"username": "u", "password": f"file:{folder}/password", "timeout": "0.5", **options}
    return Target("sw-mad", f"ssh://127.0.0.1:{port}", options=given)


def explained(error: DeviceError, code: str, step: str, *words: str) -> None:
    text = str(error)
    assert [found.code for found in error.diagnostics] == [code], text
    for word in ("sw-mad", step, *words):
        assert word in text, text
    assert "hunter2" not in text


WANTED = Attachment("eth1", "eth9", 101, "school-1")


# ── before NETCONF ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"220 ready for FTP\r\n" * 3, "device-garbage"),
        (b"\x00\xff" * 4_000, "device-garbage"),
        (b"SSH-2.0-mad\r\n" + b"\x7f\xff\xff\xff" * 20, "device-garbage"),
        (b"", "device-unreachable"),
    ],
)
def test_simulator_that_is_no_ssh_server(tmp_path: Path, said: bytes, code: str) -> None:
    (tmp_path / "password").write_text(SECRET)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4_096):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, pytest.raises(DeviceError) as caught:
        NetconfDevice(target(tmp_path, listener.getsockname()[1], host_key="SHA256:" + "A" * 43, timeout="3"))
    thread.join(5)
    explained(caught.value, code, "connect")


def test_simulator_that_accepts_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(DeviceError) as caught:
        NetconfDevice(target(tmp_path, listener.getsockname()[1], host_key="SHA256:" + "A" * 43))
    explained(caught.value, "device-unreachable", "connect")


# ── hello ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("greeting", "code", "word"),
    [
        (b"", "device-unreachable", "timed out"),
        (b"% Unknown command\r\n]]>]]>", "device-garbage", "Unknown command"),
        (b"<hello><capab]]>]]>", "device-garbage", ""),
        (b"\xff\xfe<hello/>]]>]]>", "device-garbage", "octet 0"),
        (hello(session=""), "device-garbage", "without a session"),
        (b'<!DOCTYPE h [<!ENTITY a "b">]><hello>&a;</hello>]]>]]>', "device-garbage", "document type"),
        (b"<rpc-reply/>]]>]]>", "device-garbage", "instead of a message"),
        (f'<rpc-reply xmlns="{BASE}"/>]]>]]>'.encode(), "device-unreachable", "timed out"),
    ],
)
def test_simulator_with_a_bad_hello(simulate: Any, greeting: bytes, code: str, word: str) -> None:
    with pytest.raises(DeviceError) as caught:
        simulate(greeting=greeting)
    explained(caught.value, code, "connect", word)


# ── replies ──────────────────────────────────────────────────────────────────────────────────────

BOMB = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
GARBAGE: dict[str, tuple[Answer, str, str]] = {
    "no chunk": (lambda _, number: b"Segmentation fault\n", "device-garbage", "instead of the size of a chunk"),
    "endless chunk": (lambda _, number: b"\n#4294967295\nxx", "device-garbage", "more than"),
    "no XML": (lambda _, number: frame(b"core dumped", chunked=True), "device-garbage", "instead of XML"),
    "half XML": (lambda _, number: frame(b"<rpc-reply><da", chunked=True), "device-garbage", ""),
    "binary": (lambda _, number: frame(b"<\xc3\x28>", chunked=True), "device-garbage", "UTF-8"),
    "entities": (
        lambda _, number: frame(f'{BOMB}<rpc-reply message-id="{number}">&b;</rpc-reply>'.encode(), chunked=True),
        "device-garbage",
        "document type",
    ),
    "deep": (lambda _, number: reply(number, "<a>" * 5_000 + "</a>" * 5_000), "device-garbage", ""),
    "nothing in it": (lambda _, number: reply(number, ""), "device-garbage", "without data"),
    "another's": (lambda _, number: reply("urn:nobody", "<ok/>"), "device-garbage", "message-id"),
    "silence": (lambda _, number: b"\n", "device-unreachable", "no reply in 0.5 s"),
    "hangs up": (lambda _, number: b"", "device-unreachable", "close"),
    "its own words": (
        lambda _, number: reply(
            number,
            "<rpc-error><error-tag>access-denied</error-tag><error-severity>error</error-severity>"
            "<error-message>no, hunter2 &amp; more</error-message></rpc-error>",
        ),
        "device-refused",
        "[secret] (access-denied)",
    ),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_simulator_with_garbage_while_it_is_read(simulate: Any, kind: str) -> None:
    answer, code, word = GARBAGE[kind]
    device, _ = simulate(answer)
    with pytest.raises(DeviceError) as caught:
        device.observe()
    explained(caught.value, code, "observe", word)


STEPS = {
    "<nc:lock>": "lock",
    "<nc:edit-config>": "edit",
    "<nc:commit><nc:confirmed": "commit",
    "<nc:commit><nc:persist-id": "confirm",
}


@pytest.mark.parametrize("operation", STEPS)
@pytest.mark.parametrize("kind", ["no chunk", "half XML", "nothing in it", "hangs up"])
def test_simulator_with_garbage_at_each_step(simulate: Any, kind: str, operation: str) -> None:
    """Then the device is taken for lost, and asked in a new session to go back."""
    broken = [True]

    def answer(request: str, number: str) -> bytes:
        if operation in request and broken:
            return GARBAGE[kind][0](request, number)
        return polite(request, number)

    device, running = simulate(answer)

    def change() -> None:
        device.commit(adds(WANTED))
        device.confirm()

    device._check = lambda *_: None  # this simulator holds nothing: that is another test
    with pytest.raises(DeviceError) as caught:
        change()
    code = "device-unreachable" if kind == "hangs up" else "device-garbage"
    explained(caught.value, code, f"step: {STEPS[operation]}")
    broken.clear()
    sessions = len(running)
    device.revert()
    asked = "".join(request for simulator in running[sessions:] for request in simulator.asked)
    assert ("cancel-commit" in asked) == ("commit" in operation), "what may have been committed is cancelled"


def test_simulator_that_forgets_what_it_confirmed(simulate: Any) -> None:
    device, running = simulate()
    with pytest.raises(DeviceError) as caught:
        device.commit(adds(WANTED))
    explained(caught.value, "read-back", "read back", "is not there")
    assert "cancel-commit" in running[0].asked[-2], "and it takes back what it may hold"
    assert "unlock" in running[0].asked[-1]


@pytest.mark.parametrize("missing", ["candidate:1.0", "confirmed-commit:1.1", "validate:1.1"])
def test_simulator_without_what_is_needed(simulate: Any, missing: str) -> None:
    greeting = re.sub(rf"<capability>[^<]*:{missing}</capability>".encode(), b"", hello())
    device, running = simulate(greeting=greeting)
    with pytest.raises(DeviceError) as caught:
        device.commit(adds(WANTED))
    explained(caught.value, "device-refused", "connect", missing.split(":")[0])
    assert not any("edit-config" in request for request in running[0].asked)


def test_simulator_with_a_startup_of_its_own(simulate: Any) -> None:
    """What is confirmed must be there after a restart too, and if that fails it is said."""
    full, message = [False], "<error-message>flash is full</error-message>"

    def answer(request: str, number: str) -> bytes:
        if "copy-config" in request and full[0]:
            return reply(number, NONE_PENDING.replace("</rpc-error>", f"{message}</rpc-error>"))
        return polite(request, number)

    device, running = simulate(answer, greeting=hello("urn:ietf:params:netconf:capability:startup:1.0"))
    device._check = lambda *_: None
    device.commit(adds(WANTED))
    device.confirm()
    copies = [request for request in running[0].asked if "copy-config" in request]
    assert len(copies) == 1
    assert copies[0].index("startup") < copies[0].index("running"), "target, then source"
    full[0] = True
    device.commit(adds(WANTED))
    with pytest.raises(DeviceError) as caught:
        device.confirm()
    explained(caught.value, "device-refused", "confirm", "flash is full", "next start")


def test_simulator_that_reports_state(simulate: Any) -> None:
    state = (
        f'<data><interfaces-state xmlns="{IF}"><interface><name>eth1</name><oper-status>down</oper-status>'
        "<if-index>12</if-index><statistics><in-octets>18446744073709551615</in-octets><out-octets>7</out-octets>"
        "<in-unicast-pkts>3</in-unicast-pkts><out-discards>none</out-discards></statistics></interface>"
        "<interface><name>other</name></interface></interfaces-state></data>"
    )

    def answer(request: str, number: str) -> bytes:
        return reply(number, state) if "interfaces-state" in request else polite(request, number)

    device, running = simulate(answer)
    ports = device.counters().ports
    assert [(port.port, port.name, port.up) for port in ports.values()] == [
        (12, "eth1", False),
        (13, "eth9", True),
    ]
    assert (ports[12].rx_bytes, ports[12].tx_bytes, ports[12].rx_packets, ports[12].tx_dropped) == (
        2**64 - 1,
        7,
        3,
        0,
    )
    asked = running[0].asked[-1]
    assert "oper-status" in asked
    assert "description" not in asked, "only what is needed is read"


def test_simulator_that_reads_no_request_until_more_arrives(simulate: Any) -> None:
    """As netconfd 2.13 does with a first request that it reads together with our hello."""
    device, running = simulate(timeout="5")
    held: list[bytes] = []

    class Stubborn(Simulator):
        def _serve(self) -> None:
            with contextlib.suppress(OSError), self._far:
                self._far.sendall(hello())
                data = b""
                while not data.endswith(b"\n##\n\n"):
                    data += self._far.recv(65_536)
                held.append(data)
                number = re.search(rb'message-id="([^"]+)"', data)[1].decode()  # type: ignore[index]
                self._far.sendall(reply(number, DATA))
                second = self._far.recv(65_536)
                assert not second.startswith(b"\n"), "its first octet is there already"
                number = re.search(rb'message-id="([^"]+)"', second)[1].decode()  # type: ignore[index]
                self._far.sendall(reply(number, DATA))
                self._far.recv(65_536)

    def connect(login: object) -> tuple[Transport, Channel]:
        running.append(Stubborn(b"", polite))
        return Transport(), running[-1].near

    client.connect = connect  # the fixture puts it back
    device.close()
    started = time.monotonic()
    assert device.observe().attachments == {}
    assert device.observe().attachments == {}
    assert held
    assert time.monotonic() - started < 4
    running[-1]._far.close()


def test_notifications_of_something_else() -> None:
    head = '<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">'
    ncn = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"
    assert parse_change(f"{head}<other/></notification>") is None
    change = parse_change(
        f'{head}<netconf-config-change xmlns="{ncn}"><changed-by><server/></changed-by></netconf-config-change>'
        "</notification>"
    )
    assert change is not None
    assert (change.username, change.session, change.datastore, change.targets) == ("", "", "running", ())


async def _first(driver: NetconfDriver) -> object:
    return await anext(driver.watch_changes())


def test_simulator_without_notifications(simulate: Any, tmp_path: Path) -> None:
    simulate()
    with pytest.raises(DeviceError) as caught:
        drive(NetconfDriver, target(tmp_path, 830), _first)
    explained(caught.value, "device-refused", "subscribe", "notifications")


def test_garbage_is_a_protocol_error(simulate: Any) -> None:
    device, _ = simulate(GARBAGE["no chunk"][0])
    with pytest.raises(ProtocolError):
        device.observe()
    assert isinstance(device._client, Client)
    assert not device._client.alive
