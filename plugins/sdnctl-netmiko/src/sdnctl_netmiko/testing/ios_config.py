"""SIMULATOR, not a device: the configuration of an IOS-like access switch as a tree that takes and prints lines.

It knows the commands that the platform ``ios`` types, those that somebody at the console would, the order in which
objects may refer to one another, and refuses everything else as IOS does. It proves the path through our own code
and nothing about any vendor's device.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

INVALID = "% Invalid input detected at '^' marker."

_VLANS = r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*"
# Per mode: what identifies a line (a second one with the same identity takes its place), and the rest.
_LEAVES: dict[str, tuple[tuple[str, str], ...]] = {
    "config": ((r"hostname", r" \S+"), (r"snmp-server community \S+", r".*"), (r"ip route \S+ \S+", r" \S+")),
    "config-if": (
        (r"description", r" .{1,200}"),
        (r"switchport mode", r" (?:access|trunk)"),
        (r"switchport access vlan", r" \d+"),
        (r"switchport trunk native vlan", r" \d+"),
        (r"switchport trunk allowed vlan", rf" {_VLANS}"),
        (r"switchport vlan mapping \d+", r" \d+"),
        (r"service-policy input", r" \S+"),
        (r"ip address", r" \S+ \S+"),
        (r"spanning-tree portfast", r""),
        (r"shutdown", r""),
    ),
    "config-vlan": ((r"name", r" \S{1,32}"),),
    "config-pmap": ((r"description", r" .{1,200}"),),
    "config-pmap-c": (
        (r"police", r" cir \d+(?: bc \d+)? conform-action transmit exceed-action drop"),
        (r"set cos", r" [0-7]"),
    ),
    "config-if-vlan-range": ((r"service-policy input", r" \S+"),),
    "config-archive": ((r"path", r" \S+"),),
}
# Lines that open a section, and its mode.
_SECTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "config": (
        (r"interface \S+", "config-if"), (r"vlan \d+", "config-vlan"), (r"policy-map \S+", "config-pmap"),
        (r"archive", "config-archive"),
    ),
    "config-pmap": ((r"class class-default", "config-pmap-c"),),
    "config-if": ((rf"vlan-range {_VLANS}", "config-if-vlan-range"),),
}  # fmt: skip
_ORDER = ("hostname", "archive", "vlan", "policy-map", "interface", "ip route", "snmp-server")


class Refused(Exception):
    """The line is not taken; the text is what the switch prints."""


@dataclass
class Section:
    """Lines in order, and what stands below each; leaves have nothing below."""

    lines: dict[str, Section] = field(default_factory=dict)

    def print(self, depth: int = 0) -> Iterable[str]:
        for line, below in self.lines.items():
            yield " " * depth + line
            yield from below.print(depth + 1)


class IosConfig:
    """One configuration; `enter`, `leave` and `take` are what configuration mode does."""

    def __init__(self, hostname: str, ports: Iterable[str]) -> None:
        self.ports = tuple(ports)
        self.root = Section(
            {f"hostname {hostname}": Section(), "archive": Section({"path flash:roll": Section()})}
        )
        self.root.lines |= {f"interface {port}": Section() for port in self.ports}

    def copy(self) -> IosConfig:
        return copy.deepcopy(self)

    @property
    def hostname(self) -> str:
        return next(line.split()[1] for line in self.root.lines if line.startswith("hostname "))

    def find(self, *path: str) -> Section | None:
        """The section under these lines, or None."""
        found: Section | None = self.root
        for line in path:
            found = found.lines.get(line) if found is not None else None
        return found

    def text(self) -> str:
        """As `show running-config` prints it."""

        def rank(item: tuple[str, Section]) -> int:
            return next((place for place, word in enumerate(_ORDER) if item[0].startswith(word)), 0)

        printed = ["version 15.2"]
        for line, below in sorted(self.root.lines.items(), key=rank):
            printed += ["!", line, *below.print(1)]
        return "\n".join([*printed, "!", "end", ""])

    # ── configuration mode ───────────────────────────────────────────────────────────────────────

    def take(self, path: list[tuple[str, str]], line: str) -> None:
        """One line in the mode at the end of `path` [(line, mode), …], which it may lengthen or shorten."""
        line = " ".join(line.split()) if not line.lstrip().startswith("description") else line.strip()
        if not line or line.startswith("!"):
            return
        while True:
            mode = path[-1][1] if path else "config"
            if line == "exit":
                if path:
                    path.pop()
                return
            if self._open(path, mode, line) or self._leaf(path, mode, line):
                return
            if not path:
                raise Refused(INVALID)
            path.pop()  # as IOS does: a line of a mode above ends this one

    def _open(self, path: list[tuple[str, str]], mode: str, line: str) -> bool:
        negated = line.startswith("no ")
        plain = line.removeprefix("no ")
        for pattern, below in _SECTIONS.get(mode, ()):
            if re.fullmatch(pattern, plain):
                section = self._at(path)
                if plain.startswith("interface ") and plain not in self.root.lines:
                    raise Refused(INVALID)
                if negated:
                    self._remove_section(section, plain)
                else:
                    section.lines.setdefault(plain, Section())
                    path.append((plain, below))
                return True
        return False

    def _leaf(self, path: list[tuple[str, str]], mode: str, line: str) -> bool:
        section = self._at(path)
        if mode == "config-if" and (
            found := re.fullmatch(rf"switchport trunk allowed vlan (add|remove) ({_VLANS})", line)
        ):
            self._allow(section, found[1], _expanded(found[2]))
            return True
        for identity, rest in _LEAVES.get(mode, ()):
            if found := re.fullmatch(rf"no ({identity})(?: .*)?", line):
                for held in [held for held in section.lines if re.match(rf"{re.escape(found[1])}(?: |$)", held)]:
                    del section.lines[held]
                return True
            if found := re.fullmatch(f"({identity}){rest}", line):
                self._admit(path, section, line)
                for held in [held for held in section.lines if re.match(rf"{re.escape(found[1])}(?: |$)", held)]:
                    del section.lines[held]
                section.lines[line] = Section()
                # A description stands first, and vlan-range sections last, whenever they were typed.
                section.lines = dict(sorted(section.lines.items(), key=lambda item: _place(item[0])))
                return True
        return False

    def _admit(self, path: list[tuple[str, str]], section: Section, line: str) -> None:
        if line.startswith("service-policy input "):
            name = line.split()[-1]
            if f"policy-map {name}" not in self.root.lines:
                raise Refused(f"% policy map {name} not configured")
            held = next((held for held in section.lines if held.startswith("service-policy input ")), line)
            if held != line:
                raise Refused(f"% Policy map {held.split()[-1]} is already attached")
        if line.startswith("switchport access vlan "):
            self.root.lines.setdefault(f"vlan {line.split()[-1]}", Section())

    def _remove_section(self, section: Section, line: str) -> None:
        if line.startswith("policy-map "):
            used = f"service-policy input {line.split()[1]}"
            if any(used in printed for printed in self.root.print()):
                raise Refused(f"% Policy-map {line.split()[1]} is being used")
        if line.startswith("interface "):
            raise Refused("% Removal of physical interfaces is not permitted")
        section.lines.pop(line, None)

    @staticmethod
    def _allow(section: Section, how: str, numbers: set[int]) -> None:
        prefix = "switchport trunk allowed vlan "
        held = next((line for line in section.lines if line.startswith(prefix)), None)
        have = _expanded(held.removeprefix(prefix)) if held else set(range(1, 4095))
        now = have | numbers if how == "add" else have - numbers
        if held:
            del section.lines[held]
        if len(now) < 4094:
            section.lines[prefix + (_compressed(now) or "none")] = Section()

    def _at(self, path: list[tuple[str, str]]) -> Section:
        section = self.root
        for line, _ in path:
            section = section.lines[line]
        return section


def _place(line: str) -> int:
    return 0 if line.startswith("description") else 2 if line.startswith(("vlan-range", "class")) else 1


def _expanded(text: str) -> set[int]:
    found: set[int] = set()
    for word in text.split(","):
        if word[:1].isdigit():
            first, _, last = word.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def _compressed(numbers: Iterable[int]) -> str:
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
