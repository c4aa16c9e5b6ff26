"""Real FRRouting: what its own tools say of what the driver did, restarts, and what is unconfirmed."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from sdnctl_netmiko import NetmikoDriver
from sdnctl_netmiko.guard import Entry
from sdnctl_netmiko.session import Session
from sdnctl_netmiko.testing.frr import UPLINK, Frr

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError
from sdnctl.southbound.base import Target
from sdnctl.testing.attachments import adds, keep, keyed, modify, observed
from sdnctl.testing.driving import drive, with_options

pytestmark = pytest.mark.servers("sshd", "ssh-keygen", "vtysh", "ip", root=True)

FIRST = Attachment("eth1", UPLINK, 1100, "school-1", 42, None, None, 5)
OTHER = Attachment("eth2", UPLINK, 1101, "school-2", None, None, None, None)
use = partial(drive, NetmikoDriver)


def abandon(target: Target, *attachments: Attachment) -> None:
    """Commit, and then the controller is gone: nobody confirms or reverts."""

    async def work() -> None:
        driver = await NetmikoDriver.open(target)
        await driver.commit(adds(*attachments))
        driver._device._session.close()

    asyncio.run(work())


def test_frr_itself_sees_no_difference(frr: Frr, frr_target: Target) -> None:
    """`frr-reload.py --test` as an arbiter: after revert nothing differs from startup, after confirm neither."""

    async def work(driver: NetmikoDriver) -> None:
        await driver.commit(adds(FIRST, OTHER))
        assert "sdnctl school-1" in frr.reload("--test").stdout
        await driver.revert()
        assert frr.reload("--test").stdout.strip() == ""
        await keep(driver, *adds(FIRST, OTHER))
        assert frr.reload("--test").stdout.strip() == ""

    use(frr_target, work)
    assert "description sdnctl school-1" in frr.startup
    assert "sdnctl-undo" not in frr.startup
    assert "sdnctl-undo" not in frr.running()


def test_what_was_confirmed_survives_a_restart_and_the_rest_does_not(frr: Frr, frr_target: Target) -> None:
    use(frr_target, lambda driver: keep(driver, *adds(FIRST)))
    abandon(frr_target, OTHER)
    frr.reboot()
    assert use(frr_target, observed) == keyed(FIRST)


def test_a_restart_during_a_commit(frr: Frr, frr_target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemons die under the session in the middle of the lines; nothing half is there afterwards."""
    use(frr_target, lambda driver: keep(driver, *adds(OTHER)))
    ask = Session.ask

    def ask_and_fall(self: Session, command: str, step: str) -> str:
        if command.startswith("pbr-map"):
            frr.reboot()
        return ask(self, command, step)

    monkeypatch.setattr(Session, "ask", ask_and_fall)
    with pytest.raises(DeviceError) as caught:
        use(frr_target, lambda driver: driver.commit(adds(FIRST)))
    assert "gw-handover" in str(caught.value)
    assert "commit" in str(caught.value) or "read back" in str(caught.value)
    monkeypatch.undo()
    assert use(frr_target, observed) == keyed(OTHER)


