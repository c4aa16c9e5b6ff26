"""Reads the rules of one switch as forms (`forms`); what has none is odd, and is left for walking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

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
    Output,
    PopMpls,
    PopVlan,
    PushVlan,
    RuleSet,
    SetField,
    SetQueue,
    ToGroup,
)
from sdnctl.verify.change import Change
from sdnctl.verify.execute import LAST_PORT
from sdnctl.verify.forms import (
    DELIVER,
    FORWARD,
    LOW32,
    POP_FORWARD,
    TRANSIT,
    Deliver,
    Demux,
    Effect,
    Encapsulate,
    Fields,
    HopForm,
    Police,
)
from sdnctl.verify.frames import Tags
from sdnctl.verify.groups import Groups, is_plain, is_protected, read_bucket
from sdnctl.verify.hearing import LOWEST, hears
from sdnctl.verify.steps import UNCHANGED
from sdnctl.verify.wellformed import FIRST_LABEL

_PORT, _TYPE, _LABEL, _TAG = 0xFFFFFFFF, 0xFFFF, 0xFFFFF, 0x1FFF
_MPLS = ("eth_type", ETH_MPLS, _TYPE)
_CLEAR = (ClearInPort(),)
_POP = PopMpls()
_DELIVER = Effect(DELIVER, None)
_DECAP = (Decap(), Decap(to_ethernet=True))
_ENCAP_MPLS, _ENCAP_ETHERNET = Encap("mpls"), Encap("ethernet")
_TAGGED, _UNTAGGED = ("vlan_vid", VLAN_PRESENT, VLAN_PRESENT), ("vlan_vid", 0, _TAG)


TRANSIT_TABLE = 3
_COPIED: tuple[str, ...] = (
    "classify",
    "police",
    "encapsulate",
    "states",
    "effects",
    "deliver",
    "entries",
    "outputs",
    "labels",
)
_COPIED += ("odd", "void", "contested", "_odd_keys", "_loud", "_blurred")


class Forms:
    """The forms of one switch. `links`: port → number of the directed link that leaves by it.

    `states` are the rules of labels, `effects` what they do, in the same order. `odd` are labels whose rules have
    no form; `strange` says that label traffic as a whole has none here.
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
        self.states: dict[int, Flow] = {}
        self.effects: dict[int, Effect] = {}
        self.deliver: dict[int, Deliver] = {}
        self.demux: dict[int, list[Demux]] = {}
        self.odd: set[int] = set()
        self.void: set[int] = set()
        self.outputs: set[int] = set()
        self.labels: set[int] = set()
        self._odd_keys: set[tuple[int, int]] = set()
        self._blurred: set[int] = set()
        self._loud: set[int] = set()
        self._alike: dict[int, tuple[Flow, Effect | None, int | None]] = {}
        self.hearing: Flow | None = None  # what brings beacons to the controller
        self.meters = rules.meters
        self.groups = Groups(links)
        self.groups.read(rules.groups.values())
        self.suspect = self.groups.odd
        self._flows(rules.flows.values())
        self._settle()

    def _flows(self, flows: Iterable[Flow]) -> None:
        readers = (self._classify, self._police, self._encapsulate, self._transit, self._deliver, self._demux)
        for flow in flows:
            if flow.table < 6:
                readers[flow.table](flow, flow.match.fields)
            else:
                self._unread(flow)

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    @property
    def plain(self) -> bool:
        """Whether every rule has a form of its own."""
        odd = self.strange or self.suspect or self.untidy or self.open or self.contested
        return not odd and not self._loud and not self._blurred

    def patched(self, change: Change) -> Forms | None:
        """The forms after a change that takes nothing from the core; None where it has to be read anew."""
        core = any(self._in_core(flow) for flow in change.gone)
        if not self.plain or core or change.gone_groups:
            return None
        new = copy(self)
        new.meters = change.rules.meters
        for name in _COPIED:
            setattr(new, name, copy(getattr(self, name)))
        new.by_port, new.demux = (
            {key: list(items) for key, items in getattr(self, name).items()} for name in ("by_port", "demux")
        )
        new.groups, new._alike = self.groups.copy(), {}
        for flow in change.gone:
            new._forget(flow)
        new.groups.read(change.groups)
        new.suspect = new.groups.odd
        new._flows(change.flows)
        deaf = new.hearing is not None and not hears(new.hearing, new.meters)
        if deaf or any(item.meter not in new.meters for item in new.police.values()):
            return None
        return new if new.plain and new._odd_keys == self._odd_keys else None

    def label_of(self, flow: Flow) -> int | None:
        """The label that a rule of the transit table matches."""
        label = flow.match.get("mpls_label")
        return None if label is None else label[0]

    def _in_core(self, flow: Flow) -> bool:
        fields = flow.match.fields
        entry = flow.table == 0 and (not fields or fields[0][0] != "in_port" or fields[0][1] in self.links)
        return entry or flow.table == TRANSIT_TABLE

    def _forget(self, flow: Flow) -> None:
        """Take out a rule of the edge that has gone."""
        fields = flow.match.fields
        key = fields[-1][1] if fields else 0
        if flow.table == 0:
            del self.classify[fields]
            self.by_port[fields[0][1]].remove(fields)
        elif flow.table == 1:
            del self.police[key]
        elif flow.table == 2:
            del self.encapsulate[key]
        elif flow.table == 4:
            del self.deliver[key]
            if key not in self.states:
                self.labels.discard(key)
        else:
            number = fields[0][1]
            self.demux[number] = [item for item in self.demux[number] if item.flow is not flow]
        if flow.table > 3:
            ports = {item.port for item in self.deliver.values() if item.port is not None}
            self.outputs = ports.union(item.port for items in self.demux.values() for item in items)

    # ── tables ───────────────────────────────────────────────────────────────────────────────────

    def _unread(self, flow: Flow) -> None:
        """A rule without a form: its labels are known all the same, and it is looked at by itself."""
        self.suspect = True
        label = flow.match.get("mpls_label")
        if label is not None:
            self.labels.add(label[0])

    def _classify(self, flow: Flow, fields: Fields) -> None:
        if flow.priority <= LOWEST and hears(flow, self.meters):
            self.hearing = flow  # below all others, and read by nobody but the controller
            return
        if not fields or fields[0][0] != "in_port" or fields[0][2] != _PORT or flow.priority <= LOWEST:
            self._unread(flow)
            self._blurred.add(0)
            self.strange = True
            return
        port = fields[0][1]
        if port in self.links:
            if fields[1:] == (_MPLS,) and flow.actions == _CLEAR and is_plain(flow) and flow.goto == 3:
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
        if self.classify.setdefault(fields, flow) is not flow:
            self.contested.add(fields)
            self.classify[fields] = flow
        here = self.by_port.get(port)
        if here is None:
            self.by_port[port] = [fields]
        else:
            here.append(fields)
        written = flow.metadata
        if flow.goto != 1 or flow.actions or flow.meter is not None or written is None or written[1] != LOW32:
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
        trunk = self.groups.trunks.get(end.group)
        return None if trunk is None else Encapsulate(flow, label.value, tc.value, trunk)

    def _transit(self, flow: Flow, fields: Fields) -> None:
        label = self._label(3, flow, fields)
        if label is None:
            return
        known = self._alike.get(id(flow.actions))  # many labels do the same, and their rules share its value
        if known is None or known[2] != flow.goto:
            known = self._alike[id(flow.actions)] = (flow, self._effect(flow), flow.goto)
        effect = known[1]
        if (
            effect is None
            or label in self.states
            or not is_plain(flow)
            or (effect.kind == TRANSIT and label in self.bypass and is_protected(effect.hop))
        ):
            self._spoil(3, label, flow)
        else:
            self.states[label], self.effects[label] = flow, effect

    def _effect(self, flow: Flow) -> Effect | None:
        """What a rule of the transit table does with its label."""
        actions = flow.actions
        if not actions:
            return None
        if flow.goto is not None:
            return _DELIVER if flow.goto == 4 and actions == (_POP,) else None
        if len(actions) == 2 and type(actions[0]) is DecMplsTtl and type(actions[1]) is ToGroup:
            hop = self.groups.hops.get(actions[1].group)
            return None if hop is None else Effect(TRANSIT, hop)
        kind = POP_FORWARD if actions[0] == _POP else FORWARD
        if kind == POP_FORWARD:
            actions = actions[1:]
        if len(actions) != 4 or type(actions[0]) is not DecMplsTtl or type(actions[3]) is not Output:
            return None
        out = self.groups.out(read_bucket(Bucket(actions[1:])))
        return None if out is None else Effect(kind, HopForm(None, out))

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
        form = (
            None if key is None or not is_plain(flow) or flow.goto is not None else self._retag(flow, fields[1:])
        )
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
            tags = UNCHANGED
        elif kinds == (PopVlan,):
            tags = _OFF if tagged else UNCHANGED if tagged is False else None
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
        if len(fields) == 2 and fields[0] == _MPLS:
            name, value, mask = fields[1]
            if name == "mpls_label" and mask == _LABEL:
                self.labels.add(value)
                return value
        exact = flow.match.get("mpls_label")
        if fields[:1] == (_MPLS,) and exact is not None and exact[1] == _LABEL:
            self.labels.add(exact[0])
            self._odd_keys.add((table, exact[0]))
            drops = not flow.actions and flow.goto is None and is_plain(flow)
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
                    del self.effects[key]
                    self.void.discard(key)
            else:
                keyed[table].pop(key, None)
        for table in self._blurred & keyed.keys():
            keyed[table].clear()
        self.void -= self._loud
        self.strange = self.strange or 3 in self._blurred
        self.open = 0 in self._blurred


_OFF = Tags(1)
