"""Traps and informs of net-snmp's own programs, of every version and level: told, answered, or counted."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from sdnctl_snmp import oids
from sdnctl_snmp import receiver as receiving
from sdnctl_snmp.address import Address
from sdnctl_snmp.credentials import Community, UsmUser
from sdnctl_snmp.gate import Sender
from sdnctl_snmp.notifications import Notification, meaning
from sdnctl_snmp.receiver import Receiver

from sdnctl.daemon.events import Kind, Severity
from sdnctl.errors import DeviceError

pytestmark = pytest.mark.servers("snmptrap", "snmpinform")
Notify = Callable[..., subprocess.Popen[str]]

AUTH, PRIVACY = SecretStr("an authentication phrase"), SecretStr("a privacy phrase")
HERE = frozenset({"127.0.0.1"})
SENDERS = (
    Sender("by-community", HERE, Community(SecretStr("the community"))),
    Sender("by-sha256", HERE, UsmUser("alice", "sha256", AUTH, "aes128", PRIVACY)),
    Sender("by-sha512", HERE, UsmUser("bob", "sha512", AUTH, "aes256", PRIVACY)),
    Sender("by-sha", HERE, UsmUser("carol", "sha", AUTH, "aes128", PRIVACY)),
)
V2C = ("-v2c", "-c", "the community")
LINK_DOWN = (
    "", oids.LINK_DOWN, f"{oids.IF_INDEX}.4", "i", "4", f"{oids.IF_ADMIN_STATUS}.4", "i", "1",
    f"{oids.IF_OPER_STATUS}.4", "i", "2",
)  # fmt: skip


def v3(
    user: str,
    auth: str,
    cipher: str,
    *,
    level: str = "authPriv",
    key: SecretStr = AUTH,
    secret: SecretStr = PRIVACY,
) -> tuple[str, ...]:
    keys = ("-a", auth, "-A", key.get_secret_value(), "-x", cipher, "-X", secret.get_secret_value())
    return ("-v3", "-u", user, "-l", level, *keys)


ALICE = v3("alice", "SHA-256", "AES")
ENGINE = ("-e", "0x8000000005616c696365")
FAST = ("-t", "0.3", "-r", "0")


@dataclass
class Listening:
    """A receiver on a loop of its own, which runs while a test does; making one takes a quarter of a second."""

    runner: asyncio.Runner
    receiver: Receiver
    told: list[Notification]

    def run(self, work: Callable[[Receiver, list[Notification]], Coroutine[object, object, None]]) -> None:
        """Do something with a receiver that has counted nothing and knows `SENDERS`."""
        self.told.clear()
        self.receiver.counts.clear()
        self.receiver.gate.refused.clear()
        self.receiver.know(SENDERS)
        self.runner.run(work(self.receiver, self.told))


@pytest.fixture(scope="module")
def listening() -> Iterator[Listening]:
    told: list[Notification] = []
    with asyncio.Runner() as runner:
        receiver = runner.run(Receiver.listen(Address("127.0.0.1", 0), SENDERS, told.append))
        yield Listening(runner, receiver, told)
        receiver.close()
        runner.run(asyncio.sleep(0))


async def sent(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and output; the loop goes on meanwhile, to answer."""
    said, _ = await asyncio.to_thread(process.communicate, None, 30)
    return process.returncode, said


async def arrived(receiver: Receiver, count: int) -> None:
    for _ in range(300):
        if sum(receiver.counts.values()) + sum(receiver.gate.refused.values()) >= count:
            return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("program", "who", "device"),
    [
        ("snmptrap", V2C, "by-community"),
        ("snmpinform", V2C, "by-community"),
        ("snmptrap", (*ENGINE, *ALICE), "by-sha256"),
        ("snmpinform", ALICE, "by-sha256"),
        ("snmptrap", (*ENGINE, *v3("bob", "SHA-512", "AES-256")), "by-sha512"),
        ("snmpinform", v3("bob", "SHA-512", "AES-256"), "by-sha512"),
        ("snmpinform", v3("carol", "SHA", "AES"), "by-sha"),
    ],
    ids=["trap-v2c", "inform-v2c", "trap-sha256", "inform-sha256", "trap-sha512", "inform-sha512", "inform-sha"],
)
def test_notifications_are_told(
    listening: Listening, notify: Notify, program: str, who: tuple[str, ...], device: str
) -> None:
    async def work(receiver: Receiver, told: list[Notification]) -> None:
        code, said = await sent(notify(program, *who, f"127.0.0.1:{receiver.port}", *LINK_DOWN))
        assert code == 0, said  # an inform that is not answered fails
        await arrived(receiver, 1)
        (one,) = told
        assert (one.device, one.oid, one.index) == (device, oids.LINK_DOWN, 4)
        assert one.objects[f"{oids.IF_OPER_STATUS}.4"] == 2
        assert receiver.gate.refused == Counter()
        assert receiver.counts["undecodable"] == 0

    listening.run(work)


