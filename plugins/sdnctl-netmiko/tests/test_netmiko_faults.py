"""What goes wrong, on simulators of an IOS-like switch: errors name device and step, and nothing is half there."""

from __future__ import annotations

import asyncio
import logging
import socketserver
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sdnctl_netmiko import NetmikoDriver
from sdnctl_netmiko.testing.ios import CUSTOMERS, ENABLE, PASSWORD, UPLINK, Faults, IosSimulator, IosSwitch

from sdnctl.dataplane.attachment import Attachment
from sdnctl.dataplane.values import Flow, Match
from sdnctl.errors import DeviceError
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Target
from sdnctl.testing.attachments import adds, deletes, keep, keyed, observed
from sdnctl.testing.driving import drive, with_options

FIRST = Attachment(CUSTOMERS[0], UPLINK, 101, "school-1", None, 2_000_000, 25_000, 5)
OTHER = Attachment(CUSTOMERS[1], UPLINK, 102, "school-2", 42, 4_000_000, None, None)
use = partial(drive, NetmikoDriver)


def fails(target: Target, work: Callable[[NetmikoDriver], Awaitable[Any]], code: str, *said: str) -> DeviceError:
    """The work fails with this code, and the text has these words, the device's name and no secret."""
    with pytest.raises(DeviceError) as caught:
        use(target, work)
    text = str(caught.value)
    assert caught.value.diagnostics[0].code == code, text
    for word in (target.device, *said):
        assert word in text, f"{word!r} is not in: {text}"
    for secret in (PASSWORD, ENABLE):
        assert secret not in text
    return caught.value


# ── getting in ───────────────────────────────────────────────────────────────────────────────────


