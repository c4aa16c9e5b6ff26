"""The API over TLS: who is let in, who is not, and what a person is told; certificates are made for each run."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import httpx
import pytest
import trustme
from controller_thread import Running, applied_net
from sdnctl_in_process import Net

from sdnctl.api.connections import Crowd, Limits
from sdnctl.api.encryption import Handshake, server_context
from sdnctl.client.trust import CA, CERTIFICATE, KEY, context_from_environment
from sdnctl.errors import InputError
from sdnctl.store.tokens import Role

LIMITS = Limits(connections=16, idle=2.0)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``NAME.pem`` and ``NAME.key`` of a server, of a client and of those that are none of ours."""
    folder = tmp_path_factory.mktemp("papers of the API")
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    other.cert_pem.write_to_path(folder / "other.pem")
    past = datetime.now(UTC) - timedelta(days=2)
    issued = {
        "server": authority.issue_cert("127.0.0.1"),
        "elsewhere": authority.issue_cert("controller.example"),
        "client": authority.issue_cert("client.example"),
        "expired": authority.issue_cert("client.example", not_before=past, not_after=past + timedelta(days=1)),
        "stranger": other.issue_cert("client.example"),
    }
    for name, leaf in issued.items():
        leaf.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        leaf.private_key_pem.write_to_path(folder / f"{name}.key")
    return folder


@pytest.fixture(scope="module")
def running(papers: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A controller that wants a certificate of its clients."""
    net = applied_net(tmp_path_factory.mktemp("tls") / "net")
    files = {"private_key": "server.key", "certificate": "server.pem", "client_ca": "ca.pem"}
    section = ", ".join(f'{name}: "file:{papers / file}"' for name, file in files.items())
    net.edit("network.yaml", "drain: ", f"controller: {{api_tls: {{{section}}}}}\ndrain: ")
    with Running(net, LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def token(running: Running) -> str:
    return running.token("ann", Role.OPERATOR)


def shows(papers: Path, name: str, authority: str = "ca") -> dict[str, str]:
    """The environment of a client with these papers; no name: none."""
    mine = {CERTIFICATE: f"{papers}/{name}.pem", KEY: f"file:{papers}/{name}.key"} if name else {}
    return {CA: f"{papers}/{authority}.pem", **mine}


def ask(running: Running, token: str, papers: dict[str, str], *words: str) -> tuple[int, str]:
    with mock.patch.dict(os.environ, {"SDNCTL_CONTROLLER": running.url, "SDNCTL_TOKEN": token, **papers}):
        done = Net(running.net.folder)(*words)
    return done.code, " ".join((done.out + done.err).split())


def test_verbs_go_through_tls_with_a_certificate_and_a_token(running: Running, token: str, papers: Path) -> None:
    assert running.url.startswith("https://127.0.0.1:")
    code, said = ask(running, token, shows(papers, "client"), "status")
    assert code == 0, said
    code, said = ask(running, token, shows(papers, "client"), "controller", "reconcile")
    assert code == 0, said  # follows the events of its change, too
    code, said = ask(running, "", shows(papers, "client"), "status")
    assert (code, "token" in said) == (1, True), "a certificate is no token"
    assert not any("without encryption" in one.summary for one in running.hub.events.since(0))


@pytest.mark.parametrize("name", ["", "stranger", "expired"])
def test_without_a_certificate_of_its_authority_nobody_gets_an_answer(
    running: Running, token: str, papers: Path, name: str
) -> None:
    code, said = ask(running, token, shows(papers, name), "status")
    assert code == 1
    assert re.search(r"error\[(controller-untrusted|controller-lost|no-controller)\]", said), said
    context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
    if name:
        context.load_cert_chain(papers / f"{name}.pem", papers / f"{name}.key")
    with pytest.raises(httpx.TransportError), httpx.Client(verify=context) as client:
        client.get(f"{running.url}/healthz")


def test_a_controller_that_is_another_one_is_not_told_the_token(
    running: Running, token: str, papers: Path
) -> None:
    """An authority that did not sign it; a name that its certificate does not have."""
    code, said = ask(running, token, shows(papers, "client", "other"), "status")
    assert (code, "error[controller-untrusted]" in said, CA in said) == (1, True, True), said
    with mock.patch.object(Running, "url", running.url.replace("127.0.0.1", "localhost")):
        code, said = ask(running, token, shows(papers, "client"), "status")
    assert (code, "error[controller-untrusted]" in said) == (1, True), said
    assert token not in said


def test_without_tls_nothing_is_answered(running: Running, token: str) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{running.url.replace('https', 'http')}/healthz", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=lambda one: one.name)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_are_refused(running: Running, papers: Path, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # what a client that knows no better would do
    context.load_cert_chain(papers / "client.pem", papers / "client.key")
    host, port = running.url.removeprefix("https://").split(":")

    def shake() -> str | None:
        with (
            socket.create_connection((host, int(port)), timeout=20) as sock,
            context.wrap_socket(sock, server_hostname=host) as tls,
        ):
            return tls.version()

    assert shake() == "TLSv1.3"
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError, match=r"EOF|PROTOCOL_VERSION"):
        shake()


def test_who_never_shakes_hands_makes_room(running: Running, token: str, papers: Path) -> None:
    host, port = running.url.removeprefix("https://").split(":")
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(100)]
        code, said = ask(running, token, shows(papers, "client"), "status")
        assert code == 0, said
        assert len(running.server.crowd) <= LIMITS.connections
        for sock in silent:  # each is hung up on, at once or after its time
            sock.settimeout(20)
            with suppress(ConnectionError):
                assert sock.recv(1) == b""


def test_files_that_cannot_be_used_are_named(papers: Path, tmp_path: Path) -> None:
    options = {"private_key": f"file:{papers}/server.key", "certificate": f"file:{papers}/server.pem"}
    assert server_context(options).verify_mode is ssl.CERT_NONE
    for name, path in (("private_key", papers / "client.key"), ("certificate", tmp_path / "nothing.pem")):
        with pytest.raises(InputError, match=r"cannot use its TLS files") as error:
            server_context({**options, name: f"file:{path}"})
        assert str(path) in error.value.diagnostics[0].detail
    for said in ({KEY: "x"}, {CA: str(tmp_path / "none")}, {CERTIFICATE: str(papers / "ca.pem")}):
        with mock.patch.dict(os.environ, said), pytest.raises(InputError, match="TLS files for the controller"):
            context_from_environment()


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.write(data)


def test_a_request_that_comes_with_the_end_of_the_handshake_is_read(papers: Path) -> None:
    """One segment with both, as fast clients send it; nothing is lost between the two."""
    served = server_context({"private_key": f"{papers}/server.key", "certificate": f"{papers}/server.pem"})
    crowd = Crowd()

    async def work() -> bytes:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Handshake(served, crowd, Echo), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
        tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        tls.write(b"early")
        writer.write(outgoing.read())
        said = b""
        while said != b"early":
            incoming.write(await reader.read(65536))
            with suppress(ssl.SSLWantReadError):
                said += tls.read(100)
        assert len(crowd) == 0
        writer.close()
        server.close()
        return said

    assert asyncio.run(asyncio.wait_for(work(), 30)) == b"early"
