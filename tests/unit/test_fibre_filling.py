"""Fill of strands, cables, ducts, ports and links: counted by hand, and under failures against what packets do."""

from __future__ import annotations

from itertools import pairwise

import pytest
from inventory_support import EXAMPLES, LIFE, plant_of, two_sites

from sdnctl.compiler.fate import Fate, Fates, path_now
from sdnctl.compiler.ir import Compiled
from sdnctl.errors import UsageError
from sdnctl.inventory.filling import Fill, cable_fill, duct_fill, fullest, port_fill, strand_fill
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.uses import Uses
from sdnctl.usecases.context import Context
from sdnctl.usecases.filling import filling, link_fill, repaired
from sdnctl.usecases.planning import compile_folder


def uses_of(plant: Plant) -> Uses:
    return Uses(plant, optical_links(plant)[0])


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_folder(Context(EXAMPLES / "small")).compiled


def test_strands_and_cables_are_counted() -> None:
    network = two_sites()
    network["cables"]["cables"][0]["faults"] = [{"strands": "12", "at": "100 m"}]
    plant = plant_of(network)
    assert [(one.name, one.used, one.total) for one in strand_fill(plant, uses_of(plant))] == [
        ("c:1", 1, 1),
        ("c:2", 1, 1),
    ]
    (cable,) = cable_fill(plant, uses_of(plant))
    assert (cable.used, cable.total, cable.note) == (3, 12, "2 lit")  # the broken one is not free either


def test_a_strand_behind_a_mux_holds_its_channels() -> None:
    network = two_sites()
    mux = {"kind": "mux", "loss": {"min": "1 dB", "max": "2 dB"}, "channels": {"c1": "1310 nm", "c2": "1550 nm"}}
    network["passives"] = {
        "defaults": LIFE,
        "passives": [{"id": f"mux-{s}-{n}", "site": s, **mux} for s in "ab" for n in "12"],
    }
    for number, switch in enumerate(network["equipment"]["switches"]):
        s = "ab"[number]
        lanes = ("tx", "rx") if s == "a" else ("rx", "tx")
        for n, lane in enumerate(lanes, 1):
            switch["ports"][0][lane] = f"mux-{s}-{n}/c1"
            network["equipment"]["jumpers"].append({"a": f"odf-{s}:{n}", "b": f"mux-{s}-{n}/com"})
    plant = plant_of(network)
    assert [(one.name, one.used, one.total) for one in strand_fill(plant, uses_of(plant))] == [
        ("c:1", 1, 2),
        ("c:2", 1, 2),
    ]


def test_ducts_by_cross_section_inner_ducts_or_number() -> None:
    network = two_sites()
    assert [(one.used, one.total, one.share) for one in duct_fill(plant_of(network))] == [(1, None, None)]
    network["cable-types"]["cable_types"][0]["diameter"] = "12 mm"
    network["ducts"]["ducts"][0]["diameter"] = "40 mm"
    (duct,) = duct_fill(plant_of(network))
    assert duct.share == pytest.approx((12 / 40) ** 2)
    network["ducts"]["ducts"] = [{"id": "outer", "segments": ["a-k1", "k1-k2", "k2-b"]}]
    network["ducts"]["ducts"] += [{"id": name, "parent": "outer"} for name in ("d", "empty")]
    outer = next(one for one in duct_fill(plant_of(network)) if one.name == "outer")
    assert (outer.used, outer.total, outer.note) == (1, 2, "inner ducts")


def test_ports_are_those_with_something_plugged_in() -> None:
    network = two_sites()
    network["equipment"]["switches"][0]["ports"].append({"port": 2, "transceiver": "lr"})
    found = {one.name: one for one in port_fill(plant_of(network), {"sa": [7]})}
    assert (found["sa"].used, found["sa"].total) == (2, 3)
    assert found["sb"].share == 1


def test_the_fullest_comes_first_and_the_unknown_last() -> None:
    fills = [
        Fill("cable", "a", 1, 4),
        Fill("cable", "b", 2, None),
        Fill("cable", "c", 3, 4),
        Fill("cable", "d", 0, 0),
    ]
    assert [one.name for one in fullest(fills)] == ["c", "a", "b", "d"]


def test_links_carry_what_runs_over_them(compiled: Compiled) -> None:
    found = {one.usual.name: one for one in link_fill(compiled)}
    for link in compiled.topology.links.values():
        each = [
            sum(
                t.cir
                for t in compiled.trunks
                if any((h.link, h.tail) == (link.id, tail) for h in path_now(t).hops)
            )
            for tail in link.nodes
        ]
        assert found[link.id].usual.used == max(each)
        assert found[link.id].worst.used >= max(each)


def test_under_a_failure_packets_run_round_what_is_dead(compiled: Compiled) -> None:
    fates = Fates(compiled)
    seen = 0
    for failure in compiled.topology.failures():
        for key, fate in fates.of(failure.links, failure.nodes).items():
            if fate is not Fate.REPAIRED:
                continue
            trunk = next(one for one in compiled.trunks if one.key == key)
            bypasses = fates.bypasses(trunk, failure.links, failure.nodes)
            assert bypasses is not None
            way = list(repaired(path_now(trunk).hops, iter(bypasses), failure.links))
            assert (way[0].tail, way[-1].head) == (trunk.ingress, trunk.egress)
            assert all(one.head == two.tail for one, two in pairwise(way))
            assert failure.links.isdisjoint(hop.link for hop in way)
            assert failure.nodes.isdisjoint(hop.head for hop in way)
            seen += 1
    assert seen > 100


def test_the_worst_failure_is_where_it_says(compiled: Compiled) -> None:
    fates = Fates(compiled)
    failures = {failure.names[0]: failure for failure in compiled.topology.failures()}
    trunks = {trunk.key: trunk for trunk in compiled.trunks}
    for one in link_fill(compiled):
        if not one.worst.note:
            continue
        failure = failures[one.worst.note]
        loads: dict[str, float] = {}
        decided = fates.of(failure.links, failure.nodes)
        for trunk in trunks.values():
            hops = path_now(trunk).hops
            fate = decided.get(trunk.key)
            if fate is Fate.LOST:
                continue
            if fate is Fate.STANDBY:
                assert trunk.standby is not None
                hops = trunk.standby.hops
            if fate is Fate.REPAIRED:
                bypasses = fates.bypasses(trunk, failure.links, failure.nodes) or ()
                hops = tuple(repaired(hops, iter(bypasses), failure.links))
            for hop in hops:
                if hop.link == one.worst.name:
                    loads[hop.tail] = loads.get(hop.tail, 0.0) + trunk.cir
        assert max(loads.values()) == one.worst.used


def test_thresholds_and_kinds() -> None:
    context = Context(EXAMPLES / "small")
    found = filling(context, ["cable"], warn=0.05, full=0.08)
    assert set(found.fills) == {"cable"}
    assert found.links == ()
    levels = [found.level(one) for one in found.fills["cable"]]
    assert levels[0] == "full"
    assert levels[1] == "warn"
    assert levels[-1] == "ok"
    with pytest.raises(UsageError):
        filling(context, ["fibre"])


def test_full_is_not_less_than_marked() -> None:
    with pytest.raises(UsageError) as caught:
        filling(Context(EXAMPLES / "small"), ("cable",), warn=0.9, full=0.5)
    assert caught.value.diagnostics[0].code == "thresholds-reversed"
