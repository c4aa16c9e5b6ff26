"""What goes wrong with a real netconfd: every failure names device and step, and nothing is half there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sdnctl_netconf import NetconfDriver
from sdnctl_netconf.client import Client

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable
from sdnctl.plan.model import AttachmentChange, Op
from sdnctl.southbound.base import Target

pytestmark = pytest.mark.servers("netconfd", "netconf-subsystem", "sshd", "unshare", root=True)

IF = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
HEAD = (
    f'<interfaces xmlns="{IF}" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"'
    ' xmlns:ianaift="urn:ietf:params:xml:ns:yang:iana-if-type">'
)
WANTED = tuple(
    Attachment(f"eth{number}", "eth9", 100 + number, f"school-{number}", rate=2_000_000, burst=25_000, priority=5)
    for number in (1, 2, 3)
)
OURS = ["eth1.untagged", "eth2.untagged", "eth3.untagged"]


def adds(*attachments: Attachment) -> list[AttachmentChange]:
    return [AttachmentChange(Op.ADD, attachment) for attachment in attachments]


def use(target: Target, work: Callable[[NetconfDriver], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        driver = await NetconfDriver.open(target)
        try:
            return await work(driver)
        finally:
            await driver.close()

    return asyncio.run(main())


def described(parent: Any, code: str, *words: str) -> str:
    """The text of the error that was raised, which must have this code and these words, and no secret."""
    error = parent.value
    text = str(error)
    assert code in {found.code for found in error.diagnostics}, text
    for word in ("sw-school", *words):
        assert word in text, f"{word!r} is not in: {text}"
    shown: BaseException | None = error
    while shown is not None:
        assert "wörd" not in f"{shown} {shown!r}"
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    return text


# ── connect ──────────────────────────────────────────────────────────────────────────────────────


def test_a_changed_host_key_ends_it_before_any_password(server: Any) -> None:
    use(server.target(), NetconfDriver.observe)
    log = server.folder / "sshd.log"
    before = log.stat().st_size
    server.present("other")
    try:
        with pytest.raises(DeviceError) as caught:
            use(server.target(), NetconfDriver.observe)
    finally:
        server.present("host")
    text = described(caught, "host-key-changed", "connect", server.fingerprint(), server.fingerprint("other"))
    assert "host_key" in text, "it says what to do"
    assert "password" in log.read_text()[:before]
    assert "password" not in log.read_text()[before:], "the password was given to somebody else"


def test_no_host_key_is_no_reason_to_trust(server: Any) -> None:
    with pytest.raises(DeviceError) as caught:
        use(server.target(host_key=""), NetconfDriver.observe)
    described(caught, "host-key-unknown", server.fingerprint())


def test_host_key_from_a_known_hosts_file(server: Any, tmp_path: Path) -> None:
    key = " ".join((server.folder / "host.pub").read_text().split()[:2])
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {key}\n")
    assert use(server.target(host_key=f"file:{known}"), NetconfDriver.observe).attachments == {}


def test_a_key_instead_of_a_password(server: Any) -> None:
    target = server.target(password="", key=f"file:{server.folder}/user")
    assert use(target, NetconfDriver.observe).attachments == {}


def test_a_key_that_nobody_knows_then_the_password(server: Any) -> None:
    stranger = f"file:{server.folder}/stranger"
    with pytest.raises(DeviceError) as caught:
        use(server.target(password="", key=stranger), NetconfDriver.observe)
    described(caught, "bad-credentials", "stranger", "sdnctl-test")
    assert use(server.target(key=stranger), NetconfDriver.observe).attachments == {}


def test_a_key_that_is_none(server: Any) -> None:
    with pytest.raises(DeviceError) as caught:
        use(server.target(key=f"file:{server.folder}/password"), NetconfDriver.observe)
    described(caught, "bad-credentials", "option key")


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
def test_options_that_say_nothing(server: Any, options: dict[str, str], code: str, word: str) -> None:
    with pytest.raises(DeviceError) as caught:
        use(server.target(**options), NetconfDriver.observe)
    assert "in clear" not in described(caught, code, word).replace("secret-in-clear", "")


def test_a_device_that_says_nothing_any_more(server: Any) -> None:
    async def work(driver: NetconfDriver) -> None:
        server.pause(True)
        try:
            with pytest.raises(DeviceUnreachable) as caught:
                await driver.observe()
        finally:
            server.pause(False)
        described(caught, "device-unreachable", "observe", "no reply in 2 s")
        assert (await driver.observe()).attachments == {}, "the next call has a new session"

    use(server.target(timeout="2"), work)


# ── candidates of others ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("step", ["prepare", "commit"])
def test_half_written_edits_of_somebody_else(server: Any, another: Any, step: str) -> None:
    another.edit(
        f"{HEAD}<interface><name>eth2</name><description>half of it</description></interface></interfaces>"
    )

    async def work(driver: NetconfDriver) -> None:
        with pytest.raises(DeviceRefused) as caught:
            await getattr(driver, step)(adds(*WANTED))
        described(caught, "device-refused", "lock", "candidate cannot be locked")

    use(server.target(), work)
    assert another.interfaces("candidate")["eth2"].findtext(f"{{{IF}}}description") == "half of it"
    another.rpc("<discard-changes/>")
    assert not {*OURS} & another.interfaces().keys()


@pytest.mark.parametrize(("datastore", "step"), [("candidate", "lock"), ("running", "commit")])
def test_a_lock_of_somebody_else(server: Any, another: Any, names: Any, datastore: str, step: str) -> None:
    another.rpc(f"<lock><target><{datastore}/></target></lock>")

    async def work(driver: NetconfDriver) -> None:
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(*WANTED))
        text = described(caught, "device-refused", step)
        assert "holds it" not in text or f"session {another.session} holds it" in text
        another.rpc(f"<unlock><target><{datastore}/></target></unlock>")
        await driver.commit(adds(*WANTED))
        await driver.confirm()

    use(server.target(), work)
    assert names(another.interfaces()) == OURS


def test_nobody_edits_between_commit_and_confirm(server: Any, another: Any, names: Any) -> None:
    """A confirming commit commits the candidate: edits of others in it would be made permanent."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        with pytest.raises(Exception, match="locked"):
            another.edit(
                f"{HEAD}<interface><name>eth2</name><description>x</description></interface></interfaces>"
            )
        await driver.confirm()
        another.edit(f"{HEAD}<interface><name>eth2</name><description>x</description></interface></interfaces>")

    use(server.target(), work)
    another.rpc("<discard-changes/>")
    assert names(another.interfaces()) == OURS[:1]


