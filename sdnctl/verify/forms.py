"""One switch's rules, as far as they have a form that a few numbers describe.

This is the shortcut's reading of a rule set. A rule is either exactly of a form below, so that what it does to any
frame is known without executing it, or it is *odd*: then whatever could meet it is judged the long way (`walk`,
`execute`). So nothing here has to be complete, only right: forms are compared as a whole, never guessed.

- groups: a hop (addresses and output to a link's port, bare or with a second bucket round it); a trunk (push one
  label, go to a hop)
- table 0: label traffic of a link's port (forget the port, go to 3); frames of an edge port (metadata, go to 1)
- tables 1 and 2, by metadata: queue and meter; encapsulate under service label and class and go to a trunk, or go
  to 5
- table 3, by label: lower the TTL and go to a hop; pop and go to 4; [pop,] lower the TTL and send
- tables 4 and 5, by service label or metadata and tag: decapsulate, then output or go to 5; change the tag, output
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from sdnctl.compiler.ir import LabelRange
from sdnctl.dataplane.values import (
    ETH_MPLS,
    IN_PORT_CLEARED,
    VLAN_PRESENT,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.verify.execute import LAST_PORT
from sdnctl.verify.frames import Tags
from sdnctl.verify.wellformed import FIRST_LABEL

Fields: TypeAlias = tuple[tuple[str, int, int], ...]

TRANSIT, DELIVER, FORWARD, POP_FORWARD = range(4)
"""What a label does: to a hop's group; popped, this is its end; sent bare; popped and sent bare."""

LOW32 = 0xFFFFFFFF
_PORT, _TYPE, _LABEL, _TAG = 0xFFFFFFFF, 0xFFFF, 0xFFFFF, 0x1FFF
_MPLS = ("eth_type", ETH_MPLS, _TYPE)
_CLEAR = (ClearInPort(),)
_POP = PopMpls()
_DECAP = (Decap(), Decap(to_ethernet=True))
_ENCAP_MPLS, _ENCAP_ETHERNET = Encap("mpls"), Encap("ethernet")
_TAGGED, _UNTAGGED = ("vlan_vid", VLAN_PRESENT, VLAN_PRESENT), ("vlan_vid", 0, _TAG)


class Out(NamedTuple):
    """A labelled packet leaves: the directed link, its port, and the outer addresses it gets."""

    link: int
    port: int
    src: int
    dst: int


class HopForm(NamedTuple):
    """The first way of a hop, and the second if there is one, with the label it pushes (0: none)."""

    group: Group | None
    first: Out
    second: Out | None = None
    push: int = 0


class State(NamedTuple):
    """What a switch does with a label."""

    label: int
    kind: int
    flow: Flow
    hop: HopForm | None


class Police(NamedTuple):
    flow: Flow
    meter: int
    queue: int


class Encapsulate(NamedTuple):
    """`trunk` None: both ends are on this switch, `service` is the metadata to go on with."""

    flow: Flow
    service: int
    traffic_class: int
    trunk: TrunkForm | None
    cleared: bool = False


class TrunkForm(NamedTuple):
    group: Group
    label: int
    hop: HopForm


class Deliver(NamedTuple):
    """`port` None: goes on to table 5 with metadata `then`."""

    flow: Flow
    port: int | None
    then: int


class Demux(NamedTuple):
    """What table 5 does with tagged, untagged or (`tagged` None) all frames: tags off, tags on, and the port."""

    flow: Flow
    tagged: bool | None
    tags: Tags
    port: int


