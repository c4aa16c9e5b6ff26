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
    """Whose it is."""
    manager: str | None = None
    """Who looks after it; the owner where nobody is named."""
    user: str | None = None
    """Whose network it is used for; the owner where nobody is named."""
    status: Status | None = None
    """Where it is in its life; only what is `in-service` carries traffic."""
    valid_from: date | None = None
    """From which day on this holds (`2026-03-31`)."""
    valid_to: date | None = None
    """The last day on which it holds."""
    source: str | None = None
    """How it is known: a survey, a drawing, an assumption."""


class PlantObject(Life):
    id: Id
    """Its name, once in the network for its kind."""


class LossSpan(Strict):
    """Least and greatest loss."""

    min: LossField
    """The least that accepted parts lose."""
    max: LossField
    """The most that they may lose."""

    @model_validator(mode="after")
    def _ordered(self) -> LossSpan:
        if self.min > self.max:
            raise ValueError(f"min {self.min} dB is above max {self.max} dB")
        return self


class LossRateSpan(Strict):
    """Least and greatest attenuation."""

    min: LossRateField
    """The least that accepted glass loses."""
    max: LossRateField
    """The most that it may lose."""

    @model_validator(mode="after")
    def _ordered(self) -> LossRateSpan:
        if self.min > self.max:
            raise ValueError(f"min {self.min} dB/km is above max {self.max} dB/km")
        return self
