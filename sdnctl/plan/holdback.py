"""What must wait while some devices cannot be reached: nothing is moved onto rules that may not be there.

A device that does not answer holds what was applied to it last, or, when it was lost in the middle of a change,
one of several things; then what is done must fit each of them. So a trunk is not moved to a label whose rules that
device lacks, a demand is not admitted towards it, and nothing is retired that its traffic still needs. The next
plan in which the device answers does what was held back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sdnctl.compiler.ir import LabelRange
from sdnctl.compiler.references import (
    groups_used,
    label_matched,
    labels_written,
    metadata_matched,
    metadata_written,
    ports_used,
)
from sdnctl.compiler.tables import CLASSIFY, DEMUX, ENCAP, POLICE, TRANSIT, Kind, read_cookie
from sdnctl.dataplane.values import Flow, Group, RuleSet
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.changes import in_stages, is_carrier_rule
from sdnctl.plan.model import Change, Op, Rule, StageKind

Port: TypeAlias = tuple[str, int]
_NONE: Mapping[Port, Port] = {}


@dataclass(frozen=True)
class HeldBack:
    """Changes that may be made now, by device, and the numbers of demands that wait for unreachable devices."""

    changes: Mapping[str, tuple[Change, ...]]
    waiting: frozenset[int] = frozenset()


def hold_back(
    changes: Mapping[str, tuple[Change, ...]],
    held: Mapping[str, RuleSet],
    wanted: Mapping[str, RuleSet],
    last: Mapping[str, Sequence[RuleSet]],
    alive: frozenset[int],
    bypass_labels: LabelRange,
    cables: Mapping[Port, Port] = _NONE,
) -> HeldBack:
    """Leave out of `changes` what depends on devices that do not answer.

    `held`: what reachable devices hold. `wanted`: what every device should hold. `last`: unreachable device → what
    was applied to it last, and everything else that it may hold instead. `alive`: numbers of demands that still
    exist; traffic of others needs nothing. `cables`: port → the port at the other end, of links that are or were.
    """
    if not last:
        return HeldBack(changes)
    unready = _unready(wanted, last)
    allowed: dict[str, tuple[Change, ...]] = {}
    waiting: set[int] = set()
    for device, items in changes.items():
        allowed[device], blocked = _without_unready(items, wanted.get(device, RuleSet()), unready, bypass_labels)
        waiting |= blocked
    return HeldBack(_without_needed(allowed, held, last, alive, cables), frozenset(waiting))


def _unready(wanted: Mapping[str, RuleSet], last: Mapping[str, Sequence[RuleSet]]) -> frozenset[int]:
    """Labels for which an unreachable device should have rules, or may have some, but perhaps has not.

    A label that is no longer wanted counts, too: a group that was made for it, and not used because the device was
    lost, stays as it is when what is wanted of it now cannot be had either.
    """
    return frozenset(
        label
        for device, possible in last.items()
        for rules in possible
        for some in (wanted.get(device, RuleSet()), *possible)
        if some is not rules
        for key, flow in some.flows.items()
        if key not in rules.flows and (label := label_matched(flow)) is not None
    )


def _without_unready(
    changes: Iterable[Change], wanted: RuleSet, unready: frozenset[int], bypass_labels: LabelRange
) -> tuple[tuple[Change, ...], set[int]]:
    """One device's changes without those that send traffic to `unready` labels, and the demands that then wait."""
    changes = tuple(changes)
    blocked = {change for change in changes if _turns_to(change, unready)}
    as_before = {change.before.id: change.before for change in blocked if isinstance(change.before, Group)}
    # A new group may be made, but not used; for a bypass label only the protection is not there yet.
    ahead = frozenset(label for label in unready if label not in bypass_labels)
    groups = {**wanted.groups, **as_before}
    unusable = {number for number, group in groups.items() if labels_written(group) & ahead}
    blocked |= {change for change in changes if _sends_to(change, unready, unusable)}
    new = {
        number
        for change in blocked
        if isinstance(change.rule, Flow)
        and change.op is Op.ADD
        and (number := metadata_matched(change.rule)) is not None
    }
    waiting = {
        number
        for change in blocked
        if isinstance(change.rule, Flow) and (number := metadata_matched(change.rule)) is not None
    }
    kept = tuple(change for change in changes if change not in blocked and not _admits(change, new))
    return kept, waiting


def _turns_to(change: Change, unready: frozenset[int]) -> bool:
    """Whether a group that carries traffic would turn to an unready label."""
    return (
        isinstance(change.rule, Group) and change.op is Op.MODIFY and bool(labels_written(change.rule) & unready)
    )


def _sends_to(change: Change, unready: frozenset[int], unusable: set[int]) -> bool:
    """Whether an encap rule would send a demand to an unready label."""
    rule = change.rule
    if change.op is Op.DELETE or not isinstance(rule, Flow) or rule.table != ENCAP.number:
        return False
    return bool(labels_written(rule) & unready or groups_used(rule) & unusable)