# ── commit, confirm, revert ──────────────────────────────────────────────────────────────────────


def test_a_commit_that_nobody_confirms_is_taken_back_by_the_device(server: Any, names: Any) -> None:
    """The connection breaks, as when our process dies: only the device is left to do something."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED))
        server.door.hang_up()
        assert names(server.outside.interfaces()) == OURS, "a lost session alone is no reason to go back"
        # netconfd looks after its timers only when nobody has asked it anything for a second.
        server.wait_until(lambda: not names(server.outside.interfaces()), "the device takes it back", every=1.2)
        with pytest.raises(DeviceError) as caught:
            await driver.confirm()
        described(caught, "device-refused", "confirm", "not confirmed in 1 s")
        assert names(server.outside.interfaces()) == []

    use(server.target(confirm_timeout="1"), work)


@pytest.mark.parametrize("end", ["confirm", "revert"])
def test_another_session_confirms_or_reverts(server: Any, names: Any, end: str) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED[:2]))
        await driver.commit(adds(WANTED[2]))
        server.door.hang_up()
        await getattr(driver, end)()

    use(server.target(), work)
    assert names(server.outside.interfaces()) == (OURS if end == "confirm" else [])
    assert names(server.outside.interfaces("candidate")) == (OURS if end == "confirm" else [])


def test_a_new_session_does_not_confirm_edits_of_others(server: Any, another: Any, names: Any) -> None:
    """The lock went with the session, and netconfd gives no other one while a commit is pending."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        server.door.hang_up()
        await asyncio.to_thread(server.wait_until, edited, "the lock is gone")
        with pytest.raises(DeviceRefused) as caught:
            await driver.confirm()
        described(caught, "device-refused", "confirm", "edits of somebody else")
        another.rpc("<discard-changes/>")
        await driver.confirm()

    def edited() -> bool:
        try:
            another.edit(
                f"{HEAD}<interface><name>eth2</name><description>x</description></interface></interfaces>"
            )
        except another.Refused:
            return False
        return True

    use(server.target(), work)
    found = another.interfaces()
    assert names(found) == OURS[:1]
    assert found["eth2"].findtext(f"{{{IF}}}description") is None


