"""The commands of the simulated switch that are not configuration: what eAPI's ``runCmds`` runs in turn."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sdnctl_napalm.simulator.configuration import Editor, Refused, Tree, text_of
from sdnctl_napalm.simulator.device import ConnectionBreaks, Fault, Session, SimulatedEos

VERSION = "4.30.1F"
Answer: TypeAlias = dict[str, Any]


class CommandFailed(Exception):
    """A command was refused: `done` are the answers of those before it, `place` is like ``3 of 7``."""

    def __init__(self, code: int, command: str, place: str, why: str, done: list[Answer]) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.done = done
        kind = "could not run command" if code == 1000 else "invalid command"
        self.message = f"CLI command {place} '{command}' failed: {kind}"


class CommandLine:
    """One eAPI request: privileges and the configuration session last as long as it."""

    def __init__(self, device: SimulatedEos, enable: str = "") -> None:
        self._device = device
        self._enable = enable
        self._privileged = False
        self._session: Session | None = None
        self._editor: Editor | None = None

    def run(self, commands: Sequence[str | Answer], as_text: bool) -> list[Answer]:
        """All answers; raises `CommandFailed` at the first command that is refused."""
        answers: list[Answer] = []
        for position, item in enumerate(commands, 1):
            command = item["cmd"] if isinstance(item, dict) else item
            given = item.get("input", "") if isinstance(item, dict) else ""
            try:
                answers.append(self._with_faults(command, given, as_text))
            except Refused as error:
                code = 1002 if str(error).startswith("Invalid input") else 1000
                place = f"{position} of {len(commands)}"
                raise CommandFailed(code, command, place, str(error), answers) from None
        return answers

    def _with_faults(self, command: str, given: str, as_text: bool) -> Answer:
        device = self._device
        planted = next((one for one in device.planted if command.startswith(one.words)), None)
        device.history.append(command)
        device.tick()
        if planted is None:
            return self._one(command, given, as_text)
        device.planted.remove(planted)
        planted.action()
        if planted.fault is None:
            return self._one(command, given, as_text)
        if planted.fault is Fault.REFUSE:
            raise Refused("Internal error: the simulator was told to refuse this")
        if planted.fault is Fault.REBOOT:
            device.reboot()
            raise ConnectionBreaks
        if planted.fault is Fault.IGNORE:
            return {}
        self._one(command, given, as_text)
        raise ConnectionBreaks(
            planted.garbage if planted.fault is Fault.GARBAGE else b"", hang=planted.fault is Fault.HANG
        )

    def _one(self, command: str, given: str, as_text: bool) -> Answer:
        if command == "enable":
            if self._enable and given != self._enable:
                raise Refused("Bad secret")
            self._privileged = True
            return {}
        if not self._privileged:
            raise Refused("Invalid input (privileged mode required)")
        if self._session is not None:
            self._configure(self._session, command)
            return {}
        for pattern, work in COMMANDS:
            if (found := re.fullmatch(pattern, command)) is not None:
                answer = work(self._device, *found.groups())
                return {"output": answer} if isinstance(answer, str) else answer if not as_text else {"output": ""}
        if (found := re.fullmatch(r"configure session (\S+)", command)) is not None:
            self._session = self._device.enter(found[1])
            return {}
        raise Refused(f"Invalid input: {command}")

    def _configure(self, session: Session, command: str) -> None:
        if command == "end":
            self._session = self._editor = None
        elif command == "rollback clean-config":
            self._editor = self._device.editor(session, clean=True)
        else:
            self._editor = self._editor or self._device.editor(session)
            self._editor.apply(command)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────


def _header(device: SimulatedEos, what: str, tree: Tree) -> str:
    return f"! Command: {what}\n! device: {device.hostname} (simulated, EOS-{VERSION})\n!\n{text_of(tree)}"


def _version(device: SimulatedEos) -> Answer:
    return {
        "modelName": "simulated",
        "serialNumber": "SIM0001",
        "version": VERSION,
        "internalVersion": f"{VERSION}-simulated",
        "uptime": device.uptime,
        "bootupTimestamp": time.time() - device.uptime,
    }


def _sessions(device: SimulatedEos) -> Answer:
    return {
        "maxOpenSessions": 5,
        "sessions": {
            name: {
                "state": one.state,
                "commitUser": "",
                "instances": {},
                **({"commitBy": one.commit_by} if one.state == "pendingCommitTimer" else {}),
            }
            for name, one in device.sessions.items()
        },
    }


def _interfaces(device: SimulatedEos) -> Answer:
    found = {}
    for number, port in enumerate(device.ports, 1):
        lines = device.running.get(f"interface {port}", {})
        up = port not in device.down and "shutdown" not in lines
        description = next((line[12:] for line in lines if line.startswith("description ")), "")
        found[port] = {
            "name": port,
            "hardware": "ethernet",
            "lineProtocolStatus": "up" if up else "down",
            "interfaceStatus": "connected" if up else "disabled" if "shutdown" in lines else "notconnect",
            "description": description,
            "physicalAddress": f"02:00:00:00:00:{number:02x}",
            "mtu": 9214,
            "bandwidth": 1_000_000_000,
            "lastStatusChangeTimestamp": 1_700_000_000.0,
            "interfaceCounters": {
                "inOctets": 1000 * number,
                "outOctets": 2000 * number,
                "inUcastPkts": 10 * number,
                "outUcastPkts": 20 * number,
                "inMulticastPkts": 1,
                "outMulticastPkts": 2,
                "inBroadcastPkts": 3,
                "outBroadcastPkts": 4,
                "inDiscards": 0,
                "outDiscards": 0,
                "totalInErrors": 0,
                "totalOutErrors": 0,
            },
        }
    return {"interfaces": found}


def _lldp(device: SimulatedEos) -> Answer:
    return {
        "lldpNeighbors": {
            port: {
                "lldpNeighborInfo": [
                    {
                        "systemName": name,
                        "systemDescription": "",
                        "chassisId": "0200.0000.00aa",
                        "chassisIdType": "macAddress",
                        "neighborInterfaceInfo": {"interfaceId": f'"{remote}"', "interfaceDescription": ""},
                        "systemCapabilities": {"bridge": True},
                    }
                ]
            }
            for port, (name, remote) in device.neighbours.items()
        }
    }


def _optics(device: SimulatedEos) -> Answer:
    found: Answer = {port: {} for port in device.ports}
    for port, (received, sent) in device.optics.items():
        found[port] = {"rxPower": received, "txPower": sent, "txBias": 6.1, "mediaType": "1000BASE-LX"}
    return {"interfaces": found}


def _commit(device: SimulatedEos, name: str, hours: str, minutes: str, seconds: str) -> Answer:
    timer = int(hours) * 3600 + int(minutes) * 60 + int(seconds) if hours is not None else None
    device.commit(name, timer)
    return {}


def _abort(device: SimulatedEos, name: str) -> Answer:
    device.abort(name)
    return {}


def _copy(device: SimulatedEos, file: str) -> Answer:
    device.flash[file] = copy.deepcopy(device.startup)
    return {}


def _write(device: SimulatedEos) -> Answer:
    device.startup = copy.deepcopy(device.running)
    return {}


def _replace(device: SimulatedEos, file: str) -> Answer:
    if file not in device.flash:
        raise Refused(f"File not found: flash:{file}")
    device.running = copy.deepcopy(device.flash[file])
    return {}


COMMANDS: tuple[tuple[str, Callable[..., Answer | str]], ...] = (
    (r"show version", _version),
    (r"show hostname", lambda device: {"hostname": device.hostname, "fqdn": f"{device.hostname}.example.net"}),
    (r"show running-config", lambda device: _header(device, "show running-config", device.running)),
    (r"show startup-config", lambda device: _header(device, "show startup-config", device.startup)),
    (r"show configuration sessions(?: detail)?", _sessions),
    (r"show session-config named (\S+)", lambda device, name: device.session_text(name)),
    (r"show session-config named (\S+) diffs", lambda device, name: device.differences(name)),
    (r"show interfaces", _interfaces),
    (r"show interfaces transceiver", _optics),
    (r"show lldp neighbors\s+detail", _lldp),
    (r"configure session (\S+) commit(?: timer (\d\d):(\d\d):(\d\d))?", _commit),
    (r"configure session (\S+) abort", _abort),
    (r"copy startup-config flash:(\S+)", _copy),
    (r"write memory", _write),
    (r"configure replace flash:(\S+)", _replace),
)
