"""V3: live frames. What must arrive does, unchanged but for the tag; what nobody may receive, nobody does.

Every probe carries a token of its own, so that whoever receives frames knows which probe they are. Negative
probes are checked against the frame sets of all demands of the port by which they enter: a frame that some demand
owns is never sent as one that must die. How frames get onto the wire is not known here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zlib import crc32

from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import Diagnostic
from sdnctl.intents.demand import Demand
from sdnctl.topology.graph import PortRef
from sdnctl.verify.frames import expected_tags, frames
from sdnctl.verify.probe_kinds import Sample, unwanted, wanted
from sdnctl.verify.space import Cube
from sdnctl.verify.wire import LEAST, header_of, retag

MAGIC = b"sdnctl/v3"
TOKEN = len(MAGIC) + 8
TRANSIT, DELIVER = 3, 4


@dataclass(frozen=True, slots=True)
class Probe:
    """One frame to send into `port`, and where it must come out: (port, exact octets); () means nowhere.

    `kind` says what it tries (``udp``, ``full-size``, ``leaf-to-leaf``, …). `demand` is the demand that it is for,
    or that a negative probe tries to abuse.
    """

    id: str
    application: str
    demand: str
    kind: str
    port: PortRef
    frame: bytes
    expected: tuple[tuple[PortRef, bytes], ...]

    @property
    def positive(self) -> bool:
        return bool(self.expected)


def probes(
    demands: Iterable[Demand],
    stacks: Mapping[str, tuple[tuple[int, ...], ...]] | None = None,
    most: int | None = None,
) -> tuple[Probe, ...]:
    """Probes of these demands, in a stable order, with unique ids and tokens.

    `demands` must be all that the network carries, or negative probes may hit a demand that is not among them.
    `stacks` are label stacks that each switch knows (`label_stacks`); without them no label traffic is forged.
    `most` limits their number: then every application, direction and kind has its share, spread over its
    demands, and the same ones are chosen every time.
    """
    ordered = tuple(sorted(demands, key=lambda demand: demand.id))
    owned = Owned(ordered)
    seen: set[tuple[PortRef, bytes]] = set()

    def make(sample: Sample, good: bool) -> Probe | None:
        if not good:
            bare = sample.build(bytes(TOKEN))
            if (sample.port, bare) in seen or owned.has(sample.port, bare):
                return None
            seen.add((sample.port, bare))
        return _probe(sample, good)

    samples = [(sample, True) for demand in ordered for sample in wanted(demand)]
    samples += [(sample, False) for sample in unwanted(ordered, stacks or {})]
    if most is None or len(samples) <= most:
        found = [probe for sample, good in samples if (probe := make(sample, good)) is not None]
    else:
        found = []
        for number in _spread(samples):
            if len(found) == most:
                break
            probe = make(*samples[number])
            if probe is not None:
                found.append(probe)
    return tuple({probe.id: probe for probe in found}.values())


def _spread(samples: Sequence[tuple[Sample, bool]]) -> Iterator[int]:
    """Numbers of samples, one of each application, direction and kind in turn, in no order of places."""
    groups: dict[tuple[str, str, bool], list[tuple[int, int]]] = defaultdict(list)
    for number, (sample, _) in enumerate(samples):
        demand = sample.demand
        kind = sample.kind.partition(" ")[0]
        where = crc32(f"{demand.id} {sample.port}".encode())
        groups[demand.application, kind, demand.id < demand.reverse].append((where, number))
    turns = [
        (turn, key, number) for key, group in groups.items() for turn, (_, number) in enumerate(sorted(group))
    ]
    return (number for _, _, number in sorted(turns))


def label_stacks(rules: Mapping[str, RuleSet]) -> dict[str, tuple[tuple[int, ...], ...]]:
    """For each switch two label stacks that it would forward if they came by a trunk port, for forging."""
    found = {}
    services = sorted({label for held in rules.values() for label in _labels(held, DELIVER)})
    for node, held in rules.items():
        transit, deliver = _labels(held, TRANSIT), _labels(held, DELIVER)
        stacks = [(transit[0], *services[:1])] if transit else []
        found[node] = (*stacks, *((label,) for label in deliver[:1]))
    return found


def token_of(frame: bytes) -> bytes | None:
    """The token in a received frame, wherever it stands; None if the frame is no probe."""
    at = frame.find(MAGIC)
    return frame[at : at + TOKEN] if at >= 0 and len(frame) >= at + TOKEN else None


def attribute(
    sent: Iterable[Probe], received: Iterable[tuple[PortRef, bytes]]
) -> dict[str, list[tuple[PortRef, bytes]]]:
    """Sort received frames by the id of the probe they are; frames that are no probe of `sent` are left out."""
    by_token = {token_of(probe.frame): probe.id for probe in sent}
    found: dict[str, list[tuple[PortRef, bytes]]] = defaultdict(list)
    for port, frame in received:
        token = token_of(frame)
        if token is not None and token in by_token:
            found[by_token[token]].append((port, frame))
    return dict(found)


class Owned:
    """The frames that the demands of each port carry, ready to be asked about single frames.

    The sets of a port that look at the same bits are looked up all at once: a root has thousands of them.
    """

    def __init__(self, demands: Iterable[Demand]) -> None:
        self._demands: dict[PortRef, list[Demand]] = defaultdict(list)
        for demand in demands:
            self._demands[demand.ingress.attachment].append(demand)
        self._ports: dict[PortRef, Mapping[tuple[tuple[str, int], ...], set[tuple[int, ...]]]] = {}

    def has(self, port: PortRef, frame: bytes) -> bool:
        """Whether a frame that enters by this port belongs to a demand."""
        table = self._ports.get(port)
        if table is None:
            table = self._ports[port] = _by_bits(
                cube for demand in self._demands.get(port, ()) for cube in frames(demand)
            )
        fields = header_of(frame)
        return any(
            all(name in fields for name, _ in bits) and tuple(fields[name] & mask for name, mask in bits) in values
            for bits, values in table.items()
        )


def _by_bits(cubes: Iterable[Cube]) -> dict[tuple[tuple[str, int], ...], set[tuple[int, ...]]]:
    table: dict[tuple[tuple[str, int], ...], set[tuple[int, ...]]] = defaultdict(set)
    for cube in cubes:
        items = sorted(cube.items())
        table[tuple((name, mask) for name, (_, mask) in items)].add(tuple(value for _, (value, _) in items))
    return table


def _labels(rules: RuleSet, table: int) -> list[int]:
    matches = (flow.match.get("mpls_label") for flow in rules.flows.values() if flow.table == table)
    return sorted(label[0] for label in matches if label is not None)


def _probe(sample: Sample, good: bool) -> Probe:
    """The probe of a sample: its id, and its frame with a token that is made from the id."""
    demand = sample.demand
    name = f"{demand.id} {sample.kind} {sample.port}"
    frame = sample.build(MAGIC + hashlib.sha256(name.encode()).digest()[:8])
    expected: tuple[tuple[PortRef, bytes], ...] = ()
    if good:
        change = expected_tags(demand)
        pushed = tuple(vid & 0xFFF for vid in change.pushed)
        expected = ((demand.egress.attachment, retag(frame, change.popped, pushed)),)
    return Probe(name, demand.application, demand.id, sample.kind, sample.port, frame, expected)


# ── judging ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ProbeFault:
    """What went wrong with one probe.

    `code`: ``lost``; ``duplicate``; ``altered`` (arrived where it should, with other octets); ``leak`` (arrived
    where it should not).
    """

    code: str
    probe: str
    demand: str
    detail: str


@dataclass(frozen=True, slots=True)
class ApplicationProbes:
    """V3 of one application: how many frames of either kind were sent, and what went wrong."""

    application: str
    positive: int
    arrived: int
    negative: int
    leaked: int
    faults: tuple[ProbeFault, ...]

    @property
    def ok(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True)
class V3Report:
    """V3 of all applications, in order of name; it holds (`ok`) if something was sent and nothing went wrong."""

    applications: tuple[ApplicationProbes, ...]

    @property
    def ok(self) -> bool:
        return bool(self.applications) and all(item.ok for item in self.applications)

    @property
    def faults(self) -> tuple[ProbeFault, ...]:
        return tuple(fault for item in self.applications for fault in item.faults)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(
            Diagnostic(f"v3-{fault.code}", fault.detail, f"demand {fault.demand}", detail=f"probe {fault.probe}")
            for fault in self.faults
        )

    def to_json(self) -> dict[str, Any]:
        return {"level": "V3", "ok": self.ok, "applications": [asdict(item) for item in self.applications]}


def judge(sent: Iterable[Probe], received: Mapping[str, Sequence[tuple[PortRef, bytes]]]) -> V3Report:
    """Compare what arrived (probe id → port and octets of every frame) with what had to.

    A frame shorter than the least length may come padded with zeros: network cards do that.
    """
    groups: dict[str, list[Probe]] = defaultdict(list)
    for probe in sent:
        groups[probe.application].append(probe)
    return V3Report(tuple(_application(name, groups[name], received) for name in sorted(groups)))


def _application(
    name: str, group: list[Probe], received: Mapping[str, Sequence[tuple[PortRef, bytes]]]
) -> ApplicationProbes:
    faults: list[ProbeFault] = []
    arrived = leaked = 0
    for probe in group:
        found = _faults(probe, list(received.get(probe.id, ())))
        faults += found
        codes = {fault.code for fault in found}
        arrived += probe.positive and not codes & {"lost", "altered"}
        leaked += not probe.positive and "leak" in codes
    positive = sum(probe.positive for probe in group)
    return ApplicationProbes(name, positive, arrived, len(group) - positive, leaked, tuple(faults))


def _faults(probe: Probe, came: list[tuple[PortRef, bytes]]) -> list[ProbeFault]:
    faults = []

    def fault(code: str, detail: str) -> None:
        faults.append(ProbeFault(code, probe.id, probe.demand, detail))

    for port, frame in probe.expected:
        here = [octets for at, octets in came if at == port]
        if not here:
            fault("lost", f"{probe.kind} sent into {probe.port} did not arrive at {port}")
        elif len(here) > 1:
            fault("duplicate", f"{probe.kind} sent into {probe.port} arrived {len(here)} times at {port}")
        for octets in here:
            if octets != frame and octets != frame.ljust(LEAST, b"\0"):
                fault("altered", f"{probe.kind} arrived at {port} with {_difference(frame, octets)}")
    right = {port for port, _ in probe.expected}
    for port in sorted({at for at, _ in came} - right):
        fault("leak", f"{probe.kind} sent into {probe.port} came out of {port}")
    return faults


def _difference(expected: bytes, octets: bytes) -> str:
    """Where two frames differ first, for people."""
    at = next((i for i, (a, b) in enumerate(zip(expected, octets, strict=False)) if a != b), None)
    if at is None:
        return f"{len(octets)} octets instead of {len(expected)}"
    return f"another octet at {at}: {octets[at]:#04x} instead of {expected[at]:#04x}"
