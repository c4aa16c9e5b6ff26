"""What a pair of endpoints is promised, after circuit or own terms, application and class had their say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sdnctl.document import Document, KeyPath
from sdnctl.errors import Diagnostic, Diagnostics, Severity, Source
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


Said: TypeAlias = tuple[KeyPath, Circuit | OwnTerms]
"""Where somebody says what differs from the application, and what."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One application's file, what its class and network say, and where to tell (once) what is wrong."""

    document: Document[Application]
    service_class: ServiceClass | None
    mtu: Octets
    out: Diagnostics
    told: set[tuple[str, str, Source]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"application {self.document.value.application}"

    def terms(self, *said: Said, whom: str = "") -> Terms | None:
        """What is promised: each point by the first that says it, else by the application, else by its class.

        None, and a diagnostic, without usable rates; `whom` names for whom they are missing.
        """
        application = self.document.value
        sayers: list[tuple[KeyPath, Application | Circuit | OwnTerms]] = [*said, ((), application)]
        circuit = said[0][1] if said and isinstance(said[0][1], Circuit) else None
        address = self.address + (f" circuit {circuit.id}" if circuit else "")
        rate = next(((at, one.bandwidth) for at, one in sayers if one.bandwidth is not None), None)
        if rate is None:
            self._missing_bandwidth(address, said, whom)
            return None
        path, bandwidth = rate
        excess = next((one.excess for _, one in sayers if one.excess is not None), _NOTHING)
        usable = True
        if not bandwidth.up + excess.up or not bandwidth.down + excess.down:
            usable = self._tell(
                "no-rate",
                "neither bandwidth nor excess lets anything pass in one direction",
                address,
                (*path, "bandwidth"),
                hint="Every direction needs some rate: address resolution runs both ways.",
            )
        if application.service is Service.MESH and (bandwidth.up, excess.up) != (bandwidth.down, excess.down):
            usable = self._tell(
                "mesh-without-up",
                "a mesh has no up and down: one rate holds from each member to each",
                address,
                (*path, "bandwidth"),
                hint="Write one rate, such as 'bandwidth: 64 kbit/s'; likewise for excess.",
            )
        if not usable:
            return None
        latency = _first(sayers, "latency")
        target = self.service_class.latency if self.service_class else None
        if latency is not None and target is not None and latency < target:
            at = next(at for at, one in sayers if one.guarantees.latency is not None)
            self._tell(
                "latency-below-class",
                f"the latency is stricter than what class {application.service_class} is meant for",
                address,
                (*at, "guarantees", "latency"),
                Severity.WARNING,
                detail="Paths are chosen by the stricter figure; queueing is that of the class.",
                hint="Take a class higher on the ladder, or the class's own latency.",
            )
        return Terms(
            bandwidth.up,
            bandwidth.down,
            excess.up,
            excess.down,
            _first(sayers, "protection") or Grade.NONE,
            latency if latency is not None else target,
            frozenset(_first(sayers, "avoid") or ()),
            _first(sayers, "isolation") == "exclusive",
            (circuit.mtu if circuit else None) or application.mtu or self.mtu,
        )

    def _missing_bandwidth(self, address: str, said: tuple[Said, ...], whom: str) -> None:
        self._tell(
            "missing-key",
            "bandwidth is missing",
            address,
            said[0][0] if said else ("application",),
            detail=f"No terms give a rate to {whom}." if whom and self.document.value.terms else "",
            hint="Write the committed rate, such as 'bandwidth: {up: 8 Mbit/s, down: 256 kbit/s}'.",
        )

    def _tell(
        self,
        code: str,
        summary: str,
        address: str,
        at: KeyPath,
        severity: Severity = Severity.ERROR,
        *,
        detail: str = "",
        hint: str,
    ) -> bool:
        """One diagnostic, once for all pairs that it is true of; always False."""
        source = self.document.at(*at)
        if (code, address, source) not in self.told:
            self.told.add((code, address, source))
            self.out.extend([Diagnostic(code, summary, address, source, detail, hint, severity)])
        return False


_NOTHING = Rates(up="0 bit/s", down="0 bit/s")


def _first(sayers: Iterable[tuple[KeyPath, Application | Circuit | OwnTerms]], name: str) -> Any:
    """The first word about one guarantee, or None."""
    return next((value for _, one in sayers if (value := getattr(one.guarantees, name)) is not None), None)


# ── terms of some endpoints ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Schedule:
    """Terms by endpoint. `fitting`: endpoint id → the entries of `terms` that fit it, in their order."""

    asked: Asked
    fitting: Mapping[str, tuple[int, ...]]
    known: dict[tuple[int, ...], Terms | None] = field(default_factory=dict)

    def of(self, *ends: Endpoint) -> Terms | None:
        """The terms of a pair, by the entries that fit one of these ends; None where they are faulty."""
        key = tuple(sorted({index for end in ends for index in self.fitting.get(end.id, ())}))
        if key not in self.known:
            entries = self.asked.document.value.terms
            said = [(("terms", index), entries[index]) for index in key]
            self.known[key] = self.asked.terms(*said, whom=ends[0].id)
        return self.known[key]


def schedule(asked: Asked, selection: Selection, served: Iterable[Endpoint]) -> Schedule:
    """The terms of the leaves of a tree or the members of a mesh; entries of no use are told."""
    application, document = asked.document.value, asked.document
    served = tuple(served)
    fitting: dict[str, tuple[int, ...]] = {}
    points: dict[str, set[str]] = {endpoint.id: set() for endpoint in served}
    for index, one in enumerate(application.terms if served else ()):
        found = selection.narrow(
            document, ("terms", index, "select"), one.select, served, "endpoint that is served"
        )
        own = _points(one)
        if found and all(own <= points[endpoint.id] for endpoint in found):
            asked.out.warning(
                "terms-never-used",
                f"entry {index + 1} of terms is never used",
                address=asked.address,
                source=document.at("terms", index),
                detail="Entries before it fit all of its endpoints and say the same things; the first counts.",
                hint="Put it before them, or delete it.",
            )
        for endpoint in found:
            points[endpoint.id] |= own
            fitting[endpoint.id] = (*fitting.get(endpoint.id, ()), index)
    made = Schedule(asked, fitting)
    if not application.terms or application.bandwidth is not None:
        made.known[()] = asked.terms()  # told also where nobody is selected
    return made


def _points(one: OwnTerms) -> set[str]:
    """What an entry speaks about."""
    said = {name for name in ("bandwidth", "excess") if getattr(one, name) is not None}
    return said | {name for name in Guarantees.model_fields if getattr(one.guarantees, name) is not None}
