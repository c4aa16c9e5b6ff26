"""One suite for any network: the small example, cities drawn at random, the reference. They pass the same tests.

What must come out is worked out from the files by oracles of the tests' own (`any_network_oracle`,
`any_network_survival`); the frames go through the in-memory switches.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from any_network import SOAK_GRAPHS, SUBJECTS, Subject, subject
from any_network_files import Files, applications, renamed, rows, shuffled, write_files
from any_network_frames import check_frames, check_survival
from any_network_oracle import Declared
from any_network_plans import NOW, follow, foreign, is_intent, service_of, with_twin
from any_network_twins import shapes
from shapely.geometry import LineString, Point, Polygon

from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.values import Flow, Group
from sdnctl.inventory.access import access_lines
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.plant import StrandEnd
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Observed
from sdnctl.verify.v1 import verify_compiled
from sdnctl.workspace.dump import dump_documents
from sdnctl.workspace.folder import load_network

EXPECTED_WARNINGS = {"reversed-polarity", "not-in-service", "one-way-splice-reading"}
"""What is wrong with a drawn city on purpose."""

over_all = pytest.mark.parametrize("name", SUBJECTS)
over_cities = pytest.mark.parametrize("name", [name for name in SUBJECTS if "/" in name])


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


@over_cities
def test_a_city_reads_without_faults(name: str) -> None:
    one = subject(name)
    assert {item.code for item in one.loaded.diagnostics} <= EXPECTED_WARNINGS, one.loaded.diagnostics
    assert {item.ingress.id for item in one.compiled.demands} <= set(one.declared.ends)


@over_all
def test_declared_pairs_are_the_demands(name: str) -> None:
    one = subject(name)
    declared = {pair.demand: (pair.grade, pair.avoid) for pair in one.declared.pairs}
    assert {item.id: (str(item.grade), item.avoid) for item in one.compiled.demands} == declared
    assert len(declared) > 20


@over_cities
def test_derived_links_and_risks_are_what_was_drawn(name: str) -> None:
    one = subject(name)
    assert one.city is not None
    drawn = {key: link for key, link in one.city.links.items() if link.lit}
    assert set(one.topology.links) == set(drawn)
    for key, link in drawn.items():
        found = {risk for risk in one.topology.risks[key] if not risk.startswith(("zone:", "feeder:"))}
        assert found == link.risks, key
        assert {link.a, link.b} == set(one.topology.links[key].nodes)
    for zone in rows(one.files, "hazards"):
        hit = one.topology.srlgs.get(f"zone:{zone['id']}")
        assert (hit.links if hit else frozenset()) == _flooded(one, zone["polygon"])


def _flooded(one: Subject, corners: list[list[float]]) -> set[str]:
    """Links through a zone: one of their segments enters it, or one of their places lies in it."""
    assert one.city is not None
    area = Polygon(corners)
    wet = {
        f"segment:{feature['properties']['id']}"
        for feature in one.files["inventory/segments.geojson"]
        if area.intersects(LineString(feature["geometry"]["coordinates"]))
    }
    wet |= {
        f"chamber:{row['id']}"
        for row in rows(one.files, "chambers")
        if area.intersects(Point(float(row["lon"]), float(row["lat"])))
    }
    wet |= {
        f"building:{row['id']}" for row in rows(one.files, "sites") if area.intersects(Point(*row["position"]))
    }
    return {key for key, link in one.city.links.items() if link.lit and link.risks & wet}


@over_all
def test_figures_of_links_are_physical(name: str) -> None:
    """No link is shorter than the crow flies, or faster than light in glass; every budget closes."""
    one = subject(name)
    for link in one.topology.links.values():
        a, b = (one.topology.nodes[node].position for node in link.nodes)
        assert a is not None
        assert b is not None
        assert link.length >= 0.98 * distance(a, b), link.id
        assert link.length / 299.79 <= link.delay <= link.length / 299.79 * 1.5 + 0.1
        assert link.capacity >= 1e9
        assert link.mtu >= 1534
        if link.budget is not None:
            assert 0 <= link.budget.loss_min <= link.budget.loss_max
            assert link.budget.margin >= 0
            assert link.budget.overload >= 0
            assert link.budget.loss_max >= 0.2 * (link.length - 50) / 1000  # patch cords lose nothing


def test_the_subjects_have_something_of_everything() -> None:
    """What the suite would not notice if no subject had it."""
    everyone = [subject(name) for name in SUBJECTS]
    assert {pair.grade for one in everyone for pair in one.declared.pairs} == {"none", "local", "node", "disjoint"}
    assert any(trunk.standby for one in everyone for trunk in one.compiled.trunks)
    drawn = [one for one in everyone if one.city is not None]
    assert len(drawn) >= 2
    said = [item for one in drawn for item in applications(one.files)]
    assert {item["service"] for item in said} == {"line", "tree", "mesh"}
    for key in ("groups", "terms", "excess"):
        assert any(key in item for item in said), key
    tables = {name for one in drawn for name in one.files if name.endswith(".csv")}
    assert {"cables", "ducts", "splices", "terminations", "ports", "jumpers"} <= {
        Path(name).stem for name in tables
    }
    assert any("bidi" in row for one in drawn for row in rows(one.files, "ports"))
    assert all(one.rounds for one in drawn), "every city asks for something that its plant cannot give"


@over_all
def test_access_lines_lead_where_endpoints_say(name: str) -> None:
    """Every port whose endpoints name a terminal has glass to it, through strands, splices and frames."""
    one = subject(name)
    plant = one.loaded.plant
    said = {
        (row["device"], int(row["port"])): row["terminal"]
        for row in rows(one.files, "endpoints")
        if "terminal" in row and row.get("status", "in-service") == "in-service"
    }
    lines, _ = access_lines(plant)
    assert {(line.switch, line.port) for line in lines} == set(said)
    for line in lines:
        assert line.usable, line
        end = line.terminal
        assert isinstance(end, StrandEnd)
        assert said[line.switch, line.port] == f"{end.cable}:{end.strand}"
        here, there = (_xy(one, place) for place in (plant.switches[line.switch].site, line.place))
        assert line.length >= 0.98 * distance(here, there)
    assert bool(lines) == (one.city is not None or name == "reference")


def _xy(one: Subject, place: str) -> tuple[float, float]:
    plant = one.loaded.plant
    found = plant.sites[place].position if place in plant.sites else plant.chambers[place].position
    assert found is not None
    return found


# ── the same in other words ──────────────────────────────────────────────────────────────────────


def assert_same(one: Compiled, other: Compiled) -> None:
    assert one.network_fingerprint == other.network_fingerprint
    assert one.rules == other.rules
    assert one.baseline == other.baseline


@over_all
def test_what_was_loaded_dumps_to_what_loads_the_same(name: str, tmp_path: Path) -> None:
    one = subject(name)
    for file, text in dump_documents(one.loaded.documents).items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    again = load_network(tmp_path)
    for file, document in one.loaded.documents.items():
        assert again.documents[file].value == document.value, file
    assert len(again.diagnostics) == len(one.loaded.diagnostics)
    assert_same(one.compiled, compile_network(again.network))


@over_all
def test_order_of_files_and_of_what_is_in_them_says_nothing(name: str, tmp_path: Path) -> None:
    one = subject(name)
    files = shuffled(one.files, one.rng("order"))
    assert set(files) != set(one.files)
    assert_same(one.compiled, compile_network(load_network(write_files(tmp_path, files)).network))


@over_all
def test_other_words_give_the_same_rules_but_for_the_words(name: str, tmp_path: Path) -> None:
    one = subject(name)
    files = renamed(shuffled(one.files, one.rng("shuffle")), one.rng("words"), in_order=_ties(one))
    other = compile_network(load_network(write_files(tmp_path, files)).network)
    assert not set(other.topology.nodes) & set(one.topology.nodes)
    mine, theirs = shapes(one.compiled), shapes(other)
    assert mine.keys() == theirs.keys()
    for dpid in mine:
        assert mine[dpid] == theirs[dpid], f"{dpid:#x}: {list(mine[dpid] ^ theirs[dpid])[:4]}"


def _ties(one: Subject) -> bool:
    """Whether two ways are equally long to the nanosecond, so that names decide: rooms joined by patch cords (the
    reference's datacentres), or parallel links with less than a metre between them."""
    beside: dict[tuple[str, ...], list[float]] = {}
    for link in one.topology.links.values():
        beside.setdefault(tuple(sorted(link.nodes)), []).append(link.length)
    near = any(b - a < 1 for lengths in beside.values() for a, b in pairwise(sorted(lengths)))
    return near or sum(link.length < 20 for link in one.topology.links.values()) > 1


# ── promises ─────────────────────────────────────────────────────────────────────────────────────


@over_all
def test_v1_is_green_under_every_failure_that_grades_cover(name: str) -> None:
    one = subject(name)
    report = verify_compiled(one.compiled)
    assert report.ok, [str(item) for item in report.diagnostics()[:5]]
    assert {verdict.demand for verdict in report.verdicts} == {pair.demand for pair in one.declared.pairs}
    assert report.checked.failures > len(one.topology.links)


@over_cities
def test_refused_is_what_nobody_could_give_and_nothing_else(name: str) -> None:
    """Every refusal against brute force: the grade is impossible there, and possible wherever it was granted."""
    one = subject(name)
    assert one.rounds, "this city asks for nothing that its plant cannot give: take another seed"
    undecided = refused = total = 0
    for number, round_ in enumerate([*one.rounds, None]):
        declared = round_.declared if round_ else one.declared
        for pair in declared.pairs:
            ends = pair.ingress.spot[0], pair.egress.spot[0]
            possible = one.survival.possible(pair.grade, *ends, pair.avoid)
            diagnostic = round_.refused.get(pair.demand) if round_ else None
            total += 1
            if possible is None or (diagnostic is not None and "bound otherwise" in diagnostic.summary):
                undecided += 1
            elif diagnostic is not None:
                assert not possible, f"round {number}: {diagnostic}"
                assert diagnostic.hint
                refused += 1
            else:
                assert possible, f"round {number}: {pair.demand} {pair.grade} was granted"
    assert refused
    assert undecided <= total // 20


@over_all
def test_protected_pairs_arrive_whatever_their_grade_covers(name: str) -> None:
    """Failed elements are removed, a frame is sent, and it arrives once: sampled pairs, all that may hit them."""
    check_survival(subject(name), pairs=16, events=24)


@over_all
def test_the_two_ways_of_grade_disjoint_share_nothing(name: str) -> None:
    one = subject(name)
    standbys = 0
    for trunk in one.compiled.trunks:
        if trunk.standby is not None:
            assert one.survival.disjoint(trunk.path.links, trunk.standby.links) == [], trunk.key
            standbys += 1
    assert standbys == sum(trunk.grade == "disjoint" for trunk in one.compiled.trunks)


# ── who hears whom ───────────────────────────────────────────────────────────────────────────────


@over_all
def test_frames_reach_whom_the_files_say_and_nobody_else(name: str) -> None:
    check_frames(subject(name), positives=60, negatives=150, cuts=6)


# ── plans ────────────────────────────────────────────────────────────────────────────────────────


@over_all
def test_applied_then_nothing_to_plan_and_without_intents_nothing_left(name: str, tmp_path: Path) -> None:
    one = subject(name)
    alone = {node: foreign() for node in one.topology.nodes}
    held = follow(alone, one.compiled, None)
    observed = {key: Observed(item) for key, item in held.items()}
    assert make_plan("test", one.compiled, observed, one.compiled, created=NOW).empty
    for node, wanted in one.compiled.rules.items():
        assert {*held[node]} == {*wanted, *foreign()}

    files: Files = {key: item for key, item in one.files.items() if not is_intent(key)}
    nothing = compile_network(load_network(write_files(tmp_path, files)).network, one.compiled.baseline)
    assert not any(len(rules) for rules in nothing.rules.values())
    assert follow(held, nothing, one.compiled) == alone


@over_all
def test_one_endpoint_more_changes_its_own_rules_only(name: str, tmp_path: Path) -> None:
    """A twin of a leaf, at another port of its switch: nothing that was there changes, all that comes is its."""
    one = subject(name)
    files, new = with_twin(one)
    after = compile_network(load_network(write_files(tmp_path, files)).network, one.compiled.baseline)
    added = {item.id for item in after.demands} - {item.id for item in one.compiled.demands}
    assert added == {pair.demand for pair in Declared(files).pairs if new in (pair.ingress.id, pair.egress.id)}
    assert added
    numbers = {after.baseline.ids["demand"][key] for key in added}
    numbers |= {after.baseline.ids["service"][service_of(key)] for key in added}
    at = {end.attachment.node for item in after.demands if item.id in added for end in (item.ingress, item.egress)}
    for node, rules in after.rules.items():
        before = one.compiled.rules[node]
        assert set(before) <= set(rules), node
        for rule in set(rules) - set(before):
            assert node in at
            assert not isinstance(rule, Group)
            if isinstance(rule, Flow):
                assert rule.cookie & 0xFFFFFFFF in numbers, rule


# ── the reference ────────────────────────────────────────────────────────────────────────────────


def test_the_reference_passes_the_same_suite(tmp_path: Path) -> None:
    name = "reference"
    test_declared_pairs_are_the_demands(name)
    test_figures_of_links_are_physical(name)
    test_access_lines_lead_where_endpoints_say(name)
    test_v1_is_green_under_every_failure_that_grades_cover(name)
    test_the_two_ways_of_grade_disjoint_share_nothing(name)
    check_survival(subject(name), pairs=16, events=24)
    check_frames(subject(name), positives=60, negatives=150, cuts=6)
    test_one_endpoint_more_changes_its_own_rules_only(name, _sub(tmp_path, "twin"))


@pytest.mark.soak
def test_the_reference_at_length(tmp_path: Path) -> None:
    name = "reference"
    test_what_was_loaded_dumps_to_what_loads_the_same(name, _sub(tmp_path, "dump"))
    test_order_of_files_and_of_what_is_in_them_says_nothing(name, _sub(tmp_path, "order"))
    test_other_words_give_the_same_rules_but_for_the_words(name, _sub(tmp_path, "words"))
    test_applied_then_nothing_to_plan_and_without_intents_nothing_left(name, _sub(tmp_path, "plan"))
    check_survival(subject(name), pairs=400, events=200)
    check_frames(subject(name), positives=3_000, negatives=6_000, cuts=40)


# ── many ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.soak
@pytest.mark.parametrize("graph", SOAK_GRAPHS)
@pytest.mark.parametrize("seed", range(4))
def test_many_cities(graph: str, seed: int, tmp_path: Path) -> None:
    """The whole suite on forty cities more."""
    name = f"{graph}/{1000 + seed}"
    one = subject(name)
    test_a_city_reads_without_faults(name)
    test_declared_pairs_are_the_demands(name)
    test_derived_links_and_risks_are_what_was_drawn(name)
    test_figures_of_links_are_physical(name)
    test_what_was_loaded_dumps_to_what_loads_the_same(name, _sub(tmp_path, "dump"))
    test_order_of_files_and_of_what_is_in_them_says_nothing(name, _sub(tmp_path, "order"))
    test_other_words_give_the_same_rules_but_for_the_words(name, _sub(tmp_path, "words"))
    test_v1_is_green_under_every_failure_that_grades_cover(name)
    if one.rounds:
        test_refused_is_what_nobody_could_give_and_nothing_else(name)
    check_survival(one, pairs=60, events=80)
    check_frames(one, positives=200, negatives=600, cuts=12)
    test_applied_then_nothing_to_plan_and_without_intents_nothing_left(name, _sub(tmp_path, "plan"))
    test_one_endpoint_more_changes_its_own_rules_only(name, _sub(tmp_path, "twin"))


def _sub(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name
