"""Simulated devices on disk: one JSON file per device, in a directory that several processes share.

A device has a running and a confirmed configuration. What is not confirmed in `window` seconds it takes back by
itself, as a device with confirmed commits does (RFC 6241 §8.4): whoever looks after that finds it gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from sdnctl.dataplane.attachment import Attachment, AttachmentKey, dump_attachment, load_attachment
from sdnctl.errors import Diagnostic, ProtocolError, brief
from sdnctl.plainjson import parse_json

FORMAT = 1
_STATE = ".device.json"
_NEVER = 1e11
"""Seconds: times and durations are below this, in the year 5138."""
ABILITIES = ("policing", "marking", "vlans")


@dataclass(slots=True)
class SimulatedDevice:
    """One device: names of its ports, what runs, what was confirmed, and how it behaves.

    `confirmed` is None where everything that runs was confirmed; otherwise what to go back to at `until` (Unix
    time). `foreign`: port → configuration of somebody else. `any_port`: ports are made when they are used.
    `delay`: seconds that every step takes. `faults`: step → ``hang`` (no answer for `hangs` seconds) or the text
    with which it refuses.
    """

    ports: list[str]
    running: dict[AttachmentKey, Attachment] = field(default_factory=dict)
    confirmed: dict[AttachmentKey, Attachment] | None = None
    until: float = 0.0
    foreign: dict[str, str] = field(default_factory=dict)
    can: list[str] = field(default_factory=lambda: list(ABILITIES))
    any_port: bool = False
    reachable: bool = True
    delay: float = 0.0
    window: float = 60.0
    hangs: float = 60.0
    faults: dict[str, str] = field(default_factory=dict)


class Simulator:
    """A directory of simulated devices."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def create(self, name: str, ports: Sequence[str], **behaviour: Any) -> None:
        """Make an empty device (or empty one that is there); `behaviour` as the fields of `SimulatedDevice`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._locked(name):
            self._write(name, SimulatedDevice(list(ports), **behaviour))

    def names(self) -> tuple[str, ...]:
        """Names of all devices in the directory."""
        found = (path.name.removesuffix(_STATE) for path in self.directory.glob(f"[!.]*{_STATE}"))
        return tuple(sorted(map(unquote, found)))

    def read(self, name: str) -> SimulatedDevice | None:
        """The device as it is now, None where there is none."""
        if not self._path(name).exists():
            return None
        device = self._load(name)  # files are replaced as a whole
        if device.confirmed is not None and time.time() >= device.until:
            with self.changing(name) as device:
                return device
        return device

    @contextmanager
    def changing(self, name: str) -> Iterator[SimulatedDevice]:
        """Read one device, change it, and write it back unless an error leaves the block."""
        with self._locked(name):
            device = self._load(name)
            before = _dump(device)
            if device.confirmed is not None and time.time() >= device.until:
                device.running, device.confirmed = device.confirmed, None
            yield device
            if _dump(device) != before:
                self._write(name, device)

    def run(self, name: str, running: Mapping[AttachmentKey, Attachment]) -> None:
        """Let a configuration take effect, to be confirmed."""
        with self.changing(name) as device:
            if device.confirmed is None:
                device.confirmed = device.running
            device.until = time.time() + device.window
            device.running = dict(running)

    def confirm(self, name: str) -> None:
        with self.changing(name) as device:
            device.confirmed = None

    def revert(self, name: str) -> None:
        with self.changing(name) as device:
            if device.confirmed is not None:
                device.running, device.confirmed = device.confirmed, None

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def _path(self, name: str, suffix: str = _STATE) -> Path:
        return self.directory / (quote(name, safe="").replace(".", "%2E") + suffix)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        descriptor = os.open(self._path(name, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _load(self, name: str) -> SimulatedDevice:
        path = self._path(name)
        try:
            data = parse_json(path.read_bytes())
            if data.pop("format") != FORMAT:
                raise ValueError("another format")
            data["running"] = _keyed(data["running"])
            data["confirmed"] = None if data["confirmed"] is None else _keyed(data["confirmed"])
            return _checked(SimulatedDevice(**data))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ProtocolError(
                Diagnostic(
                    "device-garbage",
                    f"{path} is not a simulated device",
                    f"device {name}, read",
                    detail=brief(error),
                    hint="somebody edited the file: remove it and make the device again",
                )
            ) from error

    def _write(self, name: str, device: SimulatedDevice) -> None:
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(_dump(device), encoding="utf-8")
        temporary.replace(path)


def _checked(device: SimulatedDevice) -> SimulatedDevice:
    """The device, if what was read fits its fields; raises ValueError."""
    texts = (("ports", device.ports), ("can", device.can))
    tables = (("foreign", device.foreign), ("faults", device.faults))
    wrong = [name for name, value in texts if not isinstance(value, list) or not _all_text(value)]
    wrong += [name for name, value in tables if not isinstance(value, dict) or not _all_text(value.values())]
    wrong += [name for name in ("any_port", "reachable") if not isinstance(getattr(device, name), bool)]
    for name in ("until", "delay", "window", "hangs"):
        value = getattr(device, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _NEVER:
            wrong.append(name)
    if wrong:
        raise ValueError(f"{wrong[0]} is {getattr(device, wrong[0])!r}")
    return device


def _all_text(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _dump(device: SimulatedDevice) -> str:
    data: dict[str, Any] = {name: getattr(device, name) for name in SimulatedDevice.__slots__}
    for name in ("running", "confirmed"):
        held = data[name]
        data[name] = None if held is None else [dump_attachment(held[key]) for key in sorted(held, key=str)]
    return json.dumps({"format": FORMAT, **data}, indent=1)


def _keyed(rows: Sequence[Mapping[str, Any]]) -> dict[AttachmentKey, Attachment]:
    held = [load_attachment(row) for row in rows]
    return {attachment.key: attachment for attachment in held}
