"""A simulator of gear with a line protocol over TCP and confirmed commits: what the template driver drives."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Hashable
from typing import cast

from sdnctl.southbound.base import Target
from sdnctl.testing.device import AttachmentDevice

USER, PASSWORD = "sdnctl", "correct-horse-battery"


class _Handler(socketserver.StreamRequestHandler):
    """One session; what it did not confirm is gone when it ends."""

    def handle(self) -> None:
        box = cast(BoxServer, self.server)
        box.sessions.append(self.connection)
        allowed = False
        try:
            while request := self._request():
                command, *lines = request
                verb, _, rest = command.partition(" ")
                allowed = allowed or (verb == "login" and rest == f"{USER} {PASSWORD}")
                answer = box.answer(verb, lines) if allowed else ["no"]
                self.wfile.write("".join(f"{line}\n" for line in (*answer, ".")).encode())
        except OSError:
            pass
        finally:
            box.answer("revert", [])

    def _request(self) -> list[str]:
        found: list[str] = []
        while (line := self.rfile.readline().decode()) not in ("", ".\n"):
            found.append(line.rstrip("\n"))
        return found


class BoxServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.ports = ("eth1", "eth2", "eth3", "eth4", "eth9")
        self.running: list[str] = []
        self.confirmed: list[str] | None = None
        self.sessions: list[socket.socket] = []
        self.lock = threading.Lock()

    def answer(self, verb: str, lines: list[str]) -> list[str]:
        with self.lock:
            match verb:
                case "show":
                    return list(self.running)
                case "ports":
                    return [f"{port} up" for port in self.ports]
                case "check" | "commit":
                    tags = [line.split(" tag ")[1].split()[0] for line in lines if " tag " in line]
                    if len(set(tags)) < len(tags):
                        return ["error: one VLAN of the uplink twice"]
                    if verb == "commit":
                        self.confirmed = self.running if self.confirmed is None else self.confirmed
                        self.running = lines
                case "confirm":
                    self.confirmed = None
                case "revert" if self.confirmed is not None:
                    self.running, self.confirmed = self.confirmed, None
            return ["ok"]


class BoxDevice(AttachmentDevice):
    """A box that listens on a loopback port; use as a context manager."""

    ports = ("eth1", "eth2", "eth3")
    busy, uplink = "eth4", "eth9"
    secrets = (PASSWORD, "wrong-horse")
    patience = 5.0

    def __init__(self, password: str) -> None:
        """`password`: a reference."""
        self._listen(BoxServer())
        host, port = self.server.server_address[:2]
        options = {"username": USER, "password": password, "timeout": "5"}
        self.target = Target("sw école", f"box://{host!s}:{port}", options=options)

    def _listen(self, server: BoxServer) -> None:
        self.server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> BoxDevice:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
        for session in self.server.sessions:
            with contextlib.suppress(OSError):
                session.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        before = self.server
        server = BoxServer(int(before.server_address[1]))
        server.running = before.running if before.confirmed is None else before.confirmed
        self._listen(server)

    def add_foreign(self) -> None:
        self.server.running.append(f"port {self.busy} description printer")

    def foreign(self) -> Hashable:
        return tuple(line for line in self.server.running if "description sdnctl " not in line)

    def take_away(self, port: str) -> None:
        self.server.running = [line for line in self.server.running if not line.startswith(f"port {port} ")]

    def wrong_credentials(self) -> Target:
        options = {**self.target.options, "password": "env:SDNCTL_TEST_WRONG"}
        return Target(self.target.device, self.target.address, options=options)
