"""A page in headless Chromium, driven over the DevTools protocol on two pipes: no port, no further library.

Every request the page makes and every word on its console is kept, so that a test can say there was none.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds until a silent browser is given up."""


def chromium() -> str:
    """Where Chromium is, or an empty string."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )


@dataclass
class Page:
    """One page: commands go out, answers and events come in."""

    to: int
    back: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    loaded: bool = False
    _number: int = 0
    _rest: bytes = b""

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; raises RuntimeError when the browser refuses it."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                found: dict[str, Any] = answer["result"]
                return found
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self.back], [], [], PATIENCE)[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.back, 1 << 20)
            if not part:
                raise EOFError("the browser is gone")
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        method, what = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(f"{what['type']}: {[one.get('value') for one in what['args']]}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(what["exceptionDetails"].get("exception", what["exceptionDetails"])))
        elif method == "Log.entryAdded":
            self.complaints.append(f"{what['entry']['level']}: {what['entry']['text']}")
        elif method == "Page.loadEventFired":
            self.loaded = True

    # ── what a person does ───────────────────────────────────────────────────────────────────────

    def open(self, url: str, width: int = 1400, height: int = 900, *, touch: bool = False) -> None:
        """Load a page at this size and wait until it is there."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch
        )
        self.loaded = False
        self.send("Page.navigate", url=url)
        while not self.loaded:
            self._note(self._receive())
        self.wait("Boolean(window.sdnctlMap && document.querySelector('#panel h1'))")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; raises AssertionError where it throws."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 20.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def click(self, x: float, y: float) -> None:
        """Press and release the left button at a point of the window."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, selector: str) -> None:
        """Click in the middle of an element."""
        box = self.run(
            f"(() => {{const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2];})()"
        )
        self.click(*box)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def key(self, name: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])


@contextmanager
def browser() -> Iterator[Page]:
    """A fresh browser with one empty page; it is gone afterwards, with all that it wrote."""
    profile = tempfile.mkdtemp(prefix="sdnctl-chromium-")
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    # The protocol is spoken on descriptors 3 and 4; what goes there must not be one of them already.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, from_write)]
    quiet = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    process = os.posix_spawn(
        chromium(),
        [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "about:blank",
        ],
        {**os.environ, "HOME": profile},
        file_actions=[
            *((os.POSIX_SPAWN_DUP2, quiet, number) for number in (0, 1, 2)),
            *((os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(ends, start=3)),
        ],
    )
    for end in (to_read, from_write, quiet, *ends):
        os.close(end)
    page = Page(to_write, from_read)
    try:
        target = page.send("Target.createTarget", url="about:blank")["targetId"]
        page.session = page.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.send(f"{domain}.enable")
        yield page
        page.session = ""
        page.send("Browser.close")
    finally:
        _wait(process)
        os.close(to_write)
        os.close(from_read)
        shutil.rmtree(profile, ignore_errors=True)


def _wait(process: int) -> None:
    """Wait until the browser has ended; one that does not is killed."""
    end = time.monotonic() + PATIENCE
    while os.waitpid(process, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def file_url(path: Path) -> str:
    return path.absolute().as_uri()
