"""Whom ports hear, over LLDP-MIB (IEEE 802.1AB-2005 Annex): ids as text, ports as the device names them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from sdnctl.southbound.facts import Neighbour
from sdnctl_snmp.values import Value, mac, network_address, number, text

_CHASSIS_MAC, _CHASSIS_ADDRESS = 4, 5  # LldpChassisIdSubtype
_PORT_MAC, _PORT_ADDRESS = 3, 4  # LldpPortIdSubtype


def neighbours(
    remote: Mapping[str, Value],
    local: Mapping[str, Value],
    names: Mapping[int, str],
    addresses: Mapping[int, str],
) -> tuple[Neighbour, ...]:
    """From lldpRemTable and lldpLocPortTable below their entries; names and MAC addresses of ports by ifIndex."""
    ports = local_ports(local, names, addresses)
    found = []
    for key in remote:
        column, _, index = key.partition(".")
        parts = index.split(".")
        if column != "5" or len(parts) != 3 or not parts[1].isdecimal():
            continue
        row = {place: remote.get(f"{place}.{index}") for place in range(4, 10)}
        chassis = _chassis(number(row[4]), row[5])
        remote_port = _port(number(row[6]), row[7])
        here = ports.get(int(parts[1])) or names.get(int(parts[1])) or parts[1]
        found.append(Neighbour(here, text(row[9]) or chassis, remote_port, chassis))
    return tuple(sorted(found, key=lambda one: (one.port, one.device, one.remote_port)))


def local_ports(
    local: Mapping[str, Value], names: Mapping[int, str], addresses: Mapping[int, str]
) -> Mapping[int, str]:
    """LLDP's port number → name of the interface: by its id, its description, its MAC address, or its number."""
    known = set(names.values())
    of_address = {address: names[index] for index, address in addresses.items() if address and index in names}
    found = {}
    for key, identity in local.items():
        column, _, index = key.partition(".")
        if column != "3" or not index.isdecimal():
            continue
        kind, described = number(local.get(f"2.{index}")), text(local.get(f"4.{index}"))
        written = text(identity)
        for name in (written, described):
            if name in known:
                found[int(index)] = name
                break
        else:
            if kind == _PORT_MAC and mac(identity) in of_address:
                found[int(index)] = of_address[mac(identity)]
            elif written.isdecimal() and int(written) in names:  # assigned locally: most take ifIndex
                found[int(index)] = names[int(written)]
    return found


def _chassis(kind: int | None, identity: Value) -> str:
    if kind == _CHASSIS_MAC and mac(identity):
        return mac(identity)
    if kind == _CHASSIS_ADDRESS and network_address(identity):
        return network_address(identity)
    return text(identity)


def _port(kind: int | None, identity: Value) -> str:
    if kind == _PORT_MAC and mac(identity):
        return mac(identity)
    if kind == _PORT_ADDRESS and network_address(identity):
        return network_address(identity)
    return text(identity)
