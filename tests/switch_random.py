"""Random rules in the pipeline's vocabulary, and random packets that have a chance to hit them."""

from __future__ import annotations

from random import Random

from sdnctl.dataplane.packet import Label, Packet, Tag
from sdnctl.dataplane.values import (
    ETH_ARP,
    ETH_IPV4,
    ETH_IPV6,
    ETH_MPLS,
    ETH_QINQ,
    GROUP_BASE,
    METER_BASE,
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
    Meter,
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

TRUNK_PORTS = (1, 2, 3)
EDGE_PORTS = (4, 5, 6)
PORTS = TRUNK_PORTS + EDGE_PORTS
WATCHABLE = (*TRUNK_PORTS, 9)  # 9 is on no switch: always dead
LOW32 = 0xFFFFFFFF
LABELS = range(100, 112)
SERVICES = range(200, 206)
DEMANDS = range(1, 7)
VLANS = (100, 101, 0xFFF)
NET4 = 0x0A000000
NET6 = 0x20010DB8 << 96
MACS = (0x020000000001, 0x020000000002)
V6_PREFIX = ((1 << 48) - 1) << 80


def rules(random: Random) -> RuleSet:
    """One switch: groups of every kind, and flows of every table, with gaps on purpose."""
    made = RuleSet()
    groups = _groups(random, made)
    _classify(random, made)
    _police_and_encap(random, made, groups)
    _transit(random, made, groups)
    _deliver(random, made)
    return made


def _macs(random: Random) -> tuple[SetField, SetField]:
    return SetField("eth_dst", random.getrandbits(40)), SetField("eth_src", random.getrandbits(40))


def _groups(random: Random, made: RuleSet) -> list[int]:
    bare, links, trunks = [], [], []
    for port in TRUNK_PORTS:
        bare.append(GROUP_BASE + port)
        made.add(Group(bare[-1], GroupType.INDIRECT, (Bucket((*_macs(random), Output(port))),)))
    for number in range(10, 14):
        first, second = random.choice(WATCHABLE), random.choice(WATCHABLE)
        bypass: tuple[Action, ...] = (Output(second),)
        if random.random() < 0.7:
            bypass = (PushMpls(), SetField("mpls_label", random.choice(LABELS)), *_macs(random), Output(second))
        buckets = (
            Bucket((*_macs(random), Output(first)), watch_port=first),
            Bucket(bypass, watch_port=second),
        )
        links.append(GROUP_BASE + number)
        made.add(Group(links[-1], GroupType.FAST_FAILOVER, buckets))
    for number in range(20, 24):
        # Sometimes a trunk group points to a link group that is not there.
        target = random.choice([*links, *bare, GROUP_BASE + 99])
        actions = (PushMpls(), SetField("mpls_label", random.choice(LABELS)), ToGroup(target))
        trunks.append(GROUP_BASE + number)
        made.add(Group(trunks[-1], GroupType.INDIRECT, (Bucket(actions),)))
    if random.random() < 0.5:
        chosen = random.sample([*links, *bare, *trunks], 2)
        made.add(Group(GROUP_BASE + 30, GroupType.ALL, tuple(Bucket((ToGroup(number),)) for number in chosen)))
        trunks.append(GROUP_BASE + 30)
    return [*bare, *links, *trunks]


def _classify(random: Random, made: RuleSet) -> None:
    for port in TRUNK_PORTS:
        made.add(Flow(0, 300, Match.of(in_port=port, eth_type=ETH_MPLS), actions=(ClearInPort(),), goto=3))
    for port in EDGE_PORTS:
        for _ in range(4):
            fields = _selection(random)
            metadata = (random.choice(DEMANDS), LOW32)
            flow = Flow(0, 200, Match.of(in_port=port, **fields), metadata=metadata, goto=1)
            if flow.key not in made.flows and not _overlaps(flow, made):
                made.add(flow)


def _overlaps(flow: Flow, made: RuleSet) -> bool:
    """Two rules of one priority that match one packet are undefined in OpenFlow, so they are not asked about."""
    return any(_compatible(flow.match, other.match) for other in made.flows.values() if other.table == flow.table)


def _compatible(one: Match, two: Match) -> bool:
    for name, value, mask in one:
        entry = two.get(name)
        if entry is not None and (value ^ entry[0]) & mask & entry[1]:
            return False
    return True


def _selection(random: Random) -> dict[str, int | tuple[int, int]]:
    fields: dict[str, int | tuple[int, int]] = {}
    kind = random.choice(("port", "vlan", "ipv4", "arp", "ipv6", "nd"))
    if kind == "port":
        return fields
    fields["vlan_vid"] = random.choice((0, *(VLAN_PRESENT | vlan for vlan in VLANS)))
    if kind == "vlan":
        return {"vlan_vid": VLAN_PRESENT | random.choice(VLANS)}
    if random.random() < 0.5:
        fields["eth_src"] = random.choice(MACS)
    mask = random.choice((0xFFFFFF00, 0xFFFF0000, 0xFFFFFFFF))
    source, target = (NET4 | random.randrange(4)) & mask, (NET4 | 1 << 16 | random.randrange(4)) & mask
    source6, target6 = NET6 | random.randrange(2) << 80, NET6 | random.randrange(2) << 80
    if kind == "ipv4":
        fields |= {"eth_type": ETH_IPV4, "ipv4_src": (source, mask), "ipv4_dst": (target, mask)}
    elif kind == "arp":
        fields |= {"eth_type": ETH_ARP, "arp_spa": (source, mask), "arp_tpa": (target, mask)}
    elif kind == "ipv6":
        fields |= {"eth_type": ETH_IPV6, "ipv6_src": (source6, V6_PREFIX), "ipv6_dst": (target6, V6_PREFIX)}
    else:
        fields |= {"eth_type": ETH_IPV6, "ip_proto": 58, "icmpv6_type": 135}
        fields |= {"ipv6_src": (source6, V6_PREFIX), "nd_target": (target6, V6_PREFIX)}
    return fields


def _police_and_encap(random: Random, made: RuleSet, groups: list[int]) -> None:
    for demand in DEMANDS:
        where = Match.of(metadata=(demand, LOW32))
        if random.random() < 0.1:
            continue
        made.add(Meter(METER_BASE + demand, 4_000_000, 400_000))
        queue = (SetQueue(random.randrange(4)),)
        made.add(Flow(1, 100, where, actions=queue, meter=METER_BASE + demand, goto=2))
        service = random.choice(SERVICES)
        if random.random() < 0.2:
            made.add(Flow(2, 100, where, metadata=(service, LOW32), goto=5))
        else:
            actions = (
                Encap("mpls"),
                SetField("mpls_label", service),
                SetField("mpls_tc", random.randrange(8)),
                Encap("ethernet"),
                ToGroup(random.choice(groups)),
            )
            made.add(Flow(2, 100, where, actions=actions))


TC_GUARD = Flow(3, 200, Match.of(eth_type=ETH_MPLS, mpls_label=3, mpls_tc=0))
"""Never hit: label 3 is in no stack (RFC 3032). Without a rule that looks at the traffic class, Open vSwitch 3.1
caches `DecMplsTtl` and label rewrites for all classes together, and writes the first packet's class into all
others; see `test_classes_of_one_label_do_not_mix`."""


def _transit(random: Random, made: RuleSet, groups: list[int]) -> None:
    made.add(TC_GUARD)
    for label in LABELS:
        where = Match.of(eth_type=ETH_MPLS, mpls_label=label)
        port = random.choice(TRUNK_PORTS)
        kinds: list[tuple[tuple[Action, ...], int | None]] = [
            ((DecMplsTtl(), ToGroup(random.choice(groups))), None),
            ((PopMpls(),), 4),
            ((DecMplsTtl(), *_macs(random), Output(port)), None),
            ((PopMpls(), DecMplsTtl(), *_macs(random), Output(port)), None),
        ]
        actions, goto = random.choice(kinds)
        if random.random() < 0.9:
            made.add(Flow(3, 100, where, actions=actions, goto=goto))


def _deliver(random: Random, made: RuleSet) -> None:
    decap = (Decap(), Decap(to_ethernet=True))
    for service in SERVICES:
        where = Match.of(eth_type=ETH_MPLS, mpls_label=service)
        port = random.choice(EDGE_PORTS)
        if random.random() < 0.4:
            made.add(Flow(4, 100, where, actions=(*decap, Output(port))))
        else:
            made.add(Flow(4, 100, where, actions=decap, metadata=(service, LOW32), goto=5))
        tagged = Match.of(metadata=(service, LOW32), vlan_vid=(VLAN_PRESENT, VLAN_PRESENT))
        plain = Match.of(metadata=(service, LOW32), vlan_vid=0)
        vlan = SetField("vlan_vid", VLAN_PRESENT | random.choice(VLANS))
        made.add(Flow(5, 100, tagged, actions=random.choice(((vlan, Output(port)), (PopVlan(), Output(port))))))
        made.add(Flow(5, 100, plain, actions=random.choice(((PushVlan(), vlan, Output(port)), (Output(port),)))))


# ── packets ──────────────────────────────────────────────────────────────────────────────────────


def packet(random: Random) -> tuple[int, bytes]:
    """A port and a frame: customers' at edge ports, labelled ones at trunk ports, and some that do not fit."""
    if random.random() < 0.45:
        return random.choice(EDGE_PORTS), bytes(customer(random))
    stack = [random.choice(LABELS) for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3)))]
    stack.append(random.choice(SERVICES))
    labels = [Label(value, random.randrange(8), ttl=random.choice((0, 1, 2, 3, 64, 255))) for value in stack]
    frame = Packet(random.choice(MACS), random.choice(MACS), ETH_MPLS, bytes(customer(random)))
    port = random.choice(TRUNK_PORTS if random.random() < 0.9 else PORTS)
    return port, bytes(frame.with_labels(*labels))


