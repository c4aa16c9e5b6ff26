"""Asking a running controller: JSON there and back, its errors raised as they would be here, its events told."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sdnctl import errors
from sdnctl.client.dialect import DIALECT, HEADER, differs, understood
from sdnctl.client.finding import PATIENCE, listening, reachable
from sdnctl.client.trust import context_from_environment, refused, tls_fault
from sdnctl.errors import Diagnostic, InputError, SdnctlError
from sdnctl.plainjson import parse_json

if TYPE_CHECKING:
    import httpx

Progress = Callable[[str, int, int], None]
_SMALL = 64 * 1024  # bodies below are not worth packing


class Remote:
    """One controller. `where`: ``unix:PATH``, ``http://HOST:PORT`` or ``https://…``."""

    def __init__(self, where: str, *, token: str | None = None, author: str = "") -> None:
        self.where = shown = _without_credentials(where)
        httpx = _httpx(shown)
        self._unix = where.startswith("unix:")
        headers = {"Sdnctl-Author": quote(author)} if author and self._unix else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = httpx.Timeout(None, connect=PATIENCE)
        if self._unix:
            path = Path(where.removeprefix("unix:"))
            if not listening(path):
                raise InputError(_not_there(shown, "nobody listens there"))
            transport = httpx.HTTPTransport(uds=reachable(path), retries=1)
            self._client = httpx.Client(
                transport=transport, base_url="http://controller", headers=headers, timeout=timeout
            )
        else:
            try:
                trusted = context_from_environment() if where.startswith("https:") else None
                verify = trusted if trusted is not None else True
                self._client = httpx.Client(base_url=where, headers=headers, timeout=timeout, verify=verify)
            except (httpx.InvalidURL, ValueError) as error:
                raise InputError(_not_there(shown, str(error).replace(where, shown))) from None

    def close(self) -> None:
        self._client.close()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """An answer; raises what the controller raised."""
        return self._read(self._ask("GET", path, params=parameters))

    def text(self, path: str) -> str:
        """An answer as it was sent."""
        return self._ask("GET", path).text

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> dict[str, Any]:
        """Send a document."""
        content = json.dumps(body, separators=(",", ":")).encode()
        return self.post_text(path, content, **headers)

    def post_text(self, path: str, content: bytes, **headers: str) -> dict[str, Any]:
        """Send a document that is written already; packed where it goes over a wire."""
        sent = {"Content-Type": "application/json", **headers}
        if not self._unix and len(content) > _SMALL:
            content, sent["Content-Encoding"] = gzip.compress(content, 3), "gzip"
        return self._read(self._ask("POST", path, content=content, headers=sent))

    def delete(self, path: str) -> dict[str, Any]:
        """Remove something."""
        return self._read(self._ask("DELETE", path))

    def change(self, path: str, content: bytes | Mapping[str, Any], progress: Progress | None) -> dict[str, Any]:
        """Ask for a change and wait until it is made; `progress` hears of its stages as they come."""
        body = content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode()
        operation = secrets.token_hex(8)
        headers = {"Sdnctl-Operation": operation}
        if progress is None:
            return self.post_text(path, body, **headers)
        with self._listening(operation, progress):
            return self.post_text(path, body, **headers)

    def _ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        import httpx

        try:
            answer: httpx.Response = self._client.request(method, path, **what)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            fault = tls_fault(error)
            if fault is not None:
                raise refused(self.where, fault) from error
            never = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)
            if isinstance(error, never):
                raise InputError(_not_there(self.where, str(error))) from error
            raise _lost(self.where, error) from error
        self._check_dialect(answer)
        if answer.is_error:
            raise raised(answer, self.where)
        return answer

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        with understood(self.where):
            found: dict[str, Any] = parse_json(answer.content)
        return found

    def _check_dialect(self, answer: httpx.Response) -> None:
        """Raise where the controller talks in another form; what is in the way of it (a proxy) has errors too."""
        spoken = answer.headers.get(HEADER)
        if spoken == str(DIALECT) or (spoken is None and answer.is_error):
            return
        has = f"form {spoken}" if spoken is not None else "a form without a number"
        raise differs(self.where, f"it has {has}, and this sdnctl knows form {DIALECT}")

    # ── progress ─────────────────────────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def _listening(self, operation: str, progress: Progress) -> Iterator[None]:
        """Follow the event stream while a change is made; without it, nothing but progress is missing."""
        ready, over = threading.Event(), threading.Event()
        sockets: list[socket.socket] = []

        def listen() -> None:
            import httpx

            failures = contextlib.suppress(httpx.HTTPError, OSError, ValueError)
            with failures, self._client.stream("GET", "/v1/events") as stream:
                sockets.append(stream.extensions["network_stream"].get_extra_info("socket"))
                ready.set()
                if stream.status_code == 200 and not over.is_set():
                    _follow(stream.iter_lines(), operation, progress, over)
            ready.set()

        thread = threading.Thread(target=listen, name="sdnctl-progress", daemon=True)
        thread.start()
        ready.wait(PATIENCE)
        try:
            yield
        finally:
            over.set()
            for one in sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


