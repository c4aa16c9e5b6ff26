"""Glass that nobody uses: strands, spliced together as they are, in bundles that run the same way.

A chain of pieces that are spliced to each other is free if all its cables and splices are in service, no strand of
it is broken, and no jumper is plugged in at either end. Chains over the same pieces of the same cables, with the
same kinds of ends, are one `Bundle`: what can be done with one of its strands can be done with all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from sdnctl.inventory.channels import Lit, alike, lit_by, lit_channels
from sdnctl.inventory.colours import modulo, tube_of
from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.links import life_faults
from sdnctl.inventory.optics import LossSpan, UnknownAttenuation, chain_loss
from sdnctl.inventory.plant import PassivePort, Plant, PortEnd, Side, StrandEnd
from sdnctl.inventory.tracing import Trace, branches, next_cut

EndKind: TypeAlias = Literal["frame", "open", "mixed"]
"""Where all strands of a bundle end: on a frame, open, or (`pooled`) some on a frame and some open."""


class Piece(NamedTuple):
    """Glass of a cable from place number `first` to `last`; first > last where it runs towards the end a."""

    cable: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """Free chains alike: `pieces` in order, kinds of the two ends, and of each chain the strand in each piece.

    Of a mixed end, `loose` has the first strands of the chains that are open there (for either end). `beyond`: the
    bundle is there for more strands than that only: so many need no work, or least.
    """

    pieces: tuple[Piece, ...]
    ends: tuple[EndKind, EndKind]
    chains: tuple[tuple[int, ...], ...]
    loose: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    beyond: int = 0

    def __len__(self) -> int:
        return len(self.chains)


def bundles(plant: Plant) -> tuple[Bundle, ...]:
    """Every bundle of free strands, in order of its pieces."""
    found: dict[tuple[tuple[Piece, ...], tuple[EndKind, EndKind]], list[tuple[int, ...]]] = defaultdict(list)
    for ends in _chains(plant):
        first, last = _kind(plant, ends[0]), _kind(plant, ends[-1])
        broken = any(_faulty(plant, one, two) for one, two in zip(ends[::2], ends[1::2], strict=True))
        if first is None or last is None or broken:
            continue
        pieces = tuple(
            Piece(one.cable, one.place, two.place) for one, two in zip(ends[::2], ends[1::2], strict=True)
        )
        strands = tuple(end.strand for end in ends[::2])
        back = tuple(Piece(piece.cable, piece.last, piece.first) for piece in reversed(pieces))
        if back < pieces:
            pieces, strands, first, last = back, strands[::-1], last, first
        found[pieces, (first, last)].append(strands)
    return tuple(Bundle(*key, tuple(sorted(found[key]))) for key in sorted(found))


def pooled(found: Sequence[Bundle]) -> tuple[Bundle, ...]:
    """Strands over the same glass whatever their ends are, for who wants more than there are of one kind.

    Only between frames: an open strand is put on a position there, so that all of them end alike. Those that need
    no work come first.
    """
    alike_glass: dict[tuple[Piece, ...], list[Bundle]] = defaultdict(list)
    for bundle in found:
        alike_glass[bundle.pieces].append(bundle)
    pools = []
    for pieces, group in alike_glass.items():
        if len(group) < 2:
            continue
        ready = sorted(group, key=lambda one: one.ends.count("open"))
        loose = [
            frozenset(c[0] for one in group if one.ends[side] == "open" for c in one.chains) for side in (0, 1)
        ]
        kinds = [{one.ends[side] for one in group} for side in (0, 1)]
        first, last = ("mixed" if len(kind) > 1 else next(iter(kind)) for kind in kinds)
        chains = tuple(chain for one in ready for chain in one.chains)
        pools.append(Bundle(pieces, (first, last), chains, (loose[0], loose[1]), len(ready[0])))
    return tuple(pools)


def _chains(plant: Plant) -> Iterator[list[StrandEnd]]:
    """Every chain of spliced pieces of cables in service, as the ends of its pieces in order; none twice."""
    seen = set[StrandEnd]()
    doubtful = {key for key, closure in plant.closures.items() if not closure.life.in_service()}
    doubtful.update(run.closure for run in plant.splice_runs if run.life is not None)
    for cable in plant.cables.values():
        if not cable.life.in_service():
            continue
        for strand in range(1, plant.cable_types[cable.type].strands + 1):
            place = 0
            while place < len(cable.places) - 1:
                start = StrandEnd(cable.id, strand, place, "b")
                far = _far(plant, start)
                place = far.place
                if start in seen:
                    continue
                ahead = _onwards(plant, far, start)
                if ahead is None:  # a ring of glass: it leads nowhere
                    continue
                ends = [*reversed(_onwards(plant, start, far) or ()), start, far, *ahead]
                seen.update(ends)
                lit = all(plant.cables[end.cable].life.in_service() for end in ends[::2])
                if lit and (not doubtful or all(_spliced(plant, end, doubtful) for end in ends[1:-1:2])):
                    yield ends


def _spliced(plant: Plant, end: StrandEnd, doubtful: set[str]) -> bool:
    """Whether the splice at an end is in service; `doubtful` are closures where that has to be looked at."""
    joined = plant.splice_at.joined(end)
    if joined is None or joined[0] not in doubtful:
        return True
    own = plant.splice_at.life(end)
    return plant.closures[joined[0]].life.in_service() and (own is None or own.in_service())


def _far(plant: Plant, end: StrandEnd) -> StrandEnd:
    side: Side = "a" if end.side == "b" else "b"
    return StrandEnd(end.cable, end.strand, next_cut(plant, end), side)


def _onwards(plant: Plant, end: StrandEnd, first: StrandEnd) -> list[StrandEnd] | None:
    """The ends of the pieces that follow an end, by its splice; None where they come back to `first`."""
    found: list[StrandEnd] = []
    while (joined := plant.splice_at.joined(end)) is not None:
        if joined[1] == first:
            return None
        end = _far(plant, joined[1])
        found += (joined[1], end)
    return found


def _kind(plant: Plant, end: StrandEnd) -> EndKind | None:
    """What the end of a chain is, None where something is plugged in."""
    if end in plant.jumper_at:
        return None
    position = plant.position_at.get(end)
    if position is None:
        return "open"
    return None if position in plant.jumper_at else "frame"


def _faulty(plant: Plant, one: StrandEnd, two: StrandEnd) -> bool:
    cable = plant.cables[one.cable]
    low, high = sorted((cable.marks[one.place], cable.marks[two.place]))
    return any(one.strand in fault.strands and low <= fault.at <= high for fault in cable.faults)


def pick(plant: Plant, bundle: Bundle, count: int) -> tuple[tuple[int, ...], ...]:
    """So many chains of a bundle: of one tube of its first cable where that has them, the fullest such first."""
    if bundle.beyond:
        return bundle.chains[:count]
    kind = plant.cable_types[plant.cables[bundle.pieces[0].cable].type]
    tubes: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for chain in bundle.chains:
        tubes[tube_of(kind, chain[0])].append(chain)
    wide = [found for found in tubes.values() if len(found) >= count]
    if count <= modulo(kind) and wide:
        return tuple(min(wide, key=lambda found: (len(found), found[0]))[:count])
    return bundle.chains[:count]


def free_in(found: Iterable[Bundle]) -> Mapping[str, Mapping[int, int]]:
    """Cable → number of a passage → free strands there."""
    table: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for bundle in found:
        for piece in bundle.pieces:
            low, high = sorted((piece.first, piece.last))
            for passage in range(low, high):
                table[piece.cable][passage] += len(bundle)
    return table


def _dark(
    plant: Plant, way: Trace, wavelength: Wavelength, light: Mapping[tuple[str, int], Sequence[Lit]]
) -> bool:
    """Whether glass is in service, and no transmitter lights it at a wavelength."""
    if any(life_faults(plant, (), (way,), None)):
        return False
    mine = lit_by(PortEnd("", 0, "tx"), wavelength, (way,))
    return not any(
        alike(one.wavelength, other.wavelength) and one.low < other.high and other.low < one.high
        for one in mine
        for other in light.get((one.cable, one.strand), ())
    )


def _loss(plant: Plant, way: Trace, wavelength: Wavelength) -> LossSpan | None:
    try:
        return chain_loss(plant, way, wavelength)
    except UnknownAttenuation:
        return None


@dataclass(frozen=True, slots=True)
class Channel:
    """A wavelength that is free from a mux to a mux: nothing is plugged in at either end, and nothing lights it.

    `loss` is None where no attenuation of the glass is known at that wavelength.
    """

    wavelength: Wavelength
    a: PassivePort
    b: PassivePort
    metres: float
    loss: LossSpan | None = None


def free_channels(plant: Plant, a: str, b: str) -> tuple[Channel, ...]:
    """Free wavelengths between the muxes of two sites."""
    found = []
    light = lit_channels(plant) if any(mux.kind == "mux" for mux in plant.passives.values()) else {}
    for mux in plant.passives.values():
        if mux.site != a or mux.kind != "mux":
            continue
        for name, nm in mux.channels.items():
            start = PassivePort(mux.id, name)
            if start in plant.jumper_at:
                continue
            for way in branches(plant, start, wavelength=nm, backwards=True):
                end = way.end
                unplugged = way.broken is not None and way.broken.cause == "unpatched"
                arrived = isinstance(end, PassivePort) and plant.passives[end.passive].site == b
                if unplugged and arrived and isinstance(end, PassivePort) and _dark(plant, way, nm, light):
                    found.append(Channel(nm, start, end, way.length, _loss(plant, way, nm)))
    return tuple(sorted(found, key=lambda one: (one.wavelength, one.a, one.b)))
