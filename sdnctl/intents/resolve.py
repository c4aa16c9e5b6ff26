"""The first pass: applications to demands, and everything that their files say wrongly about the network.

The result does not depend on the order of files, of keys, or of endpoints: demands are sorted by id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sdnctl.document import Document
from sdnctl.errors import Diagnostics, Source
from sdnctl.intents.claims import check_claims
from sdnctl.intents.demand import Demand, Endpoint, ServiceClass
from sdnctl.intents.expand import expand
from sdnctl.intents.limits import check_avoided_ends, check_frames, check_quotas
from sdnctl.intents.models import Application, TenantModel, TenantsFile
from sdnctl.intents.references import Head, check_names, check_references, head
from sdnctl.intents.select import Selection
from sdnctl.topology.graph import Topology
from sdnctl.units import Octets


def read_tenants(
    document: Document[TenantsFile] | None, out: Diagnostics
) -> tuple[dict[str, TenantModel], dict[str, Source]]:
    """Tenants by id, and where each stands."""
    tenants: dict[str, TenantModel] = {}
    sources: dict[str, Source] = {}
    for index, tenant in enumerate(document.value.tenants if document is not None else ()):
        assert document is not None
        source = document.at("tenants", index)
        if tenant.id in tenants:
            out.error(
                "duplicate-id",
                f"tenant {tenant.id} is declared twice",
                address=f"tenant {tenant.id}",
                source=source,
                detail=f"It was declared first at {sources[tenant.id]}.",
                hint="Give one of the two another id, or delete it.",
            )
            continue
        tenants[tenant.id], sources[tenant.id] = tenant, source
    return tenants, sources


def resolve(
    applications: Sequence[Document[Application]],
    endpoints: Mapping[str, Endpoint],
    classes: Mapping[str, ServiceClass],
    tenants: Mapping[str, TenantModel],
    mtu: Octets,
    topology: Topology | None = None,
    *,
    faulty: Sequence[Document[Head]] = (),
    dormant: Collection[str] = (),
    also_known: Collection[str] = (),
    tenant_sources: Mapping[str, Source] | None = None,
) -> tuple[tuple[Demand, ...], Diagnostics]:
    """The directed demands of all applications, sorted by id, and what is wrong with them.

    `mtu` is the service MTU of applications that name none. Without `topology` (its files have faults) nothing is
    checked against it. `faulty` are the heads of applications whose files could not be validated;
    `dormant` are endpoints that exist but are not in service; `also_known` are names of things that may be
    avoided although they are not in the topology now. The demands are usable only without errors.
    """
    out = Diagnostics()
    ordered = sorted(applications, key=lambda document: (document.value.application, document.file))
    heads = [Document(document.file, head(document.value), document.lines) for document in ordered]
    every = sorted([*heads, *faulty], key=lambda document: (document.value.application, document.file))
    repeated = check_names(every, out)
    check_references(every, classes, tenants, topology, also_known, out)
    selection = Selection({key: endpoints[key] for key in sorted(endpoints)}, frozenset(dormant), out)
    demands: dict[str, Demand] = {}
    for document in ordered:
        found = expand(document, selection, classes.get(document.value.service_class), mtu, out)
        if document.file not in repeated:
            demands.update((demand.id, demand) for demand in found)
    result = tuple(demands[key] for key in sorted(demands))
    check_claims(result, out)
    check_quotas(result, tenants, tenant_sources or {}, out)
    if topology is not None:
        check_frames(result, {one.value.application: one for one in ordered}, topology, out)
        check_avoided_ends(result, topology, out)
        result = _reachable(result, topology, out)
    return result, out


def _reachable(demands: tuple[Demand, ...], topology: Topology, out: Diagnostics) -> tuple[Demand, ...]:
    """Leave out demands of endpoints whose switch is not in the topology: planned, or out for maintenance."""
    away: dict[str, set[str]] = {}
    for demand in demands:
        for end in (demand.ingress, demand.egress):
            if end.attachment.node not in topology.nodes:
                away.setdefault(demand.application, set()).add(end.id)
    for application, names in sorted(away.items()):
        shown = ", ".join(sorted(names)[:5]) + (" …" if len(names) > 5 else "")
        out.warning(
            "endpoint-out-of-service",
            f"{len(names)} endpoints of {application} are on switches that are out of service",
            address=f"application {application}",
            source=next(demand.source for demand in demands if demand.application == application),
            detail=f"They get no service: {shown}.",
            hint="See topology/maintenance.yaml, and the status in inventory/equipment.yaml.",
        )
    return tuple(
        demand
        for demand in demands
        if demand.ingress.attachment.node in topology.nodes and demand.egress.attachment.node in topology.nodes
    )
