"""Nonsense on the wire, both ways: a simulated hostile agent behind a relay, and datagrams at the receiver."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import random
import socket
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sdnctl_snmp import SnmpDriver
from sdnctl_snmp import agent as asking
from sdnctl_snmp.ber import CommunityMessage, Garbage, UserMessage, read_message
from sdnctl_snmp.credentials import Community, UsmUser
from sdnctl_snmp.gate import Bucket, Gate, Refused, Sender, plain
from sdnctl_snmp.notifications import Notification
from sdnctl_snmp.receiver import Receiver
from sdnctl_snmp.testing.snmpd import AUTH, COMMUNITY, PRIVACY, Snmpd
from sdnctl_snmp.values import mac, network_address, number, signed, text

from sdnctl.errors import DeviceError, DeviceUnreachable, ProtocolError
from sdnctl.southbound.base import Target

Change = Callable[[bytes], bytes | None]


def damage(chance: random.Random) -> Change:
    """Cut, overwrite, insert, or replace everything."""

    def change(data: bytes) -> bytes:
        octets = bytearray(data)
        kind = chance.randrange(4)
        if kind == 0:
            return bytes(octets[: chance.randrange(len(octets))])
        if kind == 1:
            for _ in range(chance.randrange(1, 4)):
                octets[chance.randrange(len(octets))] = chance.randrange(256)
        elif kind == 2:
            at = chance.randrange(len(octets))
            octets[at:at] = chance.randbytes(chance.randrange(1, 5))
        else:
            return chance.randbytes(chance.randrange(200))
        return bytes(octets)

    return change


class Relay(asyncio.DatagramProtocol):
    """Between the poller and a real agent; `change` is done to every answer, None drops it."""

    def __init__(self, agent: Snmpd) -> None:
        self._agent = ("127.0.0.1", agent.port)
        self._asker: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self.change: Change = lambda data: data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        assert self._transport is not None
        if address != self._agent:
            self._asker = address
            self._transport.sendto(data, self._agent)
        elif (changed := self.change(data)) is not None:
            self._transport.sendto(changed, self._asker)


@asynccontextmanager
async def relayed(agent: Snmpd, user: str | None, **options: str) -> AsyncIterator[tuple[Relay, Target]]:
    relay = Relay(agent)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: relay, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    target = agent.target(user, **options)
    try:
        yield relay, Target(target.device, f"udp:127.0.0.1:{port}", options=target.options)
    finally:
        transport.close()


@pytest.mark.servers("snmpd")
@pytest.mark.parametrize("user", [None, "sha256"], ids=["hostile-agent-v2c", "hostile-agent-v3"])
def test_answers_that_are_damaged(agent: Snmpd, user: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    """Every answer is either right or a DeviceError that names the device, and afterwards all is well."""

    async def work() -> None:
        chance = random.Random(7)
        seen: Counter[str] = Counter()
        async with relayed(agent, user, timeout="0.03", tries="2") as (relay, target):
            driver = await SnmpDriver.open(target)
            right = await driver.counters()
            for _ in range(150):
                relay.change = damage(chance)
                (found,) = await asyncio.gather(driver.counters(), return_exceptions=True)
                if isinstance(found, BaseException):
                    assert isinstance(found, DeviceError), found
                    seen[found.diagnostics[0].code] += 1
                    assert "plain" in found.diagnostics[0].summary
                    assert not any(secret in str(found) for secret in (COMMUNITY, AUTH, PRIVACY))
                else:
                    seen["read"] += 1
                    assert found.ports.keys() <= right.ports.keys()
            relay.change = lambda data: data
            assert (await driver.counters()).ports.keys() == right.ports.keys()
            await driver.close()
        assert seen["device-garbage"] > 0, seen

    asyncio.run(work())
    capfd.readouterr()  # the decoder's panics write to the process's stderr by themselves


@pytest.mark.servers("snmpd")
def test_a_walk_that_never_ends(agent: Snmpd) -> None:
    """The agent answers every question with the same row."""

    async def work() -> None:
        async with relayed(agent, None, tries="2") as (relay, target):
            driver = await SnmpDriver.open(target)
            name, first = bytes.fromhex("060a2b060102011f01010101"), bytes.fromhex("060b2b060102011f0101010101")

            def same(data: bytes) -> bytes:
                """All names of interfaces are those of the first."""
                for index in range(2, 10):
                    data = data.replace(first[:-1] + bytes([index]), first)
                return data

            assert name[2:] in first
            relay.change = same
            with pytest.raises(ProtocolError, match="does not end"):
                await driver._interfaces.reread(0.0)

    asyncio.run(work())


@pytest.mark.servers("snmpd")
def test_a_flood_of_old_answers_does_not_keep_it_waiting(agent: Snmpd) -> None:
    async def work() -> None:
        async with relayed(agent, None, timeout="0.3", tries="1") as (relay, target):
            driver = await SnmpDriver.open(target)
            old: list[bytes] = []
            relay.change = old.append  # type: ignore[assignment]  # and nothing is passed on
            with pytest.raises(DeviceUnreachable):
                await driver.observe()
            stop = asyncio.Event()

            async def flood() -> None:
                while not stop.is_set():
                    assert relay._transport is not None
                    relay._transport.sendto(old[0], relay._asker)
                    await asyncio.sleep(0.01)

            flooding = asyncio.create_task(flood())
            begun = time.monotonic()
            with pytest.raises(DeviceUnreachable):
                await driver.observe()
            assert time.monotonic() - begun < 10
            stop.set()
            await flooding

    asyncio.run(work())


@pytest.mark.servers("snmpd")
def test_a_panic_of_the_decoder_is_an_answer_like_any_other(
    agent: Snmpd, capfd: pytest.CaptureFixture[str]
) -> None:
    """A length of four octets where none is left: gufo_snmp 0.13 runs over the end."""

    async def work() -> None:
        async with relayed(agent, None, tries="1") as (relay, target):
            driver = await SnmpDriver.open(target)
            relay.change = lambda data: b"\x30\x84"
            with pytest.raises(ProtocolError) as caught:
                await driver.observe()
            assert caught.value.diagnostics[0].code == "device-garbage"
            relay.change = lambda data: data
            assert (await driver.counters()).ports

    asyncio.run(work())
    capfd.readouterr()


# ── the gate ─────────────────────────────────────────────────────────────────────────────────────

WHO = Sender("sw", frozenset({"192.0.2.1"}), Community(SecretStr("the community")))
USER = UsmUser("alice", "sha256", SecretStr("an authentication phrase"), "aes128", SecretStr("a privacy phrase"))


def element(tag: int, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return bytes([tag, *([len(body)] if len(body) < 128 else [0x82, *len(body).to_bytes(2, "big")])]) + body


def integer(value: int) -> bytes:
    return element(2, value.to_bytes(4, "big"))


TRAP_V2C = element(0x30, integer(1), element(4, b"the community"), element(0xA7))


def v3_message(boots: int = 1, seconds: int = 3) -> bytes:
    """Unsigned, of an engine that nobody has heard of; what is encrypted is nonsense."""
    header = element(0x30, integer(7), integer(65_507), element(4, b"\3"), integer(3))
    names = element(4, b"\x80\0\0\0\5alice"), integer(boots), integer(seconds), element(4, b"alice")
    usm = element(4, element(0x30, *names, element(4, bytes(24)), element(4, bytes(8))))
    return element(0x30, integer(3), header, usm, element(4, bytes(range(64))))


def gate(*senders: Sender, now: Callable[[], float] = lambda: 0.0, **limits: float) -> Gate:
    return Gate(senders or (WHO,), b"\x80\x00\x00\x00\x05ours", now, **limits)


def test_frames_are_read() -> None:
    assert read_message(TRAP_V2C) == CommunityMessage(b"the community", 0xA7)
    message = read_message(v3_message())
    assert isinstance(message, UserMessage)
    assert (message.flags, message.boots, message.time, message.user) == (3, 1, 3, b"alice")
    assert message.digest.stop - message.digest.start == 24


@given(st.binary(max_size=300))
def test_any_octets_are_garbage_or_a_message(data: bytes) -> None:
    with contextlib.suppress(Garbage):  # and no other error
        assert isinstance(read_message(data), CommunityMessage | UserMessage)


@given(st.integers(0, 1 << 32))
def test_any_damage_to_a_message_is_garbage_refused_or_harmless(seed: int) -> None:
    change = damage(random.Random(seed))
    for message in (TRAP_V2C, v3_message()):
        data = change(message)
        assert data is not None
        for senders in ((WHO,), (Sender("sw", WHO.addresses, USER),)):
            one = gate(*senders)
            passed = None
            with contextlib.suppress(Refused):
                passed = one.check(data, "192.0.2.1")
            assert (passed is None) == (one.refused.total() == 1)
            assert passed is None or passed.ask or b"the community" in data


def test_too_long() -> None:
    with pytest.raises(Garbage, match="9000 octets"):
        read_message(bytes(9000))


def test_an_address_may_say_so_much_and_no_more() -> None:
    now = [0.0]
    one = gate(now=lambda: now[0], rate=2.0, depth=5.0)
    for _ in range(5):
        assert one.check(TRAP_V2C, "192.0.2.1").devices == ("sw",)
    with pytest.raises(Refused, match="too-many"):
        one.check(TRAP_V2C, "192.0.2.1")
    now[0] = 1.0
    assert [one.check(TRAP_V2C, "192.0.2.1").devices for _ in range(2)] == [("sw",), ("sw",)]
    with pytest.raises(Refused, match="too-many"):
        one.check(TRAP_V2C, "192.0.2.1")


def test_a_bucket_and_a_clock_that_goes_back() -> None:
    bucket = Bucket(1.0, 2.0)
    assert [bucket.take(now) for now in (10.0, 5.0, 5.0, 6.0)] == [True, True, False, True]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("unix", "unix"),
    ],
)
def test_addresses_in_one_way(written: str, expected: str) -> None:
    assert plain(written) == expected


def test_a_signed_message_passes_once_it_is_not_too_old() -> None:
    """Made here with the user's own key, for an engine that the gate has never heard of."""
    one = gate(Sender("sw", WHO.addresses, USER))

    def signed_at(boots: int, seconds: int) -> bytes:
        data = v3_message(boots, seconds)
        message = read_message(data)
        assert isinstance(message, UserMessage)
        digest = hmac.digest(one._key(USER, message.engine), data, "sha256")[:24]
        return data[: message.digest.start] + digest + data[message.digest.stop :]

    passed = one.check(signed_at(5, 100), "192.0.2.1")
    assert (passed.devices, passed.credentials) == (("sw",), USER)
    one.check(signed_at(5, 10), "192.0.2.1")  # late, and within the window
    one.check(signed_at(6, 1), "192.0.2.1")
    with pytest.raises(Refused, match="too-old"):
        one.check(signed_at(5, 127), "192.0.2.1")
    broken = bytearray(signed_at(7, 1))
    broken[-1] ^= 1
    with pytest.raises(Refused, match="wrong-key"):
        one.check(bytes(broken), "192.0.2.1")