def test_the_next_session_takes_back_what_nobody_confirmed(
    frr: Frr, frr_target: Target, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also changes of what was there before; it says so, and leaves alone what still has time."""
    use(frr_target, lambda driver: keep(driver, *adds(FIRST)))
    before = frr.running()
    abandon(frr_target, replace(FIRST, tag=1200, priority=None), OTHER)
    assert use(frr_target, observed).keys() == {FIRST.key, OTHER.key}
    with pytest.raises(DeviceError, match=r"step: lock"):
        use(frr_target, lambda driver: driver.commit(adds(replace(OTHER, port="eth3", tag=1300))))
    later(monkeypatch)
    assert use(frr_target, observed) == keyed(FIRST)
    assert "eth1, eth2 was never confirmed" in caplog.text
    assert frr.running() == before


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour has passed on the controller."""
    monkeypatch.setattr("sdnctl_netmiko.guard.time", SimpleNamespace(time=lambda: time.time() + 3600))


def test_a_confirmation_after_its_time(frr: Frr, frr_target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another session took the change back meanwhile: that is an error, not a success."""

    async def work(driver: NetmikoDriver) -> None:
        await driver.commit(adds(FIRST))
        later(monkeypatch)
        other = await NetmikoDriver.open(frr_target)
        assert not (await other.observe()).attachments
        await other.close()
        with pytest.raises(DeviceError, match="taken back"):
            await driver.confirm()

    use(frr_target, work)
    assert "sdnctl" not in frr.startup


def test_truncated_vlans_of_frr_are_found_by_reading_back(frr: Frr, frr_target: Target, tmp_path: Path) -> None:
    """FRR 8.4 takes `set vlan 1100` and holds `set vlan 76`. A platform that relies on it is told; nothing stays.

    The platform is an operator's own: a folder that says what differs from `frr`.
    """
    folder = tmp_path / "frr-vlan"
    folder.mkdir()
    (folder / "platform.yaml").write_text("extends: frr\ndescription: FRRouting that sets VLANs\n")
    built_in = Path(__import__("sdnctl_netmiko").__file__).parent / "platforms" / "frr"
    attach = (built_in / "attach.j2").read_text()
    (folder / "attach.j2").write_text(
        attach.replace("{% if a.priority", " set vlan {{ a.tag }}\n{% if a.priority", 1)
    )
    running = (built_in / "running.textfsm").read_text()
    (folder / "running.textfsm").write_text(
        running.replace("sdnctl-${TAG} seq 10", r"sdnctl-\d+ seq 10").replace(
            "  ^ set pcp", "  ^ set vlan ${TAG}\\s*$$\n  ^ set pcp"
        )
    )
    target = with_options(frr_target, platform="frr-vlan", platforms=f"file:{tmp_path}")
    before = frr.running()
    with pytest.raises(DeviceError) as caught:
        use(target, lambda driver: driver.commit(adds(FIRST)))
    assert caught.value.diagnostics[0].code == "read-back"
    assert frr.running() == before


def test_half_a_configuration_is_seen_and_repaired(frr: Frr, frr_target: Target) -> None:
    use(frr_target, lambda driver: keep(driver, *adds(FIRST)))
    frr.vtysh("configure terminal", f"interface {UPLINK}.1100", "no description")
    assert use(frr_target, observed) == keyed(replace(FIRST, uplink=""))
    frr.vtysh("configure terminal", f"interface {UPLINK}.1100", "description sdnctl somebody-else")
    assert use(frr_target, observed) == keyed(replace(FIRST, uplink=""))
    frr.vtysh("configure terminal", "interface eth1.42", "no pbr-policy sdnctl-1100")
    assert use(frr_target, observed)[FIRST.key].tag == 0
    use(frr_target, lambda driver: keep(driver, *adds(FIRST)))
    assert use(frr_target, observed) == keyed(FIRST)


def test_a_tag_that_somebody_else_uses(frr: Frr, frr_target: Target) -> None:
    frr.vtysh("configure terminal", f"interface {UPLINK}.1100", "description leased line")
    with pytest.raises(DeviceError, match="leased line"):
        use(frr_target, lambda driver: driver.prepare(adds(FIRST)))


def test_another_host_key(frr: Frr, frr_target: Target) -> None:
    frr.sshd.change_host_key()
    try:
        with pytest.raises(DeviceError) as caught:
            use(frr_target, observed)
    finally:
        frr.sshd.give_host_key_back()
    said = caught.value.diagnostics[0]
    assert said.code == "host-key-changed"
    assert frr_target.options["host_key"] in said.detail
    assert use(frr_target, observed) == {}


def test_a_known_hosts_file(frr: Frr, frr_target: Target, tmp_path: Path) -> None:
    kind, key = (frr.sshd.folder / "host.pub").read_text().split()[:2]
    (tmp_path / "known").write_text(f"[127.0.0.1]:{frr.sshd.port} {kind} {key}\n")
    assert use(with_options(frr_target, host_key=f"file:{tmp_path}/known"), observed) == {}
    wrong = base64.b64encode(base64.b64decode(key)[:-1] + b"x").decode()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{frr.sshd.port} {kind} {wrong}\n")
    with pytest.raises(DeviceError, match="host-key-changed"):
        use(with_options(frr_target, host_key=f"file:{tmp_path}/known"), observed)


@pytest.mark.parametrize("count", [8, pytest.param(50, marks=pytest.mark.soak)])
def test_many_sessions_with_one_router(frr: Frr, frr_target: Target, count: int) -> None:
    """It answers slowly then, and every session is patient."""
    target = with_options(frr_target, timeout="60")

    async def one() -> int:
        driver = await NetmikoDriver.open(target)
        try:
            return len((await driver.observe()).attachments or {})
        finally:
            await driver.close()

    async def main() -> list[int]:
        return await asyncio.gather(*(one() for _ in range(count)))

    use(frr_target, lambda driver: keep(driver, *adds(FIRST)))
    assert asyncio.run(main()) == [1] * count


# ── with frr-reload on the router ────────────────────────────────────────────────────────────────


@pytest.fixture
def guarded(helped: Frr) -> Target:
    return helped.target("gw-guarded", platform="frr-reload")


def test_lines_are_tried_dry(helped: Frr, guarded: Target) -> None:
    """`prepare` lets the router's own vtysh look at every line, without effect, and names the attachment."""
    before = helped.running()
    wrong = replace(OTHER, port="eth2", endpoint="x", priority=9)

    async def work(driver: NetmikoDriver) -> None:
        await driver.prepare(adds(FIRST))
        for step in (driver.prepare, driver.commit):
            with pytest.raises(DeviceError) as caught:
                await step(adds(FIRST, wrong))
            text = str(caught.value)
            assert all(word in text for word in ("gw-guarded", "validate", "eth2", "set pcp 9")), text

    use(guarded, work)
    assert helped.running() == before


def test_the_router_goes_back_by_itself(helped: Frr, guarded: Target) -> None:
    """The controller says nothing any more; until then others wait, and afterwards it is too late to confirm."""
    use(guarded, lambda driver: keep(driver, *adds(FIRST)))
    before = helped.running()

    async def work(driver: NetmikoDriver) -> None:
        await driver.commit([*adds(OTHER), modify(FIRST, replace(FIRST, tag=1200))])
        assert "eth9.1200" in helped.running()
        other = await NetmikoDriver.open(guarded)
        with pytest.raises(DeviceError, match=r"(?s)step: lock.*another change waits"):
            await other.commit(adds(replace(OTHER, port="eth3", tag=1300)))
        await other.close()
        state, deadline = helped.folder / "state", time.monotonic() + 15
        while list(state.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.1)  # noqa: ASYNC251 (nothing else runs here)
        assert helped.running() == before
        with pytest.raises(DeviceError, match=r"(?s)step: confirm.*no change waits"):
            await driver.confirm()
        await driver.revert()

    use(with_options(guarded, confirm_timeout="3"), work)
    assert helped.running() == before


def test_revert_is_exact_and_confirm_is_for_good(helped: Frr, guarded: Target) -> None:
    """What somebody else typed between commit and revert goes with it: what was kept comes back whole."""

    async def work(driver: NetmikoDriver) -> None:
        before = helped.running()
        await driver.commit(adds(FIRST))
        helped.vtysh("configure terminal", "interface eth3", "description typed meanwhile")
        await driver.revert()
        assert helped.running() == before
        await keep(driver, *adds(OTHER))
        await driver.revert()

    use(guarded, work)
    assert use(guarded, observed) == keyed(OTHER)
    helped.reboot()
    assert use(guarded, observed) == keyed(OTHER)


def test_what_could_not_be_taken_back_is_told_to_the_next_session(helped: Frr, guarded: Target) -> None:
    stuck = helped.folder / "state" / "taken.conf"
    stuck.write_text(helped.running())
    try:
        with pytest.raises(DeviceError, match=r"(?s)step: lock.*could not be taken back whole"):
            use(guarded, lambda driver: driver.commit(adds(FIRST)))
    finally:
        stuck.unlink()
    assert use(guarded, observed) == {}


def test_the_account_knows_nothing_else(helped: Frr, guarded: Target) -> None:
    async def work(driver: NetmikoDriver) -> None:
        session = driver._device._session
        for command in ("sh -c id", "sdnctl arm x", "sdnctl arm 1;id", "sdnctl confirm"):
            status, said = session.execute(command, "test")
            assert status != 0
            assert "uid=" not in said

    use(guarded, work)


def test_journal_entries_that_somebody_typed_are_no_entries() -> None:
    entry = Entry(FIRST.key, FIRST, 12)
    assert Entry.load(entry.dump()) == entry
    for text in (
        "",
        "[",
        "[1]",
        '[1,"eth1",null,{"port":1}]',
        '["x","eth1",null,null]',
        '[1,"eth2",null,{}]',
        "{}",
    ):
        assert Entry.load(text) is None
