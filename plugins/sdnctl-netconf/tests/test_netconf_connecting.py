"""What goes wrong on the way to a real netconfd: every failure names device and step, and shows no secret."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from sdnctl_netconf import NetconfDriver
from sdnctl_netconf.testing.netconfd import Netconfd
from sdnctl_netconf.testing.samples import described

from sdnctl.errors import DeviceError, DeviceUnreachable
from sdnctl.testing.driving import drive

pytestmark = pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "unshare", root=True)

use = partial(drive, NetconfDriver)


def test_a_changed_host_key_ends_it_before_any_password(server: Netconfd) -> None:
    use(server.target(), NetconfDriver.observe)
    log = server.folder / "sshd.log"
    before = log.stat().st_size
    server.present("other")
    try:
        with pytest.raises(DeviceError) as caught:
            use(server.target(), NetconfDriver.observe)
    finally:
        server.present("host")
    text = described(
        caught.value, "host-key-changed", "connect", server.fingerprint(), server.fingerprint("other")
    )
    assert "host_key" in text, "it says what to do"
    assert "password" in log.read_text()[:before]
    assert "password" not in log.read_text()[before:], "the password was given to somebody else"


def test_no_host_key_is_no_reason_to_trust(server: Netconfd) -> None:
    with pytest.raises(DeviceError) as caught:
        use(server.target(host_key=""), NetconfDriver.observe)
    described(caught.value, "host-key-unknown", server.fingerprint())


def test_host_key_from_a_known_hosts_file(server: Netconfd, tmp_path: Path) -> None:
    key = " ".join((server.folder / "host.pub").read_text().split()[:2])
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {key}\n")
    assert use(server.target(host_key=f"file:{known}"), NetconfDriver.observe).attachments == {}


def test_a_key_instead_of_a_password(server: Netconfd) -> None:
    target = server.target(password="", key=f"file:{server.folder}/user")
    assert use(target, NetconfDriver.observe).attachments == {}


def test_a_key_that_nobody_knows_then_the_password(server: Netconfd) -> None:
    stranger = f"file:{server.folder}/stranger"
    with pytest.raises(DeviceError) as caught:
        use(server.target(password="", key=stranger), NetconfDriver.observe)
    described(caught.value, "bad-credentials", "stranger", "sdnctl-test")
    assert use(server.target(key=stranger), NetconfDriver.observe).attachments == {}


def test_a_key_that_is_none(server: Netconfd) -> None:
    with pytest.raises(DeviceError) as caught:
        use(server.target(key=f"file:{server.folder}/password"), NetconfDriver.observe)
    described(caught.value, "bad-credentials", "option key")


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        ({"username": ""}, "bad-option", "username"),
        ({"password": ""}, "bad-option", "neither a password nor a key"),
        ({"password": "in clear"}, "secret-in-clear", "option password"),
        ({"timeout": "soon"}, "bad-option", "option timeout"),
        ({"validate": "perhaps"}, "bad-option", "option validate"),
        ({"platform": "none-such"}, "bad-platform", "ietf"),
        ({"platform": "../secret"}, "bad-platform", "option platform"),
    ],
)
def test_options_that_say_nothing(server: Netconfd, options: dict[str, str], code: str, word: str) -> None:
    with pytest.raises(DeviceError) as caught:
        use(server.target(**options), NetconfDriver.observe)
    assert "in clear" not in described(caught.value, code, word).replace("secret-in-clear", "")


def test_a_device_that_says_nothing_any_more(server: Netconfd) -> None:
    async def work(driver: NetconfDriver) -> None:
        server.pause(True)
        try:
            with pytest.raises(DeviceUnreachable) as caught:
                await driver.observe()
        finally:
            server.pause(False)
        described(caught.value, "device-unreachable", "observe", "no reply in 2 s")
        assert (await driver.observe()).attachments == {}, "the next call has a new session"

    use(server.target(timeout="2"), work)
