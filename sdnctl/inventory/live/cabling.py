"""Who is heard where, held against the cables of the inventory; and which edit would make the inventory say so.

Light that comes in at a port where it should not comes from a place that the inventory joins to another port. Two
jumpers were exchanged, then, at one end or the other; where both ports of an end are at one site, the edit is that
each gets the other's `rx`, or `tx` at the far end. Cables that are only declared, and uplinks of devices, are
simply rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sdnctl.inventory.live.expected import Cable, Expected, ExpectedPort
from sdnctl.inventory.live.findings import Edit, Entry, Exchange, Finding, Remark, Set, Weight
from sdnctl.inventory.live.names import device_of, port_of
from sdnctl.inventory.live.readings import Place, Reading, Readings

EQUIPMENT = "inventory/equipment.yaml"


@dataclass(frozen=True, slots=True)
class Heard:
    """What one port hears: a device of the inventory, and its port where that is said; or a stranger, by name."""

    at: Place
    device: str | None
    port: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.name}:{self.port}" if self.port else self.name


def heard_of(expected: Expected, readings: Readings) -> tuple[Heard, ...]:
    """All that was heard, in terms of the inventory, each port once; a controller's own beacons come first."""
    found: dict[Place, Heard] = {}
    for here, (device, port) in sorted(readings.heard.items()):
        found[here] = Heard(here, device, port, device)
    for device_id, reading in sorted(readings.devices.items()):
        for one in _neighbours(expected, readings.devices, device_id, reading):
            found.setdefault(one.at, one)
    return tuple(found[key] for key in sorted(found))


def _neighbours(
    expected: Expected, readings: Mapping[str, Reading], device_id: str, reading: Reading
) -> Iterator[Heard]:
    facts, device = reading.facts, expected.devices.get(device_id)
    if facts is None or device is None:
        return
    for one in facts.neighbours:
        names = [port.name for port in facts.ports] or [other.port for other in facts.neighbours]
        at = port_of(one.port, device.ports, names, reading.numbers)
        if at is None:
            continue  # which port of the inventory that is cannot be said
        far = device_of(one.device, one.chassis or one.device, expected.dpids, expected.devices)
        port = None
        if far is not None and one.remote_port:
            told = readings.get(far, Reading(None))
            there = [item.name for item in told.facts.ports] if told.facts is not None else []
            port = port_of(one.remote_port, expected.devices[far].ports, there, told.numbers)
        yield Heard((device_id, at), far, port, far or one.device or one.chassis)


def judge_cabling(expected: Expected, readings: Readings) -> Iterator[Finding]:
    """Everything about neighbours that is otherwise than written."""
    heard = heard_of(expected, readings)
    hearing = {one.at for one in heard}
    for one in heard:
        yield from _judge(expected, one, hearing)
    for place in sorted(readings.silent - hearing):
        yield from _silent(expected, place)


def _judge(expected: Expected, one: Heard, hearing: set[Place]) -> Iterator[Finding]:
    planned = expected.facing(one.at)
    if one.device is None:
        yield _stranger(expected, one, planned)
    elif planned is None:
        yield _unplanned(expected, one, hearing)
    elif one.device != planned[0]:
        yield _wrong(expected, one, planned, "wrong-neighbour")
    elif one.port is not None and one.port != planned[1] and not _shared(expected, one, planned):
        yield _wrong(expected, one, planned, "wrong-port")


def _shared(expected: Expected, one: Heard, planned: Place) -> bool:
    """Whether the place that is heard is planned to face this port, too: devices may share a switch port."""
    assert one.device is not None
    return one.port is not None and expected.facing((one.device, one.port)) == one.at


def _source(expected: Expected, place: Place) -> Entry | None:
    port = expected.port(place)
    if port is not None:
        return port.entry
    device = expected.devices.get(place[0])
    return device.entry if device is not None else None


