"""The pipeline as a whole: refusals all at once, fingerprints, documents that do not fit."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compile_networks import both_ways, down_ports, endpoint, ethernet, fabric, network, random_network
from paths_networks import ring, topology

from sdnctl.compiler.ir import LabelRange, Network, Settings
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.serialise import (
    compiled_fingerprint,
    dumps_baseline,
    dumps_compiled,
    loads_baseline,
    loads_compiled,
    network_fingerprint,
)
from sdnctl.errors import CompileError, Source
from sdnctl.intents.demand import Grade, Service
from sdnctl.topology.graph import PortRef
from sdnctl.units import Bitrate


def line(name: str, port: int, grade: Grade = Grade.LOCAL, cir: int = 1_000_000) -> list:  # type: ignore[type-arg]
    ends = endpoint(f"{name}-a", "a", port), endpoint(f"{name}-c", "c", port)
    return both_ways(name, *ends, Service.LINE, grade, cir=cir)


def net(*demands: object, settings: Settings | None = None) -> Network:
    return network(topology(ring(4)), demands, settings)  # type: ignore[arg-type]


def test_all_refusals_come_at_once() -> None:
    tight = Settings("test", trunk_labels=LabelRange(100, 100))
    with pytest.raises(CompileError) as caught:
        compile_network(
            net(*line("x", 50), *line("y", 50), *line("big", 51, cir=5 * 10**9), *line("w", 1), settings=tight)
        )
    codes = {item.code for item in caught.value.diagnostics}
    assert {"ambiguous-frames", "endpoint-on-link-port", "range-exhausted"} < codes
    assert any("big" in item.address for item in caught.value.diagnostics), "what has no room is refused as well"


def test_nothing_can_be_placed_on_a_switch_that_is_not_there() -> None:
    ends = endpoint("e1", "a", 50), endpoint("e2", "nowhere", 50)
    with pytest.raises(CompileError) as caught:
        compile_network(net(*both_ways("x", *ends, Service.LINE)))
    assert [item.code for item in caught.value.diagnostics] == ["unknown-switch"]


def test_what_a_switch_cannot_do_is_refused() -> None:
    class Old:
        tables, groups, meters, encapsulations, queues = 1, frozenset[str](), 0, frozenset[str](), False

    with pytest.raises(CompileError) as caught:
        compile_network(net(*line("x", 50)), capabilities={"a": Old()})
    assert {item.address for item in caught.value.diagnostics} == {"switch a"}


def test_the_fingerprint_of_a_network_is_of_what_matters() -> None:
    one = net(*line("x", 50))
    print_ = network_fingerprint(one)
    moved = replace(
        one,
        demands=tuple(replace(item, source=Source("intents/x.yaml", 3)) for item in reversed(one.demands)),
        topology=replace(
            one.topology,
            nodes={
                key: replace(node, position=(4.3, 43.8), drivers={"openflow": "tcp:192.0.2.1"})
                for key, node in reversed(one.topology.nodes.items())
            },
        ),
    )
    assert network_fingerprint(moved) == print_
    for other in (
        net(*line("x", 51)),
        net(*line("x", 50, cir=2_000_000)),
        net(*line("x", 50), settings=Settings("other")),
        replace(one, down=frozenset({"l0"})),
        replace(one, topology=one.topology.without(links=["l0"])),
        replace(one, classes={}),
        replace(one, tenants={}),
    ):
        assert network_fingerprint(other) != print_


def test_the_fingerprint_of_a_result_is_of_its_rules_not_of_its_places() -> None:
    one = net(*line("x", 50))
    compiled = compile_network(one)
    placed = replace(one, demands=tuple(replace(item, source=Source("f", 1)) for item in one.demands))
    assert compiled_fingerprint(compile_network(placed)) == compiled_fingerprint(compiled)
    assert compiled_fingerprint(compile_network(net(*line("x", 51)))) != compiled_fingerprint(compiled)


def test_optimise_lets_paths_go_and_keeps_the_numbers_of_what_stays() -> None:
    one = net(*line("x", 50, Grade.NONE))
    slow = replace(
        one,
        topology=replace(
            one.topology,
            links={
                key: replace(link, delay=link.delay * (9 if key == "l0" else 1))
                for key, link in one.topology.links.items()
            },
        ),
    )
    before = compile_network(one)
    kept = compile_network(slow, before.baseline)
    assert [trunk.path for trunk in kept.trunks] == [trunk.path for trunk in before.trunks]
    better = compile_network(slow, before.baseline, optimise=True)
    assert all("l0" not in trunk.path.links for trunk in better.trunks)
    assert not {trunk.label for trunk in better.trunks} & {trunk.label for trunk in before.trunks}
    same = compile_network(one, before.baseline, optimise=True)
    assert same.rules == before.rules


def test_links_that_are_down_weaken_protection_with_a_warning_and_edits_do_not() -> None:
    one = net(*line("x", 50))
    before = compile_network(one)
    down = replace(one, down=frozenset({"l0"}))
    after = compile_network(down, before.baseline)
    assert after.diagnostics, "protection lost is said"
    assert all("l0" not in trunk.path.links for trunk in after.trunks)
    with pytest.raises(CompileError):
        compile_network(network(one.topology.without(links=["l0"]), one.demands), before.baseline)


def test_who_has_no_path_while_links_are_down_keeps_the_one_it_had() -> None:
    one = net(*line("x", 50), *line("y", 51, Grade.NONE))
    before = compile_network(one)
    cut = compile_network(replace(one, down=frozenset({"l0", "l3"})), before.baseline)  # both ways into a
    assert [(trunk.path, trunk.label, trunk.demands) for trunk in cut.trunks] == [
        (trunk.path, trunk.label, trunk.demands) for trunk in before.trunks
    ]
    assert {item.severity for item in cut.diagnostics} == {"warning"}
    assert {item.address.rpartition(" ")[2] for item in cut.diagnostics} >= {item.id for item in one.demands}
    healed = compile_network(one, cut.baseline)
    assert [(trunk.path, trunk.grade) for trunk in healed.trunks] == [
        (trunk.path, trunk.grade) for trunk in before.trunks
    ]
    with pytest.raises(CompileError):  # what was never carried has nothing to keep
        compile_network(replace(one, down=frozenset({"l0", "l3"})))


@pytest.mark.parametrize("stack", [((16, 1),), ((16, 0), (17, 1)), ((1000, 1),), ((200_000, 1),)])
def test_a_customer_frame_that_is_mpls_meets_no_label_of_ours(stack: tuple[tuple[int, int], ...]) -> None:
    """Documented as not carried (Open vSwitch 3.1); it must not get anywhere either."""
    one = net(*line("x", 50), *line("y", 51))
    built = fabric(compile_network(one).rules, one.topology)
    labels = b"".join((label << 12 | bottom << 8 | 64).to_bytes(4, "big") for label, bottom in stack)
    for cut in ([], ["l0"], ["l3"]):
        built.fail(down_ports(one, cut))
        for port in (50, 51):
            assert not built.inject("a", port, ethernet([], 0x8847, labels + bytes(46))).frames


FORMAT_1 = Path(__file__).parent.parent / "golden" / "compile_tiny_format1.json"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda doc: doc.update(format=3), "format 3"),
        (lambda doc: doc.update(kind="baseline"), "not a compiled"),
        (lambda doc: doc["value"].update(extra=1), "Compiled: unknown"),
        (lambda doc: doc["value"].pop("rules"), "missing"),
        (lambda doc: doc["value"]["trunks"][0].update(label="1000"), "Compiled.trunks[0].label"),
        (lambda doc: doc["value"]["trunks"][0].update(grade="best"), "Compiled.trunks[0].grade: 'best'"),
        (lambda doc: doc["value"]["rules"]["a"]["flows"][0].update(table=-1), "Compiled.rules[a]"),
        (lambda doc: doc["value"]["demands"][0]["ingress"].update(attachment=3), "attachment"),
        (lambda doc: doc["value"].update(bypasses={}), "Compiled.bypasses"),
    ],
)
def test_a_document_of_an_earlier_version_that_does_not_fit_says_where(change: object, says: str) -> None:
    document = json.loads(FORMAT_1.read_text(encoding="utf-8"))
    change(document)  # type: ignore[operator]
    with pytest.raises(ValueError, match=re.escape(says)):
        loads_compiled(json.dumps(document))


def _shape(doc: dict[str, Any]) -> dict[str, Any]:
    """The first kind of flow on switch a."""
    found: dict[str, Any] = doc["value"]["rules"]["switches"]["a"]["flows"][0]
    return found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda doc: doc.update(format=3), "format 3"),
        (lambda doc: doc.update(format=None), "format None"),
        (lambda doc: doc.update(kind="baseline"), "not a compiled"),
        (lambda doc: doc["value"].update(extra=1), "unknown ['extra']"),
        (lambda doc: doc["value"].pop("rules"), "missing ['rules']"),
        (lambda doc: doc["value"]["trunks"].update(label=["1000", "1001"]), "trunks.label"),
        (lambda doc: doc["value"]["trunks"]["label"].pop(), "trunks: the columns are not equally long"),
        (lambda doc: doc["value"]["trunks"].update(grade=["best", "best"]), "trunks.grade: 'best'"),
        (lambda doc: doc["value"]["trunks"].update(colour=["red", "red"]), "trunks: unknown ['colour']"),
        (lambda doc: doc["value"]["trunks"].pop("key"), "missing ['key']"),
        (lambda doc: doc["value"]["trunks"]["path"][0].pop(), "a path is link, tail, head"),
        (lambda doc: doc["value"]["demands"]["ingress"].__setitem__(0, -1), "KeyError -1"),
        (lambda doc: doc["value"]["endpoints"]["attachment"].__setitem__(0, ["a", "b"]), "is not switch and port"),
        (lambda doc: doc["value"]["bypasses"].update(key=1), "bypasses.key"),
        (lambda doc: doc["value"]["baseline"].update(held=[]), "AttributeError"),
        (lambda doc: doc["value"]["baseline"]["held"].update(label={"a": ["1000"]}), "'1000' is not a number"),
        (lambda doc: _shape(doc).update(table=-1), "-1 is not a number at or above zero"),
        (lambda doc: _shape(doc)["columns"].pop(), "columns of one length"),
        (lambda doc: _shape(doc)["columns"].__setitem__(0, [7] * 9), "in columns that are not so long"),
        (lambda doc: _shape(doc)["columns"].__setitem__(0, -7), "below zero"),
        (lambda doc: _shape(doc)["columns"].__setitem__(0, "7"), "not a number"),
        (lambda doc: _shape(doc)["columns"].__setitem__(0, 1 << 40), "does not fit its mask"),
        (lambda doc: _shape(doc).update(count="many"), "'many' is not a number"),
        (lambda doc: _shape(doc)["fields"][0].__setitem__(1, 0), "has no mask 0x0"),
        (lambda doc: _shape(doc)["fields"][0].__setitem__(0, "colour"), "KeyError 'colour'"),
        (
            lambda doc: doc["value"]["rules"]["switches"]["a"]["flows"].append(_shape(doc)),
            "two rules of one identity",
        ),
        (lambda doc: doc["value"]["rules"]["lists"].append([10_000]), "IndexError"),
        (lambda doc: doc["value"]["rules"]["actions"].append(["fly"]), "unknown action"),
    ],
)
def test_a_document_that_does_not_fit_says_where(change: object, says: str) -> None:
    document = json.loads(dumps_compiled(compile_network(net(*line("x", 50)))))
    change(document)  # type: ignore[operator]
    with pytest.raises(ValueError, match=re.escape(says)):
        loads_compiled(json.dumps(document))


def test_a_baseline_of_json_has_numbers_as_keys_again() -> None:
    net_ = random_network(3)
    baseline = compile_network(net_).baseline
    moved = replace(baseline, quarantine={1234: ("a", "b")})
    assert loads_baseline(dumps_baseline(moved)) == moved
    with pytest.raises(ValueError, match="not a baseline"):
        loads_baseline(dumps_compiled(compile_network(net_)))


def test_whole_numbers_where_fractions_are_declared_do_not_change_the_bytes() -> None:
    one = net(*line("x", 50))
    links = {key: replace(link, delay=10, capacity=Bitrate(10**9)) for key, link in one.topology.links.items()}  # type: ignore[arg-type]
    text = dumps_compiled(compile_network(replace(one, topology=replace(one.topology, links=links))))
    assert dumps_compiled(loads_compiled(text)) == text
    assert PortRef("a", 50) in {item.ingress.attachment for item in loads_compiled(text).demands}
