"""In which order tubes are spliced after a cut: what is without service by the admission ladder comes first.

The order is that of the best class that comes back with a tube, then of how many demands do; after all that is
without service, what only lost its protection, alike; then light that carries nothing. Tubes without light come
last and are only counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from sdnctl.inventory.colours import strands_of, tube_mark, tube_of
from sdnctl.inventory.cuts import Damage
from sdnctl.inventory.plant import CableType, Plant
from sdnctl.inventory.uses import Met
from sdnctl.usecases.whatif_answer import OUT_OF_SERVICE, Tube


def tubes_in_order(
    plant: Plant,
    met: Met,
    fates: Mapping[str, str],
    demands_of: Callable[[int], Iterable[str]],
    rank: Callable[[str], tuple[int, str]],
    name: Callable[[int], str],
) -> tuple[Tube, ...]:
    """Tubes with light that are hit, in the order of splicing.

    `fates`: demand → what becomes of it. `demands_of` and `name` are of a user's number (see `inventory.uses`),
    `rank` of a demand: its place on the ladder and its class.
    """
    strands: dict[tuple[str, int], set[int]] = defaultdict(set)
    users: dict[tuple[str, int], set[int]] = defaultdict(set)
    for cable, runs in met.runs.items():
        for run in runs:
            key = cable, tube_of(_kind(plant, cable), run.strand)
            strands[key].add(run.strand)
            users[key].add(run.user)
    ranked = []
    for (cable, number), lit in strands.items():
        here = users[cable, number]
        hit = {demand for user in here for demand in demands_of(user) if demand in fates}
        broken = sorted(rank(one) for one in hit if fates[one] in OUT_OF_SERVICE)
        weaker = sorted(rank(one) for one in hit if fates[one] not in OUT_OF_SERVICE)
        tube = Tube(
            cable,
            tube_mark(_kind(plant, cable), number),
            tuple(sorted(lit)),
            tuple(sorted(name(user) for user in here)),
            (broken or weaker or [(0, "")])[0][1],
            len(broken),
            len(weaker),
        )
        ranked.append((_urgency(broken), _urgency(weaker), cable, number, tube))
    return tuple(item[-1] for item in sorted(ranked, key=lambda item: item[:-1]))


def _urgency(found: list[tuple[int, str]]) -> tuple[bool, int, int]:
    """Sorts what has the best class first, then what has most; what has nothing last."""
    return (False, found[0][0], -len(found)) if found else (True, 0, 0)


def dark_tubes(plant: Plant, damage: Damage, met: Met) -> int:
    """How many tubes are hit that carry no light."""
    count = 0
    for cable in damage.wounds:
        kind, mask = _kind(plant, cable), damage.strands(cable)
        hit = {tube for tube in range(1, kind.tubes + 1) if any(mask >> one & 1 for one in strands_of(kind, tube))}
        count += len(hit - {tube_of(kind, run.strand) for run in met.runs.get(cable, ())})
    return count


def _kind(plant: Plant, cable: str) -> CableType:
    return plant.cable_types[plant.cables[cable].type]
