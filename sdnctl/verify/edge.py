"""What the edge does with the frames of one demand, where its rules have forms.

The frames of a demand are a few cubes. If every one of them is exactly the match of one rule of the first
table, and no other rule there overlaps that rule (whatever its priority), then the frames take these rules and
nothing else does; from there on metadata and labels decide. Overlaps are found by projecting matches on the
fields they share: two matches overlap if and only if they agree there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

from sdnctl.dataplane.values import VLAN_PRESENT, Flow
from sdnctl.intents.demand import Demand, Service, ServiceClass
from sdnctl.verify.forms import Demux, Encapsulate, Fields, Police
from sdnctl.verify.frames import Tags, expected_tags
from sdnctl.verify.judge import BURST_SLACK, least_burst
from sdnctl.verify.reading import Forms
from sdnctl.verify.steps import UNCHANGED
from sdnctl.verify.wanted import Wanted


class Edge(NamedTuple):
    """The rules that a demand's frames take: `first` those of the first table, `last` those at the egress."""

    first: tuple[Flow, ...]
    police: Police
    encapsulate: Encapsulate
    last: tuple[Flow, ...]


def contested(forms: Forms, ports: Iterable[int] | None = None) -> set[Fields]:
    """Matches of the first table that overlap another one there, at some ports or at all."""
    if forms.open:
        return set(forms.classify)
    found = set(forms.contested)
    for port in forms.by_port if ports is None else ports:
        matches = forms.by_port.get(port, ())
        if len(matches) > 1:
            _overlaps(matches, found)
    return found


def _overlaps(matches: Iterable[Fields], found: set[Fields]) -> None:
    """Add to `found` those of some different matches that overlap another."""
    groups: dict[tuple[int, tuple[str, ...], tuple[int, ...]], list[Fields]] = defaultdict(list)
    for fields in matches:
        names, values, masks = zip(*fields, strict=True)
        at = names.index("eth_type") if "eth_type" in names else -1
        groups[values[at] if at >= 0 and masks[at] == 0xFFFF else -1, names, masks].append(fields)
    for ((kind, *one), mine), ((other_kind, *other), theirs) in combinations(groups.items(), 2):
        if kind != other_kind and kind >= 0 and other_kind >= 0:
            continue
        place = {name: (index, mask) for index, (name, mask) in enumerate(zip(*one, strict=True))}
        shared = enumerate(zip(*other, strict=True))
        common = [(*place[name], index, mask) for index, (name, mask) in shared if name in place]
        bits = [(i, j, m & n) for i, m, j, n in common if m & n]
        here: dict[tuple[int, ...], list[Fields]] = defaultdict(list)
        for fields in mine:
            here[tuple([fields[i][1] & mask for i, _, mask in bits])].append(fields)
        for fields in theirs:
            same = here.get(tuple([fields[j][1] & mask for _, j, mask in bits]))
            if same:
                found.add(fields)
                found.update(same)


class Edges:
    """The edge part of demands, one after the other; `owned` are the rules of the first tables that are theirs."""

    def __init__(
        self, forms: Mapping[str, Forms], disputed: Mapping[str, set[Fields]], classes: Mapping[str, ServiceClass]
    ) -> None:
        self.forms = forms
        self.disputed = disputed
        self.classes = classes
        self.wanted = Wanted()
        self.owned: dict[str, set[int]] = {name: set() for name in forms}
        self.shared: set[str] = set()
        self._rates: dict[tuple[int, int, int], tuple[int, float]] = {}

    def read(self, demand: Demand) -> Edge | None:
        """The rules that carry a demand at its ends, if all of them have forms and do what it is owed."""
        ingress = demand.ingress.attachment
        forms = self.forms[ingress.node]
        first = self._own(demand, ingress.node, forms)
        if not first or ingress.port in forms.links:
            return None
        number = first[0].metadata
        for flow in first:
            if flow.metadata != number:
                return None
        assert number is not None
        police, encapsulate = forms.police.get(number[0]), forms.encapsulate.get(number[0])
        if police is None or encapsulate is None or not self._treated(demand, forms, police, encapsulate):
            return None
        last = self._last(demand, encapsulate)
        return None if last is None else Edge(first, police, encapsulate, last)

    def _own(self, demand: Demand, node: str, forms: Forms) -> tuple[Flow, ...]:
        """The rules whose matches are exactly the demand's frames; () unless there is one for each, its alone."""
        owned, disputed, classify = self.owned[node], self.disputed[node], forms.classify
        flows = []
        whole = True
        for fields in self.wanted.matches(demand):
            flow = classify.get(fields)
            if flow is None or id(flow) in owned or (disputed and fields in disputed):
                whole = False
                self.shared.add(node)
            if flow is not None:
                owned.add(id(flow))
                flows.append(flow)
        return tuple(flows) if whole else ()

    def _treated(self, demand: Demand, forms: Forms, police: Police, encapsulate: Encapsulate) -> bool:
        """Whether rate, burst, queue and class are what the demand is owed."""
        service = self.classes[demand.service_class]
        meter = forms.meters[police.meter]
        kind = demand.cir, demand.eir, demand.mtu
        rate = self._rates.get(kind)
        if rate is None:
            rate = self._rates[kind] = -(-(demand.cir + demand.eir) // 1000), least_burst(demand)
        return (
            police.queue == service.queue
            and meter.rate == rate[0]
            and rate[1] - 1 < meter.burst <= BURST_SLACK * rate[1] + 1
            and (encapsulate.trunk is None or encapsulate.traffic_class == service.traffic_class)
        )

    def _last(self, demand: Demand, encapsulate: Encapsulate) -> tuple[Flow, ...] | None:
        """The rules of the egress switch, if they deliver at the right port with the right tag."""
        out = demand.egress.attachment
        forms = self.forms[out.node]
        flows: tuple[Flow, ...] = ()
        key = encapsulate.service
        if encapsulate.trunk is None:
            hairpin = out.port == demand.ingress.attachment.port and not encapsulate.cleared
            if out.node != demand.ingress.attachment.node or hairpin:
                return None
        else:
            deliver = forms.deliver.get(key)
            if deliver is None:
                return None
            flows = (deliver.flow,)
            if deliver.port is not None:
                return flows if deliver.port == out.port and _owed(demand, UNCHANGED) else None
            key = deliver.then
        tag = _choose(demand, forms.demux.get(key, ()))
        if tag is None or tag.port != out.port or not _owed(demand, tag.tags):
            return None
        return (*flows, tag.flow)


def _owed(demand: Demand, tags: Tags) -> bool:
    """Whether this change of tags is what a demand is owed; its own tag off and on again is no change."""
    own = demand.ingress.vlan
    if own == demand.egress.vlan:
        return (
            tags is UNCHANGED or tags == UNCHANGED or (own is not None and tags == Tags(1, (VLAN_PRESENT | own,)))
        )
    return tags == expected_tags(demand)


def _choose(demand: Demand, forms: Iterable[Demux]) -> Demux | None:
    """The form that takes all frames of a demand, by their tag."""
    transparent = demand.service is Service.LINE and demand.ingress.vlan is None
    for form in forms:
        if form.tagged is None or (not transparent and form.tagged is (demand.ingress.vlan is not None)):
            return form
    return None
