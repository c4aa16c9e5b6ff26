"""What is to be done on a route of free strands, place by place: tubes opened, splices, pigtails, jumpers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sdnctl.inventory.plant import Plant
from sdnctl.inventory.spare import Bundle, pick


@dataclass(frozen=True, slots=True)
class Station:
    """Where a bundle can be entered or left: piece and place number in its cable; `end` only at its two ends."""

    place: str
    piece: int
    number: int
    end: str

    @property
    def side(self) -> str:
        """Where it is entered and left: at the frame, or open, where glass is spliced."""
        return "frame" if self.end in ("frame", "mixed") else "open"


@dataclass(frozen=True, slots=True)
class Work:
    """What is done at a place: `kind` is splice, pigtail, jumper or cut; `box` is the closure there, if any."""

    kind: str
    place: str
    count: int
    box: str
    what: str


End: TypeAlias = tuple[Station, Bundle]
"""Where a route enters or leaves a bundle."""


def is_joint(bundle: Bundle, station: Station) -> bool:
    """Whether a station is a splice between two pieces of its bundle; its glass has half of that already."""
    return not station.end and station.number == bundle.pieces[station.piece].last


def works_between(
    plant: Plant, boxes: Mapping[str, str], ends: Sequence[End], count: int, *, begins_beside_frame: bool
) -> Iterator[Work]:
    """What is to be done on a route that enters and leaves bundles at these ends, in its order.

    `boxes`: place → the closure there. Frames are where the inventory has them.
    """
    framed = {odf.site for odf in plant.odfs.values()}
    doors = (None, *ends, None)
    for left, right in zip(doors[::2], doors[1::2], strict=True):
        here = [door for door in (left, right) if door is not None]
        yield from (_cut(*door, count, boxes) for door in here if not door[0].end)
        if left is not None or not begins_beside_frame:
            yield from _join(plant, boxes, framed, here, count)


def _cut(station: Station, bundle: Bundle, count: int, boxes: Mapping[str, str]) -> Work:
    piece = bundle.pieces[station.piece]
    what = f"open a tube of {piece.cable} and cut {count} strands that pass"
    if is_joint(bundle, station):
        what = f"undo {count} splices of {piece.cable}"
    return Work("cut", station.place, count, boxes.get(station.place, ""), what)


def _join(
    plant: Plant, boxes: Mapping[str, str], framed: set[str], ends: Sequence[End], count: int
) -> Iterator[Work]:
    place = ends[0][0].place
    box = boxes.get(place, "")
    sides = [station.side for station, _ in ends]
    if sides == ["open", "open"]:
        what = "" if box or place in plant.sites else "a closure is needed"
        yield Work("splice", place, count, box, what)
        return
    pigtails = sum(_loose(plant, *end, count) for end in ends) if place in framed else 0
    if pigtails:
        yield Work("pigtail", place, pigtails, "", "put on frame positions")
    if len(ends) == 2:
        yield Work("jumper", place, count, "", "patch frame to frame")


def _loose(plant: Plant, station: Station, bundle: Bundle, count: int) -> int:
    """How many of the strands that are taken of a bundle are on no frame yet at one of its ends."""
    if station.end != "mixed":
        return 0 if station.end == "frame" else count
    last = station.piece == len(bundle.pieces) - 1 and station.number == bundle.pieces[-1].last
    return sum(chain[0] in bundle.loose[last] for chain in pick(plant, bundle, count))
