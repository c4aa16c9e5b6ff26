"""The network folder as a whole: every file read, every stage run, every fault of all of them reported at once.

    files → Documents → plant → topology ┐
                      → classes, tenants ├→ demands → Network
                      → endpoints        ┘

A file or object with a fault is left out and the stages go on with the rest; what is reported only
because something faulty is missing is held back, because it goes away with the first fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdnctl.compiler.ir import Network, Settings, Tenant
from sdnctl.dataplane.bulk import in_bulk
from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.intents.classes import service_classes
from sdnctl.intents.demand import Endpoint, ServiceClass
from sdnctl.intents.endpoints import read_endpoints
from sdnctl.intents.models import Application, ClassesFile
from sdnctl.intents.references import Head, head
from sdnctl.intents.resolve import read_tenants, resolve
from sdnctl.inventory.access import AccessLine, access_lines
from sdnctl.inventory.areas import Area, read_areas
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.files import FILES as INVENTORY
from sdnctl.inventory.plant import Plant
from sdnctl.topology.control import diagnose, read_control
from sdnctl.topology.derive import derive
from sdnctl.topology.graph import PortRef, Topology
from sdnctl.workspace.consequences import Faults
from sdnctl.workspace.convention import AREAS, CLASSES, CONTROL, ENDPOINTS, LINKS, MAINTENANCE, NETWORK, TENANTS
from sdnctl.workspace.names import known_names
from sdnctl.workspace.read import Read, read_folder
from sdnctl.workspace.settings import read_settings

_UNREFERRED = frozenset({ENDPOINTS, "inventory/hazards.yaml", AREAS})
"""Inventory files that no other inventory file refers to: without them the plant can still be judged."""


@dataclass(frozen=True)
class Loaded:
    """A network folder without errors: the network, its plant, the documents by file, and warnings.

    `access`: the line from each access port to its customers, dark ones too (then with faults).
    """

    network: Network
    plant: Plant
    diagnostics: tuple[Diagnostic, ...]
    documents: Mapping[str, Document[Any]]
    access: tuple[AccessLine, ...] = ()
    areas: tuple[Area, ...] = ()


def load_network(folder: Path) -> Loaded:
    """Load a network folder; raises InputError with every fault in it (and its warnings)."""
    out = Diagnostics()
    with in_bulk():  # what is loaded stays: there is no garbage to look for
        read = read_folder(folder, out)
        if not read.documents and not read.lost:
            raise InputError(*out.sorted())
        network, plant, access = _stages(read, out)
        areas = read_areas(read.documents.get(AREAS), out)
    out.raise_if_errors(InputError)
    return Loaded(network, plant, out.sorted(), read.documents, access, areas)


@dataclass(frozen=True, slots=True)
class _Derived:
    """The topology, and what deriving it found."""

    value: Topology
    found: Diagnostics


def _stages(read: Read, out: Diagnostics) -> tuple[Network, Plant, tuple[AccessLine, ...]]:
    """Run every stage with what there is; the result is complete if `out` holds no error then."""
    faults = Faults(read.lost, read.broken)
    settings, profile = _settings(read, out)
    plant = _plant(read, faults, out)
    topology = _topology(read, plant, faults, out)
    _control(read, plant, topology, faults, out)
    classes = _classes(read, profile, faults, out)
    tenants, tenant_sources = read_tenants(read.documents.get(TENANTS), out)
    areas = {site.id: site.area for site in plant.sites.values()} if plant is not None else {}
    endpoints = read_endpoints(read.documents.get(ENDPOINTS), out, areas, _uplinks(plant, topology))
    faults = replace(faults, broken={*faults.broken, *endpoints.misplaced})
    if plant is not None and topology is not None:
        _check_edge_ports(endpoints.active, topology.value, plant, out)
    access = _access(plant, faults, out)
    applications, faulty = _applications(read, faults)
    demands, found = resolve(
        applications,
        endpoints.active,
        classes,
        tenants,
        settings.mtu,
        topology.value if topology else None,
        faulty=faulty,
        dormant=endpoints.dormant,
        also_known=known_names(read.documents, plant, topology.found if topology else Diagnostics()),
        tenant_sources=tenant_sources,
    )
    gone = [kind for file, kind in ((CLASSES, "class"), (TENANTS, "tenant")) if faults.lost_any(file)]
    out.extend(faults.keep(found, *gone))
    network = Network(
        settings,
        topology.value if topology else Topology({}, {}),
        endpoints.active,
        classes,
        {key: Tenant(key, one.name, one.quota, one.max_endpoints) for key, one in sorted(tenants.items())},
        demands,
    )
    return network, plant or build_plant({})[0], access


def _uplinks(plant: Plant | None, topology: _Derived | None) -> dict[str, PortRef | None]:
    """Every device, and the switch port that it is plugged into, None where it is not in service."""
    known = plant.devices if plant is not None else {}
    alive = topology.value.devices if topology is not None else {}
    return {key: alive[key].at if key in alive else None for key in known}


def _settings(read: Read, out: Diagnostics) -> tuple[Settings, str | None]:
    """Settings and the crisis profile that is switched on; defaults where `network.yaml` has faults."""
    document = read.documents.get(NETWORK)
    if document is None:
        return Settings(""), None
    return read_settings(document, out), document.value.crisis_profile


def _plant(read: Read, faults: Faults, out: Diagnostics) -> Plant | None:
    """The plant; None where a file is lost that others refer to, because then everything would look dangling."""
    if faults.lost_any(*(file for file in INVENTORY if file not in _UNREFERRED)):
        return None
    plant, found = build_plant({file: one for file, one in read.documents.items() if file in INVENTORY})
    out.extend(faults.keep(found))
    return plant


def _access(plant: Plant | None, faults: Faults, out: Diagnostics) -> tuple[AccessLine, ...]:
    lines, found = access_lines(plant) if plant is not None else ((), Diagnostics())
    out.extend(faults.keep(found))
    return lines


def _topology(read: Read, plant: Plant | None, faults: Faults, out: Diagnostics) -> _Derived | None:
    if plant is None or faults.lost_any(LINKS):
        return None
    topology, found = derive(plant, read.documents.get(LINKS), read.documents.get(MAINTENANCE))
    out.extend(faults.keep(found))
    return _Derived(topology, found)


def _control(read: Read, plant: Plant | None, topology: _Derived | None, faults: Faults, out: Diagnostics) -> None:
    """Whether controllers reach every switch under every single failure, where the management network is known."""
    document = read.documents.get(CONTROL)
    if document is None or plant is None or topology is None:
        return
    found = Diagnostics()
    control = read_control(document, plant, topology.value, found)
    if not found.errors:
        found.extend(diagnose(control, topology.value))
    out.extend(faults.keep(found))


def _classes(read: Read, profile: str | None, faults: Faults, out: Diagnostics) -> dict[str, ServiceClass]:
    document = read.documents.get(CLASSES)
    if document is None:
        document = Document(CLASSES, ClassesFile())
        profile = None if faults.lost_any(CLASSES) else profile
    network = read.documents.get(NETWORK)
    found = Diagnostics()
    source = network.at("crisis_profile") if network is not None else None
    classes = service_classes(document, profile, source, found)
    out.extend(faults.keep(found))
    return classes


def _check_edge_ports(
    endpoints: Mapping[str, Endpoint], topology: Topology, plant: Plant, out: Diagnostics
) -> None:
    """Endpoints do not stand on ports of declared links; ports that the plant knows were checked with it."""
    for endpoint in endpoints.values():
        port = endpoint.attachment
        switch = plant.switches.get(port.node)
        link = topology.link_at.get(port) if endpoint.behind is None else None  # of devices it is told
        told = switch is None or (port.port in switch.ports and (port.node, port.port) not in plant.access)
        if link is not None and not told:
            out.error(
                "endpoint-on-trunk-port",
                f"port {port.port} of {port.node} is a port of link {link.id}",
                address=f"endpoint {endpoint.id}",
                source=endpoint.source,
                detail="Trunk ports accept labelled frames only.",
                hint="Plug the endpoint into another port.",
            )


def _applications(read: Read, faults: Faults) -> tuple[list[Document[Application]], list[Document[Head]]]:
    """Applications to resolve, and those of which only the names can be checked.

    The latter are those with faults of their own; all of them where the endpoints are lost.
    """
    applications = [one for file, one in sorted(read.documents.items()) if isinstance(one.value, Application)]
    if not faults.lost_any(ENDPOINTS):
        return applications, read.heads
    return [], [*read.heads, *(Document(one.file, head(one.value), one.lines) for one in applications)]
