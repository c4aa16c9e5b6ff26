"""``kill -9`` of apply at random instants: the next one ends in exactly the old or the new version, nothing over.

Real processes, killed at seeded random moments between their start and their last journal entry. After every kill
the switches must hold exactly one version's rules, compared by name with what applies leave that nobody kills.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fork_server import ForkServer
from rule_names import named
from sdnctl_in_process import Net, new_net
from two_versions import Versions

from sdnctl.dataplane.values import RuleSet

REPORTS = Path(__file__).parents[2] / "lab" / "reports"


class Campaign(Versions):
    """Applies in processes of their own."""

    def __init__(self, net: Net, server: ForkServer, place: Path) -> None:
        super().__init__(net, place)
        self.server = server
        self.whole = self.writing = 60.0
        self.took: list[tuple[float, float]] = []

    def apply(self, kill: float | None = None, *, since_write: bool = False) -> int:
        """Apply the folder in a process of its own; its exit code, −9 when it was killed."""
        ended = self.server.run(
            "-n", self.net.folder, "apply", "--yes", kill=kill, writes=self.net.log, since_write=since_write
        )
        if kill is None:
            assert ended.code == 0, ended.output
            self.took.append((ended.seconds, ended.writing))
        return ended.code

    def held(self) -> dict[str, RuleSet]:
        """Our rules as the switches report them, whatever they are made of."""
        found = self.net.read_back()
        assert None not in found.values()
        return {name: rules for name, rules in found.items() if rules is not None}

    def assert_is(self, version: str) -> None:
        """Every switch holds this version, rule by rule, and sdnctl knows it."""
        held = self.held()
        self.assert_switches_hold(held)
        state = self.net.applied()
        assert not state.silent
        assert self.net.pending() is None
        rules = named(held, state.baseline)
        assert rules == self.clean.setdefault(version, rules), (
            f"this is not the {version} that a clean apply leaves"
        )

    def assert_nothing_to_do(self) -> None:
        for verb in ("plan", "drift"):
            result = self.net(verb, "--exit-code")
            assert result.code == 0, result.out + result.err

    def rehearse(self) -> None:
        """Both versions without a kill, twice each: what must come out, and how long it takes.

        The first round does not count: paths that B once moved stay where they are when it is A again.
        """
        for version in ("A", "B", "A", "B"):
            self.clean.pop(version, None)
            self.choose(version)
            self.apply()
            self.assert_is(version)
        assert self.clean["A"] != self.clean["B"]

    def run(self, kills: int, seed: int) -> None:
        """Kill applies between the versions; half of the instants count from the first write to the store."""
        rng = random.Random(seed)
        self.rehearse()
        self.whole, self.writing = map(min, zip(*self.took[1:], strict=True))  # the first one brought switches up
        self.took.clear()
        now = "B"
        for index in range(kills):
            other = "A" if now == "B" else "B"
            self.choose(other)
            since_write = index % 2 == 1
            span = self.writing if since_write else self.whole
            instant = (rng.random() + index // 2) / (kills / 2) % 1 * span
            code = self.apply(instant, since_write=since_write)
            assert code in (0, -9)
            if code == 0:
                self.found["too late"] += 1
            else:
                self.count_death()
            now = rng.choice((now, other))
            self.choose(now)
            if rng.random() < 0.25:  # the apply that repairs is killed, too
                assert self.apply(rng.random() * self.writing, since_write=True) in (0, -9)
            self.apply()
            self.assert_is(now)
            if index % 4 == 0 or index == kills - 1:
                self.assert_nothing_to_do()


@pytest.fixture
def campaign(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Campaign]:
    net = new_net(tmp_path / "a network", example="small-links", kind=request.param)
    net.path("intents/flood-sensors.yaml").unlink()
    try:
        with ForkServer(tmp_path / "output") as server:
            yield Campaign(net, server, tmp_path / "versions")
    finally:
        net.ok("lab", "down")


@pytest.mark.parametrize("campaign", ["memory"], indirect=True)
def test_kills_on_embedded_switches(campaign: Campaign) -> None:
    """What was killed must not all have been before or after the work."""
    campaign.run(10, seed=1)
    assert campaign.half_done >= 2, campaign.found


@pytest.mark.soak
@pytest.mark.parametrize("campaign", ["memory"], indirect=True)
def test_sixty_kills_on_embedded_switches(campaign: Campaign) -> None:
    campaign.run(60, seed=2)
    assert campaign.half_done >= 15, campaign.found


@pytest.mark.ovs
@pytest.mark.parametrize("campaign", ["ovs"], indirect=True)
def test_kills_on_open_vswitch(campaign: Campaign) -> None:
    campaign.run(5, seed=3)
    assert campaign.half_done >= 1, campaign.found


@pytest.mark.ovs
@pytest.mark.soak
@pytest.mark.parametrize("campaign", ["ovs"], indirect=True)
def test_many_kills_on_open_vswitch(campaign: Campaign) -> None:
    """The full count, with a report."""
    kills, seed = 40, 4
    campaign.run(kills, seed)
    assert campaign.half_done >= kills // 4, campaign.found
    lines = [
        "Apply between two versions of a network on Open vSwitch, killed with SIGKILL at random instants",
        "command: pytest --soak -m soak tests/integration/test_apply_killed.py",
        f"date:    {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"{kills} applies killed (seed {seed}; {campaign.net.json('status')['switches']} switches, "
        f"{sum(map(len, campaign.held().values()))} rules; a whole apply takes {campaign.whole:.1f} s):",
        *(f"  {count:3} {where}" for where, count in sorted(campaign.found.items())),
        "after each, one more apply: exactly the old or the new version on every switch, no rule missing or left,",
        f"plan and drift empty. That apply took {statistics.median(whole for whole, _ in campaign.took):.1f} s "
        f"(median), {max(whole for whole, _ in campaign.took):.1f} s (longest).",
        "",
    ]
    (REPORTS / "apply-killed.txt").write_text("\n".join(lines), encoding="utf-8")
