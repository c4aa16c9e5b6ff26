"""One device with attachments: check, commit with a timer, confirm, undo, read (blocking).

A commit is put into effect with NAPALM's `revert_in`: the device itself goes back unless `confirm` comes in time.
What stood there before the first unconfirmed commit is remembered, so that `revert` works too where the timer has
ended, or where only half of a confirmation arrived.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sdnctl.dataplane.attachment import AttachmentKey, Attachments
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic, Diagnostics
from sdnctl.plan.model import AttachmentChange, DeviceChange, Observed
from sdnctl.southbound import device_faults as faults
from sdnctl.southbound.base import Capabilities, Counters, Target
from sdnctl.southbound.facts import DeviceFacts
from sdnctl_napalm.candidate import Line, changed, lines_to, wanted_after
from sdnctl_napalm.connection import SESSION, Connection, number_option
from sdnctl_napalm.getters import read_counters, read_facts
from sdnctl_napalm.platforms.base import Held, Session

REVERT_IN = 180
"""Seconds until a device undoes what was not confirmed: longer than the slowest device of a network takes."""
_DAY = 86_399


@dataclass(slots=True)
class _Candidate:
    committed: bool = False


class NapalmDevice:
    """An open device; options of `Connection`, and `revert_in` (seconds)."""

    def __init__(self, target: Target) -> None:
        self._revert_in = number_option(target, "revert_in", REVERT_IN, 1, _DAY)
        self._connection = Connection(target)
        self._device = target.device
        self._before: Held | None = None
        """What stood there before the first unconfirmed commit; None: everything is confirmed."""
        self._asked: list[AttachmentChange] = []
        """Changes of the commits that are not confirmed."""

    # ── Driver ───────────────────────────────────────────────────────────────────────────────────

    def capabilities(self) -> Capabilities:
        facts = self._connection.get("get_facts") or {}
        words = ("NAPALM", self._connection.platform.name, facts.get("model", ""), facts.get("os_version", ""))
        description = " ".join(str(word) for word in words if word)
        return Capabilities(policers=True, marking=True, translation=True, description=description)

    def observe(self) -> Observed:
        held = self._connection.held()
        return Observed(RuleSet(), foreign=len(held.foreign), attachments=held.attachments)

    def prepare(self, changes: Sequence[DeviceChange]) -> None:
        """Load a candidate, which the device checks line by line, and give it up again."""
        self.compare(changes)

    def commit(self, changes: Sequence[DeviceChange]) -> None:
        asked = [*self._asked, *self._own(changes)]
        if not changes:
            return
        if self._before is not None:
            if not self._asked:
                raise self._unconfirmed()
            # One timer covers one commit: what the earlier one made is made again together with this.
            self._undo_pending("commit")
            self._forget()
        before = self._connection.held(step="lock")
        wanted = wanted_after(before.attachments, asked)
        lines = self._lines(before, wanted)
        if not lines:
            return
        self._before, self._asked = before, asked
        try:
            self._write(lines, wanted, self._revert_in)
        except DeviceError:
            if self._connection.session is None:  # it is given up for certain
                self._forget()
            raise
        self._check_held(wanted)

    def confirm(self) -> None:
        """Make the last commits permanent, also over a reboot; raises where the device has gone back already."""
        if self._before is None:
            return
        held = self._connection.held(step="confirm")
        ours = self._connection.session
        if ours not in {one.name for one in self._connection.sessions("confirm")}:
            raise self._too_late()
        self._connection.confirm()
        if ours in {one.name for one in self._connection.sessions("confirm")}:
            self._connection.take_up(ours)
            raise faults.not_held(self._device, ["the confirmation"], "confirm")
        startup = self._connection.held("startup", "confirm")
        if wrong := changed(held.attachments, startup.attachments):
            raise faults.not_held(self._device, (_named(key) for key in wrong), "confirm")
        self._forget()

    def revert(self) -> None:
        before = self._before
        if before is None:
            return
        self._undo_pending("revert")
        touched = {change.attachment.key for change in self._asked}
        touched |= {change.before.key for change in self._asked if change.before is not None}
        held = self._connection.held(step="revert")
        back = {key: held.attachments[key] for key in held.attachments if key not in touched}
        back |= {key: before.attachments[key] for key in before.attachments if key in touched}
        if changed(held.attachments, back):  # it was confirmed, or half confirmed
            self._write(lines_to(self._connection.platform.name, held, back), back, None)
            held = self._connection.held(step="revert")
        wrong = [_named(key) for key in changed(held.attachments, back)]
        if not self._asked:  # a whole configuration was replaced
            wrong += sorted(set(before.rest) ^ set(held.rest))
        if wrong:
            raise faults.not_held(self._device, wrong, "revert")
        self._forget()

    def counters(self) -> Counters:
        return read_counters(self._connection)

    def close(self) -> None:
        """Take back at once what was not confirmed; where that fails, the device's own timer does it."""
        with contextlib.suppress(DeviceError):
            self.revert()
        self._connection.close()

    # ── beyond Driver ────────────────────────────────────────────────────────────────────────────

    def facts(self) -> DeviceFacts:
        return read_facts(self._connection)

    def running(self) -> str:
        """The running configuration, secrets hidden."""
        return self._connection.shown(self._connection.text())

    def compare(self, changes: Sequence[DeviceChange]) -> str:
        """What these changes would do to the configuration, as the device shows it; nothing is changed."""
        held = self._connection.held(step="validate")
        wanted = wanted_after(held.attachments, self._own(changes))
        lines = self._lines(held, wanted)
        if not lines:
            return ""
        with self._candidate():
            self._connection.load(lines)
            self._check_candidate(wanted)
            return self._connection.compare()

    def replace(self, text: str) -> str:
        """Put a whole configuration into effect, to be confirmed as a commit is; returns what it changes."""
        if self._before is not None:
            raise self._unconfirmed()
        before = self._connection.held(step="lock")
        with self._candidate() as candidate:
            self._connection.load_whole(text)
            diff = self._connection.compare()
            if diff:
                self._connection.commit(self._revert_in)
                candidate.committed = True
                self._before = before
        return diff

    def rollback(self) -> None:
        """Go back to the startup configuration that stood before the last commit, as NAPALM's `rollback` does."""
        self._lock()
        self._connection.rollback("rollback")
        self._forget()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _own(self, changes: Sequence[DeviceChange]) -> list[AttachmentChange]:
        own = [change for change in changes if isinstance(change, AttachmentChange)]
        if len(own) != len(changes):
            raise DeviceRefused(
                Diagnostic(
                    "napalm-payload",
                    f"{self._device}: the napalm driver changes attachments, nothing else",
                    f"device {self._device}",
                )
            )
        return own

    def _lines(self, held: Held, wanted: Attachments) -> list[Line]:
        """The candidate for what is wanted; raises DeviceRefused with everything that stands against it."""
        keys = set(changed(held.attachments, wanted))
        new = [attachment for key, attachment in wanted.items() if key in keys]
        kept = [attachment for key, attachment in wanted.items() if key not in keys]
        problems = Diagnostics(self._connection.platform.check(self._device, held, new, kept))
        problems.raise_if_errors(DeviceRefused)
        return lines_to(self._connection.platform.name, held, wanted)

    def _write(self, lines: Sequence[Line], wanted: Attachments, revert_in: int | None) -> None:
        """Load, look whether it is what was meant, commit."""
        with self._candidate() as candidate:
            self._connection.load(lines)
            self._check_candidate(wanted)
            self._connection.commit(revert_in)
            candidate.committed = True

    @contextlib.contextmanager
    def _candidate(self) -> Iterator[_Candidate]:
        """Work on a candidate: nobody else does, and unless it is committed it does not stay behind.

        A commit of ours may wait to be confirmed meanwhile; it is what goes on waiting afterwards.
        """
        self._lock()
        waiting = self._connection.session
        candidate = _Candidate()
        try:
            yield candidate
        finally:
            if not candidate.committed:
                # Where this fails as well, what failed before is what is told.
                with contextlib.suppress(DeviceError):
                    self._connection.discard()
                    if waiting is not None:
                        self._connection.take_up(waiting)

    def _lock(self) -> None:
        """Candidates that we left when we died are given up; somebody else's work is left alone, and refused.

        There is one writer at a time (the lease), so no candidate of ours is in use by anybody else.
        """
        others = [one for one in self._connection.sessions("lock") if one.name != self._connection.session]
        for one in others:
            if one.name.startswith(SESSION) and one.left is None:
                self._connection.abort(one.name)
        if busy := [one for one in others if one.left is not None or not one.name.startswith(SESSION)]:
            raise self._locked(busy)

    def _check_candidate(self, wanted: Attachments) -> None:
        """The candidate must hold what is wanted, and of everybody else's what runs now.

        A candidate is a copy: committing it would undo what somebody changed since it was made.
        """
        candidate = self._connection.held("candidate", "validate")
        if wrong := changed(candidate.attachments, wanted):
            raise faults.not_held(self._device, (_named(key) for key in wrong), "validate")
        running = self._connection.held(step="validate")
        if lines := sorted(set(candidate.rest) ^ set(running.rest)):
            more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
            said = f"it was changed meanwhile: {self._connection.shown('; '.join(lines[:3]))}{more}"
            raise faults.refused(self._device, "validate", said)

    def _undo_pending(self, step: str) -> None:
        """Undo our unconfirmed commit, or give up our candidate, unless the device has done so by itself."""
        ours = self._connection.session
        for one in self._connection.sessions(step) if ours is not None else ():
            if one.name == ours:
                # NAPALM overlooks a timer that has less than half a second left, and rolls back something else.
                if one.left:
                    self._connection.rollback(step)
                else:
                    self._connection.discard()

    def _forget(self) -> None:
        self._before, self._asked = None, []

    def _check_held(self, wanted: Attachments) -> None:
        """Running must hold what was committed; else it goes back."""
        held = self._connection.held(step="read back")
        if wrong := changed(held.attachments, wanted):
            with contextlib.suppress(DeviceError):
                self.revert()
            raise faults.not_held(self._device, (_named(key) for key in wrong))

    def _locked(self, sessions: Sequence[Session]) -> DeviceRefused:
        names = ", ".join(
            f"session {one.name}" + (f", whose commit goes back in {one.left} s" if one.left is not None else "")
            for one in sessions
        )
        return DeviceRefused(
            Diagnostic(
                "device-locked",
                f"somebody else works on the configuration of {self._device} (step: lock)",
                f"device {self._device}, lock",
                detail=names,
                hint="let them finish, or give the session up at the device: configure session NAME abort",
            )
        )

    def _too_late(self) -> DeviceError:
        return DeviceError(
            Diagnostic(
                "not-confirmed",
                f"{self._device} went back by itself: not confirmed within {self._revert_in} s, or restarted",
                f"device {self._device}, confirm",
                hint="apply again; the option `revert_in` of the device gives it more time",
            )
        )

    def _unconfirmed(self) -> DeviceRefused:
        return DeviceRefused(
            Diagnostic(
                "napalm-unconfirmed",
                f"{self._device} has a commit that is neither confirmed nor reverted",
                f"device {self._device}, commit",
            )
        )


def _named(key: AttachmentKey) -> str:
    port, vlan = key
    return port if vlan is None else f"{port} VLAN {vlan}"
