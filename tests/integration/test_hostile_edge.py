"""A hostile customer on a real switch port: forged labels, borrowed addresses, floods.

Attacks are tried twice: as the network is, and with the guard taken away by hand, which shows that they are some.
What must hold: nothing of them reaches anybody else, and the class scada keeps its bound.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest
from hostile_world import BOUND, Seen, World, flood, measure, world

from sdnctl.topology.graph import PortRef
from sdnctl.verify import wire

pytestmark = [pytest.mark.ovs, pytest.mark.quiet]

SENSORS = ("floods/sensor-1>head", "floods/sensor-2>head")
ROGUE, WIFI = "floods/rogue>head", "wireless/wifi>internet"
SENSOR_PORT, ROGUE_PORT, WIFI_PORT, SHOP_PORT = (PortRef("left", port) for port in (11, 13, 20, 30))
HEAD_PORT, INTERNET_PORT = PortRef("right", 11), PortRef("right", 20)
SENSOR_MAC, ROGUE_MAC, HEAD_MAC = 0x020000000101, 0x020000000103, 0x020000000201
SENSOR_IP, ROGUE_IP, HEAD_IP, GATEWAY_IP = (
    int(IPv4Address(text)) for text in ("10.40.0.1", "10.40.0.3", "10.40.0.101", "10.80.0.1")
)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("hostile") / "net") as one:
        yield one


@contextlib.contextmanager
def guard_taken_away(hostile: World, node: str, *flows: str) -> Iterator[None]:
    """Rules above all others that let an attack through; gone afterwards."""
    for flow in flows:
        hostile.ofctl("add-flow", node, f"priority=60000,cookie=0x666,{flow}")
    try:
        yield
    finally:
        hostile.ofctl("del-flows", node, "cookie=0x666/-1")


@dataclass(frozen=True)
class Attack:
    """A frame with a token of its own, and the port it is sent into."""

    name: str
    port: PortRef
    token: bytes
    frame: bytes


def token() -> bytes:
    return f"sdnctl hostile {next(_numbers):010d}".encode()


def reached(hostile: World, attacks: Iterable[Attack]) -> Mapping[str, set[PortRef]]:
    """Where each attack comes out; each is sent twice, with pauses, so that no policer hides it."""
    attacks = tuple(attacks)
    found: dict[str, set[PortRef]] = {one.name: set() for one in attacks}
    with contextlib.closing(hostile.lab.wire()) as hosts:
        arrivals = []
        for one in (*attacks, *attacks):
            hosts.send(one.port, one.frame)
            arrivals += hosts.receive(0.01)
        until = time.monotonic() + 0.3
        while (left := until - time.monotonic()) > 0:
            arrivals += hosts.receive(left)
    for arrival in arrivals:
        for one in attacks:
            if one.token in arrival.frame:
                found[one.name].add(arrival.port)
    return found


# ── reaching somebody else ───────────────────────────────────────────────────────────────────────


def labels_of(hostile: World, node: str, table: int) -> list[int]:
    held = hostile.ofctl("dump-flows", node, f"table={table}")
    return sorted({int(label) for label in re.findall(r"mpls_label=(\d+)", held)} - {3})


def forged(hostile: World, port: PortRef) -> Iterator[Attack]:
    """Every stack that the port's switch knows, two deep and one, around a frame that the victims would take."""
    transit, deliver = (labels_of(hostile, port.node, table) for table in (3, 4))
    for stack in [*itertools.product(transit, deliver), *((one,) for one in (*transit, *deliver))]:
        mark = token()
        customer = wire.ethernet(SENSOR_MAC, HEAD_MAC, 0x0800, wire.udp4(HEAD_IP, SENSOR_IP, mark))
        outer = wire.ethernet(0x02F000000003, 0x02F000000004, 0x8847, wire.labels(*stack) + customer)
        yield Attack("/".join(map(str, stack)), port, mark, outer)


@pytest.mark.parametrize(
    ("port", "own"),
    [(ROGUE_PORT, set()), (WIFI_PORT, set()), (SHOP_PORT, {PortRef("right", 30)}), (INTERNET_PORT, set())],
    ids=str,
)
def test_forged_labels_lead_nowhere(hostile: World, port: PortRef, own: set[PortRef]) -> None:
    """From a sensor, the public, a gateway; and from a circuit, which carries anything, to its other end only."""
    attacks = tuple(forged(hostile, port))
    assert len(attacks) >= 8
    out = reached(hostile, attacks)
    assert all(ports <= own for ports in out.values()), out
    if port in (ROGUE_PORT, INTERNET_PORT):
        way_in = f"table=0,in_port={port.port},eth_type=0x8847,actions=load:0xffff->NXM_OF_IN_PORT[],goto_table:3"
        with guard_taken_away(hostile, port.node, way_in):
            victims = set().union(*reached(hostile, attacks).values())
        assert (SENSOR_PORT if port is ROGUE_PORT else HEAD_PORT) in victims, "not an attack at all"


def spoofed(port: PortRef) -> Iterator[Attack]:
    """Packets and ARP with somebody else's MAC, address or both, to the sensors' head and to the other slice."""
    for mac, source, target in itertools.product(
        (ROGUE_MAC, SENSOR_MAC), (ROGUE_IP, SENSOR_IP), (HEAD_IP, GATEWAY_IP)
    ):
        if (mac, source, target) == (ROGUE_MAC, ROGUE_IP, HEAD_IP) and port is ROGUE_PORT:
            continue  # what it may
        name = f"{mac:012x} {IPv4Address(source)} to {IPv4Address(target)}"
        mark = token()
        yield Attack(
            f"ip {name}", port, mark, wire.ethernet(HEAD_MAC, mac, 0x0800, wire.udp4(source, target, mark))
        )
        mark = token()
        arp = wire.arp_request(mac, source, target) + mark
        yield Attack(f"arp {name}", port, mark, wire.ethernet(wire.BROADCAST, mac, 0x0806, arp))


