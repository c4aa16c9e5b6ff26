"""A driver to start from: gear with a line protocol and a configuration of one line per port. About 100 lines.

It passes the contract (`tests/contract/test_driver_template.py`), so it is right where it is short. What to
replace for gear of your own: how to log in (`_Session`), and how an attachment looks in its configuration
(`render`, `parse`).
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import ClassVar

from sdnctl.dataplane.attachment import Attachment, AttachmentKey, keyed, owner_of
from sdnctl.dataplane.values import RuleSet
from sdnctl.plan.model import AttachmentChange, DeviceChange, Observed, Op
from sdnctl.southbound import device_faults, references
from sdnctl.southbound.base import Capabilities, Counters, Payload, PortState, Target
from sdnctl.southbound.blocking import BlockingDriver

WINDOW = 60
"""Seconds after which the device takes back by itself what was not confirmed."""


def render(one: Attachment) -> str:
    """An attachment as the device writes it."""
    optional = {"vlan": one.vlan, "rate": one.rate, "burst": one.burst, "priority": one.priority}
    said = "".join(f" {name} {value}" for name, value in optional.items() if value is not None)
    return f"port {one.port}{said} uplink {one.uplink} tag {one.tag} description {one.description}"


def parse(line: str) -> Attachment | None:
    """An attachment of ours; None for a line of somebody else."""
    head, _, description = line.partition(" description ")
    endpoint = owner_of(description)
    if endpoint is None:
        return None
    words = head.split()
    said = dict(zip(words[::2], words[1::2], strict=True))
    numbers = {name: int(said[name]) for name in ("vlan", "rate", "burst", "priority") if name in said}
    return Attachment(said["port"], said["uplink"], int(said["tag"]), endpoint, **numbers)


class _Session:
    """One connection: a command and lines out, lines up to a lone point back. A lost one raises OSError."""

    def __init__(self, target: Target) -> None:
        password = references.optional(target, "password")
        host, _, port = target.address.removeprefix("box://").rpartition(":")
        self._socket = socket.create_connection((host, int(port)), float(target.options.get("timeout", "10")))
        self._lines = self._socket.makefile("rw", encoding="utf-8", newline="\n")
        try:
            clear = password.get_secret_value() if password is not None else ""
            if self.ask(f"login {target.options.get('username', '')} {clear}") != ["ok"]:
                raise device_faults.bad_credentials(target.device)
        except BaseException:
            self.close()
            raise

    def ask(self, command: str, lines: Sequence[str] = ()) -> list[str]:
        self._lines.write("".join(f"{line}\n" for line in (command, *lines, ".")))
        self._lines.flush()
        answer = []
        while (line := self._lines.readline()) != ".\n":
            if not line:
                raise ConnectionResetError("the device ended the connection")
            answer.append(line.rstrip("\n"))
        return answer

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class Box:
    """One open device; every method blocks, and `BlockingDriver` calls one at a time."""

    def __init__(self, target: Target) -> None:
        self._device = target.device
        self._session = _Session(target)

    def capabilities(self) -> Capabilities:
        return Capabilities(policers=True, marking=True, translation=True, description="box with a line protocol")

    def observe(self) -> Observed:
        ours, others = self._read()
        return Observed(RuleSet(), foreign=len(others), attachments=ours)

    def prepare(self, changes: Sequence[DeviceChange]) -> None:
        self._send("check", "validate", changes)

    def commit(self, changes: Sequence[DeviceChange]) -> None:
        wanted = self._send(f"commit {WINDOW}", "commit", changes)
        held, _ = self._read()
        if held != wanted:
            wrong = [str(one) for key, one in wanted.items() if held.get(key) != one]
            raise device_faults.not_held(self._device, wrong)

    def confirm(self) -> None:
        self._session.ask("confirm")

    def revert(self) -> None:
        self._session.ask("revert")

    def counters(self) -> Counters:
        names = [line.split() for line in self._session.ask("ports")]
        return Counters(
            {number: PortState(number, name, state == "up") for number, (name, state) in enumerate(names)}
        )

    def close(self) -> None:
        self._session.close()

    def _read(self) -> tuple[dict[AttachmentKey, Attachment], list[str]]:
        """Our attachments in the running configuration, and the lines of others."""
        lines = self._session.ask("show")
        try:
            found = {line: parse(line) for line in lines}
        except (KeyError, ValueError) as error:
            raise device_faults.garbage(self._device, "read back", str(error)) from error
        return keyed(one for one in found.values() if one), [line for line, one in found.items() if one is None]

    def _send(self, command: str, step: str, changes: Sequence[DeviceChange]) -> dict[AttachmentKey, Attachment]:
        """Send the whole configuration that the changes lead to; returns our part of it."""
        ours, others = self._read()
        busy = {line.split()[1]: line for line in others}
        for change in changes:
            assert isinstance(change, AttachmentChange)
            ours.pop(change.attachment.key, None)
            if change.op is not Op.DELETE:
                if (line := busy.get(change.attachment.port)) is not None:
                    raise device_faults.port_in_use(self._device, change.attachment, line)
                ours[change.attachment.key] = change.attachment
        answer = self._session.ask(command, [*others, *map(render, ours.values())])
        if answer != ["ok"]:
            raise device_faults.refused(self._device, step, " ".join(answer))
        return ours


class BoxDriver(BlockingDriver[Box]):
    """Address ``box://HOST:PORT``; options `username`, `password` (a reference), `timeout` (s)."""

    name: ClassVar[str] = "box"
    payload: ClassVar[Payload] = "attachments"

    @classmethod
    def connect(cls, target: Target) -> Box:
        return Box(target)
