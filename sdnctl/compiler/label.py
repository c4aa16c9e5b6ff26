"""Pass 4: numbers for everything. Trunk, bypass and service labels, demand and group numbers.

What the baseline numbered keeps its number; what is new gets the lowest free one, in sorted order of keys.
**Path = label**: a trunk or bypass whose path changed always gets a new label, so that old and new coexist while
traffic moves. A number that the baseline uses, or that some switch may still hold, is never given to
anything else in the same compilation: between two stages of a plan it would mean two things.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sdnctl.compiler.groups import STANDBY, HopGroup, HopGroups, trunk_group_key
from sdnctl.compiler.ir import Baseline, Bypass, LabelRange, Network, Placement, Settings, Trunk
from sdnctl.compiler.references import DEMAND, GROUP, LABEL, numbers
from sdnctl.compiler.tags import TAG, still_held
from sdnctl.dataplane.attachment import Attachments
from sdnctl.dataplane.values import GROUP_BASE, GROUP_LIMIT, METER_BASE, METER_LIMIT, RuleSet
from sdnctl.errors import Diagnostic, Diagnostics
from sdnctl.intents.demand import Demand
from sdnctl.topology.graph import Path
from sdnctl.units import Bitrate

DEMAND_NUMBERS = LabelRange(1, METER_LIMIT - METER_BASE)
GROUP_NUMBERS = LabelRange(1, GROUP_LIMIT - GROUP_BASE)


@dataclass(frozen=True)
class Labelled:
    """Trunks and bypasses with their labels, and the numbers of all else.

    `demands`: demand id → number (meter id − METER_BASE). `services`: service key → label. `groups`:
    group key → number (group id − GROUP_BASE). `local`: ids of demands whose ends are on one switch. `hops`: trunk
    key → the group of every hop of its path, and of its standby.
    """

    trunks: tuple[Trunk, ...]
    bypasses: tuple[Bypass, ...]
    demands: Mapping[str, int]
    services: Mapping[str, int]
    groups: Mapping[str, int]
    local: tuple[str, ...]
    hops: Mapping[str, tuple[tuple[HopGroup, ...], ...]]


def service_key(demand: Demand) -> str:
    """A service label's identity: one application at one egress endpoint."""
    return f"{demand.application}>{demand.egress.id}"


def label(
    network: Network, placement: Placement, bypasses: tuple[Bypass, ...], baseline: Baseline
) -> tuple[Labelled, tuple[Diagnostic, ...]]:
    """Number everything that was placed; the diagnostics say which range is exhausted (all of them at once).

    Whatever got no number is left out of the result, which is then of no use but for further diagnostics.
    """
    found = Diagnostics()
    settings = network.settings
    by_id = {demand.id: demand for demand in network.demands}
    carried = sorted({*placement.local, *(item for group in placement.members.values() for item in group)})
    taken = labels_taken(baseline)

    labels = _allocate(
        _trunk_keys(placement),
        {key: number for key, number in baseline.labels.items() if same_path(key, placement, baseline)},
        taken,
        settings.trunk_labels,
        _exhausted(found, settings, "trunk"),
    )
    bypass_labels = _allocate(
        (bypass.key for bypass in bypasses if len(bypass.path.hops) > 1),
        _kept_bypasses(bypasses, baseline),
        taken,
        settings.bypass_labels,
        _exhausted(found, settings, "bypass"),
    )
    services = _allocate(
        {service_key(by_id[key]) for key in carried},
        baseline.ids.get("service", {}),
        taken,
        settings.service_labels,
        _exhausted(found, settings, "service"),
    )
    demands = _allocate(
        carried,
        baseline.ids.get(DEMAND, {}),
        {*baseline.ids.get(DEMAND, {}).values(), *baseline.held.get(DEMAND, {})},
        DEMAND_NUMBERS,
        _exhausted(found, settings, "demand"),
    )
    trunks = tuple(
        make_trunk(key, placement, baseline, labels, by_id) for key in sorted(placement.paths) if key in labels
    )
    labelled = tuple(
        replace(bypass, label=bypass_labels.get(bypass.key))
        for bypass in sorted(bypasses, key=lambda item: item.key)
    )
    made = HopGroups({bypass.key: bypass for bypass in labelled})
    hops = {trunk.key: made.of(trunk) for trunk in trunks}
    groups = _allocate(
        _group_keys(hops),
        baseline.ids.get(GROUP, {}),
        {*baseline.ids.get(GROUP, {}).values(), *baseline.held.get(GROUP, {})},
        GROUP_NUMBERS,
        _exhausted(found, settings, "group"),
    )
    result = Labelled(trunks, labelled, demands, services, groups, tuple(sorted(placement.local)), hops)
    return result, found.sorted()


