"""Every rule: a plant in which nothing is to be found, broken in one way, and exactly that found."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checking_world import SPOTS, TODAY, found_in, good, kind, named, plant_of, route, segment
from inventory_support import LIFE, documents

from sdnctl.errors import Severity
from sdnctl.inventory.checking import RULES, Subject, Ways, check, listed
from sdnctl.inventory.checking.told import TOLD
from sdnctl.inventory.footprint import Stretch, footprint
from sdnctl.units import Length

E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE
Network = dict[str, Any]
Break = Callable[[Network], object]


def put(file: str, name: str, **values: Any) -> Break:
    """Give an object other values; None takes one away."""

    def change(network: Network) -> None:
        item = named(network, file, name)
        item.update(values)
        for key in [key for key, value in values.items() if value is None]:
            del item[key]

    return change


def add(file: str, key: str, **values: Any) -> Break:
    """One more object; `key` is its list in a YAML file, empty for tables."""

    def change(network: Network) -> None:
        (network[file][key] if key else network[file]).append(dict(values))

    return change


def both(*changes: Break) -> Break:
    return lambda network: [change(network) for change in changes]


def shift(name: str, metres: float) -> Break:
    """The first point of a segment's line put north by so many metres."""

    def change(network: Network) -> None:
        item = named(network, "segments", name)
        (x, y), *rest = item["coordinates"]
        item["coordinates"] = [(x, y + metres / 111_108), *rest]

    return change


def spliced(*splices: dict[str, str]) -> Break:
    return put("closures", "box-2", splices=list(splices))


def port(switch: str, number: int, **values: Any) -> Break:
    def change(network: Network) -> None:
        ports = named(network["equipment"] | {"id": ""}, "switches", switch)["ports"]
        one = next(item for item in ports if item["port"] == number)
        one.update(values)
        for key in [key for key, value in values.items() if value is None]:
            del one[key]

    return change


def hazard(place: str, side: float = 0.0005) -> Break:
    x, y = SPOTS[place]
    ring = [(x - side, y - side), (x + side, y - side), (x + side, y + side), (x - side, y + side)]
    return add("hazards", "hazards", id="low", name="low", polygon=ring)


def duct(name: str, **values: Any) -> Break:
    """A duct that is only planned: an empty one is nothing to be found."""
    return add("ducts", "ducts", **{"id": name, "segments": ["a-k1"], "status": "planned", **values})


def weaker(power: str) -> Break:
    """Optics of the second link that need more light."""

    def change(network: Network) -> None:
        (usual,) = network["transceivers"]["transceivers"]
        network["transceivers"]["transceivers"].append({**usual, "id": "deaf", "rx_min": power})
        for switch in ("sa", "sb"):
            port(switch, 2, transceiver="deaf")(network)

    return change


def without_second_splice(network: Network) -> None:
    named(network, "closures", "box-3")["splices"].pop()


def no_frame_at_s(network: Network) -> None:
    named(network, "odfs", "odf-s")["terminations"] = []


def other_type(name: str, **values: Any) -> Break:
    """A second kind of cable, of which c2 is."""
    return both(add("cable-types", "cable_types", **kind(name, **values)), put("cables", "c2", type=name))


LINE = [{"id": "box-2", "at": "k2"}]
FULL = {"a": "c1:1-24", "b": "c2:1-24", "loss": "0.05 dB"}

