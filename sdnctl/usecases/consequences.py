"""What each possible cut takes down, for all of them at once: the question of `lab cut`, asked of every thing.

Cutting something takes its links and switches (`labs.elements`), the switches repair what they can
(`compiler.fate`), and of the rest some has another way left for the controller to find and some has none. Things
with the same links, switches and customer lines are one event, judged once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sdnctl.compiler.fate import Fate, Fates
from sdnctl.compiler.ir import Compiled
from sdnctl.drawing.scene import Consequences, Event
from sdnctl.inventory.access import AccessLine, lines_by_risk
from sdnctl.inventory.plant import Plant
from sdnctl.topology.graph import Topology
from sdnctl.topology.srlg import zones
from sdnctl.usecases.labs import elements


class Judge:
    """Judges cuts of one compiled state.

    `lines`: thing (``segment:NAME``, ``chamber:NAME`` …) → endpoints whose own line runs through it.
    """

    def __init__(self, compiled: Compiled, lines: Mapping[str, frozenset[str]] | None = None) -> None:
        self.compiled = compiled
        self.lines = lines or {}
        self.fates = Fates(compiled)
        self._judged: dict[tuple[frozenset[str], frozenset[str]], Event] = {}
        self.ends = {trunk.key: (trunk.ingress, trunk.egress) for trunk in compiled.trunks}
        self.at: dict[str, set[str]] = defaultdict(set)  # switch → endpoints with demands
        for demand in compiled.demands:
            for endpoint in (demand.ingress, demand.egress):
                self.at[endpoint.attachment.node].add(endpoint.id)

    def cut(self, what: Sequence[str]) -> Event:
        """What cutting these things together does; raises InputError naming every unknown one."""
        known = [thing for thing in what if thing not in self.lines]
        links, nodes = elements(self.compiled.topology, known)
        for thing in set(what).intersection(self.lines, self.compiled.topology.srlgs):
            links |= self.compiled.topology.srlgs[thing].links
            nodes |= self.compiled.topology.srlgs[thing].nodes
        return self.event(links, nodes, frozenset().union(*(self.lines.get(thing, ()) for thing in what)))

    def event(self, links: frozenset[str], nodes: frozenset[str], dark: frozenset[str] = frozenset()) -> Event:
        """What becomes of everything when these links and switches are gone, and these endpoints' own lines."""
        if (links, nodes) not in self._judged:
            self._judged[links, nodes] = self._event(links, nodes)
        found = self._judged[links, nodes]
        return replace(found, dark=tuple(sorted(dark.union(found.dark)))) if dark else found

    def _event(self, links: frozenset[str], nodes: frozenset[str]) -> Event:
        """The same without customers' lines, which touch no trunk; endpoints at dead switches are dark."""
        down = self.compiled.topology.down(links, nodes)
        found: dict[str, list[str]] = defaultdict(list)
        fates = self.fates.of(down, nodes)
        island = islands(self.compiled.topology, down, nodes) if Fate.LOST in fates.values() else {}
        for trunk, fate in fates.items():
            name = str(fate)
            if fate is Fate.LOST:
                a, b = self.ends[trunk]
                alive = a in island and island[a] == island.get(b)
                name = "lost" if alive else "severed"
            found[name].append(trunk)
        return Event(
            links=tuple(sorted(down)),
            switches=tuple(sorted(nodes)),
            repaired=tuple(found["repaired"]),
            standby=tuple(found["standby"]),
            lost=tuple(found["lost"]),
            severed=tuple(found["severed"]),
            dark=tuple(sorted(set().union(*(self.at[node] for node in nodes)))),
        )

    def everything(self) -> Consequences:
        """Every thing that can be cut, each distinct event once."""
        topology = self.compiled.topology
        events: dict[tuple[frozenset[str], ...], int] = {}
        judged: list[Event] = []
        by_thing: dict[str, int] = {}
        for thing, links, nodes in self._things(topology):
            key = links, nodes, self.lines.get(thing, frozenset())
            if key not in events:
                events[key] = len(judged)
                judged.append(self.event(*key))
            by_thing[thing] = events[key]
        return Consequences(tuple(judged), by_thing)

    def _things(self, topology: Topology) -> Iterable[tuple[str, frozenset[str], frozenset[str]]]:
        for link in sorted(topology.links):
            yield link, frozenset((link,)), frozenset()
        for node in sorted(topology.nodes):
            yield f"node:{node}", frozenset(), frozenset((node,))
        for key, srlg in sorted(topology.srlgs.items()):
            yield key, srlg.links, srlg.nodes
        for thing in sorted(self.lines.keys() - topology.srlgs.keys()):
            yield thing, frozenset(), frozenset()


def behind(plant: Plant, lines: Sequence[AccessLine]) -> dict[str, frozenset[str]]:
    """Thing → endpoints whose own line runs through it; a hazard zone holds what its segments and places hold."""
    found = {
        name: {end for line in met for end in line.endpoints} for name, met in lines_by_risk(plant, lines).items()
    }
    for key, inside in zones(plant).items() if lines else ():
        names = [f"segment:{name}" for name in inside.segments]
        names += [f"{kind}:{name}" for name in inside.places for kind in ("chamber", "building")]
        hit = set[str]().union(*(found.get(name, ()) for name in names))
        if hit:
            found[f"zone:{key}"] = hit
    return {name: frozenset(ends) for name, ends in found.items()}


def islands(topology: Topology, down: frozenset[str], dead: frozenset[str]) -> dict[str, int]:
    """Living switch → number of the island it is on when these links and switches are gone."""
    found: dict[str, int] = {}
    for start in topology.nodes:
        if start in found or start in dead:
            continue
        found[start] = len(found)
        waiting = [start]
        while waiting:
            node = waiting.pop()
            for hop in topology.adjacency[node]:
                if hop.link not in down and hop.head not in found and hop.head not in dead:
                    found[hop.head] = found[start]
                    waiting.append(hop.head)
    return found
