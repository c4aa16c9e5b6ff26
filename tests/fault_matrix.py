"""The fault matrix: what goes wrong while nothing is going on or in the middle of an apply, and what is then said.

A fault is a context manager of a `World`: it happens on entering, and leaving mends it, unless it mended itself.
It yields what the status must say meanwhile. After each, and while it stands wherever the controller can do
something about it, everything must be settled and hold (`settling`).
"""

from __future__ import annotations

import json
import resource
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import jumping_clock
from campaign_network import ControllerProcess
from fork_server import Ended, ForkServer
from ovs_fixture import wait_until
from sdnctl_in_process import WORKS, Net
from settling import Settling
from slow_switch import Pace, SlowSwitch

from sdnctl.lab.base import Lab

When = Literal["idle", "during apply"]
WHEN: tuple[When, ...] = ("idle", "during apply")
WORKED_ON = "core-a--pop-north"
"""The link that every second apply takes out of service; nothing else happens to it."""
HOURS = 26
"""A jump of the clock: longer than a proof is fresh, and than any lease."""


@dataclass(frozen=True)
class Meanwhile:
    """What the status says while a fault stands. Not `settles`: the controller waits, and frames must arrive.

    `refuses`: an apply is refused, with one of these codes and with these words. `stale`: proofs are.
    """

    down: frozenset[str] = frozenset()
    unreachable: frozenset[str] = frozenset()
    settles: bool = True
    refuses: Mapping[str, str] = field(default_factory=dict)
    stale: bool = False


@dataclass
class Row:
    """What a cell of the matrix came to, over all times that it was run."""

    fault: str
    when: When
    seconds: list[float] = field(default_factory=list)
    said: dict[str, None] = field(default_factory=dict)
    """In order of appearance, each once."""

    @property
    def line(self) -> str:
        return (
            f"{self.fault:34} {self.when:13} {len(self.seconds):5} {statistics.median(self.seconds):8.1f} s "
            f"{max(self.seconds):7.1f} s  {'; '.join(self.said) or 'all is well'}"
        )


