"""Certificates on both sides of the OpenFlow channel, real Open vSwitch: who is refused, and in what words."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
import trustme
from ovs_fixture import PrivateSwitch

from sdnctl.daemon.events import Kind
from sdnctl.daemon.identity import Identities
from sdnctl.daemon.live import LiveFleet
from sdnctl.daemon.settings import ControllerSettings
from sdnctl.errors import DeviceUnreachable
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.driver import OpenFlowDriver
from sdnctl.store.bindings import Binding

pytestmark = pytest.mark.ovs

A, B = 0xA1, 0xB2
REFUSED = {
    "stranger": ("certificate-authority", "shows a certificate of another authority"),
    "expired": ("certificate-expired", "shows a certificate that has expired"),
    "early": ("certificate-early", "shows a certificate that is not valid yet"),
}


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and certificates: of the controller, of two switches, and of those that nobody should let in."""
    folder = tmp_path_factory.mktemp("papers")
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.pem")
    then, later = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
    made = {
        "controller": ours.issue_cert("controller.example"),
        "a": ours.issue_cert("a.example"),
        "b": ours.issue_cert("b.example"),
        "expired": ours.issue_cert("a.example", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=then),
        "early": ours.issue_cert("a.example", not_before=later, not_after=datetime(2091, 1, 1, tzinfo=UTC)),
        "stranger": theirs.issue_cert("a.example"),
    }
    for name, leaf in made.items():
        leaf.private_key_pem.write_to_path(folder / f"{name}.key")
        leaf.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    theirs.private_key_pem.write_to_path(folder / "self-signed.key")
    theirs.cert_pem.write_to_path(folder / "self-signed.pem")
    return folder


@pytest.fixture(scope="module")
def switch() -> Iterator[PrivateSwitch]:
    with PrivateSwitch() as one:
        one.add_bridge("a", A)
        one.add_bridge("b", B)
        yield one


def tls(papers: Path, name: str = "controller") -> Mapping[str, str]:
    files = {"private_key": f"{name}.key", "certificate": f"{name}.pem", "ca_certificate": "ca.pem"}
    return {key: f"file:{papers / file}" for key, file in files.items()}


def shown(papers: Path, name: str) -> str:
    return sha256(ssl.PEM_cert_to_DER_cert((papers / f"{name}.pem").read_text())).hexdigest()


async def until(condition: Callable[[], object], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + 20
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.02)


def present(switch: PrivateSwitch, papers: Path, name: str) -> None:
    switch.set_tls(papers / f"{name}.key", papers / f"{name}.pem", papers / "ca.pem")


