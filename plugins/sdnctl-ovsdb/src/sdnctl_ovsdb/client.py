"""One OVSDB connection: transactions (RFC 7047) over the streams (unix, tcp, ssl) of the `ovs` package.

The package's own `Idl` keeps a replica of every row of the tables it watches; with a connection per bridge on a
server of a hundred bridges that is a hundred copies of everything. A driver that reads and writes the rows of
one bridge asks for just these. Its JSON parser, in Python, takes 65 times as long as the standard library's, so
the messages are read with the latter.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import threading
import time
import warnings
from collections.abc import Mapping
from typing import Any, TypeAlias

from sdnctl.errors import DeviceRefused, DeviceUnreachable, Diagnostic

with warnings.catch_warnings():
    # The package looks whether eventlet is in use, and eventlet, where installed, warns whoever imports it.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import ovs.poller
    import ovs.stream

Operation: TypeAlias = Mapping[str, Any]
Row: TypeAlias = Mapping[str, Any]

DATABASE = "Open_vSwitch"
TIMEOUT = 10.0  # seconds for a connection, for an answer, and for the switch daemon to follow
_MESSAGE_MAX = 64 << 20  # octets; an answer that never ends is not one
_DECODER = json.JSONDecoder()
_SSL_FILES = ("private_key", "certificate", "ca_cert")
_ssl_lock = threading.Lock()  # the library keeps TLS files in class attributes, read while connecting


class Conflict(DeviceRefused):
    """Somebody else changed a row between reading and writing it: a ``wait`` operation did not hold."""


class OvsdbClient:
    """A connection to ``unix:PATH``, ``tcp:HOST:PORT`` or ``ssl:HOST:PORT``; reconnects if dropped."""

    def __init__(self, device: str, remote: str, options: Mapping[str, str], timeout: float = TIMEOUT) -> None:
        """`options` for TLS: private_key, certificate, ca_cert, each ``file:PATH``."""
        self.device = device
        self.remote = remote
        self._options = options
        self._timeout = timeout
        self._stream: Any = None
        self._input = ""
        self._ids = itertools.count(1)
        self._connect()

    def transact(self, *operations: Operation) -> list[Any]:
        """Run one transaction and return the result of each operation.

        Raises DeviceRefused with what the database said (nothing was changed then), DeviceUnreachable when
        there is no answer.
        """
        self._ensure_alive()
        number = next(self._ids)
        self._send({"method": "transact", "params": [DATABASE, *operations], "id": number})
        reply = self._await(number)
        if reply.get("error") is not None:
            raise self._refused(str(reply["error"]))
        results = list(reply["result"])
        faults = [result for result in results if isinstance(result, dict) and "error" in result]
        if faults:
            detail = "; ".join(_fault(fault) for fault in faults)
            raise self._refused(detail, Conflict if faults[0]["error"] == "timed out" else DeviceRefused)
        return results

    def select(self, table: str, where: list[Any], columns: list[str]) -> list[Row]:
        """Rows of one table that meet all conditions."""
        (result,) = self.transact(select(table, where, columns))
        return list(result["rows"])

    def rows(self, table: str, uuids: list[str], columns: list[str]) -> list[Row]:
        """Rows by their uuid, in that order; those that no longer exist are left out."""
        if not uuids:
            return []
        operations = [select(table, [["_uuid", "==", ["uuid", uuid]]], columns) for uuid in uuids]
        return [row for result in self.transact(*operations) for row in result["rows"]]

    def change(self, *operations: Operation) -> None:
        """Run a changing transaction and wait until the switch daemon has put it into effect."""
        bump = {"op": "mutate", "table": DATABASE, "where": [], "mutations": [["next_cfg", "+=", 1]]}
        results = self.transact(*operations, bump, select(DATABASE, [], ["next_cfg"]))
        wanted = int(results[len(operations) + 1]["rows"][0]["next_cfg"])
        deadline = time.monotonic() + self._timeout
        pause = 0.001
        while int(self.select(DATABASE, [], ["cur_cfg"])[0]["cur_cfg"]) < wanted:
            if time.monotonic() > deadline:
                raise DeviceUnreachable(
                    Diagnostic(
                        "ovsdb-not-applied",
                        f"{self.device}: the database took the change but no switch daemon put it into effect",
                        f"switch {self.device}",
                        detail=f"cur_cfg did not reach {wanted} within {self._timeout:g} s",
                        hint="is ovs-vswitchd running?",
                    )
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    # ── connection ───────────────────────────────────────────────────────────────────────────────

    def _connect(self) -> None:
        with _ssl_lock:
            if self.remote.startswith("ssl:"):
                self._set_ssl_files()
            try:
                opened = ovs.stream.Stream.open(self.remote)
            except OSError as error:  # unreadable TLS files
                raise self._lost(error.errno or errno.EIO, error.strerror or str(error)) from None
        failure, stream = ovs.stream.Stream.open_block(opened, int(self._timeout * 1000))
        if failure:
            raise self._lost(failure)
        self._stream, self._input = stream, ""

    def _set_ssl_files(self) -> None:
        paths = {}
        for option in _SSL_FILES:
            scheme, separator, path = self._options.get(option, "").partition(":")
            if scheme != "file" or not separator or not path:
                raise DeviceRefused(
                    Diagnostic(
                        "ovsdb-tls",
                        f"{self.device}: option {option} is missing or not a file reference",
                        f"switch {self.device}",
                        hint=f"write {option}: file:/etc/sdnctl/….pem",
                    )
                )
            paths[option] = path
        ovs.stream.Stream.ssl_set_private_key_file(paths["private_key"])
        ovs.stream.Stream.ssl_set_certificate_file(paths["certificate"])
        ovs.stream.Stream.ssl_set_ca_cert_file(paths["ca_cert"])

    def _ensure_alive(self) -> None:
        """Answer what the server asked meanwhile; connect again if it hung up, as it does with quiet clients."""
        try:
            while self._stream is not None and (message := self._receive()) is not None:
                self._answer_echo(message)
        except DeviceUnreachable:
            self.close()
        if self._stream is None:
            self._connect()

    def _send(self, message: Mapping[str, Any]) -> None:
        data = json.dumps(message).encode()
        deadline = time.monotonic() + self._timeout
        while data:
            sent = self._stream.send(data)
            if sent >= 0:
                data = data[sent:]
            elif sent == -errno.EAGAIN:
                self._wait(ovs.stream.Stream.W_SEND, deadline)
            else:
                raise self._lost(-sent)

    def _receive(self) -> dict[str, Any] | None:
        """The next whole message, or None when there is none yet; raises DeviceUnreachable at the end."""
        while True:
            if self._input:
                try:
                    message, end = _DECODER.raw_decode(self._input)
                except json.JSONDecodeError:
                    pass  # the rest is still on its way
                else:
                    self._input = self._input[end:].lstrip()
                    return message if isinstance(message, dict) else {}
            failure, data = self._stream.recv(1 << 16)
            if failure == errno.EAGAIN:
                return None
            if failure or not data:
                raise self._lost(failure or -1)
            if len(self._input) > _MESSAGE_MAX:
                raise self._lost(errno.EMSGSIZE, "what it sends is not OVSDB")
            self._input += data.decode("utf-8", errors="replace")

    def _await(self, number: int) -> dict[str, Any]:
        """The reply with this number; other messages are answered or passed over."""
        deadline = time.monotonic() + self._timeout
        while True:
            message = self._receive()
            if message is None:
                self._wait(ovs.stream.Stream.W_RECV, deadline)
            elif "result" in message and message.get("id") == number:
                return message
            else:
                self._answer_echo(message)

    def _wait(self, what: int, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._lost(errno.ETIMEDOUT)
        poller = ovs.poller.Poller()
        self._stream.wait(poller, what)
        poller.timer_wait(max(1, int(left * 1000)))
        poller.block()

    def _answer_echo(self, message: Mapping[str, Any]) -> None:
        if message.get("method") == "echo" and message.get("id") is not None:
            self._send({"result": message.get("params", []), "error": None, "id": message["id"]})

    def _lost(self, failure: int, detail: str = "") -> DeviceUnreachable:
        self.close()
        hint = "is ovsdb-server running, and does it listen there (ovs-vsctl get-manager)?"
        if self.remote.startswith("ssl:"):
            hint += " Does each side trust the authority of the other's certificate?"
        reason = detail or ("the server hung up" if failure < 0 else os.strerror(failure))
        return DeviceUnreachable(
            Diagnostic(
                "device-unreachable",
                f"{self.device} does not answer at {self.remote}",
                f"switch {self.device}",
                detail=reason,
                hint=hint,
            )
        )

    def _refused(self, detail: str, kind: type[DeviceRefused] = DeviceRefused) -> DeviceRefused:
        return kind(
            Diagnostic(
                "ovsdb-refused",
                f"the database of {self.device} refused a transaction; nothing was changed",
                f"switch {self.device}",
                detail=detail,
            )
        )


def select(table: str, where: list[Any], columns: list[str]) -> Operation:
    return {"op": "select", "table": table, "where": where, "columns": columns}


def as_list(value: Any) -> list[Any]:
    """An OVSDB set, which holds a single element bare, as a list of plain values (uuids as text)."""
    elements = value[1] if isinstance(value, list) and value and value[0] == "set" else [value]
    return [element[1] if isinstance(element, list) and element[0] == "uuid" else element for element in elements]


def as_one(value: Any) -> Any:
    """The element of an optional column, or None."""
    elements = as_list(value)
    return elements[0] if elements else None


def as_dict(value: Any) -> dict[Any, Any]:
    """An OVSDB map as a dict; uuids as text."""
    return {key: as_one(item) for key, item in value[1]}


def to_map(pairs: Mapping[Any, Any]) -> list[Any]:
    return ["map", [[key, value] for key, value in pairs.items()]]


def to_set(values: list[Any]) -> list[Any]:
    return ["set", values]


def _fault(result: Mapping[str, Any]) -> str:
    return ": ".join(str(result[key]) for key in ("error", "details") if result.get(key))
