"""A NETCONF session of ncclient on a channel of our own: bounded, without document types, and without waiting.

ncclient's own transport looks for something to send ten times a second, so every RPC takes a tenth of a second; it
holds whatever a device sends, and lets a message that is no XML pass in silence until the RPC's time is up. Here a
message goes out when it is asked for, and the first octet that is not NETCONF ends the session with a reason.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from lxml import etree
from ncclient.capabilities import Capabilities
from ncclient.devices.default import DefaultDeviceHandler
from ncclient.transport.errors import SessionCloseError, TransportError
from ncclient.transport.session import NetconfBase, NotificationHandler, Session

from sdnctl_netconf.framing import Framer, frame

_MESSAGES = (
    "{urn:ietf:params:xml:ns:netconf:base:1.0}hello",
    "{urn:ietf:params:xml:ns:netconf:base:1.0}rpc-reply",
    "{urn:ietf:params:xml:ns:netconf:notification:1.0}notification",
)
CAPABILITIES = ("urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:base:1.1")
READ_MOST = 65_536
NUDGE_S = 0.25


class Handler(DefaultDeviceHandler):  # type: ignore[misc]
    """What ncclient asks about the kind of device: nothing special."""

    def get_capabilities(self) -> list[str]:
        return list(CAPABILITIES)


class GarbageError(TransportError):  # type: ignore[misc]
    """A message that is framed well and is not NETCONF."""


class ChannelSession(Session):  # type: ignore[misc]
    """One NETCONF session on a channel with `recv`, `sendall` and `close`; `greet` opens it.

    `failure` is what ended it, None while it lives.
    """

    def __init__(self, channel: Any, *, limit: int) -> None:
        super().__init__(Capabilities(list(CAPABILITIES)))
        self._device_handler = Handler()
        self._channel = channel
        self._framer = Framer(limit)
        self._sending = threading.Lock()
        self._closing = threading.Event()
        self.failure: Exception | None = None
        self._nudge: threading.Timer | None = None  # from the first request to the first reply
        self._nudged = False
        self._requested = False

    def greet(self, timeout: float) -> None:
        """Say hello, hear hello; raises what ncclient raises."""
        self._connected = True
        self._post_connect(timeout)
        self._framer.chunked = self._base == NetconfBase.BASE_11
        # ncclient keeps every notification until somebody takes it; here listeners get them.
        keeper = self.get_listener_instance(NotificationHandler)
        if keeper is not None:
            self.remove_listener(keeper)

    def send(self, message: str) -> None:
        """Send one message now; raises TransportError where the session has ended."""
        if self.failure is not None or not self._connected:
            raise TransportError("the session has ended")
        with self._sending:
            data = frame(message.encode(), chunked=self._framer.chunked)
            self._write(data[1:] if self._nudged else data)
            self._nudged = False
            if self._framer.chunked and not self._requested:
                self._requested = True
                self._nudge = threading.Timer(NUDGE_S, self._begin_next)
                self._nudge.daemon = True
                self._nudge.start()

    def _begin_next(self) -> None:
        """Send the first octet of the next message, a line feed, before there is one.

        netconfd 2.13 does not look at a first request that it reads together with our hello until more arrives.
        """
        with self._sending, contextlib.suppress(TransportError):
            if self._connected and self._nudge is not None:
                self._write(b"\n")
                self._nudged = True

    def _write(self, data: bytes) -> None:
        try:
            self._channel.sendall(data)
        except OSError as error:
            raise TransportError("the connection was lost") from error

    def run(self) -> None:
        """Read until the session ends, and tell those who wait for a reply why it did."""
        try:
            while not self._closing.is_set():
                try:
                    data = self._channel.recv(READ_MOST)
                except TimeoutError:
                    continue
                if not data:
                    raise SessionCloseError(b"")
                for message in self._framer.feed(data):
                    self._stop_nudge()
                    self._dispatch_message(_checked(message))
        except Exception as error:  # whatever it is, nobody may wait for this session any more
            self.failure = error
        else:
            self.failure = SessionCloseError(b"")
        self._connected = False
        self._stop_nudge()
        self._dispatch_error(self.failure)

    def close(self) -> None:
        """End the session without a word; a second call does nothing."""
        self._connected = False
        self._closing.set()
        self._channel.close()
        if self.is_alive() and self is not threading.current_thread():
            self.join(5)

    def _stop_nudge(self) -> None:
        if (timer := self._nudge) is not None:
            timer.cancel()
            self._nudge = None


def _checked(message: bytes) -> str:
    """A message as text; raises GarbageError for what is none. ncclient would pass over it, and wait."""
    try:
        text = message.decode().strip()
    except UnicodeDecodeError as error:
        raise GarbageError(f"a message that is not UTF-8, at octet {error.start} of it") from None
    # RFC 6241 §3: no document types in NETCONF; refused before any parser sees their entities.
    if (at := text.find("<!DOCTYPE")) >= 0:
        raise GarbageError(f"a document type, at character {at} of a message")
    if not text.startswith("<"):
        raise GarbageError(f"{text[:40]!r} instead of XML")
    try:
        root = parse(text)
    except etree.XMLSyntaxError as error:
        raise GarbageError(f"a message that is not XML: {error}") from None
    if root.tag not in _MESSAGES:
        raise GarbageError(f"{root.tag[:80]!r} instead of a message of NETCONF")
    return text


def parse(text: str) -> Any:
    """A message as a tree: no entities, no networks, no comments, no huge trees; raises XMLSyntaxError."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(text.encode(), parser)
