"""Endpoints behind devices: tags, attachments, the baseline, documents, and increments to the same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from mixed_network import files
from workspace_folder import load

from sdnctl.compiler.attach import place_behind
from sdnctl.compiler.increment import begin, compile_increment
from sdnctl.compiler.ir import Baseline, Compiled, Network
from sdnctl.compiler.label import settle
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.revive import revive
from sdnctl.compiler.serialise import compiled_fingerprint, dumps_compiled, loads_compiled
from sdnctl.compiler.tags import TAG
from sdnctl.dataplane.attachment import Attachments
from sdnctl.dataplane.values import VLAN_PRESENT
from sdnctl.errors import CompileError
from sdnctl.intents.demand import Behind, Demand, Endpoint
from sdnctl.store.state import State
from sdnctl.usecases.planning import proven


@cache
def network() -> Network:
    with TemporaryDirectory() as folder:
        return load(Path(folder), files()).network


def only(*endpoints: str, base: Network | None = None) -> Network:
    """The network with the demands of some endpoints behind devices, and all others."""
    whole = base or network()

    def stays(demand: Demand) -> bool:
        return all(end.behind is None or end.id in endpoints for end in (demand.ingress, demand.egress))

    return replace(whole, demands=tuple(filter(stays, whole.demands)))


def tags(compiled: Compiled) -> Mapping[str, int]:
    return compiled.baseline.ids.get(TAG, {})


def read_back(compiled: Compiled) -> Baseline:
    """The baseline once every switch and device holds exactly this."""
    return settle(compiled.baseline, compiled.rules, (), compiled.attachments)


def test_an_endpoint_becomes_one_at_the_switch_under_its_tag() -> None:
    compiled = compile_network(network())
    assert tags(compiled) == {
        "handover/line-h": 300,
        "sw-hall/cam-h": 200,
        "sw-school/cam-s": 100,
        "sw-school/line-s": 101,
    }
    ends = {end.id: end for demand in compiled.demands for end in (demand.ingress, demand.egress)}
    assert (ends["cam-s"].vlan, ends["cam-s"].behind) == (100, Behind("sw-school", "eth1"))
    classify = [flow.match for flow in compiled.rules["sw-a"].flows.values() if flow.table == 0]
    matched = {match.get("vlan_vid") for match in classify if match.get("in_port") == (24, 0xFFFFFFFF)}
    assert matched == {(VLAN_PRESENT | 100, 0x1FFF), (VLAN_PRESENT | 101, 0x1FFF)}


def test_a_device_limits_to_what_all_demands_of_the_endpoint_may_send() -> None:
    """CIR and EIR of every demand from there, with the burst of the switch's meter and the most urgent class."""
    compiled = compile_network(network())
    (camera,) = (one for one in compiled.attachments["sw-school"].values() if one.endpoint == "cam-s")
    sent = [demand for demand in compiled.demands if demand.ingress.id == "cam-s"]
    assert camera.rate == sum(demand.cir + demand.eir for demand in sent) == 8_000_000
    meters = [meter for meter in compiled.rules["sw-a"].meters.values() if meter.rate == 8000]
    assert camera.burst == meters[0].burst * 125
    assert camera.priority == compiled.classes["video"].traffic_class
    (hall,) = compiled.attachments["sw-hall"].values()
    assert (hall.rate, hall.burst, hall.priority) == (None, None, 4), "this device is not asked to police"
    assert (hall.vlan, hall.port) == (30, "xe-0/0/2")


def test_the_verifier_takes_the_result() -> None:
    proven(State(compile_network(network())))


def test_documents_keep_devices_and_old_ones_load() -> None:
    compiled = compile_network(network())
    again = loads_compiled(dumps_compiled(compiled))
    assert again.attachments == compiled.attachments
    assert again.topology.devices.keys() == compiled.topology.devices.keys()
    assert again.topology.devices["sw-hall"].tags == compiled.topology.devices["sw-hall"].tags
    assert compiled_fingerprint(again) == compiled_fingerprint(compiled)
    assert dumps_compiled(again) == dumps_compiled(compiled)

    plain = compile_network(without_devices())
    text = json.loads(dumps_compiled(plain))
    assert "attachments" not in text["value"]
    assert "behind" not in text["value"]["endpoints"]
    assert "devices" not in text["value"]["topology"]
    assert loads_compiled(json.dumps(text)).attachments == {}


def without_devices() -> Network:
    plain = only()
    ends = {key: end for key, end in plain.endpoints.items() if end.behind is None}
    return replace(plain, topology=replace(plain.topology, devices={}), endpoints=ends)


def test_what_a_device_is_told_is_in_the_fingerprint_and_how_it_is_reached_is_not() -> None:
    compiled = compile_network(network())
    device = network().topology.devices["sw-school"]
    reached = replace(device, drivers={"netmiko": "ssh://192.0.2.1"}, options={"password": "env:X"})
    moved = with_device(network(), reached)
    assert compiled_fingerprint(compile_network(moved)) == compiled_fingerprint(compiled)
    unpoliced = with_device(network(), replace(device, can=frozenset({"vlans"})))
    assert compiled_fingerprint(compile_network(unpoliced)) != compiled_fingerprint(compiled)


