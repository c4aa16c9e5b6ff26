"""Faults on the simulated Arista switch: each is an error that names device and step, nothing is half applied."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import trustme
from sdnctl_napalm import NapalmDriver
from sdnctl_napalm.candidate import lines_to
from sdnctl_napalm.platforms.eos import Eos
from sdnctl_napalm.simulator import Fault

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceUnreachable
from sdnctl.southbound.base import Target
from sdnctl.southbound.references import fingerprint
from sdnctl.testing.attachments import adds, keyed, observed
from sdnctl.testing.driving import drive
from sdnctl.testing.secrets import assert_hidden

FIRST = Attachment("Ethernet1", "Ethernet9", 101, "school-1", None, 2_000_000, 25_000, 5)
SECOND = Attachment("Ethernet2", "Ethernet9", 102, "school-2", 20, 5_000_000, 50_000, 3)
use = partial(drive, NapalmDriver)
BOTH = keyed(FIRST, SECOND)
REVERT_IN = 60


def fails(target: Target, work: Callable[[NapalmDriver], Awaitable[Any]]) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        use(target, work)
    return caught.value


def code_of(error: DeviceError) -> str:
    (found,) = {item.code for item in error.diagnostics}
    return found


def check_told(error: DeviceError, lab: Any, step: str | None = None) -> None:
    """It names device and step, and shows no secret, nor do its causes."""
    for item in error.diagnostics:
        assert "sw-school" in item.summary
        assert item.address.startswith("device sw-school, "), item.address
        assert step is None or f", {step}" in item.address, item
    secrets = [(lab.folder / name).read_text().strip() for name in ("password", "enable")]
    assert_hidden(error, secrets)


# ── at every step, whatever happens ──────────────────────────────────────────────────────────────

COMMANDS = (
    "show running-config",
    "show configuration sessions",
    "configure session sdnctl_",
    "vlan 102",
    "end",
    "show session-config",
    "copy startup-config",
    "write memory",
    "show startup-config",
)
FATAL = tuple(fault for fault in Fault if fault is not Fault.HANG)
OFTEN = ("show running-config", "configure session sdnctl_", "show session-config", "write memory")
SECOND_AND_THIRD = [
    pytest.param(command, fault, nth, marks=() if command == "configure session sdnctl_" else pytest.mark.soak)
    for nth in (2, 3)
    for command in OFTEN
    for fault in FATAL
]
"""Of what an apply runs several times: all in the soak, here those that enter, commit and confirm sessions."""


def configured(device: Any, attachment: Attachment) -> None:
    """Put an attachment there without the driver's connection, as confirmed long ago."""
    read = Eos().read(device.text)
    device.configure(*(line.text for line in lines_to("eos", read, {attachment.key: attachment})))


@pytest.mark.parametrize(
    ("command", "fault", "nth"),
    [*((command, fault, 1) for command in COMMANDS for fault in FATAL), *SECOND_AND_THIRD],
)
def test_nothing_is_half_applied(lab: Any, command: str, fault: Fault, nth: int) -> None:
    """The nth such command of an apply fails in every way there is; then the switch has time to go back.

    Either the apply says that it went well and both attachments are there, or it says what went wrong and they are
    not; where only saving failed, reverting takes them away again. What was confirmed before stays in any case.
    """
    server = lab.switch(enable=True)
    target = lab.target(server, revert_in=str(REVERT_IN))
    device = server.device
    confirmed = replace(FIRST, port="Ethernet3", tag=103, endpoint="library")
    configured(device, confirmed)
    before = device.text

    def plant(left: int) -> None:
        if left > 1:
            device.meanwhile(command, lambda: plant(left - 1))
        else:
            device.plant(command, fault)

    plant(nth)

    async def apply(driver: NapalmDriver) -> DeviceError | None:
        try:
            await driver.commit(adds(FIRST, SECOND))
            await driver.confirm()
        except DeviceError as error:
            try:
                await driver.revert()
            except DeviceError as again:
                check_told(again, lab)
            return error
        return None

    error = use(target, apply)
    device.planted.clear()
    device.advance(REVERT_IN + 1)
    ran = device.text
    device.reboot()
    assert device.text == ran
    if error is None:
        assert Eos().read(ran).attachments == {confirmed.key: confirmed, **BOTH}
    else:
        check_told(error, lab)
        assert ran == before
    # And the next apply works, whatever was left behind.
    use(target, lambda driver: driver.commit(adds(SECOND)))
    assert device.pending == ()


