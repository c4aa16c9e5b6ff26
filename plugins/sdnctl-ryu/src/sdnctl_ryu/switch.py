"""One switch that is connected to the application: read from it, write to it, over the framework's connection.

Runs in threads of the framework's hub (native ones or eventlet's), never in asyncio. What the switch answers is
handed on as octets: the framework's own reading of encap and decap is not what the switch said.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sdnctl.plan.model import Op, Rule
from sdnctl_ryu.framework import handler, hub, ofp, parser
from sdnctl_ryu.messages import BUNDLE_FLAGS, octets, serialised
from sdnctl_ryu.protocol import Fault, What

PATIENCE = 30.0
"""Seconds without anything from the switch on a request."""
LOOK = 0.2
"""Seconds between two looks whether the connection is still there."""
WRITE_SIZE = 64 * 1024
"""Octets written at once: message by message costs a switch several times the processing."""
_HEADER = 8
_MULTIPART = 16


class Trouble(Exception):
    """What is told to the driver instead of a result."""

    def __init__(
        self, fault: Fault, text: str, block: bytes = b"", faults: Sequence[tuple[int, str]] = ()
    ) -> None:
        super().__init__(text)
        self.fault, self.block, self.faults = fault, block, tuple(faults)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A way to ask for something: the message, and what of the reply's octets is not its content."""

    make: Callable[[Any, Mapping[str, Any]], Any]
    skip: int = _MULTIPART


def _flows(datapath: Any, arguments: Mapping[str, Any]) -> Any:
    cookie, mask = int(arguments.get("cookie", 0)), int(arguments.get("mask", 0))
    any_port, any_group = ofp.OFPP_ANY, ofp.OFPG_ANY
    return parser.OFPFlowStatsRequest(datapath, 0, ofp.OFPTT_ALL, any_port, any_group, cookie, mask)


_REQUESTS: Mapping[What, _Asked] = {
    What.FEATURES: _Asked(lambda datapath, _: parser.OFPFeaturesRequest(datapath), _HEADER),
    What.DESCRIPTION: _Asked(lambda datapath, _: parser.OFPDescStatsRequest(datapath, 0)),
    What.FLOWS: _Asked(_flows),
    What.GROUPS: _Asked(lambda datapath, _: parser.OFPGroupDescStatsRequest(datapath, 0)),
    What.GROUP_FEATURES: _Asked(lambda datapath, _: parser.OFPGroupFeaturesStatsRequest(datapath, 0)),
    What.METERS: _Asked(lambda datapath, _: parser.OFPMeterConfigStatsRequest(datapath, 0, ofp.OFPM_ALL)),
    What.METER_FEATURES: _Asked(lambda datapath, _: parser.OFPMeterFeaturesStatsRequest(datapath, 0)),
    What.PORTS: _Asked(lambda datapath, _: parser.OFPPortDescStatsRequest(datapath, 0)),
    What.PORT_COUNTERS: _Asked(lambda datapath, _: parser.OFPPortStatsRequest(datapath, 0, ofp.OFPP_ANY)),
}


class Answers:
    """Who waits for which answer: by switch and transaction id."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int], Any] = {}

    def arrived(self, message: Any) -> None:
        """Hand a message of a switch to whoever waits for it; others' are not ours."""
        queue = self._waiting.get((id(message.datapath), message.xid))
        if queue is not None:
            queue.put(message)

    @contextmanager
    def expected(self, datapath: Any, xids: Iterable[int]) -> Iterator[Any]:
        """A queue into which every answer under these ids is put."""
        queue = hub.Queue()
        keys = [(id(datapath), xid) for xid in xids]
        self._waiting.update((key, queue) for key in keys)
        try:
            yield queue
        finally:
            for key in keys:
                del self._waiting[key]


