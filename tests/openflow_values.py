"""Strategies for OpenFlow values: anything that fits the wire, whether a switch would take it or not."""

from __future__ import annotations

from hypothesis import strategies as st

from sdnctl.dataplane.fields import MASKABLE
from sdnctl.dataplane.values import (
    FIELDS,
    PORT_CONTROLLER,
    Action,
    Bucket,
    ClearInPort,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Match,
    Meter,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    SetField,
    SetQueue,
    ToGroup,
)

u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
u64 = st.integers(0, (1 << 64) - 1)
ports = st.integers(1, 0xFFFFFF00)
xids = u32


@st.composite
def matches(draw: st.DrawFn) -> Match:
    """Any set of fields, exact or (where OpenFlow allows it) masked."""
    fields: dict[str, tuple[int, int]] = {}
    for name in draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=8)):
        full = (1 << FIELDS[name]) - 1
        mask = full
        if name in MASKABLE and draw(st.booleans()):
            mask = draw(st.integers(1, full))
        fields[name] = draw(st.integers(0, full)) & mask, mask
    return Match.of(**fields)


@st.composite
def set_fields(draw: st.DrawFn) -> SetField:
    name = draw(st.sampled_from(sorted(FIELDS)))
    return SetField(name, draw(st.integers(0, (1 << FIELDS[name]) - 1)))


standard_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Output, ports),
    st.builds(Output, st.just(PORT_CONTROLLER), u16),
    st.builds(ToGroup, u32),
    st.builds(PushMpls, u16),
    st.builds(PopMpls, u16),
    st.builds(DecMplsTtl),
    st.builds(PushVlan, u16),
    st.builds(PopVlan),
    set_fields(),
    st.builds(SetQueue, u32),
)
"""Actions of OpenFlow 1.3 itself."""

nicira_actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(ClearInPort),
    st.builds(Encap, st.sampled_from(("mpls", "ethernet"))),
    st.builds(Decap, st.booleans()),
)
actions = st.one_of(standard_actions, nicira_actions)


def flows(action: st.SearchStrategy[Action] = actions) -> st.SearchStrategy[Flow]:
    return st.builds(
        Flow,
        table=st.integers(0, 254),
        priority=u16,
        match=matches(),
        cookie=u64,
        actions=st.lists(action, max_size=6).map(tuple),
        meter=st.none() | u32,
        metadata=st.none() | st.tuples(u64, u64).map(lambda pair: (pair[0] & pair[1], pair[1])),
        goto=st.none() | st.integers(0, 255),
    )


@st.composite
def groups(draw: st.DrawFn, action: st.SearchStrategy[Action] = actions) -> Group:
    kind = draw(st.sampled_from(GroupType))
    watch = st.none() | ports
    weight = st.integers(1, 0xFFFF) if kind is GroupType.SELECT else st.just(0)
    bucket = st.builds(Bucket, st.lists(action, max_size=4).map(tuple), watch, weight)
    return Group(draw(u32), kind, tuple(draw(st.lists(bucket, max_size=4))))


meters = st.builds(Meter, u32, u32, u32)
