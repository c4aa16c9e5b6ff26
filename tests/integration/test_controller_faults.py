"""A controller on real Open vSwitch to which everything happens: random faults, and kills while it handles them.

After every batch the network must be exactly what is applied, proven for the links that are down, and carry what
has a way; whatever the controller leaves alone it must name. Full counts are in the soak run, with a report.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from campaign_network import QUICK, ControllerProcess, campaign_net, controlled, machine
from faults import Faults, killed_where, log_of
from sdnctl_in_process import Net

pytestmark = pytest.mark.ovs

REPORTS = Path(__file__).parents[2] / "lab" / "reports"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """Little patience with links, so that a campaign gets anywhere."""
    settings = QUICK.replace("{drift_interval", "{flap_limit: 8, flap_half_life: 500 ms, drift_interval", 1)
    one = campaign_net(tmp_path_factory.mktemp("faults") / "network", settings=settings, hold_down="300 ms")
    try:
        yield one
    finally:
        one.ok("lab", "down")


# ── random faults ────────────────────────────────────────────────────────────────────────────────


def batches(faults: Faults, count: int, largest: int) -> None:
    """So many faults in batches; after each everything is settled and checked."""
    while (left := count - faults.count.total()) > 0:
        faults.batch(min(left, faults.rng.randint(1, largest)))
        faults.settle()
        faults.check("all" if len(faults.settled) % 5 == 0 else "link")
    faults.mend()


def test_ten_faults(net: Net, tmp_path: Path) -> None:
    with controlled(net, log_of(tmp_path)) as controller:
        batches(Faults(net, controller, seed=1), 10, 8)


@pytest.mark.soak
def test_five_hundred_faults(net: Net, tmp_path: Path) -> None:
    seed, wanted, started = 2026, 500, time.monotonic()
    with controlled(net, log_of(tmp_path)) as controller:
        faults = Faults(net, controller, seed)
        batches(faults, wanted, 24)
    said = Counter(line.get("kind", "log") for line in controller.lines())
    lines = [
        "Random faults under a running controller, real Open vSwitch, small example with every class",
        "command: pytest --soak -m soak tests/integration/test_controller_faults.py",
        f"date:    {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}",
        "",
        f"{faults.count.total()} faults (seed {seed}) in {len(faults.settled) - 1} batches, "
        f"{time.monotonic() - started:.0f} s:",
        *(f"  {count:4} {name}" for name, count in faults.count.most_common()),
        "after each batch: switches hold exactly what is applied, nothing pending, V1 holds for the links that",
        "are down, and a frame of every demand arrives that has a way left.",
        f"settled after {statistics.median(faults.settled):.1f} s (median), {max(faults.settled):.1f} s (longest)",
        *(f"  {count:4} {name}" for name, count in sorted(faults.notes.items()) if count),
        "events: " + ", ".join(f"{count} {kind}" for kind, count in said.most_common() if kind != "log"),
        "",
    ]
    (REPORTS / "controller-faults.txt").write_text("\n".join(lines), encoding="utf-8")


# ── kill -9 while failures are handled ───────────────────────────────────────────────────────────


class Kills:
    """Cuts and heals links, kills the controller at random instants of what it does about it, starts the next."""

    def __init__(self, net: Net, controller: ControllerProcess, seed: int) -> None:
        self.net, self.controller = net, controller
        self.faults = Faults(net, controller, seed)
        self.rng = random.Random(seed)
        self.found: Counter[str] = Counter()
        self.whole = 1.0
        self._cut: list[str] = []

    def rehearse(self) -> None:
        """How long a failure takes to be handled when nobody is killed."""
        times = []
        for _ in range(2):
            start = time.monotonic()
            self.happen()
            self.faults.settle()
            times.append(time.monotonic() - start)
        self.whole = max(times)

    def happen(self) -> None:
        """A link is cut, two are, or what is cut is healed."""
        lab = self.faults.lab
        if self._cut:
            lab.heal(self._cut)
            self._cut = []
        else:
            self._cut = self.rng.sample(sorted(lab.links), self.rng.choice((1, 1, 2)))
            lab.cut(self._cut)

    def run(self, kills: int) -> None:
        self.rehearse()
        for index in range(kills):
            self.happen()
            time.sleep((index + self.rng.random()) / kills * self.whole)
            self.controller.kill()
            self.found[killed_where(self.net)] += 1
            self.controller.launch()
            self.faults.settle()
            self.faults.check("all" if index % 10 == 0 else "link")
        self.faults.mend()

    @property
    def half_done(self) -> int:
        return sum(count for where, count in self.found.items() if ":" in where)


def test_kills_while_failures_are_handled(net: Net, tmp_path: Path) -> None:
    with controlled(net, log_of(tmp_path)) as controller:
        Kills(net, controller, seed=5).run(3)


@pytest.mark.soak
def test_a_hundred_kills_while_failures_are_handled(net: Net, tmp_path: Path) -> None:
    seed, count = 6, 100
    with controlled(net, log_of(tmp_path)) as controller:
        kills = Kills(net, controller, seed)
        kills.run(count)
    settled = kills.faults.settled[2:]
    lines = [
        "A controller killed with SIGKILL at random instants after links were cut or healed, real Open vSwitch",
        "command: pytest --soak -m soak tests/integration/test_controller_faults.py",
        f"date:    {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}",
        "",
        f"{count} kills (seed {seed}); handling a failure takes {kills.whole:.1f} s when nobody is killed:",
        *(f"  {number:3} {where}" for where, number in sorted(kills.found.items())),
        "after each, the next start: exactly what is applied on every switch, nothing pending, proven, carried.",
        f"From start to that {statistics.median(settled):.1f} s (median), {max(settled):.1f} s (longest).",
        "",
    ]
    (REPORTS / "controller-killed.txt").write_text("\n".join(lines), encoding="utf-8")
    assert kills.half_done >= count // 10, kills.found
