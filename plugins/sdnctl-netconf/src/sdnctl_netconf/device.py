"""One device as the driver protocol sees it: check, confirmed commit, read back, confirm, take back (blocking)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from lxml import etree

from sdnctl.dataplane.attachment import Attachment, AttachmentKey, format_attachment
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, Diagnostic
from sdnctl.plan.model import AttachmentChange, DeviceChange, Observed, Op
from sdnctl.southbound import device_faults
from sdnctl.southbound.base import Capabilities, Counters, Target
from sdnctl_netconf.checks import refusals
from sdnctl_netconf.client import Client, RpcRefused
from sdnctl_netconf.pattern import Element, PatternError
from sdnctl_netconf.platform import Platform, Running, platform_of
from sdnctl_netconf.ssh import login_of, seconds

CONFIRM_S = 300.0
"""How long a device waits for confirmation before it takes a commit back: longer than any apply lasts."""
VALIDATE = ("edit", "explicit")
_NEEDED = (":candidate", ":confirmed-commit:1.1", ":validate")

T = TypeVar("T")
Held = dict[AttachmentKey, Attachment | None]  # what some keys should hold: None is nothing


class NetconfDevice:
    """An open device. `target.address` is ``ssh://HOST:PORT``; for options see the README.

    From `commit` to `confirm` or `revert` the candidate stays locked: nobody's edits are confirmed with ours.
    """

    def __init__(self, target: Target) -> None:
        self._device = target.device
        self._login = login_of(target)
        self._platform: Platform = platform_of(target)
        self._timeout = seconds(target, "confirm_timeout", CONFIRM_S)
        self._validate = target.options.get("validate", "edit")
        if self._validate not in VALIDATE:
            raise DeviceError(
                Diagnostic(
                    "bad-option",
                    f"{self._device}: {self._validate!r} is no way to validate",
                    f"device {self._device}, option validate",
                    hint="write edit (with the edit, <test-option>) or explicit (<validate> after it)",
                )
            )
        self._persist = f"sdnctl {self._device}"
        self._pending = False
        self._before: Held = {}  # what held at the last confirm, of what was touched since
        self._wanted: Held = {}  # what holds now, of what was touched since
        self._client = Client(self._login)

    # ── Driver ───────────────────────────────────────────────────────────────────────────────────

    def capabilities(self) -> Capabilities:
        platform = self._platform
        return Capabilities(
            policers=platform.policing,
            marking=platform.marking,
            translation=platform.vlans,
            description=f"NETCONF, platform {platform.name}",
        )

    def observe(self) -> Observed:
        running = self._read(self._session(), "observe")
        return Observed(RuleSet(), foreign=len(running.foreign), attachments=running.attachments)

    def prepare(self, changes: Sequence[DeviceChange]) -> None:
        """Let the device check an edit of its candidate, and forget it."""
        asked = self._merge(changes)
        with self._alone() as client:
            config = self._config(self._read(client, "edit"), asked)
            if config is not None:
                self._edit(client, config, asked)
                client.discard()

    def commit(self, changes: Sequence[DeviceChange]) -> None:
        """Edit, commit to be confirmed, read back.

        After an error the device holds what it held at the last confirm, or will when the time for confirmation
        is over, where it cannot be asked any more.
        """
        asked = self._merge(changes)
        with self._alone() as client:
            running = self._read(client, "edit")
            config = self._config(running, asked)
            if config is None:
                return
            self._edit(client, config, asked)
            for key in asked:
                self._before.setdefault(key, running.attachments.get(key))
            self._commit(client, asked)
            self._wanted |= asked
            try:
                self._check(self._read(client, "read back"), asked, "read back")
            except DeviceError:
                with contextlib.suppress(DeviceError):  # where it cannot, it is pending still
                    self._take_back(client)
                raise

    def confirm(self) -> None:
        """Make the last commit permanent, and see that it runs; nothing happens where none is pending."""
        if self._pending:
            wanted = self._wanted
            gone = self._again(self._confirm)
            self._check(self._read(self._session(), "confirm"), wanted, "confirm", gone)

    def revert(self) -> None:
        """Go back to the last confirmed state, also in a new session where the old one was lost."""
        if self._pending:
            before = self._before
            self._again(self._take_back)
            self._check(self._read(self._session(), "revert"), before, "revert")

    def counters(self) -> Counters:
        """State and counters of ports as far as the device reports them, else whether they are enabled."""
        client = self._session()
        ports = self._read(client, "counters").ports
        filters = self._platform.state()
        try:
            data = client.get("counters", filters) if filters else None
        except RpcRefused as error:
            raise device_faults.refused(self._device, "counters", str(error)) from None
        return Counters(self._platform.states(data, ports))

    def close(self) -> None:
        """End the session; what is not confirmed is taken back first, or by the device when its time is over."""
        if self._pending and self._client.alive:
            with contextlib.suppress(DeviceError):
                self._take_back(self._client)
        self._client.close()

    # ── sessions and locks ───────────────────────────────────────────────────────────────────────

    def _session(self) -> Client:
        """The session, or a new one where it was lost."""
        if not self._client.alive:
            self._client.close()
            self._client = Client(self._login)
        return self._client

    def _again(self, work: Callable[[Client], T]) -> T:
        """Do what may be done twice, in a new session if the old one turns out to be lost."""
        try:
            return work(self._session())
        except DeviceUnreachable as error:
            try:
                return work(self._session())
            except DeviceUnreachable:
                raise error from None

    def _require(self, client: Client) -> None:
        if lacking := [capability for capability in _NEEDED if not client.can(capability)]:
            raise device_faults.refused(
                self._device,
                "connect",
                f"it does not announce {', '.join(lacking)}, without which nothing is changed",
            )

    @contextmanager
    def _alone(self) -> Iterator[Client]:
        """Lock the candidate. Afterwards it stays locked while a commit of this session is pending."""
        client = self._session()
        self._require(client)
        if not client.locked:
            self._settle(client)
        try:
            # Refused while somebody's edits are in it, so what is in it from here on is ours.
            client.lock()
        except RpcRefused as error:
            raise device_faults.refused(self._device, "lock", str(error)) from None
        try:
            yield client
        except BaseException:
            if client.locked:  # else what is in it is somebody else's by now
                client.discard()
            raise
        finally:
            if not self._pending:
                self._forget(client)

    def _settle(self, client: Client) -> None:
        """Take back what an earlier session of ours left unconfirmed: no plan counts on that."""
        if self._cancel(client) or self._pending:
            self._forget(client)
            raise device_faults.refused(
                self._device,
                "commit",
                "an earlier session had left a commit unconfirmed; it has been taken back: plan again",
            )

    def _confirm(self, client: Client) -> str:
        """Confirm what is pending; the result says why that cannot be, where nothing is pending any more.

        The device has confirmed it already then, in a session that was lost, or taken it back: reading back tells.
        """
        # Confirming commits the candidate too, and only our lock keeps edits of others out of it.
        if not client.locked and self._edited(client):
            raise device_faults.refused(self._device, "confirm", "the candidate has edits of somebody else")
        gone = ""
        try:
            client.confirm(self._persist)
        except RpcRefused as error:
            if error.tag == "in-use":
                raise device_faults.refused(self._device, "confirm", str(error)) from None
            gone = f"{error}; it takes back what is not confirmed in {self._timeout:g} s"
        self._forget(client)
        try:
            if not gone:
                client.save()
        except RpcRefused as error:
            raise device_faults.refused(
                self._device, "confirm", f"not saved for the next start: {error}"
            ) from None
        return gone

    def _cancel(self, client: Client) -> bool:
        """Take back what is pending, and say whether anything was; raises DeviceRefused if that cannot be done."""
        try:
            client.cancel(self._persist)
        except RpcRefused as error:
            if error.tag == "in-use":  # running is locked
                raise device_faults.refused(self._device, "revert", str(error)) from None
            return False
        return True

    def _take_back(self, client: Client) -> None:
        """Go back to the last confirmed state; whoever calls this reads back what runs."""
        self._cancel(client)
        self._forget(client)

    def _forget(self, client: Client) -> None:
        self._pending, self._before, self._wanted = False, {}, {}
        client.unlock()

    # ── editing ──────────────────────────────────────────────────────────────────────────────────

    def _merge(self, changes: Sequence[DeviceChange]) -> Held:
        """What each key should hold after all changes in their order."""
        asked: Held = {}
        for change in changes:
            if not isinstance(change, AttachmentChange):
                raise device_faults.refused(self._device, "edit", "it holds attachments, not rules or settings")
            asked[change.attachment.key] = None if change.op is Op.DELETE else change.attachment
        return asked

    def _config(self, running: Running, asked: Held) -> Element | None:
        """The edit from what runs to what is asked, None where they are the same; raises DeviceRefused."""
        found = refusals(self._device, self._platform, running, asked)
        if found:
            raise DeviceRefused(*(diagnostic for error in found for diagnostic in error.diagnostics))
        held = running.attachments
        changed = {key: wanted for key, wanted in asked.items() if held.get(key) != wanted}
        if not changed:
            return None
        gone = [held[key] for key in changed if key in held]
        try:
            return self._platform.edit([wanted for wanted in changed.values() if wanted is not None], gone)
        except PatternError as error:
            raise device_faults.refused(self._device, "edit", str(error)) from None

    def _edit(self, client: Client, config: Element, asked: Held) -> None:
        """Put an edit into the candidate and let the device validate it; raises DeviceRefused."""
        step = "edit"
        try:
            # With an explicit <validate> netconfd 2.13 drops the change at <commit> and says ok to both.
            client.edit(config, "test-then-set" if self._validate == "edit" else None)
            if self._validate == "explicit":
                step = "validate"
                client.validate()
        except RpcRefused as error:
            raise self._refused(step, error, asked) from None

    def _commit(self, client: Client, asked: Held) -> None:
        """Commit the candidate, to be confirmed; raises DeviceRefused."""
        follows = self._pending
        self._pending = True  # from here on the device may have it, also where no reply comes
        try:
            client.commit(self._timeout, self._persist, follows=follows)
        except RpcRefused as error:
            self._pending = follows
            raise self._refused("commit", error, asked) from None

    def _refused(self, step: str, error: RpcRefused, asked: Held) -> DeviceRefused:
        """The device's refusal, tied to the attachment that its error path points to, or else to all of them."""
        wanted = [attachment for attachment in asked.values() if attachment is not None]
        for attachment in wanted:
            # error-path names entries by their keys: …/if:interface[if:name='eth1.20']/…
            if all(
                f"'{key}'" in error.path or f'"{key}"' in error.path for key in self._platform.identity(attachment)
            ):
                return device_faults.refused(self._device, step, f"{error}: {error.path}", attachment)
        if len(wanted) == 1:
            return device_faults.refused(self._device, step, str(error), wanted[0])
        names = "; ".join(f"{attachment} of {attachment.endpoint}" for attachment in wanted[:5])
        return device_faults.refused(self._device, step, f"{error}; asked for together: {names}")

    # ── reading back ─────────────────────────────────────────────────────────────────────────────

    def _read(self, client: Client, step: str) -> Running:
        try:
            return self._platform.read(client.get_config(step, self._platform.configuration()))
        except RpcRefused as error:
            raise device_faults.refused(self._device, step, str(error)) from None

    def _edited(self, client: Client) -> bool:
        """Whether the candidate is something else than what runs."""
        try:
            running, candidate = (client.get_config("confirm", None, each) for each in ("running", "candidate"))
        except RpcRefused as error:
            raise device_faults.refused(self._device, "confirm", str(error)) from None
        return bool(etree.tostring(running, method="c14n") != etree.tostring(candidate, method="c14n"))

    def _check(self, running: Running, wanted: Held, step: str, known: str = "") -> None:
        """Raise DeviceError unless these keys hold what they should: ``read-back``, unless the reason is known."""
        wrong = list(_wrong(running, wanted))
        if wrong and known:
            raise device_faults.refused(self._device, step, known)
        if wrong:
            raise device_faults.not_held(self._device, wrong, step)


def _wrong(running: Running, wanted: Held) -> Iterable[str]:
    for key, attachment in wanted.items():
        held = running.attachments.get(key)
        if held == attachment:
            continue
        if attachment is None and held is not None:
            yield f"{format_attachment(held)} is still there"
        elif attachment is not None and held is None:
            yield f"{format_attachment(attachment)} is not there"
        elif attachment is not None and held is not None:
            yield f"{format_attachment(held)} instead of {format_attachment(attachment)}"
