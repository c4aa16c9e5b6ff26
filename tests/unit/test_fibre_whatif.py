"""`whatif` on the small example: the traps of its README, what survives and why, names that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inventory_support import EXAMPLES

from sdnctl.errors import InputError
from sdnctl.inventory.cuts import length_of
from sdnctl.usecases.asking import owners_of
from sdnctl.usecases.context import Context
from sdnctl.usecases.glass import polygons_of
from sdnctl.usecases.planning import compile_folder
from sdnctl.usecases.whatif import Whatif
from sdnctl.usecases.whatif_answer import Answer


@pytest.fixture(scope="module")
def asked() -> Whatif:
    context = Context(EXAMPLES / "small")
    compiled = compile_folder(context).compiled
    return Whatif(context.loaded.plant, compiled, context.loaded.access, owners_of(context))


def fares(found: Answer) -> dict[str, dict[str, int]]:
    return {hit.application: {name: n for name, n in hit.fares.items() if n} for hit in found.services}


def test_a_digger_on_the_bridge_takes_both_cables(asked: Whatif) -> None:
    found = asked.ask(["segment:s-pont-n-pont-s"])
    assert [hit.cable for hit in found.cables] == ["c-dc-south", "c-ex-south"]
    assert found.strands == 144
    assert found.lit == 4
    assert set(found.hit["duct"]) == {"du-pont-vieux", "du-pont-vieux-1", "du-pont-vieux-2"}
    assert found.links == ("core-a--pop-south", "core-b--pop-south")
    assert set().union(*(set(one) for one in fares(found).values())) == {"repaired"}
    assert {one.how for one in found.rescues} == {"bypass"}
    assert all("pop-west" in one.path for one in found.rescues)


def test_works_in_one_inner_duct_leave_the_other(asked: Whatif) -> None:
    assert asked.ask(["duct:du-pont-vieux-1"]).links == ("core-a--pop-south",)
    assert asked.ask(["duct:du-pont-vieux"]).links == ("core-a--pop-south", "core-b--pop-south")


def test_a_blocked_duct_cuts_nothing(asked: Whatif) -> None:
    found = asked.ask(block=["duct:du-pont-vieux"])
    assert (found.cables, found.links, found.services) == ((), (), ())
    assert found.blocked == {"du-pont-vieux": ("c-dc-south", "c-ex-south")}


def test_opening_one_tube_of_six_concerns_its_twelve_strands(asked: Whatif) -> None:
    found = asked.ask(["closure:k-moulin"])
    assert {hit.cable: hit.strands for hit in found.cables} == {"c-mill": 24, "c-south-west": 12}
    assert found.links == ()  # pop-south--pop-west runs in the first tube, which passes


def test_a_flood_takes_a_site_its_gear_and_its_links(asked: Whatif) -> None:
    found = asked.ask(hazards=["low-bank"])
    assert found.outcome.switches == ("pop-west",)
    assert len(found.links) == 5
    assert fares(found) == {"schools": {"cut off": 2}}
    assert found.tubes[0].first_class == "education"


def test_the_spur_has_no_second_way(asked: Whatif) -> None:
    found = asked.ask(["cable:c-west-estel@4 km"])
    assert found.links == ("com-estel--pop-west",)
    assert found.unused == ("spare-west-estel",)
    assert fares(found) == {"schools": {"cut off": 2}}
    assert [(hit.cable, hit.stretches) for hit in found.cables] == [("c-west-estel", ((4000.0, 4000.0),))]


def test_told_first_is_who_lost_service_then_the_ladder(asked: Whatif) -> None:
    found = asked.ask(["chamber:ch-carrefour"])
    assert [hit.application for hit in found.services] == [
        "schools",
        "flood-sensors",
        "video-protection",
        "enterprise",
    ]
    assert found.services[0].fares["lost"] > 0
    assert [hit.rank for hit in found.services[1:]] == sorted(hit.rank for hit in found.services[1:])
    assert found.services[2].owner == "dsi-video"


def test_standby_paths_are_named(asked: Whatif) -> None:
    found = asked.ask(["node:core-a"])
    assert {one.path for one in found.rescues if one.how == "standby"} == {
        ("pop-north", "pop-west", "pop-south"),
        ("pop-south", "pop-west", "pop-north"),
    }


def test_every_demand_that_is_hit_is_counted_once(asked: Whatif) -> None:
    found = asked.ask(["chamber:ch-carrefour", "site:estel", "node:core-b", "zone:low-bank"])
    counted = sum(hit.demands for hit in found.services)
    trunks = {key for fate in found.trunks.values() for key in fate}
    hit = {demand for trunk in asked.compiled.trunks if trunk.key in trunks for demand in trunk.demands}
    dark = set(found.outcome.dark)
    hit |= {one.id for one in asked.compiled.demands if {one.ingress.id, one.egress.id} & dark}
    assert counted == len(hit)


def test_planned_and_given_up_cables_lose_nothing(asked: Whatif) -> None:
    found = asked.ask(["segment:s-quai-e-verger", "site:estel"])
    assert [hit.cable for hit in found.cables] == ["c-west-estel"]


def test_whose_works_they_are(asked: Whatif) -> None:
    assert asked.ask(["duct:du-hopital-zac"]).owners["rentel"] == ("duct:du-hopital-zac",)


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("segment:s-pont-n", "no-such-thing", "s-pont-n-pont-s"),
        ("c-corsouth", "no-such-thing", "c-core-south"),
        ("pond:x", "no-such-thing", "segment, duct"),
        ("core-a--pop-soth", "no-such-thing", "core-a--pop-south"),
        ("node:core-c", "no-such-thing", "core-b"),
        ("c-mill@9 km", "beyond-its-end", "end a"),
        ("c-mill@-9km", "beyond-its-end", "@-40m"),
        ("c-mill@x", "bad-distance", "@412m"),
        ("c-mill@-", "bad-distance", "@-412m"),
        ("c-mill@", "no-such-thing", "c-mill"),
        ("ch-ha@1m", "not-along", "segment, duct or cable"),
    ],
)
def test_what_is_not_there_is_named(asked: Whatif, name: str, code: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        asked.ask([name])
    (found,) = caught.value.diagnostics
    assert (found.code, hint in found.hint) == (code, True), found


@pytest.mark.parametrize(
    ("from_a", "from_b", "length"),
    [
        ("segment:s-pont-n-pont-s@100m", "segment:s-pont-n-pont-s@-{}m", 390.95),
        ("cable:c-mill@12.5 m", "cable:c-mill@-{} m", 105.39),
        ("duct:du-pont-vieux@40m", "duct:du-pont-vieux@-{}m", 390.95),
    ],
)
def test_distances_count_from_either_end(asked: Whatif, from_a: str, from_b: str, length: float) -> None:
    plant, text = asked.plant, from_a.partition("@")[0]
    (kind, _, name), along = text.partition(":"), float(from_a.partition("@")[2].rstrip(" m"))
    whole = length_of(plant, kind, name)
    assert whole == pytest.approx(length, abs=0.5)
    here, there = asked.ask([from_a]), asked.ask([from_b.format(whole - along)])
    marks = [[hit.stretches[0][0] for hit in one.cables] for one in (here, there)]
    assert marks[0] == pytest.approx(marks[1])
    assert list(here.points.values()) == [pytest.approx(point) for point in there.points.values()]


def test_a_length_as_it_is_told_is_not_beyond_the_end(asked: Whatif) -> None:
    """The segment is 390.95 m long, told as 391 m."""
    (point,) = asked.ask(["segment:s-pont-n-pont-s@391m"]).points.values()
    assert point == asked.plant.segments["s-pont-n-pont-s"].line[-1]


def test_what_lies_in_a_hole_is_not_hit(tmp_path: Path, asked: Whatif) -> None:
    outer = [[4.30, 43.80], [4.45, 43.80], [4.45, 43.92], [4.30, 43.92], [4.30, 43.80]]
    hole = [[4.3301, 43.8101], [4.449, 43.8101], [4.449, 43.919], [4.3301, 43.919], [4.3301, 43.8101]]
    path, found = tmp_path / "works.geojson", []
    for rings in ([outer], [outer, hole], [hole]):
        path.write_text(json.dumps({"type": "Polygon", "coordinates": rings}), encoding="utf-8")
        found.append(asked.ask(polygons={"works": polygons_of(path)}))
    whole, without, inside = ({*one.hit["segment"], *one.hit["chamber"], *one.hit["site"]} for one in found)
    assert whole == without | inside
    assert without < whole
    border = without & inside  # segments that cross the edge of the hole
    assert border
    assert all(name in asked.plant.segments for name in border)


def test_every_wrong_name_is_told_at_once(asked: Whatif) -> None:
    with pytest.raises(InputError) as caught:
        asked.ask(["segment:zz", "ch-ha@1m", "node:q"], hazards=["dry"], block=["d"])
    assert len(caught.value.diagnostics) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "not JSON"),
        ('{"type": "Point", "coordinates": [4, 43]}', "encloses nothing"),
        ('{"type": "Polygon", "coordinates": [[[4, 43], [5, 44], [5, 43], [4, 44]]]}', "not an area"),
        (
            '{"type": "Polygon", "coordinates": [[[700000, 6300000], [700001, 6300000], [700001, 6300001]]]}',
            "WGS 84",
        ),
        ('{"type": "FeatureCollection", "features": []}', "no polygon"),
        ('{"type": "Polygon", "coordinates": [[4, 43]]}', "not rings"),
        ("[]", "not a GeoJSON object"),
        (
            '{"type": "Polygon", "coordinates": [[[4, 43], [5, 44], [5, 43], [4, 44], [4, 43]]]}',
            "it crosses itself, at 43.500000 N, 4.500000 E",
        ),
        ('{"type": "Polygon", "coordinates": [[[4, 43], [5, 44], [4, 43]]]}', "at least three corners"),
        (
            '{"type": "Polygon", "coordinates": [[[4, 43], [5, 43], [4, 44]], [[8, 43], [9, 43], [8, 44]]]}',
            "a hole lies outside",
        ),
    ],
)
def test_polygons_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "works.geojson"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        polygons_of(path)
    (found,) = caught.value.diagnostics
    assert said in f"{found.summary} {found.detail}"


def test_depth_one_goes_by_declared_risks() -> None:
    context = Context(EXAMPLES / "small-links")
    compiled = compile_folder(context).compiled
    links = Whatif(context.loaded.plant, compiled)
    risks: dict[str, Any] = dict(compiled.topology.srlgs)
    name, risk = next((key, one) for key, one in sorted(risks.items()) if one.declared and one.links)
    found = links.ask([name])
    assert set(found.links) == compiled.topology.down(risk.links, risk.nodes)
