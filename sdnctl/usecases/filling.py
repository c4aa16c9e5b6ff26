"""How full everything is, from strands to links; links also in the failure that loads them most.

Under a failure packets run as the switches and the controller's prepared moves would have them: round what is dead
by bypasses, or on the standby path. What is lost loads nothing. Rates are committed (CIR), per direction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sdnctl.compiler.fate import Fate, Fates, path_now
from sdnctl.compiler.ir import Bypass, Compiled, Trunk
from sdnctl.errors import Diagnostic, UsageError
from sdnctl.inventory.access import access_lines
from sdnctl.inventory.filling import KINDS, Fill, cable_fill, duct_fill, fullest, port_fill, strand_fill
from sdnctl.inventory.finding import no_such
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.uses import Uses
from sdnctl.topology.graph import Hop
from sdnctl.usecases.context import Context
from sdnctl.usecases.glass import as_of
from sdnctl.usecases.planning import compile_folder


@dataclass(frozen=True, slots=True)
class LinkFill:
    """The fuller direction of a link without failures, and the fullest one under any single failure."""

    usual: Fill
    worst: Fill


@dataclass(frozen=True, slots=True)
class Filling:
    """The fullest first, by kind; links by what they carry in the worst failure."""

    fills: dict[str, tuple[Fill, ...]]
    links: tuple[LinkFill, ...]
    warn: float
    full: float

    def level(self, fill: Fill) -> str:
        """``full``, ``warn``, ``ok``, or empty where the share is not known."""
        if fill.share is None:
            return ""
        return "full" if fill.share >= self.full else "warn" if fill.share >= self.warn else "ok"


def filling(
    context: Context, kinds: Sequence[str] = (), warn: float = 0.7, full: float = 0.9, on: str | None = None
) -> Filling:
    """How full things of these kinds are (all by default), those of the plant on a day.

    Raises UsageError for a kind, or a day, that there is not, and where full is less than what is marked. Links
    are as they are compiled.
    """
    if warn > full:
        what = f"what counts as full ({full:.0%}) is less than what is marked ({warn:.0%})"
        raise UsageError(Diagnostic("thresholds-reversed", what, hint="Give a --warn below --full."))
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(no_such("kind of capacity", kind, KINDS, hint=f"One of {', '.join(KINDS)}."))
    wanted = tuple(kind for kind in KINDS if not kinds or kind in kinds)
    loaded = context.loaded
    plant = as_of(loaded.plant, on)
    uses = Uses(plant, optical_links(plant)[0], loaded.access if on is None else access_lines(plant)[0])
    attached: dict[str, set[int]] = defaultdict(set)
    for endpoint in loaded.network.endpoints.values():
        attached[endpoint.attachment.node].add(endpoint.attachment.port)
    makers = {
        "strand": lambda: strand_fill(plant, uses),
        "cable": lambda: cable_fill(plant, uses),
        "duct": lambda: duct_fill(plant),
        "port": lambda: port_fill(plant, attached),
    }
    links: tuple[LinkFill, ...] = ()
    if "link" in wanted:
        applied = context.applied()
        compiled = (applied[1] if applied is not None else compile_folder(context)).compiled
        links = link_fill(compiled)
    return Filling({kind: fullest(makers[kind]()) for kind in wanted if kind in makers}, links, warn, full)


def link_fill(compiled: Compiled) -> tuple[LinkFill, ...]:
    """What every link carries, and in which single failure it carries most; the fullest first."""
    loads = _Loads(compiled)
    worst = {hop: (load, "") for hop, load in loads.usual.items()}
    for failure in compiled.topology.failures():
        for hop, load in loads.under(failure.links, failure.nodes):
            if load > worst.get(hop, (0.0, ""))[0]:
                worst[hop] = load, failure.names[0]
    found = []
    for link in compiled.topology.links.values():
        hops = [Hop(link.id, tail, link.other(tail)) for tail in link.nodes]
        most = max(loads.usual.get(hop, 0.0) for hop in hops)
        load, name = max((worst.get(hop, (0.0, "")) for hop in hops), key=lambda one: one[0])
        usual = Fill("link", link.id, most, link.capacity, "bit/s")
        found.append(LinkFill(usual, Fill("link", link.id, load, link.capacity, name)))
    return tuple(sorted(found, key=lambda one: (-(one.worst.share or 0), -(one.usual.share or 0), one.usual.name)))


class _Loads:
    """Committed rates on directed hops, as things are and when something is dead."""

    def __init__(self, compiled: Compiled) -> None:
        self.fates = Fates(compiled)
        self.trunks = {trunk.key: trunk for trunk in compiled.trunks}
        self.usual: dict[Hop, float] = defaultdict(float)
        for trunk in compiled.trunks:
            for hop in path_now(trunk).hops:
                self.usual[hop] += trunk.cir

    def under(self, links: frozenset[str], nodes: frozenset[str]) -> Iterator[tuple[Hop, float]]:
        """Hops whose load is not the usual one, with what it is then."""
        change: dict[Hop, float] = defaultdict(float)
        for key, fate in self.fates.of(links, nodes).items():
            trunk = self.trunks[key]
            for hop in path_now(trunk).hops:
                change[hop] -= trunk.cir
            for hop in self._way(trunk, fate, links, nodes):
                change[hop] += trunk.cir
        for hop, difference in change.items():
            if hop.link not in links:
                yield hop, self.usual.get(hop, 0.0) + difference

    def _way(self, trunk: Trunk, fate: Fate, links: frozenset[str], nodes: frozenset[str]) -> Iterable[Hop]:
        if fate is Fate.LOST:
            return ()
        now = path_now(trunk)
        if fate is Fate.STANDBY:
            spare = trunk.path if now is trunk.standby or trunk.standby is None else trunk.standby
            return spare.hops
        return repaired(now.hops, iter(self.fates.bypasses(trunk, links, nodes) or ()), links)


def repaired(hops: Sequence[Hop], bypasses: Iterator[Bypass], links: frozenset[str]) -> Iterator[Hop]:
    """The hops of a path with each dead one gone round by the next of these bypasses."""
    index = 0
    while index < len(hops):
        if hops[index].link not in links:
            yield hops[index]
            index += 1
            continue
        bypass = next(bypasses)
        yield from bypass.path.hops
        index += len(bypass.protects) - 1