def test_a_refused_commit_leaves_no_memory(server: Any, another: Any) -> None:
    """What to go back to is what ran before the commit that is taken back, not before one that never was."""

    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        await driver.confirm()
        another.rpc("<lock><target><running/></target></lock>")
        with pytest.raises(DeviceRefused):
            await driver.commit(adds(replace(WANTED[0], tag=150)))
        another.rpc("<unlock><target><running/></target></unlock>")
        altered = '<attachment xmlns="urn:sdnctl:yang:attachments"><tag>777</tag></attachment>'
        another.commit(f"{HEAD}<interface><name>eth1.untagged</name>{altered}</interface></interfaces>")
        await driver.commit(adds(replace(WANTED[0], tag=160)))
        await driver.revert()
        assert (await driver.observe()).attachments == {WANTED[0].key: replace(WANTED[0], tag=777)}

    use(server.target(), work)


def test_two_commits_go_back_as_one(server: Any, names: Any) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        await driver.commit(adds(WANTED[1]))
        assert names(server.outside.interfaces()) == OURS[:2]
        await driver.revert()
        assert names(server.outside.interfaces()) == []

    use(server.target(), work)


def test_what_a_dead_process_left_is_taken_back_and_told(server: Any, names: Any) -> None:
    async def dies(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        server.door.hang_up()

    async def comes_after(driver: NetconfDriver) -> None:
        assert set((await driver.observe()).attachments or ()) == {WANTED[0].key}
        with pytest.raises(DeviceRefused) as caught:
            await driver.commit(adds(WANTED[1]))
        described(caught, "device-refused", "commit", "unconfirmed", "plan again")
        assert (await driver.observe()).attachments == {}
        await driver.commit(adds(WANTED[1]))
        await driver.confirm()

    use(server.target(), dies)
    use(server.target(), comes_after)
    assert names(server.outside.interfaces()) == ["eth2.untagged"]


def test_a_change_that_is_dropped_in_silence_is_seen(server: Any, names: Any) -> None:
    """netconfd 2.13 forgets the candidate at <validate>, and says ok to it and to <commit>."""

    async def work(driver: NetconfDriver) -> None:
        with pytest.raises(DeviceError) as caught:
            await driver.commit(adds(*WANTED))
        described(caught, "read-back", "read back", "eth1", "school-3", "is not there")
        await driver.confirm()  # nothing is pending

    use(server.target(validate="explicit"), work)
    assert names(server.outside.interfaces()) == []
    server.outside.rpc("<lock><target><candidate/></target></lock>")
    server.outside.rpc("<unlock><target><candidate/></target></unlock>")


def test_the_device_refuses_one_of_three(server: Any, names: Any) -> None:
    """By its model: the error's path leads back to the attachment, and nothing of the others is left."""
    bad = replace(WANTED[1], tag=4_095)

    async def work(driver: NetconfDriver) -> None:
        for step in (driver.prepare, driver.commit):
            with pytest.raises(DeviceRefused) as caught:
                await step(adds(WANTED[0], bad, WANTED[2]))
            text = described(caught, "device-refused", "edit", "eth2 → eth9 VLAN 4095", "school-2", "range")
            assert "school-1" not in text

    use(server.target(), work)
    assert names(server.outside.interfaces("candidate")) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(WANTED[0], port="eth77"), ["no port eth77", "eth1"]),
        (replace(WANTED[0], uplink="eth77"), ["no port eth77"]),
        (replace(WANTED[0], tag=102, endpoint="late"), ["VLAN 102 of eth9 is that of eth2 already", "late"]),
    ],
)
def test_what_is_refused_before_the_device_is_asked(server: Any, wanted: Attachment, words: Sequence[str]) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[1]))
        await driver.confirm()
        with pytest.raises(DeviceRefused) as caught:
            await driver.prepare(adds(wanted))
        described(caught, "device-refused", "edit", *words)

    use(server.target(), work)