def _finding(
    expected: Expected,
    code: str,
    weight: Weight,
    place: Place,
    summary: str,
    why: str,
    remedy: str,
    edits: tuple[Edit, ...] = (),
) -> Finding:
    entry = _source(expected, place)
    source = entry.source if entry is not None else None
    return Finding(code, weight, expected.address(place), source, summary, why, remedy, edits)


def _wrong(expected: Expected, one: Heard, planned: Place, code: str) -> Finding:
    edits = _rewire(expected, one, planned)
    return _finding(
        expected,
        code,
        Weight.ALARM,
        one.at,
        f"{_text(one.at)} hears {one}, not {_text(planned)}",
        f"the inventory joins {_text(one.at)} to {_text(planned)}{_instead(expected, one)}",
        "move the cable, or, if it is right where it is, change the inventory"
        if edits
        else "move the cable; what the inventory would have to say cannot be told from one end",
        edits,
    )


def _instead(expected: Expected, one: Heard) -> str:
    if one.device is None or one.port is None:
        return ""
    other = expected.facing((one.device, one.port))
    return f", and {one} to {_text(other)}" if other is not None else f", and {one} to nothing"


def _stranger(expected: Expected, one: Heard, planned: Place | None) -> Finding:
    device = expected.devices[one.at[0]]
    customer = planned is None
    why = f"no switch or device of the inventory is called {one.name}"
    if planned is not None:
        why += f"; the inventory joins {_text(one.at)} to {_text(planned)}"
    uplink = f"{{port: …, switch: {one.at[0]}, switch_port: {one.at[1]}}}" if device.kind == "switch" else "{…}"
    stanza = f"found at {_text(one.at)}, to be completed under devices:\n"
    stanza += f"  - {{id: {one.name}, site: {device.site}, platform: …, tags: …, drivers: {{…}},\n"
    stanza += f"     uplink: {uplink}}}"
    return _finding(
        expected,
        "unknown-device",
        Weight.NOTICE if customer else Weight.ALARM,
        one.at,
        f"{_text(one.at)} hears {one.name}, which is not in the inventory",
        why,
        "a customer's own gear may stay unwritten"
        if customer
        else "find out what it is: write it down or unplug it",
        (Remark(EQUIPMENT, stanza),),
    )


def _unplanned(expected: Expected, one: Heard, hearing: set[Place]) -> Finding:
    """A port without cable in the inventory hears a device that is in it."""
    assert one.device is not None
    moved = expected.facing((one.device, one.port)) if one.port is not None else None
    if moved is not None and moved[0] == one.at[0] and moved not in hearing:
        edits = tuple(_moved(expected, moved, one.at))
        return _finding(
            expected,
            "wrong-port",
            Weight.ALARM,
            one.at,
            f"{_text(one.at)} hears {one}, which should be at port {moved[1]}",
            f"the inventory joins {one} to {_text(moved)}, where nobody is heard",
            "move the cable, or change the inventory",
            edits,
        )
    edits = tuple(_new_end(expected, one))
    why = f"the inventory has no cable at {_text(one.at)}{_instead(expected, one)}"
    remedy = "write the cable down, or remove it"
    return _finding(
        expected, "unwritten-cable", Weight.ALARM, one.at, f"{_text(one.at)} hears {one}", why, remedy, edits
    )


def _silent(expected: Expected, place: Place) -> Iterator[Finding]:
    planned = expected.facing(place)
    if planned is not None:
        yield _finding(
            expected,
            "nobody-heard",
            Weight.ALARM,
            place,
            f"{_text(place)} is up and hears nobody",
            f"the inventory joins it to {_text(planned)}, which speaks",
            "look at the receiving strand and its connectors",
        )


# ── edits ────────────────────────────────────────────────────────────────────────────────────────


def _rewire(expected: Expected, one: Heard, planned: Place) -> tuple[Edit, ...]:
    """The edit by which the inventory says what was heard, where one end tells it; else none."""
    cable = expected.cables[one.at]
    if one.device is None or one.port is None:
        return ()
    heard = (one.device, one.port)
    if cable.how == "jumper":
        return tuple(_exchanged(expected, one.at, heard, planned))
    assert cable.entry is not None
    return tuple(_rewritten(expected, cable, one.at, heard))


