"""What tests of V1 ask of its report, and how they change one rule of a network that is written by hand."""

from __future__ import annotations

from dataclasses import replace

from verify_rules import (
    LEAF_A,
    ROOT,
    Hand,
    both_ways,
)

from sdnctl.dataplane.values import (
    Flow,
)
from sdnctl.intents.demand import Demand, Service
from sdnctl.verify.report import Report, Verdict


def verdict(report: Report, demand: str) -> Verdict:
    return next(item for item in report.verdicts if item.demand == demand)


def codes(report: Report) -> set[str]:
    return {item.code.removeprefix("v1-") for item in report.diagnostics()}


def flow_of(hand: Hand, node: str, table: int, **fields: int) -> Flow:
    """The flow of a table whose match has these exact values."""
    for flow in hand.rules[node].flows.values():
        if flow.table == table and all((flow.match.get(name) or (None,))[0] == fields[name] for name in fields):
            return flow
    raise AssertionError(f"no flow at {node} table {table} {fields}")


def put(hand: Hand, node: str, flow: Flow, **changes: object) -> None:
    """Change one flow of a switch."""
    del hand.rules[node].flows[flow.key]
    changed = replace(flow, **changes)  # type: ignore[arg-type]
    hand.rules[node].flows[changed.key] = changed


def single(demand: Demand, hand: Hand | None = None) -> Report:
    hand = hand or Hand()
    hand.demand(demand, "s1", "s2", "s3")
    return hand.verify()


def cam(**changes: object) -> Demand:
    return both_ways("cam", Service.TREE, ROOT, LEAF_A, **changes)[0]