@pytest.mark.parametrize("command", ["show running-config", "end", "copy startup-config"])
def test_no_answer(lab: Any, command: str) -> None:
    server = lab.switch()
    target = lab.target(server, revert_in=str(REVERT_IN), timeout="1")

    async def apply(driver: NapalmDriver) -> None:
        server.device.plant(command, Fault.HANG)
        await driver.commit(adds(FIRST))

    error = fails(target, apply)
    assert isinstance(error, DeviceUnreachable)
    assert "timed out" in str(error)
    check_told(error, lab)
    server.device.advance(REVERT_IN + 1)
    assert use(target, observed) == {}
    assert server.device.pending == ()


def test_reboot_in_the_middle_of_a_commit(lab: Any, server: Any) -> None:
    target = lab.target(server)

    async def apply(driver: NapalmDriver) -> None:
        server.device.meanwhile("copy startup-config", lambda: server.device.plant("configure", Fault.REBOOT))
        await driver.commit(adds(FIRST))

    error = fails(target, apply)
    assert isinstance(error, DeviceUnreachable)
    check_told(error, lab, "commit")
    assert use(target, observed) == {}


def test_reboot_between_commit_and_confirm(lab: Any, server: Any) -> None:
    target = lab.target(server)

    async def apply(driver: NapalmDriver) -> None:
        await driver.commit(adds(FIRST))
        server.device.reboot()
        await driver.confirm()

    error = fails(target, apply)
    assert code_of(error) == "not-confirmed"
    check_told(error, lab, "confirm")
    assert use(target, observed) == {}


def test_lost_for_good_after_a_commit(lab: Any, server: Any) -> None:
    """Nobody reaches the switch any more: it goes back by itself."""
    target = lab.target(server, revert_in=str(REVERT_IN))
    before = server.device.text

    async def apply(driver: NapalmDriver) -> None:
        await driver.commit(adds(FIRST))
        server.stop()
        with pytest.raises(DeviceUnreachable) as caught:
            await driver.revert()
        check_told(caught.value, lab, "revert")
        await driver.confirm()

    error = fails(target, apply)
    check_told(error, lab, "confirm")
    server.device.advance(REVERT_IN + 1)
    assert server.device.text == before


# ── credentials and certificates ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("option", ["password", "enable"])
def test_wrong_password(lab: Any, option: str) -> None:
    server = lab.switch(enable=True)
    (lab.folder / "wrong").write_text("guessed\n")
    error = fails(lab.target(server, **{option: f"file:{lab.folder}/wrong"}), observed)
    assert code_of(error) == "bad-credentials"
    check_told(error, lab, "connect")
    assert "guessed" not in str(error)


def test_certificate_by_fingerprint(lab: Any, served_by: Any) -> None:
    context, certificate = served_by("sw-school.example.net")
    server = lab.switch(context=context)
    assert use(lab.target(server, host_key=fingerprint(certificate)), observed) == {}


def test_another_certificate_gets_no_password(lab: Any, served_by: Any) -> None:
    (context, certificate), (_, expected) = served_by("sw-school.example.net"), served_by("sw-school.example.net")
    server = lab.switch(context=context)
    error = fails(lab.target(server, host_key=fingerprint(expected)), observed)
    assert code_of(error) == "host-key-changed"
    assert fingerprint(expected) in str(error)
    assert fingerprint(certificate) in str(error)
    check_told(error, lab, "connect")
    assert server.requests == []


def test_certificate_by_its_authority(lab: Any, served_by: Any, authority: trustme.CA) -> None:
    path = lab.folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    server = lab.switch(context=served_by("127.0.0.1")[0])
    assert use(lab.target(server, host_key=f"file:{path}"), observed) == {}


@pytest.mark.parametrize("wrong", ["authority", "name", "nobody"])
def test_a_certificate_that_nobody_vouches_for(
    lab: Any, served_by: Any, authority: trustme.CA, wrong: str
) -> None:
    path = lab.folder / "ca.pem"
    (trustme.CA() if wrong == "authority" else authority).cert_pem.write_to_path(str(path))
    server = lab.switch(context=served_by("192.0.2.1" if wrong == "name" else "127.0.0.1")[0])
    options = {} if wrong == "nobody" else {"host_key": f"file:{path}"}
    error = fails(lab.target(server, **options), observed)
    assert code_of(error) == "host-key-changed"
    check_told(error, lab, "connect")
    assert server.requests == []


