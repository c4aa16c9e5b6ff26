"""The simulated switch's configuration: a tree of lines, and the commands that change it.

A `Tree` maps a line to the lines below it. `Editor` takes commands as the command line does: one at a time,
without indentation; a command that the present mode does not know is tried in the modes above it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

Tree: TypeAlias = dict[str, "Tree"]

PHYSICAL = r"(?:Ethernet\d+(?:/\d+)*|Port-Channel\d+|Management\d+)"


class Refused(Exception):
    """The switch's answer to a command that it does not accept."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of line: what it looks like, the mode it enters, and the words before what it replaces.

    `single`: a line that begins with these words is there once.
    """

    pattern: str
    enters: str = ""
    single: str = ""


GRAMMAR: dict[str, tuple[Rule, ...]] = {
    "global": (
        Rule(r"hostname \S+", single="hostname"),
        Rule(r"spanning-tree mode \S+", single="spanning-tree mode"),
        Rule(r"ntp server \S+"),
        Rule(r"ip route \S+ \S+"),
        Rule(r"snmp-server \S.*"),
        Rule(r"username \S+ .+"),
        Rule(r"vlan \d+", enters="vlan"),
        Rule(r"policy-map type quality-of-service \S+", enters="policy-map"),
        Rule(rf"interface {PHYSICAL}", enters="interface"),
        Rule(rf"interface {PHYSICAL}\.\d+", enters="subinterface"),
    ),
    "vlan": (Rule(r"name \S{1,32}", single="name"),),
    "policy-map": (Rule(r"class \S+", enters="class"),),
    "class": (
        Rule(r"set cos [0-7]", single="set cos"),
        Rule(r"police rate [1-9]\d* [kmg]?bps burst-size [1-9]\d* [km]?bytes", single="police"),
    ),
    "interface": (
        Rule(r"description \S.*", single="description"),
        Rule(r"no switchport", single="no switchport"),
        Rule(r"switchport mode (?:access|trunk)", single="switchport mode"),
        Rule(r"switchport access vlan \d+", single="switchport access vlan"),
        Rule(r"switchport trunk allowed vlan \S+", single="switchport trunk allowed vlan"),
        Rule(r"ip address \S+", single="ip address"),
        Rule(r"mtu \d+", single="mtu"),
        Rule(r"speed \S+", single="speed"),
        Rule(r"shutdown", single="shutdown"),
    ),
    "subinterface": (
        Rule(r"description \S.*", single="description"),
        Rule(r"vlan id \d+", single="vlan id"),
        Rule(r"encapsulation vlan", enters="encapsulation"),
        Rule(r"service-policy type qos input \S+", single="service-policy type qos input"),
        Rule(r"ip address \S+", single="ip address"),
        Rule(r"shutdown", single="shutdown"),
    ),
    "encapsulation": (Rule(r"client (?:untagged network untagged|dot1q \d+)", single="client"),),
}

ORDER = (
    "hostname",
    "ntp",
    "snmp-server",
    "username",
    "spanning-tree",
    "vlan",
    "policy-map",
    "interface",
    "ip route",
)


class Editor:
    """Applies commands to a tree, in place; raises `Refused` and leaves the tree as the command found it."""

    def __init__(self, tree: Tree, ports: frozenset[str]) -> None:
        self.tree = tree
        self._ports = ports
        self._path: list[tuple[str, Tree]] = [("global", self.tree)]

    def apply(self, command: str) -> None:
        """One configuration command; ``exit`` leaves a mode, ``end`` all of them."""
        if command == "end":
            del self._path[1:]
        elif command == "exit":
            del self._path[max(1, len(self._path) - 1) :]
        elif command.startswith("default interface "):
            self._default(command.removeprefix("default "))
        elif not self._in_some_mode(command):
            raise Refused(f"Invalid input: {command}")

    def _in_some_mode(self, command: str) -> bool:
        for depth in range(len(self._path), 0, -1):
            mode, lines = self._path[depth - 1]
            rule = next((rule for rule in GRAMMAR[mode] if re.fullmatch(rule.pattern, command)), None)
            if rule is not None:
                self._check(command, depth)
                del self._path[depth:]
                self._set(rule, lines, command)
                return True
            if self._remove(mode, lines, command):
                del self._path[depth:]
                return True
        return False

    def _set(self, rule: Rule, lines: Tree, command: str) -> None:
        if rule.single:
            for line in [line for line in lines if line == rule.single or line.startswith(rule.single + " ")]:
                if line != command:
                    del lines[line]
        below = lines.setdefault(command, {})
        if rule.enters:
            self._path.append((rule.enters, below))
            if rule.enters == "policy-map":
                below.setdefault("class class-default", {})

    def _remove(self, mode: str, lines: Tree, command: str) -> bool:
        """``no …`` takes away what begins with these words; ``switchport`` is the opposite of a line."""
        if mode == "interface" and command == "switchport":
            lines.pop("no switchport", None)
            return True
        if not command.startswith("no "):
            return False
        words = command.removeprefix("no ")
        known = any(
            re.fullmatch(rule.pattern, words) or (rule.single and rule.single.startswith(words))
            for rule in GRAMMAR[mode]
        )
        if not known:
            return False
        for line in [line for line in lines if line == words or line.startswith(words + " ")]:
            del lines[line]
        return True

    def _default(self, interface: str) -> None:
        if interface not in self.tree:
            raise Refused(f"Interface does not exist: {interface}")
        del self._path[1:]
        self.tree[interface] = {}

    # ── what lines mean together ─────────────────────────────────────────────────────────────────

    def _check(self, command: str, depth: int) -> None:
        """Raise `Refused` for what only the rest of the configuration tells to be wrong."""
        words = command.split()
        if words[0] == "interface":
            parent = words[1].partition(".")[0]
            if parent not in self._ports:
                raise Refused(f"Interface does not exist: {parent}")
            if "." in words[1] and "no switchport" not in self.tree.get(f"interface {parent}", {}):
                raise Refused(f"Subinterfaces need a routed port, and {parent} is a switchport")
        number = words[-1] if re.fullmatch(r"(vlan|vlan id|client dot1q) \d+", command) else ""
        if number and not 1 <= int(number) <= 4094:
            raise Refused(f"Invalid VLAN: {number}")
        if words[0] == "client":
            self._check_client(command, depth)

    def _check_client(self, command: str, depth: int) -> None:
        here = self._path[depth - 2][1]
        name = next(line for line, below in self.tree.items() if below is here)
        for line, below in self.tree.items():
            same_port = line.partition(".")[0] == name.partition(".")[0] and "." in line
            if same_port and line != name and command in below.get("encapsulation vlan", {}):
                raise Refused(f"Encapsulation is already in use on {line.removeprefix('interface ')}")


def empty(hostname: str, ports: frozenset[str]) -> Tree:
    """What a switch holds that nobody has configured but for its name."""
    return {f"hostname {hostname}": {}, **{f"interface {port}": {} for port in ports}}


def text_of(tree: Tree) -> str:
    """The configuration as ``show running-config`` has it, with exclamation marks between sections."""
    sections = sorted(tree, key=_place)
    blocks = ["\n".join(_lines(line, tree[line], 0)) for line in sections]
    return "\n!\n".join([*blocks, "end"]) + "\n"


def _lines(line: str, below: Tree, depth: int) -> Iterator[str]:
    yield "   " * depth + line
    for inner, deeper in below.items():
        yield from _lines(inner, deeper, depth + 1)


def _place(line: str) -> tuple[int, list[tuple[int, str]]]:
    rank = next((rank for rank, words in enumerate(ORDER) if line.startswith(words)), len(ORDER))
    natural: Callable[[str], tuple[int, str]] = lambda part: (int(part), "") if part.isdigit() else (-1, part)  # noqa: E731
    return rank, [natural(part) for part in re.split(r"(\d+)", line)]
