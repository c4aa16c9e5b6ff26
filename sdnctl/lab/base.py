"""What every lab can do, whatever its switches are made of: cut and heal links, kill and revive switches."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from sdnctl.errors import Diagnostics, InputError
from sdnctl.lab import devices
from sdnctl.lab import record as records
from sdnctl.lab.record import Kind, Record
from sdnctl.lab.wire import Prober, Wire
from sdnctl.topology.graph import PortRef

Progress: TypeAlias = Callable[[str], None]


class Lab(ABC):
    """A running lab. `reason` says why it is on in-memory switches where Open vSwitch was possible to ask for."""

    def __init__(self, folder: Path, record: Record) -> None:
        self.folder = folder
        self._record = record

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def kind(self) -> Kind:
        return self._record.kind

    @property
    def reason(self) -> str:
        return self._record.reason

    @property
    def down_links(self) -> frozenset[str]:
        """Links that carry nothing now: cut ones and those of dead switches."""
        return self._record.down_links

    @property
    def dead_nodes(self) -> frozenset[str]:
        return self._record.dead

    @property
    def links(self) -> frozenset[str]:
        return frozenset(self._record.wiring.links)

    @property
    def edges(self) -> tuple[PortRef, ...]:
        """Ports that a host is plugged into."""
        return self._record.wiring.edges

    @abstractmethod
    def targets(self) -> Mapping[str, Mapping[str, str]]:
        """Where each switch is: switch id → driver name → address, as `southbound.base.Target` wants it."""

    def devices(self) -> Mapping[str, Mapping[str, str]] | None:
        """Where each simulated device beside the switches is, as `targets`; None: where the inventory says."""
        return devices.targets(Path(self._record.run_dir))

    @abstractmethod
    def wire(self) -> Wire:
        """The hosts' side of all endpoint ports; close it after use."""

    @abstractmethod
    def link_packets(self) -> Mapping[str, int]:
        """Packets that each link carried so far, both directions together."""

    @abstractmethod
    def circling(self, seconds: float = 1.0) -> int:
        """Labelled frames seen on the links within `seconds`; with no sender running, any is a circling one."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether the switches run."""

    @abstractmethod
    def start(self, progress: Progress) -> None:
        """Make everything (`manage.up` calls it); what was made stays on an error, for `dismantle`."""

    @abstractmethod
    def dismantle(self) -> None:
        """Remove everything but the record (`manage.down` calls it); safe on half a lab, and twice."""

    @abstractmethod
    def _apply(self, before: Record, after: Record) -> None:
        """Make the switches feel the difference."""

    def prober(self) -> Prober:
        """A prober on a wire of its own; closing it closes the wire."""
        return Prober(self.wire())

    def cut(self, link_ids: Iterable[str]) -> None:
        """Take links down, both ends at once; raises InputError naming every unknown id."""
        self._change(cut=self._known(link_ids, self.links, "link"))

    def heal(self, link_ids: Iterable[str]) -> None:
        """Bring cut links back; links of dead switches stay down until the switch is revived."""
        self._change(heal=self._known(link_ids, self.links, "link"))

    def kill_switch(self, node: str) -> None:
        """A switch dies: all its ports go down, hosts included, and it can be reached no more."""
        self._change(kill=self._known((node,), self._record.wiring.bridges, "switch"))

    def revive(self, node: str) -> None:
        """The switch is back, with the rules it had; its links are up unless they are also cut."""
        self._change(revive=self._known((node,), self._record.wiring.bridges, "switch"))

    def _change(
        self,
        cut: frozenset[str] = frozenset(),
        heal: frozenset[str] = frozenset(),
        kill: frozenset[str] = frozenset(),
        revive: frozenset[str] = frozenset(),
    ) -> None:
        """Record first, then act: after a crash in between `heal` and `revive` still know what to undo."""
        with records.lock(self.folder):
            before = records.load(self.folder) or self._record
            after = replace(before, cut=(before.cut | cut) - heal, dead=(before.dead | kill) - revive)
            records.save(self.folder, after)
            self._record = after
            self._apply(before, after)

    @staticmethod
    def _known(ids: Iterable[str], known: Iterable[str], what: str) -> frozenset[str]:
        wanted, names = frozenset(ids), sorted(known)
        diagnostics = Diagnostics()
        for unknown in sorted(wanted.difference(names)):
            close = difflib.get_close_matches(unknown, names, n=3)
            diagnostics.error(
                "lab-unknown",
                f"the lab has no {what} {unknown!r}",
                address=f"{what} {unknown}",
                hint=f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(names[:8])}",
            )
        diagnostics.raise_if_errors(InputError)
        return wanted
