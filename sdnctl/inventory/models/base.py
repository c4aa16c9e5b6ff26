"""What all models of `inventory/` share: strictness, life cycle, and spans of loss."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, model_validator

from sdnctl.inventory.fields import Id
from sdnctl.units import LossField, LossRateField


class Status(StrEnum):
    """Where an object is in its life; only in-service glass carries traffic."""

    PLANNED = "planned"
    UNDER_WORKS = "under-works"
    IN_SERVICE = "in-service"
    OUT_OF_ORDER = "out-of-order"
    ABANDONED = "abandoned"


class Strict(BaseModel):
    """No unknown keys, no changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class Life(Strict):
    """Owner, manager, user, life cycle and provenance; what an object leaves out comes from the file's `defaults`.

    Who owns it, who looks after it, and whose network it is used for may differ (a rented duct, somebody's poles);
    manager and user are the owner where nobody wrote them.
    """

    owner: str | None = None
    manager: str | None = None
    user: str | None = None
    status: Status | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    source: str | None = None


class PlantObject(Life):
    id: Id


class LossSpan(Strict):
    """Least and greatest loss."""

    min: LossField
    max: LossField

    @model_validator(mode="after")
    def _ordered(self) -> LossSpan:
        if self.min > self.max:
            raise ValueError(f"min {self.min} dB is above max {self.max} dB")
        return self


class LossRateSpan(Strict):
    """Least and greatest attenuation."""

    min: LossRateField
    max: LossRateField

    @model_validator(mode="after")
    def _ordered(self) -> LossRateSpan:
        if self.min > self.max:
            raise ValueError(f"min {self.min} dB/km is above max {self.max} dB/km")
        return self
