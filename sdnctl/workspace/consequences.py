"""Which diagnostics are only the consequence of another fault: they go away with it, so they are held back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from sdnctl.errors import Diagnostic

# codes that say "something is not there", which may be so because its own line has a fault
ABSENCES = frozenset(
    {
        "access-line-broken",
        "access-line-dark",
        "access-line-elsewhere",
        "cable-length-unknown",
        "cable-not-here",
        "dangling-reference",
        "link-broken",
        "link-incomplete",
        "link-rate-unknown",
        "no-such-port",
        "no-such-position",
        "no-such-strand",
        "no-such-strand-end",
        "one-way-link",
    }
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Faults:
    """What was lost when files were read: whole files, and objects by id."""

    lost: Collection[str]
    broken: Collection[str]

    def lost_any(self, *files: str) -> bool:
        """Whether one of the files (or of the folders, ending in ``/``) could not be used at all."""
        return any(
            one == file or (file.endswith("/") and one.startswith(file)) for one in self.lost for file in files
        )

    def keep(self, diagnostics: Iterable[Diagnostic], *gone: str) -> Iterator[Diagnostic]:
        """All but those that miss an object that was left out, or one of the kinds `gone` (of lost files)."""
        for one in diagnostics:
            if one.code in ABSENCES:
                named = set(_NAME.findall(one.summary))
                if named & set(self.broken) or any(f"there is no {kind} " in one.summary for kind in gone):
                    continue
            yield one
