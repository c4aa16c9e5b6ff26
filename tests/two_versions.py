"""Two versions of a network folder that changes go back and forth between, and where they are killed."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from sdnctl_in_process import Net, big_change

from sdnctl.dataplane.values import RuleSet

Named = dict[str, frozenset[object]]
PARTS = ("intents", "topology", "inventory")


class Versions:
    """A, the folder as it is, and B with other paths, rates and demands."""

    def __init__(self, net: Net, place: Path) -> None:
        self.net, self._place = net, place
        self._keep("A")
        big_change(net)
        self._keep("B")
        self.clean: dict[str, Named] = {}  # version → its rules where nobody killed anything
        self.found: Counter[str] = Counter()

    def _keep(self, version: str) -> None:
        shutil.copytree(self.net.folder, self._place / version, ignore=shutil.ignore_patterns(".sdnctl"))

    def choose(self, version: str) -> None:
        for part in PARTS:
            shutil.rmtree(self.net.folder / part)
            shutil.copytree(self._place / version / part, self.net.folder / part)

    def assert_switches_hold(self, held: dict[str, RuleSet]) -> None:
        """The switches hold what the store says is applied, to the last rule, and nothing is quarantined."""
        state = self.net.applied()
        assert held == {**{name: RuleSet() for name in held}, **state.rules}
        assert not state.baseline.quarantine

    def count_death(self) -> None:
        """Where in a change its process died, told from the journal."""
        pending = self.net.pending()
        if pending is None:
            self.found["nothing begun, or all done"] += 1
            return
        with self.net.open() as context:
            last = context.store.journal(pending.id)[-1]
        self.found[f"killed in: {last.detail.get('kind') or 'begin'}"] += 1

    @property
    def half_done(self) -> int:
        return sum(count for where, count in self.found.items() if where.startswith("killed in"))
