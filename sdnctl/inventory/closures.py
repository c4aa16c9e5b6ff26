"""What a splice box holds: its cables, the one state of each of their strands, and its splices by cassette.

A strand at a box is *spliced*, *uncut* (it passes), *waiting* (cut, or at the end of its cable, and joined to
nothing) or *connectorised* (on a position of a frame, or with a plug of its own). A strand that is cut where its
cable passes has two ends, each with a state of its own; the strand's is the first of spliced, connectorised and
waiting that one of its ends has.

A tube is open where one of its strands is cut or noted as touched. Opening one tube of twelve concerns the twelve
strands in it; the others have no event there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import count

from sdnctl.errors import Source
from sdnctl.inventory.colours import strands_of, tube_of
from sdnctl.inventory.glass import SpliceRun, numbers
from sdnctl.inventory.life import Life
from sdnctl.inventory.passives import Passive, loss_through
from sdnctl.inventory.plant import Cable, CableType, Closure, PassivePort, Plant, Side, StrandEnd, Terminal
from sdnctl.units import Loss

SLOTS = 12
"""Splices on a cassette, where nobody recorded which one they lie on."""


class State(StrEnum):
    """What becomes of a strand, or of one end of it, at a box."""

    SPLICED = "spliced"
    CONNECTORISED = "connectorised"
    WAITING = "waiting"
    UNCUT = "uncut"


@dataclass(frozen=True, slots=True)
class EndState:
    """One end of a cut strand: what is joined to it (`other`), by which closure, frame or jumper (`via`)."""

    end: StrandEnd
    state: State
    other: Terminal | None = None
    via: str = ""


@dataclass(frozen=True, slots=True)
class HeldCable:
    """A cable at a box. `sides`: both where it passes, else the end of it that its glass leads to.

    `states` are those of strands 1, 2, …; `opened` the tubes that are open here.
    """

    cable: Cable
    kind: CableType
    place: int
    sides: tuple[Side, ...]
    states: tuple[State, ...]
    opened: frozenset[int]

    @property
    def id(self) -> str:
        return self.cable.id

    @property
    def passes(self) -> bool:
        return len(self.sides) == 2

    @property
    def concerned(self) -> frozenset[int]:
        """Strands that somebody at the box has to do with: those in open tubes."""
        return frozenset(strand for tube in self.opened for strand in strands_of(self.kind, tube))

    def towards(self, side: Side) -> str:
        """The place at one end of the cable."""
        return self.cable.a if side == "a" else self.cable.b

    def strands(self, state: State) -> tuple[int, ...]:
        return tuple(number for number, one in enumerate(self.states, start=1) if one is state)


@dataclass(frozen=True, slots=True)
class Joint:
    """A splice in its place: `slot` on `cassette`, both from 1; `recorded`: whether the cassette is."""

    cassette: int
    slot: int
    a: StrandEnd
    b: StrandEnd
    loss: Loss | None
    life: Life
    origin: Source
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class HeldNode:
    """A passive node in a box: what is joined to each of its ports, None where nothing is."""

    passive: Passive
    ports: Mapping[str, Terminal | None]

    @property
    def title(self) -> str:
        """As ``splitter sp-1, 1 to 4``."""
        one = self.passive
        size = f", 1 to {one.ways}" if one.ways else f", {len(one.channels)} channels" if one.channels else ""
        return f"{one.kind} {one.id}{size}"

    def loss(self, port: str) -> tuple[Loss, Loss]:
        """Least and greatest loss by a port; that of a channel at its own wavelength."""
        one = self.passive
        nm = one.channels.get(port)
        found = None if nm is None else loss_through(one, port, "com", nm)
        least, greatest = found or one.port_losses.get(port) or (one.loss_min, one.loss_max)
        return Loss(least), Loss(greatest)


@dataclass(frozen=True, slots=True)
class Held:
    """Everything in one box. `ends`: every end of a strand that ends or is cut here. `nodes`: by name."""

    closure: Closure
    cables: tuple[HeldCable, ...]
    ends: Mapping[StrandEnd, EndState]
    joints: tuple[Joint, ...]
    nodes: tuple[HeldNode, ...] = ()

    @property
    def cassettes(self) -> Mapping[int, tuple[Joint, ...]]:
        """Cassette → its splices in their order."""
        found: dict[int, list[Joint]] = defaultdict(list)
        for joint in self.joints:
            found[joint.cassette].append(joint)
        return {number: tuple(sorted(found[number], key=lambda one: one.slot)) for number in sorted(found)}

    def cable(self, name: str) -> HeldCable:
        """A cable by id; KeyError if the box does not hold it."""
        for one in self.cables:
            if one.id == name:
                return one
        raise KeyError(name)

    def waiting(self) -> Iterator[tuple[HeldCable, Side, tuple[int, ...]]]:
        """Strands that wait, by cable and the side of it that their glass leads to."""
        found: dict[tuple[str, Side], list[int]] = defaultdict(list)
        for one in self.ends.values():
            if one.state is State.WAITING:
                found[one.end.cable, one.end.side].append(one.end.strand)
        for held in self.cables:
            for side in held.sides:
                if found.get((held.id, side)):
                    yield held, side, tuple(sorted(found[held.id, side]))


class Boxes:
    """Answers for the boxes of one plant; its tables are made on first use, so make it once for many boxes."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant

    @cached_property
    def at(self) -> Mapping[str, Sequence[str]]:
        """Place → the boxes there, by name."""
        found: dict[str, list[str]] = defaultdict(list)
        for key in sorted(self.plant.closures):
            found[self.plant.closures[key].at].append(key)
        return found

    @cached_property
    def runs(self) -> Mapping[str, Sequence[SpliceRun]]:
        """Box → its splices, as written."""
        found: dict[str, list[SpliceRun]] = defaultdict(list)
        for run in self.plant.splice_runs:
            found[run.closure].append(run)
        return found

    @cached_property
    def _named(self) -> Mapping[str, frozenset[str]]:
        """Box → cables that it names in splices or opened tubes."""
        return {
            key: frozenset(
                (
                    *(run.a.cable for run in self.runs.get(key, ())),
                    *(run.b.cable for run in self.runs.get(key, ())),
                )
            ).union(closure.opened)
            for key, closure in self.plant.closures.items()
        }

    @cached_property
    def _framed(self) -> Mapping[str, frozenset[str]]:
        """Place → cables with strands on a frame there."""
        found: dict[str, set[str]] = defaultdict(set)
        for run in self.plant.termination_runs:
            cable = self.plant.cables[run.strands.cable]
            found[cable.places[run.strands.place]].add(cable.id)
        return {place: frozenset(cables) for place, cables in found.items()}

    @cached_property
    def _loose(self) -> Mapping[str, frozenset[str]]:
        """Place → cables that end or are cut there, whether or not a box names them."""
        found: dict[str, set[str]] = defaultdict(set)
        for cable in self.plant.cables.values():
            for place in (cable.a, cable.b):
                found[place].add(cable.id)
            for index, strands in self.plant.cut_places.get(cable.id, ()):
                if strands:
                    found[cable.places[index]].add(cable.id)
        return {place: frozenset(cables) for place, cables in found.items()}

    def cables_in(self, key: str) -> frozenset[str]:
        """The cables that a box holds.

        Those that it names; and of the others that end or are cut at its place those that no other box and no
        frame there names (the first box of the place has them).
        """
        place = self.plant.closures[key].at
        here = self.at[place]
        if key != here[0]:
            return self._named[key]
        others = frozenset[str]().union(*(self._named[other] for other in here if other != key))
        loose = self._loose.get(place, frozenset()) - others - self._framed.get(place, frozenset())
        return self._named[key] | loose

    def held(self, key: str) -> Held:
        """Everything in a box; KeyError if there is no such box."""
        plant, closure = self.plant, self.plant.closures[key]
        ends: dict[StrandEnd, EndState] = {}
        cables = [
            self._cable(plant.cables[name], index, closure, ends)
            for name in self.cables_in(key)
            for index, place in enumerate(plant.cables[name].places)
            if place == closure.at
        ]
        cables.sort(key=lambda one: (not one.passes, one.sides != ("a",), -one.kind.strands, one.id))
        joints = cassettes(plant, closure, self.runs.get(key, ()))
        nodes = tuple(self._node(plant.passives[name]) for name in self.nodes_in.get(key, ()))
        return Held(closure, tuple(cables), ends, joints, nodes)

    @cached_property
    def nodes_in(self) -> Mapping[str, Sequence[str]]:
        """Box → the passive nodes that sit in it, by name.

        A node sits in the box that holds a strand which is joined to one of its ports without a frame between, or
        to a node beside it; in a chamber, where there is nowhere else, in the first box if nothing is joined.
        """
        found: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self.plant.passives):
            key = self._box_of(name)
            if key is not None:
                found[key].append(name)
        return found

    def _box_of(self, name: str) -> str | None:
        place = self.plant.passives[name].site
        here = self.at.get(place, ())
        if not here:
            return None
        seen, waiting = {name}, [name]
        while waiting:
            for other in self._node(self.plant.passives[waiting.pop()]).ports.values():
                if isinstance(other, StrandEnd):
                    return next((key for key in here if other.cable in self.cables_in(key)), here[0])
                if isinstance(other, PassivePort) and other.passive not in seen:
                    seen.add(other.passive)
                    waiting.append(other.passive)
        return here[0] if place in self.plant.chambers else None

    def _node(self, passive: Passive) -> HeldNode:
        ports = {port: plugged_into(self.plant, PassivePort(passive.id, port)) for port in passive.ports}
        return HeldNode(passive, ports)

    def _cable(self, cable: Cable, place: int, closure: Closure, ends: dict[StrandEnd, EndState]) -> HeldCable:
        kind = self.plant.cable_types[cable.type]
        last = len(cable.places) - 1
        sides: tuple[Side, ...] = ("b",) if place == 0 else ("a",) if place == last else ("a", "b")
        everything = (1 << kind.strands + 1) - 2
        cut = everything if len(sides) == 1 else dict(self.plant.cut_places.get(cable.id, ())).get(place, 0)
        states = [State.UNCUT] * kind.strands
        for strand in numbers(cut):
            here = [self._end(StrandEnd(cable.id, strand, place, side)) for side in sides]
            ends.update((one.end, one) for one in here)
            states[strand - 1] = min((one.state for one in here), key=_ORDER.index)
        touched = closure.opened.get(cable.id, frozenset()) | frozenset(numbers(cut))
        opened = frozenset(tube_of(kind, strand) for strand in touched)
        return HeldCable(cable, kind, place, sides, tuple(states), opened)

    def _end(self, end: StrandEnd) -> EndState:
        joined = self.plant.splice_at.joined(end)
        if joined is not None:
            return EndState(end, State.SPLICED, joined[1], joined[0])
        position = self.plant.position_at.get(end)
        if position is not None:
            return EndState(end, State.CONNECTORISED, position, position.odf)
        other = plugged_into(self.plant, end)
        if other is not None:
            return EndState(end, State.CONNECTORISED, other, "jumper")
        return EndState(end, State.WAITING)


