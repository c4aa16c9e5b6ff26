"""Grade `disjoint`: the standby path is there, carries when the trunk is flipped, and shares no risk.

The flip itself is simulated: what the trunk's group does at the ingress is replaced by what it would do with
the other label (push it, hand on to a group of the first hop of the other path), and the packet is followed
through the rules that are already installed. Every group that could carry that hop must work.
"""

from __future__ import annotations

from collections.abc import Iterator

from sdnctl.compiler.ir import Trunk
from sdnctl.dataplane.values import Action, Output, PushMpls, RuleSet, SetField, ToGroup
from sdnctl.intents.demand import Demand
from sdnctl.topology.graph import Path, PortRef
from sdnctl.topology.risk import Risks
from sdnctl.verify.judge import Context, avoided, careless, undelivered, unsafe
from sdnctl.verify.packet import NEW_TTL, Label, Space, Wire
from sdnctl.verify.report import Violation
from sdnctl.verify.space import Cube
from sdnctl.verify.steps import UNCHANGED
from sdnctl.verify.walk import Delivered, Network, Walk


def check(
    demand: Demand,
    required: tuple[Cube, ...],
    trunk: Trunk | None,
    working: Delivered,
    network: Network,
    risks: Risks,
    context: Context,
) -> Iterator[Violation]:
    """What is wrong with a demand's standby path; `working` is what the walk with everything up delivered."""
    if trunk is None or trunk.standby is None or trunk.standby_label is None:
        yield Violation("standby", "no standby path is known")
        return
    path, label = (trunk.path, trunk.label) if trunk.flipped else (trunk.standby, trunk.standby_label)
    if spent(trunk, network.down):
        return
    for reason in shared(Path(working.hops), path, risks):
        yield Violation("standby", reason)
    met = avoided(demand, path, context)
    if met:
        yield Violation("avoid", f"the standby path meets {', '.join(sorted(met))}")
    walks = list(_flips(demand, required, path, label, working, network, context))
    if not walks:
        yield Violation("standby", f"no group at {path.nodes[0]} sends to the first hop of the standby path")
        return
    for walk in walks:
        yield from _judge(demand, required, path, walk, context)


def spent(trunk: Trunk | None, down: frozenset[str]) -> frozenset[str]:
    """Links of the path that a flip would lead to that are down now: then there is no standby to judge."""
    if trunk is None or trunk.standby is None:
        return frozenset()
    return frozenset((trunk.path if trunk.flipped else trunk.standby).links) & down


def shared(working: Path, standby: Path, risks: Risks) -> Iterator[str]:
    """Risks that two paths share, beyond those that their end sites cannot escape."""
    transit = set(working.transit) & set(standby.transit)
    if transit:
        yield f"working and standby path share transit switch {', '.join(sorted(transit))}"
    links = set(working.links) & set(standby.links)
    if links:
        yield f"working and standby path share link {', '.join(sorted(links))}"
    ends = working.nodes[0], working.nodes[-1]
    groups = _risks(working, risks) & _risks(standby, risks)
    groups -= risks.residual(ends[0]) | risks.residual(ends[1])
    if groups:
        yield f"working and standby path share {', '.join(sorted(groups))}"


def _risks(path: Path, risks: Risks) -> frozenset[str]:
    return frozenset().union(*(risks.hits[link] for link in path.links))


def _judge(
    demand: Demand, required: tuple[Cube, ...], path: Path, walk: Walk, context: Context
) -> Iterator[Violation]:
    """The claims of the working path, made of the flipped one; queue and meter stand before the flip."""
    for violation in (
        *unsafe(demand, walk),
        *undelivered(demand, required, walk),
        *careless(demand, walk, context),
    ):
        yield Violation(violation.code, f"after the flip: {violation.detail}")
    for end in walk.delivered:
        if end.hops != path.hops:
            yield Violation("standby", f"after the flip frames go by {' → '.join(Path(end.hops).nodes)}")


def _flips(
    demand: Demand,
    required: tuple[Cube, ...],
    path: Path,
    label: int,
    working: Delivered,
    network: Network,
    context: Context,
) -> Iterator[Walk]:
    """Walks of the flipped trunk, one for each group that could carry its first hop."""
    ingress = demand.ingress.attachment
    port = network.topology.links[path.hops[0].link].port_at(ingress.node)
    tc = context.classes[demand.service_class].traffic_class
    stack = tuple(Label(service, tc, NEW_TTL) for service in sorted(working.services))
    wire = Wire(Space(required), stack, True, (0, 0), UNCHANGED, ())
    for group in groups_to(port, context.rules[ingress.node]):
        actions: tuple[Action, ...] = (PushMpls(), SetField("mpls_label", label), ToGroup(group))
        first = network.steps.act(ingress.node, ingress.port, wire, actions)
        walk = network.follow(PortRef(ingress.node, ingress.port), wire, demand.mtu, first=first)
        yield _with_start(walk, working)


def groups_to(port: int, rules: RuleSet) -> list[int]:
    """Groups of the hop by a port: their first bucket sends straight to it, without a bypass label."""
    found = []
    for group in rules.groups.values():
        actions = group.buckets[0].actions if group.buckets else ()
        pushes = any(isinstance(action, PushMpls) for action in actions)
        if not pushes and any(isinstance(action, Output) and action.port == port for action in actions):
            found.append(group.id)
    return found


def _with_start(walk: Walk, working: Delivered) -> Walk:
    """The walk with queue and meter of the working path, which are set before the trunk's group."""
    ends = tuple(
        Delivered(
            end.port,
            end.wire,
            end.hops,
            working.queues,
            working.meters,
            end.classes,
            end.trunks,
            end.services,
        )
        for end in walk.delivered
    )
    return Walk(ends, walk.lost, walk.clashes, walk.touched, walk.switches)
