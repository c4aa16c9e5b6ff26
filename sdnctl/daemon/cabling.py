"""What was heard where, held against the plan: which cables are as they should be, and which are not. Pure.

A port *hears* another when a believed beacon of that port came in there; that is light in one direction. Silence
says something only at a port that should have heard by now (`listening`): its switch is connected and brings
beacons to us, both ends are up, and beacons were sent often enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from sdnctl.topology.graph import Link, PortRef, Topology


class Cabling(StrEnum):
    """What is known of a cable."""

    CONFIRMED = "confirmed"  # as planned, in every direction that can be heard
    MISWIRED = "miswired"  # two trunk ports that the plan does not join
    ONE_WAY = "one-way"  # one end hears the other, and is not heard
    SILENT = "silent"  # up at both ends, and nothing arrives
    LOOPED = "looped"  # both ends on one switch
    ROGUE = "rogue"  # a customer port is joined to another port of ours
    UNSEEN = "unseen"  # nothing to go by: down, not connected, or not long enough


WRONG = frozenset((Cabling.MISWIRED, Cabling.LOOPED, Cabling.ROGUE))
"""Cables that lead where they should not: nothing may be sent over them."""

_NONE: Mapping[PortRef, PortRef] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """One cable. `ports` are the planned ends, or two that are joined and should not be (one: it hears itself).

    `heard` are the directions in which light arrived, as (receiver, sender). `links` are planned links that it is,
    or that cannot work because of it.
    """

    kind: Cabling
    ports: tuple[PortRef, ...]
    heard: tuple[tuple[PortRef, PortRef], ...]
    links: tuple[str, ...]
    summary: str

    @property
    def subject(self) -> str:
        """A name that stays the same while the finding does."""
        return f"{self.kind} {' – '.join(map(str, self.ports))}"


def compare(
    topology: Topology,
    heard: Mapping[PortRef, PortRef],
    listening: Set[PortRef] = frozenset(),
    dark: Mapping[PortRef, PortRef] = _NONE,
) -> tuple[Found, ...]:
    """Every planned link, then every cable that is not planned, in order of their ends.

    `heard`: receiver → sender, of what was heard last and is not out of date. `dark`: port → port of cables that
    are there and carry nothing: out of service, planned, beyond their optical budget.
    """
    strange = _strange(topology, heard, dark)
    lost = {link: found for found in strange for link in found.links}
    links = (topology.links[key] for key in sorted(topology.links))
    return (*(_planned(link, heard, listening, lost.get(link.id)) for link in links), *strange)


def _planned(
    link: Link, heard: Mapping[PortRef, PortRef], listening: Set[PortRef], strange: Found | None
) -> Found:
    a, b = link.a, link.b
    light = tuple((here, there) for here, there in ((a, b), (b, a)) if heard.get(here) == there)
    deaf = [here for here, there in ((a, b), (b, a)) if heard.get(here) != there]
    waiting = [here for here in deaf if here in listening]
    if strange is not None and not light:
        kind, text = Cabling.UNSEEN, f"{link.id}: its ports are joined to others ({strange.subject})"
    elif not light:
        kind = Cabling.SILENT if waiting else Cabling.UNSEEN
        text = f"{link.id}: nothing arrives" if waiting else f"{link.id}: nothing is known"
        if waiting:
            text += f" at {' or '.join(map(str, waiting))}, though the ports are up"
    elif waiting or strange is not None:
        (here, there) = light[0]
        kind = Cabling.ONE_WAY
        text = f"{link.id}: {here} hears {there}, but {there} does not hear {here}"
    else:
        kind, text = Cabling.CONFIRMED, f"{link.id}: {a} and {b} hear each other"
        if deaf:
            text = f"{link.id}: {light[0][0]} hears {light[0][1]}; {deaf[0]} cannot be asked"
    return Found(kind, (a, b), light, (link.id,), text)


def _strange(
    topology: Topology, heard: Mapping[PortRef, PortRef], dark: Mapping[PortRef, PortRef]
) -> tuple[Found, ...]:
    """Cables that the plan does not have, each once, from whatever direction it was heard."""
    pairs: dict[tuple[PortRef, ...], list[tuple[PortRef, PortRef]]] = {}
    for here, there in sorted(heard.items()):
        link = topology.link_at.get(here)
        if dark.get(here) != there and (link is None or there not in (link.a, link.b) or there == here):
            pairs.setdefault(tuple(sorted({here, there})), []).append((here, there))
    return tuple(
        Found(
            _kind(topology, ports, dark),
            ports,
            tuple(light),
            _links(topology, ports),
            _text(topology, ports, light, dark),
        )
        for ports, light in sorted(pairs.items())
    )


def _kind(topology: Topology, ports: tuple[PortRef, ...], dark: Mapping[PortRef, PortRef]) -> Cabling:
    if len({port.node for port in ports}) == 1:
        return Cabling.LOOPED
    trunks = all(port in topology.link_at or port in dark for port in ports)
    return Cabling.MISWIRED if trunks else Cabling.ROGUE


def _links(topology: Topology, ports: tuple[PortRef, ...]) -> tuple[str, ...]:
    return tuple(sorted({topology.link_at[port].id for port in ports if port in topology.link_at}))


def _text(
    topology: Topology,
    ports: tuple[PortRef, ...],
    light: list[tuple[PortRef, PortRef]],
    dark: Mapping[PortRef, PortRef],
) -> str:
    if len(ports) == 1:
        return f"{ports[0]} hears itself: its cable is looped back"
    return "; ".join(_sentences(topology, light, dark))


def _sentences(
    topology: Topology, light: list[tuple[PortRef, PortRef]], dark: Mapping[PortRef, PortRef]
) -> Iterator[str]:
    for here, there in light:
        link = topology.link_at.get(here)
        if here in dark:
            yield f"{here} should hear {dark[here]} (not in service), but hears {there}"
        elif link is None:
            yield f"customer port {here} hears port {there}"
        else:
            planned = link.b if here == link.a else link.a
            yield f"{here} should hear {planned} ({link.id}), but hears {there}"


def wrong_links(found: tuple[Found, ...]) -> Mapping[str, str]:
    """Links that nothing may be sent over, and why."""
    table: dict[str, str] = {}
    for one in found:
        if one.kind in WRONG:
            for link in one.links:
                table.setdefault(link, one.summary)
    return table


def wrong_edges(
    topology: Topology, found: tuple[Found, ...], dark: Mapping[PortRef, PortRef] = _NONE
) -> Mapping[PortRef, str]:
    """Customer ports that are joined to ports of ours, and why."""
    return {
        port: one.summary
        for one in found
        if one.kind in WRONG
        for port in one.ports
        if port not in topology.link_at and port not in dark
    }
