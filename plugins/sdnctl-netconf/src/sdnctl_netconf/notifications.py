"""Notifications of a changed configuration (RFC 5277, RFC 6470): drift is known when it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ncclient.transport.session import SessionListener

from sdnctl_netconf.pattern import Element
from sdnctl_netconf.session import parse

NOTIFICATION = "{urn:ietf:params:xml:ns:netconf:notification:1.0}notification"
_CHANGE = "{urn:ietf:params:xml:ns:yang:ietf-netconf-notifications}netconf-config-change"


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """Somebody changed a datastore. `session` is empty and `username` too where the server itself did.

    `targets` are instance identifiers as the device writes them.
    """

    datastore: str
    username: str = ""
    session: str = ""
    targets: tuple[str, ...] = ()


class Listener(SessionListener):  # type: ignore[misc]
    """Hands every change of configuration to `told`, and the end of the session to `ended`; both in its thread."""

    def __init__(self, told: Callable[[ConfigChange], None], ended: Callable[[Exception], None]) -> None:
        self._told = told
        self._ended = ended

    def callback(self, root: tuple[str, object], raw: str) -> None:
        if root[0] == NOTIFICATION and (change := parse_change(raw)) is not None:
            self._told(change)

    def errback(self, ex: Exception) -> None:
        self._ended(ex)


def parse_change(raw: str) -> ConfigChange | None:
    """The change that a <notification> tells of, None where it tells of something else."""
    event = parse(raw).find(_CHANGE)
    if event is None:
        return None
    return ConfigChange(
        datastore=_text(event, "datastore") or "running",
        username=_text(event, "username"),
        session=_text(event, "session-id"),
        targets=tuple(_texts(event, "target")),
    )


def _texts(event: Element, name: str) -> list[str]:
    return [(element.text or "").strip() for element in event.iter(f"{{*}}{name}")]


def _text(event: Element, name: str) -> str:
    return next(iter(_texts(event, name)), "")