def test_enable_secret_that_is_refused(ios_target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOS_ENABLE", "not-the-secret")
    error = fails(ios_target, lambda driver: driver.observe(), "bad-credentials", "connect", "enable")
    assert "not-the-secret" not in str(error)


@pytest.mark.parametrize("passphrase", ["", "env:IOS_ENABLE"])
def test_a_key_that_does_not_open(ios_target: Target, tmp_path: Path, passphrase: str) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id", passphrase="another one", rounds=1, ignore_few_rounds=True)
    (tmp_path / "none").write_text("no key\n")
    for name in ("id", "none"):
        options = {"key": f"file:{tmp_path}/{name}"} | ({"passphrase": passphrase} if passphrase else {})
        fails(with_options(ios_target, **options), lambda driver: driver.observe(), "bad-credentials", name)


def test_another_host_key_is_told_before_the_password_is_sent(ios_target: Target, ios: IosSwitch) -> None:
    other = "SHA256:" + "A" * 43
    target = with_options(ios_target, host_key=other)
    fails(target, lambda driver: driver.observe(), "host-key-changed", other, ios_target.options["host_key"])
    assert ios.typed == []


def test_a_device_whose_key_nobody_knows_is_not_let_through(ios_target: Target) -> None:
    options = {name: value for name, value in ios_target.options.items() if name != "host_key"}
    target = replace(ios_target, options=options)
    fails(target, lambda driver: driver.observe(), "host-key-unknown", ios_target.options["host_key"])


@contextmanager
def server(speech: bytes) -> Iterator[int]:
    """Says one thing to everybody, and then nothing."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(speech)
            self.request.settimeout(5)
            try:
                while self.request.recv(1024):
                    continue
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield listening.server_address[1]
        finally:
            listening.shutdown()


@pytest.mark.parametrize(
    ("speech", "code"), [(b"220 mail.example ESMTP\r\n" * 200, "device-garbage"), (b"", "device-unreachable")]
)
def test_something_else_answers_at_the_address(ios_target: Target, speech: bytes, code: str) -> None:
    with server(speech) as port:
        target = replace(with_options(ios_target, timeout="1"), address=f"ssh://127.0.0.1:{port}")
        fails(target, lambda driver: driver.observe(), code, "connect")


@pytest.mark.parametrize("address", ["telnet://h:23", "ssh://", "ssh://u:p@h:22", "ssh://h:99999", "h:22"])
def test_addresses_that_are_none(ios_target: Target, address: str) -> None:
    target = replace(ios_target, address=address)
    fails(target, lambda driver: driver.observe(), "bad-address", "ssh://HOST:PORT")


@pytest.mark.parametrize(("option", "value"), [("timeout", "soon"), ("confirm_timeout", "-1"), ("timeout", "nan")])
def test_options_that_are_no_numbers(ios_target: Target, option: str, value: str) -> None:
    fails(with_options(ios_target, **{option: value}), lambda driver: driver.observe(), "bad-option", option)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("garbage", [b"\x00\x01", b"\xff\xfe", b"\x85", "é".encode()[:1]])
def test_garbage_on_the_wire_is_told_with_its_place(ios: IosSwitch, ios_target: Target, garbage: bytes) -> None:
    ios.faults = Faults(garbage=garbage)
    fails(ios_target, lambda driver: driver.observe(), "device-garbage", "observe", " is ")


def test_a_configuration_that_ends_in_the_middle_is_not_taken_for_all(ios: IosSwitch, ios_target: Target) -> None:
    ios.faults = Faults(cut_off=300)
    fails(ios_target, lambda driver: driver.observe(), "device-garbage", "observe", "ends after")


def test_a_prompt_that_never_comes(ios: IosSwitch, ios_target: Target) -> None:
    ios.faults = Faults(mute="show running")
    began = time.monotonic()
    target = with_options(ios_target, timeout="1")
    fails(target, lambda driver: driver.observe(), "device-unreachable", "observe", "did not come within 1 s")
    assert time.monotonic() - began < 10


def test_pages_are_turned(ios: IosSwitch, ios_target: Target) -> None:
    use(ios_target, lambda driver: driver.commit(adds(FIRST)))
    ios.console(*(line for number in range(200, 260) for line in (f"vlan {number}", f"name n{number}", "exit")))
    ios.faults = Faults(pages=True)

    confirmed(ios_target, FIRST)
    assert use(ios_target, observed) == keyed(FIRST)


def test_letters_beyond_ascii_come_through_whole(ios: IosSwitch, ios_target: Target) -> None:
    ios.console(f"interface {CUSTOMERS[2]}", "description école du « Mas »")
    port = replace(FIRST, port=CUSTOMERS[2])
    fails(ios_target, lambda driver: driver.prepare(adds(port)), "port-in-use", "école du « Mas »", CUSTOMERS[2])


def test_secrets_of_the_device_are_not_quoted(ios: IosSwitch, ios_target: Target) -> None:
    """Errors about the running configuration never show lines of it."""
    ios.console("snmp-server community s3cr3t-of-device RO")
    ios.faults = Faults(garbage=b"\x01")
    assert "s3cr3t-of-device" not in str(fails(ios_target, lambda driver: driver.observe(), "device-garbage"))
    ios.faults = Faults(cut_off=400)
    assert "s3cr3t-of-device" not in str(fails(ios_target, lambda driver: driver.observe(), "device-garbage"))


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


def confirmed(target: Target, *attachments: Attachment) -> None:
    use(target, lambda driver: keep(driver, *adds(*attachments)))


@pytest.mark.parametrize(
    "line", ["description sdnctl port", "class class-default", "service-policy", "allowed vlan"]
)
def test_a_refused_line_leaves_nothing_behind(ios: IosSwitch, ios_target: Target, line: str) -> None:
    """Whichever line it is: the error names the attachment, configuration mode is left, nothing waits."""
    confirmed(ios_target, FIRST)
    before = ios.running.text()
    ios.faults = Faults(refuse=line)

    async def work(driver: NetmikoDriver) -> None:
        with pytest.raises(DeviceError) as caught:
            await driver.commit(adds(OTHER))
        text = str(caught.value)
        assert caught.value.diagnostics[0].code == "device-refused"
        assert all(word in text for word in ("sw-school", "commit", OTHER.port, OTHER.endpoint, "Invalid input"))
        assert ios.typed[-3] == "end", "configuration mode was left, then the change was taken back and read"
        ios.faults = Faults()
        await driver.commit(adds(OTHER))  # nothing is locked
        await driver.revert()

    use(ios_target, work)
    assert ios.running.text() == before


def test_a_line_that_is_taken_and_not_held(ios: IosSwitch, ios_target: Target) -> None:
    ios.faults = Faults(ignore="^police")
    before = ios.running.text()
    fails(ios_target, lambda driver: driver.commit(adds(FIRST)), "read-back", "read back", FIRST.port)
    assert ios.running.text() == before


@pytest.mark.parametrize(
    "line", ["^configure terminal revert", "^description", "^police", "^service-policy", "^end"]
)
def test_a_connection_that_ends_during_a_commit(ios: IosSwitch, ios_target: Target, line: str) -> None:
    confirmed(ios_target, OTHER)
    before = ios.running.text()

    async def work(driver: NetmikoDriver) -> None:
        ios.faults = Faults(hang_up=line)
        threading.Timer(0.3, lambda: setattr(ios, "faults", Faults())).start()
        await driver.commit(adds(FIRST))

    fails(ios_target, work, "device-unreachable")
    deadline = time.monotonic() + 15
    while ios.running.text() != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ios.running.text() == before


def test_a_restart_during_a_commit(ios: IosSwitch, ios_target: Target) -> None:
    confirmed(ios_target, OTHER)
    ios.faults = Faults(reboot="^police")
    fails(ios_target, lambda driver: driver.commit(adds(FIRST)), "device-unreachable", "commit")
    ios.faults = Faults()
    assert use(ios_target, observed) == keyed(OTHER)


def test_a_controller_that_is_killed_leaves_a_device_that_goes_back_by_itself(
    ios: IosSwitch, ios_target: Target
) -> None:
    ios.minute = 2.0
    confirmed(ios_target, OTHER)
    before = ios.running.text()

    async def work() -> None:
        driver = await NetmikoDriver.open(ios_target)
        await driver.commit(adds(FIRST))
        driver._device._session.close()  # the process is gone: nobody reverts

    asyncio.run(work())
    assert use(ios_target, observed).keys() == {FIRST.key, OTHER.key}
    fails(
        ios_target,
        lambda driver: driver.commit(adds(replace(FIRST, tag=105))),
        "device-refused",
        "lock",
        "already",
    )
    assert FIRST.key in use(ios_target, observed), "what another session changed was not taken back by that"
    while ios.running.text() != before:
        time.sleep(0.1)


def test_a_confirmation_that_comes_too_late(ios: IosSwitch, ios_target: Target) -> None:
    ios.minute = 0.5

    async def work(driver: NetmikoDriver) -> None:
        await driver.commit(adds(FIRST))
        await asyncio.sleep(0.6)
        with pytest.raises(DeviceError, match="step: confirm"):
            await driver.confirm()
        await driver.revert()
        assert not (await driver.observe()).attachments

    use(ios_target, work)
    assert "sdnctl" not in ios.startup.text()


def test_half_a_configuration_is_seen_and_repaired(ios: IosSwitch, ios_target: Target) -> None:
    """Cut off by hand or by a crash: each attachment that lacks a part differs from what is wanted."""
    confirmed(ios_target, FIRST, OTHER)
    ios.console(f"interface {UPLINK}", "switchport trunk allowed vlan remove 101")
    assert use(ios_target, observed)[FIRST.key] == replace(FIRST, uplink="")
    ios.console(f"interface {CUSTOMERS[1]}", "no vlan-range 42")
    assert use(ios_target, observed)[OTHER.key] == replace(OTHER, rate=None)
    ios.console(f"interface {CUSTOMERS[0]}", "no switchport access vlan")
    assert use(ios_target, observed)[FIRST.key].tag == 0
    confirmed(ios_target, FIRST, OTHER)
    assert use(ios_target, observed) == keyed(FIRST, OTHER)


def test_a_port_with_and_without_tags(ios: IosSwitch, ios_target: Target) -> None:
    """The untagged customer becomes the native VLAN when a tagged one joins it, and access again afterwards."""
    bare, tagged = FIRST, replace(OTHER, port=FIRST.port)
    confirmed(ios_target, bare)
    confirmed(ios_target, tagged)
    assert use(ios_target, observed) == keyed(bare, tagged)
    section = ios.running.find(f"interface {FIRST.port}")
    assert section is not None
    assert "switchport trunk allowed vlan 101,102" in section.lines
    use(ios_target, lambda driver: keep(driver, *deletes(tagged)))
    assert use(ios_target, observed) == keyed(bare)
    section = ios.running.find(f"interface {FIRST.port}")
    assert section is not None
    assert "switchport access vlan 101" in section.lines


@pytest.mark.parametrize(
    "wrong",
    [
        replace(FIRST, endpoint="who?"),
        replace(FIRST, endpoint="a\nreload"),
        replace(FIRST, port="Gi1/0/1\nreload"),
        replace(FIRST, endpoint="école"),
        replace(FIRST, tag=10),
    ],
    ids=["help", "second-line", "port", "not-ascii", "tag-of-somebody"],
)
def test_what_cannot_be_typed_is_never_typed(ios: IosSwitch, ios_target: Target, wrong: Attachment) -> None:
    ios.console("vlan 10", "name office")
    for step in ("prepare", "commit"):
        fails(
            ios_target, lambda driver, step=step: getattr(driver, step)(adds(wrong)), "device-refused", "validate"
        )
    assert not any("configure" in line or "reload" in line for line in ios.typed)


def test_everything_wrong_is_said_at_once(ios_target: Target) -> None:
    changes = adds(
        replace(FIRST, endpoint="?"), replace(OTHER, port="?"), replace(OTHER, port=CUSTOMERS[2], tag=101)
    )
    error = fails(ios_target, lambda driver: driver.prepare(changes), "device-refused")
    assert len(error.diagnostics) == 3
    fails(ios_target, lambda driver: driver.prepare([Change(Op.ADD, Flow(0, 1, Match()))]), "device-refused")


# ── secrets, many at once ────────────────────────────────────────────────────────────────────────


def test_no_secret_in_any_log(
    ios: IosSwitch, ios_target: Target, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where everything that libraries log is kept, down to what they write to the device."""
    with caplog.at_level(logging.DEBUG):
        confirmed(ios_target, FIRST)
        ios.faults = Faults(hang_up="show running")
        fails(ios_target, lambda driver: driver.observe(), "device-unreachable", "observe")
    shown = caplog.text + "".join(capfd.readouterr())
    assert "write_channel" in caplog.text, "netmiko logs what it does, so this looks at something"
    assert PASSWORD not in shown
    assert ENABLE not in shown


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.soak)])
def test_many_slow_devices_at_once(
    simulator: IosSimulator, ios_target: Target, count: int, tmp_path: Path
) -> None:
    switches = [IosSwitch(f"sw-{number}", faults=Faults(delay=0.02)) for number in range(count)]
    ports = [simulator.listen(switch) for switch in switches]

    async def one(port: int) -> int:
        driver = await NetmikoDriver.open(replace(ios_target, address=f"ssh://127.0.0.1:{port}"))
        try:
            await keep(driver, *adds(FIRST))
            return len((await driver.observe()).attachments or {})
        finally:
            await driver.close()

    async def main() -> list[int]:
        return await asyncio.gather(*map(one, ports))

    try:
        assert asyncio.run(main()) == [1] * count
        assert all("sdnctl school-1" in switch.startup.text() for switch in switches)
    finally:
        for port in ports:
            simulator.close(port)
