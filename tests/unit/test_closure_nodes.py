"""Passive nodes that sit in a closure: which closure, what its plan says of them, and what a cut of it takes."""

from __future__ import annotations

from typing import Any

import pytest
from inventory_support import LIFE, LR, plant_of

from sdnctl.cli.fibre import closures as shown
from sdnctl.drawing.canvas import Text
from sdnctl.drawing.fibre import box
from sdnctl.drawing.fibre.paper import Caption
from sdnctl.drawing.fibre.plan import BoxPlan, Glass, Service
from sdnctl.inventory.closures import Boxes, State
from sdnctl.inventory.cuts import Cutter, find_events
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.uses import Uses

PLACES = {"hub": (4.0, 44.0), "k": (4.01, 44.0), "x": (4.02, 44.0), "y": (4.01, 44.01)}
HALF = {"min": "3 dB", "max": "4 dB"}
TAP = {"out3": {"min": "10 dB", "max": "11 dB"}}


def network() -> dict[str, Any]:
    """From a hub to chamber k, where a splitter in a closure shares the light out to the customers x and y."""

    def cable(key: str, a: str, b: str) -> dict[str, Any]:
        return {"id": key, "type": "t4", "a": a, "b": b, "route": [f"s-{a}-{b}"]}

    def frame(site: str, cable: str) -> dict[str, Any]:
        terminations = [{"positions": "1-4", "strands": f"{cable}:1-4"}]
        return {"id": f"odf-{site}", "site": site, "positions": 4, "terminations": terminations}

    def switch(site: str) -> dict[str, Any]:
        port = {"port": 1, "transceiver": "lr", "tx": f"odf-{site}:1", "rx": f"odf-{site}:2"}
        return {"id": f"sw-{site}", "dpid": ord(site[0]), "site": site, "ports": [port]}

    hops = [("hub", "k"), ("k", "x"), ("k", "y")]
    sites = ("hub", "x", "y")
    return {
        "sites": {"defaults": LIFE, "sites": [{"id": one, "position": PLACES[one]} for one in sites]},
        "chambers": [{"id": "k", "lon": PLACES["k"][0], "lat": PLACES["k"][1], **LIFE}],
        "segments": [
            {"id": f"s-{a}-{b}", "a": a, "b": b, "coordinates": [PLACES[a], PLACES[b]], **LIFE} for a, b in hops
        ],
        "cable-types": {"cable_types": [{"id": "t4", "strands": 4, "helix": "1 %"}]},
        "cables": {
            "defaults": LIFE,
            "cables": [cable("c-hub", "hub", "k"), cable("c-x", "k", "x"), cable("c-y", "k", "y")],
        },
        "closures": {"defaults": LIFE, "closures": [{"id": "box", "at": "k"}]},
        "odfs": {"defaults": LIFE, "odfs": [frame("hub", "c-hub"), frame("x", "c-x"), frame("y", "c-y")]},
        "passives": {
            "defaults": LIFE,
            "passives": [
                {"id": "sp-down", "kind": "splitter", "site": "k", "ways": 2, "loss": HALF},
                {
                    "id": "sp-up",
                    "kind": "splitter",
                    "site": "k",
                    "ways": 3,
                    "loss": HALF,
                    "port_losses": TAP,
                },
            ],
        },
        "transceivers": {"transceivers": [LR]},
        "equipment": {
            "defaults": LIFE,
            "switches": [switch(one) for one in ("hub", "x")],
            "jumpers": [
                {"a": "c-hub:1", "b": "sp-down/com"},
                {"a": "sp-down/out1", "b": "c-x:2"},
                {"a": "sp-down/out2", "b": "c-y:2"},
                {"a": "c-hub:2", "b": "sp-up/com"},
                {"a": "sp-up/out1", "b": "c-x:1"},
            ],
        },
    }


@pytest.fixture(scope="module")
def plant() -> Plant:
    return plant_of(network())


def plan_of(plant: Plant) -> BoxPlan:
    held = Boxes(plant).held("box")
    runs: dict[Glass, tuple[Service, ...]] = {("c-hub", 1, "a"): (Service("hub--x", ("scada",)),)}
    return BoxPlan(Caption("Closure", "box", (("closure at", "k"), ("commune", "")), ""), held, runs)


