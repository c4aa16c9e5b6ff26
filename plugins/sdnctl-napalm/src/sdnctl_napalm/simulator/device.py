"""The simulated switch: running and startup configuration, configuration sessions, commit timers, faults.

A session is a copy of the running configuration that commands change. Committing it with a timer puts it into
effect and goes back by itself unless it is committed again before the timer ends. A reboot starts from the startup
configuration and forgets sessions.
"""

from __future__ import annotations

import copy
import difflib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sdnctl_napalm.simulator.configuration import Editor, Refused, Tree, empty, text_of

SESSIONS = 5
"""Sessions that may be pending at a time."""


class Fault(StrEnum):
    """What happens, once, when a command is run that begins with certain words."""

    REFUSE = "refuse"  # an error message
    IGNORE = "ignore"  # success, and nothing is done
    HANG = "hang"  # it is done, and no answer comes
    REBOOT = "reboot"  # before it is done
    LOSE = "lose"  # it is done, and the connection breaks before the answer
    GARBAGE = "garbage"  # it is done, and the answer cannot be read


class ConnectionBreaks(Exception):
    """The answer never arrives; `raw` is sent in its place, `hang` tells whether the line stays open."""

    def __init__(self, raw: bytes = b"", *, hang: bool = False) -> None:
        super().__init__("the connection breaks")
        self.raw = raw
        self.hang = hang


@dataclass(slots=True)
class Session:
    """One configuration session; `before` and `commit_by` (uptime, seconds) while its timer runs."""

    tree: Tree
    state: str = "pending"
    before: Tree | None = None
    commit_by: float = 0.0


@dataclass(slots=True)
class Planted:
    """A fault that waits for its command; `garbage` is what `Fault.GARBAGE` sends, `action` what else happens."""

    words: str
    fault: Fault | None
    garbage: bytes = b""
    action: Callable[[], None] = lambda: None


@dataclass(slots=True)
class SimulatedEos:
    """One switch. `neighbours`: port → (system name, port) heard there; `optics`: port → (rx, tx) in dBm."""

    hostname: str = "sw-school"
    ports: tuple[str, ...] = tuple(f"Ethernet{number}" for number in range(1, 10))
    down: set[str] = field(default_factory=set)
    neighbours: dict[str, tuple[str, str]] = field(default_factory=dict)
    optics: dict[str, tuple[float, float]] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    lock: threading.RLock = field(default_factory=threading.RLock)
    running: Tree = field(default_factory=dict)
    startup: Tree = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    flash: dict[str, Tree] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    booted: float = 0.0
    ahead: float = 0.0

    def __post_init__(self) -> None:
        self.running = empty(self.hostname, frozenset(self.ports))
        self.startup = copy.deepcopy(self.running)
        self.booted = self.now - 1000.0

    # ── from outside, as an operator at the console or a test does ───────────────────────────────

    def configure(self, *commands: str) -> None:
        """Change running and startup by hand."""
        with self.lock:
            self.tick()
            tree = copy.deepcopy(self.running)
            editor = Editor(tree, frozenset(self.ports))
            for command in commands:
                editor.apply(command)
            self.running = tree
            self.startup = copy.deepcopy(self.running)

    def reboot(self) -> None:
        with self.lock:
            self.running = copy.deepcopy(self.startup)
            self.sessions.clear()
            self.booted = self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self.lock:
            self.ahead += seconds
            self.tick()

    def plant(self, words: str, fault: Fault, garbage: bytes = b"\x00\xff not JSON") -> None:
        """The next command that begins with `words` meets this fault."""
        with self.lock:
            self.planted.append(Planted(words, fault, garbage))

    def meanwhile(self, words: str, action: Callable[[], None]) -> None:
        """Let something happen on the switch right before the next command that begins with `words`."""
        with self.lock:
            self.planted.append(Planted(words, None, action=action))

    @property
    def text(self) -> str:
        """What ``show running-config`` says now."""
        with self.lock:
            self.tick()
            return text_of(self.running)

    @property
    def startup_text(self) -> str:
        with self.lock:
            return text_of(self.startup)

    @property
    def pending(self) -> tuple[str, ...]:
        """Sessions that are neither completed nor given up."""
        with self.lock:
            self.tick()
            return tuple(name for name, one in self.sessions.items() if one.state.startswith("pending"))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> float:
        return self.clock() + self.ahead

    @property
    def uptime(self) -> float:
        return self.now - self.booted

    def tick(self) -> None:
        """Take back every commit whose timer has ended."""
        for session in self.sessions.values():
            if session.state == "pendingCommitTimer" and self.uptime >= session.commit_by:
                self._take_back(session)

    def _take_back(self, session: Session) -> None:
        assert session.before is not None
        self.running, session.before, session.state = session.before, None, "aborted"

    # ── sessions ─────────────────────────────────────────────────────────────────────────────────

    def enter(self, name: str) -> Session:
        """The session of this name, made from the running configuration where it is new."""
        if name in self.sessions:
            session = self.sessions[name]
            if session.state != "pending":
                raise Refused(f"Cannot enter session {name} (already {session.state})")
            return session
        if sum(one.state == "pending" for one in self.sessions.values()) >= SESSIONS:
            raise Refused("Maximum number of pending sessions has been reached")
        self.sessions[name] = Session(copy.deepcopy(self.running))
        return self.sessions[name]

    def editor(self, session: Session, *, clean: bool = False) -> Editor:
        """What changes a session's configuration; `clean` empties it first."""
        if clean:
            session.tree = {f"interface {port}": {} for port in self.ports}
        return Editor(session.tree, frozenset(self.ports))

    def commit(self, name: str, seconds: int | None) -> None:
        """Put a session into effect, for so many seconds or, also after that, for good."""
        session = self._named(name)
        if session.state == "pendingCommitTimer" and seconds is None:
            session.state, session.before = "completed", None
            return
        if session.state != "pending":
            raise Refused(f"Cannot commit session {name} (already {session.state})")
        if any(one.state == "pendingCommitTimer" for one in self.sessions.values()):
            raise Refused("Another session is waiting for its commit timer")
        before, self.running = self.running, copy.deepcopy(session.tree)
        if seconds is None:
            session.state = "completed"
        else:
            session.state, session.before = "pendingCommitTimer", before
            session.commit_by = self.uptime + seconds

    def abort(self, name: str) -> None:
        session = self._named(name)
        if session.state == "pendingCommitTimer":
            self._take_back(session)
        elif session.state != "pending":
            raise Refused(f"Cannot abort session {name} (already {session.state})")
        session.state = "aborted"

    def session_text(self, name: str) -> str:
        return text_of(self._named(name).tree)

    def differences(self, name: str) -> str:
        old, new = text_of(self.running), text_of(self._named(name).tree)
        lines = difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            "system:/running-config",
            f"session:/{name}-session-config",
            lineterm="",
        )
        return "\n".join(lines)

    def _named(self, name: str) -> Session:
        if name not in self.sessions:
            raise Refused(f"Cannot find session {name}")
        return self.sessions[name]
