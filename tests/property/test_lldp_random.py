"""LLDP: what is written is read back, os-ken reads the same, and whatever octets come, only BadFrame is raised."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from os_ken.lib.packet import lldp as oracle
from os_ken.lib.packet.packet import Packet

from sdnctl.daemon.beacons import OUI, SUBTYPE, Beacons, Disbelief, Origin
from sdnctl.southbound.lldp import BadFrame, Kind, Lldp, Organisational, Tlv, decode, encode

EXAMPLES = settings(max_examples=100)
ids = st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=255))
others = st.one_of(
    st.builds(Tlv, st.integers(4, 126), st.binary(max_size=511)),
    st.builds(Organisational, st.integers(0, 0xFFFFFF), st.integers(0, 255), st.binary(max_size=507)).map(
        lambda one: one.tlv()
    ),
)
macs = st.integers(0, (1 << 48) - 1)
frames = st.builds(Lldp, macs, ids, ids, st.integers(0, 0xFFFF), st.lists(others, max_size=5).map(tuple), macs)


@EXAMPLES
@given(frames, st.binary(max_size=20))
def test_read_is_the_inverse_of_write(frame: Lldp, padding: bytes) -> None:
    assert decode(encode(frame)) == frame
    assert decode(encode(frame) + padding) == frame, "what follows the end is padding"
    assert decode(encode(frame)[:-2]) == frame, "the end of the frame is an end too"


@EXAMPLES
@given(
    st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda tail: bytes(12) + b"\x88\xcc" + tail))
)
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    try:
        frame = decode(octets)
    except BadFrame as error:
        where = error.offset
    else:
        where = 0
        assert decode(encode(frame)) == frame
    assert 0 <= where <= len(octets)


@EXAMPLES
@given(frames, st.integers(0, 300), st.integers(0, 255))
def test_a_changed_octet_is_read_or_refused(frame: Lldp, at: int, value: int) -> None:
    octets = bytearray(encode(frame))
    octets[at % len(octets)] = value
    try:
        decode(bytes(octets))
    except BadFrame:
        return


@EXAMPLES
@given(
    macs,
    st.binary(min_size=1, max_size=30),
    st.binary(min_size=1, max_size=30),
    st.integers(1, 0xFFFF),
    st.binary(min_size=1, max_size=30),
    st.binary(max_size=60),
)
def test_os_ken_reads_the_same(
    source: int, chassis: bytes, port: bytes, ttl: int, name: bytes, own: bytes
) -> None:
    tlvs = (Tlv(Kind.SYSTEM_NAME, name), Organisational(OUI, SUBTYPE, own).tlv())
    packet = Packet(encode(Lldp(source, (7, chassis), (7, port), ttl, tlvs)))
    theirs = packet.get_protocol(oracle.lldp)
    assert packet.protocols[0].src == ":".join(f"{octet:02x}" for octet in source.to_bytes(6, "big"))
    one, two, three, four, five, end = theirs.tlvs
    assert (one.subtype, one.chassis_id) == (7, chassis)
    assert (two.subtype, two.port_id) == (7, port)
    assert three.ttl == ttl
    assert four.system_name == name
    assert (five.oui, five.subtype, five.info) == (OUI.to_bytes(3, "big"), SUBTYPE, own)
    assert isinstance(end, oracle.End)


@EXAMPLES
@given(st.integers(0, (1 << 64) - 1), st.integers(0, 0xFFFFFFFF), st.data())
def test_no_change_of_a_beacon_is_believed(dpid: int, port: int, data: st.DataObject) -> None:
    beacons = Beacons(bytes(32), lambda: 1000.0)
    frame = bytearray(beacons.make(Origin(dpid, port), 10, "core-a"))
    at = data.draw(st.integers(frame.rindex(OUI.to_bytes(3, "big")) + 4, len(frame) - 3))
    frame[at] ^= data.draw(st.integers(1, 255))
    assert beacons.believe(bytes(frame)) is Disbelief.FORGED