class Switch:
    """One connection of one switch; when that has ended, every method raises Trouble."""

    def __init__(self, datapath: Any, answers: Answers) -> None:
        self.datapath = datapath
        self._answers = answers

    @property
    def gone(self) -> bool:
        """Whether the connection has ended.

        os-ken on native threads notices that a switch left only when it sends something the next time, so the
        socket is looked at too.
        """
        datapath = self.datapath
        return datapath.send_q is None or datapath.state == handler.DEAD_DISPATCHER or datapath.socket.fileno() < 0

    def read(self, what: What, arguments: Mapping[str, Any]) -> list[bytes]:
        """The contents of all parts of a reply."""
        asked = _REQUESTS[what]
        request = asked.make(self.datapath, arguments)
        xid = self.datapath.set_xid(request)
        parts: list[bytes] = []
        with self._answers.expected(self.datapath, (xid,)) as queue:
            self._send([serialised(request)])
            while True:
                message = self._next(queue, what.value)
                if message.msg_type == ofp.OFPT_ERROR:
                    raise Trouble(Fault.REFUSED, what.value, _body(message))
                parts.append(bytes(message.buf[asked.skip : message.msg_len]))
                if asked.skip != _MULTIPART or not message.flags & ofp.OFPMPF_REPLY_MORE:
                    return parts

    def write(
        self, changes: Sequence[tuple[Op, Rule]], bundle: int | None, *, keep: bool = True
    ) -> list[tuple[int, bytes]]:
        """Make changes, as a whole where there is a bundle, and wait for the barrier.

        Returns what the switch said against them: index of the change, and the body of the error message. A bundle
        with errors is discarded, and one that is not to be kept.
        """
        xids = [self._xid() for _ in changes]
        messages = self._encoded(changes, xids, bundle)
        index = {xid: place for place, xid in enumerate(xids)}
        if bundle is not None:
            self._control(bundle, ofp.ONF_BCT_OPEN_REQUEST)
        barrier = parser.OFPBarrierRequest(self.datapath)
        closing = self.datapath.set_xid(barrier)
        with self._answers.expected(self.datapath, (*xids, closing)) as queue:
            self._send([*messages, serialised(barrier)])
            errors = self._errors(queue, index, closing)
            if bundle is None:
                return errors
            if errors or not keep:
                self._control(bundle, ofp.ONF_BCT_DISCARD_REQUEST)
                return errors
            try:
                self._control(bundle, ofp.ONF_BCT_COMMIT_REQUEST)
            except Trouble:
                # A switch says first what is wrong with which change, and then that the bundle failed.
                if not (errors := self._errors(queue, index, None)):
                    raise
            return errors

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _encoded(self, changes: Sequence[tuple[Op, Rule]], xids: Sequence[int], bundle: int | None) -> list[bytes]:
        messages: list[bytes] = []
        faults: list[tuple[int, str]] = []
        for place, ((op, rule), xid) in enumerate(zip(changes, xids, strict=True)):
            try:
                messages.append(octets(self.datapath, op, rule, xid, bundle))
            except (ValueError, TypeError, KeyError, AssertionError, struct.error) as error:
                faults.append((place, f"{type(error).__name__}: {error}"))
        if faults:
            raise Trouble(Fault.INEXPRESSIBLE, f"{len(faults)} changes cannot be expressed", faults=faults)
        return messages

    def _errors(self, queue: Any, index: Mapping[int, int], closing: int | None) -> list[tuple[int, bytes]]:
        """Errors about changes, up to the answer with id `closing`, or all that are there already."""
        errors: dict[int, bytes] = {}
        while closing is not None or not queue.empty():
            message = self._next(queue, "barrier")
            if message.xid == closing:
                break
            if message.msg_type == ofp.OFPT_ERROR:
                errors.setdefault(index[message.xid], _body(message))
        return sorted(errors.items())

    def _control(self, bundle: int, kind: int) -> None:
        request = parser.ONFBundleCtrlMsg(self.datapath, bundle, kind, BUNDLE_FLAGS, [])
        xid = self.datapath.set_xid(request)
        with self._answers.expected(self.datapath, (xid,)) as queue:
            self._send([serialised(request)])
            message = self._next(queue, "bundle")
            if message.msg_type == ofp.OFPT_ERROR:
                raise Trouble(Fault.REFUSED, "bundle", _body(message))

    def _xid(self) -> int:
        """A transaction id of the framework's counter, which its other applications use too."""
        number: int = self.datapath.set_xid(parser.OFPBarrierRequest(self.datapath))
        return number

    def _send(self, messages: Iterable[bytes]) -> None:
        pending: list[bytes] = []
        size = 0
        for message in messages:
            pending.append(message)
            size += len(message)
            if size >= WRITE_SIZE:
                self._put(b"".join(pending))
                pending, size = [], 0
        if pending:
            self._put(b"".join(pending))

    def _put(self, data: bytes) -> None:
        if self.gone or self.datapath.send(data) is False:
            raise Trouble(Fault.GONE, "the switch closed its connection to the application")

    def _next(self, queue: Any, what: str) -> Any:
        """The next answer; notices when none can come any more."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return queue.get(timeout=LOOK)
            except hub.QueueEmpty:
                if self.gone:
                    raise Trouble(Fault.GONE, "the switch closed its connection to the application") from None
                if time.monotonic() > deadline:
                    text = f"no answer to {what} within {PATIENCE:g} s, or none that the framework could read"
                    raise Trouble(Fault.SILENT, text) from None


def _body(message: Any) -> bytes:
    """The octets of a message after its header."""
    return bytes(message.buf[_HEADER : message.msg_len])
