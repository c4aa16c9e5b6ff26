"""Planned reroutes on real Open vSwitch under traffic of every class: nothing lost, doubled, or in another slice.

A controller that runs as a process drains switches, follows applies and flips trunks, while numbered frames of
every demand go on without a pause. Windows in which nothing is changed lie between those in which something is: a
window counts where its neighbours lost nothing, because then what is lost was lost by the change. The same moves
written without make-before-break, deletions first, must lose: or the measurement could not see a loss.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from campaign_network import ControllerProcess, campaign_net, controlled, lab_of, machine
from numbered_traffic import Count, Mark, Traffic, streams
from sdnctl_in_process import Net

from sdnctl.daemon.draining import drained
from sdnctl.dataplane.values import Flow
from sdnctl.plan.diff import make_plan
from sdnctl.plan.model import Change, Op, Plan, Stage, StageKind
from sdnctl.southbound.fleet import Fleet
from sdnctl.store.state import State
from sdnctl.usecases.context import Context

pytestmark = [pytest.mark.ovs, pytest.mark.quiet]

REPORTS = Path(__file__).parents[2] / "lab" / "reports"
RATES = (1000.0, 700.0, 500.0, 350.0, 250.0, 150.0, 100.0)
"""Frames a second and class: what the machine cannot carry without any change is no measure of a change."""
TAIL = 0.1  # seconds that belong to a window after its change: what is under way arrives or is lost


@dataclass
class Window:
    """What was done, how many trunks it moved, and what became of the frames that left meanwhile."""

    what: str
    moved: int
    begin: Mark
    end: Mark
    seconds: float
    rate: float
    count: Count = field(default_factory=Count)
    clean: bool = False  # the windows beside it, in which nothing was changed, lost nothing


@dataclass
class Result:
    """Windows with a change, those without, and those of the control."""

    changes: list[Window] = field(default_factory=list)
    nulls: list[Window] = field(default_factory=list)
    control: list[Window] = field(default_factory=list)

    @property
    def counted(self) -> list[Window]:
        return [one for one in self.changes if one.clean]

    @property
    def moved(self) -> int:
        """Trunk moves in windows that count."""
        return sum(one.moved for one in self.counted)


class Campaign:
    """One network under one controller, driven round a cycle of changes."""

    def __init__(self, net: Net, controller: ControllerProcess) -> None:
        self.net, self.controller, self.lab = net, controller, lab_of(net)
        self.streams = streams(net.applied().compiled.demands)
        self._works = net.path("topology/maintenance.yaml").read_text(encoding="utf-8")
        self._cycle = self._forever()

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    def _forever(self) -> Iterator[tuple[str, Callable[[], int]]]:
        while True:
            for node in ("pop-east", "pop-north", "core-a", "pop-east", "pop-north"):
                yield f"drain {node}", lambda node=node: self._drain(node)  # type: ignore[misc]
                yield f"undrain {node}", lambda node=node: self._drain(node, back=True)  # type: ignore[misc]
            yield "apply works", lambda: self._apply("[{link: core-a--pop-north, reason: works}]")
            yield "apply end of works", lambda: self._apply("[]")
            yield "flip", self._flip
            yield "flip back", self._flip

    def _drain(self, node: str, *, back: bool = False) -> int:
        found = self.controller.post("/v1/drains", {"switch": node, "back": back})
        return sum(one["links_before"] != one["links_after"] for one in found["moved"])

    def _flip(self) -> int:
        able = [one.key for one in self.net.applied().compiled.trunks if one.standby is not None]
        self.controller.post("/v1/flips", {"trunks": able})
        return len(able)

    def _apply(self, links: str) -> int:
        """`sdnctl apply` in a process of its own, which finds the controller and asks it."""
        before = _paths(self.net.applied())
        changed = self._works.replace("out_of_service: []", f"out_of_service: {links}")
        self.net.path("topology/maintenance.yaml").write_text(changed, encoding="utf-8")
        command = [sys.executable, "-m", "sdnctl", "-n", str(self.net.folder), "apply", "--yes"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        after = _paths(self.net.applied())
        return sum(after[key] != path for key, path in before.items() if key in after)

    # ── windows ──────────────────────────────────────────────────────────────────────────────────

    def run(self, moves: int, seconds: float, rates: tuple[float, ...] = RATES, block: int = 6) -> Result:
        """Change until so many moves count, or the time is over; with less traffic where that is too much."""
        result, level = Result(), 0
        deadline = time.monotonic() + seconds
        while result.moved < moves and time.monotonic() < deadline:
            changes, nulls = self._block(rates[level], block)
            result.changes += changes
            result.nulls += nulls
            clean = sum(one.clean for one in changes)
            if clean < len(changes) * 2 / 3 and level + 1 < len(rates):
                level += 1
            elif clean == len(changes) and level:
                level -= 1
        return result

    def _block(self, rate: float, size: int) -> tuple[list[Window], list[Window]]:
        """A number of changes under one traffic, each between two windows without any."""
        changes: list[Window] = []
        nulls: list[Window] = []
        traffic = Traffic(self.lab.wire(), self.streams, rate)
        with traffic:
            time.sleep(0.3)  # the first packets of every stream are slow
            nulls.append(_window(traffic, "null", lambda: _pause(1.0)))
            for _ in range(size):
                what, change = next(self._cycle)
                changes.append(_window(traffic, what, change))
                nulls.append(_window(traffic, "null", lambda: _pause(min(changes[-1].seconds, 1.0))))
        for one in (*changes, *nulls):
            one.count = traffic.count(one.begin, one.end)
        for one, before, after in zip(changes, nulls, nulls[1:], strict=False):
            one.clean = not before.count.lost and not after.count.lost
        return changes, nulls


def _window(traffic: Traffic, what: str, work: Callable[[], int]) -> Window:
    begin, start = traffic.mark(), time.monotonic()
    moved = work()
    time.sleep(TAIL)
    return Window(what, moved, begin, traffic.mark(), time.monotonic() - start, traffic.pps)


def _pause(seconds: float) -> int:
    time.sleep(max(0.0, seconds - TAIL))
    return 0


def _paths(state: State) -> dict[str, tuple[str, ...]]:
    return {trunk.key: trunk.path.links for trunk in state.compiled.trunks}


# ── the control ──────────────────────────────────────────────────────────────────────────────────


def control(net: Net, node: str, runs: int, rate: float) -> list[Window]:
    """A drain and its end written in one go to each switch, deletions first; no controller may be running."""
    lab = lab_of(net)
    before = net.applied()
    after = drained(before, node)
    moved = sum(_paths(after)[key] != path for key, path in _paths(before).items())
    found: list[Window] = []
    with net.open() as context:
        for run in range(runs):
            one, other = (before, after) if run % 2 == 0 else (after, before)
            traffic = Traffic(lab.wire(), streams(before.compiled.demands), rate)
            with traffic:
                time.sleep(0.5)
                window = _window(traffic, f"control {node}", lambda: _at_once(context, one, other) or moved)  # noqa: B023
            window.count = traffic.count(window.begin, window.end)
            found.append(window)
    return found


def _at_once(context: Context, before: State, after: State) -> int:
    """Bring switches from one state to another, deletions before everything else; returns 0."""

    async def work() -> None:
        with context.store.hold() as lease:
            async with context.fleet(before.compiled.topology) as fleet:
                await fleet.fence(lease.generation)
                seen = await fleet.observe()
                plan = make_plan(
                    "control",
                    after.compiled,
                    seen.rules,
                    before.compiled,
                    created="2026-01-01T00:00:00Z",
                    rules=after.rules,
                    applied_rules=before.rules,
                )
                await _write(fleet, plan)
                held = (await fleet.observe()).rule_sets
                assert {device: held[device] for device in after.rules} == after.rules

    asyncio.run(work())
    return 0


def _step(change: Change) -> int:
    """Flows go first; what they point to goes last, because it takes flows along."""
    if change.op is not Op.DELETE:
        return 1
    return 0 if isinstance(change.rule, Flow) else 2


async def _write(fleet: Fleet, plan: Plan) -> None:
    """Every change of a plan, one switch after the other: flows go, everything new comes, groups and meters go."""
    for step in range(3):
        for device in sorted({device for stage in plan.stages for device in stage.changes}):
            found = [one for stage in plan.stages for one in stage.changes.get(device, ())]
            changes = tuple(one for one in found if isinstance(one, Change) and _step(one) == step)
            if changes:
                await fleet.commit(Stage(StageKind.RETIRE, {device: changes}))


# ── tests ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    one = campaign_net(tmp_path_factory.mktemp("reroutes") / "network", settings="")
    try:
        yield one
    finally:
        one.ok("lab", "down")


def check(result: Result) -> None:
    """What is never right, in any window; and what is not where the machine itself lost nothing."""
    everything = sum((one.count for one in (*result.changes, *result.nulls)), Count())
    assert everything.duplicated == everything.astray == everything.altered == 0, everything
    lossy = [(one.what, one.count) for one in result.counted if one.count.lost]
    assert not lossy, f"in {len(lossy)} of {len(result.counted)} windows: {lossy[:5]}"


ATTEMPTS = 3
"""What else runs on the machine can only add losses: the first measurement without any counts."""


def test_twenty_reroutes_lose_nothing_and_the_control_does(net: Net, tmp_path: Path) -> None:
    with controlled(net, tmp_path / "log") as controller:
        campaign = Campaign(net, controller)
        for attempt in range(ATTEMPTS):
            result = campaign.run(20, 25.0, rates=(100.0, 50.0), block=2)
            try:
                assert result.moved >= 20, [(one.what, one.moved, one.clean) for one in result.changes]
                check(result)
            except AssertionError:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                break
        for node in net.applied().drained:
            controller.post("/v1/drains", {"switch": node, "back": True})
    lost = [one.count.lost for one in control(net, "core-a", 2, 100.0)]
    assert all(lost), f"without make-before-break frames must be lost, or nobody would see it: {lost}"


@pytest.mark.soak
def test_a_thousand_reroutes(net: Net, tmp_path: Path) -> None:
    """The full count, with a report and a plot."""
    with controlled(net, tmp_path / "log") as controller:
        result = Campaign(net, controller).run(1000, 1800.0)
        for node in net.applied().drained:
            controller.post("/v1/drains", {"switch": node, "back": True})
    slowest = min(one.rate for one in result.counted)
    result.control = control(net, "core-a", 10, slowest)
    write_report(result)
    plot(result)
    assert result.moved >= 1000
    check(result)
    assert all(one.count.lost for one in result.control)


def write_report(result: Result) -> None:
    counted, others = result.counted, [one for one in result.changes if not one.clean]
    total = sum((one.count for one in counted), Count())
    rates: dict[float, list[Window]] = defaultdict(list)
    kinds: dict[str, list[Window]] = defaultdict(list)
    for one in counted:
        rates[one.rate].append(one)
        kinds[one.what].append(one)
    disturbed = sum((one.count for one in others), Count())
    nulls = sum((one.count for one in result.nulls), Count())
    lines = [
        "Planned reroutes under traffic in all eleven classes, real Open vSwitch, a controller as a process",
        "command: pytest --soak -m soak tests/integration/test_reroutes.py",
        f"date:    {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine()}; userspace datapath",
        "",
        "Small example with a service of every class (56 demands, 12 switches, 18 veth links). A reroute is a",
        "trunk that runs over other links after a change than before. Windows without change lie between those",
        "with one; a window counts where both neighbours lost nothing. There is less traffic where the machine",
        "loses without any change. Switches and hosts run before everything else on the same CPUs (SCHED_RR), and",
        "a port holds 4 MB.",
        "",
        f"reroutes {result.moved} in {len(counted)} changes: sent {total.sent}, lost {total.lost}, "
        f"duplicated {total.duplicated}, in a wrong slice {total.astray}, altered {total.altered}",
        f"  (overtaken on a shorter path: {total.late})",
        *(
            f"  at {rate:4.0f} frames/s in each class ({11 * rate:.0f} in all): "
            f"{sum(w.moved for w in found)} reroutes, "
            f"lost {sum(w.count.lost for w in found)} of {sum(w.count.sent for w in found)}"
            for rate, found in sorted(rates.items(), reverse=True)
        ),
        *(
            f"  {what}: {len(found)} times, {sum(w.moved for w in found)} reroutes, "
            f"lost {sum(w.count.lost for w in found)} of {sum(w.count.sent for w in found)}"
            for what, found in sorted(kinds.items())
        ),
        f"null windows: {len(result.nulls)}, {sum(not one.count.lost for one in result.nulls)} of them without "
        f"loss; sent {nulls.sent}, lost {nulls.lost}",
        f"changes beside a null window that lost: {len(others)}, not counted "
        f"({sum(w.moved for w in others)} reroutes, lost {disturbed.lost} of {disturbed.sent}, "
        f"duplicated {disturbed.duplicated}, "
        f"in a wrong slice {disturbed.astray})",
        f"control without make-before-break ({result.control[0].moved} trunks a time, "
        f"{result.control[0].rate:.0f} frames/s in each class): lost "
        + " ".join(str(one.count.lost) for one in result.control),
        "",
    ]
    (REPORTS / "reroutes.txt").write_text("\n".join(lines), encoding="utf-8")


def plot(result: Result) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    position, x = 0, []
    for one in result.counted:
        position += one.moved
        x.append(position)
    axes.plot(x, [one.count.lost for one in result.counted], ".", label="make before break, counted windows")
    clean = [one for one in result.nulls if not one.count.lost]
    axes.plot(
        [position * (i + 0.5) / max(len(clean), 1) for i in range(len(clean))],
        [0] * len(clean),
        "|",
        label="null windows beside them",
        alpha=0.5,
    )
    axes.plot(
        [position + 20 * (i + 1) for i in range(len(result.control))],
        [one.count.lost for one in result.control],
        "x",
        label="control: deletions first",
    )
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=-0.2)
    axes.set_xlabel("reroutes so far")
    axes.set_ylabel("frames lost in the window")
    axes.legend(loc="center left")
    figure.savefig(REPORTS / "reroutes.png", dpi=110)
    plt.close(figure)
