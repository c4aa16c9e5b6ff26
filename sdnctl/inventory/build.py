"""Documents to plant: every reference resolved, every fault reported at once.

The stages run in the order in which things refer to each other. A thing with a fault is left out, and
what refers to it is left out silently, so that each fault is reported once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.attachments import read_attachments
from sdnctl.inventory.cables import read_cable_types, read_cables
from sdnctl.inventory.channels import check_channels
from sdnctl.inventory.collect import Collector
from sdnctl.inventory.devices import read_devices
from sdnctl.inventory.ducting import check_contents, check_masks
from sdnctl.inventory.gear import (
    Patching,
    read_attenuators,
    read_jumpers,
    read_passives,
    read_switches,
    read_transceivers,
)
from sdnctl.inventory.joints import Joints, read_closures, read_odfs
from sdnctl.inventory.plant import Plant
from sdnctl.inventory.routes import read_chambers, read_ducts, read_hazards, read_segments, read_sites


def build_plant(documents: Mapping[str, Document[Any]]) -> tuple[Plant, Diagnostics]:
    """The plant of a network, and everything that is wrong with it.

    `documents` maps paths of `files.FILES` to what loaders read; files that are not there are empty.
    The plant is usable only if the diagnostics hold no error.
    """
    c = Collector(documents)
    sites = read_sites(c)
    chambers = read_chambers(c)
    segments = read_segments(c, sites, chambers)
    ducts = read_ducts(c, segments)
    check_masks(c, ducts)
    types = read_cable_types(c)
    cables = read_cables(c, types, segments, ducts)
    check_contents(c, ducts, cables, types)
    hazards = read_hazards(c)
    joints = Joints(cables, types)
    closures = read_closures(c, joints)
    odfs = read_odfs(c, joints)
    passives = read_passives(c)
    transceivers = read_transceivers(c)
    switches, written = read_switches(c, transceivers)
    placed = {key: switch for key, switch in switches.items() if switch.site in sites}
    patching = Patching(odfs, passives, placed, sites, joints)
    read_jumpers(c, patching, written)
    devices = read_devices(c, patching)
    access = read_attachments(c, patching, sites, chambers, devices)
    plant = Plant(
        sites=sites,
        chambers=chambers,
        segments=segments,
        ducts=ducts,
        cable_types=types,
        cables=cables,
        closures=closures,
        splice_runs=tuple(joints.splices),
        cut_places=joints.cut_places,
        odfs=odfs,
        termination_runs=tuple(joints.terminations),
        passives=passives,
        jumpers=tuple(patching.jumpers),
        hazards=hazards,
        transceivers=transceivers,
        switches=placed,
        access=access,
        attenuators=read_attenuators(c),
        devices={key: device for key, device in devices.items() if device.switch in placed},
    )
    check_channels(c, plant)
    return plant, c.diagnostics