def _admits(change: Change, demands: set[int]) -> bool:
    """Whether a change lets frames of these demands in."""
    rule = change.rule
    if change.op is Op.DELETE or not isinstance(rule, Flow):
        return False
    if rule.table == CLASSIFY.number:
        return metadata_written(rule) in demands
    return rule.table == POLICE.number and metadata_matched(rule) in demands


# ── what is still needed ─────────────────────────────────────────────────────────────────────────


def _without_needed(
    changes: Mapping[str, tuple[Change, ...]],
    held: Mapping[str, RuleSet],
    last: Mapping[str, Sequence[RuleSet]],
    alive: frozenset[int],
    cables: Mapping[Port, Port],
) -> Mapping[str, tuple[Change, ...]]:
    """Drop deletions of what rules that stay, here or on unreachable devices, still lead to."""
    needed = _Needed(cables)
    for device, items in changes.items():
        made = [change for change in items if change.op is not Op.DELETE]
        after = held[device]
        for kind in (StageKind.PREPARE, StageKind.SWITCH, StageKind.ADMIT):
            after = apply_changes(after, in_stages(made).get(kind, ()))
        retired = {_identity(change.rule) for change in items if change.op is Op.DELETE}
        for rule in after:
            if _identity(rule) in retired:
                needed.offer((device, 0), rule)
            else:
                needed.need((device, 0), rule)
    for device, possible in last.items():
        for number, rules in enumerate(possible):
            _need_all(needed, (device, number), rules, alive)
    needed.close()
    return {
        device: tuple(
            change for change in items if change.op is not Op.DELETE or not needed.holds((device, 0), change.rule)
        )
        for device, items in changes.items()
    }


def _need_all(needed: _Needed, place: Place, rules: RuleSet, alive: frozenset[int]) -> None:
    """A device that keeps all its rules: what they lead to elsewhere is needed, too."""
    for rule in rules:
        if not isinstance(rule, Flow):
            needed.offer(place, rule)
    for flow in rules.flows.values():
        mark = read_cookie(flow.cookie)
        if mark is None or mark[0] is not Kind.DEMAND or mark[1] in alive:
            needed.need(place, flow)


def _identity(rule: Rule) -> tuple[str, object]:
    return type(rule).__name__, rule.key if isinstance(rule, Flow) else rule.id


Place: TypeAlias = tuple[str, int]
"""A device, and which of the things that it may hold; 0 where that is known."""


@dataclass
class _Needed:
    """Rules that stay, and those on offer that they lead to: by group, label, cable, metadata and meter."""

    cables: Mapping[Port, Port]
    kept: set[tuple[Place, tuple[str, object]]] = field(default_factory=set)
    work: list[tuple[Place, Rule]] = field(default_factory=list)
    offered: dict[tuple[object, ...], list[tuple[Place, Rule]]] = field(default_factory=lambda: defaultdict(list))

    def need(self, place: Place, rule: Rule) -> None:
        entry = place, _identity(rule)
        if entry not in self.kept:
            self.kept.add(entry)
            self.work.append((place, rule))

    def offer(self, place: Place, rule: Rule) -> None:
        """A rule that may go, filed under what would lead to it."""
        if not isinstance(rule, Flow):
            self.offered[type(rule).__name__, place, rule.id].append((place, rule))
        elif is_carrier_rule(rule):
            in_port = rule.match.get("in_port")
            far = self.cables.get((place[0], in_port[0])) if in_port is not None else None
            # What comes over a cable comes from its other end; where that is not known, from anywhere.
            self.offered[("transit", place) if far is None else ("cable", far)].append((place, rule))
        elif rule.table == DEMUX.number or rule.table in (POLICE.number, ENCAP.number):
            self.offered["metadata", place, rule.table, metadata_matched(rule)].append((place, rule))
        elif rule.table != CLASSIFY.number:
            self.offered["label", label_matched(rule)].append((place, rule))

    def close(self) -> None:
        """Follow what is needed until nothing more is."""
        while self.work:
            place, rule = self.work.pop()
            for key in _leads_to(place, rule):
                for where, found in self.offered.get(key, ()):
                    self.need(where, found)

    def holds(self, place: Place, rule: Rule) -> bool:
        return (place, _identity(rule)) in self.kept


def _leads_to(place: Place, rule: Rule) -> Iterable[tuple[object, ...]]:
    yield from (("Group", place, group) for group in groups_used(rule))
    yield from (("label", label) for label in labels_written(rule))
    yield from (("cable", (place[0], port)) for port in ports_used(rule))
    if isinstance(rule, Flow):
        if rule.meter is not None:
            yield "Meter", place, rule.meter
        if rule.table == TRANSIT.number:
            yield "transit", place
        number = metadata_written(rule)
        if number is None:
            number = metadata_matched(rule)
        if rule.goto is not None and number is not None:
            yield "metadata", place, rule.goto, number