BROKEN: list[tuple[str, Severity, int, Break]] = [
    # civil works
    ("segment-off-its-ends", N, 1, shift("k3-k4", 0.05)),
    ("segment-off-its-ends", W, 1, shift("k3-k4", 0.5)),
    ("segment-off-its-ends", E, 1, shift("k3-k4", 3.0)),
    ("segment-off-its-ends", W, 1, put("segments", "k3-k4", a="k4", b="k3")),
    ("segment-off-its-ends", W, 1, shift("a-k1", 40.0)),
    ("segment-length-unlikely", W, 1, put("segments", "a-k1", length=f"{route('a', 'k1') * 0.97:.1f} m")),
    ("precision-unknown", N, 1, put("segments", "k1-k2", precision=None)),
    (
        "chambers-on-one-spot",
        W,
        1,
        both(
            add("chambers", "", id="k9", lon=SPOTS["k1"][0], lat=SPOTS["k1"][1] + 2e-6, **LIFE),
            lambda n: n["segments"].append(
                segment("k1", "k4")
                | {"id": "x", "a": "k9", "status": "planned"}
                | {"coordinates": [(SPOTS["k1"][0], SPOTS["k1"][1] + 2e-6), SPOTS["k4"]]}
            ),
        ),
    ),
    ("chamber-without-segment", N, 1, add("chambers", "", id="k9", lon=4.5, lat=44.5, **LIFE)),
    ("segment-empty", N, 1, lambda n: n["segments"].append(segment("k1", "k3"))),
    ("site-without-position", N, 1, put("sites", "s", position=None)),
    ("duct-nearly-full", W, 1, put("ducts", "d2", diameter="10.3 mm")),
    ("duct-empty", N, 1, duct("d9", status="in-service")),
    (
        "wider-than-its-duct",
        E,
        1,
        both(
            put("ducts", "d1", diameter="40 mm"),
            duct("e1", parent="d1", segments=[], diameter="50 mm"),
            duct("e2", parent="d1", segments=[]),
        ),
    ),
    # cables
    ("sheath-length-unlikely", W, 1, put("cables", "c5", sheath="2500 m")),
    ("sheath-length-unlikely", E, 1, put("cables", "c5", sheath="9 km")),
    ("sheath-length-unlikely", W, 1, put("cables", "c5", sheath="2000 m")),
    ("sheath-not-measured", N, 1, put("cables", "c5", sheath=None)),
    ("slack-missing", N, 1, put("cables", "c2", slack=[], sheath=f"{route('k2', 'b') * 1.03:.1f} m")),
    ("cable-end-open", N, 1, no_frame_at_s),
    ("cable-end-open", W, 1, lambda n: n["cables"]["cables"].append({**named(n, "cables", "c5"), "id": "c6"})),
    # splices and tubes
    ("splice-loss-high", W, 1, spliced({"a": "c1:1-23", "b": "c2:1-23", "loss": "0.05 dB"},
                                       {"a": "c1:24", "b": "c2:24", "loss": "0.3 dB"})),
    ("splice-loss-high", W, 1, spliced({"a": "c1:1-23", "b": "c2:1-23", "loss": "0.05 dB"},
                                       {"a": "c1:24", "b": "c2:24", "loss": "-0.1 dB"})),
    ("closure-loss-high", N, 1, spliced(FULL | {"loss": "0.15 dB"})),
    ("splice-one-sided", N, 1, without_second_splice),
    ("strands-crossed", N, 1, spliced(FULL | {"b": "c2:1-22,24,23"})),
    ("tube-opened-for-nothing", W, 1, put("closures", "box-3", opened=["c3:15-24", "c3:1-12"])),
    ("tube-opened-in-part", N, 1, put("closures", "box-3", opened=[])),
    ("closure-empty", N, 1, add("closures", "closures", id="box-4", at="k4")),
    ("closure-empty", W, 1, both(
        add("closures", "closures", id="box-9", at="k9"),
        add("chambers", "", id="k9", lon=4.002, lat=44.002, **LIFE),
        lambda n: n["segments"].append(segment("k1", "k4") | {"id": "x", "b": "k9", "status": "planned",
                                                              "coordinates": [SPOTS["k1"], (4.002, 44.002)]}),
    )),
    ("closure-overfull", E, 1, put("closures", "box-2", capacity=12)),
    ("fibres-mixed", N, 1, other_type("g657a1-24", fibre="G.657.A1")),
    ("colours-mixed", N, 1, other_type("us-24", colours="tia598")),
    # light
    ("apc-on-upc", W, 1, both(
        add("odfs", "odfs", id="flat", site="a", positions=4, connector="LC/UPC"),
        add("equipment", "jumpers", a="flat:1", b="odf-a:96"),
    )),
    ("margin-thin", W, 1, weaker("-10.6 dBm")),
    ("optics-unknown", W, 1, port("sa", 2, transceiver=None)),
    ("figures-unread", N, 1, lambda n: n["transceivers"]["transceivers"][0].pop("confidence")),
    # lives
    ("status-contradiction", W, 1, put("ducts", "d2", status="planned")),
    ("status-contradiction", W, 3, put("sites", "s", status="abandoned")),
    ("older-than-its-place", N, 1, both(put("cables", "c3", valid_from="2003-01-01"),
                                        put("ducts", "d2", valid_from="2010-01-01"))),
    ("outlives-its-place", W, 1, put("ducts", "d2", valid_to="2030-01-01")),
    ("validity-over", W, 1, put("cables", "c4", valid_to="2020-01-01")),
    ("validity-over", W, 1, put("cables", "c4", valid_from="2030-01-01")),
    ("planned-overdue", N, 1, duct("d9", valid_from="2020-01-01")),
    ("spliced-to-absent", W, 1, put("cables", "c4", status="planned")),
    # risks
    ("single-entry", N, 1, add("equipment", "switches", id="ss", dpid=9, site="s")),
    ("in-hazard-zone", W, 1, hazard("b")),
    ("in-hazard-zone", N, 1, hazard("k2")),
    ("feeder-shared", N, 1, both(put("sites", "a", feeder="f"), put("sites", "b", feeder="f"))),
    # names
    ("type-name-contradicts", W, 1, add("cable-types", "cable_types", **kind("g652d-48"))),
    ("type-name-contradicts", W, 1, add("cable-types", "cable_types", **kind("g657a1-24"))),
    ("type-name-contradicts", W, 1, add("cable-types", "cable_types", **kind("g652d-24-m6"))),
    ("modulo-unusual", W, 1, add("cable-types", "cable_types", **kind("g652d-24-old", tubes=8))),
    ("names-alike", W, 1, duct("D-01")),
    ("name-of-two-kinds", N, 1, duct("k1")),
    # what loading tells by itself
    ("duct-overfull", W, 1, put("ducts", "d2", diameter="9 mm")),
]  # fmt: skip


