"""Who owns an object, where in its life it is, and how it is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sdnctl.inventory.models import Status


@dataclass(frozen=True, slots=True)
class Life:
    """Who owns, manages and uses an object, where in its life it is, and how it is known."""

    owner: str = ""
    manager: str = ""
    status: Status = Status.IN_SERVICE
    valid_from: date | None = None
    valid_to: date | None = None
    provenance: str = ""
    user: str = ""

    def in_service(self, on: date | None = None) -> bool:
        """Whether it carries traffic: by its status, and on a given day also by its validity."""
        if self.status is not Status.IN_SERVICE:
            return False
        if on is None:
            return True
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )
