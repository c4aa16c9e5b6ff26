"""All that devices say against all that the inventory says: one pass, findings in order of urgency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sdnctl.inventory.facts import DeviceFacts, Transceiver
from sdnctl.inventory.live.cabling import judge_cabling
from sdnctl.inventory.live.expected import Expected, ExpectedDevice, ExpectedPort
from sdnctl.inventory.live.findings import Edit, Finding, Set, Weight, order
from sdnctl.inventory.live.levels import Levels, judge_level
from sdnctl.inventory.live.names import Kind, device_of, kind_of, port_of
from sdnctl.inventory.live.readings import Place, Reading, Readings
from sdnctl.units import Power


def judge(expected: Expected, readings: Readings, stored: Levels) -> tuple[Finding, ...]:
    """Everything that is otherwise than written; `stored` are receive powers that somebody accepted."""
    found = list(judge_cabling(expected, readings))
    for key, reading in readings.devices.items():
        device = expected.devices.get(key)
        if device is not None:
            found.extend(_device(expected, device, reading, stored))
    return tuple(sorted(dict.fromkeys(found), key=order))


def levels(expected: Expected, readings: Readings) -> dict[Place, Power]:
    """Every receive power that was read at a port of the inventory."""
    return {
        port.place: module.rx_power
        for key, reading in readings.devices.items()
        if key in expected.devices
        for port, module in _modules(expected.devices[key], reading)
        if module.rx_power is not None
    }


def _device(expected: Expected, device: ExpectedDevice, reading: Reading, stored: Levels) -> Iterator[Finding]:
    address, source = f"{device.kind} {device.id}", device.entry.source
    if reading.facts is None:
        if device.in_service:
            yield Finding(
                "no-answer",
                Weight.ALARM,
                address,
                source,
                f"{device.id} does not answer",
                reading.fault,
                "repair it; if it is gone for long, say so in the inventory",
                (Set.of(device.entry, {"status": "out-of-order"}),),
            )
        return
    other = device_of(reading.facts.name, "", {}, expected.devices) if reading.facts.name else None
    if other is not None and other != device.id:
        yield Finding(
            "wrong-device",
            Weight.URGENT,
            address,
            source,
            f"{other} answers at the address of {device.id}",
            f"it calls itself {reading.facts.name}",
            f"correct the address of {device.id}, or the name of what answers there",
        )
        return  # everything else would be of the other device
    yield from _ports(expected, device, reading)
    for port, module in _modules(device, reading):
        yield from _module(expected, port, module)
        yield from _light(expected, port, module, stored.get(port.place))


def _modules(device: ExpectedDevice, reading: Reading) -> Iterator[tuple[ExpectedPort, Transceiver]]:
    facts = reading.facts
    if facts is None:
        return
    names = [port.name for port in facts.ports] or [module.port for module in facts.transceivers]
    for module in facts.transceivers:
        at = port_of(module.port, device.ports, names, reading.numbers)
        if at is not None and at in device.ports:
            yield device.ports[at], module


def _ports(expected: Expected, device: ExpectedDevice, reading: Reading) -> Iterator[Finding]:
    """Ports of the inventory that the device has not, or that are down."""
    facts = reading.facts
    assert facts is not None
    found = _found(device, facts, reading.numbers)
    for name, port in sorted(device.ports.items()):
        cable = expected.cables.get(port.place)
        if not port.in_service or not device.in_service or cable is None or not cable.lit:
            continue
        address, source = expected.address(port.place), port.entry.source
        if name not in found:
            if found:  # where no port can be told, none is missing
                said = ", ".join(sorted({item.name for item in facts.ports})[:8])
                yield Finding(
                    "no-such-port",
                    Weight.ALARM,
                    address,
                    source,
                    f"{device.id} has no port {name}",
                    f"it has {said}" + (", …" if len(facts.ports) > 8 else ""),
                    "correct the port in the inventory",
                )
        elif found[name] is False:
            edits: tuple[Edit, ...] = ()
            if port.entry.key == "port":
                edits = (Set.of(port.entry, {"status": "out-of-order"}),)
            yield Finding(
                "port-down",
                Weight.ALARM,
                address,
                source,
                f"{device.id}:{name} is down",
                "the inventory has it in service",
                "repair it; if it is to stay so, say so in the inventory",
                edits,
            )


def _found(device: ExpectedDevice, facts: DeviceFacts, numbers: Mapping[str, int]) -> dict[str, bool | None]:
    """Ports of the inventory that the device has → whether they are up."""
    names = [port.name for port in facts.ports]
    found: dict[str, bool | None] = {}
    for port in facts.ports:
        at = port_of(port.name, device.ports, names, numbers)
        if at is not None and at in device.ports:
            found[at] = port.up
    return found


def _module(expected: Expected, port: ExpectedPort, module: Transceiver) -> Iterator[Finding]:
    """The kind of a module, where both sides say it."""
    said = kind_of(module.kind) or kind_of(module.part)
    written = kind_of(port.optics.id) if port.optics is not None else None
    if said is None or port.optics is None or written is None or _same(said, written):
        return
    fitting = [key for key in sorted(expected.optics) if (kind := kind_of(key)) is not None and _same(said, kind)]
    identity = " ".join(part for part in (module.vendor, module.part, module.serial) if part)
    edits: tuple[Edit, ...] = ()
    if len(fitting) == 1:
        edits = (Set.of(port.entry, {"transceiver": fitting[0]}),)
    yield Finding(
        "wrong-transceiver",
        Weight.ALARM,
        expected.address(port.place),
        port.entry.source,
        f"{port.place[0]}:{port.place[1]} has {module.kind or module.part}, not {port.optics.id}",
        f"the module says {identity or module.kind}",
        "change the module, or the inventory"
        if fitting
        else "change the module, or write its kind into inventory/transceivers.yaml",
        edits,
    )


def _same(a: Kind, b: Kind) -> bool:
    return a[:2] == b[:2] and (not a.half or not b.half or a.half == b.half)


def _light(expected: Expected, port: ExpectedPort, module: Transceiver, stored: Power | None) -> Iterator[Finding]:
    if module.rx_power is None or not port.in_service:
        return
    judgement = judge_level(module.rx_power, port.level, stored)
    if judgement is not None:
        yield Finding(
            judgement.code,
            judgement.weight,
            expected.address(port.place),
            port.entry.source,
            f"{port.place[0]}:{port.place[1]}: {judgement.summary}",
            judgement.why,
            "clean and measure; where the glass changed for good, write its losses down and accept the level"
            if judgement.code != "rx-overload"
            else "add a fixed attenuator",
        )
