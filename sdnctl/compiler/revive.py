"""An earlier baseline as the start of a new compilation: its decisions, under numbers that mislead nobody.

Going back to an earlier state must not give a label, demand or group number another meaning than it has on the
switches now: between two stages of the plan it would mean both. So a thing that still exists keeps its present
number, a thing that is gone gets its earlier number back only where nobody took it or may still hold it,
and everything else is numbered anew by the compiler.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace
from typing import TypeVar

from sdnctl.compiler.groups import STANDBY
from sdnctl.compiler.ir import Baseline
from sdnctl.compiler.references import DEMAND, GROUP, LABEL
from sdnctl.compiler.tags import TAG, VIDS

K = TypeVar("K", bound=Hashable)

_Meaning = tuple[str, str, Hashable]
"""What a label stands for: kind, key, and the path, because a label is a path."""


def revive(earlier: Baseline, latest: Baseline) -> Baseline:
    """The decisions of `earlier`, with `latest` deciding which numbers are free."""
    meant, means = _labels(earlier), _labels(latest)
    closed = {*means.values(), *latest.quarantine, *latest.held.get(LABEL, {})}
    labels = _kept(meant, means, closed)
    live = set(labels.values())
    holders = {**latest.held.get(LABEL, {}), **latest.quarantine}
    return replace(
        earlier,
        labels=_of_kind("trunk", labels),
        ids={
            "bypass": _of_kind("bypass", labels),
            "service": _of_kind("service", labels),
            DEMAND: _numbers(DEMAND, earlier, latest),
            GROUP: _numbers(GROUP, earlier, latest),
            **({TAG: tags} if (tags := _tags(earlier, latest)) else {}),
        },
        quarantine={label: switches for label, switches in sorted(holders.items()) if label not in live},
        held={
            **latest.held,
            LABEL: {label: switches for label, switches in sorted(holders.items()) if label in live},
        },
    )


def _labels(baseline: Baseline) -> dict[_Meaning, int]:
    """What every live label stands for."""
    found: dict[_Meaning, int] = {}
    for key, label in baseline.labels.items():
        table = baseline.standby if key.endswith(STANDBY) else baseline.paths
        found["trunk", key, table.get(key.removesuffix(STANDBY))] = label
    for key, label in baseline.ids.get("bypass", {}).items():
        found["bypass", key, baseline.bypasses.get(key)] = label
    for key, label in baseline.ids.get("service", {}).items():
        found["service", key, None] = label
    return found


def _of_kind(kind: str, labels: Mapping[_Meaning, int]) -> dict[str, int]:
    return {
        key: label for (which, key, _), label in sorted(labels.items(), key=lambda item: item[1]) if which == kind
    }


def _numbers(namespace: str, earlier: Baseline, latest: Baseline) -> dict[str, int]:
    now = latest.ids.get(namespace, {})
    return _kept(earlier.ids.get(namespace, {}), now, {*now.values(), *latest.held.get(namespace, {})})


def _tags(earlier: Baseline, latest: Baseline) -> dict[str, int]:
    """As `_numbers`, device by device: each has its own."""
    now = latest.ids.get(TAG, {})
    closed = {(key.partition("/")[0], tag) for key, tag in now.items()}
    closed |= {
        (holder, number % VIDS) for number, holders in latest.held.get(TAG, {}).items() for holder in holders
    }
    return {
        key: now.get(key, tag)
        for key, tag in earlier.ids.get(TAG, {}).items()
        if key in now or (key.partition("/")[0], tag) not in closed
    }


def _kept(earlier: Mapping[K, int], now: Mapping[K, int], closed: Collection[int]) -> dict[K, int]:
    return {key: now.get(key, number) for key, number in earlier.items() if key in now or number not in closed}
