"""What can be said against changes before a switch is bothered with them.

Switches accept what is wrong in ways that only show in packets: a group that sends to an absent group,
a field without its prerequisite in an action. These checks need no device, only what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from sdnctl.dataplane.fields import PREREQUISITES, missing_prerequisite
from sdnctl.dataplane.text import rule_name
from sdnctl.dataplane.values import Action, Encap, Flow, FlowKey, Group, Match, Meter, RuleSet, ToGroup
from sdnctl.errors import Diagnostic
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Capabilities
from sdnctl.southbound.openflow.mirror import Mirror, groups_of, groups_of_group


def check(
    device: str,
    changes: Sequence[Change],
    held: RuleSet | Mirror,
    foreign: Collection[FlowKey],
    capabilities: Capabilities,
) -> list[Diagnostic]:
    """All faults of `changes` on a switch that holds groups and meters as `held`.

    `foreign` are flows that are not ours.
    """
    checks = _Checks(changes, held, foreign, capabilities)
    faults = []
    for change in checks.suspects(changes):
        for code, reason in checks.faults(change.rule):
            faults.append(
                Diagnostic(
                    code,
                    f"{device}: cannot {change.op} {rule_name(change.rule)}: {reason}",
                    address=f"switch {device}",
                )
            )
    return faults


class _Checks:
    """What rules are judged by. `suspects` is quick and says only whether; `faults` says what is wrong."""

    def __init__(
        self, changes: Sequence[Change], held: RuleSet | Mirror, foreign: Collection[FlowKey], can: Capabilities
    ) -> None:
        self.foreign, self.can = foreign, can
        self.groups, self.meters = set(held.groups), set(held.meters)
        self.encap = "mpls" in can.encapsulations
        self.matches = _Matches()
        for change in changes:
            if not isinstance(change.rule, Flow):
                ids = self.groups if isinstance(change.rule, Group) else self.meters
                (ids.discard if change.op is Op.DELETE else ids.add)(change.rule.id)

    def suspects(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Changes that somebody should look at closely: all but deletions and flows that are surely sound."""
        tables, groups, meters, foreign = self.can.tables, self.groups, self.meters, self.foreign
        encap, sound, delete = self.encap, self.matches.sound, Op.DELETE
        for change in changes:
            if change.op is delete:
                continue
            rule = change.rule
            if type(rule) is not Flow:
                yield change
                continue
            for action in rule.actions:
                kind = type(action)
                if kind is ToGroup:
                    if action.group not in groups:  # type: ignore[union-attr]
                        yield change
                        break
                elif kind is Encap and not encap:
                    yield change
                    break
            else:
                table, goto, meter = rule.table, rule.goto, rule.meter
                if (
                    table >= tables
                    or (goto is not None and not table < goto < tables)
                    or (meter is not None and meter not in meters)
                    or not sound(rule.match)
                    or (foreign and rule.key in foreign)
                ):
                    yield change

    def faults(self, rule: Flow | Group | Meter) -> Iterator[tuple[str, str]]:
        """Code and text of everything that is wrong with a rule."""
        if isinstance(rule, Flow):
            yield from self._flow_faults(rule)
            if rule.key in self.foreign:
                yield "foreign-rule", "somebody else's flow has the same table, priority and match"
            yield from self._action_faults(rule.actions)
        elif isinstance(rule, Group):
            if rule.type.value not in self.can.groups:
                yield "unsupported-group", f"the switch has no groups of type {rule.type.value}"
            for group in groups_of_group(rule):
                if group not in self.groups:
                    yield "absent-group", f"group {group}, which it sends to, is absent"
            for bucket in rule.buckets:
                yield from self._action_faults(bucket.actions)
        elif rule.id > self.can.meters:
            yield "unsupported-meter", f"the switch's meters end at {self.can.meters}"

    def _flow_faults(self, flow: Flow) -> Iterator[tuple[str, str]]:
        tables = self.can.tables
        if flow.table >= tables:
            yield "absent-table", f"the switch has {tables} tables"
        if flow.goto is not None and not flow.table < flow.goto < tables:
            yield "bad-goto", f"goes to table {flow.goto}"
        prerequisite = missing_prerequisite(flow.match)
        if prerequisite is not None:
            yield "bad-match", prerequisite
        for group in groups_of(flow.actions):
            if group not in self.groups:
                yield "absent-group", f"group {group} is absent"
        if flow.meter is not None and flow.meter not in self.meters:
            yield "absent-meter", f"meter {flow.meter} is absent"

    def _action_faults(self, actions: Sequence[Action]) -> Iterator[tuple[str, str]]:
        if not self.encap and any(isinstance(action, Encap) for action in actions):
            yield "unsupported-encapsulation", "the switch cannot put a frame into MPLS"


_DECISIVE = {field for needs in PREREQUISITES.values() for field, _ in needs}
"""Fields on whose value it depends whether another may be matched; beside vlan_pcp vlan_vid is one, too."""


class _Matches:
    """Matches that were found sound, remembered by all on which that depends: names, masks, decisive values."""

    LIMIT = 4_096

    def __init__(self) -> None:
        self._known: dict[tuple[Any, Any], tuple[Callable[[Any], Any] | None, set[Any]]] = {}

    def sound(self, match: Match) -> bool:
        if not match.fields:
            return True
        names, values, masks = zip(*match.fields, strict=True)
        found = self._known.get((names, masks))
        if found is None:
            decisive_names = _DECISIVE | {"vlan_vid"} if "vlan_pcp" in names else _DECISIVE
            where = [index for index, name in enumerate(names) if name in decisive_names]
            found = itemgetter(*where) if where else None, set()
            if len(self._known) < self.LIMIT:
                self._known[names, masks] = found
        decisive, good = found
        key = decisive(values) if decisive is not None else None
        if key in good:
            return True
        if missing_prerequisite(match) is not None:
            return False
        if len(good) < self.LIMIT:
            good.add(key)
        return True
