"""Four switches in a ring, a way over two of its links, and the ways round each of them."""

from __future__ import annotations

from compile_networks import demand, endpoint
from paths_networks import ring, topology

from sdnctl.compiler.ir import Bypass
from sdnctl.intents.demand import Demand, Service
from sdnctl.topology.graph import Hop, Path

# a–b–c–d–a: l0 is a:1–b:2, l1 is b:3–c:4, l2 is c:5–d:6, l3 is d:7–a:8; dpids 1…4
TOPOLOGY = topology(ring(4))
ABC = Path((Hop("l0", "a", "b"), Hop("l1", "b", "c")))
ROUND_AB = Bypass(
    "l0:a>b", ("a", "b"), "l0", Path((Hop("l3", "a", "d"), Hop("l2", "d", "c"), Hop("l1", "c", "b"))), None
)
ROUND_BC = Bypass(
    "l1:b>c", ("b", "c"), "l1", Path((Hop("l0", "b", "a"), Hop("l3", "a", "d"), Hop("l2", "d", "c"))), None
)
ROUND_B = Bypass("l0:a>b>c", ("a", "b", "c"), "l0", Path((Hop("l3", "a", "d"), Hop("l2", "d", "c"))), None)


def one_way(vlan_a: int | None = None, vlan_c: int | None = None) -> Demand:
    return demand("x", endpoint("e1", "a", 50, vlan_a), endpoint("e2", "c", 60, vlan_c), Service.LINE)