_ORDER = tuple(State)


def plugged_into(plant: Plant, end: Terminal) -> Terminal | None:
    """What a jumper joins an end to."""
    jumper = plant.jumper_at.get(end)
    return None if jumper is None else jumper.b if jumper.a == end else jumper.a


def cassettes(plant: Plant, closure: Closure, runs: Iterable[SpliceRun]) -> tuple[Joint, ...]:
    """The splices of a box on their cassettes, in the order written.

    Those of which nobody recorded the cassette follow, twelve to a cassette, on the first numbers that nobody
    recorded. Strands of one tube stay together: a tube that does not fit on what is left begins the next one.
    """
    runs = tuple(runs)
    recorded = [run for run in runs if run.cassette is not None]
    taken = {run.cassette for run in recorded}
    used: dict[int, int] = defaultdict(int)
    found: list[Joint] = []

    def lay(cassette: int, run: SpliceRun, index: int) -> None:
        used[cassette] += 1
        ends, life = (run.a.end(index), run.b.end(index)), run.life or closure.life
        found.append(Joint(cassette, used[cassette], *ends, run.loss, life, run.origin, run.cassette is not None))

    for run in recorded:
        for index in range(len(run.a.strands)):
            lay(run.cassette or 0, run, index)
    free = (number for number in count(1) if number not in taken)
    cassette = next(free)
    for group in _by_tube(plant, (run for run in runs if run.cassette is None)):
        if used[cassette] and used[cassette] + len(group) > SLOTS:
            cassette = next(free)
        for run, index in group:
            if used[cassette] == SLOTS:
                cassette = next(free)
            lay(cassette, run, index)
    return tuple(found)


def _by_tube(plant: Plant, runs: Iterable[SpliceRun]) -> Iterator[list[tuple[SpliceRun, int]]]:
    """Splices that follow each other and come from one tube, as (run, number in the run)."""
    group: list[tuple[SpliceRun, int]] = []
    last: tuple[str, str, int] | None = None
    for run in runs:
        kind = plant.cable_types[plant.cables[run.a.cable].type]
        for index, strand in enumerate(run.a.strands):
            tube = run.a.cable, run.a.side, tube_of(kind, strand)
            if group and tube != last:
                yield group
                group = []
            last = tube
            group.append((run, index))
    if group:
        yield group
