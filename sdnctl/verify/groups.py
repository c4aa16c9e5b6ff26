"""Reads the groups of one switch, and the actions by which labelled packets leave it, as forms (`forms`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sdnctl.dataplane.values import (
    ETH_MPLS,
    IN_PORT_CLEARED,
    Bucket,
    Flow,
    Group,
    GroupType,
    Output,
    PushMpls,
    SetField,
    ToGroup,
)
from sdnctl.verify.forms import HopForm, Out, TrunkForm
from sdnctl.verify.wellformed import FIRST_LABEL


class Groups:
    """The groups of one switch. `links`: port → number of the directed link that leaves by it.

    `towards` are the groups of any kind that send straight to a port, without another label; `addresses` (link,
    source, destination) of whatever has a form; `odd`: some group has none.
    """

    def __init__(self, links: Mapping[int, int]) -> None:
        self.links = links
        self.odd = False
        self.hops: dict[int, HopForm] = {}
        self.trunks: dict[int, TrunkForm] = {}
        self.towards: dict[int, list[int]] = {}
        self.addresses: set[tuple[int, int, int]] = set()

    def copy(self) -> Groups:
        """The same again, to be added to."""
        twin = Groups(self.links)
        twin.odd, twin.hops, twin.trunks = self.odd, dict(self.hops), dict(self.trunks)
        twin.towards = {port: list(groups) for port, groups in self.towards.items()}
        twin.addresses = set(self.addresses)
        return twin

    def read(self, groups: Iterable[Group]) -> None:
        late: list[tuple[Group, int, int]] = []
        for group in groups:
            buckets = [read_bucket(bucket) for bucket in group.buckets]
            first = buckets[0] if buckets else None
            for action in group.buckets[0].actions if group.buckets else ():
                if type(action) is Output and not any(type(a) is PushMpls for a in group.buckets[0].actions):
                    self.towards.setdefault(action.port, []).append(group.id)
            if first is None:
                self.odd = True
            elif group.type is GroupType.INDIRECT and len(buckets) == 1 and first.group >= 0 and first.push:
                if first.src < 0 and first.dst < 0:
                    late.append((group, first.push, first.group))
                else:
                    self.odd = True
            else:
                form = self._hop(group, buckets)
                if form is None:
                    self.odd = True
                else:
                    self.hops[group.id] = form
        for group, label, number in late:
            hop = self.hops.get(number)
            if hop is None:
                self.odd = True
            else:
                self.trunks[group.id] = TrunkForm(group, label, hop)

    def _hop(self, group: Group, buckets: list[ActionSet | None]) -> HopForm | None:
        """A bare group, or a fast-failover group whose buckets watch what they use."""
        outs = [self.out(item) for item in buckets]
        first, one = buckets[0], outs[0]
        if first is None or one is None or first.push:
            return None
        if group.type is GroupType.INDIRECT and len(outs) == 1:
            return HopForm(group, one)
        if group.type is not GroupType.FAST_FAILOVER or len(outs) > 2 or group.buckets[0].watch_port != one.port:
            return None
        if len(outs) == 1:
            return HopForm(group, one)
        second, two = buckets[1], outs[1]
        if second is None or two is None or group.buckets[1].watch_port != two.port:
            return None
        return HopForm(group, one, two, second.push)

    def out(self, item: ActionSet | None) -> Out | None:
        if item is None or item.port < 0 or item.src < 0 or item.dst < 0 or item.port == IN_PORT_CLEARED:
            return None
        link = self.links.get(item.port)
        if link is None:
            return None
        self.addresses.add((link, item.src, item.dst))
        return Out(link, item.port, item.src, item.dst)


class ActionSet(NamedTuple):
    """An action set of the forms above; −1 (port, group, addresses) and 0 (label) for what is not there."""

    push: int
    src: int
    dst: int
    port: int
    group: int


def read_bucket(bucket: Bucket) -> ActionSet | None:
    """Read an action set: at most one push with its label, each address once, one end."""
    push, label, src, dst, port, group = False, 0, -1, -1, -1, -1
    for action in bucket.actions:
        kind = type(action)
        if kind is SetField:
            assert isinstance(action, SetField)
            if action.name == "eth_src" and src < 0:
                src = action.value
            elif action.name == "eth_dst" and dst < 0:
                dst = action.value
            elif action.name == "mpls_label" and not label and action.value >= FIRST_LABEL:
                label = action.value
            else:
                return None
        elif isinstance(action, Output) and port < 0 and group < 0:
            port = action.port
        elif isinstance(action, ToGroup) and port < 0 and group < 0:
            group = action.group
        elif isinstance(action, PushMpls) and not push and action.ethertype == ETH_MPLS:
            push = True
        else:
            return None
    if push != bool(label) or (port < 0) == (group < 0):
        return None
    return ActionSet(label, src, dst, port, group)


def is_protected(hop: HopForm | None) -> bool:
    """Whether a hop goes by a fast-failover group."""
    return hop is not None and hop.group is not None and hop.group.type is GroupType.FAST_FAILOVER


def is_plain(flow: Flow) -> bool:
    """Whether a rule has neither meter nor metadata."""
    return flow.meter is None and flow.metadata is None
