"""What the API says of the network: status, proof, drift, cabling, demands, trunks, what switches hold."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sdnctl.api.models.base import Answer, DiagnosticDocument, Document
from sdnctl.store.store import Snapshot
from sdnctl.usecases.status import ApplicationStatus, GroupStatus
from sdnctl.verify.probes import ApplicationProbes
from sdnctl.verify.report import ApplicationSummary, Checked, Loss, Violation


class StatusDocument(Answer):
    """Where things stand. A tenant sees its own applications, and of the network only its name."""

    network: str
    snapshot: Snapshot | None
    pending: Snapshot | None
    unreachable: list[str]
    switches: int | None
    links: int | None
    down: list[str]
    pinned: list[str]
    applications: list[ApplicationStatus]
    lab: str
    by: str
    groups: list[GroupStatus]
    drained: list[str]
    damped: list[str]
    unseen: list[str] = Field(default=[], description="Links of which no end answers.")


class AlteredDocument(Document):
    """A rule as applied and as held, in the notation of ovs-ofctl."""

    applied: str
    observed: str


class DeviceHeldDocument(Document):
    """V2 of one switch."""

    device: str
    status: Literal["match", "drift", "unknown"]
    applied: int
    matching: int
    missing: list[str]
    extra: list[str]
    altered: list[AlteredDocument]
    foreign: int


class HeldDocument(Document):
    """V2 of all switches."""

    level: Literal["V2"]
    ok: bool
    counts: dict[str, int]
    devices: list[DeviceHeldDocument]


class OwnerDocument(Document):
    application: str
    tenant: str
    service_class: str = Field(alias="class")


class FindingDocument(Document):
    """One rule that is not as applied, whose it is, and where its glass runs."""

    switch: str
    state: str
    rule: str | None
    observed: str | None
    what: str
    owners: list[OwnerDocument]
    links: list[str]
    cables: list[str]
    ducts: list[str]


class AttachedDocument(Document):
    """How much a device beside the switches holds of what was applied to it."""

    device: str
    status: Literal["match", "drift", "unknown"]
    matching: int
    missing: int
    extra: int
    altered: int


class DriftDocument(Answer):
    """What switches hold against what was applied. A tenant sees the findings that are about its demands."""

    level: Literal["V2"]
    counts: dict[str, int]
    devices: list[DeviceHeldDocument]
    settings: list[str]
    foreign: dict[str, int]
    attachments: list[AttachedDocument] = Field(default=[], description="Devices beside the switches.")
    findings: list[FindingDocument]


class SwitchDriftDocument(Document):
    """What the last look at a switch found; `frozen`: since when it is left alone until somebody acknowledges.

    `acknowledged`: by whom, until it is as applied again. A switch that `waits` holds what it last confirmed, and
    a change that it missed is still to be made.
    """

    switch: str
    seen: str
    state: Literal["match", "waits", "drift", "unknown"]
    counts: dict[str, int]
    settings: bool
    foreign: int
    policy: str
    frozen: str | None
    acknowledged: str | None = None
    findings: list[FindingDocument]


class DriftWatchDocument(Answer):
    """`ok`: every switch that was looked at answers and is as applied; none is frozen, none waits for a change."""

    switches: list[SwitchDriftDocument]
    repairs: int


class CableDocument(Document):
    """A cable as it was heard of, against the plan."""

    kind: str
    ports: list[str]
    links: list[str]
    heard: list[dict[str, str]]
    summary: str


class CablingDocument(Answer):
    """What discovery found; quarantined links and ports with the reason."""

    cables: list[CableDocument]
    refused: dict[str, int]
    quarantined_links: dict[str, str]
    quarantined_ports: dict[str, str]


class WaitingDocument(Document):
    """A switch that dialled in and is no device of the network."""

    dpid: str
    address: str
    certificate: str
    description: str
    replaced: str | None


class DoorDocument(Answer):
    waiting: list[WaitingDocument]


class VerdictDocument(Document):
    """V1 of one demand."""

    status: Literal["ok", "residual", "violated"]
    demand: str
    application: str
    grade: str
    violations: list[Violation]
    residual: list[Loss]
    exposed: list[Loss]
    path: list[str]
    delay: float
    worst_delay: float
    worst_failure: str
    walks: int
    remarks: list[str]


class V1Document(Document):
    """V1 of all demands; delays in microseconds."""

    level: Literal["V1"]
    ok: bool
    worst_delay_us: float
    checked: Checked
    faults: list[Violation]
    unused: list[str]
    applications: list[ApplicationSummary]
    demands: list[VerdictDocument]


class V3Document(Document):
    level: Literal["V3"]
    ok: bool
    applications: list[ApplicationProbes]


class VerificationDocument(Answer):
    subject: str
    v1: V1Document
    v2: HeldDocument | None
    v3: V3Document | None
    why_no_v3: str
    v3_sampled: bool


class EndDocument(Document):
    endpoint: str
    port: str


class DemandDocument(Document):
    """One demand as it is applied; rates in bit/s."""

    id: str
    application: str
    tenant: str
    service_class: str = Field(alias="class")
    ingress: EndDocument
    egress: EndDocument
    cir: int
    eir: int
    grade: str
    trunk: str | None
    label: int | None
    path: list[str]
    standby: list[str]
    cut_off: bool


class DemandsDocument(Answer):
    demands: list[DemandDocument]
    unknown: list[str] = Field(description="Ids that were asked for and that nobody has, or that are others'.")


class TrunkDocument(Document):
    key: str
    label: int
    path: list[str]
    standby: list[str]
    grade: str
    demands: int
    flipped: bool


class TrunksDocument(Answer):
    trunks: list[TrunkDocument]


class SwitchDocument(Document):
    """A switch and its connection; `reason` says why it has none."""

    switch: str
    connected: bool
    connections: int = Field(description="How many it has had since the controller started.")
    reason: str


class TurnDocument(Document):
    urgency: Literal["failure", "request", "repair", "stop"]
    what: str
    by: str


class ControllerDocument(Answer):
    """This controller: master or standby, its switches, the change that is being made and those that wait."""

    version: str
    run: str = Field(description="Changes with every start; event numbers count within it.")
    role: Literal["master", "standby"]
    holder: str | None = Field(
        description="Who has the lease, on the standby too; null: nobody, as far as it knows."
    )
    generation: int | None
    folder: str
    store: str = Field(description="A fingerprint of the URL of its store.")
    switches: list[SwitchDocument]
    devices: list[str] = Field(default=[], description="Gear beside the switches, polled.")
    current: TurnDocument | None
    waiting: list[TurnDocument]
    damped: list[str] = Field(description="Links that flap, and are kept out of use until they have calmed down.")
    unhandled: str = Field(description="Why a failure is pinned and not yet moved away from; tried again soon.")
    last_event: int
    peer: str = Field(description="Who you are to this controller.")


class ObservationDocument(Answer):
    """What switches hold: `rules` and `others` (foreign flows) packed as in the states of `compile -o`."""

    switches: dict[str, Any] = Field(description="Per switch how many foreign rules it has; null: no answer.")
    rules: dict[str, Any]
    others: dict[str, Any]
    settings: dict[str, Any]
    attachments: dict[str, Any] | None = Field(
        default=None, description="Of gear beside the switches; null where nobody asked any."
    )
    faults: dict[str, list[DiagnosticDocument]]


class CountersDocument(Answer):
    counters: dict[str, Any] = Field(
        description="Per switch `ports` by number and `flows` as [table, cookie, packets]; null: no answer."
    )
