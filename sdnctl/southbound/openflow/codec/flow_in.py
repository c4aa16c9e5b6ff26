"""Flow statistics by templates: one per shape of entry, several times the speed of the general reader.

A switch sends flows that match the same fields one after another, so entries of one shape come in long runs.
The general reader (`flow.py`) reads the first of a shape; its octets show where the numbers are. From then on
one `struct` takes a whole entry apart, all octets between the numbers are compared, and the flow is built. What
does not fit exactly is left to the general reader, which decides whether it is right.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from struct import Struct
from typing import Any

from sdnctl.dataplane.values import PORT_CONTROLLER, Action, Flow, Match, Output, SetField, SetQueue, ToGroup
from sdnctl.southbound.openflow.codec.shapes import RANK, TLVS, Tlv
from sdnctl.southbound.openflow.codec.template import LAYOUTS, TELLING, Sketch, Templates, generated

FIXED = 48
"""Octets of an entry in front of its match."""
CACHE_LIMIT = 16_384
"""Actions of one kind that are kept to be shared: some megabytes at most, whatever a switch sends."""

GOTO, WRITE_METADATA, APPLY_ACTIONS, METER = 1, 2, 4, 6
_HEAD = Struct("!HH")

Reader = Callable[[bytes, int], Flow | None]
"""(octets, where the entry starts) → the flow, or None where it has another shape."""


def _writer(cls: type, name: str) -> Callable[[object, object], None]:
    """What writes one slot of a new instance: the class is frozen, its slots' descriptors are not."""
    writer: Callable[[object, object], None] = getattr(cls, name).__set__
    return writer


class Shared(dict[int, Action]):
    """Actions by their number, made when first asked for; bounded."""

    def __init__(self, make: Callable[[int], Action]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, number: int) -> Action:
        if len(self) >= CACHE_LIMIT:
            self.clear()
        self[number] = action = self._make(number)
        return action


class EntryTemplates:
    """Templates for entries of flow statistics, by their length."""

    def __init__(self) -> None:
        self._templates = Templates()
        self._known = self._templates.known
        self._shared: dict[object, Shared] = {}

    def read(self, buffer: bytes, start: int, length: int) -> Flow | None:
        """The flow of the entry of `length` octets at `start`, inside `buffer`; None where no template fits."""
        known = self._known.get(length)
        if known is None:
            return None
        for index, template in enumerate(known):
            flow: Flow | None = template(buffer, start)
            if flow is not None:
                if index:
                    known.insert(0, known.pop(index))
                return flow
        return None

    def learn(self, entry: bytes, flow: Flow) -> None:
        """Make a template of an entry that the general reader has read as `flow`."""
        drawing = _Drawing(entry, flow, self._share)
        layout, arguments, names = drawing.finish()
        shape = layout.format, tuple(value for value in names.values() if isinstance(value, bytes))
        if self._templates.wants(len(entry), shape):
            self._templates.add(len(entry), drawing.compile(layout, arguments, names))

    def _share(self, key: object, make: Callable[[int], Action]) -> Shared:
        return self._shared.setdefault(key, Shared(make))


