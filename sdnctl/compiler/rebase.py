"""The next baseline after an edit: sections in which nothing changed are those of the baseline before.

Equal to `label.next_baseline` for the whole network. That sections stay the same objects is what lets their
digests be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from sdnctl.compiler.ir import Baseline
from sdnctl.compiler.label import retired
from sdnctl.compiler.references import DEMAND, GROUP, LABEL
from sdnctl.compiler.renumber import Edit, Relabelled
from sdnctl.compiler.tags import TAG
from sdnctl.topology.graph import Path

V = TypeVar("V")


def rebase(
    before: Baseline, edit: Edit, renewed: Relabelled, holders: Mapping[str, Mapping[int, tuple[str, ...]]]
) -> Baseline:
    """What this compilation decided; `holders`: namespace → number → switches whose rules contain it now."""
    placement, labelled = edit.placement, renewed.labelled
    paths = {key: placement.paths.get(key) for key in edit.touched}
    bypasses = {bypass.key: bypass.path for bypass in labelled.bypasses} if edit.guards else {}
    members: dict[str, str | None] = {
        key: None for key, carried in edit.carried.items() if not carried or key in placement.local
    }
    members |= {member: key for key in edit.touched for member in placement.members.get(key, ())}
    flipped = {trunk.key for trunk in labelled.trunks if trunk.flipped} if before.flipped else set[str]()

    held = {namespace: _union(before.held.get(namespace), table) for namespace, table in holders.items() if table}
    held |= {
        namespace: table for namespace, table in before.held.items() if namespace not in held and namespace != TAG
    }
    labels = _union(held.pop(LABEL, {}), retired(before))
    live = {*renewed.labels.values(), *renewed.bypass_labels.values(), *labelled.services.values()}
    quarantine = {number: switches for number, switches in labels.items() if number not in live}
    if quarantine:
        labels = {number: switches for number, switches in labels.items() if number in live}
    held[LABEL] = labels
    return Baseline(
        paths=_changed(before.paths, {key: ways and ways[0] for key, ways in paths.items()}),
        standby=_changed(before.standby, {key: ways and ways[1] for key, ways in paths.items()}),
        labels=renewed.labels,
        bypasses=_changed(before.bypasses, _of_guards(edit, bypasses)),
        members=_changed(before.members, members),
        ids={
            "bypass": renewed.bypass_labels,
            DEMAND: labelled.demands,
            GROUP: labelled.groups,
            "service": labelled.services,
        },
        quarantine=before.quarantine if quarantine == before.quarantine else quarantine,
        flipped=before.flipped if flipped == before.flipped else frozenset(flipped),
        held={namespace: held[namespace] for namespace in sorted(held)},
    )


def _of_guards(edit: Edit, bypasses: Mapping[str, Path]) -> dict[str, Path | None]:
    return {guard.key: bypasses.get(guard.key) for guard in edit.guards}


def _changed(table: Mapping[str, V], changes: Mapping[str, V | None]) -> Mapping[str, V]:
    """The table with other values, None for keys that go; the same one where nothing differs."""
    differ = {key: value for key, value in changes.items() if table.get(key) != value}
    if not differ:
        return table
    result = {**table, **differ}
    return {key: value for key in sorted(result) if (value := result[key]) is not None}


def _union(
    held: Mapping[int, tuple[str, ...]] | None, table: Mapping[int, tuple[str, ...]]
) -> Mapping[int, tuple[str, ...]]:
    """Who holds which number by either of two tables; the first one where the second adds nothing."""
    if held is None:
        held = {}
    more: dict[int, tuple[str, ...]] = {}
    for number, switches in table.items():
        known = held.get(number)
        if known is not switches and known != switches:
            union = switches if known is None else tuple(sorted({*known, *switches}))
            if union != known:
                more[number] = union
    if not more:
        return held
    result = {**held, **more}
    return {number: result[number] for number in sorted(result)}