class World(Settling):
    """A lab under a controller, in which one switch, `victim`, can be made slow, and a disk full."""

    def __init__(
        self,
        net: Net,
        controller: ControllerProcess,
        lab: Lab,
        *,
        server: ForkServer,
        clock: Path,
        seed: int,
        empty: Callable[[str], None],
        shut: Callable[[str, bool], None],
        slow: Callable[[], AbstractContextManager[object]],
        sever: Callable[[], None] = lambda: None,
        disk: Path | None = None,
        held_up: float = 25.0,
        proof: str = "link",
    ) -> None:
        """`shut` closes or opens one end of a link; `held_up`: seconds for which the store cannot be written.

        `proof`: the further failures under which V1 must hold while a fault stands; afterwards it is each link's.
        """
        super().__init__(net, controller, lab)
        self.server, self.clock, self.rng = server, clock, Random(seed)
        self.empty, self.shut, self.slow, self.sever = empty, shut, slow, sever
        self.disk, self.held_up, self.proof = disk, held_up, proof
        self.victim = "pop-east"
        self.span = 0.5  # seconds of an apply, from its first write
        self.closed: set[str] = set()
        self._works = net.path("topology/maintenance.yaml").read_text(encoding="utf-8")
        self._working = False
        self._applying: threading.Thread | None = None
        self.ended: Ended | None = None

    # ── applies ──────────────────────────────────────────────────────────────────────────────────

    def choose(self) -> None:
        """The folder is now the other one of two: with works on a link, or without."""
        self._working = not self._working
        text = self._works.replace("out_of_service: []", f"out_of_service: {WORKS if self._working else '[]'}")
        self.net.path("topology/maintenance.yaml").write_text(text, encoding="utf-8")

    def apply(self, kill: float | None = None) -> Ended:
        """Apply the folder in a process of its own; with `kill`, only for so long since the first write."""
        words = ("-n", self.net.folder, "--format", "json", "apply", "--yes")
        return self.server.run(*words, kill=kill, writes=self.net.log, since_write=kill is not None)

    def rehearse(self) -> None:
        """How long an apply takes when nothing happens."""
        for _ in range(2):
            self.choose()
            ended = self.apply()
            assert ended.code == 0, ended.output
            self.span = ended.writing
        self.settle()

    def begin_apply(self, kill: float | None = None) -> None:
        """Start an apply of the other version and come back in the middle of it."""
        self.choose()
        before = self.net.written()
        self.ended = None

        def work() -> None:
            self.ended = self.apply(kill)

        self._applying = threading.Thread(target=work, name="apply")
        self._applying.start()
        thread = self._applying
        wait_until(lambda: self.net.written() != before or not thread.is_alive(), "the apply writes", 60.0)
        time.sleep(self.rng.random() * self.span)

    def _end_applies(self) -> None:
        """An apply may be refused or broken off, because of what happened; it may neither hang nor break."""
        if self._applying is None:
            return
        self._applying.join(90)
        assert not self._applying.is_alive(), "the apply hangs"
        self._applying = None
        assert self.ended is not None
        assert "Traceback" not in self.ended.output, self.ended.output
        assert self.ended.code in (0, 1, 3, 4, -9), self.ended

    # ── what happens ─────────────────────────────────────────────────────────────────────────────

    def any_link(self) -> str:
        return self.rng.choice(sorted(self.lab.links - {WORKED_ON}))

    def links_of(self, node: str) -> frozenset[str]:
        topology = self.net.applied().compiled.topology
        return frozenset(link.id for link in topology.links.values() if node in link.nodes)

    def down_links(self) -> frozenset[str]:
        return self.lab.down_links | self.closed

    # ── what must be so ──────────────────────────────────────────────────────────────────────────

    def run(self, row: Row) -> None:
        """One cell, once: the fault, what is said of it, and that all is well afterwards."""
        happen = FAULTS[row.fault]
        with ExitStack() as standing:
            if row.when == "during apply":
                self.begin_apply(self.rng.random() * self.span if row.fault == COMMAND_KILLED else None)
            start = time.monotonic()
            told = standing.enter_context(happen(self))
            if told.settles:
                self.settle()
                row.seconds.append(time.monotonic() - start)
            self.say(row, told)
            if told.settles:
                self.check(self.proof)
            start = time.monotonic()
        self.settle()
        row.seconds.append(time.monotonic() - start)
        self.repeat(row)
        self.say(None, Meanwhile())
        self.check()

    def repeat(self, row: Row) -> None:
        """What was not applied because of the fault is, now that there is none, at the first attempt."""
        ended, self.ended = self.ended, None
        if ended is None or ended.code == 0:
            return
        code, words = _refusal(ended)
        row.said.setdefault(f"apply: {code} ({words})" if code else "apply: killed")
        again = self.apply()
        assert again.code == 0, again.output
        self.settle()

    def say(self, row: Row | None, told: Meanwhile) -> None:
        """The status names exactly what is not as it should be, in JSON and in words."""
        document = self.net.json("status")
        down = told.down & set(self.net.applied().compiled.topology.links)
        assert set(document["unreachable"]) == told.unreachable, document["unreachable"]
        assert set(document["down"]) == down, (document["down"], down)
        words = self.net.ok("status").out
        for name in (*told.unreachable, *down):
            assert name in words.replace("\n", " "), words
        levels = {one["application"]: one["levels"]["V1"] for one in document["applications"]}
        if told.stale:
            assert set(levels.values()) == {"stale"}, levels
        if told.settles:
            assert document["pending"] is None, document["pending"]
            assert set(document["pinned"]) == down, document["pinned"]
        else:
            self.carried(self.net.applied())
        if told.refuses:
            self._end_applies()
            ended = self.ended
            if ended is None or ended.code == 0:  # it was over before the fault: another one
                self.choose()
                ended = self.ended = self.apply()
            code, reason = _refusal(ended)
            assert ended.code != 0, f"an apply is not refused: {ended.output}"
            assert code in told.refuses, ended.output
            assert told.refuses[code] in reason, ended.output
            assert '"hint": ""' not in ended.output, ended.output
            if row is not None:
                row.said.setdefault(f"apply: {code} ({reason})")
        if row is not None:
            for sentence in spoken(document, stale=told.stale):
                row.said.setdefault(sentence)


def spoken(document: dict[str, Any], *, stale: bool) -> Iterator[str]:
    """What a status says that is out of order, in short."""
    demands = sum(one["demands"] for one in document["applications"])
    weaker = sum(one["unprotected"] for one in document["applications"])
    cut_off = sum(one["cut_off"] for one in document["applications"])
    for name in ("unreachable", "down", "damped"):
        if document[name]:
            yield f"{name}: {len(document[name])}, each by name"
    if document["pending"]:
        yield "pending: the apply, by number"
    if weaker:
        yield f"less protected: some of {demands} demands, by application"
    if cut_off:
        yield "cut off: those that have no way, by application"
    if stale:
        yield "V1 stale"


def _refusal(ended: Ended) -> tuple[str, str]:
    """Code and detail of the first diagnostic of a command that failed."""
    with suppress(ValueError, LookupError):
        text = ended.output
        first = json.loads(text[text.index("{") : text.rindex("}") + 1])["diagnostics"][0]
        return first["code"], first["detail"] or first["summary"]
    return "", ""


# ── the faults ───────────────────────────────────────────────────────────────────────────────────


def fault(steps: Callable[..., Iterator[Meanwhile]]) -> Callable[..., AbstractContextManager[Meanwhile]]:
    """A fault from what happens, a yield, and what mends it: that is done however the with-block ends."""

    @contextmanager
    def managed(world: World, **how: bool) -> Iterator[Meanwhile]:
        running = steps(world, **how)
        try:
            yield next(running)
        finally:  # or all cells after one that fails would fail, too
            next(running, None)

    return managed


@fault
def link(world: World) -> Iterator[Meanwhile]:
    name = world.any_link()
    world.lab.cut([name])
    yield Meanwhile(down=frozenset((name,)))
    world.lab.heal([name])


