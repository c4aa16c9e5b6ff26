"""Arista EOS: an attachment is a VLAN between two layer-2 subinterfaces, one on the port and one on the uplink.

All that belongs to one attachment carries its tag as number: ``vlan 101`` named ``sdnctl-101``, ``interface
Ethernet3.101`` with the owner's description, its twin on the uplink, and ``policy-map … sdnctl-101`` where there
is a rate or a priority. Subinterfaces need a routed port (``no switchport``): a customer's port that is bare is
made one and marked, the uplink has to be one. Syntax: Arista's user manual, "Layer 2 Subinterfaces", "Flexible
Encapsulation" and "Quality of Service"; subinterfaces with ``encapsulation vlan`` need EOS 4.24.2 or later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sdnctl.dataplane.attachment import OWNER_PREFIX, Attachment, AttachmentKey, owner_of
from sdnctl.errors import Diagnostic
from sdnctl.southbound import device_faults as faults
from sdnctl_napalm.masking import mask
from sdnctl_napalm.platforms.base import Held, Session
from sdnctl_napalm.stanzas import Stanza, parse

PORT_MARK = f"{OWNER_PREFIX}port"
UPLINK_MARK = "sdnctl-uplink "
OURS = "sdnctl-"  # how names of VLANs and policy maps begin
PHYSICAL = ("speed", "mtu", "load-interval", "flowcontrol", "error-correction", "logging", "lldp", "negotiation")
"""First words of lines on a port that an attachment does not mind."""

_PORT = re.compile(r"(?:Ethernet|Port-Channel|Management)\d+(?:/\d+)*")
_INTERFACE = re.compile(rf"interface ({_PORT.pattern})(?:\.(\d{{1,10}}))?")
_POLICY = re.compile(rf"policy-map type quality-of-service {OURS}(\d{{1,4}})")
_VLAN = re.compile(r"vlan (\d{1,4}(?:[,-]\d{1,4})*)")
_POLICE = re.compile(r"police rate (\d{1,15}) ([kmg]?)bps burst-size (\d{1,15}) ([km]?)bytes")
_CLIENT = re.compile(r"client (?:untagged(?: network untagged)?|dot1q (\d{1,4})(?: network client)?)")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_MESSAGE = re.compile(r"CLI command (\d{1,6}) of \d+")
_BEFORE_CANDIDATE = 3  # "enable" and "configure session NAME" come first, and commands are counted from 1


@dataclass(slots=True)
class _Reading:
    """A configuration while it is read."""

    customers: list[tuple[str, int, Stanza]] = field(default_factory=list)
    uplinks: dict[int, str] = field(default_factory=dict)
    policies: dict[str, tuple[int | None, int | None, int | None]] = field(default_factory=dict)
    stanzas: dict[int, list[str]] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    foreign: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)
    ports: set[str] = field(default_factory=set)
    routed: set[str] = field(default_factory=set)

    def ours(self, number: int, stanza: Stanza) -> None:
        self.stanzas.setdefault(number, []).append(stanza.line)


class Eos:
    """Arista EOS over eAPI."""

    name: ClassVar[str] = "eos"

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def read(self, text: str) -> Held:
        reading = _Reading()
        for stanza in parse(text):
            if (found := _INTERFACE.fullmatch(stanza.line)) is not None:
                port, number = found.groups()
                if number is None:
                    _read_port(reading, port, stanza)
                else:
                    _read_subinterface(reading, port, int(number), stanza)
            elif (found := _POLICY.fullmatch(stanza.line)) is not None:
                reading.policies[f"{OURS}{int(found[1])}"] = _limits(stanza)
                reading.ours(int(found[1]), stanza)
            elif (found := _VLAN.fullmatch(stanza.line)) is not None:
                _read_vlan(reading, found[1], stanza)
            else:
                reading.rest.extend(stanza.text())
        attachments: dict[AttachmentKey, Attachment] = {}
        numbers: dict[AttachmentKey, int] = {}
        for port, number, stanza in reading.customers:
            attachment = _attachment(reading, port, number, stanza)
            if attachments.setdefault(attachment.key, attachment) is attachment:
                numbers[attachment.key] = number
        return Held(
            attachments,
            numbers,
            {number: tuple(lines) for number, lines in reading.stanzas.items()},
            frozenset(reading.claimed),
            {port: tuple(lines) for port, lines in reading.foreign.items()},
            reading.tags,
            tuple(reading.rest),
            frozenset(reading.ports),
            frozenset(reading.routed),
        )

    # ── checking ─────────────────────────────────────────────────────────────────────────────────

    def check(
        self, device: str, held: Held, wanted: Iterable[Attachment], kept: Iterable[Attachment]
    ) -> list[Diagnostic]:
        found: list[Diagnostic] = []
        by_tag = {attachment.tag: attachment for attachment in kept}
        for attachment in wanted:
            other = by_tag.setdefault(attachment.tag, attachment)
            problems = _value_problems(attachment) or _place_problems(held, attachment)
            if other is not attachment:
                problems.append(f"VLAN {attachment.tag} on the uplink is that of {other}")
            for problem in problems:
                found += faults.refused(device, "validate", problem, attachment).diagnostics
            if (lines := held.foreign.get(attachment.port)) is not None:
                more = f"; and {len(lines) - 3} more" if len(lines) > 3 else ""
                found += faults.port_in_use(device, attachment, mask("; ".join(lines[:3])) + more).diagnostics
        return found

    # ── NAPALM ───────────────────────────────────────────────────────────────────────────────────

    def name_session(self, napalm: Any, name: str | None) -> None:
        napalm.config_session = name

    def sessions(self, napalm: Any) -> list[Session]:
        shown, version = napalm.device.run_commands(["show configuration sessions detail", "show version"])
        uptime = float(version["uptime"])
        pending = [
            Session(name, round(float(one["commitBy"]) - uptime) if "Timer" in one["state"] else None)
            for name, one in shown["sessions"].items()
            if one["state"].startswith("pending")
        ]
        if name := shown.get("commitTimerSessionName"):  # where later versions (4.32) tell of the timer
            left = round(float(shown["commitTimerExpireTime"]) - uptime)
            pending = [one for one in pending if one.name != name] + [Session(name, left)]
        return pending

    def abort(self, napalm: Any, session: str) -> None:
        napalm.device.run_commands([f"configure session {session} abort"], encoding="text")

    def failed_line(self, message: str) -> int | None:
        found = _MESSAGE.search(message)
        return int(found[1]) - _BEFORE_CANDIDATE if found is not None else None


def _read_port(reading: _Reading, port: str, stanza: Stanza) -> None:
    reading.ports.add(port)
    if stanza.has("no switchport"):
        reading.routed.add(port)
    if stanza.value("description") == PORT_MARK:
        reading.claimed.add(port)
    mine = (f"description {PORT_MARK}", "no switchport") if port in reading.claimed else ("switchport",)
    for inner in stanza.body:
        if inner.line in mine:
            continue
        reading.rest.extend(f"{stanza.line} / {line}" for line in inner.text())
        if inner.line.split()[0] not in PHYSICAL:
            reading.foreign.setdefault(port, []).append(inner.line)


def _read_subinterface(reading: _Reading, port: str, number: int, stanza: Stanza) -> None:
    description = stanza.value("description") or ""
    if owner_of(description) is not None:
        reading.customers.append((port, number, stanza))
        reading.ours(number, stanza)
    elif description.startswith(UPLINK_MARK):
        if stanza.value("vlan id") == str(number) and _client(stanza) == number:
            reading.uplinks[number] = port
        reading.ours(number, stanza)
    else:
        reading.foreign.setdefault(port, []).append(stanza.line)
        reading.rest.extend(stanza.text())
        for tag in (_number(stanza.value("vlan id")), _client(stanza)):
            if tag is not None:
                reading.tags.setdefault(tag, stanza.line)


def _read_vlan(reading: _Reading, text: str, stanza: Stanza) -> None:
    if stanza.value("name") == f"{OURS}{text}":
        reading.ours(int(text), stanza)
        return
    reading.rest.extend(stanza.text())
    for part in text.split(","):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last.partition("-")[0] or first) + 1):
            reading.tags.setdefault(number, stanza.line)


def _attachment(reading: _Reading, port: str, number: int, stanza: Stanza) -> Attachment:
    """What a customer's subinterface amounts to as it stands: changed by hand it differs."""
    tag = _number(stanza.value("vlan id"))
    policy = stanza.value("service-policy type qos input")
    rate, burst, priority = reading.policies.get(policy or "", (None, None, None))
    return Attachment(
        port=port,
        uplink=reading.uplinks.get(number, "") if tag == number else "",
        tag=tag if tag is not None else 0,
        endpoint=owner_of(stanza.value("description") or "") or "",
        vlan=_client(stanza),
        rate=rate,
        burst=burst,
        priority=priority,
    )