@pytest.mark.parametrize(
    ("program", "who", "reason"),
    [
        ("snmptrap", ("-v2c", "-c", "another"), "wrong-community"),
        ("snmpinform", (*FAST, "-v2c", "-c", "another"), "wrong-community"),
        ("snmptrap", (*ENGINE, *v3("alice", "SHA-256", "AES", key=PRIVACY)), "wrong-key"),
        ("snmptrap", (*ENGINE, *v3("mallory", "SHA-256", "AES")), "wrong-key"),
        ("snmptrap", (*ENGINE, *v3("alice", "SHA-512", "AES")), "wrong-key"),
        ("snmptrap", (*ENGINE, *v3("alice", "SHA-256", "AES", level="authNoPriv")), "not-encrypted"),
        ("snmptrap", (*ENGINE, *v3("alice", "SHA-256", "AES", level="noAuthNoPriv")), "not-authenticated"),
        ("snmpinform", (*FAST, *v3("alice", "SHA-256", "AES", key=PRIVACY)), "wrong-key"),
    ],
)
def test_who_proves_nothing_is_counted(
    listening: Listening, notify: Notify, program: str, who: tuple[str, ...], reason: str
) -> None:
    async def work(receiver: Receiver, told: list[Notification]) -> None:
        code, _ = await sent(notify(program, *who, f"127.0.0.1:{receiver.port}", *LINK_DOWN))
        assert (code == 0) == (program == "snmptrap")  # nobody waits for an answer to a trap
        await arrived(receiver, 1)
        assert told == []
        assert receiver.gate.refused == Counter({reason: 1})

    listening.run(work)


def test_a_wrong_privacy_key_is_let_pass_and_not_understood(listening: Listening, notify: Notify) -> None:
    async def work(receiver: Receiver, told: list[Notification]) -> None:
        who = v3("alice", "SHA-256", "AES", secret=AUTH)
        await sent(notify("snmptrap", *ENGINE, *who, f"127.0.0.1:{receiver.port}", *LINK_DOWN))
        await arrived(receiver, 1)
        assert told == []
        assert receiver.counts == Counter({"undecodable": 1})

    listening.run(work)


def test_version_1_and_strangers_are_refused(listening: Listening, notify: Notify) -> None:
    async def work(receiver: Receiver, told: list[Notification]) -> None:
        where = f"127.0.0.1:{receiver.port}"
        await sent(
            notify("snmptrap", "-v1", "-c", "the community", where, "1.3.6.1.4.1.1", "127.0.0.1", "2", "0", "1")
        )
        await arrived(receiver, 1)
        receiver.know([Sender("elsewhere", frozenset({"192.0.2.7"}), SENDERS[0].credentials)])
        await sent(notify("snmptrap", *V2C, where, *LINK_DOWN))
        await arrived(receiver, 2)
        assert told == []
        assert receiver.gate.refused == Counter({"garbage": 1, "unknown-address": 1})

    listening.run(work)


def test_what_is_sent_again_is_answered_again_and_told_once(listening: Listening, notify: Notify) -> None:
    """A relay between the two: the inform and its copy, then an old trap once more, word by word."""

    async def work(receiver: Receiver, told: list[Notification]) -> None:
        caught: list[bytes] = []
        handle = receiver.datagram_received

        def twice(data: bytes, address: tuple[object, ...]) -> None:
            caught.append(data)
            handle(data, address)
            handle(data, address)

        receiver.datagram_received = twice  # type: ignore[method-assign]
        where = f"127.0.0.1:{receiver.port}"
        assert (await sent(notify("snmpinform", *V2C, where, *LINK_DOWN)))[0] == 0
        assert (await sent(notify("snmptrap", *ENGINE, *ALICE, where, *LINK_DOWN)))[0] == 0
        await arrived(receiver, 4)
        assert len(told) == 2
        assert receiver.counts["repeated"] == 2
        # The same engine has started again since: what it sent before is old.
        receiver.gate._newest = {engine: (boots + 1, 0) for engine, (boots, _) in receiver.gate._newest.items()}
        handle(caught[-1], ("127.0.0.1", 1))
        assert receiver.gate.refused == Counter({"too-old": 1})

    listening.run(work)


def test_the_decoder_is_made_anew_now_and_then(
    listening: Listening, notify: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "RENEWED", 2)

    async def work(receiver: Receiver, told: list[Notification]) -> None:
        first = receiver._decoder
        for count in range(1, 5):
            code, said = await sent(notify("snmpinform", *ALICE, f"127.0.0.1:{receiver.port}", *LINK_DOWN))
            assert code == 0, said
            assert len(told) == count
        if receiver._renewing is not None:
            await receiver._renewing
        assert receiver._decoder is not first

    listening.run(work)


