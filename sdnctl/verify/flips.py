"""Standby paths of whole ways: what `standby` claims of each demand, proven once for all that share one.

The flip is simulated as there: the trunk's other label, pushed into every group that could carry the first hop of
the other path. A way whose standby breaks a claim, or has no form, is not proven here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sdnctl.compiler.ir import Trunk
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Path, Topology
from sdnctl.topology.risk import Risks
from sdnctl.verify import standby
from sdnctl.verify.arrays import Bools
from sdnctl.verify.events import Events
from sdnctl.verify.forms import HopForm
from sdnctl.verify.lanes import Core, Wires
from sdnctl.verify.reading import Forms
from sdnctl.verify.ways import Judgement, Way, healthy


def other(trunk: Trunk) -> tuple[Path, int] | None:
    """The path and label that a flip leads to."""
    if trunk.standby is None or trunk.standby_label is None:
        return None
    return (trunk.path, trunk.label) if trunk.flipped else (trunk.standby, trunk.standby_label)


class Flips:
    """The flips of those ways that have grade `disjoint`; `starts` are theirs, for the core."""

    def __init__(
        self,
        topology: Topology,
        wires: Wires,
        forms: Mapping[str, Forms],
        risks: Risks,
        ways: Sequence[Way],
        down: frozenset[str],
    ) -> None:
        self.topology, self.wires, self.risks = topology, wires, risks
        self.ways = ways
        self.starts: list[tuple[str, int, HopForm]] = []
        self.used: set[int] = set()
        self._of: list[int] = []
        self._refused: set[int] = set()
        self._paths: dict[int, Path] = {}
        for number, way in enumerate(ways):
            if way.grade is not Grade.DISJOINT:
                continue
            to = other(way.trunk)
            hops = [] if to is None or standby.spent(way.trunk, down) else self._hops(forms, way, to[0])
            if to is None or not hops:
                self._refused.add(number)
                continue
            self._paths[number] = to[0]
            for hop in hops:
                self.starts.append((way.node, to[1], hop))
                self._of.append(number)

    def _hops(self, forms: Mapping[str, Forms], way: Way, path: Path) -> list[HopForm]:
        """Every group of the first hop of the other path; none where one of them has no form."""
        if not path.hops or path.hops[0].tail != way.node:
            return []
        here = forms[way.node]
        port = self.topology.links[path.hops[0].link].port_at(way.node)
        hops = [here.groups.hops.get(group) for group in here.groups.towards.get(port, ())]
        return [] if None in hops else [hop for hop in hops if hop is not None]

    def judge(
        self,
        core: Core,
        events: Events,
        bans: Bools,
        avoids: Mapping[frozenset[str], int],
        found: Sequence[Judgement],
    ) -> None:
        """Take back the judgement of ways whose flip does not hold; count one walk more for the others."""
        for number in self._refused:
            found[number].holds = False
        which = [index for index, number in enumerate(self._of) if found[number].holds]
        if not which:
            return
        count = len(which)
        start = np.array(which, np.int64) + core.known + len(self.ways)
        avoid = np.array([avoids[self.ways[self._of[index]].avoid] for index in which], np.int64)
        up = healthy(core, core.lanes(start, np.zeros(count, np.int64), avoid=avoid), events, bans)
        paths = up.paths
        shares: dict[tuple[int, int], bool] = {}
        for lane, index in enumerate(which):
            number = self._of[index]
            way, path, judged = self.ways[number], self._paths[number], found[number]
            group = self.starts[index][2].group
            assert group is not None
            self.used.add(id(group))
            pair = id(judged.path), id(path)
            if pair not in shares:
                shares[pair] = any(standby.shared(judged.path, path, self.risks))
            end = up.ends
            late = way.latency is not None and end.delay[lane] > way.latency
            if (
                shares[pair]
                or paths[lane] != self.wires.numbers(path)
                or end.state[lane] < 0
                or (end.met[lane] or end.least[lane] < way.size or late or up.astray[lane])
            ):
                judged.holds = False
        for number in {self._of[index] for index in which}:
            if found[number].holds:
                found[number].walks += 1