def test_nothing_is_found_in_a_good_plant() -> None:
    assert found_in(good()) == ()


@pytest.mark.parametrize(("code", "grade", "count", "change"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_plant_has_exactly_that_finding(code: str, grade: Severity, count: int, change: Break) -> None:
    network = good()
    change(network)
    found = found_in(network)
    if code == "duct-overfull":  # a cable that does not go in is too wide, too
        found = tuple(one for one in found if one.told.code != "wider-than-its-duct")
    codes = Counter(one.told.code for one in found)
    assert codes == {code: count}, [str(one.told) for one in found]
    told = found[0].told
    assert told.severity is grade
    assert told.address
    assert told.source is not None
    assert told.source.file.startswith("inventory/")


def _ways(network: Network, **more: Any) -> tuple[str, ...]:
    """What the rules about protection find where a link and its bypass run over one cable."""
    plant, _ = plant_of(network)
    cable = plant.cables["c5"]
    one = footprint(plant, "link x", ("a", "b"), (Stretch("c5", 0, len(cable.places) - 1),))
    found = found_in(network, (Ways("link x", "local", one, one),), **more)
    return tuple(f"{finding.told.severity}[{finding.told.code}] {finding.told.summary}" for finding in found)


def test_protected_ways_that_share_what_counts_are_an_error() -> None:
    said, *residual = _ways(good())
    assert all(one.startswith("note[protected-ways-entry]") for one in residual)
    assert said == "error[protected-ways-share] link x and link x share cable c5"


def test_protected_ways_that_share_the_entry_of_an_end_are_a_note() -> None:
    said = _ways(good(), lead_in=Length(10_000.0))
    assert {one.partition("]")[0] for one in said} == {"note[protected-ways-entry"}


def test_every_rule_is_broken_above() -> None:
    asked = {code for code, *_ in BROKEN} | {"protected-ways-share", "protected-ways-entry"}
    assert {rule.code for rule in RULES} <= asked


def test_whatever_loading_tells_is_in_the_list() -> None:
    """Codes of `error`, `warning` and `Fault` in the modules that read the inventory."""
    folder = Path(__file__).parent.parent.parent / "sdnctl" / "inventory"
    told = set[str]()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(first := node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("error", "warning", "Fault") and isinstance(first.value, str):
                    told.add(first.value)
    assert told
    assert sorted(told - {one.code for one in listed()}) == [], "add a row to checking/told.py"


def test_rules_that_loading_asks_are_not_asked_twice() -> None:
    assert not TOLD.keys() & {rule.code for rule in RULES}


def test_some_rules_only() -> None:
    network = good()
    without_second_splice(network)
    shift("k3-k4", 3.0)(network)
    plant, told = plant_of(network)
    subject = Subject(plant, documents(network), TODAY)
    assert [one.told.code for one in check(subject, told).findings] == ["segment-off-its-ends", "splice-one-sided"]
    only = check(subject, told, only={"splice-one-sided"})
    assert [one.told.code for one in only.findings] == ["splice-one-sided"]
    ignored = check(subject, told, ignore={"splice-one-sided"})
    assert [one.told.code for one in ignored.findings] == ["segment-off-its-ends"]


def test_what_is_not_there_is_not_asked_of_a_plant_with_errors() -> None:
    network = good()
    no_frame_at_s(network)
    named(network, "cables", "c5")["type"] = "no-such"
    plant, told = plant_of(network)
    checked = check(Subject(plant, documents(network), TODAY), told)
    assert [one.told.code for one in checked.findings] == ["dangling-reference"]
    assert {code for code, _ in checked.unjudged} == {rule.code for rule in RULES if rule.whole}
