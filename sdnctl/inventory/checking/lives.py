"""Rules about the life of things: what is in service in what is not, and dates that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from sdnctl.errors import Severity, Source
from sdnctl.inventory.checking.finding import Hit
from sdnctl.inventory.checking.subject import Subject, entry, prefix
from sdnctl.inventory.glass import SpliceRun
from sdnctl.inventory.life import Life
from sdnctl.inventory.live.findings import Edit, Set
from sdnctl.inventory.models import Status

ABSENT = (Status.PLANNED, Status.ABANDONED)
"""What is not there yet, or is given up: nothing in service can be in it."""


class _Thing(NamedTuple):
    kind: str
    id: str
    life: Life
    origin: Source

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def contradiction(s: Subject) -> Iterator[Hit]:
    """Things in service in, or at, what is planned or abandoned."""
    for held, holder in _holders(s):
        if not held.life.in_service() or holder.life.status not in ABSENT:
            continue
        lit = held.kind == "cable" and bool(s.lit.get(held.id))
        yield Hit(
            str(held),
            held.origin,
            f"{held} is in service in a {holder.kind} that is {holder.life.status}",
            f"The {holder.kind} is {holder.id}." + (" Light runs through it, so it is there." if lit else ""),
            f"Write the {holder.kind} as in service." if lit else "Correct the status of one of the two.",
            (_status(holder, Status.IN_SERVICE),) if lit else (),
        )


def _status(thing: _Thing, status: Status) -> Edit:
    return Set.of(entry(thing.origin, thing.id), {f"{prefix(thing.origin)}status": str(status)})


def older(s: Subject) -> Iterator[Hit]:
    """Things that are older than what they lie in."""
    for held, holder in _holders(s):
        if held.life.valid_from and holder.life.valid_from and held.life.valid_from < holder.life.valid_from:
            yield Hit(
                str(held),
                held.origin,
                f"{held} is from {held.life.valid_from}, its {holder.kind} {holder.id} "
                f"from {holder.life.valid_from}",
                "One of the dates is that of a survey, or of a takeover.",
                "Correct valid_from of one of the two.",
            )


def outlives(s: Subject) -> Iterator[Hit]:
    """Things in service that outlive what they lie in."""
    for held, holder in _holders(s):
        end = holder.life.valid_to
        if end and held.life.in_service() and (held.life.valid_to is None or held.life.valid_to > end):
            yield Hit(
                str(held),
                held.origin,
                f"{held} stays after its {holder.kind} {holder.id}, which ends on {end}",
                "A lease that ends, or works that are given up.",
                "Extend the one, or plan where the other goes.",
                grade=Severity.ERROR if end < s.on else None,
            )


def over(s: Subject) -> Iterator[Hit]:
    """Things in service whose time is over, or has not begun."""
    busy = {(holder.kind, holder.id) for held, holder in _holders(s) if held.life.in_service()}
    busy |= {("cable", name) for name, strands in s.lit.items() if strands}
    for thing in _things(s):
        start, end = thing.life.valid_from, thing.life.valid_to
        if not thing.life.in_service():
            continue
        if end and end < s.on:
            yield Hit(
                str(thing),
                thing.origin,
                f"{thing} is in service, though its time ended on {end}",
                "On a day after that it carries nothing.",
                "Extend valid_to, or abandon it.",
            )
        elif start and start > s.on:
            yield Hit(
                str(thing),
                thing.origin,
                f"{thing} is in service, though its time begins on {start}",
                "It is in use." if thing[:2] in busy else "",
                "Correct valid_from." if thing[:2] in busy else "Write it as planned, or correct valid_from.",
                () if thing[:2] in busy else (_status(thing, Status.PLANNED),),
            )


def overdue(s: Subject) -> Iterator[Hit]:
    """Things that are planned for a day that is past."""
    for thing in _things(s):
        start = thing.life.valid_from
        if thing.life.status is Status.PLANNED and start and start < s.on:
            yield Hit(
                str(thing),
                thing.origin,
                f"{thing} is planned for {start}, which is past",
                remedy="Ask whether it was built, and correct status or date.",
            )


def dead_glass(s: Subject) -> Iterator[Hit]:
    """Splices of what is in service onto what is not there."""
    found: dict[tuple[str, str, str], list[SpliceRun]] = defaultdict(list)
    for run in s.plant.splice_runs:
        ends = [s.plant.cables[end.cable] for end in (run.a, run.b)]
        for alive, gone in (ends, ends[::-1]):
            if alive.life.in_service() and gone.life.status in ABSENT and run.life is None:
                found[run.closure, alive.id, gone.id].append(run)
    for (closure, alive_id, gone_id), runs in found.items():
        if s.plant.closures[closure].life.in_service():
            count = sum(len(run.a.strands) for run in runs)
            yield Hit(
                f"closure {closure}",
                runs[0].origin,
                f"{count} strands of {alive_id} are spliced to {gone_id}, which is "
                f"{s.plant.cables[gone_id].life.status}",
                "They are counted as taken, and lead nowhere.",
                "Write the splices as planned, or remove them.",
            )


# ── what there is, and what it is in ─────────────────────────────────────────────────────────────


def _things(s: Subject) -> Iterator[_Thing]:
    plant = s.plant
    for kind, table in (
        ("site", plant.sites),
        ("chamber", plant.chambers),
        ("segment", plant.segments),
        ("duct", plant.ducts),
        ("cable", plant.cables),
        ("closure", plant.closures),
        ("ODF", plant.odfs),
        ("passive", plant.passives),
        ("switch", plant.switches),
    ):
        for one in table.values():
            yield _Thing(kind, one.id, one.life, one.origin)


def _holders(s: Subject) -> Iterator[tuple[_Thing, _Thing]]:
    """Every thing with each thing that it lies in, or stands at; none twice."""
    plant = s.plant
    for cable in plant.cables.values():
        mine = _Thing("cable", cable.id, cable.life, cable.origin)
        segments = dict.fromkeys(passage.segment for passage in cable.passages)
        ducts = dict.fromkeys(passage.duct for passage in cable.passages if passage.duct is not None)
        yield from ((mine, _segment(s, name)) for name in segments)
        yield from ((mine, _duct(s, name)) for name in ducts)
        yield from ((mine, _place(s, name)) for name in (cable.a, cable.b))
    for duct in plant.ducts.values():
        mine = _Thing("duct", duct.id, duct.life, duct.origin)
        yield from ((mine, _segment(s, name)) for name in duct.segments)
        if duct.parent is not None and duct.parent in plant.ducts:
            yield mine, _duct(s, duct.parent)
    for segment in plant.segments.values():
        mine = _segment(s, segment.id)
        yield from ((mine, _place(s, name)) for name in (segment.a, segment.b))
    for closure in plant.closures.values():
        yield _Thing("closure", closure.id, closure.life, closure.origin), _place(s, closure.at)
    for odf in plant.odfs.values():
        yield _Thing("ODF", odf.id, odf.life, odf.origin), _place(s, odf.site)
    for passive in plant.passives.values():
        yield _Thing("passive", passive.id, passive.life, passive.origin), _place(s, passive.site)
    for switch in plant.switches.values():
        yield _Thing("switch", switch.id, switch.life, switch.origin), _place(s, switch.site)


def _segment(s: Subject, name: str) -> _Thing:
    segment = s.plant.segments[name]
    return _Thing("segment", name, segment.life, segment.origin)


def _duct(s: Subject, name: str) -> _Thing:
    duct = s.plant.ducts[name]
    return _Thing("duct", name, duct.life, duct.origin)


def _place(s: Subject, name: str) -> _Thing:
    chamber = s.plant.chambers.get(name)
    if chamber is not None:
        return _Thing("chamber", name, chamber.life, chamber.origin)
    site = s.plant.sites[name]
    return _Thing("site", name, site.life, site.origin)
