"""Lower for an edit: the rules of the things that changed are taken out as they were and put in as they are now.

A *thing* (a demand, a service, a trunk, a hop group with its bypass) has rules that no other thing has, so this
gives what `compiler.lower` gives for the whole network. Switches that hold none of them keep their very rule set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.compiler.groups import HopGroup
from sdnctl.compiler.ir import Network, Trunk
from sdnctl.compiler.label import Labelled
from sdnctl.compiler.lower import Core, Edge, Rule, ServiceSide, carrier_rules, egress_rules
from sdnctl.compiler.replace_units import Elsewhere
from sdnctl.compiler.tables import TRANSIT, flow_faults
from sdnctl.dataplane.values import Flow, FlowKey, Group, Match, Meter, RuleSet
from sdnctl.intents.demand import Demand

Identity = tuple[str, FlowKey | int]


@dataclass(frozen=True)
class Side:
    """What the rules of changed things depend on, before or after an edit."""

    network: Network
    labelled: Labelled
    demands: tuple[Demand, ...]  # those that changed
    carriers: Mapping[str, str]  # id of each of them that has a trunk → its key
    services: frozenset[ServiceSide]  # of the services that changed, all that are in use
    trunks: list[Trunk]  # those whose rules changed
    groups: tuple[HopGroup, ...] = ()  # those in use whose users or bypasses changed


@dataclass(slots=True)
class _Difference:
    """What one switch loses and gets, by identity."""

    out: dict[Identity, Rule] = field(default_factory=dict)
    into: dict[Identity, Rule] = field(default_factory=dict)


def relower(
    rules: Mapping[str, RuleSet], before: Side, after: Side
) -> tuple[dict[str, RuleSet], dict[str, RuleSet], set[str]]:
    """The rules of every switch after an edit; of those that changed what came in; and those that lost anything.

    Raises Elsewhere where the result would not fit together; the whole pass says how.
    """
    differences: dict[str, _Difference] = defaultdict(_Difference)
    for switch, rule in _rules(before):
        differences[switch].out[_identity(rule)] = rule
    for switch, rule in _rules(after):
        if differences[switch].into.setdefault(_identity(rule), rule) != rule:
            raise Elsewhere("two rules of one identity")
    result = dict(rules)
    came: dict[str, RuleSet] = {}
    lost: set[str] = set()
    for switch, difference in sorted(differences.items()):
        same = [key for key, rule in difference.into.items() if difference.out.get(key) == rule]
        for key in same:
            del difference.out[key], difference.into[key]
        if difference.out:
            lost.add(switch)
        if difference.out or difference.into:
            result[switch], came[switch] = _applied(after.network, switch, rules[switch], difference)
    return result, came, lost


def _rules(side: Side) -> Iterable[tuple[str, Rule]]:
    edge, core = Edge(side.network, side.labelled), Core(side.network.topology, side.labelled)
    for demand in side.demands:
        for rule in edge.ingress(demand, side.carriers.get(demand.id)):
            yield demand.ingress.attachment.node, rule
    for service in side.services:
        for rule in egress_rules(service):
            yield service.switch, rule
    for trunk in side.trunks:
        for switch, made in core.trunk(trunk):
            for rule in made:
                yield switch, rule
    for group in side.groups:
        yield group.hop.tail, core.hop_group(group)
        for switch, made in core.bypass(group.bypass) if group.bypass is not None else ():
            for rule in made:
                yield switch, rule


def _identity(rule: Rule) -> Identity:
    return ("flow", rule.key) if isinstance(rule, Flow) else (type(rule).__name__, rule.id)


def _applied(network: Network, switch: str, held: RuleSet, difference: _Difference) -> tuple[RuleSet, RuleSet]:
    """The rule set of a switch after a difference, and what came into it."""
    rules = RuleSet(dict(held.flows), dict(held.groups), dict(held.meters))
    for rule in difference.out.values():
        _take_out(rules, rule)
    _take_out(rules, *_carrier(network, switch, held))
    came = RuleSet.of(difference.into.values())
    try:
        rules.add(*difference.into.values())
    except ValueError as error:
        raise Elsewhere(str(error)) from error
    for rule in carrier_rules(network.topology, switch, rules):
        there = _held(held, rule)
        rules.add(rule if there is None else there)
        if there is None:
            came.add(rule)
    if any(True for _ in flow_faults(came.flows.values(), rules)):
        raise Elsewhere("rules do not fit the pipeline")
    return rules, came


def _carrier(network: Network, switch: str, held: RuleSet) -> Iterable[Rule]:
    """The rules that a switch has because it carries anything."""
    return [rule for rule in carrier_rules(network.topology, switch, _CARRYING) if _held(held, rule) is not None]


def _held(rules: RuleSet, rule: Flow | Meter) -> Flow | Meter | None:
    """The rule of the same identity, where there is one."""
    return rules.flows.get(rule.key) if isinstance(rule, Flow) else rules.meters.get(rule.id)


_CARRYING = RuleSet.of([Flow(TRANSIT.number, 0, Match())])


def _take_out(rules: RuleSet, *gone: Rule) -> None:
    for rule in gone:
        if isinstance(rule, Flow):
            del rules.flows[rule.key]
        elif isinstance(rule, Group):
            del rules.groups[rule.id]
        else:
            del rules.meters[rule.id]
