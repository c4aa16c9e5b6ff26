"""Platforms: XML files that say how a kind of device writes attachments, ports and states down (see `pattern`).

`ietf` is part of this distribution; an operator's own files stand in the folder that the option ``templates``
names, and come first. Without any code they make another kind of device work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from lxml import etree

from sdnctl.dataplane.attachment import Attachment, AttachmentKey, owner_of
from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound.base import PortState, Target
from sdnctl_netconf.pattern import BASE, NAMESPACE, Element, Occurrence, Pattern, PatternError, Values

DEFAULT = "ietf"
NUMBERS = frozenset({"tag", "vlan", "rate", "burst", "priority", "index"})
# In the order of `PortState`.
COUNTED = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped")
_KNOWN = {
    "attachment": frozenset({"port", "vlan", "uplink", "tag", "description", "rate", "burst", "priority"}),
    "port": frozenset({"port", "enabled", "what"}),
    "state": frozenset({"port", "index", "state", *COUNTED}),
}
_NEEDED = {
    "attachment": frozenset({"port", "uplink", "tag", "description"}),
    "port": frozenset({"port"}),
    "state": frozenset({"port"}),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(slots=True)
class Running:
    """What the configuration of a device means to us.

    `ports`: name → enabled. `foreign`: port → what somebody else has there. `taken`: (uplink, tag) → who has it,
    by port where it is not ours. An attachment of ours with something altered in it has tag 0, which nobody wants.
    """

    attachments: dict[AttachmentKey, Attachment] = field(default_factory=dict)
    ports: dict[str, bool] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    taken: dict[tuple[str, int], set[AttachmentKey | str]] = field(default_factory=dict)


class Platform:
    """One kind of device."""

    def __init__(self, name: str, patterns: Mapping[str, list[Pattern]]) -> None:
        self.name = name
        (self._attachment,), (self._port,) = patterns["attachment"], patterns["port"]
        self._states = patterns.get("state", [])
        able = self._attachment.names
        self.policing, self.marking, self.vlans = "rate" in able, "priority" in able, "vlan" in able

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def edit(self, wanted: Iterable[Attachment], unwanted: Iterable[Attachment]) -> Element:
        """<config> for <edit-config> that puts some attachments in place as a whole and removes others.

        Raises PatternError for a value that this platform cannot express.
        """
        config = etree.Element(f"{{{BASE}}}config", nsmap={"nc": BASE})
        placed = [(self.identity(attachment), attachment) for attachment in wanted]
        kept = {identity for identity, _ in placed}
        for attachment in unwanted:
            if self.identity(attachment) not in kept:
                config.append(self._attachment.render(_values(attachment), "remove"))
        for _, attachment in placed:
            config.append(self._attachment.render(_values(attachment), "replace"))
        return config

    def identity(self, attachment: Attachment) -> tuple[str, ...]:
        """What names the attachment's entry on the device."""
        return self._attachment.identity(_values(attachment))

    def configuration(self) -> list[Element]:
        """Subtree filters for what `read` needs."""
        return _distinct(pattern.filter(whole=True) for pattern in (self._attachment, self._port))

    def state(self) -> list[Element]:
        """Subtree filters for what `states` needs; none where the platform reports no state."""
        return _distinct(pattern.filter(whole=False) for pattern in self._states)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def read(self, data: Element) -> Running:
        """Make sense of <data> of a device's configuration."""
        running = Running()
        known = set()
        for found in self._attachment.occurrences(data):
            port, uplink, tag = (found.values.get(name) for name in ("port", "uplink", "tag"))
            if port is None:
                continue  # the list holds other things too
            known.add(found.element)
            held = _held(found)
            if held is not None:
                running.attachments[held.key] = held
            else:
                what = found.values.get("description")
                running.foreign[str(port)] = f"an entry without {'our' if what else 'a'} description" + (
                    f": {what}" if what else ""
                )
            if uplink is not None and isinstance(tag, int):
                whose = held.key if held is not None else str(port)
                running.taken.setdefault((str(uplink), tag), set()).add(whose)
        for found in self._port.occurrences(data):
            port, what = found.values.get("port"), found.values.get("what")
            if port is None or found.element in known:
                continue
            running.ports[str(port)] = found.values.get("enabled") != "false"
            extras = self._port.extras(found)
            if what or extras:
                running.foreign[str(port)] = ", ".join(
                    [*([f"description: {what}"] if what else []), *sorted(set(extras))]
                )
        return running

    def states(self, data: Element | None, ports: Mapping[str, bool]) -> dict[int, PortState]:
        """State and counters of ports; a port of which the device tells none is up if it is enabled."""
        told: dict[str, dict[str, str | int | None]] = {port: {} for port in ports}
        for pattern in self._states if data is not None else ():
            for found in pattern.occurrences(data):
                if (port := found.values.get("port")) is not None and str(port) in told:
                    told[str(port)].update(found.values)
        states: dict[int, PortState] = {}
        free = max((index for values in told.values() if isinstance(index := values.get("index"), int)), default=0)
        for name, values in sorted(told.items()):
            index = values.get("index")
            if not isinstance(index, int) or index in states:
                index = free = free + 1
            up = values["state"] == "up" if "state" in values else ports[name]
            counted = [_number(values.get(key)) for key in COUNTED]
            states[index] = PortState(index, name, up, "", *counted)
        return states