@fault
def port(world: World) -> Iterator[Meanwhile]:
    """One end of a cable is shut; the other one sees no light, or does not notice."""
    name = world.any_link()
    world.shut(name, True)
    world.closed.add(name)
    yield Meanwhile(down=frozenset((name,)))
    world.shut(name, False)
    world.closed.clear()


@fault
def switch(world: World, *, empty: bool = False) -> Iterator[Meanwhile]:
    """A switch dies, and is back: with what it held, or without a rule."""
    links = world.links_of(world.victim)
    world.lab.kill_switch(world.victim)
    world.sever()
    yield Meanwhile(down=links, unreachable=frozenset((world.victim,)))
    if empty:
        world.empty(world.victim)
    world.lab.revive(world.victim)


def switch_without_state(world: World) -> AbstractContextManager[Meanwhile]:
    return switch(world, empty=True)


@fault
def controller_killed(world: World) -> Iterator[Meanwhile]:
    world.controller.kill()
    world.sever()
    yield Meanwhile(settles=False)
    world.controller.launch()


@fault
def command_killed(world: World) -> Iterator[Meanwhile]:
    """When idle: while it plans what is applied already."""
    if world._applying is None:
        words = ("-n", world.net.folder, "apply", "--yes")
        world.server.run(*words, kill=world.rng.random() * 0.5)
    yield Meanwhile()


@fault
def store_locked(world: World) -> Iterator[Meanwhile]:
    """Another process holds a write transaction: for a moment nobody notices, for longer an apply is refused."""
    with closing(sqlite3.connect(world.net.path(".sdnctl/store.db"), timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        refuses = {"store-failed": "database is locked", **WITHOUT_LEASE} if world.held_up > 12 else {}
        yield Meanwhile(settles=False, refuses=refuses)
        time.sleep(max(0.0, start + world.held_up - time.monotonic()))
        other.execute("ROLLBACK")


@fault
def disk_full(world: World) -> Iterator[Meanwhile]:
    """Nothing can be written to the folder any more."""
    start = time.monotonic()
    if world.disk is not None:
        with (world.disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        words = "full"
    else:
        assert world.controller.child is not None
        pid, words = world.controller.child.pid, "I/O error"
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, before[1]))
    yield Meanwhile(settles=False, refuses={"store-failed": words, **WITHOUT_LEASE})
    time.sleep(max(0.0, start + world.held_up - time.monotonic()))
    if world.disk is not None:
        (world.disk / "ballast").unlink()
    else:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@fault
def clock_fast(world: World) -> Iterator[Meanwhile]:
    world.net.ok("verify", "--live", "--failures", "none")
    jumping_clock.jump(world.clock, HOURS * 3600.0)
    yield Meanwhile(stale=True)
    jumping_clock.jump(world.clock, 0.0)


@fault
def clock_slow(world: World) -> Iterator[Meanwhile]:
    jumping_clock.jump(world.clock, -HOURS * 3600.0)
    yield Meanwhile()
    jumping_clock.jump(world.clock, 0.0)


@fault
def slow_switch(world: World) -> Iterator[Meanwhile]:
    with world.slow():
        yield Meanwhile()


@fault
def flapping(world: World) -> Iterator[Meanwhile]:
    """A link comes and goes, and stays in the end."""
    name = world.any_link()
    for _ in range(6):
        world.lab.cut([name])
        time.sleep(world.rng.random() * 0.2)
        world.lab.heal([name])
        time.sleep(world.rng.random() * 0.2)
    yield Meanwhile()


@fault
def link_and_switch(world: World) -> Iterator[Meanwhile]:
    with switch(world, empty=True) as dead, link(world) as cut:
        yield Meanwhile(down=dead.down | cut.down, unreachable=dead.unreachable)


@fault
def link_and_controller(world: World) -> Iterator[Meanwhile]:
    """The link is cut when nobody is there to see it; the next controller does."""
    world.controller.kill()
    world.sever()
    with link(world) as cut:
        world.controller.launch()
        yield cut


WITHOUT_LEASE = {"standby": "lost its lease"}
"""What a controller says that could not renew its lease for as long as one lasts."""
COMMAND_KILLED = "command killed"
FAULTS: dict[str, Callable[[World], AbstractContextManager[Meanwhile]]] = {
    "link": link,
    "port": port,
    "switch, back with its rules": switch,
    "switch, back without any": switch_without_state,
    "controller killed": controller_killed,
    COMMAND_KILLED: command_killed,
    "store locked": store_locked,
    "disk full": disk_full,
    f"clock {HOURS} h fast": clock_fast,
    f"clock {HOURS} h slow": clock_slow,
    "slow switch": slow_switch,
    "link flaps": flapping,
    "link and switch at once": link_and_switch,
    "link and controller at once": link_and_controller,
}


def matrix(faults: Sequence[str] = tuple(FAULTS)) -> list[Row]:
    """All cells."""
    return [Row(fault, when) for fault in faults for when in WHEN]


@contextmanager
def paced(switch: SlowSwitch, pace: Pace) -> Iterator[None]:
    switch.pace = pace
    try:
        yield
    finally:
        switch.pace = Pace()
