"""When a link counts as failed: a state machine over what ports report, without clocks or I/O.

             port down                      up again                     held up long enough
    (up) ──────────────► down ────────────────────────► settling ──────────────────────────► (up)
                          ▲            port down            │
                          └─────────────────────────────────┘

A link counts as failed from its first down until it has been up for the hold-down time. Each time it goes down
it earns a penalty of 1, which halves every half-life (the figure of merit of RFC 2439, counted in flaps). A link
whose penalty comes near `limit` is *damped*: it stays failed until the penalty has decayed to `REUSE`, however
long it has been up. The penalty has a ceiling, so that every link that stays up is released in the end.

A switch that does not answer says nothing about its links: the other end decides. It is *dead* when every link
it has was seen down from the other side; else it is unknown, and nothing is moved away from it.

Times are seconds on any clock that does not go back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import exp2, log2

from sdnctl.topology.graph import PortRef, Topology

REUSE = 1.0
"""A damped link is good again when its penalty has decayed to that of one flap just now."""
CEILING = 8.0
"""The greatest penalty, in flaps: a damped link that stays up is released within three half-lives."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long healed links are watched, in seconds; `limit` flaps in a row damp a link."""

    hold_down: float = 5.0
    half_life: float = 60.0
    limit: int = 3

    @property
    def suppress(self) -> float:
        """The penalty from which on a link is damped: `limit` flaps, decayed by half a flap together."""
        return min(self.limit, CEILING) - 0.5


class Happened(StrEnum):
    """What became of a link."""

    DOWN = "down"  # counts as failed, if it did not already
    UP_AGAIN = "up again"  # settles; it still counts as failed
    DAMPED = "damped"  # stays failed for longer than the hold-down
    RELEASED = "released"  # counts as up again


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that became of a link."""

    link: str
    happened: Happened


@dataclass(frozen=True, slots=True)
class Record:
    """One link: whether it was seen up, since when, whether it counts as failed, and its penalty at a time."""

    up: bool = True
    since: float = 0.0
    failed: bool = False
    damped: bool = False
    penalty: float = 0.0
    at: float = 0.0

    def penalty_at(self, now: float, half_life: float) -> float:
        """The penalty, decayed."""
        return self.penalty * exp2(-max(0.0, now - self.at) / half_life)

    def due(self, patience: Patience) -> float | None:
        """When the link is released if it stays as it is; None for one that is down, or not failed."""
        if not self.failed or not self.up:
            return None
        calm = self.since + patience.hold_down
        if not self.damped or self.penalty <= REUSE:
            return calm
        return max(calm, self.at + patience.half_life * log2(self.penalty / REUSE))


_NEVER = Record()


@dataclass(frozen=True)
class Watch:
    """All links; those that never failed are not in `records`. A value: what happens makes another one."""

    patience: Patience = Patience()
    records: Mapping[str, Record] = field(default_factory=dict)

    @classmethod
    def begin(cls, patience: Patience, now: float, failed: Iterable[str]) -> Watch:
        """A watch that begins with links known to have failed; they are down until they are seen up."""
        return cls(patience, {link: Record(up=False, since=now, failed=True, at=now) for link in sorted(failed)})

    @property
    def failed(self) -> frozenset[str]:
        """Links that count as failed."""
        return frozenset(link for link, record in self.records.items() if record.failed)

    @property
    def damped(self) -> frozenset[str]:
        return frozenset(link for link, record in self.records.items() if record.failed and record.damped)

    @property
    def settling(self) -> frozenset[str]:
        """Links that are up again, and still count as failed."""
        return frozenset(link for link, record in self.records.items() if record.failed and record.up)

    @property
    def wake(self) -> float | None:
        """When the next link is to be released, if nothing happens; None when none is."""
        due = [when for record in self.records.values() if (when := record.due(self.patience)) is not None]
        return min(due, default=None)

    def observe(self, now: float, seen: Mapping[str, bool]) -> tuple[Watch, tuple[Turn, ...]]:
        """What follows from links seen up or down at one time; in which order they are told does not matter.

        Links that are not in `seen` are as they were seen last. Nothing is released here.
        """
        records = dict(self.records)
        turns: list[Turn] = []
        for link in sorted(seen):
            record = records.get(link, _NEVER)
            if record.up == seen[link]:
                continue
            if seen[link]:
                records[link] = replace(record, up=True, since=now)
                if record.failed:
                    turns.append(Turn(link, Happened.UP_AGAIN))
            else:
                records[link] = self._fallen(record, now)
                turns.append(Turn(link, Happened.DOWN))
                if records[link].damped and not record.damped:
                    turns.append(Turn(link, Happened.DAMPED))
        return Watch(self.patience, records), tuple(turns)

    def release(self, now: float) -> tuple[Watch, tuple[Turn, ...]]:
        """What follows from the time that has passed: links that have been up for long enough are good again."""
        records: dict[str, Record] = {}
        turns: list[Turn] = []
        for link, record in sorted(self.records.items()):
            due = record.due(self.patience)
            if due is not None and due <= now:
                record = replace(record, failed=False, damped=False)
                turns.append(Turn(link, Happened.RELEASED))
            if record.failed or not record.up or not self._forgotten(record, now):
                records[link] = record
        return Watch(self.patience, records), tuple(turns)

    def _fallen(self, record: Record, now: float) -> Record:
        penalty = min(record.penalty_at(now, self.patience.half_life) + 1.0, CEILING)
        damped = record.damped or penalty >= self.patience.suppress
        return Record(False, now, True, damped, penalty, now)

    def _forgotten(self, record: Record, now: float) -> bool:
        """Whether the penalty of a link that works is too small to matter."""
        return record.penalty_at(now, self.patience.half_life) < 1 / 64


# ── from ports to links ──────────────────────────────────────────────────────────────────────────


def dead_switches(topology: Topology, ports: Mapping[PortRef, bool], unreachable: Iterable[str]) -> frozenset[str]:
    """Switches that do not answer and whose every link was seen down from the other side.

    What lies between silent neighbours is seen by nobody; so they are dead together or not at all.
    """
    silent = frozenset(unreachable) & topology.nodes.keys()
    dead: set[str] = set()
    for group in _neighbourhoods(topology, silent):
        outward = [hop for node in group for hop in topology.adjacency[node] if hop.head not in silent]
        far_ends = (PortRef(hop.head, topology.links[hop.link].port_at(hop.head)) for hop in outward)
        if outward and not any(ports.get(end, True) for end in far_ends):
            dead |= group
    return frozenset(dead)


def _neighbourhoods(topology: Topology, nodes: frozenset[str]) -> Iterator[set[str]]:
    """Some switches in groups of those that links among them join."""
    left = set(nodes)
    while left:
        group, work = set[str](), [left.pop()]
        while work:
            node = work.pop()
            group.add(node)
            near = {hop.head for hop in topology.adjacency[node]} & left
            left -= near
            work.extend(near)
        yield group


def links_seen(
    topology: Topology, ports: Mapping[PortRef, bool], unreachable: Iterable[str]
) -> Mapping[str, bool]:
    """Link → whether it is up, of those of which anything is known.

    `ports`: what was reported last. A link is down when any end that can be asked says so, or when both its
    switches are dead; it is not in the result when neither end can be asked.
    """
    silent = frozenset(unreachable)
    dead = dead_switches(topology, ports, silent)
    found: dict[str, bool] = {}
    for link in topology.links.values():
        told = [ports[end] for end in (link.a, link.b) if end.node not in silent and end in ports]
        if told:
            found[link.id] = all(told)
        elif link.a.node in dead and link.b.node in dead:
            found[link.id] = False
    return found