def _held(found: Occurrence) -> Attachment | None:
    """An entry as an attachment of ours, or None if it is not ours."""
    values = found.values
    endpoint = owner_of(str(values.get("description") or ""))
    if endpoint is None:
        return None
    whole = values.get("uplink") is not None and not found.differs
    return Attachment(
        port=str(values["port"]),
        uplink=str(values.get("uplink") or ""),
        tag=_number(values.get("tag")) if whole else 0,
        endpoint=endpoint,
        vlan=_optional(values.get("vlan")),
        rate=_optional(values.get("rate")),
        burst=_optional(values.get("burst")),
        priority=_optional(values.get("priority")),
    )


def _values(attachment: Attachment) -> Values:
    return {
        "port": attachment.port,
        "vlan": attachment.vlan,
        "uplink": attachment.uplink,
        "tag": attachment.tag,
        "description": attachment.description,
        "rate": attachment.rate,
        "burst": attachment.burst,
        "priority": attachment.priority,
    }


def _number(value: str | int | None) -> int:
    if isinstance(value, int):
        return value
    return int(value) if value is not None and re.fullmatch("[0-9]{1,20}", value) else 0


def _optional(value: str | int | None) -> int | None:
    return value if isinstance(value, int) else None


def _distinct(filters: Iterable[Element]) -> list[Element]:
    return list({etree.tostring(element): element for element in filters}.values())


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def platform_of(target: Target) -> Platform:
    """The platform that a target's options `platform` and `templates` name; raises DeviceError."""
    name = target.options.get("platform", DEFAULT)
    folder = target.options.get("templates")
    file = Path(folder, f"{name}.xml") if folder is not None and _NAME.fullmatch(name) else None
    if file is not None and file.is_file():
        return load(name, file.read_bytes(), str(file))
    part = resources.files(__package__) / "platforms"
    if _NAME.fullmatch(name) and (shipped := part / f"{name}.xml").is_file():
        return load(name, shipped.read_bytes(), f"{name}.xml")
    known = sorted(item.name.removesuffix(".xml") for item in part.iterdir() if item.name.endswith(".xml"))
    if folder is not None and Path(folder).is_dir():
        known = sorted({*known, *(item.stem for item in Path(folder).glob("*.xml"))})
    raise DeviceError(
        Diagnostic(
            "bad-platform",
            f"{target.device}: there is no NETCONF platform {name!r}",
            f"device {target.device}, option platform",
            detail=f"there are: {', '.join(known)}",
            hint="write another one as NAME.xml into a folder, and name the folder in the option templates",
        )
    )


def load(name: str, text: bytes, file: str) -> Platform:
    """Read one platform's file; raises DeviceError with its line."""
    try:
        # An operator's own file, but no reason to read others through it.
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, remove_blank_text=True, remove_comments=True
        )
        root = etree.fromstring(text, parser)
        if root.tag != f"{{{NAMESPACE}}}platform":
            raise PatternError(
                f"the outermost element is {root.tag}, not {{{NAMESPACE}}}platform", root.sourceline
            )
        patterns: dict[str, list[Pattern]] = {"attachment": [], "port": []}
        for section in root.iterchildren(etree.Element):
            kind = etree.QName(section).localname
            if kind not in _KNOWN or len(section) != 1:
                raise PatternError(f"<{kind}> is no section with one element in it", section.sourceline)
            pattern = Pattern(section[0], NUMBERS)
            if unknown := sorted(pattern.names - _KNOWN[kind]) or sorted(_NEEDED[kind] - pattern.names):
                problem = "does not know" if pattern.names - _KNOWN[kind] else "needs"
                raise PatternError(f"<{kind}> {problem} {', '.join(unknown)}", section.sourceline)
            patterns.setdefault(kind, []).append(pattern)
        for kind in ("attachment", "port"):
            if len(patterns[kind]) != 1:
                raise PatternError(f"there are {len(patterns[kind])} sections <{kind}>, not one", root.sourceline)
        return Platform(name, patterns)
    except (etree.XMLSyntaxError, PatternError) as error:
        line: Any = getattr(error, "lineno", None) or getattr(error, "line", 0)
        raise DeviceError(
            Diagnostic(
                "bad-platform",
                f"the platform {name} cannot be used: {error}",
                f"{file}:{line}",
                hint="see the platform `ietf` of sdnctl-netconf, and its README",
            )
        ) from error
