"""Label for an edit: numbers and hop groups of what changed; everything else keeps what it has.

Equal to what `compiler.label` gives for the whole network on the same baseline, in which all that did not change
has its number already. Raises `Elsewhere` where a range is exhausted: the whole pass says that in words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from sdnctl.compiler.detour import Guard
from sdnctl.compiler.groups import STANDBY, HopGroup, HopGroups, trunk_group_key
from sdnctl.compiler.ir import Baseline, Bypass, LabelRange, Network, Placement, Trunk
from sdnctl.compiler.label import DEMAND_NUMBERS, GROUP_NUMBERS, Labelled, labels_taken, make_trunk, same_path
from sdnctl.compiler.references import DEMAND, GROUP
from sdnctl.compiler.replace_units import Elsewhere
from sdnctl.intents.demand import Demand


@dataclass(frozen=True)
class Edit:
    """What the passes before came to: trunks and guards that changed, and demand ids and service keys to have."""

    placement: Placement
    touched: frozenset[str]  # trunks that were placed, changed or removed
    moved: frozenset[str]  # trunks that may be repaired by other bypasses
    guards: frozenset[Guard]  # whose bypass became another, came or went
    bypasses: tuple[Bypass, ...]
    demands: Mapping[str, Demand]  # of the whole network, by id
    carried: Mapping[str, bool]  # of the demands that changed: whether they are carried now
    services: Mapping[str, bool]  # of their service keys: whether any demand has it now


@dataclass(frozen=True)
class Relabelled:
    """The labelled network, how often each hop group is used, and which groups may differ from before."""

    labelled: Labelled
    labels: Mapping[str, int]  # of trunks and standbys
    bypass_labels: Mapping[str, int]
    counts: Mapping[str, int]
    groups: Mapping[str, HopGroup]
    affected: frozenset[str]


def relabel(
    network: Network,
    before: Labelled,
    counts: Mapping[str, int],
    groups: Mapping[str, HopGroup],
    edit: Edit,
    baseline: Baseline,
) -> Relabelled:
    """Number what is new, drop what is gone. `counts` and `groups`: uses of hop groups, and the groups, by key."""
    placement, settings = edit.placement, network.settings
    taken = _Taken(baseline)

    wanted = {key: key in placement.paths for key in edit.touched}
    wanted |= {key + STANDBY: wanted[key] and placement.paths[key][1] is not None for key in edit.touched}
    good = {key for key in wanted if key in baseline.labels and same_path(key, placement, baseline)}
    labels = _renumber(baseline.labels, wanted, good, taken.labels, settings.trunk_labels)

    chosen = {bypass.key: bypass for bypass in edit.bypasses}
    ids = baseline.ids.get("bypass", {})
    long = {guard.key: guard.key in chosen and len(chosen[guard.key].path.hops) > 1 for guard in edit.guards}
    good = {key for key, there in long.items() if there and baseline.bypasses.get(key) == chosen[key].path}
    bypass_labels = _renumber(ids, long, good, taken.labels, settings.bypass_labels)
    bypasses = _labelled(edit.bypasses, before.bypasses, bypass_labels)

    services = _renumber(
        baseline.ids.get("service", {}), edit.services, edit.services, taken.labels, settings.service_labels
    )
    demands = _renumber(
        baseline.ids.get(DEMAND, {}), edit.carried, edit.carried, lambda: taken.of(DEMAND), DEMAND_NUMBERS
    )

    trunks = {trunk.key: trunk for trunk in before.trunks}
    for key in edit.touched:
        trunks.pop(key, None)
        if key in placement.paths:
            trunks[key] = make_trunk(key, placement, baseline, labels, edit.demands)

    hops, counted, known = dict(before.hops), dict(counts), dict(groups)
    made = HopGroups({bypass.key: bypass for bypass in bypasses}, once=True)
    affected = {f"{kind}:{guard.key}" for guard in edit.guards for kind in ("link", "node")}
    seen: set[str] = set()
    for key in sorted(edit.touched | edit.moved):
        for group in (group for way in hops.pop(key, ()) for group in way):
            counted[group.key] -= 1
            seen.add(group.key)
        if key in trunks:
            hops[key] = made.of(trunks[key])
            for group in (group for way in hops[key] for group in way):
                counted[group.key] = counted.get(group.key, 0) + 1
                known[group.key] = group
                seen.add(group.key)
    for group_key in affected & known.keys():  # the same group with another bypass behind it
        bypass = known[group_key].bypass
        if bypass is not None and counted.get(group_key) and bypass.key in made.bypasses:
            known[group_key] = replace(known[group_key], bypass=made.bypasses[bypass.key])
    keys = {key: counted[key] > 0 for key in seen}
    keys |= {trunk_group_key(key): key in trunks for key in edit.touched}
    numbers = _renumber(baseline.ids.get(GROUP, {}), keys, keys, lambda: taken.of(GROUP), GROUP_NUMBERS)
    for key in seen:
        if not counted[key]:
            del counted[key], known[key]

    labelled = Labelled(
        tuple(trunks[key] for key in sorted(trunks)),
        bypasses,
        demands,
        services,
        numbers,
        placement.local,
        hops,
    )
    return Relabelled(labelled, labels, bypass_labels, counted, known, frozenset(affected | seen))


class _Taken:
    """Numbers that nothing new may get, worked out where something is new."""

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self._labels: set[int] | None = None

    def labels(self) -> set[int]:
        """Every label: what one kind takes is not in the range of another, but may be where ranges changed."""
        if self._labels is None:
            self._labels = set(labels_taken(self.baseline))
        return set(self._labels)

    def of(self, namespace: str) -> set[int]:
        return {*self.baseline.ids.get(namespace, {}).values(), *self.baseline.held.get(namespace, {})}


def _renumber(
    table: Mapping[str, int],
    wanted: Mapping[str, bool],
    good: Collection[str],
    taken: Callable[[], set[int]],
    allowed: LabelRange,
) -> Mapping[str, int]:
    """The table with the keys that are wanted (True) and without those that are not; the same one if that is all.

    What is in the table keeps its number if it is among the `good`; what is new gets the lowest free ones, in
    order of keys.
    """
    gone = [key for key, there in wanted.items() if not there and key in table]
    new = sorted(key for key, there in wanted.items() if there and (key not in table or key not in good))
    if not gone and not new:
        return table
    result = dict(table)
    for key in gone:
        del result[key]
    closed = taken() if new else set()
    number = allowed.first
    for key in new:
        while number in closed:
            number += 1
        if number > allowed.last:
            raise Elsewhere("a range of numbers is exhausted")
        result[key] = number
        number += 1
    return {key: result[key] for key in sorted(result)} if new else result


def _labelled(
    chosen: tuple[Bypass, ...], before: tuple[Bypass, ...], labels: Mapping[str, int]
) -> tuple[Bypass, ...]:
    """The bypasses with their labels; those that are as before are the same objects."""
    known = {bypass.key: bypass for bypass in before}
    found = []
    for bypass in chosen:
        label = labels.get(bypass.key)
        old = known.get(bypass.key)
        same = old is not None and old.label == label and old.path is bypass.path and old.users is bypass.users
        found.append(old if old is not None and same else replace(bypass, label=label))
    return tuple(found)


def with_other_rules(before: Labelled, after: Labelled, keys: Collection[str]) -> tuple[list[Trunk], list[Trunk]]:
    """Those of some trunks whose rules differ: as they were, and as they are."""
    was, now = ({trunk.key: trunk for trunk in side.trunks if trunk.key in keys} for side in (before, after))
    differ = [
        key
        for key in sorted(keys)
        if key not in was or key not in now or _decisive(was[key], before) != _decisive(now[key], after)
    ]
    return [was[key] for key in differ if key in was], [now[key] for key in differ if key in now]


def _decisive(trunk: Trunk, labelled: Labelled) -> tuple[object, ...]:
    """What the rules of a trunk depend on."""
    hops = tuple(group.key for way in labelled.hops[trunk.key] for group in way)
    return trunk.label, trunk.path, trunk.standby, trunk.standby_label, trunk.flipped, hops
