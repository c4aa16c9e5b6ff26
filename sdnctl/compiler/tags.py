"""Tags: which VLAN of a device's uplink is whose, and when one that was freed may mean something else.

A tag stays with its endpoint as long as both exist (the baseline has it). One that was freed is given to nobody
before the switch and the device are both seen to have let go of it: until then frames of the next endpoint could
be taken for those of the last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from sdnctl.compiler.ir import Baseline
from sdnctl.dataplane.attachment import Attachments
from sdnctl.dataplane.values import VLAN_PRESENT, RuleSet, is_ours
from sdnctl.errors import Diagnostic
from sdnctl.intents.demand import Behind, Endpoint
from sdnctl.topology.graph import Device, Topology

TAG = "tag"
"""Namespace of a baseline's `ids` (``device/endpoint`` → tag) and `held` (port × 4096 + tag → who holds it)."""
VIDS = 1 << 12


def tag_key(behind: Behind, endpoint: str) -> str:
    """What a baseline calls the tag of an endpoint."""
    return f"{behind.device}/{endpoint}"


def allocate(
    devices: Mapping[str, Device], ends: Mapping[str, Endpoint], baseline: Baseline
) -> tuple[dict[str, int], tuple[Diagnostic, ...]]:
    """Keep what the baseline gave and the inventory still allows; the lowest free tags for what is new, by id."""
    kept = baseline.ids.get(TAG, {})
    wanted: dict[str, list[str]] = defaultdict(list)
    for key, end in sorted(ends.items()):
        if end.behind is not None and end.behind.device in devices:
            wanted[end.behind.device].append(tag_key(end.behind, key))
    result: dict[str, int] = {}
    found: list[Diagnostic] = []
    for name, keys in sorted(wanted.items()):
        device = devices[name]
        allowed = frozenset(device.tags)
        result |= {key: kept[key] for key in keys if kept.get(key) in allowed}
        taken = {tag for key, tag in kept.items() if key.startswith(f"{name}/")} | _held_by(device, baseline)
        free = iter(tag for tag in device.tags if tag not in taken)
        new = [key for key in keys if key not in result]
        result |= dict(zip(new, free, strict=False))
        if missing := [key for key in new if key not in result]:
            found.append(_exhausted(device, len(missing), len(keys)))
    return dict(sorted(result.items())), tuple(found)


def _held_by(device: Device, baseline: Baseline) -> set[int]:
    """Tags that the device, or the switch for its port, was not yet seen to let go of."""
    first = device.at.port * VIDS
    return {
        number % VIDS
        for number, holders in baseline.held.get(TAG, {}).items()
        if device.id in holders or (device.at.node in holders and first <= number < first + VIDS)
    }


def _exhausted(device: Device, missing: int, wanted: int) -> Diagnostic:
    return Diagnostic(
        "tags-exhausted",
        f"device {device.id} has no free VLAN for {missing} of {wanted} endpoints",
        address=f"device {device.id}",
        source=device.source,
        detail=f"it has {len(device.tags)}; what was freed counts until device and switch are seen without it",
        hint="widen `tags` of the device in inventory/equipment.yaml",
    )


def with_tags(baseline: Baseline, topology: Topology, tags: Mapping[str, int], before: Baseline) -> Baseline:
    """The baseline with these tags; the same one where there are none."""
    held = _next_held(topology, tags, before)
    known = before.ids.get(TAG)
    if not tags and not held:
        return baseline
    return replace(
        baseline,
        ids={**baseline.ids, TAG: known if known == tags else tags},
        held=dict(sorted({**baseline.held, TAG: held}.items())),
    )


def _next_held(topology: Topology, tags: Mapping[str, int], before: Baseline) -> Mapping[int, tuple[str, ...]]:
    """Who holds which tag after this compilation: what it gave, and what earlier ones did."""
    known = before.held.get(TAG, {})
    held = {number: set(holders) for number, holders in known.items()}
    for key, tag in tags.items():
        device = topology.devices[key.partition("/")[0]]
        held.setdefault(device.at.port * VIDS + tag, set()).update((device.id, device.at.node))
    after = {number: tuple(sorted(held[number])) for number in sorted(held)}
    return known if after == known else after


def still_held(
    held: Mapping[int, tuple[str, ...]],
    rules: Mapping[str, RuleSet | None],
    attachments: Mapping[str, Attachments | None],
    gone: frozenset[str],
) -> dict[int, tuple[str, ...]]:
    """The same without what was read back: a switch that has no rule for the tag, a device that does not use it.

    None stands for what did not answer: it keeps what it held. `gone` will never answer again.
    """
    on_switches = {switch: _tags_of(found) for switch, found in rules.items() if found is not None}
    on_devices = {
        device: {one.tag for one in found.values()} for device, found in attachments.items() if found is not None
    }

    def holds(holder: str, number: int) -> bool:
        if holder in on_devices:
            return number % VIDS in on_devices[holder]
        return holder not in on_switches or number in on_switches[holder]

    kept = {
        number: tuple(holder for holder in holders if holder not in gone and holds(holder, number))
        for number, holders in held.items()
    }
    return {number: holders for number, holders in kept.items() if holders}


def _tags_of(rules: RuleSet) -> set[int]:
    """Port × 4096 + VLAN of what our rules take in."""
    found = set()
    for flow in rules.flows.values():
        if is_ours(flow):
            port, vlan = flow.match.get("in_port"), flow.match.get("vlan_vid")
            if port is not None and vlan is not None and vlan[0] & VLAN_PRESENT:
                found.add(port[0] * VIDS + vlan[0] % VIDS)
    return found
