"""One device with a command line: read, check, change, read back, confirm or undo (blocking; run in threads)."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdnctl.dataplane.attachment import AttachmentKey
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic, Severity
from sdnctl.plan.model import DeviceChange, Observed
from sdnctl.southbound import device_faults
from sdnctl.southbound.base import Capabilities, Counters, Target
from sdnctl_netmiko.changes import Held, Step, check, differences, folded, steps
from sdnctl_netmiko.guard import CommandGuard, Guard, JournalGuard
from sdnctl_netmiko.parsing import Running, Unreadable, read_ports, read_running
from sdnctl_netmiko.platform import Platform, load_platform
from sdnctl_netmiko.session import Refusal, Session, seconds

logger = logging.getLogger(__name__)

CONFIRM_TIMEOUT = 300.0
"""Seconds after which a change goes away that nobody confirmed."""


class CliDevice:
    """An open device.

    Options: `platform`, `uplink`, `username`, `password`, `key`, `passphrase`, `enable`, `host_key`, `timeout` and
    `confirm_timeout` (seconds), `platforms` (a folder, as file:DIR).
    """

    def __init__(self, target: Target) -> None:
        self._device = target.device
        self._uplink = _needed(target, "uplink")
        folder = target.options.get("platforms")
        self._platform: Platform = load_platform(
            _needed(target, "platform"), Path(folder.removeprefix("file:")) if folder else None, target.device
        )
        self._settings = self._platform.settings
        patience = seconds(target, "confirm_timeout", CONFIRM_TIMEOUT)
        self._session = Session(target, self._platform)
        self._guard: Guard
        if self._settings.guard is not None:
            self._guard = CommandGuard(self._session, self._settings.guard, patience)
        else:
            self._guard = JournalGuard(self._session, self._platform, patience)
        self._confirmed: Held | None = None  # what was there before the first commit that is not confirmed

    # ── Driver ───────────────────────────────────────────────────────────────────────────────────

    def capabilities(self) -> Capabilities:
        self._session.renew()
        show, can = self._settings.show, self._settings.can
        found = re.search(show.version_pattern, self._session.run(show.version, "connect"), re.MULTILINE)
        said = f": {found[1].strip()}" if found else ""
        return Capabilities(
            policers="policing" in can,
            marking="marking" in can,
            translation="vlans" in can,
            description=f"{self._settings.description}{said}",
        )

    def observe(self) -> Observed:
        running = self._read("observe")
        foreign = len(running.foreign_ports - {self._uplink})
        return Observed(RuleSet(), foreign=foreign, attachments=dict(running.attachments))

    def prepare(self, changes: Sequence[DeviceChange]) -> None:
        """Check without effect; raises DeviceRefused with everything that was found."""
        running = self._read("validate")
        self._guard.check(self._planned(running, folded(self._device, running.attachments, changes)))

    def commit(self, changes: Sequence[DeviceChange]) -> None:
        running = self._read("commit")
        before = running.attachments
        after = folded(self._device, before, changes)
        planned = self._planned(running, after)
        if not planned:
            return
        self._guard.check(planned)
        first = self._confirmed is None
        if first:
            self._confirmed = dict(before)
        try:
            self._guard.arm(before, _differing(before, after))
        except BaseException:
            if first:  # nothing was typed, and what waits to be confirmed there is somebody else's
                self._guard.forget()
                self._confirmed = None
            raise
        try:
            self._type(planned, "commit")
            self._read_back(after)
        except BaseException as error:
            self._give_up(error, before, first)
            raise

    def confirm(self) -> None:
        """Keep what was committed, also after a restart; without anything to confirm nothing is done."""
        if self._confirmed is None:
            return
        if not self._guard.restores and not self._show("confirm").undo:
            raise device_faults.refused(self._device, "confirm", "the time for that was over, it was taken back")
        self._session.renew()
        self._guard.confirm()
        self._confirmed = None
        answer = ""
        for command in self._settings.save:
            try:
                answer = self._session.ask(command, "confirm")
            except Refusal as refusal:
                raise device_faults.refused(self._device, "confirm", refusal.said.strip()) from None
        if not re.search(self._settings.saved, answer, re.MULTILINE):
            raise device_faults.refused(
                self._device, "confirm", f"it does not say that it saved: {_last_line(answer)!r}"
            )

    def revert(self) -> None:
        if self._confirmed is not None:
            self._session.renew()
            self._go_back(self._confirmed, "revert")
            self._confirmed = None

    def counters(self) -> Counters:
        self._session.renew()
        text = self._session.run(self._settings.show.ports, "observe")
        with self._reading("observe"):
            return Counters(read_ports(self._platform.parser("ports.textfsm", uplink=self._uplink), text))

    def close(self) -> None:
        """Hang up; what was not confirmed is taken back now, or later (`guard`) where that does not work."""
        if self._confirmed is not None:
            with contextlib.suppress(DeviceError):
                self.revert()
        self._session.close()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def _read(self, step: str) -> Running:
        """The running configuration; what an earlier session left unconfirmed is undone first."""
        running = self._show(step)
        forgotten = self._guard.left_behind(running.undo)
        if forgotten is None:
            return running
        logger.warning(
            "%s: a change of %s was never confirmed and is taken back",
            self._device,
            ", ".join(sorted({port for port, _ in forgotten})) or "unknown ports",
        )
        wanted = {key: held for key, held in running.attachments.items() if key not in forgotten}
        wanted |= {key: held for key, held in forgotten.items() if held is not None}
        self._go_back(wanted, "take back")
        return self._show(step)

    def _show(self, step: str) -> Running:
        self._session.renew()
        text = self._session.run(self._settings.show.running, step)
        with self._reading(step):
            return read_running(
                self._platform.parser("running.textfsm", uplink=self._uplink), text, self._settings.complete
            )

    @contextlib.contextmanager
    def _reading(self, step: str) -> Iterator[None]:
        try:
            yield
        except Unreadable as fault:
            raise device_faults.garbage(self._device, step, str(fault)) from None

    def _read_back(self, wanted: Held, step: str = "read back") -> None:
        if wrong := differences(self._show(step).attachments, wanted):
            raise device_faults.not_held(self._device, wrong, step)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def _planned(self, running: Running, after: Held) -> list[Step]:
        if after == running.attachments:
            return []
        check(self._device, self._platform, running, after)
        return steps(self._platform, running, after)

    def _type(self, planned: Sequence[Step], step: str) -> None:
        """Type all lines; raises DeviceRefused for the attachment whose line the device does not take."""
        with self._session.configuring(step):
            for one in planned:
                for line in one.lines:
                    try:
                        self._session.ask(line, step)
                    except Refusal as refusal:
                        detail = f"{refusal.command}: {refusal.said.strip()}"
                        raise device_faults.refused(self._device, step, detail, one.attachment) from None

    def _give_up(self, error: BaseException, before: Held, first: bool) -> None:
        """Undo a commit that failed, as far as the device can be reached; the error says how that went."""
        try:
            self._session.renew()
            self._go_back(before, "revert", whole=first)
        except DeviceError as second:
            if isinstance(error, DeviceError):
                error.diagnostics += (_left(self._device, second, self._guard.restores),)
                error.args = ("\n".join(map(str, error.diagnostics)),)
        else:
            if first:
                self._confirmed = None

    def _go_back(self, wanted: Held, step: str, whole: bool = True) -> None:
        """Make the device hold `wanted` again. `whole`: and nothing is left to be confirmed then."""
        if whole and self._guard.restores:
            try:
                self._guard.revert()
            except DeviceRefused:  # it went back already: its time was over, or it restarted
                self._guard.forget()
        else:
            running = self._show(step)
            self._type(steps(self._platform, running, wanted), step)
        self._read_back(wanted, step)
        if whole and not self._guard.restores:
            self._guard.revert()


def _differing(before: Held, after: Held) -> list[AttachmentKey]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _left(device: str, second: DeviceError, restores: bool) -> Diagnostic:
    who = "the device itself goes back" if restores else "the next session with it goes back"
    return Diagnostic(
        "not-taken-back",
        f"{device}: what was begun could not be taken back at once",
        f"device {device}, revert",
        detail="; ".join(found.summary for found in second.diagnostics),
        hint=f"{who} when the time for confirming is over",
        severity=Severity.NOTE,
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _needed(target: Target, option: str) -> str:
    value = target.options.get(option)
    if not value:
        raise DeviceError(
            Diagnostic(
                "option-missing",
                f"{target.device} has no {option}",
                f"device {target.device}, option {option}",
                hint=f"write `{option}:` at the device in inventory/equipment.yaml",
            )
        )
    return value
