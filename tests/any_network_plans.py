"""Plans of any network against switches in memory, beside rules of somebody else; and one endpoint more."""

from __future__ import annotations

from collections.abc import Iterable

from any_network import Subject
from any_network_files import Files, rows
from any_network_frames import ports_of
from any_network_oracle import Pair

from sdnctl.compiler.ir import Compiled
from sdnctl.dataplane.values import Bucket, Flow, Group, GroupType, Match, Meter, Output, RuleSet
from sdnctl.plan.apply import apply_changes
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Observed

NOW = "2026-01-02T03:04:05Z"


def foreign() -> RuleSet:
    """Somebody else's rules."""
    return RuleSet.of(
        (
            Flow(0, 77, Match.of(in_port=9), 0x1234, (Output(3),)),
            Group(7, GroupType.INDIRECT, (Bucket((Output(3),)),)),
            Meter(5, 100, 10),
        )
    )


def follow(held: dict[str, RuleSet], compiled: Compiled, before: Compiled | None) -> dict[str, RuleSet]:
    """Plan from what is held, and do it."""
    plan = make_plan("test", compiled, {key: Observed(item) for key, item in held.items()}, before, created=NOW)
    result = dict(held)
    for stage in plan.stages:
        for device, changes in stage.changes.items():
            result[device] = apply_changes(result[device], changes)
    return result


def is_intent(name: str) -> bool:
    return name.startswith("intents/") and name not in ("intents/classes.yaml", "intents/tenants.yaml")


def service_of(demand: str) -> str:
    application, _, ends = demand.partition("/")
    return f"{application}>{ends.partition('>')[2]}"


def with_twin(one: Subject) -> tuple[Files, str]:
    """The files with one endpoint more, chosen by the selectors that choose a certain leaf."""
    rng = one.rng("twin")
    ids = {value for said in one.files.values() for value in _listed(said)}
    hubs = {pair.egress.id for pair in one.declared.pairs if not pair.line}
    spoken = [pair for pair in one.declared.pairs if not pair.line and pair.ingress.id not in ids]
    by_end: dict[str, list[Pair]] = {}
    for pair in spoken:
        by_end.setdefault(pair.ingress.id, []).append(pair)
    leaves = [
        key for key, group in by_end.items() if key in hubs and len({pair.application for pair in group}) == 1
    ]
    model = rng.choice(sorted(leaves))
    table = list(rows(one.files, "endpoints"))
    row = next(dict(row) for row in table if row["id"] == model)
    used = {int(other["port"]) for other in table if other["device"] == row["device"]}
    used |= {
        port for link in one.topology.links.values() for node, port in ports_of(link) if node == row["device"]
    }
    row |= {"id": "the-twin", "port": min(set(range(300, 2000)) - used), "prefixes": "172.31.255.1/32"}
    row = {key: value for key, value in row.items() if key not in ("mac", "terminal")}
    return {**one.files, "inventory/endpoints.csv": [*table, row]}, "the-twin"


def _listed(said: object) -> Iterable[str]:
    """Everything that any `ids` of a file names."""
    if isinstance(said, dict):
        for key, inner in said.items():
            if key == "ids":
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from _listed(inner)
    elif isinstance(said, list):
        for inner in said:
            yield from _listed(inner)
