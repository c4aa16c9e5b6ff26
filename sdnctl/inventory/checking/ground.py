"""Rules about civil works: lines that do not meet, lengths, ducts that are over-full or empty."""

from __future__ import annotations

from collections.abc import Iterator

from sdnctl.errors import Severity
from sdnctl.inventory.cables import SHEATH_RATIO, SHEATH_TOLERANCE
from sdnctl.inventory.checking.finding import Hit
from sdnctl.inventory.checking.subject import Subject, entry
from sdnctl.inventory.filling import duct_fill
from sdnctl.inventory.geometry import distance, line_length
from sdnctl.inventory.live.findings import Edit, Set, Write
from sdnctl.inventory.plant import Cable, Chamber, Point, Segment
from sdnctl.inventory.routes import SNAP
from sdnctl.units import Length, format_length

MEET = (0.01, 0.1, 1.0)
"""Metres between a line's end and its chamber: rounding, a sloppy snap, and what may pass for one place at all."""
MEASURED = 1.01
"""From which sheath ÷ route on somebody has read the marks: no cable lies without a bend."""
SLIP = (0.5, 2.0)
"""Sheath ÷ route beyond which it is another cable, another route or another unit."""
SURVEY = (0.99, 1.2)
"""Surveyed ÷ drawn length of a segment: never shorter than its line, and slopes add little."""
NEARLY = 0.9
"""Share of a duct's cross-section from which on nothing more goes in; beyond 1 loading tells itself."""
DUG, TWINS = ("chamber", "handhole"), 0.5
"""Metres below which two chambers are one: the smallest handhole is as wide."""


def apart(s: Subject) -> Iterator[Hit]:
    """Segments whose line does not begin and end where its places are."""
    for segment in s.plant.segments.values():
        ends = ((segment.a, segment.line[0], 0), (segment.b, segment.line[-1], -1))
        gaps = [(name, _gap(s, name, spot), number) for name, spot, number in ends]
        worst = max(gaps, key=lambda one: one[1])
        if worst[1] <= MEET[0]:
            continue
        swapped = max(_gap(s, segment.a, segment.line[-1]), _gap(s, segment.b, segment.line[0]))
        if worst[1] > MEET[2] and swapped <= MEET[2]:
            yield _drawn_backwards(segment)
            continue
        for name, metres, number in gaps:
            if metres > MEET[0]:
                yield _gap_hit(s, segment, name, metres, number)


def _gap(s: Subject, place: str, spot: Point) -> float:
    """Metres by which a line misses its place; a site is a building, whose door may be some metres off."""
    position = s.position(place)
    if position is None:
        return 0.0
    metres = distance(position, spot)
    return 0.0 if place in s.plant.sites and metres <= SNAP else metres


def _drawn_backwards(segment: Segment) -> Hit:
    values = {"properties.a": segment.b, "properties.b": segment.a}
    return Hit(
        f"segment {segment.id}",
        segment.origin,
        f"{segment.id} is drawn from {segment.b} to {segment.a}, not the other way",
        "Positions along it would be counted from the wrong end.",
        "Exchange a and b.",
        (Set.of(entry(segment.origin, segment.id), values),),
        Severity.WARNING,
    )


def _gap_hit(s: Subject, segment: Segment, place: str, metres: float, number: int) -> Hit:
    _, sloppy, most = MEET
    position = s.position(place)
    edits: tuple[Edit, ...] = ()
    if metres <= most and position is not None:
        line = [*segment.line]
        line[number] = position
        text = "[" + ", ".join(f"[{x:.10g}, {y:.10g}]" for x, y in line) + "]"
        edits = (Write(entry(segment.origin, segment.id), "geometry.coordinates", text),)
    site = place in s.plant.sites
    grade = Severity.NOTE if metres <= sloppy else Severity.ERROR if metres > most else Severity.WARNING
    return Hit(
        f"segment {segment.id}",
        segment.origin,
        f"the line of {segment.id} ends {metres:.2f} m away from {place}",
        "Who digs by this plan digs beside the duct." if metres > most else "",
        "Put the end of the line on its place." if edits else "Survey which of the two is right.",
        edits,
        Severity.WARNING if site else grade,
    )