# ── power failures ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("lock", "lock"),
        ("edit", "edit"),
        ("commit", "commit"),
        ("get_config", "read back"),
        ("confirm", "confirm"),
    ],
)
def test_the_device_loses_power_right_before_a_step(
    server: Any, names: Any, monkeypatch: pytest.MonkeyPatch, method: str, step: str
) -> None:
    original = getattr(Client, method)

    def after_a_power_failure(self: Client, *arguments: Any, **options: Any) -> Any:
        if step == "read back" and arguments[0] != step:
            return original(self, *arguments, **options)
        monkeypatch.setattr(Client, method, original)
        server.kill()
        return original(self, *arguments, **options)

    async def commit_and_confirm(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED))
        await driver.confirm()

    async def work(driver: NetconfDriver) -> None:
        monkeypatch.setattr(Client, method, after_a_power_failure)
        with pytest.raises(DeviceUnreachable) as caught:
            await commit_and_confirm(driver)
        described(caught, "device-unreachable", f"step: {step}")
        server.start()
        await driver.revert()

    use(server.target(), work)
    assert names(server.outside.interfaces()) == []


def test_the_device_loses_power_while_it_commits(server: Any, names: Any) -> None:
    """At whatever moment that is: everything of a confirmed change is there afterwards, or nothing."""
    seen, ended = server.log.stat().st_size, threading.Event()

    def kill() -> None:
        with server.log.open("rb") as log:
            log.seek(seen)
            said = b""
            while b"<commit>" not in said and not ended.is_set():
                said = said[-20:] + log.read()
                time.sleep(0.0005)
        server.kill()

    async def commit_for_ever(driver: NetconfDriver) -> None:
        for _ in range(50):
            await driver.commit(adds(*WANTED))
            await driver.revert()

    async def work(driver: NetconfDriver) -> None:
        watcher = threading.Thread(target=kill)
        watcher.start()
        try:
            with pytest.raises(DeviceError) as caught:
                await commit_for_ever(driver)
        finally:
            ended.set()
            watcher.join()
        described(caught, "device-unreachable", "step: ")
        server.start()

    use(server.target(), work)
    assert names(server.outside.interfaces()) == []


def test_what_was_confirmed_survives_a_power_failure(server: Any, names: Any) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(*WANTED))
        await driver.confirm()

    use(server.target(), work)
    server.kill()
    server.start()
    assert names(server.outside.interfaces()) == OURS


# ── drift ────────────────────────────────────────────────────────────────────────────────────────


def test_changes_by_hand_are_told_at_once(server: Any, another: Any) -> None:
    async def work(driver: NetconfDriver) -> None:
        changes = driver.watch_changes()
        first = asyncio.ensure_future(anext(changes))
        subscribed = lambda: "<create-subscription>" in server.log.read_text(errors="replace")[seen:]  # noqa: E731
        await asyncio.to_thread(server.wait_until, subscribed, "the driver subscribes")
        another.commit(
            f"{HEAD}<interface><name>eth2</name><description>by hand</description></interface></interfaces>"
        )
        change = await asyncio.wait_for(first, 5)
        assert (change.datastore, change.username) == ("running", "sdnctl-test")
        assert change.session == another.session
        assert any("eth2" in target for target in change.targets), change
        assert (await driver.observe()).foreign == 1
        server.door.hang_up()
        with pytest.raises(DeviceUnreachable) as caught:
            await asyncio.wait_for(anext(changes), 5)
        described(caught, "device-unreachable", "subscribe")

    seen = len(server.log.read_text(errors="replace"))
    use(server.target(), work)


