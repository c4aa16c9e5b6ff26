"""Questions whose answers only a real switch knows: rules, one frame, and what Open vSwitch 3.1 makes of them.

The answers are in tests/golden/switch_semantics.json, recorded from Open vSwitch by
``pytest --update-golden tests/integration/test_switch_ovs.py``; the in-memory switch must give the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sdnctl.dataplane.packet import Label, Packet, Tag
from sdnctl.dataplane.values import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    ETH_QINQ,
    ETH_VLAN,
    VLAN_PRESENT,
    Action,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)

PORTS = (1, 2, 3, 4)
DEAD = 7
"""A port number that no bridge of these tests has."""
A, B = 0x020000000001, 0x020000000002
UDP = bytes.fromhex("4500002400004000 40110000 0a000001 0a010001 0005000600100000") + b"abcdefgh"
UDP_SUM = bytes.fromhex("45b8002400004000 0711 5f0c 0a000001 0a010001 000500060010 1234") + b"abcdefgh"
TCP = bytes.fromhex("4500002800004000 40060000 0a000001 0a010001 0005000600000001000000025010ffff1234 0000")
IP6 = bytes.fromhex("6abc0000000c1105") + bytes.fromhex("20010db8" + "00" * 11 + "01") * 2
IP6 += bytes.fromhex("00050006000c1234") + b"wxyz"
NS = bytes.fromhex("6000000000203aff") + bytes.fromhex("20010db8" + "00" * 11 + "01") * 2
NS += bytes.fromhex("8700abcd00000000 20010db8" + "00" * 11 + "07") + bytes.fromhex("0101020000000001")
ARP = bytes.fromhex("0001080006040001 020000000001 0a000001 000000000000 0a010001")

ip = Packet(B, A, ETH_IPV4, UDP)
ip_sum = Packet(B, A, ETH_IPV4, UDP_SUM)
tcp = Packet(B, A, ETH_IPV4, TCP)
ip6 = Packet(B, A, ETH_IPV6, IP6)
solicit = Packet(B, A, ETH_IPV6, NS)
arp = Packet(B, A, ETH_ARP, ARP)
other = Packet(B, A, 0x88B5, bytes(46))
tagged = Packet(B, A, ETH_IPV4, UDP, (Tag(5, 3),))
double = Packet(B, A, ETH_IPV4, UDP, (Tag(5, 3, ethertype=ETH_QINQ), Tag(6, 1)))
triple = Packet(B, A, ETH_IPV4, UDP, (Tag(5, 3, ethertype=ETH_QINQ), Tag(6, 1), Tag(7, 1)))


def mpls(*labels: int, ttl: int = 60, under: bytes | None = None) -> Packet:
    """Labels with classes 1, 2, … and TTLs falling from `ttl`, over a frame."""
    stack = [Label(label, index + 1, ttl=ttl - index) for index, label in enumerate(labels)]
    return Packet(B, A, ETH_MPLS, bytes(ip) if under is None else under).with_labels(*stack)


def match(packet: Packet) -> Match:
    """What actions on this packet need to be matched."""
    fields = {"eth_type": packet.tags[1].ethertype if len(packet.tags) > 1 else packet.eth_type}
    if packet.tags:
        return Match.of(vlan_vid=(VLAN_PRESENT, VLAN_PRESENT), **fields)
    return Match.of(**fields)


@dataclass(frozen=True)
class Case:
    name: str
    rules: RuleSet
    frame: bytes


def case(name: str, packet: Packet | bytes, *actions: Action | Group | Flow, where: Match | None = None) -> Case:
    """One flow with these actions (and these groups and further flows), and one frame at port 1."""
    frame = bytes(packet)
    if where is None:
        where = match(Packet.parse(frame)) if len(frame) >= 14 else Match()
    groups = [item for item in actions if isinstance(item, Group)]
    flows = [item for item in actions if isinstance(item, Flow)]
    rest = tuple(item for item in actions if not isinstance(item, (Group, Flow)))
    first = Flow(0, 100, where, actions=rest, goto=min((flow.table for flow in flows), default=None))
    return Case(name, RuleSet.of([*groups, first, *flows]), frame)


def indirect(*actions: Action, id: int = 1) -> Group:
    return Group(id, GroupType.INDIRECT, (Bucket(actions),))


def every(*buckets: tuple[Action, ...], id: int = 1) -> Group:
    return Group(id, GroupType.ALL, tuple(map(Bucket, buckets)))


def failover(*buckets: tuple[int, tuple[Action, ...]], id: int = 1) -> Group:
    return Group(id, GroupType.FAST_FAILOVER, tuple(Bucket(actions, port) for port, actions in buckets))


def set_label(value: int) -> SetField:
    return SetField("mpls_label", value)


push, pop, dec, out = PushMpls(), PopMpls(), DecMplsTtl(), Output
encap = (Encap("mpls"), set_label(7), Encap("ethernet"))
decap = (Decap(), Decap(to_ethernet=True))
one = mpls(50)
two = mpls(50, 51)
three = mpls(50, 51, 52)
four = mpls(50, 51, 52, 53)


def table1(*actions: Action, priority: int = 10, **fields: int | tuple[int, int]) -> Flow:
    return Flow(1, priority, Match.of(**fields), actions=actions)


def cases() -> Iterator[Case]:
    yield from _outputs()
    yield from _labels()
    yield from _encapsulation()
    yield from _groups()
    yield from _tags()
    yield from _fields()
    yield from _matches()


def _outputs() -> Iterator[Case]:
    yield case("hairpin", ip, out(1), out(2))
    yield case("in_port cleared", ip, ClearInPort(), out(1), out(2))
    yield case("in_port set", ip, SetField("in_port", 2), out(1), out(2))
    yield case("port that is not there", ip, out(9), out(2))
    yield case("twice the same port", ip, out(2), out(2))
    yield case("all but in_port", ip, out(0xFFFFFFFC))
    yield case("explicitly back", ip, out(0xFFFFFFF8))
    yield case("queue", ip, SetQueue(3), out(2))
    yield case("header only", bytes(ip)[:14], out(2), where=Match())


def _labels() -> Iterator[Case]:
    for name, packet in {"IPv4": ip, "IPv4 DSCP TTL": ip_sum, "IPv6": ip6, "ARP": arp, "other": other}.items():
        yield case(f"push on {name}", packet, push, out(2))
    yield case("push on tagged", tagged, push, out(2))
    yield case("push on one", one, push, out(2))
    yield case("push on two", two, push, set_label(77), SetField("mpls_tc", 6), out(2))
    yield case("push on three loses all", three, out(3), push, out(2))
    yield case("four pushes lose all", ip, out(4), push, push, push, out(2), push, out(3))
    yield case("two pushes, copies", ip, push, set_label(1), out(2), push, set_label(2), out(3))
    yield case("pop one of one to MPLS", one, pop, out(2))
    yield case("pop one of two", two, out(3), pop, out(2))
    yield case("pop one of three", three, out(3), pop, out(2))
    yield case("pop one of four loses all", four, out(3), pop, out(2))
    yield case("pop two of two", two, out(3), pop, pop, out(2))
    yield case("pop three of two", two, pop, pop, pop, out(2))
    yield case("pop to IP", mpls(9, under=UDP), PopMpls(ETH_IPV4), SetField("ipv4_src", 0x01020304), out(2))
    yield case(
        "pop to IP under tag",
        Packet(B, A, ETH_MPLS, UDP, (Tag(5),), (Label(9, bos=1),)),
        PopMpls(ETH_IPV4),
        out(2),
    )
    yield case("pop to IP takes all labels", two, out(3), PopMpls(ETH_IPV4), out(2))
    yield case("pop to IP of three", three, out(3), PopMpls(ETH_IPV4), out(2))
    yield case("pop then push", three, pop, out(3), push, out(2))
    yield case("error after a pop to IP", one, out(3), PopMpls(ETH_IPV4), push, out(4), push, push, push, out(2))
    yield case("truncated label", bytes(one)[:16], out(3), pop, out(2))
    yield case(
        "no bottom of stack", bytes(Packet(B, A, ETH_MPLS, labels=(Label(5), Label(6)))), out(3), pop, out(2)
    )
    for ttl in (0, 1, 2, 255):
        yield case(f"dec TTL {ttl}", mpls(9, ttl=ttl), out(3), dec, out(2))
    yield case("dec TTL 1 then goto", mpls(9, ttl=1), dec, table1(out(2)))
    yield case("dec then pop", mpls(9, 10, ttl=2), dec, pop, out(2))
    yield case("pop then dec, used up", mpls(9, 10, ttl=2), pop, dec, out(2))
    yield case("pop then dec", mpls(9, 10, ttl=9), pop, dec, out(2))
    yield case("label rewritten", two, set_label(0xFFFFF), SetField("mpls_tc", 7), out(2))


def _encapsulation() -> Iterator[Case]:
    for name, packet in {
        "IPv4": ip,
        "IPv4 DSCP TTL": ip_sum,
        "IPv6": ip6,
        "ARP": arp,
        "tagged": tagged,
        "double": double,
        "triple": triple,
    }.items():
        yield case(f"encap {name}", packet, *encap, ToGroup(1), indirect(push, set_label(77), out(2)))
    yield case("encap class", ip, Encap("mpls"), SetField("mpls_tc", 5), Encap("ethernet"), push, out(2))
    yield case("encap of an MPLS frame", one, *encap, out(2))
    yield case(
        "encap of a tagged MPLS frame", Packet(B, A, ETH_MPLS, UDP, (Tag(5),), (Label(9, bos=1),)), *encap, out(2)
    )
    yield case("encap of three labels loses all", three, out(3), *encap, out(2))
    yield case("encap of two labels, then push", two, out(3), *encap, push, out(2))
    yield case("encap of two labels, then two pushes", two, out(3), *encap, push, push, out(2))
    yield case("encap of two labels, then three pushes", two, out(3), *encap, push, push, push, out(2))
    yield case("encap of two labels, then dec", two, out(3), *encap, dec, out(2))
    yield case("encap of two labels, then pop", two, out(3), *encap, pop, out(2))
    yield case("encap and four labels", ip, *encap, push, push, out(2), push, out(3))
    yield case("encap without Ethernet", ip, out(3), Encap("mpls"), out(2))
    yield case("encap Ethernet on Ethernet", ip, out(3), Encap("ethernet"), out(2))
    yield case("two labels by encap", ip, Encap("mpls"), Encap("mpls"), Encap("ethernet"), out(2))
    yield case("decap", one, out(3), *decap, out(2))
    yield case("decap of two", two, *decap, out(2))
    yield case("decap of three", three, *decap, out(2))
    yield case("decap of four loses all", four, out(3), *decap, out(2))
    yield case("decap of a tagged customer", mpls(9, under=bytes(double)), *decap, out(2))
    yield case(
        "decap and look", one, *decap, table1(PushVlan(), SetField("vlan_vid", 0x1064), out(2), eth_type=ETH_IPV4)
    )
    errors = (push, push, push, push, out(2))
    yield case("decap then errors", one, out(3), *decap, Flow(1, 1, Match(), actions=(out(4), *errors)))
    yield case("decap half, output", one, out(3), Decap(), out(2))
    yield case("decap half, goto", one, Decap(), table1(out(2)))
    yield case("decap twice without type", one, Decap(), Decap(), out(2))
    yield case("decap of an untyped packet", ip, out(3), *decap, out(2))
    yield case("decap of a tagged outer header", tagged, out(3), *decap, out(2))
    yield case("to_ethernet of Ethernet", ip, out(3), Decap(to_ethernet=True), out(2))
    yield case("decap of a runt", mpls(9, under=bytes(8)), out(3), *decap, out(2))


def _groups() -> Iterator[Case]:
    to, again = ToGroup(1), ToGroup(2)
    yield case("error in a bucket, output around", three, out(4), to, out(2), indirect(push, out(3)))
    yield case("error in a bucket, last", three, out(4), to, indirect(push, out(3)))
    yield case("error in one of two buckets", three, to, every((push, out(3)), (out(2),)))
    yield case("error two groups down", three, out(4), again, indirect(push, out(3)), indirect(to, id=2))
    yield case("set-field before push", one, to, indirect(set_label(77), push, out(2)))
    yield case("push twice in a bucket", one, to, indirect(push, set_label(77), push, set_label(78), out(2)))
    yield case("output twice in a bucket", one, to, indirect(out(2), out(3)))
    yield case("output and group in a bucket", one, again, indirect(out(3)), indirect(out(2), to, out(4), id=2))
    yield case("dec twice in a bucket", one, to, indirect(dec, dec, out(2)))
    yield case("dec before pop in a bucket", two, to, indirect(dec, pop, out(2)))
    yield case("dec to zero in a bucket", mpls(9, ttl=1), to, out(3), indirect(dec, out(2)))
    yield case("bucket sends nowhere", one, to, out(2), indirect(push))
    yield case("bucket works on a copy", one, to, out(2), indirect(push, set_label(5), out(3)))
    yield case("in_port cleared in a bucket", one, to, out(1), indirect(ClearInPort(), out(1)))
    yield case("hairpin in a bucket", one, to, out(2), indirect(out(1)))
    yield case("absent group behind a bucket", one, to, out(2), indirect(ToGroup(9)))
    yield case("first live bucket", one, to, failover((DEAD, (out(2),)), (3, (out(3),)), (4, (out(4),))))
    yield case("first bucket lives", one, to, failover((2, (out(2),)), (3, (out(3),))))
    yield case("no live bucket", one, to, out(4), failover((DEAD, (out(2),))))
    yield case("no live bucket, goto", one, to, failover((DEAD, (out(2),))), table1(out(4)))
    yield case(
        "watch one, send to another", one, to, failover((DEAD, (out(2),)), (2, (push, set_label(3), out(3))))
    )
    yield case("all", one, to, every((out(2),), (push, out(3)), (pop, out(4)), (out(1),)))
    yield case("chain", one, ToGroup(3), indirect(out(2)), indirect(push, to, id=2), indirect(push, again, id=3))
    yield case("two groups point at each other", one, out(4), to, out(3), indirect(again), indirect(to, id=2))
    for length in (63, 64, 65):
        chain = [indirect(ToGroup(number + 1), id=number) for number in range(1, length)]
        yield case(f"chain of {length}", one, out(4), to, *chain, indirect(out(2), id=length))
    yield case("decap in a bucket", one, to, out(3), indirect(Decap(to_ethernet=True), out(2)))
    yield case("tag in a bucket on untagged", ip, to, indirect(SetField("vlan_vid", 0x1004), out(2)))
    yield case("priority in a bucket on untagged", ip, to, indirect(SetField("vlan_pcp", 3), out(2)))
    yield case("label in a bucket on IP", ip, to, indirect(set_label(3), out(2)))
    yield case("pop in a bucket on IP", ip, to, indirect(pop, out(2)))
    yield case("dec in a bucket on IP", ip, to, out(3), indirect(dec, out(2)))
    yield case("pop tag in a bucket on untagged", ip, to, indirect(PopVlan(), out(2)))
    yield case("address in a bucket on MPLS", one, to, indirect(SetField("ipv4_dst", 1), out(2)))


def _tags() -> Iterator[Case]:
    to, again = ToGroup(1), ToGroup(2)
    ip_or_tag = (table1(out(2), eth_type=ETH_IPV4), table1(out(3), eth_type=ETH_VLAN))
    inner = table1(out(4), priority=20, vlan_vid=VLAN_PRESENT | 6)
    yield case("pop tag", tagged, PopVlan(), out(2))
    yield case("pop outer of two", double, PopVlan(), *ip_or_tag, inner)
    yield case("pop outer of three", triple, PopVlan(), *ip_or_tag, inner)
    yield case("pop twice", double, PopVlan(), to, indirect(PopVlan(), out(2)))
    yield case("push tag", ip, PushVlan(), out(2))
    yield case(
        "push service tag", ip, PushVlan(ETH_QINQ), SetField("vlan_vid", 0x1005), SetField("vlan_pcp", 7), out(2)
    )
    for name, packet in {"one": tagged, "two": double, "three": triple}.items():
        yield case(f"push tag on {name}", packet, PushVlan(), out(2), where=Match())
        yield case(f"rewrite {name}", packet, SetField("vlan_vid", 0x1064), SetField("vlan_pcp", 6), out(2))
        groups = indirect(PushVlan(ETH_QINQ), out(2)), indirect(PushVlan(), to, id=2)
        yield case(f"push tag twice on {name}", packet, again, *groups, where=Match())
        yield case(f"push tag three times on {name}", packet, PushVlan(ETH_QINQ), again, *groups, where=Match())
    yield case("match outer of two", double, *ip_or_tag, where=Match())
    yield case(
        "tag with drop eligible",
        Packet(B, A, ETH_IPV4, UDP, (Tag(5, 3, 1),)),
        SetField("vlan_vid", 0x1009),
        out(2),
    )
    yield case(
        "priority tag", Packet(B, A, ETH_IPV4, UDP, (Tag(0, 5),)), out(2), where=Match.of(vlan_vid=VLAN_PRESENT)
    )
    yield case("truncated tag", bytes(tagged)[:16], out(2), where=Match())


def _fields() -> Iterator[Case]:
    udp = Match.of(eth_type=ETH_IPV4, ip_proto=17)
    yield case("MAC addresses", ip, SetField("eth_src", 5), SetField("eth_dst", 6), out(2))
    writes = (SetField("ipv4_src", 0x0A090909), SetField("ip_dscp", 46), SetField("udp_dst", 1000))
    yield case("IPv4 and UDP without checksum", ip, *writes, out(2), where=udp)
    yield case("IPv4 and UDP with checksum", ip_sum, *writes, out(2), where=udp)
    ports = (SetField("tcp_src", 1), SetField("ipv4_dst", 0xFFFFFFFF), SetField("tcp_dst", 0))
    yield case("TCP", tcp, *ports, out(2), where=Match.of(eth_type=ETH_IPV4, ip_proto=6))
    writes = (SetField("ipv6_src", 1), SetField("ip_dscp", 1), SetField("udp_src", 9))
    yield case("IPv6", ip6, *writes, out(2), where=Match.of(eth_type=ETH_IPV6, ip_proto=17))
    yield case("ARP fields", arp, SetField("arp_spa", 1), SetField("arp_tpa", 2), SetField("arp_op", 9), out(2))
    nd = Match.of(eth_type=ETH_IPV6, ip_proto=58, icmpv6_type=135)
    yield case("neighbour target", solicit, SetField("nd_target", 5), out(2), where=nd)
    yield case("metadata", ip, SetField("metadata", 2), table1(out(3), metadata=2))


def _matches() -> Iterator[Case]:
    """A frame, and a flow that hits it or does not."""

    def asks(name: str, packet: Packet | bytes, **fields: int | tuple[int, int]) -> Case:
        return case(f"match {name}", packet, out(2), where=Match.of(**fields))

    host = (0x20010DB8 << 96) + 1
    v4, v6 = {"eth_type": ETH_IPV4}, {"eth_type": ETH_IPV6}
    nd = {**v6, "ip_proto": 58, "icmpv6_type": 135}
    yield asks("everything", other)
    yield asks("IPv4 prefix", ip, **v4, ipv4_src=(0x0A000000, 0xFF000000), ipv4_dst=0x0A010001)
    yield asks("IPv4 other prefix", ip, **v4, ipv4_src=(0x0B000000, 0xFF000000))
    yield asks("IPv4 DSCP", ip_sum, **v4, ip_dscp=46)
    yield asks("UDP ports", ip, **v4, ip_proto=17, udp_src=5, udp_dst=(4, 0xFFFC))
    yield asks("TCP ports", tcp, **v4, ip_proto=6, tcp_src=5, tcp_dst=6)
    yield asks("IPv4 cut short", bytes(ip)[:40], **v4, ipv4_src=0x0A000001)
    yield asks("IPv4 cut short is zero", bytes(ip)[:40], **v4, ipv4_src=(0, 0xFFFFFFFF))
    yield asks("IPv4 with padding", bytes(ip) + bytes(10), **v4, ip_proto=17, udp_dst=6)
    fragment = UDP[:6] + b"\x00\x05" + UDP[8:]
    yield asks("later fragment has no ports", Packet(B, A, ETH_IPV4, fragment), **v4, ip_proto=17, udp_dst=6)
    yield asks("later fragment", Packet(B, A, ETH_IPV4, fragment), **v4, ip_proto=17, ipv4_src=0x0A000001)
    options = b"\x46" + UDP[1:3] + b"\x28" + UDP[4:20] + b"\x01\x01\x01\x01" + UDP[20:]
    yield asks("IPv4 options", Packet(B, A, ETH_IPV4, options), **v4, ip_proto=17, udp_dst=6)
    yield asks("IPv6 addresses", ip6, **v6, ipv6_src=host, ipv6_dst=(0x20010DB8 << 96, 0xFFFFFFFF << 96))
    yield asks("IPv6 DSCP and ports", ip6, **v6, ip_dscp=42, ip_proto=17, udp_src=5)
    yield asks("IPv6 cut short", bytes(ip6)[:60], **v6, ip_proto=17)
    hop = IP6[:4] + b"\x00\x14\x00" + IP6[7:40] + b"\x11\x00" + bytes(6) + IP6[40:]
    yield asks("IPv6 hop-by-hop", Packet(B, A, ETH_IPV6, hop), **v6, ip_proto=17, udp_dst=6)
    frag = IP6[:4] + b"\x00\x14\x2c" + IP6[7:40] + b"\x11\x00\x00\x08" + bytes(4) + IP6[40:]
    yield asks("IPv6 later fragment", Packet(B, A, ETH_IPV6, frag), **v6, ip_proto=17)
    yield asks("IPv6 later fragment's ports", Packet(B, A, ETH_IPV6, frag), **v6, ip_proto=17, udp_dst=6)
    target = (0x20010DB8 << 96) + 7
    yield asks("neighbour solicitation", solicit, **nd, nd_target=target)
    yield asks("neighbour solicitation elsewhere", solicit, **nd, nd_target=target + 1)
    broken = NS[:4] + b"\x00\x20" + NS[6:64] + b"\x01\x00" + NS[66:]
    yield asks("solicitation with a broken option", Packet(B, A, ETH_IPV6, broken), **nd, nd_target=target)
    yield asks("ARP", arp, eth_type=ETH_ARP, arp_op=1, arp_spa=0x0A000001, arp_tpa=(0x0A010000, 0xFFFF0000))
    yield asks("ARP cut short", bytes(arp)[:40], eth_type=ETH_ARP, arp_op=1)
    strange = Packet(B, A, ETH_ARP, b"\x00\x06" + ARP[2:])
    yield asks("ARP of another hardware", strange, eth_type=ETH_ARP, arp_spa=0x0A000001)
    yield asks("label", two, eth_type=ETH_MPLS, mpls_label=50, mpls_tc=1, mpls_bos=0)
    yield asks("label below", two, eth_type=ETH_MPLS, mpls_label=51)
    yield asks("untagged", ip, vlan_vid=0)
    yield asks("untagged is not tagged", tagged, vlan_vid=0)
    yield asks("tag", tagged, vlan_vid=VLAN_PRESENT | 5, vlan_pcp=3, **v4)
    yield asks("any tag", tagged, vlan_vid=(VLAN_PRESENT, VLAN_PRESENT))
    yield asks("inner tag", double, vlan_vid=VLAN_PRESENT | 6)
    yield asks("length instead of type", Packet(B, A, 46, b"\x42\x42\x03" + bytes(43)), eth_type=0x05FF)
    snap = Packet(B, A, 28, bytes.fromhex("aaaa03000000") + b"\x08\x00" + UDP)
    yield asks("SNAP", snap, **v4, ip_proto=17)
    yield asks("MAC mask", ip, eth_src=(0x020000000000, 0xFFFFFF000000), eth_dst=B)
