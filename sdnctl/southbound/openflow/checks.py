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
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    COOKIE_OWNER_MASK,
    Action,
    Encap,
    Flow,
    FlowKey,
    Group,
    Match,
    Meter,
    RuleSet,
    ToGroup,
    is_ours,
)
from sdnctl.errors import Diagnostic
from sdnctl.plan.model import Change, Op
from sdnctl.southbound.base import Capabilities
from sdnctl.southbound.openflow.mirror import Mirror, groups_of, groups_of_group


class Checks:
    """What the changes of one commit are judged by. References are judged as they are after all of them."""

    def __init__(
        self,
        device: str,
        changes: Iterable[Change],
        held: RuleSet | Mirror,
        foreign: Collection[FlowKey],
        capabilities: Capabilities,
    ) -> None:
        """`held`: groups and meters before the changes; `foreign`: flows that are not ours."""
        self.device, self.foreign, self.can = device, foreign, capabilities
        self.groups, self.meters = set(held.groups), set(held.meters)
        self.encap = "mpls" in capabilities.encapsulations
        self.matches = _Matches()
        self._foreign_tables = {table for table, _, _ in foreign}
        for change in changes:
            rule = change.rule
            if not isinstance(rule, Flow):
                ids = self.groups if isinstance(rule, Group) else self.meters
                (ids.discard if change.op is Op.DELETE else ids.add)(rule.id)

    def faults(self, changes: Iterable[Change]) -> list[Diagnostic]:
        """Everything that is wrong with some of the changes."""
        return [fault for change in self.suspects(changes) for fault in self._judge(change)]

    def stand_for_others(self, flow: Flow) -> bool:
        """Whether what is said of this flow holds for all of its shape, but for cookie, groups, meter and goto."""
        # Beside vlan_pcp the VLAN id decides, which is no part of a shape; a foreign flow has one match.
        return flow.match.get("vlan_pcp") is None and flow.table not in self._foreign_tables

    def _judge(self, change: Change) -> Iterator[Diagnostic]:
        address, name = f"switch {self.device}", rule_name(change.rule)
        if not is_ours(change.rule):
            text = f"{self.device}: will not {change.op} {name}: it is not sdnctl's"
            detail = "its cookie or number is outside sdnctl's range"
            yield Diagnostic("foreign-rule", text, address=address, detail=detail)
        if change.op is not Op.DELETE:
            for code, reason in self._rule_faults(change.rule):
                text = f"{self.device}: cannot {change.op} {name}: {reason}"
                yield Diagnostic(code, text, address=address)

    def suspects(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Changes to look at closely: all but those of flows that are surely sound. A quick pass over many."""
        tables, groups, meters, foreign = self.can.tables, self.groups, self.meters, self.foreign
        encap, sound, delete = self.encap, self.matches.sound, Op.DELETE
        for change in changes:
            rule = change.rule
            if type(rule) is not Flow or rule.cookie & COOKIE_OWNER_MASK != COOKIE_OWNER:
                yield change
                continue
            if change.op is delete:
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

    def _rule_faults(self, rule: Flow | Group | Meter) -> Iterator[tuple[str, str]]:
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