# ── the receiver ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.servers("snmptrap")
@pytest.mark.parametrize("who", ["v2c", "v3"])
def test_the_receiver_survives_anything(notify: Callable[..., subprocess.Popen[str]], who: str) -> None:
    """Traps of net-snmp, damaged on the way in a few hundred ways, from a device that knows the keys."""
    told: list[Notification] = []
    credentials = WHO.credentials if who == "v2c" else USER
    receiver = Receiver([Sender("sw", frozenset({"127.0.0.1"}), credentials)], told.append)
    receiver.gate._limits = 1e9, 1e9
    whole = captured(notify, who)
    receiver.datagram_received(whole, ("127.0.0.1", 9))
    assert len(told) == 1
    chance = random.Random(3)
    sent = 1
    for _ in range(400):
        receiver.datagram_received(damage(chance)(whole) or b"", ("127.0.0.1", 9))
        sent += 1
    assert sum(receiver.counts.values()) + sum(receiver.gate.refused.values()) == sent
    assert receiver.gate.refused["garbage"] > 100
    before = len(told)
    changed = captured(notify, who)
    receiver.datagram_received(changed, ("127.0.0.1", 9))
    assert len(told) == before + 1


def captured(notify: Callable[..., subprocess.Popen[str]], who: str) -> bytes:
    """A trap as net-snmp sends it."""
    arguments = ["-v2c", "-c", "the community"]
    if who == "v3":
        keys = ("-a", "SHA-256", "-A", "an authentication phrase", "-x", "AES", "-X", "a privacy phrase")
        arguments = ["-v3", "-e", "0x8000000005616c696365", "-u", "alice", "-l", "authPriv", *keys]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("127.0.0.1", 0))
        port.settimeout(20)
        sender = notify("snmptrap", *arguments, f"127.0.0.1:{port.getsockname()[1]}", "", "1.3.6.1.6.3.1.1.5.1")
        sender.communicate(timeout=20)
        return port.recv(9000)


# ── values ───────────────────────────────────────────────────────────────────────────────────────

VALUES = st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.floats())


@given(VALUES)
def test_any_value_is_made_safe(value: str | bytes | int | float | None) -> None:
    assert text(value).isprintable()
    assert len(text(value)) <= 255
    assert number(value) is None or 0 <= number(value) < 1 << 64  # type: ignore[operator]
    assert signed(value) is None or -(1 << 31) <= signed(value) < 1 << 31  # type: ignore[operator]
    assert len(mac(value)) in (0, 17)
    assert network_address(value) == "" or isinstance(value, bytes)


def test_a_session_that_was_idle_asks_for_the_clock_first(agent: Snmpd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "IDLE", -1.0)

    async def work() -> None:
        driver = await SnmpDriver.open(agent.target("sha256"))
        assert (await driver.counters()).ports
        await driver.close()

    asyncio.run(work())
