"""What the network folder says about cables, read once: which there are, and where to look for mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sdnctl.inventory.build import build_plant
from sdnctl.inventory.crossing import Port, crossing, links_by_port
from sdnctl.inventory.links import OpticalLink, optical_links
from sdnctl.inventory.plant import Plant
from sdnctl.topology.graph import PortRef
from sdnctl.usecases.context import Context
from sdnctl.workspace.convention import LINKS


@dataclass(frozen=True)
class Blueprint:
    """`cables`: port → port of every cable, in use or not; `complete`: whether all are known."""

    plant: Plant = field(default_factory=lambda: build_plant({})[0])
    optical: Mapping[Port, OpticalLink] = field(default_factory=dict)
    cables: Mapping[PortRef, PortRef] = field(default_factory=dict)
    complete: bool = False

    def where_to_look(self, here: PortRef, there: PortRef) -> tuple[str, ...]:
        """Jumpers, ODF positions and strands to check when `here` hears `there`; empty without plant data."""
        return crossing(self.plant, self.optical, (here.node, here.port), (there.node, there.port))


def read_blueprint(context: Context) -> Blueprint:
    """From the network folder; raises InputError with every fault in it."""
    loaded = context.loaded
    optical, _ = optical_links(loaded.plant)
    pairs = [
        (PortRef(link.a.switch, link.a.port), PortRef(link.b.switch, link.b.port))
        for link in optical
        if link.a.switch != link.b.switch
    ]
    document = loaded.documents.get(LINKS)
    for entry in document.value.links if document is not None else ():
        if entry.a is not None and entry.b is not None:
            pairs.append((entry.a, entry.b))
    cables = {here: there for a, b in pairs for here, there in ((a, b), (b, a))}
    return Blueprint(loaded.plant, links_by_port(optical), cables, complete=True)