@pytest.mark.parametrize("port", [ROGUE_PORT, WIFI_PORT], ids=str)
def test_borrowed_addresses_lead_nowhere(hostile: World, port: PortRef) -> None:
    """A rogue sensor and somebody on the public network, as another sensor or towards another slice."""
    attacks = tuple(spoofed(port))
    out = reached(hostile, attacks)
    assert not any(out.values()), {name: ports for name, ports in out.items() if ports}
    number = next(
        one
        for one in hostile.ofctl("dump-flows", "left", "table=0").splitlines()
        if f"in_port={port.port}," in one
    )
    (demand,) = re.findall(r"write_metadata:(0x[0-9a-f]+)", number)
    open_ = f"actions=write_metadata:{demand},goto_table:1"
    unguarded = [f"table=0,in_port={port.port},{kind},{open_}" for kind in ("ip", "arp")]
    with guard_taken_away(hostile, "left", *unguarded):
        out = reached(hostile, attacks)
    victim = HEAD_PORT if port is ROGUE_PORT else INTERNET_PORT
    assert all(ports == {victim} for ports in out.values()), "not an attack at all"


def test_what_is_allowed_passes(hostile: World) -> None:
    """The rogue's own frames: else all of the above could hold because nothing passes."""
    mark = token()
    frame = wire.ethernet(HEAD_MAC, ROGUE_MAC, 0x0800, wire.udp4(ROGUE_IP, HEAD_IP, mark))
    assert reached(hostile, [Attack("own", ROGUE_PORT, mark, frame)]) == {"own": {HEAD_PORT}}


# ── slowing somebody else ────────────────────────────────────────────────────────────────────────

SECONDS = 1.0
RANDOM = wire.ethernet(0x02F000000003, 0x02F000000004, 0x0800, wire.udp4(0x01020304, HEAD_IP, bytes(60)))
STORM = wire.ethernet(
    wire.BROADCAST, 0x02F000000004, 0x0806, wire.arp_request(0x02F000000004, 0x01020304, 0x05060708)
)
BEACON = wire.ethernet(0x0180C200000E, 0x025D9C00D15C, 0x88CC, bytes(100))


def under(hostile: World, port: PortRef, frame: bytes, pps: float, vary: Iterable[int] = ()) -> Seen:
    """What becomes of two sensors while somebody floods a port; measured again if the machine held us up."""
    for _ in range(4):
        with flood(hostile, port, frame, pps, SECONDS + 1.0, tuple(vary)):
            seen = measure(hostile, SENSORS, SECONDS, pps=200.0)
        if seen.held_up < BOUND / 2:
            break
    return seen


FLOODS = {
    "frames of nobody, all different": (WIFI_PORT, RANDOM, 4000, (*range(6, 12), *range(26, 30), 34, 35)),
    "broadcasts into a circuit": (SHOP_PORT, STORM, 4000, ()),
    "beacons as the controller sends them": (WIFI_PORT, BEACON, 2000, range(14, 40)),
}


@pytest.mark.parametrize(
    "name", [next(iter(FLOODS)), *(pytest.param(one, marks=pytest.mark.soak) for one in [*FLOODS][1:])]
)
def test_floods_slow_nobody(hostile: World, name: str) -> None:
    port, frame, pps, vary = FLOODS[name]
    seen = under(hostile, port, frame, pps, vary)
    print(seen)  # noqa: T201 (shown with what failed)
    assert all(one.lost == 0 and one.within(0.99) <= BOUND for one in seen.tallies.values()), str(seen)


def test_a_flood_within_the_class_is_policed_at_its_port(hostile: World) -> None:
    """A rogue sensor sends sixty times what it may, as scada: the others feel nothing, while it is policed."""
    frame, pps = hostile.frame(ROGUE, 1400), 16_000_000 / 8 / 1400
    seen = under(hostile, ROGUE_PORT, frame, pps)
    print(seen)  # noqa: T201 (shown with what failed)
    assert all(one.lost == 0 and one.within(0.99) <= BOUND for one in seen.tallies.values()), str(seen)
    _, octets = seen.arrived[HEAD_PORT]
    assert octets * 8 / SECONDS < 1_500_000, "the rogue is not policed"
    police = hostile.ofctl("dump-flows", "left", "table=1")
    held = hostile.ofctl("dump-flows", "left", f"table=0,in_port={ROGUE_PORT.port},ip")
    (demand,) = re.findall(r"write_metadata:(0x[0-9a-f]+)", held)
    assert f"metadata={demand}/" in police
    with guard_taken_away(hostile, "left", f"table=1,metadata={demand},actions=set_queue:6,goto_table:2"):
        bad = under(hostile, ROGUE_PORT, frame, pps)
    print(bad)  # noqa: T201 (shown with what failed)
    assert all(one.lost > 0 or one.within(0.5) > BOUND for one in bad.tallies.values()), f"not an attack: {bad}"


def test_nothing_is_left_of_the_attacks(hostile: World) -> None:
    assert hostile.net("plan", "--exit-code").code == 0
    found = hostile.net.json("verify", "--live")
    assert found["ok"], found