@pytest.mark.parametrize("content", [None, "no certificate at all\n"])
def test_a_file_of_authorities_that_is_none(lab: Any, served_by: Any, content: str | None) -> None:
    path = lab.folder / "ca.pem"
    if content is not None:
        path.write_text(content)
    server = lab.switch(context=served_by("127.0.0.1")[0])
    error = fails(lab.target(server, host_key=f"file:{path}"), observed)
    assert code_of(error) == "bad-host-key"
    assert str(path) in str(error)


def test_https_to_a_port_that_speaks_http(lab: Any, server: Any) -> None:
    target = replace(lab.target(server), address=server.address.replace("http:", "https:"))
    error = fails(target, observed)
    assert code_of(error) == "device-garbage"
    assert "TLS" in str(error)
    check_told(error, lab, "connect")


# ── garbage on the wire ──────────────────────────────────────────────────────────────────────────


def body(text: str) -> bytes:
    data = text.encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data)


@pytest.fixture
def says() -> Iterator[Callable[[bytes], str]]:
    """A server that says one and the same to everybody, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer: list[bytes] = []

        def serve() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(5)
                    heard = b""
                    while b"\r\n\r\n" not in heard:
                        part = connection.recv(65_536)
                        if not part:
                            return  # the test's own call: the end
                        heard += part
                    connection.sendall(answer[0])
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65_536):  # a reset would take the answer away from who reads it
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]

        def make(data: bytes) -> str:
            answer.append(data)
            return f"http://127.0.0.1:{port}"

        yield make
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "closed the connection"),
        (b"\x00\x01\x02\xff\xfe", "not HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "not HTTP"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "HTTP 503 Busy"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", "HTTP 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", "ends after 2 octets"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "ends after"),
        (body("<html>log in</html>"), "not JSON at offset 0"),
        (body('{"jsonrpc": "2.0", "result": [{"version": '), "not JSON at offset 42"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{\xff}", "not UTF-8 at offset 1"),
        (body("[" * 100_000), "nested too deeply"),
        (body("[1, 2]"), "list"),
        (body("{}"), "neither results nor an error"),
        (body('{"result": "ok"}'), "neither results nor an error"),
        (body('{"result": [{}, 5]}'), "neither results nor an error"),
        (body('{"result": [{}]}'), "1 results for 2 commands"),
        (body('{"error": "no"}'), "without code and message"),
        (body('{"error": {"code": "x", "message": 5}}'), "without code and message"),
        (body('{"result": [{}, {}]}'), "version"),
        (body('{"result": [{}, {"version": 7}]}'), "TypeError"),
    ],
)
def test_garbage_on_the_wire(lab: Any, server: Any, says: Callable[[bytes], str], raw: bytes, said: str) -> None:
    target = replace(lab.target(server), address=says(raw))
    error = fails(target, observed)
    assert code_of(error) == ("device-garbage" if raw else "device-unreachable")
    assert said in str(error)
    check_told(error, lab, "connect")


def test_a_configuration_that_is_none(lab: Any, server: Any) -> None:
    server.device.running["banner motd"] = {}
    error = fails(lab.target(server), observed)
    assert code_of(error) == "device-garbage"
    assert "banner" in str(error)
    check_told(error, lab, "read")


# ── targets that cannot be used ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"address": "https://sdnctl:hidden@192.0.2.9"}, "napalm-address"),
        ({"address": "192.0.2.9"}, "napalm-address"),
        ({"address": "ssh://192.0.2.9"}, "napalm-address"),
        ({"address": "https://192.0.2.9:99999"}, "napalm-address"),
        ({"address": "https://192.0.2.9/command-api"}, "napalm-address"),
        ({"address": "http://192.0.2.9"}, "napalm-address"),
        ({"platform": "junos"}, "napalm-platform"),
        ({"platform": ""}, "napalm-platform"),
        ({"timeout": "soon"}, "napalm-option"),
        ({"timeout": "0"}, "napalm-option"),
        ({"revert_in": "86400"}, "napalm-option"),
        ({"password": "hidden"}, "secret-in-clear"),
        ({"host_key": "hidden", "address": "https://127.0.0.1"}, "bad-host-key"),
    ],
)
def test_a_target_that_cannot_be_used(lab: Any, server: Any, change: dict[str, str], code: str) -> None:
    target = lab.target(server, **{name: value for name, value in change.items() if name != "address"})
    error = fails(replace(target, address=change.get("address", target.address)), observed)
    assert code_of(error) == code
    assert "sw-school" in str(error)
    assert "hidden" not in str(error) or code == "bad-host-key"
    assert server.requests == []
