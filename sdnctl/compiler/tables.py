"""The table pipeline as data: what each table matches and does, cookies, and a check of rules against it.

`docs/pipeline.md` is the same in words. `lower` takes tables and priorities from here, and `faults` holds any rule
set against the description: whatever emits rules, they fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from sdnctl.compiler.references import groups_used
from sdnctl.dataplane.fields import missing_prerequisite
from sdnctl.dataplane.values import (
    COOKIE_OWNER,
    COOKIE_OWNER_MASK,
    Action,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    Match,
    Meter,
    Output,
    PopMpls,
    PopVlan,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
    is_ours,
)

LOW32 = 0xFFFFFFFF

PRIORITY_TRUNK_PORT = 300
PRIORITY_EDGE = 200
PRIORITY_GUARD = 200
PRIORITY_RULE = 100
PRIORITY_DISCOVERY = 100
"""Below everything that is some demand's: a customer's frames are a customer's, whatever they look like."""

IMPLICIT_NULL = 3
"""A label that is in no stack on the wire (RFC 3032 §2.1)."""


class Kind(IntEnum):
    """What a rule is for: bits 32–47 of its cookie; the low 32 bits are that thing's number."""

    DEMAND = 1  # classify, police, encap: demand number
    TRUNK = 2  # transit: trunk label
    BYPASS = 3  # transit: bypass label
    SERVICE = 4  # deliver, demux: service label
    PORT = 5  # what a switch has that carries trunks: port number, 0 for the whole switch


def cookie(kind: Kind, number: int) -> int:
    """The cookie of a rule that is there for thing `number` of a kind."""
    return COOKIE_OWNER | kind << 32 | number


def read_cookie(value: int) -> tuple[Kind, int] | None:
    """Kind and number of one of our cookies; None for a foreign one or an unknown kind."""
    kind = value >> 32 & 0xFFFF
    if value & COOKIE_OWNER_MASK != COOKIE_OWNER or kind not in Kind.__members__.values():
        return None
    return Kind(kind), value & LOW32


@dataclass(frozen=True, slots=True)
class Table:
    """One table: which fields its rules match, which actions they apply, and where they may go on."""

    number: int
    name: str
    matches: frozenset[str]
    actions: frozenset[type[Action]]
    goto: frozenset[int] = frozenset()
    meters: bool = False
    metadata: bool = False

    def flow(
        self,
        match: Match,
        cookie: int,
        actions: tuple[Action, ...] = (),
        *,
        priority: int = PRIORITY_RULE,
        meter: int | None = None,
        metadata: int | None = None,
        goto: Table | None = None,
    ) -> Flow:
        """A rule of this table; `metadata` is written to the low 32 bits."""
        return Flow(
            self.number,
            priority,
            match,
            cookie,
            actions,
            meter,
            None if metadata is None else (metadata, LOW32),
            None if goto is None else goto.number,
        )


_FRAME = frozenset(
    (
        "in_port",
        "eth_src",
        "eth_type",
        "vlan_vid",
        "ipv4_src",
        "ipv4_dst",
        "arp_spa",
        "arp_tpa",
        "ipv6_src",
        "ipv6_dst",
        "ip_proto",
        "icmpv6_type",
        "nd_target",
    )
)
_LABEL = frozenset(("eth_type", "mpls_label"))

CLASSIFY = Table(
    0, "classify", _FRAME, frozenset((ClearInPort, Output)), frozenset((1, 3)), meters=True, metadata=True
)
POLICE = Table(1, "police", frozenset(("metadata",)), frozenset((SetQueue,)), frozenset((2,)), meters=True)
ENCAP = Table(
    2,
    "encap",
    frozenset(("metadata",)),
    frozenset((Encap, SetField, ToGroup, ClearInPort)),
    frozenset((5,)),
    metadata=True,
)
TRANSIT = Table(
    3,
    "transit",
    _LABEL | {"mpls_tc"},
    frozenset((PopMpls, DecMplsTtl, SetField, Output, ToGroup)),
    frozenset((4,)),
)
DELIVER = Table(4, "deliver", _LABEL, frozenset((Decap, Output)), frozenset((5,)), metadata=True)
DEMUX = Table(5, "demux", frozenset(("metadata", "vlan_vid")), frozenset((PushVlan, PopVlan, SetField, Output)))