def _allocate(
    keys: Iterable[str],
    kept: Mapping[str, int],
    taken: Iterable[int],
    allowed: LabelRange,
    exhausted: Callable[[int], None],
) -> dict[str, int]:
    """Keep what is in `kept` and allowed, and give all other keys, in sorted order, the lowest free numbers.

    `exhausted` is told how many keys got none.
    """
    wanted = sorted(set(keys))
    result = {key: kept[key] for key in wanted if key in kept and kept[key] in allowed}
    closed = {*taken, *result.values()}
    new = [key for key in wanted if key not in result]
    number = allowed.first
    for index, key in enumerate(new):
        while number in closed:
            number += 1
        if number > allowed.last:
            exhausted(len(new) - index)
            break
        result[key] = number
        number += 1
    return dict(sorted(result.items()))


def _exhausted(found: Diagnostics, settings: Settings, kind: str) -> Callable[[int], None]:
    ranges = {
        "trunk": settings.trunk_labels,
        "bypass": settings.bypass_labels,
        "service": settings.service_labels,
        "demand": DEMAND_NUMBERS,
        "group": GROUP_NUMBERS,
    }

    def report(missing: int) -> None:
        limits = ranges[kind]
        configurable = kind in ("trunk", "bypass", "service")
        found.error(
            "range-exhausted",
            f"no free {kind} {'label' if configurable else 'number'} for {missing} more",
            address=f"network {settings.name} {kind} {'labels' if configurable else 'numbers'}",
            detail=f"the range {limits.first}…{limits.last} is in use; what the last applied state used and "
            "switches have not yet confirmed as deleted counts too",
            hint=f"widen labels.{kind} in network.yaml" if configurable else "split the network",
        )

    return report


def labels_taken(baseline: Baseline) -> frozenset[int]:
    """Labels of the baseline, of whatever kind."""
    return frozenset(
        (
            *baseline.labels.values(),
            *baseline.ids.get("bypass", {}).values(),
            *baseline.ids.get("service", {}).values(),
            *baseline.quarantine,
        )
    )


def _trunk_keys(placement: Placement) -> Iterable[str]:
    for key, (_, standby) in placement.paths.items():
        yield key
        if standby is not None:
            yield key + STANDBY


def same_path(key: str, placement: Placement, baseline: Baseline) -> bool:
    """Whether a trunk label still names the path it named."""
    trunk = key.removesuffix(STANDBY)
    if trunk not in placement.paths:
        return False
    path, standby = placement.paths[trunk]
    if key.endswith(STANDBY):
        return standby is not None and baseline.standby.get(trunk) == standby
    return baseline.paths.get(trunk) == path


def _kept_bypasses(bypasses: Iterable[Bypass], baseline: Baseline) -> dict[str, int]:
    ids = baseline.ids.get("bypass", {})
    return {
        bypass.key: ids[bypass.key]
        for bypass in bypasses
        if bypass.key in ids and baseline.bypasses.get(bypass.key) == bypass.path
    }


def make_trunk(
    key: str, placement: Placement, baseline: Baseline, labels: Mapping[str, int], demands: Mapping[str, Demand]
) -> Trunk:
    """A placed trunk with its labels; `demands` by id."""
    path, standby = placement.paths[key]
    members = tuple(sorted(placement.members[key]))
    unchanged = baseline.paths.get(key) == path and baseline.standby.get(key) == standby
    return Trunk(
        key,
        labels[key],
        path,
        placement.grades[key],
        members,
        Bitrate(sum(demands[member].cir for member in members)),
        standby,
        labels.get(key + STANDBY),
        flipped=standby is not None and unchanged and key in baseline.flipped,
    )


def _group_keys(hops: Mapping[str, tuple[tuple[HopGroup, ...], ...]]) -> set[str]:
    keys = {trunk_group_key(trunk) for trunk in hops}
    keys.update(group.key for ways in hops.values() for way in ways for group in way)
    return keys


# ── the next baseline ────────────────────────────────────────────────────────────────────────────


