"""The values that compiler passes hand to each other, and the baseline that keeps results stable.

    Network + Baseline ─resolve→ demands ─route→ candidates ─place→ Placement ─label→ Labelled ─lower→ Compiled

Everything is immutable; every pass is a function of what stands left of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdnctl.errors import Diagnostic
from sdnctl.intents.demand import Demand, Endpoint, Grade, ServiceClass
from sdnctl.quick import quick
from sdnctl.topology.graph import Path, Topology
from sdnctl.units import Bitrate, Length, Octets

if TYPE_CHECKING:  # what reads a folder has no rules to handle
    from sdnctl.dataplane.attachment import Attachments
    from sdnctl.dataplane.values import RuleSet, SwitchSettings


@dataclass(frozen=True, slots=True)
class LabelRange:
    """MPLS labels first…last, both included; within 16…1,048,575 (0–15 are reserved, RFC 3032)."""

    first: int
    last: int

    def __contains__(self, label: object) -> bool:
        return isinstance(label, int) and self.first <= label <= self.last


@dataclass(frozen=True, slots=True)
class Settings:
    """What `network.yaml` says: name, service MTU and the disjoint label ranges.

    `lead_in` (m): an SRLG that cuts every way into a site and is at most this long is that site's
    residual single point of failure, not a reason to refuse protection. `bfd_interval_ms` is set on
    trunk ports, None where BFD is off.
    """

    name: str
    crs: str = "EPSG:4326"
    mtu: Octets = Octets(1500)
    trunk_labels: LabelRange = LabelRange(1_000, 99_999)
    bypass_labels: LabelRange = LabelRange(100_000, 199_999)
    service_labels: LabelRange = LabelRange(200_000, 999_999)
    lead_in: Length = Length(200.0)
    bfd_interval_ms: int | None = None
    hold_down_ms: int = 5_000
    drain_ms: int = 200


@dataclass(frozen=True, slots=True)
class Tenant:
    """An owner of services, with a quota on the sum of its admitted CIR (None: no limit) and of its demands."""

    id: str
    name: str = ""
    quota: Bitrate | None = None
    max_endpoints: int | None = None


@dataclass(frozen=True)
class Network:
    """All that the compiler needs to know: topology, endpoints, and the resolved demands of all intents.

    `down` names links of the topology that are known to have failed: paths and bypasses avoid them, a demand
    that then has no protected path falls back to the best grade there is ("protection lost"), and one that
    has no path at all keeps the one it had, so that it works again when the link does. `drained` names switches
    that are to carry nothing but what begins or ends there: no other path and no other bypass runs through them.
    """

    settings: Settings
    topology: Topology
    endpoints: Mapping[str, Endpoint]
    classes: Mapping[str, ServiceClass]
    tenants: Mapping[str, Tenant]
    demands: tuple[Demand, ...]
    down: frozenset[str] = frozenset()
    drained: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Baseline:
    """What the last applied state decided, so that it is decided the same way again. A plain value.

    `paths` and `standby`: trunk key → path. `labels`: trunk key (standby: key + "!standby") → label. `bypasses`:
    bypass key → path. `members`: demand id → trunk key. `ids`: namespace (demand, service, bypass, group, tag) →
    key → number. `quarantine`: retired label → switches that have not yet confirmed its deletion. `flipped`:
    trunk keys that run on their standby path now. `held`: namespace (label, demand, group, tag) → number →
    switches whose rules contain it, or contained it and have not yet confirmed its deletion; of tags also the
    devices (`compiler.tags`).
    """

    paths: Mapping[str, Path] = field(default_factory=dict)
    standby: Mapping[str, Path] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    bypasses: Mapping[str, Path] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    quarantine: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    flipped: frozenset[str] = frozenset()
    held: Mapping[str, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class Trunk:
    """One labelled path from an ingress to an egress switch, shared by `demands` (ids, sorted).

    `key` is its identity across compilations: ``ingress>egress/profile#n``. `cir` is the sum over its
    demands. `standby` is there for grade `disjoint` only. A trunk has at least one hop.
    """

    key: str
    label: int
    path: Path
    grade: Grade
    demands: tuple[str, ...]
    cir: Bitrate
    standby: Path | None = None
    standby_label: int | None = None
    flipped: bool = False

    @property
    def ingress(self) -> str:
        return self.path.hops[0].tail

    @property
    def egress(self) -> str:
        return self.path.hops[-1].head


@quick
@dataclass(frozen=True, slots=True)
class Bypass:
    """A way round one directed hop (link bypass), or round the switch behind it (node bypass).

    `key` is ``link:tail>head`` or ``link:tail>head>next`` (`next` is where the packet merges).
    `label` is None when `path` is a single hop: then no label is pushed. `users` are the trunks (standbys with
    ``!standby`` behind their key) that may take it: another trunk over the same hop may have to avoid what it
    meets. None means whoever runs over the hop.
    """

    key: str
    protects: tuple[str, ...]  # tail, head[, next]
    link: str
    path: Path
    label: int | None
    users: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where demands go: trunk key → (primary path, standby path or None), and trunk key → demand ids.

    Demands whose two ends are on one switch are in `local`. `refused` demands got no path: the
    diagnostics say why, with the proof.
    """

    paths: Mapping[str, tuple[Path, Path | None]]
    grades: Mapping[str, Grade]
    members: Mapping[str, tuple[str, ...]]
    local: tuple[str, ...]
    refused: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Compiled:
    """The result: rules and settings per switch, with all that explains them and the next baseline.

    `attachments`: what each device of the topology should hold; endpoints of `demands` have their tags. Same
    inputs give the same value, byte for byte when dumped. `network_fingerprint` and `baseline_fingerprint` name
    the inputs (sha256 hex).
    """

    settings: Settings
    topology: Topology
    classes: Mapping[str, ServiceClass]
    demands: tuple[Demand, ...]
    trunks: tuple[Trunk, ...]
    bypasses: tuple[Bypass, ...]
    rules: Mapping[str, RuleSet]
    switch_settings: Mapping[str, SwitchSettings]
    baseline: Baseline
    network_fingerprint: str
    baseline_fingerprint: str
    diagnostics: tuple[Diagnostic, ...] = ()
    attachments: Mapping[str, Attachments] = field(default_factory=dict)
