"""eAPI over HTTP or HTTPS on loopback: basic authentication, JSON-RPC 2.0 ``runCmds``, in threads of its own."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sdnctl_napalm.simulator.commands import CommandFailed, CommandLine
from sdnctl_napalm.simulator.device import ConnectionBreaks, SimulatedEos

LARGEST = 4_000_000


class EapiServer:
    """One simulated switch behind a port of 127.0.0.1; a context manager that ends what it started.

    `context`: for HTTPS. `enable`: the password that privileges need, if any.
    """

    def __init__(
        self,
        device: SimulatedEos,
        username: str,
        password: str,
        *,
        enable: str = "",
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.device = device
        self.credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
        self.enable = enable
        self.context = context
        self.port = 0
        self.requests: list[str] = []
        self.released = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> EapiServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; on the same port as before where it was stopped."""
        self.released.clear()
        self._server = _Server(self, self.port)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="simulated-eos")
        self._thread.start()

    def stop(self) -> None:
        """Close the port and end what is still waiting; the switch keeps what it holds."""
        self.released.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined by server_close, so that none outlives its test
    allow_reuse_address = True

    def __init__(self, eapi: EapiServer, port: int) -> None:
        self.eapi = eapi
        super().__init__(("127.0.0.1", port), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """TLS is shaken hands in the connection's own thread: one that says nothing holds up nobody else."""
        request.settimeout(10)
        if self.eapi.context is None:
            super().finish_request(request, client_address)
            return
        with self.eapi.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or that did not like our certificate, is no fault of the switch."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        eapi = self.server.eapi
        self.close_connection = True
        body = self.rfile.read(min(LARGEST, int(self.headers.get("Content-Length", "0"))))
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if not hmac.compare_digest(given, eapi.credentials):
            self._answer(401, b"Unable to authenticate user: Bad username/password combination")
            return
        eapi.requests.append(body.decode(errors="replace"))
        try:
            self._answer(200, json.dumps(self._call(json.loads(body))).encode())
        except ConnectionBreaks as fault:
            if fault.hang:
                eapi.released.wait(30)
            self.wfile.write(fault.raw)
            self.connection.shutdown(socket.SHUT_WR)

    def _call(self, request: Any) -> dict[str, Any]:
        parameters = request["params"]
        commands = parameters["cmds"]
        device = self.server.eapi.device
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        with device.lock:
            try:
                line = CommandLine(device, self.server.eapi.enable)
                return {**answer, "result": line.run(commands, parameters.get("format") == "text")}
            except CommandFailed as error:
                return {
                    **answer,
                    "error": {
                        "code": error.code,
                        "message": error.message,
                        "data": [*error.done, {"errors": [error.why]}],
                    },
                }

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a simulator in a test does not write to the terminal."""