def _rewritten(expected: Expected, cable: Cable, at: Place, heard: Place) -> Iterator[Edit]:
    """A declared link, or an uplink, with what was heard for its other end."""
    assert cable.entry is not None
    other, planned = expected.facing(heard), expected.facing(at)
    if cable.how == "declared" and other is not None and planned is not None:
        # Two links changed an end; whichever port tells, it is the same two ends.
        one, two = min(tuple(sorted((at, other))), tuple(sorted((heard, planned))))
        for mine, its in ((one, two), (two, one)):
            link = expected.cables[mine]
            if link.how == "declared" and link.entry is not None:
                yield Set.of(link.entry, {"a" if link.a == mine else "b": _text(its)})
    elif cable.how == "declared":
        yield Set.of(cable.entry, {"b" if cable.a == at else "a": _text(heard)})
    elif cable.a == at and _is_switch(expected, heard):
        yield Set.of(cable.entry, {"uplink.switch": heard[0], "uplink.switch_port": heard[1]})


def _exchanged(expected: Expected, at: Place, heard: Place, planned: Place) -> Iterator[Edit]:
    """Light of `heard` comes in at `at`, where that of `planned` should.

    Of two ends where that can have happened it is always the same one, whichever port tells: the other three ports
    of crossed plugs then ask for the same edit. A name of the link goes with its glass.
    """
    other = expected.facing(heard)  # where the light of `heard` should come in
    ends = [("rx", at, other), ("tx", heard, planned)]
    possible = [
        (tuple(sorted((a, b))), lane)
        for lane, a, b in ends
        if b is not None and a != b and _beside(expected, a, b)
    ]
    for (one, two), lane in sorted(possible):
        first, second = expected.port(one), expected.port(two)
        if first is None or second is None or not _alike(first, second):
            continue
        yield Exchange(first.entry, second.entry, "bidi" if first.bidi else lane)
        if first.named or second.named:
            yield Exchange(first.entry, second.entry, "link")
        return


def _alike(a: ExpectedPort, b: ExpectedPort) -> bool:
    """Whether the jumpers of two ports stand at the ports, and fit one another."""
    return a.entry.key == b.entry.key == "port" and a.bidi == b.bidi


def _beside(expected: Expected, a: Place, b: Place) -> bool:
    """Whether two ports are at one site and in one file, so that their jumpers can have been exchanged."""
    sites = [expected.devices[place[0]].site for place in (a, b)]
    entries = [_source(expected, place) for place in (a, b)]
    files = {entry.source.file for entry in entries if entry is not None}
    return sites[0] == sites[1] and len(files) == 1


def _moved(expected: Expected, written: Place, found: Place) -> Iterator[Edit]:
    """The cable that is written at one port is at another of the same device."""
    cable = expected.cables[written]
    if cable.how == "declared":
        assert cable.entry is not None
        yield Set.of(cable.entry, {"a" if cable.a == written else "b": _text(found)})
    elif cable.how == "uplink":
        assert cable.entry is not None
        yield Set.of(cable.entry, {"uplink.port" if cable.a == written else "uplink.switch_port": found[1]})
    elif expected.port(found) is None and (port := expected.port(written)) is not None:
        yield Set.of(port.entry, {"port": found[1]})


def _new_end(expected: Expected, one: Heard) -> Iterator[Edit]:
    """A device whose uplink is heard at another switch than written is plugged in there."""
    assert one.device is not None
    cable = expected.cables.get((one.device, one.port)) if one.port is not None else None
    if cable is not None and cable.how == "uplink" and cable.a[0] == one.device and _is_switch(expected, one.at):
        assert cable.entry is not None
        yield Set.of(cable.entry, {"uplink.switch": one.at[0], "uplink.switch_port": one.at[1]})


def _is_switch(expected: Expected, place: Place) -> bool:
    device = expected.devices.get(place[0])
    return device is not None and device.kind == "switch" and place[1].isdecimal()


def _text(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