def customer(random: Random) -> Packet:
    """ARP, IPv4, IPv6, neighbour solicitation or something unknown, with none to three tags."""
    tags = tuple(
        Tag(random.choice(VLANS), random.randrange(8), ethertype=random.choice((0x8100, ETH_QINQ)))
        for _ in range(random.choice((0, 0, 0, 1, 1, 2, 3)))
    )
    source, target = NET4 | random.randrange(6), NET4 | 1 << 16 | random.randrange(6)
    source6 = NET6 | random.randrange(3) << 80 | random.randrange(4)
    target6 = NET6 | random.randrange(3) << 80 | random.randrange(4)
    addresses6 = source6.to_bytes(16, "big") + target6.to_bytes(16, "big")
    data = random.randbytes(random.randrange(40))
    kinds = {
        ETH_IPV4: ipv4(source, target, random.randrange(256), random.choice((1, 64)), data),
        ETH_ARP: bytes.fromhex("0001080006040001020000000001")
        + source.to_bytes(4, "big")
        + bytes(6)
        + target.to_bytes(4, "big"),
        ETH_IPV6: b"\x60\x00\x00\x00" + len(data).to_bytes(2, "big") + b"\x3b\x40" + addresses6 + data,
        0x88B5: data,
    }
    kind = random.choice([*kinds, "nd"])
    destination, sender = random.choice(MACS), random.choice(MACS)
    if kind == "nd":
        body = bytes.fromhex("87000000 00000000") + target6.to_bytes(16, "big")
        head = b"\x60\x00\x00\x00" + len(body).to_bytes(2, "big") + b"\x3a\xff" + addresses6
        return Packet(destination, sender, ETH_IPV6, head + body, tags)
    return Packet(destination, sender, int(kind), kinds[int(kind)], tags)


def ipv4(source: int, target: int, tos: int, ttl: int, data: bytes) -> bytes:
    """A UDP datagram without UDP checksum, with a right header checksum."""
    length = 28 + len(data)
    head = bytearray(b"\x45" + bytes([tos]) + length.to_bytes(2, "big") + bytes(4) + bytes([ttl, 17]) + bytes(2))
    head += source.to_bytes(4, "big") + target.to_bytes(4, "big")
    total = sum(int.from_bytes(head[at : at + 2], "big") for at in range(0, 20, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    head[10:12] = (~total & 0xFFFF).to_bytes(2, "big")
    return bytes(head) + b"\x00\x05\x00\x06" + (8 + len(data)).to_bytes(2, "big") + bytes(2) + data
