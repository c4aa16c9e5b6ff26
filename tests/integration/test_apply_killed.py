"""``kill -9`` of apply at random instants: the next apply ends in exactly the old or the new version.

Real processes, killed with SIGKILL at seeded random moments of their run, from imports to the last journal entry.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdnctl_in_process import sdnctl

from sdnctl.usecases.context import Context
from sdnctl.verify.probes import judge, probes

KILLS = 20


class Campaign:
    """One network with two versions of its intents, A and B."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        assert sdnctl("init", folder).code == 0
        assert sdnctl("-n", folder, "lab", "up", "--kind", kind).code == 0
        self.files = {
            name: (folder / "intents" / name).read_text() for name in ("schools.yaml", "video-protection.yaml")
        }

    def choose(self, version: str) -> None:
        """A is the example; B has no schools, and cameras that ask for half as much again on the way down."""
        schools = self.folder / "intents" / "schools.yaml"
        video = self.files["video-protection.yaml"]
        if version == "A":
            schools.write_text(self.files["schools.yaml"])
        else:
            schools.unlink(missing_ok=True)
            changed = video.replace("down: 256 kbit/s", "down: 384 kbit/s")
            assert changed != video
            video = changed
        (self.folder / "intents" / "video-protection.yaml").write_text(video)

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sdnctl", "-n", str(self.folder), "apply", "--yes"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def settle(self, version: str) -> None:
        """Apply, and find exactly this version on every switch, by rules and by packets."""
        self.choose(version)
        done = sdnctl("-n", self.folder, "apply", "--yes")
        assert done.code == 0, done.err
        assert sdnctl("-n", self.folder, "drift", "--exit-code").code == 0, "a rule is missing or left over"
        context = Context(self.folder)
        assert context.store.pending() is None
        compiled = context.need_applied()[1].compiled
        names = {demand.application for demand in compiled.demands}
        assert ("schools" in names) == (version == "A")
        asked = [probe for probe in probes(compiled.demands) if probe.positive][::7]
        lab = context.lab
        assert lab is not None
        with lab.prober() as prober:
            assert judge(asked, prober.exchange(asked)).ok
        context.store.close()

    def pending(self) -> bool:
        context = Context(self.folder)
        found = context.has_store and context.store.pending() is not None
        if context.has_store:
            context.store.close()
        return found

    def run(self, kills: int, seed: int) -> int:
        """Kill `kills` applies; returns how many died with devices half changed."""
        rng = random.Random(seed)
        self.settle("A")
        self.choose("B")
        start = time.monotonic()
        assert self.start().wait(timeout=120) == 0
        whole = time.monotonic() - start
        now, half_done = "B", 0
        for _ in range(kills):
            other = "A" if now == "B" else "B"
            self.choose(other)
            process = self.start()
            time.sleep(rng.uniform(0.4, 1.0) * whole)  # the first part is Python's imports
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            half_done += self.pending()
            now = rng.choice([now, other])
            self.settle(now)
        return half_done


@pytest.fixture
def campaign(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Campaign]:
    one = Campaign(tmp_path / "network", request.param)
    try:
        yield one
    finally:
        assert sdnctl("-n", one.folder, "lab", "down").code == 0
        shutil.rmtree(one.folder)


@pytest.mark.parametrize("campaign", ["memory"], indirect=True)
def test_twenty_kills_on_embedded_switches(campaign: Campaign) -> None:
    assert campaign.run(KILLS, seed=9) >= 3, "too few kills hit the stages: nothing was tested"


@pytest.mark.ovs
@pytest.mark.parametrize("campaign", ["ovs"], indirect=True)
def test_kills_on_open_vswitch(campaign: Campaign) -> None:
    campaign.run(5, seed=10)


@pytest.mark.ovs
@pytest.mark.soak
@pytest.mark.parametrize("campaign", ["ovs"], indirect=True)
def test_many_kills_on_open_vswitch(campaign: Campaign) -> None:
    assert campaign.run(40, seed=11) >= 3