PIPELINE = (CLASSIFY, POLICE, ENCAP, TRANSIT, DELIVER, DEMUX)
_METERED = frozenset(table.number for table in PIPELINE if table.meters)


def faults(rules: RuleSet) -> Iterator[str]:
    """Sentences that say where a switch's rules do not fit the pipeline, OpenFlow or each other."""
    ids: tuple[Group | Meter, ...] = (*rules.meters.values(), *rules.groups.values())
    yield from (_FOREIGN.format(item) for item in ids if not is_ours(item))
    yield from flow_faults(rules.flows.values(), rules)
    uses = {group.id: used for group in rules.groups.values() if (used := groups_used(group))}
    for group_id, used in uses.items():
        for missing in sorted(used - rules.groups.keys()):
            yield f"group {group_id:#x} sends to group {missing:#x}, which is not there"
        if _reaches(uses, group_id):
            yield f"group {group_id:#x} sends to itself"


def flow_faults(flows: Iterable[Flow], rules: RuleSet) -> Iterator[str]:
    """The same for some of the flows, which are or are to be among `rules`.

    Most flows differ from others in numbers alone, so what holds for all of one shape is looked at once.
    """
    shapes: dict[tuple[object, ...], tuple[str, ...]] = {}
    kinds: dict[int, tuple[type[Action], ...]] = {}  # by identity of actions, which the flows keep alive
    meters, groups = rules.meters, rules.groups
    for flow in flows:
        if flow.cookie & COOKIE_OWNER_MASK != COOKIE_OWNER:
            yield _FOREIGN.format(flow)
        actions, meter = flow.actions, flow.meter
        does = kinds.get(id(actions))
        if does is None:
            does = tuple(map(type, actions))
            missing = [one.group for one in actions if type(one) is ToGroup and one.group not in groups]
            yield from (f"{flow}: group {used:#x} is not there" for used in missing)
            if not missing:
                kinds[id(actions)] = does
        matched = [(name, value if name in _DECISIVE else 0, mask) for name, value, mask in flow.match.fields]
        shape = flow.table, flow.goto, flow.metadata is None, does, *matched
        found = shapes.get(shape)
        if found is None:
            found = shapes[shape] = tuple(_shape_faults(flow))
        for fault in found:
            yield f"{flow}: {fault}"
        if meter is not None and (meter not in meters or flow.table not in _METERED):
            yield f"{flow}: meter {meter} is not there or not allowed in table {flow.table}"


_FOREIGN = "{} is outside the cookies and ids of sdnctl"
_DECISIVE = frozenset(("eth_type", "ip_proto", "icmpv6_type"))
"""Fields whose value decides what else may be matched, so that it belongs to the shape of a flow."""


def _shape_faults(flow: Flow) -> Iterator[str]:
    if flow.table >= len(PIPELINE):
        yield f"there is no table {flow.table}"
        return
    table = PIPELINE[flow.table]
    missing = missing_prerequisite(flow.match)
    if missing:
        yield missing
    for name, _, _ in flow.match:
        if name not in table.matches:
            yield f"table {table.name} does not match {name}"
    for action in flow.actions:
        if type(action) not in table.actions:
            yield f"table {table.name} does not do {action}"
    if flow.goto is not None and flow.goto not in table.goto:
        yield f"table {table.name} does not go to table {flow.goto}"
    if flow.metadata is not None and not table.metadata:
        yield f"table {table.name} writes no metadata"


def _reaches(uses: Mapping[int, frozenset[int]], start: int) -> bool:
    """Whether a group sends to itself, over others or at once; `uses`: group id → those that it sends to."""
    reached: set[int] = set()
    fresh = uses[start]
    while fresh:
        reached |= fresh
        fresh = frozenset().union(*[uses[group] for group in fresh if group in uses]) - reached
    return start in reached