@pytest.mark.parametrize(
    ("altered", "tag"),
    [
        ("<enabled>false</enabled>", 0),
        ('<attachment xmlns="urn:sdnctl:yang:attachments"><tag>777</tag></attachment>', 777),
        ('<attachment xmlns="urn:sdnctl:yang:attachments"><port>eth2</port></attachment>', 0),
    ],
)
def test_what_was_altered_by_hand_is_seen_and_repaired(server: Any, altered: str, tag: int) -> None:
    async def work(driver: NetconfDriver) -> None:
        await driver.commit(adds(WANTED[0]))
        await driver.confirm()
        server.outside.commit(f"{HEAD}<interface><name>eth1.untagged</name>{altered}</interface></interfaces>")
        held = (await driver.observe()).attachments
        assert held == {WANTED[0].key: replace(WANTED[0], tag=tag)}
        await driver.commit([AttachmentChange(Op.MODIFY, WANTED[0], before=held[WANTED[0].key])])
        await driver.confirm()
        assert (await driver.observe()).attachments == {WANTED[0].key: WANTED[0]}
        server.outside.commit(f"{HEAD}<interface><name>eth1.untagged</name>{altered}</interface></interfaces>")
        await driver.commit([AttachmentChange(Op.DELETE, WANTED[0], before=WANTED[0])])
        await driver.confirm()
        assert (await driver.observe()).attachments == {}

    use(server.target(), work)


# ── another platform, without code ───────────────────────────────────────────────────────────────

TOWN = f"""<platform xmlns="urn:sdnctl:netconf:platform" xmlns:p="urn:sdnctl:netconf:platform">
  <attachment>
    <interfaces xmlns="{IF}" xmlns:ianaift="urn:ietf:params:xml:ns:yang:iana-if-type">
      <interface p:entry="yes">
        <name p:key="yes">town-{{port}}</name>
        <description>{{description}}</description>
        <type>ianaift:l2vlan</type>
        <attachment xmlns="urn:sdnctl:yang:attachments">
          <port>{{port}}</port><uplink>{{uplink}}</uplink><tag>{{tag}}</tag>
          <policer><rate>{{rate/1000}}</rate></policer>
        </attachment>
      </interface>
    </interfaces>
  </attachment>
  <port>
    <interfaces xmlns="{IF}">
      <interface p:entry="yes" p:plain="type enabled description"><name>{{port}}</name></interface>
    </interfaces>
  </port>
</platform>"""


def test_a_platform_of_the_operators_own(server: Any, names: Any, tmp_path: Path) -> None:
    (tmp_path / "town.xml").write_text(TOWN)
    plain = replace(WANTED[0], priority=None, burst=None)

    async def work(driver: NetconfDriver) -> None:
        able = await driver.capabilities()
        assert (able.policers, able.marking, able.translation) == (True, False, False)
        await driver.commit(adds(plain))
        await driver.confirm()
        assert (await driver.observe()).attachments == {plain.key: plain}
        for wanted, code, word in (
            (replace(plain, priority=1), "device-cannot", "marking"),
            (replace(plain, vlan=20), "device-cannot", "vlans"),
            (replace(plain, rate=2_000_500), "device-refused", "no multiple of 1000"),
        ):
            with pytest.raises(DeviceRefused) as caught:
                await driver.prepare(adds(wanted))
            described(caught, code, word)
        ports = {port.name: port.up for port in (await driver.counters()).ports.values()}
        assert ports == dict.fromkeys(("eth1", "eth2", "eth3", "eth4", "eth9"), True)

    use(server.target(platform="town", templates=str(tmp_path)), work)
    entry = server.outside.interfaces()["town-eth1"]
    assert entry.findtext(".//{urn:sdnctl:yang:attachments}rate") == "2000"
