"""Onboarding against brute force: every site is answered, and no other chamber and closure would be cheaper."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from checking_world import SPOTS, good, named, plant_of, segment
from hypothesis import given, settings
from hypothesis import strategies as st
from inventory_support import LIFE
from sdnctl_in_process import sdnctl
from shapely.geometry import Point as Spot
from shapely.geometry import Polygon

from sdnctl.cli.fibre import onboard as shown
from sdnctl.inventory.geometry import distance
from sdnctl.inventory.lying import Plane, Spots
from sdnctl.inventory.onboarding import DIG, Answer, Onboarding, Verdict
from sdnctl.inventory.plant import Plant, Point
from sdnctl.usecases.connecting import onboard

DOUBT = 0.05
"""Metres around an outline within which a plane and a polygon of another library may differ."""


def city(rng: random.Random) -> dict[str, Any]:
    """Chambers at random, joined at random with or without ducts; two switches on a trunk; sites with nothing."""
    network = good()
    network["closures"]["closures"] = [
        {"id": "box-2", "at": "k2", "splices": [{"a": "c1:1-24", "b": "c2:1-24", "loss": "0.05 dB"}]},
        {"id": "box-3", "at": "k3", "splices": [{"a": "c3/a:13-14", "b": "c4:1-2"}], "opened": ["c3:15-24"]},
    ]
    spots = dict(SPOTS)
    names = [*SPOTS]
    for number in range(rng.randint(3, 8)):
        name = f"x{number}"
        spots[name] = (rng.uniform(3.998, 4.03), rng.uniform(43.994, 44.004))
        network["chambers"].append({"id": name, "lon": spots[name][0], "lat": spots[name][1], **LIFE})
        for other in rng.sample(names, rng.randint(0, 3)):
            line = {"id": f"{name}-{other}", "coordinates": [spots[name], spots[other]]}
            status = rng.choice(("in-service", "in-service", "planned"))
            mode = rng.choice(("trench", "trench", "overhead"))
            network["segments"].append(
                {**segment("a", "k1", status=status, kind=mode), **line, "a": name, "b": other}
            )
            if mode == "trench" and rng.random() < 0.5:
                size = rng.choice(({}, {"diameter": "40 mm"}))
                network["ducts"]["ducts"].append(
                    {"id": f"d-{name}-{other}", "segments": [f"{name}-{other}"], **size}
                )
        names.append(name)
    for number in range(rng.randint(1, 4)):
        where = (rng.uniform(3.995, 4.035), rng.uniform(43.99, 44.01))
        status = rng.choice(("in-service", "planned", "abandoned"))
        network["sites"]["sites"].append(
            {"id": f"n{number}", "position": where, "kind": "customer", "status": status}
        )
        if rng.random() < 0.3:
            other = rng.choice(names)
            line = {"id": f"n{number}-{other}", "coordinates": [where, spots[other]]}
            network["segments"].append({**segment("a", "k1"), **line, "a": f"n{number}", "b": other})
    return network


def outline(rng: random.Random) -> list[Point]:
    x, y = rng.uniform(4.0, 4.03), rng.uniform(43.99, 44.01)
    count = rng.randint(3, 7)
    turns = sorted(rng.uniform(0, 2 * math.pi) for _ in range(count))
    return [
        (x + rng.uniform(0.003, 0.02) * math.cos(t), y + rng.uniform(0.003, 0.02) * math.sin(t)) for t in turns
    ]


# ── brute force ──────────────────────────────────────────────────────────────────────────────────


def away(plant: Plant, ring: list[Point], site: str) -> float | None:
    """Metres from a site to an area, 0 inside, by another library; None where nobody knows."""
    spot = plant.sites[site].position
    if spot is None:
        return None
    plane = Plane(spot)
    return float(Polygon([plane.of(corner) for corner in ring]).distance(Spot(0, 0)))


def cheapest(asked: Onboarding, site: str) -> float | None:
    """The least cost over every chamber to dig to and every closure to open, by a graph of everything."""
    plant = asked.plant
    graph: nx.Graph[str] = nx.Graph()
    for one in plant.segments.values():
        if one.life.in_service():
            ducts = [duct for duct in plant.ducts.values() if one.id in duct.segments and duct.life.in_service()]
            cost = one.length * (1 if ducts or one.kind == "overhead" else DIG)
            if not graph.has_edge(one.a, one.b) or graph[one.a][one.b]["weight"] > cost:
                graph.add_edge(one.a, one.b, weight=cost)
    spot = plant.sites[site].position
    assert spot is not None
    for place in [*graph]:
        holder = plant.chambers.get(place) or plant.sites[place]
        if place != site and holder.position is not None and holder.life.in_service():
            metres = distance(spot, holder.position)
            if metres <= asked.limit:
                graph.add_edge("here", place, weight=DIG * metres)
    if site in graph:
        graph.add_edge("here", site, weight=0.0)
    if "here" not in graph:
        return None
    costs = nx.single_source_dijkstra_path_length(graph, "here")
    boxes = {one.at for one in plant.closures.values()}
    return min((costs[at] for at in boxes if at in costs and opens(asked, at)), default=None)


def opens(asked: Onboarding, place: str) -> bool:
    """Whether strands can be opened at a closure that lead to a site with a switch, by asking for each route."""
    goals = {switch.site for switch in asked.plant.switches.values()}
    return asked.free.spare_at(place) >= asked.count and any(
        asked.free.routes(place, goal, asked.count, 1, spliced=True) for goal in goals
    )


def cost(asked: Onboarding, answer: Answer) -> float:
    plan = answer.connection
    assert plan is not None
    through = sum(asked.plant.segments[name].length for name in plan.through)
    return DIG * sum(lay.metres for lay in plan.lay) + through


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_every_site_is_answered_and_nothing_is_cheaper(rng: random.Random) -> None:
    plant, told = plant_of(city(rng))
    assert not [one for one in told if one.severity == "error"], told
    asked = Onboarding(plant, rng.choice((1, 2, 12)))
    ring, reach = outline(rng), rng.choice((0.0, 100.0, 1500.0))
    found = {one.site: one for one in asked.ask([ring], reach)}
    for site in plant.sites:
        metres = away(plant, ring, site)
        if metres is None or abs(metres - reach) < DOUBT or (reach == 0 and metres < DOUBT and site not in found):
            continue
        assert (site in found) == (metres <= reach), (site, metres)
        if site in found:
            assert abs(found[site].away - metres) < DOUBT
            check(asked, found[site])


def check(asked: Onboarding, answer: Answer) -> None:
    plant = asked.plant
    glass = [c for c in plant.cables.values() if answer.site in c.places and c.life.in_service()]
    if plant.sites[answer.site].life.status == "abandoned":
        assert answer.verdict is Verdict.CANNOT
        return
    if glass:
        assert answer.verdict is Verdict.CONNECTED
        return
    best = cheapest(asked, answer.site)
    if best is None:
        assert answer.verdict is Verdict.CANNOT
        assert answer.why
        return
    assert answer.verdict is Verdict.CONNECT
    plan = answer.connection
    assert plan is not None
    assert cost(asked, answer) == pytest.approx(best, abs=1e-6)
    assert plan.spare >= asked.count
    assert plan.splices >= 2 * asked.count
    assert all(0 <= lay.now <= lay.metres + 1e-9 for lay in plan.lay)
    ground = sum(lay.metres for lay in plan.lay) + sum(plant.segments[name].length for name in plan.through)
    assert 1.01 * ground <= plan.cable <= 1.06 * ground + 30
    assert plan.metres > plan.cable
    assert all(0 < span.min < span.max for span in plan.losses.values())


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_index_finds_what_looking_at_all_finds(rng: random.Random) -> None:
    latitude = rng.choice((0.0, 44.0, -44.0, 69.0))
    points = {
        f"p{number}": (rng.uniform(4.0, 4.1), latitude + rng.uniform(0, 0.1))
        for number in range(rng.randint(0, 60))
    }
    spots = Spots(points)
    at, metres = (rng.uniform(4.0, 4.1), latitude + rng.uniform(0, 0.1)), rng.choice((0.0, 50.0, 3000.0, 50_000.0))
    near = {name for _, name in spots.near(at, metres)}
    assert near == {name for name, point in points.items() if distance(at, point) <= metres}


# ── one road, by hand ────────────────────────────────────────────────────────────────────────────


def road() -> dict[str, Any]:
    """Beside the good plant a school, 80 m from k3 with its closure, whose spur has free strands both ways."""
    network = good()
    school = (SPOTS["k3"][0] + 0.001, SPOTS["k3"][1])
    network["sites"]["sites"].append({"id": "school", "position": school, "kind": "customer"})
    return network


def test_a_school_at_the_road() -> None:
    plant, _ = plant_of(road())
    x, y = SPOTS["k3"]
    ring = [(x + 0.0005, y - 0.0005), (x + 0.002, y - 0.0005), (x + 0.002, y + 0.0005), (x + 0.0005, y + 0.0005)]
    (answer,) = Onboarding(plant).ask([ring])
    plan = answer.connection
    assert plan is not None
    assert (answer.site, answer.verdict, plan.closure, plan.goal) == ("school", Verdict.CONNECT, "box-3", "a")
    (lay,) = plan.lay
    assert lay.metres == pytest.approx(distance(SPOTS["k3"], (x + 0.001, y)))
    assert lay.now == pytest.approx(lay.metres / 2, rel=0.001)
    assert plan.cable == pytest.approx(lay.metres * 1.03 + 25)
    assert plan.splices == 4
    assert "lr" in plan.closes


def test_why_a_site_cannot_be_connected() -> None:
    network = road()
    plant, _ = plant_of(network)
    ring = [(4.0, 43.99), (4.01, 43.99), (4.01, 44.01), (4.0, 44.01)]
    by_site = {one.site: one for one in Onboarding(plant, 2, limit=Onboarding(plant).limit / 100).ask([ring])}
    assert by_site["school"].why == "k3, the nearest place to dig to, is 80 m away; more than 10 m are not dug"
    assert by_site["s"].why == "by c4"
    crowded = {one.site: one for one in Onboarding(plant, 25).ask([ring])}
    assert crowded["school"].why == "no closure has 25 free strands that lead to a switch"
    named(network, "sites", "school")["status"] = "abandoned"
    assert {one.site: one.why for one in Onboarding(plant_of(network)[0]).ask([ring])}[
        "school"
    ] == "it is given up"


def test_the_command_writes_a_map_layer(tmp_path: Path) -> None:
    ring = [[4.34, 43.80], [4.36, 43.80], [4.36, 43.82], [4.34, 43.82], [4.34, 43.80]]
    works, layer = tmp_path / "works.geojson", tmp_path / "layer.geojson"
    works.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}), encoding="utf-8")
    small = Path(__file__).parent.parent.parent / "lab" / "examples" / "small"
    asked = ("--format", "json", "-n", small, "whatif", "--polygon", works, "--onboard")
    found = sdnctl(*asked, "--map", layer).document
    assert {one["verdict"] for one in found["sites"]} == {"connected"}
    features = json.loads(layer.read_text(encoding="utf-8"))["features"]
    assert [one["properties"]["kind"] for one in features] == ["works", *["site"] * len(found["sites"])]
    assert sdnctl("-n", small, "whatif", "--onboard").code == 64
    assert sdnctl(*asked, "--cut", "site:mill").code == 64
    assert sdnctl(*asked, "--reach", "far").code == 64


def test_sites_that_want_the_same_strands_are_told(tmp_path: Path) -> None:
    """Each site has an answer as if it were the only one; together they may want more than there is."""
    network = road()
    school = named(network, "sites", "school")
    x, y = school["position"]
    network["sites"]["sites"].append({**school, "id": "nursery", "position": (x, y - 0.0002)})
    plant, _ = plant_of(network)
    ring = [(x - 0.0005, y - 0.0005), (x + 0.0005, y - 0.0005), (x + 0.0005, y + 0.0005), (x - 0.0005, y + 0.0005)]
    works = tmp_path / "works.geojson"
    works.write_text(json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}), encoding="utf-8")
    few = onboard(plant, [works], count=2)
    spare = few.answers[0].connection
    assert spare is not None
    assert [one.verdict for one in few.answers] == [Verdict.CONNECT] * 2
    assert few.crowded == {}
    most = onboard(plant, [works], count=spare.spare)
    assert most.crowded == {"box-3": (2 * spare.spare, spare.spare)}
    said = " ".join(str(line) for line in shown.render(most))
    assert f"box-3 has {spare.spare} free strands, and {2 * spare.spare} are wanted there" in said
