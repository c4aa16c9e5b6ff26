"""What a pair of endpoints is promised, after circuit or own terms, application and class had their say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostics
from sdnctl.intents.demand import Endpoint, Grade, Service, ServiceClass
from sdnctl.intents.models import Application, Circuit, Guarantees, OwnTerms, Rates
from sdnctl.intents.select import Selection
from sdnctl.units import Bitrate, Delay, Octets


@dataclass(frozen=True, slots=True)
class Terms:
    """Rates each way and guarantees of one pair."""

    up: Bitrate
    down: Bitrate
    excess_up: Bitrate
    excess_down: Bitrate
    grade: Grade
    latency: Delay | None
    avoid: frozenset[str]
    exclusive: bool
    mtu: Octets


@dataclass(frozen=True, slots=True)
class Asked:
    """One application's file, what its class and network say, and where to tell what is wrong."""

    document: Document[Application]
    service_class: ServiceClass | None
    mtu: Octets
    out: Diagnostics

    @property
    def address(self) -> str:
        return f"application {self.document.value.application}"

    def terms(self, at: KeyPath = (), own: Circuit | OwnTerms | None = None) -> Terms | None:
        """What `own` (it stands at `at`) or the application promises; None, and a diagnostic, without rates."""
        application, document = self.document.value, self.document
        bandwidth = (own.bandwidth if own else None) or application.bandwidth
        excess = (own.excess if own else None) or application.excess or Rates(up="0 bit/s", down="0 bit/s")
        address = self.address + (f" circuit {own.id}" if isinstance(own, Circuit) else "")
        if bandwidth is None:
            self.missing_bandwidth(address, at)
            return None
        if not bandwidth.up + excess.up or not bandwidth.down + excess.down:
            self.out.error(
                "no-rate",
                "neither bandwidth nor excess lets anything pass in one direction",
                address=address,
                source=document.at(*at, "bandwidth"),
                hint="Every direction needs some rate: address resolution runs both ways.",
            )
            return None
        if application.service is Service.MESH and (bandwidth.up, excess.up) != (bandwidth.down, excess.down):
            self.out.error(
                "mesh-without-up",
                "a mesh has no up and down: one rate holds from each member to each",
                address=address,
                source=document.at(*at, "bandwidth"),
                hint="Write one rate, such as 'bandwidth: 64 kbit/s'; likewise for excess.",
            )
            return None
        said = [application.guarantees, *((own.guarantees,) if own else ())]
        target = self.service_class.latency if self.service_class else None
        latency = _latest(said, "latency")
        if latency is not None and target is not None and latency < target:
            self.out.warning(
                "latency-below-class",
                f"the latency is stricter than what class {application.service_class} is meant for",
                address=address,
                source=document.at(*at, "guarantees", "latency"),
                detail="Paths are chosen by the stricter figure; queueing is that of the class.",
                hint="Take a class higher on the ladder, or the class's own latency.",
            )
        return Terms(
            bandwidth.up,
            bandwidth.down,
            excess.up,
            excess.down,
            _latest(said, "protection") or Grade.NONE,
            latency if latency is not None else target,
            frozenset(_latest(said, "avoid") or ()),
            _latest(said, "isolation") == "exclusive",
            (own.mtu if isinstance(own, Circuit) else None) or application.mtu or self.mtu,
        )

    def missing_bandwidth(self, address: str, at: KeyPath = (), detail: str = "") -> None:
        self.out.error(
            "missing-key",
            "bandwidth is missing",
            address=address,
            source=self.document.at(*at) if at else self.document.at("application"),
            detail=detail,
            hint="Write the committed rate, such as 'bandwidth: {up: 8 Mbit/s, down: 256 kbit/s}'.",
        )


def _latest(said: list[Guarantees], name: str) -> Any:
    """The last word about one guarantee, or None."""
    return next((value for one in reversed(said) if (value := getattr(one, name)) is not None), None)


# ── terms of some endpoints ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Schedule:
    """Terms by endpoint. `first`: endpoint id → the first entry that fits it; the last entry is for the rest.

    An entry is None where its terms are faulty, which was told.
    """

    entries: tuple[Terms | None, ...]
    first: Mapping[str, int]

    def of(self, *ends: Endpoint) -> Terms | None:
        """The terms of a pair: of the first entry that fits one of its ends."""
        rest = len(self.entries) - 1
        return self.entries[min(self.first.get(end.id, rest) for end in ends)]


def schedule(asked: Asked, selection: Selection, served: Iterable[Endpoint]) -> Schedule:
    """The terms of the leaves of a tree or the members of a mesh; entries of no use are told."""
    application, document = asked.document.value, asked.document
    served = tuple(served)
    entries: list[Terms | None] = []
    first: dict[str, int] = {}
    for index, one in enumerate(application.terms):
        at: KeyPath = ("terms", index)
        entries.append(asked.terms(at, one))
        if not served:
            continue  # that nobody is selected was told already
        found = selection.narrow(document, (*at, "select"), one.select, served, "endpoint that is served")
        fresh = [endpoint.id for endpoint in found if endpoint.id not in first]
        if found and not fresh:
            asked.out.warning(
                "terms-never-used",
                f"entry {index + 1} of terms is never used",
                address=asked.address,
                source=document.at(*at),
                detail="Entries before it fit all of its endpoints, and the first one counts.",
                hint="Put it before them, or delete it.",
            )
        first.update((name, index) for name in fresh)
    rest = sorted(endpoint.id for endpoint in served if endpoint.id not in first)
    if application.terms and application.bandwidth is None:
        if rest:
            shown = ", ".join(rest[:5]) + (" …" if len(rest) > 5 else "")
            asked.missing_bandwidth(
                asked.address, detail=f"No terms give a rate to {len(rest)} endpoints: {shown}."
            )
        return Schedule((*entries, None), first)
    return Schedule((*entries, asked.terms()), first)