def test_nodes_sit_in_the_closure_whose_strands_they_are_joined_to(plant: Plant) -> None:
    held = Boxes(plant).held("box")
    assert [node.title for node in held.nodes] == ["splitter sp-down, 1 to 2", "splitter sp-up, 1 to 3"]
    down, up = held.nodes
    assert {port: str(other) for port, other in down.ports.items()} == {
        "com": "c-hub/a:1",
        "out1": "c-x/b:2",
        "out2": "c-y/b:2",
    }
    assert (up.ports["out2"], up.loss("out1"), up.loss("out3")) == (None, (3.0, 4.0), (10.0, 11.0))
    assert held.cable("c-y").states == (State.WAITING, State.CONNECTORISED, State.WAITING, State.WAITING)


def test_its_plan_tells_each_port_in_every_form(plant: Plant) -> None:
    plan = plan_of(plant)
    down, up = shown.document(plan, {})["passives"]
    assert [(port["port"], port["joined_to"]) for port in up["ports"]][-1] == ("out3", None)
    assert down["ports"][0]["runs"] == [{"name": "hub--x", "classes": ["scada"]}]
    assert down["ports"][1]["loss"] == {"min": 3.0, "max": 4.0}
    text = shown.markdown(plan)
    assert "### Splitter sp-down, 1 to 2" in text
    assert "| com | c-hub | 1: 1 red / 1 red |  | hub--x: scada |" in text.replace("rouge", "red")
    assert "| out3 | nothing |  | 10.0–11.0 |  |" in text
    words = {item.text for sheet in box.draw(plan) for item in sheet.items if isinstance(item, Text)}
    assert {"Splitter sp-up, 1 to 3", "out3", "nothing", "10.0–11.0"} <= words


def test_a_cut_of_the_closure_takes_what_runs_through_its_nodes(plant: Plant) -> None:
    links = optical_links(plant)[0]
    assert [(link.a.switch, link.b.switch) for link in links] == [("sw-hub", "sw-x")]
    damage = Cutter(plant).cut(find_events(plant, ("closure:box",)))
    assert damage.broken == {"sp-down", "sp-up"}
    assert {cable: damage.strands(cable).bit_count() for cable in damage.wounds} == {
        "c-hub": 4,
        "c-x": 4,
        "c-y": 4,
    }
    assert Uses(plant, links).met(damage.spots, damage.dead, damage.broken).users == {0}


def two_boxes() -> dict[str, Any]:
    made = network()
    more = {"id": "aside", "at": "k", "splices": [{"a": "c-x:3", "b": "c-y:3"}]}
    made["closures"]["closures"].append(more)
    return made


def test_of_two_closures_the_one_that_holds_the_cable_has_the_node() -> None:
    boxes = Boxes(plant_of(two_boxes()))
    assert boxes.at["k"] == ["aside", "box"]
    assert boxes.nodes_in == {"aside": ["sp-down", "sp-up"]}  # the first: it holds what nobody names


@pytest.mark.parametrize(("place", "held"), [("k", {"box": ["idle"]}), ("x", {})], ids=["chamber", "site"])
def test_a_node_joined_to_nothing_is_in_the_closure_of_a_chamber_only(
    place: str, held: dict[str, list[str]]
) -> None:
    made = network()
    made["passives"]["passives"] = [{"id": "idle", "kind": "splitter", "site": place, "ways": 2, "loss": HALF}]
    made["equipment"]["jumpers"] = []
    assert Boxes(plant_of(made)).nodes_in == held


def test_a_node_behind_a_frame_is_in_no_closure() -> None:
    made = network()
    made["closures"]["closures"].append({"id": "box-x", "at": "x"})
    made["passives"]["passives"].append({"id": "att", "kind": "attenuator", "site": "x", "loss": HALF})
    made["equipment"]["jumpers"].append({"a": "odf-x:4", "b": "att/in"})
    assert list(Boxes(plant_of(made)).nodes_in) == ["box"]