def unsurveyed(s: Subject) -> Iterator[Hit]:
    """Segments of which nobody wrote how precisely they were surveyed: one hit for all of them."""
    unknown = [one for one in s.plant.segments.values() if one.precision is None and one.life.in_service()]
    if unknown:
        yield Hit(
            "segment",
            unknown[0].origin,
            f"{len(unknown)} of {len(s.plant.segments)} segments have no class of precision",
            "Answers to works notices cannot say A or B for them, and whoever digs needs soundings.",
            "Write precision: A, B or C, as the survey says.",
        )


def surveyed(s: Subject) -> Iterator[Hit]:
    """Segments whose surveyed length does not fit their line."""
    low, high = SURVEY
    for segment in s.plant.segments.values():
        drawn = line_length(segment.line)
        if not low * drawn - 1.0 <= segment.length <= high * drawn + SHEATH_TOLERANCE:
            yield Hit(
                f"segment {segment.id}",
                segment.origin,
                f"{segment.id} is {format_length(round(segment.length))} by survey, "
                f"{format_length(round(drawn))} as drawn",
                "Breaks would be placed by the one and dug for by the other.",
                "Correct the length or the line.",
            )


def sheath(s: Subject) -> Iterator[Hit]:
    """Cables whose sheath without loops is not as long as cables are laid."""
    low, high = SHEATH_RATIO
    for cable, straight, route in _straights(s):
        if route and low * route - SHEATH_TOLERANCE <= straight <= high * route + SHEATH_TOLERANCE:
            continue
        ratio = straight / route if route else float("inf")
        yield Hit(
            f"cable {cable.id}",
            cable.origin,
            f"cable {cable.id} is {ratio:.3f} times as long as its route" if route else "the route has no length",
            f"Sheath without loops {format_length(round(straight))}, route {format_length(round(route))}; "
            f"usual is {MEASURED} to {high}. A break is placed by the sheath and dug for by the route.",
            "Check the sheath marks, the loops and the route.",
            grade=None if SLIP[0] <= ratio <= SLIP[1] else Severity.ERROR,
        )


def unmeasured(s: Subject) -> Iterator[Hit]:
    """Cables whose sheath is their route: nobody has read the marks."""
    for cable, straight, route in _straights(s):
        doubt = route * (MEASURED - 1)
        if doubt > SHEATH_TOLERANCE and abs(straight - route) < doubt:
            yield Hit(
                f"cable {cable.id}",
                cable.origin,
                f"the sheath of {cable.id} is its route, to {abs(straight - route):.0f} m",
                f"Cables are 1 to 6 % longer; a break could be {format_length(round(route * 0.06))} off.",
                "Read the marks on the sheath at both ends.",
            )


def _straights(s: Subject) -> Iterator[tuple[Cable, float, float]]:
    """Cables with a known route: the sheath without loops, and the route, in metres."""
    for cable in s.plant.cables.values():
        if cable.passages:
            route = sum(s.plant.segments[passage.segment].length for passage in cable.passages)
            yield cable, cable.sheath - sum(cable.slack.values()), route


def no_slack(s: Subject) -> Iterator[Hit]:
    """Cables that are spliced in a chamber where they keep no loop."""
    for closure in s.plant.closures.values():
        chamber = s.plant.chambers.get(closure.at)
        if chamber is None or chamber.kind == "wall-box" or not closure.life.in_service():
            continue
        runs = s.where.spliced_in.get(closure.id, ())
        names = dict.fromkeys(end.cable for run in runs for end in (run.a, run.b))
        bare = [name for name in names if not s.plant.cables[name].slack.get(closure.at)]
        if bare:
            yield Hit(
                f"closure {closure.id}",
                closure.origin,
                f"{len(bare)} of {len(names)} cables keep no loop at {closure.at}",
                f"{', '.join(bare[:4])}{' …' if len(bare) > 4 else ''}: a closure is brought up to the van "
                "on loops of 10 to 15 m each way.",
                "Measure the loops and write them under slack of the cables.",
            )


def nearly_full(s: Subject) -> Iterator[Hit]:
    """Ducts through which nothing more can be pulled."""
    for fill in duct_fill(s.plant):
        if fill.note == "mm²" and fill.share is not None and NEARLY <= fill.share <= 1:
            duct = s.plant.ducts[fill.name]
            yield Hit(
                f"duct {duct.id}",
                duct.origin,
                f"duct {duct.id} is filled to {fill.share:.0%}",
                f"{fill.used:.0f} mm² of {fill.total or 0:.0f} mm²; nothing more can be pulled through.",
                "Plan another duct.",
            )


