"""Say which switch a device is: admit one that is new, or let one take another's place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from sdnctl.errors import Diagnostic, InputError
from sdnctl.store.bindings import Binding
from sdnctl.usecases.context import Context

LAST_DPID = 0xFFFFFFFFFFFFFFFF


def parse_dpid(text: str) -> int:
    """A datapath id as switches print it: up to 16 hex digits, with colons or ``0x`` if one likes."""
    digits = text.lower().removeprefix("0x").replace(":", "")
    try:
        value = int(digits, 16)
    except ValueError:
        value = 0
    if not 0 < value <= LAST_DPID:
        raise InputError(
            Diagnostic(
                "bad-dpid",
                f"{text!r} is no datapath id",
                hint="write its hex digits as the switch shows them, such as 00000000000000a1",
            )
        )
    return value


def parse_certificate(text: str) -> str:
    """A SHA-256 in hex, as ``openssl x509 -fingerprint -sha256`` prints it; empty stays empty."""
    digits = text.lower().rpartition("=")[2].replace(":", "")
    if digits and (len(digits) != 64 or set(digits) - set("0123456789abcdef")):
        raise InputError(
            Diagnostic(
                "bad-certificate",
                f"{text!r} is no SHA-256 fingerprint",
                hint="`openssl x509 -in CERTIFICATE -noout -fingerprint -sha256` prints it",
            )
        )
    return digits


def admit(context: Context, dpid: int, device: str, certificate: str, author: str) -> Binding:
    """Bind a device to a switch; again, to have it show another certificate.

    Raises InputError when there is no such device, when it is bound to another switch, or the switch to another
    device.
    """
    planned = _planned(context, device)
    bound = context.bound()
    _check_free(bound, planned, dpid, device)
    if bound.get(device, dpid) != dpid:
        raise InputError(
            Diagnostic(
                "device-bound",
                f"{device} is switch {bound[device]:016x}",
                address=f"switch {device}",
                hint=f"`sdnctl controller replace {device} --dpid {dpid:016x}` lets another take its place",
            )
        )
    old = planned[device] if planned[device] != dpid else None
    return context.store.bindings.bind(device, dpid, certificate, author, replaces=old)


def replace(context: Context, dpid: int, device: str, certificate: str, author: str) -> Binding:
    """Let another switch be this device from now on; the one that it was is refused. Raises InputError."""
    planned = _planned(context, device)
    bound = context.bound()
    _check_free(bound, planned, dpid, device)
    now = bound.get(device, planned[device])
    if now == dpid:
        raise InputError(
            Diagnostic(
                "same-switch",
                f"{device} is switch {dpid:016x} already",
                address=f"switch {device}",
                hint="give the datapath id of the new switch",
            )
        )
    return context.store.bindings.bind(device, dpid, certificate, author, replaces=now)


def _planned(context: Context, device: str) -> dict[str, int]:
    """Datapath ids by the applied topology, else by the folder's."""
    applied = context.applied()
    topology = applied[1].compiled.topology if applied is not None else context.loaded.network.topology
    if device not in topology.nodes:
        close = difflib.get_close_matches(device, topology.nodes, n=1)
        raise InputError(
            Diagnostic(
                "no-such-device",
                f"there is no switch {device} in what is applied",
                address=f"switch {device}",
                hint=f"did you mean {close[0]}?" if close else "declare it in the inventory and apply",
            )
        )
    return {key: node.dpid for key, node in topology.nodes.items()}


def _check_free(bound: Mapping[str, int], planned: Mapping[str, int], dpid: int, device: str) -> None:
    for other, number in {**planned, **bound}.items():
        if number == dpid and other != device:
            raise InputError(
                Diagnostic(
                    "dpid-in-use",
                    f"datapath {dpid:016x} is {other}",
                    address=f"switch {device}",
                    hint="a switch is one device; replace that one first, or give another datapath id",
                )
            )
