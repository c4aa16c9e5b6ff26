"""The list of rules, and a check by all or some of them.

A rule is a small pure function from a `Subject` to hits; to add one, write it beside its like, and a row here.
What loading tells by itself (see `told`) is part of the list; where a rule has the same code it is asked instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sdnctl.errors import Diagnostic, Severity
from sdnctl.inventory.checking import ground, joints, light, lives, names, risks
from sdnctl.inventory.checking.finding import Finding, Rule, order
from sdnctl.inventory.checking.subject import Subject
from sdnctl.inventory.checking.told import TOLD, edits

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

# fmt: off
RULES: tuple[Rule, ...] = (
    # civil works
    Rule("segment-off-its-ends", _E, "lines of segments that do not end at their places (note from 0.01 m, "
         "warning from 0.1 m, error from 1 m; at sites a warning from 25 m)", ground.apart),
    Rule("segment-length-unlikely", _W, "surveyed lengths that do not fit the line", ground.surveyed),
    Rule("precision-unknown", _N, "segments without a class of precision (told once)", ground.unsurveyed),
    Rule("chambers-on-one-spot", _W, "chambers less than 0.5 m apart", ground.same_spot),
    Rule("chamber-without-segment", _N, "chambers to which nothing leads", ground.lonely_place, whole=True),
    Rule("segment-empty", _N, "segments without duct and cable", ground.bare_segment, whole=True),
    Rule("site-without-position", _N, "sites that are on no map", ground.unplaced),
    Rule("duct-nearly-full", _W, "ducts filled to 90 % and more", ground.nearly_full),
    Rule("wider-than-its-duct", _E, "cables and ducts wider than the duct they lie in", ground.too_wide),
    Rule("duct-empty", _N, "ducts that hold nothing", ground.empty_duct, whole=True),
    # cables
    Rule("sheath-length-unlikely", _W, "sheath without loops outside 1.00 to 1.06 of the route", ground.sheath),
    Rule("sheath-not-measured", _N, "sheaths that are just the route", ground.unmeasured),
    Rule("slack-missing", _N, "cables spliced in chambers where they keep no loop", ground.no_slack),
    Rule("cable-end-open", _N, "cables of which nothing is joined at one end (at both: warning)", joints.nowhere,
         whole=True),
    # splices and tubes
    Rule("splice-loss-high", _W, "splices beyond 0.20 dB, or with a gain", joints.lossy),
    Rule("closure-loss-high", _N, "closures whose splices lose over 0.10 dB on the average", joints.lossy_closure),
    Rule("splice-one-sided", _N, "strands cut on the way and joined on one side only", joints.one_sided,
         whole=True),
    Rule("strands-crossed", _N, "neighbours exchanged among splices one to one", joints.crossed),
    Rule("tube-opened-for-nothing", _W, "opened tubes in which nothing is cut", joints.opened_for_nothing,
         whole=True),
    Rule("tube-opened-in-part", _N, "strands beside cut ones, not said to be opened", joints.tube_in_part),
    Rule("closure-empty", _N, "closures in which nothing happens (where no cable passes: warning)",
         joints.empty_closure, whole=True),
    Rule("closure-overfull", _E, "closures with more splices than they take", joints.crowded),
    Rule("fibres-mixed", _N, "closures that join unlike fibres", joints.mixed_fibre),
    Rule("colours-mixed", _N, "closures that join cables of two colour orders", joints.mixed_colours),
    # light
    Rule("apc-on-upc", _W, "cords between frames with angled and flat ferrules", light.mismated),
    Rule("margin-thin", _W, "links with less than 1 dB of margin", light.thin),
    Rule("optics-unknown", _W, "ports with glass and unknown optics", light.unknown_optics),
    Rule("figures-unread", _N, "optics in use whose figures nobody has read in a source", light.unread_figures),
    # lives
    Rule("status-contradiction", _W, "things in service in, or at, what is planned or abandoned",
         lives.contradiction),
    Rule("older-than-its-place", _N, "things older than what they lie in", lives.older),
    Rule("outlives-its-place", _W, "things that stay after what they lie in (error when that is gone)",
         lives.outlives),
    Rule("validity-over", _W, "things in service after or before their time", lives.over),
    Rule("planned-overdue", _N, "things planned for a day that is past", lives.overdue),
    Rule("spliced-to-absent", _W, "splices in service onto planned or abandoned cables", lives.dead_glass),
    # risks
    Rule("single-entry", _W, "sites that all glass enters by one place (of one link: note)", risks.single_entry),
    Rule("in-hazard-zone", _W, "core sites (others: note) and closures (note) in a hazard zone", risks.in_zone),
    Rule("feeder-shared", _N, "power feeders of several sites", risks.shared_feeder),
    Rule("protected-ways-share", _E, "protected ways that one event takes both away", risks.ways_share),
    Rule("protected-ways-entry", _N, "protected ways that share the entry of an end", risks.ways_residual),
    # names
    Rule("type-name-contradicts", _W, "kinds of cable whose name says other figures", names.kind_says),
    Rule("modulo-unusual", _W, "kinds of cable with an odd number of strands to a tube", names.odd_modulo),
    Rule("names-alike", _W, "names that sound the same", names.alike),
    Rule("name-of-two-kinds", _N, "names that things of two kinds have", names.two_kinds),
)
# fmt: on
WAYS = frozenset({"protected-ways-share", "protected-ways-entry"})
"""Rules that need to know what is protected by what."""
_OWN = {rule.code: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list of rules."""

    code: str
    grade: Severity
    about: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, the gravest first; `unjudged`: rules that were not asked, and why."""

    findings: tuple[Finding, ...]
    unjudged: tuple[tuple[str, str], ...] = ()


def listed() -> tuple[Listed, ...]:
    """Every rule, those that loading asks included, by code."""
    rows = {code: Listed(code, grade, about) for code, (grade, about) in TOLD.items()}
    rows |= {rule.code: Listed(rule.code, rule.grade, rule.about) for rule in RULES}
    return tuple(rows[code] for code in sorted(rows))


def check(
    subject: Subject,
    told: Iterable[Diagnostic] = (),
    only: Collection[str] = (),
    ignore: Collection[str] = (),
    unknown: str = "",
) -> Checked:
    """Ask all rules, or `only` some, but those to `ignore`.

    `told` is what loading found. `unknown` says why nobody knows what is protected by what, where that is so.
    """
    told = tuple(told)
    broken = any(one.severity is Severity.ERROR for one in told)
    findings = [
        Finding(one, edits(subject, one))
        for one in told
        if one.code not in _OWN and _wanted(one.code, only, ignore)
    ]
    unjudged: list[tuple[str, str]] = []
    for rule in RULES:
        if not _wanted(rule.code, only, ignore):
            continue
        if rule.whole and broken:
            unjudged.append((rule.code, "things with errors were left out: put those right first"))
        elif rule.code in WAYS and unknown:
            unjudged.append((rule.code, unknown))
        else:
            findings += (Finding.of(rule, hit) for hit in rule.look(subject))
    return Checked(tuple(sorted(dict.fromkeys(findings), key=order)), tuple(unjudged))


def _wanted(code: str, only: Collection[str], ignore: Collection[str]) -> bool:
    return code not in ignore and (not only or code in only)
