"""What optical links are called: the name that a port gives them, else ``switch--switch``."""

from __future__ import annotations

from collections.abc import Sequence

from sdnctl.inventory.links import OpticalLink
from sdnctl.inventory.plant import Plant


def link_names(plant: Plant, links: Sequence[OpticalLink]) -> tuple[str, ...]:
    """The name of each link; a second one between the same switches has the port of its first end behind it."""
    taken: dict[str, int] = {}
    for number, link in enumerate(links):
        named = {plant.switches[end.switch].ports[end.port].link for end in (link.a, link.b)} - {None}
        usual = f"{link.a.switch}--{link.b.switch}"
        name = str(min(named, key=str)) if named else usual
        if name in taken:
            name = f"{usual}-p{link.a.port}"
        taken[name] = number
    return tuple(sorted(taken, key=taken.__getitem__))