def _follow(lines: Iterator[str], operation: str, progress: Progress, over: threading.Event) -> None:
    """Tell the stages between the begin and the end of an operation: only one change is made at a time."""
    begun = False
    for line in lines:
        if over.is_set():
            return
        if not line.startswith("data: "):
            continue
        event = parse_json(line.removeprefix("data: "))
        detail = event.get("detail", {})
        mine = detail.get("operation") == operation
        begun = begun or mine
        if begun and event.get("kind") == "change-stage":
            progress(event["summary"], int(detail.get("done", 0)), int(detail.get("total", 0)))
        if mine and event.get("kind") in ("change-done", "change-failed"):
            return


# ── errors ───────────────────────────────────────────────────────────────────────────────────────


def raised(answer: httpx.Response, where: str) -> SdnctlError:
    """The error behind an answer, of the class it had in the controller."""
    try:
        problem = parse_json(answer.content)
        found = tuple(map(Diagnostic.from_json, problem["diagnostics"]))
        kind = getattr(errors, str(problem.get("error", "")), SdnctlError)
    except (ValueError, LookupError, TypeError):
        found, kind = (), SdnctlError
    if not found:
        summary = f"the controller answered with {answer.status_code} {answer.reason_phrase}"
        return SdnctlError(Diagnostic("controller-answer", summary, address=f"controller {where}"))
    if not (isinstance(kind, type) and issubclass(kind, SdnctlError)):
        kind = SdnctlError
    return kind(*found)


def _not_there(where: str, detail: str) -> Diagnostic:
    return Diagnostic(
        "no-controller",
        f"no controller answers at {where}",
        address=f"controller {where}",
        detail=detail,
        hint="start it with `sdnctl controller run`, or leave --controller (SDNCTL_CONTROLLER) out",
    )


def _lost(where: str, error: Exception) -> SdnctlError:
    return SdnctlError(
        Diagnostic(
            "controller-lost",
            "the controller went away before it answered",
            address=f"controller {where}",
            detail=str(error),
            hint="`sdnctl history` shows what became of a change; its next start finishes what was begun",
        )
    )


def _without_credentials(where: str) -> str:
    """An address as it may be shown: people write passwords and tokens into URLs, whether they are used or not."""
    if where.startswith("unix:"):
        return where
    scheme, mark, rest = where.rpartition("://")
    host = re.split("[?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}{mark}{host}"


def _httpx(where: str) -> Any:
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise InputError(
            Diagnostic(
                "no-client",
                "a controller runs for this network, and asking it needs the package httpx",
                address=f"controller {where}",
                hint="pip install 'sdnctl[api]'; without a controller, commands do not need it",
            )
        ) from error
    return httpx
