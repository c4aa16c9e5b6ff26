"""`network.yaml`: what holds for the whole network, as written and as the compiler's settings."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema

from sdnctl.compiler.ir import LabelRange, Settings
from sdnctl.document import Document
from sdnctl.errors import Diagnostics
from sdnctl.inventory.fields import Id
from sdnctl.units import Delay, DelayField, Length, LengthField, Octets, OctetsField
from sdnctl.workspace.controller import ControllerSection

_RANGE = re.compile(r"\s*([0-9]{1,7})\s*-\s*([0-9]{1,7})\s*")
_FIRST, _LAST = 16, (1 << 20) - 1
"""Labels 0…15 are reserved (RFC 3032)."""


def parse_labels(text: object) -> LabelRange:
    """``1000-99999`` → a label range; raises ValueError for reserved or backward ones."""
    if isinstance(text, LabelRange):
        return text
    match = _RANGE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a range of labels: write it like '1000-99999'")
    first, last = int(match[1]), int(match[2])
    if not _FIRST <= first <= last <= _LAST:
        raise ValueError(f"{text!r} is not within {_FIRST}-{_LAST} from low to high")
    return LabelRange(first, last)


def _text(labels: LabelRange) -> str:
    return f"{labels.first}-{labels.last}"


LabelsField = Annotated[
    LabelRange,
    PlainValidator(parse_labels),
    PlainSerializer(_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9]+\s*-\s*[0-9]+\s*$", "examples": ["1000-99999"]}),
]

_DEFAULT = Settings("")


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Labels(Model):
    """Disjoint ranges of MPLS labels: of trunks, of bypasses round a failure, of services at their egress."""

    trunk: LabelsField = _DEFAULT.trunk_labels
    """Of paths between two switches."""
    bypass: LabelsField = _DEFAULT.bypass_labels
    """Of detours round a failure."""
    service: LabelsField = _DEFAULT.service_labels
    """Of services at their egress."""


class NetworkFile(Model):
    """`network.yaml`: what holds for the whole network."""

    name: Id
    """Its name, in plans, labs and the store."""
    title: str = ""
    """What people call the network, for maps."""
    crs: Literal["EPSG:4326"] = "EPSG:4326"
    """Positions are WGS 84, longitude first; imports convert what is not."""
    mtu: OctetsField = _DEFAULT.mtu
    """Largest payload of customers' frames; links need 34 B more."""
    labels: Labels = Labels()
    """Ranges of MPLS labels."""
    lead_in: LengthField = _DEFAULT.lead_in
    """A risk that cuts every way into a site and is at most this long is that site's residual single point of
    failure."""
    bfd_interval: DelayField | None = None
    """Time between liveness checks on links; none by default."""
    hold_down: DelayField = Delay(_DEFAULT.hold_down_ms * 1000.0)
    """How long a link must be up before traffic returns to it."""
    drain: DelayField = Delay(_DEFAULT.drain_ms * 1000.0)
    """How long packets on old labels may still be under way."""
    crisis_profile: Id | None = None
    """The order of `classes.yaml` that holds now."""
    controller: ControllerSection = ControllerSection()
    """How a running controller behaves; it changes nothing of what is compiled."""
    note: str = ""
    """For people."""


def read_settings(document: Document[NetworkFile], out: Diagnostics) -> Settings:
    """The compiler's settings, and what in the file contradicts itself."""
    file = document.value
    ranges = {name: getattr(file.labels, name) for name in Labels.model_fields}
    names = sorted(ranges, key=lambda name: (ranges[name].first, name))
    for one, two in pairwise(names):
        if ranges[two].first <= ranges[one].last:
            out.error(
                "labels-overlap",
                f"the labels of {one} ({_text(ranges[one])}) and {two} ({_text(ranges[two])}) overlap",
                address="network",
                source=document.at("labels", two),
                hint="A label must mean one thing: make the ranges disjoint.",
            )
    if not 576 <= file.mtu <= 9_500:
        out.error(
            "mtu-out-of-range",
            f"a service MTU of {file.mtu} B is not between 576 B and 9500 B",
            address="network",
            source=document.at("mtu"),
            hint="1500 B is usual; links need 34 B more.",
        )
    return Settings(
        name=file.name,
        crs=file.crs,
        mtu=Octets(file.mtu),
        trunk_labels=file.labels.trunk,
        bypass_labels=file.labels.bypass,
        service_labels=file.labels.service,
        lead_in=Length(file.lead_in),
        bfd_interval_ms=None if file.bfd_interval is None else _milliseconds(document, "bfd_interval", out),
        hold_down_ms=_milliseconds(document, "hold_down", out),
        drain_ms=_milliseconds(document, "drain", out),
    )


def _milliseconds(
    document: Document[NetworkFile], key: Literal["bfd_interval", "hold_down", "drain"], out: Diagnostics
) -> int:
    value = float(getattr(document.value, key))
    if value % 1000 or value > 3600e6 or (key == "bfd_interval" and value == 0):
        out.error(
            "bad-value",
            f"{key} is not a whole number of milliseconds up to an hour",
            address="network",
            source=document.at(key),
            hint="Write it like '100 ms'.",
        )
    return int(value // 1000)
