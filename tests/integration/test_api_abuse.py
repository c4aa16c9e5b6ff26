"""Clients that mean no good: slow, many, huge, silent. Each is bounded, and whoever asks something is answered."""

from __future__ import annotations

import gzip
import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
from controller_thread import Running, applied_net

from sdnctl.api.connections import Limits
from sdnctl.store.tokens import Role

FLOOD = 2_000
LIMITS = Limits(
    connections=64,
    idle=1.0,
    stall=1.0,
    body_time=3.0,
    body=1 << 20,
    unpacked=4 << 20,
    buffered=6 << 20,
    listeners=3,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(applied_net(tmp_path_factory.mktemp("abuse") / "net"), LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def token(running: Running) -> str:
    return running.token("honest", Role.OPERATOR)


def connect(running: Running) -> socket.socket:
    host, _, port = running.url.removeprefix("http://").partition(":")
    sock = socket.create_connection((host, int(port)), timeout=20)
    sock.settimeout(20)
    return sock


def closed(sock: socket.socket) -> bool:
    """Whether the other end has hung up, waiting for it; what it says before does not matter."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def honest(running: Running, token: str, times: int = 20) -> int:
    """How many of these requests, each on a connection of its own, are answered."""
    good = 0
    for _ in range(times):
        with running.remote(token) as client:
            good += client.get("/v1/applied").status_code == 200
        with running.local() as client:
            good += client.get("/healthz").status_code == 200
    return good


def test_a_flood_of_connections_harms_nobody(running: Running, token: str) -> None:
    """2,000 that say nothing, over and over: no more than the limit are held, every honest request is answered."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8_192), hard))
    answered = 0
    try:
        with ExitStack() as stack:
            for index in range(FLOOD):
                stack.enter_context(connect(running))
                if index % 400 == 399:
                    answered += honest(running, token, 4)
            held = running.server.crowd
            assert len(held) <= LIMITS.connections
            rounds = (
                FLOOD // 400
            )  # in each, those that are held may be closed for having said nothing for too long
            assert held.evicted >= FLOOD - LIMITS.connections * (1 + rounds)
            answered += honest(running, token)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert answered == 2 * (5 * 4 + 20)


@pytest.mark.parametrize(
    "half", [b"", b"G", b"GET /healthz HTTP/1.1\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: "]
)
def test_a_request_that_never_ends_is_ended(running: Running, token: str, half: bytes) -> None:
    """Slow-loris: an octet now and then does not buy more time."""
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(running)) for _ in range(20)]
        for sock in slow:
            sock.sendall(half)
        time.sleep(0.5)
        for sock in slow:
            sock.sendall(half[-1:])
        assert honest(running, token, 5) == 10
        assert all(closed(sock) for sock in slow)


def test_the_second_request_of_a_connection_has_its_time_too(running: Running) -> None:
    with connect(running) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in sock.recv(65536)
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        assert closed(sock)


def test_nobody_without_a_token_makes_it_hold_anything(running: Running) -> None:
    """The answer comes before the body."""
    with connect(running) as sock:
        sock.sendall(b"POST /v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 401 ")
        assert closed(sock)


def post(sock: socket.socket, token: str, *headers: str) -> None:
    lines = ["POST /v1/apply HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", *headers, "", ""]
    sock.sendall("\r\n".join(lines).encode())


def test_a_body_that_stalls_is_given_up(running: Running, token: str) -> None:
    with connect(running) as sock:
        post(sock, token, "Content-Length: 1000")
        sock.sendall(b"{")
        assert sock.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert closed(sock)


def test_a_body_that_trickles_is_given_up(running: Running, token: str) -> None:
    """However regularly: there is an end to all of it."""
    with connect(running) as sock:
        post(sock, token, "Content-Length: 100000")
        answer = b""
        for _ in range(60):
            try:
                sock.sendall(b" ")
                sock.settimeout(0.1)
                answer = sock.recv(65536)
                break
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_bodies_are_bounded(running: Running, token: str) -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < LIMITS.body
    with running.remote(token) as client:
        for content, headers, status, code in (
            (b" " * (LIMITS.body + 1), {}, 413, "too-large"),
            (bomb, {"Content-Encoding": "gzip"}, 413, "too-large"),
            (b"not gzip", {"Content-Encoding": "gzip"}, 400, "bad-gzip"),
            (gzip.compress(b"{}")[:-4], {"Content-Encoding": "gzip"}, 400, "bad-gzip"),
            (gzip.compress(b"{}") + b"x", {"Content-Encoding": "gzip"}, 400, "bad-gzip"),
            (b"{}", {"Content-Encoding": "br"}, 415, "unsupported-encoding"),
            (b"\xff", {}, 422, "bad-request"),
            (b"[" * 100_000, {}, 422, "bad-request"),
        ):
            answer = client.post("/v1/apply", content=content, headers=headers)
            assert (answer.status_code, answer.json()["diagnostics"][0]["code"]) == (status, code)

        def endless() -> Iterator[bytes]:
            while True:
                yield b" " * 65536

        with suppress(httpx.HTTPError):  # it may hang up while we are sending, which is as good
            assert client.post("/v1/apply", content=endless()).status_code == 413
    assert honest(running, token, 1) == 2
    assert running.server.crowd.held == 0


def test_headers_are_bounded(running: Running, token: str) -> None:
    with connect(running) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 70_000)
        assert sock.recv(65536).startswith(b"HTTP/1.1 400 ")
        assert closed(sock)


def test_listeners_are_bounded_and_let_go(running: Running, token: str) -> None:
    head = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(LIMITS.listeners):
            sock = stack.enter_context(connect(running))
            sock.sendall(head)
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        with running.remote(token) as client:
            answer = client.get("/v1/events")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert honest(running, token, 2) == 4
    deadline = time.monotonic() + 20
    while running.server.crowd.listeners:
        assert time.monotonic() < deadline, "who left is still told"
        time.sleep(0.01)


def test_who_does_not_read_is_given_up(running: Running, token: str) -> None:
    """A large answer to somebody who takes none of it does not stay in memory for ever."""
    busy = running.server.crowd.busy
    head = f"GET /v1/snapshots/1/state HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(5):
            sock = stack.enter_context(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            host, _, port = running.url.removeprefix("http://").partition(":")
            sock.connect((host, int(port)))
            sock.sendall(head * 200)
        assert honest(running, token, 3) == 6
        deadline = time.monotonic() + 30
        while busy:
            assert time.monotonic() < deadline, "they are still waited for"
            time.sleep(0.05)


def test_what_is_no_http_is_answered_or_closed(running: Running, token: str) -> None:
    for nonsense in (b"\x00" * 100, b"\x16\x03\x01\x02\x00" * 50, json.dumps({"a": 1}).encode() + b"\r\n\r\n"):
        with connect(running) as sock:
            sock.sendall(nonsense)
            assert closed(sock)
    assert honest(running, token, 1) == 2