def test_an_engine_id_that_is_written_down(notify: Notify) -> None:
    """Devices that cannot ask for it have it in their configuration."""

    async def work() -> None:
        engine = bytes.fromhex("80000000050102030405")
        told: list[Notification] = []
        receiver = await Receiver.listen(Address("127.0.0.1", 0), SENDERS, told.append, engine=engine)
        who = ("-e", f"0x{engine.hex()}", *ALICE)
        code, said = await sent(notify("snmpinform", *who, f"127.0.0.1:{receiver.port}", *LINK_DOWN))
        receiver.close()
        assert code == 0, said
        assert [one.device for one in told] == ["by-sha256"]

    asyncio.run(work())


def test_a_port_that_is_taken(listening: Listening) -> None:
    async def work(receiver: Receiver, told: list[Notification]) -> None:
        with pytest.raises(DeviceError, match="cannot be received"):
            await Receiver.listen(Address("127.0.0.1", receiver.port), (), print)

    listening.run(work)


def test_devices_that_cannot_be_told_apart_are_both_named(listening: Listening, notify: Notify) -> None:
    async def work(receiver: Receiver, told: list[Notification]) -> None:
        receiver.know([Sender(name, HERE, SENDERS[0].credentials) for name in ("one", "other")])
        await sent(notify("snmptrap", *V2C, f"127.0.0.1:{receiver.port}", *LINK_DOWN))
        await arrived(receiver, 1)
        assert [one.device for one in told] == ["one or other"]

    listening.run(work)


# ── what they mean ───────────────────────────────────────────────────────────────────────────────


def said(oid: str, **objects: object) -> Notification:
    columns = {"index": f"{oids.IF_INDEX}.4", "admin": f"{oids.IF_ADMIN_STATUS}.4", "descr": f"{oids.IF_DESCR}.4"}
    columns |= {"value": f"{oids.SENSOR_VALUE}.12", "threshold": f"{oids.SENSOR_THRESHOLD_VALUE}.12.1"}
    return Notification(oid, {columns[name]: value for name, value in objects.items()}, "sw-1")  # type: ignore[misc]


CROSSED = said(oids.SENSOR_THRESHOLD, value=-190, threshold=-180)
BACK = said(oids.SENSOR_RECOVERY, value=-170, threshold=-180)
SHUT = said(oids.LINK_DOWN, index=4, admin=2)


@pytest.mark.parametrize(
    ("notification", "port", "kind", "severity", "summary"),
    [
        (said(oids.LINK_DOWN, index=4, admin=1), "eth3", Kind.PORT_DOWN, Severity.WARNING, "port eth3 is down"),
        (SHUT, "", Kind.PORT_DOWN, Severity.INFO, "port ifIndex 4 is down because somebody shut it"),
        (said(oids.LINK_UP, descr=b"ge-0/0/1"), "", Kind.PORT_UP, Severity.INFO, "port ge-0/0/1 is up"),
        (said(oids.LINK_UP), "", Kind.PORT_UP, Severity.INFO, "port a port is up"),
        (said(oids.COLD_START), "", Kind.DEVICE_RESTARTED, Severity.WARNING, "started again (cold)"),
        (said(oids.WARM_START), "", Kind.DEVICE_RESTARTED, Severity.WARNING, "started again (warm)"),
        (CROSSED, "", Kind.SENSOR_THRESHOLD, Severity.WARNING, "sensor 12 crossed its threshold -180: -190"),
        (BACK, "", Kind.SENSOR_THRESHOLD, Severity.INFO, "sensor 12 came back from its threshold -180: -170"),
        (said(oids.SENSOR_THRESHOLD), "", Kind.SENSOR_THRESHOLD, Severity.WARNING, "sensor unknown crossed"),
        (
            said(oids.AUTHENTICATION_FAILURE),
            "",
            Kind.AUTHENTICATION_FAILURE,
            Severity.WARNING,
            "wrong credentials",
        ),
    ],
)
def test_meaning(notification: Notification, port: str, kind: Kind, severity: Severity, summary: str) -> None:
    meant = meaning(notification, port)
    assert meant is not None
    assert (meant.kind, meant.severity) == (kind, severity)
    assert meant.summary.startswith("sw-1")
    assert summary in meant.summary
    assert meant.subject.startswith("device sw-1")
    assert meant.detail["device"] == "sw-1"


def test_what_is_not_known_means_nothing() -> None:
    assert meaning(said("1.3.6.1.4.1.8072.4.0.2")) is None
