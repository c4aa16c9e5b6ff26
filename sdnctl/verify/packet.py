"""A symbolic packet: a set of customer frames, and the headers that the network put around it.

Inside a switch a `Packet` is worked on in place and copied where ways part; between switches its
`Wire` form is a hashable value. The label stack is outermost first. The cubes of the customer frames always
speak of the frames *as they entered*; what was done to them since (tags, rewritten fields) stands beside.
"""

from __future__ import annotations

from typing import NamedTuple

from sdnctl.dataplane.values import ETH_MPLS, IN_PORT_CLEARED, VLAN_PRESENT
from sdnctl.verify.frames import Tags
from sdnctl.verify.space import Cube, full_mask

OPAQUE = -1
"""A label whose value is not known, as any negative one: what stands below the one that is being followed."""

NEW_TTL = 64
"""The TTL of a label that encapsulation adds, whatever the customer's TTL is."""


class Label(NamedTuple):
    """One entry of the label stack."""

    value: int
    tc: int
    ttl: int


class Space:
    """A union of cubes of customer frames; compared by identity, so that it can be part of a key cheaply."""

    __slots__ = ("cubes",)

    def __init__(self, cubes: tuple[Cube, ...]) -> None:
        self.cubes = cubes


UNKNOWN = Space(())
"""Frames of which nothing is known: those below a label that is followed for itself."""


class Wire(NamedTuple):
    """A packet between two switches.

    `ethernet` is False only while a label stack has no Ethernet header, which no port can send.
    """

    space: Space
    labels: tuple[Label, ...]
    ethernet: bool
    macs: tuple[int, int]
    tags: Tags
    edits: tuple[tuple[str, int], ...]


_FULL = {name: full_mask(name) for name in ("in_port", "metadata", "eth_type", "vlan_vid", "vlan_pcp")}
_FULL |= {name: full_mask(name) for name in ("mpls_label", "mpls_tc", "mpls_bos", "eth_dst", "eth_src")}


class Packet:
    """A packet inside one switch."""

    __slots__ = (
        "arrived",
        "bare",
        "edits",
        "emitted",
        "ethernet",
        "floor",
        "in_port",
        "labels",
        "macs",
        "metadata",
        "meters",
        "queue",
        "space",
        "tags",
    )

    def __init__(self, wire: Wire, in_port: int) -> None:
        self.space = wire.space
        self.labels = wire.labels
        self.ethernet = wire.ethernet
        self.macs = wire.macs
        self.tags = wire.tags
        self.edits = wire.edits
        self.in_port = in_port
        self.metadata = 0
        self.queue: int | None = None
        self.meters: tuple[int, ...] = ()
        self.arrived = wire.labels
        self.floor = len(wire.labels)  # how many of the labels that arrived are still there
        self.emitted = False

    def copy(self, cubes: tuple[Cube, ...] | None = None) -> Packet:
        """The same packet again, of all its frames or of some."""
        twin = Packet.__new__(Packet)
        for name in ("labels", "ethernet", "macs", "tags", "edits", "in_port", "metadata", "queue", "meters"):
            setattr(twin, name, getattr(self, name))
        twin.arrived, twin.floor, twin.emitted = self.arrived, self.floor, self.emitted
        twin.space = self.space if cubes is None else Space(cubes)
        return twin

    def wire(self) -> Wire:
        return Wire(self.space, self.labels, self.ethernet, self.macs, self.tags, self.edits)

    @property
    def customer(self) -> bool:
        """Whether the customer's own frame is outermost."""
        return not self.labels

    def clear_in_port(self) -> None:
        self.in_port = IN_PORT_CLEARED

    # ── what a match sees ────────────────────────────────────────────────────────────────────────

    def labelled_view(self) -> Cube:
        """All fields of a packet under a label, none of them free."""
        top = self.labels[0]
        view = {
            "in_port": (self.in_port, _FULL["in_port"]),
            "metadata": (self.metadata, _FULL["metadata"]),
            "mpls_label": (top.value, _FULL["mpls_label"]),
            "mpls_tc": (top.tc, _FULL["mpls_tc"]),
            "mpls_bos": (int(len(self.labels) == 1), _FULL["mpls_bos"]),
        }
        if self.ethernet:
            view["eth_type"] = (ETH_MPLS, _FULL["eth_type"])
            view["vlan_vid"] = (0, _FULL["vlan_vid"])
            view["eth_dst"] = (self.macs[0], _FULL["eth_dst"])
            view["eth_src"] = (self.macs[1], _FULL["eth_src"])
        return view

    def frame_view(self, cube: Cube) -> Cube:
        """One cube of the customer frames as a match sees it now, edits included."""
        view = dict(cube)
        view["in_port"] = (self.in_port, _FULL["in_port"])
        view["metadata"] = (self.metadata, _FULL["metadata"])
        if self.tags.popped:
            inner = view.pop(f"vlan_vid.{self.tags.popped}", None)
            view.pop("vlan_vid", None)
            if inner is not None:
                view["vlan_vid"] = inner
        if self.tags.pushed:
            view["vlan_vid"] = (self.tags.pushed[-1], _FULL["vlan_vid"])
        for name, value in self.edits:
            view[name] = (value, full_mask(name))
        return view

    def from_view(self, view: Cube, cube: Cube) -> Cube:
        """What a cube that was found in the current view says about the frames as they entered."""
        back = dict(view)
        del back["in_port"], back["metadata"]
        if self.tags.popped or self.tags.pushed:
            now = back.pop("vlan_vid", None)
            if now is not None and not self.tags.pushed:
                back[f"vlan_vid.{self.tags.popped}"] = now
            for name in cube:
                if name.startswith("vlan_vid") and name not in back:
                    back[name] = cube[name]
        for name, _ in self.edits:
            back.pop(name, None)
            if name in cube:
                back[name] = cube[name]
        return back

    def outer_tag(self, cube: Cube) -> tuple[int, int]:
        """Value and mask of what is known about the outermost tag of one cube now."""
        return self.frame_view(cube).get("vlan_vid", (0, 0))

    def is_tagged(self, cube: Cube) -> bool | None:
        """Whether the frames of one cube carry a tag now; None where some do and some do not."""
        value, mask = self.outer_tag(cube)
        return bool(value & VLAN_PRESENT) if mask & VLAN_PRESENT else None
