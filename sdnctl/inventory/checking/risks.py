"""Rules about what one event takes away: single entries, hazard zones, feeders, ways that are not two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sdnctl.errors import Severity
from sdnctl.inventory.checking.finding import Hit
from sdnctl.inventory.checking.subject import Subject
from sdnctl.inventory.diversity import Shared, in_common
from sdnctl.inventory.geometry import Outline

CORE = ("datacentre", "pop")
"""Kinds of sites that others hang on."""


def single_entry(s: Subject) -> Iterator[Hit]:
    """Sites with switches that all glass enters by one place."""
    links: dict[str, int] = defaultdict(int)
    for link in s.links:
        for end in (link.a, link.b):
            links[s.plant.switches[end.switch].site] += 1
    for name in s.switched:
        site = s.plant.sites[name]
        doors = set[str]()
        for cable, number in s.where.at_place.get(name, ()):
            one = s.plant.cables[cable]
            if one.life.in_service() and one.passages:
                doors.update(one.places[at] for at in (number - 1, number + 1) if 0 <= at < len(one.places))
        if len(doors) == 1:
            (door,) = doors
            several = site.kind in CORE or links[name] > 1
            yield Hit(
                f"site {name}",
                site.origin,
                f"all glass enters {name} by {door}",
                f"{links[name]} links end there; one digger takes all of them."
                if several
                else "One digger cuts it off.",
                "Build a second entry, or tell whoever depends on it.",
                grade=None if several else Severity.NOTE,
            )


def in_zone(s: Subject) -> Iterator[Hit]:
    """Sites with switches, and closures, that stand in a hazard zone."""
    for hazard in s.plant.hazards.values():
        area = Outline(hazard.polygon)
        for name, switches in s.switched.items():
            site = s.plant.sites[name]
            if site.position is not None and area.contains(site.position):
                yield Hit(
                    f"site {name}",
                    site.origin,
                    f"{name} stands in {hazard.kind} zone {hazard.id}",
                    f"{', '.join(sorted(switches))} {'is' if len(switches) == 1 else 'are'} there: {hazard.name}.",
                    f"`sdnctl whatif --hazard {hazard.id}` says what is lost.",
                    grade=None if site.kind in CORE else Severity.NOTE,
                )
        boxes = [
            one.id
            for one in s.plant.closures.values()
            if (spot := s.position(one.at)) is not None and area.contains(spot)
        ]
        if boxes:
            more = f" and {len(boxes) - 4} more" if len(boxes) > 4 else ""
            yield Hit(
                f"hazard {hazard.id}",
                hazard.origin,
                f"{len(boxes)} {'closure stands' if len(boxes) == 1 else 'closures stand'} in {hazard.id}",
                f"{', '.join(boxes[:4])}{more}: can they be reached, and are they tight?",
                grade=Severity.NOTE,
            )


def shared_feeder(s: Subject) -> Iterator[Hit]:
    """Power feeders that several sites with switches hang on."""
    fed: dict[str, list[str]] = defaultdict(list)
    for name in s.switched:
        feeder = s.plant.sites[name].feeder
        if feeder is not None:
            fed[feeder].append(name)
    for feeder, sites in sorted(fed.items()):
        if len(sites) > 1:
            yield Hit(
                f"feeder {feeder}",
                s.plant.sites[sites[0]].origin,
                f"{', '.join(sorted(sites)[:6])}{' …' if len(sites) > 6 else ''} hang on feeder {feeder}",
                f"{len(sites)} sites go dark together when their batteries are empty.",
                "Routes that should be diverse do not end at two of them.",
            )


def ways_share(s: Subject) -> Iterator[Hit]:
    """Protected things whose two ways one event takes away together."""
    for name, grade, two, counting, _ in _compared(s):
        if counting:
            yield Hit(
                name,
                None,
                f"{name} and {two} share {counting[0].kind} {counting[0].name}",
                f"Grade {grade} promises that nothing takes both away; they share {_listed(counting)}.",
                "`sdnctl plan` against the records as they are now finds another way, or says why there is none.",
            )


def ways_residual(s: Subject) -> Iterator[Hit]:
    """Protected things whose two ways share the entry of an end."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    things: dict[str, dict[str, None]] = defaultdict(dict)
    for name, _, _, _, residual in _compared(s):
        for item in residual:
            if item.kind in ("segment", "chamber", "duct", "cable"):
                names[item.residual][name] = None
                things[item.residual][f"{item.kind} {item.name}"] = None
    for end in sorted(names):
        site = s.plant.sites.get(end)
        yield Hit(
            f"site {end}",
            site.origin if site is not None else None,
            f"both ways into {end} run through {_few(list(things[end]))}",
            f"It is {end}'s own single point of failure, of {_few(list(names[end]))}.",
        )


def _compared(
    s: Subject,
) -> Iterator[tuple[str, str, str, tuple[Shared, ...], tuple[Shared, ...]]]:
    """Name, grade, the other way, and what both ways share: what counts, and what is the own risk of an end."""
    for ways in s.ways:
        shared = in_common(s.plant, ways.one, ways.two, s.lead_in)
        counting = tuple(item for item in shared if not item.residual)
        yield ways.name, ways.grade, ways.two.name, counting, tuple(item for item in shared if item.residual)


def _listed(items: tuple[Shared, ...]) -> str:
    return _few([f"{item.kind} {item.name}" for item in items])


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
