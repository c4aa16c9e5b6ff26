"""What runs on which glass, by name and class: optical links with the trunks on them, and customers' own lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from sdnctl.compiler.fate import path_now
from sdnctl.compiler.ir import Compiled
from sdnctl.drawing.fibre.plan import Glass, Service
from sdnctl.intents.demand import Demand
from sdnctl.inventory.access import AccessLine
from sdnctl.inventory.closures import Held
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.naming import link_names
from sdnctl.inventory.plant import Plant, Side
from sdnctl.inventory.uses import Run, Uses
from sdnctl.topology.graph import PortRef


class Lighting:
    """Answers for one plant and what is compiled on it; its tables are made once, so keep it."""

    def __init__(self, plant: Plant, compiled: Compiled, lines: Sequence[AccessLine] = ()) -> None:
        self.plant, self.compiled = plant, compiled
        self.optical = optical_links(plant)[0]
        self.uses = Uses(plant, self.optical, lines)
        self._names = link_names(plant, self.optical)

    @property
    def protected(self) -> frozenset[str]:
        """Service classes that nobody may interrupt without saying so."""
        return frozenset(name for name, one in self.compiled.classes.items() if one.protected)

    def on(self, held: Held) -> Mapping[Glass, tuple[Service, ...]]:
        """What runs on the strands of a box, by strand and the end of its cable that the glass leads to."""
        found: dict[Glass, tuple[Service, ...]] = {}
        for one in held.cables:
            by_glass: dict[Glass, dict[int, None]] = defaultdict(dict)
            for run in self.uses.runs.get(one.id, ()):
                for side in one.sides:
                    if covers(run, one.place, side):
                        by_glass[one.id, run.strand, side][run.user] = None
            found |= {glass: tuple(map(self.service, users)) for glass, users in by_glass.items()}
        return found

    def service(self, user: int) -> Service:
        """A user of glass (its number in `uses`) with the classes that it carries, as the ladder has them."""
        one = self.uses.users[user]
        if isinstance(one, OpticalLink):
            link = self.compiled.topology.link_at.get(PortRef(one.a.switch, one.a.port))
            found: Iterable[str] = self._classes_on.get(link.id, ()) if link is not None else ()
            return Service(self._names[user], self._ranked(found))
        name = f"{one.switch}:{one.port}"
        demands = (demand.service_class for end in one.endpoints for demand in self._at_endpoint.get(end, ()))
        return Service(name, self._ranked(demands))

    def _ranked(self, names: Iterable[str]) -> tuple[str, ...]:
        classes = self.compiled.classes
        return tuple(sorted(set(names), key=lambda name: (classes[name].rank if name in classes else 0, name)))

    @cached_property
    def _classes_on(self) -> Mapping[str, set[str]]:
        """Link → classes of what runs over it now, or would after a flip to a standby path."""
        class_of = {demand.id: demand.service_class for demand in self.compiled.demands}
        found: dict[str, set[str]] = defaultdict(set)
        for trunk in self.compiled.trunks:
            classes = {class_of[demand] for demand in trunk.demands if demand in class_of}
            for path in (path_now(trunk), *((trunk.standby,) if trunk.standby else ())):
                for link in path.links:
                    found[link] |= classes
        return found

    @cached_property
    def _at_endpoint(self) -> Mapping[str, Sequence[Demand]]:
        found: dict[str, list[Demand]] = defaultdict(list)
        for demand in self.compiled.demands:
            for end in dict.fromkeys((demand.ingress.id, demand.egress.id)):
                found[end].append(demand)
        return found


def covers(run: Run, place: int, side: Side) -> bool:
    """Whether a run lies on the glass that leads from a place of its cable to one end of it."""
    at = 2 * place
    return run.low <= at < run.high if side == "b" else run.low < at <= run.high