class Forms:
    """The forms of one switch. `links`: port → number of the directed link that leaves by it.

    `odd` are labels whose rules have no form; `strange` says that label traffic as a whole has none here.
    `suspect`: some rule has no form, so that what can be said of it alone is to be said the long way.
    """

    def __init__(self, rules: RuleSet, links: Mapping[int, int], bypass: LabelRange) -> None:
        self.links = links
        self.bypass = bypass
        self.strange = self.suspect = self.untidy = False
        self.entries: dict[int, Flow] = {}
        self.classify: dict[Fields, Flow] = {}
        self.by_port: dict[int, list[Fields]] = {}
        self.contested: set[Fields] = set()
        self.police: dict[int, Police] = {}
        self.encapsulate: dict[int, Encapsulate] = {}
        self.states: dict[int, State] = {}
        self.deliver: dict[int, Deliver] = {}
        self.demux: dict[int, list[Demux]] = {}
        self.odd: set[int] = set()
        self.void: set[int] = set()
        self.outputs: set[int] = set()
        self.addresses: set[tuple[int, int, int]] = set()
        self.labels: set[int] = set()
        self._odd_keys: set[tuple[int, int]] = set()
        self._blurred: set[int] = set()
        self._loud: set[int] = set()
        self.hops: dict[int, HopForm] = {}
        self.trunks: dict[int, TrunkForm] = {}
        self.meters = rules.meters
        self.groups_to: dict[int, list[int]] = {}
        self._groups(rules)
        readers = (self._classify, self._police, self._encapsulate, self._transit, self._deliver, self._demux)
        for flow in rules.flows.values():
            if flow.table < 6:
                readers[flow.table](flow, flow.match.fields)
            else:
                self._unread(flow)
        self._settle()

    # ── groups ───────────────────────────────────────────────────────────────────────────────────

    def _groups(self, rules: RuleSet) -> None:
        late: list[tuple[Group, int, int]] = []
        for group in rules.groups.values():
            buckets = [_bucket(bucket) for bucket in group.buckets]
            first = buckets[0] if buckets else None
            for action in group.buckets[0].actions if group.buckets else ():
                if type(action) is Output and not any(type(a) is PushMpls for a in group.buckets[0].actions):
                    self.groups_to.setdefault(action.port, []).append(group.id)
            if first is None:
                self.suspect = True
            elif group.type is GroupType.INDIRECT and len(buckets) == 1 and first.group >= 0 and first.push:
                if first.src < 0 and first.dst < 0:
                    late.append((group, first.push, first.group))
                else:
                    self.suspect = True
            else:
                form = self._hop(group, buckets)
                if form is None:
                    self.suspect = True
                else:
                    self.hops[group.id] = form
        for group, label, number in late:
            hop = self.hops.get(number)
            if hop is None:
                self.suspect = True
            else:
                self.trunks[group.id] = TrunkForm(group, label, hop)

    def _hop(self, group: Group, buckets: list[_Bucket | None]) -> HopForm | None:
        """A bare group, or a fast-failover group whose buckets watch what they use."""
        outs = [self._out(item) for item in buckets]
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

    def _out(self, item: _Bucket | None) -> Out | None:
        if item is None or item.port < 0 or item.src < 0 or item.dst < 0 or item.port == IN_PORT_CLEARED:
            return None
        link = self.links.get(item.port)
        if link is None:
            return None
        self.addresses.add((link, item.src, item.dst))
        return Out(link, item.port, item.src, item.dst)

    # ── tables ───────────────────────────────────────────────────────────────────────────────────

    def _unread(self, flow: Flow) -> None:
        """A rule without a form: its labels are known all the same, and it is looked at by itself."""
        self.suspect = True
        label = flow.match.get("mpls_label")
        if label is not None:
            self.labels.add(label[0])

    def _classify(self, flow: Flow, fields: Fields) -> None:
        if not fields or fields[0][0] != "in_port" or fields[0][2] != _PORT:
            self._unread(flow)
            self._blurred.add(0)
            self.strange = True
            return
        port = fields[0][1]
        if port in self.links:
            if fields[1:] == (_MPLS,) and flow.actions == _CLEAR and _plain(flow) and flow.goto == 3:
                if port in self.entries:
                    self.strange = True
                self.entries[port] = flow
                return
            self._unread(flow)
            self.untidy = True
            kind = flow.match.get("eth_type")
            if kind is None or kind[1] != _TYPE or kind[0] == ETH_MPLS:
                self.strange = True
            return
        if fields in self.classify:
            self.contested.add(fields)
        self.classify[fields] = flow
        self.by_port.setdefault(port, []).append(fields)
        written = flow.metadata
        if flow.actions or flow.meter is not None or flow.goto != 1 or written is None or written[1] != LOW32:
            self._unread(flow)
            self.contested.add(fields)

    def _police(self, flow: Flow, fields: Fields) -> None:
        key = self._metadata(1, flow, fields)
        actions = flow.actions
        if (
            key is None
            or len(actions) != 1
            or type(actions[0]) is not SetQueue
            or flow.meter is None
            or flow.meter not in self.meters
            or flow.metadata is not None
            or flow.goto != 2
        ) or key in self.police:
            self._spoil(1, key, flow)
        else:
            self.police[key] = Police(flow, flow.meter, actions[0].queue)

    def _encapsulate(self, flow: Flow, fields: Fields) -> None:
        key = self._metadata(2, flow, fields)
        form = None if key is None or key in self.encapsulate or flow.meter is not None else self._encap(flow)
        if form is None or key is None:
            self._spoil(2, key, flow)
        else:
            self.encapsulate[key] = form

    def _encap(self, flow: Flow) -> Encapsulate | None:
        actions = flow.actions
        if flow.goto == 5 and flow.metadata is not None and flow.metadata[1] == LOW32:
            if actions in ((), _CLEAR):
                return Encapsulate(flow, flow.metadata[0], 0, None, bool(actions))
            return None
        if flow.goto is not None or flow.metadata is not None or len(actions) != 5:
            return None
        one, label, tc, two, end = actions
        if one != _ENCAP_MPLS or two != _ENCAP_ETHERNET or type(end) is not ToGroup:
            return None
        if type(label) is not SetField or label.name != "mpls_label" or label.value < FIRST_LABEL:
            return None
        if type(tc) is not SetField or tc.name != "mpls_tc":
            return None
        trunk = self.trunks.get(end.group)
        return None if trunk is None else Encapsulate(flow, label.value, tc.value, trunk)

    def _transit(self, flow: Flow, fields: Fields) -> None:
        label = self._label(3, flow, fields)
        if label is None:
            return
        form = None if label in self.states else self._state(label, flow)
        if form is None:
            self._spoil(3, label, flow)
        else:
            self.states[label] = form

    def _state(self, label: int, flow: Flow) -> State | None:
        actions = flow.actions
        if not _plain(flow) or not actions:
            return None
        if flow.goto is not None:
            return State(label, DELIVER, flow, None) if flow.goto == 4 and actions == (_POP,) else None
        if len(actions) == 2 and type(actions[0]) is DecMplsTtl and type(actions[1]) is ToGroup:
            hop = self.hops.get(actions[1].group)
            if hop is None or (label in self.bypass and hop.group and hop.group.type is GroupType.FAST_FAILOVER):
                return None
            return State(label, TRANSIT, flow, hop)
        kind = POP_FORWARD if actions[0] == _POP else FORWARD
        if kind == POP_FORWARD:
            actions = actions[1:]
        if len(actions) != 4 or type(actions[0]) is not DecMplsTtl or type(actions[3]) is not Output:
            return None
        out = self._out(_bucket(Bucket(actions[1:])))
        return None if out is None else State(label, kind, flow, HopForm(None, out))

    def _deliver(self, flow: Flow, fields: Fields) -> None:
        label = self._label(4, flow, fields)
        if label is None:
            return
        actions = flow.actions
        form = None
        if flow.meter is None and label not in self.deliver and actions[:2] == _DECAP:
            end = actions[2] if len(actions) == 3 else None
            if type(end) is Output and flow.goto is None and flow.metadata is None and self._edge(end.port):
                form = Deliver(flow, end.port, 0)
            elif len(actions) == 2 and flow.goto == 5 and flow.metadata and flow.metadata[1] == LOW32:
                form = Deliver(flow, None, flow.metadata[0])
        if form is None:
            self._spoil(4, label, flow)
        else:
            self.deliver[label] = form

    def _demux(self, flow: Flow, fields: Fields) -> None:
        key = self._metadata(5, flow, fields[:1])
        form = None if key is None or not _plain(flow) or flow.goto is not None else self._retag(flow, fields[1:])
        if form is None or key is None:
            self._spoil(5, key, flow)
        else:
            known = self.demux.setdefault(key, [])
            if any(item.tagged is None or form.tagged in (None, item.tagged) for item in known):
                self._spoil(5, key, flow)
            known.append(form)

    def _retag(self, flow: Flow, rest: Fields) -> Demux | None:
        tagged = None if not rest else True if rest == (_TAGGED,) else False if rest == (_UNTAGGED,) else None
        actions, end = flow.actions[:-1], flow.actions[-1] if flow.actions else None
        if (rest and tagged is None) or type(end) is not Output or not self._edge(end.port):
            return None
        kinds = tuple(map(type, actions))
        tags: Tags | None = None
        if not kinds:
            tags = _KEEP
        elif kinds == (PopVlan,):
            tags = _OFF if tagged else _KEEP if tagged is False else None
        else:
            last = actions[-1]
            if type(last) is SetField and last.name == "vlan_vid" and last.value & VLAN_PRESENT:
                if kinds == (SetField,) and tagged:
                    tags = Tags(1, (last.value,))
                elif kinds == (PushVlan, SetField) and tagged is not None:
                    tags = Tags(0, (last.value,))
        return None if tags is None else Demux(flow, tagged, tags, end.port)

    def _edge(self, port: int) -> bool:
        """Whether a port is no link's and not reserved; remembers it."""
        self.outputs.add(port)
        return port not in self.links and port <= LAST_PORT and port != IN_PORT_CLEARED

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────

    def _metadata(self, table: int, flow: Flow, fields: Fields) -> int | None:
        """The metadata value that a rule matches, and nothing else; None where it matches otherwise."""
        if len(fields) == 1 and fields[0][0] == "metadata" and fields[0][2] == LOW32:
            return fields[0][1]
        self._blurred.add(table)
        return None

    def _label(self, table: int, flow: Flow, fields: Fields) -> int | None:
        """The label that a rule matches; a rule that only drops one label is remembered and has no form."""
        if len(fields) == 2 and fields[0] == _MPLS and fields[1][0] == "mpls_label" and fields[1][2] == _LABEL:
            self.labels.add(fields[1][1])
            return fields[1][1]
        exact = flow.match.get("mpls_label")
        if fields[:1] == (_MPLS,) and exact is not None and exact[1] == _LABEL:
            self.labels.add(exact[0])
            self._odd_keys.add((table, exact[0]))
            drops = not flow.actions and flow.goto is None and _plain(flow)
            if drops and [name for name, _, _ in fields[2:]] == ["mpls_tc"]:
                self.void.add(exact[0])
            else:
                self._loud.add(exact[0])
                self.suspect = True
            return None
        self._unread(flow)
        self._blurred.add(table)
        return None

    def _spoil(self, table: int, key: int | None, flow: Flow) -> None:
        self._unread(flow)
        if key is not None:
            self._loud.add(key)
            self._odd_keys.add((table, key))

    def _settle(self) -> None:
        """Take out what rules without form could interfere with."""
        keyed: dict[int, dict[int, Any]] = {1: self.police, 2: self.encapsulate, 4: self.deliver, 5: self.demux}
        for table, key in self._odd_keys:
            if table == 3:
                self.odd.add(key)
                if self.states.pop(key, None) is not None:
                    self.void.discard(key)
            else:
                keyed[table].pop(key, None)
        for table in self._blurred & keyed.keys():
            keyed[table].clear()
        self.void -= self._loud
        self.strange = self.strange or 3 in self._blurred
        self.open = 0 in self._blurred


_KEEP, _OFF = Tags(), Tags(1)


class _Bucket(NamedTuple):
    """An action set of the forms above; −1 (port, group, addresses) and 0 (label) for what is not there."""

    push: int
    src: int
    dst: int
    port: int
    group: int


def _bucket(bucket: Bucket) -> _Bucket | None:
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
    return _Bucket(label, src, dst, port, group)


def _plain(flow: Flow) -> bool:
    """Whether a rule has neither meter nor metadata."""
    return flow.meter is None and flow.metadata is None