def too_wide(s: Subject) -> Iterator[Hit]:
    """Cables and ducts that are wider than the duct they lie in."""
    for duct in s.plant.ducts.values():
        if duct.diameter is None:
            continue
        held: list[tuple[str, str, Length | None]] = [
            ("duct", name, s.plant.ducts[name].diameter) for name in s.where.nested.get(duct.id, ())
        ]
        for name, number in _lying(s, duct.id):
            if number == 0 or s.plant.cables[name].passages[number - 1].duct != duct.id:
                held.append(("cable", name, s.plant.cable_types[s.plant.cables[name].type].diameter))
        for kind, name, size in held:
            if size is not None and size >= duct.diameter:
                yield Hit(
                    f"duct {duct.id}",
                    duct.origin,
                    f"{kind} {name} ({size * 1000:.0f} mm) does not go into duct {duct.id} "
                    f"({duct.diameter * 1000:.0f} mm)",
                    remedy="Correct one of the diameters, or where it lies.",
                )


def _lying(s: Subject, duct: str) -> Iterator[tuple[str, int]]:
    """Cables directly in a duct, with the number of each passage there."""
    for segment in s.plant.ducts[duct].segments:
        for cable, number, held in s.where.in_segment.get(segment, ()):
            if held == duct:
                yield cable, number


def empty_duct(s: Subject) -> Iterator[Hit]:
    """Ducts in service that hold neither a cable nor a duct."""
    held = {passage.duct for cable in s.plant.cables.values() for passage in cable.passages}
    for duct in s.plant.ducts.values():
        if duct.life.in_service() and duct.id not in held and not s.where.nested.get(duct.id):
            yield Hit(
                f"duct {duct.id}",
                duct.origin,
                f"no cable lies in duct {duct.id}",
                "Reserve, or a cable whose route names the segments only.",
                "Name the duct in the routes of its cables, or leave it as reserve.",
            )


def bare_segment(s: Subject) -> Iterator[Hit]:
    """Segments in service without duct and without cable."""
    for segment in s.plant.segments.values():
        if (
            segment.life.in_service()
            and not s.where.ducts_in.get(segment.id)
            and not s.where.in_segment.get(segment.id)
        ):
            yield Hit(
                f"segment {segment.id}",
                segment.origin,
                f"nothing lies in segment {segment.id}",
                remedy="Add its ducts or cables, or abandon it.",
            )


def lonely_place(s: Subject) -> Iterator[Hit]:
    """Chambers to which no segment leads."""
    met = {place for segment in s.plant.segments.values() for place in (segment.a, segment.b)}
    met |= s.where.at_place.keys()
    for chamber in s.plant.chambers.values():
        if chamber.id not in met:
            yield Hit(
                f"chamber {chamber.id}",
                chamber.origin,
                f"no segment leads to {chamber.id}",
                remedy="Draw its segments, or remove it.",
            )


def unplaced(s: Subject) -> Iterator[Hit]:
    """Sites of which nobody wrote where they are."""
    for site in s.plant.sites.values():
        if site.position is None:
            yield Hit(
                f"site {site.id}",
                site.origin,
                f"nobody wrote where {site.id} is",
                "No map shows it, and no outline of works or of a flood finds it.",
                "Give its position.",
            )


def same_spot(s: Subject) -> Iterator[Hit]:
    """Chambers nearer to each other than two chambers can be."""
    seen: dict[tuple[int, int], list[Chamber]] = {}
    for chamber in s.plant.chambers.values():
        if chamber.kind not in DUG:
            continue  # poles and boxes on walls may stand side by side
        x, y = chamber.position
        cell = round(x * 1e5), round(y * 1e5)  # about a metre: twins lie in one cell or in the next
        for near in ((cell[0] + i, cell[1] + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            for other in seen.get(near, ()):
                metres = distance(other.position, chamber.position)
                if metres < TWINS:
                    yield Hit(
                        f"chamber {chamber.id}",
                        chamber.origin,
                        f"{chamber.id} and {other.id} are {metres:.2f} m apart",
                        "Probably one chamber from two surveys: what is diverse on paper shares it in the ground.",
                        "Keep one, and let segments name it.",
                    )
        seen.setdefault(cell, []).append(chamber)
