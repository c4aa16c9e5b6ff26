"""What clients send; keys that are not known are errors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Request(BaseModel):
    """A body; keys that are not known are errors."""

    model_config = ConfigDict(extra="forbid", str_max_length=4096)


def _whole(value: Any) -> Any:
    """``3.0`` is a whole number in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Number = Annotated[int, Field(strict=True, ge=1, le=2**53), BeforeValidator(_whole)]
"""Of a snapshot."""
Days = Annotated[int, Field(strict=True, ge=1, le=3650), BeforeValidator(_whole)]
DatapathId = Annotated[str, Field(pattern=r"^[0-9a-f]{0,15}[1-9a-f][0-9a-f]{0,15}$", max_length=16)]
"""In hex: numbers of 64 bits are not the same to every reader of JSON."""
Names = list[str]


class PlanRequest(Request):
    """`state`: what `compile -o` writes."""

    state: dict[str, Any]


class ApplyRequest(Request):
    """A plan as `plan -o` writes it, and the state that it leads to, as `compile -o` writes it."""

    plan: dict[str, Any]
    state: dict[str, Any]
    allow_outage: Names = Field(default=[], max_length=64, description="Protected classes to be interrupted.")
    reason: Literal["apply", "rollback"] = "apply"
    summary: str = Field(default="", max_length=1000)


class RollbackRequest(Request):
    to: Number | None = None
    allow_outage: Names = Field(default=[], max_length=64)


class ResumeRequest(Request):
    back: bool = Field(default=False, strict=True, description="Undo it instead of finishing it.")


class VerifyRequest(Request):
    live: bool = Field(default=True, strict=True)
    failures: Literal["none", "link", "srlg", "node", "all"] = "all"


class ReconcileRequest(Request):
    hold_down: bool = Field(default=True, strict=True, description="Wait until healed links have proven stable.")


class FlipRequest(Request):
    """Trunks to switch to their standby path, or back: all of them in one snapshot."""

    trunks: Names = Field(min_length=1, max_length=1000)


class DrainRequest(Request):
    switch: str = Field(min_length=1, max_length=200)
    back: bool = Field(default=False, strict=True, description="Let it carry traffic again.")


class AcknowledgeRequest(Request):
    switch: str = Field(min_length=1, max_length=200)


class ReleaseRequest(Request):
    port: str = Field(pattern=r"^[^\s:]+:[0-9]{1,10}$", description="SWITCH:PORT.")


class ObserveRequest(Request):
    switches: Names | None = Field(default=None, max_length=10_000, description="null: all of them.")
    newcomers: dict[str, DatapathId] = Field(
        default={},
        max_length=10_000,
        description="Switches that dialled in and are no devices: name, datapath id in hex.",
    )


class DemandsRequest(Request):
    ids: Names = Field(min_length=1, max_length=10_000)


class TokenRequest(Request):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")
    role: Literal["viewer", "operator", "admin"]
    tenants: Names = Field(default=[], max_length=100)
    days: int | None = Field(
        default=None, ge=1, le=3650, strict=True, description="Until it expires; null: never."
    )


class BindingRequest(Request):
    """`dpid` in hex; `certificate`: SHA-256 in hex, empty for the one that is shown first."""

    device: str = Field(min_length=1, max_length=200)
    dpid: DatapathId
    certificate: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    replace: bool = Field(default=False, strict=True, description="Take the place of another switch.")


class VerdictItem(Request):
    application: str = Field(max_length=200)
    level: Literal["V1", "V2", "V3"]
    snapshot: Number
    verdict: Literal["ok", "degraded", "failed"]
    detail: str


class VerdictsRequest(Request):
    verdicts: list[VerdictItem] = Field(max_length=10_000)
