"""What becomes of trunks when links and switches are gone, as far as the switches themselves decide it.

The first answer to a cut comes from the groups that are already in the switches: second buckets go round what is
dead. What they do not repair is lost until the controller acts. Pure arithmetic over a compiled state, without
looking at rules: `verify` is what proves that rules do the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property

from sdnctl.compiler.groups import HopGroup, trunk_hops
from sdnctl.compiler.ir import Bypass, Compiled, Trunk
from sdnctl.topology.graph import Path


class Fate(StrEnum):
    """What becomes of a trunk over something that is cut.

    `repaired`: the switches send it round by a bypass. `standby`: a pre-installed path waits for a flip.
    `lost`: the grade promises nothing, or every way that was prepared is gone; the controller may find another.
    """

    REPAIRED = "repaired"
    STANDBY = "standby"
    LOST = "lost"


class Fates:
    """Answers for one compiled state; builds its tables on first use, so make it once for many questions."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self._bypasses = {bypass.key: bypass for bypass in compiled.bypasses}
        self._groups: dict[str, tuple[HopGroup, ...]] = {}

    @cached_property
    def _over(self) -> Mapping[str, tuple[int, ...]]:
        """Link → places in `compiled.trunks` of the trunks whose traffic runs over it now."""
        table: dict[str, list[int]] = defaultdict(list)
        for index, trunk in enumerate(self.compiled.trunks):
            for link in dict.fromkeys(path_now(trunk).links):
                table[link].append(index)
        return {link: tuple(found) for link, found in table.items()}

    def of(self, links: frozenset[str], nodes: frozenset[str]) -> dict[str, Fate]:
        """Trunk key → fate, for each trunk that runs over these links; `links` include those of dead `nodes`."""
        hit = sorted({index for link in links for index in self._over.get(link, ())})
        trunks = self.compiled.trunks
        return {trunks[index].key: self._fate(trunks[index], links, nodes) for index in hit}

    def bypasses(self, trunk: Trunk, links: frozenset[str], nodes: frozenset[str]) -> tuple[Bypass, ...] | None:
        """The bypasses that carry a trunk round everything that is cut, in order; None where they do not."""
        return self._repaired(trunk, path_now(trunk), links, nodes)

    def leans_on(self, trunk: Trunk) -> frozenset[str]:
        """Links that packets of a trunk may run over: those of its path now, and of the bypasses along it."""
        ways = (hop.bypass.path.links for hop in self._hops(trunk, path_now(trunk)) if hop.bypass is not None)
        return frozenset(path_now(trunk).links).union(*ways)

    def _hops(self, trunk: Trunk, path: Path) -> tuple[HopGroup, ...]:
        if trunk.key not in self._groups:
            self._groups[trunk.key] = trunk_hops(trunk, path, self._bypasses)
        return self._groups[trunk.key]

    def _fate(self, trunk: Trunk, links: frozenset[str], nodes: frozenset[str]) -> Fate:
        path = path_now(trunk)
        if self._repaired(trunk, path, links, nodes) is not None:
            return Fate.REPAIRED
        spare = trunk.path if path is trunk.standby else trunk.standby
        return Fate.STANDBY if spare is not None and links.isdisjoint(spare.links) else Fate.LOST

    def _repaired(
        self, trunk: Trunk, path: Path, links: frozenset[str], nodes: frozenset[str]
    ) -> tuple[Bypass, ...] | None:
        """What second buckets do with its packets at each cut on the path; None if they do not come through."""
        groups = self._hops(trunk, path)
        index = 0
        used: list[Bypass] = []
        while index < len(groups):
            hop, bypass = groups[index].hop, groups[index].bypass
            if hop.tail in nodes:
                return None
            if hop.link not in links:
                index += 1
                continue
            if bypass is None or not links.isdisjoint(bypass.path.links):
                return None
            used.append(bypass)
            index += len(bypass.protects) - 1  # behind the link, or behind the next switch
        return tuple(used) if path.nodes[-1] not in nodes else None


def path_now(trunk: Trunk) -> Path:
    """The path that carries the trunk's traffic."""
    return trunk.standby if trunk.flipped and trunk.standby is not None else trunk.path
