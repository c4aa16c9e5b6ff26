"""``kill -9`` of the controller while it makes a change: the next one ends in exactly the old or the new version.

A real controller on embedded switches; a command asks it to apply, and it is killed at seeded random instants, and
some of the next ones while they finish what was left. Whatever is found afterwards must be one version, whole.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fork_server import ForkServer
from rule_names import named
from sdnctl_in_process import Net, new_net
from two_versions import Versions

from sdnctl.client.finding import find_socket
from sdnctl.store.state import State

REPORTS = Path(__file__).parents[2] / "lab" / "reports"


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.02)


class Campaign(Versions):
    """A controller, and a command that asks it for the other version."""

    def __init__(self, net: Net, server: ForkServer, place: Path) -> None:
        super().__init__(net, place)
        self._server, self._place = server, place

    @contextmanager
    def controller(self) -> Iterator[subprocess.Popen[bytes]]:
        """A controller that answers; killed at the end if nobody did it before."""
        with (self._place / "controller.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "sdnctl", "-n", str(self.net.folder), "controller", "run"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: process.poll() is not None or find_socket(self.net.folder) is not None)
            assert process.poll() is None, (self._place / "controller.log").read_text()[-2000:]
            yield process
        finally:
            process.kill()
            process.wait()

    def apply(self) -> float:
        """Ask for the folder to be applied; returns the seconds from its first write."""
        ended = self._server.run("-n", self.net.folder, "apply", "--yes", writes=self.net.log)
        assert ended.code == 0, ended.output
        return ended.writing

    def kill_while_applying(self, process: subprocess.Popen[bytes], instant: float) -> None:
        """Kill the controller so long after it began to write to the store."""
        before = self.net.written()
        asked = threading.Thread(target=self._server.run, args=("-n", self.net.folder, "apply", "--yes"))
        asked.start()
        until(lambda: self.net.written() != before or not asked.is_alive())
        time.sleep(instant)
        process.send_signal(signal.SIGKILL)
        process.wait()
        asked.join(60)
        assert not asked.is_alive(), "the command hangs when its controller dies"

    # ── what must hold ───────────────────────────────────────────────────────────────────────────

    def settled(self) -> State:
        """Wait until the new controller has finished what was begun; what is applied then."""
        until(lambda: self.net.pending() is None and not self.net.applied().silent)
        return self.net.applied()

    def version(self) -> str:
        """Which version all switches hold, to the last rule."""
        state = self.settled()
        held = self.net.ours()
        self.assert_switches_hold(held)
        assert not state.doubtful
        rules = named(held, state.baseline)
        (found,) = [name for name, wanted in self.clean.items() if wanted == rules] or ["neither"]
        assert found in ("A", "B"), "this is neither what was nor what was to be"
        return found

    def rehearse(self) -> float:
        """Both versions without a kill, B twice, because paths that it once moved stay; seconds of an apply."""
        spans = []
        with self.controller():
            for version in ("B", "A", "B"):
                self.choose(version)
                spans.append(self.apply())
                self.clean[version] = named(self.net.ours(), self.net.applied().baseline)
        assert self.clean["A"] != self.clean["B"]
        return min(spans[1:])

    def run(self, kills: int, seed: int) -> None:
        rng = random.Random(seed)
        span = self.rehearse()
        now = "B"
        for index in range(kills):
            other = "A" if now == "B" else "B"
            self.choose(other)
            with self.controller() as process:
                self.kill_while_applying(process, (rng.random() + index) / kills * span)
            pending = self.net.pending()
            self.count_death()
            if pending is not None and rng.random() < 0.4:  # so is the one that finishes it
                with self.controller() as process:
                    time.sleep(rng.random() * span / 2)
            with self.controller():
                now = self.version()
                assert pending is None or now == other, "what was begun is finished"


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    net = new_net(tmp_path / "net", example="small-links")
    net.path("intents/flood-sensors.yaml").unlink()
    net.ok("apply", "--yes")
    try:
        with ForkServer(tmp_path / "output") as server:
            yield Campaign(net, server, tmp_path / "versions")
    finally:
        net.ok("lab", "down")


def test_a_controller_that_is_killed_leaves_the_old_or_the_new(campaign: Campaign) -> None:
    campaign.run(2, seed=1)
    assert campaign.half_done >= 1, campaign.found


@pytest.mark.soak
def test_many_kills_of_a_controller(campaign: Campaign) -> None:
    """The full count, with a report."""
    kills, seed = 100, 5
    campaign.run(kills, seed)
    assert campaign.half_done >= kills // 4, campaign.found
    lines = [
        "A controller on embedded switches, killed with SIGKILL at random instants of an apply",
        "command: pytest --soak -m soak tests/integration/test_controller_killed.py",
        f"date:    {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"{kills} kills (seed {seed}), of those half done 40 % once more while the next controller finished them:",
        *(f"  {count:3} {where}" for where, count in sorted(campaign.found.items())),
        "after each: exactly the old or the new version on every switch, and the new one where it had been begun.",
        "",
    ]
    (REPORTS / "controller-apply-killed.txt").write_text("\n".join(lines), encoding="utf-8")
