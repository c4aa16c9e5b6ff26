"""A controller of another version is told in one sentence, whatever it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from sdnctl.client.dialect import DIALECT, HEADER
from sdnctl.client.fleet import RemoteFleet
from sdnctl.client.remote import Remote
from sdnctl.client.store import RemoteStore
from sdnctl.errors import SdnctlError


class Other(BaseHTTPRequestHandler):
    """Answers everything with the same."""

    status: ClassVar[int] = 200
    dialect: ClassVar[str | None] = None
    body: ClassVar[bytes] = b"{}"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        if self.dialect is not None:
            self.send_header(HEADER, self.dialect)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815 (the base class has it so)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def other() -> Iterator[Remote]:
    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    remote = Remote(f"http://127.0.0.1:{server.server_port}")
    yield remote
    remote.close()
    server.shutdown()
    thread.join()
    server.server_close()


def code(error: pytest.ExceptionInfo[SdnctlError]) -> str:
    (only,) = error.value.diagnostics
    return only.code


@pytest.mark.parametrize(
    ("status", "dialect", "wanted"),
    [
        (200, None, "controller-differs"),
        (200, str(DIALECT + 1), "controller-differs"),
        (404, str(DIALECT - 1), "controller-differs"),
        (502, None, "controller-answer"),  # of a proxy, say
        (500, str(DIALECT), "controller-answer"),
    ],
)
def test_another_number(
    other: Remote, monkeypatch: pytest.MonkeyPatch, status: int, dialect: str | None, wanted: str
) -> None:
    monkeypatch.setattr(Other, "status", status)
    monkeypatch.setattr(Other, "dialect", dialect)
    with pytest.raises(SdnctlError) as error:
        other.get("/v1/applied")
    assert code(error) == wanted


@pytest.mark.parametrize(
    "body",
    [
        b"not JSON",
        b"{}",
        b"[]",
        b'{"switches": [{"switch": "a"}], "applied": {"new": 1}, "snapshots": [{"id": 1}], "tokens": [{}],'
        b' "counters": {"a": {"ports": {"x": 1}}}, "rules": {"switches": {}}, "bindings": [{"dpid": "zz"}]}',
    ],
)
def test_the_same_number_and_something_else(other: Remote, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(Other, "dialect", str(DIALECT))
    monkeypatch.setattr(Other, "body", body)
    monkeypatch.setattr(RemoteFleet, "devices", lambda *_: ("a",))
    store = RemoteStore(other)
    for ask in (
        lambda: asyncio.run(RemoteFleet(other, {"a": {}}).observe(["a"])),
        lambda: asyncio.run(RemoteFleet(other, {"a": {}}).counters()),
        store.history,
        lambda: store.snapshot(1),
        store.tokens.all,
        store.bindings.all,
    ):
        with pytest.raises(SdnctlError) as error:
            ask()
        assert code(error) == "controller-differs"
        assert "start the controller again" in error.value.diagnostics[0].hint
