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

from typing import NamedTuple, TypeAlias

from sdnctl.dataplane.values import Flow, Group
from sdnctl.verify.frames import Tags

Fields: TypeAlias = tuple[tuple[str, int, int], ...]

TRANSIT, DELIVER, FORWARD, POP_FORWARD = range(4)
"""What a label does: to a hop's group; popped, this is its end; sent bare; popped and sent bare."""

LOW32 = 0xFFFFFFFF


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


class Effect(NamedTuple):
    """What a switch does with a label; rules of many labels share one."""

    kind: int
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
