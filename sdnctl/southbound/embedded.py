"""Embedded switches on disk: one JSON file per switch in a directory that several processes share.

    DIR/<device>.json             ports and rules (foreign ones too)
    DIR/<device>.counters.json    packets per port, and per flow's (table, cookie)
    DIR/<device>.unreachable      a marker: the switch does not answer
    DIR/<device>.lock             held (flock) while one process changes the switch
    DIR/wires.list                which ports are joined (JSON)

Files are replaced atomically and synced, so a reader sees the old or the new switch and never a torn one, and a
process that is killed leaves the one or the other.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sdnctl.dataplane.fabric import End, Fabric
from sdnctl.dataplane.serialise import Malformed, dump_rules, load_rules
from sdnctl.dataplane.switch import Port, PortCounters, Switch
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceUnreachable, Diagnostic, ProtocolError, brief
from sdnctl.plainjson import parse_json, whole

FORMAT = 1
_STATE, _COUNTERS, _MARKER, _LOCK = ".json", ".counters.json", ".unreachable", ".lock"
_WIRES = "wires.list"


@dataclass(slots=True)
class Embedded:
    """What one embedded switch is: its ports, all its rules, and how many tags it parses."""

    ports: dict[int, Port]
    rules: RuleSet = field(default_factory=RuleSet)
    vlan_limit: int = 1

    def switch(self) -> Switch:
        """A switch that executes these rules; changing it does not change what is on disk."""
        return Switch(self.rules, self.ports, vlan_limit=self.vlan_limit)


@dataclass(slots=True)
class Tally:
    """Counters of one switch that survive the process that counted."""

    ports: dict[int, PortCounters] = field(default_factory=dict)
    flows: Counter[tuple[int, int]] = field(default_factory=Counter)


class Switchboard:
    """A directory of embedded switches."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    # ── making and removing ──────────────────────────────────────────────────────────────────────

    def create(self, device: str, ports: Mapping[int, Port] | Iterable[int], vlan_limit: int = 1) -> None:
        """Make an empty switch (or empty one that is there)."""
        self.directory.mkdir(parents=True, exist_ok=True)
        known = dict(ports) if isinstance(ports, Mapping) else {number: Port() for number in ports}
        with self._locked(device):
            self._write(device, Embedded(known, vlan_limit=vlan_limit))
            self._path(device, _COUNTERS).unlink(missing_ok=True)

    def remove(self, device: str) -> None:
        for suffix in (_STATE, _COUNTERS, _MARKER, _LOCK):
            self._path(device, suffix).unlink(missing_ok=True)

    def wire(self, wires: Mapping[End, End]) -> None:
        """Say which ports are joined, once for the whole directory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        rows = sorted([*end, *other] for end, other in wires.items())
        _replace(self.directory / _WIRES, {"format": FORMAT, "wires": rows})

    def devices(self) -> tuple[str, ...]:
        """Names of all switches in the directory."""
        names = (path.name.removesuffix(_STATE) for path in self.directory.glob(f"*{_STATE}"))
        return tuple(sorted(unquote(name) for name in names if "." not in name))

    # ── reachability ─────────────────────────────────────────────────────────────────────────────

    def set_reachable(self, device: str, reachable: bool) -> None:
        """Let a switch stop answering its driver, or answer again; it keeps forwarding all the same."""
        marker = self._path(device, _MARKER)
        if reachable:
            marker.unlink(missing_ok=True)
        else:
            marker.touch()

    def check_reachable(self, device: str) -> None:
        """Raise DeviceUnreachable for a switch that does not exist or does not answer."""
        if self._path(device, _MARKER).exists():
            raise DeviceUnreachable(
                Diagnostic(
                    "device-unreachable",
                    "the embedded switch does not answer",
                    address=f"switch {device}",
                    detail=f"{self._path(device, _MARKER)} says so",
                    hint="bring it back with `sdnctl lab heal`, or remove the marker file",
                )
            )
        if not self._path(device, _STATE).exists():
            raise DeviceUnreachable(
                Diagnostic(
                    "device-unreachable",
                    "there is no such embedded switch",
                    address=f"switch {device}",
                    detail=f"{self._path(device, _STATE)} does not exist",
                    hint="start the lab with `sdnctl lab up`",
                )
            )

    # ── reading and changing ─────────────────────────────────────────────────────────────────────

    def read(self, device: str) -> Embedded:
        """One switch as it is on disk; raises DeviceUnreachable or ProtocolError."""
        data = self._load(device, _STATE)
        try:
            if data.get("format") != FORMAT:
                raise Malformed(f"format {data.get('format')!r} is not known to this sdnctl (it knows {FORMAT})")
            ports = {
                int(number): Port(bool(port["up"]), _mtu(port["mtu"])) for number, port in data["ports"].items()
            }
            return Embedded(ports, load_rules(data["rules"]), whole(data["vlan_limit"]))
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            raise self._broken(device, _STATE, str(fault)) from fault

    @contextmanager
    def changing(self, device: str) -> Iterator[Embedded]:
        """Read one switch, change it, and write it back unless an error leaves the block."""
        if not self.directory.is_dir():
            self.check_reachable(device)
        with self._locked(device):
            embedded = self.read(device)
            yield embedded
            self._write(device, embedded)

    def set_port(self, device: str, number: int, *, up: bool) -> None:
        """Bring one port up or down."""
        with self.changing(device) as embedded:
            embedded.ports[number] = replace(embedded.ports.get(number, Port()), up=up)

    def read_tally(self, device: str) -> Tally:
        """Counters of one switch; all zero before the first packet."""
        if not self._path(device, _COUNTERS).exists():
            return Tally()
        data = self._load(device, _COUNTERS)
        try:
            ports = {
                int(number): PortCounters(**{key: whole(value) for key, value in counts.items()})
                for number, counts in data["ports"].items()
            }
            flows = Counter(
                {(whole(table), whole(cookie)): whole(packets) for table, cookie, packets in data["flows"]}
            )
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            raise self._broken(device, _COUNTERS, str(fault)) from fault
        return Tally(ports, flows)

    def add_tally(self, device: str, more: Tally) -> None:
        """Add counts to those on disk."""
        with self._locked(device):
            tally = self.read_tally(device)
            for number, counts in more.ports.items():
                have = asdict(tally.ports.get(number, PortCounters()))
                tally.ports[number] = PortCounters(
                    **{key: have[key] + value for key, value in asdict(counts).items()}
                )
            tally.flows.update(more.flows)
            rows = [[table, cookie, packets] for (table, cookie), packets in sorted(tally.flows.items())]
            ports = {str(number): asdict(tally.ports[number]) for number in sorted(tally.ports)}
            _replace(self._path(device, _COUNTERS), {"ports": ports, "flows": rows}, sync=False)

    # ── packets ──────────────────────────────────────────────────────────────────────────────────

    def wires(self) -> dict[End, End]:
        """Which ports are joined."""
        try:
            rows = parse_json((self.directory / _WIRES).read_bytes())["wires"]
            return {(str(node), whole(port)): (str(other), whole(far)) for node, port, other, far in rows}
        except FileNotFoundError:
            return {}
        except (KeyError, TypeError, ValueError) as fault:
            raise ProtocolError(
                Diagnostic(
                    "broken-state",
                    "the wires of the embedded switches cannot be read",
                    str(self.directory / _WIRES),
                )
            ) from fault

    def fabric(self) -> Fabric:
        """All switches as they are now, joined by their wires. Later changes on disk do not reach it."""
        return Fabric({device: self.read(device).switch() for device in self.devices()}, self.wires())

    def count(self, fabric: Fabric) -> None:
        """Write the packets that a fabric of this directory has counted so far to disk, and start it at zero."""
        for device, switch in fabric.switches.items():
            book = switch.rulebook
            flows = Counter[tuple[int, int]]()
            for flow in book.rules.flows.values():
                if packets := book.flow_packets[flow.key]:
                    flows[flow.table, flow.cookie] += packets
                    book.flow_packets[flow.key] = 0
            if flows or switch.port_counters:
                self.add_tally(device, Tally(switch.port_counters, flows))
                switch.port_counters = {}

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def _path(self, device: str, suffix: str) -> Path:
        # No dot and no slash in the name, so that a suffix is a suffix and the file stays in the directory.
        return self.directory / (quote(device, safe="").replace(".", "%2E") + suffix)

    @contextmanager
    def _locked(self, device: str) -> Iterator[None]:
        descriptor = os.open(self._path(device, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _load(self, device: str, suffix: str) -> dict[str, Any]:
        try:
            data = parse_json(self._path(device, suffix).read_bytes())
        except FileNotFoundError:
            self.check_reachable(device)
            raise
        except ValueError as fault:
            raise self._broken(device, suffix, str(fault)) from fault
        if not isinstance(data, dict):
            raise self._broken(device, suffix, "not an object")
        return data

    def _broken(self, device: str, suffix: str, detail: str) -> ProtocolError:
        path = self._path(device, suffix)
        hint = "somebody edited the file: remove it and make the switch again"
        return ProtocolError(
            Diagnostic(
                "broken-state",
                f"{path} is not a switch's state",
                f"switch {device}",
                detail=brief(detail),
                hint=hint,
            )
        )

    def _write(self, device: str, embedded: Embedded) -> None:
        ports = {str(number): {"up": port.up, "mtu": port.mtu} for number, port in sorted(embedded.ports.items())}
        state = {
            "format": FORMAT,
            "device": device,
            "vlan_limit": embedded.vlan_limit,
            "ports": ports,
            "rules": dump_rules(embedded.rules),
        }
        _replace(self._path(device, _STATE), state)


def _mtu(value: Any) -> int | None:
    return None if value is None else whole(value)


def _replace(path: Path, data: object, *, sync: bool = True) -> None:
    """Write a file beside the old one, and put it in its place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json.dumps(data))  # in one piece: `json.dump` and indents are ten times slower
            file.flush()
            if sync:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if sync:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
