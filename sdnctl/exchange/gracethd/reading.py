"""Tables to records: one pass over a delivery, with everything that is wrong in it."""

from __future__ import annotations

from dataclasses import dataclass

from sdnctl.exchange.gracethd.cables import Cables, read_cables
from sdnctl.exchange.gracethd.cords import jumpers
from sdnctl.exchange.gracethd.defects import Findings
from sdnctl.exchange.gracethd.ducts import read_ducts
from sdnctl.exchange.gracethd.joints import Joints, read_joints
from sdnctl.exchange.gracethd.orphans import find_orphans
from sdnctl.exchange.gracethd.places import Places, read_places
from sdnctl.exchange.gracethd.records import Item, Records
from sdnctl.exchange.gracethd.remainder import read_remainder
from sdnctl.exchange.gracethd.schema import Version
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.ways import Ways, line_ends, read_ways


@dataclass(frozen=True)
class Reading:
    """What a delivery says, and by which codes it says it. `jumpers`: patch cords between frames."""

    records: Records
    findings: Findings
    places: Places
    ways: Ways
    cables: Cables
    joints: Joints
    jumpers: list[Item]


def version_of(store: Store) -> Version:
    """The version whose tables a delivery has; 2.0 where they do not tell."""
    if store.has("t_cab_chem"):
        return Version.V31
    return Version.V30 if store.first("t_site", "t_local") else Version.V2


def read_delivery(store: Store, snap: float = 0.0) -> Reading:
    """Records and findings. `snap`: metres up to which ends of lines are moved onto their nodes."""
    findings = Findings({name: table.file for name, table in store.tables.items() if table.file})
    records = Records()
    places = read_places(store, records, findings, line_ends(store))
    ways = read_ways(store, places, records, findings, snap)
    read_ducts(store, places, records, findings, ways)
    cables = read_cables(store, places, ways, records, findings)
    joints = read_joints(store, places, cables, records, findings)
    cords = jumpers(cables.patches, joints.plugs, findings)
    find_orphans(store, findings)
    sure = read_remainder(store, records, findings)
    for name, guesses in joints.guesses.items():
        if name not in sure:
            findings.inferred += guesses
    return Reading(records, findings, places, ways, cables, joints, cords)
