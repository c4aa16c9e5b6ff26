"""What comes over wires, to be fuzzed: OpenFlow, LLDP, and what devices answer to plugins."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Sequence
from functools import cache
from random import Random

from fuzzing import Case, Fault, Found, Target
from fuzzing_mutators import documents, octets
from openflow_fuzzing import CORPUS, DECODERS, Pipe, damaged, reframed
from plugin_tests import plugin_tests
from sdnctl_netconf.framing import Framer, FramingError
from sdnctl_netconf.platform import Platform, platform_of
from sdnctl_netconf.session import GarbageError, _checked, parse
from sdnctl_netmiko.parsing import Unreadable, read_ports, read_running
from sdnctl_netmiko.platform import Platform as Netmiko
from sdnctl_netmiko.platform import load_platform
from sdnctl_snmp.ber import Garbage, read_message

from sdnctl.daemon.beacons import Beacons, Origin
from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound.base import Target as Device
from sdnctl.southbound.lldp import BadFrame, Lldp, Organisational, Tlv, decode, encode
from sdnctl.southbound.openflow.channel import Channel
from sdnctl.southbound.openflow.codec.session import hello
from sdnctl.southbound.openflow.codec.wire import Malformed
from sdnctl.southbound.openflow.metrics import ChannelMetrics

# ── OpenFlow ─────────────────────────────────────────────────────────────────────────────────────


def bodies() -> Sequence[Case]:
    return [("features", CORPUS[1][8:])]


def damaged_bodies(rng: Random, _: Sequence[Case]) -> Case:
    """A damaged message without its header, for a decoder that need not be its own."""
    data = damaged(rng, rng.choice(CORPUS))
    return rng.choice(tuple(DECODERS)), data[rng.choice((8, 8, 16, 24)) :]


def body(case: Case) -> Found:
    """Where a decoder refuses, it points into the message."""
    name, data = case
    try:
        DECODERS[name](data)
    except Malformed as error:
        if not 0 <= error.offset <= len(data) + 16:
            raise Fault(f"octet {error.offset} of {len(data)}") from error
        raise
    return None


def messages() -> Sequence[Case]:
    return [("", data) for data in CORPUS[3:6]]


def damaged_messages(rng: Random, _: Sequence[Case]) -> Case:
    """A few messages one after the other, damaged, most of them with their true length."""
    count = rng.choice((1, 1, 2, 5))
    return "", b"".join(reframed(rng, damaged(rng, rng.choice(CORPUS))) for _ in range(count))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop for all connections; a runner for each would take longer than most of them."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


_METRICS = ChannelMetrics()


def connection(case: Case) -> Found:
    """A connection that was greeted, then gets this: it goes on, or ends with an error that says why."""

    async def talk() -> list[Diagnostic]:
        channel, pipe = Channel("fuzzed", _METRICS), Pipe()
        channel.connection_made(pipe)
        channel.data_received(hello(1))
        channel.data_received(case[1])
        await asyncio.sleep(0)
        ended = channel.closed.done()
        assert pipe.aborted is ended
        why = channel.closed.result() if ended else None
        assert why is None or isinstance(why, DeviceError), why
        assert why is None or "switch fuzzed" in str(why), why
        await channel.close()
        return list(why.diagnostics) if why is not None else []

    return _loop().run_until_complete(talk())


# ── LLDP ─────────────────────────────────────────────────────────────────────────────────────────

BEACONS = Beacons(bytes(32), lambda: 1000.0)


@cache
def frames() -> Sequence[Case]:
    others = (Tlv(5, b"name"), Organisational(0x00120F, 1, b"xyz").tlv())
    ours = BEACONS.make(Origin(7, 3), 10, "core-a")
    return [("", ours), ("", encode(Lldp(1, (4, b"\2\0\0\0\0\1"), (7, b"eth1"), 120, others)))]


def frame(case: Case) -> Found:
    """Read, written and read again; and judged, where nothing damaged is believed."""
    ours = frames()[0][1]
    believed = isinstance(BEACONS.believe(case[1]), Origin)
    assert not believed or case[1][12:].startswith(ours[12:]), "a damaged beacon is believed"
    read = decode(case[1])
    assert decode(encode(read)) == read
    return None


# ── what devices answer to plugins ───────────────────────────────────────────────────────────────


def snmp_messages() -> Sequence[Case]:
    theirs = plugin_tests("sdnctl-snmp", "test_snmp_hostile")
    return [("", theirs.TRAP_V2C), ("", theirs.v3_message())]


def snmp_message(case: Case) -> Found:
    read_message(case[1])
    return None


REPLY = """<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><data>
<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>eth1.7</name>
<description>sdnctl school</description><enabled>true</enabled></interface><interface><name>eth9</name></interface>
</interfaces></data></rpc-reply>"""


def netconf_replies() -> Sequence[Case]:
    """The same reply in both framings."""
    data = REPLY.encode()
    return [("chunked", b"\n#%d\n%s\n##\n" % (len(data), data)), ("marked", data + b"]]>]]>")]


@cache
def _ietf() -> Platform:
    return platform_of(Device("sw", "", options={}))


def netconf_reply(case: Case) -> Found:
    """From octets to what is held: framing, XML, the patterns of the platform."""
    framer = Framer(limit=1 << 16)
    framer.chunked = case[0] == "chunked"
    for message in framer.feed(case[1]):
        data = parse(_checked(message)).find("{*}data")
        if data is not None:
            _ietf().states(data, _ietf().read(data).ports)
    return None


def running_configurations() -> Sequence[Case]:
    theirs = plugin_tests("sdnctl-netmiko", "test_netmiko_parsing")
    return [("frr", theirs.FRR.encode())]


@cache
def _router(name: str) -> Netmiko:
    return load_platform(name, None, "device")


def running_configuration(case: Case) -> Found:
    kind = _router(case[0])
    text = case[1].decode("utf-8", "replace")
    read_running(kind.parser("running.textfsm", uplink="eth9"), text, kind.settings.complete)
    read_ports(kind.parser("ports.textfsm", uplink="eth9"), text)
    return None


TARGETS = [
    Target("OpenFlow bodies", bodies, damaged_bodies, body, sample=300),
    Target("OpenFlow connections", messages, damaged_messages, connection, sample=100),
    Target("LLDP frames", frames, octets(), frame, (BadFrame,), sample=300),
    Target("SNMP messages", snmp_messages, octets(), snmp_message, (Garbage,), sample=300),
    Target(
        "NETCONF replies",
        netconf_replies,
        octets((b"]]>]]>", b"\n#", b"\n##\n", b"<", b"/>")),
        netconf_reply,
        (FramingError, GarbageError),
    ),
    Target(
        "configuration of a router",
        running_configurations,
        documents(),
        running_configuration,
        (Unreadable,),
        sample=60,
    ),
]
