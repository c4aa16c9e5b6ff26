"""Random walks through everything an operator, an accident and a stranger do to a network between applies.

After every apply that went through: nothing left to plan, switches hold exactly what was applied, foreign rules
are as they were put there, and every frame goes where it should and nowhere else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from unittest import mock

import pytest
from sdnctl_in_process import CIRCUIT, CUSTOMER, Net, Result, Saved, new_net

from sdnctl.dataplane.values import Flow, Match, Output, RuleSet
from sdnctl.plan.model import Stage
from sdnctl.southbound.fleet import Fleet

LINKS = ("core-a--pop-north", "core-a--core-b-1", "core-b--pop-east", "pop-north--pop-west")
EDITS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "works": (
        "topology/maintenance.yaml",
        "out_of_service: []",
        tuple(f"out_of_service: [{{link: {link}, reason: works}}]" for link in LINKS),
    ),
    "rate": ("intents/video-protection.yaml", "up: 7.7 Mbit/s", ("up: 9 Mbit/s", "up: 900 Mbit/s")),
    "avoid": ("intents/enterprise.yaml", "avoid: [south]", ("avoid: []", "avoid: [com-calvas]")),
    "circuit": ("intents/enterprise.yaml", "owner: wholesale-desk", (f"{CIRCUIT}owner: wholesale-desk",)),
    "port": ("inventory/endpoints.csv", "cam-02,aigues,com-aigues,10,", ("cam-02,aigues,com-aigues,13,",)),
    "schools": ("intents/schools.yaml", "{kind: school}", ("{kind: school, tags: [primary]}",)),
    "grade": ("intents/schools.yaml", "protection: none", ("protection: local", "latency: 9 ms")),
    "vlan": ("inventory/endpoints.csv", "pop-east,21,100,", ("pop-east,21,101,",)),
}
"""Edits of the example: file, text, and what may stand in its place. Some of them no network can carry."""


class Walk:
    """One network, and what was done to it."""

    def __init__(self, net: Net, seed: int) -> None:
        self.net = net
        self.random = random.Random(seed)
        self.foreign: dict[str, RuleSet] = {}
        self.away: str | None = None
        self.done: list[str] = []
        self.files = {name: net.path(name).read_text() for name, _, _ in EDITS.values()}
        self.edits: dict[str, str] = {}
        self.applies = 0

    def run(self, steps: int) -> None:
        self.apply()
        for _ in range(steps):
            step = self.random.choice(
                [self.edit, self.edit, self.apply, self.meddle, self.intrude, self.die, self.lose, self.back]
            )
            self.done.append(step.__name__)
            step()
        self.return_switch()
        self.edits.clear()
        self.write()
        self.apply()

    # ── steps ────────────────────────────────────────────────────────────────────────────────────

    def edit(self) -> None:
        """One of the edits, or its undoing; what cannot be carried is refused and taken back."""
        before, name = dict(self.edits), self.random.choice(sorted(EDITS))
        if self.edits.pop(name, None) is None:
            self.edits[name] = self.random.choice(EDITS[name][2])
        self.write()
        held, history = self.net.held(), self.net.history()
        planned = self.net("plan", "--exit-code")
        assert (self.net.held(), self.net.history()) == (held, history)
        if planned.code == 1:
            assert "intents/" in planned.err, self._story(planned)
            self.edits = before
            self.write()
        else:
            assert planned.code in (0, 2, 3), self._story(planned)

    def write(self) -> None:
        """The folder with the edits that stand."""
        texts = dict(self.files)
        for name, new in self.edits.items():
            file, old, _ = EDITS[name]
            texts[file] = texts[file].replace(old, new)
        for file, text in texts.items():
            self.net.path(file).write_text(text)

    def apply(self) -> None:
        result = self.net("apply", "--yes", "--allow-outage", "scada")
        assert result.code == 0, self._story(result)
        self.applies += 1
        self.check()

    def back(self) -> None:
        """Rollback, of an interrupted apply or of the last change."""
        result = self.net("rollback", "--yes", "--allow-outage", "scada")
        if result.code == 1:
            assert "nothing-before" in result.err or "nothing-applied" in result.err, self._story(result)
            return
        assert result.code == 0, self._story(result)
        assert self.net.pending() is None
        self.check(folder=False)

    def die(self) -> None:
        """The apply is cut off at a random stage, before or after its switches did it."""
        stage, before = self.random.randrange(4), self.random.random() < 0.5
        self._struck(lambda: None, stage, before)

    def lose(self) -> None:
        """A switch stops answering, at once or in the middle of an apply."""
        self.return_switch()
        self.away = self.random.choice(self.net.board.devices())

        def strike() -> None:
            assert self.away is not None
            self.net.board.set_reachable(self.away, False)

        if self.random.random() < 0.5:
            strike()
        else:
            self._struck(strike, self.random.randrange(4), True)

    def return_switch(self) -> None:
        if self.away is not None:
            self.net.board.set_reachable(self.away, True)
            self.away = None

    def meddle(self) -> None:
        """Somebody deletes rules of ours, and alters one."""
        switch = self.random.choice(self.net.board.devices())
        with self.net.board.changing(switch) as embedded:
            ours = [flow for flow in embedded.rules.flows.values() if flow.cookie >> 48 == 0x5D9C]
            self.random.shuffle(ours)
            for flow in ours[:3]:
                del embedded.rules.flows[flow.key]
            for flow in ours[3:4]:
                embedded.rules.flows[flow.key] = Flow(*flow.key, cookie=flow.cookie, actions=(Output(1),))

    def intrude(self) -> None:
        """Somebody else's rule."""
        switch = self.random.choice(self.net.board.devices())
        rule = Flow(9, self.random.randrange(1000), Match.of(in_port=self.random.randrange(99)), cookie=0xBEEF)
        with self.net.board.changing(switch) as embedded:
            embedded.rules.flows[rule.key] = rule
        self.foreign.setdefault(switch, RuleSet()).flows[rule.key] = rule

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _struck(self, strike: Callable[[], None], stage: int, before: bool) -> None:
        commit, stages = Fleet.commit, 0

        async def watched(fleet: Fleet, what: Stage) -> None:
            nonlocal stages
            stages += 1
            now = stages - 1 == stage
            if not (now and before):
                await commit(fleet, what)
            if now:
                strike()
                if self.away is None:
                    raise KeyboardInterrupt
            if now and before:
                await commit(fleet, what)

        with mock.patch.object(Fleet, "commit", watched):
            result = self.net("apply", "--yes", "--allow-outage", "scada")
        assert result.code in (0, 1, 130), self._story(result)

    def check(self, *, folder: bool = True) -> None:
        """What must hold after every apply."""
        assert self.net.foreign() == self.foreign
        state, held = self.net.applied(), self.net.ours()
        for switch, rules in held.items():
            if switch != self.away:
                assert rules == state.confirmed[switch], f"{switch}: {self.done}"
        if self.away is not None:
            return
        assert not state.silent
        assert not state.baseline.quarantine
        if folder:
            planned = self.net("plan", "--exit-code")
            assert planned.code == 0, self._story(planned)
        self.net.probe()

    def _story(self, result: Result) -> str:
        return f"{self.done}\n{result.out}\n{result.err}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A network with a host at every port that an edit plugs something into."""
    folder = tmp_path_factory.mktemp("walk")
    net = new_net(folder / "net", example="small-links", kind="")
    rows = net.path("inventory/endpoints.csv").read_text() + CUSTOMER
    net.path("inventory/endpoints.csv").write_text(f"{rows}spare,aigues,com-aigues,13,,,,spare,\n")
    net.ok("lab", "up", "--kind", "memory")
    net.path("inventory/endpoints.csv").write_text(rows)
    return Saved(net, folder / "kept")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_walks(saved: Saved, seed: int) -> None:
    walk = Walk(saved.restore(), seed)
    walk.run(12)
    assert walk.applies >= 3


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_long_random_walks(saved: Saved, seed: int) -> None:
    Walk(saved.restore(), seed).run(30)