class _Drawing:
    """One entry on its way to a template."""

    def __init__(
        self, entry: bytes, flow: Flow, share: Callable[[object, Callable[[int], Action]], Shared]
    ) -> None:
        self.entry, self.flow, self.share = entry, flow, share
        self.sketch = Sketch()
        self.names: dict[str, Any] = {}
        self.checks: list[str] = []
        self.found = {"actions": "()", "meter": "None", "metadata": "None", "goto": "None"}

    def finish(self) -> tuple[Struct, list[str], dict[str, Any]]:
        """The layout of the entry, what it unpacks to, and the constants among that."""
        for code, name in (("2x", ""), ("B", "table"), ("9x", ""), ("H", "priority")):
            self.sketch.number(code, name)
        self.sketch.octets(bytes(4))  # no timeouts
        for code, name in (("6x", ""), ("Q", "cookie"), ("16x", "")):
            self.sketch.number(code, name)
        self._instructions(self._match())
        constants: dict[str, Any] = {}
        layout, arguments = self.sketch.done(constants)
        return layout, arguments, constants

    def compile(self, layout: Struct, arguments: list[str], constants: dict[str, Any]) -> Reader:
        """The generated reader: unpack, compare, then write the slots of a new match and a new flow."""
        names = {**self.names, **constants, "unpack": layout.unpack_from, "new": object.__new__}
        names |= {"Flow": Flow, "Match": Match, "set_fields": _writer(Match, "fields")}
        targets = [f"_{name}" if name in constants else name for name in arguments]
        checks = [*(f"_{name} != {name}" for name in constants), *self.checks]
        lines = [
            "def f(buffer, start):",
            f"{', '.join(targets)}, = unpack(buffer, start)",
            f"if {' or '.join(checks)}: return None",
            "match = new(Match)",
            f"set_fields(match, {self.found['fields']})",
            "flow = new(Flow)",
        ]
        values = {"table": "table", "priority": "priority", "match": "match", "cookie": "cookie", **self.found}
        for name in Flow.__slots__:
            names[f"set_{name}"] = _writer(Flow, name)
            lines.append(f"set_{name}(flow, {values[name]})")
        return generated("\n ".join([*lines, "return flow"]), names)

    def _value(self, octets: int, name: str) -> str:
        """Sketch a number of so many octets; the expression that puts it together."""
        codes, low = LAYOUTS[octets]
        if not low:
            self.sketch.number(codes, name)
            return name
        self.sketch.number(codes[0], f"{name}h")
        self.sketch.number(codes[1], f"{name}l")
        return f"({name}h << {low} | {name}l)"

    def _octets(self, position: int, following: int) -> None:
        self.sketch.octets(self.entry[position:following])

    # ── the match ────────────────────────────────────────────────────────────────────────────────

    def _match(self) -> int:
        """Sketch the match, padding included; where it ends."""
        stop = FIXED + int.from_bytes(self.entry[FIXED + 2 : FIXED + 4], "big")
        self._octets(FIXED, FIXED + 4)
        position = FIXED + 4
        found: dict[str, str] = {}
        while position < stop:
            tlv = TLVS[int.from_bytes(self.entry[position : position + 4], "big")]
            self._octets(position, position + 4)
            name = f"f{len(found)}"
            following = position + 4 + tlv.octets * (1 + tlv.masked)
            if tlv.name in TELLING:
                self._octets(position + 4, following)
                given = self.flow.match.get(tlv.name)
                self.names[name] = (tlv.name, *given) if given else None
                found[tlv.name] = name if given else ""
            else:
                found[tlv.name] = self._field(tlv, name)
            position = following
        self.sketch.number(f"{-stop % 8}x", "")
        ordered = [found[name] for name in sorted(found, key=RANK.__getitem__) if found[name]]
        self.found["fields"] = f"({''.join(f'{field}, ' for field in ordered)})"
        return stop + -stop % 8

    def _field(self, tlv: Tlv, name: str) -> str:
        """Sketch the value of a match field and its mask; the expression of its entry in the match."""
        spare = 8 * tlv.octets > tlv.full.bit_length()
        value = self._value(tlv.octets, f"{name}v")
        if not tlv.masked:
            if spare:
                self.checks.append(f"{value} > {tlv.full}")
            return f"({tlv.name!r}, {value}, {tlv.full})"
        mask = self._value(tlv.octets, f"{name}m")
        if spare:
            mask = f"({mask} & {tlv.full})"
        self.checks.append(f"not {mask}")
        return f"({tlv.name!r}, {value} & {mask}, {mask})"

    # ── the instructions ─────────────────────────────────────────────────────────────────────────

    def _instructions(self, position: int) -> None:
        while position < len(self.entry):
            kind, length = _HEAD.unpack_from(self.entry, position)
            if kind == GOTO:
                self._octets(position, position + 5)
                self.sketch.number("3x", "")
                self.found["goto"] = str(self.flow.goto)
            elif kind == METER:
                self._octets(position, position + 4)
                self.sketch.number("I", "meter")
                self.found["meter"] = "meter"
            elif kind == WRITE_METADATA:
                self._octets(position, position + 4)
                for code, name in (("4x", ""), ("Q", "metadata"), ("Q", "metamask")):
                    self.sketch.number(code, name)
                self.found["metadata"] = "(metadata, metamask)"
            else:  # apply actions: the general reader takes no other
                self._octets(position, position + 4)
                self.sketch.number("4x", "")
                self._actions(position + 8)
            position += length

    def _actions(self, position: int) -> None:
        """Sketch a list of actions: a constant when none of them has a number."""
        parts: list[str] = []
        for action in self.flow.actions:
            _, length = _HEAD.unpack_from(self.entry, position)
            parts.append(self._action(action, position, length, len(parts)))
            position += length
        if any("[" in part for part in parts):
            self.found["actions"] = f"({', '.join(parts)},)"
        else:
            self.names["actions"], self.found["actions"] = self.flow.actions, "actions"

    def _action(self, action: Action, position: int, length: int, index: int) -> str:
        name, kept = f"a{index}", f"kept{index}"
        if isinstance(action, SetField):
            tlv = TLVS[int.from_bytes(self.entry[position + 4 : position + 8], "big")]
            self._octets(position, position + 8)
            value = self._value(tlv.octets, name)
            self.sketch.number(f"{length - 8 - tlv.octets}x", "")
            if 8 * tlv.octets > tlv.full.bit_length():
                self.checks.append(f"{value} > {tlv.full}")
            self.names[kept] = self.share(tlv.name, partial(SetField, tlv.name))
            return f"{kept}[{value}]"
        if isinstance(action, ToGroup | SetQueue) or (
            isinstance(action, Output) and action.port != PORT_CONTROLLER
        ):
            self._octets(position, position + 4)
            self.sketch.number("I", name)
            self.sketch.number(f"{length - 8}x", "")
            if isinstance(action, Output):  # what goes to the controller says how much of it
                self.checks.append(f"{name} == {PORT_CONTROLLER}")
            self.names[kept] = self.share(type(action), type(action))
            return f"{kept}[{name}]"
        self._octets(position, position + length)
        self.names[kept] = action
        return kept
