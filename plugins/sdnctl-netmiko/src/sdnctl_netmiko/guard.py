"""How an unconfirmed change goes away when nobody confirms it: by the device itself, or by the next session.

`CommandGuard` speaks to devices that can: they arm a timer before a change, and go back to what they saved when it
runs out. `JournalGuard` is for the others: before anything else it writes into the running configuration what has
to be undone, and until when; the startup configuration never has it. A session that finds an entry whose time is
over undoes it; a reboot does so too.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sdnctl.dataplane.attachment import Attachment, AttachmentKey, dump_attachment, load_attachment
from sdnctl.southbound import device_faults
from sdnctl_netmiko.changes import Held, Step
from sdnctl_netmiko.platform import GuardCommands, Platform
from sdnctl_netmiko.session import Refusal, Session


class Guard(Protocol):
    """What `CliDevice` asks of either. All raise DeviceError that names the step."""

    restores: bool
    """Whether `revert` itself brings the last confirmed state back."""

    def check(self, steps: Sequence[Step]) -> None:
        """Let the device look at the lines without effect, where it can."""

    def arm(self, before: Held, keys: Iterable[AttachmentKey]) -> None:
        """Make sure that what is changed next goes away unless it is confirmed. Again: for more keys."""

    def confirm(self) -> None: ...

    def revert(self) -> None: ...

    def forget(self) -> None:
        """Nothing waits to be confirmed any more: the device has seen to it itself."""

    def left_behind(self, entries: Sequence[str]) -> Mapping[AttachmentKey, Attachment | None] | None:
        """What an earlier session noted and never confirmed, if its time is over: key → what was there."""


class CommandGuard:
    """The device saves its configuration, changes, and goes back by itself after a time."""

    restores = True

    def __init__(self, session: Session, commands: GuardCommands, patience: float) -> None:
        self._session = session
        self._commands = commands
        self._armed = False
        self._words = {"seconds": math.ceil(patience), "minutes": math.ceil(patience / 60)}

    def check(self, steps: Sequence[Step]) -> None:
        if self._commands.check is None or not steps:
            return
        owners = [step.attachment for step in steps for _ in step.lines]
        text = "".join(f"{line}\n" for step in steps for line in step.lines)
        status, said = self._session.execute(self._commands.check, "validate", text)
        if status != 0:
            named = re.search(r"line (\d+)", said)
            number = int(named[1]) if named else 0
            owner = owners[number - 1] if 0 < number <= len(owners) else None
            raise device_faults.refused(self._session.device, "validate", said.strip(), owner)

    def arm(self, before: Held, keys: Iterable[AttachmentKey]) -> None:
        if not self._armed:
            self._say(self._commands.arm, "lock")
            self._armed = True

    def confirm(self) -> None:
        self._say(self._commands.confirm, "confirm")
        self._armed = False

    def revert(self) -> None:
        self._say(self._commands.revert, "revert")
        self._armed = False

    def forget(self) -> None:
        self._armed = False

    def left_behind(self, entries: Sequence[str]) -> None:
        return None

    def _say(self, commands: Sequence[str], step: str) -> None:
        for command in commands:
            command = command.format(**self._words)
            if self._commands.via == "exec":
                status, said = self._session.execute(command, step)
                if status != 0:
                    raise device_faults.refused(self._session.device, step, said.strip() or f"status {status}")
                continue
            try:
                self._session.ask(command, step)
            except Refusal as refusal:
                raise device_faults.refused(self._session.device, step, refusal.said.strip()) from None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: `before` stood under `key` until then; `until`: seconds since 1970, UTC."""

    key: AttachmentKey
    before: Attachment | None
    until: int

    def dump(self) -> str:
        before = dump_attachment(self.before) if self.before is not None else None
        return json.dumps([self.until, *self.key, before], separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> Entry | None:
        """Read what `dump` made, None for anything else: somebody may have typed there."""
        try:
            until, port, vlan, before = json.loads(text)
            attachment = load_attachment(before) if before is not None else None
            key = (port, vlan)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        typed = type(until) is int and isinstance(port, str) and (vlan is None or type(vlan) is int)
        if not typed or (attachment is not None and attachment.key != key):
            return None
        return cls(key, attachment, until)


class JournalGuard:
    """What has to be undone stands in the device's own running configuration."""

    restores = False

    def __init__(self, session: Session, platform: Platform, patience: float) -> None:
        self._session = session
        self._platform = platform
        self._patience = patience
        self._entries: dict[AttachmentKey, Entry] = {}
        self._busy = False  # somebody else's entries are there, and their time is not over

    def check(self, steps: Sequence[Step]) -> None:
        """Such devices cannot look at lines without taking them."""

    def arm(self, before: Held, keys: Iterable[AttachmentKey]) -> None:
        if self._busy:
            detail = "another session's change waits to be confirmed"
            raise device_faults.refused(self._session.device, "lock", detail)
        until = math.ceil(time.time() + self._patience)
        for key in keys:
            self._entries.setdefault(key, Entry(key, before.get(key), until))
        self._write([entry.dump() for entry in self._entries.values()], "lock")

    def confirm(self) -> None:
        self._write([], "confirm")
        self._entries.clear()

    def revert(self) -> None:
        self._write([], "revert")
        self._entries.clear()

    def forget(self) -> None:
        self._entries.clear()

    def left_behind(self, entries: Sequence[str]) -> Mapping[AttachmentKey, Attachment | None] | None:
        found = [entry for text in entries if (entry := Entry.load(text)) is not None]
        waiting = any(entry.until > time.time() for entry in found)
        self._busy = waiting and not self._entries
        if not entries or self._entries or waiting:
            return None
        return {entry.key: entry.before for entry in found}

    def _write(self, entries: Sequence[str], step: str) -> None:
        lines = self._platform.lines("journal.j2", entries=entries)
        with self._session.configuring(step):
            for line in lines:
                try:
                    self._session.ask(line, step)
                except Refusal as refusal:
                    raise device_faults.refused(self._session.device, step, refusal.said.strip()) from None