def _client(stanza: Stanza) -> int | None:
    """The VLAN of the frames that a subinterface takes; None for untagged ones, and where it takes none."""
    for inner in stanza.body:
        if inner.line == "encapsulation vlan":
            for line in inner.body:
                if (found := _CLIENT.fullmatch(line.line)) is not None and found[1] is not None:
                    return int(found[1])
    return None


def _limits(policy: Stanza) -> tuple[int | None, int | None, int | None]:
    """Rate (bit/s), burst (octets) and priority of a policy map of ours."""
    rate = burst = priority = None
    for inner in policy.body:
        if inner.line == "class class-default":
            for line in inner.body:
                if (found := _POLICE.fullmatch(line.line)) is not None:
                    rate, burst = int(found[1]) * _SCALE[found[2]], int(found[3]) * _SCALE[found[4]]
            priority = _number(inner.value("set cos"))
    return rate, burst, priority


def _number(text: str | None) -> int | None:
    """A number from a line that anybody may have written; what is none reads as None."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else None


def _value_problems(attachment: Attachment) -> list[str]:
    """What is wrong with an attachment whatever the device holds; no text of it may become a line of its own."""
    found = []
    if not (attachment.endpoint.isprintable() and attachment.endpoint.strip() == attachment.endpoint != ""):
        found.append(f"{attachment.endpoint!r} cannot stand in a description")
    for name in (attachment.port, attachment.uplink):
        if not _PORT.fullmatch(name):
            found.append(f"{name!r} is not the name of a port of EOS, such as Ethernet3")
    if attachment.port == attachment.uplink:
        found.append("its port is the uplink")
    for number, least, what in ((attachment.tag, 2, "tag"), (attachment.vlan, 1, "VLAN")):
        if number is not None and not least <= number <= 4094:
            found.append(f"the {what} {number} is outside {least}…4094")
    if (attachment.rate is None) != (attachment.burst is None):
        found.append("EOS wants a rate with a burst, and the other way round")
    if any(number is not None and number < 1 for number in (attachment.rate, attachment.burst)):
        found.append("rate and burst are above zero")
    if attachment.priority is not None and not 0 <= attachment.priority <= 7:
        found.append(f"the priority {attachment.priority} is outside 0…7")
    return found


def _place_problems(held: Held, attachment: Attachment) -> list[str]:
    found = [f"there is no port {port}" for port in (attachment.port, attachment.uplink) if port not in held.ports]
    if attachment.uplink in held.ports - held.routed:
        found.append(f"the uplink {attachment.uplink} is a switchport; subinterfaces need `no switchport` there")
    if (use := held.tags.get(attachment.tag)) is not None:
        found.append(f"VLAN {attachment.tag} is somebody else's: {use}")
    return found
