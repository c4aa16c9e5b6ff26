"""What switches report survives the way over the API, whatever it is."""

from __future__ import annotations

import json

from sdnctl.client.wire import counters_document, observation_document, read_counters, read_observation
from sdnctl.dataplane.values import Flow, Match, Output, RuleSet, SwitchSettings
from sdnctl.errors import DeviceUnreachable, Diagnostic, Source
from sdnctl.plan.model import Observed
from sdnctl.southbound.base import Counters, PortState
from sdnctl.southbound.fleet import Observation
from sdnctl.testing.samples import full

FOREIGN = Flow(table=7, priority=3, match=Match.of(in_port=9), actions=(Output(4),), cookie=0xAB)


def test_observations() -> None:
    fault = Diagnostic("gone", "does not answer", "switch c", Source("inventory/x.csv", 7), "why", "do")
    found = Observation(
        {"a": Observed(full((1, 2, 3)), foreign=3, others=(FOREIGN,)), "b": Observed(RuleSet()), "c": None},
        {"a": Observed(RuleSet(), settings=SwitchSettings()), "c": None},
        {"c": DeviceUnreachable(fault)},
    )
    read = read_observation(json.loads(json.dumps(observation_document(found))))
    assert (read.rules, read.settings) == (found.rules, found.settings)
    assert {device: one.diagnostics for device, one in read.faults.items()} == {"c": (fault,)}
    assert read.unreachable == ("c",)


def test_counters() -> None:
    ports = {3: PortState(3, "eth3", True, "up", 1, 2, 3, 4, 5, 6), 1: PortState(1, "eth1", False)}
    found = {"a": Counters(ports, {(0, 17): 4, (3, 2**63): 10**15}), "b": Counters(), "c": None}
    read = json.loads(json.dumps(counters_document(found)))
    assert {device: read_counters(one) for device, one in read.items()} == found
