"""What a check finds, and the edits of the inventory that would make it true: values.

An edit names an entry by the place where it begins and a key of its own (`port: 3`), so that whoever applies it to
the text of the file keeps everything else, comments included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from sdnctl.errors import Source


class Weight(StrEnum):
    """How soon somebody should look: *urgent* today, *alarm* this week, *notice* when there is time."""

    URGENT = "urgent"
    ALARM = "alarm"
    NOTICE = "notice"


ORDER = tuple(Weight)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a file: where it begins, and a key of it with its value, which tells it from others there."""

    source: Source
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Set:
    """Give fields of an entry other values, (field, value) each; a dot leads into a mapping: ``uplink.port``."""

    entry: Entry
    values: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, entry: Entry, values: Mapping[str, str]) -> Set:
        return cls(entry, tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Exchange:
    """Let two entries of one file change a field: each gets what the other has, be it nothing."""

    a: Entry
    b: Entry
    field: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Write a comment at the end of a file: what a person has to complete."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Write:
    """Give a field of an entry another value, written as it stands here: a list, say."""

    entry: Entry
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Take an entry out of its list, with the lines it stands on."""

    entry: Entry


Edit: TypeAlias = Set | Exchange | Remark | Write | Drop


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `why`: what was seen and expected; `remedy`: what to do beside the edits, or instead."""

    code: str
    weight: Weight
    address: str
    source: Source | None
    summary: str
    why: str
    remedy: str
    edits: tuple[Edit, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON documents have it."""
        return {
            "code": self.code,
            "severity": str(self.weight),
            "address": self.address,
            "file": self.source.file if self.source else None,
            "line": self.source.line if self.source else None,
            "summary": self.summary,
            "why": self.why,
            "remedy": self.remedy,
            "edits": len(self.edits),
        }


def order(finding: Finding) -> tuple[int, str, str, str]:
    """Most urgent first, then by place."""
    return ORDER.index(finding.weight), finding.address, finding.code, finding.summary