def next_baseline(labelled: Labelled, rules: Mapping[str, RuleSet], baseline: Baseline) -> Baseline:
    """What this compilation decided, as the baseline of the next one.

    Labels that are no longer in use go into quarantine with the switches that hold them; retired demand and
    group numbers stay in `held`. Both leave when `settle` sees that the switches let them go.
    """
    held = _held(rules, baseline)
    labels = {trunk.key: trunk.label for trunk in labelled.trunks}
    labels |= {
        trunk.key + STANDBY: trunk.standby_label for trunk in labelled.trunks if trunk.standby_label is not None
    }
    bypass_labels = {bypass.key: bypass.label for bypass in labelled.bypasses if bypass.label is not None}
    live = {*labels.values(), *bypass_labels.values(), *labelled.services.values()}
    holders = held.pop(LABEL, {})
    quarantine = {number: switches for number, switches in holders.items() if number not in live}
    held[LABEL] = {number: switches for number, switches in holders.items() if number in live}
    return Baseline(
        paths={trunk.key: trunk.path for trunk in labelled.trunks},
        standby={trunk.key: trunk.standby for trunk in labelled.trunks if trunk.standby is not None},
        labels=dict(sorted(labels.items())),
        bypasses={bypass.key: bypass.path for bypass in labelled.bypasses},
        members=dict(sorted((member, trunk.key) for trunk in labelled.trunks for member in trunk.demands)),
        ids={
            "bypass": bypass_labels,
            DEMAND: labelled.demands,
            GROUP: labelled.groups,
            "service": labelled.services,
        },
        quarantine=quarantine,
        flipped=frozenset(trunk.key for trunk in labelled.trunks if trunk.flipped),
        held={namespace: held[namespace] for namespace in sorted(held)},
    )


def _held(rules: Mapping[str, RuleSet], baseline: Baseline) -> dict[str, dict[int, tuple[str, ...]]]:
    """Namespace → number → switches: what the new rules contain, and what earlier ones may still."""
    holders: dict[str, dict[int, tuple[str, ...]]] = defaultdict(dict)
    for switch in sorted(rules):
        alone = (switch,)
        for namespace, found in numbers(rules[switch]).items():
            table = holders[namespace]
            for number in found:
                table[number] = table[number] + alone if number in table else alone
    for namespace, held in (*baseline.held.items(), (LABEL, retired(baseline))):
        if namespace == TAG:
            continue  # those are `tags.with_tags`'
        table = holders[namespace]
        for number, switches in held.items():
            now = table.get(number)
            if now is None:
                table[number] = switches
            elif now != switches:
                table[number] = tuple(sorted({*now, *switches}))
    return {namespace: {number: table[number] for number in sorted(table)} for namespace, table in holders.items()}


def retired(baseline: Baseline) -> Mapping[int, tuple[str, ...]]:
    """Labels in quarantine, and those of paths that the baseline names: the switches of the path hold them."""
    known = baseline.held.get(LABEL, {})
    bypass_labels = baseline.ids.get("bypass", {})
    if known.keys() >= {*baseline.labels.values(), *bypass_labels.values()}:
        return baseline.quarantine
    table: dict[int, set[str]] = {number: set(switches) for number, switches in baseline.quarantine.items()}
    paths: list[tuple[int | None, Path]] = [
        (baseline.labels.get(key + suffix), path)
        for suffix, ways in (("", baseline.paths), (STANDBY, baseline.standby))
        for key, path in ways.items()
    ]
    paths += [(bypass_labels.get(key), path) for key, path in baseline.bypasses.items()]
    for number, path in paths:
        if number is not None and number not in known:
            table.setdefault(number, set()).update(path.nodes)
    return {number: tuple(sorted(switches)) for number, switches in table.items()}


def settle(
    baseline: Baseline,
    observed: Mapping[str, RuleSet | None],
    gone: Iterable[str] = (),
    attachments: Mapping[str, Attachments | None] | None = None,
) -> Baseline:
    """The same baseline, without what switches (and devices, for tags) have let go of.

    `observed` maps each switch to the rules read back from it, or None where it did not answer: it keeps what it
    held; `attachments` likewise for devices. `gone` names switches and devices that will never answer again.
    Numbers that nobody holds any more are free.
    """
    found = {switch: numbers(rules) for switch, rules in observed.items() if rules is not None}
    lost = frozenset(gone)

    def holding(namespace: str, table: Mapping[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
        kept = {
            number: tuple(
                switch
                for switch in switches
                if switch not in lost
                and (switch not in found or number in found[switch].get(namespace, frozenset()))
            )
            for number, switches in table.items()
        }
        return {number: switches for number, switches in kept.items() if switches}

    held = {namespace: holding(namespace, table) for namespace, table in baseline.held.items() if namespace != TAG}
    if TAG in baseline.held:
        held[TAG] = still_held(baseline.held[TAG], observed, attachments or {}, lost)
    return replace(
        baseline,
        quarantine=holding(LABEL, baseline.quarantine),
        held={namespace: held[namespace] for namespace in baseline.held},
    )
