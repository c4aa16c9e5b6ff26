"""Straight-line diagrams: from the name of a link, or of one or two ends, to lines and sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sdnctl.drawing.fibre import axis
from sdnctl.drawing.fibre.paper import Caption
from sdnctl.errors import Diagnostic, InputError, UsageError
from sdnctl.inventory.finding import find_terminals, no_such
from sdnctl.inventory.itinerary import USUAL, Itinerary, itinerary, told
from sdnctl.inventory.plant import Plant, PortEnd, Terminal
from sdnctl.inventory.straight import StraightLine, straight_line
from sdnctl.inventory.tracing import Break, Trace
from sdnctl.usecases.closures import today, write_sheets
from sdnctl.usecases.context import Context
from sdnctl.usecases.glass import named_links


@dataclass(frozen=True)
class Line:
    """What was asked, and the line of each chain."""

    asked: str
    network: str
    chains: tuple[StraightLine, ...]


def line(context: Context, route: Sequence[str]) -> Line:
    """The lines of an optical link (both ways), of the chain that an end is on, or from one end to another.

    Raises InputError where nothing has that name, and where no glass leads from the one to the other.
    """
    plant = context.loaded.plant
    if not 1 <= len(route) <= 2:
        raise UsageError(
            Diagnostic("usage", "give a link, or one or two ends", hint="core-a:3, or core-a:3 pop-n:1")
        )
    links = named_links(plant)
    if len(route) == 1 and route[0] in links:
        link = links[route[0]]
        traces = (link.there,) if link.a.lane == "bidi" else (link.there, link.back)
        found = [told(plant, trace, _breaks(trace), USUAL) for trace in traces]
    else:
        if ":" not in route[0] and "/" not in route[0]:
            names = (*links, *plant.switches, *plant.odfs, *plant.cables)
            raise InputError(no_such("link, port, position or strand", route[0], names))
        found = [itinerary(plant, end) for end in find_terminals(plant, route[0])]
        if len(route) == 2:
            goals = find_terminals(plant, route[1])
            found = [one for one in found if _meets(one.chain, goals)] or _apart(plant, route, found[0].chain)
    chains = tuple(straight_line(plant, one) for one in found)
    return Line(" ".join(route), context.loaded.network.settings.name, chains)


def _breaks(trace: Trace) -> tuple[Break, ...]:
    return (trace.broken,) if trace.broken else ()


def _meets(chain: Trace, goals: Sequence[Terminal]) -> bool:
    """Whether a chain runs through one of these ends; of a port either lane will do."""
    passed = {chain.start, chain.end, *(step.leave for step in chain.steps), *(step.enter for step in chain.steps)}
    ports = {(goal.switch, goal.port) for goal in goals if isinstance(goal, PortEnd)}
    return any(goal in passed for goal in goals) or any(
        isinstance(end, PortEnd) and (end.switch, end.port) in ports for end in passed
    )


def _apart(plant: Plant, route: Sequence[str], chain: Trace) -> list[Itinerary]:
    raise InputError(
        Diagnostic(
            "not-joined",
            f"the glass of {route[0]} does not lead to {route[1]}",
            address=route[0],
            detail=f"It ends at {chain.end}, at {plant.place_of(chain.end)}.",
            hint=f"`sdnctl inventory trace {route[0]}` tells its way",
        )
    )


def draw_line(found: Line, out: Path, on: date | None = None) -> None:
    """The lines on sheets of paper."""
    fields = (
        ("from", str(found.chains[0].told.start)),
        ("to", str(found.chains[0].told.end)),
        ("network", found.network),
        ("date", (on or today()).isoformat()),
    )
    write_sheets(axis.draw(found.chains, Caption("Straight line", found.asked, fields)), out)
