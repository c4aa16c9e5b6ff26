"""`intents/README.md`: what the intent files ask for, counted from their demands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from sdnctl.errors import Diagnostics, InputError
from sdnctl.intents.classes import service_classes
from sdnctl.intents.demand import Demand
from sdnctl.intents.endpoints import read_endpoints
from sdnctl.intents.models import Application
from sdnctl.intents.resolve import read_tenants, resolve
from sdnctl.intents.retention import storage
from sdnctl.units import Octets, format_bitrate, format_duration, format_size
from sdnctl.workspace.convention import CLASSES, ENDPOINTS, TENANTS
from sdnctl.workspace.read import read_folder

HEAD = """\
# intents/

Data; its code is `sdnctl/intents`. What the services of Nîmes Métropole need, one file per application;
`classes.yaml` is the admission ladder, `tenants.yaml` says who may ask for how much. All of it is written by
`python -m lab.reference`.

**What is fact**: which services run over the network, that some 800 cameras collect 2 PB per cycle, that every
school is on fibre, that 39 communes share services and a datacentre, that partner operators sell circuits.
**What is synthetic**: rates, protection, counts of everything else, addresses (RFC 1918, RFC 4193), names of
operators. One school per 1,200 inhabitants is an assumption, and so is a retention of 30 days; with it 2 PB are
6.16 Gbit/s, 7.7 Mbit/s a camera on average.

Rates are committed ones, of all demands of the application in one direction: up is to the root of a tree (or from
`a` to `b`), down the other way; in a mesh all demands count as up. Protection is what is asked for, with how many
demands ask for it.

"""


def readme(files: Mapping[str, str], areas: Mapping[str, str]) -> str:
    """The README beside these files (`areas`: site → its area); raises InputError for faults in them."""
    applications, demands = resolved(files, areas)
    rows = [
        "| application | tenant | class | service | endpoints | demands | up | down | protection |",
        "|---|---|---|---|--:|--:|--:|--:|---|",
        *(_row(applications[name], some) for name, some in sorted(_by_application(demands).items())),
    ]
    total = f"\n{len(demands)} demands of {len(_ends(demands))} endpoints.\n"
    return HEAD + "\n".join(rows) + "\n" + total + _kept(applications, demands)


def resolved(
    files: Mapping[str, str], areas: Mapping[str, str]
) -> tuple[dict[str, Application], tuple[Demand, ...]]:
    """Applications by name, and all demands, whatever the plant says; raises InputError with every fault."""
    out = Diagnostics()
    with TemporaryDirectory() as name:
        for file, text in {"network.yaml": "name: reference\n", **files}.items():
            path = Path(name) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        read = read_folder(Path(name), out)
    out.raise_if_errors(InputError)
    tenants, sources = read_tenants(read.documents[TENANTS], out)
    documents = [one for one in read.documents.values() if isinstance(one.value, Application)]
    demands, found = resolve(
        documents,
        read_endpoints(read.documents[ENDPOINTS], out, areas).active,
        service_classes(read.documents[CLASSES], None, None, out),
        tenants,
        Octets(1500),
        tenant_sources=sources,
    )
    out.extend(found)
    out.raise_if_errors(InputError)
    return {one.value.application: one.value for one in documents}, demands


def _by_application(demands: tuple[Demand, ...]) -> dict[str, list[Demand]]:
    found: dict[str, list[Demand]] = {}
    for demand in demands:
        found.setdefault(demand.application, []).append(demand)
    return found


def _ends(demands: tuple[Demand, ...] | list[Demand]) -> set[str]:
    return {demand.ingress.id for demand in demands}


def _row(application: Application, demands: list[Demand]) -> str:
    up, down = _rates(application, demands)
    grades = Counter(str(demand.grade) for demand in demands)
    cells = (
        application.application,
        application.tenant,
        application.service_class,
        str(application.service),
        str(len(_ends(demands))),
        str(len(demands)),
        format_bitrate(up),
        format_bitrate(down) if down else "",
        ", ".join(f"{grade} {count}" for grade, count in sorted(grades.items())),
    )
    return f"| {' | '.join(cells)} |"


def _rates(application: Application, demands: list[Demand]) -> tuple[int, int]:
    """Committed rates up and down."""
    first = {circuit.a for circuit in application.circuits}
    down = [
        demand
        for demand in demands
        if demand.ingress.id == demand.hub or (first and demand.ingress.id not in first)
    ]
    total = sum(demand.cir for demand in demands)
    back = sum(demand.cir for demand in down)
    return total - back, back


def _kept(applications: Mapping[str, Application], demands: tuple[Demand, ...]) -> str:
    retention = {name: one.retention for name, one in applications.items() if one.retention is not None}
    rows = storage(demands, retention)
    lines = [
        f"| {one.root.id} | {one.leaves} | {format_bitrate(one.rate)} | {format_duration(one.retention)} "
        f"| {format_size(one.size)} |"
        for one in rows
    ]
    total = (
        f"| together | {sum(one.leaves for one in rows)} | {format_bitrate(sum(one.rate for one in rows))} | "
        f"| {format_size(sum(one.size for one in rows))} |"
    )
    title = "\n## What the recorders keep\n"
    head = ["| recorder | cameras | rate | kept for | storage |", "|---|--:|--:|--:|--:|"]
    return "\n".join([title, *head, *lines, total]) + "\n"
