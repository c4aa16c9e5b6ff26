"""Names that devices use, and names that the inventory uses: ports, devices and kinds of transceivers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_PORT = re.compile(r"([a-z-]*?)-?([0-9][0-9/:.]*)")
_NUMBER = re.compile(r"([0-9]+)$")


def same_port(a: str, b: str) -> bool:
    """Whether two names mean one port of a device: ``Gi1/0/24`` is ``GigabitEthernet1/0/24``.

    Equal but for case and blanks, or the same digits behind words of which one begins the other (two letters or
    more: ``e1`` could be anything).
    """
    a, b = (text.lower().replace(" ", "") for text in (a, b))
    if a == b:
        return bool(a)
    found_a, found_b = _PORT.fullmatch(a), _PORT.fullmatch(b)
    if found_a is None or found_b is None or found_a[2] != found_b[2]:
        return False
    short, long = sorted((found_a[1], found_b[1]), key=len)
    return len(short) >= 2 and long.startswith(short)


def port_of(name: str, known: Iterable[str], reported: Iterable[str], numbers: Mapping[str, int]) -> str | None:
    """The inventory's name of a port that a device calls `name`, or None where that cannot be said.

    `known`: ports that the inventory has of the device; `reported`: all names that the device uses; `numbers`:
    what is known of them. A number at the end of a name decides only where no other port of the device ends in it.
    """
    if name in numbers:
        return str(numbers[name])
    ports = list(known)
    if name in ports:
        return name
    fitting = [port for port in ports if same_port(port, name)]
    if fitting:
        return fitting[0] if len(fitting) == 1 else None
    if not all(port.isdecimal() for port in ports):
        return name  # ports have names here, and this one is not in the inventory
    ending = _NUMBER.search(name)
    if ending is None or sum(1 for other in {*reported, name} if _ends(other, ending[1])) != 1:
        return None
    return str(int(ending[1]))


def _ends(name: str, number: str) -> bool:
    found = _NUMBER.search(name)
    return found is not None and int(found[1]) == int(number)


def device_of(name: str, chassis: str, dpids: Mapping[int, str], known: Iterable[str]) -> str | None:
    """The device of the inventory that calls itself `name`, with or without a domain, or has this chassis id.

    `dpids`: datapath id → switch. A chassis id of 6 octets is a switch's when it is the low 48 bits of that.
    """
    by_name = {one.lower(): one for one in known}
    whole = name.strip().lower()
    for candidate in (whole, whole.partition(".")[0]):
        if candidate in by_name:
            return by_name[candidate]
    digits = re.sub(r"[^0-9a-f]", "", chassis.lower().removeprefix("dpid").removeprefix("0x"))
    if len(digits) in (12, 16):
        number = int(digits, 16)
        for dpid, device in dpids.items():
            if number == dpid or (len(digits) == 12 and number == dpid & 0xFFFFFFFFFFFF):
                return device
    return None


class Kind(NamedTuple):
    """What a transceiver is: rate in Gbit/s, reach as IEEE 802.3 letters it, and which half of a pair."""

    rate: float
    reach: str
    half: str = ""


_REACHES = "SR|LRM|LR|ER|ZR|LX|LH|EX|ZX|SX|BX|FR|DR|PSM"
_RATE = re.compile(r"(?<![0-9A-Z])(1000|100|10)BASE|(?<![0-9])([0-9]{1,3})G(?:BASE|IG|BIT|B)?(?![0-9])")
_REACH = re.compile(rf"(?:BASE|[^A-Z]|^)({_REACHES})(?:[0-9]+)?(?:[-/ ]?([UD]))?(?![A-Z])")
_ALIASES = {"LH": "LX"}  # 1000BASE-LX/LH is one module under two names


def kind_of(text: str) -> Kind | None:
    """The kind that a name means: ``10GBASE-LR``, ``SFP-10G-LR``, ``10g-lr``; None for names that do not say it.

    Rates below 1 Gbit/s count as fractions. ``1000BASE-LX10``, ``1g-lx10`` and ``1000Base-LX`` are one kind.
    """
    name = text.upper().replace("_", "-")
    rate, reach = _RATE.search(name), _REACH.search(name)
    if rate is None or reach is None:
        return None
    speed = int(rate[1]) / 1000 if rate[1] else float(rate[2])
    letters = _ALIASES.get(reach[1], reach[1])
    return Kind(speed, letters, (reach[2] or "") if letters == "BX" else "")