def test_switches_that_dial_in(switch: PrivateSwitch, papers: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the right papers a switch is a device; with others it is refused, and an event says why."""
    targets = {name: {OpenFlowDriver: Target(name, "dial-in", dpid)} for name, dpid in (("a", A), ("b", B))}

    async def work() -> None:
        settings = ControllerSettings(listen=("pssl:0:127.0.0.1",), tls=tls(papers))
        async with LiveFleet(targets, settings=settings) as fleet:  # type: ignore[arg-type]
            where = f"ssl:127.0.0.1:{fleet.doors.addresses[0].split(':')[1]}"

            def told(code: str) -> list[str]:
                found = (one for one in fleet.events.since(0) if one.kind is Kind.SWITCH_REFUSED)
                return [one.summary for one in found if one.detail["code"] == code]

            for name, (code, words) in REFUSED.items():
                await asyncio.to_thread(present, switch, papers, name)
                await asyncio.to_thread(switch.set_controller, "a", where)
                await until(lambda code=code: told(code), f"{name} was not refused")  # type: ignore[misc]
                assert words in told(code)[0]
                assert "127.0.0.1 port" in told(code)[0]
                await asyncio.to_thread(switch.vsctl, "del-controller", "a")
                assert not fleet.up
            await asyncio.to_thread(without_certificate, papers, where)
            await until(lambda: told("certificate-missing"), "a client without certificate was not refused")
            await asyncio.to_thread(switch.set_controller, "a", where.replace("ssl:", "tcp:"))
            await until(lambda: told("not-tls"), "a switch without TLS was not refused")
            assert not fleet.up
            await asyncio.to_thread(present, switch, papers, "self-signed")
            before = caplog.text.count("another authority")  # it is told once for each host, and always logged
            await asyncio.to_thread(switch.set_controller, "a", where)
            await until(lambda: caplog.text.count("another authority") > before, "a certificate of its own")
            assert not fleet.up
            await asyncio.to_thread(switch.vsctl, "del-controller", "a")
            for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
                said = await asyncio.to_thread(of_another_time, papers, where, version)
                assert "EOF" in said or "ALERT" in said, said
            assert await asyncio.to_thread(of_another_time, papers, where, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"

            await asyncio.to_thread(present, switch, papers, "a")
            await asyncio.to_thread(switch.set_controller, "a", where)
            await until(lambda: "a" in fleet.up, "the right switch was not let in")
            await steals(fleet, where)

    async def steals(fleet: LiveFleet, where: str) -> None:
        """A switch with a good certificate, its own, says that it is another one; and one with somebody else's."""
        await asyncio.to_thread(switch.vsctl, "del-controller", "a")
        await until(lambda: "a" not in fleet.up, "a is still there")
        fleet.identities = Identities.of(
            {"a": A, "b": B}, [Binding("a", A, shown(papers, "a"), "now", "somebody")]
        )
        await asyncio.to_thread(present, switch, papers, "b")
        await asyncio.to_thread(switch.set_controller, "a", where)
        await until(lambda: strangers(fleet, "a shows another certificate"), "b passed for a")
        await asyncio.to_thread(switch.vsctl, "del-controller", "a")
        await asyncio.to_thread(present, switch, papers, "a")
        await asyncio.to_thread(switch.set_controller, "b", where)
        await until(lambda: strangers(fleet, "b shows the certificate of a"), "a passed for b")
        assert not fleet.up

    def strangers(fleet: LiveFleet, words: str) -> bool:
        return any(one.kind is Kind.SWITCH_UNKNOWN and words in one.summary for one in fleet.events.since(0))

    try:
        asyncio.run(work())
    finally:
        switch.vsctl("del-controller", "a", "--", "del-controller", "b")


def without_certificate(papers: Path, where: str) -> None:
    """A client that knows the authority and has nothing to show."""
    context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
    context.check_hostname = False
    try:
        with (
            socket.create_connection(("127.0.0.1", int(where.rpartition(":")[2])), timeout=10) as connection,
            context.wrap_socket(connection) as secured,
        ):
            assert secured.recv(8) == b"", "it was answered"
    except OSError:
        pass  # refused in the handshake


def of_another_time(papers: Path, where: str, version: ssl.TLSVersion) -> str:
    """A client with good papers that speaks one version of TLS only: what came of it, or why nothing did."""
    context = ssl.create_default_context(cafile=str(papers / "ca.pem"))
    context.check_hostname = False
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # else this side would not even try
    context.load_cert_chain(papers / "a.pem", papers / "a.key")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", int(where.rpartition(":")[2])), timeout=10) as connection:
        try:
            with context.wrap_socket(connection) as secured:
                return str(secured.version())
        except ssl.SSLError as error:
            return str(error.reason or error)


def test_switches_that_are_dialled(switch: PrivateSwitch, papers: Path) -> None:
    """The same the other way round: the error names the switch and what is wrong with its certificate."""
    present(switch, papers, "a")
    switch.set_controller("a", "pssl:0:127.0.0.1")
    port = switch.listening_port("a", "pssl")

    def target(**more: str) -> Target:
        return Target("pop-a", f"ssl:127.0.0.1:{port}", A, {**tls(papers), **more})

    async def opens(where: Target) -> None:
        try:
            driver = await OpenFlowDriver.open(where)
            await driver.close()
        finally:
            await asyncio.sleep(0.05)  # asyncio closes the transport of a failed handshake a moment later

    try:
        asyncio.run(opens(target()))
        mine = {key: value for key, value in tls(papers, "stranger").items() if key != "ca_certificate"}
        with pytest.raises(DeviceUnreachable, match="pop-a"):  # Open vSwitch does not let us in
            asyncio.run(opens(target(**mine)))
        for name, (code, words) in REFUSED.items():
            present(switch, papers, name)
            with pytest.raises(DeviceUnreachable) as caught:
                asyncio.run(opens(target()))
            (said,) = caught.value.diagnostics
            assert said.code == code
            assert said.summary == f"pop-a at ssl:127.0.0.1:{port} {words}"
            assert said.address == "switch pop-a"
        present(switch, papers, "a")
        with pytest.raises(DeviceUnreachable) as caught:
            asyncio.run(opens(target(server_name="b.example")))
        assert caught.value.diagnostics[0].code == "certificate-name"
    finally:
        switch.vsctl("del-controller", "a")
