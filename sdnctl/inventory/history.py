"""Names over time: a cable that was cut goes on under several names, its strands keep their numbers.

What was written down when the cable was laid (a trace, a ticket, a lease) names it by its first id and the metres
that are printed on its sheath. Both stay findable: a part that was cut off says which cable it was, and from which
mark.
"""

from __future__ import annotations

from typing import NamedTuple

from sdnctl.inventory.plant import Plant


class Spot(NamedTuple):
    """A place on a strand: cable, number, and mark on the sheath of that cable, metres from its end a."""

    cable: str
    strand: int
    mark: float


def laid_as(plant: Plant, spot: Spot) -> Spot:
    """What a place on a strand was called when its cable was laid."""
    was = plant.cables[spot.cable].was
    return spot if was is None else Spot(was[0], spot.strand, float(was[1]) + spot.mark)


def called_now(plant: Plant, laid: Spot) -> Spot | None:
    """What a place on a strand is called now, of which `laid_as` is known; None where there is no such glass."""
    parts = [(float(one.was[1]), one) for one in plant.cables.values() if one.was and one.was[0] == laid.cable]
    first = plant.cables.get(laid.cable)
    if first is not None and first.was is None:
        parts.append((0.0, first))
    for start, part in sorted(parts, key=lambda item: item[0], reverse=True):
        if start <= laid.mark <= start + part.sheath + 1e-6:
            return Spot(part.id, laid.strand, laid.mark - start)
    return None
