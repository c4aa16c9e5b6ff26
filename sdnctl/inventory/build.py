"""Documents to plant: every reference resolved, every fault reported at once.

The stages run in the order in which things refer to each other. A thing with a fault is left out, and
what refers to it is left out silently, so that each fault is reported once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.inventory import models
from sdnctl.inventory.cables import read_cable_types, read_cables
from sdnctl.inventory.collect import Collector
from sdnctl.inventory.gear import Patching, read_jumpers, read_passives, read_switches, read_transceivers
from sdnctl.inventory.joints import Joints, read_closures, read_odfs
from sdnctl.inventory.plant import Plant, PortEnd
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
    types = read_cable_types(c)
    cables = read_cables(c, types, segments, ducts)
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
    _check_endpoints(c, patching)
    plant = Plant(
        sites=sites,
        chambers=chambers,
        segments=segments,
        ducts=ducts,
        cable_types=types,
        cables=cables,
        closures=closures,
        splices=tuple(joints.splices),
        cuts=joints.cuts,
        odfs=odfs,
        terminations=joints.terminations,
        pigtails=joints.pigtails,
        passives=passives,
        jumpers=tuple(patching.jumpers),
        hazards=hazards,
        transceivers=transceivers,
        switches=placed,
    )
    return plant, c.diagnostics


def _check_endpoints(c: Collector, patching: Patching) -> None:
    """Endpoints stand on edge ports of switches at their own site, and do not claim the same frames twice."""
    document: Document[tuple[models.EndpointRow, ...]] | None = c.document("inventory/endpoints.csv", tuple)
    if document is None:
        return
    patched = {(end.switch, end.port) for end in patching.held if isinstance(end, PortEnd)}
    whole: dict[tuple[str, int], tuple[str, Source]] = {}
    shared: dict[tuple[str, int], tuple[str, Source]] = {}
    for index, row in enumerate(document.value):
        origin, address = document.at(index), f"endpoint {row.id}"
        if not c.declare("endpoint", row.id, origin):
            continue
        c.exists("site", row.site, address, document.at(index, "site"))
        if not c.exists("switch", row.device, address, document.at(index, "device")):
            continue
        switch = patching.switches.get(row.device)
        if switch is None:
            continue
        if row.site in patching.sites and switch.site != row.site:
            c.error(
                "endpoint-elsewhere",
                f"endpoint {row.id} is at {row.site}, its switch {switch.id} at {switch.site}",
                address,
                origin,
                hint="Correct the site or the device.",
            )
        key = row.device, row.port
        if row.port in switch.ports or key in patched:
            c.error(
                "endpoint-on-trunk-port",
                f"port {row.port} of {row.device} is a trunk port",
                address,
                document.at(index, "port"),
                detail="Trunk ports accept labelled frames only.",
                hint="Plug the endpoint into another port.",
            )
        claims = whole if row.vlan is None and not row.prefixes else shared
        other = (shared if claims is whole else whole).get(key) or (whole.get(key) if claims is whole else None)
        if other is not None:
            c.error(
                "port-claimed-twice",
                f"endpoints {other[0]} and {row.id} both claim port {row.port} of {row.device}",
                address,
                origin,
                detail="One of them takes every frame of the port.",
                hint="Give both a VLAN or prefixes, or another port.",
            )
        claims.setdefault(key, (row.id, origin))
