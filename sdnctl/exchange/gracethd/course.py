"""Where cables of the records run: segment by segment, and as one line."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from sdnctl.errors import Diagnostics
from sdnctl.exchange.gracethd.records import Records, write_documents
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.plant import Plant


class Course:
    """Answers for one set of records; a cable that no plant could be made with has no way."""

    def __init__(self, records: Records, plant: Plant | None = None) -> None:
        self.records, self._plant = records, plant

    @cached_property
    def plant(self) -> Plant:
        """That of the records; made when somebody asks."""
        return self._plant or build_plant(write_documents(self.records, Diagnostics()))[0]

    def steps(self, cable: str) -> list[tuple[str, bool]]:
        """The segments that a cable takes from its end a, and whether each is taken the way it is drawn."""
        held = self.plant.cables.get(cable)
        if held is None:
            return []
        segments = self.plant.segments
        return [
            (passage.segment, segments[passage.segment].a == place)
            for place, passage in zip(held.places, held.passages, strict=False)
        ]

    def line(self, cable: str) -> list[Sequence[float]]:
        """The corners of a cable's route from its end a; none where no route is known."""
        line: list[Sequence[float]] = []
        for segment, forward in self.steps(cable):
            part = self.records["segment"][segment]["coordinates"]
            part = part if forward else part[::-1]
            line += part[1:] if line and list(line[-1]) == list(part[0]) else part
        return line
