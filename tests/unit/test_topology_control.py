"""The control channel under every single failure: what is reached, what is not, what nothing could have helped."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import EXAMPLES
from paths_networks import topology

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.topology.control import ControlLink, ControlNetwork, diagnose, read_control, unreached
from sdnctl.topology.graph import Srlg, Topology
from sdnctl.topology.models import ControlFile
from sdnctl.workspace.folder import Loaded, load_network


@pytest.fixture(scope="module")
def small() -> Loaded:
    return load_network(EXAMPLES / "small")


def control(small: Loaded, text: dict[str, object]) -> tuple[ControlNetwork, Diagnostics]:
    out = Diagnostics()
    document = Document("topology/control.yaml", ControlFile.model_validate(text))
    return read_control(document, small.plant, small.network.topology, out), out


def links(small: Loaded, without: str = "") -> list[dict[str, object]]:
    made = small.documents["topology/control.yaml"].value.links
    return [one.model_dump(exclude_defaults=True) for one in made if one.id != without]


def test_the_example_is_reached_but_for_its_residual_points(small: Loaded) -> None:
    found = control(small, {"controllers": ["datacentre", "exchange"], "links": links(small)})[0]
    assert all(not one.carrying for one in unreached(found, small.network.topology))
    assert [one.code for one in diagnose(found, small.network.topology)] == ["control-residual"]


def test_without_its_second_way_a_site_is_named_with_the_failure(small: Loaded) -> None:
    some = [one for one in links(small) if one["a"] != "halles" or one["b"] != "west"]
    found, _ = control(small, {"controllers": ["datacentre", "exchange"], "links": some})
    bad = [one for one in unreached(found, small.network.topology) if one.carrying]
    assert [one.switches for one in bad] == [("cab-halles",)]
    assert "cable:c-halles-dc" in bad[0].failures
    (warning, *_) = [one for one in diagnose(found, small.network.topology) if one.code == "control-unreachable"]
    assert "no controller reaches cab-halles under" in warning.summary


def test_one_controller_is_a_single_point(small: Loaded) -> None:
    found, _ = control(small, {"controllers": ["datacentre"], "links": links(small)})
    bad = {name: one for one in unreached(found, small.network.topology) if one.carrying for name in one.failures}
    assert len(bad["building:datacentre"].switches) == len(small.network.topology.nodes) - 1


def test_links_by_cables_share_the_risks_of_the_plant(small: Loaded) -> None:
    entry = {"id": "m", "a": "datacentre", "b": "exchange", "cables": ["c-core-south"]}
    found, out = control(small, {"controllers": ["exchange"], "links": [entry]})
    assert not out.errors
    (link,) = found.links
    assert {"cable:c-core-south", "duct:du-core-south", "building:datacentre"} <= link.risks
    assert any(risk.startswith("segment:") for risk in link.risks)
    same = {srlg.id for srlg in small.network.topology.srlgs.values() if "core-a--core-b-2" in srlg.links}
    other = {srlg.id for srlg in small.network.topology.srlgs.values() if "core-a--core-b-1" in srlg.links}
    assert link.risks - {"zone:flood"} <= same or link.risks - {"zone:flood"} <= other


def test_names_that_lead_nowhere_are_reported_all_at_once(small: Loaded) -> None:
    entries = [
        {"id": "m", "a": "datacentre", "b": "nowhere", "carrier": "radio"},
        {"id": "m", "a": "datacentre", "b": "exchange", "cables": ["c-none"]},
        {"id": "n", "a": "datacentre", "b": "exchange", "along": "no-link"},
    ]
    found, out = control(small, {"controllers": ["elsewhere"], "links": entries})
    assert [one.code for one in out.sorted()].count("dangling-reference") == 3
    assert {one.code for one in out.sorted()} == {"dangling-reference", "duplicate-id", "control-link-dark"}
    assert not found.controllers
    assert not found.links


@pytest.mark.parametrize("entry", [{}, {"along": "x", "carrier": "y"}, {"cables": ["c"], "along": "x"}])
def test_a_link_says_exactly_one_way(entry: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        ControlFile.model_validate({"controllers": ["a"], "links": [{"id": "m", "a": "a", "b": "b", **entry}]})


# ── against the definition ───────────────────────────────────────────────────────────────────────

NODES = "abcdef"
RISKS = tuple(f"segment:{number}" for number in range(6))
PAIRS = tuple(combinations(NODES, 2))
risks = st.frozensets(st.sampled_from(RISKS), max_size=2)


@st.composite
def networks(draw: st.DrawFn) -> tuple[ControlNetwork, Topology]:
    data = draw(st.lists(st.sampled_from(PAIRS), min_size=4, max_size=10, unique=True))
    plain = topology([(a, b, 1.0) for a, b in data])
    exposed = {link: draw(risks) for link in plain.links}
    groups = {
        name: Srlg(name, "segment", frozenset(link for link, names in exposed.items() if name in names))
        for name in RISKS
    }
    for node in plain.nodes:
        groups[f"building:{plain.nodes[node].site}"] = Srlg(
            f"building:{plain.nodes[node].site}", "building", frozenset(), frozenset((node,))
        )
    whole = Topology(plain.nodes, plain.links, groups)
    sites = sorted({node.site for node in whole.nodes.values()})
    management = draw(st.lists(st.sampled_from(tuple(combinations(sites, 2))), max_size=12))
    made = tuple(ControlLink(f"m{i}", a, b, draw(risks)) for i, (a, b) in enumerate(management))
    homes = draw(st.lists(st.sampled_from(sites), min_size=1, max_size=2, unique=True))
    return ControlNetwork(tuple(homes), made, {site: frozenset({f"building:{site}"}) for site in sites}), whole


@settings(max_examples=150)
@given(networks())
def test_unreached_is_what_a_walk_under_each_failure_says(case: tuple[ControlNetwork, Topology]) -> None:
    network, topo = case
    events: dict[str, set[str]] = {"nothing at all": set()}
    for name in (*RISKS, *(f"building:{site}" for site in network.sites)):
        events[name] = {name}
    expected: dict[str, set[str]] = {}
    for name, taken in events.items():
        seen = {site for site in network.controllers if not network.sites[site] & taken}
        for _ in network.sites:
            for link in network.links:
                if not link.risks & taken and {link.a, link.b} & seen:
                    seen |= {site for site in (link.a, link.b) if not network.sites[site] & taken}
        alive = {node for node in topo.nodes if name == "nothing at all" or node not in topo.srlgs[name].nodes}
        expected[name] = {node for node in alive if topo.nodes[node].site not in seen}
    found: dict[str, set[str]] = {name: set() for name in events}
    for one in unreached(network, topo):
        for name in one.failures:
            found[name] |= set(one.switches)
    always = expected["nothing at all"]
    assert found["nothing at all"] == always
    for name in events:
        assert found[name] - always == expected[name] - always, name
