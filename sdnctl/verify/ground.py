"""What a network is before any rule: links as numbers, its failures, and what each of them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sdnctl.compiler.ir import Settings, Trunk
from sdnctl.dataplane.values import RuleSet
from sdnctl.intents.demand import Demand, ServiceClass
from sdnctl.topology.graph import Failure, Topology
from sdnctl.topology.risk import Risks
from sdnctl.verify.events import Events
from sdnctl.verify.lanes import Wires


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be judged, and by what; `demands` in order of id, `trunk_of` by demand."""

    settings: Settings
    classes: Mapping[str, ServiceClass]
    demands: Sequence[Demand]
    trunk_of: Mapping[str, Trunk]
    rules: Mapping[str, RuleSet]


class Ground:
    """One topology with the kinds of failures to go through and the links that are down now."""

    def __init__(
        self, topology: Topology, settings: Settings, kinds: tuple[str, ...], down: frozenset[str]
    ) -> None:
        self.topology, self.kinds, self.down = topology, kinds, down
        self.lead_in, self.bypass = settings.lead_in, settings.bypass_labels
        left = topology.without(down) if down else topology
        self.failures: tuple[Failure, ...] = tuple(left.failures(kinds))
        self.risks = Risks(left, settings)

    @cached_property
    def wires(self) -> Wires:
        return Wires(self.topology)

    @cached_property
    def events(self) -> Events:
        return Events(self.topology, self.wires, self.failures, self.down, self.risks)

    def is_of(self, topology: Topology, settings: Settings, kinds: tuple[str, ...], down: frozenset[str]) -> bool:
        """Whether this is the ground for these inputs."""
        same = self.topology is topology or self.topology == topology
        of = self.kinds, self.down, self.lead_in, self.bypass
        return same and of == (kinds, down, settings.lead_in, settings.bypass_labels)
