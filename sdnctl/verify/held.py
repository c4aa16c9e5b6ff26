"""V2: do devices hold what was applied? Set arithmetic on rules, device by device.

A rule is *missing* (applied, not held), *extra* (ours, held, not applied), or *altered* (held under the same
identity with another behaviour). Rules of others are counted and left alone. A device that could not be read is
*unknown* as a whole: nothing of it is ever called missing.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from sdnctl.dataplane.text import format_rule
from sdnctl.dataplane.values import Flow, Group, Meter, RuleSet, is_ours
from sdnctl.errors import Diagnostic

Rule: TypeAlias = Flow | Group | Meter


class Held(StrEnum):
    """What is known of one device."""

    MATCH = "match"
    DRIFT = "drift"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Altered:
    """One rule with another behaviour than was applied."""

    applied: Rule
    observed: Rule


@dataclass(frozen=True, slots=True)
class DeviceHeld:
    """The comparison of one device; `matching` counts rules that are as applied, `foreign` those of others."""

    device: str
    status: Held
    matching: int = 0
    missing: tuple[Rule, ...] = ()
    extra: tuple[Rule, ...] = ()
    altered: tuple[Altered, ...] = ()
    foreign: int = 0
    applied: int = 0

    @property
    def differs(self) -> bool:
        return self.status is Held.DRIFT

    @property
    def unknown(self) -> bool:
        return self.status is Held.UNKNOWN

    @property
    def summary(self) -> str:
        """The finding in a few words: ``2 missing, 0 extra, 1 altered``."""
        if self.unknown:
            return "could not be read"
        return f"{len(self.missing)} missing, {len(self.extra)} extra, {len(self.altered)} altered"


@dataclass(frozen=True, slots=True)
class HeldReport:
    """V2 of all devices, in order of name; it holds (`ok`) only if every device was read and matches."""

    devices: Mapping[str, DeviceHeld]

    @property
    def ok(self) -> bool:
        return all(device.status is Held.MATCH for device in self.devices.values())

    @property
    def drifted(self) -> tuple[str, ...]:
        return tuple(device.device for device in self.devices.values() if device.status is Held.DRIFT)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(device.device for device in self.devices.values() if device.status is Held.UNKNOWN)

    def counts(self) -> dict[str, int]:
        """Rules by finding, over all devices; ``unknown`` counts the rules applied to unread devices."""
        return {
            "matching": sum(device.matching for device in self.devices.values()),
            "missing": sum(len(device.missing) for device in self.devices.values()),
            "extra": sum(len(device.extra) for device in self.devices.values()),
            "altered": sum(len(device.altered) for device in self.devices.values()),
            "foreign": sum(device.foreign for device in self.devices.values()),
            "unknown": sum(device.applied for device in self.devices.values() if device.status is Held.UNKNOWN),
        }

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """One diagnostic per device that does not hold what was applied, or that nobody could ask."""
        return tuple(_diagnostic(device) for device in self.devices.values() if device.status is not Held.MATCH)

    def to_json(self) -> dict[str, Any]:
        """Counts, and the rules by device as text."""
        return {
            "level": "V2",
            "ok": self.ok,
            "counts": self.counts(),
            "devices": [_json(device) for device in self.devices.values()],
        }


def compare(applied: Mapping[str, RuleSet], observed: Mapping[str, RuleSet | None]) -> HeldReport:
    """Compare what was applied with what devices reported.

    A device of `applied` that is None or absent in `observed` could not be read. A device that only `observed`
    knows should hold nothing of ours. `observed` rule sets may contain foreign rules.
    """
    names = sorted(applied.keys() | observed.keys())
    return HeldReport({name: _device(name, applied.get(name, RuleSet()), observed.get(name)) for name in names})


def _device(name: str, applied: RuleSet, observed: RuleSet | None) -> DeviceHeld:
    if observed is None:
        return DeviceHeld(name, Held.UNKNOWN, applied=len(applied))
    want = _by_identity(applied)
    have = {key: rule for key, rule in _by_identity(observed).items() if is_ours(rule) or key in want}
    missing = tuple(rule for key, rule in want.items() if key not in have)
    extra = tuple(rule for key, rule in have.items() if key not in want)
    altered = tuple(Altered(rule, have[key]) for key, rule in want.items() if key in have and have[key] != rule)
    matching = len(want) - len(missing) - len(altered)
    status = Held.DRIFT if missing or extra or altered else Held.MATCH
    return DeviceHeld(
        name, status, matching, missing, extra, altered, len(observed) - len(have), applied=len(applied)
    )


def _by_identity(rules: RuleSet) -> dict[Hashable, Rule]:
    """Rules by what makes two of them the same one in a switch."""
    return {
        **{("meter", number): meter for number, meter in rules.meters.items()},
        **{("group", number): group for number, group in rules.groups.items()},
        **{("flow", key): flow for key, flow in rules.flows.items()},
    }


def _json(device: DeviceHeld) -> dict[str, Any]:
    return {
        "device": device.device,
        "status": str(device.status),
        "applied": device.applied,
        "matching": device.matching,
        "missing": [format_rule(rule) for rule in device.missing],
        "extra": [format_rule(rule) for rule in device.extra],
        "altered": [
            {"applied": format_rule(pair.applied), "observed": format_rule(pair.observed)}
            for pair in device.altered
        ],
        "foreign": device.foreign,
    }


def _diagnostic(device: DeviceHeld) -> Diagnostic:
    address = f"switch {device.device}"
    if device.status is Held.UNKNOWN:
        return Diagnostic(
            "v2-unknown",
            "could not be read, so nothing is known of what it holds",
            address,
            hint="check its management address and that it runs, then verify again",
        )
    return Diagnostic(
        "v2-drift",
        f"does not hold what was applied: {device.summary}",
        address,
        hint="`sdnctl drift` lists the rules; `sdnctl apply` puts them back",
    )
