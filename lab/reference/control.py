"""The management network: two controllers, and strands of its own along every lit link between two sites."""

from __future__ import annotations

from collections.abc import Iterable

from lab.reference.links import Patching
from lab.reference.places import Place

CONTROLLERS = ("neticenter", "richelieu")

HEAD = """\
# How controllers reach switches: out of band, on strands of its own in the cables of the links named here (ADR 8).
"""


def control_file(sites: Iterable[Place], patching: Patching) -> dict[str, str]:
    """topology/control.yaml: one management link for each lit link whose ends are at different sites."""
    home = {switch: place.id for place in sites for switch, _ in place.switches}
    text = f"{HEAD}controllers: [{', '.join(CONTROLLERS)}]\nlinks:\n"
    for name, a, b in _links(patching):
        if home[a] != home[b]:
            text += f"  - {{id: m-{name}, a: {home[a]}, b: {home[b]}, along: {name}}}\n"
    return {"topology/control.yaml": text}


def _links(patching: Patching) -> list[tuple[str, str, str]]:
    """Name and switches of each lit link, by name."""
    named: dict[str, list[str]] = {}
    for row in patching.ports:
        if row.link:
            named.setdefault(row.link, []).append(row.switch)
    found = {name: (switches[0], switches[1]) for name, switches in named.items() if len(switches) == 2}
    for pair in patching.lit:
        a, b = sorted(pair)
        found.setdefault(f"{a}--{b}", (a, b))
    return [(name, *found[name]) for name in sorted(found)]
