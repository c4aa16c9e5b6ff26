"""Follow an intent from its file down: demands, trunks, glass, protection, rules."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from sdnctl.compiler.groups import trunk_hops
from sdnctl.compiler.ir import Compiled, Trunk
from sdnctl.compiler.label import service_key
from sdnctl.dataplane.attachment import Attachment
from sdnctl.dataplane.text import format_rule
from sdnctl.dataplane.values import COOKIE_OWNER, Flow, Group, RuleSet
from sdnctl.errors import Diagnostic, InputError, Source
from sdnctl.intents.demand import Demand
from sdnctl.store.state import State
from sdnctl.topology.graph import Hop
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import compile_folder


@dataclass(frozen=True)
class HopStory:
    """One hop: the glass it runs through, and what the switch does when it is cut."""

    hop: Hop
    length: float
    delay: float
    shares: tuple[str, ...]
    repair: str


@dataclass(frozen=True)
class DemandStory:
    """One demand from its line in the file to the rules that carry it, switch by switch."""

    demand: Demand
    trunk: Trunk | None
    hops: tuple[HopStory, ...]
    standby: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]  # (switch, rule as text), in the order packets meet them
    gear: tuple[tuple[str, Attachment], ...] = ()  # devices beside the switches at its ends, with what they do


@dataclass(frozen=True)
class Story:
    """An application, or one demand of it."""

    name: str
    source: Source | None
    tenant: str
    service_class: str
    applied: bool
    demands: tuple[DemandStory, ...]


def explain(context: Context, name: str) -> Story:
    """The story of an application or of one demand, as applied, or as the folder compiles before an apply.

    Raises InputError when neither an application nor a demand has that name.
    """
    applied = context.applied()
    state = applied[1] if applied is not None else compile_folder(context)
    compiled = state.compiled
    chosen = [one for one in compiled.demands if name in (one.id, one.application)]
    if not chosen:
        known = sorted({one.application for one in compiled.demands} | {one.id for one in compiled.demands})
        close = difflib.get_close_matches(name, known, n=3)
        raise InputError(
            Diagnostic(
                "no-such-intent",
                f"there is no application or demand {name!r}",
                hint=f"did you mean {' or '.join(close)}?" if close else "`sdnctl show intents` lists them",
            )
        )
    first = chosen[0]
    return Story(
        name,
        first.source,
        first.tenant,
        first.service_class,
        applied is not None,
        tuple(
            replace(_demand(state, one, with_rules=len(chosen) == 1), gear=_gear(compiled, one)) for one in chosen
        ),
    )


def _gear(compiled: Compiled, demand: Demand) -> tuple[tuple[str, Attachment], ...]:
    ends = (demand.ingress.id, demand.egress.id)
    found = [
        (device, attachment)
        for device, attachments in compiled.attachments.items()
        for attachment in attachments.values()
        if attachment.endpoint in ends
    ]
    return tuple(sorted(found, key=lambda one: ends.index(one[1].endpoint)))


def _demand(state: State, demand: Demand, with_rules: bool) -> DemandStory:
    compiled = state.compiled
    trunk = next((one for one in compiled.trunks if demand.id in one.demands), None)
    rules = tuple(_rules(state, demand, trunk)) if with_rules else ()
    if trunk is None:
        return DemandStory(demand, None, (), (), rules)
    hops = tuple(_hop(compiled, trunk, index) for index in range(len(trunk.path.hops)))
    return DemandStory(demand, trunk, hops, trunk.standby.nodes if trunk.standby else (), rules)


def _hop(compiled: Compiled, trunk: Trunk, index: int) -> HopStory:
    hop = trunk.path.hops[index]
    link = compiled.topology.links[hop.link]
    bypasses = {bypass.key: bypass for bypass in compiled.bypasses}
    found = trunk_hops(trunk, trunk.path, bypasses)[index].bypass
    repair = "nothing"
    if found is not None:
        label = f"label {found.label}" if found.label is not None else "no label"
        repair = f"{' → '.join(found.path.nodes)} ({label})"
    shares = sorted(compiled.topology.risks[hop.link])
    return HopStory(hop, link.length, link.delay, tuple(shares), repair)


def _rules(state: State, demand: Demand, trunk: Trunk | None) -> list[tuple[str, str]]:
    """Rules that packets of one demand meet, with the groups they go to."""
    compiled = state.compiled
    number = compiled.baseline.ids["demand"][demand.id]
    service = compiled.baseline.ids["service"][service_key(demand)]
    cookies = {COOKIE_OWNER | 1 << 32 | number, COOKIE_OWNER | 4 << 32 | service}
    if trunk is not None:
        cookies.add(COOKIE_OWNER | 2 << 32 | trunk.label)
    nodes = trunk.path.nodes if trunk is not None else (demand.ingress.attachment.node,)
    return [(node, text) for node in nodes for text in _lines(state.rules[node], cookies)]


def _lines(rules: RuleSet, cookies: set[int]) -> list[str]:
    from sdnctl.dataplane.values import ToGroup

    lines: list[str] = []
    for flow in sorted(rules.flows.values(), key=lambda one: (one.table, -one.priority, str(one.match))):
        if flow.cookie not in cookies:
            continue
        lines.append(format_rule(flow))
        rule: Flow | Group = flow
        while True:
            actions = rule.actions if isinstance(rule, Flow) else rule.buckets[0].actions
            target = next((action.group for action in actions if isinstance(action, ToGroup)), None)
            if target is None or target not in rules.groups:
                break
            rule = rules.groups[target]
            lines.append(f"    {format_rule(rule)}")
    return lines
