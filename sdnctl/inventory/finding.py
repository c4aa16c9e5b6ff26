"""Names that people type, to things of the plant; what is not there is an error with the nearest names.

core-a:3        port 3 of a switch             core-a:3/tx     one lane of it
odf-gare:7      position 7 of an ODF           att-1/in        a port of a passive node
c-12:7          strand 7 of a cable            c-12/a:7        its glass towards the end a, where it is cut
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sdnctl.errors import Diagnostic, InputError
from sdnctl.inventory.fields import EndRef, parse_end, parse_strands
from sdnctl.inventory.plant import OdfPosition, PassivePort, Plant, PortEnd, StrandEnd, Terminal
from sdnctl.inventory.tracing import next_cut


def no_such(what: str, name: str, known: Iterable[str], *, hint: str = "") -> Diagnostic:
    """The diagnostic of a name that nothing has, with the nearest names that something has."""
    close = get_close_matches(name, sorted(set(known)), n=3)
    return Diagnostic(
        "no-such-thing",
        f"there is no {what} {name}",
        address=name,
        hint=f"Did you mean {' or '.join(close)}?" if close else hint or "`sdnctl validate` counts what there is.",
    )


def find_terminals(plant: Plant, text: str) -> tuple[Terminal, ...]:
    """The ends that a text names: both lanes of a port that has two, else one; raises InputError."""
    if "/a:" in text or "/b:" in text:
        return (_strand_side(plant, text),)
    try:
        ref = parse_end(text)
    except ValueError as error:
        known = sorted({*plant.switches, *plant.odfs, *plant.passives, *plant.cables})
        close = get_close_matches(text, known, n=3)
        hint = f"{close[0]} is one of several: number which." if text in known else ""
        if close and not hint:
            hint = f"Did you mean something of {' or '.join(close)}?"
        raise InputError(Diagnostic("no-such-end", str(error), address=text, hint=hint)) from None
    if ref.name in plant.switches:
        return _port(plant, ref)
    if ref.name in plant.odfs:
        return (_position(plant, ref),)
    if ref.name in plant.passives:
        return (_passive(plant, ref),)
    if ref.name in plant.cables:
        return (_strand(plant, ref),)
    names = [*plant.switches, *plant.odfs, *plant.passives, *plant.cables]
    raise InputError(no_such("switch, ODF, passive node or cable", ref.name, names))


def _port(plant: Plant, ref: EndRef) -> tuple[Terminal, ...]:
    ports = plant.switches[ref.name].ports
    port = ports.get(ref.number) if ref.number is not None else None
    if port is None:
        listed = ", ".join(str(number) for number in sorted(ports)) or "none"
        raise _bad(f"switch {ref.name} has no port {ref}", ref, f"Its ports with optics: {listed}.")
    if ref.lane is None:
        return tuple(PortEnd(ref.name, port.number, lane) for lane in port.lanes)
    lane = next((lane for lane in port.lanes if lane == ref.lane), None)
    if lane is None:
        raise _bad(
            f"port {ref.name}:{port.number} has no lane {ref.lane}", ref, f"It has {', '.join(port.lanes)}."
        )
    return (PortEnd(ref.name, port.number, lane),)


def _position(plant: Plant, ref: EndRef) -> Terminal:
    count = plant.odfs[ref.name].positions
    if ref.number is None or ref.lane is not None or not 1 <= ref.number <= count:
        raise _bad(f"ODF {ref.name} has no position {ref}", ref, f"Write {ref.name}:1 to {ref.name}:{count}.")
    return OdfPosition(ref.name, ref.number)


def _passive(plant: Plant, ref: EndRef) -> Terminal:
    ports = plant.passives[ref.name].ports
    if ref.number is not None or ref.lane not in ports:
        named = ", ".join(f"{ref.name}/{port}" for port in ports)
        raise _bad(f"passive node {ref.name} has no port {ref}", ref, f"It has {named}.")
    return PassivePort(ref.name, ref.lane)


def _strand(plant: Plant, ref: EndRef) -> Terminal:
    capacity = plant.cable_types[plant.cables[ref.name].type].strands
    if ref.number is None or ref.lane is not None or not 1 <= ref.number <= capacity:
        raise _bad(f"cable {ref.name} has no strand {ref}", ref, f"Write {ref.name}:1 to {ref.name}:{capacity}.")
    return StrandEnd(ref.name, ref.number, 0, "b")


def _strand_side(plant: Plant, text: str) -> Terminal:
    """``c-12/a:7``: the piece of glass at the named end of a cable, where strands are cut on the way."""
    try:
        found = parse_strands(text)
    except ValueError as error:
        raise InputError(Diagnostic("no-such-end", str(error), address=text)) from None
    if found.cable not in plant.cables:
        raise InputError(no_such("cable", found.cable, plant.cables))
    end = _strand(plant, EndRef(found.cable, found.strands[0]))
    assert isinstance(end, StrandEnd)
    if len(found.strands) > 1:
        raise _bad(f"{text} names {len(found.strands)} strands", EndRef(found.cable), "Name one.")
    if found.side != "b":
        return end
    return StrandEnd(end.cable, end.strand, len(plant.cables[end.cable].places) - 1, "a")


def _bad(summary: str, ref: EndRef, hint: str) -> InputError:
    return InputError(Diagnostic("no-such-end", summary, address=str(ref), hint=hint))


def find_place(plant: Plant, text: str) -> str:
    """The site or chamber that is meant by its own name, or by that of an ODF, switch or closure there."""
    named: Mapping[str, str] = {
        **{key: closure.at for key, closure in plant.closures.items()},
        **{key: switch.site for key, switch in plant.switches.items()},
        **{key: odf.site for key, odf in plant.odfs.items()},
        **{key: key for key in (*plant.chambers, *plant.sites)},
    }
    if text in named:
        return named[text]
    raise InputError(no_such("site, chamber, closure, ODF or switch", text, named))


def other_end(plant: Plant, end: StrandEnd) -> StrandEnd:
    """Where the glass that begins at an end of a strand ends."""
    return StrandEnd(end.cable, end.strand, next_cut(plant, end), "a" if end.side == "b" else "b")
