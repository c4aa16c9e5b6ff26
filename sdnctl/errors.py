"""Everything that can go wrong, as one tree, and the diagnostics that explain it.

    SdnctlError                      base; carries diagnostics; `exit_code`
    ├── InputError            1      the network folder or an argument is wrong
    │   └── UsageError        64     the command line itself is wrong
    ├── CompileError          1      an intent cannot be carried (with the proof)
    ├── PlanError             1
    │   ├── StalePlan         1      the network changed since the plan was made
    │   └── AlteredPlan       1      the plan's text does not match its fingerprint
    ├── OutageRefused         3      a protected class would be interrupted
    ├── VerificationFailed    4      a level (V1…V3) does not hold
    ├── NoCredentials         1      a controller does not know who asks
    ├── Forbidden             1      whoever asks may not do this
    ├── Busy                  1      a controller has too much to do at the moment, or stops
    ├── StoreError            1
    │   └── LeaseHeld         1      another writer holds the lease
    └── DeviceError           1      a device said no, or nothing
        ├── DeviceUnreachable 1      no connection, or lost in the middle
        ├── DeviceRefused     1      an error message tied to the request that caused it
        └── ProtocolError     1      bytes that are not the protocol

A `Diagnostic` says what, where (address, file:line), why and what to do. Many are collected and
none is dropped; only `cli` prints them or exits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from sdnctl.quick import quick


class Severity(StrEnum):
    """How much a diagnostic matters: an *error* stops, a *warning* is shown, a *note* explains."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@quick
@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place in a file that a person can open: path relative to the network folder, 1-based line."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


def brief(text: object, longest: int = 300) -> str:
    """A text of which the middle is left out where it is longer: what is quoted of a damaged file has no end."""
    words = str(text)
    return words if len(words) <= longest else f"{words[: longest // 2]}…{words[-longest // 2 :]}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong (`summary`), where (`address`, `source`), why (`detail`), what to do (`hint`).

    `address` names the object in the model's own terms: ``cable C12``, ``intent video-protection``,
    ``switch pop-gare port 3``. `code` is a stable kebab-case name that documentation and pipelines use. Summary,
    address and hint are short enough for a screen, whatever they quote.
    """

    code: str
    summary: str
    address: str = ""
    source: Source | None = None
    detail: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        for name, text, longest in (("summary", self.summary, 800), ("address", self.address, 200)):
            if len(text) > longest:
                object.__setattr__(self, name, brief(text, longest))
        if len(self.hint) > 800:
            object.__setattr__(self, "hint", brief(self.hint, 800))

    def __str__(self) -> str:
        where = " ".join(str(part) for part in (self.source, self.address) if part)
        text = f"{self.severity}[{self.code}]: {self.summary}"
        if where:
            text += f" ({where})"
        for label, part in (("", self.detail), ("hint: ", self.hint)):
            if part:
                text += f"\n  {label}{part}"
        return text

    def to_json(self) -> dict[str, Any]:
        """As every JSON document has it."""
        return {
            "severity": str(self.severity),
            "code": self.code,
            "summary": self.summary,
            "address": self.address,
            "file": self.source.file if self.source else None,
            "line": self.source.line if self.source else None,
            "detail": self.detail,
            "hint": self.hint,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Diagnostic:
        """Read what `to_json` made; raises LookupError, TypeError or ValueError for anything else."""
        file, line = data["file"], data["line"]
        texts = [data[name] for name in ("code", "summary", "address", "detail", "hint")]
        plain = all(isinstance(text, str) for text in texts) and isinstance(file, str | None)
        if not plain or type(line) not in (int, type(None)):
            raise ValueError("this is no diagnostic")
        code, summary, address, detail, hint = texts
        source = Source(file, line) if file is not None else None
        return cls(code, summary, address, source, detail, hint, Severity(data["severity"]))


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, str, str, str]:
    """Order by place, so that one file's faults stand together whatever pass found them."""
    source = diagnostic.source
    return (
        source.file if source else "",
        (source.line or 0) if source else 0,
        diagnostic.address,
        diagnostic.code,
        diagnostic.summary,
    )


@dataclass(slots=True)
class Diagnostics:
    """A collector that stages fill as they go on; nothing is raised until a caller asks."""

    items: list[Diagnostic] = field(default_factory=list)

    def error(
        self,
        code: str,
        summary: str,
        *,
        address: str = "",
        source: Source | None = None,
        detail: str = "",
        hint: str = "",
    ) -> None:
        self.items.append(Diagnostic(code, summary, address, source, detail, hint, Severity.ERROR))

    def warning(
        self,
        code: str,
        summary: str,
        *,
        address: str = "",
        source: Source | None = None,
        detail: str = "",
        hint: str = "",
    ) -> None:
        self.items.append(Diagnostic(code, summary, address, source, detail, hint, Severity.WARNING))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.items.extend(diagnostics)

    @property
    def errors(self) -> list[Diagnostic]:
        return [item for item in self.items if item.severity is Severity.ERROR]

    def sorted(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(dict.fromkeys(self.items), key=sort_key))

    def raise_if_errors(self, error: type[SdnctlError]) -> None:
        """Raise `error` with *all* diagnostics if any of them is an error."""
        if self.errors:
            raise error(*self.sorted())

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class SdnctlError(Exception):
    """Base of all errors that sdnctl raises on purpose; always carries at least one diagnostic."""

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "error"

    def __init__(self, *diagnostics: Diagnostic | str) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(
            Diagnostic(self.default_code, item) if isinstance(item, str) else item for item in diagnostics
        )
        super().__init__("\n".join(str(item) for item in self.diagnostics))


class InputError(SdnctlError):
    default_code = "bad-input"


class UsageError(InputError):
    exit_code = 64
    default_code = "usage"


class CompileError(SdnctlError):
    default_code = "cannot-compile"


class PlanError(SdnctlError):
    default_code = "plan"


class StalePlan(PlanError):
    default_code = "stale-plan"


class AlteredPlan(PlanError):
    default_code = "altered-plan"


class OutageRefused(SdnctlError):
    exit_code = 3
    default_code = "outage-refused"


class VerificationFailed(SdnctlError):
    exit_code = 4
    default_code = "verification-failed"


class NoCredentials(SdnctlError):
    default_code = "no-credentials"


class Forbidden(SdnctlError):
    default_code = "forbidden"


class Busy(SdnctlError):
    default_code = "busy"


class StoreError(SdnctlError):
    default_code = "store"


class LeaseHeld(StoreError):
    default_code = "lease-held"


class DeviceError(SdnctlError):
    default_code = "device"


class DeviceUnreachable(DeviceError):
    default_code = "device-unreachable"


class DeviceRefused(DeviceError):
    default_code = "device-refused"


class ProtocolError(DeviceError):
    default_code = "protocol"
