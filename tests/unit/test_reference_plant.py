"""The plant of the reference network: rings, glass, and the documented answer of every trap."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from any_network import ROOT, read_folder
from compile_networks import both_ways, endpoint

from lab.reference.communes import communes
from lab.reference.plant import build
from lab.reference.rings import LOOPS, RINGS, RUNS, site
from sdnctl.compiler.detour import Guard
from sdnctl.compiler.ir import Baseline, Network, Tenant
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.route import Router
from sdnctl.errors import CompileError
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.optics import budget
from sdnctl.topology.graph import Topology
from sdnctl.workspace.folder import Loaded, load_network

PARTS = ("network.yaml", "inventory", "topology", "intents")
SPUR = "com-mauressargues--com-montagnac"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return read_folder("reference")


@pytest.fixture(scope="module")
def topology(loaded: Loaded) -> Topology:
    return loaded.network.topology


@pytest.fixture(scope="module")
def router(loaded: Loaded) -> Router:
    return Router(loaded.network.topology, loaded.network.settings)


@pytest.fixture(scope="module")
def optical(loaded: Loaded) -> dict[str, OpticalLink]:
    """Links, lit or not, by the name that their ports give them, or by their switches."""
    plant = loaded.plant
    found, _ = optical_links(plant)
    return {
        plant.switches[one.a.switch].ports[one.a.port].link or f"{one.a.switch}--{one.b.switch}": one
        for one in found
    }


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(build().files[f"inventory/{name}.csv"])))


# ── rings and what hangs on them ─────────────────────────────────────────────────────────────────


def test_every_ring_lands_on_two_points_of_presence_by_two_entries(topology: Topology) -> None:
    nodes = {run.id: run.nodes for run in RUNS}
    for ring, runs in RINGS.items():
        way = [nodes[runs[0]][0], *(node for run in runs for node in nodes[run][1:])]
        assert way[0] != way[-1]
        assert way[0].startswith("pop-")
        assert way[-1].startswith("pop-")
        assert 1 <= len(way) - 2 <= 8
        assert build().figures[f"ring {ring}"] <= 60
        for a, b in pairwise(way):
            assert "--".join(sorted((site(a), site(b)))) in topology.links
        first, last = ("--".join(sorted(map(site, pair))) for pair in (way[:2], way[-2:]))
        shared = [key for key, one in topology.srlgs.items() if {first, last} <= one.links]
        assert shared == [], ring
    joined = {node for run in RUNS for node in run.nodes if not node.startswith("pop-")}
    assert joined == set(communes()) - {"nimes"}


def test_switches_and_roles(topology: Topology) -> None:
    roles = Counter(node.role for node in topology.nodes.values())
    assert roles == {
        "core": 4, "pop": 6, "commune": 38, "access": 66, "handover": 2, "cloud": 2, "internet": 1, "csu": 1,
    }  # fmt: skip
    assert 110 <= roles.total() <= 130
    assert {hub.switch for hub in build().hubs} <= set(topology.nodes)
    assert min(link.mtu for link in topology.links.values()) >= 1600
    assert {link.capacity for link in topology.links.values()} == {10**9, 10**10, 10**11}
    core = [link for link in topology.links.values() if link.capacity == 10**11]
    assert len(core) == 29
    assert Counter(row["transceiver"] for row in rows("ports"))["1g-bx10-d"] == 1300


def test_sites_have_power_and_batteries(loaded: Loaded) -> None:
    page = loaded.documents["inventory/sites.yaml"].value
    assert all(one.ups_hours and one.watts and one.feeder and one.area and one.position for one in page.sites)
    feeders = Counter(one.feeder for one in page.sites)
    assert [key for key, count in feeders.items() if count > 1] == ["source-est"]


def test_every_budget_closes_with_margin(topology: Topology) -> None:
    budgets = [link.budget for link in topology.links.values() if link.budget is not None]
    assert len(budgets) == len(topology.links)
    assert min(one.margin for one in budgets) > 0.5
    assert min(one.overload for one in budgets) >= 0


def test_every_link_has_a_bypass_but_the_spur(topology: Topology, router: Router) -> None:
    bare = {
        link.id
        for link in topology.links.values()
        for a, b in (link.nodes, link.nodes[::-1])
        if router.detours.least(Guard(link.id, a, b)) is None
    }
    assert bare == {SPUR}


def asked(loaded: Loaded, switches: Iterable[str], grade: Grade) -> Network:
    """A line from each of these switches to a datacentre switch at both sites, of this grade."""
    demands: list[Demand] = []
    for number, switch in enumerate(switches):
        for port, hub in ((300, "neti-1"), (301, "rich-1")):
            one, other = endpoint(f"{switch}-{port}", switch, port), endpoint(f"{hub}-{switch}", hub, 400 + number)
            demands += both_ways(f"ask-{switch}-{port}", one, other, Service.LINE, grade)
    ends = {end.id: end for one in demands for end in (one.ingress, one.egress)}
    return replace(loaded.network, endpoints=ends, tenants={"city": Tenant("city")}, demands=tuple(demands))


def test_node_protection_is_granted_everywhere_but_on_the_spur(loaded: Loaded, topology: Topology) -> None:
    switches = sorted(set(topology.nodes) - {"neti-1", "rich-1", "com-mauressargues"})
    compiled = compile_network(asked(loaded, switches, Grade.NODE), Baseline())
    assert len(compiled.demands) == 4 * len(switches)
    assert compiled.diagnostics == ()


def test_no_loop_or_ring_hangs_on_one_feeder() -> None:
    pairs = [{row.split()[1], row.split()[-1]} for row in LOOPS.strip().splitlines()]
    nodes = {run.id: run.nodes for run in RUNS}
    pairs += [{nodes[runs[0]][0], nodes[runs[-1]][-1]} for runs in RINGS.values()]
    assert {"pop-est", "pop-sud-est"} not in pairs
    assert all(len(pair) == 2 for pair in pairs)


# ── the traps ────────────────────────────────────────────────────────────────────────────────────


def bypass(router: Router, link: str) -> tuple[str, ...]:
    """The links of the way round, from its first end."""
    path = router.detours.least(Guard(link, *router.topology.links[link].nodes))
    assert path is not None
    return path.links


def test_trap_bridge(topology: Topology, router: Router) -> None:
    one, two = "com-dions--com-saint-chaptes", "com-la-calmette--com-saint-chaptes"
    shared = topology.srlgs["duct:du-pont-du-gardon"]
    assert shared.links == {one, two}
    assert shared.metres == pytest.approx(300, abs=5)
    assert not any(key.startswith("cable:") and {one, two} <= srlg.links for key, srlg in topology.srlgs.items())
    for decoy, link in ((one, two), (two, one)):
        way = bypass(router, link)
        assert decoy not in way
        assert "com-saint-chaptes--com-sauzet" in way
        a, b = topology.links[link].nodes
        shorter = router.graph.shortest(a, b, frozenset((link,)))
        assert shorter is not None
        assert decoy in shorter.links
        assert router.graph.delay(shorter) < sum(router.graph.delays[name] for name in way)


def test_trap_station(topology: Topology, router: Router) -> None:
    one, two = "neti-2--rich-2", "pop-sud-est--rich-1"
    shared = topology.srlgs["duct:du-sortie-gare"]
    assert shared.links == {one, two}
    assert shared.metres == pytest.approx(412, abs=5)
    for link, decoy in ((one, two), (two, one)):
        way = bypass(router, link)
        assert decoy not in way
        assert sum(topology.links[name].length for name in way) > topology.links[link].length


def test_trap_spur(loaded: Loaded) -> None:
    for grade in (Grade.LOCAL, Grade.NODE, Grade.DISJOINT):
        with pytest.raises(CompileError, match=r"com-mauressargues--com-montagnac \(2\.7.* km\)[^!]*du-spur-01"):
            compile_network(asked(loaded, ["com-mauressargues"], grade), Baseline())
    assert compile_network(asked(loaded, ["com-mauressargues"], Grade.NONE), Baseline()).diagnostics == ()


def test_trap_meeting(topology: Topology, router: Router) -> None:
    hops = {f"com-{key}--pop-sud" for key in ("milhaud", "caissargues", "generac")}
    meeting = topology.srlgs["chamber:ch-trois-anneaux"]
    assert hops <= meeting.links
    for link in hops:
        assert not meeting.links & set(bypass(router, link))


def test_trap_cheap_optics(loaded: Loaded, optical: dict[str, OpticalLink]) -> None:
    link = optical["spare-saint-gilles"]
    assert [fault.code for fault in link.faults] == ["optical-budget"]
    assert min(one.margin for one in link.budgets) == pytest.approx(-4.3, abs=0.1)
    er = loaded.plant.transceivers["10g-er"]
    dear = budget(loaded.plant, link.there, er, er)
    assert dear.closes
    assert dear.safe
    assert "spare-saint-gilles" not in loaded.network.topology.links


def test_trap_overload(loaded: Loaded, optical: dict[str, OpticalLink]) -> None:
    lit, bare = optical["com-sainte-anastasie--pop-nord"], optical["spare-sainte-anastasie"]
    assert lit.usable
    assert lit.length == pytest.approx(bare.length, abs=20)
    passives = [loaded.plant.passives[key] for key in ("att-pop-nord-7", "att-sainte-anastasie-1")]
    assert all(one.loss_min == 4.5 for one in passives)
    assert all(0 <= one.overload < 4.5 for one in lit.budgets)


def test_trap_no_attenuator(optical: dict[str, OpticalLink]) -> None:
    fault = optical["spare-sainte-anastasie"].faults[0]
    assert fault.code == "optical-overload"
    assert "overloads its receiver by 2.4 dB" in fault.summary
    assert "Add a fixed attenuator of 2.4" in fault.hint


def joined(topology: Topology, start: str, down: frozenset[str], dead: frozenset[str]) -> set[str]:
    """Switches that can be reached without dead links and switches."""
    seen, queue = {start}, [start]
    while queue:
        for hop in topology.adjacency[queue.pop()]:
            if hop.link not in down and hop.head not in dead | seen:
                seen.add(hop.head)
                queue.append(hop.head)
    return seen


@pytest.mark.parametrize(
    ("risk", "dead"),
    [
        ("zone:vistre", {"pop-sud", "cab-km-delta", "cab-mas-de-vignolles"}),
        ("feeder:source-est", {"pop-est", "pop-sud-est"}),
    ],
    ids=["flood", "feeder"],
)
def test_trap_flood_and_feeder(topology: Topology, risk: str, dead: set[str]) -> None:
    event = topology.srlgs[risk]
    assert event.nodes == dead
    down = topology.down(event.links, event.nodes)
    for start in ("neti-1", "rich-1"):
        assert joined(topology, start, frozenset(down), frozenset(dead)) == set(topology.nodes) - dead


def test_trap_rented(loaded: Loaded, topology: Topology) -> None:
    duct = loaded.plant.ducts["du-pop-est--pop-nord"]
    assert duct.life.owner == "operateur-historique"
    assert "pop-est--pop-nord" in topology.srlgs[f"duct:{duct.id}"].links


def test_trap_gainer(loaded: Loaded) -> None:
    losses = defaultdict(set)
    for splice in loaded.plant.splice_at.values():
        if splice.closure in ("bpe-east-05", "bpe-east-09") and splice.a.strand <= 2:
            losses[splice.closure].add(None if splice.loss is None else round(splice.loss, 3))
    assert losses == {"bpe-east-05": {None}, "bpe-east-09": {0.06}}
    warning = next(one for one in loaded.diagnostics if one.code == "one-way-splice-reading")
    assert warning.address == "closure bpe-east-05"
    assert "-0.05 dB" in warning.summary


def test_trap_polarity(loaded: Loaded) -> None:
    warning = next(one for one in loaded.diagnostics if one.code == "reversed-polarity")
    assert "com-caissargues:4/tx" in warning.summary
    assert "pop-sud:15/tx" in warning.summary


def test_trap_planned(optical: dict[str, OpticalLink], tmp_path: Path) -> None:
    assert [fault.code for fault in optical["planned-mauressargues"].faults] == ["not-in-service"]
    for part in PARTS[1:3]:
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / PARTS[0], tmp_path / PARTS[0])
    (tmp_path / "inventory/endpoints.csv").unlink()
    cables = tmp_path / "inventory/cables.yaml"
    cables.write_text(cables.read_text(encoding="utf-8").replace("    status: planned\n", ""), encoding="utf-8")
    network = load_network(tmp_path).network
    assert "planned-mauressargues" in network.topology.links
    assert bypass(Router(network.topology, network.settings), SPUR)


def test_trap_abandoned(loaded: Loaded, optical: dict[str, OpticalLink]) -> None:
    assert [fault.code for fault in optical["old-tramway"].faults] == ["not-in-service"]
    ducts = [one for key, one in loaded.plant.ducts.items() if key.startswith("du-old-tramway")]
    assert {one.life.status.value for one in ducts} == {"abandoned"}


def test_every_trap_of_the_page_is_asked_for() -> None:
    page = (ROOT / "inventory/README.md").read_text(encoding="utf-8")
    table = page[page.index("| trap | where") :].splitlines()[2:]
    named = {row.split("|")[1].strip().replace("-", "_") for row in table}
    tests = {name.removeprefix("test_trap_") for name in globals() if name.startswith("test_trap_")}
    assert named == (tests - {"flood_and_feeder"}) | {"flood", "feeder"}