def with_device(base: Network, device: object) -> Network:
    devices = {**base.topology.devices, device.id: device}  # type: ignore[attr-defined]
    return replace(base, topology=replace(base.topology, devices=devices))  # type: ignore[arg-type]


# ── tags over time ───────────────────────────────────────────────────────────────────────────────


def test_a_freed_tag_is_free_when_switch_and_device_let_go() -> None:
    first = compile_network(only("cam-s", "line-s", "line-h"))
    assert tags(first)["sw-school/cam-s"] == 100
    second = compile_network(only("line-s", "line-h"), read_back(first))
    held = second.baseline.held[TAG]
    assert held[24 * 4096 + 100] == ("sw-a", "sw-school")

    def next_tag(rules: bool, device: bool) -> int:
        """The tag of a newcomer when only some have been read back."""
        silent_rules = {switch: found if rules else None for switch, found in second.rules.items()}
        silent: Mapping[str, Attachments | None] = {
            name: found if device else None for name, found in second.attachments.items()
        }
        baseline = settle(second.baseline, silent_rules, (), silent)
        return tags(compile_network(newcomer(), baseline))["sw-school/new"]

    assert next_tag(rules=False, device=False) == 102
    assert next_tag(rules=True, device=False) == 102, "the device may still use it"
    assert next_tag(rules=False, device=True) == 102, "the switch may still take its frames for the old ones"
    assert next_tag(rules=True, device=True) == 100


def newcomer() -> Network:
    """`cam-s` went, `new` came at another port of the device."""
    whole = only("cam-s", "line-s", "line-h")

    def renamed(end: Endpoint) -> Endpoint:
        return replace(end, id="new", behind=Behind("sw-school", "eth7")) if end.id == "cam-s" else end

    demands = tuple(
        replace(
            demand,
            id=demand.id.replace("cam-s", "new"),
            reverse=demand.reverse.replace("cam-s", "new"),
            ingress=renamed(demand.ingress),
            egress=renamed(demand.egress),
        )
        for demand in whole.demands
    )
    return replace(whole, demands=demands)


def test_a_device_without_room_says_how_many_wait() -> None:
    device = network().topology.devices["sw-school"]
    small = with_device(network(), replace(device, tags=(100,)))
    with pytest.raises(CompileError) as caught:
        compile_network(small)
    (found,) = caught.value.diagnostics
    assert (found.code, found.address) == ("tags-exhausted", "device sw-school")
    assert "1 of 2 endpoints" in found.summary


def test_a_tag_that_the_inventory_takes_back_is_given_up() -> None:
    first = compile_network(network())
    device = network().topology.devices["sw-school"]
    other = with_device(network(), replace(device, tags=(101, 102, 103)))
    second = compile_network(other, read_back(first))
    assert tags(second)["sw-school/line-s"] == 101, "what may stay stays"
    assert tags(second)["sw-school/cam-s"] == 102


def test_going_back_gives_no_tag_another_meaning() -> None:
    first = compile_network(network())
    later = compile_network(newcomer(), read_back(first))
    assert tags(later)["sw-school/new"] == 102
    revived = revive(first.baseline, later.baseline)
    again = compile_network(network(), revived)
    assert tags(again)["sw-school/line-s"] == tags(later)["sw-school/line-s"]
    assert tags(again)["sw-school/cam-s"] not in (101, 102)
    held = read_back(later)
    assert tags(compile_network(network(), revive(first.baseline, held)))["sw-school/cam-s"] == 100


def test_what_is_placed_once_is_placed_again_the_same() -> None:
    once = place_behind(network(), Baseline())
    twice = place_behind(once.network, compile_network(network()).baseline)
    assert twice.tags == once.tags
    assert {demand.id: demand.ingress for demand in twice.network.demands} == {
        demand.id: demand.ingress for demand in once.network.demands
    }


# ── increments ───────────────────────────────────────────────────────────────────────────────────


def test_increments_come_to_the_same_bytes() -> None:
    """A walk of edits: endpoints behind devices come, go and ask for other rates; some steps are read back."""
    behind = [key for key, end in network().endpoints.items() if end.behind is not None]
    chance = random.Random(7)
    session = begin(only(*behind))
    followed = 0
    for step in range(24):
        edited = only(*chance.sample(behind, chance.randint(0, len(behind))))
        if chance.random() < 0.4:
            demands = tuple(
                replace(demand, cir=type(demand.cir)(demand.cir + 1000 * step))
                if demand.ingress.behind
                else demand
                for demand in edited.demands
            )
            edited = replace(edited, demands=demands)
        baseline = session.compiled.baseline
        if chance.random() < 0.5:
            baseline = read_back(session.compiled)
        whole = compile_network(edited, baseline)
        session = compile_increment(session, edited, baseline)
        assert dumps_compiled(session.compiled) == dumps_compiled(whole), step
        followed += not session.whole
    assert followed > 12, "most edits are followed, not compiled anew"
