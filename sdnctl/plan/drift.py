"""Drift explained: which rules of a switch are not as applied, whose they are, and where their glass runs.

Everything comes from what was applied: demands and trunks, and the shared risks that were derived from the plant.
So the answer fits the rules that are compared, whatever has become of the network folder since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from sdnctl.compiler.groups import HopGroup, HopGroups, trunk_group_key, trunk_paths
from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.tables import Kind, read_cookie
from sdnctl.dataplane.attachment import Attachment, format_attachment
from sdnctl.dataplane.text import format_rule
from sdnctl.dataplane.values import GROUP_BASE, METER_BASE, Flow, Group
from sdnctl.plan.attachments import DeviceAttachments
from sdnctl.plan.model import Rule
from sdnctl.plan.owners import Owners
from sdnctl.verify.held import DeviceHeld, Held


class DriftState(StrEnum):
    """What is wrong with a rule, or with a whole switch."""

    MATCH = "match"
    MISSING = "missing"  # applied, not held
    EXTRA = "extra"  # held, ours by its cookie or number, not applied
    ALTERED = "altered"  # held under the same identity, with another behaviour
    UNKNOWN = "unknown"  # the switch did not answer: never taken for missing


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Whose frames a rule handles."""

    application: str
    tenant: str
    service_class: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule (or attachment) that is not as applied, or a device that could not be asked (`rule` is None).

    `rule` is what was applied (for EXTRA: what is held), `observed` what stands in its place (ALTERED). `what`
    names the thing it is for: ``trunk …``, ``bypass …``, ``link …``, ``demand …``; `links` are those it leads
    over, in order; `owners` is empty for what every switch has and for numbers that nobody has any more.
    """

    device: str
    state: DriftState
    rule: Rule | Attachment | None
    observed: Rule | Attachment | None = None
    what: str = ""
    owners: tuple[Owner, ...] = ()
    links: tuple[str, ...] = ()


def shown(item: Rule | Attachment) -> str:
    """One line of text for a rule or an attachment."""
    return format_attachment(item) if isinstance(item, Attachment) else format_rule(item)


@dataclass(frozen=True, slots=True)
class Glass:
    """What links run through, each thing once, in the order of the links; empty where no plant is known."""

    cables: tuple[str, ...] = ()
    ducts: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explainer:
    """Look-ups into one applied network, made when they are first needed."""

    compiled: Compiled

    def findings(self, held: DeviceHeld) -> Iterator[Finding]:
        """Everything that is wrong with one device, a rule at a time."""
        device = held.device
        if held.status is Held.UNKNOWN:
            yield Finding(device, DriftState.UNKNOWN, None, None, "", self._through(device), self._around(device))
        for rule in held.missing:
            yield self._finding(device, DriftState.MISSING, rule)
        for rule in held.extra:
            yield self._finding(device, DriftState.EXTRA, rule)
        for pair in held.altered:
            yield self._finding(device, DriftState.ALTERED, pair.applied, pair.observed)

    def attached_findings(self, held: DeviceAttachments) -> Iterator[Finding]:
        """Everything that is wrong with a device beside the switches, an attachment at a time."""
        device, applied = held.device, self.compiled.attachments.get(held.device, {})
        if held.unknown:
            ends = frozenset(one.endpoint for one in applied.values())
            owners = self._owners_of(frozenset(key for end in ends for key in self._at_endpoint.get(end, ())))
            yield Finding(device, DriftState.UNKNOWN, None, None, "", owners)
        for state, items in ((DriftState.MISSING, held.missing), (DriftState.EXTRA, held.extra)):
            for one in items:
                yield self._attached(device, state, one)
        for one, observed in held.altered:
            yield self._attached(device, DriftState.ALTERED, one, observed)

    def _attached(
        self, device: str, state: DriftState, one: Attachment, observed: Attachment | None = None
    ) -> Finding:
        demands = frozenset(self._at_endpoint.get(one.endpoint, ()))
        return Finding(device, state, one, observed, f"endpoint {one.endpoint}", self._owners_of(demands))

    def glass(self, links: tuple[str, ...]) -> Glass:
        """Cables, ducts and segments of these links; of each link the longest shared route first."""
        found: dict[str, dict[str, None]] = {"cable": {}, "duct": {}, "segment": {}}
        for link in links:
            for kind, name in self._route.get(link, ()):
                found[kind][name] = None
        return Glass(*(tuple(found[kind]) for kind in ("cable", "duct", "segment")))

    # ── whose ────────────────────────────────────────────────────────────────────────────────────

    def _finding(self, device: str, state: DriftState, rule: Rule, observed: Rule | None = None) -> Finding:
        what, demands, links = self._of(device, rule)
        return Finding(device, state, rule, observed, what, self._owners_of(demands), links)

    def _of(self, device: str, rule: Rule) -> tuple[str, frozenset[str], tuple[str, ...]]:
        """What a rule is for, the demands that depend on it, and the links that it leads over."""
        demands = self._owners.of(rule)
        if isinstance(rule, Group):
            return self._of_group(rule.id - GROUP_BASE, demands)
        if not isinstance(rule, Flow):
            if rule.id == METER_BASE:
                return "discovery", frozenset(), ()
            return self._of_demands(demands)
        mark = read_cookie(rule.cookie)
        if mark is None:
            return "", demands, ()
        kind, number = mark
        if kind is Kind.TRUNK and number in self._by_label:
            return self._by_label[number][0], demands, self._by_label[number][1]
        if kind is Kind.BYPASS and number in self._bypasses:
            key, links = self._bypasses[number]
            return f"bypass {key}", self._users.get(key, frozenset()), links
        if kind is Kind.PORT:
            link = self._ports.get((device, number))
            return (f"port {number}", frozenset(), (link,)) if link else ("every switch", frozenset(), ())
        return self._of_demands(demands)

    def _of_demands(self, demands: frozenset[str]) -> tuple[str, frozenset[str], tuple[str, ...]]:
        """What is there for one demand, or for one service of several: over the trunk, where there is but one."""
        trunks = {trunk.key: trunk for demand in demands if (trunk := self._owners.trunks.get(demand))}
        links = next(iter(trunks.values())).path.links if len(trunks) == 1 else ()
        name = (
            f"demand {next(iter(demands))}" if len(demands) == 1 else f"{len(demands)} demands" if demands else ""
        )
        return name, demands, links

    def _of_group(self, number: int, demands: frozenset[str]) -> tuple[str, frozenset[str], tuple[str, ...]]:
        key = self._group_keys.get(number, "")
        if key.startswith("trunk:"):
            return f"trunk {key.removeprefix('trunk:')}", demands, self._trunk_links.get(key, ())
        hop = self._hops.get(key)
        if hop is None:
            return "", demands, ()
        return f"link {hop.hop.link}", demands, (hop.hop.link,)

    def _owners_of(self, demands: frozenset[str]) -> tuple[Owner, ...]:
        known = self._owners.demands
        return tuple(
            sorted(
                {
                    Owner(known[key].application, known[key].tenant, known[key].service_class)
                    for key in demands
                    if key in known
                }
            )
        )

    # ── tables ───────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _owners(self) -> Owners:
        return Owners(self.compiled)

    @cached_property
    def _at_endpoint(self) -> Mapping[str, tuple[str, ...]]:
        """Endpoint → demands that begin or end there."""
        table: dict[str, list[str]] = defaultdict(list)
        for demand in self.compiled.demands:
            for end in (demand.ingress, demand.egress):
                table[end.id].append(demand.id)
        return {end: tuple(demands) for end, demands in table.items()}

    @cached_property
    def _by_label(self) -> Mapping[int, tuple[str, tuple[str, ...]]]:
        return {
            label: (f"trunk {trunk.key}", path.links)
            for trunk in self.compiled.trunks
            for label, path in trunk_paths(trunk)
        }

    @cached_property
    def _trunk_links(self) -> Mapping[str, tuple[str, ...]]:
        return {trunk_group_key(trunk.key): trunk.path.links for trunk in self.compiled.trunks}

    @cached_property
    def _bypasses(self) -> Mapping[int, tuple[str, tuple[str, ...]]]:
        return {
            bypass.label: (bypass.key, bypass.path.links)
            for bypass in self.compiled.bypasses
            if bypass.label is not None
        }

    @cached_property
    def _used(self) -> tuple[Mapping[str, HopGroup], Mapping[str, frozenset[str]]]:
        """Groups of hops by key, and the demands that each bypass protects."""
        made = HopGroups({bypass.key: bypass for bypass in self.compiled.bypasses})
        hops: dict[str, HopGroup] = {}
        users: dict[str, set[str]] = defaultdict(set)
        for trunk in self.compiled.trunks:
            for way in made.of(trunk):
                for hop in way:
                    hops[hop.key] = hop
                    if hop.bypass is not None:
                        users[hop.bypass.key].update(trunk.demands)
        return hops, {key: frozenset(demands) for key, demands in users.items()}

    @property
    def _hops(self) -> Mapping[str, HopGroup]:
        return self._used[0]

    @property
    def _users(self) -> Mapping[str, frozenset[str]]:
        return self._used[1]

    @cached_property
    def _group_keys(self) -> Mapping[int, str]:
        return {number: key for key, number in self.compiled.baseline.ids.get("group", {}).items()}

    @cached_property
    def _ports(self) -> Mapping[tuple[str, int], str]:
        links = self.compiled.topology.links.values()
        return {(end.node, end.port): link.id for link in links for end in (link.a, link.b)}

    @cached_property
    def _route(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """Link → (kind, name) of the plant that it runs through."""
        table: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
        for srlg in self.compiled.topology.srlgs.values():
            if srlg.kind in ("cable", "duct", "segment"):
                for link in srlg.links:
                    table[link].append((-srlg.metres, srlg.kind, srlg.id.partition(":")[2]))
        return {link: tuple((kind, name) for _, kind, name in sorted(items)) for link, items in table.items()}

    def _through(self, device: str) -> tuple[Owner, ...]:
        """Owners of everything that begins, ends or passes at a switch."""
        here: set[str] = set()
        for trunk in self.compiled.trunks:
            if any(device in path.nodes for _, path in trunk_paths(trunk)):
                here.update(trunk.demands)
        here.update(
            demand.id
            for demand in self.compiled.demands
            if device in (demand.ingress.attachment.node, demand.egress.attachment.node)
        )
        return self._owners_of(frozenset(here))

    def _around(self, device: str) -> tuple[str, ...]:
        return tuple(sorted(link.id for link in self.compiled.topology.links.values() if device in link.nodes))
