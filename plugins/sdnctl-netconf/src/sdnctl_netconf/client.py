"""NETCONF operations on one device (RFC 6241): each knows its step, and what goes wrong is a `DeviceError`.

Steps are the words of `device_faults`: connect, lock, edit, validate, commit, confirm, read back, revert.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from lxml import etree
from ncclient import NCClientError
from ncclient.manager import Manager
from ncclient.operations import RaiseMode
from ncclient.operations.errors import MissingCapabilityError, TimeoutExpiredError
from ncclient.operations.rpc import RPCError
from ncclient.transport.errors import SessionError, TransportError

from sdnctl.errors import DeviceError
from sdnctl.southbound import device_faults
from sdnctl_netconf.framing import LARGEST_MESSAGE, FramingError
from sdnctl_netconf.pattern import BASE, Element
from sdnctl_netconf.session import ChannelSession, GarbageError, Handler, parse
from sdnctl_netconf.ssh import Login, connect

_CAPABILITY = "urn:ietf:params:netconf:capability:"


class RpcRefused(Exception):
    """An <rpc-error>: its `tag` (RFC 6241 appendix A), what it says, and the `path` that it points to."""

    def __init__(self, tag: str, text: str, path: str) -> None:
        super().__init__(f"{text} ({tag})" if tag else text)
        self.tag = tag
        self.path = path


class Client:
    """One NETCONF session; it ends when anything but a refusal goes wrong, and says so by `alive`."""

    def __init__(self, login: Login, limit: int = LARGEST_MESSAGE) -> None:
        """Connect; raises DeviceError with step "connect"."""
        self._login = login
        self._transport, channel = connect(login)
        self.session = ChannelSession(channel, limit=limit)
        self._manager: Any = Manager(self.session, Handler(), timeout=login.timeout)
        self._manager.raise_mode = RaiseMode.ERRORS
        self.locked = False  # the candidate, by this session
        try:
            self.session.greet(login.timeout)
            if self.session.id in (None, 0):
                raise GarbageError("a hello without a session")
        except Exception as error:
            self._ended("connect", error)

    @property
    def alive(self) -> bool:
        return bool(self.session.connected) and self.session.failure is None

    @property
    def session_id(self) -> str:
        return str(self.session.id)

    def can(self, capability: str) -> bool:
        """Whether the server announced ``:candidate``, ``:confirmed-commit:1.1`` and the like, of any version."""
        wanted = _CAPABILITY + capability.removeprefix(":")
        for announced in self.session.server_capabilities or ():
            if announced == wanted or announced.startswith((f"{wanted}:", f"{wanted}?")):
                return True
        return False

    def close(self) -> None:
        """End the session: what it had locked is free then (RFC 6241 §7.5)."""
        self.locked = False
        if self.alive:
            with contextlib.suppress(NCClientError, OSError):
                self._manager.timeout = min(2.0, self._login.timeout)
                self._manager.close_session()
        self.session.close()
        self._transport.close()

    # ── operations ───────────────────────────────────────────────────────────────────────────────

    def get_config(self, step: str, filters: Sequence[Element] | None, source: str = "running") -> Element:
        """<data> of one datastore; all of it without filters."""
        wanted = None if filters is None else _filter(filters)
        return self._data(step, lambda: self._manager.get_config(source, filter=wanted))

    def get(self, step: str, filters: Sequence[Element]) -> Element:
        """<data> of configuration and state."""
        return self._data(step, lambda: self._manager.get(filter=_filter(filters)))

    def lock(self) -> None:
        """Lock the candidate unless this session has it; raises RpcRefused, also while it has edits of others.

        Only the candidate: while running is locked, netconfd 2.13 takes no commit back, neither when it is
        cancelled (to which it says ok) nor when the time for confirmation is over.
        """
        if not self.locked:
            self._ok("lock", lambda: self._manager.lock("candidate"))
            self.locked = True

    def unlock(self) -> None:
        """Give the candidate back, whatever happens: a session that ends unlocks too."""
        if self.locked:
            self.locked = False
            with contextlib.suppress(RpcRefused, DeviceError):
                self._ok("unlock", lambda: self._manager.unlock("candidate"))

    def edit(self, config: Element, test: str | None) -> None:
        """Change the candidate, all or nothing; `test` as in <test-option>. Raises RpcRefused."""
        rollback = "rollback-on-error" if self.can(":rollback-on-error") else None
        self._ok(
            "edit",
            lambda: self._manager.edit_config(
                config, target="candidate", default_operation="merge", test_option=test, error_option=rollback
            ),
        )

    def validate(self) -> None:
        self._ok("validate", lambda: self._manager.validate("candidate"))

    def discard(self) -> None:
        """Make the candidate what runs, whatever happens."""
        with contextlib.suppress(RpcRefused, DeviceError):
            self._ok("edit", self._manager.discard_changes)

    def commit(self, timeout: float, persist: str, *, follows: bool) -> None:
        """A confirmed commit that the device takes back after `timeout` seconds; `follows` one that is pending.

        The first one names itself by `persist`, so that any session may end it; later ones refer to it by that
        name. (netconfd 2.13, given both elements at once, forgets what it was to go back to.)
        """
        name = {"persist_id" if follows else "persist": persist}
        self._ok(
            "commit", lambda: self._manager.commit(confirmed=True, timeout=str(max(1, round(timeout))), **name)
        )

    def confirm(self, persist: str) -> None:
        self._ok("confirm", lambda: self._manager.commit(persist_id=persist))

    def cancel(self, persist: str) -> None:
        """Take a confirmed commit back; raises RpcRefused where none of this name is pending."""
        self._ok("revert", lambda: self._manager.cancel_commit(persist_id=persist))

    def save(self) -> None:
        """Make what runs what the device starts with, where that is a matter of its own (RFC 6241 §8.7)."""
        if self.can(":startup"):
            self._ok("confirm", lambda: self._manager.copy_config("running", "startup"))

    def subscribe(self) -> None:
        """Ask for notifications of the stream NETCONF (RFC 5277)."""
        self._ok("subscribe", lambda: self._manager.create_subscription(stream_name="NETCONF"))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _data(self, step: str, request: Callable[[], Any]) -> Element:
        data = self._reply(step, request).find(f"{{{BASE}}}data")
        if data is None:
            self._ended(step, GarbageError("a reply without data"))
        return data

    def _ok(self, step: str, request: Callable[[], Any]) -> None:
        if self._reply(step, request).find(f"{{{BASE}}}ok") is None:
            self._ended(step, GarbageError("a reply that says neither ok nor error"))

    def _reply(self, step: str, request: Callable[[], Any]) -> Element:
        try:
            return parse(request().xml)
        except RPCError as error:
            raise self._refusal(error) from None
        except MissingCapabilityError as error:
            raise device_faults.refused(self._login.device, step, self._login.scrub(str(error))) from None
        except DeviceError:
            raise
        except Exception as error:  # of ncclient, lxml, paramiko: the session cannot be trusted after any of them
            self._ended(step, error)

    def _refusal(self, error: RPCError) -> RpcRefused:
        """What the device says of itself; several errors count as their first, with all their texts."""
        first = error.errors[0] if getattr(error, "errors", None) else error
        texts = dict.fromkeys(
            " ".join(str(each.message or each.tag or "no reason given").split())
            for each in getattr(error, "errors", None) or [error]
        )
        holder = _text_of(first.info, "session-id")
        text = "; ".join(texts) + (f"; session {holder} holds it" if holder and holder != "0" else "")
        return RpcRefused(
            str(first.tag or "").strip(), self._login.scrub(text[:1_000]), str(first.path or "").strip()[:1_000]
        )

    def _ended(self, step: str, error: Exception) -> NoReturn:
        """Close what cannot be used any more, and raise what happened in terms of the device."""
        device, failure = self._login.device, self.session.failure
        self.session.close()
        self._transport.close()
        self.locked = False
        cause = failure if failure is not None else error
        detail = self._login.scrub(" ".join(str(cause).split())[:1_000])
        if isinstance(cause, FramingError | GarbageError):
            raise device_faults.garbage(device, step, detail) from None
        if isinstance(cause, TimeoutExpiredError):
            raise device_faults.unreachable(device, step, f"no reply in {self._login.timeout:g} s") from None
        if isinstance(cause, TransportError | SessionError | OSError | EOFError):
            raise device_faults.unreachable(device, step, detail or "the connection was lost") from None
        if isinstance(cause, NCClientError | etree.XMLSyntaxError):
            raise device_faults.garbage(device, step, detail) from None
        raise cause  # not of the device's making


def _filter(filters: Sequence[Element]) -> Element:
    element = etree.Element(f"{{{BASE}}}filter", type="subtree")
    element.extend(copy.deepcopy(list(filters)))
    return element


def _text_of(xml: str | None, name: str) -> str:
    """Text of the first element of this name in a piece of XML, or nothing."""
    if not xml:
        return ""
    with contextlib.suppress(etree.XMLSyntaxError):
        for element in parse(xml).iter(f"{{*}}{name}"):
            return (element.text or "").strip()
    return ""
