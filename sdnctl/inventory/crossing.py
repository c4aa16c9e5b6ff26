"""Where to look when two links are found crossed: the jumpers, ODF positions and strands where both are at hand.

Cables get crossed where somebody worked on both: at a patch panel, in a closure, behind one switch. So the places
that the chains of both links pass are where one looks first, nearest to the port that heard wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.plant import OdfPosition, Plant, StrandEnd
from sdnctl.inventory.tracing import Step, StepKind, Trace

Port = tuple[str, int]
"""Switch and port number."""


def links_by_port(links: Iterable[OpticalLink]) -> Mapping[Port, OpticalLink]:
    """The optical link at each port that has one."""
    return {(end.switch, end.port): link for link in links for end in (link.a, link.b)}


def crossing(plant: Plant, links: Mapping[Port, OpticalLink], here: Port, there: Port) -> tuple[str, ...]:
    """What to check when the port `here` hears the port `there`, nearest to `here` first.

    One line for each place that both the chain planned into `here` and the one planned out of `there` pass, as
    ``ODF odf-gare: odf-gare:3 (strand 3 of cable c-1) and odf-gare:5 (…)``: somewhere the light changed from the
    latter to the former. Where they have no place in common, what is known of each. Empty without strands.
    """
    chains = []
    if (mine := links.get(here)) is not None:
        chains.append((mine.back if _is_a(mine, here) else mine.there).reversed())
    if (theirs := links.get(there)) is not None:
        chains.append(theirs.there if _is_a(theirs, there) else theirs.back)
    planned = tuple(f"the way of {chain.start} as planned: {describe(chain)}" for chain in chains)
    if len(chains) < 2 or mine is theirs:
        return planned
    marks = [_marks(plant, chain) for chain in chains]
    shared = [place for place in marks[0] if place in marks[1]]
    return tuple(f"{place}: {marks[0][place]} and {marks[1][place]}" for place in shared) or planned


def _is_a(link: OpticalLink, port: Port) -> bool:
    return (link.a.switch, link.a.port) == port


def _marks(plant: Plant, chain: Trace) -> Mapping[str, str]:
    """Places of a chain where it can have been exchanged for another, and what of it is there."""
    seen: dict[str, list[str]] = {}
    for step in chain.steps:
        for place, mark in _hands(plant, step):
            marks = seen.setdefault(place, [])
            if mark not in marks:
                marks.append(mark)
    return {place: ", ".join(marks) for place, marks in seen.items()}


def _hands(plant: Plant, step: Step) -> Iterator[tuple[str, str]]:
    """Where somebody can have had his hands on a step."""
    ends = (step.enter, step.leave)
    if step.kind is StepKind.JUMPER:
        yield f"jumpers at {plant.place_of(step.enter)}", f"{step.enter} – {step.leave}"
    elif step.kind is StepKind.CONNECTOR:
        position = next((end for end in ends if isinstance(end, OdfPosition)), None)
        strand = next((end for end in ends if isinstance(end, StrandEnd)), None)
        if position is not None:
            behind = f" (strand {strand.strand} of cable {strand.cable})" if strand is not None else ""
            yield f"ODF {position.odf}", f"{position}{behind}"
    elif step.kind is StepKind.SPLICE:
        yield f"closure {step.via}", " – ".join(_strand(end) for end in ends if isinstance(end, StrandEnd))
    elif step.kind is StepKind.PASSIVE:
        yield f"passive {step.via}", f"{step.enter} – {step.leave}"


def _strand(end: StrandEnd) -> str:
    return f"strand {end.strand} of cable {end.cable}"


def describe(chain: Trace) -> str:
    """A chain as what it passes: ``odf-gare/3, strand 3 of cable c-1, closure cl-2, …``."""
    words: list[str] = []
    for step in chain.steps:
        if step.kind is StepKind.STRAND and isinstance(step.enter, StrandEnd):
            words.append(_strand(step.enter))
        elif step.kind is StepKind.CONNECTOR:
            words += [str(end) for end in (step.enter, step.leave) if isinstance(end, OdfPosition)][:1]
        elif step.kind in (StepKind.SPLICE, StepKind.PASSIVE):
            words.append(f"{'closure' if step.kind is StepKind.SPLICE else 'passive'} {step.via}")
    return ", ".join(dict.fromkeys(words)) or "one jumper"
