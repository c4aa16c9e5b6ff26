"""What agents answer, made safe: numbers in range, text that can be printed, addresses as people write them.

An agent may send anything; what does not fit is None or shown escaped, and never raises.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TypeAlias

Value: TypeAlias = str | bytes | int | float | None
"""As the decoder gives them: object ids and IP addresses as text, octets as bytes."""

LONGEST = 255
"""Characters of a text that are kept; the longest that MIBs allow for names and descriptions."""


def number(value: Value, bits: int = 64) -> int | None:
    """A count or gauge of so many bits, None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits:
        return value
    return None


def signed(value: Value) -> int | None:
    """An Integer32."""
    return value if isinstance(value, int) and -(1 << 31) <= value < 1 << 31 else None


def text(value: Value) -> str:
    """Octets as text: UTF-8, what is none or cannot be printed escaped, without what surrounds it."""
    if isinstance(value, bytes):
        value = value.rstrip(b"\0").decode("utf-8", "backslashreplace")
    if not isinstance(value, str):
        return "" if value is None else str(value)
    kept = "".join(char if char.isprintable() else " " for char in value[: 4 * LONGEST])
    return " ".join(kept.split())[:LONGEST]


def mac(value: Value) -> str:
    """Six octets as ``02:00:00:00:00:01``, "" for anything else."""
    return value.hex(":") if isinstance(value, bytes) and len(value) == 6 else ""


def network_address(value: Value) -> str:
    """A family (IANA address family numbers: 1, 2) and an address, as LLDP has them; "" for anything else."""
    if isinstance(value, bytes) and (value[:1], len(value)) in ((b"\1", 5), (b"\2", 17)):
        return str(ip_address(value[1:]))
    return ""
